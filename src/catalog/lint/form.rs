//! From the tree of a TOML text to the form of a document, past mistakes: an entry that is not of the form is left out, and
//! the others are read all the same, so that one lint tells about every entry.

use super::problem::Findings;
use crate::catalog::document_form::DocumentForm;
use crate::catalog::error::Fault;
use crate::catalog::rule::Rule;
use serde::Deserialize as _;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

/// Entries that are left out before the lint gives up: each costs a reading of the whole document.
const MOST_REPAIRS: usize = 100;

/// Bytes that are read again in all of them.
const MOST_READ_AGAIN: usize = 32 * 1024 * 1024;

/// Arrays of entries that can be left out without another entry's becoming wrong.
const ENTRIES: [&str; 10] = [
    "name",
    "table",
    "rows",
    "dynamic_range",
    "service_table",
    "communication",
    "announced",
    "fact",
    "scenario",
    "step",
];

/// Arrays of entries to which others refer.
const REFERRED: [&str; 2] = ["role", "conflict"];

/// How much of a document its form holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// Entries are missing: what is not there proves nothing.
    WithoutEntries,
    /// Roles or conflicts are missing: what refers to them cannot be judged.
    WithoutReferred,
}

/// The form, or as much of it as is in order. Nothing where the document cannot be read at all.
pub(super) fn form(mut tree: Spanned<DeTable<'_>>, findings: &mut Findings<'_>) -> Option<(DocumentForm, Extent)> {
    let mut extent = Extent::Whole;
    let repairs = MOST_REPAIRS.min(MOST_READ_AGAIN / tree.span().len().max(1));
    for _ in 0..repairs {
        let error = match DocumentForm::deserialize(Deserializer::from(tree.clone())) {
            Ok(form) => return Some((form, extent)),
            Err(error) => error,
        };
        let fault = Fault::of_toml(&error);
        let removed = removed(tree.get_mut(), &fault);
        findings.add(fault.rule, &fault.span, fault.problem, fault.advice);
        extent = extent.max(removed?);
    }
    let what = format!("at least {repairs} entries are not of the form: the rest was not read");
    findings.add(Rule::Unchecked, &(0..0), what, "correct those that are listed, and ask again");
    None
}

/// Takes away what a fault is about, where that leaves the rest in order.
fn removed(table: &mut DeTable<'_>, fault: &Fault) -> Option<Extent> {
    if fault.rule == Rule::UnknownKey && remove_key(table, &fault.span) {
        return Some(Extent::Whole);
    }
    remove_entry(table, &fault.span)
}

fn remove_key(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let own = table.iter().find(|(key, _)| key.span() == *span).map(|(key, _)| key.get_ref().to_string());
    match own {
        Some(key) => table.remove(key.as_str()).is_some(),
        None => table.iter_mut().any(|(_, value)| remove_key_inside(value, span)),
    }
}

fn remove_key_inside(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    match value.get_mut() {
        DeValue::Table(table) => remove_key(table, span),
        DeValue::Array(array) => array.iter_mut().any(|item| remove_key_inside(item, span)),
        _ => false,
    }
}

/// Removes the innermost entry that holds the span.
fn remove_entry(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<Extent> {
    for (key, value) in table.iter_mut() {
        let DeValue::Array(array) = value.get_mut() else { continue };
        let Some(at) = array.iter().position(|item| holds(item, span)) else { continue };
        if let Some(DeValue::Table(inner)) = array.get_mut(at).map(Spanned::get_mut)
            && let Some(extent) = remove_entry(inner, span)
        {
            return Some(extent);
        }
        let extent = match key.get_ref().as_ref() {
            name if ENTRIES.contains(&name) => Extent::WithoutEntries,
            name if REFERRED.contains(&name) => Extent::WithoutReferred,
            _ => return None,
        };
        let kept = array.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, item)| item.clone());
        *array = kept.collect();
        return Some(extent);
    }
    None
}

/// Whether the span lies in the value. An entry of an array of tables is its heading only: its keys count as well.
fn holds(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let around = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    around(value.span())
        || match value.get_ref() {
            DeValue::Table(table) => table.iter().any(|(key, inner)| around(key.span()) || holds(inner, span)),
            DeValue::Array(array) => array.iter().any(|inner| holds(inner, span)),
            _ => false,
        }
}
