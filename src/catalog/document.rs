//! The document model: what a document says, each statement with its citation.
//!
//! Ports are here; data flows are in [`scenario`](super::Scenario), what is said about services without a port in
//! [`service`](super::ServiceRow), and what is said about neither in [`fact`](super::Fact).

use super::announced::AnnouncedSubject;
use super::fact::{Conflict, Fact};
use super::port_range::PortRange;
use super::scenario::Scenario;
use super::service::{Communication, Name, ServiceRow};
use crate::model::Transport;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The role that every host has. Only general documents may place a port there.
pub const ANY_ROLE: &str = "any";

/// Whose word a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// What a vendor printed about its product.
    Vendor,
    /// General knowledge about operating systems and networks, from standards and their makers.
    General,
    /// What the site file says and no document does. Never read from a document.
    #[serde(skip)]
    Site,
}

impl DocumentKind {
    /// Name as written in the TOML form and printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::General => "general",
            Self::Site => "site",
        }
    }
}

/// One source of statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Short name, unique in a catalogue: lower case, digits, hyphens.
    pub id: String,
    /// Title as printed.
    pub title: String,
    /// Who published it.
    pub publisher: String,
    /// Publication number or name.
    pub publication: String,
    /// Edition or version, where known.
    pub edition: Option<String>,
    /// Where to find it.
    pub url: Option<String>,
    /// Products and versions that it speaks about, as printed.
    pub products: Vec<String>,
    /// Vendor or general.
    pub kind: DocumentKind,
    /// The parts that hosts play in it.
    pub roles: Vec<Role>,
    /// Which ports listen where; one entry per port or range, in the order of the file.
    pub ports: Vec<PortStatement>,
    /// Ranges from which the product takes ports that change.
    pub dynamic_ranges: Vec<DynamicRange>,
    /// What the document lists as services, whether it prints a port for them or not.
    pub services: Vec<ServiceRow>,
    /// Which services speak a protocol that carries others (Socket.IO, DCOM).
    pub communications: Vec<Communication>,
    /// Names of what brokers announce ports for.
    pub announced: Vec<AnnouncedSubject>,
    /// Ordered data flows.
    pub scenarios: Vec<Scenario>,
    /// Names that the document spells in more than one way.
    pub names: Vec<Name>,
    /// What it says besides.
    pub facts: Vec<Fact>,
    /// Where it contradicts itself, and which statement is used by default.
    pub conflicts: Vec<Conflict>,
}

impl Document {
    /// The role with this identifier or alias.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.is_called(name))
    }
}

/// A transport and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRef {
    /// Transport.
    pub transport: Transport,
    /// Port.
    pub port: u16,
}

impl std::fmt::Display for PortRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.port, self.transport)
    }
}

/// A part that a host plays. Documents that declare the same identifier mean the same role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Short name: lower case, digits, hyphens.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// Other names that a site file may use.
    pub aliases: Vec<String>,
    /// Ports that give the role away: a host that serves *all* of them probably has it. Empty: nothing does.
    pub signature: Vec<PortRef>,
    /// Order of guessing, 1 first. A role is guessed only at a host to which no role of a lower rank fits.
    pub signature_rank: u8,
}

impl Role {
    /// Whether the name is its identifier or an alias.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.id == name || self.aliases.iter().any(|alias| alias == name)
    }
}

/// What weight a port statement has in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Printed where the document lists what has to be open.
    #[default]
    Rule,
    /// Printed as a recommendation.
    Recommended,
    /// Holds under a condition that `condition` names (a feature in use, a product version).
    Conditional,
    /// Printed in an overview: what has to be open stands in other statements, which may say the same.
    Overview,
    /// Contradicts another statement of the same document that is used by default; the note says which.
    Alternative,
    /// Printed as a step of a data flow only.
    Scenario,
    /// Not printed in so many words: follows from the cited text, and the note says how.
    Reading,
    /// Printed, but not as a port that anything needs: an example, the description of a range. Covers no traffic.
    Mention,
}

