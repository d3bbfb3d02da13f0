//! Siemens S7 communication over ISO on TCP (RFC 1006, RFC 905), and its successor ("S7comm-plus").
//!
//! Read: TPKT and COTP headers, the header of S7 (`32`, kind of message, lengths) and of its successor (`72`, version,
//! length). Not read: what is read or written. Siemens published neither; the fields are those of independent decoders.
//! A connection request alone is not S7: others (MMS, RDP) begin so too.

use super::heard::Heard;
use super::opening::{Look, Opening, Said};
use super::reader::be16;
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side};

/// Packets of one side that are looked at.
const MOST_PACKETS: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Request,
    Answer,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Other,
    /// Nothing yet, a connection request, acknowledgements.
    Short,
    Classic(Role),
    Plus,
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let told = [Side::A, Side::B].map(|side| side_is(opening.from(side)));
    let is = told.map(|(is, _)| is);
    if is.contains(&Is::Other) {
        return Look::No;
    }
    // Who asked for the connection, or failing that for data.
    let mut server = None;
    for side in [Side::A, Side::B] {
        server = match (told[side as usize].1, is[side as usize]) {
            (Role::Request, _) => Some(side.other()),
            (Role::Answer, _) => Some(side),
            (_, Is::Classic(Role::Request)) => server.or(Some(side.other())),
            (_, Is::Classic(Role::Answer)) => server.or(Some(side)),
            _ => server,
        };
    }
    let known = is.iter().any(|is| matches!(is, Is::Classic(_) | Is::Plus));
    match (known, server) {
        (true, Some(_)) => Look::yes(Protocol::S7, Certainty::Certain, server),
        (true, None) => Look::yes_so_far(Protocol::S7, Certainty::Certain, None),
        (false, _) if opening.is_over() => Look::No,
        (false, _) => Look::Maybe,
    }
}

/// What a side says, and which part it had in opening the connection.
fn side_is(said: Said<'_>) -> (Is, Role) {
    let mut rest = said.bytes;
    let mut role = Role::Unknown;
    for _ in 0..MOST_PACKETS {
        if rest.iter().zip([3, 0]).any(|(byte, constant)| *byte != constant) {
            return (Is::Other, role);
        }
        let Some(length) = be16(rest, 2).map(usize::from) else { return (Is::Short, role) };
        if length < 7 {
            return (Is::Other, role);
        }
        let packet = &rest[4..length.min(rest.len())];
        let complete = rest.len() >= length;
        match packet {
            [header, 0xE0 | 0xD0, ..] if complete => {
                if usize::from(*header) != length - 5 || !selectors(packet.get(7..).unwrap_or_default()) {
                    return (Is::Other, role);
                }
                role = if packet[1] == 0xE0 { Role::Request } else { Role::Answer };
            }
            [2, 0xF0, end, user @ ..] if end & 0x7F == 0 => match user {
                [0x32, ..] => return (classic(user, length - 7), role),
                [0x72, ..] => return (plus(user, length - 7), role),
                [] if complete => {}
                [] => return (Is::Short, role),
                _ => return (Is::Other, role),
            },
            [2, 0xF0] | [2] | [] => return (Is::Short, role),
            [_, 0xE0 | 0xD0, ..] | [_] if length <= 64 => return (Is::Short, role),
            _ => return (Is::Other, role),
        }
        rest = &rest[length..];
    }
    (Is::Short, role)
}

/// Parameters of a connection request: transport selectors of both sides, as S7 has them.
fn selectors(mut parameters: &[u8]) -> bool {
    let (mut calling, mut called) = (false, false);
    while let [kind, length, rest @ ..] = parameters {
        let Some(after) = rest.get(usize::from(*length)..) else { return false };
        match kind {
            0xC1 => calling = true,
            0xC2 => called = true,
            0xC0 | 0xC3..=0xCF => {}
            _ => return false,
        }
        parameters = after;
    }
    parameters.is_empty() && calling && called
}

/// `32`, kind, two bytes 0, reference, length of parameters and of data, and for answers an error of two bytes.
fn classic(user: &[u8], all: usize) -> Is {
    let (Some(kind), Some(parameters), Some(data)) = (user.get(1), be16(user, 6), be16(user, 8)) else {
        return Is::Short;
    };
    let header = match kind {
        1 | 7 => 10,
        2 | 3 => 12,
        _ => return Is::Other,
    };
    // A message may go on in the next packet.
    let length = header + usize::from(parameters) + usize::from(data);
    if be16(user, 2) != Some(0) || length < all {
        return Is::Other;
    }
    Is::Classic(match kind {
        1 => Role::Request,
        2 | 3 => Role::Answer,
        // Parameter head 00 01 12, its length, then 11 for a request and 12 for an answer; the kind is in the next byte.
        _ => match user.get(10..16) {
            Some([0, 1, 0x12, _, 0x11, kind]) if kind >> 4 == 4 => Role::Request,
            Some([0, 1, 0x12, _, 0x12, kind]) if kind >> 4 == 8 => Role::Answer,
            _ => Role::Unknown,
        },
    })
}

