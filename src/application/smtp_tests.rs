//! The first example of RFC 5321 appendix D, and what resembles it.
//!
//! Quoted examples are from memory, unverified against the text.

use super::*;
use crate::application::Said;
use crate::model::Transport;

const GREETING: &[u8] = b"220 foo.com Simple Mail Transfer Service Ready\r\n";
const HELLO: &[u8] = b"EHLO bar.com\r\n";
const OFFER: &[u8] = b"250-foo.com greets bar.com\r\n250-8BITMIME\r\n250-STARTTLS\r\n250 HELP\r\n";

fn opening<'a>(a: &'a [u8], b: &'a [u8], port: u16) -> Opening<'a> {
    let said = [a, b].map(|bytes| Said { bytes, whole: true, over: false });
    Opening { transport: Transport::Tcp, ports: [50_000, port], said }
}

fn certainty(look: Look) -> Option<(Certainty, Option<Side>, bool)> {
    match look {
        Look::Yes(verdict) => Some((verdict.recognised.certainty, verdict.recognised.server, verdict.more)),
        _ => None,
    }
}

#[test]
fn greeting_and_hello_together_are_certain_at_any_port() {
    let both = opening(HELLO, GREETING, 4_000);
    assert_eq!(certainty(look(&both)), Some((Certainty::Certain, Some(Side::B), true)));
    let client = [HELLO, b"STARTTLS\r\n"].concat();
    let server = [GREETING, OFFER].concat();
    let all = opening(&client, &server, 4_000);
    assert_eq!(certainty(look(&all)), Some((Certainty::Certain, Some(Side::B), false)));
    let Look::Yes(verdict) = look(&all) else { panic!("not recognised") };
    let mut heard = Heard::default();
    describe(&all, verdict.recognised, &mut heard);
    let told: Vec<_> = heard.details.iter().map(|(_, one)| (one.side, one.text.as_str())).collect();
    let banner = "foo.com Simple Mail Transfer Service Ready";
    assert_eq!(told, [(Side::B, banner), (Side::B, "STARTTLS"), (Side::A, "STARTTLS")]);
    assert_eq!(heard.names.len(), 1);
    assert_eq!((heard.names[0].side, heard.names[0].name.as_str()), (Side::B, "foo.com"));
}

#[test]
fn a_greeting_alone_needs_the_word_or_the_port() {
    assert_eq!(look(&opening(b"", GREETING, 4_000)), Look::Maybe);
    assert_eq!(certainty(look(&opening(b"", GREETING, 25))), Some((Certainty::Likely, Some(Side::B), true)));
    let says = b"220 mail ESMTP ready\r\n";
    assert_eq!(certainty(look(&opening(b"", says, 4_000))), Some((Certainty::Likely, Some(Side::B), true)));
}

#[test]
fn what_greets_alike_is_none() {
    assert_eq!(look(&opening(b"USER x\r\n", b"220 ready\r\n", 21)), Look::No);
    assert_eq!(look(&opening(b"", b"200 news ready\r\n", 119)), Look::No);
    assert_eq!(look(&opening(b"", b"+OK ready\r\n", 25)), Look::No);
    assert_eq!(look(&opening(b"LHLO x\r\n", b"", 25)), Look::No);
    assert_eq!(look(&opening(HELLO, b"HTTP/1.1 400 x\r\n", 80)), Look::No);
}

#[test]
fn a_mail_address_in_a_greeting_is_not_told() {
    let both = opening(HELLO, b"220 mx.foo.com ESMTP ask postmaster@foo.com\r\n", 25);
    let Look::Yes(verdict) = look(&both) else { panic!("not recognised") };
    let mut heard = Heard::default();
    describe(&both, verdict.recognised, &mut heard);
    assert_eq!(heard.details[0].1.text, "mx.foo.com ESMTP ask");
}

#[test]
fn prefixes_are_waited_for_and_nothing_panics() {
    for length in 1..5 {
        assert_eq!(look(&opening(&HELLO[..length.min(4)], b"", 4_000)), Look::Maybe);
        assert_ne!(look(&opening(b"", &GREETING[..length.min(3)], 4_000)), Look::No);
    }
    for at in 0..GREETING.len() {
        for value in 0..=255 {
            let mut bytes = GREETING.to_vec();
            bytes[at] = value;
            for client in [&b""[..], HELLO] {
                let opening = opening(client, &bytes, 25);
                if let Look::Yes(verdict) = look(&opening) {
                    describe(&opening, verdict.recognised, &mut Heard::default());
                }
            }
        }
    }
}
