//! What the facts mean, in both languages. Pure: facts and status in, a [`Check`] out.
//!
//! Owns the verdicts and the words; each check says what is, and where something is to be done, what.
//! Invariant: whatever came from outside has passed [`clean`](super::clean).

mod computer;
mod desktop;
mod relay;

pub(super) use computer::{autostart, disk, window};
pub(super) use desktop::{notifications, quiet, secrets, tray};
pub(super) use relay::{Member, clock, connection, no_relay, skew, trip};

use tidings_control::{Check, Detail, Remedy, Subject, Verdict, Words};

use super::{Seen, clean, problem, words};
use crate::types::{Part, Status};

/// A notification service, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Daemon {
    pub(super) name: String,
    pub(super) vendor: String,
    pub(super) version: String,
    /// The version of the specification it follows.
    pub(super) specification: String,
    pub(super) abilities: Vec<String>,
}

/// The desktop's own do-not-disturb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rest {
    /// Where it is read; none where it cannot be.
    pub(super) by: Option<String>,
    pub(super) on: bool,
}

/// The collection of the keyring in which secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collection {
    /// There is a keyring, and nothing in it to keep secrets in.
    Missing,
    Locked,
    Open,
}

/// Whether Tidings runs, and since it does, whether it is well.
pub(super) fn agent(silent: bool, status: Option<&Status>) -> Check {
    let title = words("Tidings", "Tidings");
    if silent {
        return Check {
            advice: Some(words(
                "End it in the system's list of processes, and start it again. No message is lost.",
                "请在系统的进程列表中结束它，然后重新启动。消息不会丢失。",
            )),
            ..check(
                Subject::Agent,
                title,
                Verdict::Fault,
                words(
                    "Tidings runs and does not answer.",
                    "Tidings 正在运行，但没有应答。",
                ),
            )
        };
    }
    let Some(status) = status else {
        return Check {
            advice: Some(words(
                "Start it with `tidings`, or from the list of applications. What can be checked without it is below.",
                "请用 `tidings` 命令或从应用程序列表启动它。以下是未运行时也能检查的内容。",
            )),
            ..check(
                Subject::Agent,
                title,
                Verdict::Fault,
                words(
                    "Tidings does not run, so no message arrives.",
                    "Tidings 未运行，因此收不到任何消息。",
                ),
            )
        };
    };
    Check {
        details: vec![detail("Version", "版本", &status.version)],
        ..check(
            Subject::Agent,
            title,
            Verdict::Good,
            words("Tidings runs.", "Tidings 正在运行。"),
        )
    }
}

fn check(subject: Subject, title: Words, verdict: Verdict, found: Words) -> Check {
    Check {
        subject,
        relay: None,
        title,
        verdict,
        found,
        advice: None,
        details: Vec::new(),
        remedy: None,
    }
}

fn detail(en: &str, zh: &str, value: impl AsRef<str>) -> Detail {
    Detail {
        name: words(en, zh),
        value: clean::said(value.as_ref()),
    }
}

/// The check, with what the agent knows to be wrong where the look found nothing wrong.
fn with_problem(check: Check, status: Option<&Status>, part: Part) -> Check {
    match problem(status, part) {
        Some(told) if check.verdict < Verdict::Warning => Check {
            verdict: Verdict::Warning,
            found: told,
            ..check
        },
        _ => check,
    }
}

/// The words for a look that found nothing out: `what` did not answer, or failed.
fn unknown<T>(seen: &Seen<T>, en: &str, zh: &str) -> Words {
    match seen {
        Seen::Failed(reason) => {
            let reason = clean::said(reason);
            words(
                format!("{en} could not be asked: {reason}"),
                format!("无法查询{zh}：{reason}"),
            )
        }
        _ => words(
            format!("{en} did not answer within a few seconds."),
            format!("{zh}在数秒内没有应答。"),
        ),
    }
}

#[cfg(test)]
mod tests;
