//! What becomes a notification and what does not, and what the person's answer does: the app as a
//! whole, with a desktop of the tests'.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod common;

use common::{Desk, Home, Manners, Ring, connected, http_send, status, stop, within};
use tidings_app::notifier::{Fate, Notice};
use tidings_app::types::{
    Deed, Filter, Held, Mute, Notifications, Pause, Permission, QuietHours, Reach, Settings,
};
use tidings_app::{App, Event, Failure};

/// An app that is connected, and past the moment in which it waits for what it missed.
struct Story {
    home: Home,
    app: App,
    port: u16,
    token: String,
}

impl Story {
    async fn new() -> Self {
        let home = Home::with(Desk::new(Manners::Works), Ring::works());
        let app = home.start().await;
        let host = app.host(Reach::Computer, Some("desk".into()));
        within("hosting", host).await.unwrap();
        let port = connected(&app).await.hosted.unwrap().port;
        let token = app.token().await.unwrap();
        Self {
            home,
            app,
            port,
            token,
        }
    }

    async fn send(&self, query: &str) {
        let answer = http_send(self.port, &self.token, "desk", query).await;
        assert!(answer.contains("\"desk\":\"ok\""), "{answer}");
    }

    /// The notification that is raised as the `count`th.
    async fn raised(&self, count: usize) -> Notice {
        self.home.desk.wait_for(count).await;
        self.home
            .desk
            .raised
            .borrow()
            .get(count - 1)
            .cloned()
            .unwrap()
    }

    async fn held(&self, id: u64) -> Option<Held> {
        let mut events = self.app.events();
        within("why it is held", async {
            loop {
                let row = self.app.message(id).await.unwrap().row;
                if row.held.is_some() {
                    return row.held;
                }
                events.recv().await.unwrap();
            }
        })
        .await
    }

    async fn rules(&self, notifications: Notifications) {
        let settings = Settings {
            notifications,
            ..Settings::default()
        };
        self.app.set_settings(settings).await.unwrap();
    }
}

#[tokio::test]
async fn a_later_message_with_the_same_key_takes_the_place_of_the_earlier() {
    let story = Story::new().await;
    story.send("text=Build%201&key=build&tags=ci,night").await;
    let first = story.raised(1).await;
    story.send("text=Build%202&key=build").await;
    let second = story.raised(2).await;
    assert_eq!(first.slot, second.slot);
    assert_ne!(first.message, second.message);
    story.send("text=Other&key=other").await;
    assert_ne!(story.raised(3).await.slot, first.slot);
    let rows = story.app.inbox(&Filter::default(), None, 10).await.unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.title.as_str(), row.superseded, row.read))
        .collect();
    assert_eq!(
        seen,
        [
            ("Other", false, false),
            ("Build 2", false, false),
            ("Build 1", true, true)
        ]
    );
    assert_eq!(rows[2].tags, ["ci", "night"]);
    assert_eq!(story.app.status().borrow().unread, 2);
    stop(story.app).await;
}

#[tokio::test]
async fn while_paused_nothing_is_raised_and_afterwards_all_in_one() {
    let story = Story::new().await;
    story.app.pause(Pause::Minutes(30)).await.unwrap();
    status(&story.app, "the pause", |s| {
        s.quiet.held == Some(Held::Paused)
    })
    .await;
    for number in 1..=3 {
        story.send(&format!("text={number}")).await;
        assert_eq!(story.held(number).await, Some(Held::Paused));
    }
    story.send("text=4&priority=urgent").await;
    assert_eq!(story.held(4).await, Some(Held::Paused));
    assert_eq!(story.app.status().borrow().unread, 4);
    assert!(story.home.desk.titles().is_empty());
    story.app.mark(vec![1], true).await.unwrap();
    story.app.pause(Pause::Off).await.unwrap();
    assert_eq!(story.raised(1).await.title, "While paused: 3 messages");
    story.send("text=after").await;
    assert_eq!(story.raised(2).await.title, "after");
    let refused = story.app.pause(Pause::Minutes(0)).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Notifications are paused for 1 to 10080 minutes. Choose less."
    );
    stop(story.app).await;
}

#[tokio::test]
async fn a_pause_outlives_a_restart() {
    let story = Story::new().await;
    story.app.pause(Pause::Tomorrow).await.unwrap();
    stop(story.app).await;
    let app = story.home.start().await;
    let status = status(&app, "the pause", |s| s.quiet.held == Some(Held::Paused)).await;
    assert!(status.quiet.paused_until.is_some());
    stop(app).await;
}

#[tokio::test]
async fn urgent_ones_pass_the_quiet_hours_without_a_sound_if_the_person_says_so() {
    let story = Story::new().await;
    story
        .rules(Notifications {
            urgent_passes: true,
            hours: vec![QuietHours {
                days: (1..=7).collect(),
                from: 0,
                to: 0,
            }],
            ..Notifications::default()
        })
        .await;
    status(&story.app, "quiet", |s| s.quiet.held == Some(Held::Hours)).await;
    story.send("text=one").await;
    assert_eq!(story.held(1).await, Some(Held::Hours));
    story.send("text=fire&priority=5").await;
    let notice = story.raised(1).await;
    assert_eq!((notice.title.as_str(), notice.sound), ("fire", None));
    story.rules(Notifications::default()).await;
    assert_eq!(story.raised(2).await.title, "While it was quiet: 1 message");
    stop(story.app).await;
}

