//! What is DCE/RPC, and who serves.

use super::ndr::{Uuid, number16};
use super::pdu::{HEADER, Header, STUB, could_begin, kind};
use crate::application::opening::{Look, Opening, Said};
use crate::model::{Certainty, Protocol, Side};

/// What a server of ncacn_http says before its first PDU (MS-RPCH). From memory, unverified by a capture.
pub(super) const BANNER: &[u8] = b"ncacn_http/1.0";
/// Contexts and operations are numbered from 0: no interface has so many.
const MOST_NUMBERED: u16 = 0x1000;
/// Header of a datagram (C706 section 12.5.2).
pub(super) const DATAGRAM_HEADER: usize = 80;
/// PDU type of datagrams that turn a request down.
pub(super) const REJECT: u8 = 6;
/// Usual ports of datagrams: the endpoint mapper, and PROFINET's context manager.
const DATAGRAM_PORTS: [u16; 2] = [135, 34964];

/// What the bytes of one side are.
enum Judged {
    No,
    Maybe,
    /// A client's or a server's.
    Is {
        from_client: bool,
    },
}

/// Over a connection.
pub(in crate::application) fn look(opening: &Opening<'_>) -> Look {
    let mut maybe = false;
    let mut never = false;
    for side in [Side::A, Side::B] {
        let said = opening.from(side);
        if said.bytes.is_empty() {
            continue;
        }
        match judge(said) {
            Judged::Is { from_client } => {
                let server = if from_client { side.other() } else { side };
                return Look::yes(Protocol::DceRpc, Certainty::Certain, Some(server));
            }
            Judged::Maybe => maybe = true,
            // In the middle of a stream a side may begin within a PDU.
            Judged::No => never |= said.whole,
        }
    }
    if maybe && !never { Look::Maybe } else { Look::No }
}

fn judge(said: Said<'_>) -> Judged {
    let bytes = said.bytes;
    if bytes[0] == BANNER[0] {
        return match Look::unless_begins(bytes, BANNER) {
            None => Judged::Is { from_client: false },
            Some(Look::Maybe) if !said.over => Judged::Maybe,
            Some(_) => Judged::No,
        };
    }
    if !could_begin(bytes) {
        return Judged::No;
    }
    // A connection begins with a bind and its answer.
    let opens = |kind| matches!(kind, kind::BIND | kind::BIND_ACK | kind::BIND_NAK | kind::FAULT);
    if said.whole && bytes.get(2).is_some_and(|kind| !opens(*kind)) {
        return Judged::No;
    }
    let Some(header) = Header::read(bytes) else {
        return if bytes.len() < HEADER && !said.over { Judged::Maybe } else { Judged::No };
    };
    let wanted = if matches!(header.kind, kind::BIND | kind::ALTER) { 32 } else { header.length.min(STUB) };
    if bytes.len() < wanted {
        return if said.over { Judged::No } else { Judged::Maybe };
    }
    if body_fits(header, bytes) { Judged::Is { from_client: header.is_from_client() } } else { Judged::No }
}

/// What can be checked of a PDU's first bytes behind the header.
fn body_fits(header: Header, bytes: &[u8]) -> bool {
    let number = |at| number16(bytes, at, header.little).unwrap_or_default();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    match header.kind {
        kind::BIND | kind::ALTER => {
            // Everybody has to take fragments of 1432 bytes (C706 section 12.6.3.1); who states less is believed down to what
            // no implementation can work with. A context has a transfer syntax.
            byte(24) > 0 && byte(30) > 0 && number(16) >= 128 && number(18) >= 128
        }
        kind::BIND_ACK | kind::ALTER_RESPONSE => number(16) >= 128 && number(18) >= 128,
        kind::REQUEST => number(20) < MOST_NUMBERED && number(22) < MOST_NUMBERED,
        // A cancel count and a reserved byte.
        kind::RESPONSE | kind::FAULT => number(20) < MOST_NUMBERED && byte(23) == 0,
        _ => true,
    }
}

/// Header of a datagram (C706 section 12.5.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct DatagramHeader {
    pub(super) kind: u8,
    flags: u8,
    pub(super) little: bool,
    /// Bytes of the body that belong to the call.
    pub(super) length: usize,
    pub(super) fragment: u16,
}

impl DatagramHeader {
    /// A header whose every field is plausible.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<DATAGRAM_HEADER>()?;
        let little = head[4] & 0xf0 != 0;
        let representation = matches!(head[4], 0 | 1 | 0x10 | 0x11) && head[5] <= 3 && head[6] == 0;
        if head[0] != 4 || head[1] > 10 || !representation {
            return None;
        }
        let (length, fragment) = (number16(head, 74, little)?, number16(head, 76, little)?);
        Some(Self { kind: head[1], flags: head[2], little, length: usize::from(length), fragment })
    }

    pub(super) fn is_fragment(self) -> bool {
        self.flags & 4 != 0
    }

    pub(super) fn is_last_fragment(self) -> bool {
        self.flags & 2 != 0
    }

    /// Whether it proves who serves: requests, pings, acks and cancels come from clients; a fack comes from either.
    fn is_clients(self) -> Option<bool> {
        match self.kind {
            0 | 1 | 7 | 8 => Some(true),
            2..=6 | 10 => Some(false),
            _ => None,
        }
    }
}

