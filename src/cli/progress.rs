//! Progress of long work: bytes, packets and rate, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Packets between two looks at the clock.
const EVERY_PACKETS: u64 = 4_096;

/// A progress bar, or silence where nobody looks.
pub(super) struct Progress {
    bar: ProgressBar,
    packets: u64,
}

impl Progress {
    /// `total_bytes` is the size of all inputs, where known.
    pub(super) fn new(total_bytes: Option<u64>, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(8) };
        let bar = ProgressBar::with_draw_target(total_bytes, target);
        let template = match total_bytes {
            Some(_) => "{bar:24} {bytes} of {total_bytes} ({bytes_per_sec}), {msg}, {eta} left",
            None => "{spinner} {bytes} ({bytes_per_sec}), {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("█▌ "));
        }
        Self { bar, packets: 0 }
    }

    /// Notes packets; now and then shows where the reader stands.
    pub(super) fn packets(&mut self, packets: usize, read_bytes: impl FnOnce() -> u64) {
        let before = self.packets / EVERY_PACKETS;
        self.packets += packets as u64;
        if self.packets / EVERY_PACKETS > before && !self.bar.is_hidden() {
            let seconds = self.bar.elapsed().as_secs_f64().max(0.001);
            let rate = self.packets as f64 / seconds;
            self.bar.set_message(format!("{} packets ({rate:.0}/s)", self.packets));
            self.bar.set_position(read_bytes());
        }
    }

    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
