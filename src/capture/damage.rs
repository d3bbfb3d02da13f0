//! Damage in a file, and where reading went on behind it.

use crate::model::ReadingCounts;

/// Damage that was passed over.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// The first: where, why, and where reading went on.
    first: Option<String>,
    resyncs: u64,
    skipped_bytes: u64,
}

impl Damage {
    /// Reading goes on: `after` frames, what stands at byte `from` is damaged, at byte `to` it is not.
    pub(super) fn passed(&mut self, after: u64, from: u64, to: u64, why: &str) {
        self.resyncs += 1;
        self.skipped_bytes += to.saturating_sub(from);
        self.first
            .get_or_insert_with(|| format!("after frame {after}, byte {from}: {why}; reading went on at byte {to}"));
    }

    /// The first damage, and how much there was; `None` where there was none.
    pub(super) fn detail(&self) -> Option<String> {
        let first = self.first.as_ref()?;
        Some(match self.resyncs {
            1 => first.clone(),
            n => format!("{first}; in all {n} places and {} bytes were passed over", self.skipped_bytes),
        })
    }

    pub(super) fn count_into(&self, counts: &mut ReadingCounts) {
        counts.resyncs = self.resyncs;
        counts.skipped_bytes = self.skipped_bytes;
    }
}
