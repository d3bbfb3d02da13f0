//! Flows: a bidirectional conversation (biflow, RFC 5103) between two transport endpoints.
//!
//! The key is canonical (side a sorts before side b) and apart from orientation: a flow record holds *evidence* of who
//! initiated, and never the verdict.

use super::application::Recognised;
use super::encapsulation::{Encapsulation, Tunnel};
use super::frame::CaptureIndex;
use std::net::{IpAddr, Ipv4Addr};

/// Transport protocol of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Transmission Control Protocol (RFC 9293), IP protocol 6.
    Tcp,
    /// User Datagram Protocol (RFC 768), IP protocol 17.
    Udp,
}

impl Transport {
    /// IP protocol number (IPFIX protocolIdentifier).
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }

    /// Lower-case name, as it is printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl std::fmt::Display for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Transport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            other => Err(format!("\"{other}\" is not a transport protocol: use tcp or udp")),
        }
    }
}

/// An address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// IPv4 or IPv6 address.
    pub ip: IpAddr,
    /// TCP or UDP port.
    pub port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::net::SocketAddr::new(self.ip, self.port).fmt(f)
    }
}

/// One of the two canonical sides of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The endpoint that sorts first by address, then port.
    A,
    /// The other one.
    B,
}

impl Side {
    /// The opposite side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// `a` or `b`, as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

/// What makes packets belong to the same flow: transport and the two endpoints, in canonical order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// Transport protocol.
    pub transport: Transport,
    /// The endpoint that sorts first.
    pub a: Endpoint,
    /// The endpoint that sorts last.
    pub b: Endpoint,
}

impl FlowKey {
    /// Orders the two endpoints; tells which side the source is. Equal endpoints (a host talking to itself on one port)
    /// count the source as side a.
    #[must_use]
    #[inline]
    pub fn new(transport: Transport, source: Endpoint, destination: Endpoint) -> (Self, Side) {
        let source_first = match (source.ip, destination.ip) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                return Self::v4(transport, (from, source.port), (to, destination.port));
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => (from.to_bits(), source.port) <= (to.to_bits(), destination.port),
            (from, to) => from < to,
        };
        match source_first {
            true => (Self { transport, a: source, b: destination }, Side::A),
            false => (Self { transport, a: destination, b: source }, Side::B),
        }
    }

    /// As above, without a branch: which of two ends sorts first cannot be foreseen.
    #[inline]
    fn v4(transport: Transport, source: (Ipv4Addr, u16), destination: (Ipv4Addr, u16)) -> (Self, Side) {
        let word = |(ip, port): (Ipv4Addr, u16)| u64::from(ip.to_bits()) << 16 | u64::from(port);
        let end = |word: u64| Endpoint { ip: Ipv4Addr::from_bits((word >> 16) as u32).into(), port: word as u16 };
        let (source, destination) = (word(source), word(destination));
        let side = if source <= destination { Side::A } else { Side::B };
        (Self { transport, a: end(source.min(destination)), b: end(source.max(destination)) }, side)
    }

    /// The endpoint on one side.
    #[must_use]
    pub fn endpoint(&self, side: Side) -> Endpoint {
        match side {
            Side::A => self.a,
            Side::B => self.b,
        }
    }
}

/// What was seen from one side of a flow towards the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DirectionFacts {
    /// Packets (IPFIX packetDeltaCount).
    pub packets: u64,
    /// Sum of the frames' lengths on the wire, link header included, as the record headers say.
    pub wire_bytes: u64,
    /// Sum of IP lengths, header included (IPFIX octetDeltaCount). A total length of 0 (TSO) is taken from the frame.
    pub ip_bytes: u64,
    /// Sum of transport payload lengths by the headers, captured or not (IPFIX transportOctetDeltaCount).
    pub payload_bytes: u64,
    /// Union of TCP flags (IPFIX tcpControlBits, lower 8 bits).
    pub tcp_flags: u8,
    /// SYN without ACK, first ones and retransmissions.
    pub syn: u32,
    /// SYN without ACK that repeat the sequence number of an earlier one.
    pub syn_retransmitted: u32,
    /// SYN with ACK.
    pub syn_ack: u32,
    /// Segments that brought nothing new: retransmitted, or recorded out of order. Keep-alives and copies are not among them.
    pub retransmitted: u32,
    /// Keep-alives (RFC 9293 section 3.8.4): at most one byte, just before what comes next.
    pub keep_alives: u32,
    /// Segments that begin beyond what was to come: what lies between was lost by the tap, or recorded later.
    pub gaps: u32,
    /// Payload in segments with SYN, in bytes: TCP Fast Open (RFC 7413).
    pub fast_open_bytes: u32,
    /// The recorder says that this side's packets left from the recording host, or that those of the other side arrived there.
    pub is_recorder: bool,
    /// Copies of a SYN or SYN-ACK less than 200 ms after it: no host retransmits so soon, so a tap or two saw it twice.
    /// In neither of the counts above.
    pub handshake_copies: u32,
    /// Segments with FIN.
    pub fin: u32,
    /// Segments with RST.
    pub rst: u32,
    /// Packets that carried payload.
    pub payload_packets: u64,
    /// Frame number of the first SYN without ACK, when it is in the same file as the flow's first frame.
    pub syn_frame: Option<u64>,
    /// Time of the first SYN without ACK.
    pub syn_ns: Option<i64>,
    /// Frame number of the first SYN with ACK, when it is in the same file as the flow's first frame.
    pub syn_ack_frame: Option<u64>,
    /// Frame number of the first RST, when it is in the same file as the flow's first frame.
    pub rst_frame: Option<u64>,
    /// Highest sequence number that follows what was sent, modulo 2^32: a later record whose first segment carries it
    /// continues this conversation.
    pub next_seq: Option<u32>,
}

