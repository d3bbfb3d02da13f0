//! Limits and timeouts of the metering process, and what it says of itself.

use super::entry::Class;
use super::streams::StreamSettings;
use crate::decode::DecodeSettings;
use crate::model::Tally;

const SECOND_NS: i64 = 1_000_000_000;
/// Silence after which a flow may be ended where room is needed, and nothing is lost by it (RFC 4787 REQ-5).
pub(super) const ROOM_IDLE_NS: i64 = 300 * SECOND_NS;

/// Limits and timeouts of the metering process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeterSettings {
    /// Active flows held at once; beyond it the one that has been silent for longest is handed out. That counts as an
    /// eviction when it was silent for less than five minutes.
    pub max_flows: usize,
    /// Silence that ends a UDP flow, ns.
    pub udp_idle_ns: i64,
    /// Silence that ends a TCP conversation, ns.
    pub tcp_idle_ns: i64,
    /// Silence that ends a TCP flow before its handshake or after its close, ns.
    pub tcp_transitory_ns: i64,
    /// Age at which a flow that goes on is handed out and begun anew, ns. None: never.
    pub active_ns: Option<i64>,
    /// Leave out copies of packets instead of counting them among the others.
    pub leave_out_copies: bool,
    /// How frames are decoded.
    pub decode: DecodeSettings,
    /// What is looked into.
    pub streams: StreamSettings,
}

impl Default for MeterSettings {
    fn default() -> Self {
        Self {
            max_flows: 1_000_000,
            udp_idle_ns: 24 * 3600 * SECOND_NS,
            tcp_idle_ns: 24 * 3600 * SECOND_NS,
            tcp_transitory_ns: 240 * SECOND_NS,
            active_ns: None,
            leave_out_copies: false,
            decode: DecodeSettings::default(),
            streams: StreamSettings::default(),
        }
    }
}

impl MeterSettings {
    /// Silence that ends a flow, by class.
    pub(super) fn idle_ns(&self) -> [i64; 3] {
        Class::ALL.map(|class| match class {
            Class::Datagrams => self.udp_idle_ns,
            Class::Open => self.tcp_idle_ns,
            Class::Transitory => self.tcp_transitory_ns,
        })
    }
}

/// What the metering process says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MeterSummary {
    /// Frames by fate, one tally per capture file, by its index.
    pub tallies: Vec<Tally>,
    /// The first frame of each capture file that could not be decoded to its end, and why.
    pub first_stops: Vec<Option<String>>,
    /// Flow records handed out.
    pub flows: u64,
    /// Of these, evicted because the cache was full.
    pub evicted: u64,
    /// ICMP errors about a flow that was not seen.
    pub icmp_unattached: u64,
    /// Copies of packets, left out or not.
    pub duplicates: u64,
    /// IP fragments that overlapped another one of their datagram.
    pub fragment_overlaps: u64,
    /// Processes behind endpoints that were told.
    pub sockets: u64,
    /// The same, beyond what is kept.
    pub sockets_dropped: u64,
    /// Announcements of ports that were told.
    pub announcements: u64,
    /// The same, beyond what is kept.
    pub announcements_dropped: u64,
    /// Details of conversations that were told.
    pub details: u64,
    /// The same, beyond what is kept.
    pub details_dropped: u64,
    /// Names of addresses that conversations told.
    pub names: u64,
    /// The same, beyond what is kept.
    pub names_dropped: u64,
    /// Conversations that were no longer looked into or followed, because others needed the room.
    pub streams_given_up: u64,
}
