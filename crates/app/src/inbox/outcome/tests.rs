//! What became of what was sent, in whichever order it is heard of.

use super::super::parcel::tests::{answered, draft, people, queue};
use super::super::tests::{Fixture, here};
use super::*;
use crate::types::{Draft, Progress};

fn told(mid: &str, name: &str, delivery: Delivery, at: u64) -> Told {
    Told {
        relay: here(),
        group: String::new(),
        mid: mid.into(),
        reference: None,
        name: name.into(),
        delivery,
        at,
        note: String::new(),
    }
}

async fn sent(fixture: &Fixture) {
    let to = people(&["ann"]);
    queue(fixture, Draft { to, ..draft("one") }, 5).await;
    fixture.inbox.leaving(1, true).await.unwrap();
}

async fn outcomes(fixture: &Fixture) -> Vec<(String, Delivery, usize)> {
    let sent = fixture.inbox.sent_message(1).await.unwrap().unwrap();
    let outcomes = sent
        .parcels
        .into_iter()
        .flat_map(|parcel| parcel.recipients);
    outcomes
        .map(|of| (of.name, of.delivery, of.history.len()))
        .collect()
}

#[tokio::test]
async fn what_is_known_never_falls_back_and_its_history_is_in_the_order_it_was_heard() {
    let fixture = Fixture::new().await;
    sent(&fixture).await;
    let came = answered("70", &[("ann", "wait"), ("bob", "no"), ("cy", "odd")]);
    let row = fixture.inbox.progressed(1, came, 6).await.unwrap().unwrap();
    let became: Vec<_> = row.parcels[0]
        .recipients
        .iter()
        .map(|r| r.delivery)
        .collect();
    assert_eq!(
        became,
        [Delivery::Waiting, Delivery::Refused, Delivery::Other]
    );
    let mut acknowledged = told("70", "ann", Delivery::Acknowledged, 8);
    acknowledged.note = "on it".into();
    let heard = vec![
        told("70", "ann", Delivery::Delivered, 7),
        acknowledged.clone(),
        told("70", "ann", Delivery::Read, 9),
        // Again, on another connection.
        acknowledged,
        told("70", "cy", Delivery::Delivered, 9),
    ];
    let changed = fixture.inbox.told(heard.clone()).await.unwrap().changed;
    assert_eq!(changed.len(), 1);
    assert!(fixture.inbox.told(heard).await.unwrap().changed.is_empty());
    let fixture = fixture.restarted(2000).await;
    let row = fixture.inbox.sent_message(1).await.unwrap().unwrap();
    let ann = &row.parcels[0].recipients[0];
    assert_eq!(ann.delivery, Delivery::Acknowledged);
    let history: Vec<_> = ann
        .history
        .iter()
        .map(|step| (step.delivery, step.at, step.note.as_str()))
        .collect();
    assert_eq!(
        history,
        [
            (Delivery::Waiting, 6, ""),
            (Delivery::Delivered, 7, ""),
            (Delivery::Acknowledged, 8, "on it"),
            (Delivery::Read, 9, ""),
        ]
    );
    let cy = &row.parcels[0].recipients[2];
    assert_eq!(cy.delivery, Delivery::Delivered);
}

#[tokio::test]
async fn a_receipt_before_the_answer_is_known_by_its_ref() {
    let fixture = Fixture::new().await;
    sent(&fixture).await;
    let mut early = told("70", "ann", Delivery::Read, 7);
    early.reference = Some("one-1".into());
    assert_eq!(
        fixture
            .inbox
            .told(vec![early.clone()])
            .await
            .unwrap()
            .changed
            .len(),
        1
    );
    assert_eq!(
        outcomes(&fixture).await,
        [("ann".into(), Delivery::Read, 1)]
    );
    let came = answered("70", &[("ann", "ok"), ("bob", "wait")]);
    fixture.inbox.progressed(1, came, 9).await.unwrap();
    let expected = [
        ("ann".into(), Delivery::Read, 2),
        ("bob".into(), Delivery::Waiting, 1),
    ];
    assert_eq!(outcomes(&fixture).await, expected);
    // By another relay, or of nothing sent from here: passed over.
    let mut foreign = told("70", "bob", Delivery::Read, 7);
    foreign.relay = RelayId::new("b");
    let unknown = told("71", "bob", Delivery::Read, 7);
    let passed = fixture.inbox.told(vec![foreign, unknown, early]).await;
    let passed = passed.unwrap();
    assert!(passed.changed.is_empty());
    assert_eq!(passed.of_received, [true, true, false]);
}

#[tokio::test]
async fn a_receipt_settles_what_was_of_unknown_fate() {
    let fixture = Fixture::new().await;
    sent(&fixture).await;
    let came = super::super::Came {
        progress: Progress::Unknown,
        gone: false,
        answer: None,
    };
    fixture.inbox.progressed(1, came, 6).await.unwrap();
    let mut late = told("70", "ann", Delivery::Delivered, 7);
    late.reference = Some("one-1".into());
    let changed = fixture.inbox.told(vec![late]).await.unwrap().changed;
    assert_eq!(changed[0].parcels[0].progress, Progress::Answered);
}

#[tokio::test]
async fn what_the_first_of_ones_own_group_acknowledged_is_of_what_was_received_too() {
    let fixture = Fixture::new().await;
    let ask = crate::types::Ask::First;
    queue(
        &fixture,
        Draft {
            ask,
            ..draft("one")
        },
        5,
    )
    .await;
    let came = answered("70", &[("ann", "wait")]);
    fixture.inbox.progressed(1, came, 6).await.unwrap();
    let by_ann = told("70", "ann", Delivery::Acknowledged, 7);
    let mut in_group = by_ann.clone();
    in_group.group = "ops".into();
    let heard = fixture.inbox.told(vec![by_ann, in_group]).await.unwrap();
    assert_eq!(heard.of_received, [false, true]);
}

#[test]
fn each_delivery_has_a_word_of_its_own() {
    for (delivery, word) in DELIVERIES {
        assert_eq!((by_word(word), super::word(delivery)), (delivery, word));
    }
    assert_eq!(by_word("of another version"), Delivery::Other);
}
