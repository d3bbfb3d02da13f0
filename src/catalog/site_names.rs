//! What the site file means by a name: the statements of the documents that are about it.
//!
//! A document calls one program by its executable in one table and by its service in another, and spells both in more than
//! one way. Its tables of services and its list of names join them; nothing is joined across documents, where the same
//! executable may be another vendor's.

use super::catalogue::Catalog;
use super::document::{Document, PortStatement, Standing};
use super::service::{self, NameKind};
use std::collections::{BTreeMap, BTreeSet};

/// What an entry of the site file calls the statements that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Their executable.
    Executable(String),
    /// Their service.
    Service(String),
}

impl Named {
    /// The name as the site file writes it.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Executable(name) | Self::Service(name) => name,
        }
    }
}

/// A name as it is compared here: without case, white space and a final `.exe`.
pub(super) fn key(name: &str) -> String {
    let mut key = service::folded(name);
    if let Some(stem) = key.strip_suffix(".exe").map(str::len) {
        key.truncate(stem);
    }
    key
}

/// Where a statement is: document, statement.
pub(super) type At = (usize, usize);

/// Names that mean the same program in one document.
#[derive(Debug, Default)]
pub(super) struct Meant {
    executables: BTreeSet<String>,
    services: BTreeSet<String>,
}

impl Meant {
    /// Whether a text, of whatever kind, is one of them.
    pub(super) fn has(&self, text: &str) -> bool {
        let key = key(text);
        self.executables.contains(&key) || self.services.contains(&key)
    }
}

/// The names of one document.
#[derive(Default)]
struct Words {
    /// Spellings of one name: kind and key to its group.
    groups: BTreeMap<(NameKind, String), usize>,
    spellings: Vec<BTreeSet<String>>,
    /// Services by their display name, and display names by service.
    displayed: BTreeMap<String, BTreeSet<String>>,
    services_of: BTreeMap<String, BTreeSet<String>>,
    executables_of: BTreeMap<String, BTreeSet<String>>,
    /// Statements by the key of their executable.
    by_executable: BTreeMap<String, Vec<usize>>,
    /// Statements by the key of their service.
    by_service: BTreeMap<String, Vec<usize>>,
}

impl Words {
    fn of(document: &Document) -> Self {
        let mut words = Self::default();
        for name in &document.names {
            let keys: BTreeSet<String> =
                std::iter::once(&name.canonical).chain(&name.spellings).map(|text| key(text)).collect();
            for text in &keys {
                words.groups.entry((name.kind, text.clone())).or_insert(words.spellings.len());
            }
            words.spellings.push(keys);
        }
        for row in &document.services {
            if let Some(display_name) = &row.display_name {
                let (service, shown) = (key(&row.service), key(display_name));
                words.displayed.entry(service.clone()).or_default().insert(shown.clone());
                words.displayed.entry(shown).or_default().insert(service);
            }
            if let Some(executable) = &row.executable {
                let (service, executable) = (key(&row.service), key(executable));
                words.services_of.entry(executable.clone()).or_default().insert(service.clone());
                words.executables_of.entry(service).or_default().insert(executable);
            }
        }
        // A mention documents no traffic: there is nothing to change about it.
        let covering = document.ports.iter().enumerate().filter(|(_, s)| s.standing != Standing::Mention);
        for (index, statement) in covering {
            words.by_service.entry(key(&statement.service)).or_default().push(index);
            if let Some(executable) = &statement.executable {
                words.by_executable.entry(key(executable)).or_default().push(index);
            }
        }
        words
    }

    fn spelt(&self, kind: NameKind, keys: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for key in keys {
            let group = self.groups.get(&(kind, key.clone())).and_then(|group| self.spellings.get(*group));
            all.extend(group.into_iter().flatten().cloned());
            if kind == NameKind::Service {
                all.extend(self.displayed.get(&key).into_iter().flatten().cloned());
            }
            all.insert(key);
        }
        all
    }

    fn meant(&self, named: &Named) -> Meant {
        let linked = |links: &BTreeMap<String, BTreeSet<String>>, keys: &BTreeSet<String>| {
            keys.iter().filter_map(|key| links.get(key)).flatten().cloned().collect::<Vec<_>>()
        };
        match named {
            Named::Executable(name) => {
                let executables = self.spelt(NameKind::Executable, [key(name)]);
                let services = self.spelt(NameKind::Service, linked(&self.services_of, &executables));
                Meant { executables, services }
            }
            Named::Service(name) => {
                let services = self.spelt(NameKind::Service, [key(name)]);
                let executables = self.spelt(NameKind::Executable, linked(&self.executables_of, &services));
                Meant { executables, services }
            }
        }
    }

    /// Statements by what is meant, ascending. One that prints an executable is known by it: several executables may
    /// share the name of a service.
    fn statements(&self, named: &Named, meant: &Meant, ports: &[PortStatement]) -> BTreeSet<usize> {
        let by = |map: &BTreeMap<String, Vec<usize>>, keys: &BTreeSet<String>| {
            keys.iter().filter_map(|key| map.get(key)).flatten().copied().collect::<Vec<_>>()
        };
        let prints_executable = |at: &usize| ports.get(*at).is_some_and(|s| s.executable.is_some());
        let by_service = by(&self.by_service, &meant.services).into_iter();
        let services = by_service.filter(|at| matches!(named, Named::Service(_)) || !prints_executable(at));
        // A service may be called like the executable without `.exe`.
        let same = by(&self.by_service, &meant.executables).into_iter().filter(|at| !prints_executable(at));
        services.chain(same).chain(by(&self.by_executable, &meant.executables)).collect()
    }
}

/// The names of all documents.
pub(super) struct Names<'a> {
    catalog: &'a Catalog,
    words: Vec<Words>,
}

impl<'a> Names<'a> {
    pub(super) fn of(catalog: &'a Catalog) -> Self {
        Self { catalog, words: catalog.documents().iter().map(Words::of).collect() }
    }

    /// The statements of that name, mentions left out.
    pub(super) fn statements(&self, named: &Named) -> Vec<(At, &'a PortStatement)> {
        let documents = self.catalog.documents().iter().zip(&self.words).enumerate();
        let mut all = Vec::new();
        for (d, (document, words)) in documents {
            let found = words.statements(named, &words.meant(named), &document.ports);
            all.extend(found.into_iter().filter_map(|s| Some(((d, s), document.ports.get(s)?))));
        }
        all
    }

    /// What a document means by a name.
    pub(super) fn meant(&self, document: usize, named: &Named) -> Meant {
        self.words.get(document).map(|words| words.meant(named)).unwrap_or_default()
    }

    /// The dynamic range of a document whose list of executables names a daemon: document, range.
    pub(super) fn dynamic_range(&self, daemon: &str, fits: impl Fn(&str) -> bool) -> Option<At> {
        let named = Named::Executable(daemon.to_owned());
        self.catalog.documents().iter().enumerate().find_map(|(d, document)| {
            let meant = self.meant(d, &named);
            let lists = |names: &[String]| names.iter().any(|name| meant.has(name));
            let at = document.dynamic_ranges.iter().position(|range| fits(&range.role) && lists(&range.executables));
            Some((d, at?))
        })
    }

    /// "Table 8 of factorytalk-assetcentre".
    pub(super) fn citation(&self, (document, statement): At) -> String {
        let document = self.catalog.documents().get(document);
        let statement = document.and_then(|d| d.ports.get(statement));
        let (id, citation) = (document.map_or("", |d| &d.id), statement.map_or("", |s| &s.citation));
        format!("{citation} of {id}")
    }
}
