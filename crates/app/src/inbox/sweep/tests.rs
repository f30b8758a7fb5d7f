//! What is kept, and what a deletion of many takes and gives back.

use super::super::received::Incoming;
use super::super::tests::{Fixture, incoming};
use super::*;

const EVERYTHING: Keep = Keep {
    days: None,
    count: None,
    unread_too: false,
};

async fn swept(fixture: &Fixture, keep: Keep, now: u64) -> u32 {
    let mut all = 0;
    loop {
        let gone = fixture.inbox.sweep(keep, now).await.unwrap();
        if gone == 0 {
            return all;
        }
        all += gone;
    }
}

/// How many rows each table holds that a received message has a part in.
async fn rows(fixture: &Fixture) -> [i64; 3] {
    fixture
        .inbox
        .call(|connection| {
            let count = |table: &str| {
                let sql = format!("SELECT count(*) FROM {table}");
                connection.query_one(&sql, [], |row| row.get(0))
            };
            Ok([count("received")?, count("search")?, count("tag")?])
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_read_goes_by_age_and_what_is_unread_stays_unless_said() {
    let fixture = Fixture::new().await;
    let at = |mid, received_at| Incoming {
        received_at,
        ..incoming(mid)
    };
    let batch = vec![at(1, 0), at(2, 0), at(3, 5 * DAY_MS)];
    fixture.inbox.store(batch).await.unwrap();
    fixture.inbox.mark(vec![1, 3], true, 1).await.unwrap();
    let now = 7 * DAY_MS;
    assert_eq!(swept(&fixture, EVERYTHING, now).await, 0);
    let week = Keep {
        days: Some(6),
        ..EVERYTHING
    };
    assert_eq!(swept(&fixture, week, now).await, 1);
    assert_eq!(fixture.ids().await, [3, 2]);
    let both = Keep {
        unread_too: true,
        ..week
    };
    assert_eq!(swept(&fixture, both, now).await, 1);
    assert_eq!((fixture.ids().await, fixture.unread()), (vec![3], 0));
    assert_eq!(rows(&fixture).await[..2], [1, 1]);
}

#[tokio::test]
async fn only_so_many_are_kept_and_the_newest_of_them() {
    let fixture = Fixture::new().await;
    let count = u64::from(PIECE) + 50;
    let batch = (1..=count).map(incoming).collect();
    fixture.inbox.store(batch).await.unwrap();
    fixture
        .inbox
        .mark((2..=count).collect(), true, 1)
        .await
        .unwrap();
    let ten = Keep {
        count: Some(10),
        ..EVERYTHING
    };
    assert_eq!(swept(&fixture, ten, 1).await, PIECE + 40);
    let ids = fixture.ids().await;
    assert_eq!(
        (ids.len(), ids[0], ids[9]),
        (10, count, 1),
        "the unread one is kept"
    );
}

#[tokio::test]
async fn what_was_deleted_goes_a_day_later_while_the_program_runs() {
    let fixture = Fixture::new().await;
    fixture.store(incoming(1)).await;
    fixture.inbox.delete(vec![1], true, 1000).await.unwrap();
    assert_eq!(swept(&fixture, EVERYTHING, 1000 + DAY_MS).await, 0);
    assert_eq!(swept(&fixture, EVERYTHING, 1001 + DAY_MS).await, 1);
    assert_eq!(rows(&fixture).await, [0, 0, 0]);
}

#[tokio::test]
async fn all_of_a_sender_are_deleted_in_pieces_and_come_back_alone() {
    let fixture = Fixture::new().await;
    let of_bob = |mid| Incoming {
        sender: "bob".into(),
        ..incoming(mid)
    };
    let count = u64::from(PIECE) + 10;
    let mut batch: Vec<_> = (1..=count).map(of_bob).collect();
    batch.push(incoming(count + 1));
    fixture.inbox.store(batch).await.unwrap();
    // Deleted on its own before: it does not come back with the others.
    fixture.inbox.delete(vec![5], true, 2000).await.unwrap();
    let stamp = fixture.inbox.stamp(2000).await.unwrap();
    assert_eq!(stamp, 2001);
    let bob = Filter {
        sender: Some("bob".into()),
        ..Filter::default()
    };
    let mut deleted = 0;
    let mut before = None;
    loop {
        let piece = fixture
            .inbox
            .delete_piece(&bob, before, stamp)
            .await
            .unwrap();
        deleted += piece.count;
        if piece.last.is_none() {
            break;
        }
        before = piece.last;
    }
    assert_eq!(deleted, PIECE + 9);
    assert_eq!(
        (fixture.ids().await, fixture.unread()),
        (vec![count + 1], 1)
    );
    let mut back = 0;
    loop {
        let piece = fixture.inbox.restore_piece(stamp).await.unwrap();
        if piece == 0 {
            break;
        }
        back += piece;
    }
    assert_eq!((back, fixture.unread()), (PIECE + 9, PIECE + 10));
}
