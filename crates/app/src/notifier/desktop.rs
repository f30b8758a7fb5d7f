//! Notifications of Linux and BSD desktops, by the freedesktop.org specification, over one connection
//! to the session bus.
//!
//! Owns the calls, their deadline, and what stands on the screen; the signals are heard in [`listen`],
//! the look of a call is in [`call`]. One connection for all, as some desktops close a notification
//! whose sender has gone, and as most tell what came of one only to the connection that raised it. It
//! listens before it raises, so that no click is too early. (notify-rust makes a connection for each
//! notification and listens after raising it: clicks get lost, and none is heard after another signal
//! came first. Hence our own calls here.)
//!
//! Invariants: a caller waits [`DEADLINE`] at most for each of two calls; a call that is late is not
//! made a second time while it may still be answered, so a service that wakes up shows the
//! notification once; of at most [`STANDING`] notifications it is known what they are about.

mod call;
mod listen;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::{BoxFuture, Fate, News, Notice, Notifier, RaiseError, Slot};
use crate::bus;
use crate::types::MessageId;
use call::Abilities;
pub(crate) use listen::DO_NOT_DISTURB;
use listen::Early;

/// The name on the bus, and of the interface.
const SERVICE: &str = "org.freedesktop.Notifications";

/// The object that answers there.
const OBJECT: &str = "/org/freedesktop/Notifications";

/// How long a call may take before the service counts as silent. Healthy ones answer within
/// milliseconds; one that starts on the first call needs a second or two.
const DEADLINE: Duration = Duration::from_secs(5);

/// A service that is there, and yet did not serve, is not called again sooner than this.
const AGAIN: Duration = Duration::from_secs(2);

/// Notifications that are known. The oldest is forgotten: nobody clicks the two hundred and
/// fifty-seventh last.
const STANDING: usize = 256;

/// The notification service of the desktop.
#[derive(Debug, Default)]
pub struct Desktop {
    state: Arc<Mutex<State>>,
}

/// What is known of the desktop. Shared with the tasks that call and listen.
#[derive(Debug, Default)]
struct State {
    bus: Option<Line>,
    standing: VecDeque<Standing>,
    /// Signals about notifications that are not standing yet: they were faster than the answer.
    early: Early,
    late: Option<Call>,
    /// Whether the last failure was that nobody is there.
    absent: bool,
}

/// The connection, and the task that listens on it.
#[derive(Debug)]
struct Line {
    connection: zbus::Connection,
    listening: AbortHandle,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// A notification on the screen.
#[derive(Debug, Clone)]
struct Standing {
    /// Its number at the service.
    id: u32,
    /// The service's own name on the bus: another one's numbers mean other notifications.
    owner: String,
    slot: Slot,
    message: Option<MessageId>,
    news: mpsc::Sender<News>,
}

/// A Notify call under way.
#[derive(Debug)]
struct Call {
    slot: Slot,
    message: Option<MessageId>,
    answer: watch::Receiver<Option<Result<(), RaiseError>>>,
    /// Ends the call with its owner, so that nothing outlives the notifier.
    task: AbortHandle,
    /// It was answered for meanwhile: what it shows is to be closed at once.
    unwanted: watch::Sender<bool>,
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desktop {
    /// Touches nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    async fn bus(&self) -> zbus::Result<zbus::Connection> {
        if let Some(line) = &self.state().bus {
            return Ok(line.connection.clone());
        }
        let connection = zbus::Connection::session().await?;
        let heard = listen::Heard::on(&connection).await?;
        let listening = tokio::spawn(heard.listen(Arc::clone(&self.state))).abort_handle();
        let line = Line {
            connection: connection.clone(),
            listening,
        };
        self.state().bus = Some(line);
        Ok(connection)
    }

