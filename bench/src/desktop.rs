//! The desktop's figures, which `cargo xtask figures-desktop` has left beside the report, as rows of it.
//!
//! Every number there whose field, or whose field's parent, ends in a unit (`_ms`, `_mib`) becomes a row; so
//! `{"click_to_list_ms": {"median": 650}}` is `desktop: click to list, median`. Lists are passed over.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::figures::Row;

/// The units by the ends of fields.
const UNITS: [(&str, &str); 2] = [("_ms", "ms"), ("_mib", "MiB")];

/// The rows of a file; none where there is no such file.
pub(crate) fn rows(file: &Path) -> Result<Vec<Row>> {
    let Ok(text) = fs::read_to_string(file) else {
        return Ok(Vec::new());
    };
    let value = serde_json::from_str(&text)
        .with_context(|| format!("{} is no JSON: remove it", file.display()))?;
    let mut rows = Vec::new();
    gather(&value, &mut Vec::new(), None, &mut rows);
    Ok(rows)
}

fn gather(value: &Value, path: &mut Vec<String>, unit: Option<&str>, rows: &mut Vec<Row>) {
    match (value, unit) {
        (Value::Object(fields), _) => {
            for (field, value) in fields {
                let own = UNITS
                    .iter()
                    .find_map(|(end, unit)| Some((field.strip_suffix(end)?, *unit)));
                let (name, unit) =
                    own.map_or((field.as_str(), unit), |(name, unit)| (name, Some(unit)));
                path.push(name.replace('_', " "));
                gather(value, path, unit, rows);
                path.pop();
            }
        }
        (Value::Number(number), Some(unit)) => rows.push(Row {
            workload: format!("desktop: {}", path.join(", ")),
            system: "tidings".to_owned(),
            value: number.as_f64().unwrap_or_default(),
            unit: unit.to_owned(),
            rounds: 1,
            spread: 0.0,
            ratio_to_null: None,
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_units_become_rows() {
        let value = serde_json::json!({
            "messages": 100,
            "click_to_list_ms": {"median": 650.5, "all": [1, 2]},
            "at_rest": {"pss_mib": 14, "wakes": 3},
        });
        let mut rows = Vec::new();
        gather(&value, &mut Vec::new(), None, &mut rows);
        let seen: Vec<_> = rows
            .iter()
            .map(|row| (row.workload.as_str(), row.value, row.unit.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("desktop: click to list, median", 650.5, "ms"),
                ("desktop: at rest, pss", 14.0, "MiB"),
            ]
        );
    }
}
