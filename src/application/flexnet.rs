//! FlexNet (FLEXlm) licence managers: a hint, for nobody published their bytes.
//!
//! Two forms, after a client that others wrote: messages of 147 bytes whose second byte is the sum of all others, and from
//! version 11.10 on `2F`, a sum over the header, a CRC, the length, the kind. Read: the vendor that a client's first message
//! (`68`) names, and the answer of kind 0x0113, which sends the client to the port of the vendor's daemon. Later messages may
//! be obfuscated. Not read: users, hosts, features.

use super::frames::{Frames, Framing};
use super::heard::{Heard, text};
use super::opening::{Look, Opening};
use super::reader::{be16, be32, slice};
use crate::model::{Announced, Answer, Certainty, Mechanism, Protocol, Recognised, Side, Tier, Transport};
use std::ops::RangeInclusive;

/// Ports that licence managers take by default.
const PORTS: RangeInclusive<u16> = 27_000..=27_009;
/// Length of the messages of the old form.
const OLD: usize = 147;
/// Header of the new form.
const HEADER: usize = 20;
const NEW: u8 = 0x2F;
const HELLO: u8 = 0x68;
/// First bytes of the old form: the client's first message, answers, signs of life.
const OLD_KINDS: [u8; 5] = [HELLO, 0x4C, 0x4E, 0x3C, 0x3E];
/// Where the NUL behind each text of a client's first message stands: user, host, vendor, terminal, one unknown,
/// process, system.
const ENDS: [usize; 7] = [24, 57, 68, 101, 114, 125, 138];
/// Where its vendor stands.
const VENDOR: (usize, usize) = (58, 10);
const REDIRECT: u16 = 0x0113;
const HELLO_ANSWER: u16 = 0x010E;
/// Messages that are read: what matters comes first, signs of life follow for days.
const MOST_MESSAGES: u32 = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Other,
    Short,
    Message(Option<Role>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let usual = opening.ports.iter().any(|port| PORTS.contains(port));
    let is = [Side::A, Side::B].map(|side| message(opening.bytes(side), usual));
    let server = [Side::A, Side::B].into_iter().find_map(|side| match is[side as usize] {
        Is::Message(Some(Role::Client)) => Some(side.other()),
        Is::Message(Some(Role::Server)) => Some(side),
        _ => None,
    });
    let known = is.iter().any(|is| matches!(is, Is::Message(_)));
    let waits =
        |side: Side| !opening.bytes(side).is_empty() && !opening.from(side).over && is[side as usize] == Is::Short;
    match known {
        true => Look::yes(Protocol::FlexNet, Certainty::Hint, server),
        false if [Side::A, Side::B].into_iter().any(waits) => Look::Maybe,
        false => Look::No,
    }
}

fn message(bytes: &[u8], usual: bool) -> Is {
    match bytes.first() {
        Some(&NEW) => new(bytes, usual),
        // Off the usual ports only the first message has enough structure.
        Some(kind) if OLD_KINDS.contains(kind) && (usual || *kind == HELLO) => old(bytes),
        _ => Is::Other,
    }
}

fn new(bytes: &[u8], usual: bool) -> Is {
    let (Some(length), Some(kind)) = (be16(bytes, 4).map(usize::from), be16(bytes, 6)) else {
        return if usual { Is::Short } else { Is::Other };
    };
    if length < HEADER || kind > 0x01FF || kind == 0 {
        return Is::Other;
    }
    let Some(header) = slice(bytes, 0, HEADER) else { return Is::Short };
    let sum = header.iter().enumerate().filter(|(at, _)| *at != 1).fold(0_u8, |sum, (_, byte)| sum.wrapping_add(*byte));
    let fits = bytes.len() <= length && (sum == header[1] || usual && bytes.len() == length);
    match (fits, kind) {
        (false, _) => Is::Other,
        (true, REDIRECT | HELLO_ANSWER) => Is::Message(Some(Role::Server)),
        (true, _) => Is::Message(None),
    }
}

