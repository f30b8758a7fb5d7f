//! Several relays on the real desktop: what comes by each, what becomes of the others when one dies or
//! is left, and a name that another device takes. By window, tray and keyring.

use anyhow::Context;
use tidings_control::{
    Color, Connection, Draft, Priority, Progress, Recipient, RelayId, RelayState, Request, View,
};
use tidings_tests::agent::Agent;
use tidings_tests::keyring::Keyring;
use tidings_tests::peer::Peer;
use tidings_tests::proxy::Proxy;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::tray::Item;
use tidings_tests::window::Window;
use tidings_tests::{Rig, http, test, wait};

/// Two relays in processes of their own, and what this computer calls them.
struct Two {
    agent: Agent,
    home: Relay,
    work: Relay,
}

const LABELS: [&str; 2] = ["Home", "Work"];

impl Two {
    async fn start(rig: &Rig) -> anyhow::Result<Self> {
        let (mut home, mut work) = (Relay::new()?, Relay::new()?);
        let agent = rig.agent().await?;
        for relay in [&mut home, &mut work] {
            relay.start(&rig.home, &rig.programs).await?;
            agent.join(relay.address(), "me", TOKEN).await?;
        }
        let joined = agent.until("both relays", |status| {
            status.relays.len() == 2 && status.relays.iter().all(connected)
        });
        for (relay, label) in joined.await?.relays.into_iter().zip(LABELS) {
            let describe = Request::DescribeRelay {
                id: relay.id,
                label: label.to_owned(),
                color: relay.color,
            };
            agent.ask(describe).await?;
        }
        Ok(Self { agent, home, work })
    }

    /// Sends by one of them; it must arrive.
    async fn send(&self, rig: &Rig, by: &Relay, title: &str) -> anyhow::Result<()> {
        let reply = http::send(&rig.home, by.port(), TOKEN, "me", title, "").await?;
        anyhow::ensure!(http::status(&reply, "me") == "ok", "the relay said {reply}");
        Ok(())
    }

    /// The relay of that label.
    async fn relay(&self, label: &str) -> anyhow::Result<RelayState> {
        let relays = self.agent.status().await?.relays;
        let found = relays.into_iter().find(|relay| relay.label == label);
        found.with_context(|| format!("a relay called {label}"))
    }
}

fn connected(relay: &RelayState) -> bool {
    matches!(relay.connection, Connection::Connected { .. })
}

/// Opens the inbox, and takes its window over.
async fn inbox(rig: &Rig, agent: &Agent) -> anyhow::Result<Window> {
    let view = View::Inbox { message: None };
    agent.ask(Request::Show { view }).await?;
    rig.window().await
}

fn row(id: u64) -> String {
    format!("[data-testid='inbox-row'][data-id='{id}']")
}

fn source(id: &RelayId) -> String {
    format!("[data-testid='relay-source'][data-id='{id}']")
}

fn card(id: &RelayId) -> String {
    format!("[data-testid='relay-card'][data-id='{id}']")
}

/// Waits until tooltip and menu of the tray say this.
async fn tray_says(item: &Item, words: &str) -> anyhow::Result<()> {
    wait::until(&format!("{words:?} at the tray"), wait::START, async || {
        let (look, menu) = (item.look().await?, item.menu().await?);
        let tooltip = format!("{}\n{}", look.tooltip.0, look.tooltip.1);
        let in_menu = menu.iter().any(|entry| entry.label.starts_with(words));
        anyhow::ensure!(tooltip.contains(words) && in_menu, "{tooltip:?}, {menu:?}");
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn each_message_is_shown_with_its_relay_and_one_that_dies_holds_up_no_other()
-> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let mut two = Two::start(rig).await?;
        let item = rig.tray.item().await?;
        two.send(rig, &two.home, "From home").await?;
        two.send(rig, &two.work, "From work").await?;
        let at_home = two.agent.stored("From home").await?;
        let at_work = two.agent.stored("From work").await?;
        let (home, work) = (two.relay("Home").await?, two.relay("Work").await?);
        assert_eq!((&at_home.relay, &at_work.relay), (&home.id, &work.id));
        assert_eq!((home.color, work.color), (Color::ALL[0], Color::ALL[1]));

        let window = inbox(rig, &two.agent).await?;
        for (message, label) in [(&at_home, "Home"), (&at_work, "Work")] {
            let dot = format!("{} [data-testid='relay-dot']", row(message.id));
            window.select(&dot).await?;
            window.click_on(&row(message.id)).await?;
            window.reads("message-title", &message.title).await?;
            window.reads("message-relay", label).await?;
        }
        // The side bar's choice leaves only what came by that relay, and is taken back by another click.
        window.click_on(&source(&work.id)).await?;
        gone(&window, &row(at_home.id)).await?;
        window.select(&row(at_work.id)).await?;
        window.click_on(&source(&work.id)).await?;
        window.select(&row(at_home.id)).await?;

        two.home.kill();
        tray_says(&item, "Home: offline").await?;
        tray_says(&item, "Work: connected").await?;
        let states = [(&home.id, "offline"), (&work.id, "connected")];
        for (id, state) in states {
            let state = format!("{}[data-state='{state}']", source(id));
            window.select(&state).await?;
        }
        window.reads("connection-bar", "Home: ").await?;
        two.send(rig, &two.work, "Work goes on").await?;
        let goes_on = two.agent.stored("Work goes on").await?;
        window.select(&row(goes_on.id)).await?;
        window.click("nav-relays").await?;
        for (id, state) in states {
            let state = format!("{}[data-state='{state}']", card(id));
            window.select(&state).await?;
        }

        // Back again, it is connected to by the card's own button.
        two.home.start(&rig.home, &rig.programs).await?;
        let again = format!("{} [data-testid='connect-now']", card(&home.id));
        window.click_on(&again).await?;
        let back = format!("{}[data-state='connected']", card(&home.id));
        window.select(&back).await?;
        tray_says(&item, "Home: connected").await?;
        Ok(())
    })
    .await
}

