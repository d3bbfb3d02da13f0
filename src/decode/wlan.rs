//! IEEE 802.11 data frames that are not encrypted.

use super::cursor::Cursor;
use super::walk::{Inside, Variant};
use super::{Step, stop};
use crate::model::{Fate, Layer};

const DATA: u8 = 2;
const TO_AND_FROM_DS: u8 = 0x03;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;

/// Of an aggregate of several packets the first one is read.
pub(super) fn wlan(cursor: Cursor<'_>, variant: Variant) -> Step<Inside<'_>> {
    let (Some(first), Some(second)) = (cursor.u8(0), cursor.u8(1)) else {
        return Err(stop(Layer::Link, "IEEE 802.11 header", &cursor, 24));
    };
    let swapped = variant == Variant::Swapped;
    let (control, flags) = if swapped { (second, first) } else { (first, second) };
    let (kind, subtype) = (control >> 2 & 0x03, control >> 4);
    let no_data = subtype & 0x04 != 0;
    if control & 0x03 != 0 || kind != DATA || no_data {
        return Ok(Inside::Done(Fate::Wlan));
    }
    if flags & PROTECTED != 0 {
        return Ok(Inside::Done(Fate::WlanEncrypted));
    }
    let addresses = if flags & TO_AND_FROM_DS == TO_AND_FROM_DS { 30 } else { 24 };
    let quality = subtype & 0x08 != 0;
    let mut header_bytes: usize = addresses + if quality { 2 } else { 0 };
    if quality && flags & ORDER != 0 {
        header_bytes += 4;
    }
    if variant == Variant::Padded {
        header_bytes = header_bytes.next_multiple_of(4);
    }
    let Some(behind) = cursor.past(header_bytes) else {
        return Err(stop(Layer::Link, "IEEE 802.11 header", &cursor, header_bytes));
    };
    // The number of a fragment stands in the low bits of the sequence control, which is swapped as well.
    if cursor.u8(if swapped { 23 } else { 22 }).is_some_and(|byte| byte & 0x0f != 0) {
        return Ok(Inside::Done(Fate::Wlan));
    }
    let aggregate = quality && cursor.u8(addresses).is_some_and(|byte| byte & 0x80 != 0);
    if !aggregate {
        return Ok(Inside::Llc(behind));
    }
    // Destination, source, length; then LLC.
    let length = behind.u16(12).map_or(0, usize::from);
    match behind.past(14) {
        Some(part) => Ok(Inside::Llc(part.limit(length))),
        None => Err(stop(Layer::Link, "IEEE 802.11 aggregate", &behind, 14)),
    }
}
