//! What became of a message, as its sender's window shows it: one recipient from queued to acknowledged,
//! and a group whose members differ.

use tidings_control::{Answer, Ask, Draft, Recipient, Request, View};
use tidings_tests::agent::Agent;
use tidings_tests::peer::Peer;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::window::Window;
use tidings_tests::{Rig, test};

/// The sender with its window, on the rig; a recipient on another one; their relay.
struct Two {
    relay: Relay,
    ann: Agent,
    bob: Agent,
    bobs: Rig,
}

/// The group of all but the sender.
const GROUP: &str = "ops";

impl Two {
    /// Both are known to the relay and connected.
    async fn start(rig: &Rig) -> anyhow::Result<Self> {
        let mut relay = Relay::new()?;
        relay.start(&rig.home, &rig.programs).await?;
        let (ann, bobs) = (rig.agent().await?, Rig::bare().await?);
        ann.join(relay.address(), "ann", TOKEN).await?;
        ann.until_connected().await?;
        let bob = bobs.agent().await?;
        bob.join_in(relay.address(), "bob", TOKEN, GROUP).await?;
        bob.until_connected().await?;
        let Answer::Settings(mut settings) = bob.ask(Request::Settings).await? else {
            anyhow::bail!("no settings");
        };
        settings.read_receipts = true;
        bob.ask(Request::SetSettings { settings }).await?;
        Ok(Self {
            relay,
            ann,
            bob,
            bobs,
        })
    }
}

/// Sends, and opens the sent message in the window.
async fn send(ann: &Agent, to: Vec<Recipient>, title: &str) -> anyhow::Result<()> {
    let draft = Draft {
        to,
        title: title.to_owned(),
        ask: Ask::Each,
        ..Draft::default()
    };
    let Answer::Queued(id) = ann.ask(Request::Send { draft, kept: None }).await? else {
        anyhow::bail!("not queued");
    };
    let view = View::Sent { message: Some(id) };
    ann.ask(Request::Show { view }).await?;
    Ok(())
}

fn person(name: &str) -> Recipient {
    Recipient::Person(name.to_owned())
}

/// Waits until the window shows this of a recipient.
async fn shows(window: &Window, name: &str, delivery: &str, note: &str) -> anyhow::Result<()> {
    let of = format!("[data-testid='compose-status'][data-name='{name}']");
    let noted = match note {
        "" => String::new(),
        note => format!("[data-note='{note}']"),
    };
    window
        .select(&format!("{of}[data-delivery='{delivery}']{noted}"))
        .await?;
    Ok(())
}

/// Waits until the window shows how far it came to a person or a group.
async fn progress(window: &Window, to: &str, state: &str) -> anyhow::Result<()> {
    let of = format!("[data-testid='compose-progress'][data-to='{to}']");
    window
        .select(&format!("{of}[data-progress='{state}']"))
        .await?;
    Ok(())
}

#[tokio::test]
async fn the_window_follows_a_message_from_queued_to_acknowledged() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let mut two = Two::start(rig).await?;
        two.bob.kill().await?;
        two.relay.kill();
        two.ann
            .until("the loss of the relay", |status| {
                !matches!(
                    status.connection(),
                    tidings_control::Connection::Connected { .. }
                )
            })
            .await?;
        send(&two.ann, vec![person("bob")], "Deploy?").await?;
        let window = rig.window().await?;
        progress(&window, "bob", "queued").await?;

        two.relay.start(&rig.home, &rig.programs).await?;
        progress(&window, "bob", "answered").await?;
        shows(&window, "bob", "waiting", "").await?;

        two.bob = two.bobs.agent().await?;
        shows(&window, "bob", "delivered", "").await?;

        let row = two.bob.stored("Deploy?").await?;
        let ids = vec![row.id];
        two.bob.ask(Request::Mark { ids, read: true }).await?;
        shows(&window, "bob", "read", "").await?;

        let (id, note) = (row.id, "on it".to_owned());
        two.bob.ask(Request::Acknowledge { id, note }).await?;
        shows(&window, "bob", "acknowledged", "on it").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn of_a_group_the_window_shows_each_as_it_is() -> anyhow::Result<()> {
    test(async |rig| {
        let _display = rig.display().await?;
        let two = Two::start(rig).await?;
        let port = two.relay.port();
        // One that was seen and is away, one of the base protocol, and one whom nobody knows.
        let away = Peer::connect_in(port, TOKEN, "away", GROUP).await?;
        drop(away);
        let plain = Peer::connect_in(port, TOKEN, "plain", GROUP).await?;
        let group = Recipient::Group(GROUP.to_owned());
        send(&two.ann, vec![group, person("stranger")], "All here?").await?;
        let window = rig.window().await?;
        plain.message("All here?").await?;
        shows(&window, "away", "waiting", "").await?;
        shows(&window, "plain", "delivered", "").await?;
        shows(&window, "stranger", "refused", "").await?;

        let row = two.bob.stored("All here?").await?;
        let (id, note) = (row.id, "yes".to_owned());
        two.bob.ask(Request::Acknowledge { id, note }).await?;
        shows(&window, "bob", "acknowledged", "yes").await?;

        let _back = Peer::connect_in(port, TOKEN, "away", GROUP).await?;
        shows(&window, "away", "delivered", "").await?;
        // Confirming is all that the base protocol can say.
        shows(&window, "plain", "delivered", "").await?;
        assert_eq!(plain.titles(), ["All here?"], "and it is told once");
        Ok(())
    })
    .await
}
