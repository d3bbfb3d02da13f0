//! Ordered data flows: what a document says happens between which roles, step by step.

use super::document::Standing;
use crate::model::Transport;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, Serialize, JsonSchema)]
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
    /// Identifiers of the contradictions that it is part of.
    pub conflicts: Vec<String>,
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
