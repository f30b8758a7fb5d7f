//! How a request's body is read: within its time, its size, and the memory that all bodies together may take.
//!
//! A body is held while it comes, and most come from somebody whose token is in it: nothing is known of them
//! before the end. Invariants: beyond [`FREE`] bytes a body is read only with a share of a pool; the pool is
//! taken from once per body, so that bodies that wait for it hold none of it; those who have shown a token
//! have a pool of their own, which strangers cannot empty.

use std::time::Duration;

use axum::{
    body::Body,
    http::{StatusCode, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tidings_protocol::limits;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::answer::{Refused, info};

/// Bytes of a body that cost no share: nearly every alert is smaller, and a connection takes as much for
/// its head.
const FREE: usize = 16 * 1024;

/// KiB of larger bodies that are read at once, for each of the two pools: thirty-two of the largest.
const POOL: usize = 32 * 1024;

/// What the pools are counted in, in bytes.
const UNIT: u64 = 1024;

/// What those are told to wait for whom there was no share: a body is read within 10 s by default.
const AGAIN: Duration = Duration::from_secs(5);

/// Who sends a body, as far as is known before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Nobody in particular: the token may stand in the body.
    Stranger,
    /// Somebody whose token was good.
    Known,
}

/// The memory for bodies.
#[derive(Debug)]
pub(crate) struct Reading {
    strangers: Semaphore,
    known: Semaphore,
}

impl Default for Reading {
    fn default() -> Self {
        let pool = || Semaphore::new(POOL);
        Self {
            strangers: pool(),
            known: pool(),
        }
    }
}

impl Reading {
    /// Reads a body. A share of the pool, if it needs one, and the body itself may each take `patience`.
    pub(super) async fn read(
        &self,
        mut body: Body,
        by: By,
        patience: Duration,
    ) -> Result<Bytes, Refused> {
        let said = body.size_hint();
        if said.lower() > limits::FRAME_BYTES as u64 {
            return Err(too_large());
        }
        let mut read = BytesMut::new();
        let mut share = None;
        // A length that is told is known to be needed; of others, that is seen once they are longer.
        if said.exact().is_some_and(|length| length > FREE as u64) {
            share = Some(self.share(by, said.lower(), patience).await?);
        }
        let late = tokio::time::sleep(patience);
        tokio::pin!(late);
        loop {
            let frame = tokio::select! {
                biased;
                frame = body.frame() => frame,
                () = &mut late => return Err(info(
                    StatusCode::REQUEST_TIMEOUT,
                    "the body did not come in time: send it at once",
                )),
            };
            let data = match frame {
                None => return Ok(read.freeze()),
                Some(Err(_)) => return Err(info(StatusCode::BAD_REQUEST, "the body broke off")),
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            if read.len() + data.len() > limits::FRAME_BYTES {
                return Err(too_large());
            }
            if read.len() + data.len() > FREE && share.is_none() {
                let most = limits::FRAME_BYTES as u64;
                share = Some(self.share(by, most, patience).await?);
            }
            read.extend_from_slice(&data);
        }
    }

    async fn share(
        &self,
        by: By,
        bytes: u64,
        patience: Duration,
    ) -> Result<SemaphorePermit<'_>, Refused> {
        let pool = match by {
            By::Stranger => &self.strangers,
            By::Known => &self.known,
        };
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        // The pool is never closed.
        match timeout(patience, pool.acquire_many(units)).await {
            Ok(Ok(share)) => Ok(share),
            _ => Err(info(
                StatusCode::SERVICE_UNAVAILABLE,
                "many large bodies come at once: send again in a moment",
            )
            .with(header::RETRY_AFTER, AGAIN.as_secs())),
        }
    }
}

fn too_large() -> Refused {
    let text = format!(
        "the body is larger than {} bytes: shorten it",
        limits::FRAME_BYTES
    );
    info(StatusCode::PAYLOAD_TOO_LARGE, text)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt as _, future::join_all, stream};
    use tokio::time::Instant;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// So many bytes at once, and then nothing; their end does not come.
    fn stalled(bytes: usize) -> Body {
        let begun = stream::iter([Ok::<_, Infallible>(Bytes::from(vec![b' '; bytes]))]);
        Body::from_stream(begun.chain(stream::pending()))
    }

    async fn status(reading: &Reading, body: Body, by: By) -> u16 {
        let read = reading.read(body, by, PATIENCE).await;
        read.map_or_else(|refused| refused.status().as_u16(), |_| 200)
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_do_not_end_leave_room_for_small_ones_and_for_those_with_a_token() {
        let reading = Reading::default();
        let stalled = (0..200).map(|_| status(&reading, stalled(FREE + 1), By::Stranger));
        let others = async {
            tokio::time::sleep(PATIENCE / 2).await;
            let small = || Body::from(vec![b' '; FREE]);
            let large = || Body::from(vec![b' '; limits::FRAME_BYTES]);
            assert_eq!(status(&reading, small(), By::Stranger).await, 200);
            assert_eq!(status(&reading, large(), By::Known).await, 200);
            assert_eq!(status(&reading, large(), By::Stranger).await, 200);
        };
        let began = Instant::now();
        let (stalled, ()) = tokio::join!(join_all(stalled), others);
        let times = |status: u16| stalled.iter().filter(|s| **s == status).count();
        assert_eq!((times(408) + times(503), times(503) > 0), (200, true));
        assert!(began.elapsed() <= PATIENCE * 3);
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_each_other_and_all_are_read() {
        let reading = Reading::default();
        let large = || Body::from(vec![b' '; limits::FRAME_BYTES]);
        let all = join_all((0..100).map(|_| status(&reading, large(), By::Stranger))).await;
        assert!(all.iter().all(|status| *status == 200));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_large_is_refused_with_and_without_a_length() {
        let reading = Reading::default();
        let told = Body::from(vec![b' '; limits::FRAME_BYTES + 1]);
        assert_eq!(status(&reading, told, By::Known).await, 413);
        let untold = stalled(limits::FRAME_BYTES + 1);
        assert_eq!(status(&reading, untold, By::Known).await, 413);
    }
}
