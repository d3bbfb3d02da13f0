//! The sections of the catalogue as flat tables.

use super::Selection;
use crate::catalog::{
    Document, PortRow, Spellings, StepPortRow, StepRow, dynamic_rows, port_rows, reading_rows, step_rows,
};
use crate::model::{Column, Kind, Table, Value};

/// A part of the catalogue that is a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What documents print about ports.
    Ports,
    /// What follows from documents without being printed.
    Readings,
    /// Services as documents list them.
    Services,
    /// Executables that use a dynamic range.
    DynamicProcesses,
    /// Steps of data flows.
    ScenarioSteps,
    /// Executables that speak a protocol which the document explains by itself.
    Communications,
    /// Names of what brokers announce ports for.
    Announced,
    /// Names with their spellings.
    Names,
    /// Statements about no single port.
    Facts,
    /// Contradictions, with what is used and why.
    Conflicts,
}

/// All sections, in the order in which they are read.
pub const SECTIONS: [Section; 10] = [
    Section::Ports,
    Section::Readings,
    Section::Services,
    Section::DynamicProcesses,
    Section::ScenarioSteps,
    Section::Communications,
    Section::Announced,
    Section::Names,
    Section::Facts,
    Section::Conflicts,
];

impl Section {
    /// Its name in outputs: snake_case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ports => "ports",
            Self::Readings => "readings",
            Self::Services => "services",
            Self::DynamicProcesses => "dynamic_processes",
            Self::ScenarioSteps => "scenario_steps",
            Self::Communications => "communications",
            Self::Announced => "announced",
            Self::Names => "names",
            Self::Facts => "facts",
            Self::Conflicts => "conflicts",
        }
    }

    /// Its heading for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Ports => "Ports, as printed",
            Self::Readings => "Readings: not printed in so many words",
            Self::Services => "Services",
            Self::DynamicProcesses => "Processes that use a dynamic range",
            Self::ScenarioSteps => "Data flows",
            Self::Communications => "Communication protocols",
            Self::Announced => "What brokers announce, and what it is called",
            Self::Names => "Names and their spellings",
            Self::Facts => "What the documents say besides",
            Self::Conflicts => "Contradictions, and what is used",
        }
    }
}

const fn text(name: &'static str, meaning: &'static str) -> Column {
    Column { name, kind: Kind::Text, meaning }
}

const fn number(name: &'static str, meaning: &'static str) -> Column {
    Column { name, kind: Kind::Unsigned, meaning }
}

const DOCUMENT: Column = text("document", "Identifier of the document.");
const SOURCE: Column = text("source", "Table or chapter of the document.");
const ROLE: Column = text("role", "The role under which the document prints it; any where it names none.");
const EXECUTABLE: Column = text("executable", "Executable as printed.");
const SERVICE: Column = text("service", "Service name; the executable where the document gives no other name.");
const PROTOCOL: Column = text("protocol", "tcp or udp; a reading where the flags hold protocol_not_stated.");
const PORT_START: Column = number("port_start", "First port.");
const PORT_END: Column = number("port_end", "Last port, included.");
const STATEMENT: Column = text("statement", "As printed.");
const NOTE: Column = text("note", "Conflicts, conditions and readings.");
const CONFLICTS: Column = text("conflicts", "Identifiers of the contradictions that it is part of.");
const OBSERVED: Column =
    number("observed_ports", "Ports of the dynamic range that the vendor saw in use: neither a limit nor a need.");

/// One section of the selected documents.
#[must_use]
pub fn table(selection: &Selection<'_>, section: Section) -> Table {
    let (columns, rows) = match section {
        Section::Ports => (PORTS.to_vec(), selection.rows(port_rows).iter().map(port_values).collect()),
        Section::Readings => (PORTS.to_vec(), selection.rows(reading_rows).iter().map(port_values).collect()),
        Section::Services => (SERVICES.to_vec(), selection.rows(service_values)),
        Section::DynamicProcesses => (DYNAMIC.to_vec(), selection.rows(dynamic_values)),
        Section::ScenarioSteps => (STEPS.to_vec(), selection.rows(step_rows).iter().map(step_values).collect()),
        Section::Communications => (COMMUNICATIONS.to_vec(), selection.rows(communication_values)),
        Section::Announced => (ANNOUNCED.to_vec(), selection.rows(announced_values)),
        Section::Names => (NAMES.to_vec(), selection.rows(name_values)),
        Section::Facts => (FACTS.to_vec(), selection.rows(fact_values)),
        Section::Conflicts => (CONFLICT.to_vec(), selection.rows(conflict_values)),
    };
    Table { name: section.name(), columns, rows }
}

