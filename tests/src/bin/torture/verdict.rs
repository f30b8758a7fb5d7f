//! What a run found, in words. The last line is the one that counts.

use std::time::Duration;

use crate::ledger::{Counts, Findings, Ledger};
use crate::relay::Relay;

/// One line on how far the run is.
pub(crate) fn progress(ledger: &Ledger) -> String {
    let Counts {
        sent,
        accepted,
        delivered,
        confirmed,
        proven,
        refused,
        unknown,
        owed,
        ..
    } = ledger.counts;
    format!(
        "{} kills: {sent} sent, {accepted} accepted, {refused} refused, {unknown} unknown; \
         {delivered} delivered, {confirmed} confirmed ({proven} with proof), {owed} on their way; \
         {} repeated, {} odd",
        ledger.kills, ledger.repeated.count, ledger.odd.count
    )
}

/// What a run found.
pub(crate) struct Report {
    counts: Counts,
    kills: u32,
    /// How long the load was, and what there was at its end.
    load: (Duration, Counts),
    starts: Vec<Duration>,
    failed_starts: u64,
    findings: [(&'static str, Findings); 5],
}

impl Report {
    pub(crate) fn new(ledger: &mut Ledger, relay: &Relay, load: (Duration, Counts)) -> Self {
        let mut starts = relay.starts.clone();
        starts.sort_unstable();
        Self {
            counts: ledger.counts,
            kills: ledger.kills,
            load,
            starts,
            failed_starts: relay.failed_starts,
            findings: [
                ("lost", ledger.lost()),
                ("repeated", std::mem::take(&mut ledger.repeated)),
                ("reordered", ledger.reordered()),
                ("untold", ledger.untold()),
                ("odd", std::mem::take(&mut ledger.odd)),
            ],
        }
    }

    /// Whether nothing was found.
    pub(crate) fn is_clean(&self) -> bool {
        self.findings.iter().all(|(_, found)| found.count == 0)
    }

    /// All of it, as lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Counts {
            sent,
            accepted,
            accepted_for,
            refused,
            unknown,
            frames,
            delivered,
            confirmed,
            proven,
            receipts,
            told,
            held,
            cancelled,
            superseded,
            acknowledged,
            reminders,
            again,
            ..
        } = self.counts;
        let (load, then) = &self.load;
        let secs = load.as_secs_f64();
        let median = self.starts.get(self.starts.len() / 2);
        let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1000.0);
        let mut lines = vec![
            String::new(),
            format!(
                "kills        {}, in {secs:.0} s of load; the last one after all had arrived",
                self.kills
            ),
            format!("sent         {sent} messages, each counted once"),
            format!("accepted     {accepted}, for {accepted_for} recipients in all"),
            format!("refused      {refused} times, with a reason"),
            format!("unknown      {unknown} outcomes, as a connection ended first"),
            format!("delivered    {delivered}, by {frames} frames"),
            format!(
                "confirmed    {confirmed} times; {proven} messages with proof that the relay knew"
            ),
            format!(
                "again        {again} times after a confirmation that was read, and not known to be kept"
            ),
            format!("receipts     {receipts}; {told} told what no reply had said"),
            format!(
                "wishes       {held} came when they were due, {cancelled} were taken back, {superseded} \
                 made way, {acknowledged} acknowledgements were taken, {reminders} reminders came"
            ),
            format!(
                "rate         {:.0} messages accepted and {:.0} delivered a second",
                then.accepted as f64 / secs,
                then.delivered as f64 / secs,
            ),
            format!(
                "to ready     {} starts: {:.0} ms median, {:.0} ms worst; {} failed on a full disk",
                self.starts.len(),
                ms(median),
                ms(self.starts.last()),
                self.failed_starts,
            ),
        ];
        for (kind, found) in &self.findings {
            lines.extend(
                found
                    .examples
                    .iter()
                    .map(|example| format!("{kind}: {example}")),
            );
        }
        let count = |kind: &str| {
            let found = self.findings.iter().find(|(of, _)| *of == kind);
            found.map_or(0, |(_, found)| found.count)
        };
        lines.push(format!(
            "odd {} (refused and delivered, forgotten clients, answers of no use)",
            count("odd")
        ));
        lines.push(format!(
            "lost {}, repeated {}, reordered {}, untold {}",
            count("lost"),
            count("repeated"),
            count("reordered"),
            count("untold"),
        ));
        lines
    }
}