/// `72`, version, length; a trailer of the same form may follow.
fn plus(user: &[u8], all: usize) -> Is {
    match (user.get(1), be16(user, 2)) {
        (Some(1..=3 | 0xFE), Some(length)) if (4..=all.max(4)).contains(&(usize::from(length) + 4)) => Is::Plus,
        (Some(_), Some(_)) => Is::Other,
        _ => Is::Short,
    }
}

pub(super) fn describe(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    for side in [Side::A, Side::B] {
        if side_is(opening.from(side)).0 == Is::Plus {
            heard.detail(side, DetailKind::Version, "plus");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Transport;

    /// Connection request and confirmation with selectors 01 00 and 01 02.
    const ASKS: [u8; 22] = [3, 0, 0, 22, 17, 0xE0, 0, 0, 0, 1, 0, 0xC0, 1, 10, 0xC1, 2, 1, 0, 0xC2, 2, 1, 2];
    const CONFIRMS: [u8; 22] = [3, 0, 0, 22, 17, 0xD0, 0, 1, 0, 2, 0, 0xC0, 1, 10, 0xC1, 2, 1, 0, 0xC2, 2, 1, 2];
    /// Communication set-up: job with 8 bytes of parameters.
    const JOB: [u8; 25] = [3, 0, 0, 25, 2, 0xF0, 0x80, 0x32, 1, 0, 0, 0, 1, 0, 8, 0, 0, 0xF0, 0, 0, 1, 0, 1, 1, 0xE0];
    /// A write answered: 2 bytes of parameters, 1 of data.
    const ANSWER: [u8; 22] = [3, 0, 0, 22, 2, 0xF0, 0x80, 0x32, 3, 0, 0, 0, 1, 0, 2, 0, 1, 0, 0, 5, 1, 0xFF];
    const PLUS: [u8; 19] = [3, 0, 0, 19, 2, 0xF0, 0x80, 0x72, 1, 0, 4, 0x31, 0, 0, 4, 0x72, 1, 0, 0];

    fn looked(a: &[u8], b: &[u8]) -> Look {
        let said = |bytes| Said { bytes, whole: false, over: false };
        look(&Opening { transport: Transport::Tcp, ports: [50_000, 60_000], said: [said(a), said(b)] })
    }

    fn yes(server: Side) -> Look {
        Look::yes(Protocol::S7, Certainty::Certain, Some(server))
    }

    #[test]
    fn a_connection_request_is_waited_out() {
        assert_eq!(looked(&ASKS, b""), Look::Maybe);
        assert_eq!(looked(&ASKS, &CONFIRMS), Look::Maybe);
        assert_eq!(looked(&[&ASKS[..], &JOB].concat(), &CONFIRMS), yes(Side::B));
        // MMS over the same transport: a session connect behind the connection request.
        let mms = [&ASKS[..], &[3, 0, 0, 9, 2, 0xF0, 0x80, 0x0D, 0]].concat();
        assert_eq!(looked(&mms, &CONFIRMS), Look::No);
        // Remote desktop: negotiation instead of selectors.
        let rdp = [3, 0, 0, 19, 14, 0xE0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];
        assert_eq!(looked(&rdp, b""), Look::No);
    }

    #[test]
    fn jobs_and_answers_show_who_serves() {
        assert_eq!(looked(&JOB, b""), yes(Side::B));
        assert_eq!(looked(&ANSWER, b""), yes(Side::A));
        // An empty packet acknowledges, before or after.
        let empty = [3, 0, 0, 7, 2, 0xF0, 0];
        assert_eq!(looked(&[&empty[..], &JOB].concat(), b""), yes(Side::B));
        assert_eq!(looked(&empty, b""), Look::Maybe);
    }

    #[test]
    fn the_successor_has_a_version_of_its_own() {
        assert_eq!(looked(&PLUS, b""), Look::yes_so_far(Protocol::S7, Certainty::Certain, None));
        let both = [&ASKS[..], &PLUS].concat();
        assert_eq!(looked(&both, b""), yes(Side::B));
        let said = [Said { bytes: &both, whole: true, over: true }, Said::default()];
        let opening = Opening { transport: Transport::Tcp, ports: [1, 2], said };
        let mut heard = Heard::default();
        let recognised = Recognised { protocol: Protocol::S7, certainty: Certainty::Certain, server: None };
        describe(&opening, recognised, &mut heard);
        assert_eq!(heard.details[0].1.text, "plus");
    }

    #[test]
    fn lengths_that_do_not_fit_are_none() {
        for (at, value) in [(0, 4), (1, 1), (3, 6), (4, 3), (5, 0xF1), (7, 0x33), (8, 9), (10, 1), (14, 2)] {
            let mut bad = JOB;
            bad[at] = value;
            assert_eq!(looked(&bad, b""), Look::No, "byte {at}");
        }
    }

    #[test]
    fn hostile_bytes_do_no_harm() {
        for sample in [&ASKS[..], &CONFIRMS, &JOB, &ANSWER, &PLUS] {
            for cut in 0..sample.len() {
                let mut flipped = sample.to_vec();
                flipped[cut] ^= 0xFF;
                let _ = looked(&flipped, b"");
                assert_ne!(looked(&sample[..cut], sample), Look::No, "cut at {cut}");
            }
        }
    }
}
