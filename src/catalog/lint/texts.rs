//! What can be wrong with any text of a file: nothing in it, or characters that cannot be seen.

use super::problem::{Findings, is_invisible};
use crate::catalog::rule::Rule;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys of texts that may have several lines: they are quoted from a page.
const PROSE: [&str; 11] = [
    "condition",
    "description",
    "note",
    "owner",
    "printed",
    "printed_ports",
    "reason",
    "required_for",
    "text",
    "topic",
    "used",
];

pub(super) fn check(table: &DeTable<'_>, findings: &mut Findings<'_>) {
    for (key, value) in table.iter() {
        check_value(key.get_ref(), value, findings);
    }
}

fn check_value(key: &str, value: &Spanned<DeValue<'_>>, findings: &mut Findings<'_>) {
    match value.get_ref() {
        DeValue::Table(table) => check(table, findings),
        DeValue::Array(array) => array.iter().for_each(|item| check_value(key, item, findings)),
        DeValue::String(text) => check_text(key, text, &value.span(), findings),
        _ => {}
    }
}

fn check_text(key: &str, text: &str, span: &std::ops::Range<usize>, findings: &mut Findings<'_>) {
    if text.trim().is_empty() {
        findings.add(Rule::EmptyText, span, format!("`{key}` is empty"), "write what it should say, or remove it");
    }
    let prose = PROSE.contains(&key);
    let odd = text.chars().find(|&c| is_invisible(c) && !(prose && matches!(c, '\n' | '\r' | '\t')));
    if let Some(c) = odd {
        let name = match c {
            '\n' | '\r' => "a line break".to_owned(),
            '\t' => "a tab".to_owned(),
            c => format!("U+{:04X}, which cannot be seen", u32::from(c)),
        };
        let advice = "remove it: copied text brings such characters along, and a name that holds one equals no other";
        findings.add(Rule::ControlCharacter, span, format!("`{key}` holds {name}"), advice);
    }
}
