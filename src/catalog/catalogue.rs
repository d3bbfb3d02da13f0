//! The documents together, with a fast look-up by port.

use super::announced::Subjects;
use super::document::{Document, DynamicRange, PortRef, PortStatement, Role, Standing};
use super::error::CatalogError;
use super::port_range::PortRange;
use super::scenario::Scenario;
use super::site_catalogue::{SiteLayer, SiteWord};
use crate::model::Transport;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::Path;

/// Ranges up to this many ports are indexed port by port; wider ones are few, and scanned.
const INDEXED_RANGE_PORTS: u32 = 16;

/// The documents that come with the program: name, and text.
const BUILTIN: [(&str, &str); 4] = [
    ("factorytalk-assetcentre.toml", include_str!("documents/factorytalk-assetcentre.toml")),
    ("license-key-server.toml", include_str!("documents/license-key-server.toml")),
    ("windows-infrastructure.toml", include_str!("documents/windows-infrastructure.toml")),
    ("rpc-interfaces.toml", include_str!("documents/rpc-interfaces.toml")),
];

/// How a statement covers a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Via {
    /// The statement lists it.
    Listed,
    /// It is one of the ports that the service tries when its own is taken.
    Fallback,
}

/// A statement that covers a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match<'a> {
    /// The document that says it.
    pub document: &'a Document,
    /// The statement.
    pub statement: &'a PortStatement,
    /// How it covers the port.
    pub via: Via,
    /// What the site file says about it; `None` where it stands as the document prints it.
    pub site: Option<&'a SiteWord>,
}

impl Match<'_> {
    /// Where it holds: roles, or the address or network to which the site file pinned it.
    #[must_use]
    pub fn places(&self) -> Vec<String> {
        match self.site.and_then(|word| word.at.as_ref()) {
            Some(at) => vec![at.to_string()],
            None => self.statement.roles.clone(),
        }
    }
}

/// Where a statement is: document, statement.
pub(super) type Entry = (usize, usize, Via);

/// Documents, and an index of their port statements.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    pub(super) documents: Vec<Document>,
    /// Where each document comes from, for errors.
    origins: Vec<String>,
    by_port: BTreeMap<PortRef, Vec<Entry>>,
    wide: Vec<(Transport, PortRange, Entry)>,
    pub(super) by_subject: Subjects,
    /// What a site file changed in the documents. Empty without one.
    pub(super) site: SiteLayer,
}

impl Catalog {
    /// A catalogue without documents.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The documents that come with the program: vendors' first, general knowledge last.
    pub fn builtin() -> Result<Self, CatalogError> {
        let mut catalog = Self::empty();
        for (name, text) in BUILTIN {
            catalog.extend_from(Document::from_toml(name, text)?, "the built-in one")?;
        }
        Ok(catalog)
    }

