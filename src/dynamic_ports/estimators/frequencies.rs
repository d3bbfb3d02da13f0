//! Frequency counts: how many listeners were seen once, twice, and so on.
//!
//! Everything that the estimators use of a sample. Counts are held as `f64`: the formulas multiply up to the fourth power of a
//! count, which no integer type holds for hostile input.

/// Frequencies of listeners by how often each was seen. Listeners that were seen zero times do not count.
#[derive(Debug, Clone, PartialEq)]
pub struct Frequencies {
    /// `by_times[j - 1]` = number of listeners seen j times, for j from 1 to [`Frequencies::KEPT`].
    by_times: Vec<u64>,
    seen: u64,
    total: u64,
}

impl Frequencies {
    /// Frequencies that are kept one by one. The farthest that any formula here looks is 10 (ACE, Good–Toulmin).
    pub const KEPT: usize = 10;

    /// Counts how often each number occurs. Zeros are left out; sums beyond 64 bits stay at the largest number.
    #[must_use]
    pub fn of(counts: &[u64]) -> Self {
        let mut frequencies = Self { by_times: vec![0; Self::KEPT], seen: 0, total: 0 };
        for count in counts.iter().copied().filter(|count| *count > 0) {
            frequencies.seen += 1;
            frequencies.total = frequencies.total.saturating_add(count);
            let at = usize::try_from(count - 1).unwrap_or(usize::MAX);
            if let Some(kept) = frequencies.by_times.get_mut(at) {
                *kept += 1;
            }
        }
        frequencies
    }

    /// Listeners seen exactly `times` times; 0 beyond [`Frequencies::KEPT`].
    #[must_use]
    pub fn times(&self, times: usize) -> u64 {
        times.checked_sub(1).and_then(|at| self.by_times.get(at)).copied().unwrap_or(0)
    }

    /// The same as a number to calculate with.
    pub(super) fn f(&self, times: usize) -> f64 {
        self.times(times) as f64
    }

    /// Listeners seen at least once.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Sum of all counts: visits, or pairs of listener and unit.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_do_not_count_and_large_counts_do_not_overflow() {
        let frequencies = Frequencies::of(&[0, 1, 1, 2, 10, 11, u64::MAX, u64::MAX]);
        assert_eq!((frequencies.seen(), frequencies.total()), (7, u64::MAX));
        let kept: Vec<u64> = (0..=12).map(|times| frequencies.times(times)).collect();
        assert_eq!(kept, [0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(Frequencies::of(&[]).seen(), 0);
    }
}
