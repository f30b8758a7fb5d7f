//! The recorded cases as scripts: what each peer did and what came back, in order.
//!
//! Knows the recording's ways: frames that were cut short are made whole again, what was sent
//! without being recorded is put back where its effect shows, and notes for people are left out.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Since the case began.
    pub(crate) at: Duration,
    pub(crate) peer: String,
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// A WebSocket opens.
    Open,
    /// The peer sends a text frame.
    Send(String),
    /// The same, but the recording does not say so.
    SendUnrecorded(String),
    /// The peer sends a binary frame.
    SendBinary(Vec<u8>),
    /// The peer sends a ping; its pong is awaited.
    Ping(String),
    /// The peer writes bytes past its WebSocket.
    Raw(Vec<u8>),
    /// A packet comes from the server.
    Packet(Value),
    /// The server ends the connection.
    Closed,
    /// The peer is gone without a word.
    Vanish,
    /// An HTTP request begins.
    Request(Request),
    /// Its answer: the status and, if it was recorded, the body.
    Answer(u16, Body),
    /// Bytes on a TCP connection of their own.
    Tcp(Vec<u8>),
    /// So many replies come that were not recorded, as what they answer was not either.
    Spare(usize),
    /// The server is killed and started again.
    Restart,
    /// The server hands a packet to the push service, at this path.
    Pushed(String, Letter),
    /// The push service answers the oldest push that it has not answered; -1: it breaks off.
    PushAnswer(i32),
}

/// What a push holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Letter {
    Packet(Value),
    /// The beginning alone was recorded.
    Start(String),
    /// The beginning, the rest being left out by the server.
    Shortened(String),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Any,
    Empty,
    Packet(Value),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// Ten times what the relay takes: a longer frame would only take longer.
const LONGEST: usize = 11 * 1024 * 1024;

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

impl Step {
    pub(crate) fn new(at: Duration, peer: &str, what: What) -> Self {
        let peer = peer.to_owned();
        Self { at, peer, what }
    }

    /// True for what comes from the server.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(
            self.what,
            What::Packet(_) | What::Closed | What::Answer(..) | What::Pushed(..)
        )
    }

    /// As the table of differences names it.
    pub(crate) fn label(&self) -> String {
        let text = match &self.what {
            What::Packet(packet) => format!("<{packet}"),
            What::Closed => ":closed".to_owned(),
            What::Answer(status, Body::Packet(packet)) => format!("<{status} {packet}"),
            What::Answer(status, _) => format!("<{status}"),
            What::Pushed(path, letter) => format!("<{path} {letter:?}"),
            What::PushAnswer(status) => format!(">{status}"),
            What::Send(text) | What::SendUnrecorded(text) => format!(">{text}"),
            other => format!(">{other:?}"),
        };
        format!("{}{text}", self.peer)
    }
}

/// All cases, in the order in which they were recorded.
pub(crate) fn cases() -> Vec<Case> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/reference-traces.jsonl"
    );
    let recorded = std::fs::read_to_string(path).expect("the recorded frames");
    let mut cases: Vec<Case> = Vec::new();
    for line in recorded.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let name = line["case"].as_str().unwrap();
        if cases.last().is_none_or(|case| case.name != name) {
            cases.push(Case {
                name: name.to_owned(),
                steps: Vec::new(),
            });
        }
        let steps = &mut cases.last_mut().unwrap().steps;
        let at = Duration::from_secs_f64(line["t_ms"].as_f64().unwrap_or(0.0) / 1000.0);
        let text = match &line["frame"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        steps.extend(read(at, line["dir"].as_str().unwrap_or_default(), &text));
    }
    for case in &mut cases {
        case.complete();
    }
    cases
}

