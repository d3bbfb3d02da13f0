//! PPP frames (RFC 1661, RFC 1662).

use super::cursor::Cursor;
use super::walk::Inside;
use super::{Step, stop};
use crate::model::{Fate, Layer};

/// From the address field, or from the protocol field where address and control are left out.
pub(super) fn ppp(cursor: Cursor<'_>) -> Step<Inside<'_>> {
    let cursor = if cursor.data.starts_with(&[0xff, 0x03]) { cursor.skip(2) } else { cursor };
    let Some(first) = cursor.u8(0) else { return Err(stop(Layer::Link, "PPP protocol", &cursor, 1)) };
    // An odd first byte is a compressed protocol field.
    let (protocol, bytes) = match (first & 1, cursor.u16(0)) {
        (1, _) => (u16::from(first), 1),
        (_, Some(protocol)) => (protocol, 2),
        (_, None) => return Err(stop(Layer::Link, "PPP protocol", &cursor, 2)),
    };
    let behind = cursor.skip(bytes);
    Ok(match protocol {
        0x0021 | 0x0057 => Inside::Ip(behind),
        0x0281 | 0x0283 => Inside::Mpls(behind),
        0x0031 => bridged(behind),
        other => Inside::Done(Fate::Ppp(other)),
    })
}

/// Bridged frames (RFC 3518): flags, type; type 1 is IEEE 802.3.
fn bridged(cursor: Cursor<'_>) -> Inside<'_> {
    match cursor.data {
        [_, 1, ..] => Inside::Ethernet(cursor.skip(2)),
        _ => Inside::Done(Fate::Ppp(0x0031)),
    }
}
