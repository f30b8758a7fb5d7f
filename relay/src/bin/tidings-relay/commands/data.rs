//! `clients`, `queue` and `backup`: a look into the data folder, mostly while the relay runs.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::{Arg, ArgMatches, Command, value_parser};
use tidings_protocol::Name;
use tidings_relay::{Clock, RelayFile, forget_client};

use super::with_data;
use crate::{layers::Layers, print, settings};

/// Messages that `queue` shows unless it is told otherwise: what a screen or two hold.
const SHOWN: &str = "50";

pub(super) fn commands() -> [Command; 3] {
    let name = || {
        Arg::new("name")
            .value_name("NAME")
            .required(true)
            .help("The client's name")
    };
    let clients = Command::new("clients")
        .about("The clients that the relay knows")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            with_data(Command::new("list"))
                .about("Lists each with its group and what waits for it; also beside a relay"),
        )
        .subcommand(
            with_data(Command::new("forget"))
                .about(
                    "Forgets one, with the messages that wait for it; the relay has to be stopped",
                )
                .arg(name()),
        );
    let queue = with_data(Command::new("queue"))
        .about("Shows what waits for a client, oldest first, without content; also beside a relay")
        .arg(name())
        .arg(
            Arg::new("limit")
                .long("limit")
                .value_name("COUNT")
                .default_value(SHOWN)
                .value_parser(value_parser!(usize))
                .help("How many are shown"),
        );
    let backup = with_data(Command::new("backup"))
        .about("Copies the messages, clients and keys as they are now; also beside a relay")
        .after_help(
            "To restore, stop the relay and put the copy in the data folder as relay.db, without \
             the relay.db-wal and relay.db-shm of before. The configuration, tokens.json and the \
             tls-*.pem files are copied as files.",
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("Where to; must not exist"),
        );
    [clients, queue, backup]
}

/// `clients list` and `clients forget`.
pub(crate) fn clients(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let Some((command, matches)) = matches.subcommand() else {
        bail!("say list or forget");
    };
    let data = data(matches)?;
    if command == "forget" {
        let name = name(matches)?;
        let given_up = forget_client(&data, &name)?;
        print(&format!(
            "{name} is forgotten, with {given_up} messages that waited for it\n"
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for client in RelayFile::open(&data)?.clients()? {
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "{}  group: {}  waiting: {} ({} bytes)",
            shown(&client.name),
            if client.group.is_empty() {
                "-".to_owned()
            } else {
                shown(&client.group)
            },
            client.messages,
            client.bytes
        );
    }
    print(&text);
    Ok(ExitCode::SUCCESS)
}

/// `queue NAME`.
pub(crate) fn queue(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let limit = matches.get_one("limit").copied().unwrap_or(usize::MAX);
    let waiting = RelayFile::open(&data(matches)?)?.queue(&name(matches)?, limit)?;
    let now = Clock::default().now_ms();
    let mut text = String::new();
    for message in waiting {
        let from = message
            .sender
            .map_or("http".to_owned(), |sender| shown(&sender));
        let _ = writeln!(
            text,
            "{}  {} s old  {} bytes  from: {from}",
            message.mid,
            now.saturating_sub(message.at_ms) / 1000,
            message.bytes
        );
    }
    print(&text);
    Ok(ExitCode::SUCCESS)
}

/// `backup FILE`.
pub(crate) fn backup(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let file = matches.get_one::<PathBuf>("file").context("say where to")?;
    RelayFile::open(&data(matches)?)?.backup(file)?;
    Ok(ExitCode::SUCCESS)
}

fn data(matches: &ArgMatches) -> anyhow::Result<PathBuf> {
    Ok(settings::read(&Layers::gather(matches)?).settings.data)
}

fn name(matches: &ArgMatches) -> anyhow::Result<Name> {
    let name = matches.get_one::<String>("name").map_or("", String::as_str);
    Name::new(name).with_context(|| format!("{name:?} is no client's name"))
}

/// A name that somebody on the network chose, fit for a terminal.
fn shown(name: &str) -> String {
    name.escape_debug().to_string()
}
