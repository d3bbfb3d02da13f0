//! A pcapng writer: one section, little-endian, nanosecond time stamps.
//!
//! Format: draft-ietf-opsawg-pcapng. Written are the section header block (section 4.1), interface description blocks
//! (4.2), enhanced packet blocks (4.3) and interface statistics blocks (4.6). Simple packet, name resolution and
//! custom blocks are not written.
//!
//! Each block is put together in memory and handed to the sink in one call, so that a recorder that is killed leaves
//! whole blocks and at most one cut one. No more than one block is held. The serializer of pcap-parser was considered:
//! it builds several vectors for each packet and brings another parser-combinator crate, for a format that needs one
//! reused buffer.

use crate::model::LinkType;
use std::io::{self, Write};

/// Block types.
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// Option codes: common ones (section 3.5), then those of each block.
const OPT_END: u16 = 0;
const OPT_COMMENT: u16 = 1;
const SHB_HARDWARE: u16 = 2;
const SHB_OS: u16 = 3;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const ISB_IFRECV: u16 = 4;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// Time stamps count units of 10^-9 s.
const NANOSECONDS: u8 = 9;

/// Why a block could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PcapngError {
    /// The sink failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The block names an interface that was not described when the writer was made.
    #[error("interface {interface} is not described: the section has {described}")]
    UnknownInterface {
        /// The interface that was asked for, from 0.
        interface: u32,
        /// Interfaces described in the section.
        described: u32,
    },
    /// pcapng time stamps are unsigned and count from 1970-01-01 UTC.
    #[error("time stamp {time_ns} ns lies before 1970")]
    TimeBeforeEpoch {
        /// The time stamp.
        time_ns: i64,
    },
    /// More bytes were captured than the frame had on the wire.
    #[error("{captured_bytes} bytes captured of a frame with {wire_bytes} on the wire")]
    LongerThanWire {
        /// Captured bytes.
        captured_bytes: usize,
        /// Length on the wire.
        wire_bytes: u32,
    },
    /// An option value has a 16-bit length.
    #[error("option {code} has {bytes} bytes, 65,535 is the most")]
    OptionTooLong {
        /// Option code.
        code: u16,
        /// Length of the value in bytes.
        bytes: usize,
    },
    /// A block has a 32-bit length.
    #[error("a block of {bytes} bytes does not fit its length field")]
    BlockTooLong {
        /// Length of the block in bytes.
        bytes: usize,
    },
}

impl From<PcapngError> for io::Error {
    fn from(error: PcapngError) -> Self {
        match error {
            PcapngError::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidInput, other),
        }
    }
}

/// What the section header says about the recorder (section 4.1). An empty text is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SectionInfo {
    /// shb_hardware: the machine that recorded.
    pub hardware: String,
    /// shb_os: its operating system.
    pub os: String,
    /// shb_userappl: the program that wrote the file.
    pub application: String,
}

/// One interface (section 4.2). Its time stamp resolution is always 10^-9 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceInfo {
    /// if_name, left out where empty.
    pub name: String,
    /// Link type of its frames.
    pub link_type: LinkType,
    /// Most bytes kept of a frame, 0 where not limited.
    pub snap_length: u32,
}

/// What an interface counted since the recording began (section 4.6). An unknown counter is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InterfaceStatistics {
    /// isb_ifrecv: packets received.
    pub received: Option<u64>,
    /// isb_ifdrop: packets that the interface dropped for lack of resources.
    pub dropped_by_interface: Option<u64>,
    /// isb_osdrop: packets that the operating system dropped.
    pub dropped_by_system: Option<u64>,
}

/// Writes one section. The sink is not buffered here: give a `BufWriter` for files.
#[derive(Debug)]
pub struct PcapngWriter<W: Write> {
    sink: W,
    block: Vec<u8>,
    snap_lengths: Vec<u32>,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section header and one description for each interface. Interfaces are numbered from 0 in this order.
    ///
    /// # Errors
    /// When the sink fails or a text is longer than 65,535 bytes.
    pub fn new(sink: W, section: &SectionInfo, interfaces: &[InterfaceInfo]) -> Result<Self, PcapngError> {
        let snap_lengths = interfaces.iter().map(|interface| interface.snap_length).collect();
        let mut writer = Self { sink, block: Vec::new(), snap_lengths };
        writer.section_header(section)?;
        for interface in interfaces {
            writer.interface_description(interface)?;
        }
        Ok(writer)
    }

