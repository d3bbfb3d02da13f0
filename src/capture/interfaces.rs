//! The interfaces of a pcapng section: link type, resolution, statistics.

use super::block::Block;
use super::remarks::OPT_COMMENT;
use crate::model::{InterfaceSummary, LinkType};

/// Interfaces whose description is kept for the summary. Packets of later ones are read all the same.
const SUMMARY_INTERFACES: usize = 4096;
/// Interfaces of one section.
const SECTION_INTERFACES: usize = 1 << 20;
/// Characters of an interface name that are kept.
const NAME_CHARACTERS: usize = 256;

/// Options of an interface description: name, resolution, seconds to add to every time stamp.
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
/// Options of interface statistics: packets received, dropped by the interface, dropped by the system.
const ISB_IFRECV: u16 = 4;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// One interface of the section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interface {
    pub(super) link_type: LinkType,
    /// 0 where not limited.
    pub(super) snap_length: u32,
    units_per_second: u64,
    offset_seconds: i64,
    /// Ordinal over the whole file.
    pub(super) ordinal: u32,
    /// Index in the summary, where it is kept.
    summary: Option<u32>,
}

impl Interface {
    /// Nanoseconds since 1970 of a time stamp in this interface's units; saturates at the ends of the range.
    pub(super) fn time_ns(&self, high: u32, low: u32) -> i64 {
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

/// The interfaces of the section that is read, and a summary of those of the whole file.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    /// `None` for one whose description is damaged, or whose number is not sure.
    section: Vec<Option<Interface>>,
    summaries: Vec<InterfaceSummary>,
    described: u32,
    /// Blocks were passed over unseen, maybe descriptions: what is described from here on has no sure number.
    unsure: bool,
}

impl Interfaces {
    pub(super) fn summaries(&self) -> &[InterfaceSummary] {
        &self.summaries
    }

    pub(super) fn described(&self) -> u64 {
        self.described.into()
    }

    /// Of this section, or 0 where nothing is described; `None` where one has no limit, or none that is known.
    pub(super) fn largest_snap_length(&self) -> Option<u32> {
        let limit = |interface: &Option<Interface>| interface.map(|i| i.snap_length).filter(|n| *n > 0);
        self.section.iter().map(limit).try_fold(0, |largest, limit| Some(limit?.max(largest)))
    }

    /// Of this section.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.section.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn begin_section(&mut self) {
        self.section.clear();
        self.unsure = false;
    }

    /// Blocks were passed over without being looked at.
    pub(super) fn passed_over(&mut self) {
        self.unsure = true;
    }

    /// A description that cannot be used: it keeps its number, and its packets are not guessed at.
    pub(super) fn damaged(&mut self) {
        if self.section.len() < SECTION_INTERFACES {
            self.section.push(None);
            self.described = self.described.saturating_add(1);
        }
    }

    /// The interface with this number in this section.
    #[inline]
    pub(super) fn get(&self, number: u32) -> Result<&Interface, String> {
        match self.section.get(number as usize) {
            Some(Some(interface)) => Ok(interface),
            Some(None) => Err(format!("a packet of interface {number}, whose description is damaged or not sure")),
            None => Err(format!("a packet of interface {number}, but {} are described", self.section.len())),
        }
    }

    /// Reads a description.
    pub(super) fn describe(&mut self, block: Block<'_>, comment: &mut impl FnMut(&[u8])) -> Result<(), String> {
        if self.section.len() >= SECTION_INTERFACES {
            return Err(format!("more than {SECTION_INTERFACES} interfaces in one section"));
        }
        let read = self.read(block, comment);
        let usable = if self.unsure { None } else { read.as_ref().ok().copied() };
        self.section.push(usable);
        self.described = self.described.saturating_add(1);
        read.map(|_| ())
    }

    fn read(&mut self, block: Block<'_>, comment: &mut impl FnMut(&[u8])) -> Result<Interface, String> {
        let (Some(link_type), Some(snap_length)) = (block.u16(8), block.u32(12)) else {
            return Err(format!("an interface description of {} bytes", block.bytes.len()));
        };
        let (mut resolution, mut offset_seconds, mut name) = (6, 0, None);
        for (code, value) in block.options(16) {
            match (code, value) {
                (OPT_COMMENT, text) => comment(text),
                (IF_NAME, text) => name = name.or(Some(text)),
                (IF_TSRESOL, [exponent, ..]) => resolution = *exponent,
                (IF_TSOFFSET, [_, _, _, _, _, _, _, _, ..]) => offset_seconds = block.order.u64(value).cast_signed(),
                _ => {}
            }
        }
        let Some(units_per_second) = units_per_second(resolution) else {
            return Err("an interface with an impossible time resolution".into());
        };
        let mut summary = None;
        if self.summaries.len() < SUMMARY_INTERFACES {
            summary = u32::try_from(self.summaries.len()).ok();
            let shown = |name: &[u8]| {
                String::from_utf8_lossy(name).trim_end_matches('\0').chars().take(NAME_CHARACTERS).collect()
            };
            self.summaries.push(InterfaceSummary {
                link_type: LinkType(link_type),
                snap_length,
                name: name.map(shown),
                received: None,
                dropped: None,
            });
        }
        let ordinal = self.described;
        Ok(Interface {
            link_type: LinkType(link_type),
            snap_length,
            units_per_second,
            offset_seconds,
            ordinal,
            summary,
        })
    }

    /// Reads statistics. Counters run from the start of the capture: a later block replaces an earlier one.
    pub(super) fn statistics(&mut self, block: Block<'_>) {
        let interface = block.u32(8).and_then(|number| self.get(number).ok());
        let Some(summary) = interface.and_then(|i| i.summary).and_then(|i| self.summaries.get_mut(i as usize)) else {
            return;
        };
        let mut dropped: Option<u64> = None;
        for (code, value) in block.options(20).filter(|(_, value)| value.len() >= 8) {
            let counter = block.order.u64(value);
            match code {
                ISB_IFRECV => summary.received = Some(counter),
                ISB_IFDROP | ISB_OSDROP => dropped = Some(dropped.unwrap_or(0).saturating_add(counter)),
                _ => {}
            }
        }
        summary.dropped = dropped.or(summary.dropped);
    }
}

/// if_tsresol: a negative power of 10, or of 2 where the highest bit is set.
fn units_per_second(resolution: u8) -> Option<u64> {
    let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(u32::from(resolution & 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resolution_becomes_nanoseconds() {
        let at = |resolution, offset_seconds, units: u64| {
            let interface = Interface {
                link_type: LinkType::ETHERNET,
                snap_length: 0,
                units_per_second: units_per_second(resolution).unwrap(),
                offset_seconds,
                ordinal: 0,
                summary: None,
            };
            interface.time_ns((units >> 32) as u32, units as u32)
        };
        assert_eq!(at(6, 0, 1_700_000_000_123_456), 1_700_000_000_123_456_000);
        assert_eq!(at(9, 0, 1_700_000_000_123_456_789), 1_700_000_000_123_456_789);
        assert_eq!(at(0x80 | 32, 0, 3 << 31), 1_500_000_000);
        assert_eq!(at(0, 60, 100), 160_000_000_000);
        assert_eq!(at(0, i64::MAX, u64::MAX), i64::MAX);
        assert_eq!((units_per_second(19), units_per_second(20)), (Some(10_u64.pow(19)), None));
        assert_eq!((units_per_second(0xbf), units_per_second(0xc0)), (Some(1 << 63), None));
    }
}