/// ICMP errors that quoted a packet of this flow. Errors about packets of the other side than the first error's are counted
/// as `other`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IcmpFacts {
    /// Whose packet the first error quoted.
    pub quoted: Option<Side>,
    /// Port unreachable: ICMP 3/3, ICMPv6 1/4.
    pub port_unreachable: u32,
    /// Administratively prohibited: ICMP 3/9, 3/10, 3/13; ICMPv6 1/1, 1/5, 1/6.
    pub prohibited: u32,
    /// Any other unreachable, time exceeded or parameter problem.
    pub other: u32,
    /// Frame number of the first error, when it is in the same file as the flow's first frame.
    pub first_frame: Option<u64>,
    /// ICMP type of the first error.
    pub first_type: Option<u8>,
    /// ICMP code of the first error.
    pub first_code: Option<u8>,
}

/// How far a TCP conversation had got when its record ended. UDP flows are `Datagrams`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpState {
    /// Not TCP.
    Datagrams,
    /// No SYN of either kind seen: the recording began later, or lacks it.
    Midstream,
    /// SYN seen, nothing from the other side.
    SynSent,
    /// SYN and SYN-ACK seen, handshake not completed.
    SynReceived,
    /// Both sides sent a SYN without ACK and no SYN-ACK (RFC 9293 section 3.5).
    SimultaneousOpen,
    /// SYN-ACK seen without the SYN before it.
    SynAckOnly,
    /// Handshake completed.
    Established,
    /// One side sent FIN.
    HalfClosed,
    /// Both sides sent FIN.
    Closed,
    /// RST ended it.
    Reset,
}

impl TcpState {
    pub(super) const ALL: [Self; 10] = [
        Self::Datagrams,
        Self::Midstream,
        Self::SynSent,
        Self::SynReceived,
        Self::SimultaneousOpen,
        Self::SynAckOnly,
        Self::Established,
        Self::HalfClosed,
        Self::Closed,
        Self::Reset,
    ];

    /// The state of a stored name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Name as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Datagrams => "datagrams",
            Self::Midstream => "midstream",
            Self::SynSent => "syn-sent",
            Self::SynReceived => "syn-received",
            Self::SimultaneousOpen => "simultaneous-open",
            Self::SynAckOnly => "syn-ack-only",
            Self::Established => "established",
            Self::HalfClosed => "half-closed",
            Self::Closed => "closed",
            Self::Reset => "reset",
        }
    }
}

/// Why a flow record ended (after IPFIX flowEndReason, RFC 5102 section 5.11.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// No packet for the idle timeout.
    Idle,
    /// Longer than the active timeout: the next record continues it.
    Active,
    /// Both FINs or an RST, and the linger time after them.
    Closed,
    /// A SYN with a new initial sequence number began another connection on the same endpoints.
    PortReused,
    /// The recording ended.
    EndOfCapture,
    /// The flow cache was full: the flow that was silent for longest gave way.
    Evicted,
}

impl EndReason {
    pub(super) const ALL: [Self; 6] =
        [Self::Idle, Self::Active, Self::Closed, Self::PortReused, Self::EndOfCapture, Self::Evicted];

    /// The reason of a stored name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// Name as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Closed => "closed",
            Self::PortReused => "port-reused",
            Self::EndOfCapture => "end-of-capture",
            Self::Evicted => "evicted",
        }
    }
}

