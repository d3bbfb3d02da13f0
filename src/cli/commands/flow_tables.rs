//! The flow table of a report in all its formats at once: flows are judged and put down on all cores, written in their order, and none is
//! kept.

use crate::classification::{Judge, flow_cell, flow_cells, flow_columns};
use crate::cli::interrupt;
use crate::cli::outcome::CliError;
use crate::cli::output::not_written;
use crate::model::JudgedFlow;
use crate::report::csv::{CsvForm, CsvRows};
use crate::report::json::{JsonForm, JsonRows};
use crate::report::{ReportDir, ReportError};
use crate::store::ResultTable;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;

/// Batches that wait for each writer.
const WAITING: usize = 4;
/// As long as most rows are, bytes: room for as many is made at once.
const CSV_ROW_BYTES: usize = 1_024;
/// As above.
const JSON_ROW_BYTES: usize = 2_048;
/// The table.
const NAME: &str = "flows";

/// Flows, and their rows as text.
struct Batch {
    flows: Vec<JudgedFlow>,
    csv: Vec<u8>,
    json: Vec<u8>,
}

/// How rows are put down.
struct Forms {
    csv: CsvForm,
    json: JsonForm,
}

impl Forms {
    fn put_down(&self, flows: Vec<JudgedFlow>) -> Result<Batch, ReportError> {
        let mut csv = Vec::with_capacity(flows.len() * CSV_ROW_BYTES);
        let mut json = Vec::with_capacity(flows.len() * JSON_ROW_BYTES);
        for flow in &flows {
            self.csv.row(flow_cells(flow), &mut csv)?;
            self.json.row(flow_cells(flow), &mut json)?;
        }
        Ok(Batch { flows, csv, json })
    }
}

/// Writes the tables of all flows, CSV, JSON and Parquet, and tells `note` of each flow, in the order of the facts.
pub(super) fn flow_tables(
    dir: &ReportDir,
    judge: &Judge<'_>,
    mut note: impl FnMut(&JudgedFlow),
) -> Result<(), CliError> {
    let columns = flow_columns();
    let forms = Forms { csv: CsvForm::of(&columns), json: JsonForm::of(&columns)? };
    std::thread::scope(|scope| {
        let (to_csv, csv_lines) = sync_channel::<Vec<u8>>(WAITING);
        let (to_json, json_lines) = sync_channel::<Vec<u8>>(WAITING);
        let (to_parquet, flows) = sync_channel::<Vec<JudgedFlow>>(WAITING);
        let columns = &columns;
        let csv = scope.spawn(move || {
            dir.add(&format!("{NAME}.csv"), |out| {
                let mut rows = CsvRows::new(out, columns)?;
                csv_lines.into_iter().try_for_each(|lines| rows.lines(&lines))?;
                rows.finish().map(drop)
            })
        });
        let json = scope.spawn(move || {
            dir.add(&format!("{NAME}.json"), |out| {
                let mut rows = JsonRows::new(out, NAME, columns)?;
                json_lines.into_iter().try_for_each(|lines| rows.lines(&lines))?;
                rows.finish().map(drop)
            })
        });
        let parquet = scope.spawn(move || parquet(dir, &flows));
        let fed = judge.in_batches(
            |flows| forms.put_down(flows),
            |batch| {
                interrupt::check()?;
                let Batch { flows, csv, json } = batch.map_err(CliError::from)?;
                flows.iter().for_each(&mut note);
                hand_on(&to_csv, csv)?;
                hand_on(&to_json, json)?;
                hand_on(&to_parquet, flows)
            },
        );
        drop((to_csv, to_json, to_parquet));
        joined(csv)?;
        joined(json)?;
        joined(parquet)?;
        match fed {
            Err(Ended::Failed(error)) => Err(error),
            Ok(()) | Err(Ended::WriterGaveUp) => Ok(()),
        }
    })
}

/// Why not all flows were handed on.
enum Ended {
    Failed(CliError),
    /// It says why itself.
    WriterGaveUp,
}

impl From<CliError> for Ended {
    fn from(error: CliError) -> Self {
        Self::Failed(error)
    }
}

fn hand_on<T>(to: &SyncSender<T>, what: T) -> Result<(), Ended> {
    to.send(what).map_err(|_| Ended::WriterGaveUp)
}

fn parquet(dir: &ReportDir, batches: &Receiver<Vec<JudgedFlow>>) -> Result<(), CliError> {
    let name = format!("{NAME}.parquet");
    let failed = |error| not_written(&dir.target().join(&name), error);
    let mut table = ResultTable::create(&dir.path_of(&name)?, &flow_columns()).map_err(failed)?;
    for flows in batches {
        table.push(&flows, flow_cell).map_err(failed)?;
    }
    table.finish().map_err(failed)
}

fn joined<E>(writer: ScopedJoinHandle<'_, Result<(), E>>) -> Result<(), E> {
    match writer.join() {
        Ok(written) => written,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
