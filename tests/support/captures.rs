//! Captures for tests: a small reader of pcap and pcapng, a writer of classic pcap, and a few frames.

use std::net::Ipv4Addr;

/// One packet of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) time_ns: u64,
    pub(crate) wire_bytes: u32,
    pub(crate) data: Vec<u8>,
    /// Where its record begins in the file, and how long the record is.
    pub(crate) offset: usize,
    pub(crate) record_bytes: usize,
}

/// A capture read whole.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) link_type: u32,
    pub(crate) packets: Vec<Packet>,
    /// Length of what stands before the first packet record.
    pub(crate) header_bytes: usize,
    /// pcapng: what the last interface statistics block says was dropped by the system (option 7).
    pub(crate) dropped: Option<u64>,
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Reads a little-endian pcap or pcapng file with one interface; anything else fails.
pub(crate) fn read(bytes: &[u8]) -> Capture {
    match u32_at(bytes, 0) {
        0x0a0d_0d0a => read_pcapng(bytes),
        0xa1b2_c3d4 => read_pcap(bytes, 1_000),
        0xa1b2_3c4d => read_pcap(bytes, 1),
        magic => panic!("magic {magic:08x}"),
    }
}

fn read_pcap(bytes: &[u8], ns_per_tick: u64) -> Capture {
    let mut packets = Vec::new();
    let mut at = 24;
    while at < bytes.len() {
        let (seconds, ticks) = (u32_at(bytes, at), u32_at(bytes, at + 4));
        let length = u32_at(bytes, at + 8) as usize;
        packets.push(Packet {
            time_ns: u64::from(seconds) * 1_000_000_000 + u64::from(ticks) * ns_per_tick,
            wire_bytes: u32_at(bytes, at + 12),
            data: bytes[at + 16..at + 16 + length].to_vec(),
            offset: at,
            record_bytes: 16 + length,
        });
        at += 16 + length;
    }
    Capture { link_type: u32_at(bytes, 20) & 0xffff, packets, header_bytes: 24, dropped: None }
}

fn read_pcapng(bytes: &[u8]) -> Capture {
    assert_eq!(u32_at(bytes, 8), 0x1a2b_3c4d, "little-endian");
    let mut capture = Capture { link_type: 0, packets: Vec::new(), header_bytes: 0, dropped: None };
    let mut ticks_per_second = 1_000_000_u64;
    let mut at = 0;
    while at < bytes.len() {
        let (kind, length) = (u32_at(bytes, at), u32_at(bytes, at + 4) as usize);
        let block = &bytes[at..at + length];
        assert_eq!(u32_at(block, length - 4) as usize, length, "both lengths of the block at {at} agree");
        match kind {
            1 => {
                assert_eq!(capture.header_bytes, 0, "one interface");
                capture.link_type = u32_at(block, 8) & 0xffff;
                if let Some(resolution) = option(&block[16..length - 4], 9) {
                    assert!(resolution[0] < 0x80, "a power of ten");
                    ticks_per_second = 10_u64.pow(resolution[0].into());
                }
                capture.header_bytes = at + length;
            }
            6 => {
                let ticks = (u64::from(u32_at(block, 12)) << 32) | u64::from(u32_at(block, 16));
                let captured = u32_at(block, 20) as usize;
                capture.packets.push(Packet {
                    time_ns: (u128::from(ticks) * 1_000_000_000 / u128::from(ticks_per_second)) as u64,
                    wire_bytes: u32_at(block, 24),
                    data: block[28..28 + captured].to_vec(),
                    offset: at,
                    record_bytes: length,
                });
            }
            5 => {
                let dropped = option(&block[20..length - 4], 7);
                capture.dropped = dropped.map(|value| u64::from_le_bytes(value.try_into().unwrap()));
            }
            _ => {}
        }
        at += length;
    }
    capture
}

fn option(mut options: &[u8], wanted: u16) -> Option<&[u8]> {
    while options.len() >= 4 {
        let code = u16::from_le_bytes([options[0], options[1]]);
        let length = usize::from(u16::from_le_bytes([options[2], options[3]]));
        if code == wanted {
            return Some(&options[4..4 + length]);
        }
        options = options.get(4 + length.next_multiple_of(4)..)?;
    }
    None
}

