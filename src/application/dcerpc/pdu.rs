//! Headers of connection-oriented PDUs (C706 section 12.6.3.1, MS-RPCE section 2.2.2), and what is stub in them.

use super::ndr::{number16, number32};

/// Bytes of the common header.
pub(super) const HEADER: usize = 16;
/// Where the stub of a request without object, and of a response, begins.
pub(super) const STUB: usize = 24;
/// Type, level, padding, a reserved byte and the context of an authentication trailer (MS-RPCE section 2.2.2.11).
const TRAILER: usize = 8;
/// Authentication level at which stubs are encrypted (MS-RPCE section 2.2.1.1.8).
const PRIVACY: u8 = 6;

/// PDU types.
pub(super) mod kind {
    pub(in super::super) const REQUEST: u8 = 0;
    pub(in super::super) const RESPONSE: u8 = 2;
    pub(in super::super) const FAULT: u8 = 3;
    pub(in super::super) const BIND: u8 = 11;
    pub(in super::super) const BIND_ACK: u8 = 12;
    pub(in super::super) const BIND_NAK: u8 = 13;
    pub(in super::super) const ALTER: u8 = 14;
    pub(in super::super) const ALTER_RESPONSE: u8 = 15;
    pub(in super::super) const AUTH3: u8 = 16;
    pub(in super::super) const CANCEL: u8 = 18;
    pub(in super::super) const ORPHANED: u8 = 19;
}

/// The common header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// PDU type.
    pub(super) kind: u8,
    flags: u8,
    /// Numbers have their lowest byte first.
    pub(super) little: bool,
    /// Bytes of the PDU, this header included.
    pub(super) length: usize,
    auth_length: usize,
    pub(super) call: u32,
}

impl Header {
    /// A header whose every field is plausible.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<HEADER>().filter(|head| could_begin(*head))?;
        let little = head[4] & 0xf0 != 0;
        let length = usize::from(number16(head, 8, little)?);
        let auth_length = usize::from(number16(head, 10, little)?);
        let call = number32(head, 12, little)?;
        let trailer = if auth_length > 0 { auth_length + TRAILER } else { 0 };
        let header = Self { kind: head[2], flags: head[3], little, length, auth_length, call };
        (least_length(header.kind) + trailer <= length).then_some(header)
    }

    pub(super) fn is_first(self) -> bool {
        self.flags & 1 != 0
    }

    pub(super) fn is_last(self) -> bool {
        self.flags & 2 != 0
    }

    /// An object UUID precedes the stub of a request.
    pub(super) fn has_object(self) -> bool {
        self.kind == kind::REQUEST && self.flags & 0x80 != 0
    }

    /// Whether clients send it; servers send the others.
    pub(super) fn is_from_client(self) -> bool {
        matches!(self.kind, kind::REQUEST | kind::BIND | kind::ALTER | kind::AUTH3 | kind::CANCEL | kind::ORPHANED)
    }

    pub(super) fn stub_at(self) -> usize {
        if self.has_object() { STUB + 16 } else { STUB }
    }

    /// The stub of a request or response that is whole, without padding and trailer, and whether it is encrypted. Of a PDU
    /// that lacks its end, what is there.
    pub(super) fn stub(self, pdu: &[u8]) -> (&[u8], bool) {
        let begin = self.stub_at().min(pdu.len());
        if self.auth_length == 0 || pdu.len() < self.length {
            return (&pdu[begin..], false);
        }
        let trailer = self.length - self.auth_length - TRAILER;
        let level = pdu.get(trailer + 1).copied().unwrap_or_default();
        let padding = pdu.get(trailer + 2).copied().unwrap_or_default();
        let end = trailer.saturating_sub(usize::from(padding)).max(begin);
        (pdu.get(begin..end).unwrap_or_default(), level == PRIVACY)
    }
}

/// Whether these bytes, up to a whole header, may begin a PDU: version 5.0 or 5.1, a type of connections, and a data
/// representation that exists.
pub(super) fn could_begin(bytes: &[u8]) -> bool {
    bytes.iter().take(8).enumerate().all(|(at, byte)| match at {
        0 => *byte == 5,
        1 => *byte <= 1,
        2 => matches!(*byte, 0 | 2 | 3 | 11..=19),
        3 => true,
        // Byte order in the high half, ASCII or EBCDIC in the low one.
        4 => matches!(*byte, 0 | 1 | 0x10 | 0x11),
        5 => *byte <= 3,
        _ => *byte == 0,
    })
}

/// Bytes that a PDU of a type has, at least.
pub(super) fn least_length(kind: u8) -> usize {
    match kind {
        kind::REQUEST | kind::RESPONSE => STUB,
        kind::FAULT => 28,
        // One context with one transfer syntax.
        kind::BIND | kind::ALTER => 72,
        kind::BIND_ACK | kind::ALTER_RESPONSE => 28,
        kind::BIND_NAK => 18,
        _ => HEADER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A response of 32 stub bytes, 4 of them padding, and a trailer of 16 bytes at a level.
    fn response(level: u8) -> Vec<u8> {
        let mut pdu = vec![5, 0, 2, 3, 0x10, 0, 0, 0, 80, 0, 16, 0, 7, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0];
        pdu.extend([b's'; 28]);
        pdu.extend([0xee; 4]);
        pdu.extend([10, level, 4, 0, 1, 0, 0, 0]);
        pdu.extend([b'a'; 16]);
        pdu
    }

    #[test]
    fn padding_and_trailer_are_no_stub() {
        for (level, sealed) in [(5, false), (6, true)] {
            let pdu = response(level);
            let header = Header::read(&pdu).unwrap();
            assert_eq!((header.length, header.call, header.is_from_client()), (pdu.len(), 7, false));
            assert_eq!(header.stub(&pdu), ([b's'; 28].as_slice(), sealed));
            assert_eq!(header.stub(&pdu[..30]).0, [b's'; 6]);
            assert!(header.stub(&pdu[..3]).0.is_empty());
        }
    }

    #[test]
    fn a_header_that_cannot_be_is_none() {
        let good = response(5);
        assert!(Header::read(&good).is_some());
        for (at, byte) in [(0, 4), (1, 2), (2, 1), (2, 20), (4, 0x20), (5, 4), (6, 1), (7, 1), (8, 47), (10, 60)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!(Header::read(&bad), None, "byte {at}");
        }
        assert_eq!(Header::read(&good[..15]), None);
        let big = [5, 1, 18, 3, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 1, 2];
        let header = Header::read(&big).unwrap();
        assert_eq!((header.little, header.length, header.call), (false, 16, 0x102));
    }
}
