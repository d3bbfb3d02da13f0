//! Writing one partition: the facts of one observation.

use super::error::StoreError;
use super::read::{capture_ids_of, partitions};
use super::schema::{self, CaptureIds, CaptureRow, FactColumn, FateRow, LossRow};
use super::table_writer::FactTable;
use crate::model::{
    Activity, Announcement, CommentFact, FlowDetail, FlowRecord, FlowSink, HostRange, HostSocket, HostTable,
    HostTableRow, NameFact, SocketFact, SocketRow,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Identity of an observation: 12 hexadecimal digits over the identities of its captures, in whatever order.
#[must_use]
pub fn observation_id<'a>(capture_ids: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for id in capture_ids.collect::<BTreeSet<_>>() {
        hasher.update(id);
        hasher.update([0]);
    }
    hasher.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the facts of one observation into a folder of its own beside the store's partitions, and moves it into place
/// when all is written. Dropped before, it leaves nothing behind.
pub struct PartitionWriter {
    place: Place,
    capture_ids: CaptureIds,
    flows: Batched<FlowRecord>,
    activity: Batched<Activity>,
    sockets: FactTable<SocketRow>,
    names: FactTable<NameFact>,
    comments: FactTable<CommentFact>,
    announcements: FactTable<Announcement>,
    details: FactTable<FlowDetail>,
    host_tables: FactTable<HostTableRow>,
    host_sockets: FactTable<HostSocket>,
    host_ranges: FactTable<HostRange>,
}

/// Rows that are taken column by column: as many as stay in the processor's caches.
const BATCH: usize = 128;

/// A table whose rows come one by one and in great number.
struct Batched<Row> {
    table: FactTable<Row>,
    rows: Vec<Row>,
}

impl<Row> Batched<Row> {
    fn create(folder: &Path, name: &str, columns: Vec<FactColumn<Row>>) -> Result<Self, StoreError> {
        Ok(Self { table: FactTable::create(folder, name, columns)?, rows: Vec::new() })
    }

    fn push(&mut self, ids: &CaptureIds, row: Row) -> Result<(), StoreError> {
        self.rows.push(row);
        if self.rows.len() == BATCH { self.pass_on(ids) } else { Ok(()) }
    }

    fn pass_on(&mut self, ids: &CaptureIds) -> Result<(), StoreError> {
        let passed = self.table.push(ids, &self.rows);
        self.rows.clear();
        passed
    }

    fn finish(mut self, ids: &CaptureIds) -> Result<(), StoreError> {
        self.pass_on(ids)?;
        self.table.finish()
    }
}

/// Name of the partition within its temporary folder.
const INNER: &str = "facts";

/// The folder under way, and what becomes of it. Dropped, it goes, and then the store's folder if it was made for it: fields
/// are dropped in this order.
struct Place {
    folder: TempDir,
    made: MadeFolder,
    store: PathBuf,
    /// Partitions of captures that are metered again.
    replaced: Vec<PathBuf>,
}

/// A folder that goes again unless it is kept; `None` where there is nothing to undo.
struct MadeFolder(Option<PathBuf>);

impl Drop for MadeFolder {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            // Best effort: the reason for giving up is what the user has to hear.
            let _ = fs::remove_dir(folder);
        }
    }
}

impl Place {
    fn create(store: &Path, capture_ids: &CaptureIds) -> Result<Self, StoreError> {
        let io = |cause| StoreError::Io { path: store.to_owned(), cause };
        let mut made = MadeFolder(None);
        let mut replaced = Vec::new();
        if store.exists() {
            refuse_other_folder(store)?;
            replaced = metered_again(store, capture_ids)?;
        } else {
            fs::create_dir_all(store).map_err(io)?;
            made.0 = Some(store.to_owned());
        }
        let folder = tempfile::Builder::new().prefix(".partition-").tempdir_in(store).map_err(io)?;
        let place = Self { folder, made, store: store.to_owned(), replaced };
        // A plain folder, because the temporary one around it is closed to everybody else.
        fs::create_dir(place.inner()).map_err(io)?;
        Ok(place)
    }

    /// Where the tables are written.
    fn inner(&self) -> PathBuf {
        self.folder.path().join(INNER)
    }

    /// Moves the tables to their name in the store.
    fn commit(mut self, name: &str) -> Result<PathBuf, StoreError> {
        let target = self.store.join(name);
        let io = |cause| StoreError::Io { path: target.clone(), cause };
        for earlier in &self.replaced {
            fs::remove_dir_all(earlier).map_err(io)?;
        }
        fs::rename(self.inner(), &target).map_err(io)?;
        self.made.0 = None;
        Ok(target)
    }
}

impl PartitionWriter {
    /// Prepares a partition in `store`, which is created if need be. `capture_ids` are the identities of the capture
    /// files by their index; an empty text stands for a file that could not be opened.
    ///
    /// # Errors
    /// When the folder cannot be written, holds something that is not a store, or holds one of the captures together with
    /// others that are not metered again: it would be counted twice.
    pub fn create(store: &Path, capture_ids: CaptureIds) -> Result<Self, StoreError> {
        let place = Place::create(store, &capture_ids)?;
        let folder = place.inner();
        Ok(Self {
            capture_ids,
            flows: Batched::create(&folder, "flows", schema::flows())?,
            activity: Batched::create(&folder, "activity", schema::activity())?,
            sockets: FactTable::create(&folder, "sockets", schema::sockets())?,
            names: FactTable::create(&folder, "names", schema::names())?,
            comments: FactTable::create(&folder, "comments", schema::comments())?,
            announcements: FactTable::create(&folder, "announcements", schema::announcements())?,
            details: FactTable::create(&folder, "details", schema::details())?,
            host_tables: FactTable::create(&folder, "host_tables", schema::host_tables())?,
            host_sockets: FactTable::create(&folder, "host_sockets", schema::host_sockets())?,
            host_ranges: FactTable::create(&folder, "host_ranges", schema::host_ranges())?,
            place,
        })
    }

