//! Senders by HTTP, one request at a time on a connection that is kept: nameless ones (`.send`,
//! `.group`, packets), whose unknown outcomes stay unknown; and those with a ticket and `ref`, which
//! try again until an answer comes.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cast::{Id, To, sender_name};
use crate::http::{Answer, Http};
use crate::ledger::Wish;
use crate::sender::{message, says_why};
use crate::socket;
use crate::world::{Phase, World, between};

/// See the module.
pub(crate) struct Script {
    world: Arc<World>,
    number: u16,
    with_ticket: bool,
    rng: fastrand::Rng,
    connection: Option<Http>,
    ticket: Option<String>,
}

/// What became of a try.
enum Tried {
    Accepted,
    Refused,
    Unknown,
}

impl Script {
    pub(crate) fn new(world: Arc<World>, number: u16, with_ticket: bool) -> Self {
        let rng = world.rng("script", number.into());
        Self {
            world,
            number,
            with_ticket,
            rng,
            connection: None,
            ticket: None,
        }
    }

    /// Sends until the load is over.
    pub(crate) async fn run(mut self) {
        while self.world.may_send().await {
            if self.connect().await.is_err() {
                self.connection = None;
                self.world.pause().await;
                continue;
            }
            let to = To::any(&mut self.rng);
            let id = self.world.ledger().sent(self.number, to, self.world.now());
            let wish = Wish::default();
            let data = message(id, to, &mut self.rng, self.with_ticket, wish);
            loop {
                let tried = self.attempt(id, to, &data).await;
                match tried {
                    Tried::Accepted => break,
                    Tried::Refused | Tried::Unknown if !self.with_ticket => break,
                    Tried::Refused => sleep(between(&mut self.rng, 100, 1000)).await,
                    Tried::Unknown => self.world.pause().await,
                }
                if self.world.phase() == Phase::Over {
                    return;
                }
                self.world.ledger().tried_again(id, self.world.now());
            }
            // Now and then without a pause, so that one commit holds several messages.
            if self.rng.u8(0..4) > 0 {
                sleep(between(&mut self.rng, 5, 120)).await;
            }
        }
    }

    async fn connect(&mut self) -> anyhow::Result<&mut Http> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Http::connect(&self.world).await?,
        };
        let connection = self.connection.insert(connection);
        if self.with_ticket && self.ticket.is_none() {
            let data = json!({
                "token": self.world.token, "name": sender_name(self.number), "group": "",
            });
            let auth = json!({"cmd": "AUTH", "data": data});
            let answer = connection.post(&self.world, "/", &auth).await?;
            let data = answer.data().unwrap_or_default();
            let ticket = data.get("auth").and_then(Value::as_str);
            anyhow::ensure!(ticket.is_some(), "no ticket: {answer:?}");
            self.ticket = ticket.map(str::to_owned);
        }
        Ok(connection)
    }

    async fn attempt(&mut self, id: Id, to: To, data: &Value) -> Tried {
        let life = self.connection.as_ref().map(|connection| connection.life);
        match self.request(to, data).await {
            Ok(answer) => self.judge(id, &answer),
            Err(_) => {
                self.connection = None;
                // The relay that has it may be the one that lives, if it was this side that gave up.
                let lives = life == Some(self.world.life());
                self.world.ledger().unknown(id, lives);
                Tried::Unknown
            }
        }
    }

    async fn request(&mut self, to: To, data: &Value) -> anyhow::Result<Answer> {
        let world = Arc::clone(&self.world);
        let wait = match self.rng.u8(0..4) {
            0 => "0.3",
            1 => "0.05",
            _ => "0",
        };
        let packets = self.with_ticket || self.rng.u8(0..3) == 0;
        self.connect().await?;
        let mut packet = json!({"cmd": "MESSAGE", "data": data});
        if let (Some(ticket), Some(fields)) = (&self.ticket, packet.as_object_mut()) {
            fields.insert("auth".to_owned(), json!(ticket));
        }
        let connection = self.connect().await?;
        if packets {
            return connection
                .post(&world, &format!("/?wait={wait}"), &packet)
                .await;
        }
        let text = |field: &str| {
            let text = data.pointer(field).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        // Longer ones do not fit into a path.
        let body: String = text("/message/desp").chars().take(1000).collect();
        let title = text("/message/text");
        let (kind, target) = to.target();
        let suffix = if kind == "group" { "group" } else { "send" };
        let path = format!("/{target}.{suffix}?text={title}&desp={body}&wait={wait}");
        connection.get(&world, &path).await
    }

    fn judge(&mut self, id: Id, answer: &Answer) -> Tried {
        if answer.status == 200 {
            self.world.strike();
        }
        let now = self.world.now();
        let mut ledger = self.world.ledger();
        let data = answer.data().unwrap_or_default();
        match answer.status {
            200 => {
                let Some(reply) = socket::reply(&data) else {
                    ledger.odd(format!("{id}: a 200 of no use: {answer:?}"));
                    return Tried::Unknown;
                };
                ledger.answered(id, reply.mid, &reply.statuses, now);
                if reply.statuses.iter().all(|(_, status)| status == "no") {
                    return Tried::Refused;
                }
                Tried::Accepted
            }
            503 if data.as_str().is_some_and(says_why) => {
                ledger.refused(id, now);
                Tried::Refused
            }
            // The relay's life may have ended between the two.
            _ => {
                ledger.odd(format!("{id}: {answer:?}"));
                Tried::Unknown
            }
        }
    }
}
