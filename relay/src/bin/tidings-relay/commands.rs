//! The commands beside running: what each takes, and what it does.

mod check;
mod data;
mod mail;
mod tokens;

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::keys::{Key, Kind, keys};

pub(crate) use self::{
    check::check,
    data::{backup, clients, queue},
    mail::mail,
    tokens::tokens,
};

const ABOUT: &str = "\
A relay for notifications: clients stay connected to it by WebSocket, scripts send to it by HTTP, \
and it keeps every message until its recipient has confirmed it. It speaks the mpush protocol \
(2.1), so the clients and scripts of an mpush server work with it.

Without a command it runs until SIGTERM or SIGINT.";

const MORE: &str = "\
Examples:
  Try it on this computer (only programs of this computer can reach it):
      tidings-relay --data ./relay-data
      curl 'http://127.0.0.1:9093/ann.send?text=Hello&desp=World'
      curl 'http://127.0.0.1:9093/family.group?text=Dinner'

  Serve a network: make a token first, and keep it to yourself.
      head -c 24 /dev/urandom | base64 > token
      tidings-relay --bind 0.0.0.0:9093 --token-file token --data /var/lib/tidings-relay
      curl -H \"Authorization: $(cat token)\" 'http://HOST:9093/ann.send?text=Hello'

  Send with more than a line, and do not wait for the confirmation:
      curl -H \"Authorization: $(cat token)\" 'http://HOST:9093/ann.send?wait=0' \\
           --data-urlencode 'text=Backup failed' --data-urlencode 'desp@report.md'

  With TLS, by a certificate of its own:
      tidings-relay --bind 0.0.0.0:9093 --token-file token --tls-self-signed

  Receive from programs made for gotify or ntfy (docs/senders.md has more of them):
      tidings-relay tokens add nas --to ann --data /var/lib/tidings-relay
      curl -H \"X-Gotify-Key: TOKEN\" http://HOST:9093/message -F title=Hello -F message=World
      curl -H \"Authorization: Bearer TOKEN\" -d 'Hello World' http://HOST:9093/ann

  Let a build server send to one group and do nothing else:
      tidings-relay tokens add ci --send @developers --data /var/lib/tidings-relay

The answer is a MESSAGE_REPLY with a status per recipient: `ok` (confirmed), `wait` (kept, not
confirmed yet), `ready` (kept, behind others), `no` (no client of this name ever connected). By
default it comes after 2.5 seconds at the latest; `wait=SECONDS` changes that. `ttl=SECONDS` says
after what time the message is given up for those who have not confirmed it (30 days). Every further
parameter reaches the recipient in `extra`.

GET /health answers 200 while the relay runs, GET /health/ready while its store answers too. GET
/metrics tells Prometheus, with any of the relay's tokens, how much is connected, queued, sent, sent
again, confirmed and refused, and how long it took.

Configuration: every setting above can stand in the file of --config as `queue_messages = 1000`, in
the environment as TIDINGS_QUEUE_MESSAGES=1000, or on the command line as --queue-messages 1000. The
command line counts more than the environment, the environment more than the file.
`tidings-relay check` shows what holds, where it was said, and what is wrong with it. The token
itself can stand in TIDINGS_TOKEN.

Signals:
  SIGTERM, SIGINT  stop accepting, tell the clients, write what is under way, end; a second one ends
                   it at once
  SIGHUP           read the tokens and the certificate again: connections of revoked ones are closed, others go on

Exit codes:
  0  ended in order
  1  could not start, or had to stop: the reason stands on standard error
  2  the command line is wrong";

/// The whole command line.
pub(crate) fn command() -> Command {
    with_settings(Command::new("tidings-relay"))
        .version(env!("CARGO_PKG_VERSION"))
        .about("A relay for notifications")
        .long_about(ABOUT)
        .after_long_help(MORE)
        .subcommand(
            with_settings(Command::new("check")).about(
                "Shows each setting and where it was said, and what is wrong; changes nothing",
            ),
        )
        .subcommand(tokens::command())
        .subcommand(mail::command())
        .subcommands(data::commands())
}

fn with_settings(command: Command) -> Command {
    keys()
        .iter()
        .fold(command.arg(config()), |command, key| command.arg(arg(key)))
}

/// A command that only needs to know the data folder.
fn with_data(command: Command) -> Command {
    let data = keys().into_iter().filter(|key| key.name == "data");
    data.fold(command.arg(config()), |command, key| command.arg(arg(&key)))
}

fn config() -> Arg {
    Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("A TOML file with settings [env: TIDINGS_CONFIG]")
}

fn arg(key: &Key) -> Arg {
    let default = if key.default.is_empty() {
        String::new()
    } else {
        format!(" [default: {}]", key.default)
    };
    let arg = Arg::new(key.name)
        .long(key.flag())
        .value_name(key.value)
        .help_heading(key.heading)
        .action(ArgAction::Append)
        .help(format!("{}{default} [env: {}]", key.help, key.variable()));
    match key.kind {
        Kind::Switch => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Kind::One | Kind::Many => arg,
    }
}

/// The texts of a list argument.
fn list<'a>(matches: &'a ArgMatches, name: &str) -> impl Iterator<Item = &'a str> {
    matches
        .get_many::<String>(name)
        .into_iter()
        .flatten()
        .map(String::as_str)
}