fn old(bytes: &[u8]) -> Is {
    let is_hello = bytes[0] == HELLO;
    if is_hello && ENDS.iter().any(|at| bytes.get(*at).is_some_and(|byte| *byte != 0)) {
        return Is::Other;
    }
    let Some(one) = slice(bytes, 0, OLD) else { return Is::Short };
    let sum = one.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_sub(one[1]);
    match (sum == one[1], is_hello) {
        (false, _) => Is::Other,
        (true, true) => Is::Message(Some(Role::Client)),
        (true, false) => Is::Message(None),
    }
}

pub(super) fn follow(_: Recognised) -> super::Follower {
    super::Follower::FlexNet(Handover::default())
}

/// A conversation with a licence manager.
#[derive(Debug, Default)]
pub struct Handover {
    frames: [Frames; 2],
    vendor: String,
    /// Who said its first message.
    client: Option<Side>,
    messages: u32,
}

const FRAMING: Framing = Framing {
    header: 6,
    most: 512,
    length: |bytes| match bytes.first() {
        Some(&NEW) => be16(bytes, 4).map(usize::from).filter(|length| *length >= HEADER),
        Some(kind) => OLD_KINDS.contains(kind).then_some(OLD),
        None => None,
    },
};

impl Handover {
    pub(super) fn bytes(&mut self, side: Side, data: &[u8], heard: &mut Heard) {
        let mut frames = std::mem::take(&mut self.frames[side as usize]);
        frames.take(&FRAMING, data, |message| self.message(side, message, heard));
        self.frames[side as usize] = frames;
    }

    pub(super) fn gap(&mut self, side: Side, lost_bytes: u32) {
        self.frames[side as usize].gap(lost_bytes);
    }

    pub(super) fn is_done(&self) -> bool {
        self.messages >= MOST_MESSAGES
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.vendor.capacity() + self.frames.iter().map(Frames::held_bytes).sum::<usize>()
    }

    fn message(&mut self, side: Side, message: &[u8], heard: &mut Heard) {
        self.messages = self.messages.saturating_add(1);
        match message.first() {
            Some(&HELLO) => {
                self.client = Some(side);
                self.vendor = slice(message, VENDOR.0, VENDOR.1).and_then(printable).unwrap_or_default();
            }
            Some(&NEW) if be16(message, 6) == Some(REDIRECT) && self.client != Some(side) => {
                if let Some((stated_host, port)) = redirect(message) {
                    heard.announce(Announced {
                        stated_host,
                        subject: self.vendor.clone(),
                        tier: Tier::SignatureScan,
                        ..Announced::by(side, Mechanism::FlexNetRedirect, Transport::Tcp, Answer::Port(port))
                    });
                }
            }
            _ => {}
        }
    }
}

/// Host and port behind the header: the host ends with NUL, the port has four bytes.
fn redirect(message: &[u8]) -> Option<(String, u16)> {
    let length = usize::from(be16(message, 4)?);
    let body = message.get(HEADER..).filter(|_| length == message.len())?;
    let end = body.iter().position(|byte| *byte == 0)?;
    let port = u16::try_from(be32(body, end + 1)?).ok().filter(|port| *port > 0)?;
    Some((printable(&body[..end])?, port))
}

