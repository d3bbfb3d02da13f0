//! From a [`Document`] to its TOML form. What the reader gave is printed such that reading it gives the same again.
//!
//! The text looks as a person would write it: statements that follow each other under one role and citation share a
//! `[[table]]`, one line for each row; what all rows of a table say, the table says; defaults are left out. Comments of a
//! file that was read are not part of the document, hence not printed.
//!
//! Structure and escapes are toml_edit's. Only a text that would act where it is shown (control characters, bidirectional
//! overrides) or that would break a row over lines is spelt out here, and toml_edit reads that spelling first.

use super::announced::AnnouncedSubject;
use super::document::{Document, DynamicRange, Role, Standing};
use super::fact::{Conflict, Fact};
use super::port_range::PortRange;
use super::scenario::{Leg, Party, Scenario, Step, StepPort, StepPortSpec};
use super::service::{Communication, Name, ServiceRow};
use super::table_writer::tables;
use crate::model::Transport;
use std::fmt::Write as _;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// Widest line of a list outside of rows, in characters.
const LINE_CHARACTERS: usize = 120;

impl Document {
    /// The document in its TOML form: [`Document::from_toml`] gives the same document for it.
    ///
    /// That holds for documents that were read, and for those that hold together as these do. What no text could give (a
    /// statement without a transport, an unknown role) is printed as far as the form goes, and refused when it is read.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut root = DocumentMut::new();
        root.insert("document", Item::Table(head(self)));
        entries(&mut root, "role", self.roles.iter().map(role));
        entries(&mut root, "conflict", self.conflicts.iter().map(conflict));
        entries(&mut root, "name", self.names.iter().map(name));
        entries(&mut root, "table", tables(&self.ports));
        entries(&mut root, "dynamic_range", dynamic_ranges(&self.dynamic_ranges));
        entries(&mut root, "service_table", service_tables(&self.services));
        entries(&mut root, "communication", self.communications.iter().map(communication));
        entries(&mut root, "announced", announced(&self.announced));
        entries(&mut root, "scenario", self.scenarios.iter().map(scenario));
        entries(&mut root, "fact", self.facts.iter().map(fact));
        root.to_string()
    }
}

fn entries(root: &mut Table, key: &str, entries: impl IntoIterator<Item = Table>) {
    let entries: ArrayOfTables = entries.into_iter().collect();
    if !entries.is_empty() {
        root.insert(key, Item::ArrayOfTables(entries));
    }
}

/// Puts keys into a table or a row, and leaves out what the reader adds by itself.
pub(super) trait Keys {
    fn put(&mut self, key: &str, value: Value);

    fn text(&mut self, key: &str, text: &str);

    fn optional(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// A list of texts, where there are any.
    fn texts(&mut self, key: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.list(key, texts.iter().map(|text| text_value(text)));
        }
    }

    fn list(&mut self, key: &str, values: impl IntoIterator<Item = Value>);

    fn differs<T: PartialEq>(&mut self, key: &str, found: T, default: T, name: impl Fn(T) -> &'static str) {
        if found != default {
            self.text(key, name(found));
        }
    }
}

impl Keys for Table {
    fn put(&mut self, key: &str, value: Value) {
        TableLike::insert(self, key, Item::Value(value));
    }

    fn text(&mut self, key: &str, text: &str) {
        // Here a text may run over lines, unless something in it acts.
        let plain = !text.chars().any(|c| c != '\n' && acts(c));
        self.put(key, if plain { Value::from(text) } else { text_value(text) });
    }

    fn list(&mut self, key: &str, values: impl IntoIterator<Item = Value>) {
        let mut array: Array = values.into_iter().collect();
        let characters = array.to_string().chars().count();
        if key.len() + " = ".len() + characters > LINE_CHARACTERS {
            one_per_line(&mut array);
        }
        self.put(key, Value::Array(array));
    }
}

impl Keys for InlineTable {
    fn put(&mut self, key: &str, value: Value) {
        self.insert(key, value);
    }

