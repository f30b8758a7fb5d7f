//! The windows.

fn main() {}