fn read(at: Duration, dir: &str, text: &str) -> Vec<Step> {
    let step = |peer: &str, what| vec![Step::new(at, peer, what)];
    if let Some((peer, event)) = dir.split_once(':') {
        return match event {
            "open" | "ws-open" => step(peer, What::Open),
            "close" | "ws-close" | "tcp-close" => step(peer, What::Closed),
            "terminate" => step(peer, What::Vanish),
            // What a browser's console said.
            _ => Vec::new(),
        };
    }
    let (peer, kind, from_server) = if let Some((peer, kind)) = dir.split_once("<S") {
        (peer, kind.trim(), true)
    } else if let Some((peer, kind)) = dir.split_once(">S") {
        (peer, kind.trim(), false)
    } else {
        // Notes and results of measurements.
        return Vec::new();
    };
    match (peer, from_server, kind) {
        // What went on between the server and others, which is not replayed.
        ("WH", ..) | ("PWA", _, "http") => Vec::new(),
        ("PUSH", true, _) => step(peer, pushed(text)),
        ("PUSH", false, _) => step(peer, What::PushAnswer(text.parse().unwrap())),
        (_, false, "http") => step(peer, What::Request(request(text))),
        (_, true, "http") => {
            let answer: Value = serde_json::from_str(text).unwrap();
            let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
            let body = match serde_json::from_str(answer["body"].as_str().unwrap_or_default()) {
                Ok(packet) => Body::Packet(packet),
                Err(_) if status == 200 => Body::Empty,
                Err(_) => Body::Any,
            };
            step(peer, What::Answer(status, body))
        }
        (_, false, "tcp") => step(peer, What::Tcp(text.as_bytes().to_vec())),
        (_, true, "tcp") => {
            let status = text
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok());
            let packet = text.split_once("\r\n\r\n").map(|(_, body)| body);
            let packet = packet.and_then(|body| serde_json::from_str(body).ok());
            // An answer that never came was noted as an empty one.
            status.map_or_else(Vec::new, |status| {
                step(
                    peer,
                    What::Answer(status, packet.map_or(Body::Any, Body::Packet)),
                )
            })
        }
        (_, false, "ping-frame") => step(peer, What::Ping(text.to_owned())),
        (_, true, "pong-frame") => Vec::new(),
        (_, false, "raw") => {
            let mut frame = bytes(text);
            // Cut short: a control frame that claims 200 bytes.
            if frame.starts_with(&[0x89, 0xfe]) {
                frame.resize(8 + 200, 0);
            }
            step(peer, What::Raw(frame))
        }
        (_, true, "raw") => step(peer, raw_answer(&bytes(text))),
        (_, false, _) => sent(text).map_or_else(Vec::new, |what| step(peer, what)),
        (_, true, _) => step(peer, What::Packet(packet(text))),
    }
}

/// A frame as bytes, of which the recording holds the first few.
fn raw_answer(frame: &[u8]) -> What {
    match frame {
        [0x88, ..] => What::Closed,
        [0x81, 126, ..] => What::Packet(json!({"cmd": "AUTH", "data": {
            "code": 200, "auth": "", "msg": "Successful authentication", "fcmServerKey": "",
        }})),
        _ => What::Packet(json!({"cmd": "INFO", "data": "Unexpected token in JSON"})),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] * 16 + pair[1])
        .collect()
}

fn request(text: &str) -> Request {
    let request: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let headers = request["headers"].as_object().unwrap().iter();
    let body = request["body"].as_str().unwrap_or_default();
    Request {
        method: request["method"].as_str().unwrap().to_owned(),
        path: request["path"].as_str().unwrap().to_owned(),
        headers: headers
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect(),
        body: whole(body, "\"}"),
    }
}

fn pushed(text: &str) -> What {
    let push: Value = serde_json::from_str(text).unwrap();
    let plaintext = push["plaintext"].as_str().unwrap();
    let letter = match serde_json::from_str(plaintext) {
        Ok(packet) => Letter::Packet(packet),
        Err(_) => Letter::Start(plaintext.to_owned()),
    };
    What::Pushed(push["path"].as_str().unwrap().to_owned(), letter)
}

fn sent(text: &str) -> Option<What> {
    if let Some((_, frame)) = text
        .strip_prefix("<binary ")
        .and_then(|t| t.split_once("> "))
    {
        return Some(What::SendBinary(frame.as_bytes().to_vec()));
    }
    // A note about many frames that guess at mids; see the table of differences.
    if text.contains("MESSAGE_CALLBACK frames with") {
        return None;
    }
    let end = if text.contains("\"message\"") {
        r#"","desp":"","extra":{}}}}"#
    } else {
        "\"}"
    };
    Some(What::Send(whole(text, end)))
}

fn packet(text: &str) -> Value {
    if text.ends_with(" chars)") {
        // Answers to what is beyond our limits.
        return json!({"cmd": "cut"});
    }
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text:.200}"))
}

/// A text that was cut, as its last character repeated up to its length and `end`.
fn whole(text: &str, end: &str) -> String {
    let Some((head, length)) = text
        .strip_suffix(" chars)")
        .and_then(|t| t.rsplit_once("…("))
    else {
        return text.to_owned();
    };
    let length: usize = length.parse().unwrap();
    let length = length.min(LONGEST);
    let fill = head.chars().last().unwrap().to_string();
    let fill = fill.repeat(length.saturating_sub(head.len() + end.len()));
    format!("{head}{fill}{end}")
}