/// What stands before the first NUL, if it is printable and there is any.
fn printable(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.split(|byte| *byte == 0).next()?;
    (!bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic)).then(|| text(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Said;

    fn looked(bytes: &[u8], port: u16) -> Look {
        let said = [Said { bytes, whole: true, over: false }, Said::default()];
        look(&Opening { transport: Transport::Tcp, ports: [50_000, port], said })
    }

    fn summed(mut bytes: Vec<u8>, over: usize) -> Vec<u8> {
        bytes[1] = 0;
        bytes[1] = bytes[..over].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        bytes
    }

    /// A sign of life as two recordings show it.
    fn alive() -> Vec<u8> {
        let mut bytes = vec![0; OLD];
        (bytes[0], bytes[2], bytes[12]) = (0x3C, 0x30, 0x30);
        bytes[1] = 0x9C;
        bytes
    }

    fn hello(vendor: &str) -> Vec<u8> {
        let mut bytes = vec![0; OLD];
        bytes[..4].copy_from_slice(&[HELLO, 0, b'1', b'3']);
        for (at, text) in [(4, "user"), (25, "host"), (58, vendor), (69, "tty"), (126, "x64_lsb")] {
            bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        summed(bytes, OLD)
    }

    fn redirected(host: &str, port: u32) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes.extend(host.as_bytes());
        bytes.push(0);
        bytes.extend(port.to_be_bytes());
        bytes[0] = NEW;
        let length = bytes.len() as u16;
        bytes[4..6].copy_from_slice(&length.to_be_bytes());
        bytes[6..8].copy_from_slice(&REDIRECT.to_be_bytes());
        bytes[8..12].copy_from_slice(&1_700_000_000_u32.to_be_bytes());
        summed(bytes, HEADER)
    }

    fn told(pieces: &[(Side, &[u8])]) -> Vec<(String, String, Option<u16>)> {
        let mut follower = Handover::default();
        let mut heard = Heard::default();
        pieces.iter().for_each(|(side, bytes)| follower.bytes(*side, bytes, &mut heard));
        let said = heard.announcements.into_iter().map(|(_, said)| said);
        said.map(|said| (said.subject, said.stated_host, said.answer.port())).collect()
    }

    #[test]
    fn it_is_a_hint_by_its_sum() {
        let hint = |server| Look::yes(Protocol::FlexNet, Certainty::Hint, server);
        assert_eq!(looked(&alive(), 27_000), hint(None));
        assert_eq!(looked(&alive(), 28_000), Look::No);
        assert_eq!(looked(&hello("rockwell"), 28_000), hint(Some(Side::B)));
        assert_eq!(looked(&redirected("ftsrv", 49_900), 28_000), hint(Some(Side::A)));
        for bytes in [hello("rockwell"), redirected("ftsrv", 49_900), alive()] {
            let mut bad = bytes.clone();
            bad[3] ^= 1;
            let expected = if bad[0] == NEW { hint(Some(Side::A)) } else { Look::No };
            assert_eq!(looked(&bad, 27_000), expected, "at its port the new form's length is enough");
            assert_eq!(looked(&bad, 28_000), Look::No);
        }
        assert_eq!(looked(b"FEATURE assetcentre 1.0\n", 27_000), Look::No);
    }

    #[test]
    fn a_redirection_is_told_with_the_vendor_that_was_asked_for() {
        let (asks, answers) = (hello("flexsvr"), redirected("ftsrv", 49_900));
        for cut in 0..answers.len() {
            let heard = told(&[(Side::A, &asks), (Side::B, &answers[..cut]), (Side::B, &answers[cut..])]);
            assert_eq!(heard, [("flexsvr".into(), "ftsrv".into(), Some(49_900))]);
        }
        assert_eq!(told(&[(Side::B, &answers)]), [(String::new(), "ftsrv".into(), Some(49_900))]);
    }

    #[test]
    fn what_does_not_fit_is_no_redirection() {
        for (host, port) in [("", 49_900), ("ft srv", 49_900), ("ftsrv", 0), ("ftsrv", 65_536)] {
            assert_eq!(told(&[(Side::B, &redirected(host, port))]), [], "{host:?} {port}");
        }
        assert_eq!(told(&[(Side::A, &hello("v")), (Side::A, &redirected("ftsrv", 1))]), []);
    }

    #[test]
    fn hostile_bytes_do_no_harm() {
        for sample in [alive(), hello("rockwell"), redirected("ftsrv", 49_900)] {
            for cut in 0..sample.len() {
                let mut flipped = sample.clone();
                flipped[cut] ^= 0xFF;
                for bytes in [&sample[..cut], &flipped] {
                    for port in [27_000, 28_000] {
                        let _ = looked(bytes, port);
                    }
                    told(&[(Side::B, bytes), (Side::B, &sample)]);
                }
            }
        }
    }
}
