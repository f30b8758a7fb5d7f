//! Whatever a server could send the agent: decoding does not panic, and what it reads is written and read back
//! the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidings_protocol::server::Packet;

fuzz_target!(|frame: &str| {
    if let Ok(packet) = Packet::decode(frame) {
        let written = packet.encode();
        let read = Packet::decode(&written);
        assert!(read.is_ok_and(|read| read == packet), "{written}");
    }
});
