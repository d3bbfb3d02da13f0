//! Link → network → transport: pure functions over borrowed bytes.
//!
//! Link: Ethernet II with any depth of VLAN tags (IEEE 802.1Q, 802.1ad), LLC/SNAP, Linux cooked v1 and v2, BSD
//! null/loop, raw IP. Network: IPv4 (RFC 791), IPv6 (RFC 8200) with extension headers. Transport: TCP (RFC 9293), UDP
//! (RFC 768), errors of ICMP (RFC 792) and ICMPv6 (RFC 4443). Headers are parsed with etherparse where it serves; where
//! a recording cut a header off behind the ports, the ports are still used.
//!
//! Lengths are those of the headers, not of what was captured. Checksums are not verified: offloading leaves them
//! unfilled in recordings made on the sending host. Whatever ends decoding is told by a [`Stop`]; nothing is guessed.

mod cursor;
mod fragments;
mod icmp;
mod link;
mod network;
mod transport;

pub use fragments::{FragmentOwner, FragmentTable};

use crate::model::{Content, Decoded, Fate, Frame, Layer, Stop};

/// Decodes one frame.
#[must_use]
pub fn decode<'a>(frame: &Frame<'a>) -> Decoded<'a> {
    match link::link(frame) {
        Ok(link::Payload::Ip(ip)) => network::network(ip),
        Ok(link::Payload::Other(fate)) => Decoded { fate, content: Content::Nothing, stop: None },
        Err(stop) => stopped(stop),
    }
}

/// A frame that could not be decoded far enough to be metered.
fn stopped<'a>(stop: Stop) -> Decoded<'a> {
    Decoded { fate: Fate::Stopped(stop.layer), content: Content::Nothing, stop: Some(stop) }
}

/// What decoding ended with, as a result.
type Step<T> = Result<T, Stop>;

/// Describes an early end: `snapped` where the frame had the bytes on the wire and the recording did not keep them.
fn stop(layer: Layer, reading: &'static str, cursor: &cursor::Cursor<'_>, needed: usize) -> Stop {
    let available = cursor.remaining();
    Stop { layer, reading, offset: cursor.offset, needed, available, snapped: needed <= cursor.wire_remaining() }
}

/// Describes a header that cannot be read: cut off, or shorter by its own length field than `least`, which any has.
fn unreadable(
    layer: Layer,
    reading: &'static str,
    cursor: &cursor::Cursor<'_>,
    least: usize,
    claimed: Option<usize>,
) -> Stop {
    match claimed {
        Some(claimed) if claimed < least => {
            Stop { available: claimed, snapped: false, ..stop(layer, reading, cursor, least) }
        }
        _ => stop(layer, reading, cursor, claimed.unwrap_or(least)),
    }
}

#[cfg(test)]
mod tests;
