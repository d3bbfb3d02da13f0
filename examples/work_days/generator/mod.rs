//! Plays five days of work in memory, from a seed.
//!
//! | module | what |
//! |---|---|
//! | `habits` | how often each listener is visited, and when, for twice as long as is recorded |
//! | `outage` | when the server is away |
//! | `calls` | one visit, one session |
//! | `scenario` | who talks to whom and when |
//! | `truth` | what was played and what is still to come |
//!
//! The same seed gives the same bytes on one machine; logarithms and cosines may differ in their last digit on another.

mod calls;
mod habits;
mod outage;
mod scenario;
#[path = "../../synthetic/mod.rs"]
mod synthetic;
pub(crate) mod truth;

use truth::Truth;

/// Days that are recorded.
pub(crate) const DAYS: u32 = 5;
/// The same, in seconds.
const END_S: f64 = DAYS as f64 * DAY_S;
/// Seconds in a day.
const DAY_S: f64 = 86_400.0;

/// A recording, and what is true of it.
pub(crate) struct Recording {
    /// The capture file.
    pub(crate) pcapng: Vec<u8>,
    /// Its site file.
    pub(crate) site: String,
    /// What was played.
    pub(crate) truth: Truth,
}

impl Recording {
    /// File names and contents.
    pub(crate) fn files(&self) -> [(String, Vec<u8>); 3] {
        [
            ("work-days.pcapng".into(), self.pcapng.clone()),
            ("work-days.site.toml".into(), self.site.clone().into()),
            ("work-days.truth.toml".into(), self.truth.to_toml().into()),
        ]
    }
}

/// Plays the whole recording.
pub(crate) fn play(seed: u64) -> Result<Recording, Box<dyn std::error::Error>> {
    let scenario = scenario::Scenario::new(seed);
    let played = scenario.play().finish()?;
    let pcapng = synthetic::pcapng::write(&played, "portproof example work_days")?;
    let truth = Truth::of(&scenario, &played)?;
    Ok(Recording { pcapng, site: truth::site(), truth })
}
