//! Judged announcements: which flow followed which broker's word, and what became of every word.

use super::application::{Mechanism, Tier};
use super::flow::{Endpoint, Transport};
use super::judged::Outcome;
use std::net::IpAddr;
use std::sync::Arc;

/// How closely a flow is tied to the announcement of its port, the closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tie {
    /// This client was told within the minute before it called.
    Announced,
    /// This client was told earlier: clients keep bindings.
    AnnouncedEarlier,
    /// Another client was told before.
    AnnouncedToAnother,
    /// The port was announced only after this call: the listener is known, but not from where this client knew.
    AnnouncedLater,
    /// An enumeration named the port: somebody listens there, and nobody was sent there.
    Enumerated,
    /// A broker that could not be read was asked shortly before. The weakest: never alone the ground of a rule.
    TimingOnly,
}

impl Tie {
    /// All of them, the closest first.
    pub const ALL: [Self; 6] = [
        Self::Announced,
        Self::AnnouncedEarlier,
        Self::AnnouncedToAnother,
        Self::AnnouncedLater,
        Self::Enumerated,
        Self::TimingOnly,
    ];

    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::AnnouncedEarlier => "announced-earlier",
            Self::AnnouncedToAnother => "announced-to-another",
            Self::AnnouncedLater => "announced-later",
            Self::Enumerated => "enumerated",
            Self::TimingOnly => "timing-only",
        }
    }
}

/// What explains a flow's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referral {
    /// How closely.
    pub tie: Tie,
    /// How it was announced; `None` where only the time of asking is known.
    pub mechanism: Option<Mechanism>,
    /// What is to be found there, by its name in a document or as it was said.
    pub subject: String,
    /// Capture of the frame that announced it, or in which the broker was asked.
    pub capture: Arc<str>,
    /// That frame.
    pub frame: u64,
    /// Position among the announcements of the facts; `None` where only the time of asking is known.
    pub announcement: Option<usize>,
}

/// What became of an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FollowUp {
    /// The client called, and nothing came back: error 1722's picture.
    Unanswered,
    /// The client called, and was refused.
    Refused,
    /// The client called, and a filter says no.
    Prohibited,
    /// Nobody is registered for what was asked: error 1753's picture.
    NotRegistered,
    /// The answer could not be read.
    Unreadable,
    /// The client was told and did not call: it may have had its answer already, or the call is not in the recording.
    NotFollowed,
    /// The client called another port of the same answer.
    Alternative,
    /// The client called; what became of it cannot be told.
    Undetermined,
    /// The client called and was served.
    Followed,
}

impl FollowUp {
    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unanswered => "unanswered",
            Self::Refused => "refused",
            Self::Prohibited => "prohibited",
            Self::NotRegistered => "not-registered",
            Self::Unreadable => "unreadable",
            Self::NotFollowed => "not-followed",
            Self::Alternative => "alternative",
            Self::Undetermined => "undetermined",
            Self::Followed => "followed",
        }
    }

    /// What an outcome of a call means for the announcement that led to it.
    #[must_use]
    pub fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Established | Outcome::Midstream => Self::Followed,
            Outcome::Refused => Self::Refused,
            Outcome::Unanswered => Self::Unanswered,
            Outcome::Prohibited => Self::Prohibited,
            Outcome::OneSided | Outcome::Undetermined => Self::Undetermined,
        }
    }

    /// Whether somebody or something kept the client from what it was told.
    #[must_use]
    pub fn is_blocked(self) -> bool {
        matches!(self, Self::Unanswered | Self::Refused | Self::Prohibited)
    }
}

/// Announcements of one port for one subject by one broker to one client, and what followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnouncementRow {
    /// Who said it.
    pub announcer: Endpoint,
    /// Who was told.
    pub told: IpAddr,
    /// How.
    pub mechanism: Mechanism,
    /// Host that is to listen.
    pub host: IpAddr,
    /// Transport of the announced port.
    pub transport: Transport,
    /// The port; `None` where nobody is registered or it could not be read.
    pub port: Option<u16>,
    /// What is to be found there: its name in a document, or as it was said.
    pub subject: String,
    /// The same as it was said: UUID, instance, vendor, program.
    pub subject_id: String,
    /// Its version, or empty.
    pub version: String,
    /// Host as it was stated, where that is not the packets' address.
    pub stated_host: String,
    /// How it was read; the best of them.
    pub tier: Tier,
    /// Low 16 bits of the server's process identifier, where shown.
    pub process_id: Option<u16>,
    /// Times that it was said.
    pub times: u64,
    /// What became of it: where calls were kept out, that, though others may have been served.
    pub follow_up: FollowUp,
    /// Calls of this client to this port after it.
    pub flows: u64,
    /// Capture and first frame of the first of them that shows what followed.
    pub first_call: Option<(Arc<str>, u64)>,
    /// First time.
    pub first_seen_ns: i64,
    /// Last time.
    pub last_seen_ns: i64,
    /// Capture of the first one.
    pub capture: Arc<str>,
    /// Frame that completed the first one.
    pub frame: u64,
    /// A Wireshark display filter that shows broker and calls.
    pub display_filter: String,
}
