//! pcapng (draft-ietf-opsawg-pcapng): sections, interfaces of any link type and resolution, packets among other blocks.
//!
//! Blocks are read by hand: the fields of a packet without an allocation, 64-bit options in the byte order of the section.
//! Read: section headers, interface descriptions and statistics, enhanced, simple and obsolete packets, names, comments,
//! and the process blocks of macOS. Secrets, custom and unknown blocks are passed over and counted.
//!
//! A block whose two lengths agree (section 3.1) and whose fields contradict each other is passed over as damaged. Where
//! the lengths themselves are wrong, [`super::resync`] looks for the next block; where it finds none, reading ends there.

use super::block::{Block, ByteOrder, kind};
use super::budget::Budget;
use super::buffer::Buffer;
use super::damage::Damage;
use super::file::{Break, Record};
use super::interfaces::Interfaces;
use super::pcap::USUAL_LIMIT_BYTES;
use super::remarks::{OPT_COMMENT, Remarks, u32_option};
use super::resync::{self, Found, Section};
use crate::model::{CommentPlace, Heading, InterfaceSummary};

/// Largest packet block that is believed: 128 MiB of packet, and its options.
pub(super) const PACKET_LIMIT_BYTES: u32 = (128 << 20) + (1 << 20);
/// Largest block without a packet that is held in memory; larger ones are passed over.
const HELD_BYTES: u32 = 16 << 20;

/// Options of packet blocks: flags; Darwin's number of the process.
const EPB_FLAGS: u16 = 2;
const EPB_PROCESS: u16 = 0x8001;

pub(super) struct Pcapng {
    order: ByteOrder,
    /// Inside a section whose version is not known: its blocks are passed over.
    unknown_version: bool,
    /// How many such sections there were.
    passed_over: u32,
    interfaces: Interfaces,
    /// Length of the largest packet block so far.
    largest_block: usize,
    pub(super) remarks: Remarks,
    pub(super) damage: Damage,
}

/// The next block.
enum Next {
    /// Whole in memory, of this length.
    Held(usize),
    /// Too large to be held: passed over.
    Passed,
    End,
}

impl Pcapng {
    pub(super) fn recognise(start: &[u8]) -> bool {
        start.starts_with(&kind::SECTION_HEADER.to_be_bytes())
    }

    /// Reads the first section header.
    pub(super) fn open(buffer: &mut Buffer, names: &Budget) -> Result<Self, String> {
        let mut pcapng = Self {
            order: ByteOrder::Little,
            unknown_version: false,
            passed_over: 0,
            interfaces: Interfaces::default(),
            largest_block: 0,
            remarks: Remarks::new(names),
            damage: Damage::default(),
        };
        match pcapng.next_block(buffer).map_err(|stop| stop.to_string())? {
            Next::Held(length) => {
                pcapng.read_block(&buffer.bytes()[..length], 0)?;
                buffer.consume(length);
                Ok(pcapng)
            }
            Next::Passed => Ok(pcapng),
            Next::End => Err("no section header".into()),
        }
    }

    pub(super) fn interfaces(&self) -> &[InterfaceSummary] {
        self.interfaces.summaries()
    }

    pub(super) fn described(&self) -> u64 {
        self.interfaces.described()
    }

    /// The next packet, which will have the number `number`; its block stands at the start of the buffer and is consumed by
    /// the caller.
    pub(super) fn next(&mut self, buffer: &mut Buffer, number: u64) -> Result<Option<Record>, Break> {
        loop {
            match self.next_block(buffer) {
                Ok(Next::Held(length)) => match self.read_block(&buffer.bytes()[..length], number) {
                    Ok(Some(record)) => {
                        self.largest_block = self.largest_block.max(length);
                        return Ok(Some(record));
                    }
                    Ok(None) => buffer.consume(length),
                    Err(why) => {
                        // Its lengths agree, so the next one is where they say.
                        let from = buffer.offset();
                        buffer.consume(length);
                        self.damage.passed(number - 1, from, buffer.offset(), &why);
                    }
                },
                Ok(Next::Passed) => {}
                Ok(Next::End) => {
                    return match self.passed_over {
                        0 => Ok(None),
                        n => Err(Break::Corrupt(format!("{n} sections of an unknown pcapng version were passed over"))),
                    };
                }
                Err(stop @ (Break::Truncated(_) | Break::Corrupt(_))) => self.recover(buffer, number, stop)?,
                Err(stop) => return Err(stop),
            }
        }
    }

