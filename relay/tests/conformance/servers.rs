//! The servers that were recorded: from which case on, with which timeouts; and the cases that a
//! relay has no part in.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tidings_relay::{Bounds, Config, MemoryStore, Timing, Token};
use tokio::sync::watch;

use crate::{
    differences::Why,
    replay::{Replay, TICK},
    script::Case,
};

/// A server of the recording.
pub(crate) struct Server {
    /// The first case it was started for.
    pub(crate) first: &'static str,
    auth_ms: u64,
    wait_ms: u64,
    retry_ms: u64,
    /// Whether any token will do.
    open: bool,
    /// Whether it pushes.
    push: bool,
}

const fn server(first: &'static str, auth_ms: u64, wait_ms: u64, retry_ms: u64) -> Server {
    Server {
        first,
        auth_ms,
        wait_ms,
        retry_ms,
        open: false,
        push: false,
    }
}

const fn pushing(first: &'static str, auth_ms: u64, wait_ms: u64, retry_ms: u64) -> Server {
    Server {
        push: true,
        ..server(first, auth_ms, wait_ms, retry_ms)
    }
}

const fn open(first: &'static str) -> Server {
    Server {
        open: true,
        ..server(first, 700, 1000, 300)
    }
}

pub(crate) const SERVERS: &[Server] = &[
    server("auth-ok", 700, 1000, 300),
    server("http-get-send-online-acked", 700, 1000, 300),
    server("verifyToken-on(http.verifyToken=true)", 700, 1000, 300),
    server("cors-off", 700, 1000, 300),
    open("ws-verifyToken-off"),
    open("empty-config-token"),
    pushing("fcm-register-and-deliver-online-acking", 30_000, 1500, 400),
    pushing("fcm-status: ws-retry-longer-than-wait", 30_000, 1000, 3000),
    pushing("fcm-status: ws-retry-shorter-than-wait", 30_000, 1500, 400),
    pushing(
        "fcm-status: push-service-slow(delay 2500ms > wait 1000)",
        30_000,
        1000,
        3000,
    ),
    pushing("fcm-group", 30_000, 1000, 3000),
    pushing(
        "fcm-push-service-returns-410(fcm.retryTimeout=5000)",
        30_000,
        1000,
        3000,
    ),
    server("protocol-violation: rsv1 bit set", 700, 1000, 300),
    server(
        "half-open: receiver vanishes without FIN (paused socket), server keeps sending",
        700,
        1000,
        300,
    ),
    server("restart-with-unacked(SIGTERM)", 700, 1000, 300),
    server("restart-with-unacked(SIGKILL)", 700, 1000, 300),
    server("jwt-valid-after-restart", 700, 1000, 300),
    server("warmup", 30_000, 1000, 300),
    server(
        "reply-to-sender-that-is-offline: MESSAGE_REPLY dropped",
        700,
        1000,
        300,
    ),
    server(
        "pwa pwa-dist-ca26ae0 insecure: first load and configure through the settings form",
        3000,
        5000,
        3000,
    ),
    pushing(
        "pwa pwa-dist-ca26ae0 sw: first load and configure through the settings form",
        3000,
        5000,
        3000,
    ),
    server(
        "pwa pwa-dist-0bae548 insecure: first load and configure through the settings form",
        3000,
        5000,
        3000,
    ),
    pushing(
        "pwa pwa-dist-0bae548 sw: first load and configure through the settings form",
        3000,
        5000,
        3000,
    ),
    pushing(
        "pwa pwa-dist-0ace112 sw: first load and configure through the settings form",
        3000,
        5000,
        3000,
    ),
];

/// Why a case has nothing to replay, if so.
pub(crate) fn apart(case: &Case) -> Option<&'static str> {
    let name = case.name.as_str();
    if name.contains("IndexedDB") || name.ends_with("push message delivered to the service worker")
    {
        Some("a browser's own doings")
    } else if name.starts_with("webhook") || name.starts_with("config-") {
        Some("what the reference's configuration file offers, no part of the protocol")
    } else if name.starts_with("no-limit: ") || name == "bench" {
        Some("a measurement of the reference, no frames")
    } else if name == "PROCESS-CRASH-LIST" {
        Some("a note")
    } else {
        None
    }
}

impl Server {
    fn config(&self) -> Config {
        let wait = Duration::from_millis(self.wait_ms);
        let retry = Duration::from_millis(self.retry_ms);
        Config {
            token: (!self.open).then(|| Token::new("test").unwrap()),
            timing: Timing {
                auth: Duration::from_millis(self.auth_ms),
                wait,
                // The reference re-sends in even pauses.
                retry,
                retry_max: retry,
                http_wait: wait,
                ..Timing::default()
            },
            bounds: Bounds {
                // The reference sends one message at a time; so that its frames can be compared
                // one by one, so does this relay here.
                window: 1,
                ..Bounds::default()
            },
            ..Config::default()
        }
    }
}

/// Cases of one server, with what their differences rest on.
pub(crate) type Cases = Vec<(Case, BTreeSet<Why>)>;

type Replayed = (String, BTreeSet<Why>, Result<(), String>);

/// Replays a server's cases, on a clock of its own.
pub(crate) fn replay(server: &Server, cases: Cases) -> (Vec<Replayed>, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let (tick, ticks) = watch::channel(0_u64);
    runtime.block_on(async move {
        // As long as a blocking task runs, the paused clock does not move by itself. This one also
        // counts real time, for what never comes.
        let _clock = tokio::task::spawn_blocking(move || {
            while !tick.is_closed() {
                std::thread::sleep(TICK);
                tick.send_modify(|tick| *tick += 1);
            }
        });
        let store = Arc::new(MemoryStore::new());
        let mut replay = Replay::start(server.config(), store, server.push, ticks).await;
        let mut replayed = Vec::new();
        for (case, whys) in cases {
            let result = replay.run(&case).await;
            replayed.push((case.name, whys, result));
        }
        (replayed, replay.compared)
    })
}
