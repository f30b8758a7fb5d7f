//! Running: opens the store, binds the port, listens to signals, ends in order.

use std::{io::Write as _, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use tidings_relay::{
    Hub, NamedToken, NoPush, Push, Rights, Scope, SqliteStore, Store, Tls, TlsFiles, Token,
    TokensFile, WebPush, WebPushError, WebPushOptions, serve, serve_tls,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    descriptors::make_room,
    settings::{Settings, TlsChoice, TokenSource},
    signals::{Signal, Signals},
    supervisor,
};

/// What the end may take beyond the connections' own time: writing what is queued.
const FLUSH: Duration = Duration::from_secs(10);

/// Runs the relay until it is told to end.
pub(crate) fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let store = SqliteStore::open(&settings.data, settings.durability)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let outcome = runtime.block_on(listen(settings, store));
    // A store that hangs is not waited for a second time.
    runtime.shutdown_background();
    outcome
}

async fn listen(settings: Settings, store: SqliteStore) -> anyhow::Result<ExitCode> {
    // Before the address is printed: whoever reads it may send a signal at once.
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    let Settings {
        tls,
        bind,
        data,
        token,
        push,
        mut config,
        ..
    } = settings;
    config.bounds.connections = make_room(config.bounds.connections);
    let open = config.token.is_none() && config.named_tokens.is_empty();
    let tls = match tls {
        TlsChoice::Off => None,
        TlsChoice::Files(files) => Some(files),
        TlsChoice::SelfSigned => Some(TlsFiles::self_signed(&data, bind.ip())?),
    };
    let tls = match tls {
        Some(files) => Some((Arc::new(Tls::read(&files)?), files)),
        None => None,
    };
    let store: Arc<dyn Store> = Arc::new(store);
    let push = way_to_push(&*store, push).await?;
    let hub = Hub::open_with_push(config, store, push).await?;
    let listener = TcpListener::bind(bind).await.with_context(|| {
        format!(
            "cannot listen on {bind}. If another program has the port, stop it or choose another \
             with --bind"
        )
    })?;
    let address = listener.local_addr().context("the port has no address")?;
    let mut stdout = std::io::stdout();
    // A closed standard output is no reason not to serve.
    let scheme = if tls.is_some() { "https" } else { "http" };
    let _ = writeln!(stdout, "listening on {scheme}://{address}");
    if let Some((tls, _)) = &tls {
        let _ = writeln!(stdout, "certificate SHA-256 {}", tls.fingerprint());
    }
    let _ = stdout.flush();

    let status = format!("listening on {scheme}://{address}");
    supervisor::ready(&status);

    let shutdown = CancellationToken::new();
    let (served, stop) = (hub.clone(), shutdown.clone());
    let encrypted = tls.as_ref().map(|(tls, _)| Arc::clone(tls));
    let server = async move {
        match encrypted {
            Some(tls) => serve_tls(served, listener, tls, stop).await,
            None => serve(served, listener, stop).await,
        }
    };
    tokio::pin!(server);
    loop {
        tokio::select! {
            () = &mut server => break,
            signal = signals.next() => match signal {
                Signal::Reload => {
                    supervisor::reloading();
                    reload(&hub, open, &token, &TokensFile::of(&data));
                    if let Some((tls, files)) = &tls {
                        reload_tls(tls, files);
                    }
                    supervisor::ready(&status);
                }
                Signal::End => {
                    tracing::info!("closing");
                    supervisor::stopping();
                    shutdown.cancel();
                    break;
                }
            },
        }
    }
    let end = async {
        server.await;
        // The last one closes the store, which writes what is queued.
        let closed = tokio::task::spawn_blocking(move || drop(hub));
        if tokio::time::timeout(FLUSH, closed).await.is_err() {
            tracing::error!("the store did not close in time; what it promised is kept");
        }
    };
    tokio::select! {
        () = end => {}
        () = second_end(&mut signals) => {
            tracing::warn!("ended at once, as asked twice");
            // Not by returning: the store would be waited for.
            std::process::exit(1);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Push services, or none. A system that trusts no authority, as small containers do, is no reason not
/// to serve.
async fn way_to_push(
    store: &dyn Store,
    options: Option<WebPushOptions>,
) -> anyhow::Result<Arc<dyn Push>> {
    let Some(options) = options else {
        return Ok(Arc::new(NoPush));
    };
    match WebPush::open(store, options).await {
        Ok(push) => Ok(Arc::new(push)),
        Err(error @ WebPushError::Roots(_)) => {
            tracing::warn!("Web Push is off: {error}");
            Ok(Arc::new(NoPush))
        }
        Err(error) => Err(error.into()),
    }
}

async fn second_end(signals: &mut Signals) {
    while signals.next().await != Signal::End {}
}

fn reload_tls(tls: &Tls, files: &TlsFiles) {
    match tls.reload(files) {
        Ok(()) => tracing::info!(sha256 = tls.fingerprint(), "the certificate was read again"),
        Err(error) => tracing::error!("the old certificate stays in use: {error}"),
    }
}

/// A token that nobody has.
fn unknown_to_all() -> Option<Token> {
    let nothing = Rights {
        send: Scope::nobody(),
        receive: Scope::nobody(),
    };
    NamedToken::generate("", nothing, 0)
        .ok()
        .map(|(_, secret)| secret)
}

/// Reads the tokens again. What cannot be read leaves the old ones in force: a slip of the pen must
/// neither shut everybody out nor let everybody in.
fn reload(hub: &Hub, open: bool, token: &TokenSource, named: &TokensFile) {
    let tokens = token.read().and_then(|shared| Ok((shared, named.read()?)));
    match tokens {
        Ok((shared, named)) => {
            let locked = shared.is_none() && named.is_empty() && !open;
            if locked {
                // No token at all means an open relay, which it was not started as.
                tracing::warn!("the last token is gone: nobody can come in until one is added");
            }
            let shared = if locked { unknown_to_all() } else { shared };
            if locked && shared.is_none() {
                tracing::error!("the system gives no random numbers: the old tokens stay in force");
                return;
            }
            hub.replace_tokens(shared.as_ref(), &named);
            tracing::info!(named = named.len(), "the tokens were read again");
        }
        Err(error) => tracing::error!("the old tokens stay in force: {error:#}"),
    }
}
