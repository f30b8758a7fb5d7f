//! A measured server as a child process: started on a free port of loopback with a folder of its own, killed
//! and removed when it is dropped; and what Linux says of its CPU time and memory.
//!
//! Each server's settings stand in [`command`], with their reasons.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::system::{Name, WINDOW};
use crate::ws::TOKEN;

/// Where the programs and the folders are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The relay's program.
    pub(crate) relay: PathBuf,
    /// In it each server has a folder; on a disk, or durability would cost nothing.
    pub(crate) data: PathBuf,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    _data: TempDir,
}

impl Server {
    /// Starts one; it accepts connections when this returns.
    pub(crate) fn start(name: Name, places: &Places) -> Result<Self> {
        fs::create_dir_all(&places.data)?;
        let data = tempfile::tempdir_in(&places.data)?;
        let mut child = command(name, places, data.path())?
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", name.text()))?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().rsplit("://").next().unwrap_or_default();
        let address = address
            .parse()
            .with_context(|| format!("{} did not start: {line:?}", name.text()))?;
        Ok(Self {
            child,
            address,
            _data: data,
        })
    }

    /// The time that all its threads have spent on a CPU, user and system.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.child.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the workload has noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time of a process, by its number or `self`. The kernel counts it exactly and shows it in hundredths
/// of a second (proc(5): utime and stime, USER_HZ).
pub(crate) fn cpu_of(process: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).context("the server is gone")?;
    // The second field, the program's name, may hold spaces; what follows its bracket may not.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// How each server is called. It prints its address first.
fn command(name: Name, places: &Places, data: &Path) -> Result<Command> {
    Ok(match name {
        Name::Null => {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("null");
            command
        }
        Name::RelayOs | Name::RelayDisk => {
            let mut command = Command::new(&places.relay);
            let durability = if name == Name::RelayOs { "os" } else { "disk" };
            command
                .args(["--bind", "127.0.0.1:0", "--log", "error", "--data"])
                .arg(data)
                .args(["--durability", durability])
                // By default it is 64: a recipient that takes more has more memory than an alert needs.
                .args(["--window", &WINDOW.to_string()])
                .env("TIDINGS_TOKEN", TOKEN);
            command
        }
    })
}
