//! The catalogue for the terminal. Pure: text for a given width.

use super::page::{Page, RULED, Tone, cell};
use crate::catalog::{
    AnnouncedSubject, Answer, Catalog, Document, DynamicRange, PortRow, Question, Scenario, ServiceRow, Standing, Step,
    port_rows, reading_rows,
};
use crate::report::text::{counted, visible};
use comfy_table::{ColumnConstraint, Width};
use std::collections::BTreeMap;

/// Characters of a word that a column keeps whole: the first one, and the others.
const WIDEST_WORDS: [u16; 2] = [40, 25];

/// Blanks before the first column.
const INDENT: u16 = 2;

/// Blanks between columns.
const GAP: u16 = 1;

/// The documents: what each is, and how much it says.
pub(super) fn documents(page: &Page, catalog: &Catalog) -> String {
    let mut out = String::new();
    for document in catalog.documents() {
        out.push_str(&page.paragraph(0, Tone::Heading, &format!("{} ({})", document.id, document.kind.name())));
        out.push_str(&page.paragraph(2, Tone::Plain, &document.title));
        let edition = document.edition.as_deref().map(|edition| format!(", {edition}")).unwrap_or_default();
        let publication = format!("{}, {}{edition}", document.publisher, document.publication);
        out.push_str(&page.paragraph(2, Tone::Plain, &publication));
        out.push_str(&page.paragraph(2, Tone::Pale, &amounts(document)));
        out.push('\n');
    }
    let legend = "A port row is one protocol with one port or range, at one role, in one place of the document. \"portproof \
                  catalog export\" writes them all, \"portproof catalog show PORT\" says who states what.";
    out.push_str(&page.paragraph(0, Tone::Pale, legend));
    out
}

fn amounts(document: &Document) -> String {
    let steps: usize = document.scenarios.iter().map(|scenario| scenario.steps.len()).sum();
    let amounts = [
        (port_rows(document).len(), "port row", "port rows"),
        (reading_rows(document).len(), "reading", "readings"),
        (document.services.len(), "row of services", "rows of services"),
        (steps, "step of data flows", "steps of data flows"),
        (document.announced.len(), "name of an announced subject", "names of announced subjects"),
        (document.conflicts.len(), "contradiction", "contradictions"),
        (document.facts.len(), "further statement", "further statements"),
    ];
    let said = amounts.into_iter().filter(|(n, _, _)| *n > 0).map(|(n, one, many)| counted(n as u64, one, many));
    said.collect::<Vec<_>>().join(", ")
}

/// The roles, one row each.
pub(super) fn roles(page: &Page, catalog: &Catalog) -> String {
    let mut out = page.paragraph(0, Tone::Heading, "Roles that a site file may give to hosts");
    let rows = catalog.roles().into_iter().map(|role| {
        let documents: Vec<&str> = catalog
            .documents()
            .iter()
            .filter(|document| document.role(&role.id).is_some())
            .map(|document| document.id.as_str())
            .collect();
        let signature: Vec<String> = role.signature.iter().map(ToString::to_string).collect();
        [role.id.clone(), role.title.clone(), role.aliases.join(", "), signature.join(" and "), documents.join("\n")]
    });
    out.push_str(&table(page, ["role", "title", "also called", "given away by", "documents"], rows));
    out.push('\n');
    let legend = "Given away by: a host that is seen to serve these ports probably has the role. Without a site file \
                  roles are guessed so; \"portproof site init CAPTURES\" proposes a site file.";
    out.push_str(&page.paragraph(2, Tone::Pale, legend));
    out
}

