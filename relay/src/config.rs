//! What a relay may be told at start: who may come in, how long things take, how much it holds.
//!
//! Owns the defaults and their reasons. Knows no file format and no command line: the binary and
//! the desktop agent fill it in as they please.

use std::{fmt, sync::Arc, time::Duration};

use ipnet::IpNet;
use tidings_protocol::limits;

use crate::{dialect::Dialects, tokens::NamedToken};

/// The relay's settings. `Config::default()` is a relay that anybody who reaches it may use; it is
/// meant for loopback and tests. Everybody else sets [`Config::token`] or named ones.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The shared secret that clients and HTTP senders must give. `None`: any token will do.
    pub token: Option<Token>,
    /// Tokens with names and rights of their own, beside the shared one. With any of these the relay
    /// is not open to everybody, even without a shared token.
    pub named_tokens: Vec<NamedToken>,
    /// How long things take.
    pub timing: Timing,
    /// How much is held.
    pub bounds: Bounds,
    /// Origins of web pages that may use the HTTP side, as the browser writes them
    /// (`https://example.org`). A page of the relay's own address always may.
    pub allowed_origins: Vec<String>,
    /// Reverse proxies: what they say in `X-Forwarded-For` counts as a request's address, and they
    /// are under no limit of their own. Nobody else's word is taken.
    pub trusted_forwarders: Vec<IpNet>,
    /// Which foreign senders the HTTP side understands beside those of the base protocol.
    pub dialects: Dialects,
    /// The wall clock, for mids and tickets.
    pub clock: Clock,
}

/// A shared secret: not empty, at most [`limits::TOKEN_BYTES`] bytes. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It is empty, or white space only.
    #[error("the token is empty")]
    Empty,
    /// It is too long for a header.
    #[error("the token is longer than {limit} bytes", limit = limits::TOKEN_BYTES)]
    TooLong,
    /// It could not stand in a header.
    #[error("the token holds a control character")]
    Control,
}

impl Token {
    /// Parses it; white space around it, such as a file's last newline, is not part of it.
    ///
    /// # Errors
    /// [`InvalidToken`], with what is wrong.
    pub fn new(text: &str) -> Result<Self, InvalidToken> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidToken::Empty);
        }
        if text.len() > limits::TOKEN_BYTES {
            return Err(InvalidToken::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidToken::Control);
        }
        Ok(Self(text.into()))
    }

    /// A secret that was made here: letters and digits.
    pub(crate) fn made(text: String) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the few places that compare it or hand it to a client.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// How long things take. The protocol's document calls the first three `authTimeout`,
/// `waitTimeout` and `retryTimeout`.
#[derive(Clone, Debug)]
pub struct Timing {
    /// How long a socket may stay without a valid AUTH.
    pub auth: Duration,
    /// After this a MESSAGE is answered with what is known by then.
    pub wait: Duration,
    /// The first pause before an unconfirmed message is sent again; later ones double.
    pub retry: Duration,
    /// The longest such pause.
    pub retry_max: Duration,
    /// What an HTTP sender waits for confirmations unless it says `?wait=`.
    pub http_wait: Duration,
    /// The longest `?wait=` that is honoured.
    pub http_wait_max: Duration,
    /// A socket on which nothing came for so long is asked for a sign of life.
    pub ping_after: Duration,
    /// A socket on which nothing came for so long is taken for dead.
    pub dead_after: Duration,
    /// A client that takes nothing for so long, while something waits for it, is dropped.
    pub stalled_after: Duration,
    /// How long a message waits for its recipients, unless its `extra.ttl` says otherwise.
    pub ttl: Duration,
    /// How long an HTTP request may take to arrive, head and body each, and a TLS handshake.
    pub request: Duration,
    /// How long a shutdown waits for connections to end in order.
    pub shutdown: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            auth: Duration::from_secs(30),
            wait: Duration::from_secs(5),
            retry: Duration::from_secs(3),
            retry_max: Duration::from_secs(60),
            // Common HTTP clients give up after 4 s.
            http_wait: Duration::from_millis(2500),
            http_wait_max: Duration::from_secs(60),
            // Deployed clients send a PING every 30 s, so only silent ones are ever asked.
            ping_after: Duration::from_secs(45),
            dead_after: Duration::from_secs(100),
            // The system's buffers hide slow progress: it may take a third of 4 MiB before one more
            // byte can be written. At 60 s, that is a link of 22 KiB a second.
            stalled_after: Duration::from_secs(60),
            // A holiday, and then some.
            ttl: Duration::from_hours(30 * 24),
            request: Duration::from_secs(10),
            shutdown: Duration::from_secs(5),
        }
    }
}

/// How much is held.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Sockets at once, authenticated or not. More are closed as they come.
    pub connections: usize,
    /// Connections at once from one address (one /64 of IPv6). This computer's own programs are
    /// not counted.
    pub connections_per_address: usize,
    /// HTTP requests that one address may make at once, beyond [`Self::requests_per_second`].
    pub requests_at_once: u32,
    /// HTTP requests that one address may make each second in the long run. Those of this computer
    /// are not counted.
    pub requests_per_second: u32,
    /// Names known. Each is remembered for ever, so that it can be written to while it is away.
    pub clients: usize,
    /// Messages waiting for one recipient.
    pub queue_messages: u64,
    /// Bytes of the messages waiting for one recipient.
    pub queue_bytes: u64,
    /// Bytes of the store in all; beyond it, no message is taken until some are confirmed or expire.
    pub store_bytes: u64,
    /// Messages sent to one recipient and not confirmed yet; more than 700 count as 700.
    pub window: usize,
    /// Bytes waiting to be written to one socket, beyond which it is dropped.
    pub outgoing_bytes: usize,
    /// Bytes of messages being stored at once, over all senders; beyond it, senders are read
    /// more slowly.
    pub storing_bytes: usize,
    /// Messages whose MESSAGE_REPLY is still due; beyond it, replies are sent as soon as the
    /// message is durable.
    pub open_receipts: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            // Above what one relay was asked to carry (10,000), below what makes a default
            // process run out of memory.
            connections: 16_384,
            // A large office behind one address; an attacker needs many addresses to fill the rest.
            connections_per_address: 512,
            // A script that sends a line of a log at a time; what a flood of them costs stays far
            // below what one core answers (some 10,000 a second).
            requests_at_once: 1000,
            requests_per_second: 100,
            // Ten times what one relay was asked to carry; some 30 MiB of memory.
            clients: 100_000,
            // A machine off for a month of an alert every 15 s.
            queue_messages: 200_000,
            queue_bytes: 256 * 1024 * 1024,
            // As many full queues as are likely at once, and less than most disks have free.
            store_bytes: 8 * 1024 * 1024 * 1024,
            window: 64,
            // A full window of large messages and a few times as many replies.
            outgoing_bytes: 16 * 1024 * 1024,
            // Each takes twice its size while it is parsed and written: 64 MiB in all, and still some
            // hundred thousand usual alerts on their way.
            storing_bytes: 32 * 1024 * 1024,
            open_receipts: 262_144,
        }
    }
}

/// The wall clock as a parameter: milliseconds since 1970. Simulations bring their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// A clock that reads `now`.
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        (self.0)()
    }
}

impl Default for Clock {
    /// The system's.
    fn default() -> Self {
        Self::new(|| {
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |since| {
                    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
                })
        })
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
