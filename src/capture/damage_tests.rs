//! Damage: where reading ends, where it goes on, and that payload is never taken for a frame.

use super::tests::blocks::{BIG, Blocks, LITTLE};
use super::tests::{file, input, numbered, numbers, pcap, read, record, start};
use super::*;
use crate::model::{CaptureEnd, LinkType};
use std::io::Write;

/// The detail of the end, which has to be corrupt.
#[track_caller]
fn corrupt(end: &ObservationEnd) -> &str {
    match &end.captures[0].1.end {
        CaptureEnd::Corrupt(detail) => detail,
        other => panic!("not corrupt: {other:?}"),
    }
}

#[test]
fn a_block_whose_fields_contradict_each_other_is_passed_over() {
    for b in [LITTLE, BIG] {
        let mut too_long = numbered(b, 2);
        too_long[20..24].copy_from_slice(&b.u32(99));
        let bytes = [
            start(b),
            numbered(b, 1),
            too_long.clone(),
            b.packet(1, 0, &[9; 8], &[]),
            b.interface(101, 0, &[b.option(9, &[77])]),
            b.packet(1, 0, &[9; 8], &[]),
            numbered(b, 3),
        ]
        .concat();
        let (seen, end) = read(&bytes);
        assert_eq!(numbers(&seen), [1, 3]);
        let at = start(b).len() + numbered(b, 1).len();
        let detail = corrupt(&end);
        assert!(detail.starts_with(&format!("after frame 1, byte {at}: a packet block that claims 99")), "{detail}");
        assert!(detail.contains(&format!("reading went on at byte {}", at + too_long.len())), "{detail}");
        assert!(detail.contains("in all 4 places"), "{detail}");
        assert_eq!(end.captures[0].1.reading.resyncs, 4);
    }
}

#[test]
fn reading_goes_on_behind_a_wrong_length() {
    for b in [LITTLE, BIG] {
        for (field, wrong) in [(4, 41), (4, 400), (4, u32::MAX), (4, 0), (40, 0), (20, 7)] {
            let mut damaged = numbered(b, 2);
            assert_eq!(damaged.len(), 40);
            let at = if field == 40 { 36 } else { field };
            damaged[at..at + 4].copy_from_slice(&b.u32(wrong));
            if field == 20 {
                // Both the captured length and the first length are wrong.
                damaged[4..8].copy_from_slice(&b.u32(3));
            }
            let bytes = [
                start(b),
                numbered(b, 1),
                damaged,
                (3..30).flat_map(|n| numbered(b, n)).collect::<Vec<u8>>(),
                b.statistics(0, 30, 0),
            ]
            .concat();
            let (seen, end) = read(&bytes);
            assert_eq!(numbers(&seen), [&[1][..], &(3..30).collect::<Vec<_>>()].concat(), "{field} {wrong}");
            let reading = &end.captures[0].1.reading;
            assert_eq!((reading.resyncs, reading.skipped_bytes), (1, 40), "{field} {wrong}");
            let from = start(b).len() + 40;
            let detail = corrupt(&end);
            assert!(detail.starts_with(&format!("after frame 1, byte {from}: ")), "{detail}");
            assert!(detail.ends_with(&format!("; reading went on at byte {}", from + 40)), "{detail}");
        }
    }
}

#[test]
fn bytes_that_were_lost_or_put_in_are_passed_over_wherever_they_are() {
    let b = LITTLE;
    let packets = |from: u32, to: u32| (from..to).flat_map(|n| numbered(b, n)).collect::<Vec<u8>>();
    for extra in [&b"xyz"[..], &[0; 4096], &[6, 0, 0, 0, 40, 0, 0, 0]] {
        let (seen, end) = read(&[start(b), packets(0, 5), extra.to_vec(), packets(5, 9)].concat());
        assert_eq!(numbers(&seen), (0..9).collect::<Vec<_>>());
        assert_eq!(end.captures[0].1.reading.skipped_bytes, extra.len() as u64);
    }
    let mut lost = [start(b), packets(0, 9)].concat();
    lost.drain(start(b).len() + 50..start(b).len() + 61);
    assert_eq!(numbers(&read(&lost).0), [0, 2, 3, 4, 5, 6, 7, 8]);
}

/// A whole small capture as payload, as when a recording is copied over the network.
fn carrying(b: Blocks, inner: &[u8], options: &[Vec<u8>]) -> Vec<u8> {
    b.packet(0, 1, &[&[0xaa; 54], inner].concat(), options)
}

