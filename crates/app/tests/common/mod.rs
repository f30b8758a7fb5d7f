//! What the tests put around an app: a desktop and a keyring that obey, a relay elsewhere, a sender
//! by HTTP. Waiting is for a condition, within a deadline.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_app::notifier::{BoxFuture, Fate, News, Notice, Notifier, RaiseError};
use tidings_app::types::{Connection, MessageId, RelayState, SecretPlace, Status};
use tidings_app::vault::{Label, Secret, Vault, VaultError};
use tidings_app::{App, Folders, Parts};
use tidings_relay::{Config, Hub, MemoryStore, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Longest that anything here may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) const TOKEN: &str = "a t0ken";

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("not within {DEADLINE:?}: {what}"),
    }
}

/// How the desktop behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    Works,
    Hangs,
    Absent,
}

/// A desktop that records what it shows.
pub(crate) struct Desk {
    pub(crate) manners: watch::Sender<Manners>,
    pub(crate) raised: watch::Sender<Vec<Notice>>,
    /// What was taken off the screen.
    pub(crate) closed: watch::Sender<Vec<Option<MessageId>>>,
    /// Do-not-disturb.
    pub(crate) disturb_not: watch::Sender<bool>,
    fates: Mutex<Option<mpsc::Sender<News>>>,
    news: Notify,
}

impl Desk {
    pub(crate) fn new(manners: Manners) -> Arc<Self> {
        Arc::new(Self {
            manners: watch::Sender::new(manners),
            raised: watch::Sender::new(Vec::new()),
            closed: watch::Sender::new(Vec::new()),
            disturb_not: watch::Sender::new(false),
            fates: Mutex::new(None),
            news: Notify::new(),
        })
    }

    /// It is as it should be now, and says so.
    pub(crate) fn mend(&self) {
        self.manners.send_replace(Manners::Works);
        self.news.notify_one();
    }

    pub(crate) fn titles(&self) -> Vec<String> {
        let raised = self.raised.borrow();
        raised.iter().map(|notice| notice.title.clone()).collect()
    }

    pub(crate) async fn wait_for(&self, count: usize) {
        let mut raised = self.raised.subscribe();
        let enough = raised.wait_for(|raised| raised.len() >= count);
        within("notifications", enough).await.unwrap();
    }

    /// Waits until it told of so many messages: each alone, or counted by the digest.
    pub(crate) async fn wait_until_told(&self, messages: usize) {
        let mut raised = self.raised.subscribe();
        let told = raised.wait_for(|raised| {
            let alone = raised.iter().filter(|n| n.message.is_some()).count();
            let digest = raised.iter().rev().find(|n| n.message.is_none());
            let counted = digest.and_then(|digest| {
                let mut words = digest.title.split(|c: char| !c.is_ascii_digit());
                words.find_map(|word| word.parse::<usize>().ok())
            });
            alone + counted.unwrap_or(0) == messages
        });
        if tokio::time::timeout(DEADLINE, told).await.is_err() {
            panic!("told of {:?}", self.titles());
        }
    }

    /// Something came of a notification.
    pub(crate) async fn fate(&self, message: Option<MessageId>, fate: Fate) {
        let fates = self.fates.lock().unwrap().clone().unwrap();
        fates.send(News { message, fate }).await.unwrap();
    }
}

impl Notifier for Desk {
    fn raise<'a>(
        &'a self,
        notice: Notice,
        news: &'a mpsc::Sender<News>,
    ) -> BoxFuture<'a, Result<(), RaiseError>> {
        Box::pin(async move {
            let mut manners = self.manners.subscribe();
            let manners = *manners
                .wait_for(|manners| *manners != Manners::Hangs)
                .await
                .unwrap();
            if manners == Manners::Absent {
                return Err(RaiseError::Absent);
            }
            *self.fates.lock().unwrap() = Some(news.clone());
            self.raised.send_modify(|raised| raised.push(notice));
            Ok(())
        })
    }

    fn close(&self, messages: Vec<Option<MessageId>>) -> BoxFuture<'_, ()> {
        self.closed.send_modify(|closed| closed.extend(messages));
        Box::pin(std::future::ready(()))
    }

    fn came_back(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.news.notified())
    }

    fn do_not_disturb(&self, known: bool) -> BoxFuture<'_, bool> {
        let mut on = self.disturb_not.subscribe();
        Box::pin(async move { *on.wait_for(|on| *on != known).await.unwrap() })
    }
}

