//! Who is known, and in which group: the answer to "whom is this message for?".
//!
//! A copy in memory of what the store keeps; whoever changes it changes the store first. Names are
//! never forgotten by themselves. Members of a group stand in the order in which they came.

use std::collections::HashMap;

use tidings_protocol::{Group, Name, Target};

use crate::store::Registration;

#[derive(Debug, Default)]
pub(crate) struct Registry {
    groups: HashMap<Name, Group>,
    members: HashMap<Group, Vec<Name>>,
}

/// Whom a message is for, at the moment of asking.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) known: Vec<Name>,
    pub(crate) unknown: Vec<Name>,
}

impl Registry {
    /// The group a client is registered with.
    pub(crate) fn group(&self, name: &Name) -> Option<&Group> {
        self.groups.get(name)
    }

    /// How many are known.
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    pub(crate) fn register(&mut self, Registration { name, group }: Registration) {
        let old = self.groups.insert(name.clone(), group.clone());
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
            registry.register(Registration {
                name: name(n),
                group: group(g),
            });
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
}
