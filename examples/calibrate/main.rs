//! Calibration: the estimators as they are implemented, over recordings that are made up and whose truth is known.
//!
//! `cargo run --example calibrate [-- RECORDINGS [CHARTS]]` prints the tables of `docs/estimators.md` and writes its charts to the
//! folder CHARTS. With fewer than 400 recordings a workload it says that this is not enough. Ends with 1 where something that
//! has to hold does not.

mod charts;
mod simulation;
mod tables;

use simulation::calls::{self, Outcome};
use simulation::measure::{Row, measure};
use simulation::workloads;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Recordings of each workload, unless said otherwise.
const RECORDINGS: u64 = 2_000;
/// Recordings from which ports for calls are sized, at most.
const CALL_RECORDINGS: u64 = 400;
/// Days that each size is used for.
const DAYS: u32 = 60;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let recordings = arguments.next().map_or(Ok(RECORDINGS), |given| given.parse());
    let folder = arguments.next().map(PathBuf::from);
    let Ok(recordings) = recordings else {
        let _ = writeln!(std::io::stderr(), "usage: calibrate [RECORDINGS [CHARTS]]");
        return ExitCode::from(2);
    };
    match run(recordings, folder) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "calibrate: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all holds that has to.
fn run(recordings: u64, folder: Option<PathBuf>) -> std::io::Result<bool> {
    let groups = workloads::all();
    let flat: Vec<workloads::Workload> = groups.iter().flat_map(|(_, workloads)| workloads.iter().copied()).collect();
    let rows: Vec<Row> =
        in_parallel(flat.len(), |at| flat.get(at).map(|workload| measure(*workload, at as u64 + 1, recordings)));
    let calls = calls::all();
    let call_recordings = recordings.min(CALL_RECORDINGS);
    let outcomes: Vec<Outcome> = in_parallel(calls.len(), |at| {
        calls.get(at).map(|calls| calls::measure(*calls, at as u64 + 10_001, call_recordings, DAYS))
    });
    let mut rest = rows.as_slice();
    let mut grouped: Vec<(&str, &[Row])> = Vec::new();
    for (name, workloads) in &groups {
        let (these, others) = rest.split_at(workloads.len().min(rest.len()));
        grouped.push((name, these));
        rest = others;
    }
    let missed = tables::missed(&grouped, &outcomes);
    let page = tables::page(&grouped, &outcomes, recordings, call_recordings, &missed);
    std::io::stdout().write_all(page.as_bytes())?;
    if let Some(folder) = folder {
        charts::write(&folder, &grouped)?;
    }
    Ok(missed.is_empty())
}

/// Does each piece of work once, on all processors. The order of the results is that of the work.
fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> Option<T> + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        break;
                    }
                    if let (Some(result), Ok(mut done)) = (work(at), done.lock()) {
                        done.push((at, result));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
