//! A capture without some of its frames: read and decoded by the library, written by its recorder's writer.

use portproof::capture::{CaptureFile, Input, OpenOptions};
use portproof::decode::decode;
use portproof::model::{CaptureIndex, Content, Decoded, Endpoint, Frame, LinkType, Segment, Transport, flags};
use portproof::recording::{InterfaceInfo, PcapngWriter, SectionInfo};
use std::path::Path;

/// Who sent a frame that was kept, and to whom; `None` where it holds no TCP or UDP packet of its own.
pub(crate) type Sender = Option<(Transport, Endpoint, Endpoint)>;

/// Reads a capture to its end, whatever that is. `None` where the format is refused.
pub(crate) fn each_frame(path: &Path, mut look: impl FnMut(&Frame<'_>, &Decoded<'_>)) -> Option<()> {
    let options = OpenOptions { hash: false };
    let mut file = CaptureFile::open(&Input::File(path.to_owned()), CaptureIndex(0), options).ok()?;
    while file.advance() {
        if let Some(frame) = file.frame() {
            look(&frame, &decode(&frame));
        }
    }
    Some(())
}

/// Writes the frames for which `keep` holds to a pcapng file, link types and time stamps kept; the sender of each of them,
/// in order. `None` where the capture cannot be read, or holds a frame that the format has no room for.
pub(crate) fn rewrite(
    source: &Path,
    target: &Path,
    mut keep: impl FnMut(&Frame<'_>, &Decoded<'_>) -> bool,
) -> Option<Vec<Sender>> {
    let mut links: Vec<LinkType> = Vec::new();
    each_frame(source, |frame, _| {
        if !links.contains(&frame.link_type) {
            links.push(frame.link_type);
        }
    })?;
    let interface = |link_type: &LinkType| InterfaceInfo { name: String::new(), link_type: *link_type, snap_length: 0 };
    let interfaces: Vec<InterfaceInfo> = links.iter().map(interface).collect();
    let sink = std::io::BufWriter::new(std::fs::File::create(target).unwrap());
    let mut writer = PcapngWriter::new(sink, &SectionInfo::default(), &interfaces).unwrap();
    let mut senders = Vec::new();
    each_frame(source, |frame, decoded| {
        if keep(frame, decoded) {
            let interface = links.iter().position(|link| *link == frame.link_type).unwrap() as u32;
            let wire_bytes = frame.wire_bytes.max(frame.data.len() as u32);
            writer.write_packet(interface, frame.time_ns.max(0), frame.data, wire_bytes).unwrap();
            senders.push(sender(decoded));
        }
    })?;
    writer.flush().unwrap();
    Some(senders)
}

/// Sender and receiver of a decoded frame.
pub(crate) fn sender(decoded: &Decoded<'_>) -> Sender {
    match &decoded.content {
        Content::Packet(packet) => Some((packet.segment.transport(), packet.source, packet.destination)),
        _ => None,
    }
}

/// Whether the frame is a TCP segment with the SYN flag, with or without ACK.
pub(crate) fn is_syn(decoded: &Decoded<'_>) -> bool {
    flags_of(decoded).is_some_and(|set| set & flags::SYN != 0)
}

/// The TCP flags, where there are any.
pub(crate) fn flags_of(decoded: &Decoded<'_>) -> Option<u8> {
    match &decoded.content {
        Content::Packet(packet) => match packet.segment {
            Segment::Tcp(header) => header.map(|header| header.flags),
            Segment::Udp => None,
        },
        _ => None,
    }
}
