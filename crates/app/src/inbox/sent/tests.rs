//! Sent messages as lists show them.

use super::super::parcel::tests::{draft, people, queue};
use super::super::tests::Fixture;
use super::*;

async fn found(fixture: &Fixture, search: &str) -> Vec<MessageId> {
    let page = fixture.inbox.sent_page(search, None, 10).await.unwrap();
    page.into_iter().map(|sent| sent.id).collect()
}

#[tokio::test]
async fn a_page_of_long_messages_ends_early_and_the_next_goes_on() {
    let fixture = Fixture::new().await;
    for number in 1..=4 {
        let mut long = draft(&format!("long {number}"));
        long.body = "x".repeat(200 * 1024);
        queue(&fixture, long, 5).await;
    }
    let mut before = None;
    for expected in [vec![4, 3], vec![2, 1], vec![]] {
        let page = fixture.inbox.sent_page("", before, 100).await.unwrap();
        let ids: Vec<_> = page.iter().map(|sent| sent.id).collect();
        assert_eq!(ids, expected);
        before = ids.last().copied();
    }
}

#[tokio::test]
async fn a_search_finds_what_has_all_of_its_words_in_text_or_recipients() {
    let fixture = Fixture::new().await;
    let mut one = draft("Backup failed");
    one.to = people(&["ann", "bob"]);
    one.body = "100% of the disk".into();
    queue(&fixture, one, 5).await;
    queue(&fixture, draft("备份失败"), 6).await;
    for (search, expected) in [
        ("", vec![2, 1]),
        ("backup", vec![1]),
        ("BOB disk", vec![1]),
        ("bob ops", vec![]),
        ("ops", vec![2]),
        ("份", vec![2]),
        ("0%", vec![1]),
        ("0_", vec![]),
    ] {
        assert_eq!(found(&fixture, search).await, expected, "{search}");
    }
    let older = fixture.inbox.sent_page("b", Some(2), 10).await.unwrap();
    assert_eq!(older.len(), 1);
}

#[tokio::test]
async fn old_messages_are_swept_with_all_of_theirs_but_not_what_waits_or_is_held() {
    let fixture = Fixture::new().await;
    let day = 24 * 60 * 60 * 1000;
    queue(&fixture, draft("done"), 5).await;
    let came = parcel::tests::answered("70", &[("ann", "ok")]);
    fixture.inbox.progressed(1, came, 6).await.unwrap();
    queue(&fixture, draft("waits"), 5).await;
    let due = Some(100 * day);
    queue(
        &fixture,
        Draft {
            due,
            ..draft("held")
        },
        5,
    )
    .await;
    let came = parcel::tests::answered("71", &[("ann", "held")]);
    fixture.inbox.progressed(3, came, 6).await.unwrap();
    let keep = crate::types::Keep {
        days: Some(30),
        ..crate::types::Keep::default()
    };
    fixture.inbox.sweep(keep, 40 * day).await.unwrap();
    assert_eq!(found(&fixture, "").await, [3, 2]);
    let left = fixture.inbox.look(|connection| {
        let sql = "SELECT (SELECT count(*) FROM parcel), (SELECT count(*) FROM step)";
        connection.query_one(sql, [], |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?))
        })
    });
    assert_eq!(left.await.unwrap(), (2, 1));
}

#[tokio::test]
async fn who_was_refused_is_not_among_those_written_to() {
    let fixture = Fixture::new().await;
    for (parcel, name, status) in [(1, "ann", "ok"), (2, "amn", "no")] {
        let mut to = draft(name);
        to.to = people(&[name]);
        queue(&fixture, to, 5).await;
        let came = parcel::tests::answered("70", &[(name, status)]);
        fixture.inbox.progressed(parcel, came, 6).await.unwrap();
    }
    let recents = fixture.inbox.written_to().await.unwrap();
    let names: Vec<_> = recents.into_iter().map(|recent| recent.to).collect();
    assert_eq!(names, people(&["ann"]));
}
