//! What is acknowledged, taken and reminded of, and what is reported of it.

use super::super::received::{Incoming, Stored};
use super::super::tests::{Fixture, here, incoming};
use super::super::{Outcome, Waiting};
use super::*;
use crate::types::{RelayId, Row};

const RELAY: &str = "relay-1";

fn asking(mid: u64, ask: Ask) -> Incoming {
    Incoming {
        ask,
        ..incoming(mid)
    }
}

fn mid(mid: u64) -> String {
    (1_731_000_000_000 + mid).to_string()
}

async fn stored(fixture: &Fixture, message: Incoming) -> Row {
    match fixture.store(message).await {
        Stored::New(row) => row,
        Stored::Repeat => panic!("a new message"),
    }
}

async fn state(fixture: &Fixture, id: MessageId) -> Option<Acknowledgement> {
    let message = fixture.inbox.message(id).await.unwrap().unwrap();
    message.row.acknowledgement
}

/// What waits, as mid, state and note.
async fn waiting(fixture: &Fixture) -> Vec<(String, Reported, Option<String>)> {
    let waiting = fixture.inbox.reports(RELAY.into(), 0, 100).await.unwrap();
    let plain = |Waiting { report, .. }| (report.mid.to_string(), report.state, report.note);
    waiting.into_iter().map(plain).collect()
}

fn by(by: Option<&str>, of: u64) -> Taken {
    Taken {
        relay: RELAY.into(),
        mid: mid(of),
        by: by.map(str::to_owned),
        at: 77,
        note: Some("mine".into()),
    }
}

#[tokio::test]
async fn an_acknowledgement_reads_and_is_reported_until_it_is_answered_over_a_restart() {
    let fixture = Fixture::new().await;
    let row = stored(&fixture, asking(1, Ask::Each)).await;
    assert_eq!(row.acknowledgement, Some(Acknowledgement::Wanted));
    let plain = stored(&fixture, incoming(2)).await;
    assert_eq!(plain.acknowledgement, None);
    let give = |id, note: &str| fixture.inbox.acknowledge(id, note.to_owned(), 50);
    assert_eq!(give(plain.id, "").await.unwrap(), Given::NotAsked);
    assert_eq!(give(99, "").await.unwrap(), Given::Gone);
    assert_eq!(give(row.id, "on it").await.unwrap(), Given::Now);
    assert_eq!(give(row.id, "again").await.unwrap(), Given::Before);
    assert_eq!(fixture.unread(), 1, "it was read with that");
    let fixture = fixture.restarted(2000).await;
    let given = Acknowledgement::Given {
        at: 50,
        note: "on it".into(),
    };
    assert_eq!(state(&fixture, row.id).await, Some(given));
    let report = (mid(1), Reported::Acknowledged, Some("on it".to_owned()));
    assert_eq!(waiting(&fixture).await, [report]);
    let answered = |state: &str| fixture.inbox.reported(RELAY.into(), mid(1), state.into());
    answered("read").await.unwrap();
    assert_eq!(waiting(&fixture).await.len(), 1, "that was another one");
    answered("acknowledged").await.unwrap();
    assert!(waiting(&fixture).await.is_empty());
}

#[tokio::test]
async fn of_a_message_the_report_that_says_most_waits() {
    let fixture = Fixture::new().await;
    let row = stored(&fixture, asking(1, Ask::Each)).await;
    let nobody = Incoming {
        sender: String::new(),
        ..incoming(2)
    };
    let nobody = stored(&fixture, nobody).await;
    let report = |state| fixture.inbox.report(vec![row.id, nobody.id, 99], state, 40);
    let came_of = |outcome| fixture.inbox.came_of(vec![row.id, nobody.id], outcome);
    // Closed because it was opened is not closed by the person.
    came_of(Outcome::Opened).await.unwrap();
    came_of(Outcome::Dismissed).await.unwrap();
    report(Reported::Dismissed).await.unwrap();
    assert!(waiting(&fixture).await.is_empty());
    report(Reported::Read).await.unwrap();
    assert_eq!(waiting(&fixture).await, [(mid(1), Reported::Read, None)]);
    let first = fixture.inbox.reports(RELAY.into(), 0, 9).await.unwrap();
    fixture
        .inbox
        .acknowledge(row.id, String::new(), 50)
        .await
        .unwrap();
    report(Reported::Read).await.unwrap();
    let said = waiting(&fixture).await;
    assert_eq!(said, [(mid(1), Reported::Acknowledged, None)]);
    let after = first[0].number;
    let later = fixture.inbox.reports(RELAY.into(), after, 9).await.unwrap();
    assert_eq!(
        later.len(),
        1,
        "a line that told the first one tells this one"
    );
}

