//! ONC RPC (RFC 5531) over TCP and UDP: calls and replies, and which program is called.
//!
//! Read: record mark (section 11), the call's header with kind and length of credential and verifier (9), the reply's status.
//! The portmapper's answers are read by [`super::portmapper`]. Not read: credentials, arguments and results of other programs.

use super::heard::Heard;
use super::opening::{Look, Opening};
use super::reader::{be32, slice};
use crate::model::{Certainty, DetailKind, Protocol, Recognised, Side, Transport};

/// Ports at which a reply alone is taken for one: portmapper and NFS.
const PORTS: [u16; 2] = [111, 2049];
/// Longest credential or verifier, in bytes (RFC 5531 section 8.2).
const LONGEST_AUTH: u32 = 400;
/// Longest record that is believed: what NFS writes at once, with room.
const LARGEST: u32 = 1 << 24;
/// Programs whose names everybody uses.
const PROGRAMS: [(u32, &str); 9] = [
    (100_000, "portmapper"),
    (100_001, "rstatd"),
    (100_003, "nfs"),
    (100_004, "ypserv"),
    (100_005, "mountd"),
    (100_007, "ypbind"),
    (100_021, "nlockmgr"),
    (100_024, "status"),
    (100_227, "nfs_acl"),
];

/// The header of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// A call.
    Call { xid: u32, program: u32, version: u32, procedure: u32, arguments: usize },
    /// A reply that was accepted and succeeded: where its results begin.
    Done { xid: u32, results: usize },
    /// A reply that refuses.
    Refused { xid: u32 },
}

/// Where what stands at `at` with its kind and length ends: a credential or verifier.
fn auth_end(message: &[u8], at: usize) -> Option<usize> {
    let (kind, length) = (be32(message, at)?, be32(message, at + 4)?);
    // None, system, short, Diffie-Hellman, Kerberos 4, RSA, GSS, TLS (RFC 5531 section 14, RFC 9289); vendors' are large.
    let known = kind <= 7 || (200_000..=600_000).contains(&kind);
    (known && length <= LONGEST_AUTH && (kind != 0 || length == 0))
        .then(|| at + 8 + length.next_multiple_of(4) as usize)
}

/// Reads a message's header; `None` where it is none, or its end is not there.
pub(super) fn header(message: &[u8]) -> Option<Header> {
    let xid = be32(message, 0)?;
    match be32(message, 4)? {
        0 => {
            let (program, version, procedure) = (be32(message, 12)?, be32(message, 16)?, be32(message, 20)?);
            // Programs: RFC 5531 section 13; those of users and transient ones included.
            let fits = be32(message, 8)? == 2 && (100_000..0x6000_0000).contains(&program);
            let arguments = auth_end(message, auth_end(message, 24)?)?;
            let fits = fits && version <= 0xFFFF && procedure <= 0xFFFF && arguments <= message.len();
            fits.then_some(Header::Call { xid, program, version, procedure, arguments })
        }
        1 => match be32(message, 8)? {
            0 => {
                let verifier = auth_end(message, 12)?;
                match be32(message, verifier)? {
                    0 => Some(Header::Done { xid, results: verifier + 4 }),
                    1..=5 => Some(Header::Refused { xid }),
                    _ => None,
                }
            }
            1 => matches!((be32(message, 12)?, be32(message, 16)?), (0, _) | (1, 0..=14))
                .then_some(Header::Refused { xid }),
            _ => None,
        },
        _ => None,
    }
}

/// Length of a fragment of a record and whether it is the last, of its mark.
pub(super) fn mark(bytes: &[u8]) -> Option<(bool, u32)> {
    let mark = be32(bytes, 0)?;
    let length = mark & 0x7FFF_FFFF;
    (20..=LARGEST).contains(&length).then_some((mark >> 31 == 1, length))
}

/// What a side's first bytes are over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Other,
    Short,
    /// The header, and whether the bytes end with the record.
    Record(Header, bool),
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    match opening.transport {
        Transport::Udp => look_udp(opening),
        Transport::Tcp => look_tcp(opening),
    }
}

fn look_udp(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|_| true) else { return Look::No };
    match header(opening.bytes(side)) {
        Some(Header::Call { .. }) => Look::yes(Protocol::OncRpc, Certainty::Certain, Some(side.other())),
        Some(_) if PORTS.contains(&opening.port(side)) => Look::yes(Protocol::OncRpc, Certainty::Likely, Some(side)),
        _ => Look::No,
    }
}

fn look_tcp(opening: &Opening<'_>) -> Look {
    let is = [Side::A, Side::B].map(|side| record(opening.bytes(side)));
    // A call's header has 40 bytes, nearly all of them constant.
    let calls = |side: &Side| matches!(is[*side as usize], Is::Record(Header::Call { .. }, _));
    if let Some(client) = [Side::A, Side::B].into_iter().find(calls) {
        return Look::yes(Protocol::OncRpc, Certainty::Certain, Some(client.other()));
    }
    let reply = [Side::A, Side::B].into_iter().find(|side| matches!(is[*side as usize], Is::Record(_, true)));
    let short = |side: Side| is[side as usize] == Is::Short && !opening.from(side).over;
    match reply {
        Some(side) => Look::yes_so_far(Protocol::OncRpc, Certainty::Likely, Some(side)),
        None if [Side::A, Side::B].into_iter().any(|side| !opening.bytes(side).is_empty() && short(side)) => {
            Look::Maybe
        }
        None => Look::No,
    }
}

