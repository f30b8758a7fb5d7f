//! The relay from outside: its store's promises, its two faces over real sockets, what it does with
//! what it should not get, and its binary under SIGKILL.

mod hostile;
mod http;
mod store;
mod support;
mod websocket;
