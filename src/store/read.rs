//! Reading facts back: every partition of a store, as data frames and as records.

use super::error::StoreError;
use super::parquet::{read_frame, read_groups};
use super::read_application::read_application;
use super::read_flows::read_flows;
use super::read_hosts::read_hosts;
use super::read_remarks::read_remarks;
use crate::model::{
    Activity, Announcement, CaptureIndex, CaptureRow, CommentFact, FlowDetail, Flows, HostRange, HostSocket, HostTable,
    HostTableRow, NameFact, ReadingCounts, SocketRow,
};
use polars::prelude::DataFrame;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Largest count that is believed.
const LARGEST_COUNT: u64 = 1 << 53;

/// Fewer rows are not worth another thread.
const LEAST_PART: usize = 4_096;

/// Everything a store holds.
#[derive(Debug, Default)]
pub struct Facts {
    /// The captures, in the order of their partitions and their ordinals.
    pub captures: Vec<CaptureRow>,
    /// The flows, sorted by time of the first packet, then capture and frame: the `capture` of each is a position in `captures`.
    pub flows: Flows,
    /// Bursts of flows that have more than one.
    pub activity: Vec<Activity>,
    /// Names of addresses.
    pub names: Vec<NameFact>,
    /// Processes behind endpoints.
    pub sockets: Vec<SocketRow>,
    /// Comments in the captures.
    pub comments: Vec<CommentFact>,
    /// Who announced which port to whom, sorted by time, then capture and frame.
    pub announcements: Vec<Announcement>,
    /// What conversations say of themselves.
    pub details: Vec<FlowDetail>,
    /// Host tables that were given, without their rows: formats, times of writing and of the last start.
    pub host_tables: Vec<HostTableRow>,
    /// What they say of sockets.
    pub host_sockets: Vec<HostSocket>,
    /// What they say of ranges of ports.
    pub host_ranges: Vec<HostRange>,
    /// What the metering process could not keep: kind and count.
    pub losses: Vec<(String, u64)>,
}

impl Facts {
    /// Adds the facts of another store.
    pub fn append(&mut self, mut other: Self) {
        if self.captures.is_empty() && self.flows.is_empty() {
            // Whole, and not record by record: there may be millions.
            self.flows = std::mem::take(&mut other.flows);
        }
        let offset = self.captures.len() as u32;
        self.captures.extend(other.captures);
        self.flows.extend(other.flows.iter().map(|mut flow| {
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
        self.announcements.extend(other.announcements.into_iter().map(|mut announcement| {
            announcement.position.capture.0 += offset;
            announcement.flow_capture.0 += offset;
            announcement
        }));
        self.details.extend(other.details.into_iter().map(|mut detail| {
            detail.position.capture.0 += offset;
            detail.flow_capture.0 += offset;
            detail
        }));
        self.host_tables.extend(other.host_tables);
        self.host_sockets.extend(other.host_sockets);
        self.host_ranges.extend(other.host_ranges);
        self.losses.extend(other.losses);
        self.sort();
    }

    /// Adds what a host said of its own ports.
    pub fn add_host_table(&mut self, table: HostTable) {
        self.host_tables.push(table.row());
        self.host_sockets.extend(table.sockets);
        self.host_ranges.extend(table.ranges);
    }

    fn sort(&mut self) {
        self.flows.sort();
        self.announcements.sort_by_key(|said| (said.time_ns, said.position));
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
    read_application(partition, &indices, facts)?;
    read_hosts(partition, facts)?;
    Frame::read_groups(partition, "flows", |frame| read_flows(frame, &indices, &mut facts.flows))
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
        "untimed_frames",
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
        let counts = std::array::from_fn::<u64, 11, _>(|column| columns[column][row].unwrap_or(0));
        let [implausible_lengths, untimed_frames, resyncs, skipped_bytes, interfaces, unknown_blocks, rest @ ..] =
            counts;
        let [custom_blocks, secrets_blocks, comments_dropped, names_dropped, processes_dropped] = rest;
        ReadingCounts {
            implausible_lengths,
            untimed_frames,
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
pub(super) fn all_ok<T: std::fmt::Debug, const N: usize>(
    columns: [Result<T, StoreError>; N],
) -> Result<[T; N], StoreError> {
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

    /// Reads a table row group by row group.
    pub(super) fn read_groups(
        partition: &Path,
        name: &str,
        mut take: impl FnMut(&Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let path = partition.join(format!("{name}.parquet"));
        read_groups(&path, |path, data| take(&Self { path: path.to_owned(), data }))
    }

    pub(super) fn bad(&self, column: &str, reason: impl ToString) -> StoreError {
        StoreError::Column { path: self.path.clone(), column: column.to_owned(), reason: reason.to_string() }
    }

    /// The rows in so many parts, fewer where there are few rows.
    pub(super) fn parts(&self, parts: usize) -> Vec<Self> {
        let rows = self.data.height();
        let part = rows.div_ceil(parts.max(1)).max(LEAST_PART);
        let slice = |first: usize| Self { path: self.path.clone(), data: self.data.slice(first as i64, part) };
        (0..rows.max(1)).step_by(part).map(slice).collect()
    }

    /// The captures of the column `capture_id`.
    pub(super) fn captures(&self, indices: &Indices) -> Result<Vec<CaptureIndex>, StoreError> {
        let column = self.data.column("capture_id").map_err(|e| self.bad("capture_id", e))?;
        let ids = column.str().map_err(|e| self.bad("capture_id", e))?;
        let mut captures = Vec::with_capacity(ids.len());
        // Rows of one capture stand together, mostly.
        let mut latest: Option<(Option<&str>, CaptureIndex)> = None;
        for id in ids.iter() {
            let known = latest.filter(|(same, _)| *same == id).map(|(_, index)| index);
            let index = known.or_else(|| indices.get(&id.map(str::to_owned)).copied());
            let index = index.ok_or_else(|| self.bad("capture_id", "names no capture"))?;
            latest = Some((id, index));
            captures.push(index);
        }
        Ok(captures)
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

    pub(super) fn flags(&self, name: &str) -> Result<Vec<Option<bool>>, StoreError> {
        let column = self.data.column(name).map_err(|e| self.bad(name, e))?;
        Ok(column.bool().map_err(|e| self.bad(name, e))?.iter().collect())
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
