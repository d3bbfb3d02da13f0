//! Plays the demo recording in memory: the script, and the files that come of it. What it plays with is in `synthetic`.
//!
//! | module | what |
//! |---|---|
//! | `scenario` | who talks to whom and when |
//! | `runs` | the documented flows, the backup schedule above all |
//! | `outsiders` | what no document covers, and what does not get through |
//! | `truth` | what was played, as the truth file |

mod outsiders;
mod runs;
mod scenario;
#[path = "../../synthetic/mod.rs"]
mod synthetic;
mod truth;

/// Stem of all three file names.
const STEM: &str = "backup-run";

/// The three files, in memory.
pub(crate) struct Recording {
    pcapng: Vec<u8>,
    site: String,
    truth: String,
    /// One line about what was played.
    pub(crate) summary: String,
}

impl Recording {
    /// File names and contents.
    pub(crate) fn files(&self) -> [(String, &[u8]); 3] {
        [
            (format!("{STEM}.pcapng"), &self.pcapng),
            (format!("{STEM}.site.toml"), self.site.as_bytes()),
            (format!("{STEM}.truth.toml"), self.truth.as_bytes()),
        ]
    }
}

/// Plays the whole recording. The same bytes at every call.
pub(crate) fn play() -> Result<Recording, Box<dyn std::error::Error>> {
    let stage = scenario::play();
    let played = stage.finish()?;
    let pcapng = synthetic::pcapng::write(&played, "portproof example backup_run")?;
    let truth = truth::Truth::of(&played)?;
    Ok(Recording { pcapng, site: truth::site(), truth: truth.to_toml(), summary: truth.summary() })
}
