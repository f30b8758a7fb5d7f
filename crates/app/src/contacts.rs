//! Whom a message can go to: what relays tell of their clients, and whom this computer wrote to. Pure.
//!
//! Owns the lists of the relays, in memory: they are asked for again on each connection. What was written is
//! the inbox's, and given to each question.
//!
//! Invariants: a list that comes in pieces takes the place of the last one when it is whole; a relay's list
//! is bounded; groups are what their members say, and nobody is in two.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use tidings_protocol::Directory;

use crate::types::{Contact, Recipient, RelayId};

/// Clients known of one relay, at most: what a question may be answered with. Those beyond them can be
/// written to by name.
const KNOWN: usize = 10_000;

/// Somebody this computer wrote to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recent {
    pub(crate) relay: RelayId,
    pub(crate) to: Recipient,
    /// When last; milliseconds since 1970.
    pub(crate) at: u64,
}

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Contacts {
    relays: HashMap<RelayId, List>,
}

#[derive(Debug, Default)]
struct List {
    clients: BTreeMap<String, Client>,
    /// A new list, of which more is to come.
    coming: Option<BTreeMap<String, Client>>,
    /// Whether it is kept up to date now.
    live: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Client {
    group: String,
    online: bool,
    last_seen: Option<u64>,
}

impl Contacts {
    /// A relay tells of clients. True if that changed anything for those who ask.
    pub(crate) fn heard(&mut self, relay: &RelayId, some: Directory) -> bool {
        let list = self.relays.entry(relay.clone()).or_default();
        if some.reset {
            list.coming = Some(BTreeMap::new());
        }
        let mut changed = false;
        let into = list.coming.as_mut().unwrap_or(&mut list.clients);
        for known in some.clients {
            let name = known.name.to_string();
            if into.len() >= KNOWN && !into.contains_key(&name) {
                continue;
            }
            let client = Client {
                group: known.group.to_string(),
                online: known.online,
                last_seen: known.last_seen,
            };
            changed |= into.get(&name) != Some(&client);
            into.insert(name, client);
        }
        if some.more {
            return false;
        }
        let live = std::mem::replace(&mut list.live, true);
        match list.coming.take() {
            Some(new) => {
                let changed = !live || list.clients != new;
                list.clients = new;
                changed
            }
            None => changed,
        }
    }

    /// The line to a relay is gone: who is connected is not known any more. True if it was.
    pub(crate) fn offline(&mut self, relay: &RelayId) -> bool {
        self.relays.get_mut(relay).is_some_and(|list| {
            list.coming = None;
            std::mem::take(&mut list.live)
        })
    }

    /// A relay was left. True if anybody was known of it.
    pub(crate) fn forget(&mut self, relay: &RelayId) -> bool {
        self.relays.remove(relay).is_some()
    }

    /// Those of these relays with a part of their name that begins with each of the words, at most so many:
    /// whom this computer wrote to last first, then who is connected, then by name.
    pub(crate) fn matching(
        &self,
        search: &str,
        relays: &[RelayId],
        recents: &[Recent],
        limit: usize,
    ) -> Vec<Contact> {
        let wanted = Search::of(search);
        let mut found: HashMap<(RelayId, Recipient), Contact> = HashMap::new();
        for relay in relays {
            for contact in self.of(relay) {
                if wanted.fits(&contact.to) {
                    found.insert((relay.clone(), contact.to.clone()), contact);
                }
            }
        }
        let recents = recents
            .iter()
            .filter(|recent| relays.contains(&recent.relay));
        for recent in recents.filter(|recent| wanted.fits(&recent.to)) {
            let key = (recent.relay.clone(), recent.to.clone());
            let contact = found.entry(key).or_insert_with(|| Contact {
                to: recent.to.clone(),
                relay: recent.relay.clone(),
                group: String::new(),
                members: 0,
                online: None,
                last_seen: None,
                written_at: None,
            });
            contact.written_at = contact.written_at.max(Some(recent.at));
        }
        let mut found: Vec<_> = found.into_values().collect();
        found.sort_by_cached_key(|contact| {
            let (Recipient::Person(name) | Recipient::Group(name)) = &contact.to;
            let place = relays.iter().position(|relay| *relay == contact.relay);
            (
                Reverse(contact.written_at),
                contact.online != Some(true),
                name.to_lowercase(),
                matches!(contact.to, Recipient::Group(_)),
                place,
            )
        });
        found.truncate(limit);
        found
    }

    /// The people and groups of a relay.
    fn of(&self, relay: &RelayId) -> Vec<Contact> {
        let Some(list) = self.relays.get(relay) else {
            return Vec::new();
        };
        let contact = |to: Recipient| Contact {
            to,
            relay: relay.clone(),
            group: String::new(),
            members: 0,
            online: list.live.then_some(false),
            last_seen: None,
            written_at: None,
        };
        let mut groups: BTreeMap<&str, Contact> = BTreeMap::new();
        let mut all = Vec::with_capacity(list.clients.len());
        for (name, client) in &list.clients {
            let online = list.live.then_some(client.online);
            if !client.group.is_empty() {
                let group = groups
                    .entry(&client.group)
                    .or_insert_with(|| contact(Recipient::Group(client.group.clone())));
                group.members += 1;
                group.online = group.online.max(online);
            }
            all.push(Contact {
                group: client.group.clone(),
                online,
                last_seen: client.last_seen,
                ..contact(Recipient::Person(name.clone()))
            });
        }
        all.extend(groups.into_values());
        all
    }
}

/// What a person types into the field of recipients.
struct Search {
    words: Vec<String>,
    /// It began with the sign that groups are written with.
    groups: bool,
}

impl Search {
    fn of(text: &str) -> Self {
        let text = text.trim();
        let (text, groups) = match text.strip_prefix('@') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let words = text.split_whitespace().map(str::to_lowercase).collect();
        Self { words, groups }
    }

    fn fits(&self, to: &Recipient) -> bool {
        let name = match to {
            Recipient::Person(_) if self.groups => return false,
            Recipient::Person(name) | Recipient::Group(name) => name.to_lowercase(),
        };
        self.words.iter().all(|word| has_part(&name, word))
    }
}

/// Whether a part of a name begins so. Parts begin after what is no letter or digit; of a script without
/// capitals and spaces, such as Chinese, at each letter.
fn has_part(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let before = name.get(..at).and_then(|before| before.chars().next_back());
        let first = word.chars().next();
        before.is_none_or(|before| !before.is_alphanumeric())
            || first.is_some_and(|first| !first.is_alphanumeric())
            || first.is_some_and(|first| first.is_alphabetic() && !first.is_lowercase())
    })
}

#[cfg(test)]
mod tests;
