//! What is sent, as the file keeps it: from queued to its end, over restarts and older versions.

use super::super::tests::{Fixture, here};
use super::super::{FILE, Told, Written};
use super::*;
use crate::types::{Ask, Delivery, Priority};

pub(in super::super) fn draft(title: &str) -> Draft {
    Draft {
        to: vec![Recipient::Group("ops".into())],
        title: title.into(),
        body: "b".into(),
        priority: Priority::Low,
        link: "https://e.example/".into(),
        relay: Some(here()),
        ..Draft::default()
    }
}

/// Queues a message; the refs of its parcels are its title and their number.
pub(in super::super) async fn queue(fixture: &Fixture, draft: Draft, now: u64) -> Sent {
    let references = (1..=draft.to.len()).map(|number| format!("{}-{number}", draft.title));
    let written = Written {
        references: references.collect(),
        draft,
        ..Written::default()
    };
    fixture.inbox.queue(written, here(), now).await.unwrap()
}

pub(in super::super) fn people(names: &[&str]) -> Vec<Recipient> {
    let person = |name: &&str| Recipient::Person((*name).to_owned());
    names.iter().map(person).collect()
}

pub(in super::super) fn answered(mid: &str, statuses: &[(&str, &str)]) -> Came {
    let own = |(name, status): &(&str, &str)| ((*name).to_owned(), (*status).to_owned());
    Came {
        progress: Progress::Answered,
        gone: false,
        answer: Some(Answer {
            mid: mid.to_owned(),
            statuses: statuses.iter().map(own).collect(),
        }),
    }
}

fn only(progress: Progress) -> Came {
    Came {
        progress,
        gone: false,
        answer: None,
    }
}

/// What [`Inbox::waiting`] gives; whose time is over fails with "over".
async fn waiting_for(
    fixture: &Fixture,
    relay: RelayId,
    holds: bool,
    limit: usize,
    now: u64,
) -> Result<Queued, InboxError> {
    let over = Words::foreign("over");
    fixture.inbox.waiting(relay, holds, limit, over, now).await
}

async fn waiting(fixture: &Fixture, now: u64) -> Vec<MessageId> {
    let waiting = waiting_for(fixture, here(), false, 100, now);
    let parcels = waiting.await.unwrap().parcels;
    parcels.into_iter().map(|parcel| parcel.id).collect()
}

async fn progress(fixture: &Fixture, id: MessageId) -> Vec<Progress> {
    let sent = fixture.inbox.sent_message(id).await.unwrap().unwrap();
    let parcels = sent.parcels.into_iter();
    parcels.map(|parcel| parcel.progress).collect()
}

#[tokio::test]
async fn a_message_has_a_parcel_for_each_recipient_and_goes_in_the_order_it_was_written() {
    let fixture = Fixture::new().await;
    let mut full = draft("one");
    full.to = people(&["ann", "bob"]);
    full.tags = vec!["disk".into()];
    full.ttl = Some(60);
    full.ask = Ask::Each;
    full.repeat = Some(30);
    full.key = "k".into();
    let sent = queue(&fixture, full.clone(), 5).await;
    assert_eq!((sent.id, sent.written_at, &sent.draft), (1, 5, &full));
    let to: Vec<_> = sent.parcels.iter().map(|parcel| &parcel.to).collect();
    assert_eq!(to, full.to.iter().collect::<Vec<_>>());
    queue(&fixture, draft("two"), 6).await;

    let fixture = fixture.restarted(2000).await;
    let next = waiting_for(&fixture, here(), false, 10, 10);
    let next = next.await.unwrap();
    let references: Vec<_> = next.parcels.iter().map(|w| w.reference.as_str()).collect();
    assert_eq!(references, ["one-1", "one-2", "two-1"]);
    assert_eq!(next.parcels[1].to, full.to[1]);
    full.to = Vec::new();
    assert_eq!(next.parcels[0].draft, full);
    let elsewhere = waiting_for(&fixture, RelayId::new("b"), false, 10, 10);
    assert_eq!(elsewhere.await.unwrap(), Queued::default());
}

