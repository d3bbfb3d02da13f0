//! Flows written out by hand, one question each.

use super::*;
use crate::catalog::{Catalog, Site};
use crate::model::*;
use crate::store::Facts;

const CLIENT: &str = "10.0.0.9";
const SERVER: &str = "10.0.0.1";
const SECOND: i64 = 1_000_000_000;

/// What the initiator and the responder of a TCP flow sent: SYN, SYN-ACK, RST, other segments, payload bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Sent {
    pub(super) syn: u32,
    pub(super) syn_ack: u32,
    pub(super) rst: u32,
    pub(super) plain: u64,
    pub(super) payload: u64,
}

pub(super) const OPENED: (Sent, Sent) = (
    Sent { syn: 1, syn_ack: 0, rst: 0, plain: 3, payload: 9 },
    Sent { syn: 0, syn_ack: 1, rst: 0, plain: 2, payload: 9 },
);
pub(super) const IGNORED: (Sent, Sent) = (
    Sent { syn: 3, syn_ack: 0, rst: 0, plain: 0, payload: 0 },
    Sent { syn: 0, syn_ack: 0, rst: 0, plain: 0, payload: 0 },
);
pub(super) const MIDSTREAM: (Sent, Sent) = (
    Sent { syn: 0, syn_ack: 0, rst: 0, plain: 3, payload: 9 },
    Sent { syn: 0, syn_ack: 0, rst: 0, plain: 2, payload: 9 },
);

const ANSWERED: (Sent, Sent) = (
    Sent { syn: 0, syn_ack: 0, rst: 0, plain: 1, payload: 9 },
    Sent { syn: 0, syn_ack: 0, rst: 0, plain: 1, payload: 9 },
);

pub(super) fn endpoint(ip: &str, port: u16) -> Endpoint {
    Endpoint { ip: ip.parse().unwrap(), port }
}

fn direction_facts(sent: Sent, frame: u64) -> DirectionFacts {
    DirectionFacts {
        packets: u64::from(sent.syn) + u64::from(sent.syn_ack) + u64::from(sent.rst) + sent.plain,
        wire_bytes: 60,
        payload_bytes: sent.payload,
        payload_packets: u64::from(sent.payload > 0),
        syn: sent.syn,
        syn_ack: sent.syn_ack,
        rst: sent.rst,
        syn_frame: (sent.syn > 0).then_some(frame),
        rst_frame: (sent.rst > 0).then_some(frame + 1),
        ..DirectionFacts::default()
    }
}

pub(super) fn flow(
    transport: Transport,
    from: Endpoint,
    to: Endpoint,
    (i, r): (Sent, Sent),
    second: i64,
) -> FlowRecord {
    let (key, side) = FlowKey::new(transport, from, to);
    let frame = second as u64 + 1;
    let (one, other) = (direction_facts(i, frame), direction_facts(r, frame));
    let (from_a, from_b) = if side == Side::A { (one, other) } else { (other, one) };
    FlowRecord {
        last_seen_ns: second * SECOND + SECOND / 2,
        first_syn: (i.syn > 0).then_some(side),
        from_a,
        from_b,
        state: TcpState::Established,
        ..FlowRecord::begun(key, side, CaptureIndex(0), frame, second * SECOND)
    }
}

pub(super) fn tcp(from: (&str, u16), to: (&str, u16), sent: (Sent, Sent), second: i64) -> FlowRecord {
    flow(Transport::Tcp, endpoint(from.0, from.1), endpoint(to.0, to.1), sent, second)
}

fn udp(from: (&str, u16), to: (&str, u16), sent: (Sent, Sent), second: i64) -> FlowRecord {
    flow(Transport::Udp, endpoint(from.0, from.1), endpoint(to.0, to.1), sent, second)
}

const SITE: &str = r#"
[site]
name = "test"
[[host]]
address = "10.0.0.1"
roles = ["server"]
[[host]]
address = "10.0.0.9"
roles = ["agent"]
[[host]]
address = "10.0.0.5"
roles = ["sql-server"]
[[host]]
address = "10.0.0.7"
roles = ["client"]
[[accept]]
from = "10.0.0.77"
to = "server"
transport = "tcp"
port = 3389
owner = "J. Doe"
reason = "remote maintenance"
"#;

