//! Reading facts back: every partition of a store, as data frames and as records.

use super::error::StoreError;
use super::parquet::read_frame;
use super::read_remarks::read_remarks;
use crate::model::{
    Activity, CaptureIndex, CaptureRow, CommentFact, DirectionFacts, EndReason, Endpoint, FlowKey, FlowRecord,
    IcmpFacts, NameFact, ReadingCounts, Side, SocketRow, TcpState, Transport,
};
use polars::prelude::DataFrame;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A flow as read back: its `capture` is the position of its capture in [`Facts::captures`].
pub type StoredFlow = FlowRecord;

/// Largest count that is believed.
const LARGEST_COUNT: u64 = 1 << 53;

/// Everything a store holds.
#[derive(Debug, Default)]
pub struct Facts {
    /// The captures, in the order of their partitions and their ordinals.
    pub captures: Vec<CaptureRow>,
    /// The flows, sorted by time of the first packet, then capture and frame.
    pub flows: Vec<StoredFlow>,
    /// Bursts of flows that have more than one.
    pub activity: Vec<Activity>,
    /// Names of addresses.
    pub names: Vec<NameFact>,
    /// Processes behind endpoints.
    pub sockets: Vec<SocketRow>,
    /// Comments in the captures.
    pub comments: Vec<CommentFact>,
    /// What the metering process could not keep: kind and count.
    pub losses: Vec<(String, u64)>,
}

impl Facts {
    /// Adds the facts of another store.
    pub fn append(&mut self, other: Self) {
        let offset = self.captures.len() as u32;
        self.captures.extend(other.captures);
        self.flows.extend(other.flows.into_iter().map(|mut flow| {
            flow.capture.0 += offset;
            flow
        }));
        self.activity.extend(other.activity.into_iter().map(|mut burst| {
            burst.capture.0 += offset;
            burst.burst_capture.0 += offset;
            burst
        }));
        let moved = |capture: CaptureIndex| CaptureIndex(capture.0 + offset);
        self.names.extend(other.names.into_iter().map(|name| NameFact { capture: moved(name.capture), ..name }));
        self.sockets.extend(other.sockets.into_iter().map(|s| SocketRow { capture: moved(s.capture), ..s }));
        self.comments.extend(other.comments.into_iter().map(|c| CommentFact { capture: moved(c.capture), ..c }));
        self.losses.extend(other.losses);
        self.sort();
    }

    fn sort(&mut self) {
        self.flows.sort_by_key(|flow| (flow.first_seen_ns, flow.capture, flow.first_frame));
    }
}

/// Whether a folder is a store.
#[must_use]
pub fn is_store(folder: &Path) -> bool {
    partitions(folder).is_ok_and(|found| !found.is_empty())
}

pub(super) fn partitions(store: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let io = |cause| StoreError::Io { path: store.to_owned(), cause };
    let mut found = Vec::new();
    for entry in fs::read_dir(store).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let is_partition = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("observation="));
        if is_partition && path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Identities of the captures of a partition.
pub(super) fn capture_ids_of(partition: &Path) -> Result<Vec<String>, StoreError> {
    let ids = Frame::read(partition, "captures")?.text("capture_id")?;
    Ok(ids.into_iter().map(Option::unwrap_or_default).collect())
}

/// Reads all partitions of a store.
///
/// # Errors
/// When a table cannot be read, has another schema version, or lacks a column.
pub fn read_facts(store: &Path) -> Result<Facts, StoreError> {
    let mut facts = Facts::default();
    let found = partitions(store)?;
    if found.is_empty() {
        let reason = "no partition in it: make one with \"portproof meter CAPTURES -o STORE\"".into();
        return Err(StoreError::NotAStore { path: store.to_owned(), reason });
    }
    for partition in found {
        read_partition(&partition, &mut facts)?;
    }
    facts.sort();
    Ok(facts)
}

fn read_partition(partition: &Path, facts: &mut Facts) -> Result<(), StoreError> {
    let indices = read_captures(partition, facts)?;
    let losses = Frame::read(partition, "losses")?;
    let counts = losses.numbers("count")?.into_iter().map(Option::unwrap_or_default);
    facts.losses.extend(losses.text("kind")?.into_iter().map(Option::unwrap_or_default).zip(counts));
    read_activity(&Frame::read(partition, "activity")?, &indices, &mut facts.activity)?;
    read_remarks(partition, &indices, facts)?;
    read_flows(&Frame::read(partition, "flows")?, &indices, &mut facts.flows)
}

/// Capture identities of a partition to positions in [`Facts::captures`].
pub(super) type Indices = HashMap<Option<String>, CaptureIndex>;

