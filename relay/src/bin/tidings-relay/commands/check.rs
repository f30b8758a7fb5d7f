//! `check`: what would hold if the relay were started now.

use std::{fmt::Write as _, process::ExitCode};

use clap::ArgMatches;

use crate::{layers::Layers, print, settings};

/// Prints every setting with its origin, then what is wrong. Fails if something is.
pub(crate) fn check(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let read = settings::read(&Layers::gather(matches)?);
    let mut text = String::new();
    let width = |of: fn(&settings::Line) -> usize| read.lines.iter().map(of).max().unwrap_or(0);
    let (names, values) = (width(|l| l.name.len()), width(|l| l.value.chars().count()));
    for line in &read.lines {
        let value = if line.value.is_empty() {
            "-"
        } else {
            &line.value
        };
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "{:names$}  {value:values$}  {}",
            line.name, line.origin
        );
    }
    for warning in &read.warnings {
        let _ = writeln!(text, "note: {warning}");
    }
    for problem in &read.problems {
        let _ = writeln!(text, "wrong: {problem}");
    }
    if read.problems.is_empty() {
        text.push_str("ok: the relay can start like this\n");
        print(&text);
        return Ok(ExitCode::SUCCESS);
    }
    print(&text);
    Ok(ExitCode::FAILURE)
}
