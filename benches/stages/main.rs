//! Every stage of the street by itself, then the street from a file to facts: `make bench`.
//!
//! `cargo bench -- read` runs one stage. portproof and what touches every packet are fully optimised, Polars is not (see
//! `[profile.bench]`): figures of *store* and *judge* are pessimistic, `cargo bench --profile dist` gives those of a
//! shipped program after some minutes of building. Figures are for comparing two versions on one machine.

#![allow(clippy::expect_used, reason = "a benchmark that lacks its input has nothing to measure")]

mod recording;

use criterion::{BatchSize, Criterion, SamplingMode, Throughput};
use portproof::capture::{Observation, OpenOptions, expand};
use portproof::catalog::Catalog;
use portproof::classification::{HostTables, JudgedFrame, ReducedFlow, judge};
use portproof::decode::decode;
use portproof::dynamic_ports::{Known, count};
use portproof::metering::{Meter, MeterSettings};
use portproof::model::{Activity, Announcement, FlowDetail, FlowRecord, FlowSink, NameFact, SocketFact};
use portproof::store::schema::CaptureIds;
use portproof::store::{Facts, PartitionWriter, read_facts};
use recording::Recording;
use std::convert::Infallible;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use tempfile::{NamedTempFile, TempDir};

/// Takes records and forgets them.
#[derive(Default)]
struct Nowhere(u64);

impl FlowSink for Nowhere {
    type Error = Infallible;

    fn flow(&mut self, record: &FlowRecord) -> Result<(), Infallible> {
        self.0 += black_box(record).from_a.packets;
        Ok(())
    }

    fn activity(&mut self, burst: &Activity) -> Result<(), Infallible> {
        black_box(burst);
        Ok(())
    }

    fn socket(&mut self, _: &SocketFact<'_>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn announcement(&mut self, _: &Announcement) -> Result<(), Infallible> {
        Ok(())
    }

    fn detail(&mut self, _: &FlowDetail) -> Result<(), Infallible> {
        Ok(())
    }

    fn name(&mut self, _: &NameFact) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Keeps flow records.
#[derive(Default)]
struct Kept(Vec<FlowRecord>);

impl FlowSink for Kept {
    type Error = Infallible;

    fn flow(&mut self, record: &FlowRecord) -> Result<(), Infallible> {
        self.0.push(*record);
        Ok(())
    }

    fn activity(&mut self, _: &Activity) -> Result<(), Infallible> {
        Ok(())
    }

    fn socket(&mut self, _: &SocketFact<'_>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn announcement(&mut self, _: &Announcement) -> Result<(), Infallible> {
        Ok(())
    }

    fn detail(&mut self, _: &FlowDetail) -> Result<(), Infallible> {
        Ok(())
    }

    fn name(&mut self, _: &NameFact) -> Result<(), Infallible> {
        Ok(())
    }
}

fn metered<S: FlowSink<Error = Infallible>>(recording: &Recording, sink: S) -> S {
    let mut meter = Meter::new(MeterSettings::default(), sink);
    for frame in recording.frames() {
        let Ok(()) = meter.frame(&frame);
    }
    let Ok((_, sink)) = meter.finish();
    sink
}

/// A file of these bytes. It is read from the page cache: the disk is not measured.
fn file_of(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for the recording");
    file
}

fn opened(path: &Path) -> Observation {
    let inputs = expand(&[path.to_string_lossy().into_owned()]).expect("the file is there");
    Observation::open(&inputs, OpenOptions::default()).expect("it is a capture")
}

/// Reads, decodes and meters a file into a new store.
fn facts_of(path: &Path) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let mut observation = opened(path);
    let ids = CaptureIds(observation.ids(1));
    let writer = PartitionWriter::create(&folder.path().join("store"), ids).expect("a store");
    let mut meter = Meter::new(MeterSettings::default(), writer);
    while let Some(frame) = observation.next_frame() {
        meter.frame(&frame).expect("room for the facts");
    }
    let (_, writer) = meter.finish().expect("room for the facts");
    let captures = observation.finish().captures;
    writer.commit(&captures, &[]).expect("room for the facts");
    folder
}

fn packets(criterion: &mut Criterion, recording: &Recording) {
    let mut group = criterion.benchmark_group("packets");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(recording.len()));
    let files = [("read pcap", file_of(&recording.pcap())), ("read pcapng", file_of(&recording.pcapng()))];
    for (name, file) in &files {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let mut observation = opened(file.path());
                let mut frames = 0_u64;
                while let Some(frame) = observation.next_frame() {
                    black_box(frame);
                    frames += 1;
                }
                assert_eq!(frames, recording.len());
            });
        });
    }
    group.bench_function("decode", |bencher| {
        bencher.iter(|| recording.frames().for_each(|frame| _ = black_box(decode(&frame))));
    });
    group.bench_function("decode and meter", |bencher| bencher.iter(|| metered(recording, Nowhere::default()).0));
    group.bench_function("pcapng file to facts", |bencher| bencher.iter(|| facts_of(files[1].1.path())));
    group.finish();
}

fn flows(criterion: &mut Criterion, recording: &Recording) {
    let flows = metered(recording, Kept::default()).0;
    let file = file_of(&recording.pcapng());
    let folder = facts_of(file.path());
    let store = folder.path().join("store");
    let facts = read_facts(&store).expect("the facts just written");
    let catalog = Catalog::builtin().expect("the built-in documents");
    let mut group = criterion.benchmark_group("flows");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(flows.len() as u64));
    group.bench_function("store: write", |bencher| {
        let folder = || TempDir::new().expect("a temporary folder");
        bencher.iter_batched(folder, |folder| write(&folder, &flows), BatchSize::PerIteration);
    });
    group.bench_function("store: read", |bencher| bencher.iter(|| read_facts(&store).expect("the facts just written")));
    group.bench_function("judge", |bencher| bencher.iter(|| judge(&facts, &catalog, None)));
    group.bench_function("judge and count dynamic ports", |bencher| bencher.iter(|| counted(&facts, &catalog)));
    group.finish();
}

fn write(folder: &TempDir, flows: &[FlowRecord]) {
    let ids = CaptureIds(vec!["0123456789ab".into()]);
    let mut writer = PartitionWriter::create(&folder.path().join("store"), ids).expect("a store");
    for flow in flows {
        writer.flow(flow).expect("room for the facts");
    }
    writer.commit(&[], &[]).expect("room for the facts");
}

/// Judges too: what is counted belongs to the judged flows.
fn counted(facts: &Facts, catalog: &Catalog) -> usize {
    let judged = judge(facts, catalog, None);
    let frame = JudgedFrame::of(judged.flows.iter().map(ReducedFlow::of)).expect("columns that fit");
    let known = Known { catalog, site: None, judged: &judged, hosts: &HostTables::default(), time_wait_ns: None };
    count(&known, &frame, &facts.captures).expect("reductions that run").listeners.len()
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let recording = Recording::many_plants();
    packets(&mut criterion, &recording);
    flows(&mut criterion, &recording);
    criterion.final_summary();
}
