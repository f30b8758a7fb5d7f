//! Who is known, who is connected, and what of it changed since somebody looked last.
//!
//! Every change of a client gets the next number, and takes the client's earlier one away: a reader asks
//! for what follows the number it has seen, so that it is told each client once in its newest state,
//! however slow it is, and nothing is queued for it. A new reader asks from 0 on, which is everything.
//!
//! Invariants: a client has one place in the log; a change costs as much as it takes to find one client;
//! readers are woken at most once in [`GATHER`], however much changed.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tidings_protocol::{Group, Known, Name};
use tokio::sync::{Notify, watch};

/// Changes are gathered for so long: a relay that was restarted has thousands of them at once.
pub(crate) const GATHER: Duration = Duration::from_millis(300);

/// See the module.
#[derive(Debug)]
pub(crate) struct Directory {
    state: Mutex<State>,
    /// Rung by the first change after [`Self::publish`].
    pub(crate) changed: Arc<Notify>,
    /// Rung by the first sight of somebody after [`Self::unsaved`].
    pub(crate) seen: Arc<Notify>,
    published: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    clients: HashMap<Name, Client>,
    log: BTreeMap<u64, Name>,
    /// Who was seen and is not written down so.
    unsaved: HashSet<Name>,
}

#[derive(Debug)]
struct Client {
    group: Group,
    /// The lease of its connection.
    online: Option<u64>,
    seen_ms: Option<u64>,
    at: u64,
}

/// Some of what a reader has not seen.
#[derive(Debug, PartialEq)]
pub(crate) struct News {
    pub(crate) clients: Vec<Known>,
    /// Ask from here on next.
    pub(crate) to: u64,
    /// There is more.
    pub(crate) more: bool,
}

