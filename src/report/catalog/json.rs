//! The catalogue as one JSON object (RFC 8259): a list for each section, one row a line.
//!
//! | key | one row for each |
//! |---|---|
//! | `documents`, `roles` | document; role of a document |
//! | `ports` | protocol and port or range that a document prints, dynamic ranges and fallbacks included |
//! | `readings` | the same for what follows from a document without being printed |
//! | `services`, `service_overview` | service that a document lists: to be configured; introduced |
//! | `dynamic_processes` | executable that uses a dynamic range |
//! | `scenario_steps` | step of a data flow |
//! | `communications` | executable that speaks a protocol which the document explains by itself |
//! | `announced` | subject that brokers announce ports for (RPC interface, SQL instance…), with its name and service |
//! | `names` | name, with all spellings as printed and one canonical form |
//! | `facts`, `conflicts` | statement about no single port; contradiction, with what is used and why |
//! | `flags` | flag of a port row, with its meaning |

use super::Selection;
use crate::catalog::{
    AnnouncedSubject, Conflict, Document, FLAGS, Fact, ServiceRow, Spellings, Standing, dynamic_rows, port_rows,
    reading_rows, step_rows,
};
use crate::report::ReportError;
use crate::report::json::line;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Write;

/// Version of the form. It changes when a key changes its meaning or goes away, not when one is added.
pub const VERSION: u32 = 1;

/// Writes the object.
///
/// # Errors
/// When the output cannot be written.
pub fn write<W: Write>(mut out: W, selection: &Selection<'_>) -> Result<(), ReportError> {
    head(&mut out)?;
    section(&mut out, "documents", &selection.rows(|document| vec![head_row(document)]))?;
    section(&mut out, "roles", &selection.rows(role_rows))?;
    section(&mut out, "ports", &selection.rows(port_rows))?;
    section(&mut out, "readings", &selection.rows(reading_rows))?;
    section(&mut out, "services", &selection.rows(|document| service_rows(document, false)))?;
    section(&mut out, "service_overview", &selection.rows(|document| service_rows(document, true)))?;
    section(&mut out, "dynamic_processes", &selection.rows(dynamic_rows))?;
    section(&mut out, "scenario_steps", &selection.rows(step_rows))?;
    section(&mut out, "communications", &selection.rows(communication_rows))?;
    section(&mut out, "announced", &selection.rows(announced_rows))?;
    section(&mut out, "names", &selection.rows(name_rows))?;
    section(&mut out, "facts", &selection.rows(fact_rows))?;
    section(&mut out, "conflicts", &selection.rows(conflict_rows))?;
    let flags: Vec<Value> = FLAGS.iter().map(|(flag, meaning)| json!({ "flag": flag, "meaning": meaning })).collect();
    section(&mut out, "flags", &flags)?;
    out.write_all(b"}\n").and_then(|()| out.flush()).map_err(ReportError::Output)
}

/// Writes an object with the sections `documents` and `roles` only.
///
/// # Errors
/// When the output cannot be written.
pub fn write_heads<W: Write>(mut out: W, selection: &Selection<'_>) -> Result<(), ReportError> {
    head(&mut out)?;
    section(&mut out, "documents", &selection.rows(|document| vec![head_row(document)]))?;
    section(&mut out, "roles", &selection.rows(role_rows))?;
    out.write_all(b"}\n").map_err(ReportError::Output)
}

fn head<W: Write>(out: &mut W) -> Result<(), ReportError> {
    let head = format!("{{\"format\":\"portproof-catalog\",\n\"version\":{VERSION}");
    out.write_all(head.as_bytes()).map_err(ReportError::Output)
}

fn section<W: Write, T: Serialize>(out: &mut W, key: &str, rows: &[T]) -> Result<(), ReportError> {
    let mut text = format!(",\n\"{key}\":[");
    for (at, row) in rows.iter().enumerate() {
        text.push_str(if at == 0 { "\n" } else { ",\n" });
        text.push_str(&line(row)?);
    }
    text.push_str(if rows.is_empty() { "]" } else { "\n]" });
    out.write_all(text.as_bytes()).map_err(ReportError::Output)
}

fn head_row(document: &Document) -> Value {
    json!({
        "id": document.id,
        "title": document.title,
        "publisher": document.publisher,
        "publication": document.publication,
        "edition": document.edition,
        "url": document.url,
        "products": document.products,
        "kind": document.kind.name(),
    })
}

fn role_rows(document: &Document) -> Vec<Value> {
    let row = |role: &crate::catalog::Role| {
        json!({
            "document": document.id,
            "id": role.id,
            "title": role.title,
            "aliases": role.aliases,
            "signature": role.signature.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "signature_rank": role.signature_rank,
        })
    };
    document.roles.iter().map(row).collect()
}

