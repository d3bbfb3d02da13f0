//! Stages that touch every flow: writing and reading facts, judging, counting; then everything from a file to facts.

use crate::recording::{Recording, file_of};
use crate::reports;
use crate::support::{metered_into, opened};
use criterion::{BatchSize, Criterion, SamplingMode, Throughput};
use portproof::catalog::Catalog;
use portproof::classification::{HostTables, Judged, JudgedFrame, ReducedFlow, judge};
use portproof::dynamic_ports::{Known, PortCounts, count};
use portproof::metering::MeterSettings;
use portproof::model::{Activity, Announcement, FlowDetail, FlowRecord, FlowSink, NameFact, SocketFact};
use portproof::store::schema::CaptureIds;
use portproof::store::{Facts, PartitionWriter, read_facts};
use std::convert::Infallible;
use std::path::Path;
use tempfile::TempDir;

/// Keeps what the store is to write.
#[derive(Default)]
struct Kept {
    flows: Vec<FlowRecord>,
    activity: Vec<Activity>,
    details: Vec<FlowDetail>,
}

impl FlowSink for Kept {
    type Error = Infallible;

    fn flow(&mut self, record: &FlowRecord) -> Result<(), Infallible> {
        self.flows.push(*record);
        Ok(())
    }

    fn activity(&mut self, burst: &Activity) -> Result<(), Infallible> {
        self.activity.push(*burst);
        Ok(())
    }

    fn socket(&mut self, _: &SocketFact<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn announcement(&mut self, _: &Announcement) -> Result<(), Infallible> {
        Ok(())
    }

    fn detail(&mut self, detail: &FlowDetail) -> Result<(), Infallible> {
        self.details.push(detail.clone());
        Ok(())
    }

    fn name(&mut self, _: &NameFact) -> Result<(), Infallible> {
        Ok(())
    }
}

pub(crate) fn benches(criterion: &mut Criterion, recording: &Recording) {
    let file = file_of(&recording.pcapng());
    let Ok((_, kept)) = metered_into(&mut opened(file.path()), MeterSettings::default(), Kept::default());
    let folder = facts_of(file.path());
    let store = folder.path().join("store");
    let facts = read_facts(&store).expect("the facts just written");
    let catalog = Catalog::builtin().expect("the built-in documents");
    let mut group = criterion.benchmark_group("flows");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(kept.flows.len() as u64));
    group.bench_function("store: write flows", |bencher| {
        let write = |folder| write(folder, |writer| kept.flows.iter().for_each(|flow| taken(writer.flow(flow))));
        bencher.iter_batched(new_folder, write, BatchSize::PerIteration);
    });
    group.bench_function("store: write bursts and details", |bencher| {
        let write = |folder| {
            write(folder, |writer| {
                kept.activity.iter().for_each(|burst| taken(writer.activity(burst)));
                kept.details.iter().for_each(|detail| taken(writer.detail(detail)));
            })
        };
        bencher.iter_batched(new_folder, write, BatchSize::PerIteration);
    });
    group.bench_function("store: read", |bencher| bencher.iter(|| read_facts(&store).expect("the facts just written")));
    group.bench_function("judge", |bencher| bencher.iter(|| judge(&facts, &catalog, None)));
    group.bench_function("judge and count dynamic ports", |bencher| bencher.iter(|| counted(&facts, &catalog)));
    group.bench_function("pcapng file to facts", |bencher| bencher.iter(|| facts_of(file.path())));
    let (judged, counts) = counted(&facts, &catalog);
    reports::benches(&mut group, &facts, &catalog, &judged, counts);
    group.finish();
}

fn new_folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

fn taken<E: std::fmt::Debug>(written: Result<(), E>) {
    written.expect("room for the facts");
}

/// Writes a partition with what `facts` pushes. The folder comes back, so that removing it is not measured.
fn write(folder: TempDir, facts: impl FnOnce(&mut PartitionWriter)) -> TempDir {
    let ids = CaptureIds(vec!["0123456789ab".into()]);
    let mut writer = PartitionWriter::create(&folder.path().join("store"), ids).expect("a store");
    facts(&mut writer);
    writer.commit(&[], &[]).expect("room for the facts");
    folder
}

/// Reads, prepares and meters a file into a new store, on one thread.
fn facts_of(path: &Path) -> TempDir {
    let folder = new_folder();
    let mut observation = opened(path);
    let ids = CaptureIds(observation.ids(1));
    let writer = PartitionWriter::create(&folder.path().join("store"), ids).expect("a store");
    let (_, writer) = metered_into(&mut observation, MeterSettings::default(), writer).expect("room for the facts");
    let captures = observation.finish().captures;
    writer.commit(&captures, &[]).expect("room for the facts");
    folder
}

/// Judges too: what is counted belongs to the judged flows.
fn counted(facts: &Facts, catalog: &Catalog) -> (Judged, PortCounts) {
    let judged = judge(facts, catalog, None);
    let frame = JudgedFrame::of(judged.flows.iter().map(ReducedFlow::of)).expect("columns that fit");
    let known = Known { catalog, site: None, judged: &judged, hosts: &HostTables::default(), time_wait_ns: None };
    let counts = count(&known, &frame, &facts.captures).expect("reductions that run");
    (judged, counts)
}
