//! The goals, held against a report: what each asks for, what was seen, and whether it holds.
//!
//! A goal whose rows are not in the report says so and counts as open.

use std::fmt::Write as _;

use crate::figures::Row;
use crate::growth::{cost_with_known, cost_with_queued, restart_with};
use crate::report::number;
use crate::scale::Scale;
use crate::workload::{Workload, thousands};

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// One goal beside what was seen.
#[derive(Debug, Clone, PartialEq)]
struct Goal {
    text: String,
    bound: Bound,
    value: Option<f64>,
}

/// The goals as a table in Markdown, with how many hold, fall short and are open.
pub(crate) fn table(rows: &[Row], scale: &Scale) -> String {
    let mut text = String::from("| goal | bound | value | |\n|---|--:|--:|---|\n");
    let (mut held, mut broken, mut open) = (0, 0, 0);
    for goal in goals(rows, scale) {
        let bound = match goal.bound {
            Bound::AtLeast(bound) => format!("≥ {}", number(bound)),
            Bound::AtMost(bound) => format!("≤ {}", number(bound)),
        };
        let (value, verdict) = match (goal.value, goal.holds()) {
            (Some(value), true) => {
                held += 1;
                (number(value), "holds")
            }
            (Some(value), false) => {
                broken += 1;
                (number(value), "**falls short**")
            }
            (None, _) => {
                open += 1;
                (String::new(), "not measured")
            }
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "| {} | {bound} | {value} | {verdict} |", goal.text);
    }
    let _ = writeln!(
        text,
        "\n{held} hold, {broken} fall short, {open} not measured."
    );
    text
}

impl Goal {
    fn holds(&self) -> bool {
        self.value.is_some_and(|value| match self.bound {
            Bound::AtLeast(bound) => value >= bound,
            Bound::AtMost(bound) => value <= bound,
        })
    }
}

fn goals(rows: &[Row], scale: &Scale) -> Vec<Goal> {
    use Bound::{AtLeast, AtMost};
    let of = |workload: &str, system: &str| {
        let mut rows = rows.iter();
        let row = rows.find(|row| row.workload == workload && row.system == system);
        row.map(|row| row.value)
    };
    let beside = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
    let flood = Workload::Pairs {
        pairs: 1,
        window: 256,
    }
    .name(scale);
    let single = Workload::Pairs {
        pairs: 1,
        window: 1,
    }
    .name(scale);
    let crowd = Workload::Crowd.name(scale);
    let latency = format!(
        "{}: 99th percentile",
        Workload::Latency { rate: 2000 }.name(scale)
    );
    let drain = Workload::Drain.name(scale);
    let idle = format!("{}: memory", Workload::Idle.name(scale));
    let ([few_known, many_known], [few_queued, many_queued]) = (scale.known, scale.queued);
    let ours = |workload: &str| of(workload, "relay-os");
    let against = |system: &'static str, other: &'static str, workload: &str| {
        beside(of(workload, system), of(workload, other))
    };
    let mut goals = Vec::new();
    let mut goal = |text: String, bound, value| goals.push(Goal { text, bound, value });
    goal(
        format!("{flood}: os, beside null"),
        AtLeast(0.3),
        against("relay-os", "null", &flood),
    );
    for peer in ["mosquitto", "jetstream"] {
        goal(
            format!("{flood}: os, beside {peer}"),
            AtLeast(2.5),
            against("relay-os", peer, &flood),
        );
    }
    goal(
        format!("{flood}: os, relay's CPU, µs/message"),
        AtMost(5.0),
        ours(&format!("{flood}: server's CPU")),
    );
    for peer in ["mosquitto", "jetstream"] {
        goal(
            format!("{flood}: disk, beside {peer}"),
            AtLeast(1.0),
            against("relay-disk", peer, &flood),
        );
    }
    goal(
        format!("{single}: os, beside null"),
        AtLeast(0.7),
        against("relay-os", "null", &single),
    );
    goal(
        format!("{crowd}: os, time beside mosquitto"),
        AtMost(1.0 / 3.0),
        against("relay-os", "mosquitto", &crowd),
    );
    goal(
        format!("{crowd}: os, relay's CPU, µs/delivery"),
        AtMost(4.0),
        ours(&format!("{crowd}: server's CPU")),
    );
    goal(format!("{idle}, KiB each"), AtMost(6.0), ours(&idle));
    goal(
        format!("{latency}, beside null"),
        AtMost(2.0),
        against("relay-os", "null", &latency),
    );
    goal(
        format!("{drain}: beside {flood}"),
        AtLeast(0.5),
        beside(ours(&drain), ours(&flood)),
    );
    let restart = restart_with(many_queued);
    goal(format!("{restart}, ms"), AtMost(2000.0), ours(&restart));
    let grown = |cost: fn(usize) -> String, many, few| beside(ours(&cost(many)), ours(&cost(few)));
    goal(
        format!(
            "{}, beside {}",
            cost_with_known(many_known),
            thousands(few_known)
        ),
        AtMost(1.5),
        grown(cost_with_known, many_known, few_known),
    );
    goal(
        format!(
            "{}, beside {}",
            cost_with_queued(many_queued),
            thousands(few_queued)
        ),
        AtMost(1.5),
        grown(cost_with_queued, many_queued, few_queued),
    );
    for (workload, bound) in [
        ("desktop: packet to notification, p99", 5.0),
        ("desktop: start to tray, median", 300.0),
        ("desktop: click to list, median", 700.0),
        ("desktop: at rest begun anew, pss", 15.0),
        ("desktop: at rest after use hosting, pss", 20.0),
    ] {
        goal(workload.to_owned(), AtMost(bound), of(workload, "tidings"));
    }
    goals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(workload: &str, system: &str, value: f64) -> Row {
        Row {
            workload: workload.to_owned(),
            system: system.to_owned(),
            value,
            unit: String::new(),
            rounds: 5,
            spread: 0.0,
            ratio_to_null: None,
        }
    }

    #[test]
    fn goals_hold_fall_short_or_are_not_measured() {
        let rows = [
            row("one to one, window 256", "null", 100.0),
            row("one to one, window 256", "relay-os", 30.0),
            row("one to one, window 256", "mosquitto", 12.1),
            row("10,000 idle: memory", "relay-os", 6.5),
        ];
        let scale = Scale::full();
        let goals = goals(&rows, &scale);
        let open = goals.iter().filter(|goal| goal.value.is_none()).count();
        assert_eq!(goals.len() - open, 3);
        let held: Vec<_> = goals.iter().filter(|goal| goal.holds()).collect();
        assert_eq!(held.len(), 1);
        assert_eq!(held[0].value, Some(0.3));
        let table = table(&rows, &scale);
        let closing = format!("1 hold, 2 fall short, {open} not measured.");
        assert!(table.contains(&closing), "{table}");
    }
}
