//! The catalogue as Markdown (GitHub's tables): for a wiki or a review.

use super::{SECTIONS, Section, Selection, table};
use crate::catalog::Document;
use crate::model::{Column, Table, Value};
use crate::report::ReportError;
use crate::report::text::visible;
use std::fmt::Write as _;
use std::io::Write;

/// Columns that are left out: a document has its own heading, and a canonical spelling its own table.
const LEFT_OUT: [&str; 2] = ["document", "executable_canonical"];

/// Writes the documents one after the other, or one section of each.
///
/// # Errors
/// When the output cannot be written.
pub fn write<W: Write>(mut out: W, selection: &Selection<'_>, section: Option<Section>) -> Result<(), ReportError> {
    for document in selection.documents {
        let mut text = String::new();
        head(&mut text, document);
        let one = [*document];
        for part in SECTIONS.into_iter().filter(|part| section.is_none_or(|wanted| wanted == *part)) {
            let rows = table(&Selection::new(&one), part);
            if !rows.rows.is_empty() {
                let _ = writeln!(text, "\n## {}\n", part.title());
                write_table(&mut text, &rows);
            }
        }
        text.push('\n');
        out.write_all(text.as_bytes()).map_err(ReportError::Output)?;
    }
    out.flush().map_err(ReportError::Output)
}

fn head(text: &mut String, document: &Document) {
    let _ = writeln!(text, "# {}\n", cell(&document.title));
    let edition = document.edition.as_deref().map(|edition| format!(", {edition}")).unwrap_or_default();
    let publication = format!("{}, {}{edition}", document.publisher, document.publication);
    let _ = writeln!(text, "{} ({}, {})", cell(&publication), cell(&document.id), document.kind.name());
    if !document.products.is_empty() {
        text.push('\n');
        for product in &document.products {
            let _ = writeln!(text, "- {}", cell(product));
        }
    }
}

/// A table without the columns that are empty in every row.
fn write_table(text: &mut String, table: &Table) {
    let filled = |at: usize| table.rows.iter().any(|row| row.get(at).is_some_and(|value| *value != Value::Null));
    let kept: Vec<(usize, &Column)> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(at, column)| !LEFT_OUT.contains(&column.name) && filled(*at))
        .collect();
    let heads: Vec<String> = kept.iter().map(|(_, column)| column.name.replace('_', " ")).collect();
    let _ = writeln!(text, "| {} |", heads.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(kept.len()));
    for row in &table.rows {
        let cells: Vec<String> = kept.iter().map(|(at, _)| row.get(*at).map(shown).unwrap_or_default()).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => cell(text),
        Value::Unsigned(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Flag(flag) => (if *flag { "yes" } else { "" }).to_owned(),
        Value::TimeNs(ns) => ns.to_string(),
    }
}

/// Text that is shown as it is: no mark of Markdown, no HTML, no end of a cell.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(cell("a|b <script> 7002* [x](y)\n`c`"), "a\\|b &lt;script&gt; 7002\\* \\[x\\](y)\\\\n\\`c\\`");
    }
}
