//! What is known of a capture file once it was read.

use super::frame::LinkType;
use super::tally::Tally;

/// How reading a capture file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureEnd {
    /// At the end of the file, after a whole record.
    Complete,
    /// In the middle of a record: a recorder that was killed, a copy that was cut. The text says where.
    Truncated(String),
    /// At bytes that cannot be a record. The text says where and why.
    Corrupt(String),
}

impl CaptureEnd {
    /// Name as stored.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Truncated(_) => "truncated",
            Self::Corrupt(_) => "corrupt",
        }
    }

    /// Where and why it ended early.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Complete => None,
            Self::Truncated(detail) | Self::Corrupt(detail) => Some(detail),
        }
    }
}

/// One interface of a capture file. Classic pcap has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceSummary {
    /// Link type.
    pub link_type: LinkType,
    /// Snap length in bytes, 0 where not limited.
    pub snap_length: u32,
    /// Name that the recorder wrote.
    pub name: Option<String>,
    /// Packets received, as the recorder counted (pcapng isb_ifrecv).
    pub received: Option<u64>,
    /// Packets dropped, as the recorder counted (pcapng isb_ifdrop plus isb_osdrop).
    pub dropped: Option<u64>,
}

/// What reading a capture file met besides frames. Every limit that was reached is counted here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadingCounts {
    /// Frames whose original length cannot be: smaller than what was captured, or larger than 262,144 bytes and than what
    /// was captured. Their captured length counts as their length on the wire.
    pub implausible_lengths: u64,
    /// Frames without a time stamp (pcapng simple packet blocks), or stamped 0. The time of the frame before stands in.
    pub untimed_frames: u64,
    /// Times that reading went on behind damaged bytes.
    pub resyncs: u64,
    /// Bytes passed over as damaged, in the uncompressed file.
    pub skipped_bytes: u64,
    /// pcapng: interfaces described, over all sections.
    pub interfaces: u64,
    /// pcapng: blocks of kinds that are not read, and blocks without packets that are too large to be read.
    pub unknown_blocks: u64,
    /// pcapng: custom blocks, whose content only their maker knows. Not read.
    pub custom_blocks: u64,
    /// pcapng: blocks of decryption secrets. Never read, stored or printed.
    pub secrets_blocks: u64,
    /// pcapng: comments beyond those that are kept.
    pub comments_dropped: u64,
    /// pcapng: names of addresses beyond those that are kept, or longer than a name can be.
    pub names_dropped: u64,
    /// pcapng: processes beyond those that are kept.
    pub processes_dropped: u64,
}

/// One row of the `captures` facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureSummary {
    /// Name of the file as given; `-` for standard input.
    pub name: String,
    /// Identifies the content: 12 hexadecimal digits over name, size and first bytes.
    pub id: String,
    /// Size on disk in bytes, where it has one.
    pub size_bytes: Option<u64>,
    /// SHA-256 of the file as stored, when asked for.
    pub sha256: Option<String>,
    /// `pcap` or `pcapng`.
    pub format: &'static str,
    /// `none`, `gzip`, `zstd` or `xz`.
    pub compression: &'static str,
    /// The interfaces in the order of their description.
    pub interfaces: Vec<InterfaceSummary>,
    /// Earliest time stamp.
    pub first_ns: Option<i64>,
    /// Latest time stamp.
    pub last_ns: Option<i64>,
    /// Frames whose captured length is shorter than their length on the wire.
    pub snapped_frames: u64,
    /// Frames stamped earlier than the one before.
    pub backward_steps: u64,
    /// What else reading it met.
    pub reading: ReadingCounts,
    /// The filter that frames had to pass to be metered (pcap-filter(7)).
    pub filter: Option<String>,
    /// What became of every frame.
    pub tally: Tally,
    /// Example of a decoding stop, with its frame.
    pub first_stop: Option<String>,
    /// How reading ended.
    pub end: CaptureEnd,
}

impl CaptureSummary {
    /// Packets that the recorder says it dropped; `None` where no interface carries statistics.
    #[must_use]
    pub fn dropped(&self) -> Option<u64> {
        let dropped = self.interfaces.iter().filter_map(|i| i.dropped).reduce(u64::saturating_add);
        // No recorder counts so far: what is larger is damage, and would only overflow the sums of others.
        dropped.map(|n| n.min(1 << 53))
    }
}
