//! Ports for processes that must be told theirs and cannot say which one they took.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that Linux gives to those who ask for any (from 32768 on): a free one of those can be given to
/// somebody else between being found and being used.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// How many this process has drawn.
static DRAWN: AtomicU16 = AtomicU16::new(0);

/// An address on 127.0.0.1 that nobody has, and that no other call gives. Processes begin at places far from each other.
///
/// # Panics
/// Where no port of the range is free.
#[allow(clippy::panic, reason = "only tests call this")]
pub fn free_address() -> SocketAddr {
    let begin = std::process::id().wrapping_mul(97);
    for _ in RANGE {
        let step = u32::from(DRAWN.fetch_add(1, Ordering::Relaxed));
        let offset = begin.wrapping_add(step) % u32::from(RANGE.end - RANGE.start);
        let port = RANGE.start + u16::try_from(offset).unwrap_or_default();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port of {RANGE:?} is free");
}

/// As [`free_address`], the port of it alone.
pub fn free_port() -> u16 {
    free_address().port()
}
