//! Work on many flows, on all cores, with its results in the order of the flows: the same on any number of cores.

use crate::model::{FlowRecord, Flows};
use std::convert::Infallible;
use std::ops::Range;
use std::sync::mpsc::sync_channel;
use std::thread;

/// Flows that are worked on together.
const BATCH: usize = 256;
/// Results of a worker that wait to be taken.
const WAITING: usize = 4;

/// Works on all numbers below `count`, a range of them at a time; `take` gets the results in the order of the numbers. Where it
/// fails, the rest is left.
pub(super) fn in_order<T: Send, E>(
    count: usize,
    work: impl Fn(Range<usize>) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let batches = count.div_ceil(BATCH);
    let range = |batch: usize| batch * BATCH..((batch + 1) * BATCH).min(count);
    let workers = thread::available_parallelism().map_or(1, usize::from).min(batches);
    if workers <= 1 {
        return (0..batches).try_for_each(|batch| take(work(range(batch))));
    }
    thread::scope(|scope| {
        let worker = |first: usize| {
            let (done, results) = sync_channel(WAITING);
            let work = &work;
            scope.spawn(move || {
                // Nobody takes any more where sending fails.
                (first..batches).step_by(workers).all(|batch| done.send(work(range(batch))).is_ok());
            });
            results
        };
        let results: Vec<_> = (0..workers).map(worker).collect();
        // A worker without a result has panicked: the scope says so.
        (0..batches).map_while(|batch| results[batch % workers].recv().ok()).try_for_each(&mut take)
    })
}

/// What is found in flows, in their order.
pub(super) fn found<T: Send>(flows: &Flows, look: impl Fn(FlowRecord) -> Option<T> + Sync) -> Vec<T> {
    let mut all = Vec::new();
    let Ok(()) = in_order(
        flows.len(),
        |numbers| numbers.filter_map(|number| look(flows.get(number)?)).collect::<Vec<_>>(),
        |found| {
            all.extend(found);
            Ok::<(), Infallible>(())
        },
    );
    all
}

/// Works on all numbers below `count`, cut into as many ranges as there are cores; the results come in their order. For what does not
/// depend on where the cuts are.
pub(super) fn in_parts<T: Send>(count: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let part = count.div_ceil(cores).max(BATCH);
    thread::scope(|scope| {
        let work = &work;
        let start = |first: usize| scope.spawn(move || work(first..(first + part).min(count)));
        let parts: Vec<_> = (0..count).step_by(part).map(start).collect();
        parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_each_once() {
        for count in [0, 1, BATCH, BATCH + 1, 20 * BATCH + 7] {
            let mut taken = Vec::new();
            let done: Result<(), Infallible> = in_order(count, Vec::from_iter, |numbers| {
                taken.extend(numbers);
                Ok(())
            });
            assert_eq!((done, taken), (Ok(()), Vec::from_iter(0..count)));
        }
    }

    #[test]
    fn parts_come_in_order_and_leave_nothing_out() {
        for count in [0, 1, BATCH + 1, 20 * BATCH + 7] {
            let parts = in_parts(count, Vec::from_iter);
            assert_eq!(parts.concat(), Vec::from_iter(0..count));
        }
    }

    #[test]
    fn it_ends_where_nobody_takes_any_more() {
        let ended =
            in_order(100 * BATCH, |numbers| numbers.start, |start| if start < 3 * BATCH { Ok(()) } else { Err(start) });
        assert_eq!(ended, Err(3 * BATCH));
    }
}
