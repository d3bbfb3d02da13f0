//! Restarts: what makes a host or a service take new dynamic ports.

use super::flow::Transport;
use std::net::IpAddr;
use std::sync::Arc;

/// What restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RestartKind {
    /// The whole host: none of its earlier listeners is there any more.
    Host,
    /// A service: the ports that it moved from are gone, the others stay.
    Service,
}

impl RestartKind {
    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Service => "service",
        }
    }
}

/// Something that was announced at one port, and later at another only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedPort {
    /// What moved, as announced: interface UUID, SQL instance, licence vendor.
    pub subject: String,
    /// Transport.
    pub transport: Transport,
    /// Where it was.
    pub from: u16,
    /// Where it is.
    pub to: u16,
}

/// A restart, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// The host.
    pub host: IpAddr,
    /// What restarted.
    pub kind: RestartKind,
    /// Last sign of what was before.
    pub before_ns: i64,
    /// First sign of what is after.
    pub after_ns: i64,
    /// What is announced at another port since.
    pub moved: Vec<MovedPort>,
    /// Connections that the host opened within two minutes after it came back.
    pub opened_after: u64,
    /// One sentence: what shows it.
    pub evidence: String,
    /// Capture of the first announcement of a new port; empty where the host itself tells of its start.
    pub capture: Arc<str>,
    /// Its frame, 0 where there is none.
    pub frame: u64,
}