fn judged(flows: Vec<FlowRecord>, with_site: bool) -> Judged {
    let catalog = Catalog::builtin().unwrap();
    let site = with_site.then(|| Site::from_toml("site.toml", SITE, &catalog).unwrap());
    judge(&Facts { flows: flows.into(), ..Facts::default() }, &catalog, site.as_ref())
}

fn only(flow: FlowRecord) -> Judgement {
    judged(vec![flow], true).flows.remove(0).judgement
}

#[test]
fn a_syn_settles_the_direction_whatever_the_ports() {
    let judgement = only(tcp((CLIENT, 135), (SERVER, 60_000), OPENED, 0));
    assert_eq!((judgement.orientation, judgement.initiator.port), (Orientation::Certain, 135));
    assert!(judgement.orientation_evidence.starts_with("SYN in frame 1"));
}

#[test]
fn without_a_handshake_ports_give_a_guess_at_most_where_nothing_is_documented() {
    let judgement = only(tcp((CLIENT, 50_001), (SERVER, 50_000), MIDSTREAM, 0));
    assert_eq!((judgement.orientation, judgement.outcome), (Orientation::Guess, Outcome::Midstream));
    let system_port = only(tcp((CLIENT, 50_001), (SERVER, 79), MIDSTREAM, 0));
    assert_eq!((system_port.orientation, system_port.responder.port), (Orientation::Guess, 79), "a number alone");
    let same_port = only(tcp((CLIENT, 50_000), (SERVER, 50_000), MIDSTREAM, 0));
    assert_eq!(same_port.orientation, Orientation::Unknown);
    assert_eq!(same_port.initiator.ip.to_string(), CLIENT, "unknown: the sender of the first packet");
}

#[test]
fn an_endpoint_that_accepted_others_is_the_server_of_a_midstream_flow() {
    let flows =
        vec![tcp((CLIENT, 50_001), (SERVER, 60_000), OPENED, 0), tcp((SERVER, 60_000), (CLIENT, 50_002), MIDSTREAM, 1)];
    let judgement = &judged(flows, true).flows[1].judgement;
    assert_eq!((judgement.responder.port, judgement.orientation), (60_000, Orientation::Strong));
}

#[test]
fn a_simultaneous_open_has_no_server() {
    let both = (Sent { syn: 1, ..Sent::default() }, Sent { syn: 1, ..Sent::default() });
    let mut flow = tcp((CLIENT, 50_000), (SERVER, 7002), both, 0);
    flow.state = TcpState::SimultaneousOpen;
    assert_eq!(only(flow).orientation, Orientation::Unknown);
}

#[test]
fn documented_means_port_role_and_caller() {
    let of = |from: &str, to: (&str, u16)| only(tcp((from, 50_000), to, OPENED, 0)).status;
    assert_eq!(of(CLIENT, (SERVER, 7002)), Status::Documented);
    assert_eq!(of("10.0.0.77", (SERVER, 7002)), Status::DocumentedPortUnexpectedPeer);
    assert_eq!(of(CLIENT, ("10.0.0.5", 7002)), Status::Undocumented, "documented, but not at a SQL server");
    assert_eq!(of(CLIENT, (SERVER, 502)), Status::Undocumented);
    assert_eq!(of("10.0.0.77", (SERVER, 3389)), Status::Accepted);
    assert_eq!(of(CLIENT, (SERVER, 54_977)), Status::Documented, "a documented fallback inside the dynamic range");
}

#[test]
fn a_dynamic_port_is_explained_by_the_mapper_asked_by_the_same_client_shortly_before() {
    let dynamic = |asker: &str, second: i64| {
        let flows = vec![
            tcp((asker, 50_000), (SERVER, 135), OPENED, 0),
            tcp((CLIENT, 50_001), (SERVER, 49_700), OPENED, second),
        ];
        judged(flows, true).flows[1].judgement.status
    };
    assert_eq!(dynamic(CLIENT, 2), Status::DynamicExplained);
    assert_eq!(dynamic(CLIENT, 120), Status::DynamicUnexplained);
    assert_eq!(dynamic("10.0.0.7", 2), Status::DynamicUnexplained);
}

