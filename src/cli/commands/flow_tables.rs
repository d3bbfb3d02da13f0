//! The flow table of a report in all its formats at once: flows are handed from writer to writer, and none is kept.

use super::report::parquet;
use crate::classification::{flow_cells, flow_columns, flow_row};
use crate::cli::outcome::CliError;
use crate::model::JudgedFlow;
use crate::report::{ReportDir, ReportError, csv::CsvRows, json::JsonRows};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;

/// Flows that are handed on together.
const BATCH_FLOWS: usize = 1_024;
/// Batches that wait for each writer.
const WAITING: usize = 2;

type Batch = Vec<JudgedFlow>;

/// Takes flows one by one.
pub(super) struct FlowTables {
    batch: Batch,
    first: SyncSender<Batch>,
}

impl FlowTables {
    /// Adds a flow. False where a writer gave up: it says why at the end, and no more need be added.
    pub(super) fn add(&mut self, flow: JudgedFlow) -> bool {
        self.batch.push(flow);
        self.batch.len() < BATCH_FLOWS || self.hand_on()
    }

    fn hand_on(&mut self) -> bool {
        self.first.send(std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH_FLOWS))).is_ok()
    }
}

/// Writes the tables of the flows that `feed` adds: CSV, JSON and Parquet side by side.
pub(super) fn flow_tables<T>(
    dir: &ReportDir,
    feed: impl FnOnce(&mut FlowTables) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let columns = flow_columns();
    std::thread::scope(|scope| {
        let (first, to_csv) = sync_channel::<Batch>(WAITING);
        let (csv_done, to_json) = sync_channel::<Batch>(WAITING);
        let (json_done, to_parquet) = sync_channel::<Batch>(WAITING);
        let columns = &columns;
        let csv = scope.spawn(move || {
            dir.add("flows.csv", |out| {
                let mut rows = CsvRows::new(out, columns)?;
                pass_on(&to_csv, &csv_done, |flow| rows.cells(flow_cells(flow)))?;
                rows.finish().map(drop)
            })
        });
        let json = scope.spawn(move || {
            dir.add("flows.json", |out| {
                let mut rows = JsonRows::new(out, "flows", columns)?;
                pass_on(&to_json, &json_done, |flow| rows.cells(flow_cells(flow)))?;
                rows.finish().map(drop)
            })
        });
        let parquet = scope.spawn(move || {
            parquet(dir, "flows", columns, to_parquet.into_iter().flatten().map(|flow| flow_row(&flow)))
        });
        let mut tables = FlowTables { batch: Vec::with_capacity(BATCH_FLOWS), first };
        let fed = feed(&mut tables);
        if !tables.batch.is_empty() {
            tables.hand_on();
        }
        drop(tables);
        joined(csv)?;
        joined(json)?;
        joined(parquet)?;
        fed
    })
}

/// Writes flows as they come, and hands them to the next writer as long as it takes them.
fn pass_on(
    from: &Receiver<Batch>,
    to: &SyncSender<Batch>,
    mut write: impl FnMut(&JudgedFlow) -> Result<(), ReportError>,
) -> Result<(), ReportError> {
    for batch in from {
        batch.iter().try_for_each(&mut write)?;
        if to.send(batch).is_err() {
            break;
        }
    }
    Ok(())
}

fn joined<E>(writer: ScopedJoinHandle<'_, Result<(), E>>) -> Result<(), E> {
    match writer.join() {
        Ok(written) => written,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
