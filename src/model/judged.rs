//! Judged rows: what classification and port counting conclude, each with its evidence.

use super::capture::ReadingCounts;
use super::display_filter::flow_filter;
use super::flow::{DirectionFacts, Endpoint, FlowRecord, Side, Transport};
use super::referral::Referral;
use std::net::IpAddr;

/// How sure it is which side initiated a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Orientation {
    /// No evidence, or evidence for both sides.
    Unknown,
    /// Little more than a coin flip. Never becomes a rule.
    Guess,
    /// More likely than not.
    Probable,
    /// Several pieces of evidence agree.
    Strong,
    /// The handshake shows it.
    Certain,
}

impl Orientation {
    /// All of them, least sure first: the position is the rank.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Guess, Self::Probable, Self::Strong, Self::Certain];

    /// How sure, from 0: for frames that hold numbers only.
    #[must_use]
    pub fn rank(self) -> u64 {
        self as u64
    }

    /// The inverse of [`Self::rank`]; numbers beyond are the surest.
    #[must_use]
    pub fn of_rank(rank: u64) -> Self {
        let at = usize::try_from(rank).unwrap_or(usize::MAX);
        Self::ALL.get(at).copied().unwrap_or(Self::Certain)
    }

    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Guess => "guess",
            Self::Probable => "probable",
            Self::Strong => "strong",
            Self::Certain => "certain",
        }
    }
}

/// What became of the attempt to talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The handshake completed, or datagrams went both ways.
    Established,
    /// The responder answered with RST, or ICMP port unreachable.
    Refused,
    /// Nothing came back although the tap sees both directions there.
    Unanswered,
    /// ICMP says that a filter forbids it.
    Prohibited,
    /// Only one direction is in the recording.
    OneSided,
    /// The recording began after the conversation.
    Midstream,
    /// The recording does not allow to tell.
    Undetermined,
}

impl Outcome {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 7] = [
        Self::Established,
        Self::Refused,
        Self::Unanswered,
        Self::Prohibited,
        Self::OneSided,
        Self::Midstream,
        Self::Undetermined,
    ];

    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::Prohibited => "prohibited",
            Self::OneSided => "one-sided",
            Self::Midstream => "midstream",
            Self::Undetermined => "undetermined",
        }
    }

    /// Whether somebody or something kept the attempt from succeeding.
    #[must_use]
    pub fn is_blocked(self) -> bool {
        matches!(self, Self::Refused | Self::Unanswered | Self::Prohibited)
    }
}

/// How a flow relates to the documents. A closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// A document's statement, at a host of that role, called by a role that the document, a scenario or the site allows.
    Documented,
    /// A document's statement at a host of that role, called by somebody it does not name.
    DocumentedPortUnexpectedPeer,
    /// A broker announced the port to this client for a documented service.
    DocumentedByReferral,
    /// A dynamic port whose use follows from the sequence of a documented data flow or of a broker's conversation.
    DynamicExplained,
    /// A dynamic port that nothing explains. Counts as undocumented everywhere.
    DynamicUnexplained,
    /// General operating-system or domain traffic (name service, time, authentication…): not the vendor's document.
    Infrastructure,
    /// An exception that the site file accepts, with its owner.
    Accepted,
    /// Part of a sweep over many ports or hosts.
    Scan,
    /// No statement covers it.
    Undocumented,
}

impl Status {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 9] = [
        Self::Undocumented,
        Self::DynamicUnexplained,
        Self::DocumentedPortUnexpectedPeer,
        Self::Scan,
        Self::DynamicExplained,
        Self::DocumentedByReferral,
        Self::Documented,
        Self::Infrastructure,
        Self::Accepted,
    ];

    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::DocumentedPortUnexpectedPeer => "documented-port-unexpected-peer",
            Self::DocumentedByReferral => "documented-by-referral",
            Self::DynamicExplained => "dynamic-explained",
            Self::DynamicUnexplained => "dynamic-unexplained",
            Self::Infrastructure => "infrastructure",
            Self::Accepted => "accepted",
            Self::Scan => "scan",
            Self::Undocumented => "undocumented",
        }
    }

    /// Whether a reviewer has to look at it: no document covers it.
    #[must_use]
    pub fn is_undocumented(self) -> bool {
        matches!(self, Self::Undocumented | Self::DynamicUnexplained)
    }
}

