//! More messages given up at once than a reader is told of: nothing that is given up reaches anybody.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tidings_relay::{
    Clock, Config, Durability, MemoryStore, SqliteStore, Store, Timing,
    store::{Position, Wakeup},
};

use crate::{
    store::{DAY, attach, message, queued, register},
    support::{DEADLINE, Relay, config, message as packet, within},
};

/// Positions that a reader is told of at once (`EXPIRED`).
const TOLD: usize = 4096;
/// More than a reader holds.
const FIRST: u64 = 1500;
const ALL: u64 = FIRST + TOLD as u64;

async fn line_03_a_reader_hears_of_the_front_of_its_queue(store: &dyn Store) {
    store.identity().await.unwrap();
    register(store, &["r"]).await;
    let (_lease, mut wakeups) = attach(store, "r").await;
    let mut positions = Vec::new();
    for n in 0..ALL {
        let mut accept = message(n, &["r"]);
        // The front of the queue is the last to go.
        accept.expires_ms = DAY + if n < FIRST { 20 } else { 10 };
        positions.push(queued(store, accept).await);
    }
    while store.expire(DAY + 30).await.unwrap().next_ms.is_some() {}
    let mut heard = Vec::new();
    wakeups.recv(&mut heard).await;
    // What was given up before the reader heard of it is not even announced.
    let told: Vec<Position> = match &heard[..] {
        [Wakeup::Expired(told), Wakeup::Look] => told.clone(),
        other => panic!("{:?}", other.iter().take(3).collect::<Vec<_>>()),
    };
    assert_eq!(told, positions[..TOLD]);
}

#[tokio::test]
async fn line_03_a_reader_hears_of_the_front_of_its_queue_in_memory() {
    line_03_a_reader_hears_of_the_front_of_its_queue(&MemoryStore::new()).await;
}

#[tokio::test]
async fn line_03_a_reader_hears_of_the_front_of_its_queue_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Durability::Os).unwrap();
    line_03_a_reader_hears_of_the_front_of_its_queue(&store).await;
}

#[tokio::test]
async fn line_03_of_thousands_given_up_at_once_none_is_delivered() {
    const TTL_MS: u64 = 1000;
    let now = Arc::new(AtomicU64::new(DAY));
    let clock = {
        let now = Arc::clone(&now);
        Clock::new(move || now.load(Ordering::Relaxed))
    };
    let config = Config {
        clock,
        timing: Timing {
            // Nothing is sent again, and nobody waits for a reply.
            retry: DEADLINE * 2,
            wait: Duration::ZERO,
            ..config().timing
        },
        ..config()
    };
    let window = config.bounds.window;
    let store = Arc::new(MemoryStore::new());
    let relay = Relay::on(config, Arc::clone(&store) as _).await;
    let mut recipient = relay.client("r", "").await;
    let mut sender = relay.client("s", "").await;
    for n in 0..ALL {
        let mut message = packet("personal", "r", &n.to_string());
        let ttl = if n < FIRST { TTL_MS + 1 } else { TTL_MS };
        message["data"]["message"]["extra"] = json!({"ttl": ttl as f64 / 1000.0});
        sender.send(message).await;
        assert_eq!(sender.recv().await["cmd"], "MESSAGE_REPLY");
    }
    let mut mids = Vec::new();
    for n in 0..window {
        mids.push(recipient.expect(&n.to_string()).await);
    }
    recipient.expect_nothing().await;
    // The relay looks at its clock every so often: all of it is over at once.
    now.fetch_add(2 * TTL_MS, Ordering::Relaxed);
    within(async {
        while store.load().await.unwrap().messages > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Makes room in the window, were there anything left to send.
    for mid in mids {
        recipient.confirm(&mid).await;
    }
    recipient.expect_nothing().await;
    sender.message_to("r", "last").await;
    recipient.take("last").await;
    recipient.expect_nothing().await;
}
