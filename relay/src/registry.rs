//! Who is known, and in which group: the answer to "whom is this message for?".
//!
//! A copy in memory of what the store keeps; whoever changes it changes the store first. Names are
//! never forgotten by themselves. Members of a group stand in the order in which they came.
//!
//! Invariant: of several registrations of a name, under way at once, the one that the store was asked
//! for last is the one that counts here, in whatever order the answers come.

use std::collections::HashMap;

use tidings_protocol::{Group, Name, Target};

use crate::store::Registration;

#[derive(Debug, Default)]
pub(crate) struct Registry {
    groups: HashMap<Name, Known>,
    members: HashMap<Group, Vec<Name>>,
    /// The newest registration of each name that the store was asked for, unless it is known what
    /// became of it. There are as many as calls to the store under way, and those that it did not
    /// answer.
    asked: HashMap<Name, Order>,
    last: Order,
}

/// Grows with every registration that the store is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order(u64);

#[derive(Debug)]
struct Known {
    group: Group,
    order: Order,
}

/// What a registration needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Needed {
    /// Nothing: that is what is known.
    Nothing,
    /// The store's consent.
    Asking(Order),
    /// A place: so many are known, and no more are taken.
    Place(usize),
}

/// Whom a message is for, at the moment of asking.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) known: Vec<Name>,
    pub(crate) unknown: Vec<Name>,
}

impl Registry {
    /// Begins a registration, of at most `bound` names. If it needs the store, the store is to be
    /// asked before the next one begins; its answer goes to [`Self::kept`] or [`Self::not_kept`].
    pub(crate) fn ask(&mut self, registration: &Registration, bound: usize) -> Needed {
        let name = &registration.name;
        match self.groups.get(name) {
            // While another is under way, what is known may be out of date.
            Some(known) if known.group == registration.group && !self.asked.contains_key(name) => {
                return Needed::Nothing;
            }
            None if !self.asked.contains_key(name) && self.taken(bound) >= bound => {
                return Needed::Place(self.groups.len());
            }
            _ => {}
        }
        self.last.0 += 1;
        self.asked.insert(name.clone(), self.last);
        Needed::Asking(self.last)
    }

    /// Places taken, of `bound`: by names that are known or may soon be.
    fn taken(&self, bound: usize) -> usize {
        let known = self.groups.len();
        if known + self.asked.len() < bound {
            return known;
        }
        let new = |name: &&Name| !self.groups.contains_key(*name);
        known + self.asked.keys().filter(new).count()
    }

    /// The store keeps a registration.
    pub(crate) fn kept(&mut self, registration: Registration, order: Order) {
        if self.asked.get(&registration.name) == Some(&order) {
            self.asked.remove(&registration.name);
        }
        self.register(registration, order);
    }

    /// The store did not keep a registration.
    pub(crate) fn not_kept(&mut self, name: &Name, order: Order) {
        if self.asked.get(name) == Some(&order) {
            self.asked.remove(name);
        }
    }

    /// Takes over what the store held at the start.
    pub(crate) fn known(registrations: impl IntoIterator<Item = Registration>) -> Self {
        let mut registry = Self::default();
        for registration in registrations {
            registry.register(registration, Order::default());
        }
        registry
    }

    fn register(&mut self, Registration { name, group }: Registration, order: Order) {
        if self
            .groups
            .get(&name)
            .is_some_and(|known| known.order > order)
        {
            return;
        }
        let known = Known {
            group: group.clone(),
            order,
        };
        let old = self.groups.insert(name.clone(), known);
        let old = old.map(|known| known.group);
        if old.as_ref() == Some(&group) {
            return;
        }
        if let Some(old) = old
            && let Some(members) = self.members.get_mut(&old)
        {
            members.retain(|member| *member != name);
            if members.is_empty() {
                self.members.remove(&old);
            }
        }
        if !group.is_none() {
            self.members.entry(group).or_default().push(name);
        }
    }

