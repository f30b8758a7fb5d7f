//! Conversations as they are found from one of their messages.

use super::super::parcel::tests::{answered, draft, people};
use super::super::received::{Incoming, Stored};
use super::super::sent::{Reply, Written};
use super::super::tests::{Fixture, here, incoming};
use super::*;
use crate::types::{Draft, RelayId};

fn mid(mid: u64) -> String {
    (1_731_000_000_000 + mid).to_string()
}

/// Receives that message, in answer to another.
async fn comes(fixture: &Fixture, number: u64, answers: Option<u64>) -> MessageId {
    let message = Incoming {
        reply_to: answers.map(mid),
        ..incoming(number)
    };
    match fixture.store(message).await {
        Stored::New(row) => row.id,
        Stored::Repeat => panic!("a new message"),
    }
}

/// Sends to these, in answer to a message; the relay gives the parcels these mids.
async fn goes(fixture: &Fixture, title: &str, to: &[&str], answers: Option<u64>, mids: &[u64]) {
    goes_by(fixture, here(), title, to, answers, mids).await;
}

async fn goes_by(
    fixture: &Fixture,
    relay: RelayId,
    title: &str,
    to: &[&str],
    answers: Option<u64>,
    mids: &[u64],
) {
    let written = Written {
        references: to.iter().map(|name| format!("{title}-{name}")).collect(),
        reply: answers.map(|answers| Reply {
            mid: Some(mid(answers)),
            quote: String::new(),
        }),
        draft: Draft {
            to: people(to),
            ..draft(title)
        },
        kept: None,
    };
    let first = mids.first().copied().unwrap_or_default();
    let inbox = &fixture.inbox;
    inbox
        .queue(written, relay.clone(), 500 + first)
        .await
        .unwrap();
    let over = tidings_control::Words::foreign("over");
    let waiting = inbox.waiting(relay, false, 100, over, 9_000).await.unwrap();
    for (parcel, number) in waiting.parcels.iter().zip(mids) {
        let came = answered(&mid(*number), &[("bob", "ok")]);
        inbox.progressed(parcel.id, came, 9_000).await.unwrap();
    }
}

/// The conversation of a message: `>` before what was sent.
async fn thread(fixture: &Fixture, id: MessageId) -> Vec<String> {
    let message = fixture.inbox.message(id).await.unwrap().unwrap();
    let word = |other: &Related| {
        let mark = if other.sent { ">" } else { "" };
        format!("{mark}{} {}", other.who, other.title)
    };
    message.thread.iter().map(word).collect()
}

#[tokio::test]
async fn a_conversation_is_found_from_its_middle_in_the_order_of_time() {
    let fixture = Fixture::new().await;
    goes(&fixture, "Lunch?", &["ann", "eve"], None, &[1, 2]).await;
    let middle = comes(&fixture, 3, Some(1)).await;
    goes(&fixture, "Where", &["ann"], Some(3), &[4]).await;
    let last = comes(&fixture, 5, Some(4)).await;
    let other = comes(&fixture, 6, Some(2)).await;
    let alone = comes(&fixture, 7, Some(99)).await;
    assert_eq!(
        thread(&fixture, middle).await,
        [">ann, eve Lunch?", ">ann Where", "ann title 5"]
    );
    assert_eq!(
        thread(&fixture, last).await,
        [">ann, eve Lunch?", "ann title 3", ">ann Where"]
    );
    assert_eq!(thread(&fixture, other).await, [">ann, eve Lunch?"]);
    assert!(thread(&fixture, alone).await.is_empty());
    fixture
        .inbox
        .delete(vec![middle], true, 9_000)
        .await
        .unwrap();
    assert_eq!(
        thread(&fixture, last).await,
        [">ann, eve Lunch?", ">ann Where"],
        "what was deleted still holds it together"
    );
}

#[tokio::test]
async fn the_ids_of_another_relay_mean_nothing() {
    let fixture = Fixture::new().await;
    let id = comes(&fixture, 1, Some(2)).await;
    let elsewhere = RelayId::new("elsewhere");
    goes_by(&fixture, elsewhere, "Same number", &["ann"], Some(1), &[2]).await;
    assert!(thread(&fixture, id).await.is_empty());
}

#[tokio::test]
async fn a_circle_and_a_long_conversation_end() {
    let fixture = Fixture::new().await;
    let one = comes(&fixture, 1, Some(2)).await;
    comes(&fixture, 2, Some(1)).await;
    assert_eq!(thread(&fixture, one).await, ["ann title 2"]);
    let own = comes(&fixture, 3, Some(3)).await;
    assert!(thread(&fixture, own).await.is_empty());
    let first = comes(&fixture, 1000, None).await;
    for number in 1001..1100 {
        comes(&fixture, number, Some(number - 1)).await;
    }
    let found = thread(&fixture, first).await;
    assert_eq!(found.len(), THREAD);
    assert_eq!(found[0], "ann title 1001", "the nearest ones");
}
