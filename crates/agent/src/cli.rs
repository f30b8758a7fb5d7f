//! The command line, as clap reads and explains it.

mod sending;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
pub(crate) use sending::{Send, Wait, recipient};
use tidings_control::{Filter, MessageId, Pause, Priority, Recipient};

const EXAMPLES: &str = "\
Examples:
  tidings                                   start, or show the window of the running one
  tidings send ann 'The build is green'     to one client
  tidings send @office --title 'Cake' 'In the kitchen, while it lasts'
  tidings send ann bob --in 30m 'Tea?'      to two, later
  tidings send @ops --ack=first --repeat 5m --wait ack --within 1h 'The shop is down'
  make 2>&1 | tidings send ann -            what a program says
  tidings listen --exec 'logger -t tidings'  what comes, to a command
  curl -H \"Authorization: $(tidings token)\" 'http://127.0.0.1:9093/ann.send?text=Hello'

Exit codes: 0 done; 1 refused or failed, the message says why; 2 not understood; 3 Tidings does
not run; 4 (status) not connected, (send) not known or not done in time, (doctor) a warning is the worst.";

/// Messages from your computers, in your tray.
#[derive(Debug, Parser)]
#[command(name = "tidings", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) start: Start,
}

/// How the agent starts.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Start in the tray, without a window (as at login)
    #[arg(long)]
    pub(crate) hidden: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Send(Send),
    /// List the messages sent last, the newest first, with what became of each
    Sent {
        /// Only those with these words in their text or recipients
        #[arg(default_value = "")]
        search: String,
        /// At most so many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
        /// As JSON, one message a line
        #[arg(long)]
        json: bool,
    },
    /// Take back what of a sent message has not gone out, or is held until it is due
    Cancel {
        /// Its number, as `tidings sent` has it
        id: MessageId,
    },
    /// Send what of a message did not go out, or reached nobody, once more
    Resend {
        /// Its number, as `tidings sent` has it
        id: MessageId,
    },
    /// List whom a message can go to: those written to last, then who is connected, then by name
    ///
    /// The running Tidings knows: relays tell it who is connected, where they can.
    Directory {
        /// Only those with a part of their name that begins so
        #[arg(default_value = "")]
        search: String,
        /// At most so many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// As JSON, one a line
        #[arg(long)]
        json: bool,
    },
    /// Open the window to write a message
    Compose {
        /// To whom: clients' names or @GROUPs
        #[arg(value_name = "NAME|@GROUP", value_parser = recipient)]
        to: Vec<Recipient>,
        /// The received message that it answers, by its number
        #[arg(long, value_name = "ID")]
        reply: Option<MessageId>,
    },
    /// Acknowledge a received message whose sender asks for it
    Acknowledge {
        /// Its number, as `tidings inbox` has it
        id: MessageId,
        /// What to say with it
        #[arg(default_value = "")]
        note: String,
    },
    /// Say how things stand
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the newest messages, the newest first
    Inbox {
        /// Then go on with those that come, the newest last, until interrupted
        #[arg(long, short)]
        follow: bool,
        /// At most so many of those that are there
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
        #[command(flatten)]
        which: Which,
        /// As JSON, one message a line
        #[arg(long)]
        json: bool,
    },
    /// Write received messages to standard output, one JSON document a line, newest first
    Export {
        #[command(flatten)]
        which: Which,
    },
    Listen(Listen),
    /// Show a window
    Show {
        /// Which
        #[arg(default_value = "inbox")]
        window: Window,
    },
    /// Hold notifications back for a time; messages still come in
    Pause {
        /// 30m, 1h (any number of minutes or hours), tomorrow, or off
        #[arg(value_name = "TIME", value_parser = pause)]
        pause: Pause,
    },
    /// Check everything that Tidings depends on, and say what to do
    Doctor {
        /// Also send a test message to yourself by each relay: one notification each
        #[arg(long)]
        test: bool,
        /// As JSON, in both languages
        #[arg(long)]
        json: bool,
    },
    /// Print the relay's token, for scripts: keep it to yourself
    Token,
    /// End the running Tidings in order
    Quit,
    /// Print what completes these commands in a shell
    ///
    /// For bash: tidings completions bash > ~/.local/share/bash-completion/completions/tidings
    Completions {
        /// Whose
        shell: Shell,
    },
    /// Print the manual page: tidings man | man -l -
    Man {
        /// Of one command only
        command: Option<String>,
    },
}

