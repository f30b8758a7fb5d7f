//! Acknowledging and answering from the notification, as the sender's agent hears of it: at once, late,
//! and after the relay was killed.

use anyhow::Context;
use tidings_control::{Acknowledgement, Ask, Delivery, Draft, Recipient, Request, Row, Sent, View};
use tidings_protocol::client::Packet as FromClient;
use tidings_protocol::server::{Delivery as Delivered, From, Method, Packet};
use tidings_protocol::{Group, Message, Mid, Name, Receipt, Reminder, Reported, State, Target};
use tidings_tests::agent::Agent;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::scripted::Scripted;
use tidings_tests::{Rig, desk, notifications, test, wait};

/// A recipient on the rig, with its desktop; a sender on another one; their relay.
struct Two {
    relay: Relay,
    me: Agent,
    ann: Agent,
    anns: Rig,
}

impl Two {
    async fn start(rig: &Rig) -> anyhow::Result<Self> {
        let desk::Desk { agent: me, relay } = desk::Desk::start(rig).await?;
        let anns = Rig::bare().await?;
        let ann = anns.agent().await?;
        ann.join(relay.address(), "ann", TOKEN).await?;
        ann.until_connected().await?;
        Ok(Self {
            relay,
            me,
            ann,
            anns,
        })
    }

    async fn send(&self, title: &str, ask: Ask) -> anyhow::Result<()> {
        let draft = Draft {
            to: vec![Recipient::Person(desk::NAME.to_owned())],
            title: title.to_owned(),
            body: "Is it **open**?".to_owned(),
            ask,
            ..Draft::default()
        };
        self.ann.ask(Request::Send { draft, kept: None }).await?;
        Ok(())
    }

    /// Waits until the sender knows that it was acknowledged; gives the note.
    async fn acknowledged(&self, title: &str) -> anyhow::Result<String> {
        let sent = self
            .ann
            .sent(title, |sent| last(sent) == Some(Delivery::Acknowledged));
        let sent = sent.await?;
        let outcome = sent
            .parcels
            .first()
            .and_then(|parcel| parcel.recipients.first());
        let steps = &outcome.context("an outcome")?.history;
        let step = steps
            .iter()
            .find(|step| step.delivery == Delivery::Acknowledged);
        Ok(step.context("a step")?.note.clone())
    }
}

fn last(sent: &Sent) -> Option<Delivery> {
    let parcel = sent.parcels.first()?;
    Some(parcel.recipients.first()?.delivery)
}

async fn acknowledge(agent: &Agent, row: &Row, note: &str) -> anyhow::Result<()> {
    let (id, note) = (row.id, note.to_owned());
    agent.ask(Request::Acknowledge { id, note }).await?;
    Ok(())
}

