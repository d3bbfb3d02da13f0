//! Captures that were cut, and captures that lie: every cut of a fixture, every field of every header.
//!
//! In process, because there are tens of thousands of them. `support/accounting.rs` checks what must hold of each frame and
//! of all sums; here stands what must be kept. Floods are in `hostile_floods.rs`, stores in `hostile_store.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects by failing")]

#[path = "support/accounting.rs"]
mod accounting;
mod support;

use accounting::{Reading, Sums, Watched, bytes, read};
use portproof::capture::{CaptureError, Input};
use portproof::decode::DecodeSettings;
use portproof::metering::MeterSettings;
use portproof::model::{CaptureEnd, CaptureIndex, Fate, Frame, Layer, LinkType, Position};
use support::Seeded;
use support::captures::{self, Order, Resolution};

/// Bytes of one record that holds a packet.
#[derive(Debug, Clone, Copy)]
struct Record {
    end: usize,
}

/// A capture and where its packets stand, found by a reader of its own.
struct Fixture {
    name: String,
    bytes: Vec<u8>,
    records: Vec<Record>,
}

impl Fixture {
    fn new(name: &str, bytes: Vec<u8>) -> Self {
        let records = if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) { blocks(&bytes) } else { pcap_records(&bytes) };
        assert!(!records.is_empty(), "{name}");
        Self { name: name.to_owned(), bytes, records }
    }

    /// Packets whose records end at or before a byte.
    fn before(&self, at: usize) -> u64 {
        self.records.iter().filter(|record| record.end <= at).count() as u64
    }
}

fn number(bytes: &[u8], at: usize, big: bool) -> usize {
    let field = bytes[at..at + 4].try_into().unwrap();
    (if big { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }) as usize
}

fn blocks(bytes: &[u8]) -> Vec<Record> {
    let (mut records, mut at, mut big) = (Vec::new(), 0, false);
    while at < bytes.len() {
        if number(bytes, at, false) == 0x0a0d_0d0a {
            big = bytes[at + 8] == 0x1a;
        }
        let end = at + number(bytes, at + 4, big);
        if matches!(number(bytes, at, big), 2 | 3 | 6) {
            records.push(Record { end });
        }
        at = end;
    }
    records
}

fn pcap_records(bytes: &[u8]) -> Vec<Record> {
    let (mut records, mut at) = (Vec::new(), 24);
    let (big, header) = (bytes[0] == 0xa1, if bytes[0] == 0x34 { 24 } else { 16 });
    while at < bytes.len() {
        at += header + number(bytes, at + 8, big);
        records.push(Record { end: at });
    }
    records
}

/// One of the small captures that fuzzing begins with.
fn seed(name: &str) -> Vec<u8> {
    std::fs::read(support::root().join("fuzz/seeds").join(name)).unwrap()
}

/// The start of the demo, up to about so many bytes, cut at a record.
fn demo_start(most_bytes: usize) -> Vec<u8> {
    let whole = std::fs::read(support::demo()).unwrap();
    let last = blocks(&whole).into_iter().take_while(|record| record.end <= most_bytes).last().unwrap();
    whole[..last.end].to_vec()
}

fn fixtures() -> Vec<Fixture> {
    let mut fixtures: Vec<Fixture> = ["micro-little.pcap", "nano-big.pcap", "modified.pcap", "sections.pcapng"]
        .into_iter()
        .map(|name| Fixture::new(name, seed(name)))
        .collect();
    let start = captures::read(&demo_start(12_000));
    let pcap = |resolution, order| captures::pcap(1, &start.packets, resolution, order);
    fixtures.push(Fixture::new("demo-big.pcap", pcap(Resolution::Micro, Order::Big)));
    fixtures.push(Fixture::new("demo-start.pcapng", demo_start(12_000)));
    fixtures
}

fn read_one(name: &str, data: &[u8]) -> Result<Reading, CaptureError> {
    read(&[bytes(name, data)], MeterSettings { max_flows: 64, ..MeterSettings::default() })
}

/// Reads a damaged capture: a clear refusal, or an end that is named. Returns the frames, and how it ended.
#[track_caller]
fn outcome(name: &str, data: &[u8]) -> (u64, Option<CaptureEnd>) {
    match read_one(name, data) {
        Ok(reading) => {
            let [(_, capture)] = &reading.captures[..] else { panic!("{:?}", reading.captures) };
            let told = capture.end.detail().is_none_or(|detail| detail.contains("byte") && !detail.contains('\n'));
            assert!(told, "{:?}", capture.end);
            (reading.all_frames(), Some(capture.end.clone()))
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with(name) && !text.contains('\n'), "{text}");
            (0, None)
        }
    }
}