impl Standing {
    /// Name as written in the TOML form and printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Recommended => "recommended",
            Self::Conditional => "conditional",
            Self::Overview => "overview",
            Self::Alternative => "alternative",
            Self::Scenario => "scenario",
            Self::Reading => "reading",
            Self::Mention => "mention",
        }
    }

    /// Whether the document prints it: a reading follows from the text without standing there, and a port that only a
    /// data flow names is stated at a role by the reader of that flow.
    #[must_use]
    pub fn is_printed(self) -> bool {
        !matches!(self, Self::Scenario | Self::Reading)
    }
}

/// Which way the document says the port is used, seen from the role that it is stated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// It listens there.
    #[default]
    Listens,
    /// It connects from there to another role, which listens.
    ConnectsOut,
    /// The document does not say; taken as listening.
    NotStated,
}

impl Direction {
    /// Name as written in the TOML form and printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Listens => "listens",
            Self::ConnectsOut => "connects-out",
            Self::NotStated => "not-stated",
        }
    }
}

/// Whether a caller is one that a statement names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The statement names a role of the caller.
    Named,
    /// The statement names callers, and this is none of them.
    NotNamed,
    /// The statement does not say who calls.
    NotStated,
}

/// One port, or one range, that a document says listens at a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortStatement {
    /// Service for people; the executable where the document gives no other name.
    pub service: String,
    /// Executable as printed.
    pub executable: Option<String>,
    /// One or both transports.
    pub transports: Vec<Transport>,
    /// Whether the document prints the transport; otherwise `transports` is a reading.
    pub protocol_stated: bool,
    /// The port or range.
    pub ports: PortRange,
    /// The role under which the document prints it; [`ANY_ROLE`] where it names none.
    pub stated_for: String,
    /// Which way it is used, seen from `stated_for`.
    pub direction: Direction,
    /// The roles at which it listens, any of them.
    pub roles: Vec<String>,
    /// Roles that the document, or one of its scenarios, names as callers. Empty: the document does not say.
    pub callers: Vec<String>,
    /// Whether the document says that the user may change the number.
    pub user_modifiable: bool,
    /// Ports tried in this order when the port is taken.
    pub fallback_ports: Vec<u16>,
    /// Weight.
    pub standing: Standing,
    /// What it is needed for, where the document restricts it.
    pub required_for: Option<String>,
    /// Under which condition it holds, as printed: a feature in use, versions of the product.
    pub condition: Option<String>,
    /// Identifiers of the contradictions that it is part of.
    pub conflicts: Vec<String>,
    /// The port cell or sentence as printed, where it differs from the numbers.
    pub printed: Option<String>,
    /// Conflicts, conditions and readings.
    pub note: Option<String>,
    /// Table or chapter.
    pub citation: String,
}

impl PortStatement {
    /// Whether it speaks about a host with these roles.
    #[must_use]
    pub fn listens_at<R: AsRef<str>>(&self, roles: &[R]) -> bool {
        self.roles.iter().any(|own| own == ANY_ROLE || roles.iter().any(|role| role.as_ref() == own))
    }

    /// Whether it names a caller with these roles.
    #[must_use]
    pub fn caller<R: AsRef<str>>(&self, roles: &[R]) -> Caller {
        if self.callers.is_empty() {
            return Caller::NotStated;
        }
        let named = |own: &String| own == ANY_ROLE || roles.iter().any(|role| role.as_ref() == own);
        if self.callers.iter().any(named) { Caller::Named } else { Caller::NotNamed }
    }
}

/// A range from which a product takes ports that change with every start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicRange {
    /// The role whose hosts listen there.
    pub role: String,
    /// Transport.
    pub transport: Transport,
    /// The range.
    pub ports: PortRange,
    /// How many the vendor saw in use in its own test. Neither a limit nor a requirement.
    pub observed_ports: Option<u32>,
    /// Executables that the document says use it, as printed.
    pub executables: Vec<String>,
    /// Weight.
    pub standing: Standing,
    /// The sentence as printed.
    pub printed: Option<String>,
    /// Identifiers of the contradictions that it is part of.
    pub conflicts: Vec<String>,
    /// Conflicts and readings.
    pub note: Option<String>,
    /// Table or chapter.
    pub citation: String,
}
