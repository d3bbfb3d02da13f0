//! What became of the attempt to talk? Each answer with the packets that show it.
//!
//! *Unanswered* is said only where silence means something: the initiator sent nothing but SYNs, repeated them or had time
//! to, and the tap is known to see both directions there. Otherwise the recording is *one-sided* or the outcome
//! *undetermined*. A host firewall in stealth mode and a dead host look the same.

use super::direction::is_group;
use super::survey::Survey;
use crate::model::{DirectionFacts, FlowRecord, Outcome, Side, Transport};

/// Silence after a single SYN that is long enough: Windows gives up after 21 s.
const PATIENCE_NS: i64 = 21_000_000_000;
/// UDP services whose clients expect an answer: DNS, DHCP, TFTP, Kerberos, portmapper, NTP, NetBIOS name service, SNMP,
/// CLDAP, kpasswd, SQL browser, EtherNet/IP. Silence elsewhere may be how the protocol is.
const ANSWERING_UDP_PORTS: [u16; 12] = [53, 67, 69, 88, 111, 123, 137, 161, 389, 464, 1434, 44818];

/// Segments other than SYN and RST.
fn spoke(facts: &DirectionFacts) -> bool {
    facts.packets > u64::from(facts.syn) + u64::from(facts.syn_ack) + u64::from(facts.rst)
}

pub(super) fn outcome(flow: &FlowRecord, initiator: Side, survey: &Survey) -> Outcome {
    match flow.key.transport {
        Transport::Tcp => tcp(flow, initiator, survey),
        Transport::Udp => udp(flow, initiator, survey),
    }
}

fn tcp(flow: &FlowRecord, initiator: Side, survey: &Survey) -> Outcome {
    let (from_initiator, from_responder) = (flow.from(initiator), flow.from(initiator.other()));
    if from_initiator.syn == 0 && from_responder.syn_ack == 0 {
        let both = from_initiator.packets > 0 && from_responder.packets > 0;
        return if both { Outcome::Midstream } else { Outcome::OneSided };
    }
    if from_responder.syn_ack > 0 || spoke(from_responder) {
        return match (from_initiator.packets > 0, spoke(from_initiator) || spoke(from_responder)) {
            (false, _) => Outcome::OneSided,
            (true, true) => Outcome::Established,
            // The port answered, and the handshake was not completed: a half-open probe.
            (true, false) => Outcome::Undetermined,
        };
    }
    if from_responder.rst > 0 {
        return Outcome::Refused;
    }
    match (flow.icmp.prohibited > 0, flow.icmp.port_unreachable > 0) {
        (true, _) => return Outcome::Prohibited,
        (_, true) => return Outcome::Refused,
        _ => {}
    }
    if spoke(from_initiator) {
        return Outcome::OneSided;
    }
    let waited = from_initiator.syn >= 2 || survey.end_ns.saturating_sub(flow.last_seen_ns) >= PATIENCE_NS;
    let told = flow.icmp.other > 0;
    if told || (waited && survey.sees_both_ways(flow)) { Outcome::Unanswered } else { Outcome::Undetermined }
}

fn udp(flow: &FlowRecord, initiator: Side, survey: &Survey) -> Outcome {
    let responder = flow.key.endpoint(initiator.other());
    match (flow.from(initiator).packets > 0, flow.from(initiator.other()).packets > 0) {
        (true, true) => Outcome::Established,
        (false, _) => Outcome::OneSided,
        _ if flow.icmp.prohibited > 0 => Outcome::Prohibited,
        _ if flow.icmp.port_unreachable > 0 => Outcome::Refused,
        _ if is_group(responder.ip) => Outcome::Undetermined,
        _ if ANSWERING_UDP_PORTS.contains(&responder.port) && survey.sees_both_ways(flow) => Outcome::Unanswered,
        _ => Outcome::Undetermined,
    }
}

/// The packets that show an outcome, for people.
pub(super) fn evidence(flow: &FlowRecord, initiator: Side, outcome: Outcome) -> String {
    let (from_initiator, from_responder) = (flow.from(initiator), flow.from(initiator.other()));
    let icmp = || {
        let [kind, code] = [flow.icmp.first_type, flow.icmp.first_code].map(Option::unwrap_or_default);
        let frame = flow.icmp.first_frame.map(|frame| format!(" in frame {frame}")).unwrap_or_default();
        format!("ICMP type {kind} code {code}{frame}")
    };
    let tries = match flow.key.transport {
        Transport::Tcp => format!("{} SYN", from_initiator.syn),
        Transport::Udp if from_initiator.packets == 1 => "1 datagram".into(),
        Transport::Udp => format!("{} datagrams", from_initiator.packets),
    };
    match outcome {
        Outcome::Refused if from_responder.rst > 0 => match from_responder.rst_frame {
            Some(frame) => format!("{tries}, RST in frame {frame}"),
            None => format!("{tries}, RST"),
        },
        Outcome::Refused | Outcome::Prohibited => format!("{tries}, {}", icmp()),
        Outcome::Unanswered if flow.icmp.other > 0 => format!("{tries}, {}", icmp()),
        Outcome::Unanswered => format!("{tries}, nothing came back"),
        other => other.name().to_owned(),
    }
}