const PORTS: [Column; 20] = [
    DOCUMENT,
    SOURCE,
    ROLE,
    EXECUTABLE,
    text("executable_canonical", "The spelling to compare the executable with."),
    SERVICE,
    PROTOCOL,
    PORT_START,
    PORT_END,
    text("direction", "listens, connects-out or not-stated, seen from the role."),
    text("listens_at", "Roles whose hosts listen."),
    text("callers", "Roles that the document names as callers."),
    text("flags", "What is special about it."),
    number("fallback_of", "The port whose fallback it is."),
    number("fallback_order", "At which place it is tried, from 1."),
    OBSERVED,
    text("condition", "What it is needed for, or under which condition it holds."),
    STATEMENT,
    NOTE,
    CONFLICTS,
];

fn port_values(row: &PortRow<'_>) -> Vec<Value> {
    let condition: Vec<&str> = row.required_for.into_iter().chain(row.condition).collect();
    vec![
        row.document.into(),
        row.source.into(),
        row.role.into(),
        optional(row.executable),
        optional(row.executable_canonical),
        row.service.into(),
        row.protocol.to_string().into(),
        Value::Unsigned(row.port_start.into()),
        Value::Unsigned(row.port_end.into()),
        row.direction.name().into(),
        joined(&row.listens_at),
        joined(&row.callers),
        joined(&row.flags),
        row.fallback_of.map_or(Value::Null, |port| Value::Unsigned(port.into())),
        row.fallback_order.map_or(Value::Null, |order| Value::Unsigned(order as u64)),
        row.observed_ports.map_or(Value::Null, |ports| Value::Unsigned(ports.into())),
        joined(&condition),
        row.statement.as_str().into(),
        optional(row.note),
        joined(row.conflicts),
    ]
}

fn optional(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

fn joined<T: AsRef<str>>(parts: &[T]) -> Value {
    if parts.is_empty() {
        return Value::Null;
    }
    Value::Text(parts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("; "))
}

const SERVICES: [Column; 10] = [
    DOCUMENT,
    SOURCE,
    ROLE,
    SERVICE,
    EXECUTABLE,
    text("display_name", "Display name as printed."),
    text("description", "Description as printed."),
    text("printed_ports", "What the row prints about ports."),
    text("standing", "rule where the table says what has to be configured, overview where it introduces."),
    NOTE,
];

fn service_values(document: &Document) -> Vec<Vec<Value>> {
    let values = |row: &crate::catalog::ServiceRow| {
        vec![
            document.id.as_str().into(),
            row.citation.as_str().into(),
            row.role.as_str().into(),
            row.service.as_str().into(),
            optional(row.executable.as_deref()),
            optional(row.display_name.as_deref()),
            optional(row.description.as_deref()),
            optional(row.printed_ports.as_deref()),
            row.standing.name().into(),
            optional(row.note.as_deref()),
        ]
    };
    document.services.iter().map(values).collect()
}

const DYNAMIC: [Column; 8] = [DOCUMENT, SOURCE, ROLE, EXECUTABLE, PROTOCOL, PORT_START, PORT_END, OBSERVED];

fn dynamic_values(document: &Document) -> Vec<Vec<Value>> {
    let values = |row: &crate::catalog::DynamicRow<'_>| {
        vec![
            row.document.into(),
            row.source.into(),
            row.role.into(),
            row.executable.into(),
            row.protocol.to_string().into(),
            Value::Unsigned(row.port_start.into()),
            Value::Unsigned(row.port_end.into()),
            row.observed_ports.map_or(Value::Null, |ports| Value::Unsigned(ports.into())),
        ]
    };
    dynamic_rows(document).iter().map(values).collect()
}

const STEPS: [Column; 12] = [
    DOCUMENT,
    SOURCE,
    text("scenario", "Identifier of the data flow."),
    number("step", "Number as printed."),
    text("description", "Description as printed."),
    Column { name: "local", kind: Kind::Flag, meaning: "Printed as internal to a computer." },
    text("from", "Roles, any of which may act."),
    text("to", "Roles, any of which may be acted upon."),
    text("services", "Services as printed."),
    text("ports", "Ports, any of which serves; a reading is marked."),
    text("printed", "The port cell as printed, where the ports read it differently."),
    NOTE,
];

fn step_values(row: &StepRow<'_>) -> Vec<Value> {
    let ports: Vec<String> = row.ports.iter().map(step_port).collect();
    vec![
        row.document.into(),
        row.source.into(),
        row.scenario.into(),
        Value::Unsigned(row.step.into()),
        row.description.into(),
        Value::Flag(row.local),
        joined(row.from),
        joined(row.to),
        joined(row.services),
        joined(&ports),
        optional(row.printed),
        optional(row.note),
    ]
}

