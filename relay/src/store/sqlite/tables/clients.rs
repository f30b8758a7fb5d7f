//! The known clients and how much waits for each of them: cached, so that no message is counted
//! twice.
//!
//! Invariants: this is what the database says; what a transaction changed here is taken back when it
//! is undone, without reading the database: on a full disk every message undoes one, and reading a
//! million that wait, each time, would keep everybody else from the store.

use std::collections::HashMap;

use rusqlite::Connection;
use tidings_protocol::Name;

use super::from_sql;
use crate::store::Load;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) id: i64,
    pub(super) load: Load,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Clients {
    known: HashMap<Name, Client>,
    /// What those that this transaction changed were before; `None`: not known.
    before: Vec<(Name, Option<Client>)>,
}

impl Clients {
    /// Reads them.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut query = connection.prepare(
            "SELECT c.name, c.id, count(q.mid), coalesce(sum(q.bytes), 0)
             FROM clients c LEFT JOIN queue q ON q.recipient = c.id GROUP BY c.id",
        )?;
        let mut rows = query.query([])?;
        let mut clients = Self::default();
        while let Some(row) = rows.next()? {
            let load = Load {
                messages: from_sql(row.get(2)?),
                bytes: from_sql(row.get(3)?),
            };
            let client = Client {
                id: row.get(1)?,
                load,
            };
            // A name that is none cannot get here but by another hand.
            if let Ok(name) = Name::new(row.get::<_, String>(0)?) {
                clients.known.insert(name, client);
            }
        }
        Ok(clients)
    }

    /// A transaction begins.
    pub(super) fn begin(&mut self) {
        self.before.clear();
    }

    /// The transaction is undone.
    pub(super) fn undo(&mut self) {
        // Backwards, so that of several changes the first one's past is what stays.
        for (name, before) in self.before.drain(..).rev() {
            match before {
                Some(client) => self.known.insert(name, client),
                None => self.known.remove(&name),
            };
        }
    }

    pub(super) fn get(&self, name: &Name) -> Option<&Client> {
        self.known.get(name)
    }

    /// A client with the name as it is kept.
    pub(super) fn named(&self, name: &str) -> Option<(Name, Client)> {
        let (name, client) = self.known.get_key_value(name)?;
        Some((name.clone(), *client))
    }

    /// A client to be changed by this transaction.
    pub(super) fn change(&mut self, name: &Name) -> Option<&mut Client> {
        let client = self.known.get_mut(name)?;
        self.before.push((name.clone(), Some(*client)));
        Some(client)
    }

    /// Makes a client known; nothing changes if it is.
    pub(super) fn add(&mut self, name: &Name, id: i64) {
        if !self.known.contains_key(name) {
            let load = Load::default();
            self.known.insert(name.clone(), Client { id, load });
            self.before.push((name.clone(), None));
        }
    }

    /// How much waits, over all of them.
    pub(super) fn waiting(&self) -> Load {
        Load::sum(self.known.values().map(|client| client.load))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_is_undone_leaves_no_trace() {
        let (old, new) = (Name::new("old").unwrap(), Name::new("new").unwrap());
        let mut clients = Clients::default();
        clients.begin();
        clients.add(&old, 1);
        clients.change(&old).unwrap().load.add(10);
        clients.begin();
        clients.change(&old).unwrap().load.add(20);
        clients.change(&old).unwrap().load.remove(10);
        clients.add(&old, 1);
        clients.add(&new, 2);
        clients.change(&new).unwrap().load.add(30);
        clients.undo();
        let load = Load {
            messages: 1,
            bytes: 10,
        };
        assert_eq!(clients.get(&old), Some(&Client { id: 1, load }));
        assert_eq!(clients.get(&new), None);
        assert_eq!(clients.waiting(), load);
        // Nothing is left to be undone.
        clients.undo();
        assert_eq!(clients.waiting(), load);
    }
}