/// Waits until nothing on the page is as that.
async fn gone(window: &Window, css: &str) -> anyhow::Result<()> {
    wait::until(&format!("the end of {css}"), wait::SOON, async || {
        let found = window.client().find_all(fantoccini::Locator::Css(css));
        Ok(found.await?.is_empty().then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_name_that_another_device_takes_is_explained_taken_back_once_and_not_fought_for()
-> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let mut relay = Relay::new()?;
        relay.start(&rig.home, &rig.programs).await?;
        let way = Proxy::start(relay.port()).await?;
        let agent = rig.agent().await?;
        agent.join(way.address(), "me", TOKEN).await?;
        let status = agent.until_connected().await?;
        let id = &status.relays.first().context("a relay")?.id;
        let item = rig.tray.item().await?;
        let window = inbox(rig, &agent).await?;

        let rival = Peer::connect(relay.port(), TOKEN, "me").await?;
        let bar = window.reads("connection-bar", "another device").await?;
        assert!(bar.contains("connected as me"), "{bar}");
        tray_says(&item, "127.0.0.1: another device took the name").await?;
        window.click("nav-relays").await?;
        let taken = format!("{}[data-state='taken-over']", card(id));
        window.select(&taken).await?;
        window.reads("relay-trouble", "another device").await?;
        assert_eq!(way.made(), 1, "it did not try to take it back by itself");

        window.click("take-back").await?;
        rival.ended().await?;
        let back = format!("{}[data-state='connected']", card(id));
        window.select(&back).await?;
        let reply = http::send(&rig.home, relay.port(), TOKEN, "me", "Here", "").await?;
        assert_eq!(http::status(&reply, "me"), "ok", "{reply}");
        agent.stored("Here").await?;

        // The other device wants it back at once: said so, and left to it.
        let rival = Peer::connect(relay.port(), TOKEN, "me").await?;
        window
            .reads("relay-trouble", "took the name me back")
            .await?;
        let status = agent.status().await?;
        let fought = matches!(
            status.connection(),
            Connection::TakenOver { again: true, .. }
        );
        assert!(fought, "{status:?}");
        // Neither news of the relay nor a general wish to connect means this name.
        agent.ask(Request::Reconnect { id: None }).await?;
        for n in 1..=5 {
            let title = format!("There {n}");
            let reply = http::send(&rig.home, relay.port(), TOKEN, "me", &title, "").await?;
            assert_eq!(http::status(&reply, "me"), "ok", "{reply}");
            rival.message(&title).await?;
        }
        assert_eq!(way.made(), 2, "it dialed once, when the person asked");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_relay_left_by_its_card_leaves_no_token_and_what_waited_for_it_fails_with_words()
-> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let keyring = Keyring::start(&rig.home, &rig.bus).await?;
        let mut two = Two::start(rig).await?;
        assert_eq!(keyring.labels(&rig.bus).await?.len(), 2);
        let work = two.relay("Work").await?.id;
        two.work.kill();
        let away = |relay: &RelayState| relay.id == work && !connected(relay);
        two.agent
            .until("one relay away", |status| status.relays.iter().any(away))
            .await?;
        let draft = Draft {
            to: vec![Recipient::Person("me".to_owned())],
            title: "Never sent".to_owned(),
            body: String::new(),
            priority: Priority::Default,
            link: String::new(),
            relay: Some(work.clone()),
            ..Draft::default()
        };
        two.agent.ask(Request::Send { draft, kept: None }).await?;
        let queued = |sent: &tidings_control::Sent| sent.parcels[0].progress == Progress::Queued;
        two.agent.sent("Never sent", queued).await?;

        let window = inbox(rig, &two.agent).await?;
        window.click("nav-relays").await?;
        let leave = format!("{} [data-testid='leave-relay']", card(&work));
        window.click_on(&leave).await?;
        let asked = window.reads("leave-question", "Leave Work?").await?;
        assert!(asked.contains("1 message still waits"), "{asked}");
        window
            .click_on("[data-testid='leave-question'] button:last-of-type")
            .await?;
        gone(&window, &card(&work)).await?;

        let words = |sent: &tidings_control::Sent| {
            matches!(&sent.parcels[0].progress, Progress::Failed { reason } if reason.contains("left the relay"))
        };
        two.agent.sent("Never sent", words).await?;
        wait::until("the end of its token", wait::SOON, async || {
            let labels = keyring.labels(&rig.bus).await?;
            anyhow::ensure!(labels.len() == 1, "the keyring has {labels:?}");
            Ok(Some(()))
        })
        .await?;
        // The other one never noticed, and its token is the one that is left.
        two.send(rig, &two.home, "Still here").await?;
        two.agent.stored("Still here").await?;
        two.agent.kill().await?;
        let agent = rig.agent().await?;
        agent.until_connected().await?;
        Ok(())
    })
    .await
}
