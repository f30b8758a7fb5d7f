//! What the agent costs while nothing happens: memory, time on a processor, wake-ups by thread.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tidings_tests::agent::Agent;
use tidings_tests::memory::{self, Memory};

/// Until what the window and the searches left behind has settled.
const SETTLE: Duration = Duration::from_secs(20);

/// Watches it for so long.
pub(crate) async fn watch(agent: &Agent, long: Duration) -> anyhow::Result<Value> {
    tokio::time::sleep(SETTLE).await;
    let id = agent.id();
    let (ticks, wakes) = (memory::ticks(id)?, wakes(id)?);
    tokio::time::sleep(long).await;
    let spent = memory::ticks(id)? - ticks;
    let after = self::wakes(id)?;
    let woken: BTreeMap<&String, u64> = after
        .iter()
        .map(|(thread, count)| (thread, count - wakes.get(thread).unwrap_or(&0)))
        .collect();
    let memory = Memory::of_tree(id)?;
    Ok(json!({
        "seconds": long.as_secs(),
        "pss_mib": memory.pss,
        "rss_mib": memory.rss,
        // The kernel's ticks are 10 ms wherever this runs.
        "cpu_seconds": spent as f64 / 100.0,
        "wakes": woken.values().sum::<u64>(),
        "wakes_by_thread": woken,
    }))
}

/// How often each thread went to sleep of itself, by name and number.
fn wakes(id: u32) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut all = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{id}/task"))? {
        let folder = thread?.path();
        // One may have ended in between.
        let Ok(status) = fs::read_to_string(folder.join("status")) else {
            continue;
        };
        let field = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.map(|value| value.trim().to_owned())
        };
        let name = field("Name:").context("a name")?;
        let count = field("voluntary_ctxt_switches:").context("a count")?;
        let number = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        all.insert(format!("{name} {number}"), count.parse()?);
    }
    Ok(all)
}