/// In datagrams.
pub(in crate::application) fn look_datagram(opening: &Opening<'_>) -> Look {
    let Some(side) = opening.side_where(|_| true) else { return Look::No };
    let bytes = opening.bytes(side);
    let Some(header) = DatagramHeader::read(bytes) else { return Look::No };
    // Interface and activity are UUIDs of the common variant; pings and their like may leave the interface out.
    let variant = |at: usize| bytes.get(at + 8).is_some_and(|byte| byte & 0xc0 == 0x80 || byte & 0xe0 == 0xc0);
    let nil = Uuid::read(bytes, 24, header.little).is_some_and(|uuid| uuid.0 == 0);
    let server = header.is_clients().map(|client| if client { side.other() } else { side });
    let body = bytes.len() - DATAGRAM_HEADER;
    let usual = opening.ports.iter().any(|port| DATAGRAM_PORTS.contains(port));
    let plausible = variant(24) || (nil && header.kind != 0);
    if !plausible {
        // A reject repeats whatever header it rejects.
        let rejects = header.kind == REJECT && header.length == body && usual;
        return if rejects { Look::yes(Protocol::DceRpcDatagram, Certainty::Likely, server) } else { Look::No };
    }
    let authenticated = bytes[78] != 0;
    if header.length == body || (header.length < body && authenticated) {
        return Look::yes(Protocol::DceRpcDatagram, Certainty::Certain, server);
    }
    // Padded, or cut by the recording.
    if usual {
        return Look::yes(Protocol::DceRpcDatagram, Certainty::Likely, server);
    }
    Look::No
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::dcerpc::samples;
    use crate::model::Transport;

    fn says(side: Side, bytes: &[u8], whole: bool, over: bool) -> Look {
        let mut said = [Said::default(); 2];
        said[side as usize] = Said { bytes, whole, over };
        look(&Opening { transport: Transport::Tcp, ports: [50_000, 49_701], said })
    }

    fn server(look: Look) -> Option<Side> {
        let Look::Yes(verdict) = look else { panic!("{look:?}") };
        assert_eq!(verdict.recognised.certainty, Certainty::Certain);
        verdict.recognised.server
    }

    #[test]
    fn every_pdu_says_who_serves() {
        let bind = samples::bind(samples::SVCCTL, 2, false);
        let ack = samples::bind_ack(b"49701\0", false);
        for over in [false, true] {
            assert_eq!(server(says(Side::A, &bind, true, over)), Some(Side::B));
            assert_eq!(server(says(Side::B, &ack, true, over)), Some(Side::B));
            assert_eq!(server(says(Side::B, &samples::request(3, 0, &[1; 9], 2), false, over)), Some(Side::A));
            assert_eq!(server(says(Side::A, &samples::response(&[1; 9], 2), false, over)), Some(Side::A));
        }
        assert_eq!(server(says(Side::B, b"ncacn_http/1.0", true, false)), Some(Side::B));
    }

    #[test]
    fn a_bind_is_waited_for_and_never_for_anything_else() {
        let bind = samples::bind(samples::SVCCTL, 2, false);
        for end in 1..32 {
            assert_eq!(says(Side::A, &bind[..end], true, false), Look::Maybe, "{end}");
            assert_eq!(says(Side::A, &bind[..end], true, true), Look::No, "{end}");
        }
        // A SOCKS 5 greeting, a request where a bind has to be, TLS, and a bind without contexts.
        assert_eq!(says(Side::A, &[5, 1, 0], true, false), Look::No);
        assert_eq!(says(Side::A, &samples::request(3, 0, &[], 2), true, false), Look::No);
        assert_eq!(says(Side::A, &[0x16, 3, 1], true, false), Look::No);
        let mut none = bind.clone();
        none[24] = 0;
        assert_eq!(says(Side::A, &none, true, false), Look::No);
    }

    #[test]
    fn no_byte_that_is_flipped_and_no_prefix_panics() {
        for sample in [samples::bind(samples::EPM, 3, true), samples::datagram(0, 3, &[7; 40], true)] {
            for at in 0..sample.len() {
                for bit in [1, 0x80] {
                    let mut bad = sample.clone();
                    bad[at] ^= bit;
                    says(Side::A, &bad, false, false);
                    datagram(&bad, [1, 2]);
                }
                datagram(&sample[..at], [1, 2]);
            }
        }
    }

    fn datagram(bytes: &[u8], ports: [u16; 2]) -> Look {
        let said = [Said { bytes, whole: true, over: true }, Said::default()];
        look_datagram(&Opening { transport: Transport::Udp, ports, said })
    }

    #[test]
    fn datagrams_are_told_by_their_lengths_and_show_who_serves() {
        let request = samples::datagram(0, 3, &[7; 40], true);
        assert_eq!(server(datagram(&request, [50_000, 50_001])), Some(Side::B));
        assert_eq!(server(datagram(&samples::datagram(2, 3, &[7; 40], false), [50_000, 50_001])), Some(Side::A));
        assert_eq!(datagram(&request[..100], [50_000, 50_001]), Look::No);
        let Look::Yes(cut) = datagram(&request[..100], [50_000, 34964]) else { panic!() };
        assert_eq!(cut.recognised.certainty, Certainty::Likely);
        let mut reject = samples::datagram(6, 3, &[8, 0, 0, 0x1c], true);
        reject[32] = 0;
        assert_eq!(datagram(&reject, [50_000, 50_001]), Look::No);
        assert!(matches!(datagram(&reject, [135, 50_001]), Look::Yes(_)));
        let fack = samples::datagram(9, 3, &[], true);
        assert_eq!(server(datagram(&fack, [50_000, 50_001])), None);
    }
}