    /// The group of this name, else the client of this name, if there is one.
    pub(crate) fn named(&self, name: &str) -> Option<Target> {
        if let Some((group, _)) = self.members.get_key_value(name) {
            return Some(Target::Group(group.clone()));
        }
        let (name, _) = self.groups.get_key_value(name)?;
        Some(Target::Personal(name.clone()))
    }

    /// The group a client is registered with; the empty one for somebody unknown.
    pub(crate) fn group(&self, name: &Name) -> Group {
        self.groups
            .get(name)
            .map_or_else(Group::none, |known| known.group.clone())
    }

    pub(crate) fn resolve(&self, target: &Target) -> Resolved {
        match target {
            Target::Personal(name) => {
                let (known, unknown) = if self.groups.contains_key(name) {
                    (vec![name.clone()], Vec::new())
                } else {
                    (Vec::new(), vec![name.clone()])
                };
                Resolved { known, unknown }
            }
            Target::Group(group) => Resolved {
                known: self.members.get(group).cloned().unwrap_or_default(),
                unknown: Vec::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_follow_their_members() {
        let mut registry = Registry::default();
        let name = |s: &str| Name::new(s).unwrap();
        let group = |s: &str| Group::new(s).unwrap();
        let mut register = |n: &str, g: &str| {
            let (name, group) = (name(n), group(g));
            registry.register(Registration { name, group }, Order::default());
        };
        for (n, g) in [
            ("m2", "G"),
            ("m1", "G"),
            ("m3", ""),
            ("m2", "G"),
            ("m1", "H"),
        ] {
            register(n, g);
        }
        let known = |target| registry.resolve(&target).known;
        assert_eq!(known(Target::Group(group("G"))), [name("m2")]);
        assert_eq!(known(Target::Group(group("H"))), [name("m1")]);
        assert_eq!(known(Target::Group(Group::none())), []);
        assert_eq!(known(Target::Personal(name("m3"))), [name("m3")]);
        let ghost = registry.resolve(&Target::Personal(name("ghost")));
        assert_eq!(ghost.unknown, [name("ghost")]);
    }

    #[test]
    fn the_registration_asked_for_last_counts() {
        let mut registry = Registry::default();
        let m = |group: &str| Registration {
            name: Name::new("m").unwrap(),
            group: Group::new(group).unwrap(),
        };
        let ask = |registry: &mut Registry, group: &str| match registry.ask(&m(group), 1) {
            Needed::Asking(order) => order,
            other => panic!("{other:?}"),
        };
        let (old, new) = (ask(&mut registry, "old"), ask(&mut registry, "new"));
        registry.kept(m("new"), new);
        registry.kept(m("old"), old);
        let of = |group: &str| Target::Group(Group::new(group).unwrap());
        assert_eq!(registry.resolve(&of("new")).known, [m("").name]);
        assert_eq!(registry.resolve(&of("old")).known, []);
        assert_eq!(registry.ask(&m("new"), 1), Needed::Nothing);
        // While one is under way, what is known is not what will be.
        let other = ask(&mut registry, "other");
        let back = ask(&mut registry, "new");
        registry.not_kept(&m("").name, back);
        registry.kept(m("other"), other);
        assert_eq!(registry.ask(&m("other"), 1), Needed::Nothing);
    }

    #[test]
    fn names_under_way_take_their_places() {
        let mut registry = Registry::default();
        let of = |name: &str| Registration {
            name: Name::new(name).unwrap(),
            group: Group::none(),
        };
        let Needed::Asking(first) = registry.ask(&of("a"), 1) else {
            panic!("no place for the first")
        };
        assert_eq!(registry.ask(&of("b"), 1), Needed::Place(0));
        registry.not_kept(&of("a").name, first);
        assert!(matches!(registry.ask(&of("b"), 1), Needed::Asking(_)));
    }
}
