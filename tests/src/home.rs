//! A home of its own: folders, environment, and the sweep that leaves nothing running.
//!
//! Invariant: a process that was started with this home's environment ends with it, whoever started
//! it and whatever process group it went into.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Starts a program that the system ends together with whoever started it.
const WRAPPER: [&str; 4] = ["setpriv", "--pdeathsig", "KILL", "--"];

/// Says what to do where the program of a command (see [`Home::command`]) is not there.
///
/// # Errors
/// When it is not.
pub(crate) fn installed(command: &Command) -> anyhow::Result<()> {
    let program = command.get_args().nth(WRAPPER.len() - 1);
    let program = Path::new(program.context("a command has a program")?);
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Joined to an absolute path, a folder of the PATH does not count.
    let there = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let name = program.display();
    anyhow::ensure!(
        there,
        "{name} is not installed; `cargo xtask setup --tests` installs what the rig needs"
    );
    Ok(())
}

/// Lines of each log that are shown.
const SHOWN: usize = 120;

/// A private home. Everything in it goes with it.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
    environment: BTreeMap<String, OsString>,
}

impl Home {
    /// Makes the folders.
    ///
    /// # Errors
    /// Of the file system.
    pub fn new() -> anyhow::Result<Self> {
        // Short: the paths of sockets have room for 107 bytes.
        let folder = tempfile::Builder::new().prefix("rig-").tempdir()?;
        let mut home = Self {
            folder,
            environment: BTreeMap::new(),
        };
        for (key, name) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
        ] {
            let path = home.path(name);
            fs::create_dir(&path)?;
            // The runtime folder must be the owner's alone; the others may be.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
            home.set(key, path);
        }
        fs::create_dir(home.path("log"))?;
        let path = std::env::var_os("PATH").context("PATH is not set")?;
        home.set("PATH", path);
        for (key, value) in [
            ("LANG", "C.UTF-8"),
            ("GDK_BACKEND", "x11"),
            // No accessibility bus and no graphics card: both would be looked for, slowly.
            ("NO_AT_BRIDGE", "1"),
            ("GTK_A11Y", "none"),
            ("LIBGL_ALWAYS_SOFTWARE", "1"),
            ("RUST_BACKTRACE", "1"),
            ("NO_COLOR", "1"),
        ] {
            home.set(key, value);
        }
        // Nothing of the machine's own desktop is to be reached from here.
        let nowhere = |home: &Self, name| format!("unix:path={}", home.path(name).display());
        home.set("DBUS_SESSION_BUS_ADDRESS", nowhere(&home, "run/bus"));
        home.set("DBUS_SYSTEM_BUS_ADDRESS", nowhere(&home, "run/system-bus"));
        Ok(home)
    }

    /// A path inside the home.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets a variable for the programs started from now on.
    pub fn set(&mut self, key: &str, value: impl AsRef<OsStr>) {
        self.environment
            .insert(key.to_owned(), value.as_ref().to_owned());
    }

    /// A variable's value.
    #[must_use]
    pub fn variable(&self, key: &str) -> Option<&OsStr> {
        self.environment.get(key).map(OsString::as_os_str)
    }

    /// A program with this home's environment and no other. The system ends it when the test ends
    /// in a way that runs no destructor.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(WRAPPER[0]);
        command
            .args(&WRAPPER[1..])
            .arg(program)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.folder.path());
        command
    }

    /// The processes that run with this home's environment: number and command line.
    #[must_use]
    pub fn processes(&self) -> Vec<(i32, String)> {
        let ours = format!("HOME={}", self.path("home").display());
        let Ok(all) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        all.filter_map(|entry| {
            let entry = entry.ok()?;
            let id = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            // An environment that is gone is a process that has ended and waits for its parent.
            environment
                .split(|&byte| byte == 0)
                .any(|variable| variable == ours.as_bytes())
                .then_some(())?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            Some((id, line.trim().to_owned()))
        })
        .collect()
    }

    /// The processes whose program has this name.
    #[must_use]
    pub fn processes_of(&self, program: &str) -> Vec<i32> {
        let named = |id: &i32| {
            fs::read_link(format!("/proc/{id}/exe"))
                .is_ok_and(|exe| exe.file_name() == Some(OsStr::new(program)))
        };
        let all = self.processes().into_iter().map(|(id, _)| id);
        all.filter(named).collect()
    }

    /// The last lines of every log of the programs started here.
    #[must_use]
    pub fn logs(&self) -> String {
        let Ok(files) = fs::read_dir(self.path("log")) else {
            return String::new();
        };
        let mut paths: Vec<_> = files.flatten().map(|file| file.path()).collect();
        paths.sort();
        let mut all = String::new();
        for path in paths {
            let text = fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let lines: Vec<_> = text.lines().collect();
            let shown = lines.get(lines.len().saturating_sub(SHOWN)..);
            let name = path.file_name().unwrap_or_default().display();
            if let Some(shown) = shown.filter(|shown| !shown.is_empty()) {
                all += &format!("--- {name}\n{}\n", shown.join("\n"));
            }
        }
        all
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for (id, _) in self.processes() {
            if let Some(id) = Pid::from_raw(id) {
                // It may have ended in between.
                let _ = kill_process(id, Signal::KILL);
            }
        }
    }
}
