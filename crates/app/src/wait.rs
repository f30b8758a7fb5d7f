//! Waiting, in a `select!`, for what may not be there: then for ever.

use std::future::{Future, pending};
use std::pin::Pin;

use tokio::time::{Instant, sleep_until};

/// A future kept beside a loop, so that other branches do not begin it anew.
pub(crate) type Kept<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Waits for it, if it is there.
pub(crate) async fn for_kept<T>(future: &mut Option<Kept<T>>) -> T {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}

/// Waits until then, if there is a then.
pub(crate) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
