//! From sending to receiving, at a steady rate.
//!
//! The load is open: a message's time runs from the moment at which it was due, whether or not the sender
//! could send it then, so that a server that stalls pays for all that waited. The moments come from the
//! kernel's timer, as the runtime's own counts in milliseconds.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use hdrhistogram::Histogram;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::flood::unless_one_ends;
use crate::system::{Recipient, Sender, System};

/// A message that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// Times from sending to receiving, in nanoseconds.
pub(crate) async fn latency<S: System>(
    system: &S,
    rate: u32,
    time: Duration,
) -> Result<Histogram<u64>> {
    let (mut sender, mut recipient) = system.pair("0").await?;
    let count = rate * u32::try_from(time.as_millis())? / 1000;
    let due = Rc::new(RefCell::new(VecDeque::new()));
    let times = Rc::new(RefCell::new(Histogram::new(3)?));
    let mut clients = JoinSet::new();
    let (came, seen) = (Rc::clone(&due), Rc::clone(&times));
    clients.spawn_local(async move {
        loop {
            for _ in 0..recipient.receive().await? {
                let Some(due) = came.borrow_mut().pop_front() else {
                    bail!("a message came that was not sent");
                };
                let took: Duration = Instant::now() - due;
                seen.borrow_mut().record(u64::try_from(took.as_nanos())?)?;
            }
        }
    });
    let period = Duration::from_secs(1) / rate;
    unless_one_ends(&mut clients, async {
        let timer = timer(period)?;
        let began = Instant::now();
        let (mut sent, mut confirmed) = (0, 0);
        while sent < count {
            tokio::select! {
                ticks = ticks(&timer) => {
                    // All that was due is sent, late or not.
                    for _ in 0..ticks?.min(u64::from(count - sent)) {
                        sent += 1;
                        due.borrow_mut().push_back(began + period * sent);
                        sender.send(1).await?;
                    }
                }
                more = sender.confirmed() => confirmed += more?,
            }
        }
        while confirmed < count as usize {
            confirmed += timeout(PATIENCE, sender.confirmed()).await??;
        }
        Ok(())
    })
    .await?;
    let times = times.borrow().clone();
    Ok(times)
}

/// A timer that ticks from now on.
fn timer(period: Duration) -> Result<AsyncFd<std::os::fd::OwnedFd>> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    let every = Timespec::try_from(period)?;
    let spec = Itimerspec {
        it_interval: every,
        it_value: every,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &spec)?;
    #[expect(
        deprecated,
        reason = "an OwnedFd stays open as long as it lives, which the new function asks for"
    )]
    let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
    Ok(timer)
}

/// Waits for ticks; how many there were.
async fn ticks(timer: &AsyncFd<std::os::fd::OwnedFd>) -> Result<u64> {
    let mut count = [0; 8];
    timer
        .async_io(Interest::READABLE, |timer| {
            Ok(rustix::io::read(timer, &mut count)?)
        })
        .await?;
    Ok(u64::from_ne_bytes(count))
}
