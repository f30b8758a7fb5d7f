//! What was told in each life of the agent, against what the inbox knows of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use tidings_tests::notifications::Notify;

/// A call that left before a message was read may arrive after it.
const CROSSING: Duration = Duration::from_secs(1);

/// A message in the inbox's file.
pub(crate) struct Row {
    pub(crate) title: String,
    /// Marked as told of.
    pub(crate) told: bool,
    pub(crate) read: bool,
}

/// Looks into the inbox's file.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn look(file: &Path) -> anyhow::Result<Vec<Row>> {
    let inbox = rusqlite::Connection::open(file).context("the inbox's file")?;
    let mut rows = inbox
        .prepare("SELECT title, notified_at IS NOT NULL, read_at IS NOT NULL FROM received")?;
    let rows = rows.query_map([], |row| {
        Ok(Row {
            title: row.get(0)?,
            told: row.get(1)?,
            read: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// See the file's head.
#[derive(Default)]
pub(crate) struct Ledger {
    lives: u32,
    /// Calls of earlier lives.
    seen: usize,
    marked: BTreeSet<String>,
    /// When it was known that they were read.
    reads: BTreeMap<String, Instant>,
    reads_of_life: usize,
    alone: usize,
    in_digests: usize,
    repeats: u32,
    most_repeats: u32,
    lost: Vec<String>,
    after_reading: Vec<String>,
}

impl Ledger {
    /// These were read by somebody.
    pub(crate) fn read(&mut self, titles: impl Iterator<Item = String>) {
        for title in titles {
            self.reads_of_life += 1;
            self.reads.insert(title, Instant::now());
        }
    }

    /// The agent died; what it marked and what it had asked for until then.
    pub(crate) fn died(&mut self, rows: &[Row], calls: &[Notify]) {
        self.lives += 1;
        let of_life = calls.get(self.seen..).unwrap_or_default();
        self.seen = calls.len();
        let (mut alone, mut digest) = (BTreeSet::new(), 0);
        for call in of_life {
            let titles: Vec<&str> = match count(&call.summary) {
                Some(count) => {
                    digest = digest.max(count);
                    call.body
                        .lines()
                        .filter(|line| line.starts_with('M'))
                        .collect()
                }
                None => {
                    alone.insert(call.summary.clone());
                    vec![call.summary.as_str()]
                }
            };
            for title in titles {
                let read = self.reads.get(title);
                if read.is_some_and(|read| call.at > *read + CROSSING) {
                    self.after_reading.push(title.to_owned());
                }
            }
        }
        let marked: BTreeSet<String> = rows
            .iter()
            .filter(|row| row.told)
            .map(|row| row.title.clone())
            .collect();
        let new: BTreeSet<_> = marked.difference(&self.marked).cloned().collect();
        let new_alone = new.intersection(&alone).count();
        let new_in_digest = new.len() - new_alone;
        // What was read in this life may have left the digest's count.
        if new_in_digest > digest + self.reads_of_life {
            let words = format!("life {}: {new_in_digest} marked, {digest} told", self.lives);
            self.lost.push(words);
        }
        let unmarked = u32::try_from(alone.iter().filter(|t| !marked.contains(*t)).count());
        let again = unmarked.unwrap_or(u32::MAX) + u32::from(digest > new_in_digest);
        self.repeats += again;
        self.most_repeats = self.most_repeats.max(again);
        self.alone += new_alone;
        self.in_digests += new_in_digest;
        self.marked = marked;
        self.reads_of_life = 0;
    }

    /// What must not have been.
    pub(crate) fn faults(&self, rows: &[Row], messages: u32) -> Vec<String> {
        let mut faults = self.lost.clone();
        let titles: BTreeSet<_> = rows.iter().map(|row| &row.title).collect();
        if titles.len() != rows.len() {
            faults.push(format!(
                "{} messages are in the inbox twice",
                rows.len() - titles.len()
            ));
        }
        for number in 1..=messages {
            if !titles.contains(&format!("M{number}.")) {
                faults.push(format!("message {number} is not in the inbox"));
            }
        }
        if self.most_repeats > 1 {
            faults.push(format!(
                "{} notifications told twice after one kill",
                self.most_repeats
            ));
        }
        for title in &self.after_reading {
            faults.push(format!("{title} was told of after it was read"));
        }
        faults
    }

    /// The figures, in a line.
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} told alone, {} in digests, {} read by somebody; {} notifications repeated, at most {} \
             after a kill",
            self.alone,
            self.in_digests,
            self.reads.len(),
            self.repeats,
            self.most_repeats
        )
    }
}

/// How many a digest's title says there are; none for the title of a message.
fn count(title: &str) -> Option<usize> {
    if !title.contains("message") {
        return None;
    }
    let mut words = title.split(|c: char| !c.is_ascii_digit());
    words.find_map(|word| word.parse().ok())
}
