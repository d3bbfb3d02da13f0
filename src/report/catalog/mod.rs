//! Documents of the catalogue to bytes: JSON with everything, tables for CSV and Markdown.
//!
//! One row for each protocol and port or range of a statement; each row names its document and its table or chapter.
//! What a document prints and what is a reading of it stand in lists of their own.

pub mod json;
pub mod markdown;
mod tables;

pub use tables::{SECTIONS, Section, table};

use crate::catalog::{Document, DocumentKind};

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

    /// All rows of one kind, document by document.
    fn rows<T>(&self, rows: impl Fn(&'a Document) -> Vec<T>) -> Vec<T> {
        self.documents.iter().flat_map(|document| rows(document)).collect()
    }
}

/// Name of a kind of document.
#[must_use]
pub fn kind_name(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Vendor => "vendor",
        DocumentKind::General => "general",
        DocumentKind::Site => "site",
    }
}
