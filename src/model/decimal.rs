//! Numbers and addresses as text, without the general machinery of formatting: tables hold hundreds of millions of them.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};

/// Appends an integer in decimal, with or without a sign.
pub fn push_number(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends the text of an address (RFC 5952).
pub fn push_address(address: IpAddr, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => push_v4(address, out),
        // A vector takes whatever is written.
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

fn push_v4(address: Ipv4Addr, out: &mut Vec<u8>) {
    for (at, octet) in address.octets().into_iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        push_number(octet, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(push: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut text = Vec::new();
        push(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn addresses_as_the_standard_library_writes_them() {
        let v4 = (0..=255_u8).map(|n| IpAddr::from([n, n.wrapping_mul(7), 255 - n, n / 3]));
        let v6 = ["::", "::1", "fe80::1", "::ffff:10.0.0.1", "2001:db8:0:0:1::"].map(|text| text.parse().unwrap());
        for address in v4.chain(v6) {
            assert_eq!(text(|out| push_address(address, out)), address.to_string());
        }
    }

    #[test]
    fn numbers_as_the_standard_library_writes_them() {
        for number in [0, 1, 9, 10, 11, 99, 100, 65_535, u64::MAX / 10, u64::MAX] {
            assert_eq!(text(|out| push_number(number, out)), number.to_string());
        }
        for number in [0, -1, 1, 10, -10, i64::MAX, i64::MIN] {
            assert_eq!(text(|out| push_number(number, out)), number.to_string());
        }
    }
}