    /// Writes what the recordings say besides packets.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn remarks(&mut self, names: &[NameFact], comments: &[CommentFact]) -> Result<(), StoreError> {
        self.names.push(&self.capture_ids, names)?;
        self.comments.push(&self.capture_ids, comments)
    }

    /// Writes what a host said of its own ports.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn host_table(&mut self, table: &HostTable) -> Result<(), StoreError> {
        self.host_tables.push(&self.capture_ids, &[table.row()])?;
        self.host_sockets.push(&self.capture_ids, &table.sockets)?;
        self.host_ranges.push(&self.capture_ids, &table.ranges)
    }

    /// Writes the small tables and moves the partition into place, over one of the same captures if there is one.
    ///
    /// # Errors
    /// When a file cannot be written or the partition cannot be moved.
    pub fn commit(self, captures: &[CaptureRow], losses: &[LossRow]) -> Result<PathBuf, StoreError> {
        let id = observation_id(captures.iter().map(|(_, c)| c.id.as_str()));
        let folder = self.place.inner();
        let fates = captures.iter().flat_map(|(index, capture)| {
            capture.tally.iter().map(|(fate, frames)| FateRow { capture: *index, fate, frames })
        });
        let ids = &self.capture_ids;
        write_all(&folder, "captures", ids, schema::captures(), captures)?;
        write_all(&folder, "fates", ids, schema::fates(), &fates.collect::<Vec<_>>())?;
        write_all(&folder, "losses", ids, schema::losses(), losses)?;
        self.flows.finish(ids)?;
        self.activity.finish(ids)?;
        self.sockets.finish()?;
        self.names.finish()?;
        self.comments.finish()?;
        self.announcements.finish()?;
        self.details.finish()?;
        self.host_tables.finish()?;
        self.host_sockets.finish()?;
        self.host_ranges.finish()?;
        self.place.commit(&format!("observation={id}"))
    }
}

impl FlowSink for PartitionWriter {
    type Error = StoreError;

    fn flow(&mut self, record: &FlowRecord) -> Result<(), StoreError> {
        self.flows.push(&self.capture_ids, *record)
    }

    fn activity(&mut self, burst: &Activity) -> Result<(), StoreError> {
        self.activity.push(&self.capture_ids, *burst)
    }

    fn socket(&mut self, socket: &SocketFact<'_>) -> Result<(), StoreError> {
        let row = SocketRow {
            capture: socket.position.capture,
            frame: socket.position.frame,
            time_ns: socket.time_ns,
            transport: socket.transport,
            local: socket.local,
            remote: socket.remote,
            process_id: socket.process.id,
            process_name: String::from_utf8_lossy(socket.process.name).into_owned(),
        };
        self.sockets.push(&self.capture_ids, &[row])
    }

    fn announcement(&mut self, announcement: &Announcement) -> Result<(), StoreError> {
        self.announcements.push(&self.capture_ids, std::slice::from_ref(announcement))
    }

    fn detail(&mut self, detail: &FlowDetail) -> Result<(), StoreError> {
        self.details.push(&self.capture_ids, std::slice::from_ref(detail))
    }

    fn name(&mut self, name: &NameFact) -> Result<(), StoreError> {
        self.names.push(&self.capture_ids, std::slice::from_ref(name))
    }
}

fn write_all<Row>(
    folder: &Path,
    name: &str,
    ids: &CaptureIds,
    columns: Vec<FactColumn<Row>>,
    rows: &[Row],
) -> Result<(), StoreError> {
    let mut table = FactTable::create(folder, name, columns)?;
    table.push(ids, rows)?;
    table.finish()
}

fn refuse_other_folder(store: &Path) -> Result<(), StoreError> {
    let io = |cause| StoreError::Io { path: store.to_owned(), cause };
    for entry in fs::read_dir(store).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with("observation=") && !name.starts_with('.') {
            let reason = format!("holds \"{}\", so it is not a store: name a new folder", name.escape_debug());
            return Err(StoreError::NotAStore { path: store.to_owned(), reason });
        }
    }
    Ok(())
}

/// Partitions whose captures are all metered again now.
fn metered_again(store: &Path, capture_ids: &CaptureIds) -> Result<Vec<PathBuf>, StoreError> {
    let mut replaced = Vec::new();
    for partition in partitions(store)? {
        let earlier = capture_ids_of(&partition)?;
        let again = earlier.iter().filter(|id| capture_ids.0.contains(id)).count();
        if again == earlier.len() {
            replaced.push(partition);
        } else if again > 0 {
            let reason = format!(
                "{} holds a capture that is metered again now, and others that are not: it would be counted twice. Meter \
                 all of them together, or name a new store",
                partition.file_name().unwrap_or_default().to_string_lossy()
            );
            return Err(StoreError::NotAStore { path: store.to_owned(), reason });
        }
    }
    Ok(replaced)
}
