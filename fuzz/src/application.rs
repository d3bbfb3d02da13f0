//! Payload: what recognisers make of any bytes, and followers of any conversation.

use portproof::application::{Attention, Conversation, Datagrams, Heard, Moment};
use portproof::model::{Certainty, Position, Protocol, Recognised, Side};

/// Heap that one conversation may hold.
const MOST_HELD_BYTES: usize = 2 << 20;
/// Ports that recognisers take for a hint.
const PORTS: [u16; 16] = [21, 25, 53, 88, 111, 123, 135, 137, 445, 502, 1433, 1434, 5353, 22_350, 27_000, 44_818];

/// The target of recognisers: a byte of ports and transport, then pieces as in [`pieces`].
pub fn recognisers(data: &[u8]) {
    let Some(([head], data)) = data.split_first_chunk() else { return };
    let ports = [50_000, PORTS[usize::from(head & 15)]];
    match head & 0x80 {
        0 => conversation(Conversation::new(ports, [head & 0x10 == 0, head & 0x20 == 0]), data),
        _ => datagrams(ports, None, data),
    }
}

/// The target of followers: a byte that picks the protocol, one of server and transport, then pieces as in [`pieces`].
pub fn followers(data: &[u8]) {
    let Some(([protocol, head], data)) = data.split_first_chunk() else { return };
    let protocol = Protocol::ALL[usize::from(*protocol) % Protocol::ALL.len()];
    let server = [None, Some(Side::A), Some(Side::B)][usize::from(head & 3) % 3];
    let recognised = Recognised { protocol, certainty: Certainty::Certain, server };
    if head & 0x80 == 0 {
        let ports = [50_000, 135];
        if let Some(conversation) = Conversation::following(ports, recognised) {
            self::conversation(conversation, data);
        }
    } else if let Some(follower) = Datagrams::following(recognised) {
        datagrams([50_000, 135], Some(follower), data);
    }
}

/// Pieces of a conversation: a byte of side (0x80), gap (0x40) and length (0x3f, in units that grow), then the bytes.
fn pieces(mut data: &[u8]) -> impl Iterator<Item = (Side, bool, &[u8])> {
    std::iter::from_fn(move || {
        let ([head], rest) = data.split_first_chunk()?;
        let length = usize::from(head & 0x3f);
        let length = (length * length / 4).max(length).min(rest.len());
        let (piece, rest) = rest.split_at(length);
        data = rest;
        Some((if head & 0x80 == 0 { Side::A } else { Side::B }, head & 0x40 != 0, piece))
    })
}

fn conversation(mut conversation: Conversation, data: &[u8]) {
    let mut heard = Heard::default();
    let mut frame = 0;
    let mut moment = || {
        frame += 1;
        Moment { position: Position { frame, ..Position::default() }, time_ns: 0 }
    };
    for (side, gap, piece) in pieces(data) {
        let attention = match gap {
            true => conversation.gap(side, piece.len() as u32 * 1000, moment(), &mut heard),
            false if piece.is_empty() => continue,
            false => conversation.bytes(side, piece, moment(), &mut heard),
        };
        let held = conversation.held_bytes();
        assert!(held <= MOST_HELD_BYTES, "{held} bytes are held");
        if attention == Attention::Done {
            break;
        }
    }
    conversation.end(moment(), &mut heard);
    check(&heard, data);
}

fn datagrams(ports: [u16; 2], mut follower: Option<Datagrams>, data: &[u8]) {
    let mut heard = Heard::default();
    for (side, cut, piece) in pieces(data) {
        match &mut follower {
            Some(datagrams) => {
                let attention = datagrams.datagram(side, piece, cut, &mut heard);
                assert!(datagrams.held_bytes() <= MOST_HELD_BYTES);
                if attention == Attention::Done {
                    break;
                }
            }
            None => {
                if let Some((_, follows)) = Datagrams::look(ports, side, piece, cut, &mut heard) {
                    follower = follows;
                }
            }
        }
    }
    if let Some(mut follower) = follower {
        follower.end(&mut heard);
    }
    check(&heard, data);
}

/// Nothing is told that is longer than said, empty, or more often than bytes allow.
fn check(heard: &Heard, data: &[u8]) {
    for (_, detail) in &heard.details {
        assert!(!detail.text.is_empty() && detail.text.len() <= portproof::application::TEXT_BYTES, "{detail:?}");
    }
    for (_, said) in &heard.announcements {
        assert!(said.answer.port() != Some(0), "{said:?}");
        assert!(said.subject.len() <= portproof::application::TEXT_BYTES, "{said:?}");
    }
    let told = heard.details.len() + heard.announcements.len() + heard.names.len();
    assert!(told <= 64 + data.len(), "{told} facts from {} bytes", data.len());
}