/// A cut between two records shows nothing; every other one is a truncation. What came before is kept.
fn cut_at(fixture: &Fixture, at: usize) {
    let (frames, end) = outcome("cut.cap", &fixture.bytes[..at]);
    assert_eq!(frames, fixture.before(at), "{} cut at {at}: {end:?}", fixture.name);
    let corrupt = matches!(end, Some(CaptureEnd::Corrupt(_)));
    assert!(!corrupt, "{} cut at {at}: what is missing is no contradiction: {end:?}", fixture.name);
    if fixture.records.iter().any(|record| record.end == at) {
        assert_eq!(end, Some(CaptureEnd::Complete), "{} cut at {at}", fixture.name);
    }
}

#[test]
fn a_capture_cut_at_any_byte_keeps_what_came_before() {
    for fixture in fixtures() {
        (0..=fixture.bytes.len()).for_each(|at| cut_at(&fixture, at));
    }
}

#[test]
fn a_large_capture_cut_at_a_thousand_places_keeps_what_came_before() {
    let demo = Fixture::new("demo", std::fs::read(support::demo()).unwrap());
    let mut places = Seeded(11);
    // Most cuts early: the time that a cut takes grows with its place.
    for round in 0..1_000 {
        let limit = if round % 20 == 0 { demo.bytes.len() } else { demo.bytes.len() / 8 };
        cut_at(&demo, places.below(limit));
    }
}

#[test]
fn a_compressed_capture_cut_at_any_byte_is_never_complete() {
    for name in ["micro-little.pcap.gz", "micro-little.pcap.xz", "micro-little.pcap.zst"] {
        let whole = seed(name);
        let mut most = 0;
        for at in 0..whole.len() {
            let (frames, end) = outcome(name, &whole[..at]);
            assert!(frames >= most, "{name} cut at {at}: fewer frames than with fewer bytes");
            most = frames;
            assert_ne!(end, Some(CaptureEnd::Complete), "{name} cut at {at}");
        }
        assert_eq!(outcome(name, &whole), (4, Some(CaptureEnd::Complete)), "{name}");
    }
}

/// What a field may claim instead of its value.
fn lies(value: u32, largest: u32) -> Vec<u32> {
    let mut lies = vec![0, 1, value.wrapping_sub(1), value.wrapping_add(1), largest, largest / 2, largest / 2 + 1];
    lies.iter_mut().for_each(|lie| *lie &= largest);
    lies.retain(|lie| *lie != value);
    lies.dedup();
    lies
}

/// Overwrites the `width` bytes at `at` with every lie, in both byte orders.
fn lied_about(bytes: &[u8], at: usize, width: usize, mut told: impl FnMut(&[u8])) {
    let largest = u32::MAX >> (32 - 8 * width);
    for big in [false, true] {
        let field = &bytes[at..at + width];
        let of = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
        let value = if big { field.iter().fold(0, of) } else { field.iter().rev().fold(0, of) };
        for lie in lies(value, largest) {
            let mut changed = bytes.to_vec();
            let le = lie.to_le_bytes();
            for (i, byte) in changed[at..at + width].iter_mut().enumerate() {
                *byte = if big { le[width - 1 - i] } else { le[i] };
            }
            told(&changed);
        }
        if width == 1 {
            break;
        }
    }
}

/// Not only the lengths: every byte, and every half-word and word where a field may begin.
#[test]
fn whatever_any_field_of_a_capture_claims_what_came_before_it_is_kept() {
    for fixture in fixtures() {
        // Of the longer ones the first kilobytes: it is the same headers again and again.
        let end = fixture.bytes.len().min(2_048);
        for width in [1, 2, 4] {
            for at in (0..=end - width).step_by(width.min(2)) {
                lied_about(&fixture.bytes, at, width, |changed| {
                    let (frames, end) = outcome("lie.cap", changed);
                    let kept = fixture.before(at);
                    // A lie about interfaces or their resolution reaches back no further than to its own place.
                    assert!(frames >= kept, "{}: byte {at}: {frames} frames of {kept}, {end:?}", fixture.name);
                });
            }
        }
    }
}

