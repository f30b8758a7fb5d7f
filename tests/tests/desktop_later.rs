//! What happens to a message long after it was written, between real programs: held and taken back, read
//! and told of or not, asked for again until somebody takes it.

use std::time::Duration;

use anyhow::Context;
use tidings_control::{
    Acknowledgement, Ask, Connection, Delivery, Draft, Recipient, Request, Row, Sent,
};
use tidings_tests::agent::Agent;
use tidings_tests::desk::{self, Desk};
use tidings_tests::notifications::{Closed, Notify};
use tidings_tests::peer::Peer;
use tidings_tests::relay::TOKEN;
use tidings_tests::{Rig, test, wait};
use tokio::time::Instant;

fn to(name: &str, title: &str) -> Draft {
    Draft {
        to: vec![Recipient::Person(name.to_owned())],
        title: title.to_owned(),
        ..Draft::default()
    }
}

async fn send(agent: &Agent, draft: Draft) -> anyhow::Result<()> {
    agent.ask(Request::Send { draft, kept: None }).await?;
    Ok(())
}

/// So many seconds from now, as drafts have it.
fn due_in(seconds: u64) -> anyhow::Result<Option<u64>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Some(u64::try_from(now.as_millis())? + seconds * 1000))
}

/// Waits until it came so far for one of its recipients.
async fn reaches(agent: &Agent, title: &str, delivery: Delivery) -> anyhow::Result<Sent> {
    let reached = |sent: &Sent| {
        let mut outcomes = sent.parcels.iter().flat_map(|parcel| &parcel.recipients);
        outcomes.any(|outcome| outcome.delivery == delivery)
    };
    agent.sent(title, reached).await
}

/// Takes it back; what the agent says if it cannot.
async fn take_back(agent: &Agent, sent: &Sent) -> anyhow::Result<String> {
    Ok(match agent.ask(Request::Cancel { id: sent.id }).await {
        Ok(_) => String::new(),
        Err(error) => format!("{error:#}"),
    })
}

