//! Frames: Ethernet, IPv4, TCP, UDP, ICMP and ARP, with correct lengths and checksums.

use super::cast::{Host, Stack};
use etherparse::err::packet::BuildVecWriteError;
use etherparse::icmpv4::DestUnreachableHeader;
use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, Ethernet2Header, IcmpEchoHeader, Icmpv4Type, IpHeaders,
    Ipv4Extensions, Ipv4Header, PacketBuilder, PacketBuilderStep, TcpHeader, TcpOptionElement,
};

/// Frames on a wire are at least this long, without the frame check sequence (IEEE 802.3).
const MINIMUM_FRAME: usize = 60;

/// A frame, or why it could not be built.
pub(crate) type Built = Result<Vec<u8>, BuildVecWriteError>;

/// TCP control bits beside ACK.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag {
    /// None of them.
    Plain,
    /// Synchronise.
    Syn,
    /// Push: the end of a message.
    Push,
    /// Finish.
    Fin,
    /// Reset.
    Reset,
}

/// What a segment says beside its addresses.
pub(crate) struct Segment<'a> {
    /// Source port.
    pub(crate) source_port: u16,
    /// Destination port.
    pub(crate) destination_port: u16,
    /// Sequence number.
    pub(crate) seq: u32,
    /// Acknowledgment number, absent in the first SYN.
    pub(crate) ack: Option<u32>,
    /// Control bit.
    pub(crate) flag: Flag,
    /// Payload.
    pub(crate) payload: &'a [u8],
}

/// A TCP segment.
pub(crate) fn tcp(from: &Host, to: &Host, id: u16, segment: &Segment<'_>) -> Built {
    let flag = segment.flag;
    let window = if flag == Flag::Reset { 0 } else { window(from.stack, flag) };
    let mut header = TcpHeader::new(segment.source_port, segment.destination_port, segment.seq, window);
    header.acknowledgment_number = segment.ack.unwrap_or(0);
    header.ack = segment.ack.is_some();
    header.syn = flag == Flag::Syn;
    header.psh = flag == Flag::Push;
    header.fin = flag == Flag::Fin;
    header.rst = flag == Flag::Reset;
    if header.syn {
        // At most 12 of the 40 bytes that a header has for options.
        let _ = header.set_options(options(from.stack));
    }
    let mut frame = Vec::with_capacity(MINIMUM_FRAME + segment.payload.len());
    ip(from, to, id).tcp_header(header).write_to_vec(&mut frame, segment.payload)?;
    Ok(padded(frame))
}

/// A UDP datagram.
pub(crate) fn udp(from: (&Host, u16), to: (&Host, u16), id: u16, payload: &[u8]) -> Built {
    let mut frame = Vec::with_capacity(MINIMUM_FRAME + payload.len());
    ip(from.0, to.0, id).udp(from.1, to.1).write_to_vec(&mut frame, payload)?;
    Ok(padded(frame))
}

/// ICMP destination unreachable (RFC 792), quoting IP header and first 8 bytes of the frame that caused it.
pub(crate) fn unreachable(from: &Host, to: &Host, id: u16, reason: DestUnreachableHeader, cause: &[u8]) -> Built {
    let quote = cause.get(14..42).unwrap_or_default();
    icmp(from, to, id, Icmpv4Type::DestinationUnreachable(reason), quote)
}

/// ICMP echo request, 32 bytes as Windows sends them.
pub(crate) fn echo_request(from: &Host, to: &Host, id: u16, header: IcmpEchoHeader) -> Built {
    icmp(from, to, id, Icmpv4Type::EchoRequest(header), b"abcdefghijklmnopqrstuvwabcdefghi")
}

/// The answer to [`echo_request`].
pub(crate) fn echo_reply(from: &Host, to: &Host, id: u16, header: IcmpEchoHeader) -> Built {
    icmp(from, to, id, Icmpv4Type::EchoReply(header), b"abcdefghijklmnopqrstuvwabcdefghi")
}

/// ARP request, to everybody (RFC 826).
pub(crate) fn arp_request(from: &Host, to: &Host) -> Built {
    arp(from, to, ArpOperation::REQUEST, [0xff; 6], [0; 6])
}

/// ARP reply, to the one who asked.
pub(crate) fn arp_reply(from: &Host, to: &Host) -> Built {
    arp(from, to, ArpOperation::REPLY, to.mac, to.mac)
}

fn arp(from: &Host, to: &Host, operation: ArpOperation, destination: [u8; 6], target: [u8; 6]) -> Built {
    let mut frame = Vec::with_capacity(MINIMUM_FRAME);
    let (sender_ip, target_ip) = (from.ip.octets(), to.ip.octets());
    let addresses = (&from.mac, &sender_ip, &target, &target_ip);
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        operation,
        addresses.0,
        addresses.1,
        addresses.2,
        addresses.3,
    );
    let packet = packet.map_err(|_| BuildVecWriteError::ArpHeaderNotMatch)?;
    PacketBuilder::ethernet2(from.mac, destination).arp(packet).write_to_vec(&mut frame)?;
    Ok(padded(frame))
}

fn icmp(from: &Host, to: &Host, id: u16, kind: Icmpv4Type, payload: &[u8]) -> Built {
    let mut frame = Vec::with_capacity(MINIMUM_FRAME + payload.len());
    ip(from, to, id).icmpv4(kind).write_to_vec(&mut frame, payload)?;
    Ok(padded(frame))
}

fn ip(from: &Host, to: &Host, id: u16) -> PacketBuilderStep<IpHeaders> {
    let header = Ipv4Header {
        identification: id,
        dont_fragment: true,
        time_to_live: from.stack.time_to_live(),
        source: from.ip.octets(),
        destination: to.ip.octets(),
        ..Ipv4Header::default()
    };
    let link: PacketBuilderStep<Ethernet2Header> = PacketBuilder::ethernet2(from.mac, to.mac);
    link.ip(IpHeaders::Ipv4(header, Ipv4Extensions::default()))
}

/// The window field: scaled by 256 after the handshake where the stack scales.
fn window(stack: Stack, flag: Flag) -> u16 {
    match (stack, flag) {
        (Stack::Windows, Flag::Syn) => 64_240,
        (Stack::Windows, _) => 8_212,
        (Stack::Linux, Flag::Syn) => 64_240,
        (Stack::Linux, _) => 502,
        (Stack::Controller, _) => 8_192,
    }
}

fn options(stack: Stack) -> &'static [TcpOptionElement] {
    use TcpOptionElement::{MaximumSegmentSize, Noop, SelectiveAcknowledgementPermitted, WindowScale};
    match stack {
        Stack::Windows | Stack::Linux => {
            &[MaximumSegmentSize(1460), Noop, WindowScale(8), Noop, Noop, SelectiveAcknowledgementPermitted]
        }
        Stack::Controller => &[MaximumSegmentSize(1460)],
    }
}

fn padded(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(frame.len().max(MINIMUM_FRAME), 0);
    frame
}
