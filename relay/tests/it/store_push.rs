//! What every store promises about Web Push: subscriptions, how far each push came, confirmations
//! of pushes. Run like `store`, crashes included.

use tidings_protocol::Status;
use tidings_relay::{
    MidNumber, Store,
    store::{Confirmed, Position, Pushed, Subscription, ToPush, Word},
};

use crate::store::{
    Bench, DAY, attach, confirm, conformance, message, mid, name, queued, queued_for_all, read,
    register, statuses,
};

fn at(endpoint: &str) -> Subscription {
    Subscription {
        endpoint: format!("https://push.example/{endpoint}"),
        p256dh: [4; 65],
        auth: [7; 16],
        by: "token".to_owned(),
    }
}

async fn subscribe(store: &dyn Store, who: &str, endpoint: &str) {
    assert!(store.subscribe(&name(who), at(endpoint)).await.unwrap());
}

async fn next(store: &dyn Store, who: &str, after: Position) -> Option<ToPush> {
    store.to_push(&name(who), after).await.unwrap()
}

async fn next_mid(store: &dyn Store, who: &str) -> Option<MidNumber> {
    let next = next(store, who, Position::START).await;
    next.map(|message| message.mid)
}

async fn a_client_has_one_subscription_until_it_is_gone(mut bench: Bench) {
    let store = bench.store();
    register(&*store, &["a", "b", "c"]).await;
    assert!(!store.subscribe(&name("ghost"), at("x")).await.unwrap());
    subscribe(&*store, "b", "1").await;
    subscribe(&*store, "a", "1").await;
    subscribe(&*store, "a", "2").await;
    for who in ["a", "c"] {
        queued(&*store, message(1 + u64::from(who == "c"), &[who])).await;
    }
    drop(store);
    bench.crash();
    let store = bench.store();
    let subscribers = store.subscribers().await.unwrap();
    assert_eq!(subscribers, [name("a"), name("b")]);
    let found = next(&*store, "a", Position::START).await.unwrap();
    assert_eq!(found.subscription, at("2"));
    assert_eq!(found.mid, mid(1));
    assert_eq!(found.frame, message(1, &[]).frame);
    assert_eq!(next(&*store, "c", Position::START).await, None);
    assert_eq!(next(&*store, "b", Position::START).await, None);
    // One that is replaced already is not what is forgotten.
    let old = at("1").endpoint;
    store.unsubscribe(&name("a"), &old).await.unwrap();
    assert!(next(&*store, "a", Position::START).await.is_some());
    store
        .unsubscribe(&name("a"), &at("2").endpoint)
        .await
        .unwrap();
    drop(store);
    bench.crash();
    let store = bench.store();
    assert_eq!(store.subscribers().await.unwrap(), [name("b")]);
    assert_eq!(next(&*store, "a", Position::START).await, None);
}

async fn what_a_push_service_took_is_not_pushed_again_but_waits_on(mut bench: Bench) {
    let store = bench.store();
    register(&*store, &["r"]).await;
    subscribe(&*store, "r", "1").await;
    let mut positions = Vec::new();
    for n in 1..=3 {
        positions.push(queued(&*store, message(n, &["r"])).await);
    }
    let note = async |store: &dyn Store, n, pushed| {
        let noted = store.note_push(&name("r"), mid(n), pushed).await;
        noted.unwrap()
    };
    assert!(note(&*store, 1, Pushed::Handing).await);
    drop(store);
    bench.crash();
    let store = bench.store();
    let status = async |store: &dyn Store, n| statuses(store, mid(n)).await[0].1.clone();
    assert_eq!(status(&*store, 1).await, Status::PushWait);
    // Whether it was taken is not known: it is pushed again.
    assert_eq!(next_mid(&*store, "r").await, Some(mid(1)));
    assert!(note(&*store, 1, Pushed::Taken).await);
    assert_eq!(status(&*store, 1).await, Status::PushOk);
    assert_eq!(next_mid(&*store, "r").await, Some(mid(2)));
    let after = next(&*store, "r", positions[1]).await.unwrap();
    assert_eq!(after.position, positions[2]);
    assert!(note(&*store, 2, Pushed::Handing).await);
    assert!(note(&*store, 2, Pushed::No).await);
    assert_eq!(status(&*store, 2).await, Status::Wait);
    drop(store);
    bench.crash();
    let store = bench.store();
    let (lease, _wakeups) = attach(&*store, "r").await;
    assert_eq!(read(&*store, &lease).await, [1, 2, 3].map(mid));
    confirm(&*store, &lease, positions[0]).await;
    assert!(!note(&*store, 1, Pushed::Taken).await);
    assert_eq!(status(&*store, 1).await, Status::Ok);
    assert_eq!(next_mid(&*store, "r").await, Some(mid(2)));
}

async fn a_confirmed_push_is_told_from_a_confirmed_message(mut bench: Bench) {
    let store = bench.store();
    register(&*store, &["a", "b", "c", "d"]).await;
    queued_for_all(&*store, message(1, &["a", "b", "c", "d"])).await;
    let taken = store.note_push(&name("a"), mid(1), Pushed::Taken).await;
    assert!(taken.unwrap());
    for (who, word) in [("a", Word::Push), ("b", Word::Message), ("c", Word::Push)] {
        let settled = store.settle(&name(who), mid(1), word, DAY).await.unwrap();
        assert_eq!(settled, Confirmed::Done);
        let again = store
            .settle(&name(who), mid(1), Word::Push, DAY)
            .await
            .unwrap();
        assert_eq!(again, Confirmed::Already);
    }
    drop(store);
    bench.crash();
    let store = bench.store();
    let expected = [
        ("a", Status::PushConfirmed),
        ("b", Status::Ok),
        ("c", Status::PushConfirmed),
        ("d", Status::Wait),
    ];
    let expected = expected.map(|(name, status)| (name.to_owned(), status));
    assert_eq!(statuses(&*store, mid(1)).await, expected);
    // Given up for the last one, it stays so for all.
    store.expire(u64::MAX).await.unwrap();
    let mut expected = expected;
    expected[3].1 = Status::Expired;
    assert_eq!(statuses(&*store, mid(1)).await, expected);
}

async fn what_was_pushed_and_never_confirmed_expires(bench: Bench) {
    let store = bench.store();
    register(&*store, &["r"]).await;
    subscribe(&*store, "r", "1").await;
    queued(&*store, message(1, &["r"])).await;
    let taken = store.note_push(&name("r"), mid(1), Pushed::Taken).await;
    assert!(taken.unwrap());
    assert_eq!(store.expire(u64::MAX).await.unwrap().given_up, 1);
    assert_eq!(statuses(&*store, mid(1)).await[0].1, Status::Expired);
}

conformance!(
    a_client_has_one_subscription_until_it_is_gone,
    what_a_push_service_took_is_not_pushed_again_but_waits_on,
    a_confirmed_push_is_told_from_a_confirmed_message,
    what_was_pushed_and_never_confirmed_expires,
);