#[test]
fn several_damaged_captures_lose_no_frame_by_being_read_together() {
    let fixtures = fixtures();
    let mut places = Seeded(3);
    for _ in 0..300 {
        let inputs: Vec<Input> = (0..4)
            .map(|n| {
                let fixture = &fixtures[places.below(fixtures.len())];
                let mut data = fixture.bytes[..places.below(fixture.bytes.len())].to_vec();
                if let Some(last) = data.len().checked_sub(1) {
                    data[places.below(last + 1)] ^= 1 << places.below(8);
                }
                bytes(&format!("{n}.cap"), &data)
            })
            .collect();
        let settings = MeterSettings { max_flows: 64, ..MeterSettings::default() };
        let alone: u64 =
            inputs.iter().filter_map(|i| read(std::slice::from_ref(i), settings).ok()).map(|r| r.all_frames()).sum();
        assert_eq!(read(&inputs, settings).map_or(0, |reading| reading.all_frames()), alone);
    }
}

/// An IPv6 packet: hop-by-hop options, a fragment header that fragments nothing, and behind them what is given.
fn ipv6(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((16 + payload.len() as u16).to_be_bytes());
    packet.extend([0, 64]);
    packet.extend([[0xfd; 16], [0xfe; 16]].concat());
    packet.extend([44, 0, 1, 4, 0, 0, 0, 0]);
    packet.extend([protocol, 0, 0, 0, 0, 0, 0, 9]);
    packet.extend(payload);
    packet
}

/// What is behind the Ethernet and IPv4 headers of a frame.
fn segment(frame: &[u8]) -> &[u8] {
    &frame[34..]
}

