//! What keeps a range from being said to hold though nothing speaks against it.

use super::*;

/// The server answers at listeners inside; then what else is to be seen.
fn and(more: Vec<FlowRecord>) -> Facts {
    after([at_work(), more].concat(), Vec::new())
}

fn texts(host: &HostVerdict, weight: Weight) -> String {
    let of = host.reasons.iter().filter(|reason| reason.weight == weight);
    of.map(|reason| reason.text.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn hosts_that_listened_before_are_judged_though_nothing_listens_now() {
    let gone = (0..2).map(|n| call(end(CLIENT, 60_500), end(2, 49_700 + n), 9)).collect();
    let then = earlier([at_work(), gone].concat());
    let now = and(vec![call(end(CLIENT, 60_501), end(2, 445), 9)]);
    let validation = asked(&LISTENERS, &now, Some(&then));
    assert_eq!(validation.hosts.len(), 2, "{validation:#?}");
    assert_eq!(validation.verdict(), Verdict::NotEnoughEvidence);
    let doubts = texts(&validation.hosts[1], Weight::Doubt);
    assert!(doubts.contains("had 2 listeners in scope before, none now"), "{doubts}");
}

#[test]
fn for_allocation_every_host_that_calls_from_dynamic_ports_is_judged() {
    let hosts = |from: u16| {
        let calls = (0..30).map(|n| call(end(2, from + n), end(CLIENT, 445), i64::from(n))).collect();
        let ask = Ask { hosts: &[], ..allocation() };
        asked(&ask, &after(calls, Vec::new()), None).hosts.into_iter().map(|host| (host.host, host.verdict)).collect()
    };
    let expected: Vec<(IpAddr, Verdict)> = vec![(end(2, 1).ip, Verdict::DoesNotHold)];
    assert_eq!(hosts(49_200), expected, "calls from outside the range");
    let nobody: Vec<(IpAddr, Verdict)> = hosts(20_000);
    assert!(nobody.is_empty(), "no system gives these out: {nobody:?}");
}

#[test]
fn a_listener_that_speaks_rpc_counts_in_every_scope_wherever_it_is() {
    let mut elsewhere = call(end(CLIENT, 60_100), end(SERVER, 8_765), 3_000);
    elsewhere.application =
        Some(Recognised { protocol: Protocol::DceRpc, certainty: Certainty::Certain, server: None });
    for ask in [LISTENERS, Ask { hosts: &[SERVER], ..allocation() }] {
        let host = only(asked(&ask, &and(vec![elsewhere]), None));
        assert_eq!(checks(&host, Weight::Against), [Check::ListenersInside], "{:#?}", host.reasons);
    }
}

#[test]
fn fewer_ports_than_anybody_advises_never_hold() {
    let doubts = |last: u16, scope: Scope| {
        let ask = Ask { range: (50_000, last), scope, hosts: &[SERVER], ..LISTENERS };
        checks(&only(asked(&ask, &and(Vec::new()), None)), Weight::Doubt)
    };
    assert_eq!(doubts(50_098, Scope::Listeners), [Check::Capacity], "99 ports");
    assert_eq!(doubts(50_099, Scope::Listeners), []);
    assert_eq!(doubts(50_253, Scope::Allocation), [Check::Capacity, Check::Capacity], "254 ports of TCP and of UDP");
    assert_eq!(doubts(50_254, Scope::Allocation), []);
}

#[test]
fn less_time_than_is_asked_for_never_holds() {
    let mut short = and(Vec::new());
    short.captures[0].last_ns = Some((10 * HOUR + 600) * SECOND);
    assert_eq!(checks(&only(asked(&LISTENERS, &short, None)), Weight::Doubt), [], "ten minutes");
    short.captures[0].last_ns = Some((10 * HOUR + 599) * SECOND);
    let host = only(asked(&LISTENERS, &short, None));
    assert_eq!(checks(&host, Weight::Doubt), [Check::Evidence]);
    assert!(
        host.reasons[0].text.starts_with("What is judged is 599 s long; 600 s is the least"),
        "{:?}",
        host.reasons[0]
    );
}

#[test]
fn less_time_after_the_restart_than_before_never_holds() {
    let restarted = |second: i64| {
        let said = vec![
            subject("a", 61_000, 10),
            subject("b", 61_001, 20),
            subject("a", 50_001, second),
            subject("b", 50_002, second + 10),
        ];
        let old = call(end(CLIENT, 60_100), end(SERVER, 61_000), 11);
        let new = call(end(CLIENT, 60_101), end(SERVER, 50_001), second + 1);
        let host = only(asked(&Ask { is_restarted: false, ..RPC }, &after(vec![old, new], said), None));
        texts(&host, Weight::Doubt)
    };
    assert_eq!(restarted(1_790), "");
    assert!(restarted(2_000).contains("after the restart and"), "{}", restarted(2_000));
}

#[test]
fn use_is_a_conversation_in_which_the_server_sends_data() {
    let with = |change: &dyn Fn(&mut DirectionFacts)| {
        let flows = at_work().into_iter().map(|flow| changed(flow, |_, other| change(other))).collect();
        let host = only(asked(&Ask { hosts: &[SERVER], ..LISTENERS }, &after(flows, Vec::new()), None));
        texts(&host, Weight::Doubt)
    };
    assert_eq!(with(&|_| ()), "");
    let reset = with(&|other| (other.payload_packets, other.payload_bytes, other.fin, other.rst) = (0, 0, 0, 1));
    assert!(reset.contains("nothing shows that the range is in use"), "{reset}");
    assert_eq!(with(&|other| (other.fin, other.rst) = (0, 1)), "", "reset after its answer");
    let said = vec![at_ten(told(CLIENT, Answer::Port(50_001), 1))];
    let other = vec![call(end(CLIENT, 60_000), end(SERVER, 445), 9)];
    let announced = only(asked(&RPC, &after(other, said), None));
    assert!(texts(&announced, Weight::Doubt).contains("in use"), "only announced: {:#?}", announced.reasons);
}

#[test]
fn frames_that_were_cut_short_are_a_doubt() {
    let mut facts = and(Vec::new());
    facts.captures[0].snapped_frames = 1;
    let host = only(asked(&LISTENERS, &facts, None));
    let doubts = texts(&host, Weight::Doubt);
    assert!(doubts.contains("after.pcapng: 1 frame was cut short"), "{doubts}");
}

#[test]
fn one_direction_of_a_conversation_outside_is_a_doubt_whatever_its_share() {
    let many = (0..60).map(|n| call(end(CLIENT, 61_000 + n), end(SERVER, 445), 9));
    let half = |port: u16| {
        let flow =
            changed(call(end(CLIENT, 61_100), end(SERVER, port), 9), |_, other| *other = DirectionFacts::default());
        let host = only(asked(&LISTENERS, &and(many.clone().chain([flow]).collect()), None));
        texts(&host, Weight::Doubt)
    };
    assert!(half(49_700).contains("1 dynamic port outside 50000-50199 with data"), "{}", half(49_700));
    assert_eq!(half(445), "", "1 of 73");
}

#[test]
fn a_recording_before_of_no_length_compares_nothing() {
    let mut then = earlier(at_work());
    then.captures[0].last_ns = then.captures[0].first_ns;
    let host = only(asked(&LISTENERS, &and(Vec::new()), Some(&then)));
    let doubts = texts(&host, Weight::Doubt);
    assert!(doubts.contains("the comparison could not be made"), "{doubts}");
}

#[test]
fn excluded_blocks_count_once_though_they_overlap() {
    let source = Arc::new(HostTableSource {
        host: "10.0.0.1".parse().unwrap(),
        file: "excluded.txt".into(),
        format: HostTableFormat::Netstat,
    });
    let block = |start: u16, end: u16| HostRange {
        source: source.clone(),
        line: 1,
        time_ns: None,
        kind: HostRangeKind::Excluded,
        transport: Transport::Tcp,
        versions: IpVersions::V4,
        start,
        end,
        is_administered: false,
    };
    let facts = Facts { host_ranges: vec![block(49_000, 50_009), block(50_005, 50_019)], ..and(Vec::new()) };
    assert_eq!(only(asked(&LISTENERS, &facts, None)).measured.capacity_ports, 180);
}