/// Run a command for each message that comes from now on, one after the other
///
/// The body is the command's standard input; TIDINGS_TITLE, TIDINGS_SENDER, TIDINGS_GROUP,
/// TIDINGS_PRIORITY (min to urgent), TIDINGS_TAGS (separated by commas), TIDINGS_LINK, TIDINGS_RELAY,
/// TIDINGS_MID and TIDINGS_ID are in its environment. A command that fails is told, and the next
/// message goes on.
///
/// With --relay and --as, messages are taken from a relay without the running Tidings, and each is
/// confirmed once its command has succeeded. A command that fails ends the listening then; the
/// message stays at the relay.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// The command, for `sh -c`. Without one the messages are printed, one JSON document a line
    #[arg(long, value_name = "COMMAND")]
    pub(crate) exec: Option<String>,
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) direct: Direct,
    /// The name to be reached by at that relay; another client of that name loses it
    #[arg(
        long = "as",
        requires = "relay",
        conflicts_with_all = ["search", "unread", "sender", "group", "tag", "priority"],
        value_name = "NAME"
    )]
    pub(crate) name: Option<String>,
}

/// A relay to use without the running Tidings, which need not run then.
#[derive(Debug, Args)]
pub(crate) struct Direct {
    /// Use this relay (wss://host or host:port) and not the running Tidings
    #[arg(long, requires = "token_file", value_name = "ADDRESS")]
    pub(crate) relay: Option<String>,
    /// The file that holds that relay's token
    #[arg(long, requires = "relay", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The fingerprint of that relay's certificate, if it made its own
    #[arg(long, requires = "relay", value_name = "FINGERPRINT")]
    pub(crate) pin: Option<String>,
}

/// Which messages: those for which all of it holds.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// With these words in title, body or sender; "several words" in quotation marks as they stand
    #[arg(long, default_value = "")]
    pub(crate) search: String,
    /// Only unread ones
    #[arg(long)]
    pub(crate) unread: bool,
    /// Only from this sender
    #[arg(long)]
    pub(crate) sender: Option<String>,
    /// Only to this group
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Only with this tag
    #[arg(long)]
    pub(crate) tag: Option<String>,
    /// Only of this priority or a higher one
    #[arg(long)]
    pub(crate) priority: Option<Urgency>,
}

impl From<Which> for Filter {
    fn from(which: Which) -> Self {
        Self {
            search: which.search,
            unread: which.unread,
            sender: which.sender,
            group: which.group,
            tag: which.tag,
            relay: None,
            priority: which.priority.map(Priority::from),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Window {
    Inbox,
    Compose,
    Sent,
    Settings,
    Relays,
    Doctor,
    FirstRun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Urgency {
    #[value(alias = "1")]
    Min,
    #[value(alias = "2")]
    Low,
    #[value(alias = "3")]
    Default,
    #[value(alias = "4")]
    High,
    #[value(alias = "5")]
    Urgent,
}

impl From<Urgency> for Priority {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Min => Self::Min,
            Urgency::Low => Self::Low,
            Urgency::Default => Self::Default,
            Urgency::High => Self::High,
            Urgency::Urgent => Self::Urgent,
        }
    }
}

fn pause(word: &str) -> Result<Pause, String> {
    let expected = || "write 30m, 1h, tomorrow or off".to_owned();
    match word {
        "off" => return Ok(Pause::Off),
        "tomorrow" => return Ok(Pause::Tomorrow),
        _ => {}
    }
    let (number, unit) = word
        .split_at_checked(word.len().saturating_sub(1))
        .ok_or_else(expected)?;
    let number: u32 = number.parse().map_err(|_| expected())?;
    match unit {
        "m" => Ok(Pause::Minutes(number)),
        "h" => Ok(Pause::Minutes(number.saturating_mul(60))),
        _ => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn pauses_are_written_as_people_say_them() {
        assert_eq!(pause("30m"), Ok(Pause::Minutes(30)));
        assert_eq!(pause("2h"), Ok(Pause::Minutes(120)));
        assert_eq!(pause("tomorrow"), Ok(Pause::Tomorrow));
        assert_eq!(pause("off"), Ok(Pause::Off));
        for wrong in ["", "h", "30", "1d", "-1m", "ö"] {
            assert!(pause(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hidden_is_for_starting_only() {
        assert!(
            Cli::try_parse_from(["tidings", "--hidden"])
                .unwrap()
                .start
                .hidden
        );
        assert!(Cli::try_parse_from(["tidings", "--hidden", "status"]).is_err());
    }
}