/// What each document says about a question.
pub(super) fn answers(page: &Page, question: &Question, answers: &[Answer<'_>]) -> String {
    let mut out = String::new();
    for answer in answers {
        let document = answer.document;
        let title = format!("{}: {} ({}, {})", document.id, document.title, document.publisher, document.publication);
        out.push_str(&page.paragraph(0, Tone::Heading, &title));
        if answer.spellings.len() > 1 {
            let spelt = format!("Printed as {}.", answer.spellings.join(", "));
            out.push_str(&page.paragraph(2, Tone::Plain, &spelt));
        }
        let found = answer.to_document();
        let (printed, readings) = (port_rows(&found), reading_rows(&found));
        let (mentioned, stated): (Vec<&PortRow<'_>>, Vec<&PortRow<'_>>) =
            printed.iter().filter(|row| is_asked(row, question)).partition(|row| row.flags.contains(&"mention"));
        ports(&mut out, page, "Ports, as printed", document, stated.into_iter());
        ports(&mut out, page, "Mentioned, not as needed by anything", document, mentioned.into_iter());
        let readings = readings.iter().filter(|row| is_asked(row, question));
        ports(&mut out, page, "Readings: not printed in so many words", document, readings);
        ranges(&mut out, page, question, answer);
        services(&mut out, page, &answer.services);
        communications(&mut out, page, answer);
        announced(&mut out, page, &answer.announced);
        steps(&mut out, page, &answer.steps);
        conflicts(&mut out, page, document, answer);
        out.push('\n');
    }
    out
}

/// Whether a row is one that the question is about. Dynamic ranges have a table of their own; fallbacks stand with their
/// port, unless they are what is asked for.
fn is_asked(row: &PortRow<'_>, question: &Question) -> bool {
    if row.flags.contains(&"dynamic_range") {
        return false;
    }
    match question {
        Question::Ports(ports, transport) => {
            let overlaps = row.port_start <= ports.last() && ports.first() <= row.port_end;
            overlaps && transport.is_none_or(|transport| transport == row.protocol)
        }
        Question::Name(_) => row.fallback_of.is_none(),
    }
}

/// Rows that differ in role and source only are one.
fn ports<'a>(
    out: &mut String,
    page: &Page,
    heading: &str,
    document: &Document,
    rows: impl Iterator<Item = &'a PortRow<'a>>,
) {
    let mut merged: Vec<(PortLine, Vec<&str>, Vec<&str>)> = Vec::new();
    for row in rows {
        let line = PortLine::of(row, document);
        match merged.iter_mut().find(|(known, _, _)| *known == line) {
            Some((_, roles, sources)) => {
                push_new(roles, row.role);
                push_new(sources, row.source);
            }
            None => merged.push((line, vec![row.role], vec![row.source])),
        }
    }
    if merged.is_empty() {
        return;
    }
    out.push('\n');
    out.push_str(&page.paragraph(2, Tone::Heading, heading));
    let rows = merged.into_iter().map(|(line, roles, sources)| {
        [line.port, roles.join(", "), line.who, line.remarks.join("\n"), sources.join("\n")]
    });
    out.push_str(&table(page, ["port", "stated for", "who", "remarks", "source"], rows));
}

fn push_new<'a>(list: &mut Vec<&'a str>, item: &'a str) {
    if !list.contains(&item) {
        list.push(item);
    }
}

#[derive(PartialEq, Eq)]
struct PortLine {
    port: String,
    who: String,
    remarks: Vec<String>,
}

impl PortLine {
    fn of(row: &PortRow<'_>, document: &Document) -> Self {
        let range = if row.port_start == row.port_end {
            row.port_start.to_string()
        } else {
            format!("{}-{}", row.port_start, row.port_end)
        };
        let mut remarks = Vec::new();
        if let (Some(port), Some(order)) = (row.fallback_of, row.fallback_order) {
            remarks.push(format!("fallback {order} of {port}"));
        } else if let Some(fallbacks) = fallbacks(row, document) {
            remarks.push(format!("if it is taken, in this order: {fallbacks}"));
        }
        if row.flags.contains(&"connects_out") {
            remarks.push(format!("connects out to {}", row.listens_at.join(", ")));
        } else if row.listens_at != [row.role] && !row.listens_at.is_empty() && row.role != row.listens_at.join(", ") {
            remarks.push(format!("listens at {}", row.listens_at.join(", ")));
        }
        if !row.callers.is_empty() && !row.flags.contains(&"connects_out") {
            remarks.push(format!("called by {}", row.callers.join(", ")));
        }
        let said = ["fallback", "connects_out", "required_for", "conditional", "reading", "mention"];
        let flags: Vec<String> =
            row.flags.iter().filter(|flag| !said.contains(flag)).map(|flag| flag.replace('_', " ")).collect();
        if !flags.is_empty() {
            remarks.push(flags.join(", "));
        }
        remarks.extend(row.required_for.map(|what| format!("necessary for {what}")));
        remarks.extend(row.condition.map(|condition| format!("condition: {condition}")));
        remarks.extend(row.note.map(str::to_owned));
        let who = row.executable_canonical.unwrap_or(row.service);
        Self { port: format!("{range}/{}", row.protocol), who: who.to_owned(), remarks }
    }
}

