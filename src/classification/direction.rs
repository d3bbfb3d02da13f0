//! Who initiated? An additive score over the evidence, in tenths of log10 odds; its sign names the server.
//!
//! SYN and SYN-ACK settle it, and only they make it *certain*. What else counts, and for how much, stands in `evidence`.

use super::evidence::{Evidence, circumstances, handshake};
use super::host_tables::HostTables;
use super::survey::Survey;
use crate::catalog::Catalog;
use crate::model::{FlowRecord, Orientation, Side, TcpState};

const CERTAIN: i32 = 50;
const STRONG: i32 = 30;
const PROBABLE: i32 = 15;
/// Evidence against the winner that makes a conflict.
const CONFLICT: i32 = 20;

/// The verdict on one flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Direction {
    pub(super) orientation: Orientation,
    /// The side that initiated; the sender of the first packet when unknown.
    pub(super) initiator: Side,
    /// Points for this initiator less those against it, tenths of log10 odds; 0 when unknown.
    pub(super) score: u32,
    /// Whether much speaks for the other side as well.
    pub(super) conflict: bool,
    /// The evidence, strongest first.
    pub(super) evidence: String,
}

pub(super) fn direction(flow: &FlowRecord, survey: &Survey, catalog: &Catalog, hosts: &HostTables<'_>) -> Direction {
    if is_simultaneous(flow) {
        return Direction {
            orientation: Orientation::Unknown,
            initiator: flow.first_sender,
            score: 0,
            conflict: true,
            evidence: "both sides opened at once: neither is the server".into(),
        };
    }
    let opened = handshake(flow);
    if !opened.is_empty() {
        return decide(flow, opened);
    }
    let direction = decide(flow, circumstances(flow, survey, catalog, hosts));
    // However much points one way, only a handshake shows it.
    Direction { orientation: direction.orientation.min(Orientation::Strong), ..direction }
}

/// Both sides sent a SYN, and nobody or both acknowledged one (RFC 9293 section 3.5). One SYN-ACK alone ends a split
/// handshake.
fn is_simultaneous(flow: &FlowRecord) -> bool {
    let (a, b) = (&flow.from_a, &flow.from_b);
    let both_open = a.syn > 0 && b.syn > 0;
    both_open && (flow.state == TcpState::SimultaneousOpen || (a.syn_ack > 0 && b.syn_ack > 0))
}

fn decide(flow: &FlowRecord, mut all: Vec<Evidence>) -> Direction {
    all.sort_by_key(|e| std::cmp::Reverse(e.weight));
    let points = |side: Side| all.iter().filter(|e| e.server == side).map(|e| e.weight).sum::<i32>();
    let (a, b) = (points(Side::A), points(Side::B));
    let (winner, score, against) = if a >= b { (Side::A, a - b, b) } else { (Side::B, b - a, a) };
    let conflict = against >= CONFLICT;
    let orientation = match score {
        0 => Orientation::Unknown,
        _ if conflict && score < STRONG => Orientation::Unknown,
        CERTAIN.. => Orientation::Certain,
        STRONG.. => Orientation::Strong,
        PROBABLE.. => Orientation::Probable,
        _ => Orientation::Guess,
    };
    let unknown = orientation == Orientation::Unknown;
    Direction {
        orientation,
        initiator: if unknown { flow.first_sender } else { winner.other() },
        score: if unknown { 0 } else { score.unsigned_abs() },
        conflict,
        evidence: words(&all, winner, unknown),
    }
}

/// The evidence as text; what speaks against the initiator that was found says so.
fn words(all: &[Evidence], winner: Side, unknown: bool) -> String {
    let word = |e: &Evidence| match e.server == winner || unknown {
        true => e.text.clone(),
        false => format!("{} (against)", e.text),
    };
    if all.is_empty() { "none".into() } else { all.iter().map(word).collect::<Vec<_>>().join("; ") }
}
