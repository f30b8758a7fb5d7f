//! One JSON document a line: what the lines hold, and how they are read within bounds.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use crate::{Answer, Event, Failure, LINE_BYTES, Request};

/// Bytes of room that a connection keeps between lines.
const KEPT_ROOM: usize = 4096;

/// What a face writes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) id: u64,
    pub(crate) request: Request,
}

/// What the agent writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Said {
    Answer { id: u64, answer: Answer },
    Failure { id: u64, failure: Failure },
    Event(Event),
}

/// Reads one line into `line`, which is empty again when it gives one; none at the end of the
/// stream. Cancelled, it goes on with the same `line` where it was.
///
/// # Errors
/// Of the stream; `InvalidData` where a line is longer than [`LINE_BYTES`] or not of the type.
pub(crate) async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
) -> std::io::Result<Option<T>> {
    let room = LINE_BYTES.saturating_sub(line.len());
    let limit = u64::try_from(room).unwrap_or(u64::MAX);
    (&mut *from).take(limit).read_until(b'\n', line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        let short = line.len() < LINE_BYTES;
        let what = if short {
            "the line breaks off"
        } else {
            "the line is too long"
        };
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what));
    }
    let value = serde_json::from_slice(line)?;
    line.clear();
    // A long line's room is not kept for the short ones.
    line.shrink_to(KEPT_ROOM);
    Ok(Some(value))
}

/// A line to be written.
pub(crate) fn line(value: &impl Serialize) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}