/// The ports that the service of a row tries when its own is taken.
fn fallbacks(row: &PortRow<'_>, document: &Document) -> Option<String> {
    let is_it = |statement: &&crate::catalog::PortStatement| {
        statement.citation == row.source && statement.stated_for == row.role && statement.service == row.service
    };
    let ports = document.ports.iter().filter(is_it).find(|statement| statement.ports.first() == row.port_start);
    let ports: Vec<String> = ports?.fallback_ports.iter().map(ToString::to_string).collect();
    (!ports.is_empty()).then(|| ports.join(", "))
}

fn ranges(out: &mut String, page: &Page, question: &Question, answer: &Answer<'_>) {
    if answer.ranges.is_empty() {
        return;
    }
    out.push('\n');
    out.push_str(&page.paragraph(2, Tone::Heading, "Dynamic ranges"));
    let rows = answer.ranges.iter().map(|range: &&DynamicRange| {
        let observed = range.observed_ports.map_or_else(String::new, |ports| {
            format!("{} seen in use by the vendor", counted(ports.into(), "port", "ports"))
        });
        let processes = match range.executables.len() {
            0 => String::new(),
            n => counted(n as u64, "process", "processes"),
        };
        [
            format!("{}/{}", range.ports, range.transport),
            range.role.clone(),
            processes,
            observed,
            range.citation.clone(),
        ]
    });
    out.push_str(&table(page, ["range", "role", "used by", "observed", "source"], rows));
    let is_static = |s: &&&crate::catalog::PortStatement| s.standing != crate::catalog::Standing::Mention;
    if matches!(question, Question::Ports(..)) && answer.statements.iter().filter(is_static).count() > 0 {
        let said = "A documented port inside a dynamic range is matched before the range.";
        out.push_str(&page.paragraph(4, Tone::Pale, said));
    }
}

