//! Writing one partition: the facts of one observation.

use super::error::StoreError;
use super::parquet::TableWriter;
use super::schema::{self, CaptureIds, CaptureRow, FactColumn, FateRow, LossRow};
use crate::model::{Activity, FlowRecord, FlowSink};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Identity of an observation: 12 hexadecimal digits over the identities of its captures.
#[must_use]
pub fn observation_id<'a>(capture_ids: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for id in capture_ids {
        hasher.update(id);
        hasher.update([0]);
    }
    hasher.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the facts of one observation into a folder of its own beside the store's partitions, and moves it into place
/// when all is written. Dropped before, it leaves nothing behind.
pub struct PartitionWriter {
    store: PathBuf,
    store_is_new: bool,
    folder: TempDir,
    capture_ids: CaptureIds,
    flow_columns: Vec<FactColumn<FlowRecord>>,
    activity_columns: Vec<FactColumn<Activity>>,
    flows: TableWriter,
    activity: TableWriter,
}

impl PartitionWriter {
    /// Prepares a partition in `store`, which is created if need be. `capture_ids` are the identities of the capture
    /// files by their index; an empty text stands for a file that could not be opened.
    ///
    /// # Errors
    /// When the folder cannot be written, or holds something that is not a store.
    pub fn create(store: &Path, capture_ids: CaptureIds) -> Result<Self, StoreError> {
        let io = |cause| StoreError::Io { path: store.to_owned(), cause };
        let store_is_new = !store.exists();
        if store_is_new {
            fs::create_dir_all(store).map_err(io)?;
        } else {
            refuse_other_folder(store)?;
        }
        let folder = tempfile::Builder::new().prefix(".partition-").tempdir_in(store);
        let folder = folder.inspect_err(|_| remove_if(store_is_new, store)).map_err(io)?;
        let flow_columns = schema::flows();
        let activity_columns = schema::activity();
        let flows = create_table(folder.path(), "flows", &flow_columns)?;
        let activity = create_table(folder.path(), "activity", &activity_columns)?;
        let store = store.to_owned();
        Ok(Self { store, store_is_new, folder, capture_ids, flow_columns, activity_columns, flows, activity })
    }

    /// Writes the small tables and moves the partition into place, over one of the same captures if there is one.
    ///
    /// # Errors
    /// When a file cannot be written or the partition cannot be moved.
    pub fn commit(mut self, captures: &[CaptureRow], losses: &[LossRow]) -> Result<PathBuf, StoreError> {
        let id = observation_id(captures.iter().map(|(_, c)| c.id.as_str()));
        let folder = self.folder.path().to_owned();
        let fates = captures.iter().flat_map(|(index, capture)| {
            capture.tally.iter().map(|(fate, frames)| FateRow { capture: *index, fate, frames })
        });
        let ids = &self.capture_ids;
        write_all(&folder, "captures", ids, &schema::captures(), captures)?;
        write_all(&folder, "fates", ids, &schema::fates(), &fates.collect::<Vec<_>>())?;
        write_all(&folder, "losses", ids, &schema::losses(), losses)?;
        self.flows.finish()?;
        self.activity.finish()?;
        let place = self.store.join(format!("observation={id}"));
        let io = |cause| StoreError::Io { path: place.clone(), cause };
        if place.exists() {
            fs::remove_dir_all(&place).map_err(io)?;
        }
        fs::rename(self.folder.keep(), &place).map_err(io)?;
        self.store_is_new = false;
        Ok(place)
    }

    /// Gives up: removes what was written, and the store's folder if this writer made it.
    pub fn discard(self) {
        drop(self.folder);
        remove_if(self.store_is_new, &self.store);
    }
}

impl FlowSink for PartitionWriter {
    type Error = StoreError;

    fn flow(&mut self, record: &FlowRecord) -> Result<(), StoreError> {
        self.flows.push(self.flow_columns.iter().map(|column| (column.get)(&self.capture_ids, record)))
    }

    fn activity(&mut self, burst: &Activity) -> Result<(), StoreError> {
        self.activity.push(self.activity_columns.iter().map(|column| (column.get)(&self.capture_ids, burst)))
    }
}

fn create_table<Row>(folder: &Path, name: &str, columns: &[FactColumn<Row>]) -> Result<TableWriter, StoreError> {
    TableWriter::create(&folder.join(format!("{name}.parquet")), columns.iter().map(|c| c.column).collect())
}

fn write_all<Row>(
    folder: &Path,
    name: &str,
    ids: &CaptureIds,
    columns: &[FactColumn<Row>],
    rows: &[Row],
) -> Result<(), StoreError> {
    let mut writer = create_table(folder, name, columns)?;
    for row in rows {
        writer.push(columns.iter().map(|column| (column.get)(ids, row)))?;
    }
    writer.finish()
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

fn remove_if(made_here: bool, store: &Path) {
    if made_here {
        // Best effort: the reason for giving up is what the user has to hear.
        let _ = fs::remove_dir(store);
    }
}
