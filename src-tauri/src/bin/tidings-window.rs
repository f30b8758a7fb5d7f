//! The windows, started by the agent when somebody looks: see the library beside this file.

fn main() -> anyhow::Result<()> {
    tidings_window::run(std::env::args().skip(1))
}