#[tokio::test]
async fn a_press_on_the_notification_tells_the_sender() -> anyhow::Result<()> {
    test(async |rig| {
        let two = Two::start(rig).await?;
        two.send("Door", Ask::Each).await?;
        let shown = rig.notifications.wait_raised("Door", wait::SOON).await?;
        let labels: Vec<_> = shown.actions.iter().map(|(_, label)| label).collect();
        assert_eq!(
            labels,
            ["Open", "Acknowledge", "Reply", "Mark read", "Open"]
        );
        let row = two.me.stored("Door").await?;
        assert_eq!(row.acknowledgement, Some(Acknowledgement::Wanted));
        rig.notifications.click(&shown, "acknowledge").await?;
        assert_eq!(two.acknowledged("Door").await?, "");
        let row = two.me.stored("Door").await?;
        assert!(matches!(
            row.acknowledgement,
            Some(Acknowledgement::Given { .. })
        ));
        assert!(row.read, "whoever acknowledges has read");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_answer_on_the_notification_quotes_and_threads() -> anyhow::Result<()> {
    test(async |rig| {
        let abilities = [notifications::ABILITIES, &["inline-reply"]].concat();
        rig.notifications.can(&abilities);
        let two = Two::start(rig).await?;
        two.send("Door", Ask::Nobody).await?;
        let shown = rig.notifications.wait_raised("Door", wait::SOON).await?;
        rig.notifications.reply(&shown, "No, **closed**").await?;
        let row = two.ann.stored("").await?;
        assert_eq!(
            (row.sender.as_str(), row.preview.as_str()),
            ("me", "No, closed")
        );
        let answer = two.ann.message(row.id).await?;
        let (quote, text) = answer.body.split_once("\n\n").context("two parts")?;
        assert!(
            quote.lines().all(|line| line.starts_with("> ")),
            "{quote:?}"
        );
        assert!(
            quote.contains("Door") && text == "No, **closed**",
            "{answer:?}"
        );
        let titles = answer
            .thread
            .iter()
            .map(|other| (other.sent, other.title.as_str()));
        assert_eq!(titles.collect::<Vec<_>>(), [(true, "Door")]);
        // The one who answered sees both as one conversation too.
        let asked = two.me.stored("Door").await?;
        let asked = two.me.message(asked.id).await?;
        let previews = asked
            .thread
            .iter()
            .map(|other| (other.sent, other.preview.as_str()));
        assert_eq!(previews.collect::<Vec<_>>(), [(true, "No, closed")]);
        assert!(asked.row.read, "whoever answers has read");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_a_field_the_button_opens_the_compose_window_on_the_answer() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let two = Two::start(rig).await?;
        two.send("Door", Ask::Each).await?;
        let shown = rig.notifications.wait_raised("Door", wait::SOON).await?;
        rig.notifications.click(&shown, "reply").await?;
        let window = rig.window().await?;
        window.reads("compose-quote", "Door").await?;
        window.has("compose-chip", "data-to", "ann").await?;
        window.fill("compose-body", "No").await?;
        window.click("compose-send").await?;
        let row = wait::until("the answer", wait::SOON, async || {
            let rows = two.ann.inbox().await?;
            rows.into_iter().next().context("nothing came").map(Some)
        });
        let row = row.await?;
        assert_eq!((row.sender.as_str(), row.preview.as_str()), ("me", "No"));
        assert_eq!(two.ann.message(row.id).await?.thread.len(), 1);

        // With a note from the window.
        let message = Some(two.me.stored("Door").await?.id);
        let view = View::Inbox { message };
        two.me.ask(Request::Show { view }).await?;
        window.click("acknowledge").await?;
        window.fill("acknowledge-note", "on it").await?;
        window.click("acknowledge-send").await?;
        assert_eq!(two.acknowledged("Door").await?, "on it");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_acknowledgement_reaches_a_sender_who_was_away_and_a_relay_that_was_killed()
-> anyhow::Result<()> {
    test(async |rig| {
        let mut two = Two::start(rig).await?;
        for title in ["Sender away", "Relay killed"] {
            two.send(title, Ask::Each).await?;
            two.ann
                .sent(title, |sent| last(sent) == Some(Delivery::Delivered))
                .await?;
        }
        // The sender is gone while it is given, and the relay dies with what it took.
        two.ann.kill().await?;
        let row = two.me.stored("Sender away").await?;
        acknowledge(&two.me, &row, "on it").await?;
        // The relay is gone while it is given, and the agent dies with it.
        two.relay.kill();
        two.me
            .until("the loss of the relay", |status| {
                !matches!(
                    status.connection(),
                    tidings_control::Connection::Connected { .. }
                )
            })
            .await?;
        let row = two.me.stored("Relay killed").await?;
        acknowledge(&two.me, &row, "later").await?;
        two.me.kill().await?;

        two.relay.start(&rig.home, &rig.programs).await?;
        two.me = rig.agent().await?;
        two.ann = two.anns.agent().await?;
        assert_eq!(two.acknowledged("Sender away").await?, "on it");
        assert_eq!(two.acknowledged("Relay killed").await?, "later");
        Ok(())
    })
    .await
}

/// What a relay says of a message to a group, whose first acknowledgement is enough.
fn shift(number: u64, title: &str) -> anyhow::Result<Delivered> {
    Ok(Delivered {
        target: Target::Group(Group::new("ops")?),
        from: From {
            method: Method::WebSocket,
            name: Some(Name::new("ann")?),
        },
        message: Message {
            text: title.to_owned(),
            desp: "Who takes it?".to_owned(),
            extra: serde_json::json!({"ack": "first"}),
        },
        mid: Mid::new((1_795_414_000_000 + number).to_string())?,
        reference: None,
    })
}

#[tokio::test]
async fn a_reminder_raises_it_again_until_it_is_acknowledged_by_anybody() -> anyhow::Result<()> {
    test(async |rig| {
        let relay = Scripted::new().await?;
        let agent = rig.agent().await?;
        agent.join(relay.address()?, "me", TOKEN).await?;
        let mut guest = relay.guest(&["receipts", "ack"]).await?;
        let [mine, eves] = [shift(1, "Mine")?, shift(2, "Eve's")?];
        for delivery in [&mine, &eves] {
            guest.say(&Packet::Message(delivery.clone())).await?;
            let confirms = |said: &FromClient| *said == FromClient::Confirm(delivery.mid.clone());
            guest.until("a confirmation", confirms).await?;
        }
        let first = rig.notifications.wait_raised("Mine", wait::SOON).await?;
        let others = rig.notifications.wait_raised("Eve's", wait::SOON).await?;

        // Read already, and not acknowledged: it comes again, in its place.
        let row = agent.stored("Mine").await?;
        let ids = vec![row.id];
        agent.ask(Request::Mark { ids, read: true }).await?;
        rig.notifications.wait_closed(&first, wait::SOON).await?;
        let remind = |of: &Delivered, number| {
            let delivery = of.clone();
            Packet::Reminder(Box::new(Reminder { delivery, number }))
        };
        guest.say(&remind(&mine, 1)).await?;
        let again = rig.notifications.wait("the reminder", wait::SOON, |call| {
            call.id.is_some() && call.body.contains("Reminder")
        });
        let again = again.await?;
        assert_eq!(again.summary, "Mine");
        guest.say(&remind(&eves, 1)).await?;
        let eves_again = rig.notifications.wait("the other one", wait::SOON, |call| {
            call.id.is_some() && call.summary == "Eve's" && call.body.contains("Reminder")
        });
        assert_eq!(
            Some(eves_again.await?.replaces),
            others.id,
            "it still stood"
        );

        // By oneself: the relay is told, and what it says in between raises nothing.
        rig.notifications.click(&again, "acknowledge").await?;
        let reports = |said: &FromClient| matches!(said, FromClient::Report(_));
        let FromClient::Report(report) = guest.until("a report", reports).await? else {
            anyhow::bail!("no report");
        };
        assert_eq!(
            (report.mid, report.state),
            (mine.mid.clone(), Reported::Acknowledged)
        );
        guest.say(&remind(&mine, 2)).await?;

        // By somebody else: it leaves the screen, and says who took it.
        let receipt = Receipt {
            mid: eves.mid.clone(),
            reference: None,
            name: Name::new("eve")?,
            state: State::Acknowledged,
            at: 1_795_414_009_000,
            note: Some("on my way".to_owned()),
        };
        let change = receipt.change();
        guest.say(&Packet::Receipt(receipt)).await?;
        let confirms = |said: &FromClient| *said == FromClient::TakeReceipt(change.clone());
        guest.until("the receipt's confirmation", confirms).await?;
        rig.notifications.wait_closed(&others, wait::SOON).await?;
        let row = agent.stored("Eve's").await?;
        let Some(Acknowledgement::Taken { by, note, .. }) = row.acknowledgement else {
            anyhow::bail!("not taken: {row:?}");
        };
        assert_eq!((by.as_str(), note.as_str()), ("eve", "on my way"));
        assert_eq!(
            rig.notifications.raised("Mine").len(),
            2,
            "as often as asked for"
        );

        // One that came to another device of this name comes here by its reminder.
        guest.say(&remind(&shift(3, "Elsewhere")?, 1)).await?;
        let row = agent.stored("Elsewhere").await?;
        assert_eq!(row.acknowledgement, Some(Acknowledgement::Wanted));

        // The report was not answered: it is said again on the next connection.
        drop(guest);
        let mut guest = relay.guest(&["receipts", "ack"]).await?;
        guest.until("the report again", reports).await?;
        Ok(())
    })
    .await
}
