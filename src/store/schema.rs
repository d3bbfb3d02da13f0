//! The schema table: every column of every fact table with type, meaning, unit and, where one exists, the IPFIX
//! information element (IANA registry) that it corresponds to.
//!
//! Types: text is UTF-8, numbers are unsigned 64-bit, times signed 64-bit nanoseconds since 1970-01-01 UTC. A column is
//! filled by the function that stands beside its description, so that the two cannot drift apart.

use super::column::ColumnBuilder;
use crate::model::{
    Activity, CaptureIndex, CaptureSummary, Cell, Column, DirectionFacts, Fate, FlowRecord, Kind, Side, Tunnel,
};

/// Version of the schema. Readers refuse any other.
pub const VERSION: &str = "5";

pub use super::schema_application::{announcements, details};
pub use super::schema_hosts::{host_ranges, host_sockets, host_tables};
pub use super::schema_remarks::{comments, names, sockets};

/// One column of a fact table.
pub struct FactColumn<Row> {
    /// Name, type, meaning and unit.
    pub column: Column,
    /// IPFIX information element, or empty.
    pub ipfix: &'static str,
    /// Takes the values out of facts.
    pub(super) fill: fn(&CaptureIds, &[Row], &mut ColumnBuilder),
}

/// Identities of the capture files of an observation, by their index.
#[derive(Debug, Clone, Default)]
pub struct CaptureIds(pub Vec<String>);

impl CaptureIds {
    pub(super) fn of(&self, index: CaptureIndex) -> Cell<'_> {
        self.0.get(index.0 as usize).map_or("", String::as_str).into()
    }
}

/// A row of `fates`.
#[derive(Debug, Clone, Copy)]
pub struct FateRow {
    /// The capture file.
    pub capture: CaptureIndex,
    /// What became of the frames.
    pub fate: Fate,
    /// How many.
    pub frames: u64,
}

/// A row of `losses`.
#[derive(Debug, Clone, Copy)]
pub struct LossRow {
    /// What was lost.
    pub kind: &'static str,
    /// How much.
    pub count: u64,
}

/// A capture in the order in which it was given.
pub type CaptureRow = (CaptureIndex, CaptureSummary);

macro_rules! columns {
    ($($name:literal: $kind:ident, $ipfix:literal, $meaning:literal => $get:expr;)*) => {
        vec![$(FactColumn {
            column: Column { name: $name, kind: Kind::$kind, meaning: $meaning },
            ipfix: $ipfix,
            fill: |ids, rows, column| column.fill(ids, rows, $get),
        }),*]
    };
}
pub(super) use columns;

fn time(ns: Option<i64>) -> Cell<'static> {
    ns.map_or(Cell::Null, Cell::TimeNs)
}

