//! Who initiated? An additive score over the evidence, in tenths of log10 odds; its sign names the server.
//!
//! SYN and SYN-ACK settle it, and only they make it *certain*. What else counts, and for how much, stands in `evidence`.

use super::evidence::{Evidence, Sources, Words, circumstances, handshake};
use crate::model::{FlowRecord, Orientation, Side, TcpState};
use std::fmt::Write;

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
    all: Vec<Evidence>,
}

impl Direction {
    /// The evidence as text, strongest first; what speaks against the initiator that was found says so.
    pub(super) fn evidence(&self) -> String {
        let mut text = String::new();
        for evidence in &self.all {
            let against = self.orientation != Orientation::Unknown && evidence.server == self.initiator;
            let (gap, mark) = (if text.is_empty() { "" } else { "; " }, if against { " (against)" } else { "" });
            // Writing to a text does not fail.
            let _ = write!(text, "{gap}{}{mark}", evidence.text);
        }
        if self.all.is_empty() { "none".into() } else { text }
    }
}

pub(super) fn direction(flow: &FlowRecord, from: &Sources<'_>) -> Direction {
    if is_simultaneous(flow) {
        let text = Words::InFrame("both sides opened at once: neither is the server", None);
        return Direction {
            orientation: Orientation::Unknown,
            initiator: flow.first_sender,
            score: 0,
            conflict: true,
            all: vec![Evidence { server: flow.first_sender.other(), weight: 0, text }],
        };
    }
    let opened = handshake(flow);
    if !opened.is_empty() {
        return decide(flow, opened);
    }
    let direction = decide(flow, circumstances(flow, from));
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
        all,
    }
}
