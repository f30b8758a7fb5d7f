//! The file as its callers see it: over restarts, repeats, faults.

use std::sync::Mutex;

use super::*;
use crate::types::{Ask, Filter, Held, Permission, Priority, RelayId};

/// The relay most messages here come by and are written for.
pub(super) fn here() -> RelayId {
    RelayId::new("relay.lan")
}

const DAY: u64 = 24 * 60 * 60 * 1000;

/// An inbox in a folder of its own, and the last count of unread messages it told.
pub(super) struct Fixture {
    folder: tempfile::TempDir,
    pub(super) inbox: Inbox,
    closing: Closing,
    unread: Arc<Mutex<u32>>,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), 1000).await
    }

    pub(super) async fn in_folder(folder: tempfile::TempDir, now: u64) -> Self {
        let unread = Arc::new(Mutex::new(u32::MAX));
        let told = Arc::clone(&unread);
        let (inbox, closing) = Inbox::open(folder.path(), now, move |count| {
            *told.lock().unwrap() = count;
        })
        .await
        .unwrap();
        Self {
            folder,
            inbox,
            closing,
            unread,
        }
    }

    pub(super) async fn restarted(self, now: u64) -> Self {
        self.inbox.close().await;
        self.closing.wait().await;
        Self::in_folder(self.folder, now).await
    }

    pub(super) fn unread(&self) -> u32 {
        *self.unread.lock().unwrap()
    }

    pub(super) async fn store(&self, message: Incoming) -> Stored {
        self.inbox
            .store(vec![message])
            .await
            .unwrap()
            .stored
            .remove(0)
    }

    pub(super) async fn ids(&self) -> Vec<u64> {
        let page = self
            .inbox
            .page(&Filter::default(), None, PAGE)
            .await
            .unwrap();
        page.into_iter().map(|row| row.id).collect()
    }
}

pub(super) fn incoming(mid: u64) -> Incoming {
    Incoming {
        relay: "relay-1".into(),
        joined: here(),
        address: "ws://relay.lan:9093/".into(),
        mid: (1_731_000_000_000 + mid).to_string(),
        reference: None,
        method: "http",
        sender: "ann".into(),
        group: Some("ops".into()),
        title: format!("title {mid}"),
        body: "**body**".into(),
        preview: "body".into(),
        extra: "{\"b\":1,\"a\":2}".into(),
        priority: Priority::High,
        link: Some("https://e.example/".into()),
        tags: vec!["disk".into(), "db".into()],
        key: None,
        ask: Ask::Nobody,
        reply_to: None,
        expires_at: None,
        received_at: 500 + mid,
    }
}

#[tokio::test]
async fn a_message_is_kept_whole_and_over_a_restart() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.unread(), 0);
    let Stored::New(row) = fixture.store(incoming(1)).await else {
        panic!("a new message")
    };
    assert_eq!(fixture.unread(), 1);
    let fixture = fixture.restarted(2000).await;
    assert_eq!(fixture.unread(), 1);
    let message = fixture.inbox.message(row.id).await.unwrap().unwrap();
    assert_eq!(message.row, row);
    assert_eq!(row.group.as_deref(), Some("ops"));
    assert_eq!(row.priority, Priority::High);
    assert_eq!(message.body, "**body**");
    assert_eq!(message.link.as_deref(), Some("https://e.example/"));
    assert_eq!(message.relay, "ws://relay.lan:9093/");
    assert_eq!(message.sent_at, Some(1_731_000_000_001));
    assert_eq!(message.extra, "{\"b\":1,\"a\":2}");
    assert_eq!(fixture.inbox.message(99).await.unwrap(), None);
}

#[tokio::test]
async fn repeats_are_dropped_by_relay_and_mid_and_by_sender_and_ref() {
    let fixture = Fixture::new().await;
    let with_ref = |mid, reference: &str| Incoming {
        reference: Some(reference.into()),
        ..incoming(mid)
    };
    let batch = vec![incoming(1), incoming(1), with_ref(2, "r"), with_ref(3, "r")];
    let stored = fixture.inbox.store(batch).await.unwrap().stored;
    assert!(matches!(
        stored.as_slice(),
        [
            Stored::New(_),
            Stored::Repeat,
            Stored::New(_),
            Stored::Repeat
        ]
    ));
    let fixture = fixture.restarted(2000).await;
    assert_eq!(fixture.store(incoming(1)).await, Stored::Repeat);
    // The same relay at another address is the same relay; another relay's mids are its own.
    let moved = Incoming {
        address: "ws://10.0.0.1:9093/".into(),
        ..incoming(1)
    };
    assert_eq!(fixture.store(moved).await, Stored::Repeat);
    let other_relay = Incoming {
        relay: "relay-2".into(),
        ..incoming(1)
    };
    let other_sender = Incoming {
        sender: "bob".into(),
        ..with_ref(4, "r")
    };
    for message in [other_relay, other_sender] {
        assert!(matches!(fixture.store(message).await, Stored::New(_)));
    }
    assert_eq!(fixture.ids().await.len(), 4);
}