/// One flow as it was seen on the wire. A fact: no vendor document, no opinion about who the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowRecord {
    /// Which file its first frame is in.
    pub capture: CaptureIndex,
    /// Frame number of its first packet in that file. With the capture it identifies the flow.
    pub first_frame: u64,
    /// Transport and endpoints.
    pub key: FlowKey,
    /// What was wrapped around it in its first frame.
    pub encapsulation: Encapsulation,
    /// UDP: the tunnel whose packets it carries. What travels inside has records of its own.
    pub carries: Option<Tunnel>,
    /// Of its packets, those that carried a frame told elsewhere. Packets over all records less these are the frames metered.
    pub carrier_packets: u64,
    /// Time of the earliest packet (IPFIX flowStartNanoseconds).
    pub first_seen_ns: i64,
    /// Time of the latest packet (IPFIX flowEndNanoseconds).
    pub last_seen_ns: i64,
    /// Who sent the first packet that was seen. Weak evidence, and for TCP without a SYN none.
    pub first_sender: Side,
    /// Who sent the first SYN without ACK.
    pub first_syn: Option<Side>,
    /// Seen from a towards b.
    pub from_a: DirectionFacts,
    /// Seen from b towards a.
    pub from_b: DirectionFacts,
    /// How far the conversation got.
    pub state: TcpState,
    /// Why the record ended.
    pub end_reason: EndReason,
    /// ICMP errors about it.
    pub icmp: IcmpFacts,
    /// IP fragments without ports of their own among the packets.
    pub fragments: u32,
    /// Copies of packets: the same bytes again from the same tap within a millisecond, or from another one. Counted among the
    /// packets unless copies are left out.
    pub duplicates: u32,
    /// Packets that were not captured to the end of their transport header or payload: byte counts are the headers' word.
    pub snapped: u32,
    /// From SYN to SYN-ACK, ns: the round trip between the tap and the responder. Only where neither was repeated.
    pub syn_to_syn_ack_ns: Option<i64>,
    /// From SYN-ACK to the initiator's ACK, ns: the round trip between the tap and the initiator.
    pub syn_ack_to_ack_ns: Option<i64>,
    /// Who sent the first FIN: that side holds its port in TIME-WAIT (RFC 9293 section 3.6).
    pub first_fin: Option<Side>,
    /// What its first bytes say.
    pub application: Option<Recognised>,
}

impl DirectionFacts {
    /// Segments other than SYN, SYN-ACK and RST: only a side that got through sends them.
    #[must_use]
    pub fn spoke(&self) -> bool {
        let bare = [self.syn, self.syn_ack, self.handshake_copies, self.rst];
        self.packets > bare.into_iter().map(u64::from).sum()
    }
}

impl FlowRecord {
    /// A flow that begins: nothing counted yet.
    #[must_use]
    pub fn begun(key: FlowKey, first_sender: Side, capture: CaptureIndex, first_frame: u64, time_ns: i64) -> Self {
        Self {
            capture,
            first_frame,
            key,
            encapsulation: Encapsulation::default(),
            carries: None,
            carrier_packets: 0,
            first_seen_ns: time_ns,
            last_seen_ns: time_ns,
            first_sender,
            first_syn: None,
            from_a: DirectionFacts::default(),
            from_b: DirectionFacts::default(),
            state: TcpState::Datagrams,
            end_reason: EndReason::EndOfCapture,
            icmp: IcmpFacts::default(),
            fragments: 0,
            duplicates: 0,
            snapped: 0,
            syn_to_syn_ack_ns: None,
            syn_ack_to_ack_ns: None,
            first_fin: None,
            application: None,
        }
    }

    /// What one side sent.
    #[must_use]
    pub fn from(&self, side: Side) -> &DirectionFacts {
        match side {
            Side::A => &self.from_a,
            Side::B => &self.from_b,
        }
    }

    /// What one side sent, to be counted.
    pub fn from_mut(&mut self, side: Side) -> &mut DirectionFacts {
        match side {
            Side::A => &mut self.from_a,
            Side::B => &mut self.from_b,
        }
    }
}

/// One burst of a flow: payload after at least one second of silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// File of the flow's first frame.
    pub capture: CaptureIndex,
    /// The flow's first frame.
    pub flow_first_frame: u64,
    /// File of the burst's first frame.
    pub burst_capture: CaptureIndex,
    /// The burst's first frame, in its own file.
    pub first_frame: u64,
    /// Time of the burst's first payload.
    pub start_ns: i64,
    /// Time of the burst's last payload.
    pub end_ns: i64,
    /// Payload bytes from side a.
    pub payload_bytes_a: u64,
    /// Payload bytes from side b.
    pub payload_bytes_b: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_orders_its_ends_as_endpoints_are_ordered() {
        let ips = ["0.0.0.0", "10.0.0.2", "10.0.1.0", "255.0.0.1", "::", "::ffff:10.0.0.2", "fe80::1", "ff02::1"];
        let ends: Vec<Endpoint> = ips
            .into_iter()
            .filter_map(|ip| ip.parse().ok())
            .flat_map(|ip| [0, 1, 256, u16::MAX].map(|port| Endpoint { ip, port }))
            .collect();
        for (source, destination) in ends.iter().flat_map(|source| ends.iter().map(move |other| (*source, *other))) {
            let (key, side) = FlowKey::new(Transport::Udp, source, destination);
            assert_eq!((key.a, key.b), (source.min(destination), source.max(destination)));
            assert_eq!(key.endpoint(side), source);
            assert_eq!(side == Side::A, source <= destination);
        }
    }
}
