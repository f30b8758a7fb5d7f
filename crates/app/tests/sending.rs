//! What is sent, and what becomes of it, between apps over one relay: also later, and after either of them
//! was away.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod common;

use common::{Elsewhere, Home, TOKEN, connected, free_port, status, stop, within};
use tidings_app::types::{
    Ask, Connection, Delivery, Draft, Filter, Join, MessageId, Progress, Recipient, Sent, Settings,
};
use tidings_app::{App, Event, Failure};
use tokio::net::TcpListener;

fn join(address: &str, name: &str) -> Join {
    Join {
        id: None,
        address: address.into(),
        name: name.into(),
        group: "home".into(),
        token: Some(TOKEN.into()),
    }
}

fn draft(to: &[&str], title: &str) -> Draft {
    let person = |name: &&str| Recipient::Person((*name).into());
    Draft {
        to: to.iter().map(person).collect(),
        title: title.into(),
        body: "body".into(),
        ..Draft::default()
    }
}

/// Starts an app as a client of that relay.
async fn client(home: &Home, relay: &Elsewhere, name: &str) -> App {
    let app = home.start().await;
    app.join(join(&relay.address(), name)).await.unwrap();
    connected(&app).await;
    app
}

/// Waits until a sent message is so.
async fn comes_to(app: &App, id: MessageId, what: &str, is: impl Fn(&Sent) -> bool) -> Sent {
    let mut events = app.events();
    within(what, async {
        loop {
            let sent = app.sent_message(id).await.unwrap();
            if is(&sent) {
                return sent;
            }
            // Any news will do, and a missed one is news.
            let _ = events.recv().await;
        }
    })
    .await
}

fn delivery(sent: &Sent, name: &str) -> Option<Delivery> {
    let mut outcomes = sent.parcels.iter().flat_map(|parcel| &parcel.recipients);
    let outcome = outcomes.find(|outcome| outcome.name == name);
    outcome.map(|outcome| outcome.delivery)
}

fn became(name: &str, wanted: Delivery) -> impl Fn(&Sent) -> bool {
    move |sent| delivery(sent, name) == Some(wanted)
}

/// The only message an app has received, once it has.
async fn received(app: &App) -> MessageId {
    let mut events = app.events();
    within("a message", async {
        loop {
            let rows = app.inbox(&Filter::default(), None, 2).await.unwrap();
            if let [row] = &rows[..] {
                return row.id;
            }
            let _ = events.recv().await;
        }
    })
    .await
}

#[tokio::test]
async fn what_is_written_offline_goes_out_in_order_once_connected() {
    let home = Home::new();
    let address = free_port().await;
    let app = home.start().await;
    let early = app.send(draft(&["desk"], "too early"), None).await;
    assert_eq!(early, Err(Failure::NotConfigured));
    app.join(join(&address.to_string(), "desk")).await.unwrap();
    let offline = status(&app, "offline", |status| {
        matches!(status.connection(), Connection::Offline { .. })
    })
    .await;
    let Connection::Offline { reason, .. } = offline.connection() else {
        panic!("offline")
    };
    assert!(reason.contains("check the port"), "{reason}");
    let mut ids = Vec::new();
    for number in 0..20 {
        let draft = draft(&["desk"], &number.to_string());
        ids.push(app.send(draft, None).await.unwrap());
    }
    let sent = app.sent("", None, 100).await.unwrap();
    let queued = |sent: &Sent| sent.parcels[0].progress == Progress::Queued;
    assert!(sent.iter().all(queued));

    let relay = Elsewhere::on(TcpListener::bind(address).await.unwrap()).await;
    app.reconnect(None).await.unwrap();
    for id in ids {
        comes_to(&app, id, "a delivery", became("desk", Delivery::Delivered)).await;
    }
    home.desk.wait_until_told(20).await;
    let rows = app.inbox(&Filter::default(), None, 100).await.unwrap();
    let titles: Vec<_> = rows.into_iter().rev().map(|row| row.title).collect();
    let expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(titles, expected);
    stop(app).await;
    relay.stop().await;
}

