//! The statements of documents as flat rows, one for each protocol and port or range: what other programs read.
//!
//! A row says less than a [`PortStatement`], in simpler words; nothing is decided here. Rows that a document prints and
//! rows that are readings of it never stand in one list.

use super::document::{Direction, Document, DynamicRange, PortStatement, Standing};
use super::names::Spellings;
use super::scenario::{Leg, Party, Scenario, Step, StepPort, StepPortSpec};
use crate::model::Transport;
use serde::Serialize;

/// One protocol and one port or range of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortRow<'a> {
    /// Identifier of the document.
    pub document: &'a str,
    /// Table or chapter.
    pub source: &'a str,
    /// The role under which the document prints it; `any` where it names none.
    pub role: &'a str,
    /// Executable as printed.
    pub executable: Option<&'a str>,
    /// The spelling to compare the executable with.
    pub executable_canonical: Option<&'a str>,
    /// Service for people; the executable where the document gives no other name.
    pub service: &'a str,
    /// `tcp` or `udp`; a reading where the flags hold `protocol_not_stated`.
    pub protocol: Transport,
    /// First port.
    pub port_start: u16,
    /// Last port, included.
    pub port_end: u16,
    /// `listens`, `connects-out` or `not-stated`, seen from the role.
    pub direction: Direction,
    /// Roles whose hosts listen.
    pub listens_at: Vec<&'a str>,
    /// Roles that the document names as callers.
    pub callers: Vec<&'a str>,
    /// What is special about it; see [`FLAGS`].
    pub flags: Vec<&'static str>,
    /// The port whose fallback it is.
    pub fallback_of: Option<u16>,
    /// At which place it is tried, from 1.
    pub fallback_order: Option<usize>,
    /// How many ports of a dynamic range the vendor saw in use.
    pub observed_ports: Option<u32>,
    /// What it is needed for, where the document restricts it.
    pub required_for: Option<&'a str>,
    /// Under which condition it holds, as printed.
    pub condition: Option<&'a str>,
    /// The printed form: who, port cell, protocol.
    pub statement: String,
    /// Conflicts, conditions and readings.
    pub note: Option<&'a str>,
    /// Identifiers of the contradictions that it is part of.
    pub conflicts: &'a [String],
}

/// The flags of a row, and what each means.
pub const FLAGS: [(&str, &str); 13] = [
    ("protocol_not_stated", "The document prints no protocol; the one given is a reading."),
    ("user_modifiable", "The document says that the user may change the number."),
    ("required_for", "Needed for something that the row names."),
    ("fallback", "Tried when the port before it is taken."),
    ("dynamic_range", "A range from which ports are taken that change with every start."),
    ("connects_out", "The role connects to the port at another role."),
    ("direction_not_stated", "The document does not say who connects."),
    ("recommended", "Printed as a recommendation."),
    ("conditional", "Holds under a condition that the row names."),
    ("overview", "Printed in an overview: what has to be open stands in other statements, which may say the same."),
    ("alternative", "Contradicts a statement of the same document that is used by default."),
    ("mention", "Printed, but not as a port that anything needs: covers no traffic."),
    ("reading", "Not printed in so many words: follows from the cited text."),
];

/// A process that a document says uses a dynamic range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DynamicRow<'a> {
    /// Identifier of the document.
    pub document: &'a str,
    /// Table or chapter.
    pub source: &'a str,
    /// The role whose hosts listen there.
    pub role: &'a str,
    /// Executable as printed.
    pub executable: &'a str,
    /// The spelling to compare the executable with.
    pub executable_canonical: &'a str,
    /// Transport.
    pub protocol: Transport,
    /// First port of the range.
    pub port_start: u16,
    /// Last port of the range, included.
    pub port_end: u16,
    /// How many ports the vendor saw in use by all processes of the role together.
    pub observed_ports: Option<u32>,
}