fn read_captures(partition: &Path, facts: &mut Facts) -> Result<Indices, StoreError> {
    let offset = facts.captures.len();
    let frame = Frame::read(partition, "captures")?;
    let ids = frame.text("capture_id")?;
    let position = |row: usize| CaptureIndex(u32::try_from(offset + row).unwrap_or(u32::MAX));
    let indices: Indices = ids.iter().enumerate().map(|(row, id)| (id.clone(), position(row))).collect();
    let text = ["name", "sha256", "format", "link_types", "first_stop", "end", "end_detail", "filter"];
    let text = all_ok(text.map(|n| frame.text(n)))?;
    let [mut name, mut sha256, mut format, mut link_types, mut first_stop, mut end, mut end_detail, mut filter] = text;
    let numbers = ["size_bytes", "frames", "metered_frames", "dropped_packets", "snapped_frames", "backward_steps"];
    let [size_bytes, frames, metered, dropped, snapped, backward] = all_ok(numbers.map(|n| frame.numbers(n)))?;
    let (first_ns, last_ns) = (frame.times("first_ns")?, frame.times("last_ns")?);
    let mut reading = read_counts(&frame)?;
    for row in 0..ids.len() {
        facts.captures.push(CaptureRow {
            name: name[row].take().unwrap_or_default(),
            sha256: sha256[row].take(),
            size_bytes: size_bytes[row],
            format: format[row].take().unwrap_or_default(),
            link_types: link_types[row].take().unwrap_or_default(),
            first_ns: first_ns[row],
            last_ns: last_ns[row],
            frames: frames[row].unwrap_or(0),
            metered: metered[row].unwrap_or(0),
            dropped: dropped[row],
            snapped_frames: snapped[row].unwrap_or(0),
            backward_steps: backward[row].unwrap_or(0),
            reading: std::mem::take(&mut reading[row]),
            filter: filter[row].take(),
            fates: Vec::new(),
            first_stop: first_stop[row].take(),
            end: end[row].take().unwrap_or_default(),
            end_detail: end_detail[row].take(),
        });
    }
    let fates = Frame::read(partition, "fates")?;
    let rows = fates.text("capture_id")?.into_iter().zip(fates.text("fate")?).zip(fates.numbers("frames")?);
    for ((id, fate), frames) in rows {
        let index = indices.get(&id).ok_or_else(|| fates.bad("capture_id", "names no capture"))?;
        if let Some(capture) = facts.captures.get_mut(index.0 as usize) {
            capture.fates.push((fate.unwrap_or_default(), frames.unwrap_or(0)));
        }
    }
    Ok(indices)
}

fn read_counts(frame: &Frame) -> Result<Vec<ReadingCounts>, StoreError> {
    let columns = [
        "implausible_lengths",
        "resyncs",
        "skipped_bytes",
        "interfaces",
        "unknown_blocks",
        "custom_blocks",
        "secrets_blocks",
        "comments_dropped",
        "names_dropped",
        "processes_dropped",
    ];
    let columns = all_ok(columns.map(|name| frame.numbers(name)))?;
    let row = |row: usize| {
        let counts = std::array::from_fn::<u64, 10, _>(|column| columns[column][row].unwrap_or(0));
        let [implausible_lengths, resyncs, skipped_bytes, interfaces, unknown_blocks, custom_blocks, rest @ ..] =
            counts;
        let [secrets_blocks, comments_dropped, names_dropped, processes_dropped] = rest;
        ReadingCounts {
            implausible_lengths,
            resyncs,
            skipped_bytes,
            interfaces,
            unknown_blocks,
            custom_blocks,
            secrets_blocks,
            comments_dropped,
            names_dropped,
            processes_dropped,
        }
    };
    Ok((0..columns[0].len()).map(row).collect())
}

/// All columns, or the first complaint.
fn all_ok<T: std::fmt::Debug, const N: usize>(columns: [Result<T, StoreError>; N]) -> Result<[T; N], StoreError> {
    let columns = columns.into_iter().collect::<Result<Vec<T>, StoreError>>()?;
    Ok(columns.try_into().unwrap_or_else(|_| unreachable!("as many as there were")))
}

fn read_activity(frame: &Frame, indices: &Indices, into: &mut Vec<Activity>) -> Result<(), StoreError> {
    let (captures, burst_captures) = (frame.text("capture_id")?, frame.text("burst_capture_id")?);
    let (flow_first_frame, first_frame) = (frame.numbers("flow_first_frame")?, frame.numbers("first_frame")?);
    let (start, end) = (frame.times("start_ns")?, frame.times("end_ns")?);
    let (bytes_a, bytes_b) = (frame.numbers("payload_bytes_a")?, frame.numbers("payload_bytes_b")?);
    for row in 0..captures.len() {
        let index = |ids: &[Option<String>]| {
            indices.get(&ids[row]).copied().ok_or_else(|| frame.bad("capture_id", "names no capture"))
        };
        into.push(Activity {
            capture: index(&captures)?,
            flow_first_frame: flow_first_frame[row].unwrap_or(0),
            burst_capture: index(&burst_captures)?,
            first_frame: first_frame[row].unwrap_or(0),
            start_ns: start[row].unwrap_or(0),
            end_ns: end[row].unwrap_or(0),
            payload_bytes_a: bytes_a[row].unwrap_or(0),
            payload_bytes_b: bytes_b[row].unwrap_or(0),
        });
    }
    Ok(())
}

