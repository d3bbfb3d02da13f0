//! Answers by RFC 1035, with addresses for documentation (RFC 5737, RFC 3849).

use super::*;
use crate::application::dns::tests::{ANSWER, QUERY};
use crate::application::hostile::cut_and_flipped;

fn named(heard: &Heard) -> Vec<(String, &str)> {
    heard
        .names
        .iter()
        .map(|named| (named.address.map_or_else(String::new, |ip| ip.to_string()), named.name.as_str()))
        .collect()
}

/// Header of an answer with one question and `records` answers; then the question.
fn answer(question: &[u8], records: u8) -> Vec<u8> {
    [b"\0\0\x81\x80\0\x01\0", &[records][..], b"\0\0\0\0", question].concat()
}

/// www.example A, whose answer begins with two aliases in the wrong order: www -> b -> c, c has the address.
fn aliases() -> Vec<u8> {
    let mut bytes = answer(b"\x03www\x07example\0\0\x01\0\x01", 3);
    // 12: www.example, 16: example.
    bytes.extend(b"\x01b\xc0\x10\0\x05\0\x01\0\0\0\0\0\x04\x01c\xc0\x10");
    bytes.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\0\0\x04\x01b\xc0\x10");
    bytes.extend(b"\x01c\xc0\x10\0\x01\0\x01\0\0\0\0\0\x04\xc0\0\x02\x07");
    bytes
}

#[test]
fn an_address_gets_the_name_that_was_asked_for() {
    let (mut names, mut heard) = (Names::default(), Heard::default());
    names.datagram(QUERY, &mut heard);
    assert!(heard.names.is_empty());
    names.datagram(ANSWER, &mut heard);
    names.datagram(ANSWER, &mut heard);
    names.datagram(&aliases(), &mut heard);
    assert_eq!(named(&heard), [("192.0.2.1".into(), "a.example"), ("192.0.2.7".into(), "www.example")]);
}

#[test]
fn pointers_back_name_addresses_of_both_families() {
    let (mut names, mut heard) = (Names::default(), Heard::default());
    let mut four = answer(b"\x011\x012\x010\x03192\x07in-addr\x04arpa\0\0\x0c\0\x01", 1);
    four.extend(b"\xc0\x0c\0\x0c\0\x01\0\0\0\0\0\x06\x01p\x02ex\0");
    names.datagram(&four, &mut heard);
    let digits: Vec<u8> = "1000000000000000000000008bd01002".bytes().flat_map(|digit| [1, digit]).collect();
    let mut six = answer(&[&digits, &b"\x03ip6\x04arpa\0\0\x0c\0\x01"[..]].concat(), 1);
    six.extend(b"\xc0\x0c\0\x0c\0\x01\0\0\0\0\0\x06\x01q\x02ex\0");
    names.datagram(&six, &mut heard);
    assert_eq!(named(&heard), [("192.0.2.1".into(), "p.ex"), ("2001:db8::1".into(), "q.ex")]);
}

#[test]
fn errors_and_blocking_answers_name_nothing() {
    let (mut names, mut heard) = (Names::default(), Heard::default());
    let mut refused = ANSWER.to_vec();
    refused[3] = 0x83;
    let mut updated = ANSWER.to_vec();
    updated[2] = 0xa8;
    let mut blocked = ANSWER.to_vec();
    let at = blocked.len() - 4;
    blocked[at..].copy_from_slice(&[0, 0, 0, 0]);
    let mut odd_class = ANSWER.to_vec();
    let class = odd_class.len() - 11;
    odd_class[class] = 3;
    for bytes in [refused, updated, blocked, odd_class] {
        names.datagram(&bytes, &mut heard);
    }
    assert_eq!(named(&heard), []);
}

#[test]
fn names_of_one_conversation_are_bounded() {
    let (mut names, mut heard) = (Names::default(), Heard::default());
    for number in 0..1000_u16 {
        let mut bytes = ANSWER.to_vec();
        let at = bytes.len() - 2;
        bytes[at..].copy_from_slice(&number.to_be_bytes());
        names.datagram(&bytes, &mut heard);
    }
    assert_eq!(heard.names.len(), MOST_NAMES);
    assert!(names.is_done());
}

#[test]
fn messages_over_tcp_are_put_together_and_long_ones_passed_over() {
    let (mut names, mut heard) = (Names::default(), Heard::default());
    let framed = |message: &[u8]| [&(message.len() as u16).to_be_bytes(), message].concat();
    let stream = [framed(&[0xff; 40_000]), framed(b""), framed(ANSWER), framed(&aliases())].concat();
    for part in stream.chunks(7) {
        names.bytes(Side::B, part, &mut heard);
        assert!(names.held_bytes() <= LONGEST_MESSAGE);
    }
    assert_eq!(heard.names.len(), 2);
    // A gap within a long message is passed over with it; any other loses the place.
    let long = framed(&[0xff; 20_000]);
    names.bytes(Side::B, &long[..1000], &mut heard);
    names.gap(Side::B, 19_002);
    let pointed =
        framed(&[b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x01z\0\0\x01\0\x01\0\0\0\0\0\x04\xc0\0\x02\x09".as_slice()].concat());
    names.bytes(Side::B, &pointed, &mut heard);
    assert_eq!(heard.names.len(), 3);
    names.gap(Side::B, 1);
    names.gap(Side::A, 1);
    assert!(names.is_done());
}

#[test]
fn hostile_names_are_passed_on_and_cut() {
    let (mut names, mut heard) = (Names::default(), Heard::default());
    names.datagram(b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x04<\xff\n.\0\0\x01\x80\x01\0\0\0\0\0\x04\xc0\0\x02\x09", &mut heard);
    assert_eq!(named(&heard), [("192.0.2.9".into(), "<\u{fffd}\n.")]);
}

#[test]
fn no_bytes_are_too_short_or_too_odd() {
    for sample in [ANSWER, &aliases()] {
        cut_and_flipped(sample, |bytes| {
            let mut names = Names::default();
            names.datagram(bytes, &mut Heard::default());
            names.bytes(Side::A, bytes, &mut Heard::default());
        });
    }
}
