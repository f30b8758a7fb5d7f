//! How the inbox's files write and read numbers.

use rusqlite::Row;

/// As SQLite keeps it: its integers are signed, and ours stay far below where that matters.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// As it was before [`integer`]; what is negative, which no file of ours has, is 0.
pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A column of a row.
pub(super) fn number(record: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    record.get(column).map(unsigned)
}