/// `443/tcp (HTTPS)`, `dynamic/tcp (RSLinx.exe)`, `44818/tcp (reading)`.
fn step_port(port: &StepPortRow<'_>) -> String {
    let number = port.port.map_or_else(|| "dynamic".to_owned(), |port| port.to_string());
    let reading = port.reading.then_some("reading");
    let about: Vec<&str> = port.service.into_iter().chain(port.purpose).chain(reading).collect();
    let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
    format!("{number}/{}{about}", port.protocol)
}

const COMMUNICATIONS: [Column; 6] =
    [DOCUMENT, SOURCE, ROLE, text("communication", "The protocol as printed."), EXECUTABLE, NOTE];

fn communication_values(document: &Document) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for entry in &document.communications {
        rows.extend(entry.executables.iter().map(|executable| {
            vec![
                document.id.as_str().into(),
                entry.citation.as_str().into(),
                entry.role.as_str().into(),
                entry.protocol.as_str().into(),
                executable.as_str().into(),
                optional(entry.note.as_deref()),
            ]
        }));
    }
    rows
}

const ANNOUNCED: [Column; 12] = [
    DOCUMENT,
    SOURCE,
    text("kind", "rpc-interface, sql-instance, licence-vendor or onc-rpc-program."),
    text("subject", "What is announced: UUID, instance, vendor daemon, program number."),
    text("version", "The version that the name is for; any where it is empty."),
    text("name", "Short name."),
    text("title", "What it is in words."),
    text("service", "The service of the document that serves it."),
    text("standing", "Weight: rule, or reading where it is not printed in so many words."),
    text("condition", "Under which condition it holds."),
    STATEMENT,
    NOTE,
];

fn announced_values(document: &Document) -> Vec<Vec<Value>> {
    let values = |entry: &crate::catalog::AnnouncedSubject| {
        vec![
            document.id.as_str().into(),
            entry.citation.as_str().into(),
            entry.kind.name().into(),
            entry.subject.as_str().into(),
            optional(entry.version.as_deref()),
            entry.name.as_str().into(),
            optional(entry.title.as_deref()),
            optional(entry.service.as_deref()),
            entry.standing.name().into(),
            optional(entry.condition.as_deref()),
            optional(entry.printed.as_deref()),
            optional(entry.note.as_deref()),
        ]
    };
    document.announced.iter().map(values).collect()
}

const NAMES: [Column; 6] = [
    DOCUMENT,
    text("kind", "executable or service."),
    text("canonical", "The spelling to compare with."),
    text("spelling", "A spelling as printed."),
    text("source", "Tables or chapters that print it."),
    NOTE,
];

fn name_values(document: &Document) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for name in Spellings::of(document).names() {
        for (spelling, sources) in &name.spellings {
            let entry = name.entry;
            let source = match (sources.as_slice(), entry) {
                ([], Some(entry)) => entry.citation.as_str().into(),
                _ => joined(sources),
            };
            rows.push(vec![
                document.id.as_str().into(),
                name.kind.name().into(),
                name.canonical.into(),
                (*spelling).into(),
                source,
                optional(entry.and_then(|entry| entry.note.as_deref())),
            ]);
        }
    }
    rows
}

const FACTS: [Column; 6] = [DOCUMENT, SOURCE, text("topic", "What it is about."), STATEMENT, NOTE, CONFLICTS];

fn fact_values(document: &Document) -> Vec<Vec<Value>> {
    let values = |fact: &crate::catalog::Fact| {
        vec![
            document.id.as_str().into(),
            fact.citation.as_str().into(),
            fact.topic.as_str().into(),
            fact.text.as_str().into(),
            optional(fact.note.as_deref()),
            joined(&fact.conflicts),
        ]
    };
    document.facts.iter().map(values).collect()
}

const CONFLICT: [Column; 5] = [
    DOCUMENT,
    text("id", "Identifier; statements name it."),
    text("topic", "What is contradicted by what."),
    text("used", "What is used by default."),
    text("reason", "Why."),
];

fn conflict_values(document: &Document) -> Vec<Vec<Value>> {
    let values = |conflict: &crate::catalog::Conflict| {
        let texts = [&document.id, &conflict.id, &conflict.topic, &conflict.used, &conflict.reason];
        texts.map(|text| text.as_str().into()).to_vec()
    };
    document.conflicts.iter().map(values).collect()
}
