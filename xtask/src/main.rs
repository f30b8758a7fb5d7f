//! Placeholder until its room is written.

fn main() {}
