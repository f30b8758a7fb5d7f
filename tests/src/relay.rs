//! A relay of its own process, on a port that stays its own over restarts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Context;

use crate::home::Home;
use crate::process::Process;
use crate::programs::Programs;
use crate::wait;

/// What clients of a rig's relay show.
pub const TOKEN: &str = "rig-token-that-nobody-guesses";

/// The relay's program. Dropping it kills it.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    encrypted: bool,
    process: Option<Process>,
}

impl Relay {
    /// A relay that does not run yet.
    ///
    /// # Errors
    /// When no port is free.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            port: free_port()?,
            encrypted: false,
            process: None,
        })
    }

    /// The same with a certificate that it makes itself.
    ///
    /// # Errors
    /// When no port is free.
    pub fn encrypted() -> anyhow::Result<Self> {
        Ok(Self {
            encrypted: true,
            ..Self::new()?
        })
    }

    /// The fingerprint of its certificate, as it prints it.
    ///
    /// # Errors
    /// When it printed none.
    pub fn fingerprint(&self) -> anyhow::Result<String> {
        let process = self.process.as_ref().context("the relay runs")?;
        let output = process.output();
        let mut lines = output.lines().rev();
        let printed = lines.find_map(|line| line.strip_prefix("certificate SHA-256 "));
        Ok(printed
            .context("the relay prints a fingerprint")?
            .to_owned())
    }

    /// Lets it make another certificate at its next start.
    ///
    /// # Errors
    /// When it has made none yet.
    pub fn forget_certificate(&self, home: &Home) -> anyhow::Result<()> {
        for file in ["tls-cert.pem", "tls-key.pem"] {
            fs::remove_file(self.data(home).join(file))?;
        }
        Ok(())
    }

    /// Where it keeps what it keeps: a folder of its own, as there may be several.
    fn data(&self, home: &Home) -> PathBuf {
        home.path(format!("relay-{}", self.port))
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, as people write it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts it (again), with what it kept before.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(&mut self, home: &Home, programs: &Programs) -> anyhow::Result<()> {
        let token = home.path("relay-token");
        fs::write(&token, TOKEN)?;
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600))?;
        let mut command = home.command(programs.path("tidings-relay")?);
        command.arg("--bind").arg(self.address());
        command.arg("--token-file").arg(token);
        command.arg("--data").arg(self.data(home));
        if self.encrypted {
            command.arg("--tls-self-signed");
        }
        let mut process = Process::start(home, "tidings-relay", command)?;
        wait::until("the relay", wait::START, async || {
            let ended = process.ended()?;
            anyhow::ensure!(ended.is_none(), "it ended: {}", process.errors());
            tokio::net::TcpStream::connect(self.address()).await?;
            Ok(Some(()))
        })
        .await?;
        self.process = Some(process);
        Ok(())
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process = None;
    }
}

/// A port that stays free until somebody of this test binds it: below those that the system gives
/// to outgoing connections, and given out once.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    const FIRST: u16 = 20_000;
    const MANY: u16 = 12_000;
    /// More than a test program asks for: those that run at once have numbers side by side.
    const APART: u32 = 50;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % (u32::from(MANY) / APART) * APART)?;
    for _ in 0..MANY {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % MANY) % MANY;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("every port from {FIRST} on is taken")
}
