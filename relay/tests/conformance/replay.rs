//! Replays the peers' side of scripts against a relay over real sockets, and compares what comes
//! back with what the reference sent.
//!
//! The relay's clock is the recording's: it stands still while sockets are busy and is moved from
//! step to step, so that timers of seconds cost nothing and a slow machine changes no outcome.
//! Normalised are mids (each recorded one stands for one of ours, the same in all frames), tickets,
//! the push key (87 characters under both of its names) and how often a message is re-sent.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde_json::Value;
use tidings_relay::{Config, Hub, NoPush, Push, Store, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};
use tokio_util::sync::CancellationToken;

use crate::{
    pushes::{Pushes, Recorded},
    script::{Body, Case, Letter, Request, Step, What},
};

/// Real time between two looks at something that does not come.
pub(crate) const TICK: Duration = Duration::from_millis(50);
/// Looks before it counts as missing: half a minute.
const TICKS: u32 = 600;
/// Of these, how many move the clock on: what was recorded late need not be late again.
const LATE_TICKS: u32 = 40;
/// How far each of them moves it.
const LATE: Duration = Duration::from_millis(25);
/// The clock runs ahead of the recording by this, as timers were recorded to the millisecond.
const AHEAD: Duration = Duration::from_millis(4);
/// The clock is moved in steps of this, so that timers fire in their order.
const STEP: Duration = Duration::from_millis(100);

/// Connections that the server ends, by case and peer; all other ends are the peer's.
const ENDED_BY_SERVER: &[(&str, &str)] = &[
    ("auth-bad-token", "A"),
    ("no-auth-timeout(authTimeout=700)", "A"),
    ("second-auth-same-socket-same-name", "A"),
    ("same-name-two-sockets", "A"),
    ("huge-text-101MiB-authed", "A"),
    ("huge-text-10MiB-unauth", "A"),
    ("huge-text-10MiB-message-self", "A"),
    ("takeover-with-unacked", "B"),
    ("timing: authTimeout not reset by bad AUTH", "A"),
    ("empty-config-token", "A"),
    (
        "config-missing-timeouts(no waitTimeout/retryTimeout/authTimeout keys)",
        "A",
    ),
    (
        "half-open: receiver vanishes without FIN (paused socket), server keeps sending",
        "A",
    ),
];

/// A message that came to a peer.
struct Seen {
    recorded: String,
    text: String,
    ours: String,
}

type Socket = WebSocketStream<TcpStream>;

struct Peer {
    socket: Socket,
    name: Option<String>,
    authed: bool,
    ended: bool,
    /// Frames that came while something else was awaited.
    came: VecDeque<Value>,
    /// The messages that came already.
    seen: Vec<Seen>,
    /// Replies to what it sent without being recorded.
    spare_replies: usize,
}

impl Peer {
    fn has_seen(&self, packet: &Value) -> bool {
        self.seen.iter().any(|seen| seen.ours == mid(packet))
    }
}

pub(crate) struct Replay {
    config: Config,
    store: Arc<dyn Store>,
    hub: Option<Hub>,
    server: Option<JoinHandle<()>>,
    address: SocketAddr,
    ticks: watch::Receiver<u64>,
    peers: HashMap<String, Peer>,
    /// Recorded mids, and which of ours they stand for.
    mids: HashMap<String, BTreeSet<String>>,
    tickets: Vec<(String, String)>,
    requests: VecDeque<JoinHandle<(u16, String)>>,
    push: Option<Arc<Recorded>>,
    pushes: Pushes,
    begun: Instant,
    /// How many frames of the server were compared.
    pub(crate) compared: usize,
}

impl Replay {
    pub(crate) async fn start(
        config: Config,
        store: Arc<dyn Store>,
        push: bool,
        ticks: watch::Receiver<u64>,
    ) -> Self {
        let (recorded, pushes) = Recorded::new();
        let mut replay = Self {
            config,
            store,
            hub: None,
            server: None,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            ticks,
            peers: HashMap::new(),
            mids: HashMap::new(),
            tickets: Vec::new(),
            requests: VecDeque::new(),
            push: push.then_some(recorded),
            pushes,
            begun: Instant::now(),
            compared: 0,
        };
        replay.start_relay().await;
        replay
    }

