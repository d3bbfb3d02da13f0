//! Modbus over TCP (Modbus Messaging on TCP/IP 1.0b, Modbus Application Protocol 1.1b3).
//!
//! Read: the MBAP header, and for each function whether its length fits a request or an answer. Not read: registers and coils.
//! The header alone is weak (two bytes 0), so a protocol is told only where both sides fit each other, where several messages
//! follow each other, or at port 502.

use super::opening::{Look, Opening};
use super::reader::be16;
use crate::model::{Certainty, Protocol, Side};

const PORT: u16 = 502;
/// Transaction, protocol and length: the unit follows, counted by the length.
const HEADER: usize = 6;
/// Messages of one side that are compared.
const MOST_MESSAGES: usize = 8;
/// So many messages of one side, one behind the other, are no chance.
const ENOUGH: usize = 3;

#[derive(Debug, Clone, Copy)]
struct Message {
    transaction: u16,
    unit: u8,
    function: u8,
    request: bool,
    answer: bool,
}

/// What one side said.
#[derive(Debug, Default)]
struct Said {
    messages: Vec<Message>,
    /// What is behind the messages is none, and cannot become one.
    astray: bool,
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let said = [Side::A, Side::B].map(|side| messages(opening.bytes(side)));
    if said.iter().any(|said| said.astray) {
        return Look::No;
    }
    let server = server(&said);
    let [a, b] = &said;
    if pairs(&a.messages, &b.messages) {
        return match server {
            Some(server) => Look::yes(Protocol::Modbus, Certainty::Certain, Some(server)),
            None => Look::yes_so_far(Protocol::Modbus, Certainty::Certain, None),
        };
    }
    let most = a.messages.len().max(b.messages.len());
    let usual = opening.ports.contains(&PORT);
    match most {
        0 => {
            if opening.is_over() {
                Look::No
            } else {
                Look::Maybe
            }
        }
        ENOUGH.. => Look::yes_so_far(Protocol::Modbus, Certainty::Certain, server),
        _ if usual => Look::yes_so_far(Protocol::Modbus, Certainty::Likely, server),
        _ if opening.is_over() || !a.messages.is_empty() && !b.messages.is_empty() => Look::No,
        _ => Look::Maybe,
    }
}

fn messages(bytes: &[u8]) -> Said {
    let mut said = Said::default();
    let mut rest = bytes;
    while !rest.is_empty() && said.messages.len() < MOST_MESSAGES {
        if rest.get(2).is_some_and(|byte| *byte != 0) || rest.get(3).is_some_and(|byte| *byte != 0) {
            said.astray = true;
            break;
        }
        let Some(length) = be16(rest, 4).map(usize::from) else { break };
        if !(2..=254).contains(&length) {
            said.astray = true;
            break;
        }
        let Some(body) = rest.get(HEADER..HEADER + length) else { break };
        let (unit, pdu) = (body[0], &body[1..]);
        let (request, answer) = (is_request(pdu), is_answer(pdu));
        if !request && !answer {
            said.astray = true;
            break;
        }
        let transaction = u16::from_be_bytes([rest[0], rest[1]]);
        said.messages.push(Message { transaction, unit, function: pdu[0], request, answer });
        rest = &rest[HEADER + length..];
    }
    // One side only asks, or only answers.
    let alike = said.messages.iter().all(|one| one.request) || said.messages.iter().all(|one| one.answer);
    said.astray |= !alike;
    said
}

/// Whether a question of one side has its answer on the other.
fn pairs(a: &[Message], b: &[Message]) -> bool {
    let answers = |ask: &Message, told: &Message| {
        let same = ask.transaction == told.transaction && ask.unit == told.unit;
        same && ask.request && told.answer && ask.function == told.function & 0x7F
    };
    a.iter().any(|one| b.iter().any(|other| answers(one, other) || answers(other, one)))
}

