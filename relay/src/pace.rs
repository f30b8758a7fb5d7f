//! How often an address may do something: so many times at once, then once each time a pause has
//! passed. Pure: the time comes from outside, so that simulations can be repeated.
//!
//! Invariants: what is remembered is bounded; an address that did nothing for long enough is as good
//! as new. IPv6 addresses count by their /64, which is what one subscriber has.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Addresses remembered. An attacker with more of them is not slowed down by this.
const ADDRESSES: usize = 4096;

/// See the module.
#[derive(Debug)]
pub(crate) struct Pace {
    at_once: u32,
    again_after: Duration,
    counts: Mutex<HashMap<IpAddr, Count>>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    /// Those not forgiven yet.
    done: u32,
    since: Instant,
}

impl Pace {
    pub(crate) fn new(at_once: u32, again_after: Duration) -> Self {
        Self {
            at_once,
            again_after,
            counts: Mutex::default(),
        }
    }

    /// How long the address has to wait; `None` if it may go on.
    pub(crate) fn wait(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        let count = *self.lock().get(&subscriber(from))?;
        let count = self.forgiven(count, now);
        if count.done < self.at_once {
            return None;
        }
        let passed = now.saturating_duration_since(count.since);
        Some(self.again_after.saturating_sub(passed))
    }

    /// Counts one.
    pub(crate) fn count(&self, from: IpAddr, now: Instant) {
        let from = subscriber(from);
        let mut counts = self.lock();
        if counts.len() >= ADDRESSES && !counts.contains_key(&from) {
            counts.retain(|_, count| self.forgiven(*count, now).done > 0);
            if counts.len() >= ADDRESSES {
                // Forgetting one that is still counted beats growing without bound.
                let any = counts.keys().next().copied();
                any.map(|address| counts.remove(&address));
            }
        }
        let fresh = Count {
            done: 0,
            since: now,
        };
        let counted = counts.entry(from).or_insert(fresh);
        *counted = self.forgiven(*counted, now);
        counted.done = (counted.done + 1).min(self.at_once);
    }

    fn forgiven(&self, count: Count, now: Instant) -> Count {
        let passed = now.saturating_duration_since(count.since).as_nanos();
        let forgiven = passed / self.again_after.as_nanos().max(1);
        let forgiven = u32::try_from(forgiven).unwrap_or(u32::MAX);
        if forgiven >= count.done {
            return Count {
                done: 0,
                since: now,
            };
        }
        Count {
            done: count.done - forgiven,
            since: count.since + self.again_after * forgiven,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, Count>> {
        // A count that was being changed is as good before as after.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts as one address.
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = v6.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(5);

    fn v4(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn so_many_at_once_then_one_per_pause_and_each_address_for_itself() {
        let pace = Pace::new(3, PAUSE);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(pace.wait(v4(1), start), None);
            pace.count(v4(1), start);
        }
        assert_eq!(pace.wait(v4(1), start), Some(PAUSE));
        assert_eq!(pace.wait(v4(2), start), None);
        assert_eq!(pace.wait(v4(1), start + PAUSE), None);
        pace.count(v4(1), start + PAUSE);
        assert_eq!(pace.wait(v4(1), start + PAUSE), Some(PAUSE));
        assert_eq!(pace.wait(v4(1), start + PAUSE * 10), None);
    }

    #[test]
    fn the_addresses_remembered_are_bounded() {
        let pace = Pace::new(3, PAUSE);
        let now = Instant::now();
        for n in 0..(ADDRESSES as u32 + 100) {
            pace.count(v4(n), now);
        }
        assert!(pace.lock().len() <= ADDRESSES);
    }

    #[test]
    fn a_subscriber_of_ipv6_is_a_network() {
        let subscriber = |s: &str| subscriber(s.parse().unwrap());
        assert_eq!(subscriber("2001:db8::1"), subscriber("2001:db8::ffff"));
        assert_ne!(subscriber("2001:db8::1"), subscriber("2001:db8:0:1::1"));
        assert_eq!(subscriber("::ffff:192.0.2.1"), v4(0xc000_0201));
    }
}
