//! PROTOCOL.md, section 3: where the relay differs from the reference, on purpose. Each line has tests
//! named after it, `line_01_..` to `line_13_..`; what can be shown without a relay (mids, re-sending,
//! tickets, paths, the stores' promises) is tested beside its code, under the same names.
//! `cargo test -p tidings-relay line_07` runs one line.

mod durable;
mod gate;
mod http;
mod queues;
mod sockets;