/// The side that answers, where a message can be nothing but a request or nothing but an answer.
fn server(said: &[Said; 2]) -> Option<Side> {
    for side in [Side::A, Side::B] {
        for message in &said[side as usize].messages {
            match (message.request, message.answer) {
                (true, false) => return Some(side.other()),
                (false, true) => return Some(side),
                _ => {}
            }
        }
    }
    None
}

/// Whether a function and its length fit a request (Application Protocol chapter 6).
fn is_request(pdu: &[u8]) -> bool {
    let quantity = |most| be16(pdu, 3).is_some_and(|count| (1..=most).contains(&count)) && pdu.len() == 5;
    let counted = |at: usize| pdu.get(at).is_some_and(|count| pdu.len() == at + 1 + usize::from(*count));
    match pdu[0] {
        1 | 2 => quantity(2000),
        3 | 4 => quantity(125),
        5 => pdu.len() == 5 && matches!(be16(pdu, 3), Some(0 | 0xFF00)),
        6 => pdu.len() == 5,
        7 | 11 | 12 | 17 => pdu.len() == 1,
        8 => pdu.len() >= 5 && pdu.len() % 2 == 1,
        15 => counted(5) && be16(pdu, 3).is_some_and(|bits| usize::from(bits.div_ceil(8)) + 6 == pdu.len()),
        16 => counted(5) && be16(pdu, 3).is_some_and(|words| usize::from(words) * 2 + 6 == pdu.len()),
        20 | 21 => counted(1) && pdu.len() >= 9,
        22 => pdu.len() == 7,
        23 => counted(9),
        24 => pdu.len() == 3,
        43 => pdu.len() == 4 && pdu[1] == 14 && (1..=4).contains(&pdu[2]) || pdu.len() > 4 && pdu[1] == 13,
        // Schneider's own function for its controllers: a session and a code, of which an answer has one of two (not published).
        90 => pdu.len() >= 3 && !matches!(pdu[2], 0xFD | 0xFE),
        _ => false,
    }
}

/// Whether they fit an answer.
fn is_answer(pdu: &[u8]) -> bool {
    let counted = || pdu.get(1).is_some_and(|count| pdu.len() == 2 + usize::from(*count));
    match pdu[0] {
        1 | 2 => counted() && pdu.len() > 2,
        3 | 4 | 23 => counted() && pdu.len() > 2 && pdu.len().is_multiple_of(2),
        5 => pdu.len() == 5 && matches!(be16(pdu, 3), Some(0 | 0xFF00)),
        6 | 11 => pdu.len() == 5,
        7 => pdu.len() == 2,
        8 => pdu.len() >= 5 && pdu.len() % 2 == 1,
        12 | 17 | 20 | 21 => counted() && pdu.len() > 2,
        15 | 16 => pdu.len() == 5 && be16(pdu, 3).is_some_and(|count| (1..=2000).contains(&count)),
        22 => pdu.len() == 7,
        24 => be16(pdu, 1).is_some_and(|count| pdu.len() == 3 + usize::from(count)),
        43 => pdu.len() >= 7 && pdu[1] == 14 || pdu.len() > 2 && pdu[1] == 13,
        90 => pdu.len() >= 3 && matches!(pdu[2], 0xFD | 0xFE),
        // An exception: the function with its highest bit, and why.
        function @ 0x81..=0xDA => pdu.len() == 2 && is_known(function & 0x7F) && matches!(pdu[1], 1..=8 | 10 | 11),
        _ => false,
    }
}

