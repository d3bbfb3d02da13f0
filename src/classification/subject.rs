//! What an announcement is about, by its name in the documents, or as it was said.

use crate::catalog::Catalog;
use crate::model::{Announced, Mechanism};

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
}

/// The subject of an announcement.
pub(super) fn subject(catalog: &Catalog, said: &Announced) -> Subject {
    let Announced { subject: id, .. } = said;
    match said.mechanism {
        Mechanism::EptMap | Mechanism::EptLookup => interface(catalog, id),
        Mechanism::ResolveOxid
        | Mechanism::RemoteActivation
        | Mechanism::GetClassObject
        | Mechanism::CreateInstance => match id.is_empty() {
            true => unstated("DCOM objects"),
            false => interface(catalog, id),
        },
        Mechanism::SqlBrowser => unstated(&format!("SQL Server instance {id}")),
        Mechanism::SqlBrowserDac => unstated(&format!("administrator connection of SQL Server instance {id}")),
        Mechanism::FlexNetRedirect if id.is_empty() => unstated("licence vendor daemon"),
        Mechanism::FlexNetRedirect => unstated(&format!("licence vendor daemon {id}")),
        Mechanism::FtpPassive | Mechanism::FtpActive => unstated("FTP data"),
        Mechanism::Portmapper => unstated(&format!("ONC RPC program {id}")),
        Mechanism::ForwardOpen => unstated("CIP implicit I/O"),
    }
}

/// An RPC interface by its UUID.
pub(super) fn interface(_catalog: &Catalog, uuid: &str) -> Subject {
    unstated(&format!("unknown interface {uuid}"))
}

fn unstated(name: &str) -> Subject {
    Subject { name: name.to_owned(), service: None }
}
