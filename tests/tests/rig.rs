//! The rig itself, tried with the desktop's own clients: what it says is to be trusted.

use std::time::Duration;

use tidings_tests::keyring::Keyring;
use tidings_tests::notifications::Manners;
use tidings_tests::process::{self, Process};
use tidings_tests::{Rig, rig, test, wait};
use zbus::zvariant::Value;

fn notify_send(rig: &Rig, arguments: &[&str]) -> std::process::Command {
    let mut command = rig.home.command("notify-send");
    command.args(arguments);
    command
}

#[tokio::test]
async fn the_daemon_keeps_what_it_was_asked_to_show() -> anyhow::Result<()> {
    test(async |rig| {
        let hello = ["--app-name=Test", "--urgency=critical", "Hello", "World"];
        process::run(&rig.home, "notify-send", notify_send(rig, &hello)).await?;
        let shown = rig.notifications.wait_raised("Hello", wait::SOON).await?;
        assert_eq!((shown.app.as_str(), shown.body.as_str()), ("Test", "World"));
        assert_eq!(u8::try_from(&shown.hints["urgency"]), Ok(2));
        assert_eq!(shown.id, Some(1));
        assert!(rig.notifications.raised("Bye").is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_click_reaches_who_raised_the_notification() -> anyhow::Result<()> {
    test(async |rig| {
        let ask = [
            "--wait",
            "--action=default=Open",
            "--action=no=Not now",
            "Ask",
        ];
        let mut asking = Process::start(&rig.home, "notify-send", notify_send(rig, &ask))?;
        let shown = rig.notifications.wait_raised("Ask", wait::SOON).await?;
        assert_eq!(shown.actions[1], ("no".into(), "Not now".into()));
        rig.notifications.click(&shown, "no").await?;
        asking.end(wait::SOON).await?;
        assert_eq!(asking.output().trim(), "no");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_daemon_misbehaves_on_command() -> anyhow::Result<()> {
    test(async |rig| {
        rig.notifications.behave(Manners::Refuse);
        let refused = process::run(&rig.home, "notify-send", notify_send(rig, &["One"])).await;
        assert!(refused.unwrap_err().to_string().contains("refuses"));

        rig.notifications.behave(Manners::Hang);
        let mut hung = Process::start(&rig.home, "hung", notify_send(rig, &["Two"]))?;
        let two = rig
            .notifications
            .wait("the call", wait::SOON, |call| call.summary == "Two");
        assert_eq!(two.await?.id, None);
        assert!(hung.ended()?.is_none(), "it waits for its answer");

        rig.notifications.vanish().await?;
        hung.end(wait::SOON).await?;
        let nobody = process::run(&rig.home, "notify-send", notify_send(rig, &["Three"])).await;
        assert!(nobody.is_err(), "no daemon, no notification");

        rig.notifications.behave(Manners::Answer);
        rig.notifications.appear(&rig.bus).await?;
        assert!(rig.notifications.raised("Two").is_empty(), "it was lost");
        process::run(&rig.home, "notify-send", notify_send(rig, &["Four"])).await?;
        let titles: Vec<_> = rig
            .notifications
            .calls()
            .into_iter()
            .map(|c| c.summary)
            .collect();
        assert_eq!(titles, ["One", "Two", "Four"]);
        assert_eq!(rig.notifications.raised("Four").len(), 1);
        assert!(rig.notifications.raised("Two").is_empty());

        rig.notifications.behave(Manners::Freeze);
        let mut late = Process::start(&rig.home, "late", notify_send(rig, &["Five"]))?;
        assert!(late.ended()?.is_none(), "it waits for its answer");
        rig.notifications.behave(Manners::Answer);
        late.end(wait::SOON).await?;
        assert_eq!(rig.notifications.raised("Five").len(), 1);
        Ok(())
    })
    .await
}

type Pictures = Vec<(i32, i32, Vec<u8>)>;

/// A tray icon as small as one can be.
struct Icon {
    clicked: tokio::sync::mpsc::UnboundedSender<&'static str>,
}

#[zbus::interface(name = "org.kde.StatusNotifierItem")]
impl Icon {
    fn activate(&self, _x: i32, _y: i32) {
        let _ = self.clicked.send("icon");
    }
    #[zbus(property)]
    fn title(&self) -> &str {
        "Test"
    }
    #[zbus(property)]
    fn status(&self) -> &str {
        "Active"
    }
    #[zbus(property)]
    fn icon_name(&self) -> &str {
        "mail"
    }
    #[zbus(property)]
    fn icon_pixmap(&self) -> Pictures {
        vec![(1, 1, vec![0; 4])]
    }
    #[zbus(property)]
    fn tool_tip(&self) -> (&str, Pictures, &str, &str) {
        ("", vec![], "Test", "connected")
    }
    #[zbus(property)]
    fn menu(&self) -> zbus::zvariant::ObjectPath<'static> {
        zbus::zvariant::ObjectPath::from_static_str_unchecked("/Menu")
    }
}

struct Menu {
    clicked: tokio::sync::mpsc::UnboundedSender<&'static str>,
}

type Line = (
    i32,
    std::collections::HashMap<&'static str, Value<'static>>,
    Vec<Value<'static>>,
);

#[zbus::interface(name = "com.canonical.dbusmenu")]
impl Menu {
    fn get_layout(&self, _parent: i32, _depth: i32, _names: Vec<String>) -> (u32, Line) {
        let line = |id, label: &'static str, enabled| {
            let properties = [
                ("label", Value::from(label)),
                ("enabled", Value::from(enabled)),
            ];
            Value::from((
                id,
                std::collections::HashMap::from(properties),
                Vec::<Value<'_>>::new(),
            ))
        };
        let lines = vec![line(1, "_Quit", true), line(2, "Never", false)];
        (1, (0, [].into(), lines))
    }
    fn event(&self, id: i32, event: &str, _data: Value<'_>, _time: u32) {
        assert_eq!((id, event), (1, "clicked"));
        let _ = self.clicked.send("quit");
    }
}

#[tokio::test]
async fn the_tray_host_reads_and_clicks_icons() -> anyhow::Result<()> {
    rig::test_bare(async |rig| {
        let (clicked, mut clicks) = tokio::sync::mpsc::unbounded_channel();
        let menu = Menu {
            clicked: clicked.clone(),
        };
        let icon = rig.bus.builder()?;
        let icon = icon.serve_at("/StatusNotifierItem", Icon { clicked })?;
        let icon = icon
            .serve_at("/Menu", menu)?
            .name("org.kde.StatusNotifierItem-1-1")?;
        let icon = icon.build().await?;

        rig.tray.appear(&rig.bus).await?;
        let register = async || {
            let (name, path) = ("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher");
            let method = "RegisterStatusNotifierItem";
            let item = "org.kde.StatusNotifierItem-1-1";
            icon.call_method(Some(name), path, Some(name), method, &item)
                .await
        };
        register().await?;
        let item = rig.tray.item().await?;
        let look = item.look().await?;
        assert_eq!(look.tooltip, ("Test".into(), "connected".into()));
        assert_eq!((look.status.as_str(), look.pictures.len()), ("Active", 1));
        let labels: Vec<_> = item.menu().await?.into_iter().map(|e| e.label).collect();
        assert_eq!(labels, ["Quit", "Never"]);
        item.activate().await?;
        item.click("Quit").await?;
        assert!(item.click("Never").await.is_err(), "it is disabled");
        assert_eq!(clicks.recv().await, Some("icon"));
        assert_eq!(clicks.recv().await, Some("quit"));

        rig.tray.vanish().await?;
        assert!(register().await.is_err(), "there is no host");
        rig.tray.appear(&rig.bus).await?;
        register().await?;
        rig.tray.item().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_display_shows_windows_and_is_photographed() -> anyhow::Result<()> {
    test(async |rig| {
        let display = rig.display().await?;
        let mut message = rig.home.command("display");
        message.args(["-title", "Picture me", "-size", "300x200", "xc:red"]);
        let _shown = Process::start(&rig.home, "display", message)?;
        display.opened("Picture me").await?;
        let picture = rig.home.path("screen.png");
        display.picture(&rig.home, &picture).await?;
        assert!(std::fs::metadata(&picture)?.len() > 100);
        display.close("Picture me").await?;
        assert!(display.titles()?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_keyring_is_unlocked_and_keeps_secrets() -> anyhow::Result<()> {
    test(async |rig| {
        let keyring = Keyring::start(&rig.home, &rig.bus).await?;
        assert!(keyring.labels(&rig.bus).await?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_is_not_installed_is_named_with_what_to_do() -> anyhow::Result<()> {
    test(async |rig| {
        let absent = rig.home.command("no-such-program");
        let error = Process::start(&rig.home, "absent", absent).unwrap_err();
        let says = "no-such-program is not installed; `cargo xtask setup --tests`";
        assert!(error.to_string().starts_with(says), "{error}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn nothing_outlives_a_rig() -> anyhow::Result<()> {
    let rig = Rig::new().await?;
    // In a session of its own, so that no process group reaches it.
    let mut stray = rig.home.command("sh");
    stray.args(["-c", "setsid sleep 600 & wait"]);
    let shell = Process::start(&rig.home, "stray", stray)?;
    let stray = wait::until("the stray", wait::SOON, async || {
        Ok(rig.home.processes_of("sleep").pop())
    })
    .await?;
    drop((shell, rig));
    wait::until("the end of the stray", Duration::from_secs(5), async || {
        let state = std::fs::read_to_string(format!("/proc/{stray}/stat"));
        // A zombie has ended, and waits for whoever reaps orphans here.
        let runs = state.is_ok_and(|s| !s.contains(") Z "));
        Ok((!runs).then_some(()))
    })
    .await
}