/// Frames, and the places of their length fields: name, byte, width, link type.
type Field = (&'static str, usize, usize);

fn frames() -> Vec<(LinkType, Vec<u8>, Vec<Field>)> {
    let ends = (([10, 0, 0, 1], 50_000), ([10, 0, 0, 2], 443));
    let tcp = captures::tcp(ends.0, ends.1, 7, 0, 2);
    let udp = captures::udp(ends.0, ends.1, b"what");
    let v4 = [("IHL", 14, 1), ("total length", 16, 2), ("fragment", 20, 2)];
    let v6 = [("payload length", 4, 2), ("hop-by-hop length", 41, 1), ("fragment offset", 50, 2)];
    let with = |fields: &[Field], own: Field| [fields, &[own]].concat();
    vec![
        (LinkType::ETHERNET, tcp.clone(), with(&v4, ("data offset", 46, 1))),
        (LinkType::ETHERNET, udp.clone(), with(&v4, ("UDP length", 38, 2))),
        (LinkType::RAW, ipv6(6, segment(&tcp)), with(&v6, ("data offset", 68, 1))),
        (LinkType::RAW, ipv6(17, segment(&udp)), with(&v6, ("UDP length", 60, 2))),
    ]
}

#[test]
fn every_length_field_of_a_packet_may_lie_and_every_frame_has_its_fate() {
    for (link_type, whole, fields) in frames() {
        let mut watched = Watched::new(MeterSettings::default());
        let (mut number, mut lied) = (0, 0);
        let mut meter = |data: &[u8], wire_bytes: usize| {
            number += 1;
            let position = Position { capture: CaptureIndex(0), frame: number, offset: 0 };
            let frame = Frame::whole(position, number as i64, link_type, data);
            watched.frame(&Frame { wire_bytes: wire_bytes as u32, ..frame });
        };
        for (_, at, width) in fields {
            lied_about(&whole, at, width, |changed| {
                lied += 1;
                // Whole, longer on the wire than captured, and shorter than captured, which cannot be.
                for wire in [changed.len(), changed.len() + 1, 70_000, usize::MAX >> 32, 1] {
                    meter(changed, wire);
                }
                (0..changed.len()).for_each(|cut| meter(&changed[..cut], changed.len()));
            });
        }
        assert!(lied > 30, "{lied} lies");
        let (summary, sums) = watched.finish();
        assert!(sums.packets > 0 && summary.tallies[0].frames() > sums.packets, "{summary:?}");
    }
}

/// What became of a frame of [`frames`] in which a field has another value.
fn fate(frame: usize, field: &str, value: u16) -> Fate {
    let (link_type, mut data, fields) = frames().swap_remove(frame);
    let (_, at, width) = *fields.iter().find(|(name, ..)| *name == field).unwrap();
    let bytes = value.to_be_bytes();
    data[at..at + width].copy_from_slice(&bytes[2 - width..]);
    let whole = Frame::whole(Position::default(), 0, link_type, &data);
    accounting::decoded(&whole, DecodeSettings::default(), &mut Sums::default()).fate
}

#[test]
fn a_lie_ends_decoding_where_it_stands_and_nothing_is_guessed_behind_it() {
    let (network, transport) = (Fate::Stopped(Layer::Network), Fate::Stopped(Layer::Transport));
    let cases = [
        // Shorter than the header, or longer than the frame.
        (0, "IHL", 0x40, network),
        (0, "IHL", 0x44, network),
        (0, "IHL", 0x4f, network),
        (0, "total length", 1, network),
        (0, "total length", 19, network),
        (0, "total length", 20, transport),
        (0, "total length", 23, transport),
        // Ports are there: the conversation is known, and the stop is told beside it.
        (0, "total length", 24, Fate::Tcp),
        (0, "data offset", 0x00, Fate::Tcp),
        (0, "data offset", 0xf0, Fate::Tcp),
        (1, "UDP length", 0, Fate::Udp),
        (1, "UDP length", 7, Fate::Udp),
        (1, "UDP length", 0xffff, Fate::Udp),
        // Offloading leaves 0; more than was captured is no damage.
        (0, "total length", 0, Fate::Tcp),
        (0, "total length", 0xffff, Fate::Tcp),
        (1, "fragment", 0x1fff, Fate::OrphanFragment),
        (2, "payload length", 1, network),
        (2, "payload length", 17, transport),
        (2, "payload length", 0xffff, Fate::Tcp),
        (2, "hop-by-hop length", 0xff, network),
        (3, "fragment offset", 0xfff8, Fate::OrphanFragment),
    ];
    for (frame, field, value, expected) in cases {
        assert_eq!(fate(frame, field, value), expected, "frame {frame}: {field} {value:#x}");
    }
}

/// Jumbo frames by their record headers: the counters hold more than 2^32 bytes.
#[test]
fn one_flow_of_many_gigabytes_is_summed_without_wrapping() {
    let mut data = captures::udp(([10, 0, 0, 1], 50_000), ([10, 0, 0, 2], 443), b"x");
    let mut watched = Watched::new(MeterSettings::default());
    let mut meter = |number: u64, data: &[u8], wire_bytes| {
        let position = Position { capture: CaptureIndex(0), frame: number, offset: 0 };
        watched.frame(&Frame { wire_bytes, ..Frame::whole(position, 0, LinkType::ETHERNET, data) });
    };
    data[16..18].copy_from_slice(&[0xff, 0xff]);
    (1..=70_000).for_each(|n| meter(n, &data, 65_549));
    // An offloaded datagram takes its length from the record, which may claim anything; what cannot be is not believed.
    data[16..18].copy_from_slice(&[0, 0]);
    data[38..40].copy_from_slice(&[0, 0]);
    (70_001..=70_010).for_each(|n| meter(n, &data, u32::MAX));
    let captured = data.len() as u64;
    let (_, sums) = watched.finish();
    assert_eq!((sums.flows, sums.packets), (1, 70_010));
    assert_eq!(sums.ip_bytes, 70_000 * 65_535 + 10 * (captured - 14));
    assert_eq!(sums.wire_bytes, 70_000 * 65_549 + 10 * captured);
}

#[test]
fn years_back_and_forth_make_no_negative_duration_and_lose_no_packet() {
    let data = captures::udp(([10, 0, 0, 1], 50_000), ([10, 0, 0, 2], 443), b"x");
    let settings = [
        MeterSettings::default(),
        MeterSettings { max_flows: 1, udp_idle_ns: 1, active_ns: Some(1), ..MeterSettings::default() },
    ];
    for settings in settings {
        let mut watched = Watched::new(settings);
        let mut places = Seeded(5);
        for number in 1..=50_000_u64 {
            let time_ns = match places.below(8) {
                0 => i64::MIN,
                1 => i64::MAX,
                2 => 0,
                _ => i64::MAX / 1_000 * (places.below(2_000) as i64 - 1_000),
            };
            let position = Position { capture: CaptureIndex(0), frame: number, offset: 0 };
            watched.frame(&Frame::whole(position, time_ns, LinkType::ETHERNET, &data));
        }
        assert_eq!(watched.finish().1.packets, 50_000);
    }
}
