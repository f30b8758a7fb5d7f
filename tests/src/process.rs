//! A program of the rig: in a process group of its own, with its output in files, killed on drop.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::home::{self, Home};
use crate::wait;

/// A running program. Dropping it kills its whole group and waits for its end.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: PathBuf,
    errors: PathBuf,
}

impl Process {
    /// Starts `program` (see [`Home::command`]) under a name that its logs carry. A second start
    /// under the same name adds to the same logs.
    ///
    /// # Errors
    /// When the program is not installed, or the logs cannot be written.
    pub fn start(home: &Home, name: &str, mut program: Command) -> anyhow::Result<Self> {
        home::installed(&program)?;
        let output = home.path(format!("log/{name}.out"));
        let errors = home.path(format!("log/{name}.log"));
        let open = |path| File::options().create(true).append(true).open(path);
        program
            .stdin(Stdio::null())
            .stdout(open(&output)?)
            .stderr(open(&errors)?)
            .process_group(0);
        let child = program
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            output,
            errors,
        })
    }

    /// Its process number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        let id = i32::try_from(self.child.id())?;
        Pid::from_raw(id).context("a process number is never 0")
    }

    /// Sends it a signal, to it alone.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        anyhow::ensure!(self.ended()?.is_none(), "{} has ended", self.name);
        Ok(kill_process(self.pid()?, signal)?)
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// Of the system.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it still runs after `within`.
    pub async fn end(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        wait::until(&what, within, async || self.ended()).await
    }

    /// What it wrote to its standard output so far.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// What it wrote to its standard error so far.
    #[must_use]
    pub fn errors(&self) -> String {
        fs::read_to_string(&self.errors).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(pid) = self.pid() {
            // A group whose members have all ended is none; nothing else can go wrong with it.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Runs a short program to its end and gives what it wrote to its standard output.
///
/// # Errors
/// When it fails or takes longer than [`wait::START`]; with what it wrote.
pub async fn run(home: &Home, name: &str, program: Command) -> anyhow::Result<String> {
    let (status, output, errors) = finish(home, name, program).await?;
    anyhow::ensure!(status.success(), "{name}: {status}\n{output}{errors}");
    Ok(output)
}

/// Runs a short program to its end: how it ended, standard output, standard error.
///
/// # Errors
/// When it cannot be started or takes longer than [`wait::START`].
pub async fn finish(
    home: &Home,
    name: &str,
    program: Command,
) -> anyhow::Result<(ExitStatus, String, String)> {
    // Before it starts: a quick one has said all before anybody looks.
    let before = |ending| {
        let log = fs::metadata(home.path(format!("log/{name}.{ending}")));
        log.map_or(0, |log| usize::try_from(log.len()).unwrap_or(0))
    };
    let (output, errors) = (before("out"), before("log"));
    let mut process = Process::start(home, name, program)?;
    let status = process.end(wait::START).await?;
    let since = |text: String, from| text.get(from..).unwrap_or_default().to_owned();
    let output = since(process.output(), output);
    Ok((status, output, since(process.errors(), errors)))
}