/// One step of a data flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepRow<'a> {
    /// Identifier of the document.
    pub document: &'a str,
    /// Table or chapter.
    pub source: &'a str,
    /// Identifier of the data flow.
    pub scenario: &'a str,
    /// Title of the data flow as printed.
    pub title: &'a str,
    /// Number as printed.
    pub step: u16,
    /// Description as printed.
    pub description: &'a str,
    /// Printed as internal to a computer.
    pub local: bool,
    /// Roles, any of which may act. For a local step: what the text implies.
    pub from: &'a [String],
    /// Roles, any of which may be acted upon. For a local step: what the text implies.
    pub to: &'a [String],
    /// Services as printed.
    pub services: &'a [String],
    /// Ports, any of which serves.
    pub ports: Vec<StepPortRow<'a>>,
    /// Who opens the connection.
    pub leg: Leg,
    /// The port cell as printed, where `ports` reads it differently.
    pub printed: Option<&'a str>,
    /// Conflicts and readings.
    pub note: Option<&'a str>,
    /// Identifiers of the contradictions that it is part of.
    pub conflicts: &'a [String],
}

/// A port of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepPortRow<'a> {
    /// Transport.
    pub protocol: Transport,
    /// The number; nothing where it is dynamic.
    pub port: Option<u16>,
    /// Printed as dynamic.
    pub dynamic: bool,
    /// What the document prints in parentheses.
    pub purpose: Option<&'a str>,
    /// The one service that it belongs to.
    pub service: Option<&'a str>,
    /// At which end the port is.
    pub party: Party,
    /// Not printed: the note of the step explains it.
    pub reading: bool,
}

/// Rows of what a document prints about ports, dynamic ranges included, in the order of its file.
#[must_use]
pub fn port_rows(document: &Document) -> Vec<PortRow<'_>> {
    rows(document, true)
}

/// Rows of what follows from a document without being printed: ports at roles that only its data flows name, and
/// readings.
#[must_use]
pub fn reading_rows(document: &Document) -> Vec<PortRow<'_>> {
    rows(document, false)
}

fn rows(document: &Document, printed: bool) -> Vec<PortRow<'_>> {
    let spellings = Spellings::of(document);
    let ports = document.ports.iter().filter(|statement| statement.standing.is_printed() == printed);
    let mut rows: Vec<PortRow<'_>> =
        ports.flat_map(|statement| statement_rows(document, &spellings, statement)).collect();
    let ranges = document.dynamic_ranges.iter().filter(|range| range.standing.is_printed() == printed);
    rows.extend(ranges.map(|range| range_row(document, range)));
    rows
}

fn statement_rows<'a>(document: &'a Document, spellings: &Spellings<'a>, s: &'a PortStatement) -> Vec<PortRow<'a>> {
    let statement = printed_form(s);
    let row = |protocol, fallback: Option<(usize, u16)>| {
        let (port_start, port_end) = match fallback {
            Some((_, port)) => (port, port),
            None => (s.ports.first(), s.ports.last()),
        };
        PortRow {
            document: &document.id,
            source: &s.citation,
            role: &s.stated_for,
            executable: s.executable.as_deref(),
            executable_canonical: s.executable.as_deref().map(|executable| spellings.canonical(executable)),
            service: &s.service,
            protocol,
            port_start,
            port_end,
            direction: s.direction,
            listens_at: s.roles.iter().map(String::as_str).collect(),
            callers: s.callers.iter().map(String::as_str).collect(),
            flags: flags(s, fallback.is_some()),
            fallback_of: fallback.map(|_| s.ports.first()),
            fallback_order: fallback.map(|(order, _)| order),
            observed_ports: None,
            required_for: s.required_for.as_deref(),
            condition: s.condition.as_deref(),
            statement: statement.clone(),
            note: s.note.as_deref(),
            conflicts: &s.conflicts,
        }
    };
    let fallbacks = || s.fallback_ports.iter().enumerate().map(|(at, port)| Some((at + 1, *port)));
    let of_transport = |&transport: &Transport| std::iter::once(None).chain(fallbacks()).map(move |f| (transport, f));
    s.transports.iter().flat_map(of_transport).map(|(transport, fallback)| row(transport, fallback)).collect()
}

fn range_row<'a>(document: &'a Document, range: &'a DynamicRange) -> PortRow<'a> {
    let mut flags = vec!["dynamic_range"];
    flags.extend(standing_flag(range.standing));
    PortRow {
        document: &document.id,
        source: &range.citation,
        role: &range.role,
        executable: None,
        executable_canonical: None,
        service: "Dynamic ports",
        protocol: range.transport,
        port_start: range.ports.first(),
        port_end: range.ports.last(),
        direction: Direction::Listens,
        listens_at: vec![&range.role],
        callers: Vec::new(),
        flags,
        fallback_of: None,
        fallback_order: None,
        observed_ports: range.observed_ports,
        required_for: None,
        condition: None,
        statement: range.printed.clone().unwrap_or_else(|| format!("Dynamic ports {}", range.ports)),
        note: range.note.as_deref(),
        conflicts: &range.conflicts,
    }
}