    /// Writes one frame. Bytes beyond the interface's snap length are not written, as its description promises.
    ///
    /// # Errors
    /// When the sink fails, the interface is not described, the time lies before 1970 or `data` is longer than
    /// `wire_bytes`. After an error other than of the sink the file is still whole.
    pub fn write_packet(
        &mut self,
        interface: u32,
        time_ns: i64,
        data: &[u8],
        wire_bytes: u32,
    ) -> Result<(), PcapngError> {
        self.packet(interface, time_ns, data, wire_bytes, "")
    }

    /// As [`Self::write_packet`], with a comment that Wireshark shows at the frame. An empty one is left out.
    ///
    /// # Errors
    /// As [`Self::write_packet`], and when the comment is longer than 65,535 bytes.
    pub fn write_packet_with_comment(
        &mut self,
        interface: u32,
        time_ns: i64,
        data: &[u8],
        wire_bytes: u32,
        comment: &str,
    ) -> Result<(), PcapngError> {
        self.packet(interface, time_ns, data, wire_bytes, comment)
    }

    /// Writes what an interface counted up to `time_ns`; `dropped` goes to isb_ifdrop, as dumpcap does.
    ///
    /// # Errors
    /// As [`Self::write_interface_statistics`].
    pub fn write_statistics(
        &mut self,
        interface: u32,
        time_ns: i64,
        received: Option<u64>,
        dropped: Option<u64>,
    ) -> Result<(), PcapngError> {
        let counters = InterfaceStatistics { received, dropped_by_interface: dropped, dropped_by_system: None };
        self.write_interface_statistics(interface, time_ns, &counters)
    }

    /// Writes what an interface counted up to `time_ns`, with drops told apart by who dropped.
    ///
    /// # Errors
    /// When the sink fails, the interface is not described or the time lies before 1970.
    pub fn write_interface_statistics(
        &mut self,
        interface: u32,
        time_ns: i64,
        counters: &InterfaceStatistics,
    ) -> Result<(), PcapngError> {
        self.snap_length(interface)?;
        let stamp = time_stamp(time_ns)?;
        self.begin(INTERFACE_STATISTICS);
        self.put_u32(interface);
        self.put_stamp(stamp);
        let options = [
            (ISB_IFRECV, counters.received),
            (ISB_IFDROP, counters.dropped_by_interface),
            (ISB_OSDROP, counters.dropped_by_system),
        ];
        for (code, value) in options {
            if let Some(value) = value {
                self.option(code, &value.to_le_bytes())?;
            }
        }
        self.end_of_options();
        self.end()
    }

    /// Hands everything written so far to the operating system.
    ///
    /// # Errors
    /// When the sink fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }

