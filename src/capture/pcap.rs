//! Classic pcap (draft-ietf-opsawg-pcap): one link type, one resolution, records until the end.

use super::buffer::Buffer;
use super::file::{Break, Record};
use crate::model::{InterfaceSummary, LinkType};
use pcap_parser::pcap::{
    LegacyPcapBlock, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header,
};

/// Largest captured length that libpcap ever writes (MAXIMUM_SNAPLEN). A header may announce more.
const USUAL_LIMIT_BYTES: u32 = 262_144;
/// Largest captured length that is believed at all: USB captures reach it.
const LIMIT_BYTES: u32 = 128 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Little,
    Big,
    /// "Modified" pcap of some 1990s Linux kernels: 24-byte record headers.
    Modified,
}

pub(super) struct Pcap {
    layout: Layout,
    nanoseconds: bool,
    limit_bytes: u32,
    link_type: LinkType,
    snap_length: u32,
}

impl Pcap {
    pub(super) const HEADER_BYTES: usize = 24;

    pub(super) fn recognise(start: &[u8]) -> bool {
        matches!(
            start,
            [0xd4, 0xc3, 0xb2, 0xa1, ..]
                | [0xa1, 0xb2, 0xc3, 0xd4, ..]
                | [0x4d, 0x3c, 0xb2, 0xa1, ..]
                | [0xa1, 0xb2, 0x3c, 0x4d, ..]
                | [0x34, 0xcd, 0xb2, 0xa1, ..]
        )
    }

    /// Reads the file header.
    pub(super) fn open(buffer: &mut Buffer) -> Result<Self, String> {
        let whole = buffer.fill(Self::HEADER_BYTES).map_err(|e| e.to_string())?;
        let available = buffer.bytes().len();
        if !whole {
            return Err(format!("the pcap header needs {} bytes, {available} are there", Self::HEADER_BYTES));
        }
        let Ok((_, header)) = parse_pcap_header(buffer.bytes()) else {
            return Err("the pcap header cannot be read".into());
        };
        let layout = match (header.is_modified_format(), header.is_bigendian()) {
            (true, _) => Layout::Modified,
            (false, true) => Layout::Big,
            (false, false) => Layout::Little,
        };
        let pcap = Self {
            layout,
            nanoseconds: header.is_nanosecond_precision(),
            limit_bytes: header.snaplen.clamp(USUAL_LIMIT_BYTES, LIMIT_BYTES),
            // Upper bits hold the length of a frame check sequence and reserved bits.
            link_type: LinkType((header.network.0 as u32 & 0xffff) as u16),
            snap_length: header.snaplen,
        };
        buffer.consume(Self::HEADER_BYTES);
        Ok(pcap)
    }

    pub(super) fn interface(&self) -> InterfaceSummary {
        InterfaceSummary {
            link_type: self.link_type,
            snap_length: self.snap_length,
            name: None,
            received: None,
            dropped: None,
        }
    }

    /// The next record; it stands at the start of the buffer and is consumed by the caller.
    pub(super) fn next(&self, buffer: &mut Buffer) -> Result<Option<Record>, Break> {
        let header_bytes = if self.layout == Layout::Modified { 24 } else { 16 };
        if !buffer.fill(header_bytes)? {
            return match buffer.bytes().len() {
                0 => Ok(None),
                available => Err(Break::cut("a record header", header_bytes, available)),
            };
        }
        let captured = self.captured_length(buffer.bytes());
        if captured > self.limit_bytes {
            return Err(Break::Corrupt(format!(
                "a record claims {captured} captured bytes, more than the {} that this file may hold",
                self.limit_bytes
            )));
        }
        let record_bytes = header_bytes + captured as usize;
        if !buffer.fill(record_bytes)? {
            return Err(Break::cut("a record", record_bytes, buffer.bytes().len()));
        }
        let Ok((_, block)) = self.parse(&buffer.bytes()[..record_bytes]) else {
            return Err(Break::Corrupt("a record that cannot be read".into()));
        };
        let fraction_ns = i64::from(block.ts_usec) * if self.nanoseconds { 1 } else { 1_000 };
        Ok(Some(Record {
            time_ns: i64::from(block.ts_sec) * 1_000_000_000 + fraction_ns,
            link_type: self.link_type,
            data: header_bytes..record_bytes,
            record_bytes,
            wire_bytes: block.origlen,
        }))
    }

    fn captured_length(&self, record: &[u8]) -> u32 {
        let field = record.get(8..12).and_then(|b| b.try_into().ok()).unwrap_or_default();
        if self.layout == Layout::Big { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }
    }

    fn parse<'a>(&self, record: &'a [u8]) -> Result<(&'a [u8], LegacyPcapBlock<'a>), ()> {
        match self.layout {
            Layout::Little => parse_pcap_frame(record),
            Layout::Big => parse_pcap_frame_be(record),
            Layout::Modified => parse_pcap_frame_modified(record),
        }
        .map_err(|_| ())
    }
}
