//! pcapng (draft-ietf-opsawg-pcapng): sections, interfaces of any link type and resolution, packets among other blocks.
//!
//! Blocks that carry no packet are skipped; interface statistics are kept for the drops that they state. A block of any
//! kind that contradicts itself (section 3.1: a multiple of 4 bytes, and its length once more at its end) ends the
//! reading with its offset: what follows it cannot be found.

use super::buffer::Buffer;
use super::file::{Break, Record};
use crate::model::{InterfaceSummary, LinkType};
use pcap_parser::pcapng::{
    Block, EnhancedPacketBlock, InterfaceDescriptionBlock, InterfaceStatisticsBlock, parse_block_be, parse_block_le,
};
use pcap_parser::traits::PcapNGPacketBlock;

/// Largest block that is believed. Packets are far below; name tables and secrets may be large.
const LIMIT_BYTES: u32 = 256 << 20;
/// Interfaces whose description is kept for the summary. Packets of later ones are read all the same.
const SUMMARY_INTERFACES: usize = 4096;
/// Interfaces of one section.
const SECTION_INTERFACES: usize = 1 << 20;

const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// Option of an interface description: seconds to add to every time stamp.
const IF_TSOFFSET: u16 = 14;
/// Options of interface statistics: packets received, dropped by the interface, dropped by the system.
const ISB_IFRECV: u16 = 4;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;
/// Obsolete packet block: still in old files, not parsed by the library.
const OBSOLETE_PACKET: u32 = 2;

#[derive(Debug, Clone, Copy)]
struct Interface {
    link_type: LinkType,
    units_per_second: u64,
    offset_seconds: i64,
    /// Index in the summary, where it is kept.
    summary: Option<usize>,
}

impl Interface {
    /// Nanoseconds since 1970 of a time stamp in this interface's units; saturates at the ends of the range.
    fn time_ns(&self, high: u32, low: u32) -> i64 {
        let units = (u64::from(high) << 32) | u64::from(low);
        let ns = match self.units_per_second {
            1_000_000_000 => i128::from(units),
            1_000_000 => i128::from(units) * 1_000,
            rate => i128::from(units) * 1_000_000_000 / i128::from(rate.max(1)),
        };
        let shifted = ns + i128::from(self.offset_seconds) * 1_000_000_000;
        i64::try_from(shifted).unwrap_or(if shifted < 0 { i64::MIN } else { i64::MAX })
    }
}

/// if_tsresol (section 4.2): a power of ten, or with the highest bit one of two. The library refuses every power of two.
fn units_per_second(resolution: u8) -> Option<u64> {
    let exponent = u32::from(resolution & 0x7f);
    if resolution & 0x80 == 0 { 10_u64.checked_pow(exponent) } else { 1_u64.checked_shl(exponent) }
}

pub(super) struct Pcapng {
    big_endian: bool,
    /// Inside a section whose version is not known: its blocks are passed over.
    unknown_version: bool,
    /// How many such sections there were.
    passed_over: u32,
    interfaces: Vec<Interface>,
    summaries: Vec<InterfaceSummary>,
}

impl Pcapng {
    pub(super) fn recognise(start: &[u8]) -> bool {
        start.starts_with(&SECTION_HEADER)
    }

    /// Reads the first section header.
    pub(super) fn open(buffer: &mut Buffer) -> Result<Self, String> {
        let mut pcapng = Self {
            big_endian: false,
            unknown_version: false,
            passed_over: 0,
            interfaces: Vec::new(),
            summaries: Vec::new(),
        };
        let length = pcapng.block_length(buffer).map_err(|stop| stop.to_string())?;
        let Some(length) = length else { return Err("no section header".into()) };
        pcapng.read_block(&buffer.bytes()[..length]).map_err(|stop| stop.to_string())?;
        buffer.consume(length);
        Ok(pcapng)
    }

    pub(super) fn interfaces(&self) -> &[InterfaceSummary] {
        &self.summaries
    }

    /// The next packet; its block stands at the start of the buffer and is consumed by the caller.
    pub(super) fn next(&mut self, buffer: &mut Buffer) -> Result<Option<Record>, Break> {
        loop {
            let Some(length) = self.block_length(buffer)? else {
                return match self.passed_over {
                    0 => Ok(None),
                    n => Err(Break::Corrupt(format!("{n} sections of an unknown pcapng version were passed over"))),
                };
            };
            if let Some(record) = self.read_block(&buffer.bytes()[..length])? {
                return Ok(Some(record));
            }
            buffer.consume(length);
        }
    }