#[tokio::test]
async fn what_was_closed_unread_is_reported_so_and_not_where_nothing_is_told() {
    let fixture = Fixture::new().await;
    let row = stored(&fixture, incoming(1)).await;
    fixture
        .inbox
        .came_of(vec![row.id], Outcome::Dismissed)
        .await
        .unwrap();
    fixture
        .inbox
        .report(vec![row.id], Reported::Dismissed, 40)
        .await
        .unwrap();
    assert_eq!(
        waiting(&fixture).await,
        [(mid(1), Reported::Dismissed, None)]
    );
    let asked = stored(&fixture, asking(2, Ask::First)).await;
    fixture
        .inbox
        .acknowledge(asked.id, String::new(), 40)
        .await
        .unwrap();
    fixture.inbox.drop_reports(true, 50).await.unwrap();
    let kept = [(mid(2), Reported::Acknowledged, None)];
    assert_eq!(waiting(&fixture).await, kept, "that is no reading");
    fixture
        .inbox
        .drop_reports_but_for(vec![here()])
        .await
        .unwrap();
    assert_eq!(waiting(&fixture).await, kept);
    let month = 30 * 24 * 60 * 60 * 1000;
    fixture.inbox.drop_reports(true, 40 + month).await.unwrap();
    assert_eq!(waiting(&fixture).await, kept);
    fixture.inbox.drop_reports(true, 41 + month).await.unwrap();
    assert!(waiting(&fixture).await.is_empty());
}

#[tokio::test]
async fn reports_for_a_relay_that_was_left_are_dropped() {
    let fixture = Fixture::new().await;
    let row = stored(&fixture, asking(1, Ask::Each)).await;
    fixture
        .inbox
        .acknowledge(row.id, String::new(), 40)
        .await
        .unwrap();
    let others = vec![RelayId::new("elsewhere")];
    fixture.inbox.drop_reports_but_for(others).await.unwrap();
    assert!(waiting(&fixture).await.is_empty());
}

#[tokio::test]
async fn what_somebody_else_took_needs_no_answer_whenever_it_comes() {
    let fixture = Fixture::new().await;
    let row = stored(&fixture, asking(1, Ask::First)).await;
    let each = stored(&fixture, asking(2, Ask::Each)).await;
    let taken = |taken| fixture.inbox.taken(taken);
    assert_eq!(taken(by(Some("bob"), 2)).await.unwrap(), None);
    assert_eq!(
        state(&fixture, each.id).await,
        Some(Acknowledgement::Wanted)
    );
    assert_eq!(taken(by(None, 2)).await.unwrap(), Some(each.id));
    let given = Acknowledgement::Given {
        at: 77,
        note: "mine".into(),
    };
    assert_eq!(state(&fixture, each.id).await, Some(given));
    assert_eq!(taken(by(Some("bob"), 1)).await.unwrap(), Some(row.id));
    assert_eq!(taken(by(Some("eve"), 1)).await.unwrap(), None);
    let bobs = Acknowledgement::Taken {
        by: "bob".into(),
        at: 77,
        note: "mine".into(),
    };
    assert_eq!(state(&fixture, row.id).await, Some(bobs.clone()));
    let late = fixture.inbox.acknowledge(row.id, String::new(), 90).await;
    assert_eq!(late.unwrap(), Given::Before);
    // The news of it was faster than the message.
    assert_eq!(taken(by(Some("bob"), 3)).await.unwrap(), None);
    let fixture = fixture.restarted(2000).await;
    let row = stored(&fixture, asking(3, Ask::First)).await;
    assert_eq!(row.acknowledgement, Some(bobs.clone()));
    assert_eq!(state(&fixture, row.id).await, Some(bobs));
}

#[tokio::test]
async fn where_each_is_asked_what_somebody_else_gave_before_the_message_came_says_nothing() {
    let fixture = Fixture::new().await;
    stored(&fixture, asking(1, Ask::Each)).await;
    fixture.inbox.taken(by(Some("bob"), 2)).await.unwrap();
    let row = stored(&fixture, asking(2, Ask::Each)).await;
    assert_eq!(row.acknowledgement, Some(Acknowledgement::Wanted));
    assert_eq!(state(&fixture, row.id).await, row.acknowledgement);
}

#[tokio::test]
async fn what_its_relay_reminds_of_is_due_again_until_it_is_acknowledged() {
    let fixture = Fixture::new().await;
    let row = stored(&fixture, asking(1, Ask::Each)).await;
    let reminded = |of| fixture.inbox.reminded(RELAY.into(), mid(of), 1);
    assert_eq!(
        reminded(1).await.unwrap(),
        Reminded::Settled,
        "it is due anyway"
    );
    fixture.inbox.notified(vec![row.id], 10).await.unwrap();
    fixture.inbox.mark(vec![row.id], true, 11).await.unwrap();
    assert!(fixture.inbox.due(true).await.unwrap().is_empty());
    assert_eq!(reminded(2).await.unwrap(), Reminded::Unknown);
    assert_eq!(reminded(1).await.unwrap(), Reminded::Due);
    let due = fixture.inbox.due(false).await.unwrap();
    assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [row.id]);
    let shown = fixture.inbox.unnotified(row.id).await.unwrap().unwrap();
    assert_eq!((shown.reminders, shown.wanted), (1, true));
    fixture
        .inbox
        .acknowledge(row.id, String::new(), 50)
        .await
        .unwrap();
    assert!(fixture.inbox.due(true).await.unwrap().is_empty());
    fixture.inbox.notified(vec![row.id], 60).await.unwrap();
    assert_eq!(
        reminded(1).await.unwrap(),
        Reminded::Settled,
        "it was answered"
    );
    let deleted = stored(&fixture, asking(3, Ask::Each)).await;
    fixture.inbox.notified(vec![deleted.id], 60).await.unwrap();
    fixture
        .inbox
        .delete(vec![deleted.id], true, 70)
        .await
        .unwrap();
    assert_eq!(reminded(3).await.unwrap(), Reminded::Settled);
}
