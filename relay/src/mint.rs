//! Mids. Pure: the clock's reading comes in.
//!
//! A mid reads as milliseconds since 1970 in 13 decimal digits, because clients show it as the
//! message's time and sort by it. Invariant: mids of one relay only grow, whatever its clock does;
//! the store keeps the highest one, and a relay that starts goes on above it. More than one
//! message in a millisecond runs ahead of the clock, which catches up when the burst is over.

use tidings_protocol::Mid;

/// The largest number of 13 digits: the year 2286.
const LARGEST: u64 = 9_999_999_999_999;
/// The smallest: 2001. A clock before it is wrong, and a mid still has 13 digits.
const SMALLEST: u64 = 1_000_000_000_000;

/// A mid as a number: what stores keep and compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MidNumber(u64);

impl MidNumber {
    /// A mid of ours; `None` where the number has no 13 digits.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        (SMALLEST..=LARGEST)
            .contains(&number)
            .then_some(Self(number))
    }

    /// Reads what a client sent; `None` for anything that is no mid of ours.
    #[must_use]
    pub fn parse(mid: &Mid) -> Option<Self> {
        let text = mid.as_str();
        if text.len() != 13 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        text.parse().ok().and_then(Self::new)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The mid as the wire has it.
    #[must_use]
    pub fn to_mid(self) -> Mid {
        #[expect(
            clippy::expect_used,
            reason = "13 digits: within the limit, no control character"
        )]
        Mid::new(self.0.to_string()).expect("13 digits are a mid")
    }
}

impl std::fmt::Display for MidNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Gives out mids.
#[derive(Debug)]
pub(crate) struct Mint {
    last: u64,
}

impl Mint {
    /// Goes on above `highest`, the highest mid that was ever given out.
    pub(crate) fn new(highest: Option<MidNumber>) -> Self {
        Self {
            last: highest.map_or(SMALLEST, MidNumber::number),
        }
    }

    /// The next mid at `now_ms`; `None` when 13 digits are used up, in 2286.
    pub(crate) fn next(&mut self, now_ms: u64) -> Option<MidNumber> {
        let next = MidNumber::new((self.last + 1).max(now_ms.clamp(SMALLEST, LARGEST)))?;
        self.last = next.0;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_02_mids_grow_within_a_millisecond_across_clock_steps_and_restarts() {
        let mut mint = Mint::new(None);
        let first = mint.next(1_795_414_055_651).unwrap();
        assert_eq!(first.number(), 1_795_414_055_651);
        let second = mint.next(1_795_414_055_651).unwrap();
        let back = mint.next(1_600_000_000_000).unwrap();
        assert!(first < second && second < back);
        let mut restarted = Mint::new(Some(back));
        assert!(restarted.next(0).unwrap() > back);
        assert_eq!(restarted.next(u64::MAX).unwrap().number(), LARGEST);
        assert_eq!(restarted.next(u64::MAX), None);
    }

    #[test]
    fn only_13_digits_are_a_mid_of_ours() {
        let number = |s: &str| MidNumber::parse(&Mid::new(s).unwrap());
        assert!(number("1795414055651").is_some());
        for odd in [
            "1",
            "0795414055651",
            "17954140556510",
            "+795414055651",
            "1795414055651.5",
        ] {
            assert_eq!(number(odd), None, "{odd}");
        }
    }
}
