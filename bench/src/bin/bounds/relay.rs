//! The relay as a child process: started on a free port and a folder of its own, killed and removed when it is
//! dropped, and what the system says of its memory.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::client;

/// The relay's shared token.
pub(crate) const TOKEN: &str = "the token of the bounds";

/// How often something is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(100);

/// A relay that runs.
pub(crate) struct Relay {
    program: PathBuf,
    data: TempDir,
    options: Vec<String>,
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Relay {
    /// Starts one with its defaults, but for these options.
    pub(crate) fn start(program: &Path, options: &[&str]) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let options: Vec<_> = options.iter().map(ToString::to_string).collect();
        let (child, address) = spawn(program, data.path(), &options)?;
        Ok(Self {
            program: program.to_owned(),
            data,
            options,
            child,
            address,
        })
    }

    /// SIGKILL, and a start on the same folder; how long the start took.
    pub(crate) fn restart(&mut self) -> Result<Duration> {
        self.child.kill()?;
        self.child.wait()?;
        let began = Instant::now();
        (self.child, self.address) = spawn(&self.program, self.data.path(), &self.options)?;
        Ok(began.elapsed())
    }

    /// Its proportional set size in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        self.proc("smaps_rollup", "Pss:")
    }

    /// The most that was resident since [`Self::forget_peak`], in bytes.
    pub(crate) fn peak(&self) -> Result<u64> {
        self.proc("status", "VmHWM:")
    }

    /// Begins a new peak; gives the memory of now.
    pub(crate) fn forget_peak(&self) -> Result<u64> {
        // 5 resets VmHWM (proc(5)).
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?;
        self.memory()
    }

    fn proc(&self, file: &str, field: &str) -> Result<u64> {
        let path = format!("/proc/{}/{file}", self.child.id());
        let text = fs::read_to_string(&path).context("the relay is gone")?;
        let kib: Option<u64> = text
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok());
        Ok(kib.with_context(|| format!("{path} has no {field}"))? * 1024)
    }

    /// Bytes of all files that it keeps.
    pub(crate) fn on_disk(&self) -> Result<u64> {
        let mut bytes = 0;
        for entry in fs::read_dir(self.data.path())? {
            bytes += entry?.metadata()?.len();
        }
        Ok(bytes)
    }

    /// One of its gauges, as `/metrics` tells it.
    pub(crate) async fn gauge(&self, name: &str) -> Result<u64> {
        let head = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n");
        let answer = client::request(self.address, &head).await?;
        answer
            .lines()
            .filter(|line| !line.starts_with('#'))
            .find_map(|line| line.split_once(' ').filter(|(n, _)| n.ends_with(name)))
            .and_then(|(_, value)| value.trim().parse().ok())
            .with_context(|| format!("/metrics has no {name}: {answer}"))
    }

    /// Waits until a gauge has come down to `count`; how long it took.
    pub(crate) async fn until(&self, name: &str, count: u64, within: Duration) -> Result<Duration> {
        let began = Instant::now();
        while self.gauge(name).await? > count {
            if began.elapsed() > within {
                bail!("{name} is {} after {within:?}", self.gauge(name).await?);
            }
            sleep(LOOK).await;
        }
        Ok(began.elapsed())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended by itself, which the case has noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &Path, data: &Path, options: &[String]) -> Result<(Child, SocketAddr)> {
    let mut child = Command::new(program)
        .args(["--bind", "127.0.0.1:0", "--log", "error", "--data"])
        .arg(data)
        .args(options)
        .env("TIDINGS_TOKEN", TOKEN)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut line = String::new();
    let stdout = child.stdout.take().context("no output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let address = line.trim().rsplit("://").next().unwrap_or_default();
    let address = address
        .parse()
        .with_context(|| format!("the relay did not start: {line:?}"))?;
    Ok((child, address))
}
