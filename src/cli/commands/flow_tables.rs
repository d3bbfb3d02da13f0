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
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ScopedJoinHandle;

/// Batches that wait for each writer.
const WAITING: usize = 4;
/// The table.
const NAME: &str = "flows";

/// Flows, and their rows as text.
struct Batch {
    flows: Vec<JudgedFlow>,
    csv: Vec<u8>,
    json: Vec<u8>,
}

/// Memory to be used again: it comes from one thread and ends in another, and fresh pages cost more than what is written to them.
struct Spare<T>(Mutex<Vec<Vec<T>>>);

impl<T> Spare<T> {
    fn none() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn take(&self) -> Vec<T> {
        self.all().pop().unwrap_or_default()
    }

    fn give(&self, mut used: Vec<T>) {
        used.clear();
        self.all().push(used);
    }

    fn all(&self) -> MutexGuard<'_, Vec<Vec<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How rows are put down, and where.
struct Forms {
    csv: CsvForm,
    json: JsonForm,
    lines: Spare<u8>,
    flows: Spare<JudgedFlow>,
}

impl Forms {
    fn put_down(&self, judged: &mut dyn Iterator<Item = JudgedFlow>) -> Result<Batch, ReportError> {
        let (mut flows, mut csv, mut json) = (self.flows.take(), self.lines.take(), self.lines.take());
        flows.extend(judged);
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
    let (csv, json) = (CsvForm::of(&columns), JsonForm::of(&columns)?);
    let forms = &Forms { csv, json, lines: Spare::none(), flows: Spare::none() };
    std::thread::scope(|scope| {
        let (to_csv, csv_lines) = sync_channel::<Vec<u8>>(WAITING);
        let (to_json, json_lines) = sync_channel::<Vec<u8>>(WAITING);
        let (to_parquet, flows) = sync_channel::<Vec<JudgedFlow>>(WAITING);
        let columns = &columns;
        let csv = scope.spawn(move || {
            dir.add(&format!("{NAME}.csv"), |out| {
                let mut rows = CsvRows::new(out, columns)?;
                for lines in csv_lines {
                    rows.lines(&lines)?;
                    forms.lines.give(lines);
                }
                rows.finish().map(drop)
            })
        });
        let json = scope.spawn(move || {
            dir.add(&format!("{NAME}.json"), |out| {
                let mut rows = JsonRows::new(out, NAME, columns)?;
                for lines in json_lines {
                    rows.lines(&lines)?;
                    forms.lines.give(lines);
                }
                rows.finish().map(drop)
            })
        });
        let parquet = scope.spawn(move || parquet(dir, &flows, &forms.flows));
        let fed = judge.in_batches(
            |judged| forms.put_down(judged),
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

fn parquet(dir: &ReportDir, batches: &Receiver<Vec<JudgedFlow>>, spare: &Spare<JudgedFlow>) -> Result<(), CliError> {
    let name = format!("{NAME}.parquet");
    let failed = |error| not_written(&dir.target().join(&name), error);
    let mut table = ResultTable::create(&dir.path_of(&name)?, &flow_columns()).map_err(failed)?;
    for flows in batches {
        table.push(&flows, flow_cell).map_err(failed)?;
        spare.give(flows);
    }
    table.finish().map_err(failed)
}

fn joined<E>(writer: ScopedJoinHandle<'_, Result<(), E>>) -> Result<(), E> {
    match writer.join() {
        Ok(written) => written,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
