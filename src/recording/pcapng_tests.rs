//! What the writer wrote, read back block for block by pcap-parser.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::{InterfaceInfo, InterfaceStatistics, PcapngError, PcapngWriter, SectionInfo};
use crate::model::LinkType;
use pcap_parser::{Block, OptionCode, PcapNGOption, parse_block_le, parse_sectionheaderblock};

const TIME_NS: i64 = 1_772_488_800_123_456_789;

fn section() -> SectionInfo {
    SectionInfo { hardware: "bench".into(), os: "none".into(), application: "portproof".into() }
}

fn interfaces() -> Vec<InterfaceInfo> {
    vec![
        InterfaceInfo { name: "mirror".into(), link_type: LinkType::ETHERNET, snap_length: 0 },
        InterfaceInfo { name: String::new(), link_type: LinkType::LINUX_SLL2, snap_length: 6 },
    ]
}

fn writer() -> PcapngWriter<Vec<u8>> {
    PcapngWriter::new(Vec::new(), &section(), &interfaces()).unwrap()
}

/// Splits a file into blocks; fails on anything that is left over.
fn blocks(mut bytes: &[u8]) -> Vec<Block<'_>> {
    let mut out = Vec::new();
    let (rest, block) = parse_sectionheaderblock(bytes).unwrap();
    out.push(Block::SectionHeader(block));
    bytes = rest;
    while !bytes.is_empty() {
        let (rest, block) = parse_block_le(bytes).unwrap();
        out.push(block);
        bytes = rest;
    }
    out
}

