//! What became of the attempt to talk? Each answer with the packets that show it.
//!
//! *Unanswered* is said only where silence means something: the initiator sent nothing but SYNs, repeated them or had time
//! to, no filter was in use, and the tap is known to see both directions there ([`Survey::doubts_silence`]); otherwise the
//! outcome is *undetermined*. An ACK or data from the initiator means that the answers went past the tap: *one-sided*, whatever else
//! the tap sees, and never blocked. A host firewall in stealth mode and a dead host look the same.

use super::survey::Survey;
use crate::model::{DirectionFacts, FlowRecord, JudgedFlow, Judgement, Outcome, Side, Transport};

/// Silence that is long enough: Windows gives up 21 s after its first SYN.
const PATIENCE_NS: i64 = 21_000_000_000;
/// Datagrams repeated over this time were meant to be answered.
const REPEATED_NS: i64 = 1_000_000_000;
/// UDP services whose clients expect an answer from the port that they asked: DNS, DHCP, Kerberos, portmapper, NTP, NetBIOS
/// name service, SNMP, CLDAP, kpasswd, SQL browser, EtherNet/IP. Silence elsewhere may be how the protocol is (TFTP
/// answers from another port).
const ANSWERING_UDP_PORTS: [u16; 11] = [53, 67, 88, 111, 123, 137, 161, 389, 464, 1434, 44818];

pub(super) fn outcome(flow: &FlowRecord, initiator: Side, survey: &Survey) -> Outcome {
    match flow.key.transport {
        Transport::Tcp => tcp(flow, initiator, survey),
        Transport::Udp => udp(flow, initiator, survey),
    }
}

/// An ICMP error about what the initiator sent, if it is one of the two that say who blocked.
fn icmp(flow: &FlowRecord, initiator: Side) -> Option<Outcome> {
    match flow.icmp.quoted == Some(initiator) {
        true if flow.icmp.prohibited > 0 => Some(Outcome::Prohibited),
        true if flow.icmp.port_unreachable > 0 => Some(Outcome::Refused),
        _ => None,
    }
}

fn tcp(flow: &FlowRecord, initiator: Side, survey: &Survey) -> Outcome {
    let (from_initiator, from_responder) = (flow.from(initiator), flow.from(initiator.other()));
    if from_initiator.syn == 0 && from_responder.syn_ack == 0 {
        let both = from_initiator.packets > 0 && from_responder.packets > 0;
        return if both { Outcome::Midstream } else { Outcome::OneSided };
    }
    // An ACK without a SYN-ACK before it may be the challenge to a stray SYN (RFC 5961): it opens nothing by itself.
    let spoke = from_responder.spoke() && (from_responder.payload_packets > 0 || from_initiator.spoke());
    if from_responder.syn_ack > 0 || spoke {
        return match (from_initiator.packets > 0, from_initiator.spoke() || from_responder.spoke()) {
            (false, _) => Outcome::OneSided,
            (true, true) => Outcome::Established,
            // The port answered, and the handshake was not completed: a half-open probe.
            (true, false) => Outcome::Undetermined,
        };
    }
    // It went on talking: the answers are there and the tap does not see them.
    if from_initiator.spoke() {
        return Outcome::OneSided;
    }
    if from_responder.spoke() {
        return Outcome::Undetermined;
    }
    if from_responder.rst > 0 {
        let closes = survey.lacks_answers() && closes_something(from_responder);
        return if closes { Outcome::Undetermined } else { Outcome::Refused };
    }
    if let Some(outcome) = icmp(flow, initiator) {
        return outcome;
    }
    // A reset of its own answers something that the tap did not see, or gives the attempt up.
    if from_initiator.rst > 0 {
        return Outcome::Undetermined;
    }
    let told = flow.icmp.other > 0 && flow.icmp.quoted == Some(initiator);
    let waited = from_initiator.syn >= 2 || survey.silence_after_ns(flow) >= PATIENCE_NS;
    let silent = match told {
        true => !survey.is_filtered(),
        false => waited && survey.doubts_silence(flow, initiator).is_none(),
    };
    if silent { Outcome::Unanswered } else { Outcome::Undetermined }
}

