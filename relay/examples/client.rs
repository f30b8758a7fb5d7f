//! A small client of a Tidings relay, or of an mpush server: prints what it receives, confirms it,
//! and can send. It shows the whole conversation in one file.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use clap::Parser;
use futures_util::{SinkExt as _, StreamExt as _};
use tidings_protocol::{Group, Message, Name, Target, client, server};
use tokio::time::timeout;
use tokio_tungstenite::{connect_async, tungstenite};

/// How long the server may take to answer AUTH, and to answer a MESSAGE (5 s by the protocol).
const PATIENCE: Duration = Duration::from_secs(15);

const EXAMPLES: &str = "\
Examples:
  Be bob, in the group family, and print what comes:
      cargo run -p tidings-relay --example client -- --name bob --group family

  Send as bob to ann, print the status per recipient, and stop:
      cargo run -p tidings-relay --example client -- --name bob --to ann 'Dinner' 'at seven'

  Send to a group: --to @family";

#[derive(Parser)]
#[command(about = "A small client of a Tidings relay", after_help = EXAMPLES)]
struct Args {
    /// The relay's address.
    #[arg(long, default_value = "ws://127.0.0.1:9093/")]
    relay: String,
    /// The relay's token.
    #[arg(
        long,
        env = "TIDINGS_TOKEN",
        default_value = "",
        hide_env_values = true
    )]
    token: String,
    /// The name to be known by.
    #[arg(long)]
    name: Name,
    /// The group to be in.
    #[arg(long, default_value = "")]
    group: Group,
    /// Do not confirm messages: the relay will send them again.
    #[arg(long)]
    silent: bool,
    /// Send a message to this client, or to this @group, then stop.
    #[arg(long, value_name = "NAME|@GROUP", requires = "text")]
    to: Option<String>,
    /// The message's title.
    text: Option<String>,
    /// The message's body.
    #[arg(default_value = "")]
    desp: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    let (mut socket, _) = connect_async(&args.relay)
        .await
        .with_context(|| format!("cannot reach {}", args.relay))?;

    let auth = client::Packet::Auth(client::Auth {
        token: args.token.clone(),
        name: args.name.clone(),
        group: args.group.clone(),
        features: Vec::new(),
    });
    socket.send(auth.encode().into()).await?;

    let waits_for_reply = args.to.is_some();
    loop {
        let frame = if waits_for_reply {
            timeout(PATIENCE, socket.next())
                .await
                .context("the relay does not answer")?
        } else {
            socket.next().await
        };
        let frame = match frame {
            Some(Ok(tungstenite::Message::Text(text))) => text,
            Some(Ok(tungstenite::Message::Close(frame))) => {
                let reason = frame.map(|f| format!(": {f}")).unwrap_or_default();
                bail!("the relay closed the connection{reason}");
            }
            // Pings are answered by the library.
            Some(Ok(_)) => continue,
            Some(Err(error)) => return Err(error).context("the connection broke"),
            None => bail!("the relay closed the connection"),
        };
        match server::Packet::decode(&frame)? {
            server::Packet::Auth(server::AuthReply::Accepted(_)) => {
                eprintln(&format!("connected as {}", args.name));
                if let Some(send) = message_to_send(&args)? {
                    socket.send(send.encode().into()).await?;
                }
            }
            server::Packet::Auth(server::AuthReply::Refused(reason)) => {
                bail!("refused: {reason}. Give the relay's token with --token");
            }
            server::Packet::Auth(server::AuthReply::NeedAuth(_)) => {}
            server::Packet::Message(delivery) => {
                println(&frame);
                if !args.silent {
                    let confirm = client::Packet::Confirm(delivery.mid);
                    socket.send(confirm.encode().into()).await?;
                }
            }
            server::Packet::Reply(_) => {
                println(&frame);
                if waits_for_reply {
                    return Ok(socket.close(None).await?);
                }
            }
            server::Packet::Info(text) => eprintln(&format!("the relay says: {text}")),
            // It lists no extension, and so is sent nothing else.
            _ => {}
        }
    }
}

fn message_to_send(args: &Args) -> anyhow::Result<Option<client::Packet>> {
    let (Some(to), Some(text)) = (&args.to, &args.text) else {
        return Ok(None);
    };
    let target = match to.strip_prefix('@') {
        Some(group) => Target::Group(Group::new(group)?),
        None => Target::Personal(Name::new(to)?),
    };
    Ok(Some(client::Packet::Message(client::Send {
        target,
        message: Message::new(text, &args.desp),
        reference: None,
    })))
}

#[expect(clippy::print_stdout, reason = "packets are this program's output")]
fn println(line: &str) {
    println!("{line}");
}

#[expect(
    clippy::print_stderr,
    reason = "what is said to the person at the terminal"
)]
fn eprintln(line: &str) {
    eprintln!("{line}");
}
