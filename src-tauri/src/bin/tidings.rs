//! The agent: see the `tidings-agent` crate.

fn main() {}
