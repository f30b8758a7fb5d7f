//! Every verdict, over every way a look can end: what is told is told in both languages, says what to
//! do where something is wrong, and holds no secret wherever one was planted.

use std::path::{Path, PathBuf};

use super::*;
use crate::autostart::AtLogin;
use crate::board::Board;
use crate::doctor::probe::Disk;
use crate::types::{Held, Settings};

/// Planted in every field that comes from outside.
const SECRET: &str = "S3CRET";

fn planted() -> String {
    format!("x token={SECRET} at wss://me:{SECRET}@host/{SECRET}?token={SECRET}")
}

/// A look in every way it can end.
fn ways<T>(found: Vec<T>) -> Vec<Seen<T>> {
    let mut ways: Vec<Seen<T>> = found.into_iter().map(Seen::Found).collect();
    ways.push(Seen::Nothing);
    ways.push(Seen::Silent);
    ways.push(Seen::Failed(planted()));
    ways.push(Seen::Elsewhere);
    ways
}

fn daemon(abilities: &[&str]) -> Daemon {
    Daemon {
        name: format!("dunst {}", planted()),
        vendor: planted(),
        version: "1.9".into(),
        specification: planted(),
        abilities: abilities.iter().map(|&a| a.to_owned()).collect(),
    }
}

fn status(held: Option<Held>) -> Status {
    let board = Board::new();
    for part in [Part::Disk, Part::Secrets, Part::Window, Part::Tray] {
        board.problem(part, Some(Words::foreign(planted())));
    }
    board.update(|status| status.quiet.held = held);
    board.status()
}

fn every() -> Vec<Check> {
    let well = Board::new().status();
    let mut all = Vec::new();
    let helds = [
        None,
        Some(Held::Paused),
        Some(Held::Hours),
        Some(Held::Desktop),
    ];
    let mut statuses: Vec<Option<Status>> = vec![None, Some(well)];
    statuses.extend(helds.map(|held| Some(status(held))));
    for status in statuses.iter().map(Option::as_ref) {
        all.push(agent(false, status));
        all.push(agent(true, status));
        for seen in ways(vec![daemon(&[]), daemon(&["body", "actions"])]) {
            all.push(notifications(&seen, status));
        }
        let rest = |by: Option<&str>, on| Rest {
            by: by.map(str::to_owned),
            on,
        };
        for seen in ways(vec![
            rest(None, false),
            rest(Some("x"), true),
            rest(Some("x"), false),
        ]) {
            for follow in [true, false] {
                let mut settings = Settings::default();
                settings.notifications.follow_desktop = follow;
                all.push(quiet(&seen, status, Some(&settings)));
            }
        }
        for seen in ways(vec![true, false]) {
            all.push(tray(&seen, status));
        }
        for seen in ways(vec![
            Collection::Missing,
            Collection::Locked,
            Collection::Open,
        ]) {
            all.push(secrets(&seen, status));
        }
        for seen in ways(vec![planted()]) {
            all.push(window(&seen, status));
        }
        let disk_of = |free, writable| Disk {
            inbox: 1,
            free,
            writable,
        };
        let full = [None, Some(0), Some(100_000_000), Some(u64::MAX)];
        let mut disks: Vec<Disk> = full.map(|free| disk_of(free, true)).into();
        disks.push(disk_of(None, false));
        for seen in ways(disks) {
            all.push(disk(
                &seen,
                Path::new("/users/ann/.local/share/tidings"),
                status,
            ));
        }
    }
    let on = |other: Option<PathBuf>| AtLogin::On {
        hidden: true,
        other,
    };
    let stale = AtLogin::Stale {
        hidden: false,
        program: planted(),
    };
    let logins = [
        AtLogin::Off,
        AtLogin::OffElsewhere,
        on(None),
        on(Some("/opt/tidings".into())),
        stale,
    ];
    let file = PathBuf::from("/users/ann/.config/autostart/tidings.desktop");
    let logins = logins.map(|login| (login, file.clone()));
    all.extend(ways(logins.into()).iter().filter_map(autostart));
    all
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..'\u{a000}').contains(&c))
}

#[test]
fn every_verdict_is_told_in_both_languages_and_says_what_to_do() {
    for check in every() {
        let told = format!("{check:?}");
        assert!(
            check.found.en.ends_with(['.', '…']) || check.found.en.contains("host"),
            "{told}"
        );
        assert!(
            !check.title.en.is_empty() && !check.title.zh.is_empty(),
            "{told}"
        );
        // The agent's own account of a problem is in the language it speaks.
        let own = check.found.en == check.found.zh;
        assert!(own || is_chinese(&check.found.zh), "{told}");
        assert!(!is_chinese(&check.found.en), "{told}");
        if let Some(advice) = &check.advice {
            assert!(advice.en.ends_with('.') && is_chinese(&advice.zh), "{told}");
        }
        if check.verdict == Verdict::Fault && check.subject != Subject::Window {
            assert!(check.advice.is_some(), "a fault without advice: {told}");
        }
        for detail in &check.details {
            assert!(is_chinese(&detail.name.zh), "{told}");
        }
    }
}

#[test]
fn no_secret_that_was_planted_comes_out() {
    let all = every();
    assert!(all.len() > 100, "{}", all.len());
    for check in all {
        let told = serde_json::to_string(&check).unwrap();
        assert!(!told.contains(SECRET), "{told}");
    }
}

#[test]
fn verdicts_tell_what_matters_from_what_does_not() {
    let verdict = |check: Check| check.verdict;
    let well = Board::new().status();
    let all = daemon(&["body", "actions", "persistence", "sound"]);
    assert_eq!(verdict(agent(false, None)), Verdict::Fault);
    assert_eq!(verdict(agent(false, Some(&well))), Verdict::Good);
    assert_eq!(
        verdict(notifications(&Seen::Found(all), None)),
        Verdict::Good
    );
    let plain = notifications(&Seen::Found(daemon(&["body"])), None);
    assert!(plain.advice.is_some_and(|a| a.en.contains("no buttons")));
    assert_eq!(verdict(notifications(&Seen::Nothing, None)), Verdict::Fault);
    assert_eq!(verdict(notifications(&Seen::Silent, None)), Verdict::Fault);
    assert_eq!(verdict(tray(&Seen::Nothing, None)), Verdict::Warning);
    assert_eq!(
        verdict(secrets(&Seen::Found(Collection::Open), None)),
        Verdict::Good
    );
    assert_eq!(verdict(secrets(&Seen::Silent, None)), Verdict::Warning);
    let disk_with = |free| {
        let disk_of = Disk {
            inbox: 0,
            free: Some(free),
            writable: true,
        };
        verdict(disk(&Seen::Found(disk_of), Path::new("/x"), None))
    };
    assert_eq!(disk_with(1_000_000), Verdict::Fault);
    assert_eq!(disk_with(100_000_000), Verdict::Warning);
    assert_eq!(disk_with(10_000_000_000), Verdict::Good);
}
