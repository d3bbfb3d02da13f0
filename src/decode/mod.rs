//! Link → network → transport: pure functions over borrowed bytes.
//!
//! Link: Ethernet, Linux cooked v1 and v2, BSD null/loop, raw IP, PPP, Cisco HDLC, FDDI, Token Ring, ARCNET, IEEE 802.11
//! with and without radiotap, NFLOG, PKTAP and some more (`link`). Between link and IP: VLAN tags of any depth (IEEE
//! 802.1Q, 802.1ad), LLC/SNAP, PPPoE, MPLS, provider backbone bridges, TRILL,
//! FabricPath. Network: IPv4 (RFC 791), IPv6 (RFC 8200) with
//! extension headers. Tunnels: IP in IP, GRE, ERSPAN, EtherIP over IP; VXLAN, Geneve, GTP-U, L2TP, Teredo, AYIYA, CAPWAP,
//! TZSP and MPLS over UDP (`tunnel`, `udp_tunnel`). Transport: TCP (RFC 9293), UDP (RFC 768), errors of ICMP (RFC 792) and ICMPv6
//! (RFC 4443). Headers are parsed with etherparse where it serves; where a recording cut a header off behind the ports, the
//! ports are still used.
//!
//! The innermost conversation is what a frame holds; UDP packets that carried it are told besides
//! ([`Decoder::carriers`]). A tunnel over UDP is recognised by port and by a header that is right in every field that must
//! have one value; otherwise it stays UDP.
//!
//! Lengths are those of the headers, not of what was captured. Checksums are verified only on request: offloading leaves
//! them unfilled in recordings made on the sending host. Whatever ends decoding is told by a [`Stop`]; nothing is guessed.
//! Encrypted payload (ESP, MACsec, protected 802.11) is not opened.

mod checksum;
mod cursor;
mod ethernet;
mod fragments;
mod icmp;
mod link;
mod network;
mod ppp;
mod transport;
mod tunnel;
mod udp_tunnel;
mod walk;
mod wlan;

pub use fragments::{FragmentTable, Owner};
pub use walk::Carrier;

use crate::model::{Decoded, Frame, Layer, Stop};
use cursor::Cursor;
use walk::{Inside, Walk};

/// How frames are decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecodeSettings {
    /// Leave out what has a wrong IPv4, TCP or UDP checksum. Checksums of fragments and cut packets cannot be verified.
    pub verify_checksums: bool,
}

/// Decodes frames one after the other.
#[derive(Debug, Default)]
pub struct Decoder {
    settings: DecodeSettings,
    carriers: Vec<Carrier>,
}

impl Decoder {
    /// A decoder with these settings.
    #[must_use]
    pub fn new(settings: DecodeSettings) -> Self {
        Self { settings, carriers: Vec::new() }
    }

    /// Decodes one frame.
    #[must_use]
    pub fn decode<'a>(&mut self, frame: &Frame<'a>) -> Decoded<'a> {
        link::link(frame, &mut Walk::new(frame, &self.settings, &mut self.carriers))
    }

    /// UDP packets that carried what the latest frame holds, outermost first; without their payload.
    #[must_use]
    pub fn carriers(&self) -> &[Carrier] {
        &self.carriers
    }
}

/// Decodes one frame by itself, with default settings.
#[must_use]
pub fn decode<'a>(frame: &Frame<'a>) -> Decoded<'a> {
    Decoder::default().decode(frame)
}

/// Reads what a header announced, to the end; counted, and never inlined.
///
/// Nearly every frame is Ethernet, IP, and TCP or UDP, and does not come by here: the readers of these call each other and are
/// always inlined, so that what is read stays in registers until the last one fills the caller's place for it. Whatever is put
/// together from small parts and then moved as a whole waits until all its parts are written.
#[inline(never)]
fn follow<'a>(step: Step<Inside<'a>>, walk: &mut Walk<'a, '_>) -> Decoded<'a> {
    let inside = match step {
        Ok(inside) => inside,
        Err(stop) => return walk.stopped(stop),
    };
    if let Some(cursor) = inside.cursor()
        && !walk.another()
    {
        let needed = cursor.wire_remaining() + 1;
        let stop = stop(Layer::Network, "one header more than are followed", &cursor, needed);
        return walk.stopped(Stop { snapped: false, ..stop });
    }
    match inside {
        Inside::Ethernet(cursor) => ethernet::ethernet(cursor, walk),
        Inside::EtherType(number, cursor) => ethernet::ether_type(number, cursor, walk),
        Inside::Llc(cursor) => follow(Ok(ethernet::llc(cursor)), walk),
        Inside::Ppp(cursor) => follow(ppp::ppp(cursor), walk),
        Inside::Wlan(cursor, variant) => follow(wlan::wlan(cursor, variant), walk),
        Inside::Mpls(cursor) => follow(tunnel::mpls(cursor, walk), walk),
        Inside::Ip(cursor) => network::network(cursor, walk),
        Inside::Done(fate) => walk.nothing(fate),
    }
}

/// What decoding ended with, as a result.
type Step<T> = Result<T, Stop>;

/// Describes an early end: `snapped` where the frame had the bytes on the wire and the recording did not keep them.
#[cold]
fn stop(layer: Layer, reading: &'static str, cursor: &Cursor<'_>, needed: usize) -> Stop {
    let available = cursor.remaining();
    Stop { layer, reading, offset: cursor.offset, needed, available, snapped: needed <= cursor.wire_remaining() }
}

/// What stands behind the next `bytes`, or why they are not there.
fn past<'a>(layer: Layer, cursor: Cursor<'a>, bytes: usize, reading: &'static str) -> Step<Cursor<'a>> {
    cursor.past(bytes).ok_or_else(|| stop(layer, reading, &cursor, bytes))
}

/// Describes a header that cannot be read: cut off, or shorter by its own length field than `least`, which any has.
#[cold]
fn unreadable(layer: Layer, reading: &'static str, cursor: &Cursor<'_>, least: usize, claimed: Option<usize>) -> Stop {
    match claimed {
        Some(claimed) if claimed < least => {
            Stop { available: claimed, snapped: false, ..stop(layer, reading, cursor, least) }
        }
        _ => stop(layer, reading, cursor, claimed.unwrap_or(least)),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tunnel_tests;
