//! Every setting of the relay, in one table: its name, what it takes, what it is without a word
//! from the operator, and what it is for. The command line, the environment and the file all read
//! this table, so that a setting has the same meaning and name in each.

use tidings_relay::{Bounds, Config, Dialect, Timing, WebPushOptions};

/// A setting. `queue_messages` in the file is `TIDINGS_QUEUE_MESSAGES` in the environment and
/// `--queue-messages` on the command line.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// What stands for its value in the help.
    pub(crate) value: &'static str,
    /// What holds without it; empty: nothing.
    pub(crate) default: String,
    pub(crate) kind: Kind,
    pub(crate) heading: &'static str,
    pub(crate) help: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    One,
    /// May be given more than once, as a list in the file, separated by commas in the environment.
    Many,
    /// `true` or `false`; the flag alone says `true`.
    Switch,
}

impl Key {
    /// As the environment has it.
    pub(crate) fn variable(&self) -> String {
        format!("TIDINGS_{}", self.name.to_uppercase())
    }

    /// As the command line has it.
    pub(crate) fn flag(&self) -> String {
        self.name.replace('_', "-")
    }
}

const LISTENING: &str = "Who can reach it";
const KEEPING: &str = "What it keeps";
const PUSHING: &str = "Web Push: messages for browsers that hold no connection";
const TIMES: &str = "How long things take, in seconds";
const LIMITS: &str = "Limits";
const LOG: &str = "Log";

