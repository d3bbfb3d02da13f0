//! What can go wrong with facts on disk.

use std::path::PathBuf;

/// Why a store cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{path}: {cause}", path = path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The Parquet library refused.
    #[error("{path}: {cause}", path = path.display())]
    Parquet {
        /// What was touched.
        path: PathBuf,
        /// What the library said.
        cause: polars::error::PolarsError,
    },
    /// The folder holds something else.
    #[error("{path}: {reason}", path = path.display())]
    NotAStore {
        /// The folder.
        path: PathBuf,
        /// Why it is none.
        reason: String,
    },
    /// Written by another version.
    #[error("{path}: written with schema {found}, this program reads schema {expected}: meter the captures again", path = path.display())]
    SchemaVersion {
        /// The file.
        path: PathBuf,
        /// Version found, or "none".
        found: String,
        /// Version that this program knows.
        expected: &'static str,
    },
    /// A column is missing or has another type.
    #[error("{path}: column \"{column}\": {reason}", path = path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
}
