//! What brokers announce ports for, and what documents call it: RPC interfaces, SQL instances, licence vendors, ONC RPC
//! programs.
//!
//! A broker (endpoint mapper, SQL browser, licence manager, portmapper) announces a port for a *subject* that people know
//! by another name, or by none. An entry gives the name, and says which service of its document is meant, where the
//! document says so.

use super::catalogue::Catalog;
use super::document::{Document, DocumentKind, Standing};
use super::question::{Answer, about_name};
use crate::model::Mechanism;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What kind of thing a broker announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// A DCE/RPC or DCOM interface, by its UUID.
    RpcInterface,
    /// An instance of SQL Server, by its name.
    SqlInstance,
    /// A vendor of a FlexNet licence manager, by the name of its daemon.
    LicenceVendor,
    /// An ONC RPC program, by its number.
    OncRpcProgram,
}

impl SubjectKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::RpcInterface, Self::SqlInstance, Self::LicenceVendor, Self::OncRpcProgram];

    /// Name as written in the TOML form and printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RpcInterface => "rpc-interface",
            Self::SqlInstance => "sql-instance",
            Self::LicenceVendor => "licence-vendor",
            Self::OncRpcProgram => "onc-rpc-program",
        }
    }

    /// What is announced in this way; `None` where it has no name of its own.
    #[must_use]
    pub fn announced_by(mechanism: Mechanism) -> Option<Self> {
        match mechanism {
            Mechanism::EptMap
            | Mechanism::EptLookup
            | Mechanism::ResolveOxid
            | Mechanism::RemoteActivation
            | Mechanism::GetClassObject
            | Mechanism::CreateInstance => Some(Self::RpcInterface),
            Mechanism::SqlBrowser | Mechanism::SqlBrowserDac => Some(Self::SqlInstance),
            Mechanism::FlexNetRedirect => Some(Self::LicenceVendor),
            Mechanism::Portmapper => Some(Self::OncRpcProgram),
            Mechanism::FtpPassive | Mechanism::FtpActive | Mechanism::ForwardOpen => None,
        }
    }

    /// Whether its subjects have versions.
    pub(super) fn has_versions(self) -> bool {
        matches!(self, Self::RpcInterface | Self::OncRpcProgram)
    }

    /// A subject in the form to compare with: neither Windows nor FlexNet tells upper case from lower case, and a UUID may
    /// stand in braces.
    pub(super) fn key(self, subject: &str) -> String {
        let subject = subject.trim();
        match self {
            Self::RpcInterface => subject.trim_start_matches('{').trim_end_matches('}').to_ascii_lowercase(),
            Self::SqlInstance | Self::LicenceVendor => subject.to_lowercase(),
            Self::OncRpcProgram => subject.to_owned(),
        }
    }
}

impl std::fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a text is a UUID as documents write it: lower case, with hyphens.
pub(super) fn is_uuid(text: &str) -> bool {
    let hyphen = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, byte): (usize, u8)| match byte {
        b'-' => hyphen(at),
        b'0'..=b'9' | b'a'..=b'f' => !hyphen(at),
        _ => false,
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

/// The name of something that a broker announces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnnouncedSubject {
    /// Of what.
    pub kind: SubjectKind,
    /// What is announced: UUID in lower case with hyphens, instance, vendor daemon, program number.
    pub subject: String,
    /// The version that the name is for, "1.0" or "1"; `None`: any.
    pub version: Option<String>,
    /// Short name: LSARPC.
    pub name: String,
    /// What it is in words: Local Security Authority.
    pub title: Option<String>,
    /// The service or executable of the same document that serves it: a port that is announced for the subject is then
    /// that service's.
    pub service: Option<String>,
    /// Weight.
    pub standing: Standing,
    /// Under which condition it holds, as printed.
    pub condition: Option<String>,
    /// What the document prints, where it is not the name.
    pub printed: Option<String>,
    /// Conflicts, conditions and readings.
    pub note: Option<String>,
    /// Identifiers of the contradictions that it is part of.
    pub conflicts: Vec<String>,
    /// Table, chapter or section.
    pub citation: String,
}

