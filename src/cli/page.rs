//! Text for the terminal: wrapped paragraphs and tables of a given width, with or without colour. Pure.

use crate::report::text::visible;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, LineStyle, Table, TableStyle};

/// Columns below which lines are no longer shortened: addresses would be torn apart.
pub(super) const NARROWEST: u16 = 40;

/// A line below the head.
pub(super) const RULED: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// No lines.
pub(super) const PLAIN: TableStyle = TableStyle::new();

/// How a text is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Alert,
    Pale,
}

/// How wide, and whether coloured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) width: u16,
    pub(super) colour: bool,
}

impl Page {
    /// A page of at least [`NARROWEST`] columns.
    pub(super) fn new(width: u16, colour: bool) -> Self {
        Self { width: width.max(NARROWEST), colour }
    }

    /// A table without a terminal of its own.
    pub(super) fn table(&self, style: TableStyle) -> Table {
        let mut table = Table::new();
        table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic).set_width(self.width);
        table.force_no_tty();
        if self.colour {
            table.enforce_styling();
        }
        table
    }

    /// Wrapped text, indented, with a line end.
    pub(super) fn paragraph(&self, indent: u16, tone: Tone, text: &str) -> String {
        let mut table = self.table(PLAIN);
        table.add_row([cell(visible(text), tone)]);
        if let Some(column) = table.column_mut(0) {
            column.set_padding((indent, 0));
        }
        let mut out = table.trim_fmt();
        out.push('\n');
        out
    }
}

/// A cell in a tone. Its text has to be visible already.
pub(super) fn cell(text: impl AsRef<str>, tone: Tone) -> Cell {
    let cell = Cell::new(text.as_ref());
    match tone {
        Tone::Plain => cell,
        Tone::Heading => cell.add_attribute(Attribute::Bold),
        Tone::Alert => cell.add_attribute(Attribute::Bold).fg(Color::Yellow),
        Tone::Pale => cell.add_attribute(Attribute::Dim),
    }
}
