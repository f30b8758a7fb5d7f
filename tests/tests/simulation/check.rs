//! What must hold, by name, and the checks that look at disks: while a run goes on, and at its end.
//! Those that listen to the wire are the watch's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tidings_protocol::{Mid, Name, Status};

use crate::disk::{Disks, RowState, Which, lock};
use crate::plan::Plan;

/// What must hold of every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invariant {
    /// A recipient has a message once.
    ExactlyOnce,
    /// A recipient has the messages of a sender in the order in which they were sent.
    InOrder,
    /// What was accepted is delivered; or its time was over, and its status says so.
    DeliveredOrExpired,
    /// What was refused for somebody is not delivered to them, nor what is for others.
    OnlyToRecipients,
    /// Every message is answered, and no message twice.
    OneReply,
    /// No reply speaks of what is not durable.
    DurableFirst,
    /// `ok` is final.
    OkIsFinal,
    /// A confirmation follows the recipient's durable row, and `ok` the durable confirmation.
    RowFirst,
    /// A mid stands for one message for ever, and mids grow.
    MidOnce,
    /// What is confirmed, or expired, is not sent again.
    NotAgain,
    /// No message expires before its time.
    NotTooEarly,
    /// What is held is sent to nobody before it is due, and soon after.
    HeldUntilDue,
    /// What is said to be taken back is sent to nobody.
    CancelledForGood,
    /// A sender is shown all that is held of it, and nothing else.
    ShownWhatIsHeld,
    /// A message makes way for a later one of its sender and key, and for no other.
    LaterOfKey,
    /// A client is reminded of what it has confirmed and nobody has settled.
    RemindedUntilSettled,
    /// A sender is told what is so, once per connection, and in the end all of it.
    Receipts,
    /// Whatever happened before, once the trouble is over all comes to its end.
    Settles,
}

/// What did not hold.
#[derive(Debug, Clone)]
pub(crate) struct Violation(pub(crate) Invariant, pub(crate) String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0, self.1)
    }
}

pub(crate) type Checked = Result<(), Violation>;

/// Fails, naming what does not hold.
macro_rules! violation {
    ($invariant:ident, $($words:tt)*) => {
        Err($crate::check::Violation(
            $crate::check::Invariant::$invariant,
            format!($($words)*),
        ))
    };
}
pub(crate) use violation;

/// What no moment may show: a message twice, or out of its sender's order.
pub(crate) fn safety(disks: &Disks, plan: &Plan, came_anew: impl Fn(&Which) -> bool) -> Checked {
    for (owner, disk) in disks {
        let inbox = lock(disk).inbox.clone();
        let mut mids: BTreeMap<&Which, &Mid> = BTreeMap::new();
        let mut last: BTreeMap<&Name, usize> = BTreeMap::new();
        for received in &inbox {
            let Which { sender, number } = &received.which;
            if let Some(first) = mids.insert(&received.which, &received.mid) {
                let second = &received.mid;
                return violation!(
                    ExactlyOnce,
                    "{owner} has {sender}'s message {number} twice: {first} and {second}"
                );
            }
            let Some(writer) = disks.get(sender) else {
                return violation!(OnlyToRecipients, "{owner} has a message of {sender}");
            };
            let writer = lock(writer);
            // One whose outcome its sender does not know may arrive late: there is nothing to hold it
            // back with. Nor is there where its `ref` is forgotten, and it expired meanwhile.
            // What is held has its place by when it is due.
            if writer.rows.get(*number).is_none_or(|row| {
                row.state == RowState::Unknown
                    || row.delay.is_some()
                    || (plan.forgets_refs && row.ttl.is_some())
            }) || came_anew(&received.which)
            {
                continue;
            }
            if let Some(before) = last.insert(sender, *number)
                && before > *number
            {
                return violation!(
                    InOrder,
                    "{owner} has {sender}'s message {number} after {before}"
                );
            }
        }
    }
    Ok(())
}

/// Whether all is settled and received; what is missing, if not. `fate` is what the relay's disk says.
pub(crate) fn completeness(
    disks: &Disks,
    plan: &Plan,
    written: usize,
    mut fate: impl FnMut(&Which, &Name) -> Option<Status>,
) -> Checked {
    let mut received: BTreeSet<(Name, Which)> = BTreeSet::new();
    for (owner, disk) in disks {
        let inbox = &lock(disk).inbox;
        received.extend(inbox.iter().map(|r| (owner.clone(), r.which.clone())));
    }
    for (sender, disk) in disks {
        let disk = lock(disk);
        if disk.rows.len() < written {
            let rows = disk.rows.len();
            return violation!(Settles, "{sender} has written {rows} of {written} messages");
        }
        for (number, row) in disk.rows.iter().enumerate() {
            let which = Which {
                sender: sender.clone(),
                number,
            };
            if matches!(row.state, RowState::Queued | RowState::Offered) {
                return violation!(Settles, "{sender}'s message {number} is not settled");
            }
            for name in row.taken_for() {
                let there = received.contains(&(name.clone(), which.clone()));
                let said = fate(&which, name);
                // Some are read and expire, or make way, before their confirmation comes.
                if row.ttl.is_some() && said == Some(Status::Expired)
                    || row.key.is_some() && said == Some(Status::Superseded)
                    || row.delay.is_some() && said == Some(Status::Cancelled) && !there
                {
                    continue;
                }
                if !there {
                    return violation!(
                        DeliveredOrExpired,
                        "{sender}'s message {number} was accepted for {name}, is not there, and \
                         the relay says {said:?}"
                    );
                }
                if said != Some(Status::Ok) {
                    return violation!(
                        Settles,
                        "{name} has {sender}'s message {number}, and the relay says {said:?}"
                    );
                }
            }
            if row.cancelled
                && let Some((name, _)) = received.iter().find(|(_, w)| *w == which)
            {
                return violation!(
                    CancelledForGood,
                    "{name} has {sender}'s message {number}, which was taken back"
                );
            }
            if let RowState::Replied(_) = row.state
                && row.ttl.is_none()
                // One that made way for another one may have been read, and is refused all the same.
                && row.key.is_none()
                // What was taken once may be refused when it comes again as another message.
                && !plan.forgets_refs
                && let Some((name, _)) = received.iter().find(|(name, w)| {
                    *w == which && !row.taken_for().any(|taken_for| taken_for == name)
                })
            {
                return violation!(
                    OnlyToRecipients,
                    "{name} has {sender}'s message {number}, of which the relay said {:?}",
                    row.state
                );
            }
        }
    }
    Ok(())
}
