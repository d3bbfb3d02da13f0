//! Formats and limits, on captures made byte by byte.

#![allow(clippy::disallowed_methods, reason = "tests write their own inputs")]

use super::*;
use crate::model::{CaptureEnd, CommentPlace, Heading};
use blocks::{BIG, Blocks, LITTLE};
use std::io::Write;
use std::path::Path;

#[path = "../../tests/support/blocks.rs"]
#[allow(dead_code, reason = "the tests of the program use the rest")]
pub(super) mod blocks;

/// What is compared of a frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Seen {
    pub(super) time_ns: i64,
    pub(super) timed: bool,
    pub(super) link_type: u16,
    pub(super) data: Vec<u8>,
    pub(super) wire_bytes: u32,
    pub(super) interface: u32,
    pub(super) heading: Option<Heading>,
    pub(super) process: Option<(u32, Vec<u8>)>,
}

fn read_inputs(inputs: &[Input]) -> (Vec<Seen>, ObservationEnd) {
    let mut observation = Observation::open(inputs, OpenOptions::default()).unwrap();
    let mut seen = Vec::new();
    while let Some(frame) = observation.next_frame() {
        seen.push(Seen {
            time_ns: frame.time_ns,
            timed: frame.timed,
            link_type: frame.link_type.0,
            data: frame.data.to_vec(),
            wire_bytes: frame.wire_bytes,
            interface: frame.interface,
            heading: frame.heading,
            process: frame.process.map(|process| (process.id, process.name.to_vec())),
        });
    }
    (seen, observation.finish())
}

pub(super) fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

pub(super) fn input(path: &Path) -> Input {
    Input::File(path.to_owned())
}

pub(super) fn read(bytes: &[u8]) -> (Vec<Seen>, ObservationEnd) {
    read_inputs(&[input(file(bytes).path())])
}

pub(super) fn start(b: Blocks) -> Vec<u8> {
    [b.section(&[]), b.interface(1, 0, &[])].concat()
}

/// A packet whose data name it.
pub(super) fn numbered(b: Blocks, number: u32) -> Vec<u8> {
    b.packet(0, 1_000_000 + u64::from(number), &[number.to_be_bytes(), [0xee; 4]].concat(), &[])
}

pub(super) fn numbers(seen: &[Seen]) -> Vec<u32> {
    seen.iter().map(|frame| u32::from_be_bytes(frame.data[..4].try_into().unwrap())).collect()
}

pub(super) fn pcap(records: &[Vec<u8>]) -> Vec<u8> {
    let header = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1].map(u32::to_le_bytes).concat();
    [header, records.concat()].concat()
}

pub(super) fn record(second: u32, data: &[u8], wire_bytes: u32) -> Vec<u8> {
    [[second, 0, data.len() as u32, wire_bytes].map(u32::to_le_bytes).concat(), data.to_vec()].concat()
}

#[test]
fn every_packet_block_in_both_byte_orders() {
    for b in [LITTLE, BIG] {
        let nano = [b.option(9, &[9]), b.option(14, &b.u64(100))];
        let bytes = [
            b.section(&[]),
            b.interface(101, 0, &[]),
            b.interface(1, 4, &nano),
            b.packet_of(0, 5, &[1, 2, 3], 9, &[b.option(2, &b.u32(0xfffc | 2))]),
            b.packet(1, 7, &[4; 8], &[b.option(2, &b.u32(1))]),
            b.obsolete_packet(0, 6, &[5; 5], &[b.option(2, &b.u32(1))]),
            b.simple_packet(&[6; 6], 60),
            // A second section begins with interfaces of its own.
            b.section(&[]),
            b.interface(228, 4, &[]),
            b.simple_packet(&[7; 4], 70),
        ]
        .concat();
        let (seen, end) = read(&bytes);
        let frame = |time_ns, link_type, data: &[u8], wire_bytes, interface, heading| Seen {
            time_ns,
            timed: data[0] < 6,
            link_type,
            data: data.to_vec(),
            wire_bytes,
            interface,
            heading,
            process: None,
        };
        let (inbound, outbound) = (Some(Heading::Inbound), Some(Heading::Outbound));
        let expected = [
            frame(5_000, 101, &[1, 2, 3], 9, 0, outbound),
            frame(100_000_000_007, 1, &[4; 8], 8, 1, inbound),
            frame(6_000, 101, &[5; 5], 5, 0, inbound),
            frame(6_000, 101, &[6; 8][..6], 60, 0, None),
            frame(6_000, 228, &[7; 4], 70, 2, None),
        ];
        let sorted = |frames: &[Seen]| {
            let mut frames = frames.to_vec();
            frames.sort_by_key(|frame| frame.data.clone());
            frames
        };
        assert_eq!(sorted(&seen)[..3], expected[..3]);
        assert_eq!(sorted(&seen)[4], expected[4]);
        assert_eq!(end.captures[0].1.end, CaptureEnd::Complete);
        assert_eq!(end.captures[0].1.reading.interfaces, 3);
    }
}