fn is_known(function: u8) -> bool {
    matches!(function, 1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43 | 90)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Said as Spoken;
    use crate::model::Transport;

    /// Read 2 holding registers, and the answer (Application Protocol section 6.3, in an MBAP header).
    const ASKS: [u8; 12] = [0x1F, 0x1C, 0, 0, 0, 6, 0xFF, 3, 1, 0x8F, 0, 2];
    const ANSWERS: [u8; 13] = [0x1F, 0x1C, 0, 0, 0, 7, 0xFF, 3, 4, 0xF0, 0, 0x46, 0x23];
    /// Write a single register: an answer looks as its request.
    const WRITES: [u8; 12] = [0, 1, 0, 0, 0, 6, 1, 6, 0, 1, 0, 3];

    fn looked(a: &[u8], b: &[u8], port: u16) -> Look {
        let said = |bytes| Spoken { bytes, whole: true, over: false };
        look(&Opening { transport: Transport::Tcp, ports: [50_000, port], said: [said(a), said(b)] })
    }

    fn yes(certainty: Certainty, server: Option<Side>, more: bool) -> Look {
        match more {
            true => Look::yes_so_far(Protocol::Modbus, certainty, server),
            false => Look::yes(Protocol::Modbus, certainty, server),
        }
    }

    #[test]
    fn a_question_with_its_answer_is_certain_at_any_port() {
        assert_eq!(looked(&ASKS, &ANSWERS, 10_502), yes(Certainty::Certain, Some(Side::B), false));
        assert_eq!(looked(&ANSWERS, &ASKS, 10_502), yes(Certainty::Certain, Some(Side::A), false));
        let refused = [0x1F, 0x1C, 0, 0, 0, 3, 0xFF, 0x83, 2];
        assert_eq!(looked(&ASKS, &refused, 10_502), yes(Certainty::Certain, Some(Side::B), false));
        let (asks, answers) = ([0, 9, 0, 0, 0, 4, 0, 0x5A, 0, 2], [0, 9, 0, 0, 0, 4, 0, 0x5A, 0, 0xFE]);
        assert_eq!(looked(&answers, &asks, 10_502), yes(Certainty::Certain, Some(Side::A), false));
        assert_eq!(looked(&WRITES, &WRITES, 10_502), yes(Certainty::Certain, None, true));
    }

    #[test]
    fn one_message_alone_is_likely_at_its_port_and_waited_for_elsewhere() {
        assert_eq!(looked(&ASKS, b"", 502), yes(Certainty::Likely, Some(Side::B), true));
        assert_eq!(looked(&ASKS, b"", 10_502), Look::Maybe);
        let mut other = ANSWERS;
        other[1] ^= 1;
        assert_eq!(looked(&ASKS, &other, 10_502), Look::No);
        assert_eq!(looked(&ASKS.repeat(3), b"", 10_502), yes(Certainty::Certain, Some(Side::B), true));
    }

    #[test]
    fn what_does_not_fit_its_function_is_none() {
        for (at, value) in [(2, 1), (3, 1), (4, 1), (5, 1), (5, 5), (7, 0), (7, 99), (10, 0xFF), (11, 0)] {
            let mut bad = ASKS;
            bad[at] = value;
            let look = looked(&bad, b"", 502);
            assert!(look == Look::No, "byte {at} = {value}: {look:?}");
        }
        assert_eq!(looked(&ASKS, b"HTTP/1.1 400\r\n", 502), Look::No);
        // Asks and answers on one side.
        assert_eq!(looked(&[&ASKS[..], &ANSWERS].concat(), b"", 502), Look::No);
    }

    #[test]
    fn hostile_bytes_do_no_harm() {
        for sample in [&ASKS[..], &ANSWERS, &WRITES] {
            for cut in 0..sample.len() {
                let mut flipped = sample.to_vec();
                flipped[cut] ^= 0xFF;
                for bytes in [&sample[..cut], &flipped] {
                    let _ = looked(bytes, b"", 502);
                    let _ = looked(bytes, sample, 502);
                }
            }
        }
        for function in 0..=255 {
            for length in 1..12 {
                let mut pdu = vec![function];
                pdu.resize(length, 1);
                let _ = (is_request(&pdu), is_answer(&pdu));
            }
        }
    }
}
