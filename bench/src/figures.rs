//! The arithmetic of the report: many measurements of one thing become a median and a spread, and stand
//! beside those of the null hub.

use serde::Serialize;

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    /// Of what, down to the quantity: `one to one, window 256: server's CPU`.
    pub(crate) workload: String,
    /// Of whom.
    pub(crate) system: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
}

/// All rounds of one thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) workload: String,
    pub(crate) system: String,
    /// The median.
    pub(crate) value: f64,
    pub(crate) unit: String,
    pub(crate) rounds: usize,
    /// From the least to the greatest, as a part of the median.
    pub(crate) spread: f64,
    /// The median beside that of the null hub, where that was measured too.
    pub(crate) ratio_to_null: Option<f64>,
}

/// Gathers figures into rows, in the order in which workloads and systems first came.
pub(crate) fn rows(figures: &[Figure], null: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for figure in figures {
        let known = |row: &Row| row.workload == figure.workload && row.system == figure.system;
        if rows.iter().any(known) {
            continue;
        }
        let values: Vec<_> = figures
            .iter()
            .filter(|other| other.workload == figure.workload && other.system == figure.system)
            .map(|other| other.value)
            .collect();
        let value = median(&values);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        rows.push(Row {
            workload: figure.workload.clone(),
            system: figure.system.to_owned(),
            value,
            unit: figure.unit.to_owned(),
            rounds: values.len(),
            spread: part(greatest - least, value).unwrap_or(0.0),
            ratio_to_null: None,
        });
    }
    let nulls: Vec<_> = rows
        .iter()
        .filter(|row| row.system == null)
        .cloned()
        .collect();
    for row in &mut rows {
        let beside = nulls.iter().find(|other| other.workload == row.workload);
        row.ratio_to_null = beside.and_then(|null| part(row.value, null.value));
    }
    rows
}

/// The middle one, or the mean of the two in the middle; 0 of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).copied().unwrap_or(0.0);
    if sorted.len() % 2 == 1 {
        return upper;
    }
    let lower = middle.checked_sub(1).and_then(|at| sorted.get(at));
    f64::midpoint(lower.copied().unwrap_or(0.0), upper)
}

/// `of / whole`, where there is a whole.
fn part(of: f64, whole: f64) -> Option<f64> {
    (whole != 0.0).then(|| of / whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(workload: &str, system: &'static str, value: f64) -> Figure {
        Figure {
            workload: workload.to_owned(),
            system,
            value,
            unit: "messages/s",
        }
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[3.0, 1.0]), 2.0);
        assert_eq!(median(&[30.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn rounds_become_rows_with_a_spread_and_a_ratio() {
        let figures = [
            figure("flood", "null", 100.0),
            figure("flood", "ours", 40.0),
            figure("flood", "null", 110.0),
            figure("flood", "ours", 60.0),
            figure("flood", "null", 90.0),
            figure("flood", "ours", 50.0),
            figure("http", "ours", 7.0),
        ];
        let rows = rows(&figures, "null");
        let seen: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.system.as_str(),
                    row.value,
                    row.rounds,
                    row.spread,
                    row.ratio_to_null,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("null", 100.0, 3, 0.2, Some(1.0)),
                ("ours", 50.0, 3, 0.4, Some(0.5)),
                ("ours", 7.0, 1, 0.0, None),
            ]
        );
    }

    #[test]
    fn a_null_that_costs_nothing_has_no_ratio() {
        let figures = [figure("rest", "null", 0.0), figure("rest", "ours", 1.0)];
        let rows = rows(&figures, "null");
        assert_eq!(rows[0].ratio_to_null, None);
        assert_eq!(rows[1].ratio_to_null, None);
        assert_eq!(rows[0].spread, 0.0);
    }
}