    /// Has the whole next block in memory and returns its length; `None` at the end of the file.
    fn block_length(&mut self, buffer: &mut Buffer) -> Result<Option<usize>, Break> {
        if !buffer.fill(12)? {
            return match buffer.bytes().len() {
                0 => Ok(None),
                available => Err(Break::cut("a block header", 12, available)),
            };
        }
        let bytes = buffer.bytes();
        if bytes.starts_with(&SECTION_HEADER) {
            self.big_endian = match bytes[8..12] {
                [0x1a, 0x2b, 0x3c, 0x4d] => true,
                [0x4d, 0x3c, 0x2b, 0x1a] => false,
                _ => return Err(Break::Corrupt("a section header without byte-order magic".into())),
            };
        }
        let length = self.u32_at(bytes, 4);
        if !(12..=LIMIT_BYTES).contains(&length) {
            return Err(Break::Corrupt(format!("a block of {length} bytes, which cannot be")));
        }
        if !length.is_multiple_of(4) {
            return Err(Break::Corrupt(format!("a block of {length} bytes, which is no multiple of 4")));
        }
        let length = length as usize;
        if !buffer.fill(length)? {
            return Err(Break::cut("a block", length, buffer.bytes().len()));
        }
        let trailing = self.u32_at(buffer.bytes(), length - 4);
        if trailing as usize != length {
            let kind = self.u32_at(buffer.bytes(), 0);
            let lengths = format!("{length} bytes at its start and {trailing} at its end");
            return Err(Break::Corrupt(format!("a block of type {kind} whose lengths disagree: {lengths}")));
        }
        Ok(Some(length))
    }

