//! What silence means in recordings that lack answers: nothing. Each test says what must not be claimed.

use super::*;

const SYN: (Sent, Sent) = (IGNORED.0, Sent { syn: 0, syn_ack: 0, rst: 0, plain: 0, payload: 0 });
const REFUSED: (Sent, Sent) = (
    Sent { syn: 1, syn_ack: 0, rst: 0, plain: 0, payload: 0 },
    Sent { syn: 0, syn_ack: 0, rst: 1, plain: 0, payload: 0 },
);

/// Judges flows of one capture, recorded with a filter or without.
fn judged_with(flows: Vec<FlowRecord>, filter: Option<&str>) -> Judged {
    let capture = CaptureRow {
        name: "a.pcap".into(),
        sha256: None,
        size_bytes: None,
        format: "pcap".into(),
        link_types: String::new(),
        first_ns: None,
        last_ns: None,
        frames: 0,
        metered: 0,
        dropped: None,
        snapped_frames: 0,
        backward_steps: 0,
        reading: ReadingCounts::default(),
        filter: filter.map(Into::into),
        fates: Vec::new(),
        first_stop: None,
        end: "complete".into(),
        end_detail: None,
    };
    let facts = Facts { flows: flows.into(), captures: vec![capture], ..Facts::default() };
    judge(&facts, &Catalog::builtin().unwrap(), None)
}

fn nothing_is_blocked(judged: &Judged) {
    let blocked = blocked_attempts(&judged.flows);
    assert!(blocked.is_empty(), "{blocked:?}");
    assert!(findings(&judged.flows).iter().all(|f| f.kind != FindingKind::Scan));
}

/// SYNs of one client to many endpoints that documents do not cover.
fn openings() -> Vec<FlowRecord> {
    (0..60).map(|i| tcp((CLIENT, 50_000 + i), (SERVER, 1000 + i), SYN, i64::from(i))).collect()
}

#[test]
fn syns_alone_are_neither_unanswered_nor_a_sweep() {
    // Name service is answered between the same hosts: over UDP.
    let mut flows = openings();
    flows.push(udp((CLIENT, 50_001), (SERVER, 53), ANSWERED, 100));
    let judged = judged(flows, true);
    nothing_is_blocked(&judged);
    assert!(judged.openings_only);
    assert_eq!(judged.unheard, 60);
}

#[test]
fn resets_besides_the_syns_show_no_answers() {
    let mut flows = openings();
    // Connections that ended with a reset: its sequence number is that of the conversation.
    for i in 0..30 {
        let mut ended = tcp((CLIENT, 51_000 + i), (SERVER, 2000 + i), REFUSED, 100 + i64::from(i));
        let side = ended.first_syn.unwrap().other();
        match side {
            Side::A => ended.from_a.next_seq = Some(77),
            Side::B => ended.from_b.next_seq = Some(77),
        }
        flows.push(ended);
    }
    let told = judged(flows.clone(), true);
    nothing_is_blocked(&told);
    assert!(told.openings_only);
    // Refusals among them are told, and are no sweep: what succeeded is out of sight.
    flows.extend((0..25).map(|i| tcp((CLIENT, 52_000 + i), (SERVER, 3000 + i), REFUSED, 200)));
    let told = judged(flows, true);
    assert!(blocked_attempts(&told.flows).iter().all(|b| b.outcome == Outcome::Refused && b.responder.port >= 3000));
    assert!(findings(&told.flows).iter().all(|f| f.kind != FindingKind::Scan));
}

#[test]
fn a_filter_leaves_nothing_unanswered_and_says_so() {
    let flows = vec![
        tcp((CLIENT, 50_000), (SERVER, 7002), IGNORED, 0),
        udp((CLIENT, 50_001), (SERVER, 53), SYN, 1),
        udp((CLIENT, 50_001), (SERVER, 161), ANSWERED, 2),
        tcp((CLIENT, 50_002), (SERVER, 7002), OPENED, 60),
    ];
    let outcomes = |judged: &Judged| judged.flows.iter().map(|f| f.judgement.outcome).collect::<Vec<_>>();
    let plain = judged_with(flows.clone(), None);
    assert_eq!(outcomes(&plain)[..2], [Outcome::Unanswered; 2]);
    let filtered = judged_with(flows, Some("tcp or udp dst port 53"));
    assert_eq!(outcomes(&filtered)[..2], [Outcome::Undetermined; 2]);
    nothing_is_blocked(&filtered);
    let why = outcome_evidence(&filtered.flows[0]);
    assert_eq!(why, "3 SYN, nothing came back; a filter was in use and may have kept the answer away");
    assert_eq!(filtered.unheard, 2);
}

