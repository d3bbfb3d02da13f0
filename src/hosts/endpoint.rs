//! Addresses and ports as netstat and ss write them: `0.0.0.0:135`, `[fe80::1%12]:135`, `127.0.0.53%lo:53`, `*:22`, `:::22`.

use super::builder::Local;
use crate::model::{Endpoint, IpVersions};
use std::net::IpAddr;

/// Either end of a socket; port 0 is `*`: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) local: Local,
    pub(super) port: u16,
}

impl End {
    /// The endpoint, where both an address and a port are given.
    pub(super) fn endpoint(self) -> Option<Endpoint> {
        match self.local {
            Local::One(ip) if self.port != 0 => Some(Endpoint { ip, port: self.port }),
            _ => None,
        }
    }
}

/// Reads an end; `None` where it holds a name instead of numbers, or is none.
pub(super) fn end(text: &str) -> Option<End> {
    let (host, port) = text.rsplit_once(':')?;
    let port = match port {
        "*" => 0,
        digits if digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    let local = match host {
        "*" => Local::Any(IpVersions::Both),
        // Older versions of ss write the wildcard of a socket for both versions so.
        "::" => Local::Any(IpVersions::Both),
        bare => Local::of(address(bare)?),
    };
    Some(End { local, port })
}

/// Reads an address with or without brackets and scope: the scope is left out, captures have none.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let without_scope = text.trim().split('%').next().unwrap_or_default();
    let bare = without_scope.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_as_tools_write_them() {
        let one = |text: &str, ip: &str, port: u16| {
            assert_eq!(end(text), Some(End { local: Local::One(ip.parse().unwrap()), port }), "{text}");
        };
        one("10.0.0.1:135", "10.0.0.1", 135);
        one("[fe80::1%12]:135", "fe80::1", 135);
        one("[fe80::1]%eth0:546", "fe80::1", 546);
        one("fe80::1%eth0:546", "fe80::1", 546);
        one("127.0.0.53%lo:53", "127.0.0.53", 53);
        one("::1:323", "::1", 323);
        one("[::ffff:10.0.0.1]:22", "10.0.0.1", 22);
        one("10.0.0.1:*", "10.0.0.1", 0);
        let any = |text: &str, versions, port| {
            assert_eq!(end(text), Some(End { local: Local::Any(versions), port }), "{text}");
        };
        any("0.0.0.0:0", IpVersions::V4, 0);
        any("0.0.0.0%eth0:68", IpVersions::V4, 68);
        any("[::]:445", IpVersions::V6, 445);
        any("*:*", IpVersions::Both, 0);
        any(":::22", IpVersions::Both, 22);
        for wrong in ["", ":", "135", "srv:135", "10.0.0.1:epmap", "10.0.0.1:65536", "10.0.0.1:+5", "[::]", "::]:x"] {
            assert_eq!(end(wrong), None, "{wrong}");
        }
    }
}
