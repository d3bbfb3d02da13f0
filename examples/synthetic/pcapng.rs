//! The recording as a pcapng file, by portproof's own writer.

use super::stage::{Played, START_NS};
use portproof::model::LinkType;
use portproof::recording::{InterfaceInfo, PcapngWriter, SectionInfo};

/// Bytes of the recording. `application` is the program that the section header names.
pub(crate) fn write(played: &Played, application: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let section = SectionInfo {
        hardware: "none: synthetic recording".into(),
        os: "none: synthetic recording".into(),
        application: application.into(),
    };
    let interface = InterfaceInfo { name: "mirror0".into(), link_type: LinkType::ETHERNET, snap_length: 262_144 };
    let mut writer = PcapngWriter::new(Vec::new(), &section, &[interface])?;
    for frame in &played.frames {
        let wire_bytes = u32::try_from(frame.bytes.len())?;
        let comment = frame.comment.as_deref().unwrap_or_default();
        writer.write_packet_with_comment(0, frame.time_ns, &frame.bytes, wire_bytes, comment)?;
    }
    let end_ns = played.frames.last().map_or(START_NS, |frame| frame.time_ns);
    writer.write_statistics(0, end_ns, Some(u64::try_from(played.frames.len())?), Some(0))?;
    Ok(writer.finish()?)
}
