//! Lists as faces see them: filtered, searched, in pages; and the plans of their statements.

use rusqlite::params;

use super::super::received::Incoming;
use super::super::tests::{Fixture, here, incoming};
use super::*;
use crate::types::{Priority, RelayId};

/// Six messages of two senders, a group, a tag and two relays.
async fn furnished() -> Fixture {
    let fixture = Fixture::new().await;
    let message = |mid, sender: &str, group: Option<&str>, title: &str, body: &str| Incoming {
        sender: sender.into(),
        group: group.map(str::to_owned),
        title: title.into(),
        body: body.into(),
        priority: Priority::Default,
        ..incoming(mid)
    };
    let batch = vec![
        message(1, "ann", None, "Lunch", "in ten minutes"),
        message(2, "ci", Some("ops"), "main is red", "2 of 418 tests failed"),
        message(3, "ci", Some("ops"), "main is green", "all 418 tests"),
        Incoming {
            priority: Priority::Urgent,
            relay: "relay-2".into(),
            joined: RelayId::new("second"),
            ..message(4, "ann", None, "晚上一起吃饭吗", "七点在老地方见")
        },
        message(5, "", Some("dev"), "", "Nobody's lunch"),
        message(6, "ci", None, "nightly", "nothing failed"),
    ];
    let batch = batch.into_iter().map(|message| Incoming {
        tags: match message.mid.as_str() {
            mid if mid == incoming(2).mid || mid == incoming(6).mid => vec!["build".into()],
            _ => Vec::new(),
        },
        ..message
    });
    fixture.inbox.store(batch.collect()).await.unwrap();
    fixture.inbox.mark(vec![2, 5], true, 9).await.unwrap();
    fixture
}

async fn ids(fixture: &Fixture, filter: Filter) -> Vec<MessageId> {
    let page = fixture.inbox.page(&filter, None, 100).await.unwrap();
    page.into_iter().map(|row| row.id).collect()
}

fn searched(search: &str) -> Filter {
    Filter {
        search: search.into(),
        ..Filter::default()
    }
}

fn from(sender: &str) -> Filter {
    Filter {
        sender: Some(sender.into()),
        ..Filter::default()
    }
}

#[tokio::test]
async fn each_filter_holds_what_it_says_alone_and_with_others() {
    let fixture = furnished().await;
    let all = Filter::default;
    let group = |name: &str| Some(name.to_owned());
    let (tag, unread) = (Some("build".to_owned()), true);
    for (filter, expected) in [
        (all(), vec![6, 5, 4, 3, 2, 1]),
        (from("ci"), vec![6, 3, 2]),
        (from(""), vec![5]),
        (
            Filter {
                group: group("ops"),
                ..all()
            },
            vec![3, 2],
        ),
        (
            Filter {
                tag: tag.clone(),
                ..all()
            },
            vec![6, 2],
        ),
        (
            Filter {
                tag: tag.clone(),
                unread,
                ..all()
            },
            vec![6],
        ),
        (Filter { unread, ..all() }, vec![6, 4, 3, 1]),
        (
            Filter {
                unread,
                ..from("ann")
            },
            vec![4, 1],
        ),
        (
            Filter {
                group: group("ops"),
                ..from("ann")
            },
            vec![],
        ),
        (
            Filter {
                priority: Some(Priority::High),
                ..all()
            },
            vec![4],
        ),
        (
            Filter {
                priority: Some(Priority::Low),
                ..all()
            },
            vec![6, 5, 4, 3, 2, 1],
        ),
        (searched("lunch"), vec![5, 1]),
        (searched("CI"), vec![6, 3, 2]),
        (searched("吃饭"), vec![4]),
        (searched("418 red"), vec![2]),
        (searched("--"), vec![6, 5, 4, 3, 2, 1]),
        (searched("absent"), vec![]),
        (
            Filter {
                unread,
                ..searched("lunch")
            },
            vec![1],
        ),
        (
            Filter {
                tag: tag.clone(),
                ..searched("failed")
            },
            vec![6, 2],
        ),
        (
            Filter {
                tag,
                ..searched("red")
            },
            vec![2],
        ),
        (
            Filter {
                sender: Some("ci".into()),
                ..searched("main")
            },
            vec![3, 2],
        ),
    ] {
        assert_eq!(ids(&fixture, filter.clone()).await, expected, "{filter:?}");
    }
    let relays = fixture.inbox.sources().await.unwrap().relays;
    let second = Filter {
        relay: Some(relays[0].id.clone()),
        ..all()
    };
    assert_eq!(ids(&fixture, second).await, [4]);
}

