//! Messages by RFC 1002 sections 4.2 and 4.4; names encoded as RFC 1001 section 14.1 says.

use super::*;
use crate::application::dns::tests::QUERY as DNS_QUERY;
use crate::application::hostile::cut_and_flipped;
use crate::application::opening::Said;
use crate::model::Transport;

/// A name of fifteen characters and its suffix, in 34 bytes.
pub(crate) fn encoded(name: &str, suffix: u8) -> Vec<u8> {
    let mut plain = format!("{name:<15}").into_bytes();
    plain.push(suffix);
    let letters = plain.iter().flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 0x0f)]);
    [32].into_iter().chain(letters).chain([0]).collect()
}

/// A query for a name (section 4.2.12).
fn query(name: &str, suffix: u8) -> Vec<u8> {
    [&b"\x12\x34\x01\x10\0\x01\0\0\0\0\0\0"[..], &encoded(name, suffix), b"\0\x20\0\x01"].concat()
}

/// A positive answer (section 4.2.13): flags of the name, 192.0.2.5.
fn answer(name: &str, suffix: u8, flags: u8) -> Vec<u8> {
    let data = [0, 6, flags, 0, 192, 0, 2, 5];
    [&b"\x12\x34\x85\0\0\0\0\x01\0\0\0\0"[..], &encoded(name, suffix), b"\0\x20\0\x01\0\0\0\0", &data].concat()
}

/// An answer about the state of a node (section 4.2.18): a host, its domain, a user.
fn state() -> Vec<u8> {
    let entry = |name: &str, suffix, flags| [format!("{name:<15}").as_bytes(), &[suffix, flags, 0]].concat();
    let names = [entry("PLANT-7", 0x00, 0x04), entry("DOMAIN", 0x00, 0x84), entry("ALICE", 0x03, 0x04)].concat();
    let data = [&[0, 55, 3][..], &names].concat();
    [&b"\x12\x34\x84\0\0\0\0\x01\0\0\0\0"[..], &encoded("*", 0), b"\0\x21\0\x01\0\0\0\0", &data].concat()
}

/// A direct unique datagram with three bytes of data (section 4.4.2).
fn datagram_of(name: &str, suffix: u8) -> Vec<u8> {
    let names = [encoded(name, suffix), encoded("OTHER", 0x20)].concat();
    [&b"\x11\x02\0\x01\xc0\0\x02\x05\0\x8a\0\x47\0\0"[..], &names, b"abc"].concat()
}

fn opening(ports: [u16; 2], bytes: &[u8]) -> Opening<'_> {
    Opening { transport: Transport::Udp, ports, said: [Said { bytes, whole: true, over: true }, Said::default()] }
}

fn names(messages: &[Vec<u8>]) -> Vec<(Option<String>, String)> {
    let (mut names, mut heard) = (Names::default(), Heard::default());
    messages.iter().for_each(|message| names.datagram(Side::A, message, &mut heard));
    heard.names.into_iter().map(|named| (named.address.map(|ip| ip.to_string()), named.name)).collect()
}

#[test]
fn names_of_that_form_make_it_the_name_service() {
    let yes = |certainty, server| Look::yes(Protocol::NetBiosName, certainty, Some(server));
    let look = |ports, bytes: &[u8]| look_name(&opening(ports, bytes));
    assert_eq!(look([137, 137], &query("PLANT-7", 0x20)), yes(Certainty::Certain, Side::B));
    assert_eq!(look([137, 50_000], &answer("PLANT-7", 0x20, 0)), yes(Certainty::Certain, Side::A));
    assert_eq!(look([137, 137], &query("PLANT-7", 0x20)[..48]), Look::No);
    let cut = answer("PLANT-7", 0x20, 0);
    assert_eq!(look([137, 137], &[&query("PLANT-7", 0x20)[..], b"\0"].concat()), yes(Certainty::Likely, Side::B));
    assert_eq!(look([137, 137], &cut[..cut.len() - 2]), Look::No);
    // The same form where DNS is spoken; a name of DNS.
    assert_eq!(look([50_000, 53], &query("PLANT-7", 0x20)), Look::No);
    assert_eq!(look([137, 137], DNS_QUERY), Look::No);
}

#[test]
fn hosts_are_named_and_neither_groups_nor_users() {
    let of = |address: &str, name: &str| (Some(address.to_owned()), name.to_owned());
    assert_eq!(names(&[answer("PLANT-7", 0x20, 0), answer("PLANT-7", 0, 0)]), [of("192.0.2.5", "PLANT-7")]);
    assert_eq!(names(&[answer("DOMAIN", 0x00, 0x80), answer("DOMAIN", 0x1b, 0), answer("ALICE", 0x03, 0)]), []);
    assert_eq!(names(&[state()]), [(None, "PLANT-7".to_owned())]);
    let mut refused = answer("PLANT-7", 0x20, 0);
    refused[3] = 0x03;
    assert_eq!(names(&[refused]), []);
}

#[test]
fn datagrams_name_their_source() {
    let told = |bytes: &[u8]| {
        let mut heard = Heard::default();
        let opening = opening([138, 138], bytes);
        let Look::Yes(verdict) = look_datagram(&opening) else { return None };
        describe_datagram(&opening, verdict.recognised, &mut heard);
        Some((verdict.recognised.certainty, heard.names.pop().map(|named| named.name)))
    };
    assert_eq!(told(&datagram_of("PLANT-7", 0)), Some((Certainty::Certain, Some("PLANT-7".into()))));
    assert_eq!(told(&datagram_of("ALICE", 3)), Some((Certainty::Certain, None)));
    let whole = datagram_of("PLANT-7", 0);
    assert_eq!(told(&whole[..whole.len() - 1]), Some((Certainty::Likely, Some("PLANT-7".into()))));
    assert_eq!(told(&[whole.as_slice(), b"\0"].concat()), None);
    assert_eq!(look_datagram(&opening([5000, 5000], &whole[..whole.len() - 1])), Look::No);
}

#[test]
fn no_bytes_are_too_short_or_too_odd() {
    for sample in [query("A", 0), answer("A", 0, 0), state(), datagram_of("A", 0)] {
        cut_and_flipped(&sample, |bytes| {
            let (opening, mut heard) = (opening([137, 138], bytes), Heard::default());
            _ = look_name(&opening);
            Names::default().datagram(Side::A, bytes, &mut heard);
            if let Look::Yes(verdict) = look_datagram(&opening) {
                describe_datagram(&opening, verdict.recognised, &mut heard);
            }
        });
    }
}
