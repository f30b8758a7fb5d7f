//! `tidings-relay`: the command line of the relay. Reads arguments, opens the store, binds the port,
//! and ends on SIGTERM or SIGINT. All else is the library's.

use std::{
    fs,
    io::{IsTerminal as _, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use clap::{Parser, ValueEnum};
use tidings_relay::{Bounds, Config, Durability, Hub, SqliteStore, Token, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const LONG_ABOUT: &str = "\
A relay for notifications: clients stay connected to it by WebSocket, scripts send to it by HTTP, \
and it keeps every message until its recipient has confirmed it. It speaks the mpush protocol \
(2.1), so the clients and scripts of an mpush server work with it.";

const EXAMPLES: &str = "\
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

The answer is a MESSAGE_REPLY with a status per recipient: `ok` (confirmed), `wait` (kept, not
confirmed yet), `ready` (kept, behind others), `no` (no client of this name ever connected). By
default it comes after 2.5 seconds at the latest; `wait=SECONDS` changes that. Every further
parameter reaches the recipient in `extra`.

GET /health answers 200 while the relay runs.

Environment:
  TIDINGS_TOKEN  the token, unless --token-file is given
  TIDINGS_LOG    what is logged to standard error: error, warn, info (default), debug

Exit codes:
  0  ended in order, by SIGTERM or SIGINT
  1  could not start, or had to stop: the reason stands on standard error
  2  the command line is wrong";

const TOKEN_VARIABLE: &str = "TIDINGS_TOKEN";

#[derive(Parser)]
#[command(name = "tidings-relay", version, about = "A relay for notifications", long_about = LONG_ABOUT, after_help = EXAMPLES)]
struct Args {
    /// The address to listen on. Port 0 takes a free one; the address is printed at the start.
    /// Anything beyond loopback (for example 0.0.0.0:9093) needs a token.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9093")]
    bind: SocketAddr,

    /// A file that holds the token which clients and scripts must give; white space around it does
    /// not count. Without this, the environment variable TIDINGS_TOKEN holds it. It is never given
    /// on the command line, which other users can read.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// The folder that holds the messages; made if it is missing.
    #[arg(long, value_name = "DIR", default_value = "tidings-relay-data")]
    data: PathBuf,

    /// What an accepted message survives.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Survives::Os)]
    durability: Survives,

    /// Messages kept for one recipient at most; more are refused to their sender.
    #[arg(long, value_name = "COUNT", default_value_t = Bounds::default().queue_messages)]
    queue_messages: u64,

    /// A web page's origin (https://example.org) that may use the HTTP side. Can be repeated.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Survives {
    /// A crash of the relay: fast.
    Os,
    /// A power failure too: every batch of messages waits for the disk.
    Disk,
}

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("TIDINGS_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this fails.
            let _ = writeln!(std::io::stderr(), "tidings-relay: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> anyhow::Result<()> {
    let token = token(&args)?;
    if token.is_none() && !args.bind.ip().is_loopback() {
        bail!(
            "{} can be reached from other computers, so the relay needs a token. Make one with \
             `head -c 24 /dev/urandom | base64 > token` and add `--token-file token`, or listen on \
             127.0.0.1 only",
            args.bind
        );
    }
    let config = Config {
        token,
        bounds: Bounds {
            queue_messages: args.queue_messages,
            ..Bounds::default()
        },
        allowed_origins: args.allow_origin,
        ..Config::default()
    };
    let durability = match args.durability {
        Survives::Os => Durability::Os,
        Survives::Disk => Durability::Disk,
    };
    let store = SqliteStore::open(&args.data, durability)?;
    tokio::runtime::Runtime::new()
        .context("cannot start the runtime")?
        .block_on(listen(args.bind, config, store))
}

async fn listen(bind: SocketAddr, config: Config, store: SqliteStore) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    // Before the address is printed: whoever reads it may send a signal at once.
    let signals = signals().context("cannot listen to signals")?;
    let hub = Hub::open(config, Arc::new(store)).await?;
    let listener = TcpListener::bind(bind).await.with_context(|| {
        format!(
            "cannot listen on {bind}. If another program has the port, stop it or choose another \
             with --bind"
        )
    })?;
    let address = listener.local_addr().context("the port has no address")?;
    let mut stdout = std::io::stdout();
    // A closed standard output is no reason not to serve.
    let _ = writeln!(stdout, "listening on http://{address}").and_then(|()| stdout.flush());
    let stop = shutdown.clone();
    let server = serve(hub, listener, shutdown);
    tokio::pin!(server);
    tokio::select! {
        () = &mut server => {}
        () = signals => {
            tracing::info!("closing");
            stop.cancel();
            server.await;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn signals() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signals() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without it the relay still ends, less orderly.
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn token(args: &Args) -> anyhow::Result<Option<Token>> {
    if let Some(path) = &args.token_file {
        return read_token(path).map(Some);
    }
    match std::env::var(TOKEN_VARIABLE) {
        Ok(text) => Token::new(&text).map(Some).with_context(|| {
            format!("{TOKEN_VARIABLE} is of no use: set it to the token, or unset it")
        }),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{TOKEN_VARIABLE} is of no use")),
    }
}

fn read_token(path: &Path) -> anyhow::Result<Token> {
    let text = fs::read_to_string(path).with_context(|| {
        format!(
            "cannot read the token file {}: check the path and its rights",
            path.display()
        )
    })?;
    Token::new(&text).with_context(|| {
        format!(
            "the token file {} is of no use: put one line into it",
            path.display()
        )
    })
}
