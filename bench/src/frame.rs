//! WebSocket frames (RFC 6455) from a client's side, as few and as cheap as a load generator needs: whole
//! text frames, written into a buffer and read out of one, many at a time.
//!
//! Handshakes are tokio-tungstenite's. The frames are not, because the generator shares two cores with what
//! it measures: a block of frames is made once and sent by one write, and what came is looked at where it
//! lies. Clients mask with the key 0, which every server must still apply.
//!
//! Invariant: what [`Incoming::next`] gives is one whole frame; the rest of the buffer stays for later.

use std::ops::Range;

use anyhow::{Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// No frame here is larger: a reply that names 1,000 recipients has some 30 KiB.
const LARGEST: usize = 4 * 1024 * 1024;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Close,
    Ping,
    Pong,
}

/// Adds a frame to `out`.
pub(crate) fn put(out: &mut Vec<u8>, kind: Kind, payload: &[u8]) {
    let opcode = match kind {
        Kind::Text => 1,
        Kind::Close => 8,
        Kind::Ping => 9,
        Kind::Pong => 10,
    };
    out.push(FINAL | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..126), _) => out.push(MASKED | length),
        (_, Ok(length)) => {
            out.push(MASKED | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// A frame as a block of bytes.
pub(crate) fn whole(payload: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, Kind::Text, payload.as_bytes());
    out
}

/// What came on a socket and was not looked at yet.
#[derive(Debug)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    /// Up to here it was looked at.
    seen: usize,
    /// Room made for each read.
    room: usize,
}

struct Head {
    kind: Kind,
    payload: Range<usize>,
}

impl Incoming {
    /// For a socket of which so many bytes are read at a time.
    pub(crate) fn new(room: usize) -> Self {
        Self {
            bytes: Vec::new(),
            seen: 0,
            room,
        }
    }

    /// Waits for more bytes; `false` at the end of the stream. May be dropped while it waits.
    pub(crate) async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<bool> {
        // What is left is the beginning of one frame at most.
        self.bytes.drain(..self.seen);
        self.seen = 0;
        self.bytes.reserve(self.room);
        Ok(stream.read_buf(&mut self.bytes).await? > 0)
    }

    /// The next whole frame, where it lies.
    ///
    /// # Errors
    /// When it is of a kind that no server here sends, masked, or too large.
    pub(crate) fn next(&mut self) -> Result<Option<(Kind, &[u8])>> {
        let Some(head) = head(self.bytes.get(self.seen..).unwrap_or_default())? else {
            return Ok(None);
        };
        let range = self.seen + head.payload.start..self.seen + head.payload.end;
        let end = range.end;
        let Some(payload) = self.bytes.get(range) else {
            return Ok(None);
        };
        self.seen = end;
        Ok(Some((head.kind, payload)))
    }
}

fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    let kind = match first ^ FINAL {
        1 => Kind::Text,
        8 => Kind::Close,
        9 => Kind::Ping,
        10 => Kind::Pong,
        other => bail!("a frame of an unexpected kind: {other:#x}"),
    };
    if second & MASKED != 0 {
        bail!("a masked frame from a server");
    }
    let (extended, length) = match second {
        126 => (2, rest.get(..2).map(number)),
        127 => (8, rest.get(..8).map(number)),
        short => (0, Some(u64::from(*short))),
    };
    let Some(length) = length else {
        return Ok(None);
    };
    let length = usize::try_from(length)?;
    if length > LARGEST {
        bail!("a frame of {length} bytes");
    }
    let start = 2 + extended;
    Ok(Some(Head {
        kind,
        payload: start..start + length,
    }))
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut bytes: &[u8], room: usize) -> Vec<(Kind, Vec<u8>)> {
        let (mut incoming, mut frames) = (Incoming::new(room), Vec::new());
        while incoming.fill(&mut bytes).await.unwrap() {
            while let Some((kind, payload)) = incoming.next().unwrap() {
                frames.push((kind, payload.to_vec()));
            }
        }
        frames
    }

    /// The same frame as a server would write it.
    fn of_server(masked: &[u8], length: usize) -> Vec<u8> {
        let (head, payload) = masked.split_at(masked.len() - length);
        let mut head = head[..head.len() - 4].to_vec();
        head[1] &= !MASKED;
        [&head, payload].concat()
    }

    #[tokio::test]
    async fn frames_of_every_length_come_back_however_they_are_cut() {
        let lengths = [0, 1, 125, 126, 300, 65535, 65536, 70000];
        let frames = lengths.map(|length| of_server(&whole(&"x".repeat(length)), length));
        for room in [1000, 4096, 1 << 20] {
            let frames = read(&frames.concat(), room).await;
            let came: Vec<_> = frames.iter().map(|(_, payload)| payload.len()).collect();
            assert_eq!(came, lengths);
        }
    }

    #[tokio::test]
    async fn the_examples_of_the_rfc_are_read() {
        // RFC 6455, 5.7: a text of "Hello", and a ping with it.
        let text = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        let ping = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        let frames = read(&[text, ping].concat(), 3).await;
        let hello = b"Hello".to_vec();
        assert_eq!(frames, [(Kind::Text, hello.clone()), (Kind::Ping, hello)]);
    }
}