#[test]
fn a_frame_without_a_time_stands_where_the_frame_before_it_stands() {
    let b = LITTLE;
    let untimed = |n: u8| b.simple_packet(&[n; 8], 8);
    let bytes = [
        start(b),
        untimed(1),
        b.packet(0, 2_000_000, &[2; 8], &[]),
        untimed(3),
        b.packet(0, 0, &[4; 8], &[]),
        b.packet(0, 3_000_000, &[5; 8], &[]),
        b.packet(0, 1_000_000, &[6; 8], &[]),
        untimed(7),
    ]
    .concat();
    let (seen, end) = read(&bytes);
    let times: Vec<(i64, bool)> = seen.iter().map(|frame| (frame.time_ns / 1_000_000_000, frame.timed)).collect();
    assert_eq!(times, [(0, false), (2, true), (2, false), (2, false), (3, true), (1, true), (1, false)]);
    let summary = &end.captures[0].1;
    assert_eq!((summary.reading.untimed_frames, summary.backward_steps), (4, 1));
    assert_eq!((summary.first_ns, summary.last_ns), (Some(1_000_000_000), Some(3_000_000_000)));
}

#[test]
fn processes_are_numbered_by_section_and_bounded() {
    let b = LITTLE;
    let of = |n: u32| vec![b.option(0x8001, &b.u32(n))];
    let bytes = [
        start(b),
        b.process(40, "first"),
        b.process(41, "second\0\0"),
        b.packet(0, 1, &[1], &of(1)),
        b.packet(0, 2, &[2], &of(0)),
        b.packet(0, 3, &[3], &of(2)),
        b.section(&[]),
        b.interface(1, 0, &[]),
        b.packet(0, 4, &[4], &of(0)),
    ]
    .concat();
    let (seen, _) = read(&bytes);
    let processes: Vec<_> = seen.iter().map(|frame| frame.process.clone()).collect();
    assert_eq!(processes, [Some((41, b"second".to_vec())), Some((40, b"first".to_vec())), None, None]);
    let many = [start(b), b.process(1, "x").repeat(65_540), b.packet(0, 4, &[4], &of(65_539))].concat();
    let (seen, end) = read(&many);
    assert_eq!((seen[0].process.clone(), end.captures[0].1.reading.processes_dropped), (None, 4));
}

#[test]
fn what_carries_no_packet_is_passed_over_and_counted() {
    for b in [LITTLE, BIG] {
        let bytes = [
            start(b),
            b.block(0xbad, &[1, 2, 3, 4, 5]),
            b.block(0x4000_0bad, &[1, 2, 3, 4, 5]),
            b.block(10, b"TLSKthis is secret"),
            b.block(10, &vec![9; 17 << 20]),
            b.block(0x1234, &[0; 40]),
            b.block(0x1235, &vec![6; 17 << 20]),
            b.block(9, b"a journal entry"),
            b.statistics(0, 5, 1),
            b.statistics(0, 9, 3),
            b.statistics(7, 9, 3),
            numbered(b, 1),
        ]
        .concat();
        let (seen, end) = read(&bytes);
        let summary = &end.captures[0].1;
        assert_eq!((numbers(&seen), &summary.end), (vec![1], &CaptureEnd::Complete));
        let reading = &summary.reading;
        assert_eq!((reading.custom_blocks, reading.secrets_blocks, reading.unknown_blocks), (2, 2, 3));
        assert_eq!((summary.interfaces[0].received, summary.dropped()), (Some(9), Some(3)), "the latest counts");
        assert_eq!((reading.resyncs, reading.skipped_bytes), (0, 0));
    }
}

#[test]
fn comments_and_names_are_kept_and_bounded() {
    for b in [LITTLE, BIG] {
        let v6: std::net::Ipv6Addr = "fe80::1".parse().unwrap();
        let long = "n".repeat(300);
        let bytes = [
            b.section(&[b.option(1, b"of the section")]),
            b.interface(1, 0, &[b.option(1, b"of the interface")]),
            b.names(&[
                b.name(&[10, 0, 0, 1], &["srv1", "srv1.example"]),
                b.name(&v6.octets(), &["six"]),
                b.option(3, &[0; 12]),
                b.name(&[10, 0, 0, 1], &["srv1", &long]),
                b.option(1, &[10, 0]),
            ]),
            b.packet(0, 1, &[1], &[]),
            b.packet(0, 2, &[2], &[b.option(1, "é".repeat(600).as_bytes()), b.option(1, b"\xff")]),
            b.packet(0, 3, &[3], &[b.option(1, b"again")]).repeat(100),
        ]
        .concat();
        let (_, end) = read(&bytes);
        let names: Vec<_> = end.names.iter().map(|n| (n.address.to_string(), n.name.as_str())).collect();
        let name = |address: &str, name| (address.to_owned(), name);
        let expected = [name("10.0.0.1", "srv1"), name("10.0.0.1", "srv1.example"), name("fe80::1", "six")];
        assert_eq!(names, expected);
        let reading = &end.captures[0].1.reading;
        assert_eq!((reading.names_dropped, reading.comments_dropped, end.comments.len()), (1, 4, 100));
        let about = |place| end.comments.iter().filter(move |comment| comment.place == place);
        assert_eq!(about(CommentPlace::Section).next().unwrap().text, "of the section");
        assert_eq!(about(CommentPlace::Interface).next().unwrap().text, "of the interface");
        let texts: Vec<_> = about(CommentPlace::Packet).filter(|c| c.frame == Some(2)).map(|c| &c.text).collect();
        assert!(texts.contains(&&"é".repeat(500)) && texts.contains(&&"\u{fffd}".to_owned()), "{texts:?}");
    }
}