    async fn start_relay(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            let _ = server.await;
        }
        self.hub = None;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.address = listener.local_addr().unwrap();
        let push: Arc<dyn Push> = match &self.push {
            Some(push) => Arc::clone(push) as _,
            None => Arc::new(NoPush),
        };
        let store = Arc::clone(&self.store);
        let hub = Hub::open_with_push(self.config.clone(), store, push).await;
        let hub = hub.unwrap();
        self.server = Some(tokio::spawn(serve(
            hub.clone(),
            listener,
            CancellationToken::new(),
        )));
        self.hub = Some(hub);
    }

    /// Replays a case; an error says where it went another way than recorded.
    pub(crate) async fn run(&mut self, case: &Case) -> Result<(), String> {
        self.begun = Instant::now();
        self.requests.clear();
        for step in &case.steps {
            self.perform(&case.name, step)
                .await
                .map_err(|error| format!("at {:.200}: {error}", step.label()))?;
            // Of a browser's own pushes no answers were recorded: all were taken.
            if case.name.starts_with("pwa ") {
                while self.pushes.answer(201) {}
            }
        }
        self.requests.clear();
        self.nothing_else().await
    }

    async fn perform(&mut self, case: &str, step: &Step) -> Result<(), String> {
        self.advance(step.at).await;
        let peer = step.peer.as_str();
        match &step.what {
            What::Open => self.open(peer).await,
            What::Send(text) => {
                let text = self.ours(peer, text);
                self.send(peer, &text).await?;
            }
            What::SendUnrecorded(text) => {
                let sender = peer.trim_start_matches('@');
                let label = self
                    .peers
                    .iter()
                    .find(|(_, p)| p.authed && !p.ended && p.name.as_deref() == Some(sender));
                let label = label.map(|(label, _)| label.clone());
                let label = label.ok_or(format!("nobody is {sender}"))?;
                self.peer(&label)?.spare_replies += 1;
                self.send(&label, text).await?;
            }
            What::SendBinary(bytes) => {
                let frame = Message::Binary(bytes.clone().into());
                let _ = self.peer(peer)?.socket.send(frame).await;
            }
            What::Ping(text) => self.ping(peer, text).await?,
            What::Raw(bytes) => {
                let stream = self.peer(peer)?.socket.get_mut();
                let _ = stream.write_all(bytes).await;
            }
            What::Packet(recorded) => self.packet(peer, recorded).await?,
            What::Closed => self.closed(case, peer).await?,
            What::Vanish => {
                self.peers.remove(peer);
                self.all_known_gone().await?;
            }
            What::Request(request) => self.request(case, request),
            What::Tcp(bytes) => {
                let (address, bytes) = (self.address, bytes.clone());
                self.requests.push_back(tokio::spawn(http(address, bytes)));
            }
            What::Answer(status, body) => self.answer(*status, body).await?,
            What::Spare(replies) => self.peer(peer)?.spare_replies += replies,
            What::Pushed(path, letter) => self.pushed(path, letter).await?,
            What::PushAnswer(status) => {
                if !self.pushes.answer(*status) {
                    return Err("nothing was pushed".to_owned());
                }
            }
            What::Restart => {
                self.peers.clear();
                self.start_relay().await;
            }
        }
        Ok(())
    }

    /// Moves the clock to a moment of the case.
    async fn advance(&mut self, at: Duration) {
        let target = self.begun + at + AHEAD;
        while let Some(left) = target.checked_duration_since(Instant::now())
            && !left.is_zero()
        {
            tokio::time::advance(left.min(STEP)).await;
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn peer(&mut self, peer: &str) -> Result<&mut Peer, String> {
        self.peers
            .get_mut(peer)
            .ok_or(format!("{peer} is not connected"))
    }

    async fn open(&mut self, label: &str) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let url = format!("ws://{}/any/path", self.address);
        // The recording holds frames of 100 MiB.
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None)
            .max_write_buffer_size(usize::MAX);
        let opened = client_async_with_config(url, stream, Some(config)).await;
        let (socket, _) = opened.unwrap();
        self.peers.insert(
            label.to_owned(),
            Peer {
                socket,
                name: None,
                authed: false,
                ended: false,
                came: VecDeque::new(),
                seen: Vec::new(),
                spare_replies: 0,
            },
        );
    }

    /// What a peer says, in terms of our mids, tickets and push service.
    fn ours(&self, peer: &str, text: &str) -> String {
        let mut text = text.to_owned();
        for (recorded, ours) in &self.tickets {
            text = text.replace(recorded, ours);
        }
        for cmd in ["MESSAGE_CALLBACK", "MESSAGE_FCM_CALLBACK"] {
            if !text.contains(cmd) {
                continue;
            }
            let seen = self.peers.get(peer).map_or(&[][..], |peer| &peer.seen);
            for (recorded, all) in &self.mids {
                let of_peer = seen.iter().rfind(|seen| seen.recorded == *recorded);
                let ours = of_peer.map(|seen| &seen.ours).or(all.last());
                if let Some(ours) = ours {
                    text = text.replace(recorded.as_str(), ours);
                }
            }
        }
        text
    }

    async fn send(&mut self, label: &str, text: &str) -> Result<(), String> {
        let packet: Value = serde_json::from_str(text).unwrap_or_default();
        let mut ticks = self.ticks.clone();
        let peer = self.peer(label)?;
        if packet["cmd"] == "AUTH" {
            peer.name = packet["data"]["name"].as_str().map(str::to_owned);
        }
        // The server may end the connection before it has taken all.
        let frame = peer.socket.send(Message::text(text));
        let _ = patiently(&mut ticks, frame).await;
        // A peer that never reads, and frames over which the connection ends.
        let reads = label != "P" && text.len() < 1024 * 1024;
        if peer.authed && packet["cmd"] != "PING" && packet["cmd"] != "AUTH" && reads {
            self.barrier(label).await?;
        }
        Ok(())
    }

    /// Waits until the server has read all that the peer has sent.
    async fn barrier(&mut self, label: &str) -> Result<(), String> {
        let ping = Message::text(r#"{"cmd":"PING"}"#);
        let mut ticks = self.ticks.clone();
        let _ = patiently(&mut ticks, self.peer(label)?.socket.send(ping)).await;
        let mut came = VecDeque::new();
        loop {
            match self.next(label).await? {
                Some(packet) if packet["cmd"] == "PONG" => break,
                Some(packet) => came.push_back(packet),
                None => return Err(format!("the server ended {label}")),
            }
        }
        self.peer(label)?.came = came;
        Ok(())
    }

    /// The next packet of a peer; `None` at the connection's end.
    async fn next(&mut self, label: &str) -> Result<Option<Value>, String> {
        if let Some(packet) = self.peer(label)?.came.pop_front() {
            return Ok(Some(packet));
        }
        for tick in 0..TICKS {
            let mut ticks = self.ticks.clone();
            ticks.mark_unchanged();
            let peer = self.peer(label)?;
            tokio::select! {
                biased;
                frame = peer.socket.next() => match frame {
                    Some(Ok(Message::Text(text))) => {
                        let packet = serde_json::from_str(&text);
                        return packet.map(Some).map_err(|e| format!("{e}: {text}"));
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => {
                        peer.ended = true;
                        return Ok(None);
                    }
                    Some(Ok(_)) => {}
                },
                _ = ticks.changed() => {
                    if tick < LATE_TICKS {
                        tokio::time::advance(LATE).await;
                    }
                }
            }
        }
        Err("nothing came".to_owned())
    }

    /// Expects a push that was recorded.
    async fn pushed(&mut self, path: &str, letter: &Letter) -> Result<(), String> {
        let mut ticks = self.ticks.clone();
        let came = patiently(&mut ticks, self.pushes.next()).await;
        let (to, body) = came.flatten().ok_or("nothing was pushed")?;
        if to != path {
            return Err(format!("it was pushed to {to}"));
        }
        match letter {
            Letter::Packet(packet) => {
                let ours = serde_json::from_str(&body).map_err(|e| e.to_string())?;
                self.compare(packet, &ours)
            }
            Letter::Start(start) if body.starts_with(start) => Ok(()),
            // To what every push service takes.
            Letter::Shortened(start) if body.starts_with(start) && body.len() <= 2560 => Ok(()),
            _ => Err(format!("came {body:.300}")),
        }
    }

    async fn ping(&mut self, label: &str, text: &str) -> Result<(), String> {
        let peer = self.peer(label)?;
        let ping = Message::Ping(text.as_bytes().to_vec().into());
        peer.socket.send(ping).await.map_err(|e| e.to_string())?;
        let mut ticks = self.ticks.clone();
        let peer = self.peer(label)?;
        match patiently(&mut ticks, peer.socket.next()).await {
            Some(Some(Ok(Message::Pong(pong)))) if pong == text.as_bytes() => Ok(()),
            other => Err(format!("no pong: {other:?}")),
        }
    }

    /// Expects a packet that was recorded.
    async fn packet(&mut self, label: &str, recorded: &Value) -> Result<(), String> {
        let text = &recorded["data"]["message"]["text"];
        let mut seen = self.peer(label)?.seen.iter();
        let again = seen.find(|seen| seen.recorded == mid(recorded) && *text == seen.text);
        let again = again.map(|seen| seen.ours.clone());
        loop {
            let Some(packet) = self.next(label).await? else {
                return Err("the server ended the connection".to_owned());
            };
            let peer = self.peer(label)?;
            if packet["cmd"] == "MESSAGE"
                && peer.has_seen(&packet)
                && again.as_deref() != Some(mid(&packet))
            {
                // Sent again: how often, is a matter of timers.
                continue;
            }
            if packet["cmd"] == "MESSAGE_REPLY"
                && recorded["cmd"] != "MESSAGE_REPLY"
                && peer.spare_replies > 0
            {
                peer.spare_replies -= 1;
                continue;
            }
            self.compare(recorded, &packet)?;
            let peer = self.peer(label)?;
            match packet["cmd"].as_str() {
                Some("AUTH") if packet["data"]["code"] == 200 => peer.authed = true,
                Some("MESSAGE") => {
                    let text = packet["data"]["message"]["text"].as_str();
                    peer.seen.push(Seen {
                        recorded: mid(recorded).to_owned(),
                        text: text.unwrap_or_default().to_owned(),
                        ours: mid(&packet).to_owned(),
                    });
                }
                _ => {}
            }
            return Ok(());
        }
    }

    /// Compares texts, so that the order of keys counts; what cannot be equal is made so first.
    fn compare(&mut self, recorded: &Value, ours: &Value) -> Result<(), String> {
        let mut normal = ours.clone();
        // A relay that offers no push tells no key.
        let mut recorded = recorded.clone();
        if ours["data"]["fcmServerKey"].is_null()
            && let Some(data) = recorded["data"].as_object_mut()
        {
            data.remove("fcmServerKey");
        }
        let recorded = &recorded;
        let was = &recorded["data"];
        if let Some(data) = normal["data"].as_object_mut() {
            if let (Some(theirs), Some(mine)) = (was["mid"].as_str(), data.get_mut("mid")) {
                let our_mid = mine.as_str().ok_or("the mid is no text")?.to_owned();
                if our_mid.len() != 13 || our_mid.parse::<u64>().is_err() {
                    return Err(format!("{our_mid} is no mid"));
                }
                if self
                    .mids
                    .iter()
                    .any(|(r, all)| r != theirs && all.contains(&our_mid))
                {
                    return Err(format!("{our_mid} is the mid of another message"));
                }
                self.mids
                    .entry(theirs.to_owned())
                    .or_default()
                    .insert(our_mid);
                *mine = theirs.into();
            }
            if let Some(ticket) = data.get_mut("auth") {
                let ours = ticket.as_str().ok_or("the ticket is no text")?.to_owned();
                if ours.split('.').count() != 3 {
                    return Err(format!("{ours} is no ticket"));
                }
                let theirs = was["auth"].as_str().unwrap_or_default();
                if !theirs.is_empty() {
                    self.tickets.retain(|(recorded, _)| recorded != theirs);
                    self.tickets.push((theirs.to_owned(), ours));
                }
                *ticket = theirs.into();
            }
            if let Some(renamed) = data.remove("webpushPublicKey") {
                let key = data.get_mut("fcmServerKey").ok_or("only one of the keys")?;
                if renamed != *key || key.as_str().is_none_or(|key| key.len() != 87) {
                    return Err(format!("the push key is {key}, and also {renamed}"));
                }
                *key = was["fcmServerKey"].clone();
            }
        }
        // The reference's words for what its language could not read.
        if recorded["cmd"] == "INFO" && recorded["data"] == "*" && normal["data"].is_string() {
            normal["data"] = "*".into();
        }
        self.compared += 1;
        let (normal, recorded) = (normal.to_string(), recorded.to_string());
        if normal == recorded {
            return Ok(());
        }
        Err(format!("recorded {recorded:.300}\n       came {ours:.300}"))
    }

    async fn closed(&mut self, case: &str, label: &str) -> Result<(), String> {
        let raw = matches!(label, "RAW" | "OLD" | "ONE");
        let by_server = raw || ENDED_BY_SERVER.contains(&(case, label));
        let Some(peer) = self.peers.get_mut(label) else {
            // It had gone by itself.
            return Ok(());
        };
        if !by_server {
            let _ = patiently(&mut self.ticks, peer.socket.close(None)).await;
        } else if !peer.ended {
            while let Some(packet) = self.next(label).await? {
                let resent = self.peer(label)?.has_seen(&packet);
                if !resent {
                    return Err(format!("instead came {packet}"));
                }
            }
            // The connection stays open from this side, as the recorded one did.
            return Ok(());
        }
        if !raw {
            self.peers.remove(label);
            self.all_known_gone().await?;
        }
        Ok(())
    }

    /// Waits until the relay knows who is gone.
    async fn all_known_gone(&mut self) -> Result<(), String> {
        let alive = self
            .peers
            .values()
            .filter(|peer| peer.authed && !peer.ended);
        let names: HashSet<_> = alive.filter_map(|peer| peer.name.clone()).collect();
        let Some(hub) = &self.hub else { return Ok(()) };
        let mut connected = hub.connected();
        let last = *self.ticks.borrow() + u64::from(TICKS);
        tokio::select! {
            gone = connected.wait_for(|count| *count <= names.len()) => {
                gone.map(drop).map_err(|e| e.to_string())
            }
            _ = self.ticks.wait_for(|tick| *tick > last) => {
                Err("the relay does not see that a client is gone".to_owned())
            }
        }
    }

    fn request(&mut self, case: &str, request: &Request) {
        let body = self.ours("", &request.body);
        let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
        head += &format!("Host: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in &request.headers {
            head += &format!("{name}: {value}\r\n");
        }
        // Line 7 of section 3: the HTTP side wants the token.
        if !case.starts_with("verifyToken-on") {
            head += "Authorization: test\r\n";
        }
        if !body.is_empty() || request.method == "POST" {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let bytes = format!("{head}\r\n{body}").into_bytes();
        self.requests
            .push_back(tokio::spawn(http(self.address, bytes)));
    }

    async fn answer(&mut self, status: u16, body: &Body) -> Result<(), String> {
        let mut request = self.requests.pop_front().ok_or("nothing was asked")?;
        let mut came = None;
        for tick in 0..TICKS {
            let mut ticks = self.ticks.clone();
            ticks.mark_unchanged();
            tokio::select! {
                biased;
                answer = &mut request => {
                    came = Some(answer.map_err(|e| e.to_string())?);
                    break;
                }
                _ = ticks.changed() => {
                    if tick < LATE_TICKS {
                        tokio::time::advance(LATE).await;
                    }
                }
            }
        }
        let (our_status, text) = came.ok_or("no answer came")?;
        if our_status != status {
            return Err(format!("status {our_status} instead of {status}: {text}"));
        }
        self.compared += 1;
        match body {
            Body::Any => Ok(()),
            Body::Empty if text.is_empty() => Ok(()),
            Body::Empty => Err(format!("a body: {text}")),
            Body::Packet(recorded) => {
                let ours = serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))?;
                self.compare(recorded, &ours)
            }
        }
    }

    /// Expects that nothing came beyond what was recorded.
    async fn nothing_else(&mut self) -> Result<(), String> {
        let open = self
            .peers
            .iter()
            .filter(|(label, peer)| peer.authed && !peer.ended && label.as_str() != "P");
        let labels: Vec<String> = open.into_iter().map(|(label, _)| label.clone()).collect();
        for label in labels {
            if let Err(error) = self.barrier(&label).await {
                let ended = self.peers.remove(&label).and_then(|peer| peer.name);
                // A later connection of its name may have taken it over.
                if !self.peers.values().any(|peer| peer.name == ended) {
                    return Err(format!("{label}: {error}"));
                }
                continue;
            }
            let peer = self.peer(&label)?;
            for packet in std::mem::take(&mut peer.came) {
                let resent = peer.has_seen(&packet);
                let spare = packet["cmd"] == "MESSAGE_REPLY" && peer.spare_replies > 0;
                if spare {
                    peer.spare_replies -= 1;
                } else if !resent || packet["cmd"] == "MESSAGE_REPLY" {
                    return Err(format!("{label} also got {packet:.300}"));
                }
            }
        }
        match self.pushes.next().now_or_never().flatten() {
            Some((path, body)) => Err(format!("it also pushed to {path}: {body:.300}")),
            None => Ok(()),
        }
    }
}

fn mid(packet: &Value) -> &str {
    packet["data"]["mid"].as_str().unwrap_or("none")
}

/// Waits, letting the relay's clock go on after a while, but not for ever.
async fn patiently<F: Future>(ticks: &mut watch::Receiver<u64>, future: F) -> Option<F::Output> {
    tokio::pin!(future);
    for _ in 0..TICKS {
        ticks.mark_unchanged();
        tokio::select! {
            biased;
            output = &mut future => return Some(output),
            _ = ticks.changed() => tokio::time::advance(LATE).await,
        }
    }
    None
}

/// Bytes on a connection of their own, and the answer.
async fn http(address: SocketAddr, bytes: Vec<u8>) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The relay may answer and close before it has taken all.
    let _ = stream.write_all(&bytes).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        answer.extend_from_slice(&buffer[..read]);
        if answer.starts_with(b"HTTP/1.1 101") {
            break;
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.unwrap_or(0), body.to_owned())
}