#[tokio::test]
async fn the_muted_are_never_raised_and_the_desktops_own_rest_is_respected() {
    let story = Story::new().await;
    story
        .app
        .mute(Mute::Tag("spam".into()), true)
        .await
        .unwrap();
    story.send("text=1&tags=spam&priority=urgent").await;
    assert_eq!(story.held(1).await, Some(Held::Muted));
    story.home.desk.disturb_not.send_replace(true);
    status(&story.app, "rest", |s| s.quiet.held == Some(Held::Desktop)).await;
    story.send("text=2").await;
    assert_eq!(story.held(2).await, Some(Held::Desktop));
    story.home.desk.disturb_not.send_replace(false);
    assert_eq!(story.raised(1).await.title, "While it was quiet: 1 message");
    let unmuted = story.app.mute(Mute::Tag("spam".into()), false).await;
    assert!(unmuted.unwrap().notifications.mutes.is_empty());
    story.send("text=3&tags=spam").await;
    assert_eq!(story.raised(2).await.title, "3");
    assert_eq!(story.app.status().borrow().unread, 3);
    stop(story.app).await;
}

#[tokio::test]
async fn forty_that_were_missed_are_one_digest_and_a_click_on_it_shows_what_is_unread() {
    let home = Home::with(Desk::new(Manners::Absent), Ring::works());
    let app = home.start().await;
    let host = app.host(Reach::Computer, Some("desk".into()));
    within("hosting", host).await.unwrap();
    let port = connected(&app).await.hosted.unwrap().port;
    let token = app.token().await.unwrap();
    for number in 1..=40 {
        http_send(port, &token, "desk", &format!("text={number}")).await;
    }
    http_send(port, &token, "desk", "text=fire&priority=urgent").await;
    home.desk.mend();
    home.desk.wait_until_told(41).await;
    assert_eq!(home.desk.titles()[0], "fire");
    assert_eq!(home.desk.titles().len(), 2, "{:?}", home.desk.titles());
    let mut events = app.events();
    home.desk.fate(None, Fate::Clicked).await;
    within("the click", async {
        while events.recv().await.unwrap() != (Event::Opened { message: None }) {}
    })
    .await;
    stop(app).await;
}

#[tokio::test]
async fn what_a_person_does_to_a_notification_is_told_apart() {
    let story = Story::new().await;
    for number in 1..=4 {
        story.send(&format!("text={number}")).await;
        story.raised(usize::try_from(number).unwrap()).await;
    }
    let desk = &story.home.desk;
    let mut events = story.app.events();
    desk.fate(Some(1), Fate::Dismissed).await;
    desk.fate(Some(2), Fate::Expired).await;
    desk.fate(Some(3), Fate::Pressed("read".into())).await;
    within("the mark", async {
        while events.recv().await.unwrap() != Event::Changed(vec![3]) {}
    })
    .await;
    assert_eq!(
        story.app.status().borrow().unread,
        3,
        "closing is no reading"
    );
    // What is read in the window leaves the screen.
    story.app.mark(vec![4], true).await.unwrap();
    let mut closed = desk.closed.subscribe();
    let gone = closed.wait_for(|closed| closed.contains(&Some(4)));
    within("the closed notification", gone).await.unwrap();
    stop(story.app).await;
}

#[tokio::test]
async fn what_needs_consent_is_asked_for_once_per_sender_and_can_be_taken_back() {
    let story = Story::new().await;
    let query = "text=Shell&click=ssh://build/&actions=copy,Copy,abc";
    story.send(query).await;
    let notice = story.raised(1).await;
    let keys: Vec<_> = notice.buttons.iter().map(|b| b.key.as_str()).collect();
    assert_eq!(keys, ["act:0", "act:1", "read", "open"]);
    // From the notification it is asked for in the window.
    let mut events = story.app.events();
    story
        .home
        .desk
        .fate(Some(1), Fate::Pressed("act:0".into()))
        .await;
    within("the question", async {
        while events.recv().await.unwrap() != (Event::Opened { message: Some(1) }) {}
    })
    .await;
    assert!(matches!(
        story.app.act(1, 0, false).await,
        Err(Failure::Ask(_))
    ));
    let link = Deed::Link {
        url: "ssh://build/".into(),
        place: "build".into(),
    };
    assert_eq!(story.app.act(1, 0, true).await, Ok(Some(link.clone())));
    // The next one of this sender needs no more.
    story.send(query).await;
    story.raised(2).await;
    assert_eq!(story.app.message(2).await.unwrap().offers[0].asks, None);
    story
        .home
        .desk
        .fate(Some(2), Fate::Pressed("act:0".into()))
        .await;
    within("the link", async {
        while events.recv().await.unwrap() != Event::Do(link.clone()) {}
    })
    .await;
    let consents = story.app.consents().await.unwrap();
    assert_eq!(consents.len(), 1);
    assert_eq!(consents[0].permission, Permission::Scheme("ssh".into()));
    story.app.revoke(consents[0].id).await.unwrap();
    assert!(story.app.consents().await.unwrap().is_empty());
    assert!(matches!(
        story.app.act(2, 0, false).await,
        Err(Failure::Ask(_))
    ));
    assert!(matches!(
        story.app.act(2, 9, false).await,
        Err(Failure::NotFound(_))
    ));
    stop(story.app).await;
}
