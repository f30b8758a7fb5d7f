//! What a run leaves: `report.json` for programs, `report.md` for people, pictures for both.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::figures::Row;
use crate::plot;

/// Writes everything into a folder; gives what `report.md` says.
pub(crate) fn write(
    rows: &[Row],
    circumstances: &str,
    goals: &str,
    folder: &Path,
) -> Result<String> {
    let plots = folder.join("plots");
    fs::create_dir_all(&plots)?;
    fs::write(
        folder.join("report.json"),
        format!("{}\n", serde_json::to_string_pretty(rows)?),
    )?;
    let text = format!("{circumstances}\n\n{}\n{goals}", table(rows));
    fs::write(folder.join("report.md"), &text)?;
    for (at, row) in rows.iter().enumerate() {
        let same = |other: &&Row| other.workload == row.workload;
        if !rows.iter().take(at).any(|other| same(&other)) {
            let picture = plot::bars(&rows.iter().filter(same).collect::<Vec<_>>());
            fs::write(plots.join(plot::file_name(&row.workload)), picture)?;
        }
    }
    Ok(text)
}

/// The rows as a table in Markdown.
fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| workload | system | median | unit | rounds | spread | to null |\n|---|---|--:|---|--:|--:|--:|\n",
    );
    for row in rows {
        let ratio = row
            .ratio_to_null
            .map_or(String::new(), |ratio| format!("{ratio:.2}"));
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.0} % | {ratio} |",
            row.workload,
            row.system,
            number(row.value),
            row.unit,
            row.rounds,
            row.spread * 100.0,
        );
    }
    text
}

/// Three digits at the least, and no more behind the point than say something.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.0, 0.123, 9.876, 12.34, 123.4, 123_456.7].map(number);
        assert_eq!(shown, ["0.00", "0.12", "9.88", "12.3", "123", "123457"]);
    }
}