    /// Has the next block in memory, unless it is too large without carrying a packet.
    fn next_block(&mut self, buffer: &mut Buffer) -> Result<Next, Break> {
        if !buffer.fill(12)? {
            return match buffer.bytes().len() {
                0 => Ok(Next::End),
                available => Err(Break::cut("a block header", 12, available)),
            };
        }
        let bytes = buffer.bytes();
        let is_section = Self::recognise(bytes);
        let order = if is_section {
            match ByteOrder::of_magic(&bytes[8..]) {
                Some(order) => order,
                None => return Err(Break::Corrupt("a section header without byte-order magic".into())),
            }
        } else {
            self.order
        };
        let (number, length) = (order.u32(bytes), order.u32(&bytes[4..]));
        let largest = match number {
            kind::INTERFACE | kind::STATISTICS => HELD_BYTES,
            packet if kind::is_packet(packet) => PACKET_LIMIT_BYTES,
            _ => u32::MAX,
        };
        if !(12..=largest).contains(&length) {
            return Err(Break::Corrupt(format!("a block of type {number} of {length} bytes, which cannot be")));
        }
        if !length.is_multiple_of(4) {
            return Err(Break::Corrupt(format!("a block of {length} bytes, which is no multiple of 4")));
        }
        if length > HELD_BYTES && !kind::is_packet(number) {
            let section = self.state(order);
            if !kind::is_known(number) && resync::holds_blocks(buffer, section)? {
                return Err(Break::Corrupt(format!("a block of type {number} of {length} bytes, which cannot be")));
            }
            return self.pass(buffer, length, order, is_section);
        }
        let length = length as usize;
        if !buffer.fill(length)? {
            return Err(Break::cut("a block", length, buffer.bytes().len()));
        }
        let trailing = order.u32(&buffer.bytes()[length - 4..]);
        if trailing as usize != length {
            return Err(disagreeing(number, length as u64, trailing));
        }
        if is_section {
            self.order = order;
        }
        Ok(Next::Held(length))
    }

    /// Passes over a block without holding it. A section header that large still begins a section.
    fn pass(&mut self, buffer: &mut Buffer, length: u32, order: ByteOrder, section: bool) -> Result<Next, Break> {
        let from = buffer.offset();
        let number = order.u32(buffer.bytes());
        if section && buffer.fill(28)? {
            self.order = order;
            let start: Vec<u8> = buffer.bytes()[..28].to_vec();
            self.section(Block { bytes: &start, order });
        }
        let at = |stop| Break::At(from, Box::new(stop));
        let body = u64::from(length - 4);
        let there = buffer.skip(body)?;
        if there < body || !buffer.fill(4)? {
            let available = usize::try_from(there).unwrap_or(usize::MAX);
            return Err(at(Break::cut("a block", length as usize, available)));
        }
        let trailing = order.u32(buffer.bytes());
        if trailing != length {
            return Err(at(disagreeing(number, length.into(), trailing)));
        }
        buffer.consume(4);
        match number {
            kind::SECRETS => self.remarks.counts.secrets_blocks += 1,
            kind::CUSTOM | kind::CUSTOM_NO_COPY => self.remarks.counts.custom_blocks += 1,
            _ => self.remarks.counts.unknown_blocks += 1,
        }
        Ok(Next::Passed)
    }

    /// What is known of the section.
    fn state(&self, order: ByteOrder) -> Section {
        let announced = self.interfaces.largest_snap_length().unwrap_or(PACKET_LIMIT_BYTES).min(PACKET_LIMIT_BYTES);
        let largest_packet = self.largest_block.max(announced as usize).max(USUAL_LIMIT_BYTES as usize);
        Section { order, interfaces: self.interfaces.count(), largest_packet }
    }

    /// Goes on behind damage at the start of the buffer, or gives `stop` back with its place.
    fn recover(&mut self, buffer: &mut Buffer, number: u64, stop: Break) -> Result<(), Break> {
        let from = buffer.offset();
        let damaged_kind = self.order.u32(buffer.bytes());
        let section = self.state(self.order);
        let found = resync::find(buffer, section, matches!(stop, Break::Truncated(_)));
        let found = match found {
            Ok(Some(found)) => found,
            Ok(None) => return Err(Break::At(from, Box::new(stop))),
            Err(cause) => return Err(Break::At(from, Box::new(cause.into()))),
        };
        match damaged_kind {
            kind::SECTION_HEADER => self.interfaces.begin_section(),
            kind::INTERFACE => self.interfaces.damaged(),
            _ => {}
        }
        match found {
            Found::End(length) => buffer.consume(length),
            Found::Searched => self.interfaces.passed_over(),
        }
        self.damage.passed(number - 1, from, buffer.offset(), &stop.to_string());
        Ok(())
    }

    /// A packet, or nothing where the block carries none; the reason where its fields contradict each other.
    fn read_block(&mut self, bytes: &[u8], number: u64) -> Result<Option<Record>, String> {
        let block = Block { bytes, order: self.order };
        let kind = block.order.u32(bytes);
        if self.unknown_version && kind != kind::SECTION_HEADER {
            return Ok(None);
        }
        match kind {
            kind::ENHANCED_PACKET => return self.enhanced_packet(block, number).map(Some),
            kind::SIMPLE_PACKET => return self.simple_packet(block).map(Some),
            kind::OBSOLETE_PACKET => return self.obsolete_packet(block, number).map(Some),
            kind::SECTION_HEADER => self.section(block),
            kind::INTERFACE => {
                let Self { interfaces, remarks, .. } = self;
                interfaces.describe(block, &mut |text| remarks.comment(text, CommentPlace::Interface, None))?;
            }
            kind::STATISTICS => self.interfaces.statistics(block),
            kind::NAMES => self.remarks.name_resolution(block),
            kind::PROCESS => self.remarks.process(block),
            kind::SECRETS => self.remarks.counts.secrets_blocks += 1,
            kind::CUSTOM | kind::CUSTOM_NO_COPY => self.remarks.counts.custom_blocks += 1,
            _ => self.remarks.counts.unknown_blocks += 1,
        }
        Ok(None)
    }

