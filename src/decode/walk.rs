//! The way from the link to the innermost conversation: what was passed, and what comes next.

use super::cursor::Cursor;
use super::{DecodeSettings, Step};
use crate::model::{Content, Decoded, Encapsulation, Fate, Packet, Stop, Tunnel};

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

/// A UDP packet that carried what was found, and the tunnel in it.
pub type Carrier = (Packet<'static>, Tunnel);

/// What was passed so far.
pub(super) struct Walk<'a, 'w> {
    pub(super) settings: &'w DecodeSettings,
    pub(super) encapsulation: Encapsulation,
    /// What the frame holds.
    pub(super) content: Content<'a>,
    ip_headers: u8,
    carriers: &'w mut Vec<Carrier>,
    /// Payload of the innermost carrier.
    carrier_payload: &'a [u8],
    /// A header that was not whole and still gave what is needed.
    stop: Option<Stop>,
}

impl<'a, 'w> Walk<'a, 'w> {
    pub(super) fn new(settings: &'w DecodeSettings, carriers: &'w mut Vec<Carrier>) -> Self {
        carriers.clear();
        Self {
            settings,
            encapsulation: Encapsulation::default(),
            content: Content::Nothing,
            ip_headers: 0,
            carriers,
            carrier_payload: &[],
            stop: None,
        }
    }

    pub(super) fn vlan(&mut self, id: u16) {
        let passed = &mut self.encapsulation;
        passed.outer_vlan = passed.outer_vlan.or(passed.vlan);
        passed.vlan = Some(id);
    }

    pub(super) fn tunnel(&mut self, tunnel: Tunnel, id: Option<u32>) {
        self.encapsulation.tunnels.push(tunnel);
        self.encapsulation.tunnel_id = id.or(self.encapsulation.tunnel_id);
    }

    pub(super) fn ip_header(&mut self) {
        self.encapsulation.depth = self.ip_headers;
        self.ip_headers = self.ip_headers.saturating_add(1);
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

    /// Notes an early end that did not end the walk.
    pub(super) fn note(&mut self, stop: Stop) {
        self.stop = Some(stop);
    }

    /// The outcome. A carrier of something that is no conversation is the innermost conversation itself.
    pub(super) fn outcome(mut self, end: Step<Fate>) -> Decoded<'a> {
        let (mut fate, stop) = match end {
            Ok(fate) => (fate, self.stop),
            Err(stop) => (Fate::Stopped(stop.layer), Some(stop)),
        };
        if matches!(self.content, Content::Nothing)
            && let Some((packet, _)) = self.carriers.pop()
        {
            fate = Fate::Udp;
            self.content = Content::Packet(Packet { payload: self.carrier_payload, ..packet });
        }
        Decoded { fate, content: self.content, stop, heading: None, process: None }
    }
}