#[tokio::test]
async fn each_recipient_has_a_row_and_what_they_do_later_is_known() {
    let relay = Elsewhere::new().await;
    let (home, far) = (Home::new(), Home::new());
    let ann = client(&home, &relay, "ann").await;
    let bob = client(&far, &relay, "bob").await;
    let speaks = connected(&ann).await.relays.remove(0).extensions;
    assert!(speaks.contains(&tidings_app::types::Extension::Receipts));
    let allowed = Settings {
        read_receipts: true,
        ..bob.settings()
    };
    bob.set_settings(allowed).await.unwrap();
    let mut asked = draft(&["bob", "nobody"], "Lunch?");
    asked.ask = Ask::Each;
    let id = ann.send(asked, None).await.unwrap();
    let delivered = became("bob", Delivery::Delivered);
    let sent = comes_to(&ann, id, "a delivery", delivered).await;
    assert_eq!(sent.draft.to.len(), 2);
    let refused = became("nobody", Delivery::Refused);
    comes_to(&ann, id, "a refusal", refused).await;
    let got = received(&bob).await;
    bob.mark(vec![got], true).await.unwrap();
    comes_to(&ann, id, "a read receipt", became("bob", Delivery::Read)).await;

    // The sender is away, and its relay keeps what it is to know.
    stop(ann).await;
    bob.acknowledge(got, "on it").await.unwrap();
    let ann = home.start().await;
    let acknowledged = became("bob", Delivery::Acknowledged);
    let sent = comes_to(&ann, id, "an acknowledgement", acknowledged).await;
    let history = &sent.parcels[0].recipients[0].history;
    let steps: Vec<_> = history.iter().map(|step| step.delivery).collect();
    let all = [Delivery::Delivered, Delivery::Read, Delivery::Acknowledged];
    assert!(steps.ends_with(&all), "{steps:?}");
    assert_eq!(history.last().unwrap().note, "on it");
    stop(ann).await;
    stop(bob).await;
    relay.stop().await;
}

#[tokio::test]
async fn an_answer_goes_back_by_the_relay_it_came_by_and_quotes() {
    let relay = Elsewhere::new().await;
    let (home, far) = (Home::new(), Home::new());
    let ann = client(&home, &relay, "ann").await;
    let bob = client(&far, &relay, "bob").await;
    ann.send(draft(&["bob"], "Lunch?"), None).await.unwrap();
    let got = received(&bob).await;
    let mut answer = draft(&["ann"], "");
    answer.reply_to = Some(got);
    let id = bob.send(answer, None).await.unwrap();
    let sent = bob.sent_message(id).await.unwrap();
    assert_eq!(
        (sent.draft.reply_to, &*sent.draft.body),
        (Some(got), "body")
    );
    let back = received(&ann).await;
    let back = ann.message(back).await.unwrap();
    assert_eq!(back.body, "> Lunch?\n> body\n\nbody");
    let answered = bob.message(got).await.unwrap().mid;
    let extra: serde_json::Value = serde_json::from_str(&back.extra).unwrap();
    assert_eq!(extra["reply"], answered.as_str());
    stop(ann).await;
    stop(bob).await;
    relay.stop().await;
}

#[tokio::test]
async fn what_is_queued_is_taken_back_and_what_was_delivered_is_not() {
    let relay = Elsewhere::new().await;
    let home = Home::new();
    let app = client(&home, &relay, "ann").await;
    let id = app.send(draft(&["ann"], "gone"), None).await.unwrap();
    comes_to(&app, id, "a delivery", became("ann", Delivery::Delivered)).await;
    let late = app.cancel(id).await.unwrap_err();
    assert!(late.to_string().contains("too late"), "{late}");
    let nothing = app.resend(id).await.unwrap_err();
    assert!(nothing.to_string().contains("nothing"), "{nothing}");
    relay.stop().await;
    status(&app, "offline", |status| {
        matches!(status.connection(), Connection::Offline { .. })
    })
    .await;
    let kept = app.keep_draft(None, draft(&["ann"], "kept")).await.unwrap();
    let mut events = app.events();
    let id = app.send(draft(&["ann", "bob"], "kept"), Some(kept)).await;
    let id = id.unwrap();
    within("news of the drafts", async {
        while events.recv().await.unwrap() != Event::Drafts {}
    })
    .await;
    assert!(app.drafts().await.unwrap().is_empty());
    app.cancel(id).await.unwrap();
    let sent = app.sent_message(id).await.unwrap();
    let back = |parcel: &tidings_app::types::Parcel| parcel.progress == Progress::Cancelled;
    assert!(sent.parcels.iter().all(back));
    // Again, it still is.
    app.cancel(id).await.unwrap();
    assert!(matches!(app.cancel(99).await, Err(Failure::NotFound(_))));
    stop(app).await;
}