    fn text(&mut self, key: &str, text: &str) {
        self.put(key, text_value(text));
    }

    fn list(&mut self, key: &str, values: impl IntoIterator<Item = Value>) {
        self.put(key, Value::Array(values.into_iter().collect()));
    }
}

fn one_per_line(array: &mut Array) {
    for entry in array.iter_mut() {
        entry.decor_mut().set_prefix("\n  ");
    }
    array.set_trailing("\n");
    array.set_trailing_comma(true);
}

/// The rows of a table, one per line.
pub(super) fn put_rows(table: &mut Table, rows: impl IntoIterator<Item = InlineTable>) {
    let mut array: Array = rows.into_iter().collect();
    one_per_line(&mut array);
    table.put("rows", Value::Array(array));
}

/// A text on one line.
pub(super) fn text_value(text: &str) -> Value {
    if !text.chars().any(acts) {
        return Value::from(text);
    }
    let mut spelt = String::with_capacity(text.len() + 16);
    spelt.push('"');
    for character in text.chars() {
        match character {
            '\n' => spelt.push_str("\\n"),
            '\r' => spelt.push_str("\\r"),
            '\t' => spelt.push_str("\\t"),
            '"' | '\\' => spelt.extend(['\\', character]),
            c if acts(c) && u32::from(c) <= 0xffff => {
                let _ = write!(spelt, "\\u{:04X}", u32::from(c));
            }
            c if acts(c) => {
                let _ = write!(spelt, "\\U{:08X}", u32::from(c));
            }
            c => spelt.push(c),
        }
    }
    spelt.push('"');
    spelt.parse().unwrap_or_else(|_| Value::from(text))
}

/// Whether a character changes how others are shown, or is not shown, by the tables that Rust's own `{:?}` uses. It stands
/// behind a letter here, because a combining mark alone counts as well.
fn acts(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let mut buffer = [b'a'; 5];
    let end = 1 + c.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..end]).is_ok_and(|shown| shown.escape_debug().nth(2).is_some())
}

pub(super) fn port(range: PortRange) -> Value {
    if range.count() == 1 { Value::from(i64::from(range.first())) } else { Value::from(range.to_string()) }
}

fn transport_key(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    }
}

fn head(document: &Document) -> Table {
    let mut table = Table::new();
    table.text("id", &document.id);
    table.text("title", &document.title);
    table.text("publisher", &document.publisher);
    table.text("publication", &document.publication);
    table.optional("edition", document.edition.as_deref());
    table.optional("url", document.url.as_deref());
    table.text("kind", document.kind.name());
    table.texts("products", &document.products);
    table
}

fn role(role: &Role) -> Table {
    let mut table = Table::new();
    table.text("id", &role.id);
    table.text("title", &role.title);
    table.texts("aliases", &role.aliases);
    if !role.signature.is_empty() {
        table.list("signature", role.signature.iter().map(|port| Value::from(port.to_string())));
    }
    if role.signature_rank != 1 {
        table.put("signature_rank", Value::from(i64::from(role.signature_rank)));
    }
    table
}

fn conflict(conflict: &Conflict) -> Table {
    let mut table = Table::new();
    table.text("id", &conflict.id);
    table.text("topic", &conflict.topic);
    table.text("used", &conflict.used);
    table.text("reason", &conflict.reason);
    table
}

fn name(name: &Name) -> Table {
    let mut table = Table::new();
    table.text("kind", name.kind.name());
    table.text("canonical", &name.canonical);
    table.list("spellings", name.spellings.iter().map(|spelling| text_value(spelling)));
    table.optional("note", name.note.as_deref());
    table.text("citation", &name.citation);
    table
}

