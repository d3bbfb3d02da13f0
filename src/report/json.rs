//! JSON (RFC 8259) of any table: one object with `table`, `columns` (name, kind, meaning) and `rows`, an array of
//! objects whose keys are the column names in order, one row a line.
//!
//! Text keeps its exact value: characters that act instead of being shown are written as `\u` escapes, which a parser
//! gives back unchanged. Times are whole nanoseconds since 1970-01-01 UTC and exceed 2^53: read them as 64-bit
//! integers.

use super::ReportError;
use super::csv::BATCH_BYTES;
use super::text::{acts, has_only};
use crate::model::{Cell, Column, Kind, Table, push_address, push_number};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};
use std::io::{self, Write};

/// Writes rows one by one, so that a table of millions of rows needs no memory.
pub struct JsonRows<W: Write> {
    out: W,
    form: JsonForm,
    /// There was a row.
    any: bool,
    /// Lines that wait to be written.
    lines: Vec<u8>,
}

/// How the rows of a table are put down: they may be, anywhere, before they are written.
#[derive(Debug, Clone)]
pub struct JsonForm {
    /// What stands before each cell: the key, and what divides it from the cell before.
    keys: Vec<Vec<u8>>,
}

/// What divides a row from the one before. The first row has only what follows the comma.
const BETWEEN_ROWS: &[u8] = b",\n";

impl JsonForm {
    /// Of a table with these columns.
    ///
    /// # Errors
    /// When a name cannot be written.
    pub fn of(columns: &[Column]) -> Result<Self, ReportError> {
        let key = |(at, column): (usize, &Column)| {
            let before = if at == 0 { "{" } else { "," };
            Ok(format!("{before}{}:", quoted(column.name)?).into_bytes())
        };
        Ok(Self { keys: columns.iter().enumerate().map(key).collect::<Result<_, ReportError>>()? })
    }

    /// Appends one row, and before it what divides it from another.
    ///
    /// # Errors
    /// When it has not one cell per column.
    pub fn row<'a>(&self, row: impl IntoIterator<Item = Cell<'a>>, lines: &mut Vec<u8>) -> Result<(), ReportError> {
        let start = lines.len();
        lines.extend_from_slice(BETWEEN_ROWS);
        if self.keys.is_empty() {
            lines.push(b'{');
        }
        let mut found = 0;
        for cell in row {
            if let Some(key) = self.keys.get(found) {
                lines.extend_from_slice(key);
                push_cell(lines, &cell)?;
            }
            found += 1;
        }
        if found != self.keys.len() {
            lines.truncate(start);
            return Err(ReportError::RowWidth { expected: self.keys.len(), found });
        }
        lines.push(b'}');
        Ok(())
    }
}

impl<W: Write> JsonRows<W> {
    /// Begins with the head of the object: table name and columns.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn new(out: W, name: &str, columns: &[Column]) -> Result<Self, ReportError> {
        let mut head = format!("{{\"table\":{},\n\"columns\":[", quoted(name)?);
        for (at, column) in columns.iter().enumerate() {
            head.push_str(if at == 0 { "\n" } else { ",\n" });
            let (name, meaning) = (quoted(column.name)?, quoted(column.meaning)?);
            head.push_str(&format!("{{\"name\":{name},\"kind\":\"{}\",\"meaning\":{meaning}}}", kind(column.kind)));
        }
        head.push_str("],\n\"rows\":[");
        Ok(Self { out, form: JsonForm::of(columns)?, any: false, lines: head.into_bytes() })
    }

    /// Writes one row.
    ///
    /// # Errors
    /// When the output cannot be written, or the row has not one cell per column.
    pub fn row<'a>(&mut self, row: impl IntoIterator<Item = Cell<'a>>) -> Result<(), ReportError> {
        let start = self.lines.len();
        self.form.row(row, &mut self.lines)?;
        if !self.any {
            // Nothing to be divided from.
            self.lines.remove(start);
            self.any = true;
        }
        if self.lines.len() >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    /// Writes rows that [`JsonForm::row`] put down.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn lines(&mut self, lines: &[u8]) -> Result<(), ReportError> {
        self.write()?;
        let from = usize::from(!self.any && !lines.is_empty());
        self.any |= !lines.is_empty();
        self.out.write_all(&lines[from..]).map_err(ReportError::Output)
    }

    fn write(&mut self) -> Result<(), ReportError> {
        self.out.write_all(&self.lines).map_err(ReportError::Output)?;
        self.lines.clear();
        Ok(())
    }

    /// Ends the object, flushes and gives the output back.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> Result<W, ReportError> {
        self.lines.extend_from_slice(if self.any { b"\n]}\n" } else { b"]}\n" });
        self.write()?;
        self.out.flush().map_err(ReportError::Output)?;
        Ok(self.out)
    }
}

fn push_cell(line: &mut Vec<u8>, cell: &Cell<'_>) -> Result<(), ReportError> {
    match cell {
        Cell::Null => line.extend_from_slice(b"null"),
        Cell::Name(name) => push_text(line, name)?,
        Cell::Text(text) => push_text(line, text)?,
        Cell::Address(ip) => {
            line.push(b'"');
            push_address(*ip, line);
            line.push(b'"');
        }
        Cell::Unsigned(number) => push_number(*number, line),
        // With a fraction always: 4.0, not 4.
        Cell::Real(number) => write!(line, "{number:?}").map_err(ReportError::Output)?,
        Cell::Flag(flag) => write!(line, "{flag}").map_err(ReportError::Output)?,
        Cell::TimeNs(ns) => push_number(*ns, line),
    }
    Ok(())
}

fn push_text(line: &mut Vec<u8>, text: &str) -> Result<(), ReportError> {
    if has_only(text, |byte| matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\')) {
        line.push(b'"');
        line.extend_from_slice(text.as_bytes());
        line.push(b'"');
    } else {
        line.extend_from_slice(quoted(text)?.as_bytes());
    }
    Ok(())
}

/// Writes a table from its rows.
///
/// # Errors
/// When the output cannot be written, or a row has not one cell per column.
pub fn write_json<'a, W: Write>(
    out: W,
    name: &str,
    columns: &[Column],
    rows: impl IntoIterator<Item: IntoIterator<Item = Cell<'a>>>,
) -> Result<(), ReportError> {
    let mut writer = JsonRows::new(out, name, columns)?;
    for row in rows {
        writer.row(row)?;
    }
    writer.finish().map(drop)
}

/// Writes a whole table.
///
/// # Errors
/// As [`write_json`].
pub fn write_table<W: Write>(out: W, table: &Table) -> Result<(), ReportError> {
    write_json(out, table.name, &table.columns, table.rows.iter().map(|row| row.iter().map(Cell::from)))
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
    use crate::model::Value;
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
        write_json(&mut out, "empty", &columns, [[Cell::Null; 0]; 0]).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["rows"].as_array().unwrap().len(), 0);
        let error = write_json(Vec::new(), "wrong", &columns, [vec![]]).unwrap_err();
        assert!(matches!(error, ReportError::RowWidth { expected: 1, found: 0 }));
    }
}
