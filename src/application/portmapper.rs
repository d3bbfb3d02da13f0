//! Portmapper and rpcbind (RFC 1833): program 100000 of ONC RPC, which tells where other programs are.
//!
//! Read: `GETPORT` of version 2, `GETADDR` and `GETVERSADDR` of versions 3 and 4, with their answers. A call and its answer
//! belong together by their transaction. Not read: `DUMP` (an enumeration promises nothing), `CALLIT` and registrations, which
//! come from the same host.

use super::frames::{Frames, Framing};
use super::heard::{Heard, text};
use super::onc_rpc::{Header, header, mark};
use super::reader::{be32, slice};
use crate::model::{Announced, Answer, Mechanism, Recognised, Side, Transport};
use std::collections::VecDeque;

const PROGRAM: u32 = 100_000;
const GETPORT: u32 = 3;
const GETADDR: u32 = 3;
const GETVERSADDR: u32 = 9;
/// Calls whose answers are waited for.
const MOST_CALLS: usize = 64;
/// Announcements of one conversation that are told.
const MOST_ANNOUNCEMENTS: u32 = 10_000;
/// Longest netid or universal address that is read.
const LONGEST_TEXT: usize = 128;

/// Records of a portmapper are short but for a `DUMP`, of which nothing is read.
const FRAMING: Framing =
    Framing { header: 4, most: 1024, length: |bytes| mark(bytes).map(|(_, length)| 4 + length as usize) };

pub(super) fn follow(_: Recognised) -> super::Follower {
    super::Follower::Portmapper(Portmapper::default())
}

/// A call whose answer is waited for.
#[derive(Debug, Clone, Copy)]
struct Call {
    by: Side,
    xid: u32,
    program: u32,
    version: u32,
    transport: Transport,
    /// The answer is a universal address, not a number.
    is_address: bool,
}

/// A conversation with a portmapper.
#[derive(Debug, Default)]
pub struct Portmapper {
    calls: VecDeque<Call>,
    frames: [Frames; 2],
    announced: u32,
    /// It is a conversation with another program.
    is_other: bool,
}

impl Portmapper {
    pub(super) fn bytes(&mut self, side: Side, data: &[u8], heard: &mut Heard) {
        let mut frames = std::mem::take(&mut self.frames[side as usize]);
        frames.take(&FRAMING, data, |record| self.message(side, record.get(4..).unwrap_or_default(), false, heard));
        self.frames[side as usize] = frames;
    }

    pub(super) fn gap(&mut self, side: Side, lost_bytes: u32) {
        self.frames[side as usize].gap(lost_bytes);
    }

    pub(super) fn datagram(&mut self, side: Side, data: &[u8], cut: bool, heard: &mut Heard) {
        self.message(side, data, cut, heard);
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_other || self.announced >= MOST_ANNOUNCEMENTS
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.calls.capacity() * size_of::<Call>() + self.frames.iter().map(Frames::held_bytes).sum::<usize>()
    }

    fn message(&mut self, side: Side, message: &[u8], cut: bool, heard: &mut Heard) {
        match header(message) {
            Some(Header::Call { program, .. }) if program != PROGRAM => self.is_other = true,
            Some(Header::Call { xid, version, procedure, arguments, .. }) => {
                let arguments = message.get(arguments..).unwrap_or_default();
                if let Some(call) = asked(side, xid, version, procedure, arguments) {
                    // One that is asked again is waited for once.
                    self.calls.retain(|other| (other.xid, other.by) != (xid, side));
                    if self.calls.len() == MOST_CALLS {
                        self.calls.pop_front();
                    }
                    self.calls.push_back(call);
                }
            }
            Some(Header::Done { xid, results }) => {
                if let Some(call) = self.answered(side, xid) {
                    let results = message.get(results..).unwrap_or_default();
                    self.announce(side, call, results, cut, heard);
                }
            }
            Some(Header::Refused { xid }) => {
                self.answered(side, xid);
            }
            None => {}
        }
    }

    fn answered(&mut self, side: Side, xid: u32) -> Option<Call> {
        let at = self.calls.iter().position(|call| call.xid == xid && call.by == side.other())?;
        self.calls.remove(at)
    }