impl Case {
    /// Puts back what was sent without being recorded.
    fn complete(&mut self) {
        // The other cases hold all that was sent.
        let unrecorded = self.name.contains("two messages sharing one mid")
            || self.name.starts_with("mid-collision");
        let mut explained = BTreeSet::new();
        let mut open_replies = 0_i64;
        let mut whole = Vec::new();
        let mut opened = BTreeSet::new();
        for step in std::mem::take(&mut self.steps) {
            let before = |what| Step::new(step.at, &step.peer, what);
            match &step.what {
                What::Open => {
                    opened.insert(step.peer.clone());
                }
                What::Send(text) => {
                    if let Ok(packet) = serde_json::from_str::<Value>(text)
                        && packet["cmd"] == "MESSAGE"
                    {
                        explained.insert(key(&packet["data"]));
                        open_replies += 1;
                    }
                }
                What::Packet(packet) if packet["cmd"] == "MESSAGE" => {
                    let data = &packet["data"];
                    let from = data["from"]["name"].as_str().unwrap_or_default();
                    let method = &data["from"]["method"];
                    if unrecorded && method == "websocket" && explained.insert(key(data)) {
                        let send = json!({"cmd": "MESSAGE", "data": {
                            "sendType": data["sendType"], "target": data["target"],
                            "message": data["message"],
                        }});
                        // By the sender's name; who that is, the replay knows.
                        let what = What::SendUnrecorded(send.to_string());
                        whole.push(Step::new(step.at, &format!("@{from}"), what));
                    }
                }
                What::Packet(packet) if packet["cmd"] == "MESSAGE_REPLY" => {
                    open_replies -= 1;
                    let status = packet["data"]["status"].as_object().unwrap();
                    if open_replies < 0
                        && let Some((name, no)) = status.iter().next()
                        && no == "no"
                    {
                        let message = json!({"text": "", "desp": "", "extra": {}});
                        let send = json!({"cmd": "MESSAGE", "data": {
                            "sendType": "personal", "target": name, "message": message,
                        }});
                        whole.push(before(What::Send(send.to_string())));
                        open_replies += 1;
                    }
                }
                // The recordings of raw frames leave out how the connection began.
                What::Closed
                    if self.name.contains("unauthenticated")
                        && opened.insert(step.peer.clone()) =>
                {
                    whole.push(Step::new(Duration::ZERO, &step.peer, What::Open));
                    if step.peer == "RAW" {
                        // A compressed frame that nobody agreed on.
                        let frame = bytes("c1810102030479");
                        whole.push(before(What::Raw(frame)));
                    }
                }
                _ => {}
            }
            if let What::Packet(packet) = &step.what
                && packet["cmd"] == "AUTH"
                && packet["data"]["code"] == 200
                && matches!(step.peer.as_str(), "RAW" | "OLD" | "ONE" | "P")
                && opened.insert(step.peer.clone())
            {
                let name = match step.peer.as_str() {
                    "P" => "paused",
                    "OLD" => "victim",
                    other => other,
                };
                let auth = json!({"cmd": "AUTH", "data": {
                    "token": "test", "name": name, "group": "",
                }});
                whole.push(before(What::Open));
                whole.push(before(What::Send(auth.to_string())));
            }
            whole.push(step);
        }
        self.steps = whole;
        if self.name.starts_with("pwa ") {
            self.replies_after_confirmations();
        }
    }

    /// A browser's frames were recorded with a delay: a reply may stand before what caused it.
    fn replies_after_confirmations(&mut self) {
        let mut at = 0;
        while at < self.steps.len() {
            let reply = match &self.steps[at].what {
                What::Packet(packet) | What::Answer(_, Body::Packet(packet))
                    if packet["cmd"] == "MESSAGE_REPLY"
                        && packet.to_string().contains("\"ok\"") =>
                {
                    packet["data"]["mid"].as_str().unwrap().to_owned()
                }
                _ => {
                    at += 1;
                    continue;
                }
            };
            let confirms = |step: &Step| matches!(&step.what, What::Send(text) if text.contains("CALLBACK") && text.contains(&reply));
            match self.steps[at..].iter().rposition(confirms) {
                Some(later) => {
                    let mut step = self.steps.remove(at);
                    step.at = self.steps[at + later - 1].at;
                    self.steps.insert(at + later, step);
                }
                None => at += 1,
            }
        }
    }
}

fn key(data: &Value) -> (String, String) {
    (
        data["target"].to_string(),
        data["message"]["text"].to_string(),
    )
}
