//! Who asks, as far as the share of the server goes.

use http::HeaderMap;
use http::request::Parts;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The bits of an IPv6 address that one client has for itself.
const HOST_BITS: u32 = 64;

/// The address of the other side of a connection, as an extension of its requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectedFrom(pub(crate) IpAddr);

/// A client: an IPv4 address, or an IPv6 network of the size one client is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Caller(IpAddr);

impl Caller {
    pub(crate) fn at(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> HOST_BITS << HOST_BITS)),
        })
    }

    /// Where the connection comes from; behind proxies that are trusted to tell, where the first of them was asked from.
    pub(crate) fn of(parts: &Parts, trusted_proxies: &[IpAddr]) -> Self {
        let connected = parts.extensions.get::<ConnectedFrom>();
        let mut address = connected.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |from| from.0.to_canonical());
        let mut told = forwarded_for(&parts.headers);
        while trusted_proxies.iter().any(|proxy| proxy.to_canonical() == address) {
            match told.next().and_then(read_address) {
                Some(next) => address = next,
                None => break,
            }
        }
        Self::at(address)
    }
}

/// Each proxy adds at the end whom it was asked by, so what can be trusted comes first here.
fn forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    values.into_iter().rev().flat_map(|value| value.rsplit(',')).map(str::trim)
}

/// An address, perhaps with a port.
fn read_address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse().ok().map(|socket: std::net::SocketAddr| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: Option<IpAddr> = text.parse().ok().or_else(with_port).or_else(bracketed);
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn caller(connected: &str, forwarded: &[&str], trusted: &[&str]) -> Caller {
        let mut request = http::Request::builder();
        for value in forwarded {
            request = request.header("X-Forwarded-For", *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectedFrom(connected.parse().unwrap()));
        let trusted: Vec<IpAddr> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        Caller::of(&parts, &trusted)
    }

    fn at(address: &str) -> Caller {
        Caller::at(address.parse().unwrap())
    }

    #[test]
    fn one_client_is_one_address_or_one_network() {
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_ne!(at("10.0.0.1"), at("10.0.0.2"));
    }

    #[test]
    fn only_trusted_proxies_tell_who_asked_them() {
        assert_eq!(caller("10.0.0.1", &["1.2.3.4"], &[]), at("10.0.0.1"));
        assert_eq!(caller("10.0.0.1", &["1.2.3.4"], &["10.0.0.1"]), at("1.2.3.4"));
        // What the client itself wrote comes before what the proxy added.
        assert_eq!(caller("10.0.0.1", &["9.9.9.9, 1.2.3.4"], &["10.0.0.1"]), at("1.2.3.4"));
        assert_eq!(caller("10.0.0.1", &["9.9.9.9", "1.2.3.4"], &["10.0.0.1"]), at("1.2.3.4"));
        assert_eq!(caller("10.0.0.1", &["1.2.3.4, 10.0.0.2"], &["10.0.0.1", "10.0.0.2"]), at("1.2.3.4"));
        assert_eq!(caller("::ffff:10.0.0.1", &["[2001:db8::1]:80"], &["10.0.0.1"]), at("2001:db8::1"));
        assert_eq!(caller("10.0.0.1", &["1.2.3.4:5678"], &["10.0.0.1"]), at("1.2.3.4"));
    }

    #[test]
    fn a_proxy_that_tells_nothing_is_the_client() {
        assert_eq!(caller("10.0.0.1", &[], &["10.0.0.1"]), at("10.0.0.1"));
        assert_eq!(caller("10.0.0.1", &["unknown"], &["10.0.0.1"]), at("10.0.0.1"));
        assert_eq!(caller("10.0.0.1", &["1.2.3.4, "], &["10.0.0.1"]), at("10.0.0.1"));
    }
}
