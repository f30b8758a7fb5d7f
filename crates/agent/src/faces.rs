//! The control socket's other side: each face's requests are carried out, and what changes is told.
//!
//! Invariants: a request is answered once; a face that does not read is let go; the token is given
//! to nobody who draws windows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidings_app::App;
use tidings_app::doctor::{Agent as Doctored, Doctor};
use tidings_app::types::Failure as AppFailure;
use tidings_control::{
    Answer, Code, Deed, Event, Face, Failure, Listener, MessageId, Part, Peer, Request, Status,
    View, Words,
};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use crate::desktop::{Clipboard, Kind, open_allowed, open_link};
use crate::here::Here;
use crate::texts;
use crate::windows::{self, Windows};

/// Faces at a time. One window process, the command line, a few scripts; more is a runaway loop.
const FACES: usize = 64;

/// Requests of one face under way at a time; the next waits in the socket.
const UNDER_WAY: usize = 16;

/// Rows of one page. What a list shows at once, times a few.
const PAGE: u32 = 200;

/// How long the last answers may take when the agent ends.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// What the requests of faces act on.
pub(crate) struct Agent {
    pub(crate) app: App,
    pub(crate) windows: Windows,
    pub(crate) here: Here,
    pub(crate) clipboard: Arc<Mutex<Clipboard>>,
    /// True once somebody asked the agent to end.
    pub(crate) quit: watch::Sender<bool>,
}

impl Agent {
    /// The window to show when nobody said which.
    pub(crate) fn front(&self) -> View {
        windows::front(&self.app.status().borrow())
    }

    async fn carry_out(&self, request: Request) -> Result<Answer, Failure> {
        let app = &self.app;
        let outcome = match request {
            Request::Status | Request::Subscribe { .. } => Ok(self.status()),
            Request::Inbox {
                before,
                limit,
                filter,
            } => app
                .inbox(&filter, before, limit.clamp(1, PAGE))
                .await
                .map(Answer::Inbox),
            Request::Sources => app.sources().await.map(Answer::Sources),
            Request::DeleteAll { filter } => app
                .delete_all(&filter)
                .await
                .map(|(stamp, count)| Answer::Deleted { stamp, count }),
            Request::RestoreAll { stamp } => app.restore_all(stamp).await.map(|()| Answer::Done),
            Request::Export {
                filter,
                before,
                limit,
            } => app
                .export(&filter, before, limit.clamp(1, PAGE))
                .await
                .map(Answer::Exported),
            Request::ExportFile { filter } => {
                app.export_file(&filter)
                    .await
                    .map(|(path, count)| Answer::File {
                        path: path.to_string_lossy().into_owned(),
                        count,
                    })
            }
            Request::Message { id } => app
                .message(id)
                .await
                .map(|message| Answer::Message(Box::new(message))),
            Request::Mark { ids, read } => app.mark(ids, read).await.map(|()| Answer::Done),
            Request::MarkAll { filter, read } => {
                app.mark_all(&filter, read).await.map(|()| Answer::Done)
            }
            Request::Picture { id, address } => app
                .picture(id, &address)
                .await
                .map(|(kind, data)| Answer::Picture { kind, data }),
            Request::Delete { ids } => app.delete(ids).await.map(|()| Answer::Done),
            Request::Restore { ids } => app.restore(ids).await.map(|()| Answer::Done),
            Request::Send { draft, kept } => app.send(draft, kept).await.map(Answer::Queued),
            Request::Sent {
                before,
                limit,
                search,
            } => app
                .sent(&search, before, limit.clamp(1, PAGE))
                .await
                .map(Answer::Sent),
            Request::SentMessage { id } => app
                .sent_message(id)
                .await
                .map(|sent| Answer::Sent(vec![sent])),
            Request::Resend { id } => app.resend(id).await.map(|()| Answer::Done),
            Request::Cancel { id } => app.cancel(id).await.map(|()| Answer::Done),
            Request::Drafts => app.drafts().await.map(Answer::Drafts),
            Request::KeepDraft { id, draft } => app.keep_draft(id, draft).await.map(Answer::Queued),
            Request::DropDraft { id } => app.drop_draft(id).await.map(|()| Answer::Done),
            Request::Contacts {
                search,
                relay,
                limit,
            } => app
                .contacts(&search, relay.as_ref(), limit)
                .await
                .map(Answer::Contacts),
            Request::Acknowledge { id, note } => {
                app.acknowledge(id, &note).await.map(|()| Answer::Done)
            }
            Request::Host { reach, name } => self.stands(app.host(reach, name).await),
            Request::Reach { reach } => self.stands(app.reach(reach).await),
            Request::StopHosting => self.stands(app.stop_hosting().await),
            Request::Join { relay } => self.stands(app.join(relay).await),
            Request::Leave { id } => self.stands(app.leave(id).await),
            Request::Reconnect { id } => self.stands(app.reconnect(id).await),
            Request::TrustCertificate { id, fingerprint } => {
                self.stands(app.trust(id, fingerprint).await)
            }
            Request::DescribeRelay { id, label, color } => {
                self.stands(app.describe(id, label, color).await)
            }
            Request::Settings => Ok(Answer::Settings(app.settings())),
            Request::SetSettings { settings } => {
                app.set_settings(settings).await.map(Answer::Settings)
            }
            Request::AllowPlainSecret { allow } => self.stands(app.allow_plain_secret(allow).await),
            Request::Show { view } => {
                self.windows.show(view);
                Ok(Answer::Done)
            }
            Request::CopyToken => return self.copy_token().await,
            Request::Token => app.token().await.map(Answer::Token),
            Request::OpenLink { url } => return open_link(&url).map(|()| Answer::Done),
            Request::Act { id, offer, allow } => return self.act(id, offer, allow).await,
            Request::Consents => app.consents().await.map(Answer::Consents),
            Request::Revoke { id } => match app.revoke(id).await {
                Ok(()) => app.consents().await.map(Answer::Consents),
                Err(failure) => Err(failure),
            },
            Request::Pause { pause } => self.stands(app.pause(pause).await),
            Request::Mute { mute, on } => app.mute(mute, on).await.map(Answer::Settings),
            Request::Computer => return self.here.told().await,
            Request::SetAutostart { on, hidden } => {
                return self.here.set_autostart(on, hidden).await;
            }
            Request::Doctor => {
                let doctor = self.here.doctor()?;
                return Ok(Answer::Doctor(doctor.examine(Doctored::Running(app)).await));
            }
            Request::TestRelay { relay } => Doctor::test(app, &relay).await.map(Answer::Checked),
            Request::OpenFolder { folder } => return self.here.open(folder),
            Request::Quit => {
                self.quit.send_replace(true);
                Ok(Answer::Done)
            }
        };
        outcome.map_err(failure)
    }

