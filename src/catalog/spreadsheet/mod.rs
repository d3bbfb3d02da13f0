//! A document from a spreadsheet: one row for each service, its protocol, ports, role and a comment.
//!
//! The file is CSV as spreadsheet programs write it: see [`text`] for encodings, [`header`] for separators and columns,
//! [`cells`] for what people write. Every row gives a statement, or a note that says why not; whatever the file leaves
//! open and the document cannot is taken in one way, and told. Nothing is taken from knowledge about the product.
//!
//! Not read: workbooks (.xlsx), formulas, several sheets. Rows that the program cannot make sense of are for the user.

mod cells;
mod header;
mod roles;
mod row;
mod text;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

use super::document::{Document, DocumentKind};
use super::document_reader::checked_id;
use super::error::{CatalogError, MAX_FILE_BYTES, Place, Source};
use csv::StringRecord;
use row::Builder;
use toml::Spanned;

/// Most rows of a spreadsheet, the header not counted.
pub const MAX_SPREADSHEET_ROWS: usize = 20_000;

/// What a spreadsheet does not say about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpreadsheetOptions {
    /// Identifier of the document: lower case, digits, hyphens.
    pub id: String,
    /// Title of the document.
    pub title: String,
    /// Who published the list; left out, the document says that it is not stated.
    pub publisher: Option<String>,
    /// Publication number or name; left out, the name of the file.
    pub publication: Option<String>,
    /// Edition, version or date.
    pub edition: Option<String>,
    /// Where to find it.
    pub url: Option<String>,
    /// Products and versions that it speaks about.
    pub products: Vec<String>,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoteKind {
    /// A row, a part of one, or a column is not in the document.
    LeftOut,
    /// The file does not say something that a document has to: it was taken in the way that the note tells.
    Assumed,
}

/// Something that the user should know about a line of the spreadsheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportNote {
    /// What it is about.
    pub kind: NoteKind,
    /// Line of the file, from 1.
    pub line: usize,
    /// What was found, and what to do about it. Texts of the file stand in quotation marks with control characters spelt out.
    pub text: String,
}

/// A document made from a spreadsheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The document: it can be printed with [`Document::to_toml`], and read again. Without ports where no row could be used.
    pub document: Document,
    /// What was left out or assumed, in the order of the lines.
    pub notes: Vec<ImportNote>,
    /// Rows that hold anything, the header not counted.
    pub rows: usize,
}

/// Makes a document from a spreadsheet file. `name` is for errors and citations: a path or a name.
///
/// An error means that nothing can be made of the file: too large (more than [`MAX_FILE_BYTES`] bytes or
/// [`MAX_SPREADSHEET_ROWS`] rows, or a document that would be larger than can be read), no text, no header line, or an
/// identifier that a document cannot have. Rows that cannot be used are notes, not errors.
pub fn import_spreadsheet(name: &str, bytes: &[u8], options: &SpreadsheetOptions) -> Result<Imported, CatalogError> {
    check_id(&options.id)?;
    let text::Decoded { text, assumed } = text::decode(name, bytes)?;
    let mut sheet = header::open(name, &text)?;
    let mut builder = Builder::new(name, &sheet.columns, sheet.header);
    if let Some((line, problem)) = assumed {
        builder.note(NoteKind::Assumed, line, problem);
    }
    let too_many = |line| {
        let problem = format!("more than {MAX_SPREADSHEET_ROWS} rows, or more statements than a document may have");
        refused(name, line, problem, "import the sheet in parts, each as a document of its own")
    };
    let mut record = StringRecord::new();
    while let Some(at) = sheet.records.next(&mut record) {
        if builder.row(&record, at).is_err() || builder.rows > MAX_SPREADSHEET_ROWS {
            return Err(too_many(at.line));
        }
    }
    let rows = builder.rows;
    let (parts, notes) = builder.finish().map_err(|_| too_many(1))?;
    let document = Document {
        id: options.id.clone(),
        title: options.title.clone(),
        publisher: options.publisher.clone().unwrap_or_else(|| "Not stated".to_owned()),
        publication: options.publication.clone().unwrap_or_else(|| file_name(name)),
        edition: options.edition.clone(),
        url: options.url.clone(),
        products: options.products.clone(),
        kind: DocumentKind::Vendor,
        roles: parts.roles,
        ports: parts.ports,
        dynamic_ranges: parts.dynamic_ranges,
        services: Vec::new(),
        communications: Vec::new(),
        announced: Vec::new(),
        scenarios: Vec::new(),
        names: Vec::new(),
        facts: Vec::new(),
        conflicts: Vec::new(),
    };
    let written = document.to_toml().len();
    if written > MAX_FILE_BYTES {
        let problem = format!("the document would have {written} bytes, and only {MAX_FILE_BYTES} are read");
        return Err(refused(name, 1, problem, "import the sheet in parts, each as a document of its own"));
    }
    Ok(Imported { document, notes, rows })
}

/// Refuses what no document can be called.
fn check_id(id: &str) -> Result<(), CatalogError> {
    let source = Source::new("", "")?;
    match checked_id(source, &Spanned::new(0..0, id.to_owned())) {
        Err(CatalogError::Text { problem, advice, .. }) => Err(CatalogError::Identifier { problem, advice }),
        other => other.map(|_| ()),
    }
}

fn refused(name: &str, line: usize, problem: String, advice: &str) -> CatalogError {
    let place = Place { line, column: 1 };
    CatalogError::Text { file: name.to_owned(), place, problem, advice: advice.to_owned() }
}

/// The last part of a path, as a document can hold it.
fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).map(text::cleaned).find(|part| !part.is_empty());
    last.unwrap_or_else(|| "the spreadsheet".to_owned())
}
