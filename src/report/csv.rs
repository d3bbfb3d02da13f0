//! CSV (RFC 4180) of any table: a header line, one line a row, UTF-8, LF line ends.
//!
//! Text cells may come from a capture: a cell that a spreadsheet would take for a formula gets a leading apostrophe,
//! and characters that act instead of being shown are written out ([`visible`]). Unknown values are empty cells, times
//! are whole nanoseconds since 1970-01-01 UTC.

use super::ReportError;
use super::text::{push_number, push_shown, push_signed, visible};
use crate::model::{Cell, Column, Table, Value};
use std::borrow::Cow;
use std::io::Write;

/// Writes rows one by one, so that a table of millions of rows needs no memory.
pub struct CsvRows<W: Write> {
    out: W,
    columns: usize,
    /// Lines that wait to be written.
    lines: String,
}

/// Lines of so many bytes are written together.
pub(super) const BATCH_BYTES: usize = 32_768;

impl<W: Write> CsvRows<W> {
    /// Begins with the header line.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn new(out: W, columns: &[Column]) -> Result<Self, ReportError> {
        let mut rows = Self { out, columns: columns.len(), lines: String::new() };
        rows.cells(columns.iter().map(|column| column.name.into()))?;
        Ok(rows)
    }

    /// Writes one row.
    ///
    /// # Errors
    /// When the output cannot be written, or the row has not one value per column.
    pub fn row(&mut self, row: &[Value]) -> Result<(), ReportError> {
        self.cells(row.iter().map(Value::cell))
    }

    /// The same from borrowed cells.
    ///
    /// # Errors
    /// As [`Self::row`].
    pub fn cells<'a>(&mut self, row: impl IntoIterator<Item = Cell<'a>>) -> Result<(), ReportError> {
        let start = self.lines.len();
        let mut found = 0;
        for cell in row {
            if found > 0 {
                self.lines.push(',');
            }
            found += 1;
            push_cell(&mut self.lines, &cell);
        }
        if found != self.columns {
            self.lines.truncate(start);
            return Err(ReportError::RowWidth { expected: self.columns, found });
        }
        if self.lines.len() == start {
            // One empty cell: an empty line would be no row.
            self.lines.push_str("\"\"");
        }
        self.lines.push('\n');
        if self.lines.len() >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), ReportError> {
        self.out.write_all(self.lines.as_bytes()).map_err(ReportError::Output)?;
        self.lines.clear();
        Ok(())
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> Result<W, ReportError> {
        self.write()?;
        self.out.flush().map_err(ReportError::Output)?;
        Ok(self.out)
    }
}

/// Writes a header line and all rows.
///
/// # Errors
/// When the output cannot be written, or a row has not one value per column.
pub fn write_csv<W: Write>(
    out: W,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<Value>>,
) -> Result<(), ReportError> {
    let mut writer = CsvRows::new(out, columns)?;
    for row in rows {
        writer.row(&row)?;
    }
    writer.finish().map(drop)
}

/// Writes a whole table.
///
/// # Errors
/// As [`write_csv`].
pub fn write_table<W: Write>(out: W, table: &Table) -> Result<(), ReportError> {
    let mut writer = CsvRows::new(out, &table.columns)?;
    for row in &table.rows {
        writer.row(row)?;
    }
    writer.finish().map(drop)
}

fn push_cell(line: &mut String, cell: &Cell<'_>) {
    match cell {
        Cell::Null => {}
        Cell::Text(text) => push_text(line, &harmless(text)),
        Cell::Address(ip) => push_shown(line, ip),
        Cell::Unsigned(number) => push_number(line, *number),
        Cell::Real(number) => push_shown(line, number),
        Cell::Flag(flag) => push_shown(line, flag),
        Cell::TimeNs(ns) => push_signed(line, *ns),
    }
}

/// Text in quotes where it holds what divides cells.
fn push_text(line: &mut String, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
        return line.push_str(text);
    }
    line.push('"');
    for (at, part) in text.split('"').enumerate() {
        line.push_str(if at == 0 { "" } else { "\"\"" });
        line.push_str(part);
    }
    line.push('"');
}

/// Text that no spreadsheet takes for a formula: an apostrophe goes before `=`, `+`, `-`, `@` (also their full-width
/// forms), tab, carriage return and line feed.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    let shown = visible(text);
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => {
            Cow::Owned(format!("'{shown}"))
        }
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use crate::report::{demo, tables};

    fn columns() -> Vec<Column> {
        vec![
            Column { name: "what", kind: Kind::Text, meaning: "Text." },
            Column { name: "n", kind: Kind::Unsigned, meaning: "Number." },
        ]
    }

    #[test]
    fn formulas_are_neutralised_and_quotes_survive() {
        let rows = ["=cmd|'/C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a,\"b\"", "plain"]
            .map(|t| vec![Value::from(t), Value::Null]);
        let mut out = Vec::new();
        write_csv(&mut out, &columns(), rows).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "what,n\n'=cmd|'/C calc'!A0,\n'+1,\n'-1,\n'@SUM(A1),\n'\\t=1,\n'\\r=1,\n\"a,\"\"b\"\"\",\nplain,\n"
        );
    }

    #[test]
    fn every_kind_of_value_has_its_text() {
        let rows = [
            vec![Value::Text("a\nb\u{202e}".into()), Value::Unsigned(u64::MAX)],
            vec![Value::Flag(true), Value::TimeNs(-1)],
            vec![Value::Null, Value::Null],
        ];
        let mut out = Vec::new();
        write_csv(&mut out, &columns(), rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "what,n\na\\nb\\u{202e},18446744073709551615\ntrue,-1\n,\n");
    }

    #[test]
    fn a_row_of_the_wrong_width_is_an_error() {
        let mut writer = CsvRows::new(Vec::new(), &columns()).unwrap();
        let error = writer.row(&[Value::Null]).unwrap_err();
        assert!(matches!(error, ReportError::RowWidth { expected: 2, found: 1 }), "{error}");
    }

    #[test]
    fn no_line_of_a_hostile_report_starts_a_formula_or_holds_a_control_character() {
        for table in tables::all(&demo::hostile()) {
            let mut out = Vec::new();
            write_table(&mut out, &table).unwrap();
            let mut reader = ::csv::Reader::from_reader(out.as_slice());
            let mut rows = 0;
            for record in reader.records() {
                rows += 1;
                for field in &record.unwrap() {
                    assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r']), "{}: {field:?}", table.name);
                    assert!(!field.chars().any(crate::report::text::acts), "{}: {field:?}", table.name);
                }
            }
            assert_eq!(rows, table.rows.len());
        }
    }

    #[test]
    fn a_closed_pipe_is_recognised() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
        }
        let error = write_csv(Closed, &columns(), [vec![Value::Null, Value::Null]]).unwrap_err();
        assert!(error.is_broken_pipe(), "{error}");
    }
}