#[test]
fn payload_is_never_taken_for_a_frame() {
    let b = LITTLE;
    let inner = [start(b), (900..1000).flat_map(|n| numbered(b, n)).collect::<Vec<u8>>()].concat();
    let carrier = carrying(b, &inner, &[]);
    let lengths = [4_usize, 20, carrier.len() - 4];
    for following in [0, 1, 5] {
        let rest: Vec<u8> = (2..2 + following).flat_map(|n| numbered(b, n)).collect();
        // Every one, every two and all three of the lengths of the carrier are wrong.
        for wrong in 1_u32..8 {
            let mut damaged = carrier.clone();
            for (bit, at) in lengths.into_iter().enumerate() {
                if wrong & (1 << bit) != 0 {
                    damaged[at..at + 4].copy_from_slice(&b.u32(0x7003));
                }
            }
            let bytes = [start(b), numbered(b, 1), damaged, rest.clone()].concat();
            let (seen, _) = read(&bytes);
            let seen: Vec<u32> = numbers(&seen).into_iter().filter(|n| *n != 0xaaaa_aaaa).collect();
            assert!(seen.iter().all(|n| *n < 900), "{wrong:03b} {following}: {seen:?}");
            assert_eq!(seen[1..], (2..2 + following).collect::<Vec<_>>()[..seen.len() - 1], "{wrong:03b} {following}");
        }
        // Cut anywhere inside the carrier: what is left of it is no capture either.
        for cut in (40..carrier.len()).step_by(7) {
            let bytes = [start(b), numbered(b, 1), carrier[..cut].to_vec()].concat();
            let (seen, end) = read(&bytes);
            assert_eq!(numbers(&seen), [1], "cut at {cut}");
            assert!(matches!(end.captures[0].1.end, CaptureEnd::Truncated(_)), "{:?}", end.captures[0].1.end);
        }
    }
}

/// 600 packets in one, larger than libpcap's largest snap length.
fn large_carrier(b: Blocks) -> Vec<u8> {
    let inner: Vec<u8> =
        (0..600).flat_map(|n| b.packet(0, 1, &[&[0xbb; 4], &[n as u8; 1036][..]].concat(), &[])).collect();
    assert!(inner.len() > 600_000);
    carrying(b, &inner, &[])
}

#[test]
fn payload_of_a_packet_beyond_every_snap_length_is_not_taken_for_a_frame_either() {
    for b in [LITTLE, BIG] {
        let carrier = large_carrier(b);
        let (begin, end) = (numbered(b, 1), [numbered(b, 2), numbered(b, 3)].concat());
        // The captured length finds the end where only the first length is wrong.
        let mut damaged = carrier.clone();
        damaged[4..8].copy_from_slice(&b.u32(0x7777));
        let (seen, told) = read(&[start(b), begin.clone(), damaged.clone(), end.clone()].concat());
        assert_eq!(numbers(&seen), [1, 2, 3]);
        assert_eq!(told.captures[0].1.reading.skipped_bytes, carrier.len() as u64);
        // Where that is wrong as well, only what follows to the end of the file is believed.
        damaged[20..24].copy_from_slice(&b.u32(0x7777));
        let (seen, _) = read(&[start(b), begin.clone(), damaged.clone(), end.clone()].concat());
        assert_eq!(numbers(&seen), [1, 2, 3]);
        let (seen, told) = read(&[start(b), begin.clone(), damaged.clone(), end.clone(), vec![1]].concat());
        assert_eq!((numbers(&seen), told.captures[0].1.reading.resyncs), (vec![1], 0));
        // A snap length of the file, or a packet that was read, says how large its packets are.
        let limited = [b.section(&[]), b.interface(1, 1 << 20, &[])].concat();
        let (seen, _) = read(&[limited, begin.clone(), damaged.clone(), end.clone(), vec![1]].concat());
        assert_eq!(numbers(&seen), [1]);
        let limited = [b.section(&[]), b.interface(1, 65_535, &[])].concat();
        let (seen, _) = read(&[limited, carrier.clone(), damaged, end, vec![1]].concat());
        assert_eq!(numbers(&seen), [0xaaaa_aaaa]);
    }
}

#[test]
fn a_long_file_goes_on_where_its_snap_length_is_usual() {
    let b = LITTLE;
    let limited = [b.section(&[]), b.interface(1, 262_144, &[])].concat();
    let many = |from: u32| (from..from + 8_000).flat_map(|n| numbered(b, n)).collect::<Vec<u8>>();
    let (seen, told) = read(&[limited, many(0), vec![9; 100], many(8_000), vec![1]].concat());
    assert_eq!((seen.len(), told.captures[0].1.reading.resyncs), (16_000, 1));
}

#[test]
fn classic_captures_prove_more_than_the_packet_that_their_header_announces() {
    let inner: Vec<u8> = (0..600).flat_map(|n| record(1_000 + n, &[n as u8; 1000], 1000)).collect();
    let mut carrier = record(999, &inner, inner.len() as u32);
    carrier[8..12].copy_from_slice(&[0xff; 4]);
    let mut bytes = pcap(&[record(998, &[1; 60], 60), carrier]);
    bytes[16..20].copy_from_slice(&(1_u32 << 20).to_le_bytes());
    let (seen, _) = read(&bytes);
    assert_eq!(seen.len(), 1);
}