/// A data frame whose columns are asked for by name and type.
pub(super) struct Frame {
    path: PathBuf,
    data: DataFrame,
}

impl Frame {
    pub(super) fn read(partition: &Path, name: &str) -> Result<Self, StoreError> {
        let path = partition.join(format!("{name}.parquet"));
        let data = read_frame(&path)?;
        Ok(Self { path, data })
    }

    pub(super) fn bad(&self, column: &str, reason: impl ToString) -> StoreError {
        StoreError::Column { path: self.path.clone(), column: column.to_owned(), reason: reason.to_string() }
    }

    /// The captures of the column `capture_id`.
    pub(super) fn captures(&self, indices: &Indices) -> Result<Vec<CaptureIndex>, StoreError> {
        let ids = self.text("capture_id")?;
        let index = |id| indices.get(id).copied().ok_or_else(|| self.bad("capture_id", "names no capture"));
        ids.iter().map(index).collect()
    }

    pub(super) fn text(&self, name: &str) -> Result<Vec<Option<String>>, StoreError> {
        let column = self.data.column(name).map_err(|e| self.bad(name, e))?;
        let values = column.str().map_err(|e| self.bad(name, e))?;
        Ok(values.iter().map(|value| value.map(str::to_owned)).collect())
    }

    /// Numbers beyond 2^53 are refused: no capture holds them, and sums of them would overflow.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<Option<u64>>, StoreError> {
        let column = self.data.column(name).map_err(|e| self.bad(name, e))?;
        let numbers: Vec<Option<u64>> = column.u64().map_err(|e| self.bad(name, e))?.iter().collect();
        match numbers.iter().flatten().find(|n| **n > LARGEST_COUNT) {
            Some(n) => Err(self.bad(name, format!("{n} cannot be"))),
            None => Ok(numbers),
        }
    }

    pub(super) fn times(&self, name: &str) -> Result<Vec<Option<i64>>, StoreError> {
        let column = self.data.column(name).map_err(|e| self.bad(name, e))?;
        Ok(column.i64().map_err(|e| self.bad(name, e))?.iter().collect())
    }

    pub(super) fn parsed<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<Option<T>>, StoreError> {
        let column = self.data.column(name).map_err(|e| self.bad(name, e))?;
        let values = column.str().map_err(|e| self.bad(name, e))?;
        let parse = |text: &str| {
            parse(text).ok_or_else(|| self.bad(name, format!("unknown value \"{}\"", text.escape_debug())))
        };
        values.iter().map(|value| value.map(parse).transpose()).collect()
    }
}

fn side(text: &str) -> Option<Side> {
    [Side::A, Side::B].into_iter().find(|side| side.name() == text)
}

fn state(text: &str) -> Option<TcpState> {
    use TcpState::*;
    let all = [
        Datagrams,
        Midstream,
        SynSent,
        SynReceived,
        SimultaneousOpen,
        SynAckOnly,
        Established,
        HalfClosed,
        Closed,
        Reset,
    ];
    all.into_iter().find(|state| state.name() == text)
}

fn end_reason(text: &str) -> Option<EndReason> {
    use EndReason::*;
    [Idle, Active, Closed, PortReused, EndOfCapture, Evicted].into_iter().find(|reason| reason.name() == text)
}

