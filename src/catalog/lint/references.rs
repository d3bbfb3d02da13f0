//! What can be wrong between the parts of a document: roles, conflicts, names and data flows that nothing refers to, or that
//! refer to nothing. Asked only where the whole document could be read: what is absent proves nothing otherwise.

use super::problem::{Findings, quoted};
use super::rows;
use crate::catalog::document::{ANY_ROLE, Document, PortRef, Standing};
use crate::catalog::document_reader::Reading;
use crate::catalog::rule::Rule;
use crate::catalog::scenario::{Leg, Party, Step, StepPort, StepPortSpec};
use crate::catalog::service::{NameKind, folded};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub(super) fn check(reading: &Reading, findings: &mut Findings<'_>) {
    roles(reading, findings);
    conflicts(reading, findings);
    names(reading, findings);
    let steps = reading.document.scenarios.iter().flat_map(|scenario| &scenario.steps);
    for (step, span) in steps.zip(&reading.step_spans) {
        check_step(&reading.document, step, span, findings);
    }
}

fn roles(reading: &Reading, findings: &mut Findings<'_>) {
    let document = &reading.document;
    let used = used_roles(document);
    for (role, span) in document.roles.iter().zip(&reading.role_spans) {
        if !used.contains(role.id.as_str()) {
            let what = format!("no statement and no step uses the role {}", quoted(&role.id));
            findings.add(Rule::RoleUnused, span, what, "remove it, or state what its hosts serve or call");
        }
        for port in &role.signature {
            if covers(document, &role.id, *port, findings) == Some(false) {
                let what = format!("the signature of {} is {port}, which no statement lets it serve", quoted(&role.id));
                findings.add(Rule::Signature, span, what, "correct the number, or state the port for the role");
            }
        }
    }
    if let Some(first) = reading.role_spans.first()
        && document.roles.iter().all(|role| role.signature.is_empty())
    {
        let what = "no role has a signature: without a site file no host is known to have one";
        findings.add(Rule::NoSignature, first, what, "add `signature = [\"…/tcp\"]` where a port gives the role away");
    }
}

fn used_roles(document: &Document) -> BTreeSet<&str> {
    let ports = document.ports.iter().flat_map(|s| s.roles.iter().chain(&s.callers).chain([&s.stated_for]));
    let ranges = document.dynamic_ranges.iter().map(|range| &range.role);
    let services = document.services.iter().map(|row| &row.role);
    let communications = document.communications.iter().map(|entry| &entry.role);
    let steps = document.scenarios.iter().flat_map(|scenario| &scenario.steps);
    let ends = steps.flat_map(|step| step.from.iter().chain(&step.to));
    ports.chain(ranges).chain(services).chain(communications).chain(ends).map(String::as_str).collect()
}

/// Whether a statement lets a role serve a port. Nothing where there were too many to ask.
fn covers(document: &Document, role: &str, port: PortRef, findings: &mut Findings<'_>) -> Option<bool> {
    for statement in &document.ports {
        if !findings.may_compare(1) {
            return None;
        }
        let listed = statement.ports.contains(port.port) || statement.fallback_ports.contains(&port.port);
        let at = listed && statement.transports.contains(&port.transport) && statement.listens_at(&[role]);
        if at && statement.standing != Standing::Mention {
            return Some(true);
        }
    }
    Some(false)
}

fn conflicts(reading: &Reading, findings: &mut Findings<'_>) {
    let document = &reading.document;
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    let rows = rows(reading).filter_map(|(_, row)| row.first()).map(|statement| &statement.conflicts);
    let ranges = document.dynamic_ranges.iter().zip(&reading.range_spans);
    let mut before = None;
    // A dynamic range in both transports is one entry.
    let ranges = ranges.filter(|(_, span)| before.replace((*span).clone()).as_ref() != Some(*span));
    let steps = document.scenarios.iter().flat_map(|scenario| &scenario.steps).map(|step| &step.conflicts);
    let services = document.services.iter().map(|row| &row.conflicts);
    let facts = document.facts.iter().map(|fact| &fact.conflicts);
    let announced = document.announced.iter().map(|entry| &entry.conflicts);
    let services = services.chain(announced);
    let all = rows.chain(ranges.map(|(range, _)| &range.conflicts)).chain(steps).chain(services).chain(facts);
    for ids in all {
        let once: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        for id in once {
            *named.entry(id).or_default() += 1;
        }
    }
    for (conflict, span) in document.conflicts.iter().zip(&reading.conflict_spans) {
        let what = match named.get(conflict.id.as_str()) {
            None => format!("no statement names the conflict {}", quoted(&conflict.id)),
            Some(1) => format!("only one statement names the conflict {}", quoted(&conflict.id)),
            Some(_) => continue,
        };
        findings.add(Rule::LoneConflict, span, what, "name it in `conflicts` of every statement that it is about");
    }
}

fn names(reading: &Reading, findings: &mut Findings<'_>) {
    let mut known: BTreeMap<(NameKind, String), usize> = BTreeMap::new();
    for (at, (name, span)) in reading.document.names.iter().zip(&reading.name_spans).enumerate() {
        for spelling in [&name.canonical].into_iter().chain(&name.spellings) {
            let first = *known.entry((name.kind, folded(spelling))).or_insert(at);
            let Some(other) = reading.document.names.get(first).filter(|_| first != at) else { continue };
            let what = format!(
                "{} is a spelling of {} and of {}",
                quoted(spelling),
                quoted(&other.canonical),
                quoted(&name.canonical)
            );
            let advice = "keep it under one of them (case and white space do not count)";
            findings.add(Rule::NameTwice, span, what, advice);
        }
    }
}

fn check_step(document: &Document, step: &Step, span: &Range<usize>, findings: &mut Findings<'_>) {
    if step.note.is_none() && step.ports.iter().any(|port| port.standing == Standing::Reading) {
        let what = format!("a port of step {} is a reading, and no note explains it", step.number);
        findings.add(Rule::NoNote, span, what, "add `note = …` to the step: how the port follows from the cited text");
    }
    // An answer comes back on the caller's own connection, and a described contradiction has its own words.
    if step.leg != Leg::Opens || !step.conflicts.is_empty() {
        return;
    }
    for port in step.ports.iter().filter(|port| port.party == Party::To) {
        let covered = step.to.iter().any(|role| role == ANY_ROLE || step_covered(document, role, port, findings));
        if !covered {
            let what = match port.spec {
                StepPortSpec::Fixed(number) => format!(
                    "step {} calls {number}/{}, which no statement lets {} serve",
                    step.number,
                    port.transport,
                    quoted(&step.to.join(", "))
                ),
                StepPortSpec::Dynamic => format!(
                    "step {} calls a dynamic {} port, and {} has no dynamic range",
                    step.number,
                    port.transport,
                    quoted(&step.to.join(", "))
                ),
            };
            let advice = "state it in a [[table]] (standing \"scenario\" where only the data flow prints it) or a \
                          [[dynamic_range]], or say with `leg` or `party` whose port it is";
            findings.add(Rule::StepUncovered, span, what, advice);
        }
    }
}

fn step_covered(document: &Document, role: &str, port: &StepPort, findings: &mut Findings<'_>) -> bool {
    let mut ranges =
        document.dynamic_ranges.iter().filter(|range| range.role == role && range.transport == port.transport);
    match port.spec {
        StepPortSpec::Dynamic => ranges.next().is_some(),
        StepPortSpec::Fixed(number) => {
            let asked = PortRef { transport: port.transport, port: number };
            ranges.any(|range| range.ports.contains(number)) || covers(document, role, asked, findings) != Some(false)
        }
    }
}
