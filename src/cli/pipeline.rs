//! Reading and decoding on one thread, metering and writing on another. What comes out is the same on one thread: frames are
//! metered in the order in which they were read.

use super::interrupt;
use super::outcome::CliError;
use super::progress::Progress;
use crate::capture::Observation;
use crate::metering::{Meter, Prepared, Preparer};
use crate::model::FlowSink;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Batches on their way between the threads.
const UNDER_WAY: usize = 4;

/// Frames that were read and prepared, and the bytes in which they stand.
#[derive(Default)]
struct Work {
    bytes: Vec<u8>,
    frames: Prepared,
}

/// Meters everything that the observation gives, and gives the meter back.
pub(super) fn run<S>(
    observation: &mut Observation,
    meter: Meter<S>,
    threads: NonZeroUsize,
    mut progress: Progress,
) -> Result<Meter<S>, CliError>
where
    S: FlowSink + Send,
    CliError: From<S::Error>,
    S::Error: Send,
{
    let meter = match threads.get() {
        1 => alone(observation, meter, &mut progress),
        _ => side_by_side(observation, meter, &mut progress),
    };
    progress.finish();
    meter
}

fn alone<S: FlowSink>(
    observation: &mut Observation,
    mut meter: Meter<S>,
    progress: &mut Progress,
) -> Result<Meter<S>, CliError>
where
    CliError: From<S::Error>,
{
    let mut preparer = meter.preparer();
    let mut work = Work::default();
    while read(observation, &mut preparer, &mut work, progress)? {
        meter.batch(&work.frames, &work.bytes)?;
    }
    Ok(meter)
}

fn side_by_side<S>(
    observation: &mut Observation,
    meter: Meter<S>,
    progress: &mut Progress,
) -> Result<Meter<S>, CliError>
where
    S: FlowSink + Send,
    CliError: From<S::Error>,
    S::Error: Send,
{
    let mut preparer = meter.preparer();
    let (full, work) = sync_channel::<Work>(UNDER_WAY);
    let (empty, used) = sync_channel::<Work>(UNDER_WAY + 2);
    std::thread::scope(|scope| {
        let metering = scope.spawn(move || meter_all(meter, &work, &empty));
        let mut read_all = || -> Result<(), CliError> {
            let mut next = Work::default();
            while read(observation, &mut preparer, &mut next, progress)? {
                if full.send(next).is_err() {
                    // The other thread ended, and says why.
                    return Ok(());
                }
                next = used.try_recv().unwrap_or_default();
            }
            Ok(())
        };
        let read = read_all();
        drop(full);
        let metered = metering.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        read?;
        Ok(metered?)
    })
}

fn meter_all<S: FlowSink>(
    mut meter: Meter<S>,
    full: &Receiver<Work>,
    empty: &SyncSender<Work>,
) -> Result<Meter<S>, S::Error> {
    for work in full {
        meter.batch(&work.frames, &work.bytes)?;
        // Whoever reads may have ended.
        let _ = empty.try_send(work);
    }
    Ok(meter)
}

/// Reads the next frames and prepares them while they are at hand; false at the end.
fn read(
    observation: &mut Observation,
    preparer: &mut Preparer,
    work: &mut Work,
    progress: &mut Progress,
) -> Result<bool, CliError> {
    interrupt::check()?;
    let Work { bytes, frames } = work;
    frames.clear();
    let number = observation.next_batch(bytes, |frame, at| preparer.prepare(frame, at, frames));
    progress.packets(number, || observation.read_bytes());
    Ok(number > 0)
}