/// Columns of `captures`.
#[must_use]
pub fn captures() -> Vec<FactColumn<CaptureRow>> {
    columns! {
        "capture_id": Text, "", "identity: 12 hexadecimal digits of SHA-256 over file name, size and first 64 KiB" => |_, (_, c)| c.id.as_str().into();
        "ordinal": Unsigned, "", "position among the files of the observation, from 0" => |_, (i, _)| i.0.into();
        "name": Text, "", "name of the file as given; - for standard input" => |_, (_, c)| c.name.as_str().into();
        "size_bytes": Unsigned, "", "size on disk, bytes; null for a stream" => |_, (_, c)| c.size_bytes.into();
        "sha256": Text, "", "SHA-256 of the file as stored; null unless asked for" => |_, (_, c)| c.sha256.as_deref().into();
        "format": Text, "", "pcap or pcapng" => |_, (_, c)| Cell::Name(c.format);
        "compression": Text, "", "none, gzip, zstd or xz" => |_, (_, c)| Cell::Name(c.compression);
        "link_types": Text, "", "link types of its interfaces, comma-separated, each once; of more than 64 the first, and how many more" => |_, (_, c)| link_types(c).into();
        "interfaces": Unsigned, "", "number of interfaces described" => |_, (_, c)| c.reading.interfaces.into();
        "snap_length_bytes": Unsigned, "", "smallest snap length of its interfaces; 0 where not limited" => |_, (_, c)| {
            c.interfaces.iter().map(|i| i.snap_length).filter(|n| *n > 0).min().unwrap_or(0).into()
        };
        "first_ns": TimeNs, "", "earliest time stamp" => |_, (_, c)| time(c.first_ns);
        "last_ns": TimeNs, "", "latest time stamp" => |_, (_, c)| time(c.last_ns);
        "frames": Unsigned, "", "frames read" => |_, (_, c)| c.tally.frames().into();
        "metered_frames": Unsigned, "", "frames counted in flow records" => |_, (_, c)| c.tally.metered().into();
        "dropped_packets": Unsigned, "droppedPacketTotalCount", "packets that the recorder says it lost; null where it says nothing" => |_, (_, c)| c.dropped().into();
        "snapped_frames": Unsigned, "", "frames of which the recording kept only the beginning" => |_, (_, c)| c.snapped_frames.into();
        "backward_steps": Unsigned, "", "frames stamped earlier than the one before them" => |_, (_, c)| c.backward_steps.into();
        "implausible_lengths": Unsigned, "", "frames whose original length is below the captured length, or above 262,144 bytes and above the captured length: the captured length stands in" => |_, (_, c)| c.reading.implausible_lengths.into();
        "untimed_frames": Unsigned, "", "frames without a time stamp (pcapng simple packet blocks, or stamped 0): the time of the frame before them in the file stands in" => |_, (_, c)| c.reading.untimed_frames.into();
        "resyncs": Unsigned, "", "times that reading went on behind damage" => |_, (_, c)| c.reading.resyncs.into();
        "skipped_bytes": Unsigned, "", "bytes passed over as damaged, of the uncompressed file" => |_, (_, c)| c.reading.skipped_bytes.into();
        "unknown_blocks": Unsigned, "", "pcapng blocks of kinds that are not read, or too large to be read" => |_, (_, c)| c.reading.unknown_blocks.into();
        "custom_blocks": Unsigned, "", "pcapng custom blocks: not read" => |_, (_, c)| c.reading.custom_blocks.into();
        "secrets_blocks": Unsigned, "", "pcapng blocks of decryption secrets: not read, stored or printed" => |_, (_, c)| c.reading.secrets_blocks.into();
        "comments_dropped": Unsigned, "", "comments beyond the first 100" => |_, (_, c)| c.reading.comments_dropped.into();
        "names_dropped": Unsigned, "", "names beyond the first 100,000 (400,000 for all captures together) or longer than 255 bytes" => |_, (_, c)| c.reading.names_dropped.into();
        "processes_dropped": Unsigned, "", "process blocks beyond the first 65,536 of a section" => |_, (_, c)| c.reading.processes_dropped.into();
        "filter": Text, "", "filter (pcap-filter) that frames had to pass to be metered; null without one" => |_, (_, c)| c.filter.as_deref().into();
        "first_stop": Text, "", "first frame that could not be decoded to its end, and why" => |_, (_, c)| c.first_stop.as_deref().into();
        "end": Text, "", "complete, truncated or corrupt" => |_, (_, c)| Cell::Name(c.end.name());
        "end_detail": Text, "", "where and why reading ended early" => |_, (_, c)| c.end.detail().into();
    }
}

/// Link types of a capture that are named.
const LINK_TYPES: usize = 64;