#[test]
fn names_are_bounded() {
    let b = LITTLE;
    let record = |n: u32| b.name(&n.to_be_bytes(), &["x"]);
    let block = |from: u32| b.names(&(from..from + 1000).map(record).collect::<Vec<_>>());
    let bytes = [start(b), (0..101).flat_map(|n| block(n * 1000)).collect()].concat();
    let (_, end) = read(&bytes);
    assert_eq!((end.names.len(), end.captures[0].1.reading.names_dropped), (100_000, 1000));
}

#[test]
fn many_interfaces_and_many_sections_are_bounded() {
    let b = BIG;
    let bytes = [start(b), b.interface(101, 0, &[]).repeat(100_000), b.packet(100_000, 3, &[1], &[])].concat();
    let (seen, end) = read(&bytes);
    assert_eq!((seen[0].interface, seen[0].link_type), (100_000, 101));
    let summary = &end.captures[0].1;
    assert_eq!((summary.interfaces.len(), summary.reading.interfaces), (4096, 100_001));
    let sections = [start(b), numbered(b, 7)].concat().repeat(50_000);
    let (seen, end) = read(&sections);
    assert_eq!((seen.len(), seen[49_999].interface), (50_000, 49_999));
    assert_eq!(end.captures[0].1.interfaces.len(), 4096);
}

#[test]
fn many_files_that_overlap_are_merged_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = Vec::new();
    for n in 0..200_u32 {
        // All begin in the same second; ties go to the file given first.
        let records: Vec<Vec<u8>> =
            (0..20).map(|i| record(1_000 + i, &[n.to_be_bytes(), [0; 4]].concat(), 8)).collect();
        let plain = pcap(&records);
        let (name, bytes) = match n % 4 {
            0 => (format!("{n}.zst"), zstd::encode_all(plain.as_slice(), 1).unwrap()),
            1 => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(&plain).unwrap();
                (format!("{n}.gz"), encoder.finish().unwrap())
            }
            _ => (format!("{n}.pcap"), plain),
        };
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        inputs.push(Input::File(path));
    }
    let (seen, end) = read_inputs(&inputs);
    let expected: Vec<(i64, u32)> = (0..20).flat_map(|i| (0..200).map(move |n| (1_000 + i, n))).collect();
    let found: Vec<(i64, u32)> = seen.iter().map(|f| f.time_ns / 1_000_000_000).zip(numbers(&seen)).collect();
    assert_eq!(found, expected);
    assert!(end.skipped.is_empty() && end.captures.iter().all(|(_, c)| c.end == CaptureEnd::Complete));
}

#[test]
fn the_rest_of_a_file_is_the_same_for_a_sparing_reader() {
    let b = LITTLE;
    let bytes = [start(b), (0..3_000).flat_map(|n| numbered(b, n)).collect::<Vec<u8>>()].concat();
    let stored = file(&bytes);
    let packed = file(&zstd::encode_all(bytes.as_slice(), 1).unwrap());
    for path in [stored.path(), packed.path()] {
        let opening = file::Opening { options: OpenOptions { hash: true }, sparing: true };
        let mut sparing =
            CaptureFile::open_within(&input(path), Default::default(), opening, &Default::default()).unwrap();
        let mut frames = 0;
        while sparing.advance() {
            frames += 1;
        }
        let mut at_ease = CaptureFile::open(&input(path), Default::default(), OpenOptions { hash: true }).unwrap();
        while at_ease.advance() {}
        assert_eq!(frames, 3_000);
        assert_eq!(sparing.finish(), at_ease.finish());
    }
}

#[cfg(feature = "live")]
#[test]
fn frames_that_a_filter_keeps_out_are_counted() {
    let bytes = pcap(&[record(1, &[0xff; 60], 60), record(2, &[0; 60], 60), record(3, &[0xff; 60], 60)]);
    let capture = file(&bytes);
    let filter = Filter::new("ether broadcast").unwrap();
    let observation = Observation::open(&[input(capture.path())], OpenOptions::default()).unwrap();
    let mut observation = observation.with_filter(Some(filter));
    let mut frames = Vec::new();
    while let Some(frame) = observation.next_frame() {
        frames.push(frame.position.frame);
    }
    let end = observation.finish();
    let summary = &end.captures[0].1;
    assert_eq!((frames, summary.filter.as_deref()), (vec![1, 3], Some("ether broadcast")));
    assert_eq!(summary.tally.iter().collect::<Vec<_>>(), [(crate::model::Fate::Filtered, 1)]);
    assert_eq!(summary.last_ns, Some(3_000_000_000));
}
