//! The app as its faces hold it: started, asked, stopped.
//!
//! Owns the tasks and the order of starting and ending them. The work is done in `reception` (what
//! comes in and goes out), `setup` (relay, secrets, settings) and `inbox`; here requests are checked
//! and passed on.
//!
//! Invariants: starting waits for the disk and for nothing else; ending is in order (sessions, relay,
//! inbox) and bounded.

mod acting;
mod asked;
mod relays;
mod sending;
mod testing;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidings_control::Words;
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::board::Board;
use crate::contacts::Contacts;
use crate::doctor::Chart;
use crate::folders::{FolderError, Folders};
use crate::inbox::{Closing, Inbox, InboxError};
use crate::notifier::{self, Notifier};
use crate::reception::{self, Cancel, Reception};
use crate::secrets::Secrets;
use crate::settings::{SettingsError, Stored};
use crate::setup::{self, Order, Setup};
use crate::types::{
    Event, Exported, Failure, Filter, Message, MessageId, Part, Row, Settings, Sources, Status,
};
use crate::vault::{File, Keyring, Label, Vault};
use crate::words::Wrong;
use crate::{clock, export, folders, hub, keeping, world};

/// Events a face may be behind. A face further behind reads everything again, as the channel tells
/// it that it was.
const EVENTS: usize = 256;

/// Requests about relay, secrets and settings that may wait; then callers do.
const ORDERS: usize = 16;

/// News of relays that were not taken yet; beyond them the setup waits.
const LINES: usize = 16;

/// Lists of read messages the reception may be behind with; more are dropped, and their notifications
/// stay on the screen until they go by themselves.
const SETTLED: usize = 64;

/// Messages to be taken back that may wait; then callers do.
const CANCELS: usize = 16;

/// Sleeps and changes of the network that may wait; the later ones wait where they are heard.
const TURNS: usize = 4;

/// How long ending may take in all. A session and a relay say goodbye in seconds.
const STOP: Duration = Duration::from_secs(10);

/// What the app is made of that differs between a desktop and a test.
pub struct Parts {
    /// Where its files are.
    pub folders: Folders,
    /// How notifications are raised.
    pub notifier: Arc<dyn Notifier>,
    /// The keyring.
    pub vault: Arc<dyn Vault>,
    /// The port on which a relay is hosted first, else the next free one; 0 for any.
    pub port: u16,
}

impl Parts {
    /// Those of the person's desktop. Touches nothing yet.
    ///
    /// # Errors
    /// [`FolderError::NoHome`].
    pub fn of_desktop() -> Result<Self, FolderError> {
        Ok(Self {
            folders: Folders::of_user()?,
            notifier: notifier::of_session(),
            vault: Arc::new(Keyring::of_platform()),
            port: hub::PORT,
        })
    }
}

