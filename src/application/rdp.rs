//! Remote desktop (MS-RDPBCGR sections 2.2.1.1 and 2.2.1.2): TPKT (RFC 1006), an X.224 connection request or confirm, and in
//! it a cookie or a negotiation structure. Other protocols begin with the same TPKT and X.224 (S7, MMS): what lacks both
//! is theirs.
//!
//! Read: which security is asked for and chosen. Not read: the cookie, which holds a user name; what follows is encrypted.
//!
//! Layouts, constants and quoted examples are from memory, unverified against the text; checked on captures only.

use super::heard::Heard;
use super::opening::{Look, Opening};
use super::reader::{be16, le16, le32, slice};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side};

const REQUEST: u8 = 0xe0;
const CONFIRM: u8 = 0xd0;
/// TPKT, and X.224 up to its class.
const HEADER: usize = 11;
const TPKT: usize = 4;
const COOKIE: &[u8] = b"Cookie: mst";
const NEGOTIATION_BYTES: u16 = 8;
const NEGOTIATION_REQUEST: u8 = 1;
const NEGOTIATION_RESPONSE: u8 = 2;
const NEGOTIATION_FAILURE: u8 = 3;
/// Longest first message: a cookie, a negotiation, a correlation identifier.
const LONGEST: usize = 512;
/// Protocols that a client asks for, by bit (section 2.2.1.1.1).
const SECURITY: [(u32, &str); 5] = [(1, "TLS"), (2, "CredSSP"), (4, "RDSTLS"), (8, "CredSSP early"), (16, "RDS AAD")];

/// A connection request or confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Connection {
    kind: u8,
    /// Type of the negotiation structure and its value, where there is one.
    negotiation: Option<(u8, u32)>,
}

/// What is there: `Err(true)` where it could become one.
fn connection(bytes: &[u8]) -> Result<Connection, bool> {
    let model = |at: usize, fits: fn(u8) -> bool| bytes.get(at).is_none_or(|byte| fits(*byte));
    let constant =
        model(0, |byte| byte == 3) && model(1, |byte| byte == 0) && model(5, |byte| matches!(byte, REQUEST | CONFIRM));
    let length = be16(bytes, 2).map(usize::from);
    let length_fits = length.is_none_or(|length| {
        let indicator = bytes.get(4).map(|byte| usize::from(*byte) + TPKT + 1);
        (HEADER..=LONGEST).contains(&length) && indicator.is_none_or(|indicator| indicator == length)
    });
    // Source and destination of the request's reference, and class 0.
    if !constant || !length_fits || !model(10, |class| class == 0) {
        return Err(false);
    }
    let message = length.and_then(|length| slice(bytes, 0, length)).ok_or(bytes.len() < LONGEST)?;
    let (kind, mut rest) = (message[5], &message[HEADER..]);
    let has_cookie = kind == REQUEST && rest.starts_with(COOKIE);
    if has_cookie {
        let line = rest.windows(2).position(|window| window == b"\r\n").ok_or(false)?;
        rest = &rest[line + 2..];
    }
    let negotiation = match (rest.first(), le16(rest, 2), le32(rest, 4)) {
        (Some(one), Some(NEGOTIATION_BYTES), Some(value)) => Some((*one, value)),
        _ => None,
    };
    let fits = match negotiation {
        Some((NEGOTIATION_REQUEST, _)) => kind == REQUEST,
        Some((NEGOTIATION_RESPONSE | NEGOTIATION_FAILURE, _)) => kind == CONFIRM,
        _ => has_cookie && rest.is_empty(),
    };
    if fits { Ok(Connection { kind, negotiation }) } else { Err(false) }
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let sides = [Side::A, Side::B].map(|side| connection(opening.bytes(side)));
    let with = |wanted: u8| {
        let mut all = [Side::A, Side::B].into_iter();
        all.find(|side| matches!(sides[*side as usize], Ok(Connection { kind, .. }) if kind == wanted))
    };
    let server = with(REQUEST).map(Side::other).or(with(CONFIRM));
    if let Some(server) = server {
        let closed = !opening.bytes(server).is_empty() || opening.is_over();
        return match closed {
            true => Look::yes(Protocol::Rdp, Certainty::Certain, Some(server)),
            false => Look::yes_so_far(Protocol::Rdp, Certainty::Certain, Some(server)),
        };
    }
    let maybe = [Side::A, Side::B]
        .into_iter()
        .any(|side| !opening.bytes(side).is_empty() && sides[side as usize] == Err(true) && !opening.from(side).over);
    if maybe { Look::Maybe } else { Look::No }
}

