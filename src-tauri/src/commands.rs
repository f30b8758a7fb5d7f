//! What a page may call: a few lines each.
//!
//! Owns the border to the pages: what they ask is checked here, and what fails is told to them as
//! `{code, message}`. Invariant: the token's request does not leave this process.

use std::time::Instant;

use serde::Serialize;
use tauri::ipc::Channel;
use tauri::{AppHandle, State, WebviewWindow};
use tidings_control::{Answer, ClientError, Code, Request, View, Words};

use crate::link::{Link, StartError};
use crate::pages::{Pages, Told};
use crate::{markdown, windows};

/// A failure as pages see it.
#[derive(Debug, Serialize)]
pub(crate) struct Failed {
    /// The agent's code; none where pages need not tell it apart.
    code: Option<Code>,
    /// What happened and what to do, for people.
    message: Words,
}

/// Tells a page, from now on, of the agent and of what to show.
#[tauri::command]
pub(crate) fn attach(window: WebviewWindow, pages: State<'_, Pages>, told: Channel<Told>) {
    pages.attach(window.label(), told);
}

/// Asks the agent.
#[tauri::command]
pub(crate) async fn ask(link: State<'_, Link>, request: Request) -> Result<Answer, Failed> {
    if matches!(request, Request::Token | Request::Subscribe { .. }) {
        return Err(Failed::plain("a window does not ask for that"));
    }
    let agent = link.agent().ok_or(ClientError::NotRunning)?;
    Ok(agent.ask(request).await?)
}

/// A message's body as clean HTML.
#[tauri::command]
pub(crate) async fn render(body: String) -> Result<String, Failed> {
    tauri::async_runtime::spawn_blocking(move || markdown::render(&body))
        .await
        .map_err(|e| Failed::plain(&format!("the message cannot be shown: {e}")))
}

/// Shows a window.
#[tauri::command]
pub(crate) async fn show(app: AppHandle, view: View) -> Result<(), Failed> {
    windows::show(&app, view).map_err(|e| Failed::plain(&format!("cannot show the window: {e}")))
}

/// Closes the page's own window.
#[tauri::command]
pub(crate) async fn close(window: WebviewWindow, pages: State<'_, Pages>) -> Result<(), Failed> {
    pages.done(window.label(), Instant::now());
    window
        .close()
        .map_err(|e| Failed::plain(&format!("cannot close the window: {e}")))
}

/// Starts the agent.
#[tauri::command]
pub(crate) async fn start_agent(link: State<'_, Link>) -> Result<(), Failed> {
    Ok(link.start_agent()?)
}

impl Failed {
    fn plain(message: &str) -> Self {
        Self {
            code: None,
            message: Words::foreign(message),
        }
    }
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Failed(failure) => Self {
                code: Some(failure.code),
                message: failure.message,
            },
            other => Self::plain(&other.to_string()),
        }
    }
}

impl From<StartError> for Failed {
    fn from(error: StartError) -> Self {
        Self::plain(&error.to_string())
    }
}