    /// A catalogue of one document.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, CatalogError> {
        let mut catalog = Self::empty();
        catalog.extend_from(Document::from_toml(name, text)?, name)?;
        Ok(catalog)
    }

    /// Adds a document behind the others; an error when its identifier is taken.
    pub fn extend(&mut self, document: Document) -> Result<(), CatalogError> {
        self.extend_from(document, "one without a file")
    }

    /// Reads a document file, and adds the document behind the others; an error when it is none, or when its identifier
    /// is taken.
    pub fn read_document(&mut self, path: &Path) -> Result<(), CatalogError> {
        self.extend_from(Document::read(path)?, &path.display().to_string())
    }

    fn extend_from(&mut self, document: Document, origin: &str) -> Result<(), CatalogError> {
        if let Some(at) = self.documents.iter().position(|own| own.id == document.id) {
            let (first, second) = (self.origins.get(at).cloned().unwrap_or_default(), origin.to_owned());
            return Err(CatalogError::DuplicateDocument { id: document.id, first, second });
        }
        self.add(document, origin);
        Ok(())
    }

    /// Where a document comes from: its file, or words for one that has none.
    pub(super) fn origin(&self, document: usize) -> &str {
        self.origins.get(document).map_or("", String::as_str)
    }

    pub(super) fn add(&mut self, document: Document, origin: &str) {
        let at = self.documents.len();
        let covering = |(_, statement): &(usize, &PortStatement)| statement.standing != Standing::Mention;
        for (index, statement) in document.ports.iter().enumerate().filter(covering) {
            for &transport in &statement.transports {
                if statement.ports.count() > INDEXED_RANGE_PORTS {
                    self.wide.push((transport, statement.ports, (at, index, Via::Listed)));
                } else {
                    for port in statement.ports.as_inclusive() {
                        let entries = self.by_port.entry(PortRef { transport, port }).or_default();
                        entries.push((at, index, Via::Listed));
                    }
                }
                for &port in statement.fallback_ports.iter().filter(|&&port| !statement.ports.contains(port)) {
                    self.by_port.entry(PortRef { transport, port }).or_default().push((at, index, Via::Fallback));
                }
            }
        }
        for (index, entry) in document.announced.iter().enumerate() {
            self.by_subject.entry(entry.key()).or_default().push((at, index));
        }
        self.documents.push(document);
        self.origins.push(origin.to_owned());
    }

    /// The documents in the order in which they were added.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The document with this identifier.
    #[must_use]
    pub fn document(&self, id: &str) -> Option<&Document> {
        self.documents.iter().find(|document| document.id == id)
    }

    /// All statements that cover a port, at whatever role (mentions cover none), in the order of the documents and their rows.
    pub fn statements(&self, transport: Transport, port: u16) -> impl Iterator<Item = Match<'_>> + '_ {
        self.entries(transport, port).filter_map(|entry| self.found(entry))
    }

    /// Where the statements are that cover a port, in the order of the documents and their rows.
    pub(super) fn entries(&self, transport: Transport, port: u16) -> impl Iterator<Item = Entry> + use<> {
        let listed = self.by_port.get(&PortRef { transport, port }).map(Vec::as_slice).unwrap_or_default();
        let wide = self.wide.iter().filter(|(t, range, _)| *t == transport && range.contains(port)).map(|w| w.2);
        let mut entries: Vec<Entry> = listed.iter().copied().chain(wide).collect();
        entries.sort_unstable();
        entries.into_iter()
    }

    pub(super) fn found(&self, (document, statement, via): Entry) -> Option<Match<'_>> {
        let site = self.site.word(document, statement);
        let document = self.documents.get(document)?;
        Some(Match { document, statement: document.ports.get(statement)?, via, site })
    }

    /// Statements that cover a port at some host with these roles. What the site file says about single addresses does
    /// not count here: [`Catalog::statements_of`] knows the host.
    pub fn statements_at<'a, R: AsRef<str>>(
        &'a self,
        transport: Transport,
        port: u16,
        roles: &'a [R],
    ) -> impl Iterator<Item = Match<'a>> + 'a {
        self.statements(transport, port).filter(move |found| found.statement.listens_at(roles))
    }

    /// Documented ports, fallbacks included, inside a range: they are static although a dynamic range surrounds them.
    /// Sorted; each once.
    #[must_use]
    pub fn static_ports_in(&self, range: RangeInclusive<u16>) -> Vec<PortRef> {
        let mut ports: BTreeSet<PortRef> =
            self.by_port.keys().filter(|key| range.contains(&key.port)).copied().collect();
        for (transport, wide, _) in &self.wide {
            let (first, last) = (wide.first().max(*range.start()), wide.last().min(*range.end()));
            ports.extend((first..=last).map(|port| PortRef { transport: *transport, port }));
        }
        ports.into_iter().collect()
    }

    /// Dynamic ranges that documents state for a role.
    pub fn dynamic_ranges_for<'a>(
        &'a self,
        role: &'a str,
    ) -> impl Iterator<Item = (&'a Document, &'a DynamicRange)> + 'a {
        self.documents.iter().flat_map(move |document| {
            document.dynamic_ranges.iter().filter(move |range| range.role == role).map(move |range| (document, range))
        })
    }

    /// All scenarios with their documents.
    pub fn scenarios(&self) -> impl Iterator<Item = (&Document, &Scenario)> + '_ {
        self.documents.iter().flat_map(|document| document.scenarios.iter().map(move |scenario| (document, scenario)))
    }

    /// Every role once, in the order of first mention. Where documents share a role, the first one that gives a
    /// signature is shown.
    #[must_use]
    pub fn roles(&self) -> Vec<&Role> {
        let mut roles: Vec<&Role> = Vec::new();
        for role in self.documents.iter().flat_map(|document| &document.roles) {
            match roles.iter_mut().find(|known| known.id == role.id) {
                None => roles.push(role),
                Some(known) if known.signature.is_empty() => *known = role,
                Some(_) => {}
            }
        }
        roles
    }

    /// The role with this identifier or alias.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.documents.iter().find_map(|document| document.role(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