#[tokio::test]
async fn a_message_and_its_parcels_are_kept_or_nothing_is_and_its_draft_goes_with_them() {
    let fixture = Fixture::new().await;
    let kept = fixture.inbox.keep_draft(None, draft("one"), 1).await;
    let kept = kept.unwrap();
    let written = |references: &[&str]| Written {
        draft: Draft {
            to: people(&["ann", "bob"]),
            ..draft("one")
        },
        references: references.iter().map(|r| (*r).to_owned()).collect(),
        kept: Some(kept),
        ..Written::default()
    };
    // No ref is given twice.
    let twice = fixture.inbox.queue(written(&["r", "r"]), here(), 5).await;
    assert!(twice.is_err());
    assert!(waiting(&fixture, 10).await.is_empty());
    assert_eq!(fixture.inbox.drafts().await.unwrap().len(), 1);
    let queued = fixture.inbox.queue(written(&["r1", "r2"]), here(), 5).await;
    queued.unwrap();
    assert_eq!(waiting(&fixture, 10).await.len(), 2);
    assert!(fixture.inbox.drafts().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_due_waits_here_unless_the_relay_holds_it() {
    let fixture = Fixture::new().await;
    for (title, due) in [("later", 300), ("late", 200)] {
        let due = Some(due);
        queue(
            &fixture,
            Draft {
                due,
                ..draft(title)
            },
            5,
        )
        .await;
    }
    queue(&fixture, draft("now"), 6).await;
    let next = |holds, now| waiting_for(&fixture, here(), holds, 10, now);
    let ids = |waiting: Queued| waiting.parcels.iter().map(|w| w.id).collect::<Vec<_>>();
    let before = next(false, 100).await.unwrap();
    assert_eq!((before.next_due, ids(before)), (Some(200), vec![3]));
    let between = next(false, 200).await.unwrap();
    assert_eq!((between.next_due, ids(between)), (Some(300), vec![2, 3]));
    let holds = next(true, 100).await.unwrap();
    assert_eq!((holds.next_due, ids(holds)), (None, vec![1, 2, 3]));
}

#[tokio::test]
async fn what_waited_for_longer_than_it_lives_is_given_up_unless_it_may_have_left() {
    let fixture = Fixture::new().await;
    let ttl = Some(10);
    queue(
        &fixture,
        Draft {
            ttl,
            ..draft("old")
        },
        1000,
    )
    .await;
    let due = Some(5000);
    queue(
        &fixture,
        Draft {
            ttl,
            due,
            ..draft("due")
        },
        1000,
    )
    .await;
    queue(
        &fixture,
        Draft {
            ttl,
            ..draft("left")
        },
        1000,
    )
    .await;
    fixture.inbox.leaving(3, true).await.unwrap();
    fixture.inbox.resume(None).await.unwrap();
    let take = async |now| {
        let waiting = waiting_for(&fixture, here(), true, 2, now).await.unwrap();
        let ids: Vec<_> = waiting.parcels.iter().map(|parcel| parcel.id).collect();
        (ids, waiting.outlived)
    };
    assert_eq!(take(10_999).await, (vec![1, 2], Vec::new()));
    let (ids, given_up) = take(11_000).await;
    assert_eq!(ids, [2, 3], "as many as there is room for");
    let reason = Words::foreign("over");
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0].parcels[0].progress, Progress::Failed { reason });
    let (ids, given_up) = take(15_000).await;
    assert_eq!((ids, given_up[0].draft.title.as_str()), (vec![3], "due"));
    assert_eq!(take(20_000).await, (vec![3], Vec::new()));
}

/// Queues so many by one statement; every thousandth for so late.
async fn queue_many(fixture: &Fixture, many: u32, due: u64) {
    let queued = fixture.inbox.call(move |connection| {
        connection.execute_batch(&format!(
            "INSERT INTO sent (title, body, priority, link, written_at, ttl, due)
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many})
                 SELECT 'many', '', 3, '', 5, 3600, iif(i % 1000 = 0, {due}, NULL) FROM n;
             INSERT INTO parcel (sent, relay, ref, kind, target, queued_at, progress)
                 SELECT id, '{}', 'many-' || id, 'person', 'ann', 5, 'queued' FROM sent;",
            here().as_str(),
        ))
    });
    queued.await.unwrap();
}

/// What SQLite did for one window of sending: the steps of its machine, over both statements.
async fn steps_of_a_window(fixture: &Fixture, holds: bool) -> i32 {
    let steps = || {
        let steps = fixture.inbox.call(|connection| {
            let mut steps = 0;
            for sql in [WAITING, NEXT_DUE] {
                let statement = connection.prepare_cached(sql)?;
                steps += statement.get_status(rusqlite::StatementStatus::VmStep);
            }
            Ok(steps)
        });
        async { steps.await.unwrap() }
    };
    let before = steps().await;
    let window = waiting_for(fixture, here(), holds, 16, 10).await.unwrap();
    assert_eq!(window.parcels.len(), 16);
    assert_eq!(window.next_due, (!holds).then_some(900));
    steps().await - before
}

#[tokio::test]
async fn a_window_of_sending_costs_the_same_however_much_is_queued() {
    for holds in [true, false] {
        let mut costs = Vec::new();
        for many in [1_000, 20_000] {
            let fixture = Fixture::new().await;
            queue_many(&fixture, many, 900).await;
            costs.push(steps_of_a_window(&fixture, holds).await);
        }
        assert_eq!(
            costs[0], costs[1],
            "the relay holds what is for later: {holds}"
        );
    }
}

