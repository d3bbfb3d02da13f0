//! BER headers (X.690 section 8.1): elements in elements, each checked to end within the one around it.
//!
//! Tags of one byte and definite lengths only: LDAP, SNMP and Kerberos use no others. Works on a beginning, too: what is
//! declared and not there yet is told from what cannot be. The maintained parsers of these protocols want whole messages,
//! and an opening seldom is one.

use super::opening::Look;

/// Tag of an integer.
pub(super) const INTEGER: u8 = 0x02;
/// Tag of a string of bytes.
pub(super) const OCTET_STRING: u8 = 0x04;
/// Tag of an enumerated value.
pub(super) const ENUMERATED: u8 = 0x0a;
/// Tag of a sequence.
pub(super) const SEQUENCE: u8 = 0x30;

/// Longest element that is believed: 16 MiB are more than any of these protocols sends.
const LONGEST: usize = 1 << 24;

/// What an element holds, from a place in it to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk<'a> {
    /// What is there of it.
    pub(super) bytes: &'a [u8],
    /// What is declared, in bytes: at least as many as are there.
    pub(super) left: usize,
}

impl<'a> Walk<'a> {
    /// Bytes that are all there is.
    pub(super) fn all(bytes: &'a [u8]) -> Self {
        Self { bytes, left: bytes.len() }
    }

    /// The beginning of `left` bytes.
    pub(super) fn beginning(bytes: &'a [u8], left: usize) -> Self {
        Self { bytes: &bytes[..bytes.len().min(left)], left }
    }

    /// Nothing is left, of what is declared either.
    pub(super) fn is_at_end(&self) -> bool {
        self.left == 0
    }

    /// The next element: its tag, and what it holds. `Err(Maybe)`: it is not there yet; `Err(No)`: it cannot be.
    pub(super) fn next(&mut self) -> Result<(u8, Self), Look> {
        let short = if self.left > self.bytes.len() { Look::Maybe } else { Look::No };
        let tag = *self.bytes.first().ok_or(short)?;
        if tag & 0x1f == 0x1f {
            return Err(Look::No);
        }
        let first = *self.bytes.get(1).ok_or(short)?;
        let (head, length) = match first {
            0..=0x7f => (2, usize::from(first)),
            0x81..=0x84 => {
                let head = 2 + usize::from(first & 0x7f);
                let digits = self.bytes.get(2..head).ok_or(short)?;
                (head, digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)))
            }
            _ => return Err(Look::No),
        };
        if length > LONGEST || head + length > self.left {
            return Err(Look::No);
        }
        let inside = Self::beginning(&self.bytes[head..], length);
        self.bytes = self.bytes.get(head + length..).unwrap_or_default();
        self.left -= head + length;
        Ok((tag, inside))
    }

    /// The next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Self, Look> {
        if self.bytes.first().is_some_and(|first| *first != tag) {
            return Err(Look::No);
        }
        self.next().map(|(_, inside)| inside)
    }

    /// The next element, an integer of at most eight bytes.
    pub(super) fn integer(&mut self) -> Result<i64, Look> {
        self.expect(INTEGER)?.number()
    }

    /// The bytes of an integer.
    pub(super) fn number(&self) -> Result<i64, Look> {
        match self.left {
            1..=8 if self.bytes.len() < self.left => Err(Look::Maybe),
            1..=8 => {
                let negative = if self.bytes[0] & 0x80 == 0 { 0 } else { -1 };
                Ok(self.bytes.iter().fold(negative, |number, digit| number << 8 | i64::from(*digit)))
            }
            _ => Err(Look::No),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_yet_is_told_from_what_cannot_be() {
        // SEQUENCE { INTEGER 5, OCTET STRING "ab" }, its length in the long form that Windows writes.
        let bytes = b"\x30\x84\0\0\0\x07\x02\x01\x05\x04\x02ab";
        let mut inside = Walk::all(bytes).expect(SEQUENCE).unwrap();
        assert_eq!(inside.integer(), Ok(5));
        assert_eq!(inside.expect(OCTET_STRING).unwrap().bytes, b"ab");
        assert!(inside.is_at_end());
        assert_eq!(inside.next().err(), Some(Look::No));
        for end in 0..6 {
            let mut walk = Walk::beginning(&bytes[..end], usize::MAX);
            assert_eq!(walk.expect(SEQUENCE).err(), Some(Look::Maybe), "{end}");
        }
        // An element that ends behind the one around it.
        let mut inside = Walk::all(b"\x30\x03\x02\x02\x05").expect(SEQUENCE).unwrap();
        assert_eq!(inside.integer().err(), Some(Look::No));
        // Indefinite length, long tag, absurd length.
        for bytes in [&b"\x30\x80\0\0"[..], b"\x3f\x01\0", b"\x30\x84\x7f\xff\xff\xff"] {
            assert_eq!(Walk::beginning(bytes, usize::MAX).next().err(), Some(Look::No));
        }
    }

    #[test]
    fn integers_have_a_sign() {
        assert_eq!(Walk::all(b"\x02\x02\xff\xfe").integer(), Ok(-2));
        assert_eq!(Walk::all(b"\x02\x01\x80").integer(), Ok(-128));
        assert_eq!(Walk::all(b"\x02\x00").integer(), Err(Look::No));
    }
}
