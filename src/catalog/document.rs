//! The document model: what a document says, each statement with its citation.

use super::port_range::PortRange;
use crate::model::Transport;
use serde::Deserialize;

/// The role that every host has. Only general documents may place a port there.
pub const ANY_ROLE: &str = "any";

/// Whose word a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// What a vendor printed about its product.
    Vendor,
    /// General knowledge about operating systems and networks, from standards and their makers.
    General,
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
    /// Ordered data flows.
    pub scenarios: Vec<Scenario>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Printed where the document lists what has to be open.
    #[default]
    Rule,
    /// Printed as a recommendation.
    Recommended,
    /// Holds under a condition that the note names (a feature in use, a product version).
    Conditional,
    /// Printed only in an overview; the document's rules do not repeat it.
    Overview,
    /// Contradicts another statement of the same document that is used by default; the note says which.
    Alternative,
    /// Printed as a step of a data flow only.
    Scenario,
    /// Not printed in so many words: follows from the cited text, and the note says how.
    Reading,
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
        }
    }
}

/// Which way the document says the port is used, seen from the role that it is stated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
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
    /// Executables that the document says use it.
    pub executables: Vec<String>,
    /// Conflicts and readings.
    pub note: Option<String>,
    /// Table or chapter.
    pub citation: String,
}

/// An ordered data flow between roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Short name, unique in its document.
    pub id: String,
    /// Title as printed.
    pub title: String,
    /// Table or chapter.
    pub citation: String,
    /// Steps in the order of their numbers.
    pub steps: Vec<Step>,
}

/// Who opens the connection of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leg {
    /// `from` connects to `to`.
    #[default]
    Opens,
    /// `from` answers on the connection that `to` opened: a "dynamic" port here is the caller's own ephemeral port.
    Replies,
    /// The document leaves open whether `from` answers or opens a connection of its own.
    RepliesOrOpens,
}

/// One end of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// The end that acts.
    From,
    /// The end that is acted upon.
    #[default]
    To,
}

/// One step of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Number as printed.
    pub number: u16,
    /// Description as printed.
    pub description: String,
    /// Roles, any of which may act. For a local step: what the text implies.
    pub from: Vec<String>,
    /// Roles, any of which may be acted upon. For a local step: what the text implies.
    pub to: Vec<String>,
    /// Printed as internal to a computer: no traffic is documented for it.
    pub local: bool,
    /// Services as printed.
    pub services: Vec<String>,
    /// Ports, any of which serves.
    pub ports: Vec<StepPort>,
    /// Who opens the connection.
    pub leg: Leg,
    /// The port cell as printed, where `ports` reads it differently.
    pub printed: Option<String>,
    /// Conflicts and readings.
    pub note: Option<String>,
}

/// A port of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPort {
    /// Transport.
    pub transport: Transport,
    /// Number, or dynamic.
    pub spec: StepPortSpec,
    /// What the document prints in parentheses: HTTPS, Socket.IO, DCOM…
    pub purpose: Option<String>,
    /// The one service that it belongs to, where the step names several with a port each.
    pub service: Option<String>,
    /// At which end the port is.
    pub party: Party,
    /// [`Standing::Scenario`] where printed, [`Standing::Reading`] where the note explains it.
    pub standing: Standing,
}

/// The port number of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepPortSpec {
    /// A number.
    Fixed(u16),
    /// Printed as "dynamic".
    Dynamic,
}

impl StepPortSpec {
    /// The number, where it is fixed.
    #[must_use]
    pub fn fixed(self) -> Option<u16> {
        match self {
            Self::Fixed(port) => Some(port),
            Self::Dynamic => None,
        }
    }
}
