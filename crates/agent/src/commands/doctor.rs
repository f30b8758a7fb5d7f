//! `tidings doctor`: what works, what does not, and what to do; also where no agent runs.
//!
//! Owns how a report looks on a terminal, and the exit code. What is found is the app's: asked of the
//! running agent, which sees most; looked at from here where there is none, or none that answers.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use tidings_app::Folders;
use tidings_app::doctor::{Agent, Doctor};
use tidings_control::{
    Answer, Check, Client, ClientError, Language, Report, Request, Subject, Tongue, Verdict,
};

use super::{NOT_RUNNING, NOT_YET, UNEXPECTED, say};
use crate::windows;

/// How long an agent may take: the doctor in it gives up on everything sooner.
const AGENT: Duration = Duration::from_secs(15);

/// Columns of a line of words; longer ones go on below.
const COLUMNS: usize = 72;

/// Prints the report; the exit code tells the worst verdict.
pub(super) async fn show(test: bool, json: bool) -> Result<ExitCode> {
    let (report, running) = report(test).await?;
    if json {
        say(serde_json::to_string_pretty(&report)?)?;
    } else {
        say(table(&report, Tongue::of(Language::System)))?;
    }
    Ok(match report.worst() {
        _ if !running => ExitCode::from(NOT_RUNNING),
        Verdict::Good | Verdict::Note => ExitCode::SUCCESS,
        Verdict::Warning => ExitCode::from(NOT_YET),
        Verdict::Fault => ExitCode::FAILURE,
    })
}

/// The report, and whether it is the running agent's.
async fn report(test: bool) -> Result<(Report, bool)> {
    let asked = async {
        let (agent, _events) = super::agent().await?;
        agent
            .ask(Request::Doctor)
            .await
            .map(|answer| (agent, answer))
    };
    let agent = match tokio::time::timeout(AGENT, asked).await {
        Ok(Ok((agent, Answer::Doctor(mut report)))) => {
            if test {
                tested(&agent, &mut report).await?;
            }
            return Ok((report, true));
        }
        Ok(Ok(_)) => bail!(UNEXPECTED),
        Ok(Err(ClientError::NotRunning)) => Agent::Absent,
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => Agent::Silent,
    };
    let doctor = Doctor::new(Folders::of_user()?, windows::program()?);
    Ok((doctor.examine(agent).await, false))
}

/// Adds behind each relay how a test message went by it.
async fn tested(agent: &Client, report: &mut Report) -> Result<()> {
    let mut checks = Vec::new();
    for check in std::mem::take(&mut report.checks) {
        let relay = check.relay.clone();
        let tests = check.subject == Subject::Relay;
        checks.push(check);
        if let Some(relay) = relay.filter(|_| tests) {
            match agent.ask(Request::TestRelay { relay }).await? {
                Answer::Checked(check) => checks.push(check),
                _ => bail!(UNEXPECTED),
            }
        }
    }
    report.checks = checks;
    Ok(())
}

fn table(report: &Report, tongue: Tongue) -> String {
    let titles = report.checks.iter().map(|check| title(check, tongue));
    let titles: Vec<String> = titles.collect();
    let wide = titles.iter().map(|title| columns(title)).max().unwrap_or(0);
    let mut lines = vec![
        format!("Tidings {}, {}", report.version, report.system),
        String::new(),
    ];
    for (check, title) in report.checks.iter().zip(&titles) {
        let gap = " ".repeat(wide - columns(title) + 2);
        let below = " ".repeat(MARK + wide + 2);
        let mut first = format!("{:MARK$}{title}{gap}", mark(check.verdict));
        let mut texts = vec![check.found.say(tongue).to_owned()];
        texts.extend(check.advice.as_ref().map(|words| {
            let advice = words.say(tongue);
            format!("→ {advice}")
        }));
        // Of a test message's way the hops are what was asked for.
        if check.subject == Subject::Trip {
            let hops = check.details.iter();
            let hops = hops.map(|d| format!("{}: {}", d.name.say(tongue), d.value));
            texts.push(hops.collect::<Vec<_>>().join(", "));
        }
        for line in texts.iter().flat_map(|text| wrapped(text)) {
            lines.push(format!("{first}{line}"));
            first.clone_from(&below);
        }
    }
    lines.join("\n")
}

/// Columns of a mark, and the blanks behind it.
const MARK: usize = 6;

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "ok",
        Verdict::Note => "note",
        Verdict::Warning => "warn",
        Verdict::Fault => "FAIL",
    }
}

fn title(check: &Check, tongue: Tongue) -> String {
    check.title.say(tongue).to_owned()
}

/// Columns a text takes on a terminal, as far as our own two languages go.
fn columns(text: &str) -> usize {
    let wide = |c| matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ff00}'..='\u{ff60}');
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// Broken between words; Chinese has no blanks to break at, and terminals break it themselves.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if columns(line) + 1 + columns(word) <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_control::Words;

    #[test]
    fn the_table_is_read_at_a_glance_in_both_languages() {
        let check = |verdict, title, advice| Check {
            subject: Subject::Tray,
            relay: None,
            title,
            verdict,
            found: Words::new(
                "It is so, at some length, which is more than one line of a terminal takes without trouble.",
                "是这样。",
            ),
            advice,
            details: Vec::new(),
            remedy: None,
        };
        let report = Report {
            at: 0,
            version: "1".into(),
            system: "Debian".into(),
            checks: vec![
                check(Verdict::Good, Words::new("Tray", "托盘"), None),
                check(
                    Verdict::Fault,
                    Words::new("Notifications", "通知"),
                    Some(Words::new("Do.", "做。")),
                ),
            ],
        };
        let english = "Tidings 1, Debian\n\n\
            ok    Tray           It is so, at some length, which is more than one line of a terminal\n\
            \x20                    takes without trouble.\n\
            FAIL  Notifications  It is so, at some length, which is more than one line of a terminal\n\
            \x20                    takes without trouble.\n\
            \x20                    → Do.";
        assert_eq!(table(&report, Tongue::English), english);
        let chinese = "Tidings 1, Debian\n\n\
            ok    托盘  是这样。\n\
            FAIL  通知  是这样。\n\
            \x20           → 做。";
        assert_eq!(table(&report, Tongue::Chinese), chinese);
    }
}