#[test]
fn a_dynamic_port_is_explained_by_the_step_before_it() {
    let notification = |before: (&str, u16)| {
        let flows =
            vec![tcp((SERVER, 50_000), before, OPENED, 0), tcp((SERVER, 50_001), ("10.0.0.7", 49_700), OPENED, 30)];
        judged(flows, true).flows[1].judgement.clone()
    };
    let explained = notification(("10.0.0.5", 1433));
    assert_eq!(explained.status, Status::DynamicExplained, "{}", explained.reason);
    assert!(explained.reason.contains("step 15") && explained.reason.contains("frame 1"), "{}", explained.reason);
    assert_eq!(notification(("10.0.0.5", 1444)).status, Status::DynamicUnexplained);
}

#[test]
fn outcomes_name_what_the_packets_show() {
    let of = |sent: (Sent, Sent)| {
        // A second conversation shows that the tap sees both directions, and goes on for long enough.
        let flows =
            vec![tcp((CLIENT, 50_000), (SERVER, 7002), sent, 0), tcp((CLIENT, 50_001), (SERVER, 7002), OPENED, 60)];
        judged(flows, true).flows[0].judgement.outcome
    };
    let sent = |syn, rst, plain| Sent { syn, rst, plain, ..Sent::default() };
    assert_eq!(of(OPENED), Outcome::Established);
    assert_eq!(of(IGNORED), Outcome::Unanswered);
    assert_eq!(of((sent(1, 0, 0), sent(0, 1, 0))), Outcome::Refused);
    assert_eq!(of((sent(1, 0, 4), Sent::default())), Outcome::OneSided);
    assert_eq!(of((sent(1, 1, 0), Sent { syn_ack: 1, ..Sent::default() })), Outcome::Undetermined);
    let alone = only(tcp((CLIENT, 50_000), (SERVER, 7002), IGNORED, 0));
    assert_eq!(alone.outcome, Outcome::Undetermined, "nobody knows whether the tap sees the answers");
}

#[test]
fn a_single_syn_at_the_end_of_the_recording_is_not_unanswered() {
    let one = (Sent { syn: 1, ..Sent::default() }, Sent::default());
    let late = |end: i64| {
        let flows =
            vec![tcp((CLIENT, 50_000), (SERVER, 7002), one, 0), tcp((CLIENT, 50_001), (SERVER, 7002), OPENED, end)];
        judged(flows, true).flows[0].judgement.outcome
    };
    assert_eq!(late(5), Outcome::Undetermined);
    assert_eq!(late(60), Outcome::Unanswered);
}

#[test]
fn icmp_tells_prohibited_from_refused() {
    let mut flow = tcp((CLIENT, 50_000), (SERVER, 7002), IGNORED, 0);
    flow.icmp = IcmpFacts { prohibited: 1, quoted: flow.first_syn, ..IcmpFacts::default() };
    assert_eq!(only(flow).outcome, Outcome::Prohibited);
    flow.icmp = IcmpFacts { port_unreachable: 1, quoted: flow.first_syn, ..IcmpFacts::default() };
    assert_eq!(only(flow).outcome, Outcome::Refused);
    flow.icmp.quoted = flow.first_syn.map(Side::other);
    assert_eq!(only(flow).outcome, Outcome::Undetermined, "it speaks of what the server sent");
}

#[test]
fn a_sweep_is_one_finding_and_no_blocked_attempt() {
    let refused = (Sent { syn: 1, ..Sent::default() }, Sent { rst: 1, ..Sent::default() });
    let probes = (1..=30).map(|port| tcp(("10.0.0.99", 50_000 + port), (SERVER, port), refused, i64::from(port)));
    let mut flows: Vec<FlowRecord> = probes.collect();
    flows.push(tcp((CLIENT, 50_000), (SERVER, 5241), refused, 40));
    let judged = judged(flows, true);
    let kinds: Vec<FindingKind> = findings(&judged.flows).iter().map(|f| f.kind).collect();
    assert_eq!(kinds, [FindingKind::Scan]);
    let blocked = blocked_attempts(&judged.flows);
    assert_eq!(blocked.iter().map(|b| (b.responder.port, b.outcome)).collect::<Vec<_>>(), [(5241, Outcome::Refused)]);
    assert_eq!(blocked[0].evidence, "1 SYN, RST in frame 42");
}

