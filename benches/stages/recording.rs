//! The input of the benchmarks: the demo recording, played by many plants at once.
//!
//! Deterministic: `captures/backup-run.pcapng` is read, and each of its frames is repeated with shifted addresses, a
//! microsecond apart, so that all copies run side by side and their flows are in the cache together.

use crate::support::{demo, opened};
use portproof::model::{CaptureIndex, Frame, LinkType, Position};
use portproof::recording::{InterfaceInfo, PcapngWriter, SectionInfo};
use std::io::Write;
use tempfile::NamedTempFile;

/// Copies of the demo recording's 9,219 frames: 202,818 frames, 14,960 flows.
const PLANTS: u8 = 22;
const MICROSECOND_NS: i64 = 1_000;

/// One frame that owns its bytes.
pub(crate) struct OwnedFrame {
    time_ns: i64,
    wire_bytes: u32,
    data: Vec<u8>,
}

/// All frames in time order.
pub(crate) struct Recording(Vec<OwnedFrame>);

impl Recording {
    /// Reads the demo recording and multiplies it.
    pub(crate) fn many_plants() -> Self {
        let mut observation = opened(&demo());
        let mut frames = Vec::new();
        while let Some(frame) = observation.next_frame() {
            for plant in 0..PLANTS {
                let time_ns = frame.time_ns + i64::from(plant) * MICROSECOND_NS;
                let data = moved_to(plant, frame.data.to_vec());
                frames.push(OwnedFrame { time_ns, wire_bytes: frame.wire_bytes, data });
            }
        }
        frames.sort_by_key(|frame| frame.time_ns);
        Self(frames)
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub(crate) fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        (1..).zip(&self.0).map(|(frame, owned)| Frame {
            position: Position { capture: CaptureIndex(0), frame, offset: 0 },
            time_ns: owned.time_ns,
            timed: true,
            link_type: LinkType::ETHERNET,
            data: &owned.data,
            wire_bytes: owned.wire_bytes,
            interface: 0,
            heading: None,
            process: None,
        })
    }

    /// The bytes of a pcapng file, time stamps in nanoseconds.
    pub(crate) fn pcapng(&self) -> Vec<u8> {
        let section = SectionInfo { hardware: String::new(), os: String::new(), application: "benchmark".into() };
        let interface = InterfaceInfo { name: "tap".into(), link_type: LinkType::ETHERNET, snap_length: 262_144 };
        let mut writer = PcapngWriter::new(Vec::new(), &section, &[interface]).expect("a vector takes everything");
        for frame in &self.0 {
            writer.write_packet(0, frame.time_ns, &frame.data, frame.wire_bytes).expect("a vector takes everything");
        }
        writer.finish().expect("a vector takes everything")
    }

    /// The bytes of a classic pcap file, time stamps in microseconds (draft-ietf-opsawg-pcap).
    pub(crate) fn pcap(&self) -> Vec<u8> {
        let mut file = Vec::new();
        for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            file.extend(field.to_le_bytes());
        }
        for frame in &self.0 {
            let microseconds = frame.time_ns / MICROSECOND_NS;
            let (seconds, fraction) = (microseconds / 1_000_000, microseconds % 1_000_000);
            for field in [seconds as u32, fraction as u32, frame.data.len() as u32, frame.wire_bytes] {
                file.extend(field.to_le_bytes());
            }
            file.extend(&frame.data);
        }
        file
    }
}

/// A file of these bytes. It is read from the page cache: the disk is not measured.
pub(crate) fn file_of(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for the recording");
    file
}

/// The frame as another plant has it: 10.20.x.y becomes 10.(20 + plant).x.y in the IPv4 header, and in the header that
/// an ICMP error quotes. Checksums are left as they are: nothing here verifies them.
fn moved_to(plant: u8, mut data: Vec<u8>) -> Vec<u8> {
    const ETHERNET_BYTES: usize = 14;
    const SOURCE_AND_DESTINATION: [usize; 2] = [12, 16];
    if data.get(12..14) != Some(&[0x08, 0x00]) {
        return data;
    }
    let is_icmp_error = data.get(ETHERNET_BYTES + 9) == Some(&1) && data.get(ETHERNET_BYTES + 20) == Some(&3);
    let quoted = is_icmp_error.then_some(ETHERNET_BYTES + 28);
    for header in [ETHERNET_BYTES].into_iter().chain(quoted) {
        for address in SOURCE_AND_DESTINATION {
            if let Some([10, second, ..]) = data.get_mut(header + address..header + address + 4) {
                *second += plant;
            }
        }
    }
    data
}
