//! Seeded numbers: ChaCha8 from a fixed key, and nothing of it that a new version of a crate may change.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A stream of numbers.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of one purpose in the demo: streams do not disturb each other when one of them is asked more often.
    pub(crate) fn demo(purpose: u8) -> Self {
        let mut seed = *b"portproof demo recording, seed A";
        seed[31] = purpose;
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// The stream of one purpose, and of one of many things with that purpose, in a recording that has this seed.
    pub(crate) fn seeded(recording: u64, purpose: u8, thing: u32) -> Self {
        let mut seed = *b"portproof work days             ";
        seed[19..27].copy_from_slice(&recording.to_le_bytes());
        seed[27..31].copy_from_slice(&thing.to_le_bytes());
        seed[31] = purpose;
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// A number from 0 up to, not including, 1.
    pub(crate) fn part(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number with the standard normal distribution (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.part()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.part()).cos()
    }

    /// Time until the next of events that come independently, `rate` of them in a unit of time.
    pub(crate) fn gap(&mut self, rate: f64) -> f64 {
        -(1.0 - self.part()).ln() / rate
    }

    /// A number from 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(end);
        (wide >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high.abs_diff(low) + 1) as i64
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A 32-bit number.
    pub(crate) fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Bytes without a pattern.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut out = vec![0; count];
        self.0.fill_bytes(&mut out);
        out
    }

    /// Brings a list into another order (Fisher-Yates).
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            list.swap(last, other);
        }
    }
}
