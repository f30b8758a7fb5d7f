//! Watches a bus for notifications that a real daemon shows: when each was answered.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::SystemTime;

use anyhow::Context;
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use zbus::message::Type;
use zbus::zvariant::Value;
use zbus::{Message, MessageStream};

use crate::bus::Bus;
use crate::wait;

/// A watch over a bus. It ends when dropped.
#[derive(Debug)]
pub struct Monitor {
    shown: watch::Receiver<Vec<Shown>>,
    task: JoinHandle<()>,
}

/// A notification that the daemon has answered.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The connection that asked for it.
    pub program: String,
    /// Its title.
    pub summary: String,
    /// When the daemon answered.
    pub at: SystemTime,
}

/// Who called, and with which number: what an answer names.
type Call = (String, NonZeroU32);

impl Monitor {
    /// Starts to watch.
    ///
    /// # Errors
    /// When the bus does not allow it.
    pub async fn start(bus: &Bus) -> anyhow::Result<Self> {
        let connection = bus.connect().await?;
        let monitoring = zbus::fdo::MonitoringProxy::new(&connection).await?;
        let mut messages = MessageStream::from(&connection);
        monitoring.become_monitor(&[], 0).await?;
        let (show, shown) = watch::channel(Vec::new());
        let task = tokio::spawn(async move {
            let mut open = HashMap::new();
            while let Some(Ok(message)) = messages.next().await {
                if let Some(now_shown) = watched(&message, &mut open) {
                    show.send_modify(|all| all.push(now_shown));
                }
            }
        });
        Ok(Self { shown, task })
    }

    /// Waits until a notification with this title is shown.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn shown(&self, summary: &str) -> anyhow::Result<Shown> {
        let mut shown = self.shown.clone();
        let titled = |shown: &&Shown| shown.summary == summary;
        let what = format!("the notification {summary:?}");
        let came = shown.wait_for(|all| all.iter().any(|shown| titled(&shown)));
        let all = wait::at_most(&what, wait::SOON, came).await?;
        all.iter().find(titled).cloned().context("it came")
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Keeps Notify calls; gives the one that this message answers.
fn watched(message: &Message, open: &mut HashMap<Call, String>) -> Option<Shown> {
    let header = message.header();
    match message.message_type() {
        Type::MethodCall if header.member()?.as_str() == "Notify" => {
            let body = message.body();
            let (_, _, _, summary, ..): Arguments<'_> = body.deserialize().ok()?;
            let call = (header.sender()?.to_string(), header.primary().serial_num());
            open.insert(call, summary.to_owned());
            None
        }
        Type::MethodReturn => {
            let program = header.destination()?.to_string();
            let call = (program, header.reply_serial()?);
            let summary = open.remove(&call)?;
            Some(Shown {
                program: call.0,
                summary,
                at: SystemTime::now(),
            })
        }
        _ => None,
    }
}

/// The arguments of Notify: program, replaced number, icon, title, body, actions, hints, timeout.
type Arguments<'b> = (
    &'b str,
    u32,
    &'b str,
    &'b str,
    &'b str,
    Vec<&'b str>,
    HashMap<&'b str, Value<'b>>,
    i32,
);
