//! Classic pcap (draft-ietf-opsawg-pcap): one link type, one resolution, records until the end.
//!
//! Records carry no mark, so damage can be seen only where a length cannot be. Reading goes on behind it when record
//! headers follow one another from some place over more bytes than a packet of this file has (its snap length, and at least
//! 262,144), all with lengths, fractions of a second and times that fit: a piece of a capture inside a packet cannot do that. Otherwise it ends there.
//!
//! Zeros are no records. A file that was allocated and never filled, or a bomb behind a header, would read as any number
//! of empty packets at time 0: a run of 4,096 zero bytes in place of a record, or zeros to the end, is damage.

use super::buffer::Buffer;
use super::damage::Damage;
use super::file::{Break, Record};
use crate::model::{InterfaceSummary, LinkType};
use pcap_parser::pcap::parse_pcap_header;

/// Largest captured length that libpcap ever writes (MAXIMUM_SNAPLEN). A header may announce more.
pub(super) const USUAL_LIMIT_BYTES: u32 = 262_144;
/// Largest captured length that is believed at all: USB captures reach it.
const LIMIT_BYTES: u32 = 128 << 20;
/// Zeros that are no records.
const ZEROS_BYTES: usize = 4096;
/// Bytes that are searched for a record behind damage.
const SEARCH_BYTES: u64 = 16 << 20;
/// Record headers looked at in one search.
const LOOKS: u32 = 1 << 22;
/// Seconds by which the time behind damage may differ from the time before it: a day.
const NEAR_SECONDS: u32 = 86_400;

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
    /// Second of the latest record.
    latest_second: Option<u32>,
    pub(super) damage: Damage,
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
            latest_second: None,
            damage: Damage::default(),
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

    /// The next record, which will have the number `number`; it stands at the start of the buffer and is consumed by the
    /// caller.
    #[inline]
    pub(super) fn next(&mut self, buffer: &mut Buffer, number: u64) -> Result<Option<Record>, Break> {
        let read = self.read(buffer);
        if let Err(Break::Corrupt(why)) = &read {
            return self.go_on(buffer, number, why);
        }
        read
    }

    /// Goes on behind damage at the start of the buffer.
    #[cold]
    fn go_on(&mut self, buffer: &mut Buffer, number: u64, why: &str) -> Result<Option<Record>, Break> {
        let from = buffer.offset();
        if !self.find(buffer).map_err(|e| Break::At(from, Box::new(e.into())))? {
            return Err(Break::At(from, Box::new(Break::Corrupt(why.to_owned()))));
        }
        self.damage.passed(number - 1, from, buffer.offset(), why);
        self.read(buffer)
    }

    fn header_bytes(&self) -> usize {
        if self.layout == Layout::Modified { 24 } else { 16 }
    }

    #[inline]
    fn read(&mut self, buffer: &mut Buffer) -> Result<Option<Record>, Break> {
        let header_bytes = self.header_bytes();
        if !buffer.fill(header_bytes)? {
            return match buffer.bytes().len() {
                0 => Ok(None),
                available => Err(Break::cut("a record header", header_bytes, available)),
            };
        }
        let captured = self.word(buffer.bytes(), 8);
        if captured > self.limit_bytes {
            return Err(Break::Corrupt(format!(
                "a record claims {captured} captured bytes, more than the {} that this file may hold",
                self.limit_bytes
            )));
        }
        if captured == 0 && is_zero(&buffer.bytes()[..header_bytes]) {
            refuse_zeros(buffer, header_bytes)?;
        }
        let record_bytes = header_bytes + captured as usize;
        if !buffer.fill(record_bytes)? {
            return Err(Break::cut("a record", record_bytes, buffer.bytes().len()));
        }
        let header = buffer.bytes();
        let (second, fraction, original) = (self.word(header, 0), self.word(header, 4), self.word(header, 12));
        self.latest_second = Some(second);
        let fraction_ns = i64::from(fraction) * if self.nanoseconds { 1 } else { 1_000 };
        Ok(Some(Record {
            time_ns: i64::from(second) * 1_000_000_000 + fraction_ns,
            link_type: self.link_type,
            data: header_bytes..record_bytes,
            record_bytes,
            wire_bytes: original,
            interface: 0,
            heading: None,
            process: None,
        }))
    }

    /// A word of a record header: they all begin with second, fraction, captured and original length.
    #[inline]
    fn word(&self, record: &[u8], at: usize) -> u32 {
        let field = record.get(at..at + 4).and_then(|b| b.try_into().ok()).unwrap_or_default();
        if self.layout == Layout::Big { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }
    }

    /// Looks for the next record behind damage at the start of the buffer, and consumes what stands before it.
    fn find(&self, buffer: &mut Buffer) -> std::io::Result<bool> {
        let header_bytes = self.header_bytes();
        let limit = buffer.offset().saturating_add(SEARCH_BYTES);
        let mut looks = LOOKS;
        buffer.consume(1);
        while buffer.offset() < limit && looks > 0 && buffer.fill(header_bytes)? {
            let bytes = buffer.bytes();
            let places = bytes.len() + 1 - header_bytes;
            match (0..places).find(|at| self.plausible(&bytes[*at..], self.latest_second).is_some()) {
                None => buffer.consume(places),
                Some(at) => {
                    buffer.consume(at);
                    if self.proven(buffer, &mut looks)? {
                        return Ok(true);
                    }
                    buffer.consume(1);
                }
            }
        }
        Ok(false)
    }

    /// Whether records follow one another from the start of the buffer on, over more bytes than a packet of this file has.
    fn proven(&self, buffer: &mut Buffer, looks: &mut u32) -> std::io::Result<bool> {
        let (mut here, mut second) = (0, self.latest_second);
        while here <= self.limit_bytes as usize {
            if *looks == 0 || !buffer.fill(here + self.header_bytes())? {
                return Ok(false);
            }
            *looks -= 1;
            let record = &buffer.bytes()[here..];
            let Some(captured) = self.plausible(record, second) else { return Ok(false) };
            second = Some(self.word(record, 0));
            here += self.header_bytes() + captured as usize;
        }
        Ok(true)
    }

    /// The captured length in a record header, if everything in it fits.
    fn plausible(&self, record: &[u8], near: Option<u32>) -> Option<u32> {
        let (second, fraction) = (self.word(record, 0), self.word(record, 4));
        let (captured, original) = (self.word(record, 8), self.word(record, 12));
        let fits = (1..=USUAL_LIMIT_BYTES).contains(&captured)
            && (captured..=USUAL_LIMIT_BYTES).contains(&original)
            && fraction < if self.nanoseconds { 1_000_000_000 } else { 1_000_000 }
            && near.is_none_or(|near| near.abs_diff(second) <= NEAR_SECONDS);
        fits.then_some(captured)
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// An empty record at time 0 stands at the start of the buffer: one may be one, many are none.
fn refuse_zeros(buffer: &mut Buffer, header_bytes: usize) -> Result<(), Break> {
    let whole = buffer.fill(ZEROS_BYTES)?;
    let bytes = buffer.bytes();
    let looked_at = &bytes[..bytes.len().min(ZEROS_BYTES)];
    if !is_zero(looked_at) || looked_at.len() <= header_bytes {
        return Ok(());
    }
    Err(Break::Corrupt(match whole {
        true => format!("zeros in place of records ({ZEROS_BYTES} bytes and maybe more)"),
        false => format!("{} zeros in place of records, to the end of the file", looked_at.len()),
    }))
}