pub(super) fn describe(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    for side in [Side::A, Side::B] {
        let Ok(Connection { negotiation: Some((kind, value)), .. }) = connection(opening.bytes(side)) else { continue };
        if kind == NEGOTIATION_FAILURE {
            heard.detail(side, DetailKind::Command, "security refused");
            continue;
        }
        let names: Vec<&str> = SECURITY.iter().filter(|(bit, _)| value & bit != 0).map(|(_, name)| *name).collect();
        let names = if names.is_empty() { "RDP security".to_owned() } else { names.join(",") };
        heard.detail(side, DetailKind::Command, names);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{OPENING_BYTES, Said};
    use super::*;
    use crate::model::Transport;

    /// Built after the annotated example of MS-RDPBCGR section 4.1.1, with another user.
    const ASKS: &[u8] =
        b"\x03\x00\x00\x2e\x29\xe0\x00\x00\x00\x00\x00Cookie: mstshash=operator\r\n\x01\x00\x08\x00\x03\x00\x00\x00";
    /// MS-RDPBCGR section 4.1.2 in form: TLS is chosen.
    const CONFIRMS: &[u8] = b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x01\x00\x00\x00";
    /// S7: the parameters name a TPDU size and two TSAPs.
    const S7: &[u8] = b"\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc0\x01\x0a\xc1\x02\x01\x00\xc2\x02\x01\x02";

    fn opening<'a>(a: &'a [u8], b: &'a [u8]) -> Opening<'a> {
        let said = [a, b].map(|bytes| Said { bytes, whole: true, over: false });
        Opening { transport: Transport::Tcp, ports: [50_000, 4_000], said }
    }

    #[test]
    fn a_request_with_cookie_and_its_confirm_are_remote_desktop_and_the_user_stays_unsaid() {
        let both = opening(ASKS, CONFIRMS);
        let Look::Yes(verdict) = look(&both) else { panic!("not recognised") };
        assert_eq!((verdict.recognised.server, verdict.more), (Some(Side::B), false));
        let mut heard = Heard::default();
        describe(&both, verdict.recognised, &mut heard);
        let told: Vec<_> = heard.details.iter().map(|(_, detail)| (detail.side, detail.text.as_str())).collect();
        assert_eq!(told, [(Side::A, "TLS,CredSSP"), (Side::B, "TLS")]);
        assert!(heard.names.is_empty());
    }

    #[test]
    fn requests_of_others_are_none() {
        assert_eq!(look(&opening(S7, b"")), Look::No);
        assert_eq!(look(&opening(b"\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00", b"")), Look::No);
        assert_eq!(look(&opening(b"\x03\x01", b"")), Look::No);
        let mut longer = ASKS.to_vec();
        longer[4] += 1;
        assert_eq!(look(&opening(&longer, b"")), Look::No);
    }

    #[test]
    fn a_beginning_is_waited_for_and_nothing_panics() {
        for length in 1..ASKS.len() {
            assert_eq!(look(&opening(&ASKS[..length], b"")), Look::Maybe, "{length}");
        }
        for at in 0..ASKS.len() {
            for value in 0..=255 {
                let mut bytes = ASKS.to_vec();
                bytes[at] = value;
                let opening = opening(&bytes, CONFIRMS);
                if let Look::Yes(verdict) = look(&opening) {
                    describe(&opening, verdict.recognised, &mut Heard::default());
                }
            }
        }
        assert_eq!(look(&opening(&[3; OPENING_BYTES], b"")), Look::No);
    }
}
