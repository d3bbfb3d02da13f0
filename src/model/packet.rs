//! What decoding makes of a frame, and why it may have ended early.

use super::encapsulation::Encapsulation;
use super::flow::{Endpoint, Transport};
use super::frame::{Heading, Process};
use super::tally::Fate;
use std::net::IpAddr;

/// TCP flag bits of byte 13 of the header (RFC 9293 section 3.1).
pub mod flags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push function.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement field is significant.
    pub const ACK: u8 = 0x10;
}

/// The fields of a TCP header that metering needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpHeader {
    /// Sequence number of the first payload byte (or of the SYN).
    pub sequence: u32,
    /// Next sequence number that the sender expects; means something only with the flag ACK.
    pub acknowledgment: u32,
    /// Flags, lower 8 bits; see [`flags`].
    pub flags: u8,
}

/// Transport part of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// TCP. `None` where the capture cut the header off behind the ports: they are known, flags are not.
    Tcp(Option<TcpHeader>),
    /// UDP.
    Udp,
}

impl Segment {
    /// Which transport.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Tcp,
            Self::Udp => Transport::Udp,
        }
    }
}

/// What fragments of one datagram have in common (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FragmentKey {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// IP protocol of the datagram.
    pub protocol: u8,
    /// Identification field.
    pub identification: u32,
}

/// One of the fragments of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Which datagram.
    pub key: FragmentKey,
    /// Where its data stands in the datagram's, in bytes. 0 in the first one.
    pub offset_bytes: u32,
    /// Data in this fragment by the headers, in bytes.
    pub data_bytes: u32,
}

/// A TCP segment or UDP datagram with its endpoints.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Sender.
    pub source: Endpoint,
    /// Receiver.
    pub destination: Endpoint,
    /// Transport header.
    pub segment: Segment,
    /// IP length, header included, in bytes.
    pub ip_bytes: u32,
    /// Transport payload length by the headers, whether captured or not, in bytes.
    pub payload_bytes: u32,
    /// The captured part of the payload.
    pub payload: &'a [u8],
    /// What is wrapped around it: VLAN tags, tunnels, IP headers.
    pub encapsulation: Encapsulation,
    /// Identification of IPv4, or of an IPv6 fragment; 0 where there is none.
    pub identification: u32,
    /// Set on the first fragment of a datagram: later ones carry no ports and are attached by it.
    pub fragment: Option<Fragment>,
}

/// What an ICMP error says about the packet that it quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IcmpKind {
    /// Nobody listens on that port, or a firewall rejects so (ICMP 3/3, ICMPv6 1/4).
    PortUnreachable,
    /// A filter says no (ICMP 3/9, 3/10, 3/13; ICMPv6 1/1, 1/5, 1/6).
    Prohibited,
    /// Host or network unreachable, time exceeded, parameter problem.
    Other,
}

/// An ICMP error and the flow that it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IcmpError {
    /// What it says.
    pub kind: IcmpKind,
    /// ICMP type field.
    pub icmp_type: u8,
    /// ICMP code field.
    pub code: u8,
    /// Transport of the quoted packet.
    pub transport: Transport,
    /// Sender of the quoted packet.
    pub source: Endpoint,
    /// Receiver of the quoted packet.
    pub destination: Endpoint,
    /// IP headers around the error's own, and so around those of its flow.
    pub depth: u8,
}

/// Header layers, outside in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// Link header, VLAN tags included.
    Link,
    /// IPv4 or IPv6 with its extension headers.
    Network,
    /// TCP, UDP or ICMP.
    Transport,
}

impl Layer {
    /// Lower-case name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Network => "network",
            Self::Transport => "transport",
        }
    }
}

/// Why decoding ended before the transport payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// In which layer.
    pub layer: Layer,
    /// What was being read, e.g. "IPv4 header".
    pub reading: &'static str,
    /// Byte offset within the frame.
    pub offset: usize,
    /// Bytes that it needs.
    pub needed: usize,
    /// Bytes that are there.
    pub available: usize,
    /// True where the recording cut the frame (snap length), false where the headers contradict themselves.
    pub snapped: bool,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reading, offset, needed, available, .. } = self;
        let cause = if self.snapped { "the recording cut the frame off" } else { "the frame is malformed" };
        write!(f, "{reading} at frame byte {offset} needs {needed} bytes, {available} are there: {cause}")
    }
}

/// A fragment without ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaterFragment {
    /// Which part of which datagram.
    pub fragment: Fragment,
    /// IP length, header included, in bytes.
    pub ip_bytes: u32,
    /// What is wrapped around it.
    pub encapsulation: Encapsulation,
}

/// What a frame holds that metering can use.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// A TCP segment or UDP datagram, whole or first fragment.
    Packet(Packet<'a>),
    /// A later fragment: belongs to the flow of its first one.
    LaterFragment(LaterFragment),
    /// An ICMP error about a TCP or UDP flow.
    IcmpError(IcmpError),
    /// Nothing to meter.
    Nothing,
}

/// The outcome of decoding one frame.
#[derive(Debug, Clone, Copy)]
pub struct Decoded<'a> {
    /// What became of the frame. Fragments may change it later, from orphan to attached.
    pub fate: Fate,
    /// What it holds: the innermost conversation.
    pub content: Content<'a>,
    /// Why decoding ended early, if it did.
    pub stop: Option<Stop>,
    /// Which way it went, where the record or the link header says so.
    pub heading: Option<Heading>,
    /// Whose packet it is, where the record or the link header says so.
    pub process: Option<Process<'a>>,
}