#[test]
fn many_failures_between_hosts_that_talk_are_a_firewall_and_no_sweep() {
    let mut flows: Vec<FlowRecord> =
        (0..30).map(|i| tcp((CLIENT, 50_000 + i), (SERVER, 49_700 + i), IGNORED, i64::from(i))).collect();
    let mut talk = tcp((CLIENT, 51_000), (SERVER, 7002), OPENED, 40);
    (talk.from_a.payload_packets, talk.from_b.payload_packets) = (5, 5);
    flows.push(talk);
    let judged = judged(flows, true);
    assert_eq!(blocked_attempts(&judged.flows).len(), 30);
    assert!(findings(&judged.flows).is_empty());
}

#[test]
fn a_port_that_answered_a_sweep_is_found_and_not_hidden_in_it() {
    let refused = (Sent { syn: 1, ..Sent::default() }, Sent { rst: 1, ..Sent::default() });
    let mut flows: Vec<FlowRecord> =
        (1..=30).map(|port| tcp(("10.0.0.99", 50_000 + port), (SERVER, port), refused, i64::from(port))).collect();
    flows.push(tcp(("10.0.0.99", 51_000), (SERVER, 4444), OPENED, 40));
    let kinds: Vec<FindingKind> = findings(&judged(flows, true).flows).iter().map(|f| f.kind).collect();
    assert_eq!(kinds, [FindingKind::Undocumented, FindingKind::Scan]);
}

#[test]
fn an_error_about_an_answer_does_not_turn_a_flow_round() {
    let both = (Sent { plain: 1, payload: 9, ..Sent::default() }, Sent { plain: 1, payload: 9, ..Sent::default() });
    let mut query = flow(Transport::Udp, endpoint(CLIENT, 50_000), endpoint(SERVER, 161), both, 0);
    query.icmp = IcmpFacts { port_unreachable: 1, ..IcmpFacts::default() };
    query.icmp.quoted = Some(if query.key.a.port == 161 { Side::A } else { Side::B });
    assert_eq!(only(query).responder.port, 161);
}

#[test]
fn silence_proves_nothing_where_the_tap_hears_one_side_only_or_openings_only() {
    let sent = |plain| (Sent { syn: 1, plain, ..Sent::default() }, Sent::default());
    let mut flows = vec![
        tcp((CLIENT, 50_000), (SERVER, 7002), IGNORED, 0),
        tcp((CLIENT, 50_001), (SERVER, 443), sent(4), 1),
        tcp((CLIENT, 50_002), ("10.0.0.5", 1433), OPENED, 60),
    ];
    assert_eq!(judged(flows.clone(), true).flows[0].judgement.outcome, Outcome::Undetermined);
    flows.remove(1);
    assert_eq!(judged(flows.clone(), true).flows[0].judgement.outcome, Outcome::Unanswered);
    let opening = (Sent { syn: 1, ..Sent::default() }, Sent { syn_ack: 1, ..Sent::default() });
    flows[1] = tcp((CLIENT, 50_002), ("10.0.0.5", 1433), opening, 60);
    let filtered = judged(flows, true);
    assert!(filtered.openings_only);
    assert_eq!(filtered.flows[0].judgement.outcome, Outcome::Undetermined);
}

#[test]
fn who_polls_many_hosts_from_one_port_is_no_server() {
    let both = (Sent { plain: 1, payload: 9, ..Sent::default() }, Sent { plain: 1, payload: 9, ..Sent::default() });
    let poll = |host: u8| {
        let to = Endpoint { ip: [10, 0, 1, host].into(), port: 40_000 };
        flow(Transport::Udp, endpoint(CLIENT, 50_000), to, both, i64::from(host))
    };
    let judged = judged((0..30).map(poll).collect(), true);
    assert!(judged.flows.iter().all(|f| f.judgement.initiator.port == 50_000));
}