fn flags(statement: &PortStatement, fallback: bool) -> Vec<&'static str> {
    let direction = match statement.direction {
        Direction::Listens => None,
        Direction::ConnectsOut => Some("connects_out"),
        Direction::NotStated => Some("direction_not_stated"),
    };
    let optional = [
        (!statement.protocol_stated).then_some("protocol_not_stated"),
        statement.user_modifiable.then_some("user_modifiable"),
        statement.required_for.as_ref().map(|_| "required_for"),
        fallback.then_some("fallback"),
        direction,
        standing_flag(statement.standing),
    ];
    optional.into_iter().flatten().collect()
}

fn standing_flag(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Rule => None,
        Standing::Scenario | Standing::Reading => Some("reading"),
        other => Some(other.name()),
    }
}

/// Who, port cell and protocol as the row prints them. A sentence that says all three stands alone.
fn printed_form(statement: &PortStatement) -> String {
    let ports = statement.ports.to_string();
    let cell = statement.printed.as_deref().unwrap_or(&ports);
    let who = statement.executable.as_deref().unwrap_or(&statement.service);
    let mut text = String::new();
    // A cell holds figures, marks and a word or two; a sentence names what it speaks about.
    let is_cell = cell.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 3).count() < 4;
    let names_it = cell.contains(who) || cell.contains(statement.service.as_str());
    if (is_cell || !statement.fallback_ports.is_empty()) && !names_it {
        text.push_str(who);
        text.push(' ');
    }
    text.push_str(cell);
    let protocols: Vec<&str> = statement.transports.iter().map(|transport| upper(*transport)).collect();
    if is_cell && statement.protocol_stated && !protocols.iter().any(|protocol| cell.contains(protocol)) {
        text.push(' ');
        text.push_str(&protocols.join("/"));
    }
    text
}

fn upper(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "TCP",
        Transport::Udp => "UDP",
    }
}

/// One row for each process that a document says uses a dynamic range.
#[must_use]
pub fn dynamic_rows(document: &Document) -> Vec<DynamicRow<'_>> {
    let spellings = Spellings::of(document);
    let of_range = |range| dynamic_range_rows(document, &spellings, range);
    document.dynamic_ranges.iter().filter(|range| range.standing.is_printed()).flat_map(of_range).collect()
}

fn dynamic_range_rows<'a>(
    document: &'a Document,
    spellings: &Spellings<'a>,
    range: &'a DynamicRange,
) -> Vec<DynamicRow<'a>> {
    let row = |executable: &'a String| DynamicRow {
        document: &document.id,
        source: &range.citation,
        role: &range.role,
        executable,
        executable_canonical: spellings.canonical(executable),
        protocol: range.transport,
        port_start: range.ports.first(),
        port_end: range.ports.last(),
        observed_ports: range.observed_ports,
    };
    range.executables.iter().map(row).collect()
}

/// One row for each step of each data flow.
#[must_use]
pub fn step_rows(document: &Document) -> Vec<StepRow<'_>> {
    let of_scenario = |scenario| step_rows_of(document, scenario);
    document.scenarios.iter().flat_map(of_scenario).collect()
}

fn step_rows_of<'a>(document: &'a Document, scenario: &'a Scenario) -> Vec<StepRow<'a>> {
    let row = |step: &'a Step| StepRow {
        document: &document.id,
        source: &scenario.citation,
        scenario: &scenario.id,
        title: &scenario.title,
        step: step.number,
        description: &step.description,
        local: step.local,
        from: &step.from,
        to: &step.to,
        services: &step.services,
        ports: step.ports.iter().map(step_port_row).collect(),
        leg: step.leg,
        printed: step.printed.as_deref(),
        note: step.note.as_deref(),
        conflicts: &step.conflicts,
    };
    scenario.steps.iter().map(row).collect()
}

fn step_port_row(port: &StepPort) -> StepPortRow<'_> {
    StepPortRow {
        protocol: port.transport,
        port: port.spec.fixed(),
        dynamic: port.spec == StepPortSpec::Dynamic,
        purpose: port.purpose.as_deref(),
        service: port.service.as_deref(),
        party: port.party,
        reading: port.standing == Standing::Reading,
    }
}
