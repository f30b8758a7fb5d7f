//! Waiting for a condition, with a deadline that says what was awaited.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// Between two looks. Short against everything a desktop does, long against what a look costs.
const PAUSE: Duration = Duration::from_millis(20);

/// For what takes a moment: an answer over D-Bus, a file, a signal.
pub const SOON: Duration = Duration::from_secs(10);

/// For what starts a program, on a machine that is busy with other tests.
pub const START: Duration = Duration::from_secs(30);

/// Looks until `look` finds something.
///
/// # Errors
/// What `look` said last, and `what` was awaited, once `within` has passed. An error of `look` is
/// not the end: the thing may only not be there yet.
pub async fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + within;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let last = match timeout(left.max(PAUSE), look()).await {
            Ok(Ok(Some(found))) => return Ok(found),
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some(anyhow::anyhow!("the last look did not come back")),
        };
        if Instant::now() >= deadline {
            let waited = format!("waited {within:?} in vain for: {what}");
            return Err(match last {
                Some(error) => error.context(waited),
                None => anyhow::anyhow!(waited),
            });
        }
        sleep(PAUSE).await;
    }
}

/// Gives `work` a deadline.
///
/// # Errors
/// Those of `work`; or that it took longer than `within`.
pub async fn at_most<T, E: Into<anyhow::Error>>(
    what: &str,
    within: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> anyhow::Result<T> {
    match timeout(within, work).await {
        Ok(done) => done.map_err(|e| e.into().context(what.to_owned())),
        Err(_) => anyhow::bail!("{what}: not done within {within:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn says_what_it_waited_for() {
        let error = until("the moon", SOON, async || Ok(None::<()>)).await;
        assert!(error.unwrap_err().to_string().contains("the moon"));
        let never = at_most("a nap", SOON, std::future::pending::<anyhow::Result<()>>());
        assert!(never.await.unwrap_err().to_string().contains("a nap"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_is_not_the_end() {
        let mut looks = 0;
        let found = until("the third look", SOON, async || {
            looks += 1;
            anyhow::ensure!(looks >= 3, "not yet");
            Ok(Some(looks))
        });
        assert_eq!(found.await.unwrap(), 3);
    }
}