#[test]
fn an_unanswered_mapper_explains_nothing() {
    let one = (Sent { syn: 1, ..Sent::default() }, Sent::default());
    let flows = vec![tcp((CLIENT, 50_000), (SERVER, 135), one, 0), tcp((CLIENT, 50_001), (SERVER, 49_700), OPENED, 2)];
    assert_eq!(judged(flows, true).flows[1].judgement.status, Status::DynamicUnexplained);
}

#[test]
fn nobody_is_unanswered_by_a_broadcast_address() {
    let sent = (Sent { plain: 9, payload: 9, ..Sent::default() }, Sent::default());
    let to = |ip: &str| {
        let mut flow = flow(Transport::Udp, endpoint(CLIENT, 137), endpoint(ip, 137), sent, 0);
        flow.last_seen_ns += 5 * SECOND;
        let flows = vec![flow, udp((CLIENT, 50_001), ("10.0.0.5", 161), ANSWERED, 60)];
        judged(flows, true).flows[0].judgement.outcome
    };
    assert_eq!(to("10.0.0.255"), Outcome::Undetermined);
    assert_eq!(to("10.0.0.5"), Outcome::Unanswered);
}

#[test]
fn roles_are_guessed_from_what_hosts_serve_and_said_so() {
    let judged = judged(vec![tcp((CLIENT, 50_000), (SERVER, 7002), OPENED, 0)], false);
    assert!(judged.roles.are_guessed());
    assert_eq!(judged.roles.of(SERVER.parse().unwrap()), ["server"]);
    assert!(judged.roles.of(CLIENT.parse().unwrap()).is_empty(), "calling a port gives no role away");
}

#[test]
fn reductions_count_flows_clients_and_contacts() {
    let flows = vec![
        tcp((CLIENT, 50_000), (SERVER, 7002), OPENED, 0),
        tcp((CLIENT, 50_001), (SERVER, 7002), OPENED, 10),
        tcp(("10.0.0.77", 50_000), (SERVER, 7002), OPENED, 70),
    ];
    let judged = judged(flows, true);
    let frame = JudgedFrame::of(judged.flows.iter().map(ReducedFlow::of)).unwrap();
    let endpoints = endpoint_rows(&frame, true).unwrap();
    let told: Vec<_> = endpoints.iter().map(|row| (row.port, row.flows, row.clients, row.first_flow)).collect();
    assert_eq!(told, [(7002, 3, 2, 0)]);
    assert_eq!(endpoints[0].worst_flow, 2, "a caller without a role");
    assert_eq!(contact_rows(&frame, 1).unwrap().len(), 2, "two flows of one client in one minute");
    assert!(contact_rows(&frame, 7003).unwrap().is_empty());
    let holds = hold_rows(&frame, 1).unwrap();
    assert_eq!(holds.len(), 6);
    assert!(
        holds.iter().all(|hold| hold.initiated == (hold.port >= 50_000) && hold.orientation >= Orientation::Probable)
    );
}

mod referral;
mod restarts;
mod silence;
mod site;

#[test]
fn silence_counts_by_who_is_heard_where() {
    // The attempt under test comes first; what else was recorded decides what its silence means.
    let of = |others: Vec<FlowRecord>| {
        let flows = [vec![tcp((CLIENT, 50_000), (SERVER, 7002), IGNORED, 0)], others].concat();
        judged(flows, true).flows[0].judgement.outcome
    };
    let data = Sent { plain: 4, payload: 9, ..Sent::default() };
    let one_way = |from: &str, to: &str| tcp((from, 50_009), (to, 443), (data, Sent::default()), 1);
    let two_way = |from: &str, to: &str, second| tcp((from, 50_010), (to, 443), OPENED, second);
    assert_eq!(of(vec![two_way("10.0.0.7", "10.0.0.5", 60)]), Outcome::Undetermined, "both ways, but elsewhere");
    assert_eq!(of(vec![two_way("10.0.0.7", SERVER, 60)]), Outcome::Unanswered, "the responder answered others");
    assert_eq!(of(vec![two_way(CLIENT, "10.0.0.5", 60)]), Outcome::Unanswered, "the client's others are two-sided");
    assert_eq!(
        of(vec![two_way(SERVER, "10.0.0.5", 60)]),
        Outcome::Undetermined,
        "that it calls says nothing of answers"
    );
    let contradicted = vec![two_way(CLIENT, "10.0.0.5", 60), one_way(CLIENT, "10.0.0.7")];
    assert_eq!(of(contradicted), Outcome::Undetermined, "not all of the client's others are");
    let contradicted = vec![two_way("10.0.0.7", SERVER, 60), one_way("10.0.0.5", SERVER)];
    assert_eq!(of(contradicted), Outcome::Undetermined, "its answers to somebody else go another way");
    let between = vec![two_way(CLIENT, SERVER, 60), one_way(CLIENT, "10.0.0.7"), one_way("10.0.0.5", SERVER)];
    assert_eq!(of(between), Outcome::Unanswered, "both directions between these two");
    let lost = vec![two_way(CLIENT, SERVER, 60), one_way(CLIENT, SERVER)];
    assert_eq!(of(lost), Outcome::Undetermined, "some of them only one way");
}

