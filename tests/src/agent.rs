//! The real agent: started, asked, stopped and killed.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context;
use rustix::process::Signal;
use tidings_control::{
    Answer, Client, Connection, Events, Filter, Hosted, Join, Message, Reach, Request, Row, Sent,
    Status,
};

use crate::home::Home;
use crate::process::{self, Process};
use crate::programs::Programs;
use crate::wait;

/// A running agent. Dropping it kills it.
#[derive(Debug)]
pub struct Agent {
    process: Process,
    socket: PathBuf,
}

impl Agent {
    /// Starts `tidings` as the session does at login, and waits until it answers.
    ///
    /// # Errors
    /// When it ends or does not answer; with its log.
    pub async fn start(home: &Home, programs: &Programs) -> anyhow::Result<Self> {
        Self::start_with(home, programs, &["--hidden"]).await
    }

    /// Starts `tidings` with these arguments, and waits until it answers.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(
        home: &Home,
        programs: &Programs,
        arguments: &[&str],
    ) -> anyhow::Result<Self> {
        let mut command = home.command(programs.path("tidings")?);
        command.args(arguments);
        let mut agent = Self {
            process: Process::start(home, "tidings", command)?,
            socket: home.path("run/tidings/control.sock"),
        };
        wait::until("the agent", wait::START, async || {
            let ended = agent.process.ended()?;
            anyhow::ensure!(ended.is_none(), "it ended: {ended:?}");
            agent.status().await.map(Some)
        })
        .await
        .with_context(|| agent.log())?;
        Ok(agent)
    }

    /// Its process number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.errors() + &self.process.output()
    }

    /// Asks it.
    ///
    /// # Errors
    /// When it refuses or does not answer in time.
    pub async fn ask(&self, request: Request) -> anyhow::Result<Answer> {
        let what = format!("{request:?}");
        let ask = async {
            let (client, _) = Client::connect(&self.socket).await?;
            client.ask(request).await
        };
        wait::at_most(&what, wait::SOON, ask).await
    }

    /// Subscribes to its events, as a face without windows.
    ///
    /// # Errors
    /// When it does not answer in time.
    pub async fn events(&self) -> anyhow::Result<(Client, Events)> {
        let (client, events) = Client::connect(&self.socket).await?;
        let subscribe = client.ask(Request::Subscribe { windows: false });
        wait::at_most("the subscription", wait::SOON, subscribe).await?;
        Ok((client, events))
    }

    /// How things stand.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn status(&self) -> anyhow::Result<Status> {
        match self.ask(Request::Status).await? {
            Answer::Status(status) => Ok(status),
            other => anyhow::bail!("no status but {other:?}"),
        }
    }

    /// Waits until things stand as wanted.
    ///
    /// # Errors
    /// When they do not in time; says how they stand.
    pub async fn until(
        &self,
        what: &str,
        mut wanted: impl FnMut(&Status) -> bool,
    ) -> anyhow::Result<Status> {
        wait::until(what, wait::START, async || {
            let status = self.status().await?;
            anyhow::ensure!(wanted(&status), "the status is {status:?}");
            Ok(Some(status))
        })
        .await
    }

    /// Waits until it is connected to its relay.
    ///
    /// # Errors
    /// As [`Self::until`].
    pub async fn until_connected(&self) -> anyhow::Result<Status> {
        let connected = |s: &Status| matches!(s.connection(), Connection::Connected { .. });
        self.until("the connection to the relay", connected).await
    }

    /// Lets it host a relay for this computer, keep its token in a file, and connect as `name`.
    ///
    /// # Errors
    /// As [`Self::until`].
    pub async fn host(&self, name: &str) -> anyhow::Result<Hosted> {
        self.ask(Request::AllowPlainSecret { allow: true }).await?;
        let (reach, name) = (Reach::Computer, Some(name.to_owned()));
        self.ask(Request::Host { reach, name }).await?;
        let status = self.until_connected().await?;
        status.hosted.context("it hosts a relay")
    }

    /// Lets it join a relay, and keep the token in a file.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn join(&self, address: String, name: &str, token: &str) -> anyhow::Result<()> {
        self.join_in(address, name, token, "").await
    }

    /// As [`Self::join`], as a member of a group.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn join_in(
        &self,
        address: String,
        name: &str,
        token: &str,
        group: &str,
    ) -> anyhow::Result<()> {
        self.ask(Request::AllowPlainSecret { allow: true }).await?;
        let (name, token) = (name.to_owned(), Some(token.to_owned()));
        let group = group.to_owned();
        let relay = Join {
            id: None,
            address,
            name,
            group,
            token,
        };
        self.ask(Request::Join { relay }).await?;
        Ok(())
    }

    /// The token of its relay.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn token(&self) -> anyhow::Result<String> {
        match self.ask(Request::Token).await? {
            Answer::Token(token) => Ok(token),
            other => anyhow::bail!("no token but {other:?}"),
        }
    }

    /// Its newest messages, newest first.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn inbox(&self) -> anyhow::Result<Vec<Row>> {
        let all = Request::Inbox {
            before: None,
            limit: 200,
            filter: Filter::default(),
        };
        match self.ask(all).await? {
            Answer::Inbox(rows) => Ok(rows),
            other => anyhow::bail!("no inbox but {other:?}"),
        }
    }

    /// Waits until a message with this title is in the inbox.
    ///
    /// # Errors
    /// When there is none in time; says what there is.
    pub async fn stored(&self, title: &str) -> anyhow::Result<Row> {
        let what = format!("the message {title:?} in the inbox");
        wait::until(&what, wait::SOON, async || {
            let rows = self.inbox().await?;
            let found = rows.iter().find(|row| row.title == title).cloned();
            found
                .with_context(|| format!("the inbox is {rows:?}"))
                .map(Some)
        })
        .await
    }

    /// A message whole.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn message(&self, id: u64) -> anyhow::Result<Message> {
        match self.ask(Request::Message { id }).await? {
            Answer::Message(message) => Ok(*message),
            other => anyhow::bail!("no message but {other:?}"),
        }
    }

    /// Waits until a sent message with this title is as wanted.
    ///
    /// # Errors
    /// When it is not in time; says how it is.
    pub async fn sent(
        &self,
        title: &str,
        mut wanted: impl FnMut(&Sent) -> bool,
    ) -> anyhow::Result<Sent> {
        let what = format!("the status of the sent message {title:?}");
        wait::until(&what, wait::START, async || {
            let page = Request::Sent {
                before: None,
                limit: 200,
                search: String::new(),
            };
            let Answer::Sent(sent) = self.ask(page).await? else {
                anyhow::bail!("no page of sent messages");
            };
            let found = sent.iter().find(|s| s.draft.title == title && wanted(s));
            let found = found.cloned();
            found
                .with_context(|| format!("sent are {sent:?}"))
                .map(Some)
        })
        .await
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        self.process.signal(signal)
    }

    /// Kills it, without a chance to say or write anything more.
    ///
    /// # Errors
    /// When it has ended already.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)?;
        self.end(wait::SOON).await?;
        Ok(())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it still runs after `within`.
    pub async fn end(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        self.process.end(within).await
    }
}

/// Runs `tidings` as a command line beside a running agent: how it ended and what it said.
///
/// # Errors
/// When it takes longer than [`wait::START`].
pub async fn command(
    home: &Home,
    programs: &Programs,
    arguments: &[&str],
) -> anyhow::Result<(ExitStatus, String, String)> {
    let mut command = home.command(programs.path("tidings")?);
    command.args(arguments);
    process::finish(home, "command", command).await
}
