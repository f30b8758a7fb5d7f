//! What happens to the computer around the app: it goes to sleep, it wakes, its network is another.
//! Owns the ways to hear of it; what follows is the sessions' and the flow's.
//!
//! On Linux desktops logind and NetworkManager say so on the system bus; nothing is asked for there,
//! so their absence costs nothing. Everywhere, and beside them, a clock is looked at: a computer whose
//! wall clock ran on while this process did not run was asleep, or its virtual machine stood still, of
//! which no logind tells.
//!
//! Invariant: while nothing happens this wakes the processor once a [`TICK`].

#[cfg(all(unix, not(target_os = "macos")))]
mod system_bus;

use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::Instant;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The computer goes to sleep.
    Sleeps,
    /// It woke, perhaps without having said that it goes to sleep.
    Woke,
    /// The network is another, or is gone, or is there again.
    NetworkChanged,
}

/// Between two looks at the clock. Each costs some microseconds of the processor and, at this pace,
/// is lost among the questions whether the relay is still there, which go out twice as often.
const TICK: Duration = Duration::from_secs(60);

/// A wall clock that ran so much further than it should have means a sleep. Less is a clock that was
/// set right, a busy machine, or a nap in which nothing was missed that the relay does not repeat.
const SLEPT: Duration = Duration::from_secs(20);

/// Waits for turns and tells them, for as long as somebody listens. Who is slow to listen hears the
/// later ones later.
pub(crate) async fn watch(turns: mpsc::Sender<Turn>) {
    let (heard_in, mut heard) = mpsc::channel(1);
    let bus = async {
        #[cfg(all(unix, not(target_os = "macos")))]
        if let Err(error) = system_bus::listen(&heard_in).await {
            tracing::debug!(%error, "nobody tells of sleep and network on a system bus");
        }
        // Kept, so that the other end goes on without it.
        let _heard_in = heard_in;
        std::future::pending::<()>().await;
    };
    let clock = async {
        let mut look = Look::now();
        loop {
            let turn = tokio::select! {
                turn = heard.recv() => turn,
                () = tokio::time::sleep_until(look.at + TICK) => {
                    look.slept(Look::now()).then_some(Turn::Woke)
                }
            };
            look = Look::now();
            if let Some(turn) = turn {
                tracing::info!(?turn, "the computer");
                if turns.send(turn).await.is_err() {
                    return;
                }
            }
        }
    };
    tokio::select! {
        () = bus => {}
        () = clock => {}
    }
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
struct Look {
    wall: SystemTime,
    at: Instant,
}

impl Look {
    fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            at: Instant::now(),
        }
    }

    /// Whether the computer slept between this look and the next. Where the clock of its running runs
    /// on in sleep, as on Windows, the tick comes late, which is seen by the same measure.
    fn slept(self, next: Self) -> bool {
        let ran = next.at.duration_since(self.at).min(TICK);
        next.wall
            .duration_since(self.wall)
            .is_ok_and(|passed| passed > ran + SLEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_ran_on_means_a_sleep_and_one_that_was_set_back_does_not() {
        let start = Look::now();
        let after = |wall: u64, ran: u64| Look {
            wall: start.wall + Duration::from_secs(wall),
            at: start.at + Duration::from_secs(ran),
        };
        assert!(!start.slept(after(60, 60)));
        assert!(!start.slept(after(75, 60)), "a clock that was set a little");
        assert!(start.slept(after(3_600, 60)));
        assert!(start.slept(after(3_600, 3_600)), "a tick an hour late");
        let back = Look {
            wall: start.wall - Duration::from_secs(7_200),
            at: start.at + TICK,
        };
        assert!(!start.slept(back));
    }

    #[tokio::test(start_paused = true)]
    async fn hours_without_a_turn_are_silent_and_the_watch_ends_with_its_listener() {
        let (turns_in, mut turns) = mpsc::channel(1);
        let watch = tokio::spawn(watch(turns_in));
        // The wall clock stands still here, so nothing looks like a sleep.
        tokio::time::sleep(Duration::from_secs(3 * 60 * 60)).await;
        assert!(turns.try_recv().is_err());
        watch.abort();
        assert!(turns.recv().await.is_none());
    }
}