#[tokio::test]
async fn a_search_is_paged_and_leaves_out_what_is_deleted() {
    let fixture = furnished().await;
    let page = async |before, limit| {
        let rows = fixture.inbox.page(&searched("tests"), before, limit).await;
        rows.unwrap()
            .into_iter()
            .map(|row| row.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(page(None, 1).await, [3]);
    assert_eq!(page(Some(3), 1).await, [2]);
    assert!(page(Some(2), 1).await.is_empty());
    fixture.inbox.delete(vec![3], true, 1).await.unwrap();
    assert_eq!(page(None, 5).await, [2]);
    fixture.inbox.delete(vec![3], false, 1).await.unwrap();
    assert_eq!(page(None, 5).await, [3, 2]);
}

#[tokio::test]
async fn sources_are_by_who_wrote_last_with_what_is_unread() {
    let fixture = furnished().await;
    let told = |sources: Vec<Source>| -> Vec<(String, u32)> {
        sources.into_iter().map(|s| (s.name, s.unread)).collect()
    };
    let sources = fixture.inbox.sources().await.unwrap();
    let named = |name: &str, unread| (name.to_owned(), unread);
    assert_eq!(
        told(sources.senders),
        [named("ci", 2), named("", 0), named("ann", 2)]
    );
    assert_eq!(told(sources.groups), [named("dev", 0), named("ops", 1)]);
    assert_eq!(told(sources.tags), [named("build", 1)]);
    let relays: Vec<u32> = sources.relays.iter().map(|relay| relay.unread).collect();
    assert_eq!(relays, [1, 3]);

    fixture.inbox.delete(vec![2, 6, 5], true, 1).await.unwrap();
    let sources = fixture.inbox.sources().await.unwrap();
    assert_eq!(told(sources.senders), [named("ann", 2), named("ci", 1)]);
    assert!(sources.tags.is_empty());
}

#[tokio::test]
async fn an_export_holds_what_was_sent_and_ends_a_page_of_long_messages_early() {
    let fixture = Fixture::new().await;
    let long = |mid| Incoming {
        title: format!("{}\n!", "t".repeat(600)),
        body: "x".repeat(200 * 1024),
        ..incoming(mid)
    };
    fixture
        .inbox
        .store((1..=3).map(long).collect())
        .await
        .unwrap();
    fixture.inbox.mark(vec![3], true, 77).await.unwrap();
    let all = Filter::default();
    let page = fixture.inbox.exported(&all, None, 200).await.unwrap();
    assert_eq!(page.iter().map(|m| m.id).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(page[0].title.len(), 602);
    assert_eq!((page[0].read_at, page[1].read_at), (Some(77), None));
    let rest = fixture.inbox.exported(&all, Some(2), 200).await.unwrap();
    assert_eq!(rest.len(), 1);
}

#[tokio::test]
async fn every_list_is_read_from_an_index_in_its_order() {
    let fixture = furnished().await;
    let all = Filter::default;
    let plans = [
        (all(), "received_shown"),
        (
            Filter {
                unread: true,
                ..all()
            },
            "received_unread",
        ),
        (from("ci"), "received_sender"),
        (
            Filter {
                unread: true,
                ..from("ci")
            },
            "received_sender",
        ),
        (
            Filter {
                group: Some("ops".into()),
                ..all()
            },
            "received_group",
        ),
        (
            Filter {
                relay: Some(here()),
                ..all()
            },
            "received_relay",
        ),
        (
            Filter {
                priority: Some(Priority::High),
                ..all()
            },
            "received_important",
        ),
        (
            Filter {
                priority: Some(Priority::Urgent),
                ..all()
            },
            "received_important",
        ),
        (
            Filter {
                tag: Some("build".into()),
                ..all()
            },
            "tag_name",
        ),
        (searched("red"), "search VIRTUAL TABLE"),
        (
            Filter {
                sender: Some("ci".into()),
                ..searched("red")
            },
            "search VIRTUAL TABLE",
        ),
    ];
    for (filter, expected) in plans {
        let wanted = filter.clone();
        let plan = fixture
            .inbox
            .look(move |connection| {
                let (sql, values) = Chosen::by(connection, &wanted)?
                    .before(Some(5))
                    .newest("received.id, title", 10);
                let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let steps = statement.query_map(params_from_iter(values), |row| row.get(3))?;
                steps.collect::<rusqlite::Result<Vec<String>>>()
            })
            .await
            .unwrap();
        let outer = &plan[0];
        assert!(outer.contains(expected), "{filter:?}: {plan:#?}");
        assert!(
            !plan.iter().any(|step| step.contains("TEMP B-TREE")),
            "{plan:#?}"
        );
    }
}

#[tokio::test]
async fn an_inbox_of_any_older_version_is_searched() {
    let steps = [
        include_str!("../schema-1.sql"),
        include_str!("../schema-2.sql"),
        include_str!("../schema-3.sql"),
    ];
    for version in 1..=steps.len() {
        let folder = tempfile::tempdir().unwrap();
        let old = Connection::open(folder.path().join(super::super::FILE)).unwrap();
        for step in &steps[..version] {
            old.execute_batch(step).unwrap();
        }
        old.execute(
            "INSERT INTO relay (key, address) VALUES ('r', 'ws://r/')",
            [],
        )
        .unwrap();
        for (id, title) in [(1, "Older than the search"), (2, "同样旧的消息")] {
            old.execute(
                "INSERT INTO received (relay, mid, method, sender, title, body, preview, extra,
                     priority, received_at)
                 VALUES (1, ?1, 'http', 'ann', ?2, '', '', '{}', 3, 5)",
                params![id.to_string(), title],
            )
            .unwrap();
        }
        old.pragma_update(None, "user_version", i64::try_from(version).unwrap())
            .unwrap();
        drop(old);
        let fixture = Fixture::in_folder(folder, 1000).await;
        assert_eq!(ids(&fixture, searched("older sea")).await, [1], "{version}");
        assert_eq!(ids(&fixture, searched("旧的")).await, [2], "{version}");
        assert_eq!(fixture.unread(), 2);
    }
}
