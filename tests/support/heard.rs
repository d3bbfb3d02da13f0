//! Everything that metering tells of captures, kept: for tests that need no program.

#![allow(dead_code, reason = "each test uses some of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

use portproof::capture::{Input, Observation, OpenOptions};
use portproof::metering::{Meter, MeterSettings, MeterSummary};
use portproof::model::{Activity, Announcement, FlowDetail, FlowRecord, FlowSink, NameFact, SocketFact};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) flows: Vec<FlowRecord>,
    pub(crate) announcements: Vec<Announcement>,
    pub(crate) details: Vec<FlowDetail>,
    pub(crate) names: Vec<NameFact>,
}

impl FlowSink for Heard {
    type Error = Infallible;

    fn flow(&mut self, record: &FlowRecord) -> Result<(), Infallible> {
        self.flows.push(*record);
        Ok(())
    }

    fn activity(&mut self, _: &Activity) -> Result<(), Infallible> {
        Ok(())
    }

    fn socket(&mut self, _: &SocketFact<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn announcement(&mut self, announcement: &Announcement) -> Result<(), Infallible> {
        self.announcements.push(announcement.clone());
        Ok(())
    }

    fn detail(&mut self, detail: &FlowDetail) -> Result<(), Infallible> {
        self.details.push(detail.clone());
        Ok(())
    }

    fn name(&mut self, name: &NameFact) -> Result<(), Infallible> {
        self.names.push(name.clone());
        Ok(())
    }
}

/// Meters a capture with default settings; `None` where it is refused.
pub(crate) fn hear(capture: &Path) -> Option<(Heard, MeterSummary)> {
    let mut observation = Observation::open(&[Input::File(capture.to_owned())], OpenOptions::default()).ok()?;
    let mut meter = Meter::new(MeterSettings::default(), Heard::default());
    while let Some(frame) = observation.next_frame() {
        meter.frame(&frame).unwrap_or_else(|never| match never {});
    }
    let (summary, heard) = meter.finish().unwrap_or_else(|never| match never {});
    Some((heard, summary))
}

/// The outside corpus, where it is there.
#[allow(clippy::print_stdout, reason = "what was skipped is for the reader of the run")]
pub(crate) fn shared(part: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("PORTPROOF_SHARED").map_or_else(beside, PathBuf::from).join(part);
    if !folder.is_dir() {
        println!("skipped: no {}", folder.display());
        return None;
    }
    Some(folder)
}

/// Rows of a table whose columns are parted by tabs.
pub(crate) fn tsv(path: &Path) -> Vec<BTreeMap<String, String>> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut reader = csv::ReaderBuilder::new().delimiter(b'\t').quoting(false).from_reader(bytes.as_slice());
    let names = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| names.iter().zip(&record).map(|(n, v)| (n.into(), v.into())).collect();
    reader.records().map(|record| row(record.unwrap())).collect()
}
