//! Plays the demo recording in memory: cast, stage, scenario, and the files that come of it.
//!
//! | module | what |
//! |---|---|
//! | `cast` | the hosts and the listeners that they offer |
//! | `dice` | seeded numbers |
//! | `wire` | frames: Ethernet, IPv4, TCP, UDP, ICMP, ARP |
//! | `stage` | time line of frames, ports, the list of what was played |
//! | `dialogue` | one TCP connection, from handshake to close |
//! | `bytes` | first bytes of the protocols spoken |
//! | `services` | one conversation of each service |
//! | `scenario` | who talks to whom and when |
//! | `truth` | what was played, as the truth file |

mod bytes;
mod cast;
mod dialogue;
mod dice;
mod outsiders;
mod runs;
mod scenario;
mod services;
mod stage;
mod truth;
mod wire;

use portproof::model::LinkType;
use portproof::recording::{InterfaceInfo, PcapngWriter, SectionInfo};

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
    let pcapng = write_pcapng(&played)?;
    let truth = truth::Truth::of(&played)?;
    Ok(Recording { pcapng, site: truth::site(), truth: truth.to_toml(), summary: truth.summary() })
}

fn write_pcapng(played: &stage::Played) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let section = SectionInfo {
        hardware: "none: synthetic recording".into(),
        os: "none: synthetic recording".into(),
        application: "portproof example backup_run".into(),
    };
    let interface = InterfaceInfo { name: "mirror0".into(), link_type: LinkType::ETHERNET, snap_length: 262_144 };
    let mut writer = PcapngWriter::new(Vec::new(), &section, &[interface])?;
    for frame in &played.frames {
        let wire_bytes = u32::try_from(frame.bytes.len())?;
        let comment = frame.comment.as_deref().unwrap_or_default();
        writer.write_packet_with_comment(0, frame.time_ns, &frame.bytes, wire_bytes, comment)?;
    }
    let end_ns = played.frames.last().map_or(stage::START_NS, |frame| frame.time_ns);
    writer.write_statistics(0, end_ns, Some(u64::try_from(played.frames.len())?), Some(0))?;
    Ok(writer.finish()?)
}