fn value<'a>(options: &'a [PcapNGOption<'a>], code: u16) -> Option<&'a [u8]> {
    options.iter().find(|o| o.code == OptionCode(code)).map(|o| &o.value[..usize::from(o.len)])
}

#[test]
fn section_and_interfaces_are_described() {
    let bytes = writer().finish().unwrap();
    let blocks = blocks(&bytes);
    assert_eq!(blocks.len(), 3);
    let Block::SectionHeader(header) = &blocks[0] else { panic!("{:?}", blocks[0]) };
    assert_eq!((header.major_version, header.minor_version, header.section_len), (1, 0, -1));
    assert!(!header.big_endian());
    assert_eq!(value(&header.options, 2), Some(&b"bench"[..]));
    assert_eq!(value(&header.options, 3), Some(&b"none"[..]));
    assert_eq!(value(&header.options, 4), Some(&b"portproof"[..]));
    let Block::InterfaceDescription(first) = &blocks[1] else { panic!("{:?}", blocks[1]) };
    assert_eq!((first.linktype.0, first.snaplen, first.if_tsresol), (1, 0, 9));
    assert_eq!(value(&first.options, 2), Some(&b"mirror"[..]));
    let Block::InterfaceDescription(second) = &blocks[2] else { panic!("{:?}", blocks[2]) };
    assert_eq!((second.linktype.0, second.snaplen, second.if_tsresol), (276, 6, 9));
    assert_eq!(value(&second.options, 2), None, "an empty name is left out");
}

#[test]
fn empty_section_texts_are_left_out() {
    let bytes = PcapngWriter::new(Vec::new(), &SectionInfo::default(), &[]).unwrap().finish().unwrap();
    let blocks = blocks(&bytes);
    let Block::SectionHeader(header) = &blocks[0] else { panic!("{:?}", blocks[0]) };
    assert!([2, 3, 4].iter().all(|code| value(&header.options, *code).is_none()));
}

#[test]
fn packets_keep_time_length_and_bytes() {
    // Every length modulo 4, for the padding, and both ends of the time range.
    let frames: Vec<(i64, Vec<u8>)> = (0..9u8)
        .map(|n| (TIME_NS + i64::from(n), (0..n).collect()))
        .chain([(0, vec![1]), (i64::MAX, vec![2])])
        .collect();
    let mut writer = writer();
    for (time_ns, data) in &frames {
        writer.write_packet(0, *time_ns, data, 1500).unwrap();
    }
    let bytes = writer.finish().unwrap();
    let blocks = blocks(&bytes);
    assert_eq!(blocks.len(), 3 + frames.len());
    for (block, (time_ns, data)) in blocks[3..].iter().zip(&frames) {
        let Block::EnhancedPacket(packet) = block else { panic!("{block:?}") };
        let stamp = (u64::from(packet.ts_high) << 32) | u64::from(packet.ts_low);
        assert_eq!(i64::try_from(stamp).unwrap(), *time_ns);
        assert_eq!((packet.if_id, packet.origlen, packet.caplen as usize), (0, 1500, data.len()));
        assert_eq!(&packet.data[..data.len()], &data[..]);
        assert!(packet.options.is_empty());
    }
}

#[test]
fn a_comment_is_an_option_of_its_packet() {
    let mut writer = writer();
    writer.write_packet_with_comment(0, TIME_NS, b"abcde", 5, "schedule stored").unwrap();
    writer.write_packet_with_comment(0, TIME_NS, b"abcde", 5, "").unwrap();
    let bytes = writer.finish().unwrap();
    let blocks = blocks(&bytes);
    let Block::EnhancedPacket(first) = &blocks[3] else { panic!("{:?}", blocks[3]) };
    assert_eq!(value(&first.options, 1), Some(&b"schedule stored"[..]));
    let Block::EnhancedPacket(second) = &blocks[4] else { panic!("{:?}", blocks[4]) };
    assert!(second.options.is_empty());
}

#[test]
fn the_snap_length_cuts_the_bytes_and_not_the_wire_length() {
    let mut writer = writer();
    writer.write_packet(1, TIME_NS, b"0123456789", 10).unwrap();
    let bytes = writer.finish().unwrap();
    let blocks = blocks(&bytes);
    let Block::EnhancedPacket(packet) = &blocks[3] else { panic!("{:?}", blocks[3]) };
    assert_eq!((packet.if_id, packet.caplen, packet.origlen), (1, 6, 10));
    assert_eq!(&packet.data[..6], b"012345");
}

#[test]
fn statistics_carry_only_known_counters() {
    let mut writer = writer();
    writer.write_statistics(0, TIME_NS, Some(7), Some(0)).unwrap();
    let counters = InterfaceStatistics { dropped_by_system: Some(u64::MAX), ..InterfaceStatistics::default() };
    writer.write_interface_statistics(1, TIME_NS, &counters).unwrap();
    let bytes = writer.finish().unwrap();
    let blocks = blocks(&bytes);
    let Block::InterfaceStatistics(first) = &blocks[3] else { panic!("{:?}", blocks[3]) };
    assert_eq!(first.if_id, 0);
    assert_eq!((u64::from(first.ts_high) << 32) | u64::from(first.ts_low), TIME_NS.unsigned_abs());
    assert_eq!(value(&first.options, 4), Some(&7u64.to_le_bytes()[..]));
    assert_eq!(value(&first.options, 5), Some(&0u64.to_le_bytes()[..]));
    assert_eq!(value(&first.options, 7), None);
    let Block::InterfaceStatistics(second) = &blocks[4] else { panic!("{:?}", blocks[4]) };
    assert_eq!(value(&second.options, 7), Some(&u64::MAX.to_le_bytes()[..]));
    assert_eq!((value(&second.options, 4), value(&second.options, 5)), (None, None));
}

#[test]
fn a_refused_block_leaves_the_file_whole() {
    let mut writer = writer();
    assert!(matches!(
        writer.write_packet(2, TIME_NS, b"x", 1),
        Err(PcapngError::UnknownInterface { interface: 2, described: 2 })
    ));
    assert!(matches!(
        writer.write_statistics(9, TIME_NS, None, None),
        Err(PcapngError::UnknownInterface { interface: 9, .. })
    ));
    assert!(matches!(writer.write_packet(0, -1, b"x", 1), Err(PcapngError::TimeBeforeEpoch { time_ns: -1 })));
    assert!(matches!(
        writer.write_packet(0, TIME_NS, b"xy", 1),
        Err(PcapngError::LongerThanWire { captured_bytes: 2, wire_bytes: 1 })
    ));
    let long = "c".repeat(65_536);
    assert!(matches!(
        writer.write_packet_with_comment(0, TIME_NS, b"x", 1, &long),
        Err(PcapngError::OptionTooLong { code: 1, bytes: 65_536 })
    ));
    writer.write_packet(0, TIME_NS, b"x", 1).unwrap();
    let bytes = writer.finish().unwrap();
    assert_eq!(blocks(&bytes).len(), 4);
}

/// Takes a number of writes and fails then.
struct Full {
    writes_left: usize,
}

impl std::io::Write for Full {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.writes_left = self.writes_left.checked_sub(1).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_reported_and_each_block_is_one_write() {
    let mut writer = PcapngWriter::new(Full { writes_left: 4 }, &section(), &interfaces()).unwrap();
    writer.write_packet(0, TIME_NS, b"abc", 3).unwrap();
    let error = writer.write_packet(0, TIME_NS, b"abc", 3).unwrap_err();
    assert!(matches!(&error, PcapngError::Io(io) if io.kind() == std::io::ErrorKind::StorageFull));
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::StorageFull);
}