    fn status(&self) -> Answer {
        Answer::Status(self.app.status().borrow().clone())
    }

    fn stands(&self, outcome: Result<(), AppFailure>) -> Result<Answer, AppFailure> {
        outcome.map(|()| self.status())
    }

    async fn copy_token(&self) -> Result<Answer, Failure> {
        let token = self.app.token().await.map_err(failure)?;
        self.copy(token, Kind::Secret).await
    }

    async fn act(&self, id: MessageId, offer: u32, allow: bool) -> Result<Answer, Failure> {
        match self.app.act(id, offer, allow).await.map_err(failure)? {
            Some(deed) => self.perform(deed).await,
            None => Ok(Answer::Done),
        }
    }

    /// Does what the app leaves to the desktop; whatever the person had to agree to, they have.
    pub(crate) async fn perform(&self, deed: Deed) -> Result<Answer, Failure> {
        match deed {
            Deed::Link { url, .. } => open_allowed(&url).map(|()| Answer::Done),
            // A code is a secret for as long as it is of use.
            Deed::Copy { text, code: true } => self.copy(text, Kind::Secret).await,
            Deed::Copy { text, .. } => self.copy(text, Kind::Text).await,
            // The app's own.
            Deed::Call { .. } => Ok(Answer::Done),
        }
    }

    async fn copy(&self, text: String, kind: Kind) -> Result<Answer, Failure> {
        let clipboard = Arc::clone(&self.clipboard);
        let set = tokio::task::spawn_blocking(move || {
            clipboard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .set(text, kind)
        });
        set.await.unwrap_or_else(|error| {
            Err(Failure {
                code: Code::System,
                message: Words::foreign(error.to_string()),
            })
        })?;
        Ok(Answer::Done)
    }
}

fn failure(failure: AppFailure) -> Failure {
    let code = match failure {
        AppFailure::Invalid(_) => Code::Invalid,
        AppFailure::NotFound(_) => Code::NotFound,
        AppFailure::NotConfigured => Code::NotConfigured,
        AppFailure::Ask(_) => Code::Ask,
        AppFailure::System(_) => Code::System,
    };
    Failure {
        code,
        message: failure.words(),
    }
}

