//! `tokens add|list|revoke`: tokens of less rights than the shared one.

use std::{fmt::Write as _, process::ExitCode};

use anyhow::{Context as _, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use tidings_relay::{Clock, Destination, NamedToken, Rights, Scope, TokensFile};

use super::{list, with_data};
use crate::{layers::Layers, print, settings};

const ADD_HELP: &str = "\
The secret is printed once, on standard output, and kept as a hash only. Give it wherever a token is
asked for. A running relay takes it into use when it gets SIGHUP.

Examples:
  A script that sends to ann and to the group family, and receives nothing:
      tidings-relay tokens add backup --send ann --send @family
  A program that cannot say whom it sends to, such as one made for gotify:
      tidings-relay tokens add nas --to @family
  A computer that is ann, in the group family, and sends to everybody:
      tidings-relay tokens add ann-laptop --receive ann --receive @family --send '*'";

pub(super) fn command() -> Command {
    let name = || {
        Arg::new("name")
            .value_name("NAME")
            .required(true)
            .help("What the token is called")
    };
    let scope = |long: &'static str, help: &'static str| {
        Arg::new(long)
            .long(long)
            .value_name("NAME|@GROUP|*")
            .action(ArgAction::Append)
            .help(help)
    };
    Command::new("tokens")
        .about("Tokens with names and rights of their own, which can be revoked one by one")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            with_data(Command::new("add"))
                .about("Makes a token and prints its secret")
                .after_help(ADD_HELP)
                .arg(name())
                .arg(scope("send", "Whom it may send to. Can be repeated"))
                .arg(Arg::new("to").long("to").value_name("NAME|@GROUP").help(
                    "Where its requests go that name no recipient, as those of gotify's, \
                             PushDeer's and ServerChan's senders; it may send there",
                ))
                .arg(scope(
                    "receive",
                    "Which name it may connect as, which group it may be in. Can be repeated",
                )),
        )
        .subcommand(with_data(Command::new("list")).about("Lists the tokens and their rights"))
        .subcommand(
            with_data(Command::new("revoke"))
                .about("Takes a token back; a running relay does so when it gets SIGHUP")
                .arg(name()),
        )
}

/// Runs one of them.
pub(crate) fn tokens(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let Some((command, matches)) = matches.subcommand() else {
        bail!("say add, list or revoke");
    };
    let data = settings::read(&Layers::gather(matches)?).settings.data;
    let file = TokensFile::of(&data);
    match command {
        "add" => add(&file, matches)?,
        "revoke" => {
            let name = name(matches)?;
            file.revoke(name)?;
            eprint(&format!(
                "{name} is revoked; a relay that runs has to be told: send it SIGHUP\n"
            ));
        }
        _ => print(&shown(&file.read()?)),
    }
    Ok(ExitCode::SUCCESS)
}

fn add(file: &TokensFile, matches: &ArgMatches) -> anyhow::Result<()> {
    let name = name(matches)?;
    let scope = |of| Scope::parse(list(matches, of)).with_context(|| format!("--{of} is wrong"));
    let rights = Rights {
        send: scope("send")?,
        receive: scope("receive")?,
    };
    let to: Option<Destination> = matches
        .get_one::<String>("to")
        .map(|to| to.parse().context("--to is wrong"))
        .transpose()?;
    if rights.send.is_empty() && rights.receive.is_empty() && to.is_none() {
        bail!("the token would allow nothing: say --to, --send or --receive");
    }
    let (token, secret) = NamedToken::generate(name, rights, Clock::default().now_ms())
        .map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
    file.add(match to {
        Some(to) => token.towards(to),
        None => token,
    })?;
    print(&format!("{}\n", secret.expose()));
    eprint("This is the only time it is shown. A relay that runs has to be told: send it SIGHUP\n");
    Ok(())
}

fn name(matches: &ArgMatches) -> anyhow::Result<&str> {
    let name = matches.get_one::<String>("name").map_or("", |n| n.trim());
    if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
        bail!("a token's name has 1 to 64 characters");
    }
    Ok(name)
}

fn shown(tokens: &[NamedToken]) -> String {
    if tokens.is_empty() {
        return "no tokens: `tidings-relay tokens add` makes one\n".to_owned();
    }
    tokens.iter().fold(String::new(), |mut text, token| {
        let Rights { send, receive } = &token.rights;
        let to = token
            .to
            .as_ref()
            .map(|to| format!("  goes to: {to}"))
            .unwrap_or_default();
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "{}  sends to: {send}  receives as: {receive}{to}",
            token.name
        );
        text
    })
}

fn eprint(text: &str) {
    use std::io::Write as _;
    // Nobody is left to tell if this fails.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
