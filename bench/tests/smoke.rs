//! Every workload once, as small as can be, against the null hub and our relay: the bench works. No figure is
//! judged here; this machine may be busy with anything.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What a run must have measured, by the beginning of the workload's name.
const MEASURED: &[(&str, &[&str])] = &[
    (
        "one to one, window 256",
        &["null", "relay-os", "relay-disk"],
    ),
    ("one to one, window 1", &["null", "relay-os", "relay-disk"]),
    ("50 to 50", &["null", "relay-os", "relay-disk"]),
    ("one to 5", &["null", "relay-os", "relay-disk"]),
    ("latency at 50/s", &["null", "relay-os", "relay-disk"]),
    ("latency at 2,000/s", &["null", "relay-os", "relay-disk"]),
    ("drain of 100", &["relay-os", "relay-disk"]),
    ("HTTP, keep-alive", &["relay-os", "relay-disk"]),
    ("HTTP, a connection each", &["relay-os", "relay-disk"]),
    ("one to one with 10 known", &["relay-os"]),
    ("one to one with 100 queued", &["relay-os"]),
    ("restart with 100 queued", &["relay-os"]),
    ("5 idle: memory", &["relay-os"]),
];

#[test]
fn every_workload_measures_something() {
    let bench = Path::new(env!("CARGO_BIN_EXE_tidings-bench"));
    let relay = bench.with_file_name("tidings-relay");
    assert!(
        relay.exists(),
        "the relay is not built: `cargo build --package tidings-relay`"
    );
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(bench)
        .args(["--tiny", "--system", "null", "--system", "relay-os"])
        .args(["--system", "relay-disk", "--relay"])
        .arg(relay)
        .arg("--to")
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    let complained = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}{complained}");
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: Vec<Value> = serde_json::from_str(&report).unwrap();
    for (workload, systems) in MEASURED {
        let seen: BTreeSet<_> = report
            .iter()
            .filter(|row| row["workload"].as_str().unwrap().starts_with(workload))
            .map(|row| row["system"].as_str().unwrap())
            .collect();
        assert_eq!(seen, systems.iter().copied().collect(), "{workload}");
    }
    for row in &report {
        assert!(row["value"].is_number() && row["unit"].is_string(), "{row}");
        assert!(row["rounds"] == 1 && row["spread"] == 0.0, "{row}");
    }
    assert!(folder.path().join("report.md").exists());
    assert!(
        folder
            .path()
            .join("plots/one-to-one-window-256.svg")
            .exists()
    );
}
