//! A script: a sender by HTTP, one request at a time. Only where it does not know what became of a
//! message it sends it again: under the same `ref`, or as another message.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tidings_protocol::server::{self, AuthReply, Reply};
use tidings_protocol::{Cancel, Group, Name, Ref, Target, client};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::desk::{ROWS, next_writing};
use crate::disk::{Row, RowState, SharedDisk, Way, Which, lock};
use crate::line::{Gate, Line};
use crate::watch::SharedWatch;

/// How long it waits for an answer: common clients' default.
const PATIENCE: Duration = Duration::from_secs(4);

/// What a script is, for the whole run.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) name: Name,
    pub(crate) others: Vec<Name>,
    pub(crate) writing: Duration,
    pub(crate) disk: SharedDisk,
    pub(crate) gate: Arc<Gate>,
    pub(crate) watch: SharedWatch,
    pub(crate) seed: u64,
}

/// What came of a request.
enum Answer {
    Packet(server::Packet),
    /// The relay does not do it.
    Refused,
    /// Nothing was sent.
    NotSent,
    Unknown,
}

impl Script {
    /// One life.
    pub(crate) async fn live(self, quit: CancellationToken) -> turmoil::Result {
        let life = {
            let mut disk = lock(&self.disk);
            disk.starts += 1;
            disk.restart();
            disk.starts
        };
        let rng = fastrand::Rng::with_seed(self.seed ^ (life << 32));
        // It has nothing to say goodbye for.
        quit.run_until_cancelled(self.run(rng)).await;
        Ok(())
    }

    async fn run(&self, mut rng: fastrand::Rng) {
        let mut number = 0;
        loop {
            if number == lock(&self.disk).rows.len() {
                if number >= ROWS {
                    return std::future::pending().await;
                }
                sleep(next_writing(&mut rng, &self.disk, self.writing)).await;
                let way = draw_way(&mut rng);
                let row = Row::draw(&mut rng, &self.others, way);
                lock(&self.disk).rows.push(row);
            }
            let is_settled = self.send(number).await;
            if is_settled {
                number += 1;
            } else {
                sleep(Duration::from_millis(rng.u64(100..3_000))).await;
            }
        }
    }

    /// Sends a row once. True if there is nothing left to do for it.
    async fn send(&self, number: usize) -> bool {
        let Some(request) = self.request(number).await else {
            return lock(&self.disk).rows.get(number).unwrap().state != RowState::Queued;
        };
        if let Some(row) = lock(&self.disk).rows.get_mut(number)
            && !row.way.is_by_ref()
        {
            row.state = RowState::Offered;
        }
        let answer = self.exchange(&request).await;
        let is_answered = matches!(&answer, Answer::Packet(_));
        let is_settled = self.note(number, answer);
        if is_answered && self.takes_back(number) {
            self.take_back(number).await;
        }
        is_settled
    }

    /// What came of an attempt. True if there is nothing left to do for it.
    fn note(&self, number: usize, answer: Answer) -> bool {
        let mut disk = lock(&self.disk);
        let row = disk.rows.get_mut(number).unwrap();
        match answer {
            Answer::Packet(server::Packet::Reply(reply)) => {
                row.state = RowState::Replied(reply.status.clone());
                drop(disk);
                self.answered(number, &reply);
                true
            }
            Answer::Packet(packet) => panic!("the relay said {packet:?}"),
            Answer::NotSent | Answer::Refused => {
                row.state = RowState::Queued;
                false
            }
            Answer::Unknown if row.way.is_by_ref() => false,
            // The next row says the same again.
            Answer::Unknown => {
                row.state = RowState::Unknown;
                let again = Row {
                    target: row.target.clone(),
                    state: RowState::Queued,
                    ..*row
                };
                disk.rows.insert(number + 1, again);
                true
            }
        }
    }

    fn takes_back(&self, number: usize) -> bool {
        let disk = lock(&self.disk);
        let row = disk.rows.get(number);
        row.is_some_and(|row| row.way == Way::PostByRef && row.delay.is_some())
    }

    /// Takes back a message that was accepted, if it still is held. What became of an attempt that is not
    /// answered, nobody asks.
    async fn take_back(&self, number: usize) {
        let Some(ticket) = self.ticket().await else {
            return;
        };
        let asked = Cancel::Ref(reference(number));
        let asked = post(&client::Packet::Cancel(asked).encode(), Some(&ticket));
        if let Answer::Packet(server::Packet::Cancelled(answer)) = self.exchange(&asked).await {
            self.watch.lock().unwrap().cancelled(&self.name, &answer);
            let mut disk = lock(&self.disk);
            disk.rows.get_mut(number).unwrap().cancelled |= answer.cancelled;
        }
    }

