//! Writing recordings: pcapng out, block by block.
//!
//! The room turns frames with their time, interface and length on the wire into a capture file that Wireshark,
//! tcpdump and our own reader open without a warning. It takes the time from the caller and reads no clock.
//!
//! It refuses to judge: nothing here looks into a frame. It refuses to repair: a frame that contradicts itself
//! (more bytes captured than were on the wire) is an error, not a guess.

mod pcapng;

pub use pcapng::{InterfaceInfo, InterfaceStatistics, PcapngError, PcapngWriter, SectionInfo};