/// A keyring that may be missing.
#[derive(Default)]
pub(crate) struct Ring {
    pub(crate) secrets: Mutex<HashMap<Label, Secret>>,
    pub(crate) fault: Mutex<Option<VaultError>>,
    news: Notify,
}

impl Ring {
    pub(crate) fn works() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn faulty(fault: VaultError) -> Arc<Self> {
        let ring = Self::default();
        *ring.fault.lock().unwrap() = Some(fault);
        Arc::new(ring)
    }

    pub(crate) fn mend(&self) {
        *self.fault.lock().unwrap() = None;
        self.news.notify_one();
    }

    fn check(&self) -> Result<(), VaultError> {
        self.fault.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl Vault for Ring {
    fn load<'a>(&'a self, label: &'a Label) -> BoxFuture<'a, Result<Option<Secret>, VaultError>> {
        let found = self.secrets.lock().unwrap().get(label).cloned();
        Box::pin(async move { self.check().map(|()| found) })
    }

    fn store<'a>(
        &'a self,
        label: &'a Label,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<(), VaultError>> {
        Box::pin(async move {
            self.check()?;
            let mut secrets = self.secrets.lock().unwrap();
            secrets.insert(label.clone(), secret.clone());
            Ok(())
        })
    }

    fn forget<'a>(&'a self, label: &'a Label) -> BoxFuture<'a, Result<(), VaultError>> {
        Box::pin(async move {
            self.check()?;
            self.secrets.lock().unwrap().remove(label);
            Ok(())
        })
    }

    fn came_back(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.news.notified())
    }
}

/// A home in which apps are started one after another.
pub(crate) struct Home {
    pub(crate) folder: Arc<tempfile::TempDir>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) ring: Arc<Ring>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::with(Desk::new(Manners::Works), Ring::works())
    }

    pub(crate) fn with(desk: Arc<Desk>, ring: Arc<Ring>) -> Self {
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            desk,
            ring,
        }
    }

    pub(crate) fn folders(&self) -> Folders {
        Folders::under(self.folder.path())
    }

    pub(crate) fn parts(&self) -> Parts {
        Parts {
            folders: self.folders(),
            notifier: self.desk.clone(),
            vault: self.ring.clone(),
            port: 0,
        }
    }

    pub(crate) async fn start(&self) -> App {
        within("start", App::start(self.parts())).await.unwrap()
    }

    pub(crate) fn settings_file(&self) -> std::path::PathBuf {
        self.folders().config.join("settings.toml")
    }
}

pub(crate) async fn status(app: &App, what: &str, is: impl FnMut(&Status) -> bool) -> Status {
    let mut status = app.status();
    let found = within(what, status.wait_for(is)).await;
    found.unwrap().clone()
}

pub(crate) async fn connected(app: &App) -> Status {
    status(app, "a connection", |status| {
        matches!(status.connection(), Connection::Connected { .. })
    })
    .await
}

/// The one relay that is joined.
pub(crate) fn only(status: &Status) -> RelayState {
    let [relay] = &status.relays[..] else {
        panic!("one relay: {status:?}")
    };
    relay.clone()
}

/// Where the token of the first relay is.
pub(crate) fn secret(status: &Status) -> SecretPlace {
    let first = status.relays.first();
    first.map_or(SecretPlace::Nowhere, |relay| relay.secret)
}

pub(crate) async fn stop(app: App) {
    within("an end in order", app.stop()).await;
}

/// A relay that is not the app's.
pub(crate) struct Elsewhere {
    pub(crate) port: u16,
    shutdown: CancellationToken,
    task: JoinSet<()>,
}

impl Elsewhere {
    pub(crate) async fn new() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap()).await
    }

    pub(crate) async fn on(listener: TcpListener) -> Self {
        let port = listener.local_addr().unwrap().port();
        let config = Config {
            token: Some(Token::new(TOKEN).unwrap()),
            ..Config::default()
        };
        let store = Arc::new(MemoryStore::default());
        let hub = Hub::open(config, store).await.unwrap();
        let shutdown = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(tidings_relay::serve(hub, listener, shutdown.clone()));
        Self {
            port,
            shutdown,
            task,
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        within("the relay's end", self.task.join_next()).await;
    }
}

/// A port on which nothing listens now.
pub(crate) async fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// Sends by HTTP as a script would; gives the whole answer.
pub(crate) async fn http_send(port: u16, token: &str, name: &str, query: &str) -> String {
    let request = format!(
        "GET /{name}.send?{query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n"
    );
    let answer = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    within("an HTTP answer", answer).await
}
