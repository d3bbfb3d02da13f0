//! Who initiated? An additive score over the evidence, in tenths of log10 odds; its sign names the server.
//!
//! Weights: SYN and SYN-ACK settle it; an ICMP error about one side's packet, an endpoint that accepted or served others, a
//! documented port on exactly one side, many peer ports of one endpoint, the dynamic range and the lower port follow, in this order. They are not calibrated yet:
//! what they give is a label, not a probability.

use super::survey::Survey;
use crate::catalog::Catalog;
use crate::model::{Endpoint, FlowRecord, Orientation, Side, TcpState, Transport};

const SYN: i32 = 60;
const SYN_ACK: i32 = 60;
const UNSOLICITED: i32 = 10;
const SECOND_SYN: i32 = 15;
const GROUP_ADDRESS: i32 = 50;
const ACCEPTED_OTHERS: i32 = 40;
const SERVED_OTHERS: i32 = 25;
const ICMP_ERROR: i32 = 50;
const ONLY_RST: i32 = 20;
const DOCUMENTED_PORT: i32 = 20;
const FAN_IN_LIMIT: f64 = 30.0;
const DYNAMIC_RANGE: i32 = 10;
const FIRST_DATAGRAM: i32 = 5;
const LOWER_PORT: i32 = 2;

const CERTAIN: i32 = 50;
const STRONG: i32 = 30;
const PROBABLE: i32 = 15;
/// Evidence against the winner that makes a conflict.
const CONFLICT: i32 = 20;

/// The dynamic range that both RFC 6335 and Windows mean.
const DYNAMIC: std::ops::RangeInclusive<u16> = 49152..=65535;

/// The verdict on one flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Direction {
    pub(super) orientation: Orientation,
    /// The side that initiated; the sender of the first packet when unknown.
    pub(super) initiator: Side,
    /// The evidence, strongest first.
    pub(super) evidence: String,
}

/// Points for the side that is the server, and why.
struct Evidence {
    server: Side,
    weight: i32,
    text: String,
}

