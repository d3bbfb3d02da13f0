//! Stages that touch every packet: reading, decoding, preparing, metering, listening to conversations.

use crate::recording::{Recording, file_of};
use crate::support::{Counted, Work, metered, opened, settings};
use criterion::{BatchSize, BenchmarkGroup, Criterion, SamplingMode, Throughput, measurement::WallTime};
use portproof::application::{Attention, Conversation, Heard, Moment};
use portproof::decode::decode;
use portproof::metering::{Meter, Prepared};
use portproof::model::{Content, FlowKey, Packet, Segment, Side, Transport, flags};
use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;

/// Frames that are prepared before they are forgotten: as many as are metered together, about.
const PREPARED_TOGETHER: usize = 4_096;

pub(crate) fn benches(criterion: &mut Criterion, recording: &Recording) {
    let mut group = criterion.benchmark_group("packets");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(recording.len()));
    let files = [("read pcap", file_of(&recording.pcap())), ("read pcapng", file_of(&recording.pcapng()))];
    for (name, file) in &files {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let (mut observation, mut bytes) = (opened(file.path()), Vec::new());
                while observation.next_batch(&mut bytes, |frame, _| _ = black_box(frame)) > 0 {
                    black_box(&bytes);
                }
            });
        });
    }
    group.bench_function("decode", |bencher| {
        bencher.iter(|| recording.frames().for_each(|frame| _ = black_box(decode(&frame))));
    });
    group.bench_function("prepare", |bencher| {
        let mut preparer = Meter::new(settings(true), Counted::default()).preparer();
        let mut prepared = Prepared::default();
        bencher.iter(|| {
            for (number, frame) in recording.frames().enumerate() {
                if number.is_multiple_of(PREPARED_TOGETHER) {
                    prepared.clear();
                }
                preparer.prepare(&frame, 0, &mut prepared);
            }
        });
    });
    let path = files[1].1.path();
    meter(&mut group, "meter, headers only", path, false);
    meter(&mut group, "meter, with payload", path, true);
    group.bench_function("read, prepare and meter", |bencher| bencher.iter(|| metered(path, true)));
    group.finish();
    conversations(criterion, recording);
}

/// Metering alone, of frames that were prepared for this meter.
fn meter(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, path: &Path, payload: bool) {
    let ready = || {
        let meter = Meter::new(settings(payload), Counted::default());
        let (mut observation, mut preparer) = (opened(path), meter.preparer());
        let next = || {
            let mut work = Work::default();
            (work.read(&mut observation, &mut preparer) > 0).then_some(work)
        };
        let works: Vec<Work> = std::iter::from_fn(next).collect();
        (meter, works)
    };
    // The frames come back, so that freeing them is not measured.
    let run = |(mut meter, works): (Meter<Counted>, Vec<Work>)| {
        for work in &works {
            let Ok(()) = work.meter(&mut meter);
        }
        let Ok((_, counted)) = meter.finish();
        (counted, works)
    };
    group.bench_function(name, |bencher| bencher.iter_batched(ready, run, BatchSize::PerIteration));
}

/// What the two sides of a TCP connection said, in the order of the frames. Nothing is lost or out of order here.
struct Talk<'a> {
    ports: [u16; 2],
    said: Vec<(Side, &'a [u8])>,
}

/// The talks that begin with a SYN, so that their first bytes are the streams', in the order in which they begin.
fn talks(recording: &Recording) -> Vec<Talk<'_>> {
    let (mut talks, mut places) = (Vec::new(), HashMap::new());
    for frame in recording.frames() {
        let Content::Packet(Packet { segment, source, destination, payload, .. }) = decode(&frame).content else {
            continue;
        };
        let Segment::Tcp(Some(header)) = segment else { continue };
        let (key, side) = FlowKey::new(Transport::Tcp, source, destination);
        if header.flags & flags::SYN != 0 {
            places.entry(key).or_insert_with(|| {
                talks.push(Talk { ports: [Side::A, Side::B].map(|side| key.endpoint(side).port), said: Vec::new() });
                talks.len() - 1
            });
        }
        if let Some(place) = places.get(&key).filter(|_| !payload.is_empty()) {
            talks[*place].said.push((side, payload));
        }
    }
    talks
}

/// Recognisers and followers alone.
fn conversations(criterion: &mut Criterion, recording: &Recording) {
    let talks = talks(recording);
    let mut group = criterion.benchmark_group("conversations");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(talks.len() as u64));
    group.bench_function("recognise and follow", |bencher| {
        bencher.iter(|| {
            let mut heard = Heard::default();
            talks.iter().for_each(|talk| listen(talk, &mut heard));
            heard
        });
    });
    group.finish();
}

fn listen(talk: &Talk<'_>, heard: &mut Heard) {
    let Some((side, first)) = talk.said.first() else { return };
    let Some(mut conversation) = Conversation::begun(talk.ports, [true; 2], *side, first) else { return };
    for (side, bytes) in &talk.said {
        if conversation.bytes(*side, bytes, Moment::default(), heard) == Attention::Done {
            return;
        }
    }
    conversation.end(Moment::default(), heard);
}