fn link_types(capture: &CaptureSummary) -> String {
    let mut names: Vec<String> = capture.interfaces.iter().map(|i| i.link_type.to_string()).collect();
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(LINK_TYPES);
    names.truncate(LINK_TYPES);
    let names = names.join(",");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

/// Columns of `fates`.
#[must_use]
pub fn fates() -> Vec<FactColumn<FateRow>> {
    columns! {
        "capture_id": Text, "", "capture file" => |ids, r| ids.of(r.capture);
        "fate": Text, "", "what became of the frames" => |_, r| r.fate.name().into();
        "frames": Unsigned, "packetDeltaCount", "how many; summed over a capture they give the frames read" => |_, r| r.frames.into();
    }
}

/// Columns of `losses`.
#[must_use]
pub fn losses() -> Vec<FactColumn<LossRow>> {
    columns! {
        "kind": Text, "", "flows-evicted: handed out early because the cache was full; icmp-unattached: errors about a flow not seen; duplicates: copies of packets; duplicates-left-out: the same, not metered; fragment-overlaps: fragments that overlap another of their datagram; sockets-dropped, announcements-dropped, details-dropped, names-dropped: processes behind endpoints, announcements, details and names beyond what is kept; streams-given-up: conversations that were no longer looked into, because others needed the room" => |_, r| Cell::Name(r.kind);
        "count": Unsigned, "", "how many" => |_, r| r.count.into();
    }
}

/// Columns of `activity`.
#[must_use]
pub fn activity() -> Vec<FactColumn<Activity>> {
    columns! {
        "capture_id": Text, "", "capture file of the flow's first frame" => |ids, r| ids.of(r.capture);
        "flow_first_frame": Unsigned, "", "the flow's first frame: with capture_id it names the flow" => |_, r| r.flow_first_frame.into();
        "burst_capture_id": Text, "", "capture file of the burst's first frame" => |ids, r| ids.of(r.burst_capture);
        "first_frame": Unsigned, "", "the burst's first frame with payload" => |_, r| r.first_frame.into();
        "start_ns": TimeNs, "flowStartNanoseconds", "its time" => |_, r| Cell::TimeNs(r.start_ns);
        "end_ns": TimeNs, "flowEndNanoseconds", "time of the burst's last payload" => |_, r| Cell::TimeNs(r.end_ns);
        "payload_bytes_a": Unsigned, "transportOctetDeltaCount", "payload bytes from side a" => |_, r| r.payload_bytes_a.into();
        "payload_bytes_b": Unsigned, "transportOctetDeltaCount", "payload bytes from side b" => |_, r| r.payload_bytes_b.into();
    }
}

fn name(name: Option<&'static str>) -> Cell<'static> {
    name.map_or(Cell::Null, Cell::Name)
}

fn side(side: Option<Side>) -> Cell<'static> {
    name(side.map(Side::name))
}

/// One direction's cell. It says what type the getter takes, which is inferred no more where a getter is written out.
fn of<'r>(facts: &'r DirectionFacts, get: impl Fn(&'r DirectionFacts) -> Cell<'r>) -> Cell<'r> {
    get(facts)
}

fn elapsed(ns: Option<i64>) -> Cell<'static> {
    ns.and_then(|ns| u64::try_from(ns).ok()).into()
}