/// The judgement of one flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// How sure the direction is.
    pub orientation: Orientation,
    /// The evidence for the direction, strongest first, e.g. "SYN in frame 12".
    pub orientation_evidence: String,
    /// How much more speaks for this initiator than against it, in tenths of log10 odds; 0 when orientation is unknown.
    pub orientation_score: u32,
    /// True where much (20 tenths or more) speaks for the other side.
    pub orientation_conflict: bool,
    /// The initiator; when orientation is unknown, the sender of the first packet and nothing else.
    pub initiator: Endpoint,
    /// The responder.
    pub responder: Endpoint,
    /// What the first bytes said: protocol name. Empty where no recogniser knew it.
    pub application: String,
    /// The documented service, e.g. "RA.FTAC.Server.exe"; else what was announced or asked for there, e.g. "LSARPC". Empty
    /// where neither is known.
    pub service: String,
    /// The announcement that explains it.
    pub referral: Option<Box<Referral>>,
    /// How it relates to the documents.
    pub status: Status,
    /// Why: statement, table, rule.
    pub reason: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The packets that show it, or why they do not; empty where the outcome's name says all.
    pub outcome_evidence: String,
}

/// A flow and its judgement, ready for every report and export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedFlow {
    /// Name of the capture file of its first frame, as given.
    pub capture: std::sync::Arc<str>,
    /// The facts.
    pub facts: FlowRecord,
    /// What follows from them.
    pub judgement: Judgement,
}

impl JudgedFlow {
    /// The side that initiated.
    #[must_use]
    pub fn initiator_side(&self) -> Side {
        if self.facts.key.a == self.judgement.initiator { Side::A } else { Side::B }
    }

    /// From initiator to responder.
    #[must_use]
    pub fn forward(&self) -> &DirectionFacts {
        self.facts.from(self.initiator_side())
    }

    /// From responder to initiator.
    #[must_use]
    pub fn reverse(&self) -> &DirectionFacts {
        self.facts.from(self.initiator_side().other())
    }

    /// A Wireshark display filter that shows this flow's packets in its capture.
    #[must_use]
    pub fn display_filter(&self) -> String {
        flow_filter(self.judgement.initiator, self.judgement.responder, self.facts.key.transport)
    }
}

/// A connection attempt that did not succeed; repeated SYNs and retries from the same client are one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedAttempt {
    /// Who tried.
    pub initiator: IpAddr,
    /// Where to.
    pub responder: Endpoint,
    /// Transport.
    pub transport: Transport,
    /// Refused, unanswered or prohibited.
    pub outcome: Outcome,
    /// Documented service at that port, or empty.
    pub service: String,
    /// Status of the flows.
    pub status: Status,
    /// Flows (distinct client ports) that tried.
    pub flows: u64,
    /// SYNs or datagrams sent in all.
    pub packets: u64,
    /// First try.
    pub first_seen_ns: i64,
    /// Last packet.
    pub last_seen_ns: i64,
    /// Capture of the first try.
    pub capture: String,
    /// Frame of the first try.
    pub first_frame: u64,
    /// The evidence, e.g. "3 SYN, nothing back" or "RST in frame 17".
    pub evidence: String,
}

/// Conversations of which one direction was recorded, between two hosts: a remark about the tap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneSidedPair {
    /// The host whose packets are in the recording.
    pub heard: IpAddr,
    /// The host whose packets are not.
    pub unheard: IpAddr,
    /// Transport.
    pub transport: Transport,
    /// One-sided flows.
    pub flows: u64,
    /// Packets in them, from the host that was heard.
    pub packets: u64,
    /// Other flows between the two of which both directions were recorded, whoever called.
    pub two_sided_flows: u64,
    /// Further attempts from the host that was heard of which nobody can tell what became of them.
    pub undetermined_flows: u64,
    /// First packet of them.
    pub first_seen_ns: i64,
    /// Last packet of them.
    pub last_seen_ns: i64,
    /// Capture of the first one.
    pub capture: String,
    /// First frame of the first one.
    pub first_frame: u64,
    /// A Wireshark display filter that shows the direction that was heard.
    pub display_filter: String,
}

