//! Pictures of a report: for each workload one, with a bar for each system's median. Plain SVG, as horizontal
//! bars need no library.

use std::fmt::Write as _;

use crate::figures::Row;
use crate::report::number;

/// All in pixels.
const WIDTH: f64 = 720.0;
const BAR: f64 = 22.0;
const HEAD: f64 = 34.0;
/// Before the bars: names. Behind them: values.
const NAMES: f64 = 110.0;
const VALUES: f64 = 190.0;

/// The colour of a system: ours stand out.
fn colour(system: &str) -> &'static str {
    match system {
        "null" => "#9aa3ad",
        "relay-os" => "#2f6fde",
        "relay-disk" => "#6f9bea",
        _ => "#d08a3c",
    }
}

/// One picture of the rows of one workload, which all have its unit.
pub(crate) fn bars(rows: &[&Row]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let most = rows
        .iter()
        .map(|row| row.value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let height = HEAD + BAR * rows.len() as f64 + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"12\" y=\"22\" font-weight=\"bold\">{} ({})</text>\n",
        escaped(&first.workload),
        escaped(&first.unit)
    );
    for (at, row) in rows.iter().enumerate() {
        let top = HEAD + BAR * at as f64;
        let (text, length) = (top + 15.0, row.value / most * (WIDTH - NAMES - VALUES));
        let after = NAMES + length + 8.0;
        let mut shown = number(row.value);
        if row.rounds > 1 {
            // Writing to a text cannot fail.
            let _ = write!(shown, ", spread {:.0} %", row.spread * 100.0);
        }
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{NAMES:.1}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"{:.1}\" fill=\"{}\"/>\n\
             <text x=\"{after:.1}\" y=\"{text:.1}\" fill=\"#444444\">{shown}</text>\n",
            NAMES - 8.0,
            escaped(&row.system),
            top + 3.0,
            BAR - 6.0,
            colour(&row.system),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// A workload as a file's name.
pub(crate) fn file_name(workload: &str) -> String {
    let mut name = String::new();
    for c in workload.chars() {
        if c.is_ascii_alphanumeric() {
            name.extend(c.to_lowercase());
        } else if !matches!(c, ',' | '\'' | '.') && !name.ends_with('-') {
            name.push('-');
        }
    }
    format!("{name}.svg")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_name_files() {
        let name = file_name("one to 1,000: server's CPU");
        assert_eq!(name, "one-to-1000-servers-cpu.svg");
    }

    #[test]
    fn the_greatest_bar_fills_the_width() {
        let row = |system: &str, value| Row {
            workload: "flood".to_owned(),
            system: system.to_owned(),
            value,
            unit: "messages/s".to_owned(),
            rounds: 5,
            spread: 0.1,
            ratio_to_null: None,
        };
        let svg = bars(&[&row("null", 200.0), &row("relay-os", 100.0)]);
        assert!(
            svg.contains("width=\"420.0\"") && svg.contains("width=\"210.0\""),
            "{svg}"
        );
    }
}
