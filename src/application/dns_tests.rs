//! Messages by RFC 1035 section 4.

use super::*;
use crate::application::hostile::cut_and_flipped;
use crate::application::opening::Said;

/// A query for the address of a.example.
pub(crate) const QUERY: &[u8] = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01";
/// Its answer, with a compressed name: 192.0.2.1 (RFC 5737).
pub(crate) const ANSWER: &[u8] = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x01a\x07example\0\0\x01\0\x01\
    \xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04\xc0\0\x02\x01";

fn asked(transport: Transport, ports: [u16; 2], bytes: &[u8], over: bool) -> Look {
    look(&Opening { transport, ports, said: [Said { bytes, whole: true, over }, Said::default()] })
}

fn datagram(ports: [u16; 2], bytes: &[u8]) -> Look {
    asked(Transport::Udp, ports, bytes, true)
}

fn yes(protocol: Protocol, certainty: Certainty, server: Option<Side>) -> Look {
    Look::yes(protocol, certainty, server)
}

#[test]
fn the_port_tells_the_family_and_the_header_who_serves() {
    let certain = |protocol, server| yes(protocol, Certainty::Certain, server);
    assert_eq!(datagram([50_000, 53], QUERY), certain(Protocol::Dns, Some(Side::B)));
    assert_eq!(datagram([53, 50_000], ANSWER), certain(Protocol::Dns, Some(Side::A)));
    assert_eq!(datagram([53, 53], QUERY), certain(Protocol::Dns, Some(Side::B)));
    assert_eq!(datagram([50_000, 1053], QUERY), certain(Protocol::Dns, Some(Side::B)));
    // An answer that comes from the port of a client: no evidence.
    assert_eq!(datagram([50_000, 53], ANSWER), certain(Protocol::Dns, None));
    assert_eq!(datagram([50_000, 5355], QUERY), certain(Protocol::Llmnr, Some(Side::B)));
    assert_eq!(datagram([50_000, 5353], QUERY), certain(Protocol::Mdns, Some(Side::B)));
    assert_eq!(datagram([5353, 5353], QUERY), certain(Protocol::Mdns, None));
}

#[test]
fn only_what_parses_whole_is_certain() {
    let likely = |server| yes(Protocol::Dns, Certainty::Likely, Some(server));
    let longer = [QUERY, b"\0"].concat();
    assert_eq!(datagram([50_000, 53], &longer), likely(Side::B));
    assert_eq!(datagram([53, 50_000], &ANSWER[..ANSWER.len() - 2]), likely(Side::A));
    assert_eq!(datagram([50_000, 4000], &longer), Look::No);
    // The question is there, and nothing is odd: so the answer was cut.
    assert_eq!(datagram([4000, 50_000], &ANSWER[..ANSWER.len() - 2]), likely(Side::A));
    assert_eq!(datagram([4000, 50_000], &ANSWER[..20]), Look::No);
}

#[test]
fn what_no_message_can_be_is_none() {
    let changed = |at: usize, value: u8| {
        let mut bytes = QUERY.to_vec();
        bytes[at] = value;
        bytes
    };
    // An operation that is none; no question; far too many; a name that points at itself; a label of a reserved kind.
    for bytes in [changed(2, 0x79), changed(5, 0), changed(4, 0xff), changed(12, 0xc0), changed(12, 0x80)] {
        assert_eq!(datagram([50_000, 53], &bytes), Look::No, "{bytes:02x?}");
    }
    // Elsewhere a class must be known, and the reserved bit be zero.
    for bytes in [changed(QUERY.len() - 1, 9), changed(3, 0x40)] {
        assert_eq!(datagram([50_000, 4000], &bytes), Look::No, "{bytes:02x?}");
    }
    assert_eq!(datagram([50_000, 53], &[0; 64]), Look::No);
    assert_eq!(datagram([50_000, 137], QUERY), Look::No);
    // A header alone is an answer only where it states an error.
    let refusal = b"\x12\x34\x81\x84\0\0\0\0\0\0\0\0";
    assert_eq!(datagram([53, 50_000], refusal), yes(Protocol::Dns, Certainty::Likely, Some(Side::A)));
}

#[test]
fn compression_is_bounded() {
    // Each name of the message is a chain of pointers, each to the one before it.
    let mut bytes = b"\0\0\x80\0\0\x01\0\0\0\0\0\0\0\0\x01\0\x01".to_vec();
    for at in 0..5000_u16 {
        bytes.extend((0xc000 | (12 + 2 * at)).to_be_bytes());
    }
    bytes[6..8].copy_from_slice(&[0x02, 0]);
    assert_ne!(read(&bytes, |_| {}), Read::Whole(0));
}

#[test]
fn over_tcp_a_length_precedes_and_the_rest_is_waited_for() {
    let bytes = [&(QUERY.len() as u16).to_be_bytes(), QUERY].concat();
    let certain = yes(Protocol::Dns, Certainty::Certain, Some(Side::B));
    assert_eq!(asked(Transport::Tcp, [50_000, 53], &bytes, false), certain);
    assert_eq!(asked(Transport::Tcp, [50_000, 5300], &bytes, false), certain);
    for end in 2..bytes.len() {
        assert_eq!(asked(Transport::Tcp, [50_000, 53], &bytes[..end], false), Look::Maybe, "{end}");
    }
    let likely = yes(Protocol::Dns, Certainty::Likely, Some(Side::B));
    assert_eq!(asked(Transport::Tcp, [50_000, 53], &bytes[..20], true), likely);
    // What comes behind is the next message.
    assert_eq!(asked(Transport::Tcp, [50_000, 53], &[bytes.as_slice(), b"\0"].concat(), false), certain);
    assert_eq!(asked(Transport::Tcp, [50_000, 53], b"\0\x04abcd", false), Look::No);
    assert_eq!(asked(Transport::Tcp, [50_000, 5300], &bytes[..5], false), Look::No);
}

#[test]
fn no_bytes_are_too_short_or_too_odd() {
    for sample in [QUERY, ANSWER] {
        cut_and_flipped(sample, |bytes| _ = datagram([50_000, 53], bytes));
        let framed = [&(sample.len() as u16).to_be_bytes(), sample].concat();
        cut_and_flipped(&framed, |bytes| _ = asked(Transport::Tcp, [50_000, 53], bytes, true));
    }
}
