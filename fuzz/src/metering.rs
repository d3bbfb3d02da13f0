//! Conversations of a few endpoints, written by the bytes of the input: any order of flags, times, fragments, errors.

use crate::accounting::Watched;
use portproof::decode::DecodeSettings;
use portproof::metering::{MeterSettings, StreamSettings};
use portproof::model::{CaptureIndex, Frame, Heading, LinkType, Position, Process};

/// Bytes of the settings at the start of an input.
const SETTINGS_BYTES: usize = 6;
/// Bytes of one step.
const STEP_BYTES: usize = 8;
/// Ports that the endpoints choose from.
const PORTS: [u16; 4] = [0, 135, 49_152, 65_535];
/// What a step adds to the time, in ns: from nothing to centuries, both ways.
const STEPS_NS: [i64; 16] = [
    0,
    1,
    1_000_000,
    199_999_999,
    200_000_000,
    1_000_000_000,
    61_000_000_000,
    301_000_000_000,
    601_000_000_000,
    86_400_000_000_000,
    -1,
    -1_000_000_000,
    -3_600_000_000_000,
    -86_400_000_000_000,
    i64::MAX / 2,
    i64::MIN / 2,
];

/// The target.
pub fn metering(data: &[u8]) {
    let Some((settings, steps)) = data.split_first_chunk::<SETTINGS_BYTES>() else { return };
    let mut watched = Watched::new(self::settings(*settings));
    let mut time_ns = 1_700_000_000_000_000_000_i64;
    let mut frames = [0_u64; 3];
    for step in steps.as_chunks::<STEP_BYTES>().0 {
        time_ns = time_ns.saturating_add(STEPS_NS[usize::from(step[7] & 15)]);
        let capture = usize::from(step[7] >> 4) % frames.len();
        frames[capture] += 1;
        let position = Position { capture: CaptureIndex(capture as u32), frame: frames[capture], offset: 0 };
        let packet = packet(step);
        let mut frame = Frame::whole(position, time_ns, LinkType::RAW, &packet);
        frame.interface = u32::from(step[6] >> 5 & 1);
        if step[0] & 0x20 != 0 {
            frame.heading = Some(if step[5] & 1 == 0 { Heading::Inbound } else { Heading::Outbound });
            frame.process = Some(Process { id: u32::from(step[5]), name: b"process" });
        }
        if step[6] & 0x80 != 0 {
            // What a snap length leaves.
            frame.data = &packet[..packet.len().min(usize::from(step[6] & 0x7f))];
        }
        watched.frame(&frame);
    }
    watched.finish();
}

/// Small caches and short timeouts, so that every limit is met.
fn settings([max_flows, udp, tcp, transitory, active, active_unit]: [u8; SETTINGS_BYTES]) -> MeterSettings {
    let seconds = |n: u8| i64::from(n) * i64::from(n) * 1_000_000_000;
    MeterSettings {
        max_flows: usize::from(max_flows),
        udp_idle_ns: seconds(udp),
        tcp_idle_ns: seconds(tcp),
        tcp_transitory_ns: seconds(transitory),
        active_ns: (active > 0).then(|| i64::from(active) * i64::from(active_unit) * 10_000_000),
        leave_out_copies: active_unit & 1 != 0,
        decode: DecodeSettings { verify_checksums: udp & transitory & 0x80 != 0 },
        streams: StreamSettings { enabled: tcp & 1 == 0, max_streams: 3, pool_bytes: 4096 },
    }
}

/// One IP packet: kind and version, endpoints, flags, sequence number, length, identification.
fn packet(step: &[u8; STEP_BYTES]) -> Vec<u8> {
    let inner = plain(step);
    // In a tunnel over IP, or over UDP, of which one port is that of a tunnel.
    match step[0] >> 3 & 3 {
        1 => ipv4(4, 8, 9, step[5], None, &inner),
        2 => ipv4(17, 8, 9, step[5], None, &udp(40_000, 2152, &gtp(&inner))),
        _ => inner,
    }
}

fn gtp(packet: &[u8]) -> Vec<u8> {
    [&[0x30, 0xff, 0, 0, 0, 0, 0, 7][..], packet].concat()
}

fn plain(&[kind, ends, flags, sequence, length, identification, ..]: &[u8; STEP_BYTES]) -> Vec<u8> {
    let from = (1 + (ends & 3), PORTS[usize::from(ends >> 2 & 3)]);
    let to = (1 + (ends >> 4 & 3), PORTS[usize::from(ends >> 6)]);
    let v6 = kind & 0x80 != 0;
    let payload = vec![0; usize::from(length)];
    let ip = |protocol, from, to, fragment, payload: &[u8]| {
        if v6 {
            ipv6(protocol, from, to, identification, fragment, payload)
        } else {
            ipv4(protocol, from, to, identification, fragment, payload)
        }
    };
    match kind & 7 {
        0..=2 => ip(6, from.0, to.0, None, &tcp(from.1, to.1, sequence, flags, &payload)),
        3 => ip(17, from.0, to.0, None, &udp(from.1, to.1, &payload)),
        4 if flags & 1 == 0 => ip(17, from.0, to.0, Some((0, true)), &udp(from.1, to.1, &payload)),
        4 => ip(6, from.0, to.0, Some((0, true)), &tcp(from.1, to.1, sequence, flags, &payload)),
        5 => ip(if flags & 1 == 0 { 17 } else { 6 }, from.0, to.0, Some((u16::from(sequence), false)), &payload),
        6 => {
            // An error about a packet that went the other way.
            let quoted = ip(if flags & 1 == 0 { 17 } else { 6 }, to.0, from.0, None, &udp(to.1, from.1, &[]));
            let (protocol, icmp_type) = if v6 { (58, 1 + sequence % 4) } else { (1, 3 + sequence % 10) };
            ip(protocol, from.0, to.0, None, &[&[icmp_type, flags % 16, 0, 0, 0, 0, 0, 0][..], &quoted].concat())
        }
        _ => payload,
    }
}

fn tcp(from: u16, to: u16, sequence: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    // Sequence numbers on both sides of the wrap.
    let sequence = u32::from(sequence).wrapping_sub(128);
    let mut segment = [from.to_be_bytes(), to.to_be_bytes()].concat();
    segment.extend(sequence.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0x50, flags, 4, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = [from, to, 8 + payload.len() as u16, 0].map(u16::to_be_bytes).concat();
    datagram.extend(payload);
    datagram
}

/// `fragment`: offset in units of 8 bytes, and whether more follow.
fn ipv4(protocol: u8, from: u8, to: u8, id: u8, fragment: Option<(u16, bool)>, payload: &[u8]) -> Vec<u8> {
    let offset = fragment.map_or(0, |(offset, more)| offset & 0x1fff | u16::from(more) << 13);
    let mut packet = vec![0x45, 0];
    packet.extend((20 + payload.len() as u16).to_be_bytes());
    packet.extend(u16::from(id).to_be_bytes());
    packet.extend(offset.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
    packet.extend(payload);
    packet
}

fn ipv6(protocol: u8, from: u8, to: u8, id: u8, fragment: Option<(u16, bool)>, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some((offset, more)) = fragment {
        body.extend([protocol, 0]);
        body.extend((offset << 3 | u16::from(more)).to_be_bytes());
        body.extend(u32::from(id).to_be_bytes());
    }
    body.extend(payload);
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((body.len() as u16).to_be_bytes());
    packet.extend([if fragment.is_some() { 44 } else { protocol }, 64]);
    for end in [from, to] {
        packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, end]);
    }
    packet.extend(body);
    packet
}
