//! The packets in a stream of bytes, seen from beside it: an HTTP head, then WebSocket frames
//! (RFC 6455, section 5.2). Only what both ends here write: text in one frame, masked or not.

/// One direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    waiting: Vec<u8>,
    after: After,
}

/// What comes now.
#[derive(Debug, Default, PartialEq, Eq)]
enum After {
    /// The HTTP head, which says what comes after it.
    #[default]
    Nothing,
    /// Frames.
    Upgrade,
    /// A body, and nothing of interest.
    Request,
}

impl Frames {
    /// Takes in bytes; the texts of the frames that are whole now.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut texts = Vec::new();
        if self.after == After::Request {
            return texts;
        }
        self.waiting.extend_from_slice(bytes);
        if self.after == After::Nothing {
            let Some(end) = self.waiting.windows(4).position(|w| w == b"\r\n\r\n") else {
                return texts;
            };
            let head: Vec<u8> = self.waiting.drain(..end + 4).collect();
            let head = String::from_utf8(head).expect("heads here are ASCII");
            // In the request and in the answer, and nowhere else.
            self.after = match head.to_ascii_lowercase().contains("upgrade: websocket") {
                true => After::Upgrade,
                false => After::Request,
            };
        }
        while self.after == After::Upgrade
            && let Some((length, text)) = frame(&self.waiting)
        {
            texts.extend(text);
            self.waiting.drain(..length);
        }
        texts
    }
}

/// The first frame's length, and its text if it is one; nothing while some of it is missing.
fn frame(bytes: &[u8]) -> Option<(usize, Option<String>)> {
    let [first, second] = *bytes.first_chunk()?;
    let (at, length) = match second & 0x7f {
        126 => (
            4,
            u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        ),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        short => (2, u64::from(short)),
    };
    let masked = second & 0x80 != 0;
    let (mask, at) = match masked {
        true => (*bytes.get(at..)?.first_chunk::<4>()?, at + 4),
        false => ([0; 4], at),
    };
    let end = at + usize::try_from(length).ok()?;
    let payload = bytes.get(at..end)?;
    let text = (first & 0x0f == 1).then(|| {
        let mask = mask.iter().cycle();
        let bytes = payload.iter().zip(mask).map(|(byte, mask)| byte ^ mask);
        String::from_utf8(bytes.collect()).expect("texts are UTF-8")
    });
    Some((end, text))
}
