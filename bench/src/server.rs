//! A measured server as a child process: started on a free port of loopback with a folder of its own, killed
//! and removed when it is dropped; and what Linux says of its CPU time and memory.
//!
//! Each server's settings stand in [`command`], with their reasons. All else is as its program has it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::system::{Name, WINDOW};
use crate::ws::TOKEN;

/// A server that does not accept connections by then has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is tried whether it does.
const LOOK: Duration = Duration::from_millis(1);

/// More messages wait for one recipient in no workload.
const QUEUE: &str = "2000000";

/// Where the programs and the folders are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The relay's program.
    pub(crate) relay: PathBuf,
    /// In it each server has a folder; on a disk, or durability would cost nothing.
    pub(crate) data: PathBuf,
}

/// When our relay answers a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// When all recipients have confirmed, or after its usual time.
    Confirmed,
    /// As soon as a message is durable.
    Kept,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: Name,
    places: Places,
    child: Child,
    pub(crate) address: SocketAddr,
    data: TempDir,
}

impl Server {
    /// Starts one; it accepts connections when this returns.
    pub(crate) async fn start(name: Name, places: &Places, answers: Answers) -> Result<Self> {
        fs::create_dir_all(&places.data)?;
        let data = tempfile::tempdir_in(&places.data)?;
        let address = free_address()?;
        let mut command = command(name, places, data.path(), address, answers)?;
        let server = Self {
            name,
            places: places.clone(),
            child: spawn(&mut command, name)?,
            address,
            data,
        };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            if began.elapsed() > PATIENCE {
                bail!("{} does not accept connections", name.text());
            }
            sleep(LOOK).await;
        }
        Ok(server)
    }

    /// Ends it and starts it on the same folder; it need not accept connections yet when this returns. Only
    /// mosquitto is asked to end, as it writes what it holds at its end alone; the others are killed.
    pub(crate) fn restart(&mut self, answers: Answers) -> Result<()> {
        if self.name == Name::Mosquitto {
            kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        } else {
            self.child.kill()?;
        }
        self.child.wait()?;
        let data = self.data.path();
        let mut command = command(self.name, &self.places, data, self.address, answers)?;
        self.child = spawn(&mut command, self.name)?;
        Ok(())
    }

    /// The time that all its threads have spent on a CPU, user and system.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu_of(self.child.id())
    }

    /// Its resident memory, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib: Option<u64> = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok());
        Ok(kib.context("no VmRSS")? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the workload has noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The generator's own CPU time.
pub(crate) fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// CPU time of another process. The kernel counts it exactly and shows it in hundredths of a second (proc(5):
/// utime and stime, USER_HZ).
fn cpu_of(process: u32) -> Result<Duration> {
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

/// On what a run was made: cores, kernel, the peers' versions.
pub(crate) fn circumstances() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut text = format!("{cores} cores, Linux {}", kernel.trim());
    for (program, option) in [("mosquitto", "-h"), ("nats-server", "--version")] {
        let said = Command::new(program).arg(option).output();
        let said = said.map_or(String::new(), |output| {
            String::from_utf8_lossy(&output.stdout).into_owned()
        });
        // The first line has the name and the version.
        if let Some(line) = said.lines().next() {
            text = format!("{text}, {line}");
        }
    }
    text
}

/// A port that is free now. Whoever else takes it before the server does makes the measurement fail, aloud.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?)
}

fn spawn(command: &mut Command, name: Name) -> Result<Child> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", name.text()))
}

/// How each server is called.
fn command(
    name: Name,
    places: &Places,
    data: &Path,
    address: SocketAddr,
    answers: Answers,
) -> Result<Command> {
    let port = address.port();
    Ok(match name {
        Name::Null => {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("null").arg(port.to_string());
            command
        }
        Name::RelayOs | Name::RelayDisk => {
            let mut command = Command::new(&places.relay);
            let durability = if name == Name::RelayOs { "os" } else { "disk" };
            command
                .args(["--bind", &address.to_string(), "--log", "error", "--data"])
                .arg(data)
                .args(["--durability", durability])
                // By default it is 64: a recipient that takes more has more memory than an alert needs.
                .args(["--window", &WINDOW.to_string()])
                .args(["--queue-messages", QUEUE, "--queue-bytes", "4294967296"])
                .env("TIDINGS_TOKEN", TOKEN);
            if answers == Answers::Kept {
                command.args(["--wait", "0"]);
            }
            command
        }
        Name::Mosquitto => {
            let settings = data.join("mosquitto.conf");
            let text = format!(
                "listener {port} 127.0.0.1\n\
                 allow_anonymous true\n\
                 # Root may be in a container of its own, where the folder is root's.\n\
                 user root\n\
                 persistence true\n\
                 persistence_location {}/\n\
                 # By default 20 and 1000, beyond which it drops messages; the others are given as much.\n\
                 max_inflight_messages {WINDOW}\n\
                 max_queued_messages {QUEUE}\n\
                 set_tcp_nodelay true\n\
                 log_dest none\n",
                data.display()
            );
            fs::write(&settings, text)?;
            let mut command = Command::new("mosquitto");
            command.arg("-c").arg(settings);
            // It warns of being root, if it is.
            command.stderr(Stdio::null());
            command
        }
        Name::JetStream => {
            let mut command = Command::new("nats-server");
            let log = data.join("log");
            command
                .args(["--addr", "127.0.0.1", "--port", &port.to_string()])
                .args(["--jetstream", "--store_dir"])
                .arg(data)
                .arg("--log")
                .arg(log);
            command
        }
    })
}
