//! A pcapng block as bytes: its fields in the byte order of its section, its options.

/// Byte order of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The order that the magic of a section header shows.
    pub(super) fn of_magic(magic: &[u8]) -> Option<Self> {
        match magic {
            [0x1a, 0x2b, 0x3c, 0x4d, ..] => Some(Self::Big),
            [0x4d, 0x3c, 0x2b, 0x1a, ..] => Some(Self::Little),
            _ => None,
        }
    }

    /// The first two bytes as a number; 0 where they are missing.
    pub(super) fn u16(self, bytes: &[u8]) -> u16 {
        let field = bytes.first_chunk().copied().unwrap_or_default();
        if self == Self::Big { u16::from_be_bytes(field) } else { u16::from_le_bytes(field) }
    }

    /// The first four bytes as a number; 0 where they are missing.
    pub(super) fn u32(self, bytes: &[u8]) -> u32 {
        let field = bytes.first_chunk().copied().unwrap_or_default();
        if self == Self::Big { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }
    }

    /// The first eight bytes as a number; 0 where they are missing.
    pub(super) fn u64(self, bytes: &[u8]) -> u64 {
        let field = bytes.first_chunk().copied().unwrap_or_default();
        if self == Self::Big { u64::from_be_bytes(field) } else { u64::from_le_bytes(field) }
    }
}

/// One whole block, from its type to its second length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) order: ByteOrder,
}

impl<'a> Block<'a> {
    /// What stands between the first length and the second.
    fn body_end(self) -> usize {
        self.bytes.len().saturating_sub(4)
    }

    /// A field of 4 bytes; `None` where the block is too short for it.
    pub(super) fn u32(self, at: usize) -> Option<u32> {
        (at + 4 <= self.body_end()).then(|| self.order.u32(&self.bytes[at..]))
    }

    /// A field of 2 bytes.
    pub(super) fn u16(self, at: usize) -> Option<u16> {
        (at + 2 <= self.body_end()).then(|| self.order.u16(&self.bytes[at..]))
    }

    /// The options from `at` on: code and value, until the end mark or until one does not fit.
    pub(super) fn options(self, at: usize) -> Options<'a> {
        Options { rest: self.bytes.get(at..self.body_end()).unwrap_or_default(), order: self.order }
    }
}

/// Options of a block.
pub(super) struct Options<'a> {
    rest: &'a [u8],
    order: ByteOrder,
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.rest.get(..4)?;
        let (code, length) = (self.order.u16(header), usize::from(self.order.u16(&header[2..])));
        if code == 0 {
            return None;
        }
        let value = self.rest.get(4..4 + length)?;
        self.rest = self.rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    }
}

/// Block types.
pub(super) mod kind {
    pub(in super::super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
    pub(in super::super) const INTERFACE: u32 = 1;
    pub(in super::super) const OBSOLETE_PACKET: u32 = 2;
    pub(in super::super) const SIMPLE_PACKET: u32 = 3;
    pub(in super::super) const NAMES: u32 = 4;
    pub(in super::super) const STATISTICS: u32 = 5;
    pub(in super::super) const ENHANCED_PACKET: u32 = 6;
    pub(in super::super) const SECRETS: u32 = 10;
    pub(in super::super) const CUSTOM: u32 = 0xbad;
    pub(in super::super) const CUSTOM_NO_COPY: u32 = 0x4000_0bad;
    /// Darwin process event block.
    pub(in super::super) const PROCESS: u32 = 0x8000_0001;

    /// Whether blocks of this type are told apart from others.
    pub(in super::super) fn is_known(kind: u32) -> bool {
        matches!(kind, INTERFACE..=ENHANCED_PACKET | SECTION_HEADER | SECRETS | CUSTOM | CUSTOM_NO_COPY | PROCESS)
    }

    /// Whether blocks of this type carry a packet.
    pub(in super::super) fn is_packet(kind: u32) -> bool {
        matches!(kind, OBSOLETE_PACKET | SIMPLE_PACKET | ENHANCED_PACKET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_end_at_their_mark_at_the_body_and_where_one_does_not_fit() {
        let block = |options: &[u8]| [&[6, 0, 0, 0, 0, 0, 0, 0], options, &[0xff; 4]].concat();
        let codes = |bytes: &[u8]| -> Vec<(u16, usize)> {
            let block = Block { bytes, order: ByteOrder::Little };
            block.options(8).map(|(code, value)| (code, value.len())).collect()
        };
        assert_eq!(codes(&block(&[1, 0, 1, 0, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0])), [(1, 1), (2, 0)]);
        assert_eq!(codes(&block(&[1, 0, 4, 0, 9, 9, 9, 9])), [(1, 4)], "no end mark");
        assert_eq!(codes(&block(&[1, 0, 5, 0, 9, 9, 9, 9])), []);
        assert_eq!(codes(&[]), []);
    }
}
