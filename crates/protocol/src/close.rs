//! WebSocket close codes that both sides of ours agree on. RFC 6455 section 7.4.2 leaves 4000 to
//! 4999 to applications; the reference closes without any code, so a peer must not rely on them.

/// The relay closes the older of two sockets that authenticated with the same name. A client that
/// reads it stays away until a person asks: coming back at once would only throw the other out.
pub const TAKEN_OVER: u16 = 4001;
