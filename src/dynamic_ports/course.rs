//! Ports in use over time: how many distinct ones are held at each moment, the most, and how much it varies.

use std::ops::RangeInclusive;

/// Steps of a course that are kept for a chart.
pub const MOST_STEPS: usize = 400;
/// Length of the blocks in which load is told apart, ns.
pub const BLOCK_NS: i64 = 3_600_000_000_000;
/// Blocks that are told apart; the last one takes what remains.
const MOST_BLOCKS: usize = 24 * 366;
/// Numbers of ports.
const PORTS: usize = 1 << 16;

/// A time during which a port is held. Its last instant belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// The port.
    pub port: u16,
    /// From when on, ns.
    pub start_ns: i64,
    /// Until when, TIME-WAIT included, ns.
    pub end_ns: i64,
}

/// The most ports held at once, and when first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peak {
    /// How many.
    pub ports: u32,
    /// When; `None` where no port was held.
    pub at_ns: Option<i64>,
}

/// Mean and variance of the number of ports held over some time, weighted by time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Level {
    /// First instant, ns.
    pub start_ns: i64,
    /// How long, in seconds.
    pub seconds: f64,
    /// Mean number of ports.
    pub mean: f64,
    /// Its variance.
    pub variance: f64,
}

impl Level {
    /// Variance over mean: 1 where connections come one by one, more where they come in batches; `None` without any.
    #[must_use]
    pub fn variance_to_mean(&self) -> Option<f64> {
        (self.mean > 0.0).then(|| self.variance / self.mean)
    }
}

/// How the number of ports held went over time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    /// The most.
    pub peak: Peak,
    /// The whole time.
    pub overall: Level,
    /// Hours from the beginning.
    pub hours: Vec<Level>,
    /// For a chart: the most ports in each of at most [`MOST_STEPS`] equal parts, with the beginning of the part.
    pub steps: Vec<(i64, u32)>,
}

impl Course {
    /// The course of some holds within an interval; parts outside of it do not count.
    #[must_use]
    pub fn of(holds: &[Hold], within: RangeInclusive<i64>) -> Self {
        let (from_ns, to_ns) = (*within.start(), *within.end());
        let inside = || holds.iter().filter(|hold| hold.end_ns >= from_ns && hold.start_ns <= to_ns);
        let mut taken: Vec<(i64, u16)> = inside().map(|hold| (hold.start_ns.max(from_ns), hold.port)).collect();
        let given = inside().map(|hold| (hold.end_ns.min(to_ns).max(hold.start_ns), hold.port));
        let mut given: Vec<(i64, u16)> = given.collect();
        // Holds mostly come in order: sorting what is sorted costs next to nothing.
        taken.sort_unstable();
        given.sort_unstable();
        let mut users = vec![0_u32; if taken.is_empty() { 0 } else { PORTS }];
        let mut record = Record::new(from_ns, to_ns);
        let mut held = 0_u32;
        let mut taken = taken.into_iter().peekable();
        for (end_ns, port) in given {
            // At one instant ports are taken before they are given back.
            while let Some((time_ns, port)) = taken.next_if(|(time_ns, _)| *time_ns <= end_ns) {
                record.until(time_ns, held);
                let count = &mut users[usize::from(port)];
                held += u32::from(*count == 0);
                *count += 1;
                record.now(time_ns, held);
            }
            record.until(end_ns, held);
            let count = &mut users[usize::from(port)];
            *count -= 1;
            held -= u32::from(*count == 0);
            record.now(end_ns, held);
        }
        record.until(to_ns, held);
        record.course()
    }

    /// The hour with the highest mean.
    #[must_use]
    pub fn busiest(&self) -> Level {
        let busier = |a: &&Level, b: &&Level| a.mean.total_cmp(&b.mean).then(b.start_ns.cmp(&a.start_ns));
        self.hours.iter().max_by(busier).copied().unwrap_or(self.overall)
    }
}

/// Sums over time.
#[derive(Clone, Copy, Default)]
struct Sums {
    seconds: f64,
    ports: f64,
    squares: f64,
}

impl Sums {
    fn add(&mut self, seconds: f64, held: u32) {
        let held = f64::from(held);
        self.seconds += seconds;
        self.ports += seconds * held;
        self.squares += seconds * held * held;
    }

    fn level(self, start_ns: i64) -> Level {
        if self.seconds <= 0.0 {
            return Level { start_ns, ..Level::default() };
        }
        let mean = self.ports / self.seconds;
        let variance = (self.squares / self.seconds - mean * mean).max(0.0);
        Level { start_ns, seconds: self.seconds, mean, variance }
    }
}

/// What is taken down while time goes on.
struct Record {
    from_ns: i64,
    to_ns: i64,
    upto_ns: i64,
    peak: Peak,
    blocks: Vec<Sums>,
    steps: Vec<u32>,
}

impl Record {
    fn new(from_ns: i64, to_ns: i64) -> Self {
        let length_ns = to_ns.saturating_sub(from_ns).max(0);
        let blocks = (length_ns / BLOCK_NS).clamp(1, MOST_BLOCKS as i64) as usize;
        let steps = if length_ns == 0 { 1 } else { MOST_STEPS };
        Self {
            from_ns,
            to_ns,
            upto_ns: from_ns,
            peak: Peak::default(),
            blocks: vec![Sums::default(); blocks],
            steps: vec![0; steps],
        }
    }

