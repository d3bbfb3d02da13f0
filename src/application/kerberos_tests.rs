//! Beginnings of messages by RFC 4120 section 5, and of password changes by RFC 3244 section 2.

use super::*;
use crate::application::hostile::cut_and_flipped;

/// AS-REQ: version 5, type 10, an empty body (section 5.4.1).
const REQUEST: &[u8] = b"\x6a\x10\x30\x0e\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\x02\x30\x00";
/// TGS-REP, as far as its type (section 5.4.2).
const REPLY: &[u8] = b"\x6d\x0c\x30\x0a\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x0d";
/// KRB-ERROR (section 5.9.1).
const ERROR: &[u8] = b"\x7e\x0c\x30\x0a\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e";
/// AP-REQ (section 5.5.1).
const AP_REQUEST: &[u8] = b"\x6e\x0c\x30\x0a\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x0e";

fn asked(transport: Transport, ports: [u16; 2], bytes: &[u8], over: bool) -> Look {
    look(&Opening { transport, ports, said: [Said { bytes, whole: true, over }, Said::default()] })
}

fn over_tcp(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

fn certain(server: Side) -> Look {
    Look::yes(Protocol::Kerberos, Certainty::Certain, Some(server))
}

#[test]
fn tags_tell_who_asked() {
    for (message, server) in [(REQUEST, Side::B), (REPLY, Side::A), (ERROR, Side::A), (AP_REQUEST, Side::B)] {
        assert_eq!(asked(Transport::Udp, [50_000, 50_001], message, true), certain(server));
        assert_eq!(asked(Transport::Tcp, [50_000, 50_001], &over_tcp(message), false), certain(server));
    }
}

#[test]
fn the_length_may_come_alone() {
    let bytes = over_tcp(REQUEST);
    for end in 1..18 {
        assert_eq!(asked(Transport::Tcp, [50_000, 88], &bytes[..end], false), Look::Maybe, "{end}");
    }
    // The type is there.
    assert_eq!(asked(Transport::Tcp, [50_000, 88], &bytes[..18], false), certain(Side::B));
}

#[test]
fn what_does_not_agree_is_none() {
    let changed = |at: usize, value: u8| {
        let mut bytes = REQUEST.to_vec();
        bytes[at] = value;
        bytes
    };
    // Another tag, a longer message, another version, a type that is not the tag's.
    for bytes in [changed(0, 0x6b), changed(1, 0x0f), changed(8, 4), changed(13, 12)] {
        assert_eq!(asked(Transport::Udp, [50_000, 88], &bytes, true), Look::No, "{bytes:02x?}");
        assert_eq!(asked(Transport::Tcp, [50_000, 88], &over_tcp(&bytes), false), Look::No, "{bytes:02x?}");
    }
    let mut longer = over_tcp(REQUEST);
    longer[3] += 1;
    assert_eq!(asked(Transport::Tcp, [50_000, 88], &longer, false), Look::No);
}

#[test]
fn a_datagram_that_was_cut_is_likely_at_home_only() {
    let cut = &REQUEST[..16];
    let likely = Look::yes(Protocol::Kerberos, Certainty::Likely, Some(Side::B));
    assert_eq!(asked(Transport::Udp, [50_000, 88], cut, true), likely);
    assert_eq!(asked(Transport::Udp, [50_000, 89], cut, true), Look::No);
}

#[test]
fn password_changes_are_kerberos() {
    // Length, version 0xff80, length of the AP-REQ, that, one byte of KRB-PRIV.
    let request = [b"\0\x15\xff\x80\0\x0e", AP_REQUEST, b"\x75"].concat();
    assert_eq!(asked(Transport::Udp, [50_000, 464], &request, true), certain(Side::B));
    assert_eq!(asked(Transport::Tcp, [50_000, 464], &over_tcp(&request), false), certain(Side::B));
    let error = [b"\0\x14\0\x01\0\0", ERROR].concat();
    assert_eq!(asked(Transport::Udp, [464, 50_000], &error, true), certain(Side::A));
    let short = [b"\0\x16\xff\x80\0\x0e", AP_REQUEST, b"\x75"].concat();
    assert_eq!(asked(Transport::Udp, [50_000, 464], &short, true), Look::No);
}

#[test]
fn no_bytes_are_too_short_or_too_odd() {
    let password = [b"\0\x15\xff\x80\0\x0e", AP_REQUEST, b"\x75"].concat();
    for sample in [REQUEST, REPLY, ERROR, &password] {
        cut_and_flipped(sample, |bytes| _ = asked(Transport::Udp, [50_000, 88], bytes, true));
        cut_and_flipped(&over_tcp(sample), |bytes| _ = asked(Transport::Tcp, [50_000, 88], bytes, true));
    }
}
