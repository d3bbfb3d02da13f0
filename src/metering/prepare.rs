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
    encapsulations: Vec<Encapsulation>,
}

/// One of them. Millions a second are written and read again: what few frames have lies elsewhere.
#[derive(Debug)]
pub(super) struct PreparedFrame {
    pub(super) at: Arrival,
    pub(super) packet: Option<KeyedPacket>,
    pub(super) fate: Fate,
    /// Whether the recorder wrote a time.
    timed: bool,
    /// A number for each capture and interface.
    tap: u32,
    /// Its number among the extras; [`NOWHERE`] for nearly all.
    extra: u32,
}

/// What nearly all frames have in place of a number.
const NOWHERE: u32 = u32::MAX;

impl PreparedFrame {
    pub(super) fn seen(&self) -> Sighting {
        Sighting { time_ns: self.timed.then_some(self.at.time_ns), tap: self.tap }
    }
}

/// Frames together with the bytes in which they stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) bytes: &'a [u8],
}

impl<'a> Batch<'a> {
    pub(super) fn extra(self, frame: &PreparedFrame) -> Option<&'a Extra> {
        self.prepared.extras.get(frame.extra as usize)
    }

    /// What is wrapped around a packet.
    pub(super) fn around(self, packet: &KeyedPacket) -> Encapsulation {
        let more = self.prepared.encapsulations.get(packet.encapsulation as usize);
        more.copied().unwrap_or_else(|| Encapsulation::tagged(packet.vlan, packet.key.depth()))
    }

    /// The captured payload of a packet.
    pub(super) fn payload(self, packet: &KeyedPacket) -> &'a [u8] {
        let from = packet.payload_at as usize;
        self.bytes.get(from..from + packet.captured_bytes as usize).unwrap_or_default()
    }
}

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
    vlan: Option<u16>,
    /// The number of what is wrapped around it beyond a VLAN tag; [`NOWHERE`] for nearly all.
    encapsulation: u32,
}

impl KeyedPacket {
    pub(super) fn tcp(&self) -> Option<TcpHeader> {
        match self.segment {
            Segment::Tcp(header) => header,
            Segment::Udp => None,
        }
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
        self.encapsulations.clear();
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
        let around = &mut batch.encapsulations;
        let packet = match &decoded.content {
            Content::Packet(packet) => Some(keyed(&self.hasher, packet, place(packet.payload, frame.data, at), around)),
            _ => None,
        };
        let fragment = if let Content::Packet(packet) = &decoded.content { packet.fragment } else { None };
        let plain = fragment.is_none() && decoded.stop.is_none() && decoded.process.is_none();
        let mut extra = NOWHERE;
        if !plain || packet.is_none() || !self.decoder.carriers().is_empty() {
            let (later, icmp) = match decoded.content {
                Content::LaterFragment(later) => (Some(later), None),
                Content::IcmpError(error) => (None, Some(error)),
                Content::Packet(_) | Content::Nothing => (None, None),
            };
            let process = decoded.process.map(|Process { id, name }| (id, name.into()));
            let carried = |(packet, tunnel): &Carrier| Carried {
                packet: keyed(&self.hasher, packet, 0..0, around),
                tunnel: *tunnel,
                fragment: packet.fragment,
            };
            let carriers = self.decoder.carriers().iter().map(carried).collect();
            extra = batch.extras.len() as u32;
            batch.extras.push(Extra { carriers, fragment, later, icmp, stop: decoded.stop, process });
        }
        batch.frames.push(PreparedFrame { at: arrival, packet, fate: decoded.fate, timed: frame.timed, tap, extra });
    }
}

/// A packet whose payload stands at `payload`; what is wrapped around it goes to `encapsulations` where it is more than a tag.
#[inline]
fn keyed(
    hasher: &KeyHasher,
    packet: &Packet<'_>,
    payload: Range<usize>,
    encapsulations: &mut Vec<Encapsulation>,
) -> KeyedPacket {
    let Encapsulation { vlan, depth, .. } = packet.encapsulation;
    let (key, side) = PackedKey::new(packet.segment.transport(), packet.source, packet.destination, depth);
    let mut encapsulation = NOWHERE;
    if packet.encapsulation != Encapsulation::tagged(vlan, depth) {
        encapsulation = encapsulations.len() as u32;
        encapsulations.push(packet.encapsulation);
    }
    KeyedPacket {
        key,
        hash: hasher.hash(key),
        side,
        // A copy may come by another way: inside a tunnel and outside.
        identity: Identity::of(packet, key.outside(), side == Side::A),
        segment: packet.segment,
        ip_bytes: packet.ip_bytes,
        payload_bytes: packet.payload_bytes,
        payload_at: payload.start as u32,
        captured_bytes: payload.len() as u32,
        is_snapped: count::is_snapped(packet),
        vlan,
        encapsulation,
    }
}

/// Where a part of a frame stands in the bytes of a batch, of a frame that stands there at `at`.
fn place(part: &[u8], frame: &[u8], at: usize) -> Range<usize> {
    let start = part.as_ptr().addr().wrapping_sub(frame.as_ptr().addr());
    if start <= frame.len() && part.len() <= frame.len() - start { at + start..at + start + part.len() } else { 0..0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_takes_no_more_than_three_cache_lines() {
        assert!(size_of::<PreparedFrame>() <= 192, "{} bytes", size_of::<PreparedFrame>());
    }
}
