//! What a domain needs: DNS, NTP, Kerberos and LDAP.

use std::net::Ipv4Addr;

/// Kerberos realm and DNS suffix.
const REALM: &str = "PLANT.EXAMPLE";

fn question(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.extend([0, 0, 1, 0, 1]);
    out
}

/// DNS query for an address (RFC 1035 section 4).
pub(crate) fn dns_query(id: u16, name: &str) -> Vec<u8> {
    let mut out = id.to_be_bytes().to_vec();
    out.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    out.extend(question(name));
    out
}

/// Its answer.
pub(crate) fn dns_answer(id: u16, name: &str, address: Ipv4Addr) -> Vec<u8> {
    let mut out = id.to_be_bytes().to_vec();
    out.extend([0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    out.extend(question(name));
    out.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4]);
    out.extend(address.octets());
    out
}

/// NTP (RFC 5905 section 7.3): mode 3 asks, mode 4 answers. `seconds` since 1970.
pub(crate) fn ntp(mode: u8, seconds: u32) -> Vec<u8> {
    let mut out = vec![0x20 | mode, if mode == 4 { 2 } else { 0 }, 6, 0xe9];
    out.extend([0, 0, 0, 10, 0, 0, 0, 20]);
    out.extend([10, 20, 30, 1]);
    // 1900 to 1970 are 2,208,988,800 seconds; era 0 of NTP.
    let stamp = seconds.wrapping_add(2_208_988_800).to_be_bytes();
    for _ in 0..4 {
        out.extend(stamp);
        out.extend([0; 4]);
    }
    out
}

/// A value with tag and length (X.690), up to 65,535 bytes.
fn der(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match body.len() {
        length @ 0..=127 => out.push(length as u8),
        length @ 128..=255 => out.extend([0x81, length as u8]),
        length => {
            out.push(0x82);
            out.extend((length as u16).to_be_bytes());
        }
    }
    out.extend(body);
    out
}

fn text(value: &str) -> Vec<u8> {
    der(0x1b, value.as_bytes())
}

fn principal(kind: u8, names: &[&str]) -> Vec<u8> {
    let names: Vec<u8> = names.iter().flat_map(|name| text(name)).collect();
    der(0x30, &[der(0xa0, &der(2, &[kind])), der(0xa1, &der(0x30, &names))].concat())
}

fn over_tcp(message: &[u8]) -> Vec<u8> {
    let mut out = (message.len() as u32).to_be_bytes().to_vec();
    out.extend(message);
    out
}

/// Kerberos AS-REQ over TCP (RFC 4120 section 5.4.1).
pub(crate) fn kerberos_request(user: &str) -> Vec<u8> {
    let body = [
        der(0xa0, &der(3, &[0, 0x40, 0x81, 0x00, 0x10])),
        der(0xa1, &principal(1, &[user])),
        der(0xa2, &text(REALM)),
        der(0xa3, &principal(2, &["krbtgt", REALM])),
        der(0xa5, &der(0x18, b"20370913024805Z")),
        der(0xa7, &der(2, &[0x12, 0x34, 0x56, 0x78])),
        der(0xa8, &der(0x30, &der(2, &[18]))),
    ]
    .concat();
    let request = [der(0xa1, &der(2, &[5])), der(0xa2, &der(2, &[10])), der(0xa4, &der(0x30, &body))].concat();
    over_tcp(&der(0x6a, &der(0x30, &request)))
}

/// Kerberos KRB-ERROR over TCP (RFC 4120 section 5.9.1): pre-authentication required.
pub(crate) fn kerberos_error() -> Vec<u8> {
    let error = [
        der(0xa0, &der(2, &[5])),
        der(0xa1, &der(2, &[30])),
        der(0xa4, &der(0x18, b"20260302220000Z")),
        der(0xa5, &der(2, &[0])),
        der(0xa6, &der(2, &[25])),
        der(0xa9, &text(REALM)),
        der(0xaa, &principal(2, &["krbtgt", REALM])),
    ]
    .concat();
    over_tcp(&der(0x7e, &der(0x30, &error)))
}

fn ldap(id: u8, operation: &[u8]) -> Vec<u8> {
    der(0x30, &[der(2, &[id]), operation.to_vec()].concat())
}

/// LDAP anonymous bind (RFC 4511 section 4.2).
pub(crate) fn ldap_bind() -> Vec<u8> {
    ldap(1, &der(0x60, &[der(2, &[3]), der(4, b""), der(0x80, b"")].concat()))
}

fn ldap_success(id: u8, tag: u8) -> Vec<u8> {
    ldap(id, &der(tag, &[der(10, &[0]), der(4, b""), der(4, b"")].concat()))
}

/// Its answer.
pub(crate) fn ldap_bound() -> Vec<u8> {
    ldap_success(1, 0x61)
}

/// LDAP search of the root (RFC 4511 section 4.5.1).
pub(crate) fn ldap_search() -> Vec<u8> {
    let search = [
        der(4, b""),
        der(10, &[0]),
        der(10, &[0]),
        der(2, &[0]),
        der(2, &[0]),
        der(1, &[0]),
        der(0x87, b"objectClass"),
        der(0x30, &der(4, b"defaultNamingContext")),
    ]
    .concat();
    ldap(2, &der(0x63, &search))
}

/// One entry and the end of the search.
pub(crate) fn ldap_found() -> Vec<u8> {
    let values = der(0x31, &der(4, b"DC=plant,DC=example"));
    let attribute = der(0x30, &[der(4, b"defaultNamingContext"), values].concat());
    let entry = der(0x64, &[der(4, b""), der(0x30, &attribute)].concat());
    [ldap(2, &entry), ldap_success(2, 0x65)].concat()
}

/// LDAP unbind.
pub(crate) fn ldap_unbind() -> Vec<u8> {
    ldap(3, &[0x42, 0])
}
