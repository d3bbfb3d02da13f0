//! The way from the link to the innermost conversation: what was passed, and what comes next.

use super::DecodeSettings;
use super::cursor::Cursor;
use crate::model::{Content, Decoded, Encapsulation, Fate, Frame, Packet, Stop, Tunnel};

/// Headers that are read of one frame, at most; VLAN tags and extension headers are not counted, nor are the IP and transport
/// headers that end the way.
const MOST_LAYERS: u8 = 48;

/// How an IEEE 802.11 header is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// As the standard says.
    Plain,
    /// Padded to a multiple of 4 bytes.
    Padded,
    /// With frame control and sequence control in the other byte order.
    Swapped,
}

/// What a header announces behind itself.
pub(super) enum Inside<'a> {
    /// An Ethernet frame, from its destination address on.
    Ethernet(Cursor<'a>),
    /// Whatever the Ethernet type says.
    EtherType(u16, Cursor<'a>),
    /// An LLC header (IEEE 802.2).
    Llc(Cursor<'a>),
    /// A PPP frame, from its protocol field or the address before it on.
    Ppp(Cursor<'a>),
    /// An IEEE 802.11 frame.
    Wlan(Cursor<'a>, Variant),
    /// An MPLS label stack.
    Mpls(Cursor<'a>),
    /// An IPv4 or IPv6 packet.
    Ip(Cursor<'a>),
    /// The end. What the frame holds stands in the walk.
    Done(Fate),
}

impl<'a> Inside<'a> {
    /// Where it stands, unless it is the end.
    pub(super) fn cursor(&self) -> Option<Cursor<'a>> {
        match *self {
            Self::Ethernet(cursor)
            | Self::EtherType(_, cursor)
            | Self::Llc(cursor)
            | Self::Ppp(cursor)
            | Self::Wlan(cursor, _)
            | Self::Mpls(cursor)
            | Self::Ip(cursor) => Some(cursor),
            Self::Done(_) => None,
        }
    }
}

/// A UDP packet that carried what was found, and the tunnel in it.
pub type Carrier = (Packet<'static>, Tunnel);

/// What was passed so far.
pub(super) struct Walk<'a, 'w> {
    frame: &'w Frame<'a>,
    pub(super) settings: &'w DecodeSettings,
    /// What was passed, but for the IP headers.
    passed: Encapsulation,
    ip_headers: u8,
    /// Headers that were read.
    layers: u8,
    carriers: &'w mut Vec<Carrier>,
    /// Payload of the innermost carrier.
    carrier_payload: &'a [u8],
}

impl<'a, 'w> Walk<'a, 'w> {
    #[inline]
    pub(super) fn new(frame: &'w Frame<'a>, settings: &'w DecodeSettings, carriers: &'w mut Vec<Carrier>) -> Self {
        carriers.clear();
        Self {
            frame,
            settings,
            passed: Encapsulation::default(),
            ip_headers: 0,
            layers: 0,
            carriers,
            carrier_payload: &[],
        }
    }

    /// Counts a header that is to be read; false where that is one too many.
    #[inline]
    pub(super) fn another(&mut self) -> bool {
        self.layers += 1;
        self.layers <= MOST_LAYERS
    }

    #[inline]
    pub(super) fn vlan(&mut self, id: u16) {
        let passed = &mut self.passed;
        passed.outer_vlan = passed.outer_vlan.or(passed.vlan);
        passed.vlan = Some(id);
    }

    pub(super) fn tunnel(&mut self, tunnel: Tunnel, id: Option<u32>) {
        self.passed.tunnels.push(tunnel);
        self.passed.tunnel_id = id.or(self.passed.tunnel_id);
    }

    #[inline]
    pub(super) fn ip_header(&mut self) {
        self.ip_headers = self.ip_headers.saturating_add(1);
    }

    /// What is wrapped around the content of the IP header that was passed last.
    #[inline]
    pub(super) fn encapsulation(&self) -> Encapsulation {
        Encapsulation { depth: self.ip_headers.saturating_sub(1), ..self.passed }
    }

    /// Passes a UDP packet that carries a tunnel.
    pub(super) fn carrier(&mut self, packet: Packet<'a>, tunnel: Tunnel, id: Option<u32>) {
        self.carriers.push((Packet { payload: &[], ..packet }, tunnel));
        self.carrier_payload = packet.payload;
        // The label stack names itself.
        if tunnel != Tunnel::Mpls {
            self.tunnel(tunnel, id);
        }
    }

    /// Ends with what the frame holds.
    #[inline(always)]
    pub(super) fn holds(&self, fate: Fate, content: Content<'a>) -> Decoded<'a> {
        Decoded { fate, content, stop: None, heading: self.frame.heading, process: self.frame.process }
    }

    /// Ends with nothing to meter. What carried that is then the innermost conversation itself.
    pub(super) fn nothing(&mut self, fate: Fate) -> Decoded<'a> {
        match self.carriers.pop() {
            Some((packet, _)) => {
                let payload = self.carrier_payload;
                self.holds(Fate::Udp, Content::Packet(Packet { payload, ..packet }))
            }
            None => self.holds(fate, Content::Nothing),
        }
    }

    /// Ends early.
    pub(super) fn stopped(&mut self, stop: Stop) -> Decoded<'a> {
        Decoded { stop: Some(stop), ..self.nothing(Fate::Stopped(stop.layer)) }
    }
}