/// Columns of `flows`. Sides a and b are canonical (a sorts first) and say nothing about who initiated.
#[must_use]
pub fn flows() -> Vec<FactColumn<FlowRecord>> {
    let mut all = columns! {
        "capture_id": Text, "", "capture file of its first frame" => |ids, r: &FlowRecord| ids.of(r.capture);
        "first_frame": Unsigned, "", "its first frame in that file: with capture_id it names the flow" => |_, r: &FlowRecord| r.first_frame.into();
        "protocol": Unsigned, "protocolIdentifier", "IP protocol: 6 TCP, 17 UDP" => |_, r: &FlowRecord| r.key.transport.number().into();
        "a_ip": Text, "sourceIPv4Address, sourceIPv6Address", "address of side a" => |_, r: &FlowRecord| r.key.a.ip.into();
        "a_port": Unsigned, "sourceTransportPort", "port of side a" => |_, r: &FlowRecord| r.key.a.port.into();
        "b_ip": Text, "destinationIPv4Address, destinationIPv6Address", "address of side b" => |_, r: &FlowRecord| r.key.b.ip.into();
        "b_port": Unsigned, "destinationTransportPort", "port of side b" => |_, r: &FlowRecord| r.key.b.port.into();
        "vlan": Unsigned, "dot1qVlanId", "innermost VLAN of the first frame; null without a tag" => |_, r: &FlowRecord| r.encapsulation.vlan.into();
        "outer_vlan": Unsigned, "dot1qCustomerVlanId", "outermost VLAN of the first frame, where there are several" => |_, r: &FlowRecord| r.encapsulation.outer_vlan.into();
        "tunnels": Text, "", "tunnels around it in the first frame, outermost first, joined by slashes; null without" => |_, r: &FlowRecord| {
            let tunnels = r.encapsulation.tunnels;
            if tunnels.is_empty() { Cell::Null } else { tunnels.to_string().into() }
        };
        "tunnel_id": Unsigned, "layer2SegmentId", "identifier of the innermost tunnel that has one: network, key, session or label" => |_, r: &FlowRecord| r.encapsulation.tunnel_id.into();
        "ip_depth": Unsigned, "", "IP headers around its own; part of the key that makes packets one flow" => |_, r: &FlowRecord| r.encapsulation.depth.into();
        "carries": Text, "", "the tunnel that this UDP flow carries; what travels inside has flows of its own" => |_, r: &FlowRecord| name(r.carries.map(Tunnel::name));
        "carrier_packets": Unsigned, "", "of its packets, those that carried a frame told elsewhere" => |_, r: &FlowRecord| r.carrier_packets.into();
        "first_seen_ns": TimeNs, "flowStartNanoseconds", "earliest packet" => |_, r: &FlowRecord| Cell::TimeNs(r.first_seen_ns);
        "last_seen_ns": TimeNs, "flowEndNanoseconds", "latest packet" => |_, r: &FlowRecord| Cell::TimeNs(r.last_seen_ns);
        "first_sender": Text, "", "side that sent the first packet seen" => |_, r: &FlowRecord| side(Some(r.first_sender));
        "first_syn": Text, "", "side that sent the first SYN without ACK; null without one" => |_, r: &FlowRecord| side(r.first_syn);
        "state": Text, "", "how far the conversation got" => |_, r: &FlowRecord| Cell::Name(r.state.name());
        "end_reason": Text, "flowEndReason", "why the record ended" => |_, r: &FlowRecord| Cell::Name(r.end_reason.name());
        "icmp_port_unreachable": Unsigned, "", "ICMP port unreachable about it" => |_, r: &FlowRecord| r.icmp.port_unreachable.into();
        "icmp_prohibited": Unsigned, "", "ICMP administratively prohibited about it" => |_, r: &FlowRecord| r.icmp.prohibited.into();
        "icmp_other": Unsigned, "", "other ICMP errors about it" => |_, r: &FlowRecord| r.icmp.other.into();
        "icmp_quoted": Text, "", "side whose packet the first ICMP error quoted" => |_, r: &FlowRecord| side(r.icmp.quoted);
        "icmp_frame": Unsigned, "", "frame of the first ICMP error, when in the same file" => |_, r: &FlowRecord| r.icmp.first_frame.into();
        "icmp_type": Unsigned, "icmpTypeIPv4, icmpTypeIPv6", "its type" => |_, r: &FlowRecord| r.icmp.first_type.into();
        "icmp_code": Unsigned, "icmpCodeIPv4, icmpCodeIPv6", "its code" => |_, r: &FlowRecord| r.icmp.first_code.into();
        "fragments": Unsigned, "", "later IP fragments among its packets" => |_, r: &FlowRecord| r.fragments.into();
        "duplicates": Unsigned, "", "copies of packets, by one tap within a millisecond or by another; among its packets unless left out" => |_, r: &FlowRecord| r.duplicates.into();
        "snapped": Unsigned, "", "packets that were not captured whole: their byte counts are the headers' word" => |_, r: &FlowRecord| r.snapped.into();
        "syn_to_syn_ack_ns": Unsigned, "", "from SYN to SYN-ACK, ns: round trip between tap and responder; null where either was repeated" => |_, r: &FlowRecord| elapsed(r.syn_to_syn_ack_ns);
        "syn_ack_to_ack_ns": Unsigned, "", "from SYN-ACK to ACK, ns: round trip between tap and initiator" => |_, r: &FlowRecord| elapsed(r.syn_ack_to_ack_ns);
        "first_fin": Text, "", "side that sent the first FIN and holds its port in TIME-WAIT" => |_, r: &FlowRecord| side(r.first_fin);
        "application": Text, "", "application protocol that its payload shows; null where none was recognised" => |_, r: &FlowRecord| name(r.application.map(|is| is.protocol.name()));
        "application_certainty": Text, "", "hint: looks so at its usual port; likely: a signature fits; certain: structure was checked" => |_, r: &FlowRecord| name(r.application.map(|is| is.certainty.name()));
        "application_server": Text, "", "side that behaves as server by what is said" => |_, r: &FlowRecord| side(r.application.and_then(|is| is.server));
    };
    macro_rules! directions {
        ($($a:literal, $b:literal: $kind:ident, $ipfix:literal, $meaning:literal => $get:expr;)*) => {$(
            all.push(FactColumn {
                column: Column { name: $a, kind: Kind::$kind, meaning: concat!("from a: ", $meaning) },
                ipfix: $ipfix,
                fill: |ids, rows, column| column.fill(ids, rows, |_, r| of(&r.from_a, $get)),
            });
            all.push(FactColumn {
                column: Column { name: $b, kind: Kind::$kind, meaning: concat!("from b: ", $meaning) },
                ipfix: $ipfix,
                fill: |ids, rows, column| column.fill(ids, rows, |_, r| of(&r.from_b, $get)),
            });
        )*};
    }
    directions! {
        "packets_a", "packets_b": Unsigned, "packetDeltaCount", "packets" => |d| d.packets.into();
        "wire_bytes_a", "wire_bytes_b": Unsigned, "layer2OctetDeltaCount", "frame lengths on the wire, bytes" => |d| d.wire_bytes.into();
        "ip_bytes_a", "ip_bytes_b": Unsigned, "octetDeltaCount", "IP lengths, headers included, bytes" => |d| d.ip_bytes.into();
        "payload_bytes_a", "payload_bytes_b": Unsigned, "transportOctetDeltaCount", "transport payload by the headers, bytes" => |d| d.payload_bytes.into();
        "payload_packets_a", "payload_packets_b": Unsigned, "", "packets with payload" => |d| d.payload_packets.into();
        "tcp_flags_a", "tcp_flags_b": Unsigned, "tcpControlBits", "union of TCP flags, lower 8 bits" => |d| d.tcp_flags.into();
        "syn_a", "syn_b": Unsigned, "", "SYN without ACK" => |d| d.syn.into();
        "syn_retransmitted_a", "syn_retransmitted_b": Unsigned, "", "of these, repetitions" => |d| d.syn_retransmitted.into();
        "syn_ack_a", "syn_ack_b": Unsigned, "", "SYN with ACK" => |d| d.syn_ack.into();
        "handshake_copies_a", "handshake_copies_b": Unsigned, "", "copies of a SYN or SYN-ACK within 200 ms, seen by a tap twice; not in the counts" => |d| d.handshake_copies.into();
        "retransmitted_a", "retransmitted_b": Unsigned, "", "segments that brought nothing new: retransmitted, or recorded out of order" => |d| d.retransmitted.into();
        "keep_alives_a", "keep_alives_b": Unsigned, "", "keep-alives" => |d| d.keep_alives.into();
        "gaps_a", "gaps_b": Unsigned, "", "segments that begin beyond what was to come: lost by the tap, or recorded later" => |d| d.gaps.into();
        "fast_open_bytes_a", "fast_open_bytes_b": Unsigned, "", "payload in segments with SYN (TCP Fast Open), bytes" => |d| d.fast_open_bytes.into();
        "is_recorder_a", "is_recorder_b": Flag, "", "the recorder says that it stands at this side" => |d| d.is_recorder.into();
        "fin_a", "fin_b": Unsigned, "tcpFinTotalCount", "segments with FIN" => |d| d.fin.into();
        "rst_a", "rst_b": Unsigned, "tcpRstTotalCount", "segments with RST" => |d| d.rst.into();
        "syn_frame_a", "syn_frame_b": Unsigned, "", "frame of the first SYN, when in the same file" => |d| d.syn_frame.into();
        "syn_ns_a", "syn_ns_b": TimeNs, "", "time of the first SYN" => |d| time(d.syn_ns);
        "syn_ack_frame_a", "syn_ack_frame_b": Unsigned, "", "frame of the first SYN-ACK, when in the same file" => |d| d.syn_ack_frame.into();
        "rst_frame_a", "rst_frame_b": Unsigned, "", "frame of the first RST, when in the same file" => |d| d.rst_frame.into();
        "next_seq_a", "next_seq_b": Unsigned, "", "sequence number that would follow; joins what file rotation cut in two" => |d| d.next_seq.into();
    }
    all
}