fn record(bytes: &[u8]) -> Is {
    if bytes.is_empty() {
        return Is::Short;
    }
    // The mark's highest byte: last fragment, and less than 16 MiB. Few records have several fragments: a first one that is
    // not the last is believed with its header only.
    if bytes[0] & 0x7F != 0
        || bytes[0] == 0 && header(bytes.get(4..).unwrap_or_default()).is_none()
        || bytes.len() >= 4 && mark(bytes).is_none()
    {
        return Is::Other;
    }
    let Some((last, length)) = mark(bytes) else { return Is::Short };
    let message = bytes.get(4..).unwrap_or_default();
    let begins = be32(message, 4).is_none_or(|kind| match kind {
        0 => be32(message, 8).is_none_or(|version| version == 2),
        kind => kind == 1 && be32(message, 8).is_none_or(|state| state <= 1),
    });
    if !begins {
        return Is::Other;
    }
    match header(slice(message, 0, length as usize).unwrap_or(message)) {
        Some(header) => Is::Record(header, last && message.len() == length as usize),
        // A credential has 400 bytes at most.
        None if message.len() < (length as usize).min(1024) => Is::Short,
        None => Is::Other,
    }
}

pub(super) fn describe(opening: &Opening<'_>, _: Recognised, heard: &mut Heard) {
    for side in [Side::A, Side::B] {
        let bytes = opening.bytes(side);
        let message = if opening.transport == Transport::Tcp { bytes.get(4..).unwrap_or_default() } else { bytes };
        if let Some(Header::Call { program, version, .. }) = header(message) {
            let name = PROGRAMS.iter().find(|(number, _)| *number == program).map(|(_, name)| *name);
            let name = name.map_or_else(String::new, |name| format!(" ({name})"));
            heard.detail(side, DetailKind::Interface, format!("program {program} v{version}{name}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Said;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// A call of NFS 3 with a system credential, and its reply (RFC 5531 section 9).
    fn call() -> Vec<u8> {
        words(&[9, 0, 2, 100_003, 3, 1, 1, 20, 0, 0, 0, 0, 0, 0, 0, 77])
    }

    fn reply() -> Vec<u8> {
        words(&[9, 1, 0, 0, 0, 0, 5])
    }

    fn marked(message: &[u8]) -> Vec<u8> {
        [&words(&[0x8000_0000 | message.len() as u32]), message].concat()
    }

    fn looked(transport: Transport, a: &[u8], b: &[u8], ports: [u16; 2]) -> Look {
        let said = |bytes| Said { bytes, whole: true, over: transport == Transport::Udp };
        look(&Opening { transport, ports, said: [said(a), said(b)] })
    }

    #[test]
    fn calls_are_certain_and_show_who_serves() {
        let yes = Look::yes(Protocol::OncRpc, Certainty::Certain, Some(Side::B));
        assert_eq!(looked(Transport::Udp, &call(), b"", [700, 800]), yes);
        assert_eq!(looked(Transport::Tcp, &marked(&call()), b"", [700, 800]), yes);
        for cut in 1..60 {
            assert_eq!(looked(Transport::Tcp, &marked(&call())[..cut], b"", [700, 800]), Look::Maybe, "cut at {cut}");
        }
        for at in [4, 8, 11, 12, 24, 29, 52] {
            let mut bad = call();
            bad[at] ^= 0x70;
            assert_eq!(looked(Transport::Udp, &bad, b"", [700, 111]), Look::No, "byte {at}");
            assert_eq!(looked(Transport::Tcp, &marked(&bad), b"", [700, 111]), Look::No, "byte {at}");
        }
    }

    #[test]
    fn replies_alone_are_weaker() {
        let likely = Look::yes(Protocol::OncRpc, Certainty::Likely, Some(Side::A));
        assert_eq!(looked(Transport::Udp, &reply(), b"", [111, 800]), likely);
        assert_eq!(looked(Transport::Udp, &reply(), b"", [700, 111]), Look::No);
        let likely = Look::yes_so_far(Protocol::OncRpc, Certainty::Likely, Some(Side::A));
        assert_eq!(looked(Transport::Tcp, &marked(&reply()), b"", [700, 800]), likely);
        let certain = Look::yes(Protocol::OncRpc, Certainty::Certain, Some(Side::A));
        assert_eq!(looked(Transport::Tcp, &marked(&reply()), &marked(&call()), [700, 800]), certain);
        assert_eq!(looked(Transport::Tcp, b"\x80\0\0\x02ab", b"", [700, 800]), Look::No);
    }

    #[test]
    fn the_program_is_told_with_its_name() {
        let bytes = call();
        let said = [Said { bytes: &bytes, whole: true, over: true }, Said::default()];
        let opening = Opening { transport: Transport::Udp, ports: [1, 2], said };
        let mut heard = Heard::default();
        let recognised = Recognised { protocol: Protocol::OncRpc, certainty: Certainty::Certain, server: None };
        describe(&opening, recognised, &mut heard);
        assert_eq!(heard.details[0].1.text, "program 100003 v3 (nfs)");
    }

    #[test]
    fn hostile_bytes_do_no_harm() {
        for sample in [call(), reply(), marked(&call()), marked(&reply())] {
            for cut in 0..sample.len() {
                let mut flipped = sample.clone();
                flipped[cut] ^= 0xFF;
                for bytes in [&sample[..cut], &flipped] {
                    for transport in [Transport::Udp, Transport::Tcp] {
                        let _ = looked(transport, bytes, b"", [111, 111]);
                    }
                }
            }
        }
    }
}