#[tokio::test]
async fn who_is_there_is_known_and_whom_one_wrote_to_comes_first() {
    let relay = Elsewhere::new().await;
    let (home, far) = (Home::new(), Home::new());
    let ann = client(&home, &relay, "ann").await;
    let mut events = ann.events();
    let bob = client(&far, &relay, "bob").await;
    let known = async |search: &str| {
        let contacts = ann.contacts(search, None, 100).await.unwrap();
        let known = contacts.into_iter();
        known
            .map(|contact| (contact.to, contact.online))
            .collect::<Vec<_>>()
    };
    let person = |name: &str, online| (Recipient::Person(name.into()), online);
    let home_group = (Recipient::Group("home".into()), Some(true));
    let all = [
        person("ann", Some(true)),
        person("bob", Some(true)),
        home_group.clone(),
    ];
    within("all of them", async {
        while known("").await != all {
            while events.recv().await.unwrap() != Event::Contacts {}
        }
    })
    .await;
    assert_eq!(known("b").await, [person("bob", Some(true))]);
    stop(bob).await;
    ann.send(draft(&["bob"], "hi"), None).await.unwrap();
    let all = [
        person("bob", Some(false)),
        person("ann", Some(true)),
        home_group,
    ];
    within("one is gone", async {
        while known("").await != all {
            while events.recv().await.unwrap() != Event::Contacts {}
        }
    })
    .await;
    relay.stop().await;
    within("nothing known", async {
        while known("b").await != [person("bob", None)] {
            while events.recv().await.unwrap() != Event::Contacts {}
        }
    })
    .await;
    stop(ann).await;
}

fn wall() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(since.unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn what_is_for_later_comes_when_it_is_due_and_is_taken_back_until_then() {
    let relay = Elsewhere::new().await;
    let home = Home::new();
    let app = client(&home, &relay, "ann").await;
    let mut later = draft(&["ann"], "later");
    later.due = Some(wall() + 60 * 60 * 1000);
    let id = app.send(later, None).await.unwrap();
    let mut soon = draft(&["ann"], "soon");
    let due = wall() + 500;
    soon.due = Some(due);
    app.send(soon, None).await.unwrap();
    let got = received(&app).await;
    assert!(wall() >= due);
    assert_eq!(app.message(got).await.unwrap().row.title, "soon");
    app.cancel(id).await.unwrap();
    let sent = app.sent_message(id).await.unwrap();
    let here = sent.parcels[0].progress == Progress::Cancelled;
    let there = delivery(&sent, "ann") == Some(Delivery::Cancelled);
    assert!(here || there, "{sent:?}");
    stop(app).await;
    relay.stop().await;
}

/// Messages written while nothing could be sent, and how often the app is ended without a goodbye while they
/// go out.
#[cfg(target_os = "linux")]
const WRITTEN: usize = 1000;
#[cfg(target_os = "linux")]
const ENDS: usize = 10;

/// Waits until nothing of an app that was dropped holds its inbox, as after the death of its process.
#[cfg(target_os = "linux")]
async fn closed(home: &Home) {
    let folder = home.folders().data;
    let is_open = || {
        let mut open = std::fs::read_dir("/proc/self/fd").unwrap();
        open.any(|file| {
            let to = file.and_then(|file| std::fs::read_link(file.path()));
            to.is_ok_and(|to| to.starts_with(&folder))
        })
    };
    within("the inbox's end", async {
        while is_open() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_written_offline_go_out_once_and_in_order_however_often_the_app_ends() {
    let address = free_port().await;
    let (home, far) = (Home::new(), Home::new());
    let ann = home.start().await;
    ann.join(join(&address.to_string(), "ann")).await.unwrap();
    for number in 0..WRITTEN {
        let draft = draft(&["bob"], &number.to_string());
        ann.send(draft, None).await.unwrap();
    }
    stop(ann).await;

    let relay = Elsewhere::on(TcpListener::bind(address).await.unwrap()).await;
    let bob = client(&far, &relay, "bob").await;
    let got = async || {
        let mut titles = Vec::new();
        let mut before = None;
        loop {
            let page = bob.inbox(&Filter::default(), before, 200).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            titles.extend(page.into_iter().map(|row| row.title));
        }
        titles.reverse();
        titles
    };
    for end in 1..=ENDS {
        let ann = home.start().await;
        let mut events = bob.events();
        within("some of them", async {
            while got().await.len() < end * WRITTEN / (ENDS + 1) {
                let _ = events.recv().await;
            }
        })
        .await;
        // Without a goodbye: what is in hand is in hand.
        drop(ann);
        closed(&home).await;
    }
    let ann = home.start().await;
    comes_to(&ann, 1000, "the last", became("bob", Delivery::Delivered)).await;
    let expected: Vec<_> = (0..WRITTEN).map(|number| number.to_string()).collect();
    assert_eq!(got().await, expected);
    let mut before = None;
    for _ in 0..WRITTEN / 200 {
        let page = ann.sent("", before, 200).await.unwrap();
        for sent in &page {
            let delivered = became("bob", Delivery::Delivered);
            comes_to(&ann, sent.id, "a delivery", delivered).await;
        }
        before = page.last().map(|sent| sent.id);
    }
    stop(ann).await;
    stop(bob).await;
    relay.stop().await;
}