#[tokio::test]
async fn a_deleted_message_is_still_known_to_be_a_repeat() {
    let fixture = Fixture::new().await;
    fixture.store(incoming(1)).await;
    fixture.inbox.delete(vec![1], true, 1000).await.unwrap();
    assert_eq!(fixture.store(incoming(1)).await, Stored::Repeat);
    assert!(fixture.ids().await.is_empty());
}

#[tokio::test]
async fn pages_go_from_the_newest_and_hold_what_was_asked_for() {
    let fixture = Fixture::new().await;
    fixture
        .inbox
        .store((1..=250).map(incoming).collect())
        .await
        .unwrap();
    let page = |before, limit, unread| {
        let inbox = fixture.inbox.clone();
        async move {
            let filter = Filter {
                unread,
                ..Filter::default()
            };
            let rows = inbox.page(&filter, before, limit).await.unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(page(None, 3, false).await, [250, 249, 248]);
    assert_eq!(page(Some(248), 2, false).await, [247, 246]);
    assert!(page(Some(1), 2, false).await.is_empty());
    assert_eq!(page(None, 1000, false).await.len(), PAGE as usize);
    fixture.inbox.mark(vec![250, 248], true, 1).await.unwrap();
    fixture.inbox.delete(vec![249], true, 1).await.unwrap();
    assert_eq!(page(None, 2, true).await, [247, 246]);
    assert_eq!(page(None, 3, false).await, [250, 248, 247]);
}

#[tokio::test]
async fn the_unread_count_follows_every_change() {
    let fixture = Fixture::new().await;
    let batch = (1..=3).map(incoming).collect();
    fixture.inbox.store(batch).await.unwrap();
    assert_eq!(fixture.unread(), 3);
    let changed = fixture.inbox.mark(vec![1, 2, 77], true, 5).await.unwrap();
    assert_eq!((changed, fixture.unread()), (vec![1, 2], 1));
    let changed = fixture.inbox.mark(vec![1, 2], true, 6).await.unwrap();
    assert_eq!((changed, fixture.unread()), (vec![], 1));
    fixture.inbox.mark(vec![2], false, 7).await.unwrap();
    assert_eq!(fixture.unread(), 2);
    fixture.inbox.delete(vec![2, 1], true, 8).await.unwrap();
    assert_eq!(fixture.unread(), 1);
    let changed = fixture.inbox.delete(vec![2], false, 9).await.unwrap();
    assert_eq!((changed, fixture.unread()), (vec![2], 2));
}

#[tokio::test]
async fn what_was_deleted_is_gone_at_the_first_start_a_day_later() {
    let fixture = Fixture::new().await;
    fixture.store(incoming(1)).await;
    fixture.store(incoming(2)).await;
    fixture.inbox.delete(vec![1, 2], true, 1000).await.unwrap();
    let fixture = fixture.restarted(1000 + DAY).await;
    fixture.inbox.delete(vec![2], false, 2000).await.unwrap();
    let fixture = fixture.restarted(1001 + DAY).await;
    assert_eq!(fixture.inbox.message(1).await.unwrap(), None);
    assert_eq!(fixture.ids().await, [2]);
}

#[tokio::test]
async fn rows_are_due_a_notification_until_marked_read_or_deleted() {
    let fixture = Fixture::new().await;
    let batch = (1..=4).map(incoming).collect();
    fixture.inbox.store(batch).await.unwrap();
    let due = || async {
        fixture
            .inbox
            .due(true)
            .await
            .unwrap()
            .first()
            .map(|row| row.id)
    };
    assert_eq!(due().await, Some(1));
    fixture.inbox.notified(vec![1], 10).await.unwrap();
    assert_eq!(due().await, Some(2));
    fixture.inbox.mark(vec![2], true, 10).await.unwrap();
    fixture.inbox.delete(vec![3], true, 10).await.unwrap();
    assert_eq!(due().await, Some(4));
    fixture.inbox.notified(vec![4], 10).await.unwrap();
    assert_eq!(due().await, None);
}

async fn refused(folder: &Path) -> InboxError {
    Inbox::open(folder, 0, |_| {}).await.err().unwrap()
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let garbage = vec![b'x'; 8192];
    std::fs::write(&path, &garbage).unwrap();
    let error = refused(folder.path()).await;
    assert!(matches!(error, InboxError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("Move it away"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), garbage);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let fixture = Fixture::new().await;
    fixture.inbox.close().await;
    fixture.closing.wait().await;
    let path = fixture.folder.path().join(FILE);
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = refused(fixture.folder.path()).await;
    assert!(
        matches!(error, InboxError::Newer { found: 99, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused_at_the_start() {
    // A folder in the file's place refuses root too, which permissions do not.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(FILE)).unwrap();
    let error = refused(folder.path()).await;
    assert!(matches!(error, InboxError::ReadOnly { .. }), "{error:?}");
    assert!(error.to_string().contains("writable"), "{error}");
}

#[tokio::test]
async fn a_full_disk_refuses_and_the_inbox_goes_on_when_there_is_room() {
    let fixture = Fixture::new().await;
    fixture.store(incoming(1)).await;
    let pages = |limit: i64| {
        fixture
            .inbox
            .call(move |connection| connection.pragma_update(None, "max_page_count", limit))
    };
    pages(1).await.unwrap();
    let large = Incoming {
        body: "x".repeat(1 << 20),
        ..incoming(2)
    };
    let error = fixture
        .inbox
        .store(vec![incoming(3), large])
        .await
        .unwrap_err();
    assert!(matches!(error, InboxError::Full { .. }), "{error:?}");
    assert_eq!((fixture.ids().await, fixture.unread()), (vec![1], 1));
    pages(1_000_000).await.unwrap();
    assert!(matches!(fixture.store(incoming(3)).await, Stored::New(_)));
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_closed_to_other_users() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new().await;
    let path = fixture.folder.path().join(FILE);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0);
}

#[tokio::test]
async fn a_closed_inbox_says_so() {
    let fixture = Fixture::new().await;
    fixture.inbox.close().await;
    fixture.closing.wait().await;
    let error = fixture
        .inbox
        .page(&Filter::default(), None, 1)
        .await
        .unwrap_err();
    assert!(matches!(error, InboxError::Closed));
}

#[tokio::test]
async fn a_key_supersedes_what_its_sender_said_under_it_before_and_nothing_else() {
    let fixture = Fixture::new().await;
    let keyed = |mid, sender: &str, relay: &str| Incoming {
        key: Some("build".into()),
        sender: sender.into(),
        relay: relay.into(),
        ..incoming(mid)
    };
    let batch = vec![
        keyed(1, "ci", "relay-1"),
        keyed(2, "ann", "relay-1"),
        keyed(3, "ci", "relay-2"),
        incoming(4),
        keyed(5, "ci", "relay-1"),
    ];
    let stored = fixture.inbox.store(batch).await.unwrap();
    assert_eq!(stored.superseded, [1]);
    assert_eq!(fixture.unread(), 4);
    let again = vec![keyed(6, "ci", "relay-1"), keyed(6, "ci", "relay-1")];
    assert_eq!(fixture.inbox.store(again).await.unwrap().superseded, [5]);
    let fixture = fixture.restarted(2000).await;
    let rows = fixture
        .inbox
        .page(&Filter::default(), None, PAGE)
        .await
        .unwrap();
    let gone: Vec<_> = rows.iter().filter(|r| r.superseded).map(|r| r.id).collect();
    assert_eq!(gone, [5, 1]);
    assert_eq!(rows[0].tags, ["disk", "db"]);
}

#[tokio::test]
async fn what_is_held_for_a_time_stays_due_and_what_is_held_for_good_does_not() {
    let fixture = Fixture::new().await;
    fixture
        .inbox
        .store((1..=3).map(incoming).collect())
        .await
        .unwrap();
    let held = vec![(1, Held::Paused), (2, Held::Muted)];
    fixture.inbox.hold(held, 10).await.unwrap();
    let fixture = fixture.restarted(2000).await;
    let due = async |with_held| {
        let due = fixture.inbox.due(with_held).await.unwrap();
        due.into_iter()
            .map(|row| (row.id, row.held))
            .collect::<Vec<_>>()
    };
    assert_eq!(due(false).await, [(3, None)]);
    assert_eq!(due(true).await, [(1, Some(Held::Paused)), (3, None)]);
    let row = fixture.inbox.message(2).await.unwrap().unwrap().row;
    assert_eq!((row.held, row.read), (Some(Held::Muted), false));
    assert_eq!(fixture.inbox.unnotified(2).await.unwrap(), None);
    let whole = fixture.inbox.unnotified(1).await.unwrap().unwrap();
    assert_eq!(whole.body, "**body**");
    fixture
        .inbox
        .came_of(vec![1, 99], Outcome::Dismissed)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_a_sender_may_do_is_theirs_alone_and_survives_until_it_is_taken_back() {
    let fixture = Fixture::new().await;
    let shell = |mid, sender: &str| Incoming {
        sender: sender.into(),
        link: Some("ssh://build/".into()),
        extra: "{}".into(),
        ..incoming(mid)
    };
    fixture
        .inbox
        .store(vec![shell(1, "ci"), shell(2, "ci"), shell(3, "ann")])
        .await
        .unwrap();
    let ssh = Permission::Scheme("ssh".into());
    for _ in 0..2 {
        fixture.inbox.allow(1, ssh.clone(), 10).await.unwrap();
    }
    let fixture = fixture.restarted(2000).await;
    let asks = async |id| {
        let message = fixture.inbox.message(id).await.unwrap().unwrap();
        message.offers[0].asks.clone()
    };
    assert_eq!(asks(2).await, None);
    assert_eq!(asks(3).await, Some(ssh.clone()));
    let consents = fixture.inbox.consents().await.unwrap();
    assert_eq!(consents.len(), 1);
    assert_eq!(
        (consents[0].sender.as_str(), &consents[0].permission),
        ("ci", &ssh)
    );
    fixture.inbox.revoke(consents[0].id).await.unwrap();
    assert_eq!(asks(2).await, Some(ssh));
}
