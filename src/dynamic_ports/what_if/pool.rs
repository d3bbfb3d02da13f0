//! Free ports as bits with a summary above them: the next free one from any place in a few steps.
//!
//! Ports are places 0 to N-1 of the usable ports, not port numbers.

use super::AllocationOrder;

const BITS: u32 = 64;

/// Which places are free.
#[derive(Debug, Clone)]
pub(super) struct PortPool {
    /// A bit for each place: set where it is free.
    words: Vec<u64>,
    /// A bit for each word: set where it holds a free place.
    summary: Vec<u64>,
    size: u32,
    free: u32,
}

impl PortPool {
    /// All places free.
    pub(super) fn new(size: u32) -> Self {
        let filled = |bits: u32| -> Vec<u64> {
            let whole = usize::try_from(bits / BITS).unwrap_or(0);
            let mut words = vec![u64::MAX; whole];
            let rest = bits % BITS;
            if rest > 0 {
                words.push(u64::MAX >> (BITS - rest));
            }
            words
        };
        Self { words: filled(size), summary: filled(size.div_ceil(BITS)), size, free: size }
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    pub(super) fn free(&self) -> u32 {
        self.free
    }

    /// Takes the first free place at or after `from`, around the end.
    pub(super) fn take_from(&mut self, from: u32) -> Option<u32> {
        let place = self.next(from).or_else(|| self.next(0))?;
        self.set(place, false);
        Some(place)
    }

    /// Gives a place back. One that is free stays free.
    pub(super) fn give_back(&mut self, place: u32) {
        self.set(place, true);
    }

    fn next(&self, from: u32) -> Option<u32> {
        let word = from / BITS;
        let here = word_at(&self.words, word) & from_bit(from % BITS);
        if here != 0 {
            return Some(word * BITS + here.trailing_zeros());
        }
        let next = next_bit(&self.summary, word + 1)?;
        Some(next * BITS + word_at(&self.words, next).trailing_zeros())
    }

    fn set(&mut self, place: u32, free: bool) {
        let word_number = place / BITS;
        let Some(word) = usize::try_from(word_number).ok().and_then(|at| self.words.get_mut(at)) else { return };
        let bit = 1u64 << (place % BITS);
        if place >= self.size || (*word & bit != 0) == free {
            return;
        }
        *word ^= bit;
        let is_empty = *word == 0;
        self.free = if free { self.free + 1 } else { self.free - 1 };
        if let Some(above) = usize::try_from(word_number / BITS).ok().and_then(|at| self.summary.get_mut(at)) {
            let bit = 1u64 << (word_number % BITS);
            *above = if is_empty { *above & !bit } else { *above | bit };
        }
    }
}

fn word_at(words: &[u64], number: u32) -> u64 {
    usize::try_from(number).ok().and_then(|at| words.get(at)).copied().unwrap_or(0)
}

/// Bits at and above `bit`.
fn from_bit(bit: u32) -> u64 {
    u64::MAX << (bit % BITS)
}

/// The first bit set at or after `from`. There are at most 16 words of summary.
fn next_bit(words: &[u64], from: u32) -> Option<u32> {
    let first = from / BITS;
    let mut mask = from_bit(from % BITS);
    for number in first..u32::try_from(words.len()).ok()? {
        let here = word_at(words, number) & mask;
        if here != 0 {
            return Some(number * BITS + here.trailing_zeros());
        }
        mask = u64::MAX;
    }
    None
}

/// Picks places in the order of an allocator.
#[derive(Debug, Clone)]
pub(super) enum Picker {
    /// The place to begin at.
    Sequential(u32),
    Random(SplitMix64),
}

impl Picker {
    pub(super) fn new(order: AllocationOrder) -> Self {
        match order {
            AllocationOrder::Sequential => Self::Sequential(0),
            AllocationOrder::Random { seed } => Self::Random(SplitMix64(seed)),
        }
    }

    /// Takes a free place; `None` where there is none.
    pub(super) fn take(&mut self, pool: &mut PortPool) -> Option<u32> {
        match self {
            Self::Sequential(next) => {
                let place = pool.take_from(*next)?;
                *next = place + 1;
                Some(place)
            }
            Self::Random(random) => {
                let from = random.below(pool.size());
                pool.take_from(from)
            }
        }
    }
}

/// SplitMix64: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014,
/// with the constants of the authors' Java 8 `SplittableRandom`. Not for secrets.
#[derive(Debug, Clone)]
pub(in crate::dynamic_ports) struct SplitMix64(pub(in crate::dynamic_ports) u64);

impl SplitMix64 {
    pub(in crate::dynamic_ports) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, 0 where that is 0. The bias of multiply-and-shift is below 2^-32 here.
    fn below(&mut self, limit: u32) -> u32 {
        let high = self.next() >> 32;
        u32::try_from((high * u64::from(limit)) >> 32).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_free_place_over_words_and_around_the_end() {
        for size in [1, 63, 64, 65, 4_096, 4_097, 65_535] {
            let mut pool = PortPool::new(size);
            for expected in 0..size {
                assert_eq!(pool.take_from(expected), Some(expected), "{size}");
            }
            assert_eq!((pool.free(), pool.take_from(0)), (0, None), "{size}");
            pool.give_back(size / 2);
            pool.give_back(size / 2);
            assert_eq!((pool.free(), pool.take_from(size - 1)), (1, Some(size / 2)), "{size}");
        }
        assert_eq!(PortPool::new(0).take_from(0), None);
        let mut pool = PortPool::new(10);
        pool.give_back(10);
        assert_eq!(pool.free(), 10);
    }

    #[test]
    fn the_generator_is_the_published_one() {
        // The first values of seed 1234567, as the reference implementation prints them.
        let mut random = SplitMix64(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }
}
