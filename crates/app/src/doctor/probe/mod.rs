//! Looks at the parts of the computer, one small function each: facts, no opinions.
//!
//! Invariant: each ends within its deadline. What blocks runs on a thread of its own, which is left
//! behind where it hangs.

#[cfg(all(unix, not(target_os = "macos")))]
pub(super) mod bus;
#[cfg(not(all(unix, not(target_os = "macos"))))]
#[path = "elsewhere.rs"]
pub(super) mod bus;

pub(super) mod relay;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::Seen;
use crate::autostart::{AtLogin, Autostart};
use crate::inbox;

/// How long a service of the desktop or a disk may take. Healthy ones answer within milliseconds; one
/// that starts on the first call needs a second or two.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// How long the window program may take to say its version: it loads WebKit, which takes seconds on a
/// cold disk.
const WINDOW: Duration = Duration::from_secs(8);

/// The disk with the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Disk {
    /// Bytes of the inbox.
    pub(super) inbox: u64,
    /// Bytes that are free for this person, where that can be told.
    pub(super) free: Option<u64>,
    /// Whether the folder can be written.
    pub(super) writable: bool,
}

/// The version of the window program, which tells that it and WebKit can be loaded.
pub(super) async fn window(program: &Path) -> Seen<String> {
    let run = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(WINDOW, run).await {
        Err(_) => Seen::Silent,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Seen::Nothing,
        Ok(Err(error)) => Seen::Failed(error.to_string()),
        Ok(Ok(said)) if said.status.success() => Seen::Found(last_line(&said.stdout)),
        Ok(Ok(said)) => Seen::Failed(last_line(&said.stderr)),
    }
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .to_owned()
}

/// The inbox's size, and what is free beside it.
pub(super) async fn disk(folder: &Path) -> Seen<Disk> {
    let folder = folder.to_owned();
    blocking(move || {
        let kept = std::fs::read_dir(&folder)?.flatten();
        // The database, and what its journal holds.
        let sizes = kept
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(inbox::FILE))
            .filter_map(|entry| Some(entry.metadata().ok()?.len()));
        Ok(Disk {
            inbox: sizes.sum(),
            free: free(&folder),
            writable: writable(&folder),
        })
    })
    .await
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let said = rustix::fs::statvfs(folder).ok()?;
    Some(said.f_bavail.saturating_mul(said.f_frsize))
}

#[cfg(unix)]
fn writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn free(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(not(unix))]
fn writable(folder: &Path) -> bool {
    folder
        .metadata()
        .is_ok_and(|told| !told.permissions().readonly())
}

/// What happens at login.
pub(super) async fn autostart(autostart: Option<Autostart>) -> Seen<(AtLogin, PathBuf)> {
    let Some(autostart) = autostart else {
        return Seen::Elsewhere;
    };
    blocking(move || Ok((autostart.at_login(), autostart.file().to_owned()))).await
}

/// The system and the desktop, as they call themselves.
pub(super) fn system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map_or(std::env::consts::OS, |name| name.trim_matches('"'));
    let mut parts = vec![name.to_owned(), std::env::consts::ARCH.to_owned()];
    for key in ["XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE"] {
        parts.extend(std::env::var(key).ok().filter(|value| !value.is_empty()));
    }
    parts.join(", ")
}

async fn blocking<T: Send + 'static>(
    look: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Seen<T> {
    match tokio::time::timeout(DEADLINE, tokio::task::spawn_blocking(look)).await {
        Ok(Ok(Ok(found))) => Seen::Found(found),
        Ok(Ok(Err(error))) if error.kind() == std::io::ErrorKind::NotFound => Seen::Nothing,
        Ok(Ok(Err(error))) => Seen::Failed(error.to_string()),
        Ok(Err(error)) => Seen::Failed(error.to_string()),
        Err(_) => Seen::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_is_measured_and_a_missing_one_is_told_as_such() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(inbox::FILE), [0; 100]).unwrap();
        std::fs::write(folder.path().join(format!("{}-wal", inbox::FILE)), [0; 20]).unwrap();
        std::fs::write(folder.path().join("other"), [0; 1000]).unwrap();
        let Seen::Found(disk) = disk(folder.path()).await else {
            panic!("a folder that is there")
        };
        assert_eq!(disk.inbox, 120);
        assert!(disk.writable && disk.free != Some(0));
        assert_eq!(super::disk(Path::new("/no/such")).await, Seen::Nothing);
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn a_window_program_that_is_missing_broken_or_hangs_is_told_as_such() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tidings-window");
        assert_eq!(window(&program).await, Seen::Nothing);
        let script = |text: &str| {
            let made = folder.path().join("made");
            std::fs::write(&made, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o700)).unwrap();
            std::fs::rename(&made, &program).unwrap();
        };
        script("exec sleep 1000");
        assert_eq!(window(&program).await, Seen::Silent);
        tokio::time::resume();
        script("echo one; echo tidings-window 1");
        assert_eq!(
            window(&program).await,
            Seen::Found("tidings-window 1".into())
        );
        script("echo no library >&2; exit 127");
        assert_eq!(window(&program).await, Seen::Failed("no library".into()));
    }
}
