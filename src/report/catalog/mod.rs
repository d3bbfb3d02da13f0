//! Documents of the catalogue to bytes: JSON with everything, tables for CSV and Markdown.
//!
//! One row for each protocol and port or range of a statement; each row names its document and its table or chapter.
//! What a document prints and what is a reading of it stand in lists of their own.

pub mod json;
pub mod markdown;
mod tables;

pub use tables::{SECTIONS, Section, table};

use super::ReportError;
use crate::catalog::Document;
use std::io::Write;

/// The documents to export, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'a> {
    documents: &'a [&'a Document],
}

impl<'a> Selection<'a> {
    /// A selection of documents.
    #[must_use]
    pub fn new(documents: &'a [&'a Document]) -> Self {
        Self { documents }
    }

    /// Writes each document in its own form.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write_toml<W: Write>(&self, mut out: W) -> Result<(), ReportError> {
        let written = self.documents.iter().try_for_each(|document| out.write_all(document.to_toml().as_bytes()));
        written.map_err(ReportError::Output)
    }

    /// All rows of one kind, document by document.
    fn rows<T>(&self, rows: impl Fn(&'a Document) -> Vec<T>) -> Vec<T> {
        self.documents.iter().flat_map(|document| rows(document)).collect()
    }
}
