//! The spellings of a document: every name as printed, and the one form to compare with.

use super::document::Document;
use super::service::{Name, NameKind, folded};
use std::collections::{BTreeMap, BTreeSet};

/// A name with all its spellings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelt<'a> {
    /// Of what.
    pub kind: NameKind,
    /// The spelling to compare with.
    pub canonical: &'a str,
    /// Every spelling that the document prints, and the citations of the rows that print it. None where the spelling
    /// stands in running text: see the name's own citation.
    pub spellings: BTreeMap<&'a str, Vec<&'a str>>,
    /// The document's own entry about the name.
    pub entry: Option<&'a Name>,
}

/// All names of a document.
#[derive(Debug, Clone, Default)]
pub struct Spellings<'a> {
    names: Vec<Spelt<'a>>,
    /// Kind and folded spelling to the place in `names`.
    by_spelling: BTreeMap<(NameKind, String), usize>,
}

impl<'a> Spellings<'a> {
    /// Gathers them: declared names first, then every name that a row prints. What differs in case or white space only is
    /// one name, under the spelling that comes first.
    #[must_use]
    pub fn of(document: &'a Document) -> Self {
        let mut all = Self::default();
        for name in &document.names {
            let at = all.names.len();
            let none = || name.spellings.iter().map(|spelling| (spelling.as_str(), Vec::new())).collect();
            all.names.push(Spelt { kind: name.kind, canonical: &name.canonical, spellings: none(), entry: Some(name) });
            for spelling in std::iter::once(&name.canonical).chain(&name.spellings) {
                all.by_spelling.entry((name.kind, folded(spelling))).or_insert(at);
            }
        }
        for (kind, name, citation) in printed_names(document) {
            all.add(kind, name, citation);
        }
        all
    }

    fn add(&mut self, kind: NameKind, name: &'a str, citation: &'a str) {
        let at = *self.by_spelling.entry((kind, folded(name))).or_insert(self.names.len());
        if at == self.names.len() {
            self.names.push(Spelt { kind, canonical: name, spellings: BTreeMap::new(), entry: None });
        }
        if let Some(spelt) = self.names.get_mut(at) {
            let citations = spelt.spellings.entry(name).or_default();
            if !citations.contains(&citation) {
                citations.push(citation);
            }
        }
    }

    /// The names: those that the document declares, then the others in the order of their first row.
    #[must_use]
    pub fn names(&self) -> &[Spelt<'a>] {
        &self.names
    }

    /// The spelling to compare an executable with; the name itself where the document does not know it.
    #[must_use]
    pub fn canonical(&self, executable: &'a str) -> &'a str {
        let at = self.by_spelling.get(&(NameKind::Executable, folded(executable)));
        at.and_then(|at| self.names.get(*at)).map_or(executable, |spelt| spelt.canonical)
    }
}

/// Every name that a row prints, with the citation of the row. Readings print nothing, and what a port statement calls
/// its service may be a label for people: it counts where a table of services or an entry knows the name.
fn printed_names(document: &Document) -> impl Iterator<Item = (NameKind, &str, &str)> {
    let listed = document.services.iter().map(|row| row.service.as_str());
    let declared = document.names.iter().filter(|name| name.kind == NameKind::Service);
    let declared = declared.flat_map(|name| name.spellings.iter().map(String::as_str));
    let known: BTreeSet<String> = listed.chain(declared).map(folded).collect();
    let ports = document.ports.iter().filter(|port| port.standing.is_printed()).flat_map(move |port| {
        let executable = port.executable.as_deref().map(|name| (NameKind::Executable, name, port.citation.as_str()));
        let service = known.contains(&folded(&port.service));
        executable.into_iter().chain(service.then_some((
            NameKind::Service,
            port.service.as_str(),
            port.citation.as_str(),
        )))
    });
    let ranges = document.dynamic_ranges.iter().flat_map(|range| {
        range.executables.iter().map(|name| (NameKind::Executable, name.as_str(), range.citation.as_str()))
    });
    let services = document.services.iter().flat_map(|row| {
        let executable = row.executable.as_deref().map(|name| (NameKind::Executable, name, row.citation.as_str()));
        std::iter::once((NameKind::Service, row.service.as_str(), row.citation.as_str())).chain(executable)
    });
    let communications = document.communications.iter().flat_map(|entry| {
        entry.executables.iter().map(|name| (NameKind::Executable, name.as_str(), entry.citation.as_str()))
    });
    let steps = document.scenarios.iter().flat_map(|scenario| {
        let names = scenario.steps.iter().flat_map(|step| &step.services);
        names.map(|name| {
            let is_file = name.to_lowercase().contains(".exe");
            let kind = if is_file { NameKind::Executable } else { NameKind::Service };
            (kind, name.as_str(), scenario.citation.as_str())
        })
    });
    ports.chain(ranges).chain(services).chain(communications).chain(steps)
}