[document]
id = "x"
title = "X"
publisher = "P"
publication = "1"
kind = "vendor"

[[role]]
id = "server"
title = "Server"

[[table]]
role = "server"
citation = "Table 1"
rows = [
  { service = "wide", udp = ["10000-20000", "1-65535"] },
  { service = "one", tcp = [443, "27000-27009"], udp = 443 },
  { service = "tries", tcp = 54967, fallback_ports = [54977, 54967] },
]
"#;

    fn services(catalog: &Catalog, transport: Transport, port: u16) -> Vec<(String, Via)> {
        catalog.statements(transport, port).map(|m| (m.statement.service.clone(), m.via)).collect()
    }

    #[test]
    fn looks_up_listed_wide_and_fallback_ports_in_row_order() {
        let catalog = Catalog::from_toml("x.toml", SMALL).unwrap();
        assert_eq!(
            services(&catalog, Transport::Udp, 443),
            [("wide".into(), Via::Listed), ("one".into(), Via::Listed)]
        );
        assert_eq!(services(&catalog, Transport::Udp, 15000).len(), 2);
        assert_eq!(services(&catalog, Transport::Tcp, 27009), [("one".into(), Via::Listed)]);
        assert_eq!(services(&catalog, Transport::Tcp, 27010), []);
        assert_eq!(services(&catalog, Transport::Tcp, 54967), [("tries".into(), Via::Listed)]);
        assert_eq!(services(&catalog, Transport::Tcp, 54977), [("tries".into(), Via::Fallback)]);
    }

    #[test]
    fn agrees_with_a_naive_scan() {
        let catalog = Catalog::builtin().unwrap();
        for transport in [Transport::Tcp, Transport::Udp] {
            for port in 0..=u16::MAX {
                let naive = catalog.documents().iter().flat_map(|d| &d.ports).filter(|s| {
                    let covers = s.ports.contains(port) || s.fallback_ports.contains(&port);
                    s.standing != Standing::Mention && s.transports.contains(&transport) && covers
                });
                assert!(catalog.statements(transport, port).map(|m| m.statement).eq(naive), "{port}/{transport}");
            }
        }
    }

    #[test]
    fn static_ports_hold_wide_ranges_and_fallbacks() {
        let catalog = Catalog::from_toml("x.toml", SMALL).unwrap();
        let tcp: Vec<_> =
            catalog.static_ports_in(50000..=60000).into_iter().filter(|p| p.transport == Transport::Tcp).collect();
        assert_eq!(tcp.iter().map(|p| p.port).collect::<Vec<_>>(), [54967, 54977]);
        assert_eq!(catalog.static_ports_in(65000..=65535).len(), 536);
    }

    #[test]
    fn refuses_the_same_document_twice() {
        let mut catalog = Catalog::from_toml("x.toml", SMALL).unwrap();
        let again = Document::from_toml("y.toml", SMALL).unwrap();
        let refusal = catalog.extend(again).unwrap_err().to_string();
        assert!(refusal.starts_with("two documents have the id \"x\": x.toml, and one without a file;"), "{refusal}");
    }

    #[test]
    fn both_transports_of_one_number_are_one_statement() {
        let catalog = Catalog::from_toml("x.toml", SMALL).unwrap();
        let found = catalog.statements(Transport::Tcp, 443).next().unwrap();
        assert_eq!(found.statement.transports, [Transport::Tcp, Transport::Udp]);
    }
}
