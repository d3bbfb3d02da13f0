//! A captured frame, where it stands, and what link it was taken from.

/// Ordinal of a capture file within one observation, from 0, in the order in which the files were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CaptureIndex(pub u32);

/// Where a frame stands: enough to find it again in the file, in Wireshark or with a hex viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Which of the files of this observation.
    pub capture: CaptureIndex,
    /// Frame number within that file, from 1, as Wireshark counts them.
    pub frame: u64,
    /// Byte offset of the frame's record in the uncompressed file.
    pub offset: u64,
}

/// Link-layer header type, a number of the tcpdump.org LINKTYPE_ registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: address family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// IEEE 802.3 Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP, as some BSDs number it in files.
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP, as OpenBSD numbers it in files.
    pub const RAW_OPENBSD: Self = Self(14);
    /// Raw IPv4 or IPv6.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture v1 (`-i any`).
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture v2.
    pub const LINUX_SLL2: Self = Self(276);

    /// The registry's name without its prefix, for the types that turn up in practice.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "NULL",
            1 => "ETHERNET",
            6 => "IEEE802_5",
            7 => "ARCNET_BSD",
            9 => "PPP",
            10 => "FDDI",
            12 | 14 | 101 => "RAW",
            50 => "PPP_HDLC",
            51 => "PPP_ETHER",
            104 => "C_HDLC",
            105 => "IEEE802_11",
            107 => "FRELAY",
            108 => "LOOP",
            113 => "LINUX_SLL",
            127 => "IEEE802_11_RADIOTAP",
            129 => "ARCNET_LINUX",
            147..=162 => "USER",
            189 => "USB_LINUX",
            195 => "IEEE802_15_4_WITHFCS",
            220 => "USB_LINUX_MMAPPED",
            227 => "CAN_SOCKETCAN",
            228 => "IPV4",
            229 => "IPV6",
            239 => "NFLOG",
            240 => "NETANALYZER",
            253 => "NETLINK",
            258 => "PKTAP",
            276 => "LINUX_SLL2",
            _ => return None,
        })
    }
}

impl std::fmt::Display for LinkType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "LINKTYPE {}", self.0),
        }
    }
}

/// Which way a frame went, seen from the host that recorded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    /// Received by the recording host.
    Inbound,
    /// Sent by the recording host.
    Outbound,
}

/// A process of the recording host, as the recorder names it (Darwin: pcapng process blocks, PKTAP headers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process<'a> {
    /// Process identifier.
    pub id: u32,
    /// Name of the program, as it stands in the capture: hostile bytes, often cut to 16.
    pub name: &'a [u8],
}

/// One captured frame. The bytes are borrowed from the reader's buffer and die with the next call to it.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Where it stands.
    pub position: Position,
    /// Time stamp, nanoseconds since 1970-01-01 UTC, as the recorder wrote it. Where the record has none, that of the frame
    /// before it in its file, and 0 where there is no such frame.
    pub time_ns: i64,
    /// Whether the record has a time stamp: pcapng simple packet blocks have none, and 0 is none.
    pub timed: bool,
    /// Link type of the interface that it was taken from.
    pub link_type: LinkType,
    /// The captured bytes: `data.len()` is the captured length.
    pub data: &'a [u8],
    /// Length on the wire, from the record header: as [`believed_wire_bytes`] has it, where a reader of ours gives it.
    pub wire_bytes: u32,
    /// Ordinal of the interface within the file, over all its sections. 0 in classic pcap.
    pub interface: u32,
    /// Which way it went, where the record says so.
    pub heading: Option<Heading>,
    /// Whose packet it is, where the record says so.
    pub process: Option<Process<'a>>,
}

/// Largest length on the wire that is believed where it is more than was captured: MAXIMUM_SNAPLEN of libpcap. Records that
/// claim gigabytes exist.
const LARGEST_WIRE_BYTES: u32 = 262_144;

/// The length on the wire that a record may be believed: not less than what was captured, and nothing that cannot be.
#[must_use]
#[inline]
pub fn believed_wire_bytes(captured_bytes: usize, claimed_bytes: u32) -> u32 {
    let captured_bytes = u32::try_from(captured_bytes).unwrap_or(u32::MAX);
    if claimed_bytes > LARGEST_WIRE_BYTES { captured_bytes } else { claimed_bytes.max(captured_bytes) }
}

impl<'a> Frame<'a> {
    /// A whole frame of which nothing is known but its bytes: for tests, benchmarks and generators.
    #[must_use]
    pub fn whole(position: Position, time_ns: i64, link_type: LinkType, data: &'a [u8]) -> Self {
        let wire_bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
        Self { position, time_ns, timed: true, link_type, data, wire_bytes, interface: 0, heading: None, process: None }
    }
}