/// Why the app cannot start; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is nowhere to keep its files.
    #[error(transparent)]
    Folders(#[from] FolderError),
    /// The settings cannot be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The inbox cannot be used.
    #[error(transparent)]
    Inbox(#[from] InboxError),
}

/// The running app. Dropped, it ends at once and without goodbye.
pub struct App {
    board: Board,
    events: broadcast::Sender<Event>,
    settings: watch::Receiver<Settings>,
    inbox: Inbox,
    written: Arc<Notify>,
    cancels: mpsc::Sender<Cancel>,
    contacts: Arc<Mutex<Contacts>>,
    settled: mpsc::Sender<Vec<MessageId>>,
    chart: Chart,
    orders: mpsc::Sender<Order>,
    running: Mutex<Option<Running>>,
}

struct Running {
    setup: JoinSet<()>,
    reception: JoinSet<()>,
    /// Ended by being dropped: what it was at goes on at the next start.
    _keeping: JoinSet<()>,
    /// Likewise: sleep and network.
    _watching: JoinSet<()>,
    closing: Closing,
}

impl App {
    /// Starts: opens the inbox, then hosts and connects as the settings say, in the background.
    ///
    /// # Errors
    /// [`StartError`]. A settings file that cannot be understood is none: it is set aside, and the
    /// status says so.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let Parts {
            folders,
            notifier,
            vault,
            port,
        } = parts;
        folders.make()?;
        let loaded = Stored::load(&folders.config)?;
        let board = Board::new();
        if let Some(aside) = &loaded.aside {
            board.problem(
                Part::Disk,
                Some(
                    Wrong::SetAside {
                        reason: aside.reason.clone(),
                        path: aside.path.clone(),
                    }
                    .into(),
                ),
            );
        }
        let counting = board.clone();
        let counted = move |unread| counting.update(|status| status.unread = unread);
        let (inbox, closing) = Inbox::open(&folders.data, clock::now(), counted).await?;
        inbox.resume(None).await?;

        let events = broadcast::Sender::new(EVENTS);
        let stored = loaded.stored;
        let (settings_in, settings) = watch::channel(stored.settings());
        let (orders, orders_in) = mpsc::channel(ORDERS);
        let (lines, lines_in) = mpsc::channel(LINES);
        let (pause_in, pause) = watch::channel(stored.paused_until);
        let (settled, settled_in) = mpsc::channel(SETTLED);
        let (cancels, cancels_in) = mpsc::channel(CANCELS);
        let contacts = Arc::default();
        let written = Arc::new(Notify::new());
        let chart = Chart::default();
        let (turns_in, turns) = mpsc::channel(TURNS);
        let file = File::in_folder(&folders.config);
        let unwanted = stored.unwanted_tokens.iter().cloned();
        let unwanted = unwanted.map(Label::Relay).collect();
        let secrets = Secrets::new(vault, file, stored.plain_secret, unwanted);
        // Made before the start returns: nobody is to take a relay that is set up for none.
        let setup = Setup::new(setup::Parts {
            folders,
            port,
            stored,
            secrets,
            board: board.clone(),
            events: events.clone(),
            settings: settings_in,
            pause: pause_in,
            lines,
        });
        let known = board.status().relays;
        let known = known.into_iter().map(|relay| (relay.id, relay.address));
        inbox.adopt(known.collect()).await?;
        let mut reception_task = JoinSet::new();
        reception_task.spawn(
            Reception::new(reception::Parts {
                inbox: inbox.clone(),
                board: board.clone(),
                events: events.clone(),
                settings: settings.clone(),
                notifier,
                pause,
                settled: settled_in,
                turns,
                written: Arc::clone(&written),
                cancels: cancels_in,
                contacts: Arc::clone(&contacts),
                chart: chart.clone(),
                lines: lines_in,
                complete: loaded.aside.is_none(),
            })
            .run(),
        );
        let mut keeping_task = JoinSet::new();
        keeping_task.spawn(keeping::run(
            inbox.clone(),
            settings.clone(),
            events.clone(),
        ));
        let mut watching_task = JoinSet::new();
        watching_task.spawn(world::watch(turns_in));
        let mut setup_task = JoinSet::new();
        setup_task.spawn(setup.run(orders_in));
        Ok(Self {
            board,
            events,
            settings,
            inbox,
            written,
            cancels,
            contacts,
            settled,
            chart,
            orders,
            running: Mutex::new(Some(Running {
                setup: setup_task,
                reception: reception_task,
                _keeping: keeping_task,
                _watching: watching_task,
                closing,
            })),
        })
    }

    /// How things stand, to look at and to wait on.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.board.watch()
    }

    /// Reports what is wrong with a part that is the faces' own (tray, window), or that nothing is.
    pub fn problem(&self, part: Part, message: Option<Words>) {
        self.board.problem(part, message);
    }

    /// What happens from now on. Who falls more than 256 events behind is told so by the channel and
    /// reads again what it shows.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// A page of received messages, newest first: those a filter asks for, older than `before`, at
    /// most `limit` (and 200).
    ///
    /// # Errors
    /// [`Failure::System`], as all below where nothing else is said.
    pub async fn inbox(
        &self,
        filter: &Filter,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Row>, Failure> {
        Ok(self.inbox.page(filter, before, limit).await?)
    }

    /// One message whole.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn message(&self, id: MessageId) -> Result<Message, Failure> {
        let message = self.inbox.message(id).await?;
        message.ok_or_else(|| Failure::NotFound(Wrong::Gone.into()))
    }

    /// Marks messages read or unread.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn mark(&self, ids: Vec<MessageId>, read: bool) -> Result<(), Failure> {
        let changed = self.inbox.mark(ids, read, clock::now()).await?;
        if read {
            self.settle(&changed);
            self.tell_of_reading(&changed).await?;
        }
        self.changed(changed);
        Ok(())
    }

    /// Marks all that a filter asks for, and nothing that comes meanwhile.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn mark_all(&self, filter: &Filter, read: bool) -> Result<(), Failure> {
        let settle = |ids: &[MessageId]| {
            if read {
                self.settle(ids);
            }
        };
        let tell = read && self.settings.borrow().read_receipts;
        let marking = keeping::Marking { read, tell };
        let done = keeping::mark_all(&self.inbox, filter, marking, clock::now(), settle).await;
        self.written.notify_one();
        let _ = self.events.send(Event::Changed(Vec::new()));
        done
    }

    /// Deletes messages. They can be restored for a day.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn delete(&self, ids: Vec<MessageId>) -> Result<(), Failure> {
        let changed = self.inbox.delete(ids, true, clock::now()).await?;
        self.settle(&changed);
        self.changed(changed);
        Ok(())
    }

    /// Takes a deletion back.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn restore(&self, ids: Vec<MessageId>) -> Result<(), Failure> {
        let changed = self.inbox.delete(ids, false, clock::now()).await?;
        self.changed(changed);
        Ok(())
    }

    /// Whom the messages come from, and how many of them are unread.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn sources(&self) -> Result<Sources, Failure> {
        Ok(self.inbox.sources().await?)
    }

    /// Deletes all that a filter asks for, and nothing that comes meanwhile. They can be restored for
    /// a day, by the stamp it gives; also tells how many they are.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn delete_all(&self, filter: &Filter) -> Result<(u64, u32), Failure> {
        let done = keeping::delete_all(&self.inbox, filter, clock::now()).await;
        let _ = self.events.send(Event::Changed(Vec::new()));
        done
    }

    /// Takes such a deletion back.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn restore_all(&self, stamp: u64) -> Result<(), Failure> {
        let done = keeping::restore_all(&self.inbox, stamp).await;
        let _ = self.events.send(Event::Changed(Vec::new()));
        done
    }

    /// A page of received messages in full, newest first; it ends early where they are long.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn export(
        &self,
        filter: &Filter,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Exported>, Failure> {
        Ok(self.inbox.exported(filter, before, limit).await?)
    }

    /// Exports messages into a new file among the person's downloads; gives where it is, and how
    /// many are in it.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn export_file(&self, filter: &Filter) -> Result<(PathBuf, u32), Failure> {
        export::to_folder(&self.inbox, filter, &folders::downloads()).await
    }

    /// The settings that are not the relay's.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.borrow().clone()
    }

    /// Changes them; gives them as they are now.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn set_settings(&self, settings: Settings) -> Result<Settings, Failure> {
        self.order(|reply| Order::SetSettings { settings, reply })
            .await
    }

    /// The person's answer: may the token be kept in a file that only they can read?
    ///
    /// # Errors
    /// [`Failure::System`].
    pub async fn allow_plain_secret(&self, allow: bool) -> Result<(), Failure> {
        self.order(|reply| Order::AllowPlainSecret { allow, reply })
            .await
    }

    /// Ends in order: sessions, relay, inbox. A second call does nothing.
    pub async fn stop(&self) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(mut running) = running else { return };
        let order = async {
            let _ = self.orders.send(Order::Stop).await;
            while running.setup.join_next().await.is_some() {}
            // Setup's end closed the line; what the session said last is recorded still.
            while running.reception.join_next().await.is_some() {}
            self.inbox.close().await;
            running.closing.wait().await;
        };
        if tokio::time::timeout(STOP, order).await.is_err() {
            tracing::warn!("not everything ended in time");
        }
    }

    fn settle(&self, ids: &[MessageId]) {
        if !ids.is_empty() {
            let _ = self.settled.try_send(ids.to_vec());
        }
    }

    fn changed(&self, ids: Vec<MessageId>) {
        if !ids.is_empty() {
            let _ = self.events.send(Event::Changed(ids));
        }
    }

    async fn order<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<T, Failure>>) -> Order,
    ) -> Result<T, Failure> {
        let ending = || Failure::System(Wrong::Ending.into());
        let (reply, answered) = oneshot::channel();
        self.orders.send(order(reply)).await.map_err(|_| ending())?;
        answered.await.map_err(|_| ending())?
    }
}
