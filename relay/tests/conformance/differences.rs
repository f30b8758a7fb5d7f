//! Where the relay is meant to differ from the recorded server: one table, each row with its
//! reason. A row that changes nothing is a failure too, so that the table stays true.

use std::time::Duration;

use serde_json::json;

use crate::script::{Body, Case, Letter, Request, Step, What};

/// What a difference rests on, in PROTOCOL.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// A line of section 3.
    Line(u8),
    /// What section 1 or 2 states, which the recorded server itself does not keep.
    Contract(&'static str),
}

/// What is changed in a recorded case before it is expected of the relay.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    /// AUTH 200 comes before the first MESSAGE.
    AuthFirst,
    /// Frames of the server whose label holds the text do not come.
    Never(&'static str),
    /// Pushes whose label holds the text do not come, but for the first so many.
    NotPushed(&'static str, usize),
    /// They come shortened.
    Shortened(&'static str),
    /// Of these only the first comes.
    Once(&'static str),
    /// Frames of the server whose label holds the text come as another packet.
    Instead(&'static str, &'static str),
    /// The same for an INFO, whatever its words.
    Words(&'static str),
    /// The nth answer to an HTTP request has another status, and this body; `*` for any INFO.
    Http(usize, u16, &'static str),
    /// After a step whose label holds the text, more happens: `PEER>packet`, `PEER<packet`,
    /// `PEER:closed` or `PEER:gone`.
    Then(&'static str, &'static [&'static str]),
    /// Before such a step, the same.
    First(&'static str, &'static [&'static str]),
    /// From a step whose label holds the text on, nothing is replayed.
    Until(&'static str),
    /// The step whose label holds the first text comes after that with the second.
    After(&'static str, &'static str),
    /// The same, where that with the second comes earlier already.
    Sooner(&'static str, &'static str),
}

pub(crate) struct Difference {
    pub(crate) cases: &'static [&'static str],
    pub(crate) change: Change,
    pub(crate) why: Why,
    pub(crate) text: &'static str,
}

impl Difference {
    /// Whether it names the case; `*` stands for any text.
    pub(crate) fn is_about(&self, case: &str) -> bool {
        self.cases.iter().any(|name| match name.split_once('*') {
            Some((start, end)) => case.starts_with(start) && case.ends_with(end),
            None => *name == case,
        })
    }

    /// Changes the case; false if there was nothing to change.
    pub(crate) fn apply(&self, case: &mut Case) -> bool {
        match self.change {
            Change::AuthFirst => auth_first(&mut case.steps),
            Change::Never(label) => {
                let before = case.steps.len();
                case.steps
                    .retain(|step| !step.is_answer() || !step.label().contains(label));
                case.steps.len() < before
            }
            Change::NotPushed(label, but) => not_pushed(&mut case.steps, label, but),
            Change::Shortened(label) => each(case, label, |step| {
                if let What::Pushed(_, letter) = &mut step.what
                    && let Letter::Start(start) = letter
                {
                    *letter = Letter::Shortened(std::mem::take(start));
                }
            }),
            Change::Once(label) => {
                let before = case.steps.len();
                let mut first = true;
                case.steps.retain(|step| {
                    let is = step.is_answer() && step.label().contains(label);
                    !is || std::mem::replace(&mut first, false)
                });
                case.steps.len() < before
            }
            Change::Instead(label, packet) => each(case, label, |step| {
                step.what = What::Packet(serde_json::from_str(packet).unwrap());
            }),
            Change::Words(label) => each(case, label, |step| match &mut step.what {
                What::Packet(packet) | What::Answer(_, Body::Packet(packet)) => {
                    packet["data"] = "*".into();
                }
                _ => {}
            }),
            Change::Http(nth, status, body) => {
                let body = match body {
                    "" => Body::Empty,
                    "*" => Body::Packet(json!({"cmd": "INFO", "data": "*"})),
                    packet => Body::Packet(serde_json::from_str(packet).unwrap()),
                };
                let answers = case.steps.iter_mut();
                let mut answers = answers.filter(|step| matches!(step.what, What::Answer(..)));
                let Some(step) = answers.nth(nth - 1) else {
                    return false;
                };
                step.what = What::Answer(status, body);
                true
            }
            Change::Then(label, more) => insert(case, label, 1, more),
            Change::First(label, more) => insert(case, label, 0, more),
            Change::Until(label) => {
                let before = case.steps.len();
                let at = case
                    .steps
                    .iter()
                    .position(|step| step.label().contains(label));
                case.steps.truncate(at.unwrap_or(before));
                case.steps.len() < before
            }
            Change::Sooner(label, other) => {
                let find = |label: &str| {
                    let is = |step: &Step| step.label().contains(label);
                    case.steps.iter().position(is)
                };
                let (Some(at), Some(to)) = (find(label), find(other)) else {
                    return false;
                };
                let mut step = case.steps.remove(at);
                step.at = case.steps[to].at;
                case.steps.insert(to + 1, step);
                to + 1 < at
            }
            Change::After(label, other) => {
                let find = |steps: &[Step], label: &str| {
                    steps.iter().position(|step| step.label().contains(label))
                };
                let Some(at) = find(&case.steps, label) else {
                    return false;
                };
                let mut step = case.steps.remove(at);
                let Some(to) = find(&case.steps[at..], other) else {
                    return false;
                };
                step.at = case.steps[at + to].at;
                case.steps.insert(at + to + 1, step);
                true
            }
        }
    }
}

fn each(case: &mut Case, label: &str, change: impl Fn(&mut Step)) -> bool {
    let mut changed = false;
    for step in &mut case.steps {
        if step.is_answer() && step.label().contains(label) {
            change(step);
            changed = true;
        }
    }
    changed
}

/// Takes pushes out, each with the answer that follows it.
fn not_pushed(steps: &mut Vec<Step>, label: &str, but: usize) -> bool {
    let before = steps.len();
    let (mut seen, mut at) = (0, 0);
    while at < steps.len() {
        if matches!(steps[at].what, What::Pushed(..)) && steps[at].label().contains(label) {
            seen += 1;
            if seen > but {
                steps.remove(at);
                let answer = steps[at..]
                    .iter()
                    .position(|step| matches!(step.what, What::PushAnswer(_)));
                if let Some(answer) = answer {
                    steps.remove(at + answer);
                }
                continue;
            }
        }
        at += 1;
    }
    steps.len() < before
}

fn insert(case: &mut Case, label: &str, offset: usize, more: &[&str]) -> bool {
    let Some(at) = case
        .steps
        .iter()
        .position(|step| step.label().contains(label))
    else {
        return false;
    };
    let when = case.steps[at].at;
    let more = more.iter().map(|text| step(when, text));
    case.steps.splice(at + offset..at + offset, more);
    true
}

/// Reads a step as the table writes it.
fn step(at: Duration, text: &str) -> Step {
    let end = text.find(['<', '>', ':']).unwrap();
    let (peer, rest) = text.split_at(end);
    let what = match (rest.split_at(1), peer) {
        (("<", status), "H") if status.len() == 3 => {
            What::Answer(status.parse().unwrap(), Body::Any)
        }
        (("<", answer), "H") => {
            let (status, packet) = answer.split_once(' ').unwrap();
            let packet = serde_json::from_str(packet).unwrap();
            What::Answer(status.parse().unwrap(), Body::Packet(packet))
        }
        (("<", push), "PUSH") => {
            let (path, packet) = push.split_once(' ').unwrap();
            let packet = serde_json::from_str(packet).unwrap();
            What::Pushed(path.to_owned(), Letter::Packet(packet))
        }
        ((">", status), "PUSH") => What::PushAnswer(status.parse().unwrap()),
        (("<", packet), _) => What::Packet(serde_json::from_str(packet).unwrap()),
        ((">", _), "TCP") => What::Tcp(split_utf8()),
        ((">", request), "H") => {
            let (method, path) = request.split_once(' ').unwrap();
            What::Request(Request {
                method: method.to_owned(),
                path: path.to_owned(),
                headers: Vec::new(),
                body: String::new(),
            })
        }
        ((">", packet), _) => What::Send(packet.to_owned()),
        ((_, "gone"), _) => What::Vanish,
        ((_, "open"), _) => What::Open,
        ((_, spare), _) if spare.starts_with("spare ") => {
            What::Spare(spare.trim_start_matches("spare ").parse().unwrap())
        }
        ((_, "restart"), _) => What::Restart,
        _ => What::Closed,
    };
    Step::new(at, peer, what)
}

/// A MESSAGE whose chunks meet within a character.
fn split_utf8() -> Vec<u8> {
    let body = r#"{"cmd":"MESSAGE","data":{"sendType":"personal","target":"r1","message":{"text":"你好世界","desp":"","extra":{}}}}"#;
    let (one, two) = body.as_bytes().split_at(body.find('好').unwrap() + 1);
    let mut request = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: test\r\n\
        Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        .to_vec();
    for chunk in [one, two, b""] {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request
}

/// On each connection, moves AUTH 200 before the messages that were recorded before it.
fn auth_first(steps: &mut Vec<Step>) -> bool {
    let mut changed = false;
    let is = |step: &Step, cmd: &str| matches!(&step.what, What::Packet(p) if p["cmd"] == cmd);
    let mut at = 0;
    while at < steps.len() {
        if matches!(&steps[at].what, What::Send(text) if text.contains(r#""cmd":"AUTH""#)) {
            let peer = steps[at].peer.clone();
            let of_peer = |step: &Step| step.peer == peer && step.is_answer();
            let first = (at + 1..steps.len()).find(|n| of_peer(&steps[*n]));
            if let Some(first) = first
                && is(&steps[first], "MESSAGE")
                && let Some(auth) =
                    (first..steps.len()).find(|n| of_peer(&steps[*n]) && is(&steps[*n], "AUTH"))
            {
                let mut step = steps.remove(auth);
                step.at = steps[first].at;
                steps.insert(first, step);
                changed = true;
            }
        }
        at += 1;
    }
    changed
}
