//! Signals of the operating system, as the relay understands them.

/// What a signal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM or SIGINT: end in order.
    End,
    /// SIGHUP: read tokens again.
    Reload,
}

#[cfg(unix)]
pub(crate) use self::unix::Signals;

#[cfg(unix)]
mod unix {
    use super::Signal;
    use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

    /// Those that come from now on.
    pub(crate) struct Signals {
        terminate: Stream,
        interrupt: Stream,
        hangup: Stream,
    }

    impl Signals {
        pub(crate) fn listen() -> std::io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hangup: signal(SignalKind::hangup())?,
            })
        }

        /// The next one. Cancel safe.
        pub(crate) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.terminate.recv() => Signal::End,
                _ = self.interrupt.recv() => Signal::End,
                _ = self.hangup.recv() => Signal::Reload,
            }
        }
    }
}

#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// The next one. Cancel safe.
    pub(crate) async fn next(&mut self) -> Signal {
        // Without it the relay still ends, less orderly.
        let _ = tokio::signal::ctrl_c().await;
        Signal::End
    }
}