pub(crate) fn keys() -> Vec<Key> {
    use Kind::{Many, One, Switch};
    let Config { timing, bounds, .. } = Config::default();
    let (timing, bounds): (Timing, Bounds) = (timing, bounds);
    let key = |heading, name, value, default: String, kind, help| Key {
        name,
        value,
        default,
        kind,
        heading,
        help,
    };
    let text = str::to_owned;
    vec![
        key(
            LISTENING,
            "bind",
            "ADDRESS",
            text("127.0.0.1:9093"),
            One,
            "The address to listen on. Port 0 takes a free one; the address is printed at the \
             start. Anything beyond loopback (for example 0.0.0.0:9093) needs a token",
        ),
        key(
            LISTENING,
            "token_file",
            "FILE",
            String::new(),
            One,
            "A file that holds the shared token, which clients and scripts must give and which \
             allows everything; white space around it does not count. The token is never given on \
             the command line, which other users can read. Tokens of less rights: see `tokens`",
        ),
        key(
            LISTENING,
            "allow_origin",
            "ORIGIN",
            String::new(),
            Many,
            "A web page's origin (https://example.org) that may use the HTTP side. Can be \
             repeated. Without one, no page of another site may",
        ),
        key(
            LISTENING,
            "trusted_forwarder",
            "ADDRESS",
            String::new(),
            Many,
            "A reverse proxy's address or network (10.0.0.0/8): what it says in X-Forwarded-For \
             counts as a request's address. Can be repeated. Nobody else's word is taken",
        ),
        key(
            LISTENING,
            "dialects",
            "LIST",
            Dialect::ALL.map(Dialect::name).join(","),
            Many,
            "Whose senders are understood beside those of the base protocol: some of the default, \
             or none. See docs/senders.md",
        ),
        key(
            LISTENING,
            "tls_cert",
            "FILE",
            String::new(),
            One,
            "A certificate (PEM, the chain behind it) that makes the port one of TLS, for https \
             and wss; read again on SIGHUP",
        ),
        key(
            LISTENING,
            "tls_key",
            "FILE",
            String::new(),
            One,
            "The certificate's private key (PEM)",
        ),
        key(
            LISTENING,
            "tls_self_signed",
            "true|false",
            text("false"),
            Switch,
            "Make a certificate at the first start, keep it in the data folder, and print its \
             SHA-256 fingerprint, for clients that can be told to trust it",
        ),
        key(
            KEEPING,
            "data",
            "DIR",
            text("tidings-relay-data"),
            One,
            "The folder that holds the messages; made if it is missing",
        ),
        key(
            KEEPING,
            "durability",
            "WHAT",
            text("os"),
            One,
            "What an accepted message survives. os: a crash of the relay (fast); disk: a power \
             failure too (every batch of messages waits for the disk)",
        ),
        key(
            KEEPING,
            "queue_messages",
            "COUNT",
            bounds.queue_messages.to_string(),
            One,
            "Messages kept for one recipient at most; more are refused to their sender",
        ),
        key(
            KEEPING,
            "queue_bytes",
            "BYTES",
            bounds.queue_bytes.to_string(),
            One,
            "The same in bytes",
        ),
        key(
            KEEPING,
            "store_bytes",
            "BYTES",
            bounds.store_bytes.to_string(),
            One,
            "What all messages may take on the disk; beyond it, messages are refused to their senders",
        ),
        key(
            KEEPING,
            "ttl",
            "SECONDS",
            seconds(timing.ttl),
            One,
            "How long a message waits for its recipients, unless its own ttl says otherwise",
        ),
        key(
            PUSHING,
            "push",
            "true|false",
            text("true"),
            Switch,
            "Offer Web Push: browsers register for it, and a message whose recipient is not \
             connected goes to the push service of its browser, encrypted",
        ),
        key(
            PUSHING,
            "push_contact",
            "ADDRESS",
            WebPushOptions::default().contact,
            One,
            "Whom a push service may write to about this relay, as mailto:you@example.org or a \
             page of https. Some services, Apple's among them, insist on one that exists",
        ),
        key(
            PUSHING,
            "push_private",
            "true|false",
            text("false"),
            Switch,
            "Push to addresses of private networks too, for a push service of your own. Without it \
             no client can make the relay reach into its own network",
        ),
        key(
            PUSHING,
            "push_ca",
            "FILE",
            String::new(),
            One,
            "Certificates of authorities (PEM) that push services are trusted by, beside the \
             system's",
        ),
        key(
            TIMES,
            "auth_timeout",
            "SECONDS",
            seconds(timing.auth),
            One,
            "How long a socket may stay without a valid AUTH",
        ),
        key(
            TIMES,
            "request_timeout",
            "SECONDS",
            seconds(timing.request),
            One,
            "How long an HTTP request may take to arrive, head and body each",
        ),
        key(
            TIMES,
            "wait",
            "SECONDS",
            seconds(timing.wait),
            One,
            "After this a client's MESSAGE is answered with what is known by then",
        ),
        key(
            TIMES,
            "http_wait",
            "SECONDS",
            seconds(timing.http_wait),
            One,
            "The same for an HTTP sender that does not say ?wait=",
        ),
        key(
            TIMES,
            "retry",
            "SECONDS",
            seconds(timing.retry),
            One,
            "The first pause before an unconfirmed message is sent again; later ones double",
        ),
        key(
            TIMES,
            "retry_max",
            "SECONDS",
            seconds(timing.retry_max),
            One,
            "The longest such pause",
        ),
        key(
            TIMES,
            "shutdown_timeout",
            "SECONDS",
            seconds(timing.shutdown),
            One,
            "How long the end waits for connections to end in order",
        ),
        key(
            LIMITS,
            "connections",
            "COUNT",
            bounds.connections.to_string(),
            One,
            "Connections at once; more are closed as they come",
        ),
        key(
            LIMITS,
            "connections_per_address",
            "COUNT",
            bounds.connections_per_address.to_string(),
            One,
            "The same from one address (one /64 of IPv6); this computer is not counted",
        ),
        key(
            LIMITS,
            "requests_per_second",
            "COUNT",
            bounds.requests_per_second.to_string(),
            One,
            "HTTP requests from one address in the long run; more are answered 429. This computer \
             is not counted",
        ),
        key(
            LIMITS,
            "requests_at_once",
            "COUNT",
            bounds.requests_at_once.to_string(),
            One,
            "HTTP requests from one address in a burst",
        ),
        key(
            LIMITS,
            "clients",
            "COUNT",
            bounds.clients.to_string(),
            One,
            "Names known at once. Each is remembered until it is forgotten by hand",
        ),
        key(
            LIMITS,
            "window",
            "COUNT",
            bounds.window.to_string(),
            One,
            "Messages sent to one recipient and not confirmed yet, at most; more than 700 count as \
             700",
        ),
        key(
            LOG,
            "log",
            "LEVEL",
            text("info"),
            One,
            "What is logged to standard error: error, warn, info or debug. Neither the content of \
             messages nor secrets are in it, at any level",
        ),
        key(
            LOG,
            "log_format",
            "FORMAT",
            text("text"),
            One,
            "How it is logged. text: for people; json: one object a line, for collectors",
        ),
    ]
}

fn seconds(time: std::time::Duration) -> String {
    time.as_secs_f64().to_string()
}