    fn announce(&mut self, side: Side, call: Call, results: &[u8], cut: bool, heard: &mut Heard) {
        let told = if call.is_address { address(results) } else { number(results) };
        let (stated_host, answer) = match told {
            Some(told) => told,
            None if cut => (String::new(), Answer::Cut),
            None => return,
        };
        self.announced += 1;
        heard.announce(Announced {
            stated_host,
            subject: call.program.to_string(),
            version: call.version.to_string(),
            ..Announced::by(side, Mechanism::Portmapper, call.transport, answer)
        });
    }
}

/// A question where a program is, of its arguments.
fn asked(by: Side, xid: u32, version: u32, procedure: u32, arguments: &[u8]) -> Option<Call> {
    let (program, of, is_address) = (be32(arguments, 0)?, be32(arguments, 4)?, version > 2);
    let transport = match (version, procedure) {
        // RFC 1833 section 3: program, version, protocol, port.
        (2, GETPORT) => match be32(arguments, 8)? {
            6 => Transport::Tcp,
            17 => Transport::Udp,
            _ => return None,
        },
        // RFC 1833 section 2.1: program, version, netid, address, owner.
        (3 | 4, GETADDR) | (4, GETVERSADDR) => match string(arguments, 8)? {
            b"tcp" | b"tcp6" => Transport::Tcp,
            b"udp" | b"udp6" => Transport::Udp,
            _ => return None,
        },
        _ => return None,
    };
    Some(Call { by, xid, program, version: of, transport, is_address })
}

fn string(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::try_from(be32(bytes, at)?).ok().filter(|length| *length <= LONGEST_TEXT)?;
    slice(bytes, at + 4, length)
}

/// The answer of `GETPORT`: 0 where nobody registered.
fn number(results: &[u8]) -> Option<(String, Answer)> {
    let port = u16::try_from(be32(results, 0)?).ok()?;
    Some((String::new(), if port == 0 { Answer::NotRegistered } else { Answer::Port(port) }))
}

