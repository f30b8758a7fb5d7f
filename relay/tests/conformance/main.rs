//! Conformance: the recorded conversations of the reference server and its clients, replayed
//! against the relay frame by frame. What comes back is equal, or a row of `differences` says why
//! not; every case is accounted for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and this one prints its account"
)]

mod differences;
mod pushes;
mod replay;
mod script;
mod servers;
mod table;
mod table_http;
mod table_push;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    differences::Why,
    servers::{SERVERS, apart},
    table::SOCKETS,
    table_http::HTTP,
    table_push::PUSHES,
};

/// What became of a case.
#[derive(Debug, PartialEq)]
enum Outcome {
    Equal,
    Differs(BTreeSet<Why>),
    /// It is not about the server, or not about the protocol.
    Apart(&'static str),
    Failed(String),
}

#[test]
fn every_recorded_case_is_equal_or_a_named_difference() {
    let cases = script::cases();
    assert_eq!(cases.len(), 188, "the recording has changed");
    let mut outcomes: BTreeMap<String, Outcome> = BTreeMap::new();
    let mut servers: Vec<(usize, servers::Cases)> = Vec::new();
    let mut rows_used = BTreeSet::new();
    for mut case in cases {
        if let Some(server) = SERVERS.iter().position(|server| server.first == case.name) {
            servers.push((server, Vec::new()));
        }
        if let Some(reason) = apart(&case) {
            outcomes.insert(case.name, Outcome::Apart(reason));
            continue;
        }
        let mut whys = BTreeSet::new();
        for (row, difference) in SOCKETS.iter().chain(HTTP).chain(PUSHES).enumerate() {
            if difference.is_about(&case.name) {
                assert!(
                    difference.apply(&mut case),
                    "row {row} ({}) changes nothing in {}",
                    difference.text,
                    case.name
                );
                whys.insert(difference.why);
                rows_used.insert(row);
            }
        }
        servers.last_mut().unwrap().1.push((case, whys));
    }
    for (row, difference) in SOCKETS.iter().chain(HTTP).chain(PUSHES).enumerate() {
        assert!(
            rows_used.contains(&row),
            "row {row} is of no case: {} {:?}",
            difference.text,
            difference.cases
        );
    }
    let mut compared = 0;
    let threads: Vec<_> = servers
        .into_iter()
        .map(|(server, cases)| std::thread::spawn(move || servers::replay(&SERVERS[server], cases)))
        .collect();
    for thread in threads {
        let (of_server, frames) = thread.join().unwrap();
        compared += frames;
        for (name, whys, result) in of_server {
            let outcome = match result {
                Err(error) => Outcome::Failed(error),
                Ok(()) if whys.is_empty() => Outcome::Equal,
                Ok(()) => Outcome::Differs(whys),
            };
            outcomes.insert(name, outcome);
        }
    }
    account(&outcomes, compared);
}

fn account(outcomes: &BTreeMap<String, Outcome>, compared: usize) {
    let (mut equal, mut differs, mut failed) = (0, 0, Vec::new());
    let mut apart: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, outcome) in outcomes {
        match outcome {
            Outcome::Equal => equal += 1,
            Outcome::Differs(whys) => {
                differs += 1;
                println!("differs: {name}: {whys:?}");
            }
            Outcome::Apart(reason) => *apart.entry(reason).or_default() += 1,
            Outcome::Failed(error) => failed.push(format!("{name}\n    {error}")),
        }
    }
    let aside: usize = apart.values().sum();
    println!(
        "{} cases: {equal} equal, {differs} with named differences, {aside} apart {apart:?}; \
         {compared} frames and answers compared",
        outcomes.len(),
    );
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert_eq!(equal + differs + aside, 188);
}