/// TCP flows with payload, and how many of them were recorded in one direction only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpSides {
    /// TCP flows with payload.
    pub with_payload_flows: u64,
    /// Of these, one-sided ones.
    pub one_sided_flows: u64,
}

/// What kind of thing a finding points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingKind {
    /// A broker announced a port, and its client did not get through to it.
    AnnouncedBlocked,
    /// A flow, grouped by endpoint, that no document covers.
    Undocumented,
    /// A dynamic port that nothing explains.
    DynamicUnexplained,
    /// A documented port called by somebody the document does not name.
    UnexpectedPeer,
    /// A sweep.
    Scan,
    /// A broker was asked for something that nobody registered.
    NotRegistered,
    /// A broker announced a port that its client did not call.
    NotFollowed,
}

impl FindingKind {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 7] = [
        Self::AnnouncedBlocked,
        Self::Undocumented,
        Self::DynamicUnexplained,
        Self::UnexpectedPeer,
        Self::Scan,
        Self::NotRegistered,
        Self::NotFollowed,
    ];

    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Undocumented => "undocumented",
            Self::DynamicUnexplained => "dynamic-unexplained",
            Self::UnexpectedPeer => "unexpected-peer",
            Self::Scan => "scan",
            Self::AnnouncedBlocked => "announced-blocked",
            Self::NotRegistered => "not-registered",
            Self::NotFollowed => "not-followed",
        }
    }

    /// Whether it speaks against the recording by itself: a client that was told a port may have had what it wanted.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self != Self::NotFollowed
    }
}

/// Something that a reviewer has to look at, with where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Kind.
    pub kind: FindingKind,
    /// Initiating address.
    pub initiator: IpAddr,
    /// Responding endpoint.
    pub responder: Endpoint,
    /// Transport.
    pub transport: Transport,
    /// One sentence: what, and why it is a finding.
    pub text: String,
    /// Worst certainty of direction among the flows.
    pub orientation: Orientation,
    /// Outcome of the first flow.
    pub outcome: Outcome,
    /// Flows that make it up.
    pub flows: u64,
    /// Capture of the first flow.
    pub capture: String,
    /// First frame of the first flow.
    pub first_frame: u64,
    /// A Wireshark display filter that shows all of them.
    pub display_filter: String,
    /// First packet.
    pub first_seen_ns: i64,
    /// Last packet.
    pub last_seen_ns: i64,
}

/// One recording as the report shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureRow {
    /// Name as given.
    pub name: String,
    /// SHA-256 of the file as stored, where known.
    pub sha256: Option<String>,
    /// Size on disk.
    pub size_bytes: Option<u64>,
    /// `pcap`, `pcapng`.
    pub format: String,
    /// Link types, comma-separated.
    pub link_types: String,
    /// Earliest frame.
    pub first_ns: Option<i64>,
    /// Latest frame.
    pub last_ns: Option<i64>,
    /// Frames read.
    pub frames: u64,
    /// Frames counted in flows.
    pub metered: u64,
    /// Packets that the recorder says it dropped.
    pub dropped: Option<u64>,
    /// Frames that the recording cut short (snap length).
    pub snapped_frames: u64,
    /// Frames stamped earlier than the one before.
    pub backward_steps: u64,
    /// What else reading it met.
    pub reading: ReadingCounts,
    /// The filter that frames had to pass to be metered.
    pub filter: Option<String>,
    /// Frames by fate.
    pub fates: Vec<(String, u64)>,
    /// Example of a frame that could not be decoded.
    pub first_stop: Option<String>,
    /// `complete`, `truncated` or `corrupt`.
    pub end: String,
    /// Where and why it ended early.
    pub end_detail: Option<String>,
}