#[test]
fn more_than_syns_from_the_client_is_no_silence() {
    let with = |rst, plain| {
        let sent = Sent { syn: 3, rst, plain, ..Sent::default() };
        let flows = vec![
            tcp((CLIENT, 50_000), (SERVER, 7002), (sent, Sent::default()), 0),
            tcp((CLIENT, 50_001), (SERVER, 7002), OPENED, 60),
        ];
        judged(flows, true).flows[0].judgement.outcome
    };
    assert_eq!(with(0, 0), Outcome::Unanswered);
    assert_eq!(with(0, 1), Outcome::OneSided, "an ACK");
    assert_eq!(with(1, 0), Outcome::Undetermined, "a reset answers something that was not seen");
}

#[test]
fn one_sided_conversations_are_told_by_pair_of_hosts_and_raise_no_alarm() {
    let data = Sent { plain: 4, payload: 9, ..Sent::default() };
    let flows = vec![
        tcp((CLIENT, 50_000), (SERVER, 7002), (Sent { syn: 1, ..data }, Sent::default()), 0),
        tcp((CLIENT, 50_001), (SERVER, 7710), (data, Sent::default()), 1),
        tcp((CLIENT, 50_002), (SERVER, 7002), IGNORED, 2),
        tcp((CLIENT, 50_003), (SERVER, 7002), (Sent::default(), Sent { syn_ack: 1, ..data }), 3),
        tcp((CLIENT, 50_004), ("10.0.0.5", 1433), OPENED, 60),
    ];
    let judged = judged(flows, true);
    let pairs = one_sided_pairs(&judged.flows);
    let told: Vec<_> = pairs.iter().map(|p| (p.heard.to_string(), p.flows, p.packets, p.undetermined_flows)).collect();
    assert_eq!(told, [(CLIENT.to_owned(), 2, 9, 1), (SERVER.to_owned(), 1, 5, 0)]);
    assert_eq!(pairs[0].display_filter, "ip.src == 10.0.0.9 && ip.dst == 10.0.0.1 && tcp");
    assert_eq!((pairs[0].first_frame, pairs[0].two_sided_flows), (1, 0));
    assert!(blocked_attempts(&judged.flows).is_empty());
    assert_eq!(tcp_sides(&judged.flows), TcpSides { with_payload_flows: 4, one_sided_flows: 3 });
}

#[test]
fn the_score_and_what_speaks_against_it_go_with_the_label() {
    let judgement = only(tcp((CLIENT, 50_000), (SERVER, 7002), OPENED, 0));
    assert_eq!((judgement.orientation_score, judgement.orientation_conflict), (120, false));
    // Documented at one end; a system port, and the lower one, at the other.
    let judgement = only(tcp((CLIENT, 81), (SERVER, 7002), MIDSTREAM, 0));
    assert_eq!((judgement.orientation_score, judgement.orientation_conflict), (6, false));
    assert!(judgement.orientation_evidence.contains("(against)"), "{}", judgement.orientation_evidence);
    let mut both = tcp((CLIENT, 50_000), (SERVER, 7002), (IGNORED.0, IGNORED.0), 0);
    both.state = TcpState::SimultaneousOpen;
    let judgement = only(both);
    assert_eq!((judgement.orientation_score, judgement.orientation_conflict), (0, true));
}
