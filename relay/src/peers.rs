//! Who is at the other end of a connection, and how many connections each may have.
//!
//! Invariants: what a request says about where it came from counts only if it comes from a
//! configured forwarder, and only the part that forwarders wrote; a place is given back when its
//! connection ends. This computer's own programs, and forwarders, are not counted: the first could
//! do worse than connect, the second stand for many.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::pace::subscriber;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// See the module.
#[derive(Debug)]
pub(crate) struct Peers {
    forwarders: Vec<IpNet>,
    bound: usize,
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// The right of one connection to be there.
#[derive(Debug)]
pub(crate) struct Place {
    /// `None` if it is not counted.
    counted: Option<(Arc<Peers>, IpAddr)>,
}

impl Peers {
    pub(crate) fn new(forwarders: Vec<IpNet>, bound: usize) -> Self {
        Self {
            forwarders,
            bound,
            held: Mutex::default(),
        }
    }

    pub(crate) fn is_forwarder(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.forwarders.iter().any(|net| net.contains(&address))
    }

    /// Whether limits per address concern it.
    pub(crate) fn counts(&self, address: IpAddr) -> bool {
        !address.to_canonical().is_loopback() && !self.is_forwarder(address)
    }

    /// Where a request really came from, `peer` having brought it.
    pub(crate) fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut origin = peer;
        let mut lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        while self.is_forwarder(origin) {
            let Some(line) = lines.pop() else {
                break;
            };
            // Each forwarder adds whom it got the request from at the end; the first one that is no
            // forwarder is the origin, and could have written all before.
            for hop in line.to_str().unwrap_or_default().rsplit(',') {
                let Some(hop) = address(hop.trim()) else {
                    return origin;
                };
                origin = hop;
                if !self.is_forwarder(origin) {
                    break;
                }
            }
        }
        origin
    }

    /// A place for one more connection from there, unless it has its share.
    pub(crate) fn place(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        if !self.counts(address) {
            return Some(Place { counted: None });
        }
        let address = subscriber(address);
        let mut held = self.lock();
        let count = held.entry(address).or_default();
        if *count >= self.bound {
            return None;
        }
        *count += 1;
        Some(Place {
            counted: Some((Arc::clone(self), address)),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Every change is one number: whole after a panic too.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((peers, address)) = self.counted.take() {
            let mut held = peers.lock();
            if let Some(count) = held.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    held.remove(&address);
                }
            }
        }
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse().ok();
    bare.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn peers(bound: usize) -> Arc<Peers> {
        let forwarders = ["10.0.0.0/8", "127.0.0.1/32"].map(|net| net.parse().unwrap());
        Arc::new(Peers::new(forwarders.into(), bound))
    }

    #[test]
    fn only_what_forwarders_wrote_counts() {
        let origin = |peer: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            peers(1).origin(ip(peer), &headers)
        };
        // Not from a forwarder: whatever it says.
        assert_eq!(origin("192.0.2.1", &["192.0.2.9"]), ip("192.0.2.1"));
        assert_eq!(origin("127.0.0.1", &["192.0.2.9"]), ip("192.0.2.9"));
        // The client wrote the first; its own address was added behind.
        assert_eq!(origin("10.0.0.1", &["1.1.1.1, 192.0.2.9"]), ip("192.0.2.9"));
        // Through two forwarders, in one line or two.
        let two = ip("192.0.2.9");
        assert_eq!(origin("127.0.0.1", &["1.1.1.1,192.0.2.9, 10.1.1.1"]), two);
        assert_eq!(origin("127.0.0.1", &["1.1.1.1,192.0.2.9", "10.1.1.1"]), two);
        assert_eq!(origin("10.0.0.1", &["[2001:db8::1]:99"]), ip("2001:db8::1"));
        for odd in [&["unknown"][..], &[""], &[]] {
            assert_eq!(origin("10.0.0.1", odd), ip("10.0.0.1"));
        }
    }

    #[test]
    fn each_address_has_its_share_and_gives_it_back() {
        let peers = peers(2);
        let place = |at: &str| peers.place(ip(at));
        let held = (place("192.0.2.1"), place("192.0.2.1"));
        assert!(held.0.is_some() && held.1.is_some());
        assert!(place("192.0.2.1").is_none());
        assert!(place("192.0.2.2").is_some());
        drop(held);
        assert!(place("192.0.2.1").is_some());
        // Programs of this computer, and forwarders, are not counted.
        for uncounted in ["127.0.0.1", "::1", "10.0.0.1"] {
            let places: Vec<_> = (0..5).map(|_| place(uncounted)).collect();
            assert!(places.iter().all(Option::is_some));
        }
        assert!(peers.lock().is_empty());
    }
}