#[tokio::test]
async fn what_was_on_its_way_at_a_crash_goes_again_only_where_the_relay_knows_repeats() {
    let fixture = Fixture::new().await;
    for (number, by_ref) in [(1, true), (2, false)] {
        queue(&fixture, draft(&format!("t{number}")), 5).await;
        let leaving = fixture.inbox.leaving(number, by_ref).await.unwrap();
        assert_eq!(leaving.unwrap().parcels[0].progress, Progress::Sending);
    }
    assert!(waiting(&fixture, 10).await.is_empty());
    let fixture = fixture.restarted(2000).await;
    assert_eq!(fixture.inbox.resume(None).await.unwrap().len(), 2);
    assert_eq!(progress(&fixture, 1).await, [Progress::Queued]);
    assert_eq!(progress(&fixture, 2).await, [Progress::Unknown]);
    // One that may have left is not taken back here, and of unknown fate when its relay is left.
    let back = fixture.inbox.take_back(1).await.unwrap().unwrap();
    assert_eq!(back.late, 1);
    let left = fixture.inbox.give_up(Vec::new(), Words::foreign("left"));
    assert_eq!(
        left.await.unwrap()[0].parcels[0].progress,
        Progress::Unknown
    );
}

#[tokio::test]
async fn what_is_queued_is_taken_back_at_once_and_does_not_leave_any_more() {
    let fixture = Fixture::new().await;
    let to = people(&["ann", "bob", "cy", "di"]);
    let sent = queue(&fixture, Draft { to, ..draft("one") }, 5).await;
    fixture.inbox.leaving(1, true).await.unwrap();
    let held = answered("70", &[("bob", "held")]);
    fixture.inbox.leaving(2, true).await.unwrap();
    fixture.inbox.progressed(2, held, 6).await.unwrap();
    let reason = Words::foreign("no");
    let failed = only(Progress::Failed {
        reason: reason.clone(),
    });
    fixture.inbox.progressed(3, failed, 6).await.unwrap();
    let back = fixture.inbox.take_back(sent.id).await.unwrap().unwrap();
    assert_eq!(back.late, 1);
    let relay = here();
    let mid = "70".into();
    assert_eq!(
        back.held,
        [super::super::Held {
            parcel: 2,
            relay,
            mid
        }]
    );
    let now = progress(&fixture, sent.id).await;
    let failed = Progress::Failed { reason };
    let expected = [
        Progress::Sending,
        Progress::Answered,
        failed,
        Progress::Cancelled,
    ];
    assert_eq!(now, expected);
    // It was about to leave when it was taken back.
    assert_eq!(fixture.inbox.leaving(4, true).await.unwrap(), None);
    let row = fixture.inbox.taken_back(2, 7).await.unwrap().unwrap();
    assert_eq!(row.parcels[1].recipients[0].delivery, Delivery::Cancelled);
    let again = fixture.inbox.take_back(sent.id).await.unwrap().unwrap();
    assert_eq!((again.held.len(), again.late), (0, 1));
    assert_eq!(fixture.inbox.take_back(99).await.unwrap(), None);
}

