//! Relays of the inbox and of the settings brought together.

use super::super::tests::{Fixture, here, incoming};
use super::*;
use crate::inbox::{Incoming, Written};
use crate::types::{Draft, Filter, Progress, Recipient};

fn work() -> RelayId {
    RelayId::new("work")
}

async fn by(fixture: &Fixture, relay: RelayId) -> Vec<MessageId> {
    let filter = Filter {
        relay: Some(relay),
        ..Filter::default()
    };
    let page = fixture.inbox.page(&filter, None, 10).await.unwrap();
    page.into_iter().map(|row| row.id).collect()
}

async fn attach(fixture: &Fixture, name: &str, id: RelayId, ids: &[RelayId]) -> String {
    let address = "ws://relay.lan:9093/".to_owned();
    let attached = fixture.inbox.attach(name.into(), id, address, ids.to_vec());
    attached.await.unwrap()
}

#[tokio::test]
async fn what_came_by_a_relay_is_its_own_again_when_it_is_joined_again() {
    let fixture = Fixture::new().await;
    assert_eq!(
        attach(&fixture, "relay-1", here(), &[here()]).await,
        "relay-1"
    );
    fixture.store(incoming(1)).await;
    assert_eq!(by(&fixture, here()).await, [1]);
    // Left, and joined again under another id.
    assert_eq!(
        attach(&fixture, "relay-1", work(), &[work()]).await,
        "relay-1"
    );
    assert_eq!(by(&fixture, work()).await, [1]);
    assert!(by(&fixture, here()).await.is_empty());
}

#[tokio::test]
async fn a_relay_joined_twice_is_two() {
    let fixture = Fixture::new().await;
    let ids = [here(), work()];
    for _ in 0..2 {
        assert_eq!(attach(&fixture, "relay-1", here(), &ids).await, "relay-1");
        let second = attach(&fixture, "relay-1", work(), &ids).await;
        assert_eq!(second, "relay-1 as work");
    }
    fixture.store(incoming(1)).await;
    let other = Incoming {
        relay: "relay-1 as work".into(),
        joined: work(),
        ..incoming(1)
    };
    fixture.store(other).await;
    assert_eq!(by(&fixture, here()).await, [1]);
    assert_eq!(by(&fixture, work()).await, [2]);
}

#[tokio::test]
async fn rows_of_earlier_versions_go_by_their_address_until_their_relay_is_known() {
    let fixture = Fixture::new().await;
    fixture.store(incoming(1)).await;
    let forget =
        |connection: &mut Connection| connection.execute("UPDATE relay SET joined = NULL", []);
    fixture.inbox.call(forget).await.unwrap();
    let address = "ws://relay.lan:9093/";
    assert_eq!(by(&fixture, RelayId::new(address)).await, [1]);
    let relays = vec![(work(), "ws://elsewhere/".into()), (here(), address.into())];
    fixture.inbox.adopt(relays).await.unwrap();
    assert_eq!(by(&fixture, here()).await, [1]);
}

#[tokio::test]
async fn what_is_queued_is_counted_by_relay_and_given_up_with_it() {
    let fixture = Fixture::new().await;
    fixture.store(incoming(1)).await;
    for (number, relay) in [here(), work(), work()].into_iter().enumerate() {
        let written = Written {
            draft: Draft {
                to: vec![Recipient::Person("ann".into())],
                title: "t".into(),
                ..Draft::default()
            },
            references: vec![format!("r{number}")],
            ..Written::default()
        };
        let sent = fixture.inbox.queue(written, relay.clone(), 5);
        assert_eq!(sent.await.unwrap().draft.relay, Some(relay));
    }
    let counted = async || {
        let sources = fixture.inbox.sources().await.unwrap().relays;
        let counted = sources.into_iter();
        let counted = counted.map(|relay| (relay.id, relay.unread, relay.waiting));
        counted.collect::<Vec<_>>()
    };
    assert_eq!(counted().await, [(here(), 1, 1), (work(), 0, 2)]);
    let given_up = fixture
        .inbox
        .give_up(vec![here()], Words::foreign("left"))
        .await
        .unwrap();
    let progress: Vec<_> = given_up
        .into_iter()
        .map(|sent| sent.parcels[0].progress.clone())
        .collect();
    let failed = Progress::Failed {
        reason: Words::foreign("left"),
    };
    assert_eq!(progress, [failed.clone(), failed]);
    assert_eq!(counted().await, [(here(), 1, 1)]);
    let nobody = fixture
        .inbox
        .give_up(Vec::new(), Words::foreign("left"))
        .await
        .unwrap();
    assert_eq!(nobody.len(), 1);
}