impl Directory {
    /// Of these clients, and when those of them were seen last that were: milliseconds since 1970.
    pub(crate) fn new(
        known: impl IntoIterator<Item = (Name, Group)>,
        seen: impl IntoIterator<Item = (Name, u64)>,
    ) -> Self {
        let directory = Self {
            state: Mutex::default(),
            changed: Arc::default(),
            seen: Arc::default(),
            published: watch::Sender::new(0),
        };
        for (name, group) in known {
            directory.registered(&name, &group);
        }
        for (name, at_ms) in seen {
            if let Some(client) = directory.lock().clients.get_mut(&name) {
                client.seen_ms = Some(at_ms);
            }
        }
        directory.publish();
        directory
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Half a change, after a panic, is set right by the client's next one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client is known, with this group.
    pub(crate) fn registered(&self, name: &Name, group: &Group) {
        self.change(name, |client| {
            let changed = client.group != *group || client.at == 0;
            client.group = group.clone();
            changed
        });
    }

    /// It has a connection, of this lease.
    pub(crate) fn connected(&self, name: &Name, epoch: u64, now_ms: u64) {
        self.change(name, |client| {
            if client.online.is_some_and(|other| other > epoch) {
                return false;
            }
            client.seen_ms = Some(now_ms);
            client.online.replace(epoch).is_none()
        });
        self.to_save(name);
    }

    /// That connection is gone.
    pub(crate) fn left(&self, name: &Name, epoch: u64, now_ms: u64) {
        self.change(name, |client| {
            let gone = client.online.take_if(|of| *of == epoch).is_some();
            if gone {
                client.seen_ms = Some(now_ms);
            }
            gone
        });
        self.to_save(name);
    }

    fn to_save(&self, name: &Name) {
        if self.lock().unsaved.insert(name.clone()) {
            self.seen.notify_one();
        }
    }

    /// When those were seen last who were seen since this was last asked.
    pub(crate) fn unsaved(&self) -> Vec<(Name, u64)> {
        let mut state = self.lock();
        let names = std::mem::take(&mut state.unsaved).into_iter();
        let mut seen: Vec<_> = names
            .filter_map(|name| {
                let at_ms = state.clients.get(&name)?.seen_ms?;
                Some((name, at_ms))
            })
            .collect();
        // In an order that does not differ from run to run, so that a simulated one can be repeated.
        seen.sort();
        seen
    }

    fn change(&self, name: &Name, change: impl FnOnce(&mut Client) -> bool) {
        let mut state = self.lock();
        let next = state.last + 1;
        let State {
            clients, log, last, ..
        } = &mut *state;
        let client = clients.entry(name.clone()).or_insert_with(|| Client {
            group: Group::none(),
            online: None,
            seen_ms: None,
            at: 0,
        });
        if !change(client) && client.at != 0 {
            return;
        }
        log.remove(&client.at);
        log.insert(next, name.clone());
        client.at = next;
        *last = next;
        drop(state);
        self.changed.notify_one();
    }

    /// Tells the readers of all changes so far.
    pub(crate) fn publish(&self) {
        let last = self.lock().last;
        self.published.send_if_modified(|published| {
            let changed = *published != last;
            *published = last;
            changed
        });
    }

    /// Follows [`Self::publish`].
    pub(crate) fn published(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    /// What changed after `seen`; `limit` changes are looked at, those of clients that are not to be
    /// shown included.
    pub(crate) fn news(&self, seen: u64, limit: usize, shown: impl Fn(&Name) -> bool) -> News {
        let state = self.lock();
        let mut rest = state.log.range(seen.saturating_add(1)..);
        let mut news = News {
            clients: Vec::new(),
            to: seen,
            more: false,
        };
        for (at, name) in rest.by_ref().take(limit) {
            news.to = *at;
            if let Some(client) = state.clients.get(name).filter(|_| shown(name)) {
                news.clients.push(Known {
                    name: name.clone(),
                    group: client.group.clone(),
                    online: client.online.is_some(),
                    last_seen: client.seen_ms,
                });
            }
        }
        news.more = rest.next().is_some();
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// What a reader is told, in short words.
    fn told(news: &News) -> Vec<String> {
        let word = |known: &Known| {
            let sign = if known.online { '+' } else { '-' };
            format!("{sign}{} {:?}", known.name, known.last_seen)
        };
        news.clients.iter().map(word).collect()
    }

    fn directory() -> Directory {
        Directory::new(["a", "b", "c"].map(|n| (name(n), Group::none())), [])
    }

    #[test]
    fn a_reader_sees_each_client_once_in_its_newest_state() {
        let directory = directory();
        let all = directory.news(0, 2, |_| true);
        assert_eq!(told(&all), ["-a None", "-b None"]);
        assert!(all.more);
        // What changes while it reads comes later.
        directory.connected(&name("a"), 1, 5);
        let rest = directory.news(all.to, 9, |_| true);
        assert_eq!(told(&rest), ["-c None", "+a Some(5)"]);
        assert!(!rest.more);
        for epoch in 2..100 {
            directory.connected(&name("b"), epoch, epoch);
            directory.left(&name("b"), epoch, epoch);
        }
        let news = directory.news(rest.to, 9, |_| true);
        assert_eq!(told(&news), ["-b Some(99)"]);
        assert_eq!(directory.lock().log.len(), 3);
    }

    #[test]
    fn the_newest_connection_counts() {
        let directory = directory();
        directory.connected(&name("a"), 2, 5);
        let seen = directory.news(0, 9, |_| true).to;
        // An older one that comes or goes late.
        directory.connected(&name("a"), 1, 6);
        directory.left(&name("a"), 1, 7);
        // One that takes over: nothing to be seen from outside.
        directory.connected(&name("a"), 3, 8);
        directory.left(&name("a"), 2, 9);
        assert!(directory.news(seen, 9, |_| true).clients.is_empty());
        directory.left(&name("a"), 3, 10);
        assert_eq!(told(&directory.news(seen, 9, |_| true)), ["-a Some(10)"]);
    }

    #[test]
    fn what_was_seen_is_saved_once_in_its_newest_state() {
        let directory = directory();
        assert!(directory.unsaved().is_empty());
        directory.connected(&name("b"), 1, 5);
        directory.left(&name("b"), 1, 6);
        directory.connected(&name("a"), 2, 7);
        let seen = directory.unsaved();
        assert_eq!(seen, [(name("a"), 7), (name("b"), 6)]);
        assert!(directory.unsaved().is_empty());
        let known = ["a", "b", "c"].map(|n| (name(n), Group::none()));
        let again = Directory::new(known, seen);
        let told = told(&again.news(0, 9, |_| true));
        assert_eq!(told, ["-a Some(7)", "-b Some(6)", "-c None"]);
    }

    #[test]
    fn whom_a_reader_may_not_see_it_is_not_told_of() {
        let directory = directory();
        let news = directory.news(0, 2, |n| *n == name("c"));
        assert!(news.clients.is_empty() && news.more);
        let news = directory.news(news.to, 2, |n| *n == name("c"));
        assert_eq!(told(&news), ["-c None"]);
    }

    #[test]
    fn readers_are_woken_once_for_many_changes() {
        let directory = directory();
        let mut published = directory.published();
        published.mark_unchanged();
        directory.connected(&name("a"), 1, 5);
        directory.connected(&name("b"), 1, 5);
        assert!(!published.has_changed().unwrap());
        directory.publish();
        assert!(published.has_changed().unwrap());
        published.mark_unchanged();
        directory.publish();
        assert!(!published.has_changed().unwrap());
    }
}