    fn answered(&self, number: usize, reply: &Reply) {
        let mut watch = self.watch.lock().unwrap();
        watch.promised(reply, None);
        let which = self.which(number);
        watch.must_be_named(&which, &reply.mid);
    }

    fn which(&self, number: usize) -> Which {
        Which {
            sender: self.name.clone(),
            number,
        }
    }

    /// The request for a row that is not settled, with a ticket if it needs one and gets one.
    async fn request(&self, number: usize) -> Option<String> {
        let (way, send) = {
            let disk = lock(&self.disk);
            let row = disk.rows.get(number)?;
            if row.state != RowState::Queued {
                return None;
            }
            let send = client::Send {
                target: row.target.clone(),
                message: row.message(&self.which(number)),
                reference: row.way.is_by_ref().then(|| reference(number)),
            };
            (row.way, send)
        };
        match way {
            Way::Get(wait) => Some(get(&send, wait)),
            Way::Post { ticket: false } => {
                Some(post(&client::Packet::Message(send).encode(), None))
            }
            _ => {
                let ticket = self.ticket().await?;
                Some(post(&client::Packet::Message(send).encode(), Some(&ticket)))
            }
        }
    }

    async fn ticket(&self) -> Option<String> {
        let auth = client::Packet::Auth(client::Auth {
            token: "token".to_owned(),
            name: self.name.clone(),
            group: Group::none(),
            features: Vec::new(),
        });
        match self.exchange(&post(&auth.encode(), None)).await {
            Answer::Packet(server::Packet::Auth(AuthReply::Accepted(welcome))) => welcome.ticket,
            _ => None,
        }
    }

    async fn exchange(&self, request: &str) -> Answer {
        let Ok(Ok(mut line)) = timeout(PATIENCE, Line::dial(Arc::clone(&self.gate))).await else {
            return Answer::NotSent;
        };
        let answer = async {
            line.write_all(request.as_bytes()).await.ok()?;
            let mut answer = String::new();
            line.read_to_string(&mut answer).await.ok()?;
            let (head, body) = answer.split_once("\r\n\r\n")?;
            Some((head.get(9..12)?.parse().ok()?, body.to_owned()))
        };
        let answer: Option<(u16, String)> = timeout(PATIENCE, answer).await.ok().flatten();
        match answer {
            Some((200, body)) => {
                Answer::Packet(server::Packet::decode(&body).expect("a whole packet"))
            }
            // Too much waits there: try again later.
            Some((429, _)) => Answer::Refused,
            // The relay is closing, or its disk is full or slow.
            Some((503, _)) | None => Answer::Unknown,
            Some((status, body)) => panic!("the relay answered {status}: {body}"),
        }
    }
}

fn reference(number: usize) -> Ref {
    Ref::new(format!("r{number}")).unwrap()
}

fn draw_way(rng: &mut fastrand::Rng) -> Way {
    match rng.u8(0..6) {
        0 => Way::Get(None),
        1 => Way::Get(Some(0)),
        2 => Way::Get(Some(3)),
        3 => Way::Post { ticket: false },
        4 => Way::Post { ticket: true },
        _ => Way::PostByRef,
    }
}

fn get(send: &client::Send, wait: Option<u8>) -> String {
    let suffix = match send.target {
        Target::Personal(_) => "send",
        Target::Group(_) => "group",
    };
    let (target, message) = (send.target.as_str(), &send.message);
    let (text, desp) = (message.text.replace(' ', "+"), &message.desp);
    let said = message.extra.as_object().into_iter().flatten();
    let said = said.map(|(of, value)| match value {
        Value::String(text) => format!("&{of}={text}"),
        value => format!("&{of}={value}"),
    });
    let (said, wait) = (
        said.collect::<String>(),
        wait.map(|wait| format!("&wait={wait}")).unwrap_or_default(),
    );
    format!(
        "GET /{target}.{suffix}?text={text}&desp={desp}{said}{wait} HTTP/1.1\r\nHost: relay\r\n\
         Connection: close\r\n\r\n"
    )
}

fn post(packet: &str, ticket: Option<&str>) -> String {
    let mut packet: Value = serde_json::from_str(packet).unwrap();
    if let (Some(ticket), Some(packet)) = (ticket, packet.as_object_mut()) {
        packet.insert("auth".to_owned(), json!(ticket));
    }
    let packet = packet.to_string();
    let length = packet.len();
    format!(
        "POST / HTTP/1.1\r\nHost: relay\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{packet}"
    )
}
