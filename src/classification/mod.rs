//! Judgement: from the facts, the documents and the site file to one answer per flow, each with its evidence.
//!
//! Who initiated ([`direction`](self)), what became of it, which document covers it. Facts are never changed. Two passes:
//! what is only known at the end (who answered whom, which endpoints were seen to serve, who sweeps) is gathered first.
//! Unknown stays unknown: a guess is labelled as one. Raw packets never enter; formats and files are not decided here.
//!
//! Sources: RFC 9293 (handshake), RFC 792 and 4443 (ICMP), RFC 5103 (initiator and responder of a biflow).

mod announcements;
mod blocked;
mod direction;
mod documented;
mod evidence;
mod findings;
mod hearing;
mod host_tables;
mod in_order;
mod judge;
mod one_sided;
mod outcome;
mod proposal;
mod propose;
mod reductions;
mod referral;
mod restarts;
mod roles;
mod scan;
mod sequence;
mod status;
mod subject;
mod survey;
mod table;
mod wrapped;

pub use announcements::{AnnouncedCalls, announcement_findings, announcement_rows};
pub use blocked::{BlockedAttempts, blocked_attempts};
pub use findings::{Findings, findings};
pub use host_tables::{Attribution, HostTables};
pub use judge::{Judge, JudgeSettings, Judged, JudgedFlows, judge, judge_with};
pub use one_sided::{OneSided, one_sided_pairs, tcp_sides};
pub use outcome::outcome_evidence;
pub use proposal::{
    CalledPort, CloseCall, CloseReason, Doubt, GuessedRole, MOST_HOSTS, Proposal, ProposedHost, Reach, ServedPort,
    UnheardHost,
};
pub use propose::propose;
pub use reductions::{
    ContactRow, EndpointRow, HoldRow, JudgedFrame, JudgedRows, ReducedFlow, contact_rows, contacts, endpoint_rows,
    endpoints, hold_rows, holds,
};
pub use restarts::Restarts;
pub use roles::Roles;
pub use table::{flow_cell, flow_cells, flow_columns};

#[cfg(test)]
mod propose_tests;
#[cfg(test)]
mod tests;