    /// That many were held up to a moment.
    fn until(&mut self, time_ns: i64, held: u32) {
        let (first, last) = (self.step(self.upto_ns), self.step(time_ns));
        for step in self.steps.iter_mut().take(last + 1).skip(first) {
            *step = (*step).max(held);
        }
        while self.upto_ns < time_ns {
            let block = ((self.upto_ns.saturating_sub(self.from_ns)) / BLOCK_NS) as usize;
            let block = block.min(self.blocks.len() - 1);
            let is_last = block + 1 == self.blocks.len();
            let block_end_ns = self.from_ns.saturating_add((block as i64 + 1).saturating_mul(BLOCK_NS));
            let end_ns = if is_last { time_ns } else { time_ns.min(block_end_ns) };
            self.blocks[block].add(end_ns.saturating_sub(self.upto_ns) as f64 / 1e9, held);
            self.upto_ns = end_ns;
        }
    }

    /// That many are held from a moment on.
    fn now(&mut self, time_ns: i64, held: u32) {
        if held > self.peak.ports {
            self.peak = Peak { ports: held, at_ns: Some(time_ns) };
        }
        let step = self.step(time_ns);
        self.steps[step] = self.steps[step].max(held);
    }

    fn step(&self, time_ns: i64) -> usize {
        let length = i128::from(self.to_ns) - i128::from(self.from_ns);
        let at = i128::from(time_ns) - i128::from(self.from_ns);
        let step = if length > 0 { at * self.steps.len() as i128 / length } else { 0 };
        usize::try_from(step).unwrap_or(0).min(self.steps.len() - 1)
    }

    fn course(self) -> Course {
        let hours: Vec<Level> = self
            .blocks
            .iter()
            .enumerate()
            .map(|(block, sums)| sums.level(self.from_ns.saturating_add((block as i64).saturating_mul(BLOCK_NS))))
            .collect();
        let mut all = Sums::default();
        for sums in &self.blocks {
            all.seconds += sums.seconds;
            all.ports += sums.ports;
            all.squares += sums.squares;
        }
        let length = i128::from(self.to_ns) - i128::from(self.from_ns);
        let count = self.steps.len() as i128;
        let begins = |step: usize| (i128::from(self.from_ns) + length * step as i128 / count) as i64;
        let steps = self.steps.iter().enumerate().map(|(step, held)| (begins(step), *held)).collect();
        Course { peak: self.peak, overall: all.level(self.from_ns), hours, steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    fn holds(of: &[(u16, i64, i64)]) -> Vec<Hold> {
        of.iter().map(|(port, start, end)| Hold { port: *port, start_ns: start * S, end_ns: end * S }).collect()
    }

    #[test]
    fn ports_count_once_and_the_last_instant_is_held() {
        let course = Course::of(&holds(&[(1, 0, 10), (1, 5, 20), (2, 20, 30), (3, 31, 32), (4, 40, 40)]), 0..=50 * S);
        assert_eq!(course.peak, Peak { ports: 2, at_ns: Some(20 * S) });
        assert_eq!(Course::of(&[], 0..=S).peak, Peak::default());
    }

    #[test]
    fn levels_are_weighted_by_time() {
        let course = Course::of(&holds(&[(1, 0, 10), (2, 0, 5)]), 0..=20 * S);
        assert!((course.overall.mean - 0.75).abs() < 1e-12, "{:?}", course.overall);
        let squares = (5.0 * 4.0 + 5.0) / 20.0;
        assert!((course.overall.variance - (squares - 0.75 * 0.75)).abs() < 1e-12);
        assert_eq!(course.hours.len(), 1);
    }

    #[test]
    fn hours_are_told_apart_and_the_last_takes_the_rest() {
        let course = Course::of(&holds(&[(1, 0, 3_600), (2, 7_000, 9_000)]), 0..=9_000 * S);
        let means: Vec<f64> = course.hours.iter().map(|hour| hour.mean).collect();
        assert_eq!(means.len(), 2);
        assert!((means[0] - 1.0).abs() < 1e-12 && (means[1] - 2_000.0 / 5_400.0).abs() < 1e-12, "{means:?}");
        assert_eq!(course.busiest().start_ns, 0);
    }

    #[test]
    fn a_chart_shows_the_most_of_each_part() {
        let course = Course::of(&holds(&[(1, 0, 400), (2, 100, 100)]), 0..=400 * S);
        assert_eq!(course.steps.len(), MOST_STEPS);
        assert_eq!(course.steps[100], (100 * S, 2), "a moment is not lost");
        assert!(course.steps.iter().all(|(_, held)| *held >= 1), "held all the time");
    }

    #[test]
    fn what_lies_outside_does_not_count_and_nothing_overflows() {
        let course = Course::of(&holds(&[(1, -50, -1), (2, 5, 2_000)]), 0..=10 * S);
        assert_eq!(course.peak, Peak { ports: 1, at_ns: Some(5 * S) });
        let edge = [Hold { port: 7, start_ns: i64::MIN, end_ns: i64::MAX }];
        assert_eq!(Course::of(&edge, i64::MIN..=i64::MAX).peak.ports, 1);
        assert_eq!(Course::of(&edge, 5..=5).peak.ports, 1);
        let backwards = [Hold { port: 7, start_ns: 9, end_ns: 3 }];
        assert_eq!(Course::of(&backwards, 0..=10).peak.ports, 1, "time may run backwards in a capture");
    }
}
