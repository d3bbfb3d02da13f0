//! What can be wrong with a port statement by itself, or with two of one row or one table.

use super::problem::{Findings, quoted};
use super::rows;
use crate::catalog::document::{DocumentKind, PortStatement, Standing};
use crate::catalog::document_reader::Reading;
use crate::catalog::port_range::PortRange;
use crate::catalog::rule::Rule;
use crate::catalog::service::folded;
use crate::catalog::site::DEFAULT_DYNAMIC_RANGE;
use crate::model::Transport;
use std::collections::BTreeMap;
use std::ops::Range;

pub(super) fn check(reading: &Reading, findings: &mut Findings<'_>) {
    duplicates(reading, findings);
    for (span, row) in rows(reading) {
        let Some(first) = row.first() else { continue };
        explanations(first, span, findings);
        ports_of_a_row(row, span, findings);
        inside_dynamic_ranges(reading, row, span, findings);
        if reading.document.kind == DocumentKind::General {
            high_ports(row, span, findings);
        }
    }
    for (range, span) in reading.document.dynamic_ranges.iter().zip(&reading.range_spans) {
        if matches!(range.standing, Standing::Alternative | Standing::Reading) && range.note.is_none() {
            no_note(range.standing, span, findings);
        }
    }
}

/// Notes and conditions that a reader will miss.
fn explanations(statement: &PortStatement, span: &Range<usize>, findings: &mut Findings<'_>) {
    let standing = statement.standing;
    if standing == Standing::Conditional && statement.condition.is_none() {
        let advice = "add `condition = …` as the document prints it: a feature in use, a version";
        findings.add(Rule::NoCondition, span, "the row is conditional and does not say under which condition", advice);
    }
    if statement.note.is_some() {
        return;
    }
    if matches!(standing, Standing::Alternative | Standing::Reading) {
        no_note(standing, span, findings);
    }
    if !statement.protocol_stated {
        let advice = "add `note = …`: why it is taken for TCP or UDP";
        findings.add(
            Rule::NoNote,
            span,
            "the document prints no protocol, and no note says where this one is from",
            advice,
        );
    }
}

pub(super) fn no_note(standing: Standing, span: &Range<usize>, findings: &mut Findings<'_>) {
    let advice = match standing {
        Standing::Alternative => "add `note = …`: which statement is used instead",
        _ => "add `note = …`: how it follows from the cited text",
    };
    findings.add(Rule::NoNote, span, format!("standing \"{}\" without a note", standing.name()), advice);
}

fn ports_of_a_row(row: &[PortStatement], span: &Range<usize>, findings: &mut Findings<'_>) {
    for transport in [Transport::Tcp, Transport::Udp] {
        let mut ranges: Vec<PortRange> =
            row.iter().filter(|s| s.transports.contains(&transport)).map(|statement| statement.ports).collect();
        ranges.sort_unstable();
        // The list is sorted by first port: what overlaps an earlier range overlaps the one that reaches furthest.
        let mut furthest: Option<PortRange> = None;
        for range in ranges {
            if let Some(before) = furthest.filter(|before| before.last() >= range.first()) {
                let what = format!("{range} and {before} of the same {transport} list overlap");
                findings.add(Rule::PortTwice, span, what, "write each port once, or give each its own row");
            }
            furthest = furthest.filter(|before| before.last() >= range.last()).or(Some(range));
        }
    }
    let Some(first) = row.first() else { return };
    for (at, port) in first.fallback_ports.iter().enumerate() {
        if row.iter().any(|statement| statement.ports.contains(*port)) {
            let advice = "list what is tried when it is taken";
            findings.add(Rule::Fallback, span, format!("{port} is its own fallback"), advice);
        } else if first.fallback_ports.iter().take(at).any(|before| before == port) {
            let what = format!("the fallback {port} is listed twice");
            findings.add(Rule::Fallback, span, what, "list each once, in the order in which they are tried");
        }
    }
    if let Some(range) = row.iter().find(|statement| statement.user_modifiable && statement.ports.count() > 1) {
        let what = format!("the user may change the range {}: all of it, or the one port that is taken?", range.ports);
        findings.add(Rule::ModifiableRange, span, what, "say in `note` what the document says");
    }
}

/// What two rows must share to be one statement twice.
type Key<'a> = (Transport, PortRange, &'a str, &'a [String], &'a [String], String, String, [Option<&'a str>; 3]);

fn duplicates(reading: &Reading, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<Key<'_>, &Range<usize>> = BTreeMap::new();
    for (statement, span) in reading.document.ports.iter().zip(&reading.port_spans) {
        let s = statement;
        let executable = s.executable.as_deref().map(folded).unwrap_or_default();
        for transport in &s.transports {
            let says = [s.condition.as_deref(), s.required_for.as_deref(), Some(s.standing.name())];
            let (service, citation) = (folded(&s.service), s.citation.as_str());
            let key = (*transport, s.ports, citation, &*s.roles, &*s.callers, executable.clone(), service, says);
            let first = *seen.entry(key).or_insert(span);
            if first != span {
                let what = format!(
                    "{}/{transport} of {} was stated in line {} already, from {}",
                    s.ports,
                    quoted(&s.service),
                    findings.line(first),
                    quoted(&s.citation)
                );
                let advice = "remove one; where the document prints both, say in `printed` or `citation` what differs";
                findings.add(Rule::DuplicateStatement, span, what, advice);
            }
        }
    }
}

fn inside_dynamic_ranges(reading: &Reading, row: &[PortStatement], span: &Range<usize>, findings: &mut Findings<'_>) {
    for statement in row.iter().filter(|statement| statement.standing != Standing::Mention) {
        for range in &reading.document.dynamic_ranges {
            if !findings.may_compare(1) {
                return;
            }
            let same = statement.transports.contains(&range.transport) && statement.roles.contains(&range.role);
            if same && overlap(statement.ports, range.ports) {
                let what = format!(
                    "{}/{} lies in the dynamic range {} of {}",
                    statement.ports,
                    range.transport,
                    range.ports,
                    quoted(&range.role)
                );
                let advice = "nothing to do: it is matched before the range, and is never called dynamic";
                findings.add(Rule::StaticInDynamic, span, what, advice);
                return;
            }
        }
    }
}

fn high_ports(row: &[PortStatement], span: &Range<usize>, findings: &mut Findings<'_>) {
    let high = |statement: &&PortStatement| DEFAULT_DYNAMIC_RANGE.contains(&statement.ports.last());
    if let Some(statement) = row.iter().find(high) {
        let what = format!("general knowledge places {} above 49151, where ports change", statement.ports);
        let advice =
            "make sure that a standard or the maker of the system gives the number; else use [[dynamic_range]]";
        findings.add(Rule::GeneralHighPort, span, what, advice);
    }
}

pub(super) fn overlap(a: PortRange, b: PortRange) -> bool {
    a.first() <= b.last() && b.first() <= a.last()
}
