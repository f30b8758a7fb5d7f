//! What systemd is told, where it supervises the relay (`Type=notify`). Elsewhere, and without it,
//! nothing happens.

/// The port is open and the store is read.
pub(crate) fn ready(status: &str) {
    #[cfg(target_os = "linux")]
    told(&[
        sd_notify::NotifyState::Ready,
        sd_notify::NotifyState::Status(status),
    ]);
    #[cfg(not(target_os = "linux"))]
    let _ = status;
}

/// Tokens and certificate are being read again; [`ready`] ends it.
pub(crate) fn reloading() {
    #[cfg(target_os = "linux")]
    if let Ok(since) = sd_notify::NotifyState::monotonic_usec_now() {
        told(&[sd_notify::NotifyState::Reloading, since]);
    }
}

/// The relay ends.
pub(crate) fn stopping() {
    #[cfg(target_os = "linux")]
    told(&[sd_notify::NotifyState::Stopping]);
}

#[cfg(target_os = "linux")]
fn told(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "cannot tell the supervisor how things are");
    }
}
