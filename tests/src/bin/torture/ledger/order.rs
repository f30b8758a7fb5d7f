//! Order: per sender and recipient, first deliveries come in the order of sending.
//!
//! Two messages of a sender to one recipient must come in order when the sender had the outcome of
//! the first before it sent the second; and also when it had not, but sent both in order on one
//! connection, or over a connection each with the death of the relay between them (a `ref` whose
//! outcome is unknown is tried again before anything new). Rightly late, and compared only with what
//! was sent after its outcome was known, is a message that was refused and tried again; one that
//! was tried again after the disk had been full, as it may have been refused unheard, while its
//! followers were not; and one whose connection ended, while the relay lived on to store it.

use super::{Findings, Ledger, Message};
use crate::cast::Id;

/// Whether `first`, the earlier one, has to come before `second`.
fn ordered(first: &Message, second: &Message) -> bool {
    !first.late || first.outcome_at < second.first_sent
}

pub(super) fn reordered(ledger: &Ledger) -> Findings {
    let mut found = Findings::default();
    for ((sender, recipient), numbers) in &ledger.firsts {
        let of = |number| {
            ledger.message(Id {
                sender: *sender,
                number,
            })
        };
        let mut highest = 0;
        for (index, number) in numbers.iter().enumerate() {
            if *number >= highest {
                highest = *number;
                continue;
            }
            // Rare: whom did it come after?
            let overtook = numbers.iter().take(index).find(|earlier| {
                let pair = of(*number).zip(of(**earlier));
                *earlier > number && pair.is_some_and(|(first, second)| ordered(first, second))
            });
            if let Some(earlier) = overtook {
                found.add(|| {
                    format!("s{sender}-{earlier} came to r{recipient} before s{sender}-{number}")
                });
            }
        }
    }
    found
}
