//! From the TOML form to a [`Document`]. What does not hold together is refused, with its place and what to do.
//!
//! Every entry is read, whatever is wrong with the others, so that a lint can tell all at once; a document with an error
//! is no document.

use super::announced_reader::service_names;
use super::document::{ANY_ROLE, Document, DocumentKind, PortRef, Role};
use super::document_form::{DocumentForm, RoleForm};
use super::error::{CatalogError, Fault, Faults, Source, listed, read_text, suggestion};
use super::rule::Rule;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use toml::Spanned;

/// What reading gave: the entries that hold, where they stand, and what is wrong with the others.
pub(super) struct Reading {
    pub(super) document: Document,
    /// Bytes of the row of each port statement.
    pub(super) port_spans: Vec<Range<usize>>,
    /// Bytes of the role of each dynamic range.
    pub(super) range_spans: Vec<Range<usize>>,
    /// Bytes of the id of each role.
    pub(super) role_spans: Vec<Range<usize>>,
    /// Bytes of the id of each conflict.
    pub(super) conflict_spans: Vec<Range<usize>>,
    /// Bytes of the canonical spelling of each name.
    pub(super) name_spans: Vec<Range<usize>>,
    /// Bytes of the subject of each name of an announced subject.
    pub(super) announced_spans: Vec<Range<usize>>,
    /// Bytes of the number of each step, of all scenarios in their order.
    pub(super) step_spans: Vec<Range<usize>>,
    pub(super) faults: Faults,
}

impl Document {
    /// Reads a document from its TOML form. `name` is for errors: they carry it with line and column.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, CatalogError> {
        let source = Source::new(name, text)?;
        let reading = read(source.parse()?);
        match reading.faults.kept.into_iter().next() {
            None => Ok(reading.document),
            Some(first) => Err(source.refusal(first)),
        }
    }

    /// Reads a document file.
    pub fn read(path: &Path) -> Result<Self, CatalogError> {
        let (name, text) = read_text(path)?;
        Self::from_toml(&name, &text)
    }
}

/// Reads all of a form that can be read.
pub(super) fn read(form: DocumentForm) -> Reading {
    let reader = Reader::new(&form);
    let id = reader.keep(checked(&form.document.id)).unwrap_or_default();
    let (ports, port_spans) = reader.tables(&form.table);
    let (dynamic_ranges, range_spans) = reader.dynamic_ranges(&form.dynamic_range);
    let services = reader.services(form.service_table);
    let communications = reader.communications(form.communication);
    let (announced, announced_spans) = reader.announced(form.announced);
    let (names, name_spans) = reader.names(form.name);
    let facts = reader.facts(form.fact);
    let (conflicts, conflict_spans) = reader.conflicts(form.conflict);
    let (scenarios, step_spans) = reader.scenarios(form.scenario);
    let head = form.document;
    let role_spans = form.role.iter().map(|role| role.id.span()).collect();
    let Reader { roles, faults, .. } = reader;
    let document = Document {
        id,
        title: head.title,
        publisher: head.publisher,
        publication: head.publication,
        edition: head.edition,
        url: head.url,
        products: head.products,
        kind: head.kind,
        roles,
        ports,
        dynamic_ranges,
        services,
        communications,
        announced,
        scenarios,
        names,
        facts,
        conflicts,
    };
    let faults = faults.into_inner();
    Reading {
        document,
        port_spans,
        range_spans,
        role_spans,
        conflict_spans,
        name_spans,
        announced_spans,
        step_spans,
        faults,
    }
}

/// Refuses identifiers that could not be typed in a site file or a rule.
pub(super) fn checked_id(source: Source<'_>, id: &Spanned<String>) -> Result<String, CatalogError> {
    checked(id).map_err(|fault| source.refusal(fault))
}

/// As [`checked_id`], for entries of a document.
pub(super) fn checked(id: &Spanned<String>) -> Result<String, Fault> {
    let text = id.get_ref();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || text.len() > 64 || !text.chars().all(plain) {
        let advice = "use 1 to 64 lower-case letters, digits and hyphens";
        return Err(Fault::new(Rule::Identifier, &id.span(), format!("{text:?} is not an identifier"), advice));
    }
    if text == ANY_ROLE {
        let (problem, advice) = ("\"any\" is the role that every host has", "choose another identifier");
        return Err(Fault::new(Rule::Identifier, &id.span(), problem, advice));
    }
    Ok(text.clone())
}