/// Serves faces until the agent quits.
pub(crate) async fn serve(agent: &Arc<Agent>, listener: Listener) {
    let mut faces = JoinSet::new();
    let mut quit = agent.quit.subscribe();
    loop {
        tokio::select! {
            () = asked_to(&mut quit) => break,
            Some(_) = faces.join_next() => {}
            accepted = listener.accept(), if faces.len() < FACES => match accepted {
                Ok(connection) => {
                    faces.spawn(face(Arc::clone(agent), connection));
                }
                Err(error) => {
                    // Out of files, most likely: those that end give some back.
                    tracing::warn!(%error, "a face could not connect");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    // Faces end by themselves at quit, after their last answer; who hangs is cut off.
    let ended = async { while faces.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_ANSWERS, ended).await.is_err() {
        tracing::warn!("a face was cut off before its last answer");
    }
}

async fn asked_to(quit: &mut watch::Receiver<bool>) {
    // An error is the agent gone, which is an end as well.
    let _ = quit.wait_for(|quit| *quit).await;
}

async fn face(agent: Arc<Agent>, mut connection: Face) {
    let peer = connection.peer();
    let mut quit = agent.quit.subscribe();
    let mut asked = JoinSet::new();
    let mut told = JoinSet::new();
    let mut windows = false;
    loop {
        tokio::select! {
            () = asked_to(&mut quit) => break,
            // The events' end, or an answer not taken, is a face that does not read.
            Some(_) = told.join_next() => break,
            Some(answered) = asked.join_next() => {
                if !matches!(answered, Ok(true)) {
                    break;
                }
            }
            request = connection.next(), if asked.len() < UNDER_WAY => match request {
                Ok(Some((id, request))) => {
                    if let Request::Subscribe { windows: draws } = request {
                        // What happens from the answer on is told, and once.
                        if told.is_empty() {
                            told.spawn(tell(peer.clone(), Watched::of(&agent)));
                        }
                        if draws && !windows {
                            windows = true;
                            agent.windows.attach(peer.clone());
                            agent.app.problem(Part::Window, None);
                        }
                        let peer = peer.clone();
                        asked.spawn(async move { peer.answer(id, Ok(Answer::Done)).await });
                        continue;
                    }
                    let (agent, peer) = (Arc::clone(&agent), peer.clone());
                    asked.spawn(async move {
                        let outcome = match request {
                            Request::Token if windows => Err(Failure {
                                code: Code::Invalid,
                                message: texts::no_token_for_windows(),
                            }),
                            request => agent.carry_out(request).await,
                        };
                        peer.answer(id, outcome).await
                    });
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "a face said what is no request");
                    break;
                }
            }
        }
    }
    if windows {
        agent.windows.detach(&peer);
    }
    if *quit.borrow() {
        // The answer to the one who asked for the end.
        while asked.join_next().await.is_some() {}
    }
}

/// What a subscriber hears of, from the moment this was made.
struct Watched {
    events: broadcast::Receiver<tidings_app::Event>,
    status: watch::Receiver<Status>,
}

impl Watched {
    fn of(agent: &Agent) -> Self {
        Self {
            events: agent.app.events(),
            status: agent.app.status(),
        }
    }
}

/// Tells a face what changes, from how things stand now on. Ends when it does not keep up.
async fn tell(peer: Peer, watched: Watched) {
    let Watched {
        mut events,
        mut status,
    } = watched;
    status.mark_changed();
    loop {
        let event = tokio::select! {
            Ok(()) = status.changed() => {
                Event::Status(status.borrow_and_update().clone())
            }
            event = events.recv() => match event {
                Ok(event) => match event {
                    tidings_app::Event::Received(row) => Event::Received(row),
                    tidings_app::Event::Changed(ids) => Event::Changed(ids),
                    tidings_app::Event::Sent(sent) => Event::Sent(sent),
                    tidings_app::Event::Drafts => Event::Drafts,
                    tidings_app::Event::Contacts => Event::Contacts,
                    tidings_app::Event::Notice(text) => Event::Notice(text),
                    tidings_app::Event::Settings(settings) => Event::Settings(settings),
                    // The windows' matter, and the agent's.
                    tidings_app::Event::Opened { .. }
                    | tidings_app::Event::Reply(_)
                    | tidings_app::Event::Do(_) => continue,
                },
                // It missed some: it is to read everything anew.
                Err(broadcast::error::RecvError::Lagged(_)) => Event::Changed(Vec::new()),
                Err(broadcast::error::RecvError::Closed) => return,
            },
        };
        if !peer.tell(event) {
            return;
        }
    }
}