/// A universal address: that of the host, then the two bytes of the port in decimal; empty where nobody registered.
fn address(results: &[u8]) -> Option<(String, Answer)> {
    let address = string(results, 0)?;
    if address.is_empty() {
        return Some((String::new(), Answer::NotRegistered));
    }
    let mut parts = std::str::from_utf8(address).ok()?.rsplitn(3, '.');
    let (low, high, host) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
    let port = u16::from_be_bytes([high, low]);
    (port > 0).then(|| (text(host.as_bytes()), Answer::Port(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn call(xid: u32, version: u32, procedure: u32, arguments: &[u8]) -> Vec<u8> {
        [&words(&[xid, 0, 2, PROGRAM, version, procedure, 0, 0, 0, 0]), arguments].concat()
    }

    fn reply(xid: u32, results: &[u8]) -> Vec<u8> {
        [&words(&[xid, 1, 0, 0, 0, 0]), results].concat()
    }

    fn string(text: &str) -> Vec<u8> {
        let mut bytes = words(&[text.len() as u32]);
        bytes.extend(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn told(pieces: &[(Side, Vec<u8>)]) -> Vec<Announced> {
        let (mut udp, mut tcp) = (Portmapper::default(), Portmapper::default());
        let (mut heard, mut heard_tcp) = (Heard::default(), Heard::default());
        for (side, bytes) in pieces {
            udp.datagram(*side, bytes, false, &mut heard);
            let marked = [&words(&[0x8000_0000 | bytes.len() as u32]), &bytes[..]].concat();
            marked.iter().for_each(|byte| tcp.bytes(*side, &[*byte], &mut heard_tcp));
        }
        assert_eq!(heard.announcements, heard_tcp.announcements);
        heard.announcements.into_iter().map(|(_, said)| said).collect()
    }

    #[test]
    fn ports_are_told_with_their_program() {
        let said = told(&[
            (Side::A, call(9, 2, GETPORT, &words(&[100_003, 3, 6, 0]))),
            (Side::A, call(10, 2, GETPORT, &words(&[100_005, 1, 17, 0]))),
            // Answers come in any order, and an answer counts once.
            (Side::B, reply(10, &words(&[635]))),
            (Side::B, reply(9, &words(&[52_049]))),
            (Side::B, reply(9, &words(&[52_050]))),
        ]);
        let seen: Vec<_> = said
            .iter()
            .map(|said| (said.subject.as_str(), said.version.as_str(), said.transport, said.answer, said.listener))
            .collect();
        assert_eq!(
            seen,
            [
                ("100005", "1", Transport::Udp, Answer::Port(635), Side::B),
                ("100003", "3", Transport::Tcp, Answer::Port(52_049), Side::B)
            ]
        );
    }

    #[test]
    fn universal_addresses_are_told() {
        let asks = [words(&[100_024, 1]), string("tcp6"), string(""), string("user")].concat();
        let said = told(&[
            (Side::A, call(1, 4, GETADDR, &asks)),
            (Side::B, reply(1, &string("2001:db8::5.203.81"))),
            (Side::A, call(2, 3, GETADDR, &asks)),
            (Side::B, reply(2, &string("10.0.0.5.0.111"))),
        ]);
        let seen: Vec<_> = said.iter().map(|said| (said.stated_host.as_str(), said.answer)).collect();
        assert_eq!(seen, [("2001:db8::5", Answer::Port(52_049)), ("10.0.0.5", Answer::Port(111))]);
    }

    #[test]
    fn nobody_registered_is_an_answer_and_a_refusal_is_none() {
        let asks = [words(&[100_024, 1]), string("udp"), string(""), string("")].concat();
        let said = told(&[
            (Side::A, call(1, 2, GETPORT, &words(&[100_003, 3, 6, 0]))),
            (Side::B, reply(1, &words(&[0]))),
            (Side::A, call(2, 3, GETADDR, &asks)),
            (Side::B, reply(2, &string(""))),
            (Side::A, call(3, 2, GETPORT, &words(&[100_003, 3, 6, 0]))),
            (Side::B, words(&[3, 1, 0, 0, 0, 1])),
            (Side::B, reply(3, &words(&[7]))),
        ]);
        assert_eq!(said.iter().map(|said| said.answer).collect::<Vec<_>>(), [Answer::NotRegistered; 2]);
    }

    #[test]
    fn what_only_looks_like_an_answer_is_none() {
        let port = words(&[52_049]);
        let said = told(&[
            // Nobody asked; the client answers; an enumeration; a port that cannot be.
            (Side::B, reply(5, &port)),
            (Side::A, call(6, 2, GETPORT, &words(&[100_003, 3, 6, 0]))),
            (Side::A, reply(6, &port)),
            (Side::A, call(7, 2, 4, &[])),
            (Side::B, reply(7, &words(&[1, 100_003, 3, 6, 2049, 0]))),
            (Side::B, reply(6, &words(&[70_000]))),
        ]);
        assert_eq!(said, []);
    }

    #[test]
    fn an_answer_that_the_recording_cut_is_told_as_such() {
        let mut follower = Portmapper::default();
        let mut heard = Heard::default();
        follower.datagram(Side::A, &call(9, 2, GETPORT, &words(&[100_003, 3, 6, 0])), false, &mut heard);
        follower.datagram(Side::B, &reply(9, &[0, 0]), true, &mut heard);
        assert_eq!(heard.announcements[0].1.answer, Answer::Cut);
    }

    #[test]
    fn calls_without_answers_are_not_kept_for_ever() {
        let mut follower = Portmapper::default();
        for xid in 0..1000 {
            follower.datagram(
                Side::A,
                &call(xid, 2, GETPORT, &words(&[100_003, 3, 6, 0])),
                false,
                &mut Heard::default(),
            );
        }
        assert_eq!(follower.calls.len(), MOST_CALLS);
        follower.datagram(Side::A, &words(&[1, 0, 2, 100_003, 3, 1, 0, 0, 0, 0]), false, &mut Heard::default());
        assert!(follower.is_done());
    }

    #[test]
    fn hostile_bytes_do_no_harm() {
        let asks = call(9, 2, GETPORT, &words(&[100_003, 3, 6, 0]));
        let answers = reply(9, &string("10.0.0.5.0.111"));
        for sample in [&asks, &answers] {
            for cut in 0..sample.len() {
                let mut flipped = sample.clone();
                flipped[cut] ^= 0xFF;
                told(&[(Side::A, asks.clone()), (Side::B, flipped)]);
                let mut follower = Portmapper::default();
                follower.bytes(Side::A, &sample[..cut], &mut Heard::default());
                follower.datagram(Side::B, &sample[..cut], true, &mut Heard::default());
            }
        }
    }
}