    fn u32_at(&self, bytes: &[u8], at: usize) -> u32 {
        let field = bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).unwrap_or_default();
        if self.big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }
    }

    fn read_block(&mut self, block: &[u8]) -> Result<Option<Record>, Break> {
        if self.unknown_version && !block.starts_with(&SECTION_HEADER) {
            return Ok(None);
        }
        if self.u32_at(block, 0) == OBSOLETE_PACKET {
            return self.obsolete_packet(block).map(Some);
        }
        let parsed = if self.big_endian { parse_block_be(block) } else { parse_block_le(block) };
        // The block is whole: a parser that asks for more was misled by a length inside it.
        let Ok((_, parsed)) = parsed else {
            return Err(Break::Corrupt(format!("a block of type {} whose lengths disagree", self.u32_at(block, 0))));
        };
        match parsed {
            Block::SectionHeader(header) => {
                self.interfaces.clear();
                self.unknown_version = header.major_version != 1;
                self.passed_over += u32::from(self.unknown_version);
            }
            Block::InterfaceDescription(description) => self.describe(&description)?,
            Block::InterfaceStatistics(statistics) => self.statistics(&statistics),
            Block::EnhancedPacket(packet) => return self.enhanced_packet(&packet, block.len()).map(Some),
            Block::SimplePacket(packet) => {
                let interface = self.interface(0)?;
                let snap_length = interface.summary.map_or(0, |i| self.summaries[i].snap_length);
                let mut captured = packet.packet_data().len();
                if snap_length > 0 {
                    captured = captured.min(snap_length as usize);
                }
                return Ok(Some(Record {
                    time_ns: 0,
                    link_type: interface.link_type,
                    data: 12..12 + captured,
                    record_bytes: block.len(),
                    wire_bytes: packet.origlen,
                }));
            }
            _ => {}
        }
        Ok(None)
    }

    fn interface(&self, id: u32) -> Result<Interface, Break> {
        self.interfaces.get(id as usize).copied().ok_or_else(|| {
            Break::Corrupt(format!("a packet of interface {id}, but {} are described", self.interfaces.len()))
        })
    }

    fn describe(&mut self, description: &InterfaceDescriptionBlock<'_>) -> Result<(), Break> {
        if self.interfaces.len() >= SECTION_INTERFACES {
            return Err(Break::Corrupt(format!("more than {SECTION_INTERFACES} interfaces in one section")));
        }
        let Some(units_per_second) = units_per_second(description.if_tsresol) else {
            return Err(Break::Corrupt("an interface with an impossible time resolution".into()));
        };
        let link_type = LinkType((description.linktype.0 as u32 & 0xffff) as u16);
        let mut summary = None;
        if self.summaries.len() < SUMMARY_INTERFACES {
            summary = Some(self.summaries.len());
            self.summaries.push(InterfaceSummary {
                link_type,
                snap_length: description.snaplen,
                name: description.if_name().and_then(Result::ok).map(|name| name.chars().take(256).collect()),
                received: None,
                dropped: None,
            });
        }
        self.interfaces.push(Interface {
            link_type,
            units_per_second,
            offset_seconds: self.offset_seconds(description),
            summary,
        });
        Ok(())
    }

    /// if_tsoffset. The library reads it as little-endian in every section.
    fn offset_seconds(&self, description: &InterfaceDescriptionBlock<'_>) -> i64 {
        let option = description.options.iter().find(|option| option.code.0 == IF_TSOFFSET);
        let bytes = option.and_then(|option| option.value.get(..8)?.try_into().ok()).unwrap_or_default();
        if self.big_endian { i64::from_be_bytes(bytes) } else { i64::from_le_bytes(bytes) }
    }

    fn statistics(&mut self, statistics: &InterfaceStatisticsBlock<'_>) {
        let Ok(Interface { summary: Some(index), .. }) = self.interface(statistics.if_id) else { return };
        let summary = &mut self.summaries[index];
        // The library's own accessors read counters as little-endian in every section.
        let counter = |code: u16| {
            let option = statistics.options.iter().find(|option| option.code.0 == code)?;
            let bytes = option.value.get(..8)?.try_into().ok()?;
            Some(if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
        };
        // Counters run from the start of the capture: a later block replaces an earlier one.
        summary.received = counter(ISB_IFRECV).or(summary.received);
        let dropped = [counter(ISB_IFDROP), counter(ISB_OSDROP)].into_iter().flatten();
        summary.dropped = dropped.reduce(u64::saturating_add).or(summary.dropped);
    }

    fn enhanced_packet(&self, packet: &EnhancedPacketBlock<'_>, record_bytes: usize) -> Result<Record, Break> {
        let interface = self.interface(packet.if_id)?;
        Ok(Record {
            time_ns: interface.time_ns(packet.ts_high, packet.ts_low),
            link_type: interface.link_type,
            data: 28..28 + packet.packet_data().len(),
            record_bytes,
            wire_bytes: packet.origlen,
        })
    }

    /// Appendix of the draft: interface u16, drops u16, time stamp, captured and original length, data.
    fn obsolete_packet(&self, block: &[u8]) -> Result<Record, Break> {
        let field = block.get(8..10).and_then(|b| b.try_into().ok()).unwrap_or_default();
        let id = if self.big_endian { u16::from_be_bytes(field) } else { u16::from_le_bytes(field) };
        let interface = self.interface(u32::from(id))?;
        let captured = self.u32_at(block, 20) as usize;
        if captured.saturating_add(32) > block.len() {
            return Err(Break::Corrupt("an obsolete packet block whose lengths disagree".into()));
        }
        Ok(Record {
            time_ns: interface.time_ns(self.u32_at(block, 12), self.u32_at(block, 16)),
            link_type: interface.link_type,
            data: 28..28 + captured,
            record_bytes: block.len(),
            wire_bytes: self.u32_at(block, 24),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resolution_becomes_nanoseconds() {
        let at = |units_per_second, offset_seconds, units: u64| {
            let interface =
                Interface { link_type: LinkType::ETHERNET, units_per_second, offset_seconds, summary: None };
            interface.time_ns((units >> 32) as u32, units as u32)
        };
        assert_eq!(at(1_000_000, 0, 1_700_000_000_123_456), 1_700_000_000_123_456_000);
        assert_eq!(at(1_000_000_000, 0, 1_700_000_000_123_456_789), 1_700_000_000_123_456_789);
        assert_eq!(at(1 << 32, 0, 3 << 31), 1_500_000_000);
        assert_eq!(at(1, 60, 100), 160_000_000_000);
        assert_eq!(at(1, i64::MAX, u64::MAX), i64::MAX);
    }

    #[test]
    fn resolutions_are_powers_of_ten_or_of_two() {
        let known = [0, 6, 9, 19, 0x80, 0x94, 0xa0, 0xbf].map(units_per_second);
        let (ten, two) = (10_u64, 2_u64);
        let expected = [1, ten.pow(6), ten.pow(9), ten.pow(19), 1, two.pow(20), two.pow(32), two.pow(63)].map(Some);
        assert_eq!(known, expected);
        assert_eq!([20, 0x7f, 0xc0, 0xff].map(units_per_second), [None; 4]);
    }
}