/// A service row with the name of its document and the canonical form of its executable.
fn service_rows(document: &Document, overview: bool) -> Vec<Value> {
    let spellings = Spellings::of(document);
    let rows = document.services.iter().filter(|row| (row.standing == Standing::Overview) == overview);
    rows.map(|row| {
        json!({
            "document": document.id,
            "source": row.citation,
            "role": row.role,
            "service": row.service,
            "executable": row.executable,
            "executable_canonical": row.executable.as_deref().map(|name| spellings.canonical(name)),
            "display_name": row.display_name,
            "description": row.description,
            "printed_ports": row.printed_ports,
            "note": row.note,
            "conflicts": row.conflicts,
        })
    })
    .collect()
}

fn communication_rows(document: &Document) -> Vec<Value> {
    let spellings = Spellings::of(document);
    let mut rows = Vec::new();
    for entry in &document.communications {
        rows.extend(entry.executables.iter().map(|executable| {
            json!({
                "document": document.id,
                "source": entry.citation,
                "role": entry.role,
                "protocol": entry.protocol,
                "executable": executable,
                "executable_canonical": spellings.canonical(executable),
                "statement": entry.printed,
                "note": entry.note,
            })
        }));
    }
    rows
}

fn announced_rows(document: &Document) -> Vec<Value> {
    let row = |entry: &AnnouncedSubject| {
        json!({
            "document": document.id,
            "source": entry.citation,
            "kind": entry.kind.name(),
            "subject": entry.subject,
            "version": entry.version,
            "name": entry.name,
            "title": entry.title,
            "service": entry.service,
            "standing": entry.standing.name(),
            "condition": entry.condition,
            "statement": entry.printed,
            "note": entry.note,
            "conflicts": entry.conflicts,
        })
    };
    document.announced.iter().map(row).collect()
}

fn name_rows(document: &Document) -> Vec<Value> {
    let spellings = Spellings::of(document);
    let row = |name: &crate::catalog::Spelt<'_>| {
        // What stands in running text has the source of the whole entry.
        let entry: Vec<&str> = name.entry.iter().map(|entry| entry.citation.as_str()).collect();
        let spelling = |(text, own): (&&str, &Vec<&str>)| {
            let sources = if own.is_empty() { &entry } else { own };
            json!({ "text": text, "sources": sources })
        };
        let printed = name.spellings.iter().map(spelling);
        json!({
            "document": document.id,
            "kind": name.kind.name(),
            "canonical": name.canonical,
            "spellings": printed.collect::<Vec<_>>(),
            "source": name.entry.map(|entry| &entry.citation),
            "note": name.entry.and_then(|entry| entry.note.as_ref()),
        })
    };
    spellings.names().iter().map(row).collect()
}

fn fact_rows(document: &Document) -> Vec<Value> {
    let row = |fact: &Fact| {
        json!({
            "document": document.id,
            "source": fact.citation,
            "topic": fact.topic,
            "statement": fact.text,
            "note": fact.note,
            "conflicts": fact.conflicts,
        })
    };
    document.facts.iter().map(row).collect()
}

fn conflict_rows(document: &Document) -> Vec<Value> {
    let row = |conflict: &Conflict| {
        json!({
            "document": document.id,
            "id": conflict.id,
            "topic": conflict.topic,
            "used": conflict.used,
            "reason": conflict.reason,
            "statements": conflicting(document, &conflict.id),
        })
    };
    document.conflicts.iter().map(row).collect()
}

/// The statements that name a conflict, with their sources.
fn conflicting(document: &Document, id: &str) -> Vec<Value> {
    let member = |conflicts: &[String]| conflicts.iter().any(|conflict| conflict == id);
    let statement = |source: &str, role: Option<&str>, text: &str, flags: &[&str]| json!({ "source": source, "role": role, "statement": text, "flags": flags });
    let mut out: Vec<Value> = Vec::new();
    for row in port_rows(document).iter().filter(|row| member(row.conflicts)) {
        let value = statement(row.source, Some(row.role), &row.statement, &row.flags);
        // Rows of one statement print the same.
        if out.last() != Some(&value) {
            out.push(value);
        }
    }
    let told = |row: &ServiceRow| {
        document
            .ports
            .iter()
            .any(|port| port.citation == row.citation && port.executable == row.executable && member(&port.conflicts))
    };
    for row in document.services.iter().filter(|row| member(&row.conflicts)) {
        // A port of the same row says the same, unless the description is what contradicts.
        if row.description.is_none() && told(row) {
            continue;
        }
        let parts = [Some(row.service.as_str()), row.printed_ports.as_deref(), row.description.as_deref()];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
        out.push(statement(&row.citation, Some(&row.role), &text, &[]));
    }
    for row in step_rows(document).iter().filter(|row| member(row.conflicts)) {
        let source = format!("{}, step {}", row.source, row.step);
        out.push(statement(&source, None, row.printed.unwrap_or(row.description), &[]));
    }
    for entry in document.announced.iter().filter(|entry| member(&entry.conflicts)) {
        let text = entry.printed.as_deref().unwrap_or(&entry.name);
        out.push(statement(&entry.citation, None, text, &[]));
    }
    for fact in document.facts.iter().filter(|fact| member(&fact.conflicts)) {
        out.push(statement(&fact.citation, None, &fact.text, &[]));
    }
    out
}
