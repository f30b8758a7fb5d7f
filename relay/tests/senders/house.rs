//! A relay with a shared token, a token that goes to ann, and ann, who confirms what she gets.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tidings_relay::{Config, NamedToken, Rights, Scope};

use crate::support::{Answer, Client, Relay, TOKEN, config, http};

pub(crate) struct House {
    pub(crate) relay: Relay,
    pub(crate) ann: Client,
    /// The secret of a token that goes to ann, and may send nowhere else.
    pub(crate) anns: String,
    /// Of one that goes to a client that never was.
    pub(crate) ghosts: String,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let token = |name: &str, to: &str| {
            let nothing = Rights {
                send: Scope::nobody(),
                receive: Scope::nobody(),
            };
            let (token, secret) = NamedToken::generate(name, nothing, 1_795_414_000_000).unwrap();
            let secret = secret.expose().to_owned();
            (token.towards(to.parse().unwrap()), secret)
        };
        let (nas, anns) = token("nas", "ann");
        let (lost, ghosts) = token("lost", "ghost");
        let relay = Relay::with(Config {
            named_tokens: vec![nas, lost],
            ..config
        })
        .await;
        let ann = relay.client("ann", "home").await;
        Self {
            relay,
            ann,
            anns,
            ghosts,
        }
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        http(self.relay.address, method, path, headers, body).await
    }

    /// The same with the shared token.
    pub(crate) async fn post(&self, path: &str, kind: &str, body: &str) -> Answer {
        let headers = [("authorization", TOKEN), ("content-type", kind)];
        self.ask("POST", path, &headers, body).await
    }

    /// The next message that ann gets, confirmed.
    pub(crate) async fn message(&mut self) -> Value {
        let packet = self.ann.recv().await;
        assert_eq!(packet["cmd"], "MESSAGE", "{packet}");
        self.ann
            .confirm(packet["data"]["mid"].as_str().unwrap())
            .await;
        packet["data"]["message"].clone()
    }

    /// Expects that nothing else was sent.
    pub(crate) async fn expect_nothing(&mut self) {
        self.ann.expect_nothing().await;
    }
}

/// A file of this folder.
pub(crate) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/senders/fixtures");
    std::fs::read_to_string(path.join(name)).unwrap()
}

/// Where `cargo xtask setup --tests` puts Apprise.
pub(crate) fn apprise() -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("apprise");
    assert!(
        home.join("requirements.txt").exists(),
        "Apprise is not installed: run `cargo xtask setup --tests`"
    );
    home.join("bin")
}