    /// What the service can do. Asked each time: the answer is also the sign that it lives, before
    /// anything is given to it, and it may be another one than last time.
    async fn abilities(&self) -> Result<(zbus::Connection, Abilities), RaiseError> {
        let ask = async {
            let bus = self.bus().await?;
            let abilities = call::abilities(&bus).await?;
            Ok((bus, abilities))
        };
        match timeout(DEADLINE, ask).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::debug!(%error, "no notification service");
                let fault = call::fault(&error);
                if fault == RaiseError::Absent && !matches!(error, zbus::Error::MethodError(..)) {
                    // The bus itself failed: this connection is not used again.
                    self.forget_bus();
                }
                Err(fault)
            }
            Err(_) => Err(RaiseError::Silent),
        }
    }

    fn forget_bus(&self) {
        let (gone, line) = {
            let mut state = self.state();
            (std::mem::take(&mut state.standing), state.bus.take())
        };
        drop(line);
        for standing in gone {
            let news = News {
                message: standing.message,
                fate: Fate::Lost,
            };
            // Full means that the reader is busy with better news.
            let _ = standing.news.try_send(news);
        }
    }

    /// The late call of this notification, unless it failed. It may be answered however late: it
    /// lies in the service's queue, and should the service or the bus end, the call fails.
    fn late(&self, notice: &Notice) -> Option<Call> {
        let call = self.state().late.take()?;
        let failed = matches!(*call.answer.borrow(), Some(Err(_)));
        (call.slot == notice.slot && call.message == notice.message && !failed).then_some(call)
    }

    fn call(
        &self,
        bus: zbus::Connection,
        abilities: Abilities,
        notice: Notice,
        news: &mpsc::Sender<News>,
    ) -> Call {
        let (answered, answer) = watch::channel(None);
        let (unwanted, unwanted_seen) = watch::channel(false);
        let (slot, message) = (notice.slot.clone(), notice.message);
        let (state, news) = (Arc::clone(&self.state), news.clone());
        let task = tokio::spawn(async move {
            let replaces = locked(&state)
                .standing
                .iter()
                .find(|standing| standing.slot == notice.slot && standing.owner == abilities.owner)
                .map_or(0, |standing| standing.id);
            let result = match call::notify(&bus, &notice, &abilities, replaces).await {
                Ok((id, owner)) => {
                    let standing = Standing {
                        id,
                        owner,
                        slot: notice.slot,
                        message: notice.message,
                        news,
                    };
                    stand(&state, standing).await;
                    if *unwanted_seen.borrow() {
                        call::close(&bus, id).await;
                    }
                    Ok(())
                }
                Err(error) => {
                    tracing::debug!(%error, "notification not shown");
                    Err(call::fault(&error))
                }
            };
            answered.send_replace(Some(result));
        })
        .abort_handle();
        Call {
            slot,
            message,
            answer,
            task,
            unwanted,
        }
    }

    async fn show(&self, notice: Notice, news: &mpsc::Sender<News>) -> Result<(), RaiseError> {
        let mut call = match self.late(&notice) {
            Some(call) => call,
            None => {
                let (bus, abilities) = self.abilities().await?;
                self.call(bus, abilities, notice, news)
            }
        };
        let answered = async {
            let answer = call.answer.wait_for(Option::is_some).await;
            // The task ends without an answer only if it was ended.
            answer.map_or(Some(Err(RaiseError::Silent)), |answer| answer.clone())
        };
        if let Ok(Some(result)) = timeout(DEADLINE, answered).await {
            return result;
        }
        self.state().late = Some(call);
        Err(RaiseError::Silent)
    }
}

/// Keeps what stands, in place of what stood there, and passes on what was heard of it too early.
async fn stand(state: &Mutex<State>, standing: Standing) {
    let early = {
        let mut state = locked(state);
        state
            .standing
            .retain(|other| other.slot != standing.slot && other.id != standing.id);
        while state.standing.len() >= STANDING {
            state.standing.pop_front();
        }
        let early = state.early.about(&standing.owner, standing.id);
        if !early.iter().any(listen::ends) {
            state.standing.push_back(standing.clone());
        }
        early
    };
    for fate in early {
        let message = standing.message;
        let _ = standing.news.send(News { message, fate }).await;
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let mut state = self.state();
        state.bus = None;
        if let Some(call) = state.late.take() {
            call.task.abort();
        }
    }
}

impl Notifier for Desktop {
    fn raise<'a>(
        &'a self,
        notice: Notice,
        news: &'a mpsc::Sender<News>,
    ) -> BoxFuture<'a, Result<(), RaiseError>> {
        Box::pin(async move {
            let result = self.show(notice, news).await;
            self.state().absent = result == Err(RaiseError::Absent);
            result
        })
    }

    fn close(&self, messages: Vec<Option<MessageId>>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (bus, ids) = {
                let state = self.state();
                if let Some(late) = &state.late
                    && messages.contains(&late.message)
                {
                    late.unwanted.send_replace(true);
                }
                let ids: Vec<u32> = state
                    .standing
                    .iter()
                    .filter(|standing| messages.contains(&standing.message))
                    .map(|standing| standing.id)
                    .collect();
                (state.bus.as_ref().map(|line| line.connection.clone()), ids)
            };
            let Some(bus) = bus else { return };
            let all = async {
                for id in ids {
                    call::close(&bus, id).await;
                }
            };
            // A service that hangs will be found out by the next one that is raised.
            let _ = timeout(DEADLINE, all).await;
        })
    }

    fn came_back(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (late, absent) = {
                let state = self.state();
                (
                    state.late.as_ref().map(|late| late.answer.clone()),
                    state.absent,
                )
            };
            let answered = async {
                match late {
                    Some(mut answer) => drop(answer.wait_for(Option::is_some).await),
                    None => std::future::pending().await,
                }
            };
            let now = if absent {
                bus::Now::Counts(AGAIN)
            } else {
                bus::Now::DoesNot
            };
            tokio::select! {
                () = answered => {}
                () = bus::appears(SERVICE, now) => {}
            }
        })
    }

    fn do_not_disturb(&self, known: bool) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            match listen::do_not_disturb(known).await {
                Ok(on) => on,
                Err(error) => {
                    tracing::debug!(%error, "the desktop's do-not-disturb cannot be read");
                    std::future::pending().await
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_is_not_made_again_however_late_its_answer_is() {
        let desktop = Desktop::new();
        let (answered, answer) = watch::channel(None);
        let notice = call::tests::notice();
        let late = || Call {
            slot: notice.slot.clone(),
            message: notice.message,
            answer: answer.clone(),
            task: tokio::spawn(async {}).abort_handle(),
            unwanted: watch::Sender::new(false),
        };
        desktop.state().late = Some(late());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(desktop.late(&notice).is_some());
        answered.send_replace(Some(Err(RaiseError::Silent)));
        desktop.state().late = Some(late());
        assert!(desktop.late(&notice).is_none());
    }
}
