//! The sizes this implementation accepts, each with its reason. The reference has none.

/// Bytes of one WebSocket text frame, and of one HTTP body. Push services carry 4 KiB; the longest
/// alerts seen (build logs, stack traces) stay under 200 KiB. 1 MiB leaves room and still bounds
/// what one connection can make a peer hold.
pub const FRAME_BYTES: usize = 1024 * 1024;

/// Bytes of one frame that a client takes from its server. A delivery is longer than the MESSAGE it
/// came from, and the reference passes on whatever it is given. A frame refused here ends the
/// connection and comes again on the next one, so the limit is wide: it only guards memory.
pub const SERVER_FRAME_BYTES: usize = 16 * FRAME_BYTES;

/// Bytes of a client's name or a group's. They stand in URLs, file names and status maps; the
/// longest host names are 253 bytes.
pub const ID_BYTES: usize = 256;

/// Bytes of a mid. Ours have 13 digits, at most 17 with a node's fraction; others' may be longer.
pub const MID_BYTES: usize = 64;

/// Characters of a `ref`, by the protocol's section 4.
pub const REF_CHARS: usize = 64;

/// Bytes of the note of an acknowledgement: a few sentences.
pub const NOTE_BYTES: usize = 1024;

/// Bytes of a `key`, as of the names that it is beside.
pub const KEY_BYTES: usize = ID_BYTES;

/// Bytes of a token. It travels in headers, whose customary bound is 8 KiB.
pub const TOKEN_BYTES: usize = 4096;