/// Whether a reset has a sequence number of its own: the answer to a SYN has 0 (RFC 9293 section 3.5.2), so it may end what
/// had been accepted. Middleboxes refuse so as well: it counts only where accepted connections may be missing.
fn closes_something(sent: &DirectionFacts) -> bool {
    sent.next_seq.is_some_and(|seq| seq != 0)
}

fn udp(flow: &FlowRecord, initiator: Side, survey: &Survey) -> Outcome {
    match (flow.from(initiator).packets, flow.from(initiator.other()).packets) {
        (1.., 1..) => return Outcome::Established,
        (0, _) => return Outcome::OneSided,
        _ => {}
    }
    if let Some(outcome) = icmp(flow, initiator) {
        return outcome;
    }
    let repeated = flow.last_seen_ns.saturating_sub(flow.first_seen_ns) >= REPEATED_NS;
    let waited = repeated || survey.silence_after_ns(flow) >= PATIENCE_NS;
    let heard = survey.doubts_silence(flow, initiator).is_none();
    if owes_answer(flow, initiator, survey) && waited && heard { Outcome::Unanswered } else { Outcome::Undetermined }
}

/// Whether the responder of a UDP flow answers from the port that was asked, if at all.
fn owes_answer(flow: &FlowRecord, initiator: Side, survey: &Survey) -> bool {
    let responder = flow.key.endpoint(initiator.other());
    ANSWERING_UDP_PORTS.contains(&responder.port) && !survey.is_group(responder.ip)
}

/// The packets that show an outcome, for people; where nothing came back and that means nothing, why. Empty where the
/// outcome's name says all.
pub(super) fn evidence(flow: &FlowRecord, initiator: Side, outcome: Outcome, survey: &Survey) -> String {
    let (from_initiator, from_responder) = (flow.from(initiator), flow.from(initiator.other()));
    let icmp = || {
        let [kind, code] = [flow.icmp.first_type, flow.icmp.first_code].map(Option::unwrap_or_default);
        let frame = flow.icmp.first_frame.map(|frame| format!(" in frame {frame}")).unwrap_or_default();
        format!("ICMP type {kind} code {code}{frame}")
    };
    let tries = || match flow.key.transport {
        Transport::Tcp => format!("{} SYN", from_initiator.syn),
        Transport::Udp if from_initiator.packets == 1 => "1 datagram".into(),
        Transport::Udp => format!("{} datagrams", from_initiator.packets),
    };
    match outcome {
        Outcome::Refused if from_responder.rst > 0 => match from_responder.rst_frame {
            Some(frame) => format!("{}, RST in frame {frame}", tries()),
            None => format!("{}, RST", tries()),
        },
        Outcome::Refused | Outcome::Prohibited => format!("{}, {}", tries(), icmp()),
        Outcome::Unanswered if flow.icmp.other > 0 => format!("{}, {}", tries(), icmp()),
        Outcome::Unanswered => format!("{}, nothing came back", tries()),
        Outcome::Undetermined if flow.key.transport == Transport::Tcp || owes_answer(flow, initiator, survey) => {
            let doubt = || survey.doubts_silence(flow, initiator).map(|why| format!("; {why}")).unwrap_or_default();
            match (from_responder.packets, from_responder.rst) {
                (0, _) => format!("{}, nothing came back{}", tries(), doubt()),
                (packets, rst) if packets == u64::from(rst) => {
                    format!("{}, RST that answers no SYN{}", tries(), doubt())
                }
                _ => String::new(),
            }
        }
        _ => String::new(),
    }
}

/// The packets that show what became of a flow, for people: e.g. "3 SYN, nothing came back".
#[must_use]
pub fn outcome_evidence(flow: &JudgedFlow) -> String {
    let Judgement { outcome, outcome_evidence, .. } = &flow.judgement;
    if outcome_evidence.is_empty() { outcome.name().to_owned() } else { outcome_evidence.clone() }
}
