//! JSON (RFC 8259) of any table: one object with `table`, `columns` (name, kind, meaning) and `rows`, an array of
//! objects whose keys are the column names in order, one row a line.
//!
//! Text keeps its exact value: characters that act instead of being shown are written as `\u` escapes, which a parser
//! gives back unchanged. Times are whole nanoseconds since 1970-01-01 UTC and exceed 2^53: read them as 64-bit
//! integers.

use super::ReportError;
use super::csv::BATCH_BYTES;
use super::text::{acts, is_plain, push_number, push_shown, push_signed};
use crate::model::{Cell, Column, Kind, Table, Value};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};
use std::io::{self, Write};

/// Writes rows one by one, so that a table of millions of rows needs no memory.
pub struct JsonRows<W: Write> {
    out: W,
    keys: Vec<String>,
    rows: u64,
    /// Lines that wait to be written.
    lines: String,
}

impl<W: Write> JsonRows<W> {
    /// Begins with the head of the object: table name and columns.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn new(out: W, name: &str, columns: &[Column]) -> Result<Self, ReportError> {
        let keys = columns.iter().map(|c| quoted(c.name)).collect::<Result<_, _>>()?;
        let mut head = format!("{{\"table\":{},\n\"columns\":[", quoted(name)?);
        for (at, column) in columns.iter().enumerate() {
            head.push_str(if at == 0 { "\n" } else { ",\n" });
            let (name, meaning) = (quoted(column.name)?, quoted(column.meaning)?);
            head.push_str(&format!("{{\"name\":{name},\"kind\":\"{}\",\"meaning\":{meaning}}}", kind(column.kind)));
        }
        head.push_str("],\n\"rows\":[");
        Ok(Self { out, keys, rows: 0, lines: head })
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
        let Self { keys, lines, .. } = self;
        let start = lines.len();
        lines.push_str(if self.rows == 0 { "\n{" } else { ",\n{" });
        let mut found = 0;
        for cell in row {
            if let Some(key) = keys.get(found) {
                lines.push_str(if found == 0 { "" } else { "," });
                lines.push_str(key);
                lines.push(':');
                push_cell(lines, &cell)?;
            }
            found += 1;
        }
        if found != keys.len() {
            lines.truncate(start);
            return Err(ReportError::RowWidth { expected: keys.len(), found });
        }
        lines.push('}');
        self.rows += 1;
        if self.lines.len() >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), ReportError> {
        self.out.write_all(self.lines.as_bytes()).map_err(ReportError::Output)?;
        self.lines.clear();
        Ok(())
    }

    /// Ends the object, flushes and gives the output back.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> Result<W, ReportError> {
        self.lines.push_str(if self.rows == 0 { "]}\n" } else { "\n]}\n" });
        self.write()?;
        self.out.flush().map_err(ReportError::Output)?;
        Ok(self.out)
    }
}

fn push_cell(line: &mut String, cell: &Cell<'_>) -> Result<(), ReportError> {
    match cell {
        Cell::Null => line.push_str("null"),
        Cell::Text(text) if is_plain(text) && !text.bytes().any(|byte| matches!(byte, b'"' | b'\\')) => {
            line.push('"');
            line.push_str(text);
            line.push('"');
        }
        Cell::Text(text) => line.push_str(&quoted(text)?),
        Cell::Address(ip) => push_shown(line, format_args!("\"{ip}\"")),
        Cell::Unsigned(number) => push_number(line, *number),
        // With a fraction always: 4.0, not 4.
        Cell::Real(number) => push_shown(line, format_args!("{number:?}")),
        Cell::Flag(flag) => push_shown(line, flag),
        Cell::TimeNs(ns) => push_signed(line, *ns),
    }
    Ok(())
}

/// Writes a table from its rows.
///
/// # Errors
/// When the output cannot be written, or a row has not one value per column.
pub fn write_json<W: Write>(
    out: W,
    name: &str,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<Value>>,
) -> Result<(), ReportError> {
    let mut writer = JsonRows::new(out, name, columns)?;
    for row in rows {
        writer.row(&row)?;
    }
    writer.finish().map(drop)
}

/// Writes a whole table.
///
/// # Errors
/// As [`write_json`].
pub fn write_table<W: Write>(out: W, table: &Table) -> Result<(), ReportError> {
    let mut writer = JsonRows::new(out, table.name, &table.columns)?;
    for row in &table.rows {
        writer.row(row)?;
    }
    writer.finish().map(drop)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Unsigned => "unsigned",
        Kind::Real => "real",
        Kind::Flag => "flag",
        Kind::TimeNs => "time-ns",
    }
}

/// A JSON string literal.
fn quoted(text: &str) -> Result<String, ReportError> {
    line(text)
}

/// A value as one line of JSON.
pub(super) fn line<T: Serialize + ?Sized>(value: &T) -> Result<String, ReportError> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Shown))?;
    String::from_utf8(bytes).map_err(|e| ReportError::Output(io::Error::other(e)))
}

/// Escapes also what JSON allows but a terminal or an editor would act on: C1 controls, bidirectional overrides…
struct Shown;

impl Formatter for Shown {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, character)) = rest.char_indices().find(|(_, c)| acts(*c)) {
            let (before, after) = rest.split_at(at);
            CompactFormatter.write_string_fragment(out, before)?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = after.get(character.len_utf8()..).unwrap_or_default();
        }
        CompactFormatter.write_string_fragment(out, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{demo, tables};

    #[test]
    fn any_text_comes_back_unchanged_and_shows_no_control_character() {
        let hostile = "<script>\u{9b}31m\u{202e}\x1b\"\\\n\u{e0001}漢\u{7f}";
        let literal = quoted(hostile).unwrap();
        assert!(!literal.chars().any(acts), "{literal:?}");
        assert_eq!(serde_json::from_str::<String>(&literal).unwrap(), hostile);
    }

    #[test]
    fn tables_are_objects_with_columns_and_rows_of_the_same_values() {
        for table in tables::all(&demo::hostile()) {
            let mut out = Vec::new();
            write_table(&mut out, &table).unwrap();
            let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(value["table"], table.name);
            assert_eq!(value["columns"].as_array().unwrap().len(), table.columns.len());
            let rows = value["rows"].as_array().unwrap();
            assert_eq!(rows.len(), table.rows.len());
            for (object, row) in rows.iter().zip(&table.rows) {
                for (column, value) in table.columns.iter().zip(row) {
                    let expected = match value {
                        Value::Null => serde_json::Value::Null,
                        Value::Text(t) => t.as_str().into(),
                        Value::Unsigned(n) => (*n).into(),
                        Value::Real(n) => (*n).into(),
                        Value::Flag(f) => (*f).into(),
                        Value::TimeNs(ns) => (*ns).into(),
                    };
                    assert_eq!(object[column.name], expected, "{}.{}", table.name, column.name);
                }
            }
        }
    }

    #[test]
    fn an_empty_table_is_valid_and_a_wrong_width_is_an_error() {
        let columns = [Column { name: "n", kind: Kind::Unsigned, meaning: "Number." }];
        let mut out = Vec::new();
        write_json(&mut out, "empty", &columns, []).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["rows"].as_array().unwrap().len(), 0);
        let error = write_json(Vec::new(), "wrong", &columns, [vec![]]).unwrap_err();
        assert!(matches!(error, ReportError::RowWidth { expected: 1, found: 0 }));
    }
}
