//! Messages by RFC 4511: simple bind, search, results, StartTLS; and the lengths that Windows writes.

use super::*;
use crate::application::hostile::cut_and_flipped;
use crate::application::opening::Said;

/// BindRequest: version 3, no name, no password (section 4.2).
const BIND: &[u8] = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";
/// BindResponse: success (section 4.2.2).
const BOUND: &[u8] = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
/// SearchRequest for the root DSE, lengths of four bytes: base, scope, aliases, size, time, types, filter, attributes (4.5.1).
const SEARCH: &[u8] = b"\x30\x84\0\0\0\x29\x02\x01\x02\x63\x84\0\0\0\x20\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x00\
    \x02\x01\x00\x01\x01\x00\x87\x0bobjectClass\x30\x00";
/// UnbindRequest (4.3).
const UNBIND: &[u8] = b"\x30\x05\x02\x01\x03\x42\x00";
/// SearchResultEntry with one attribute (4.5.2).
const ENTRY: &[u8] = b"\x30\x13\x02\x01\x02\x64\x0e\x04\x00\x30\x0a\x30\x08\x04\x02cn\x31\x02\x04\x00";
/// ExtendedRequest StartTLS (4.14.1).
const TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

fn opening(transport: Transport, bytes: &[u8], over: bool) -> Opening<'_> {
    Opening { transport, ports: [50_000, 389], said: [Said { bytes, whole: true, over }, Said::default()] }
}

fn asked(bytes: &[u8]) -> Look {
    look(&opening(Transport::Tcp, bytes, false))
}

fn certain(server: Side) -> Look {
    Look::yes(Protocol::Ldap, Certainty::Certain, Some(server))
}

#[test]
fn the_operation_tells_who_serves() {
    for request in [BIND, UNBIND, TLS] {
        assert_eq!(asked(request), certain(Side::B), "{request:02x?}");
    }
    assert_eq!(asked(SEARCH), certain(Side::B));
    for answer in [BOUND, ENTRY] {
        assert_eq!(asked(answer), certain(Side::A), "{answer:02x?}");
    }
}

#[test]
fn a_beginning_waits_and_other_things_are_none() {
    for end in 1..10 {
        assert_eq!(asked(&BIND[..end]), Look::Maybe, "{end}");
    }
    // A message longer than what is there: the rest of the entry is not needed.
    let long = b"\x30\x82\x40\x00\x02\x01\x02\x64\x82\x3f\xf9\x04\x00\x30\x82\x3f\xf3\x30";
    assert_eq!(asked(long), certain(Side::A));
    // SNMP, a certificate, an operation that is none, a length that does not fit, a negative identifier, other controls.
    for none in [
        &b"\x30\x0c\x02\x01\x01\x04\x06public\xa0"[..],
        b"\x30\x0c\x30\x0a\x02\x01",
        b"\x30\x07\x02\x01\x01\x62\x02\x04\x00",
        b"\x30\x0c\x02\x01\x01\x60\x08\x02\x01\x03\x04\x00\x80\x00",
        b"\x30\x05\x02\x01\xff\x42\x00",
        b"\x30\x07\x02\x01\x03\x42\x00\xa1\x00",
        b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x07\x04\x00\x80\x00",
    ] {
        assert_eq!(asked(none), Look::No, "{none:02x?}");
    }
}

#[test]
fn datagrams_are_connectionless_and_must_be_whole_elsewhere() {
    let look = |bytes, ports| look(&Opening { ports, ..opening(Transport::Udp, bytes, true) });
    let yes = |certainty| Look::yes(Protocol::Cldap, certainty, Some(Side::B));
    assert_eq!(look(SEARCH, [50_000, 389]), yes(Certainty::Certain));
    assert_eq!(look(&SEARCH[..40], [50_000, 389]), yes(Certainty::Likely));
    assert_eq!(look(&SEARCH[..40], [50_000, 4389]), Look::No);
}

#[test]
fn the_version_and_start_tls_are_told_and_no_name() {
    let told = |bytes| {
        let mut heard = Heard::default();
        let opening = opening(Transport::Tcp, bytes, true);
        let Look::Yes(verdict) = look(&opening) else { panic!("not recognised") };
        describe(&opening, verdict.recognised, &mut heard);
        heard.details.into_iter().map(|(_, detail)| (detail.kind, detail.text)).collect::<Vec<_>>()
    };
    let named = b"\x30\x14\x02\x01\x01\x60\x0f\x02\x01\x03\x04\x04cn=a\x80\x04pass";
    assert_eq!(told(named), [(DetailKind::Version, "3".to_owned())]);
    assert_eq!(told(TLS), [(DetailKind::Command, "StartTLS".to_owned())]);
}

#[test]
fn no_bytes_are_too_short_or_too_odd() {
    for sample in [BIND, BOUND, SEARCH, UNBIND, ENTRY, TLS] {
        for transport in [Transport::Tcp, Transport::Udp] {
            cut_and_flipped(sample, |bytes| {
                let opening = opening(transport, bytes, true);
                if let Look::Yes(verdict) = look(&opening) {
                    describe(&opening, verdict.recognised, &mut Heard::default());
                }
            });
        }
    }
}
