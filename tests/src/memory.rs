//! How much memory a process and what it started take, as the kernel counts it.

use std::fs;

use anyhow::Context;

/// Memory in MiB.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Proportional: a page shared by n processes counts an nth for each.
    pub pss: f64,
    /// Resident: every page that is in memory, shared or not.
    pub rss: f64,
}

impl Memory {
    /// That of a process and all its descendants, by `/proc/PID/smaps_rollup`.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn of_tree(id: u32) -> anyhow::Result<Self> {
        let mut sum = Self::of(id)?;
        for child in children(id) {
            // One may have ended in between.
            if let Ok(below) = Self::of_tree(child) {
                sum.pss += below.pss;
                sum.rss += below.rss;
            }
        }
        Ok(sum)
    }

    fn of(id: u32) -> anyhow::Result<Self> {
        let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
        let mib = |key: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(key));
            let kib = line.and_then(|line| line.split_whitespace().next());
            let kib: f64 = kib.with_context(|| format!("no {key}"))?.parse()?;
            anyhow::Ok(kib / 1024.0)
        };
        Ok(Self {
            pss: mib("Pss:")?,
            rss: mib("Rss:")?,
        })
    }
}

/// Time that a process has spent on a processor, in ticks of the kernel's (usually 10 ms).
///
/// # Errors
/// When the process has ended.
pub fn ticks(id: u32) -> anyhow::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name, in brackets, may hold anything; what follows does not.
    let (_, fields) = stat.rsplit_once(')').context("a name in brackets")?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next().context("user time")?.parse()?;
    let system: u64 = fields.next().context("system time")?.parse()?;
    Ok(user + system)
}

fn children(id: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{id}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let lists: String = lists.collect::<Vec<_>>().join(" ");
    lists
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}