    /// Flushes and gives the sink back. The format needs no trailer.
    ///
    /// # Errors
    /// When the sink fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.sink.flush()?;
        Ok(self.sink)
    }

    fn section_header(&mut self, section: &SectionInfo) -> Result<(), PcapngError> {
        self.begin(SECTION_HEADER);
        self.put_u32(0x1a2b_3c4d);
        self.block.extend_from_slice(&1u16.to_le_bytes());
        self.block.extend_from_slice(&0u16.to_le_bytes());
        // Section length: not specified, so that a section can grow while it is written.
        self.block.extend_from_slice(&(-1i64).to_le_bytes());
        self.text_option(SHB_HARDWARE, &section.hardware)?;
        self.text_option(SHB_OS, &section.os)?;
        self.text_option(SHB_USERAPPL, &section.application)?;
        self.end_of_options();
        self.end()
    }

    fn interface_description(&mut self, interface: &InterfaceInfo) -> Result<(), PcapngError> {
        self.begin(INTERFACE_DESCRIPTION);
        self.block.extend_from_slice(&interface.link_type.0.to_le_bytes());
        self.block.extend_from_slice(&0u16.to_le_bytes());
        self.put_u32(interface.snap_length);
        self.text_option(IF_NAME, &interface.name)?;
        self.option(IF_TSRESOL, &[NANOSECONDS])?;
        self.end_of_options();
        self.end()
    }

    fn packet(
        &mut self,
        interface: u32,
        time_ns: i64,
        data: &[u8],
        wire_bytes: u32,
        comment: &str,
    ) -> Result<(), PcapngError> {
        let snap_length = self.snap_length(interface)?;
        let stamp = time_stamp(time_ns)?;
        if u32::try_from(data.len()).map_or(true, |captured| captured > wire_bytes) {
            return Err(PcapngError::LongerThanWire { captured_bytes: data.len(), wire_bytes });
        }
        let kept = match usize::try_from(snap_length) {
            Ok(limit) if limit > 0 => &data[..data.len().min(limit)],
            _ => data,
        };
        self.begin(ENHANCED_PACKET);
        self.put_u32(interface);
        self.put_stamp(stamp);
        // Fits: it is at most wire_bytes, as checked above.
        self.put_u32(u32::try_from(kept.len()).unwrap_or(wire_bytes));
        self.put_u32(wire_bytes);
        self.block.extend_from_slice(kept);
        self.pad();
        if !comment.is_empty() {
            self.text_option(OPT_COMMENT, comment)?;
            self.end_of_options();
        }
        self.end()
    }

    fn snap_length(&self, interface: u32) -> Result<u32, PcapngError> {
        let described = u32::try_from(self.snap_lengths.len()).unwrap_or(u32::MAX);
        usize::try_from(interface)
            .ok()
            .and_then(|index| self.snap_lengths.get(index).copied())
            .ok_or(PcapngError::UnknownInterface { interface, described })
    }

    fn begin(&mut self, block_type: u32) {
        self.block.clear();
        self.put_u32(block_type);
        self.put_u32(0);
    }

    /// Fills in both lengths of the block and writes it. Nothing reaches the sink when it cannot be written whole.
    fn end(&mut self) -> Result<(), PcapngError> {
        let bytes = self.block.len().saturating_add(4);
        let length = u32::try_from(bytes).map_err(|_| PcapngError::BlockTooLong { bytes })?.to_le_bytes();
        self.block[4..8].copy_from_slice(&length);
        self.block.extend_from_slice(&length);
        Ok(self.sink.write_all(&self.block)?)
    }

    fn text_option(&mut self, code: u16, text: &str) -> Result<(), PcapngError> {
        if text.is_empty() { Ok(()) } else { self.option(code, text.as_bytes()) }
    }

    fn option(&mut self, code: u16, value: &[u8]) -> Result<(), PcapngError> {
        let length = u16::try_from(value.len()).map_err(|_| PcapngError::OptionTooLong { code, bytes: value.len() })?;
        self.block.extend_from_slice(&code.to_le_bytes());
        self.block.extend_from_slice(&length.to_le_bytes());
        self.block.extend_from_slice(value);
        self.pad();
        Ok(())
    }

    /// Ends the option list: code and length 0.
    fn end_of_options(&mut self) {
        self.block.extend_from_slice(&OPT_END.to_le_bytes());
        self.block.extend_from_slice(&0u16.to_le_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.block.extend_from_slice(&value.to_le_bytes());
    }

    /// Upper half first, each half little-endian (section 4.3).
    fn put_stamp(&mut self, stamp: u64) {
        let bytes = stamp.to_le_bytes();
        self.block.extend_from_slice(&bytes[4..]);
        self.block.extend_from_slice(&bytes[..4]);
    }

    /// Pads to the next 32-bit boundary. The block begins on one, so its length tells how much is missing.
    fn pad(&mut self) {
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }
}

fn time_stamp(time_ns: i64) -> Result<u64, PcapngError> {
    u64::try_from(time_ns).map_err(|_| PcapngError::TimeBeforeEpoch { time_ns })
}

#[cfg(test)]
#[path = "pcapng_tests.rs"]
mod tests;
