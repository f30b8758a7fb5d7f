//! `tidings completions` and `tidings man`: the command line explains itself to shells and to `man`.

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use super::write;
use crate::cli::Cli;

/// Prints a shell's completions.
pub(super) fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tidings", &mut script);
    write(&script)?;
    Ok(())
}

/// Prints the manual page: the whole program's, or a command's.
pub(super) fn page(of: Option<&str>) -> Result<()> {
    let mut command = Cli::command();
    // Gives the commands their whole names, such as tidings-send.
    command.build();
    let command = match of {
        None => &command,
        Some(name) => command
            .find_subcommand(name)
            .with_context(|| format!("there is no command {name}; see `tidings help`"))?,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .manual("Tidings")
        .render(&mut page)?;
    write(&page)?;
    Ok(())
}
