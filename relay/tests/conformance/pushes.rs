//! The push service of the recording: what the relay hands over waits for the answer that the script
//! has for it.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use futures_util::future::{BoxFuture, FutureExt as _};
use serde_json::Value;
use tidings_relay::{
    Push,
    push::{Letter, Outcome},
    store::Subscription,
};
use tokio::sync::{mpsc, oneshot};

/// The recorded service's address.
const SERVICE: &str = "https://127.0.0.1:19443";

/// A push that came.
struct Came {
    path: String,
    body: String,
    answer: oneshot::Sender<Outcome>,
}

/// The service's side.
pub(crate) struct Pushes {
    came: mpsc::UnboundedReceiver<Came>,
    /// Paths and mids that came already: how often one is tried again, is a matter of timers.
    seen: HashSet<(String, String)>,
    /// In the order of their coming.
    unanswered: VecDeque<oneshot::Sender<Outcome>>,
}

impl Pushes {
    /// The next push that is no repeat: its path and its packet.
    pub(crate) async fn next(&mut self) -> Option<(String, String)> {
        loop {
            let came = self.came.recv().await?;
            let packet: Value = serde_json::from_str(&came.body).unwrap();
            let mid = packet["data"]["mid"].as_str().unwrap_or_default();
            if self.seen.insert((came.path.clone(), mid.to_owned())) {
                self.unanswered.push_back(came.answer);
                return Some((came.path, came.body));
            }
        }
    }

    /// Answers the oldest push that is not answered yet; false if there is none.
    pub(crate) fn answer(&mut self, status: i32) -> bool {
        let outcome = match status {
            201 => Outcome::Taken,
            404 | 410 => Outcome::Gone,
            413 => Outcome::TooLarge,
            _ => Outcome::Later(None),
        };
        let answer = self.unanswered.pop_front();
        // The relay that asked may have been killed.
        answer.map(|answer| answer.send(outcome)).is_some()
    }
}

/// The way there.
pub(crate) struct Recorded(mpsc::UnboundedSender<Came>);

impl Recorded {
    pub(crate) fn new() -> (Arc<Self>, Pushes) {
        let (sender, came) = mpsc::unbounded_channel();
        let pushes = Pushes {
            came,
            seen: HashSet::new(),
            unanswered: VecDeque::new(),
        };
        (Arc::new(Self(sender)), pushes)
    }
}

impl Push for Recorded {
    fn public_key(&self) -> Option<&str> {
        Some(
            "BPU-cNPEqQYiRNDAwAbf_6nRvZKYFd1z7mqwGb8g_R81GCr-gm3aaeyUKHYTd1KFvoN4nOVMsXbc7darpJ_vpYA",
        )
    }

    fn check(&self, _: &Subscription) -> Result<(), String> {
        Ok(())
    }

    fn send(&self, letter: Letter) -> BoxFuture<'static, Outcome> {
        let endpoint = &letter.subscription.endpoint;
        let path = endpoint.strip_prefix(SERVICE).unwrap_or(endpoint);
        let (answer, answered) = oneshot::channel();
        let sent = self.0.send(Came {
            path: path.to_owned(),
            body: letter.body,
            answer,
        });
        async move {
            match sent {
                Ok(()) => answered.await.unwrap_or(Outcome::Later(None)),
                Err(_) => Outcome::Later(None),
            }
        }
        .boxed()
    }
}
