//! A disk that is full at random moments: the data folder on a tmpfs of this process's own, whose
//! size is cut down to what is used, and given back. Writing then fails as on any full disk
//! (ENOSPC), without a byte of ballast.
//!
//! Mounting takes a namespace of its own, which `unshare` makes for root and ordinary users alike;
//! mount and files end with it.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, bail};
use rustix::fs::statvfs;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use tokio::time::sleep;

use crate::world::{Phase, World, between};

/// Said to itself when it is in the namespace.
pub(crate) const INSIDE: &str = "--inside-namespace";

const UNSHARE: [&str; 4] = ["--user", "--map-root-user", "--mount", "--"];
/// The disk's size while it has room. Memory is taken only for what is written.
const KIB: u64 = 4 * 1024 * 1024;

/// Starts this program anew in a namespace where it may mount. Returns only if that fails.
pub(crate) fn enter_namespace() -> anyhow::Result<()> {
    let may = Command::new("unshare")
        .args(UNSHARE)
        .arg("true")
        .stderr(Stdio::null())
        .status();
    if !may.is_ok_and(|status| status.success()) {
        bail!(
            "this system does not let you make namespaces, which --disk-full needs: try as root, \
             or allow them (sysctl kernel.unprivileged_userns_clone=1, or \
             kernel.apparmor_restrict_unprivileged_userns=0)"
        );
    }
    let program = std::env::current_exe()?;
    let error = Command::new("unshare")
        .args(UNSHARE)
        .arg(program)
        .args(std::env::args_os().skip(1))
        .arg(INSIDE)
        .exec();
    Err(error).context("cannot start unshare")
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Mounts it on a folder.
    pub(crate) fn mount(folder: &Path) -> anyhow::Result<Self> {
        let (flags, size) = (MountFlags::NOSUID | MountFlags::NODEV, size(KIB));
        let size = std::ffi::CString::new(size)?;
        mount("torture", folder, "tmpfs", flags, size.as_c_str())
            .context("cannot mount a tmpfs")?;
        let folder = folder.to_owned();
        Ok(Self { folder })
    }

    /// Leaves only so much room.
    fn fill(&self, room: u64) -> anyhow::Result<()> {
        // What is written in between makes the new size too small: once more then.
        for _ in 0..100 {
            let now = statvfs(&self.folder)?;
            let used = (now.f_blocks - now.f_bfree) * now.f_frsize / 1024;
            if self.resize(used + room).is_ok() {
                return Ok(());
            }
        }
        bail!("the disk cannot be made smaller")
    }

    fn resize(&self, kib: u64) -> rustix::io::Result<()> {
        mount_remount(&self.folder, MountFlags::empty(), size(kib))
    }

    /// Fills and frees it until the load is over.
    pub(crate) async fn run(&self, world: Arc<World>) -> anyhow::Result<()> {
        let mut rng = world.rng("disk", 0);
        while matches!(world.phase(), Phase::Load | Phase::Quiet) {
            sleep(between(&mut rng, 300, 7000)).await;
            // Now and then it fills up only once some more was written.
            let room = match rng.u8(0..4) {
                0 => rng.u64(4..64),
                1 => rng.u64(64..1024),
                _ => 0,
            };
            world.ledger().disk(true, world.now());
            self.fill(room)?;
            sleep(between(&mut rng, 100, 3000)).await;
            self.resize(KIB)?;
            world.ledger().disk(false, world.now());
        }
        Ok(())
    }
}

impl Drop for Disk {
    /// So that the folder can be removed. A relay that still ends there does not matter.
    fn drop(&mut self) {
        let _ = unmount(&self.folder, UnmountFlags::DETACH);
    }
}

fn size(kib: u64) -> String {
    format!("size={kib}k")
}