/// The roles that hold. A role with an error keeps its names, so that what refers to it is not wrong as well.
fn roles(forms: &[RoleForm], faults: &mut Faults) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::with_capacity(forms.len());
    let mut declared: BTreeSet<&str> = BTreeSet::new();
    for form in forms {
        let names = std::iter::once(&form.id).chain(&form.aliases);
        for name in names {
            if let Err(fault) = checked(name) {
                faults.push(fault);
            } else if !declared.insert(name.get_ref()) {
                let problem = format!("the role {:?} is declared twice", name.get_ref());
                let advice = "remove one, or give it another id";
                faults.push(Fault::new(Rule::DuplicateId, &name.span(), problem, advice));
            }
        }
        let mut signature = Vec::with_capacity(form.signature.len());
        for text in &form.signature {
            port_ref(text).map_or_else(|fault| faults.push(fault), |port| signature.push(port));
        }
        roles.push(Role {
            id: form.id.get_ref().clone(),
            title: form.title.clone(),
            aliases: form.aliases.iter().map(|alias| alias.get_ref().clone()).collect(),
            signature,
            signature_rank: form.signature_rank,
        });
    }
    roles
}

/// Reads `7002/tcp`.
fn port_ref(text: &Spanned<String>) -> Result<PortRef, Fault> {
    let parsed = text.get_ref().split_once('/').and_then(|(port, transport)| {
        let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
        Some(PortRef { transport: transport.parse().ok()?, port })
    });
    parsed.ok_or_else(|| {
        let problem = format!("{:?} is not a port with its transport", text.get_ref());
        Fault::new(Rule::Value, &text.span(), problem, "write it as \"7002/tcp\"")
    })
}

/// What the rows of a document are read against, and what was found wrong with them.
pub(super) struct Reader {
    pub(super) kind: DocumentKind,
    roles: Vec<Role>,
    conflicts: BTreeSet<String>,
    /// Services and executables that the document speaks of, by their folded names.
    pub(super) services: BTreeMap<String, String>,
    faults: RefCell<Faults>,
}

impl Reader {
    fn new(form: &DocumentForm) -> Self {
        let mut faults = Faults::default();
        let roles = roles(&form.role, &mut faults);
        let conflicts = form.conflict.iter().map(|conflict| conflict.id.get_ref().clone()).collect();
        let services = if form.announced.is_empty() { BTreeMap::new() } else { service_names(form) };
        Self { kind: form.document.kind, roles, conflicts, services, faults: RefCell::new(faults) }
    }

    /// The value, or its fault kept for later.
    pub(super) fn keep<T>(&self, read: Result<T, Fault>) -> Option<T> {
        read.map_err(|fault| self.refuse(fault)).ok()
    }

    /// Keeps what is wrong at a place.
    pub(super) fn refuse(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    /// "did you mean" for the first mistakes: the others will see it there.
    pub(super) fn suggestion<'k>(&self, text: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
        const SUGGESTED: usize = 1000;
        if self.faults.borrow().kept.len() < SUGGESTED { suggestion(text, known) } else { None }
    }

    /// The identifier of a role that this document declares, or `any`.
    pub(super) fn role(&self, name: &Spanned<String>) -> Result<String, Fault> {
        let text = name.get_ref();
        if text == ANY_ROLE {
            return Ok(text.clone());
        }
        if let Some(role) = self.roles.iter().find(|role| role.is_called(text)) {
            return Ok(role.id.clone());
        }
        let known = || self.roles.iter().map(|role| role.id.as_str());
        let advice = self.suggestion(text, known()).unwrap_or_else(|| {
            format!("declare it with [[role]] in this document, or use one of: {}", listed(known()))
        });
        Err(Fault::new(Rule::UnknownRole, &name.span(), format!("unknown role {text:?}"), advice))
    }

    pub(super) fn role_list(&self, names: &[Spanned<String>]) -> Result<Vec<String>, Fault> {
        names.iter().map(|name| self.role(name)).collect()
    }

    pub(super) fn citation(&self, citation: &Spanned<String>) -> Result<String, Fault> {
        let text = citation.get_ref().trim();
        if text.is_empty() {
            let advice = "name the table, chapter or section that says it";
            return Err(Fault::new(Rule::Citation, &citation.span(), "the citation is empty", advice));
        }
        Ok(text.to_owned())
    }