fn read_flows(frame: &Frame, indices: &Indices, into: &mut Vec<StoredFlow>) -> Result<(), StoreError> {
    let (from_a, from_b) = (Directions::read(frame, "a")?, Directions::read(frame, "b")?);
    let captures = frame.text("capture_id")?;
    let first_frame = frame.numbers("first_frame")?;
    let protocol = frame.numbers("protocol")?;
    let a_ip = frame.parsed("a_ip", |text| text.parse().ok())?;
    let b_ip = frame.parsed("b_ip", |text| text.parse().ok())?;
    let (a_port, b_port) = (frame.numbers("a_port")?, frame.numbers("b_port")?);
    let (first_seen, last_seen) = (frame.times("first_seen_ns")?, frame.times("last_seen_ns")?);
    let first_sender = frame.parsed("first_sender", side)?;
    let first_syn = frame.parsed("first_syn", side)?;
    let states = frame.parsed("state", state)?;
    let reasons = frame.parsed("end_reason", end_reason)?;
    let icmp: Vec<Vec<Option<u64>>> = ["port_unreachable", "prohibited", "other", "frame", "type", "code"]
        .into_iter()
        .map(|name| frame.numbers(&format!("icmp_{name}")))
        .collect::<Result<_, _>>()?;
    let icmp_quoted = frame.parsed("icmp_quoted", side)?;
    let (vlan, fragments) = (frame.numbers("vlan")?, frame.numbers("fragments")?);
    let required = |name: &str| frame.bad(name, "a row has no value");
    for row in 0..captures.len() {
        let transport = match protocol[row] {
            Some(6) => Transport::Tcp,
            Some(17) => Transport::Udp,
            other => return Err(frame.bad("protocol", format!("unknown value {other:?}"))),
        };
        let endpoint = |ip: Option<std::net::IpAddr>, port: Option<u64>| {
            Some(Endpoint { ip: ip?, port: u16::try_from(port?).ok()? })
        };
        let key = FlowKey {
            transport,
            a: endpoint(a_ip[row], a_port[row]).ok_or_else(|| required("a_ip"))?,
            b: endpoint(b_ip[row], b_port[row]).ok_or_else(|| required("b_ip"))?,
        };
        if last_seen[row] < first_seen[row] {
            return Err(frame.bad("last_seen_ns", "a flow ends before it begins"));
        }
        into.push(FlowRecord {
            capture: *indices.get(&captures[row]).ok_or_else(|| frame.bad("capture_id", "names no capture"))?,
            first_frame: first_frame[row].unwrap_or(0),
            key,
            vlan: vlan[row].and_then(|id| u16::try_from(id).ok()),
            first_seen_ns: first_seen[row].ok_or_else(|| required("first_seen_ns"))?,
            last_seen_ns: last_seen[row].ok_or_else(|| required("last_seen_ns"))?,
            first_sender: first_sender[row].ok_or_else(|| required("first_sender"))?,
            first_syn: first_syn[row],
            from_a: from_a.row(row),
            from_b: from_b.row(row),
            state: states[row].ok_or_else(|| required("state"))?,
            end_reason: reasons[row].ok_or_else(|| required("end_reason"))?,
            icmp: IcmpFacts {
                quoted: icmp_quoted[row],
                port_unreachable: small(icmp[0][row]),
                prohibited: small(icmp[1][row]),
                other: small(icmp[2][row]),
                first_frame: icmp[3][row],
                first_type: icmp[4][row].and_then(|n| u8::try_from(n).ok()),
                first_code: icmp[5][row].and_then(|n| u8::try_from(n).ok()),
            },
            fragments: small(fragments[row]),
        });
    }
    Ok(())
}

pub(super) fn small(number: Option<u64>) -> u32 {
    number.map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// The columns of one direction.
struct Directions {
    totals: [Vec<Option<u64>>; 5],
    counts: [Vec<Option<u64>>; 7],
    frames: [Vec<Option<u64>>; 3],
    syn_ns: Vec<Option<i64>>,
    next_seq: Vec<Option<u64>>,
}

impl Directions {
    fn read(frame: &Frame, side: &str) -> Result<Self, StoreError> {
        let column = |name: &str| frame.numbers(&format!("{name}_{side}"));
        Ok(Self {
            totals: [
                column("packets")?,
                column("wire_bytes")?,
                column("ip_bytes")?,
                column("payload_bytes")?,
                column("payload_packets")?,
            ],
            counts: [
                column("tcp_flags")?,
                column("syn")?,
                column("syn_retransmitted")?,
                column("syn_ack")?,
                column("fin")?,
                column("rst")?,
                column("handshake_copies")?,
            ],
            frames: [column("syn_frame")?, column("syn_ack_frame")?, column("rst_frame")?],
            syn_ns: frame.times(&format!("syn_ns_{side}"))?,
            next_seq: column("next_seq")?,
        })
    }

    fn row(&self, row: usize) -> DirectionFacts {
        let total = |i: usize| self.totals[i][row].unwrap_or(0);
        let count = |i: usize| small(self.counts[i][row]);
        DirectionFacts {
            packets: total(0),
            wire_bytes: total(1),
            ip_bytes: total(2),
            payload_bytes: total(3),
            payload_packets: total(4),
            tcp_flags: count(0) as u8,
            syn: count(1),
            syn_retransmitted: count(2),
            syn_ack: count(3),
            fin: count(4),
            rst: count(5),
            handshake_copies: count(6),
            syn_frame: self.frames[0][row],
            syn_ns: self.syn_ns[row],
            syn_ack_frame: self.frames[1][row],
            rst_frame: self.frames[2][row],
            next_seq: self.next_seq[row].map(|n| n as u32),
        }
    }
}
