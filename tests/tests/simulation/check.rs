//! What must hold of the disks: while the run goes on, and at its end.

use std::collections::{BTreeMap, BTreeSet};

use tidings_protocol::{Mid, Name};

use crate::desk::{Disk, ROWS, RowState};

/// The disks of all desks.
pub(crate) type Disks<'a> = BTreeMap<&'a Name, &'a Disk>;

/// What no moment may show: a message twice, or out of its sender's order.
pub(crate) fn safety(disks: &Disks<'_>) -> Result<(), String> {
    for (owner, disk) in disks {
        let mut mids: BTreeMap<(&Name, usize), &Mid> = BTreeMap::new();
        let mut last: BTreeMap<&Name, usize> = BTreeMap::new();
        for received in &disk.inbox {
            let (from, number) = (&received.from, received.number);
            if let Some(first) = mids.insert((from, number), &received.mid) {
                let second = &received.mid;
                return Err(format!(
                    "{owner} has {from}'s message {number} twice: {first} and {second}"
                ));
            }
            // One whose outcome its sender does not know may arrive late: the base protocol has
            // nothing to hold it back with.
            let row = disks.get(from).and_then(|sender| sender.rows.get(number));
            if row.is_none_or(|row| row.state == RowState::Unknown) {
                continue;
            }
            if let Some(before) = last.insert(from, number)
                && before > number
            {
                return Err(format!(
                    "{owner} has {from}'s message {number} after {before}: out of order"
                ));
            }
        }
    }
    Ok(())
}

/// Whether all is written, settled and received; what is missing, if not.
pub(crate) fn completeness(disks: &Disks<'_>) -> Result<(), String> {
    let received: BTreeSet<(&Name, &Name, usize)> = disks
        .iter()
        .flat_map(|(owner, disk)| disk.inbox.iter().map(|r| (*owner, &r.from, r.number)))
        .collect();
    for (sender, disk) in disks {
        if disk.rows.len() < ROWS {
            return Err(format!(
                "{sender} has written {} of {ROWS} messages",
                disk.rows.len()
            ));
        }
        for (number, row) in disk.rows.iter().enumerate() {
            match &row.state {
                RowState::Queued | RowState::Offered => {
                    return Err(format!("{sender}'s message {number} is not settled"));
                }
                RowState::Unknown => {}
                RowState::Accepted(names) => {
                    if let Some(name) = names
                        .iter()
                        .find(|n| !received.contains(&(n, sender, number)))
                    {
                        return Err(format!(
                            "{sender}'s message {number} was accepted for {name} and is not there"
                        ));
                    }
                }
            }
        }
    }
    Ok(())
}
