//! Writes a store of many flows: `cargo run --release --example large_store STORE [FLOWS]`, 5,000,000 flows unless told
//! otherwise.
//!
//! For measuring what reads stores (`portproof report STORE -o OUT`). 500 hosts over three days, one in ten a server with
//! 60 dynamic listeners; connections to documented ports, to dynamic listeners that an endpoint mapper announces, to ports
//! that nobody documents, attempts in vain, and name service. Everything is computed from the number of the flow: the same
//! store every time.

mod plant;

use plant::Plant;
use portproof::model::{CaptureEnd, CaptureIndex, CaptureSummary, Fate, FlowSink, ReadingCounts, Tally};
use portproof::store::schema::CaptureIds;
use portproof::store::{PartitionWriter, StoreError};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

const FLOWS: u64 = 5_000_000;
const CAPTURE_ID: &str = "0123456789ab";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let store = arguments.next();
    let flows = match arguments.next() {
        None => Some(FLOWS),
        Some(text) => text.to_str().and_then(|text| text.parse().ok()),
    };
    let (Some(store), Some(flows)) = (store, flows) else {
        let _ = writeln!(std::io::stderr(), "usage: large_store STORE [FLOWS]");
        return ExitCode::from(2);
    };
    match write(Path::new(&store), flows) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "large_store: {error}");
            ExitCode::from(2)
        }
    }
}

fn write(store: &Path, flows: u64) -> Result<(), StoreError> {
    let mut writer = PartitionWriter::create(store, CaptureIds(vec![CAPTURE_ID.to_owned()]))?;
    let mut plant = Plant::new(flows);
    let mut packets = 0;
    while let Some(played) = plant.next() {
        packets += played.record.from_a.packets + played.record.from_b.packets;
        writer.flow(&played.record)?;
        played.announced.iter().try_for_each(|said| writer.announcement(said))?;
        played.details.iter().try_for_each(|detail| writer.detail(detail))?;
        played.bursts.iter().try_for_each(|burst| writer.activity(burst))?;
    }
    plant.names().iter().try_for_each(|name| writer.name(name))?;
    writer.commit(&[(CaptureIndex(0), capture(&plant, packets))], &[]).map(drop)
}

fn capture(plant: &Plant, packets: u64) -> CaptureSummary {
    let mut tally = Tally::default();
    tally.add(Fate::Tcp, packets);
    let (first_ns, last_ns) = plant.span();
    CaptureSummary {
        name: "large.pcapng".to_owned(),
        id: CAPTURE_ID.to_owned(),
        size_bytes: None,
        sha256: None,
        format: "pcapng",
        compression: "none",
        interfaces: Vec::new(),
        first_ns: Some(first_ns),
        last_ns: Some(last_ns),
        snapped_frames: 0,
        backward_steps: 0,
        reading: ReadingCounts::default(),
        filter: None,
        tally,
        first_stop: None,
        end: CaptureEnd::Complete,
    }
}