/// One entry for each range, or for the two transports of one.
fn dynamic_ranges(ranges: &[DynamicRange]) -> Vec<Table> {
    let mut tables = Vec::with_capacity(ranges.len());
    let mut rest = ranges;
    while let [first, behind @ ..] = rest {
        let second = behind.first().filter(|second| {
            let same = DynamicRange { transport: second.transport, ports: second.ports, ..first.clone() };
            (first.transport, second.transport) == (Transport::Tcp, Transport::Udp) && same == **second
        });
        tables.push(dynamic_range(first, second));
        rest = if second.is_some() { behind.get(1..).unwrap_or_default() } else { behind };
    }
    tables
}

fn dynamic_range(range: &DynamicRange, second: Option<&DynamicRange>) -> Table {
    let mut table = Table::new();
    table.text("role", &range.role);
    for range in std::iter::once(range).chain(second) {
        table.put(transport_key(range.transport), port(range.ports));
    }
    if let Some(observed) = range.observed_ports {
        table.put("observed_ports", Value::from(i64::from(observed)));
    }
    table.differs("standing", range.standing, Standing::Rule, Standing::name);
    table.optional("printed", range.printed.as_deref());
    table.optional("note", range.note.as_deref());
    table.texts("conflicts", &range.conflicts);
    table.text("citation", &range.citation);
    table.texts("executables", &range.executables);
    table
}

/// Services that follow each other under one role, citation and standing share a table.
fn service_tables(services: &[ServiceRow]) -> Vec<Table> {
    let head = |row: &ServiceRow| (row.role.clone(), row.citation.clone(), row.standing);
    let of_rows = |rows: &[ServiceRow]| {
        let mut table = Table::new();
        if let Some(first) = rows.first() {
            table.text("role", &first.role);
            table.text("citation", &first.citation);
            table.differs("standing", first.standing, Standing::Rule, Standing::name);
        }
        put_rows(&mut table, rows.iter().map(service_row));
        table
    };
    services.chunk_by(|one, next| head(one) == head(next)).map(of_rows).collect()
}

fn service_row(service: &ServiceRow) -> InlineTable {
    let mut row = InlineTable::new();
    row.text("service", &service.service);
    row.optional("executable", service.executable.as_deref());
    row.optional("display_name", service.display_name.as_deref());
    row.optional("description", service.description.as_deref());
    row.optional("printed_ports", service.printed_ports.as_deref());
    row.optional("note", service.note.as_deref());
    row.texts("conflicts", &service.conflicts);
    row
}

fn communication(communication: &Communication) -> Table {
    let mut table = Table::new();
    table.text("protocol", &communication.protocol);
    table.text("role", &communication.role);
    table.list("executables", communication.executables.iter().map(|executable| text_value(executable)));
    table.optional("printed", communication.printed.as_deref());
    table.optional("note", communication.note.as_deref());
    table.text("citation", &communication.citation);
    table
}

/// Subjects that follow each other under one kind share a table; each row says its citation where that is not the first one's.
fn announced(subjects: &[AnnouncedSubject]) -> Vec<Table> {
    let of_rows = |rows: &[AnnouncedSubject]| {
        let mut table = Table::new();
        let citation = rows.first().map_or("", |first| &first.citation);
        if let Some(first) = rows.first() {
            table.text("kind", first.kind.name());
            table.text("citation", citation);
        }
        put_rows(&mut table, rows.iter().map(|subject| subject_row(subject, citation)));
        table
    };
    subjects.chunk_by(|one, next| one.kind == next.kind).map(of_rows).collect()
}

fn subject_row(subject: &AnnouncedSubject, citation: &str) -> InlineTable {
    let mut row = InlineTable::new();
    row.text("subject", &subject.subject);
    row.optional("version", subject.version.as_deref());
    row.text("name", &subject.name);
    row.optional("title", subject.title.as_deref());
    row.optional("service", subject.service.as_deref());
    row.differs("standing", subject.standing, Standing::Rule, Standing::name);
    row.optional("condition", subject.condition.as_deref());
    row.optional("printed", subject.printed.as_deref());
    row.optional("note", subject.note.as_deref());
    row.texts("conflicts", &subject.conflicts);
    if subject.citation != citation {
        row.text("citation", &subject.citation);
    }
    row
}

