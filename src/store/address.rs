//! Addresses as text, without the general machinery of formatting: a flow has two of them.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};

/// Appends the text of an address (RFC 5952).
pub(super) fn write(address: IpAddr, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => write_v4(address, out),
        // A vector takes whatever is written.
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

fn write_v4(address: Ipv4Addr, out: &mut Vec<u8>) {
    let mut text = [0_u8; 16];
    let mut length = 0;
    let mut put = |byte: u8| {
        text[length] = byte;
        length += 1;
    };
    for octet in address.octets() {
        if octet >= 100 {
            put(b'0' + octet / 100);
        }
        if octet >= 10 {
            put(b'0' + octet / 10 % 10);
        }
        put(b'0' + octet % 10);
        put(b'.');
    }
    out.extend_from_slice(&text[..length - 1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_standard_library_writes_them() {
        let v4 = (0..=255_u8).map(|n| IpAddr::from([n, n.wrapping_mul(7), 255 - n, n / 3]));
        let v6 = ["::", "::1", "fe80::1", "::ffff:10.0.0.1", "2001:db8:0:0:1::"].map(|text| text.parse().unwrap());
        for address in v4.chain(v6) {
            let mut text = Vec::new();
            write(address, &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), address.to_string());
        }
    }
}
