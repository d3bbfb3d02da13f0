//! Numbers and identifiers in network data representation (C706 chapter 14; NDR64: MS-RPCE section 2.2.5).

use crate::application::reader::{array, slice};
use std::fmt;

/// A UUID, its text read as one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Uuid(pub(super) u128);

impl Uuid {
    /// In the byte order of its sender: the first three fields are numbers, the rest are bytes (C706 appendix A).
    pub(super) fn read(bytes: &[u8], at: usize, little: bool) -> Option<Self> {
        let mut octets: [u8; 16] = array(bytes, at)?;
        if little {
            octets[..4].reverse();
            octets[4..6].reverse();
            octets[6..8].reverse();
        }
        Some(Self(u128::from_be_bytes(octets)))
    }

    /// As text, or nothing for the nil UUID.
    pub(super) fn text(self) -> String {
        if self.0 == 0 { String::new() } else { self.to_string() }
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |shift: u32, bits: u32| (self.0 >> shift) & ((1 << bits) - 1);
        let (low, mid, high) = (part(96, 32), part(80, 16), part(64, 16));
        write!(f, "{low:08x}-{mid:04x}-{high:04x}-{:04x}-{:012x}", part(48, 16), part(0, 48))
    }
}

/// An interface: its UUID and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) uuid: Uuid,
    pub(super) major: u16,
    pub(super) minor: u16,
}

impl Interface {
    /// A UUID and the 32-bit version behind it, major version in the low half (C706 section 12.6.3.1).
    /// That a big-endian sender writes it as one number, too, is unverified: no capture of one was at hand.
    pub(super) fn read(bytes: &[u8], at: usize, little: bool) -> Option<Self> {
        let version = number32(bytes, at + 16, little)?;
        Some(Self { uuid: Uuid::read(bytes, at, little)?, major: version as u16, minor: (version >> 16) as u16 })
    }

    pub(super) fn version(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }
}

/// Two bytes in the sender's order.
pub(super) fn number16(bytes: &[u8], at: usize, little: bool) -> Option<u16> {
    array(bytes, at).map(|two| if little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
}

/// Four bytes in the sender's order.
pub(super) fn number32(bytes: &[u8], at: usize, little: bool) -> Option<u32> {
    array(bytes, at).map(|four| if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
}

/// How a stub is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// Numbers have their lowest byte first.
    pub(super) little: bool,
    /// NDR64: pointers and counts have eight bytes.
    pub(super) wide: bool,
}

/// Reads a stub from its beginning.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    form: Form,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], form: Form) -> Self {
        Self { bytes, at: 0, form }
    }

    /// Bytes that were not read.
    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// Goes to the next multiple of a power of two.
    pub(super) fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    /// Aligns as a pointer or a count is.
    pub(super) fn align_count(&mut self) {
        self.align(if self.form.wide { 8 } else { 4 });
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let bytes = slice(self.bytes, self.at, length)?;
        self.at += length;
        Some(bytes)
    }

    pub(super) fn number16(&mut self) -> Option<u16> {
        self.align(2);
        number16(self.take(2)?, 0, self.form.little)
    }

    pub(super) fn number32(&mut self) -> Option<u32> {
        self.align(4);
        number32(self.take(4)?, 0, self.form.little)
    }

    /// A pointer's referent, or the count of a conformant or varying array.
    pub(super) fn count(&mut self) -> Option<u64> {
        if !self.form.wide {
            return self.number32().map(u64::from);
        }
        self.align(8);
        let eight = array(self.take(8)?, 0)?;
        Some(if self.form.little { u64::from_le_bytes(eight) } else { u64::from_be_bytes(eight) })
    }

    /// A count of things of which each takes `least` bytes, at least: more than there is room for are none.
    pub(super) fn count_of(&mut self, least: usize) -> Option<usize> {
        let count = usize::try_from(self.count()?).ok()?;
        (count.checked_mul(least)? <= self.left()).then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_reads_the_same_in_both_byte_orders() {
        let text = "99fcfec4-5260-101b-bbcb-00aa0021347a";
        let big = [0x99, 0xfc, 0xfe, 0xc4, 0x52, 0x60, 0x10, 0x1b, 0xbb, 0xcb, 0, 0xaa, 0, 0x21, 0x34, 0x7a];
        let little = [0xc4, 0xfe, 0xfc, 0x99, 0x60, 0x52, 0x1b, 0x10, 0xbb, 0xcb, 0, 0xaa, 0, 0x21, 0x34, 0x7a];
        assert_eq!(Uuid::read(&big, 0, false).unwrap().to_string(), text);
        assert_eq!(Uuid::read(&little, 0, true).unwrap().to_string(), text);
        assert_eq!(Uuid::read(&little, 1, true), None);
    }

    #[test]
    fn a_count_beyond_what_is_there_is_none() {
        let bytes = [0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0];
        let form = Form { little: true, wide: false };
        assert_eq!(Cursor::new(&bytes, form).count_of(4), None);
        assert_eq!(Cursor::new(&bytes[4..], form).count_of(4), Some(0));
        assert_eq!(Cursor::new(&bytes, Form { wide: true, ..form }).count(), Some(0x7fff_ffff));
    }
}