fn services(out: &mut String, page: &Page, services: &[&ServiceRow]) {
    if services.is_empty() {
        return;
    }
    let mut merged: BTreeMap<[&str; 4], (Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for row in services {
        let key = [
            row.service.as_str(),
            row.executable.as_deref().unwrap_or_default(),
            row.display_name.as_deref().unwrap_or_default(),
            row.printed_ports.as_deref().unwrap_or_default(),
        ];
        let (roles, sources) = merged.entry(key).or_default();
        push_new(roles, &row.role);
        push_new(sources, &row.citation);
    }
    out.push('\n');
    out.push_str(&page.paragraph(2, Tone::Heading, "Services"));
    let rows = merged.into_iter().map(|([service, executable, display, ports], (roles, sources))| {
        let texts = [service, executable, display, ports].map(str::to_owned);
        let [service, executable, display, ports] = texts;
        [service, executable, display, ports, roles.join(", "), sources.join(", ")]
    });
    out.push_str(&table(page, ["service", "executable", "display name", "ports", "role", "source"], rows));
}

fn communications(out: &mut String, page: &Page, answer: &Answer<'_>) {
    for entry in &answer.communications {
        let text = format!("Speaks {} ({}, {})", entry.protocol, entry.role, entry.citation);
        out.push_str(&page.paragraph(2, Tone::Plain, &text));
    }
}

/// What brokers announce, with its name; a reading says why.
fn announced(out: &mut String, page: &Page, entries: &[&AnnouncedSubject]) {
    if entries.is_empty() {
        return;
    }
    out.push('\n');
    out.push_str(&page.paragraph(2, Tone::Heading, "What brokers announce, and what it is called"));
    let rows = entries.iter().map(|entry| {
        let version = entry.version.as_deref().map(|version| format!(", version {version}")).unwrap_or_default();
        let weight = (entry.standing != Standing::Rule).then(|| entry.standing.name());
        let remarks: Vec<&str> =
            weight.into_iter().chain(entry.condition.as_deref()).chain(entry.note.as_deref()).collect();
        let served = entry.service.as_deref().map(|service| format!("Served by {service}"));
        let meant: Vec<String> = entry.title.clone().into_iter().chain(served).collect();
        [
            format!("{}\n{}{version}", entry.subject, entry.kind),
            entry.name.clone(),
            meant.join("\n"),
            remarks.join("\n"),
            entry.citation.clone(),
        ]
    });
    out.push_str(&table(page, ["announced", "name", "what it is", "remarks", "source"], rows));
}

fn steps(out: &mut String, page: &Page, steps: &[(&Scenario, &Step)]) {
    if steps.is_empty() {
        return;
    }
    out.push('\n');
    out.push_str(&page.paragraph(2, Tone::Heading, "Data flows"));
    let rows = steps.iter().map(|(scenario, step)| {
        let ends = if step.local {
            "internal to a computer".to_owned()
        } else {
            format!("{} to {}", step.from.join(", "), step.to.join(", "))
        };
        [format!("{}, step {}", scenario.citation, step.number), ends, step.description.clone()]
    });
    out.push_str(&table(page, ["step", "from, to", "what happens"], rows));
}

fn conflicts(out: &mut String, page: &Page, document: &Document, answer: &Answer<'_>) {
    if answer.conflicts.is_empty() {
        return;
    }
    out.push('\n');
    let heading = format!("Where {} contradicts itself", document.id);
    out.push_str(&page.paragraph(2, Tone::Heading, &heading));
    for conflict in &answer.conflicts {
        out.push_str(&page.paragraph(4, Tone::Plain, &conflict.topic));
        out.push_str(&page.paragraph(6, Tone::Plain, &format!("Used: {}", conflict.used)));
        out.push_str(&page.paragraph(6, Tone::Pale, &format!("Why: {}", conflict.reason)));
    }
}

/// A table of texts. Texts may hold line ends of ours; everything else is made visible. Words are kept whole where the
/// width allows it, those of the first column always: what is looked for stands there.
fn table<const N: usize>(page: &Page, heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = page.table(RULED);
    table.set_header(heads.map(|head| cell(head, Tone::Pale)));
    let mut widest = heads.map(longest_word);
    for row in rows {
        for (at, (widest, text)) in widest.iter_mut().zip(&row).enumerate() {
            *widest = (*widest).max(longest_word(text)).min(WIDEST_WORDS[at.min(1)]);
        }
        let shown = |text: &String| text.lines().map(|line| visible(line).into_owned()).collect::<Vec<_>>().join("\n");
        table.add_row(row.iter().map(|text| cell(shown(text), Tone::Plain)));
    }
    let fits = widest.iter().map(|word| word + GAP).sum::<u16>() + INDENT <= page.width;
    for (at, word) in widest.into_iter().enumerate().filter(|(at, _)| fits || *at == 0) {
        let Some(column) = table.column_mut(at) else { continue };
        let indent = if at == 0 { INDENT } else { 0 };
        column
            .set_padding((indent, 1))
            .set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(word + indent + 1)));
    }
    let mut out = table.trim_fmt();
    out.push('\n');
    out
}

fn longest_word(text: &str) -> u16 {
    let longest = text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
    u16::try_from(longest).unwrap_or(u16::MAX)
}