    fn section(&mut self, block: Block<'_>) {
        self.interfaces.begin_section();
        self.remarks.begin_section();
        // 1.2 was written by mistake and is read as 1.0 (section 4.1).
        self.unknown_version = block.u16(12) != Some(1);
        self.passed_over += u32::from(self.unknown_version);
        if !self.unknown_version {
            self.remarks.comments(block, 24, CommentPlace::Section, None);
        }
    }

    #[inline]
    fn enhanced_packet(&mut self, block: Block<'_>, number: u64) -> Result<Record, String> {
        let Some(fields) = block.bytes.get(8..28).filter(|_| block.bytes.len() >= 32) else {
            return Err("an enhanced packet block that is too short".into());
        };
        let word = |at: usize| block.order.u32(&fields[at..]);
        let interface = self.interfaces.get(word(0))?;
        let mut record = Record {
            time_ns: interface.time_ns(word(4), word(8)),
            link_type: interface.link_type,
            data: packet_data(block, word(12))?,
            record_bytes: block.bytes.len(),
            wire_bytes: word(16),
            interface: interface.ordinal,
            heading: None,
            process: None,
        };
        self.packet_options(block, &mut record, number);
        Ok(record)
    }

    /// Appendix A of the draft: interface u16, drops u16, time stamp, captured and original length, data, options.
    fn obsolete_packet(&mut self, block: Block<'_>, number: u64) -> Result<Record, String> {
        let field = |at| block.u32(at).ok_or("an obsolete packet block that is too short");
        let (Some(id), wire_bytes) = (block.u16(8), field(24)?) else { return Err("no interface".into()) };
        let interface = self.interfaces.get(id.into())?;
        let mut record = Record {
            time_ns: interface.time_ns(field(12)?, field(16)?),
            link_type: interface.link_type,
            data: packet_data(block, field(20)?)?,
            record_bytes: block.bytes.len(),
            wire_bytes,
            interface: interface.ordinal,
            heading: None,
            process: None,
        };
        self.packet_options(block, &mut record, number);
        Ok(record)
    }

    /// Section 4.4: no interface, no time, no captured length; that follows from snap length and original length.
    fn simple_packet(&self, block: Block<'_>) -> Result<Record, String> {
        let Some(wire_bytes) = block.u32(8) else { return Err("a simple packet block that is too short".into()) };
        let interface = self.interfaces.get(0)?;
        let mut captured = (block.bytes.len() - 16).min(wire_bytes as usize);
        if interface.snap_length > 0 {
            captured = captured.min(interface.snap_length as usize);
        }
        Ok(Record {
            time_ns: 0,
            link_type: interface.link_type,
            data: 12..12 + captured,
            record_bytes: block.bytes.len(),
            wire_bytes,
            interface: interface.ordinal,
            heading: None,
            process: None,
        })
    }

    /// Options behind the data: comments, direction, process.
    fn packet_options(&mut self, block: Block<'_>, record: &mut Record, number: u64) {
        let at = record.data.end.next_multiple_of(4);
        if at + 4 >= block.bytes.len() {
            return;
        }
        for (code, value) in block.options(at) {
            match code {
                OPT_COMMENT => self.remarks.comment(value, CommentPlace::Packet, Some(number)),
                EPB_FLAGS => {
                    record.heading = match u32_option(block.order, value).unwrap_or(0) & 3 {
                        1 => Some(Heading::Inbound),
                        2 => Some(Heading::Outbound),
                        _ => None,
                    };
                }
                EPB_PROCESS => record.process = u32_option(block.order, value),
                _ => {}
            }
        }
    }
}

/// Where the data of an enhanced or obsolete packet block stand.
#[inline]
fn packet_data(block: Block<'_>, captured: u32) -> Result<std::ops::Range<usize>, String> {
    let end = (captured as usize).saturating_add(28);
    if end.saturating_add(4) > block.bytes.len() {
        let there = block.bytes.len().saturating_sub(32);
        return Err(format!("a packet block that claims {captured} captured bytes and has room for {there}"));
    }
    Ok(28..end)
}

fn disagreeing(kind: u32, length: u64, trailing: u32) -> Break {
    let lengths = format!("{length} bytes at its start and {trailing} at its end");
    Break::Corrupt(format!("a block of type {kind} whose lengths disagree: {lengths}"))
}
