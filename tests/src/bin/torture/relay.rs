//! The relay's process: started on the same folder and port, killed, started again; and how long it
//! takes to be ready.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::http::Http;
use crate::world::World;

/// The relay's settings beside the defaults: shorter times, so that its short lives hold whole
/// stories: replies that come due, and messages that are sent again.
const SETTINGS: [&str; 6] = ["--wait", "0.4", "--http-wait", "0.4", "--retry", "0.7"];
/// A relay that is not ready by then has failed.
const START: Duration = Duration::from_secs(60);
/// Senders are answered many times a second.
const ANSWER: Duration = Duration::from_secs(5);
/// What a supervisor waits before it tries again.
const RESTART: Duration = Duration::from_millis(100);

/// See the module.
pub(crate) struct Relay {
    world: Arc<World>,
    program: PathBuf,
    folder: PathBuf,
    log: PathBuf,
    child: Option<Child>,
    started: Instant,
    /// How long each start took to `ready`.
    pub(crate) starts: Vec<Duration>,
    /// Starts that failed on a full disk.
    pub(crate) failed_starts: u64,
}

impl Relay {
    /// One that does not run yet.
    pub(crate) fn new(world: Arc<World>, program: PathBuf, data: &Path, log: PathBuf) -> Self {
        Self {
            world,
            program,
            folder: data.to_owned(),
            log,
            child: None,
            started: Instant::now(),
            starts: Vec::new(),
            failed_starts: 0,
        }
    }

    /// Starts its next life, without waiting for anything.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        self.world.life.send_modify(|life| *life += 1);
        let log = File::options().create(true).append(true).open(&self.log)?;
        self.started = Instant::now();
        // It ends with this program, however that ends.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program)
            .args(["--bind", &format!("127.0.0.1:{}", self.world.port)])
            .arg("--data")
            .arg(&self.folder)
            .args(SETTINGS)
            .env("TIDINGS_TOKEN", &self.world.token)
            .env("TIDINGS_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the relay through setpriv (util-linux)")?;
        self.child = Some(child);
        Ok(())
    }

    /// Waits until it is ready. One that a full disk keeps from starting is started again, as a
    /// supervisor does.
    pub(crate) async fn ready(&mut self) -> anyhow::Result<()> {
        loop {
            if timeout(START, self.listening()).await?? {
                break;
            }
            let log = self.log();
            if !self.world.ledger().disk_is_full(self.world.now()) || !log.contains("room") {
                bail!("the relay ended by itself:\n{log}");
            }
            self.failed_starts += 1;
            sleep(RESTART).await;
            self.start()?;
        }
        let ready = async {
            loop {
                let mut http = Http::connect(&self.world).await?;
                if http.get(&self.world, "/health/ready").await?.status == 200 {
                    return anyhow::Ok(());
                }
            }
        };
        timeout(START, ready)
            .await?
            .context("the relay is not ready")?;
        self.starts.push(self.started.elapsed());
        Ok(())
    }

    /// Waits for its first words; false if it ends without any.
    async fn listening(&mut self) -> anyhow::Result<bool> {
        let child = self.child.as_mut().context("it was not started")?;
        let stdout = child.stdout.as_mut().context("it has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        Ok(line.starts_with("listening on "))
    }

    /// Waits for an answer to a sender, of which it dies; false if it outlives [`ANSWER`].
    pub(crate) async fn dies_of_an_answer(&mut self) -> anyhow::Result<bool> {
        let child = self.child.as_mut().context("it was not started")?;
        let process = child.id().context("the relay ended by itself")?;
        self.world.aim(i32::try_from(process)?);
        let ended = timeout(ANSWER, child.wait()).await;
        if ended.is_err() && self.world.aim(0) {
            return Ok(false);
        }
        // By the answer, or by itself: then it was not shot at.
        let status = child.wait().await?;
        if self.world.aim(0) {
            bail!("the relay ended by itself ({status}):\n{}", self.log());
        }
        Ok(true)
    }

    /// SIGKILL, and waits for its end.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        let child = self.child.as_mut().context("it was not started")?;
        if let Some(status) = child.try_wait()?
            && !self.world.ledger().disk_is_full(self.world.now())
        {
            bail!("the relay ended by itself ({status}):\n{}", self.log());
        }
        self.world.ledger().killed();
        child.kill().await?;
        Ok(())
    }

    /// The end of what it wrote to its log.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(20).collect();
        let lines: Vec<_> = lines.into_iter().rev().collect();
        lines.join("\n")
    }

    /// How many messages wait in it.
    pub(crate) async fn waiting(&self) -> anyhow::Result<u64> {
        let mut http = Http::connect(&self.world).await?;
        let answer = http.get(&self.world, "/metrics").await?;
        let value = |line: &str| {
            let (name, value) = line.split_once(' ')?;
            name.ends_with("messages_queued")
                .then(|| value.parse().ok())?
        };
        answer
            .body
            .lines()
            .find_map(value)
            .context("the metrics do not say how many messages wait")
    }
}
