//! What looking into payload costs: the same capture read, decoded and metered with recognisers and followers, and without.
//!
//! ```text
//! PORTPROOF_BENCH_CAPTURE=mix.pcap cargo bench --no-default-features --bench payload
//! ```
//!
//! Without that variable the demo recording is metered. Builds without Polars; the two figures are to be compared with each
//! other, in one run on one machine.

#![allow(clippy::print_stderr, reason = "what was metered is for the reader of the run")]
#![allow(clippy::expect_used, reason = "a benchmark that lacks its input has nothing to measure")]

use criterion::{Criterion, SamplingMode, Throughput};
use portproof::capture::{Input, Observation, OpenOptions};
use portproof::metering::{Meter, MeterSettings, Prepared, StreamSettings};
use portproof::model::{Activity, Announcement, FlowDetail, FlowRecord, FlowSink, NameFact, SocketFact};
use std::convert::Infallible;
use std::path::{Path, PathBuf};

/// Counts what is told.
#[derive(Default)]
struct Counted {
    flows: u64,
    named: u64,
    details: u64,
    announcements: u64,
    names: u64,
}

impl FlowSink for Counted {
    type Error = Infallible;

    fn flow(&mut self, record: &FlowRecord) -> Result<(), Infallible> {
        self.flows += 1;
        self.named += u64::from(record.application.is_some());
        Ok(())
    }

    fn activity(&mut self, _: &Activity) -> Result<(), Infallible> {
        Ok(())
    }

    fn socket(&mut self, _: &SocketFact<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn announcement(&mut self, _: &Announcement) -> Result<(), Infallible> {
        self.announcements += 1;
        Ok(())
    }

    fn detail(&mut self, _: &FlowDetail) -> Result<(), Infallible> {
        self.details += 1;
        Ok(())
    }

    fn name(&mut self, _: &NameFact) -> Result<(), Infallible> {
        self.names += 1;
        Ok(())
    }
}

/// Meters a capture; gives the frames, and what was told.
fn metered(capture: &Path, enabled: bool) -> (u64, Counted) {
    let inputs = [Input::File(capture.to_owned())];
    let mut observation = Observation::open(&inputs, OpenOptions::default()).expect("a capture");
    let streams = StreamSettings { enabled, ..StreamSettings::default() };
    let mut meter = Meter::new(MeterSettings { streams, ..MeterSettings::default() }, Counted::default());
    let (mut preparer, mut bytes, mut prepared) = (meter.preparer(), Vec::new(), Prepared::default());
    let mut frames = 0;
    loop {
        prepared.clear();
        let number = observation.next_batch(&mut bytes, |frame, at| preparer.prepare(frame, at, &mut prepared));
        if number == 0 {
            break;
        }
        let Ok(()) = meter.batch(&prepared, &bytes);
        frames += number as u64;
    }
    let Ok((_, counted)) = meter.finish();
    (frames, counted)
}

fn main() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/backup-run.pcapng");
    let capture = std::env::var_os("PORTPROOF_BENCH_CAPTURE").map_or(demo, PathBuf::from);
    let (frames, Counted { flows, named, details, announcements, names }) = metered(&capture, true);
    eprintln!(
        "{frames} frames, {flows} flows, {named} named, {details} details, {announcements} announcements, {names} names"
    );
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("payload");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(frames));
    group.bench_function("headers only", |bencher| bencher.iter(|| metered(&capture, false).0));
    group.bench_function("recognisers and followers", |bencher| bencher.iter(|| metered(&capture, true).0));
    group.finish();
    criterion.final_summary();
}
