//! The agent and command line: all of it is in the `tidings-agent` crate, which links neither
//! Tauri nor WebKit.

use std::process::ExitCode;

fn main() -> ExitCode {
    tidings_agent::main()
}
