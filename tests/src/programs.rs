//! Where the built programs are, and how to build them where they are not.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// A folder with the built programs: `tidings`, `tidings-window`, `tidings-relay`.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Those of the profile that the running test was built with.
    ///
    /// # Errors
    /// When the running program is not in a target folder.
    pub fn of_this_build() -> anyhow::Result<Self> {
        let test = std::env::current_exe()?;
        // target/PROFILE/deps/TEST for tests, target/PROFILE/NAME for programs.
        let folder = test.parent().context("a program is in a folder")?;
        let folder = match folder.file_name() {
            Some(name) if name == "deps" => folder.parent().context("deps is in a folder")?,
            _ => folder,
        };
        Self::in_folder(folder)
    }

    /// Those of a folder.
    ///
    /// # Errors
    /// When there is no current folder that it could be in.
    pub fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        // Programs are started in folders of their own.
        let folder = std::path::absolute(folder)?;
        Ok(Self { folder })
    }

    /// The path of a program.
    ///
    /// # Errors
    /// When it is not there; says which command builds it.
    pub fn path(&self, program: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(program);
        if path.is_file() {
            return Ok(path);
        }
        let release = self.folder.file_name().is_some_and(|n| n == "release");
        let profile = if release { " --release" } else { "" };
        anyhow::bail!(
            "{} is not built; build it with `cargo build{profile} -p tidings -p tidings-relay`",
            path.display()
        )
    }
}
