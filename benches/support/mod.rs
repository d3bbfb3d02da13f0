//! What the benchmarks share: the street from a file to flow records, and who takes them.

#![allow(dead_code, reason = "each benchmark uses some of it")]
#![allow(clippy::expect_used, reason = "a benchmark that lacks its input has nothing to measure")]

use portproof::capture::{Batch, Input, Observation, OpenOptions};
use portproof::metering::{Meter, MeterSettings, Prepared, StreamSettings};
use portproof::model::{Activity, Announcement, FlowDetail, FlowRecord, FlowSink, NameFact, SocketFact};
use std::convert::Infallible;
use std::fmt;
use std::hint::black_box;
use std::path::{Path, PathBuf};

/// The demo recording.
pub(crate) fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/backup-run.pcapng")
}

pub(crate) fn opened(capture: &Path) -> Observation {
    Observation::open(&[Input::File(capture.to_owned())], OpenOptions::default()).expect("a capture")
}

/// Everything that an observation gives, read.
pub(crate) fn batches(observation: &mut Observation) -> Vec<Batch> {
    std::iter::from_fn(|| {
        let mut batch = Batch::default();
        observation.next_batch(&mut batch).then_some(batch)
    })
    .collect()
}

/// With all recognisers and followers, or headers only.
pub(crate) fn settings(payload: bool) -> MeterSettings {
    let streams = StreamSettings { enabled: payload, ..StreamSettings::default() };
    MeterSettings { streams, ..MeterSettings::default() }
}

/// Meters a capture; gives the frames, and what was told.
pub(crate) fn metered(capture: &Path, payload: bool) -> (u64, Counted) {
    let mut observation = opened(capture);
    let mut meter = Meter::new(settings(payload), Counted::default());
    let (mut preparer, mut batch, mut prepared) = (meter.preparer(), Batch::default(), Prepared::default());
    let mut frames = 0;
    while observation.next_batch(&mut batch) {
        prepared.clear();
        batch.frames().for_each(|(at, frame)| preparer.prepare(&frame, at, &mut prepared));
        let Ok(()) = meter.batch(&prepared, batch.bytes());
        frames += batch.len() as u64;
    }
    let Ok((_, counted)) = meter.finish();
    (frames, counted)
}

/// Counts what is told, and forgets it.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    flows: u64,
    named: u64,
    details: u64,
    announcements: u64,
    names: u64,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flows, named, details, announcements, names } = self;
        write!(f, "{flows} flows, {named} named, {details} details, {announcements} announcements, {names} names")
    }
}

impl FlowSink for Counted {
    type Error = Infallible;

    fn flow(&mut self, record: &FlowRecord) -> Result<(), Infallible> {
        self.flows += 1;
        self.named += u64::from(black_box(record).application.is_some());
        Ok(())
    }

    fn activity(&mut self, burst: &Activity) -> Result<(), Infallible> {
        black_box(burst);
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