    /// Identifiers of contradictions that the document describes.
    pub(super) fn conflict_list(&self, ids: &[Spanned<String>]) -> Result<Vec<String>, Fault> {
        let known = || self.conflicts.iter().map(String::as_str);
        let described = |id: &Spanned<String>| {
            if self.conflicts.contains(id.get_ref()) {
                return Ok(id.get_ref().clone());
            }
            let advice =
                self.suggestion(id.get_ref(), known()).unwrap_or_else(|| "describe it with [[conflict]]".to_owned());
            let problem = format!("unknown conflict {:?}", id.get_ref());
            Err(Fault::new(Rule::UnknownConflict, &id.span(), problem, advice))
        };
        ids.iter().map(described).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "[document]\nid = \"x\"\ntitle = \"X\"\npublisher = \"P\"\npublication = \"1\"\nkind = \"vendor\"\n\
                        [[role]]\nid = \"server\"\ntitle = \"S\"\n";

    fn error(rest: &str) -> String {
        Document::from_toml("x.toml", &format!("{HEAD}{rest}")).unwrap_err().to_string()
    }

    fn row(row: &str) -> String {
        format!("[[table]]\nrole = \"server\"\ncitation = \"T\"\nrows = [\n  {row}\n]\n")
    }

    #[test]
    fn mistakes_are_answered_with_place_and_advice() {
        let step = "[[scenario]]\nid = \"s\"\ntitle = \"S\"\ncitation = \"T\"\n\
                    [[scenario.step]]\nnumber = 2\ndescription = \"d\"\n";
        for (text, part) in [
            (row("{ service = \"a\", tcp = 0 }"), "x.toml:14:26: 0 is not a port"),
            (row("{ service = \"a\", tcp = \"9-3\" }"), "14:26: the range 9-3 ends before it begins: write 3-9"),
            (row("{ service = \"a\", tcp = [5, 5] }"), "14:26: 5 is listed twice"),
            (row("{ service = \"a\", tpc = 1 }"), "14:20: unknown field `tpc`"),
            (row("{ service = \"a\", tpc = 1 }"), "did you mean \"tcp\"?"),
            (row("{ service = \"a\" }"), "14:3: the row has no port; give it `tcp = …` or `udp = …`"),
            (row("{ tcp = 1 }"), "14:3: the row names no service"),
            (
                row("{ service = \"a\", tcp = 1, callers = [\"sever\"] }"),
                "14:40: unknown role \"sever\"; did you mean \"server\"?",
            ),
            (
                row("{ service = \"a\", tcp = 1, listens_at = [\"any\"] }"),
                "a vendor's statement would hold at every host",
            ),
            (row("{ service = \"a\", tcp = 1, direction = \"connects-out\" }"), "does not say where to"),
            (row("{ service = \"a\", tcp = 1, connects_to = \"server\", direction = \"listens\" }"), "stands beside"),
            (row("{ service = \"a\", tcp = [1, 2], fallback_ports = [3] }"), "fallbacks of more than one port"),
            (row("{ service = \"a\", tcp = 1, fallback_ports = [\"3-4\"] }"), "a fallback is a range"),
            (row("{ service = \"a\", tcp = 1, citation = \" \" }"), "the citation is empty"),
            (row("{ service = \"a\", tcp = 1 ").replace(']', ""), "x.toml:1"),
            ("[[role]]\nid = \"server\"\ntitle = \"S\"\n".into(), "11:6: the role \"server\" is declared twice"),
            ("[[role]]\nid = \"any\"\ntitle = \"S\"\n".into(), "11:6: \"any\" is the role that every host has"),
            (
                "[[role]]\nid = \"y\"\ntitle = \"S\"\nsignature = [\"88\"]\n".into(),
                "13:14: \"88\" is not a port with its",
            ),
            ("[[dynamic_range]]\nrole = \"server\"\ncitation = \"T\"\n".into(), "11:8: the dynamic range has no ports"),
            (step.into(), "15:10: step 2 lacks an end or a port"),
            (format!("{step}local = true\nports = [{{ tcp = 1 }}]\n"), "15:10: step 2 is local and has ports"),
            (format!("{step}ports = [{{ tcp = \"dyn\" }}]\n"), "\"dyn\" is neither a port"),
            (
                format!("{step}ports = [{{ tcp = 1, udp = 1 }}]\n"),
                "17:10: a port of a step has not exactly one transport",
            ),
            (
                format!("{step}local = true\n[[scenario.step]]\nnumber = 2\ndescription = \"d\"\nlocal = true\n"),
                "19:10: step 2 is out of order",
            ),
        ] {
            let found = error(&text);
            assert!(found.contains(part), "{text}\n{found}\nshould hold {part}");
        }
    }

    #[test]
    fn a_cut_document_is_an_error_or_a_document_and_never_a_panic() {
        let text = include_str!("documents/license-key-server.toml");
        let mut refused = 0;
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            refused += usize::from(Document::from_toml("x.toml", &text[..end]).is_err());
        }
        assert!(refused > text.len() / 2);
    }
}
