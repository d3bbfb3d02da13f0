//! CSV (RFC 4180) of any table: a header line, one line a row, UTF-8, LF line ends.
//!
//! Text cells may come from a capture: a cell that a spreadsheet would take for a formula gets a leading apostrophe,
//! and characters that act instead of being shown are written out ([`visible`]). Unknown values are empty cells, times
//! are whole nanoseconds since 1970-01-01 UTC.

use super::ReportError;
use super::text::{has_only, visible};
use crate::model::{Cell, Column, Table, push_address, push_number};
use std::borrow::Cow;
use std::io::Write;

/// Writes rows one by one, so that a table of millions of rows needs no memory.
pub struct CsvRows<W: Write> {
    out: W,
    form: CsvForm,
    /// Lines that wait to be written.
    lines: Vec<u8>,
}

/// How the rows of a table are put down: they may be, anywhere, before they are written.
#[derive(Debug, Clone)]
pub struct CsvForm {
    columns: usize,
}

/// Lines of so many bytes are written together.
pub(super) const BATCH_BYTES: usize = 32_768;

impl CsvForm {
    /// Of a table with these columns.
    #[must_use]
    pub fn of(columns: &[Column]) -> Self {
        Self { columns: columns.len() }
    }

    /// Appends one row.
    ///
    /// # Errors
    /// When it has not one cell per column.
    pub fn row<'a>(&self, row: impl IntoIterator<Item = Cell<'a>>, lines: &mut Vec<u8>) -> Result<(), ReportError> {
        let start = lines.len();
        let mut found = 0;
        for cell in row {
            if found > 0 {
                lines.push(b',');
            }
            found += 1;
            push_cell(lines, &cell);
        }
        if found != self.columns {
            lines.truncate(start);
            return Err(ReportError::RowWidth { expected: self.columns, found });
        }
        if lines.len() == start {
            // One empty cell: an empty line would be no row.
            lines.extend_from_slice(b"\"\"");
        }
        lines.push(b'\n');
        Ok(())
    }
}

impl<W: Write> CsvRows<W> {
    /// Begins with the header line.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn new(out: W, columns: &[Column]) -> Result<Self, ReportError> {
        let mut rows = Self { out, form: CsvForm::of(columns), lines: Vec::new() };
        rows.row(columns.iter().map(|column| column.name.into()))?;
        Ok(rows)
    }

    /// Writes one row.
    ///
    /// # Errors
    /// When the output cannot be written, or the row has not one cell per column.
    pub fn row<'a>(&mut self, row: impl IntoIterator<Item = Cell<'a>>) -> Result<(), ReportError> {
        self.form.row(row, &mut self.lines)?;
        if self.lines.len() >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    /// Writes rows that [`CsvForm::row`] put down.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn lines(&mut self, lines: &[u8]) -> Result<(), ReportError> {
        self.write()?;
        self.out.write_all(lines).map_err(ReportError::Output)
    }

    fn write(&mut self) -> Result<(), ReportError> {
        self.out.write_all(&self.lines).map_err(ReportError::Output)?;
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
/// When the output cannot be written, or a row has not one cell per column.
pub fn write_csv<'a, W: Write>(
    out: W,
    columns: &[Column],
    rows: impl IntoIterator<Item: IntoIterator<Item = Cell<'a>>>,
) -> Result<(), ReportError> {
    let mut writer = CsvRows::new(out, columns)?;
    for row in rows {
        writer.row(row)?;
    }
    writer.finish().map(drop)
}

/// Writes a whole table.
///
/// # Errors
/// As [`write_csv`].
pub fn write_table<W: Write>(out: W, table: &Table) -> Result<(), ReportError> {
    write_csv(out, &table.columns, table.rows.iter().map(|row| row.iter().map(Cell::from)))
}

fn push_cell(line: &mut Vec<u8>, cell: &Cell<'_>) {
    match cell {
        Cell::Null => {}
        Cell::Name(name) => push_text(line, name),
        Cell::Text(text) => push_text(line, text),
        Cell::Address(ip) => push_address(*ip, line),
        Cell::Unsigned(number) => push_number(*number, line),
        Cell::Real(number) => push_shown(line, number),
        Cell::Flag(flag) => push_shown(line, flag),
        Cell::TimeNs(ns) => push_number(*ns, line),
    }
}

/// Writes whatever shows itself.
fn push_shown(line: &mut Vec<u8>, what: impl std::fmt::Display) {
    // Writing to memory does not fail.
    let _ = write!(line, "{what}");
}

/// Text that acts nowhere, in quotes where it holds what divides cells.
fn push_text(line: &mut Vec<u8>, text: &str) {
    let starts_formula = text.starts_with(['=', '+', '-', '@']);
    if !starts_formula && has_only(text, |byte| matches!(byte, b' '..=b'~') & (byte != b',') & (byte != b'"')) {
        return line.extend_from_slice(text.as_bytes());
    }
    let text = harmless(text);
    if !text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
        return line.extend_from_slice(text.as_bytes());
    }
    line.push(b'"');
    for (at, part) in text.split('"').enumerate() {
        line.extend_from_slice(if at == 0 { b"" } else { b"\"\"" });
        line.extend_from_slice(part.as_bytes());
    }
    line.push(b'"');
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
    use crate::model::{Kind, Value};
    use crate::report::{demo, tables};

    fn columns() -> Vec<Column> {
        vec![
            Column { name: "what", kind: Kind::Text, meaning: "Text." },
            Column { name: "n", kind: Kind::Unsigned, meaning: "Number." },
        ]
    }

    fn cells(rows: &[Vec<Value>]) -> impl Iterator<Item: Iterator<Item = Cell<'_>>> {
        rows.iter().map(|row| row.iter().map(Cell::from))
    }

    #[test]
    fn formulas_are_neutralised_and_quotes_survive() {
        let rows = ["=cmd|'/C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a,\"b\"", "plain"]
            .map(|t| vec![Value::from(t), Value::Null]);
        let mut out = Vec::new();
        write_csv(&mut out, &columns(), cells(&rows)).unwrap();
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
        write_csv(&mut out, &columns(), cells(&rows)).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "what,n\na\\nb\\u{202e},18446744073709551615\ntrue,-1\n,\n");
    }

    #[test]
    fn a_row_of_the_wrong_width_is_an_error() {
        let mut writer = CsvRows::new(Vec::new(), &columns()).unwrap();
        let error = writer.row([Cell::Null]).unwrap_err();
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
        let error = write_csv(Closed, &columns(), [[Cell::Null, Cell::Null]]).unwrap_err();
        assert!(error.is_broken_pipe(), "{error}");
    }
}