#[tokio::test]
async fn what_failed_goes_again_under_a_new_ref_and_what_is_unknown_under_its_own() {
    let fixture = Fixture::new().await;
    let to = people(&["ann", "bob", "cy", "di"]);
    let sent = queue(&fixture, Draft { to, ..draft("one") }, 5).await;
    let reason = Words::foreign("no");
    for (parcel, came) in [
        (1, only(Progress::Unknown)),
        (2, only(Progress::Failed { reason })),
        (3, answered("70", &[("cy", "no")])),
        (4, answered("71", &[("di", "wait")])),
    ] {
        fixture.inbox.progressed(parcel, came, 6).await.unwrap();
    }
    let fresh: Vec<_> = (1..=4).map(|number| format!("new-{number}")).collect();
    let again = fixture.inbox.queue_again(sent.id, fresh, 7).await.unwrap();
    let (row, queued) = again.unwrap();
    assert_eq!(queued, 3);
    assert!(row.parcels[2].recipients.is_empty());
    assert_eq!(row.parcels[3].recipients[0].delivery, Delivery::Waiting);
    let next = waiting_for(&fixture, here(), false, 10, 10).await.unwrap();
    let references: Vec<_> = next.parcels.iter().map(|w| w.reference.as_str()).collect();
    assert_eq!(references[0], "one-1");
    assert!(references[1..].iter().all(|r| r.starts_with("new-")));
    let fresh = vec!["x".to_owned()];
    let nothing = fixture.inbox.queue_again(sent.id, fresh, 8).await.unwrap();
    assert_eq!(nothing.unwrap().1, 0);
    assert_eq!(
        fixture.inbox.queue_again(99, Vec::new(), 8).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn what_an_older_version_queued_is_for_the_first_relay() {
    let folder = tempfile::tempdir().unwrap();
    let old = Connection::open(folder.path().join(FILE)).unwrap();
    old.execute_batch(include_str!("../schema-1.sql")).unwrap();
    old.execute_batch(
        "INSERT INTO sent (ref, kind, target, title, body, priority, link, written_at, progress)
         VALUES ('r1', 'person', 'ann', 't', 'b', 3, '', 5, 'queued');
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let fixture = Fixture::in_folder(folder, 1000).await;
    let relays = vec![(here(), "ws://relay.lan/".into())];
    fixture.inbox.adopt(relays).await.unwrap();
    assert_eq!(waiting(&fixture, 10).await, [1]);
}

/// The steps to a version, as [`schema`](super::super::schema) takes them.
fn of_version_5(folder: &std::path::Path) -> Connection {
    let old = Connection::open(folder.join(FILE)).unwrap();
    old.create_scalar_function(
        "spaced",
        1,
        rusqlite::functions::FunctionFlags::SQLITE_UTF8,
        |call| Ok(call.get_raw(0).as_str().unwrap_or_default().to_owned()),
    )
    .unwrap();
    for step in [
        include_str!("../schema-1.sql"),
        include_str!("../schema-2.sql"),
        include_str!("../schema-3.sql"),
        include_str!("../schema-4.sql"),
        include_str!("../schema-5.sql"),
    ] {
        old.execute_batch(step).unwrap();
    }
    old.pragma_update(None, "foreign_keys", true).unwrap();
    old.pragma_update(None, "user_version", 5).unwrap();
    old
}

#[tokio::test]
async fn what_version_5_sent_is_as_it_was_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let old = of_version_5(folder.path());
    old.execute_batch(
        "INSERT INTO sent (ref, kind, target, title, body, priority, link, written_at, progress, reason,
             mid, relay)
         VALUES ('r1', 'person', 'ann', 'one', 'b', 4, 'l', 5, 'answered', NULL, '70', 'relay.lan'),
             ('r2', 'group', 'ops', 'two', '', 3, '', 6, 'queued', NULL, NULL, 'relay.lan'),
             ('r3', 'person', 'cy', 'three', '', 3, '', 7, 'failed', '{\"en\":\"no\",\"zh-CN\":\"否\"}',
                 NULL, 'relay.lan'),
             ('r4', 'person', 'di', 'four', '', 3, '', 8, 'sending-ref', NULL, NULL, 'relay.lan'),
             ('r5', 'person', 'ed', 'five', '', 3, '', 9, 'answered', NULL, '71', 'relay.lan');
         INSERT INTO outcome (sent, position, name, status)
         VALUES (1, 0, 'ann', 'wait'), (1, 1, 'bob', 'ok'), (1, 2, 'cy', 'later');
         DELETE FROM sent WHERE id = 5;",
    )
    .unwrap();
    drop(old);
    let fixture = Fixture::in_folder(folder, 1000).await;
    let page = fixture.inbox.sent_page("", None, 10).await.unwrap();
    let titles: Vec<_> = page.iter().map(|sent| sent.draft.title.as_str()).collect();
    assert_eq!(titles, ["four", "three", "two", "one"]);
    let one = &page[3];
    assert_eq!(one.draft.to, people(&["ann"]));
    assert_eq!((one.draft.priority, one.written_at), (Priority::High, 5));
    assert_eq!(one.draft.relay, Some(here()));
    let became: Vec<_> = one.parcels[0]
        .recipients
        .iter()
        .map(|r| r.delivery)
        .collect();
    let expected = [Delivery::Waiting, Delivery::Delivered, Delivery::Other];
    assert_eq!(became, expected);
    assert!(one.parcels[0].recipients[0].history.is_empty());
    let reason = Words::new("no", "否");
    assert_eq!(page[1].parcels[0].progress, Progress::Failed { reason });
    fixture.inbox.resume(None).await.unwrap();
    assert_eq!(waiting(&fixture, 10).await, [2, 4]);
    // What it is told of from now on goes on from there.
    let told = Told {
        relay: here(),
        group: String::new(),
        mid: "70".into(),
        reference: None,
        name: "ann".into(),
        delivery: Delivery::Read,
        at: 50,
        note: String::new(),
    };
    let changed = fixture.inbox.told(vec![told]).await.unwrap().changed;
    assert_eq!(changed[0].parcels[0].recipients[0].delivery, Delivery::Read);
    // No number is given twice.
    assert_eq!(queue(&fixture, draft("six"), 10).await.id, 6);
}