fn scenario(scenario: &Scenario) -> Table {
    let mut table = Table::new();
    table.text("id", &scenario.id);
    table.text("title", &scenario.title);
    table.text("citation", &scenario.citation);
    if scenario.steps.is_empty() {
        table.put("step", Value::Array(Array::new()));
    }
    entries(&mut table, "step", scenario.steps.iter().map(step));
    table
}

fn step(step: &Step) -> Table {
    let mut table = Table::new();
    table.put("number", Value::from(i64::from(step.number)));
    table.text("description", &step.description);
    table.texts("from", &step.from);
    table.texts("to", &step.to);
    if step.local {
        table.put("local", Value::from(true));
    }
    if !step.ports.is_empty() {
        table.list("ports", step.ports.iter().map(|port| Value::InlineTable(step_port(port))));
    }
    table.texts("services", &step.services);
    table.differs("leg", step.leg, Leg::Opens, |leg| match leg {
        Leg::Opens => "opens",
        Leg::Replies => "replies",
        Leg::RepliesOrOpens => "replies-or-opens",
    });
    table.optional("printed", step.printed.as_deref());
    table.texts("conflicts", &step.conflicts);
    table.optional("note", step.note.as_deref());
    table
}

fn step_port(port: &StepPort) -> InlineTable {
    let mut entry = InlineTable::new();
    let number = match port.spec {
        StepPortSpec::Fixed(number) => Value::from(i64::from(number)),
        StepPortSpec::Dynamic => Value::from("dynamic"),
    };
    entry.put(transport_key(port.transport), number);
    entry.optional("purpose", port.purpose.as_deref());
    entry.optional("service", port.service.as_deref());
    entry.differs("party", port.party, Party::To, |party| match party {
        Party::From => "from",
        Party::To => "to",
    });
    entry.differs("standing", port.standing, Standing::Scenario, Standing::name);
    entry
}

fn fact(fact: &Fact) -> Table {
    let mut table = Table::new();
    table.text("topic", &fact.topic);
    table.text("text", &fact.text);
    table.optional("note", fact.note.as_deref());
    table.texts("conflicts", &fact.conflicts);
    table.text("citation", &fact.citation);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_on_one_line_and_nothing_that_acts_is_printed() {
        let fact = |text: &str| Fact {
            topic: "t".to_owned(),
            text: text.to_owned(),
            note: None,
            conflicts: vec![],
            citation: "c".to_owned(),
        };
        for (text, in_row, in_table) in [
            ("plain é – 1", "\"plain é – 1\"", "\"plain é – 1\""),
            ("C:\\x \"y\"", "'C:\\x \"y\"'", "'C:\\x \"y\"'"),
            ("two\nlines", "\"two\\nlines\"", "\"\"\"\ntwo\nlines\"\"\""),
            ("\"\u{1b}[2J\u{202e}\\\n", "\"\\\"\\u001B[2J\\u202E\\\\\\n\"", "\"\\\"\\u001B[2J\\u202E\\\\\\n\""),
            ("e\u{301} ส\u{e34} \u{e0001}", "\"e\u{301} ส\u{e34} \\U000E0001\"", "\"e\u{301} ส\u{e34} \\U000E0001\""),
        ] {
            let mut row = InlineTable::new();
            row.text("k", text);
            assert_eq!(row.to_string(), format!("{{ k = {in_row} }}"));
            let printed = super::fact(&fact(text)).to_string();
            assert!(printed.contains(&format!("text = {in_table}\n")), "{printed}");
        }
    }

    #[test]
    fn long_lists_stand_one_entry_per_line() {
        let mut table = Table::new();
        table.texts("short", &["a".to_owned(), "b".to_owned()]);
        table.texts("long", &["a".repeat(60), "b".repeat(60)]);
        let expected =
            format!("short = [\"a\", \"b\"]\nlong = [\n  \"{}\",\n  \"{}\",\n]\n", "a".repeat(60), "b".repeat(60));
        assert_eq!(table.to_string(), expected);
    }
}