impl AnnouncedSubject {
    /// The subject in the form to compare with.
    pub(super) fn key(&self) -> (SubjectKind, String) {
        (self.kind, self.kind.key(&self.subject))
    }

    /// Whether the entry is about a version: both sides may leave it out, and a number alone is any of its revisions.
    fn fits(&self, version: &str) -> Fit {
        let Some(own) = self.version.as_deref() else { return Fit::AnyVersion };
        let (major, minor) = parts(own);
        let (asked, revision) = parts(version);
        let same = version.is_empty() || major == asked && (minor == revision || minor.is_none() || revision.is_none());
        if same { Fit::Version } else { Fit::OtherVersion }
    }
}

fn parts(version: &str) -> (&str, Option<&str>) {
    version.split_once('.').map_or((version, None), |(major, minor)| (major, Some(minor)))
}

/// How well an entry fits what is asked, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Version,
    AnyVersion,
    OtherVersion,
}

/// A document that names what is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Naming<'a> {
    /// The document.
    pub document: &'a Document,
    /// Its entry.
    pub entry: &'a AnnouncedSubject,
}

impl<'a> Naming<'a> {
    /// All that the document says about the service which serves it: port statements, dynamic ranges, descriptions.
    /// `None` where the entry names no service.
    #[must_use]
    pub fn service(&self) -> Option<Answer<'a>> {
        self.entry.service.as_deref().map(|service| about_name(self.document, service))
    }

    /// The roles at which the document has that service: by its statements and ranges, or else by its services tables. Empty
    /// where it names none.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        let Some(answer) = self.service() else { return Vec::new() };
        let statements = answer.statements.iter().flat_map(|statement| statement.roles.iter());
        let mut roles: Vec<String> = statements.chain(answer.ranges.iter().map(|range| &range.role)).cloned().collect();
        if roles.is_empty() {
            roles = answer.services.iter().map(|row| row.role.clone()).collect();
        }
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}

/// Where the entries about a subject are: document, entry.
pub(super) type Subjects = BTreeMap<(SubjectKind, String), Vec<(usize, usize)>>;