#[test]
fn interfaces_that_may_have_been_passed_over_are_not_guessed() {
    let b = LITTLE;
    let bytes = [
        b.section(&[]),
        b.interface(1, 0, &[]),
        numbered(b, 1),
        b"garbage!".to_vec(),
        numbered(b, 2),
        // Its number may be 1, or 2 where one was lost in the garbage.
        b.interface(101, 0, &[]),
        b.packet(1, 3, &[9; 8], &[]),
        numbered(b, 4),
    ]
    .concat();
    let (seen, end) = read(&bytes);
    assert_eq!(numbers(&seen), [1, 2, 4]);
    assert!(seen.iter().all(|frame| frame.link_type == LinkType::ETHERNET.0));
    assert_eq!(end.captures[0].1.reading.resyncs, 2);
    // A section header that is damaged ends the section before it.
    let mut section = b.section(&[]);
    section[8] = 0;
    let bytes = [start(b), numbered(b, 1), section, b.interface(101, 0, &[]), numbered(b, 2), numbered(b, 3)].concat();
    let (seen, _) = read(&bytes);
    let links: Vec<_> = seen.iter().map(|frame| frame.link_type).collect();
    assert_eq!(links, [1, 101, 101]);
}

#[test]
fn impossible_lengths_are_not_believed_and_counted() {
    let records = [
        record(1, &[1; 60], 60),
        record(2, &[2; 60], 1_290_000_000),
        record(3, &[3; 60], 262_144),
        record(4, &[4; 60], 262_145),
        record(5, &[5; 60], 10),
    ];
    let (seen, end) = read(&pcap(&records));
    let lengths: Vec<u32> = seen.iter().map(|frame| frame.wire_bytes).collect();
    assert_eq!(lengths, [60, 60, 262_144, 60, 60]);
    let summary = &end.captures[0].1;
    assert_eq!((summary.reading.implausible_lengths, summary.snapped_frames), (3, 1));
    assert_eq!(summary.end, CaptureEnd::Complete, "lengths are no damage");
}

#[test]
fn a_classic_capture_goes_on_only_where_more_follows_than_a_packet_holds() {
    let good: Vec<Vec<u8>> = (0..500).map(|n| record(1_000 + n, &[n as u8; 1000], 1000)).collect();
    let mut broken = good.clone();
    broken[100][8..12].copy_from_slice(&[0xff; 4]);
    let (seen, end) = read(&pcap(&broken));
    assert_eq!(seen.len(), 499);
    let at = 24 + 100 * 1016;
    let detail = corrupt(&end);
    assert!(detail.starts_with(&format!("after frame 100, byte {at}: ")), "{detail}");
    assert!(detail.contains(&format!("reading went on at byte {}", at + 1016)), "{detail}");
    // Too little follows to tell it from a capture inside a packet.
    broken.truncate(300);
    let (seen, end) = read(&pcap(&broken));
    assert_eq!(seen.len(), 100);
    assert!(corrupt(&end).starts_with(&format!("after frame 100, byte {at}: ")) && !corrupt(&end).contains("went on"));
    // The same as payload of one large record: libpcap writes no larger ones.
    let inner: Vec<u8> = (0..250).flat_map(|n| record(1_000 + n, &[n as u8; 1000], 1000)).collect();
    let mut carrier = record(999, &inner, inner.len() as u32);
    carrier[8..12].copy_from_slice(&[0xff; 4]);
    let (seen, _) = read(&pcap(&[record(998, &[1; 60], 60), carrier]));
    assert_eq!(seen.len(), 1);
}

#[test]
fn zeros_are_no_records() {
    let packet = record(5, &[1; 60], 60);
    for zeros in [32, 4096, 9_000_000] {
        let (seen, end) = read(&pcap(&[packet.clone(), vec![0; zeros]]));
        assert_eq!(seen.len(), 1, "{zeros}");
        assert!(corrupt(&end).contains("after frame 1, byte 100: ") && corrupt(&end).contains("zeros"), "{end:?}");
    }
    // One empty record is one.
    let (seen, end) = read(&pcap(&[packet.clone(), vec![0; 16], packet.clone()]));
    assert_eq!((seen.len(), &end.captures[0].1.end), (3, &CaptureEnd::Complete));
    let (seen, _) = read(&pcap(&[packet.clone(), vec![0; 16]]));
    assert_eq!(seen.len(), 2);
    let (seen, end) = read(&[start(LITTLE), numbered(LITTLE, 1), vec![0; 100_000], numbered(LITTLE, 2)].concat());
    assert_eq!((numbers(&seen), corrupt(&end).contains("of 0 bytes")), (vec![1, 2], true));
}

#[test]
fn a_bomb_of_zeros_streams() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&pcap(&[])).unwrap();
    for _ in 0..64 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let (seen, end) = read(&encoder.finish().unwrap());
    assert!(seen.is_empty() && corrupt(&end).contains("zeros in place of records"), "{end:?}");
    let refused = Observation::open(
        &[input(file(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 1, 0, 0]).path())],
        OpenOptions::default(),
    );
    let message = refused.err().unwrap().to_string();
    assert!(message.contains("2147483648 bytes") && message.contains("128 MiB"), "{message}");
}