#[tokio::test]
async fn what_is_held_is_taken_back_after_restarts_and_what_is_late_is_said() -> anyhow::Result<()>
{
    test(async |rig| {
        let Desk { agent, mut relay } = Desk::start(rig).await?;
        let ann = Peer::connect(relay.port(), TOKEN, "ann").await?;
        for title in ["Tomorrow", "Later"] {
            let due = due_in(3600)?;
            send(
                &agent,
                Draft {
                    due,
                    ..to("ann", title)
                },
            )
            .await?;
            reaches(&agent, title, Delivery::Held).await?;
        }
        let due = due_in(1)?;
        send(
            &agent,
            Draft {
                due,
                ..to("ann", "Soon")
            },
        )
        .await?;
        let soon = reaches(&agent, "Soon", Delivery::Delivered).await?;
        let said = take_back(&agent, &soon).await?;
        assert!(said.contains("too late to take"), "{said}");
        drop(ann);

        agent.kill().await?;
        relay.kill();
        let agent = rig.agent().await?;
        let held = reaches(&agent, "Tomorrow", Delivery::Held).await?;
        let said = take_back(&agent, &held).await?;
        assert!(
            said.contains("holds this message and cannot be reached"),
            "{said}"
        );
        relay.start(&rig.home, &rig.programs).await?;
        agent.until_connected().await?;
        assert_eq!(take_back(&agent, &held).await?, "");
        reaches(&agent, "Tomorrow", Delivery::Cancelled).await?;
        reaches(&agent, "Later", Delivery::Held).await?;

        // What is behind the one that was taken back comes; it does not.
        let ann = Peer::connect(relay.port(), TOKEN, "ann").await?;
        send(&agent, to("ann", "Now")).await?;
        ann.message("Now").await?;
        assert_eq!(ann.titles(), ["Now"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn that_it_was_read_or_closed_is_told_only_by_whoever_switched_it_on() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        let anns = Rig::bare().await?;
        let ann = anns.agent().await?;
        ann.join(desk.relay.address(), "ann", TOKEN).await?;
        ann.until_connected().await?;
        let read = async |title: &str| {
            let ids = vec![desk.agent.stored(title).await?.id];
            desk.agent.ask(Request::Mark { ids, read: true }).await
        };
        let close = async |title: &str| {
            let shown = rig.notifications.wait_raised(title, wait::SOON).await?;
            rig.notifications.close(&shown, Closed::Dismissed).await
        };

        send(&ann, to(desk::NAME, "Read")).await?;
        read("Read").await?;
        send(&ann, to(desk::NAME, "Closed")).await?;
        close("Closed").await?;
        // What is reported after them has come, so they would have.
        let ask = Ask::Each;
        send(
            &ann,
            Draft {
                ask,
                ..to(desk::NAME, "Asked")
            },
        )
        .await?;
        let (id, note) = (desk.agent.stored("Asked").await?.id, String::new());
        desk.agent.ask(Request::Acknowledge { id, note }).await?;
        reaches(&ann, "Asked", Delivery::Acknowledged).await?;
        for title in ["Read", "Closed"] {
            let sent = reaches(&ann, title, Delivery::Delivered).await?;
            let steps = sent.parcels.iter().flat_map(|parcel| &parcel.recipients);
            let mut steps = steps.flat_map(|outcome| &outcome.history);
            assert!(
                steps.all(|s| !matches!(s.delivery, Delivery::Read | Delivery::Dismissed)),
                "{sent:?}"
            );
        }

        desk.set(|settings| settings.read_receipts = true).await?;
        send(&ann, to(desk::NAME, "Read and told")).await?;
        read("Read and told").await?;
        reaches(&ann, "Read and told", Delivery::Read).await?;
        send(&ann, to(desk::NAME, "Closed and told")).await?;
        close("Closed and told").await?;
        reaches(&ann, "Closed and told", Delivery::Dismissed).await?;
        Ok(())
    })
    .await
}

/// The shortest time between two reminders that the relay permits.
const REPEAT: Duration = Duration::from_secs(30);

/// How far from its time a reminder may be on a busy machine.
const LATE: Duration = Duration::from_secs(10);

fn asking(to: Recipient, title: &str, ask: Ask) -> Draft {
    Draft {
        to: vec![to],
        title: title.to_owned(),
        ask,
        repeat: Some(30),
        ..Draft::default()
    }
}

/// Somebody with a desktop of their own.
struct Device {
    rig: Rig,
    agent: Agent,
}

impl Device {
    async fn start(desk: &Desk, name: &str, group: &str) -> anyhow::Result<Self> {
        let rig = Rig::new().await?;
        let agent = rig.agent().await?;
        agent
            .join_in(desk.relay.address(), name, TOKEN, group)
            .await?;
        agent.until_connected().await?;
        Ok(Self { rig, agent })
    }

    fn reminders(&self, title: &str) -> usize {
        let calls = self.rig.notifications.calls();
        let reminds = |call: &&Notify| call.summary == title && call.body.contains("Reminder");
        calls.iter().filter(reminds).count()
    }

    async fn reminded(&self, title: &str) -> anyhow::Result<()> {
        wait::until("the reminder", REPEAT + LATE, async || {
            Ok((self.reminders(title) > 0).then_some(()))
        })
        .await
    }

    async fn acknowledge(&self, title: &str, note: &str) -> anyhow::Result<()> {
        let (id, note) = (self.agent.stored(title).await?.id, note.to_owned());
        self.agent.ask(Request::Acknowledge { id, note }).await?;
        Ok(())
    }

    async fn acknowledgement(&self, title: &str) -> anyhow::Result<Option<Acknowledgement>> {
        let row: Row = self.agent.stored(title).await?;
        Ok(row.acknowledgement)
    }
}

#[tokio::test]
#[ignore = "waits for more than a minute, as reminders are 30 seconds apart at the least"]
async fn the_first_of_a_group_stops_the_reminders_of_all_and_is_named() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        let bob = Device::start(&desk, "bob", "ops").await?;
        let eve = Device::start(&desk, "eve", "ops").await?;
        let group = Recipient::Group("ops".to_owned());
        send(&desk.agent, asking(group, "Shop down", Ask::First)).await?;
        bob.reminded("Shop down").await?;
        eve.reminded("Shop down").await?;
        eve.acknowledge("Shop down", "on my way").await?;
        reaches(&desk.agent, "Shop down", Delivery::Acknowledged).await?;
        let taken = wait::until("who took it", wait::SOON, async || {
            let taken = bob.acknowledgement("Shop down").await?;
            Ok(matches!(taken, Some(Acknowledgement::Taken { .. })).then_some(taken))
        });
        let Some(Acknowledgement::Taken { by, note, .. }) = taken.await? else {
            anyhow::bail!("not taken");
        };
        assert_eq!((by.as_str(), note.as_str()), ("eve", "on my way"));
        // Until the second one were long past.
        tokio::time::sleep_until(Instant::now() + REPEAT + LATE).await;
        let reminders = [&bob, &eve].map(|device| device.reminders("Shop down"));
        assert_eq!(reminders, [1, 1]);
        Ok(())
    })
    .await
}

#[tokio::test]
#[ignore = "waits for more than a minute, as reminders are 30 seconds apart at the least"]
async fn an_acknowledgement_by_another_device_stops_the_reminders() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        let first = Device::start(&desk, "bob", "").await?;
        let bob = Recipient::Person("bob".to_owned());
        send(&desk.agent, asking(bob, "Door", Ask::Each)).await?;
        first.agent.stored("Door").await?;
        // The other one has the name now, and the message by its first reminder.
        let second = Device::start(&desk, "bob", "").await?;
        wait::until("the message", REPEAT + LATE, async || {
            Ok((!second.agent.inbox().await?.is_empty()).then_some(()))
        })
        .await?;
        second.acknowledge("Door", "").await?;
        reaches(&desk.agent, "Door", Delivery::Acknowledged).await?;
        let answers = second.acknowledgement("Door").await?.context("asked")?;
        assert!(
            matches!(answers, Acknowledgement::Given { .. }),
            "{answers:?}"
        );
        let away = |status: &tidings_control::Status| {
            !matches!(status.connection(), Connection::Connected { .. })
        };
        first.agent.until("the loss of the name", away).await?;
        tokio::time::sleep_until(Instant::now() + REPEAT + LATE).await;
        assert_eq!((first.reminders("Door"), second.reminders("Door")), (0, 0));
        assert_eq!(second.agent.inbox().await?.len(), 1);
        Ok(())
    })
    .await
}
