//! Notifications as they stand on a desktop: replaced, pressed, closed, many at once.

use std::collections::HashSet;

use rustix::process::Signal;
use tidings_control::{Answer, Permission, Request, View};
use tidings_tests::desk::{Desk, NAME};
use tidings_tests::notifications::{Closed, Manners, Notify};
use tidings_tests::process::{self, Process};
use tidings_tests::relay::TOKEN;
use tidings_tests::{Rig, http, rig, test, wait};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The number a digest's title begins or ends with.
fn counted(title: &str) -> usize {
    let mut words = title.split(|c: char| !c.is_ascii_digit());
    words.find_map(|word| word.parse().ok()).unwrap_or(0)
}

fn is_digest(call: &Notify) -> bool {
    call.summary.contains("message")
}

#[tokio::test]
async fn a_later_message_with_the_same_key_reuses_the_notification() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        desk.send(rig, &[("text", "Build 1"), ("key", "build")])
            .await?;
        let first = rig.notifications.wait_raised("Build 1", wait::SOON).await?;
        desk.send(rig, &[("text", "Build 2"), ("key", "build")])
            .await?;
        let second = rig.notifications.wait_raised("Build 2", wait::SOON).await?;
        assert_eq!(Some(second.replaces), first.id);
        assert_eq!(second.id, first.id);
        assert!(desk.agent.stored("Build 1").await?.superseded);
        assert_eq!(desk.agent.status().await?.unread, 1);

        // What was closed is not there to be replaced.
        rig.notifications.close(&second, Closed::Dismissed).await?;
        desk.send(rig, &[("text", "Other"), ("key", "other")])
            .await?;
        rig.notifications.wait_raised("Other", wait::SOON).await?;
        desk.send(rig, &[("text", "Build 3"), ("key", "build")])
            .await?;
        let third = rig.notifications.wait_raised("Build 3", wait::SOON).await?;
        assert_eq!(third.replaces, 0);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_button_pressed_before_anybody_could_is_heard() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        rig.notifications.behave(Manners::PressAtOnce);
        for n in 1..=5 {
            desk.send(rig, &[("text", &format!("Quick {n}"))]).await?;
            let read = desk.agent.until("the message read", |s| s.unread == 0);
            read.await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn closed_and_expired_are_not_read_and_what_is_read_is_taken_down() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        let mut shown = Vec::new();
        for title in ["Closed", "Expired", "Read"] {
            desk.send(rig, &[("text", title)]).await?;
            shown.push(rig.notifications.wait_raised(title, wait::SOON).await?);
        }
        rig.notifications
            .close(&shown[0], Closed::Dismissed)
            .await?;
        rig.notifications.close(&shown[1], Closed::Expired).await?;
        let ids = vec![desk.agent.stored("Read").await?.id];
        desk.agent.ask(Request::Mark { ids, read: true }).await?;
        rig.notifications.wait_closed(&shown[2], wait::SOON).await?;
        assert_eq!(desk.agent.status().await?.unread, 2);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn buttons_are_for_daemons_that_have_some_and_a_code_can_be_copied() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        let body = "Your code is 482913. It is valid for ten minutes.";
        desk.send(
            rig,
            &[
                ("text", "Sign in"),
                ("desp", body),
                ("click", "https://e.example/"),
            ],
        )
        .await?;
        let shown = rig.notifications.wait_raised("Sign in", wait::SOON).await?;
        let labels: Vec<_> = shown.actions.iter().map(|(_, label)| label).collect();
        assert_eq!(
            labels,
            ["Open", "Copy 482913", "Open e.example", "Mark read", "Open"]
        );
        rig.notifications.can(&["body"]);
        desk.send(
            rig,
            &[("text", "Plain"), ("desp", "a < b"), ("priority", "5")],
        )
        .await?;
        let plain = rig.notifications.wait_raised("Plain", wait::SOON).await?;
        assert_eq!(plain.actions.len(), 1, "only the click: {plain:?}");
        assert_eq!(plain.body, "a < b");
        assert_eq!(
            (plain.timeout, u8::try_from(&plain.hints["urgency"])?),
            (0, 2)
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn forty_messages_while_away_become_one_digest_and_urgent_ones_stand_apart()
-> anyhow::Result<()> {
    test(async |rig| {
        let mut desk = Desk::start(rig).await?;
        desk.agent.signal(Signal::TERM)?;
        desk.agent.end(wait::START).await?;
        for n in 1..=40 {
            let title = format!("Missed {n}");
            desk.queue(rig, &[("text", &title), ("wait", "0")]).await?;
        }
        let fire = [("text", "Fire"), ("priority", "urgent"), ("wait", "0")];
        desk.queue(rig, &fire).await?;

        desk.agent = rig.agent().await?;
        let all = |call: &Notify| is_digest(call) && counted(&call.summary) == 40;
        let digest = rig
            .notifications
            .wait("a digest of forty", wait::START, all)
            .await?;
        assert_eq!(digest.summary, "While you were away: 40 messages");
        assert!(digest.body.contains("Missed 40"), "{}", digest.body);
        rig.notifications.wait_raised("Fire", wait::SOON).await?;
        let calls = rig.notifications.calls();
        let places: HashSet<_> = calls.iter().map(|call| call.id).collect();
        assert_eq!(places.len(), 2, "two notifications: {calls:#?}");
        assert_eq!(desk.agent.status().await?.unread, 41);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_burst_becomes_a_digest_that_is_updated_in_place() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        for n in 1..=30 {
            let title = format!("Burst {n}");
            desk.queue(rig, &[("text", &title), ("wait", "0")]).await?;
        }
        wait::until("all thirty told of", wait::START, async || {
            let calls = rig.notifications.calls();
            let alone = calls.iter().filter(|call| !is_digest(call)).count();
            let digest = calls.iter().rev().find(|call| is_digest(call));
            let told = alone + digest.map_or(0, |digest| counted(&digest.summary));
            anyhow::ensure!(told == 30, "told of {told} in {calls:#?}");
            anyhow::ensure!(alone <= 5, "{alone} popups");
            Ok(Some(()))
        })
        .await?;
        let digests: HashSet<_> = rig
            .notifications
            .calls()
            .into_iter()
            .filter(is_digest)
            .map(|call| call.id)
            .collect();
        assert_eq!(digests.len(), 1, "one place on the screen");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_daemon_that_is_killed_takes_no_message_with_it_and_repeats_none() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        desk.send(rig, &[("text", "Before"), ("key", "k")]).await?;
        rig.notifications.wait_raised("Before", wait::SOON).await?;
        rig.notifications.vanish().await?;
        rig.notifications.appear(&rig.bus).await?;
        // The new daemon's numbers are not the old one's: nothing of it is replaced.
        desk.send(rig, &[("text", "After"), ("key", "k")]).await?;
        let after = rig.notifications.wait_raised("After", wait::START).await?;
        assert_eq!(after.replaces, 0);
        assert_eq!(rig.notifications.raised("Before").len(), 1);
        rig.notifications.click(&after, "read").await?;
        desk.agent.until("it read", |s| s.unread == 0).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_request_of_a_message_is_made_once_the_person_agreed() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let desk = Desk::start(rig).await?;
        let door = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://127.0.0.1:{}/close", door.local_addr()?.port());
        let actions = format!("http, Close the door, {url}, method=PUT; view, Shell, ssh://door/");
        desk.send(rig, &[("text", "The door is open"), ("actions", &actions)])
            .await?;
        let id = desk.agent.stored("The door is open").await?.id;
        let shown = rig
            .notifications
            .wait_raised("The door is open", wait::SOON)
            .await?;
        // The button leads to the question.
        rig.notifications.click(&shown, "act:0").await?;
        let window = rig.window().await?;
        window.reads("offer", "Close the door").await?;
        window.click("offer").await?;
        window.reads("consent", "127.0.0.1").await?;
        let allow = "[data-testid='consent'] button.primary";
        let answered = tokio::spawn(async move {
            let (mut stream, _) = door.accept().await?;
            let mut asked = vec![0; 4096];
            let read = stream.read(&mut asked).await?;
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
            anyhow::Ok(String::from_utf8_lossy(&asked[..read]).into_owned())
        });
        window.click_on(allow).await?;
        let asked = wait::at_most("the request", wait::SOON, answered).await??;
        assert!(asked.starts_with("PUT /close HTTP/1.1"), "{asked}");

        let Answer::Consents(consents) = desk.agent.ask(Request::Consents).await? else {
            anyhow::bail!("no consents");
        };
        assert_eq!(consents.len(), 1);
        assert_eq!(consents[0].permission, Permission::Call("127.0.0.1".into()));
        let ssh = Request::Act {
            id,
            offer: 1,
            allow: false,
        };
        assert!(desk.agent.ask(ssh).await.is_err(), "that was not agreed to");
        desk.agent
            .ask(Request::Show {
                view: View::Settings,
            })
            .await?;
        window.reads("consent-list", "127.0.0.1").await?;
        Ok(())
    })
    .await
}

/// What the real daemon says of itself.
async fn dunst(rig: &Rig, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = rig.home.command("dunstctl");
    command.args(arguments);
    Ok(process::run(&rig.home, "dunstctl", command)
        .await?
        .trim()
        .to_owned())
}

#[tokio::test]
async fn the_real_dunst_shows_replaces_and_is_not_disturbed() -> anyhow::Result<()> {
    rig::test_bare(async |rig| {
        let _display = rig.display().await?;
        let _dunst = Process::start(&rig.home, "dunst", rig.home.command("dunst"))?;
        let displayed = async |count: &str| {
            wait::until("what dunst displays", wait::START, async || {
                let shown = dunst(rig, &["count", "displayed"]).await?;
                anyhow::ensure!(shown == count, "it displays {shown}, not {count}");
                Ok(Some(()))
            })
            .await
        };
        displayed("0").await?;
        let desk = Desk::start(rig).await?;
        let keyed = |title| [("text", title), ("key", "k"), ("priority", "urgent")];
        desk.send(rig, &keyed("One")).await?;
        displayed("1").await?;
        desk.send(rig, &keyed("Two")).await?;
        desk.send(rig, &[("text", "Three"), ("priority", "urgent")])
            .await?;
        displayed("2").await?;
        dunst(rig, &["close-all"]).await?;
        displayed("0").await?;
        assert_eq!(desk.agent.status().await?.unread, 2, "closed is not read");

        dunst(rig, &["set-paused", "true"]).await?;
        let quiet = desk
            .agent
            .until("dunst's pause", |s| s.quiet.held.is_some());
        quiet.await?;
        let reply = http::send(&rig.home, desk.relay.port(), TOKEN, NAME, "Meanwhile", "").await?;
        assert_eq!(http::status(&reply, NAME), "ok");
        desk.held("Meanwhile").await?;
        dunst(rig, &["set-paused", "false"]).await?;
        displayed("1").await?;
        Ok(())
    })
    .await
}
