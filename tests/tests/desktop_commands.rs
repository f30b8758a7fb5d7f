//! The command line beside the running agent, and without one: following, listening, sending.

use std::fs;

use tidings_tests::agent::command;
use tidings_tests::desk::Desk;
use tidings_tests::process::Process;
use tidings_tests::relay::TOKEN;
use tidings_tests::{Rig, test, wait};

/// A command that goes on until it is dropped.
fn start(rig: &Rig, name: &str, arguments: &[&str]) -> anyhow::Result<Process> {
    let mut command = rig.home.command(rig.programs.path("tidings")?);
    command.args(arguments);
    Process::start(&rig.home, name, command)
}

/// Waits until it has printed this; gives all it printed.
async fn printed(process: &Process, text: &str) -> anyhow::Result<String> {
    wait::until(text, wait::SOON, async || {
        let output = process.output();
        Ok(output.contains(text).then_some(output))
    })
    .await
    .map_err(|error| error.context(process.errors()))
}

#[tokio::test]
async fn following_prints_what_is_there_and_then_what_comes_each_once() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        desk.send(rig, &[("text", "First")]).await?;
        desk.send(rig, &[("text", "Second")]).await?;
        let following = start(rig, "follow", &["inbox", "--follow"])?;
        let there = printed(&following, "Second").await?;
        assert!(there.find("First") < there.find("Second"), "{there}");
        for n in 1..=30 {
            desk.send(rig, &[("text", &format!("Next {n}."))]).await?;
        }
        let all = printed(&following, "Next 30.").await?;
        assert_eq!(all.lines().count(), 32, "{all}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_command_is_run_for_each_message_and_no_sender_writes_shell() -> anyhow::Result<()> {
    test(async |rig| {
        let desk = Desk::start(rig).await?;
        let out = rig.home.path("heard");
        let exec = format!(
            "echo \"$TIDINGS_PRIORITY|$TIDINGS_TITLE|$(cat)\" >> {}; test \"$TIDINGS_TITLE\" != Bad",
            out.display()
        );
        let listening = start(rig, "listen", &["listen", "--exec", &exec])?;
        // It listens from some moment on: the first message is sent until it is heard.
        let heard = || fs::read_to_string(&out).unwrap_or_default();
        wait::until("the first command", wait::SOON, async || {
            desk.send(rig, &[("text", "Now")]).await?;
            Ok((!heard().is_empty()).then_some(()))
        })
        .await?;
        let title = "$(touch pwned); `touch pwned`\"; touch pwned";
        desk.send(rig, &[("text", title), ("desp", "a\nb"), ("priority", "urgent")])
            .await?;
        desk.send(rig, &[("text", "Bad")]).await?;
        desk.send(rig, &[("text", "Last")]).await?;
        wait::until("the last command", wait::SOON, async || {
            Ok(heard().contains("|Last|").then_some(()))
        })
        .await?;
        assert!(heard().contains(&format!("urgent|{title}|a\nb\n")), "{}", heard());
        assert!(!rig.home.path("pwned").exists() && !rig.home.path("home/pwned").exists());
        assert!(listening.errors().contains("exit status: 1"), "{}", listening.errors());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn without_an_agent_a_relay_and_a_token_are_enough() -> anyhow::Result<()> {
    test(async |rig| {
        let mut relay = tidings_tests::relay::Relay::new()?;
        relay.start(&rig.home, &rig.programs).await?;
        let token = rig.home.path("token");
        fs::write(&token, TOKEN)?;
        let token = token.display().to_string();
        let at = ["--relay", &relay.address(), "--token-file", &token];
        let done = rig.home.path("done");
        let exec = format!("cat >> {}; test \"$TIDINGS_TITLE\" != Fail", done.display());
        let run = [&["listen"], &at[..], &["--as", "script", "--exec", &exec]].concat();
        let mut listening = start(rig, "listen", &run)?;
        let send = async |title: &str, body: &str| {
            let run = [&["send"], &at[..], &["script", "--title", title, body]].concat();
            command(&rig.home, &rig.programs, &run).await
        };
        // Unknown to the relay until it has connected.
        let said = wait::until("a delivery", wait::SOON, async || {
            let (ended, said, _) = send("Good", "one,").await?;
            Ok(ended.success().then_some(said))
        })
        .await?;
        assert_eq!(said.trim(), "script: delivered");
        // A command that fails: not confirmed, and taken again by the next one.
        let (ended, said, error) = send("Fail", "two,").await?;
        assert!(ended.success(), "{said}{error}");
        assert!(said.contains("waiting"), "{said}");
        let ended = listening.end(wait::SOON).await?;
        assert_eq!(ended.code(), Some(1));
        let exec = format!("cat >> {}", done.display());
        let run = [&["listen"], &at[..], &["--as", "script", "--exec", &exec]].concat();
        let _listening = start(rig, "listen-again", &run)?;
        wait::until("the second try", wait::SOON, async || {
            let all = fs::read_to_string(&done)?;
            Ok(all.ends_with("two,two,").then_some(()))
        })
        .await?;
        fs::write(rig.home.path("token"), "wrong")?;
        let (ended, _, error) = send("Never", "").await?;
        assert_eq!(ended.code(), Some(1));
        assert!(error.contains("refused"), "{error}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_command_line_explains_itself_to_shells_and_man() -> anyhow::Result<()> {
    test(async |rig| {
        for (arguments, holds) in [
            (&["completions", "bash"][..], "complete -F _tidings"),
            (&["completions", "fish"], "complete -c tidings"),
            (&["man"], ".TH tidings 1"),
            (&["man", "listen"], "TIDINGS_TITLE"),
        ] {
            let (ended, said, error) = command(&rig.home, &rig.programs, arguments).await?;
            assert!(
                ended.success() && said.contains(holds),
                "{arguments:?}: {error}"
            );
        }
        Ok(())
    })
    .await
}
