//! What the words of the report mean: one definition each, used by the page, the tables and the terminal alike.

use crate::model::{FindingKind, Orientation, Outcome, Status};

/// What a status says, in one sentence.
#[must_use]
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Undocumented => "No document, scenario or site rule covers it.",
        Status::DynamicUnexplained => {
            "A port of the dynamic range whose use nothing explains. Counts as undocumented everywhere."
        }
        Status::DocumentedPortUnexpectedPeer => {
            "A documented port on a host of the right role, called by somebody whom the document does not name."
        }
        Status::Scan => "Part of a sweep over many ports or hosts.",
        Status::DynamicExplained => {
            "A dynamic port whose use follows from the sequence of a documented data flow or of a broker's \
             conversation."
        }
        Status::DocumentedByReferral => {
            "A broker (endpoint mapper, licence manager…) announced this port to this client for a documented service."
        }
        Status::Documented => {
            "A document states this port for a host of this role, and the caller is one that the document, a scenario \
             or the site file allows."
        }
        Status::Infrastructure => {
            "General operating-system or domain traffic (name service, time, authentication…), not the vendor's \
             document."
        }
        Status::Accepted => "Not documented, but the site file accepts it as an exception that has an owner.",
    }
}

/// What an outcome says, in one sentence.
#[must_use]
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Established => "The handshake completed, or datagrams went both ways.",
        Outcome::Refused => {
            "RST or ICMP port unreachable came back: nothing accepts there, or a firewall says no in the host's name."
        }
        Outcome::Unanswered => {
            "Nothing came back although the recording sees both directions there: filtered, or the host is down."
        }
        Outcome::Prohibited => "An ICMP message says that a filter forbids it.",
        Outcome::OneSided => "Only one direction is in the recording, so silence of the other side proves nothing.",
        Outcome::Midstream => "No handshake is in the recording: it began later, or lacks it.",
        Outcome::Undetermined => "The recording does not allow to tell, e.g. because it ended too early.",
    }
}

/// What a certainty of direction says, in one sentence.
#[must_use]
pub fn orientation(orientation: Orientation) -> &'static str {
    match orientation {
        Orientation::Certain => "The handshake shows who opened the connection.",
        Orientation::Strong => "Strong evidence short of a handshake, and little against it.",
        Orientation::Probable => "More likely than not.",
        Orientation::Guess => "Little more than a coin flip: never counted as a listener, never a rule.",
        Orientation::Unknown => {
            "No evidence, or evidence for both sides: \"initiator\" is then the sender of the first packet and means \
             nothing else."
        }
    }
}

/// What a kind of finding says, in a few words.
#[must_use]
pub fn kind(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Undocumented => "no document covers it",
        FindingKind::DynamicUnexplained => "a dynamic port that nothing explains",
        FindingKind::UnexpectedPeer => "a documented port, called by somebody the document does not name",
        FindingKind::Scan => "a sweep over many ports or hosts",
        FindingKind::AnnouncedBlocked => "a port that a broker announced, and that its client did not reach",
        FindingKind::NotRegistered => "a broker was asked for something that nobody registered",
        FindingKind::NotFollowed => "a port that a broker announced, and that its client did not call",
    }
}

/// A term and its definition.
pub type Term = (&'static str, &'static str);

/// The measured quantities.
pub const TERMS: [Term; 13] = [
    (
        "Dynamic range",
        "The ports that the operating system hands out on demand. A port number in it belongs to a program only until \
         that program restarts.",
    ),
    (
        "Listening port",
        "A port in the dynamic range at which the host acted as server at least once in the recording, with a \
         direction that is certain, strong or probable. Documented static ports inside the range are counted apart.",
    ),
    (
        "Explained",
        "A listening port that a broker announced (the RPC endpoint mapper, the SQL browser, a portmapper and the like), \
         or that is called right after the step before it in a documented data flow, or, the weakest, shortly after a \
         broker was asked whose answer could not be read. The rest is not explained and counts as undocumented.",
    ),
    (
        "Ephemeral port",
        "The local port of a connection that the host itself opened. A stateful firewall needs no inbound rule for it.",
    ),
    (
        "Peak in use",
        "All listening ports seen in an epoch, taken as held throughout it, and the most ephemeral ports held at once, each from \
         the first to the last packet of its conversations. Too low by ports in TIME_WAIT, idle listeners, and ports that were \
         bound but silent.",
    ),
    (
        "Peak held",
        "The same with TIME_WAIT for connections that the host closed first (240 s, and 60 s where its calls look like Linux; \
         --time-wait says otherwise), until the end for those that nobody closed, and with idle listeners that a host table shows.",
    ),
    (
        "Epoch",
        "The time between restarts of a host, as far as moved announcements or a host table show them. Services take other ports \
         after a restart: listeners are never added up over epochs, and a host's count is that of the fullest one.",
    ),
    (
        "Visit",
        "Contacts of one client with one listening port with at most 60 s of silence between them. A listener that was in use when \
         the recording began, for more than an hour, or that a host table lists is known: estimates of the unseen leave it out.",
    ),
    (
        "Upper bound",
        "How many listeners to reckon with although fewer were seen. Estimated from how many were visited only once; in simulations \
         it held in at least 95 of 100 recordings from 4 hours on. It is no measurement, and nothing that never runs while \
         recording is in it.",
    ),
    (
        "RPC range, allocation range",
        "What can be restricted: the ports that RPC and DCOM listeners take, or all ports that the system gives out, those of \
         outgoing connections included. The sizes are made to be safe; the sums stand beside them.",
    ),
    (
        "Direction unknown",
        "Dynamic ports of flows whose direction is a guess or unknown. They are in none of the other counts.",
    ),
    (
        "Document's figure",
        "What the vendor's document printed for its own test system. It says neither how it was measured nor whether \
         it counts listening or ephemeral ports: shown for comparison, not as the expected value.",
    ),
    (
        "Attempt",
        "Repeated SYNs and retries of one client towards one port count as one attempt; flows are the distinct client \
         ports that tried.",
    ),
];

/// What a capture cannot see.
pub const BLIND_SPOTS: [Term; 7] = [
    ("Traffic inside a host", "Loopback and other traffic of a host with itself never reaches the wire."),
    (
        "Other paths",
        "Other network cards, other switches and other VLANs are not in the recording, nor is anything that the mirror \
         port or the recorder dropped.",
    ),
    (
        "Idle listeners",
        "A program that listens but that nobody contacted during the recording leaves no trace. The host's own table \
         (netstat, ss) shows it.",
    ),
    ("Bound sockets", "Ports that are reserved by a program without any traffic occupy the range invisibly."),
    (
        "Before and after",
        "Weekly jobs, start-up and fail-over outside the recorded interval are missing. Connections that were open \
         when recording began show no handshake.",
    ),
    (
        "TIME_WAIT",
        "After a connection ends, the side that closed first keeps its port for minutes. \"Peak in use\" leaves that out, \"peak held\" reckons with it.",
    ),
    (
        "The next restart",
        "A dynamic port number changes when its service or host restarts. No port number from the dynamic range in \
         this report is a firewall rule.",
    ),
];
