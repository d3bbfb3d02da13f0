//! What can be wrong with the name of an announced subject by itself, or with two of them.

use super::problem::{Findings, quoted};
use super::statements::no_note;
use crate::catalog::document::Standing;
use crate::catalog::document_reader::Reading;
use crate::catalog::rule::Rule;
use std::collections::BTreeMap;

pub(super) fn check(reading: &Reading, findings: &mut Findings<'_>) {
    let mut seen = BTreeMap::new();
    for (entry, span) in reading.document.announced.iter().zip(&reading.announced_spans) {
        if entry.standing == Standing::Conditional && entry.condition.is_none() {
            let what = "the row is conditional and does not say under which condition";
            let advice = "add `condition = …` as the document prints it: a feature in use, a version";
            findings.add(Rule::NoCondition, span, what, advice);
        }
        if matches!(entry.standing, Standing::Alternative | Standing::Reading) && entry.note.is_none() {
            no_note(entry.standing, span, findings);
        }
        let first = *seen.entry((entry.key(), entry.version.as_deref())).or_insert(span);
        if first != span {
            let what = format!("{} is named in line {} already", quoted(&entry.subject), findings.line(first));
            let advice = "keep one of them, or give each its `version`";
            findings.add(Rule::SubjectTwice, span, what, advice);
        }
    }
}