#[test]
fn datagrams_are_unanswered_only_where_answers_over_udp_are_heard() {
    let of = |others: Vec<FlowRecord>| {
        let flows = [vec![udp((CLIENT, 50_000), (SERVER, 53), SYN, 0)], others].concat();
        judged(flows, true).flows[0].judgement.outcome
    };
    let data = (Sent { plain: 4, payload: 9, ..Sent::default() }, Sent::default());
    assert_eq!(
        of(vec![tcp((CLIENT, 50_001), (SERVER, 443), OPENED, 60)]),
        Outcome::Undetermined,
        "TCP between the two"
    );
    assert_eq!(of(vec![udp((CLIENT, 50_001), ("10.0.0.5", 53), ANSWERED, 60)]), Outcome::Undetermined, "somebody else");
    assert_eq!(of(vec![udp((SERVER, 50_001), ("10.0.0.5", 53), ANSWERED, 60)]), Outcome::Undetermined, "its questions");
    assert_eq!(of(vec![udp(("10.0.0.7", 50_001), (SERVER, 161), ANSWERED, 60)]), Outcome::Undetermined, "another port");
    assert_eq!(
        of(vec![udp(("10.0.0.7", 50_001), (SERVER, 53), ANSWERED, 60)]),
        Outcome::Unanswered,
        "it answers others"
    );
    assert_eq!(of(vec![udp((CLIENT, 50_001), (SERVER, 161), ANSWERED, 60)]), Outcome::Unanswered, "between the two");
    let elsewhere =
        vec![udp(("10.0.0.7", 50_001), (SERVER, 53), ANSWERED, 60), tcp((CLIENT, 50_001), (SERVER, 443), data, 1)];
    assert_eq!(of(elsewhere), Outcome::Undetermined, "TCP shows that its answers to this client go another way");
}

/// A flow inside one tunnel.
fn inside(tunnel: Tunnel, id: Option<u32>, mut flow: FlowRecord) -> FlowRecord {
    flow.encapsulation.tunnels.push(tunnel);
    (flow.encapsulation.tunnel_id, flow.encapsulation.depth) = (id, 1);
    flow
}

#[test]
fn directions_at_different_depths_are_one_conversation() {
    let silent = Sent::default();
    let halves = |(client, server): (Sent, Sent)| {
        vec![
            inside(Tunnel::Gre, None, tcp((CLIENT, 50_000), (SERVER, 502), (client, silent), 0)),
            tcp((CLIENT, 50_000), (SERVER, 502), (silent, server), 0),
            tcp((CLIENT, 50_001), (SERVER, 7002), OPENED, 60),
        ]
    };
    let refused = judged(halves((IGNORED.0, REFUSED.1)), true);
    let blocked = blocked_attempts(&refused.flows);
    assert_eq!(blocked.iter().map(|b| (b.outcome, b.flows)).collect::<Vec<_>>(), [(Outcome::Refused, 1)]);
    let evidence = "3 SYN, RST in frame 2; inside gre; the other direction was recorded at another tunnel depth";
    assert_eq!(blocked[0].evidence, evidence);
    assert!(one_sided_pairs(&refused.flows).is_empty());

    let opened = judged(halves(OPENED), true);
    nothing_is_blocked(&opened);
    assert!(opened.flows[..2].iter().all(|f| f.judgement.outcome == Outcome::Established
        && f.judgement.orientation == Orientation::Certain
        && f.judgement.responder.port == 502));
    assert_eq!(tcp_sides(&opened.flows).one_sided_flows, 0);

    // Hours apart it is another conversation.
    let mut flows = halves((IGNORED.0, REFUSED.1));
    (flows[1].first_seen_ns, flows[1].last_seen_ns) = (7_200 * SECOND, 7_201 * SECOND);
    assert_eq!(judged(flows, true).flows[0].judgement.outcome, Outcome::Unanswered);
}

#[test]
fn evidence_names_the_tunnel_and_who_carries_it() {
    let mut carrier = udp(("10.9.9.9", 40_000), ("10.0.0.2", 4789), SYN, 0);
    carrier.carries = Some(Tunnel::Vxlan);
    let planted = inside(Tunnel::Vxlan, Some(7), tcp((CLIENT, 50_000), (SERVER, 102), OPENED, 0));
    let refused = inside(Tunnel::Vxlan, Some(7), tcp((CLIENT, 50_001), (SERVER, 103), REFUSED, 5));
    let judged = judged(vec![carrier, planted, refused], true);
    let told = findings(&judged.flows);
    let told = told.iter().find(|f| f.responder.port == 102).unwrap();
    let words = "; inside vxlan 7 carried by 10.9.9.9 -> 10.0.0.2:4789/udp";
    assert!(told.text.ends_with(words), "{}", told.text);
    assert_eq!(blocked_attempts(&judged.flows)[0].evidence, "1 SYN, RST in frame 7; inside vxlan 7");
    assert!(!judged.flows[0].judgement.reason.contains("inside"));
}