pub(super) fn direction(flow: &FlowRecord, survey: &Survey, catalog: &Catalog) -> Direction {
    if is_simultaneous(flow) {
        let evidence = "both sides opened at once: neither is the server".into();
        return Direction { orientation: Orientation::Unknown, initiator: flow.first_sender, evidence };
    }
    let mut all = Vec::new();
    handshake(flow, &mut all);
    if !all.is_empty() {
        return decide(flow, all);
    }
    circumstances(flow, survey, catalog, &mut all);
    let direction = decide(flow, all);
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

fn handshake(flow: &FlowRecord, all: &mut Vec<Evidence>) {
    if let Some(side) = flow.first_syn {
        let text = in_frame("SYN", flow.from(side).syn_frame);
        all.push(Evidence { server: side.other(), weight: SYN, text });
        if flow.from(side.other()).syn > 0 {
            let text = in_frame("SYN of the other side", flow.from(side.other()).syn_frame);
            all.push(Evidence { server: side, weight: SECOND_SYN, text });
        }
    }
    for side in [Side::A, Side::B] {
        // In a split handshake both sides may send SYN-ACK: the first SYN tells.
        if flow.from(side).syn_ack > 0 && flow.first_syn.is_none_or(|first| first != side) {
            let text = in_frame("SYN-ACK", flow.from(side).syn_ack_frame);
            // Nobody asked for it, as far as is seen: whoever sends such segments may be probing.
            let other = flow.from(side.other());
            let unsolicited = flow.first_syn.is_none() && other.packets > 0 && other.packets == u64::from(other.rst);
            let weight = if unsolicited { UNSOLICITED } else { SYN_ACK };
            all.push(Evidence { server: side, weight, text });
        }
    }
}

fn in_frame(what: &str, frame: Option<u64>) -> String {
    frame.map_or_else(|| what.to_owned(), |frame| format!("{what} in frame {frame}"))
}

fn circumstances(flow: &FlowRecord, survey: &Survey, catalog: &Catalog, all: &mut Vec<Evidence>) {
    let transport = flow.key.transport;
    let ends = [(Side::A, flow.key.a), (Side::B, flow.key.b)];
    for (side, end) in ends {
        if survey.is_group(end.ip) {
            all.push(Evidence { server: side, weight: GROUP_ADDRESS, text: format!("{} is a group address", end.ip) });
        }
        if survey.accepts(transport, end) {
            let text = format!("{end} accepted other connections");
            all.push(Evidence { server: side, weight: ACCEPTED_OTHERS, text });
        } else if survey.serves(transport, end) {
            all.push(Evidence { server: side, weight: SERVED_OTHERS, text: format!("{end} served other flows") });
        }
        let peers = survey.fan_in(transport, end);
        if peers >= 2 {
            let weight = (f64::from(u32::try_from(peers).unwrap_or(u32::MAX)).log2() * 10.0).min(FAN_IN_LIMIT) as i32;
            all.push(Evidence { server: side, weight, text: format!("{end} talks with {peers} peer ports") });
        }
        // Where the other side was heard as well, the error may answer an answer: it tells nothing about who began.
        if flow.icmp.quoted == Some(side) && flow.from(side.other()).packets == 0 {
            let text = in_frame("ICMP error about what the other side sent", flow.icmp.first_frame);
            all.push(Evidence { server: side.other(), weight: ICMP_ERROR, text });
        }
        let sent = flow.from(side);
        if sent.rst > 0 && sent.packets == u64::from(sent.rst) && flow.from(side.other()).packets > 0 {
            let text = in_frame("nothing but RST came back", sent.rst_frame);
            all.push(Evidence { server: side, weight: ONLY_RST, text });
        }
    }
    one_side(
        flow,
        all,
        DOCUMENTED_PORT,
        |end| is_documented(catalog, transport, end),
        |end| format!("port {} is documented", end.port),
    );
    one_side(
        flow,
        all,
        DYNAMIC_RANGE,
        |end| !DYNAMIC.contains(&end.port),
        |end| format!("port {} is below the dynamic range", end.port),
    );
    if transport == Transport::Udp {
        let server = flow.first_sender.other();
        all.push(Evidence { server, weight: FIRST_DATAGRAM, text: "first datagram seen".into() });
    }
    if flow.key.a.port != flow.key.b.port {
        let server = if flow.key.a.port < flow.key.b.port { Side::A } else { Side::B };
        all.push(Evidence { server, weight: LOWER_PORT, text: "lower port".into() });
    }
}

/// Evidence that counts only where it holds for exactly one side.
fn one_side(
    flow: &FlowRecord,
    all: &mut Vec<Evidence>,
    weight: i32,
    holds: impl Fn(Endpoint) -> bool,
    text: impl Fn(Endpoint) -> String,
) {
    let server = match (holds(flow.key.a), holds(flow.key.b)) {
        (true, false) => Side::A,
        (false, true) => Side::B,
        _ => return,
    };
    all.push(Evidence { server, weight, text: text(flow.key.endpoint(server)) });
}

fn is_documented(catalog: &Catalog, transport: Transport, end: Endpoint) -> bool {
    catalog.is_stated(transport, end)
}

fn decide(flow: &FlowRecord, mut all: Vec<Evidence>) -> Direction {
    all.sort_by_key(|e| std::cmp::Reverse(e.weight));
    let points = |side: Side| all.iter().filter(|e| e.server == side).map(|e| e.weight).sum::<i32>();
    let (a, b) = (points(Side::A), points(Side::B));
    let (winner, score, against) = if a >= b { (Side::A, a - b, b) } else { (Side::B, b - a, a) };
    let evidence = all.iter().map(|e| e.text.as_str()).collect::<Vec<_>>().join("; ");
    let orientation = match score {
        0 => Orientation::Unknown,
        _ if against >= CONFLICT && score < STRONG => Orientation::Unknown,
        CERTAIN.. => Orientation::Certain,
        STRONG.. => Orientation::Strong,
        PROBABLE.. => Orientation::Probable,
        _ => Orientation::Guess,
    };
    let initiator = if orientation == Orientation::Unknown { flow.first_sender } else { winner.other() };
    let evidence = if evidence.is_empty() { "none".into() } else { evidence };
    Direction { orientation, initiator, evidence }
}
