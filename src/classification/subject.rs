//! What an announcement is about, by its name in the documents, or as it was said.

use crate::catalog::{ANY_ROLE, Catalog, SubjectKind};
use crate::model::{Announced, Announcement, Mechanism};
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// What is to be found at an announced port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    /// Its name: that of a document, or what was said.
    pub(super) name: String,
    /// The documented service that it belongs to.
    pub(super) service: Option<Stated>,
}

/// Where a document states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) service: String,
    pub(super) document: String,
    pub(super) citation: String,
    /// Roles at which the document has it; empty where it does not say.
    pub(super) roles: Vec<String>,
}

impl Stated {
    /// Whether the document has the service at a host of these roles.
    pub(super) fn is_at(&self, roles: &[String]) -> bool {
        self.roles.is_empty() || self.roles.iter().any(|role| role == ANY_ROLE || roles.contains(role))
    }
}

/// The subjects of announcements, each looked for once: documents are searched for all that they say of it.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    all: Vec<Subject>,
    /// For each announcement its place among them.
    places: Vec<usize>,
}

impl Subjects {
    pub(super) fn of(announcements: &[Announcement], catalog: &Catalog) -> Self {
        let mut known: HashMap<(Mechanism, &str, &str), usize, RandomState> = HashMap::default();
        let mut all = Vec::new();
        let mut places = Vec::with_capacity(announcements.len());
        for Announcement { said, .. } in announcements {
            let place = known.entry((said.mechanism, &said.subject, &said.version)).or_insert_with(|| {
                all.push(subject(catalog, said));
                all.len() - 1
            });
            places.push(*place);
        }
        Self { all, places }
    }

    /// That of the announcement at this place of the facts.
    pub(super) fn get(&self, announcement: usize) -> Option<&Subject> {
        self.all.get(*self.places.get(announcement)?)
    }
}

/// The subject of an announcement.
fn subject(catalog: &Catalog, said: &Announced) -> Subject {
    let Announced { subject: id, version, .. } = said;
    let of = |text: &str| if id.is_empty() { text.to_owned() } else { format!("{text} {id}") };
    let name = match said.mechanism {
        Mechanism::EptMap | Mechanism::EptLookup => of("unknown interface"),
        Mechanism::ResolveOxid
        | Mechanism::RemoteActivation
        | Mechanism::GetClassObject
        | Mechanism::CreateInstance => match id.is_empty() {
            true => "DCOM objects".to_owned(),
            false => of("DCOM class"),
        },
        Mechanism::SqlBrowser => of("SQL Server instance"),
        Mechanism::SqlBrowserDac => of("administrator connection of SQL Server instance"),
        Mechanism::FlexNetRedirect => of("licence vendor daemon"),
        Mechanism::FtpPassive | Mechanism::FtpActive => "FTP data".to_owned(),
        Mechanism::Portmapper => of("ONC RPC program"),
        Mechanism::ForwardOpen => "CIP implicit I/O".to_owned(),
    };
    named(catalog, SubjectKind::announced_by(said.mechanism), id, version, name)
}

/// An RPC interface that a call asks for, "UUID vMAJOR.MINOR".
pub(super) fn interface(catalog: &Catalog, text: &str) -> Subject {
    let (uuid, version) = text.split_once(" v").unwrap_or((text, ""));
    named(catalog, Some(SubjectKind::RpcInterface), uuid, version, format!("unknown interface {uuid}"))
}

/// The first document's word about a subject, or else `unknown`.
fn named(catalog: &Catalog, kind: Option<SubjectKind>, id: &str, version: &str, unknown: String) -> Subject {
    let Some(naming) = kind.and_then(|kind| catalog.announced(kind, id, version)) else {
        return Subject { name: unknown, service: None };
    };
    let stated = |service: &String| Stated {
        service: service.clone(),
        document: naming.document.id.clone(),
        citation: naming.entry.citation.clone(),
        roles: naming.roles(),
    };
    Subject { name: naming.entry.name.clone(), service: naming.entry.service.as_ref().map(stated) }
}