impl Catalog {
    /// What is announced, by the first document that names it. See [`Catalog::all_announced`].
    #[must_use]
    pub fn announced(&self, kind: SubjectKind, subject: &str, version: &str) -> Option<Naming<'_>> {
        self.all_announced(kind, subject, version).into_iter().next()
    }

    /// Every document that names what is announced: vendors and the site before general knowledge, then in the order of the
    /// documents. The version may be empty; entries about another version stand last, because an interface keeps its name.
    /// Upper and lower case and braces do not count.
    #[must_use]
    pub fn all_announced(&self, kind: SubjectKind, subject: &str, version: &str) -> Vec<Naming<'_>> {
        let entries = self.by_subject.get(&(kind, kind.key(subject))).map(Vec::as_slice).unwrap_or_default();
        let mut found: Vec<(_, Naming<'_>)> = entries
            .iter()
            .filter_map(|&(at, index)| {
                let document = self.documents.get(at)?;
                let entry = document.announced.get(index)?;
                let (fit, general) = (entry.fits(version), document.kind == DocumentKind::General);
                Some(((fit == Fit::OtherVersion, general, at, fit, index), Naming { document, entry }))
            })
            .collect();
        found.sort_by_key(|(order, _)| *order);
        found.into_iter().map(|(_, naming)| naming).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "12345778-1234-abcd-ef00-0123456789ab";

    fn document(id: &str, kind: &str, rows: &str) -> Document {
        let head = format!("id = \"{id}\"\ntitle = \"X\"\npublisher = \"P\"\npublication = \"1\"\nkind = \"{kind}\"\n");
        let text = format!(
            "[document]\n{head}[[role]]\nid = \"server\"\ntitle = \"S\"\n[[table]]\nrole = \"server\"\ncitation = \"T\"\n\
             rows = [{{ service = \"Batch\", executable = \"batch.exe\", tcp = 6200 }}]\n\
             [[announced]]\nkind = \"rpc-interface\"\ncitation = \"T\"\nrows = [{rows}]\n"
        );
        Document::from_toml(id, &text).unwrap()
    }

    fn catalog() -> Catalog {
        let mut catalog = Catalog::empty();
        for (id, kind, rows) in [
            ("general", "general", format!("{{ subject = \"{UUID}\", version = \"0.0\", name = \"G0\" }}")),
            (
                "vendor",
                "vendor",
                format!(
                    "{{ subject = \"{UUID}\", name = \"V\", service = \"BATCH.EXE\" }}, \
                     {{ subject = \"{UUID}\", version = \"2\", name = \"V2\" }}"
                ),
            ),
            ("other", "vendor", format!("{{ subject = \"{UUID}\", version = \"1.0\", name = \"O1\" }}")),
        ] {
            catalog.extend(document(id, kind, &rows)).unwrap();
        }
        catalog
    }

    #[test]
    fn vendors_come_before_general_knowledge_and_other_versions_last() {
        let catalog = catalog();
        let names = |subject: &str, version: &str| -> Vec<String> {
            let found = catalog.all_announced(SubjectKind::RpcInterface, subject, version);
            found.iter().map(|naming| naming.entry.name.clone()).collect()
        };
        assert_eq!(names(UUID, ""), ["V2", "V", "O1", "G0"]);
        assert_eq!(names(UUID, "0.0"), ["V", "G0", "V2", "O1"]);
        assert_eq!(names(UUID, "1.0"), ["V", "O1", "V2", "G0"]);
        assert_eq!(names(UUID, "2.7"), ["V2", "V", "O1", "G0"]);
        assert_eq!(names(&format!("{{{}}}", UUID.to_uppercase()), "1"), names(UUID, "1.0"));
        assert!(names("12345778-1234-abcd-ef00-0123456789ac", "").is_empty() && names("", "").is_empty());
        assert_eq!(catalog.announced(SubjectKind::RpcInterface, UUID, "0.0").unwrap().document.id, "vendor");
        assert_eq!(catalog.announced(SubjectKind::SqlInstance, UUID, ""), None);
    }

    #[test]
    fn a_subject_leads_to_the_statements_of_its_service() {
        let catalog = catalog();
        let naming = catalog.announced(SubjectKind::RpcInterface, UUID, "3.0").unwrap();
        let answer = naming.service().unwrap();
        assert_eq!(answer.statements.iter().map(|s| s.ports.first()).collect::<Vec<_>>(), [6200]);
        let general = catalog.all_announced(SubjectKind::RpcInterface, UUID, "3.0").pop().unwrap();
        assert_eq!((general.entry.name.as_str(), general.service()), ("G0", None));
    }

    #[test]
    fn a_uuid_is_lower_case_with_hyphens() {
        assert!(is_uuid(UUID));
        for text in ["", &UUID.to_uppercase(), &UUID.replace('-', ""), &UUID.replace('f', "g"), &format!("{UUID}0")] {
            assert!(!is_uuid(text), "{text}");
        }
        assert!(!is_uuid("1234577--1234-abcd-ef00-0123456789ab") && !is_uuid("12345778-1234-abcd-ef0040123456789ab"));
    }

    #[test]
    fn each_mechanism_announces_one_kind_or_none() {
        let kinds: Vec<_> = Mechanism::ALL.iter().filter_map(|m| SubjectKind::announced_by(*m)).collect();
        assert_eq!(kinds.len(), Mechanism::ALL.len() - 3);
        assert!(SubjectKind::ALL.iter().all(|kind| kinds.contains(kind)));
    }
}
