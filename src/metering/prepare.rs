//! What of a frame's way into the flow cache needs no state: decoding it, making its key, hashing. It can be done a batch at a
//! time, and on another thread than the metering itself.

use super::cache::KeyHasher;
use super::copies::{Identity, Sighting};
use super::count::{self, Arrival};
use super::key::PackedKey;
use super::settings::MeterSettings;
use crate::decode::{Carrier, Decoder};
use crate::model::{
    Content, Encapsulation, Fate, Fragment, Frame, IcmpError, LaterFragment, Packet, Process, Segment, Side, Stop,
    TcpHeader, Tunnel,
};
use std::ops::Range;

/// Frames that were decoded and wait to be metered, in their order.
#[derive(Debug, Default)]
pub struct Prepared {
    pub(super) frames: Vec<PreparedFrame>,
    extras: Vec<Extra>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct PreparedFrame {
    pub(super) at: Arrival,
    pub(super) seen: Sighting,
    pub(super) fate: Fate,
    pub(super) packet: Option<KeyedPacket>,
    /// Its number among the extras; [`NO_EXTRA`] for nearly all.
    extra: u32,
}

const NO_EXTRA: u32 = u32::MAX;

/// A packet of a conversation, as metering needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyedPacket {
    pub(super) key: PackedKey,
    pub(super) hash: u64,
    pub(super) side: Side,
    /// By what a copy of it is recognised.
    pub(super) identity: Option<Identity>,
    pub(super) segment: Segment,
    pub(super) ip_bytes: u32,
    pub(super) payload_bytes: u32,
    /// Where the captured payload stands in the bytes of the batch.
    payload_at: u32,
    captured_bytes: u32,
    pub(super) is_snapped: bool,
    pub(super) encapsulation: Encapsulation,
}

impl KeyedPacket {
    pub(super) fn tcp(&self) -> Option<TcpHeader> {
        match self.segment {
            Segment::Tcp(header) => header,
            Segment::Udp => None,
        }
    }

    /// The captured payload.
    pub(super) fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let from = self.payload_at as usize;
        bytes.get(from..from + self.captured_bytes as usize).unwrap_or_default()
    }
}

/// A packet that carried what was found.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) packet: KeyedPacket,
    pub(super) tunnel: Tunnel,
    pub(super) fragment: Option<Fragment>,
}

/// What few frames have.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// Packets that carried what was found.
    pub(super) carriers: Vec<Carried>,
    /// Set on the first fragment of a datagram.
    pub(super) fragment: Option<Fragment>,
    pub(super) later: Option<LaterFragment>,
    pub(super) icmp: Option<IcmpError>,
    pub(super) stop: Option<Stop>,
    pub(super) process: Option<(u32, Box<[u8]>)>,
}

impl Prepared {
    /// Forgets all frames, and keeps the room that they took.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.extras.clear();
    }

    pub(super) fn extra(&self, frame: &PreparedFrame) -> Option<&Extra> {
        self.extras.get(frame.extra as usize)
    }
}

/// Prepares frames for one meter.
#[derive(Debug)]
pub struct Preparer {
    decoder: Decoder,
    hasher: KeyHasher,
}

impl Preparer {
    pub(super) fn new(settings: &MeterSettings, hasher: KeyHasher) -> Self {
        Self { decoder: Decoder::new(settings.decode), hasher }
    }

    /// Adds a frame whose bytes stand at `at` in the bytes of the batch.
    #[inline]
    pub fn prepare(&mut self, frame: &Frame<'_>, at: usize, batch: &mut Prepared) {
        let decoded = self.decoder.decode(frame);
        let arrival = Arrival::of(frame, decoded.heading);
        let tap = frame.position.capture.0.rotate_left(16) ^ frame.interface;
        let seen = Sighting { time_ns: frame.timed.then_some(frame.time_ns), tap };
        let packet = match &decoded.content {
            Content::Packet(packet) => Some(self.keyed(packet, frame.data, at)),
            _ => None,
        };
        let fragment = if let Content::Packet(packet) = &decoded.content { packet.fragment } else { None };
        let plain = fragment.is_none() && decoded.stop.is_none() && decoded.process.is_none();
        let mut extra = NO_EXTRA;
        if !plain || packet.is_none() || !self.decoder.carriers().is_empty() {
            let (later, icmp) = match decoded.content {
                Content::LaterFragment(later) => (Some(later), None),
                Content::IcmpError(error) => (None, Some(error)),
                Content::Packet(_) | Content::Nothing => (None, None),
            };
            let process = decoded.process.map(|Process { id, name }| (id, name.into()));
            let carried = |(packet, tunnel): &Carrier| Carried {
                packet: self.keyed(packet, &[], 0),
                tunnel: *tunnel,
                fragment: packet.fragment,
            };
            let carriers = self.decoder.carriers().iter().map(carried).collect();
            extra = batch.extras.len() as u32;
            batch.extras.push(Extra { carriers, fragment, later, icmp, stop: decoded.stop, process });
        }
        batch.frames.push(PreparedFrame { at: arrival, seen, fate: decoded.fate, packet, extra });
    }

    #[inline]
    fn keyed(&self, packet: &Packet<'_>, frame: &[u8], at: usize) -> KeyedPacket {
        let depth = packet.encapsulation.depth;
        let (key, side) = PackedKey::new(packet.segment.transport(), packet.source, packet.destination, depth);
        let Range { start, end } = place(packet.payload, frame);
        KeyedPacket {
            key,
            hash: self.hasher.hash(key),
            side,
            // A copy may come by another way: inside a tunnel and outside.
            identity: Identity::of(packet, key.outside(), side == Side::A),
            segment: packet.segment,
            ip_bytes: packet.ip_bytes,
            payload_bytes: packet.payload_bytes,
            payload_at: (at + start) as u32,
            captured_bytes: (end - start) as u32,
            is_snapped: count::is_snapped(packet),
            encapsulation: packet.encapsulation,
        }
    }
}

/// Where a part of a frame stands in it.
fn place(part: &[u8], frame: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().wrapping_sub(frame.as_ptr().addr());
    if start <= frame.len() && part.len() <= frame.len() - start { start..start + part.len() } else { 0..0 }
}
