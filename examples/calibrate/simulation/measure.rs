//! One workload, recorded many times: what the estimators say against what is true.

use super::dice::Dice;
use super::workloads::{Interval, Listener, SECOND_NS, Workload};
use portproof::dynamic_ports::estimators::{Estimate, WithInterval, estimate};
use portproof::dynamic_ports::visits::{Sample, Units, Visit, visits};

/// The figures that are compared with the truth, in the order of [`Row::figures`].
pub(crate) const FIGURES: [&str; 6] = ["seen", "Chao1", "Chao2", "jackknife 1", "jackknife 2", "ACE"];

/// Mean and spread of a figure's error.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Errors {
    count: u64,
    sum: f64,
    squares: f64,
}

impl Errors {
    fn add(&mut self, error: f64) {
        self.count += 1;
        self.sum += error;
        self.squares += error * error;
    }

    /// Mean error; not a number without any.
    pub(crate) fn bias(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// Root of the mean square.
    pub(crate) fn rmse(&self) -> f64 {
        (self.squares / self.count as f64).sqrt()
    }

    /// Standard error of the bias: how sure the simulation is of it.
    pub(crate) fn bias_error(&self) -> f64 {
        let variance = self.squares / self.count as f64 - self.bias() * self.bias();
        (variance.max(0.0) / self.count as f64).sqrt()
    }
}

/// How often something held.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Share {
    held: u64,
    of: u64,
}

impl Share {
    fn add(&mut self, held: bool) {
        self.held += u64::from(held);
        self.of += 1;
    }

    /// 0 to 1; not a number without any.
    pub(crate) fn value(&self) -> f64 {
        self.held as f64 / self.of as f64
    }
}

/// What came of a workload.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) workload: Workload,
    /// Mean number of listeners that are known whatever was visited.
    pub(crate) known: f64,
    /// Mean sample coverage as estimated.
    pub(crate) coverage: f64,
    pub(crate) figures: [Errors; FIGURES.len()],
    pub(crate) chao1_covers: Share,
    pub(crate) chao2_covers: Share,
    /// The upper bound is at least the truth.
    pub(crate) upper_covers: Share,
    /// The upper bounds, ascending.
    pub(crate) uppers: Vec<u64>,
    /// The forecast before clamping, against what really came: of the fullest epoch, as the program tells it.
    pub(crate) forecast: Errors,
    /// The same over all epochs: without the choice of the fullest one, which is fuller than others by chance too.
    pub(crate) every_forecast: Errors,
    /// What really came, on average.
    pub(crate) new: f64,
    pub(crate) forecast_covers: Share,
}

impl Row {
    fn new(workload: Workload) -> Self {
        Self {
            workload,
            known: 0.0,
            coverage: 0.0,
            figures: [Errors::default(); FIGURES.len()],
            chao1_covers: Share::default(),
            chao2_covers: Share::default(),
            upper_covers: Share::default(),
            uppers: Vec::new(),
            forecast: Errors::default(),
            every_forecast: Errors::default(),
            new: 0.0,
            forecast_covers: Share::default(),
        }
    }

    /// The bound below which so large a part of the recordings stays, over the truth.
    pub(crate) fn upper_at(&self, part: f64) -> f64 {
        let at = (part * self.uppers.len() as f64) as usize;
        let bound = self.uppers.get(at.min(self.uppers.len().saturating_sub(1))).copied().unwrap_or(0);
        bound as f64 / f64::from(self.workload.listeners)
    }

    fn add(&mut self, estimate: &Estimate, new: u64) {
        let truth = f64::from(self.workload.listeners);
        let figures = [
            Some(estimate.seen as f64),
            estimate.chao1.map(|found| found.estimate),
            estimate.chao2.map(|found| found.estimate),
            estimate.jackknife1,
            estimate.jackknife2,
            estimate.ace,
        ];
        for (errors, figure) in self.figures.iter_mut().zip(figures) {
            figure.into_iter().for_each(|figure| errors.add(figure - truth));
        }
        // A little room, for rounding.
        let covers = |found: WithInterval| found.lower_95 <= truth + 1e-9 && truth <= found.upper_95 + 1e-9;
        estimate.chao1.into_iter().for_each(|found| self.chao1_covers.add(covers(found)));
        estimate.chao2.into_iter().for_each(|found| self.chao2_covers.add(covers(found)));
        let upper = estimate.upper.unwrap_or(0);
        self.upper_covers.add(upper >= u64::from(self.workload.listeners));
        self.uppers.push(upper);
        self.known += estimate.known as f64;
        self.coverage += estimate.coverage.unwrap_or(1.0);
        self.new += new as f64;
        // Without a forecast all that is seen is known: nothing new is promised.
        let (expected, displayed, half) = estimate
            .forecast
            .map_or((0.0, 0.0, 0.0), |found| (found.expected, found.displayed(), found.plus_minus_95()));
        self.forecast.add(expected - new as f64);
        self.forecast_covers.add((displayed - new as f64).abs() <= half);
    }
}

/// Records a workload that many times.
pub(crate) fn measure(workload: Workload, number: u64, recordings: u64) -> Row {
    let mut row = Row::new(workload);
    for recording in 0..recordings {
        let epochs = record(&workload, &mut Dice::new(number, recording));
        for (estimate, new) in &epochs {
            row.every_forecast.add(estimate.forecast.map_or(0.0, |found| found.expected) - *new as f64);
        }
        // The first of equals, as the program takes it.
        if let Some((estimate, new)) = epochs.iter().rev().max_by_key(|(estimate, _)| estimate.seen) {
            row.add(estimate, *new);
        }
    }
    row.uppers.sort_unstable();
    let count = recordings.max(1) as f64;
    (row.known, row.coverage, row.new) = (row.known / count, row.coverage / count, row.new / count);
    row
}

/// One recording: for each epoch the estimate, and how many listeners as long an epoch would show for the first time.
fn record(workload: &Workload, dice: &mut Dice) -> Vec<(Estimate, u64)> {
    let rates = workload.rates(dice);
    let mut epochs = Vec::new();
    for intervals in workload.epochs(dice) {
        let listeners: Vec<Listener> =
            rates.iter().enumerate().map(|(at, rate)| workload.listener(at, *rate, &intervals, dice)).collect();
        epochs.push(judge(&listeners, &intervals));
    }
    epochs
}

fn judge(listeners: &[Listener], intervals: &[Interval]) -> (Estimate, u64) {
    let recordings: Vec<(i64, i64)> =
        intervals.iter().map(|(start, end)| ((start * SECOND_NS) as i64, (end * SECOND_NS) as i64)).collect();
    let units = Units::of(&recordings);
    let seen: Vec<Vec<Visit>> =
        listeners.iter().filter(|l| !l.contacts.is_empty()).map(|listener| visits(&listener.contacts)).collect();
    let sample = Sample::of(seen.iter().map(|visits| (visits.as_slice(), false)), &units);
    let new = listeners.iter().filter(|listener| listener.contacts.is_empty() && listener.comes_later).count() as u64;
    (estimate(&sample), new)
}
