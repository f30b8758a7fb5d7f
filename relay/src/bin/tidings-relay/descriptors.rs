//! Open files. Each connection is one, and many systems grant a process 1024 at first, far fewer than the
//! connections a relay carries; those are raised here as far as the system lets everybody.
//!
//! Invariant: there is room for the store's files and the rest of the process beside all connections. A
//! process without any cannot even answer whom it refuses.

/// Files that are no connections of clients: the store's, the log's, the runtime's, pushes under way.
const SPARE: u64 = 64;

/// Raises the limit for this many connections; how many fit, at most as many as asked for.
#[cfg(unix)]
pub(crate) fn make_room(connections: usize) -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let wanted = u64::try_from(connections)
        .unwrap_or(u64::MAX)
        .saturating_add(SPARE);
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let old = limit.current;
        limit.current = Some(limit.maximum.map_or(wanted, |most| most.min(wanted)));
        if setrlimit(Resource::Nofile, limit).is_err() {
            limit.current = old;
        }
    }
    let room = limit.current.map_or(wanted, |files| files.min(wanted));
    let room = usize::try_from(room.saturating_sub(SPARE)).unwrap_or(connections);
    if room < connections {
        tracing::warn!(
            "the system grants this process {} open files, so it takes {room} connections and not \
             {connections}: raise LimitNOFILE of its systemd unit or the `ulimit -n` of its shell, or lower \
             `connections`",
            limit.current.unwrap_or_default(),
        );
    }
    room
}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub(crate) fn make_room(connections: usize) -> usize {
    connections
}
