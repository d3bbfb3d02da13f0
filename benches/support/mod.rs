//! What the benchmarks share: the street from a file to flow records, and who takes them.

#![allow(dead_code, reason = "each benchmark uses some of it")]
#![allow(clippy::expect_used, reason = "a benchmark that lacks its input has nothing to measure")]

use portproof::capture::{Input, Observation, OpenOptions};
use portproof::metering::{Meter, MeterSettings, Prepared, Preparer, StreamSettings};
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

/// With all recognisers and followers, or headers only.
pub(crate) fn settings(payload: bool) -> MeterSettings {
    let streams = StreamSettings { enabled: payload, ..StreamSettings::default() };
    MeterSettings { streams, ..MeterSettings::default() }
}

/// Frames that were read and prepared together, and the bytes in which they stand.
#[derive(Default)]
pub(crate) struct Work {
    bytes: Vec<u8>,
    frames: Prepared,
}

impl Work {
    /// Takes the next frames; gives how many.
    pub(crate) fn read(&mut self, observation: &mut Observation, preparer: &mut Preparer) -> usize {
        let Self { bytes, frames } = self;
        frames.clear();
        observation.next_batch(bytes, |frame, at| preparer.prepare(frame, at, frames))
    }

    pub(crate) fn meter<S: FlowSink>(&self, meter: &mut Meter<S>) -> Result<(), S::Error> {
        meter.batch(&self.frames, &self.bytes)
    }
}

/// Meters everything that an observation gives, on one thread; gives the frames, and the sink.
pub(crate) fn metered_into<S: FlowSink>(
    observation: &mut Observation,
    settings: MeterSettings,
    sink: S,
) -> Result<(u64, S), S::Error> {
    let mut meter = Meter::new(settings, sink);
    let (mut preparer, mut work) = (meter.preparer(), Work::default());
    let mut frames = 0;
    loop {
        match work.read(observation, &mut preparer) {
            0 => return Ok((frames, meter.finish()?.1)),
            number => frames += number as u64,
        }
        work.meter(&mut meter)?;
    }
}

/// Meters a capture; gives the frames, and what was told.
pub(crate) fn metered(capture: &Path, payload: bool) -> (u64, Counted) {
    let Ok(all) = metered_into(&mut opened(capture), settings(payload), Counted::default());
    all
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