/// Resolution of the time stamps of a classic pcap file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolution {
    Micro,
    Nano,
}

/// Byte order of the headers of a classic pcap file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

/// Writes a classic pcap file.
pub(crate) fn pcap(link_type: u32, packets: &[Packet], resolution: Resolution, order: Order) -> Vec<u8> {
    let word = |n: u32| if order == Order::Little { n.to_le_bytes() } else { n.to_be_bytes() };
    let half = |n: u16| if order == Order::Little { n.to_le_bytes() } else { n.to_be_bytes() };
    let (magic, ns_per_tick) = match resolution {
        Resolution::Micro => (0xa1b2_c3d4, 1_000),
        Resolution::Nano => (0xa1b2_3c4d, 1),
    };
    let mut out = Vec::new();
    out.extend(word(magic));
    out.extend([half(2), half(4)].concat());
    for field in [0, 0, 262_144, link_type] {
        out.extend(word(field));
    }
    for packet in packets {
        let ticks = packet.time_ns % 1_000_000_000 / ns_per_tick;
        for field in
            [(packet.time_ns / 1_000_000_000) as u32, ticks as u32, packet.data.len() as u32, packet.wire_bytes]
        {
            out.extend(word(field));
        }
        out.extend(&packet.data);
    }
    out
}

/// A little-endian nanosecond pcap file of Ethernet frames with their times.
pub(crate) fn ethernet(frames: impl IntoIterator<Item = (u64, Vec<u8>)>) -> Vec<u8> {
    let packet = |(time_ns, data): (u64, Vec<u8>)| Packet {
        time_ns,
        wire_bytes: data.len() as u32,
        data,
        offset: 0,
        record_bytes: 0,
    };
    pcap(1, &frames.into_iter().map(packet).collect::<Vec<_>>(), Resolution::Nano, Order::Little)
}

/// An address and a port.
pub(crate) type Socket = ([u8; 4], u16);

fn ipv4(protocol: u8, from: [u8; 4], to: [u8; 4], identification: u16, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend([0x45, 0]);
    frame.extend((20 + payload.len() as u16).to_be_bytes());
    frame.extend(identification.to_be_bytes());
    frame.extend(fragment.to_be_bytes());
    frame.extend([64, protocol, 0, 0]);
    frame.extend(Ipv4Addr::from(from).octets());
    frame.extend(Ipv4Addr::from(to).octets());
    frame.extend(payload);
    frame
}

/// An Ethernet frame with a TCP segment (flags as on the wire: 2 SYN, 16 ACK, 4 RST, 1 FIN).
pub(crate) fn tcp(from: Socket, to: Socket, seq: u32, ack: u32, flags: u8) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(from.1.to_be_bytes());
    segment.extend(to.1.to_be_bytes());
    segment.extend(seq.to_be_bytes());
    segment.extend(ack.to_be_bytes());
    segment.extend([0x50, flags, 4, 0, 0, 0, 0, 0]);
    ipv4(6, from.0, to.0, 1, 0, &segment)
}

fn datagram(from: Socket, to: Socket, length: usize, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(from.1.to_be_bytes());
    datagram.extend(to.1.to_be_bytes());
    datagram.extend((8 + length as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

/// An Ethernet frame with a UDP datagram.
pub(crate) fn udp(from: Socket, to: Socket, payload: &[u8]) -> Vec<u8> {
    ipv4(17, from.0, to.0, 1, 0, &datagram(from, to, payload.len(), payload))
}

/// Two Ethernet frames with the two fragments of a UDP datagram of 32 bytes.
pub(crate) fn udp_in_fragments(from: Socket, to: Socket, identification: u16) -> [Vec<u8>; 2] {
    let first = datagram(from, to, 32, &[7; 16]);
    [ipv4(17, from.0, to.0, identification, 0x2000, &first), ipv4(17, from.0, to.0, identification, 3, &[7; 16])]
}
