//! What is compared: ports held with ports there are, and one recording with the one before.

use super::*;

#[test]
fn a_peak_near_the_capacity_never_holds() {
    let with = |ports: u16| {
        let flows = (0..ports).map(|n| call(end(CLIENT, 60_000 + n), end(SERVER, 50_000 + n), i64::from(n)));
        only(asked(&LISTENERS, &after(flows.collect(), Vec::new()), None))
    };
    assert_eq!(with(160).verdict, Verdict::Holds, "80% of 200");
    assert_eq!(with(161).verdict, Verdict::NotEnoughEvidence);
    let full = with(200);
    assert_eq!((full.verdict, full.measured.peak_ports), (Verdict::NotEnoughEvidence, 200));
    assert!(reason(&full, Check::Capacity, Weight::Doubt).text.contains("all of them"));
}

#[test]
fn more_listeners_before_than_the_range_has_never_holds() {
    let then = (0..161).map(|n| call(end(CLIENT, 60_000 + n), end(SERVER, 49_200 + n), i64::from(n) * 20)).collect();
    let host = only(asked(&LISTENERS, &after(at_work(), Vec::new()), Some(&earlier(then))));
    assert!(reason(&host, Check::Capacity, Weight::Doubt).text.contains("161 tcp ports"), "{:#?}", host.reasons);
}

#[test]
fn local_ports_of_calls_count_for_allocation_only() {
    let calls = |port: u16| {
        let flows = (0..30).map(|n| call(end(CLIENT, port + n), end(SERVER, 7_002), i64::from(n) * 60));
        let serving = call(end(SERVER, 60_000), end(CLIENT, 50_500), 9);
        after(flows.chain([serving]).collect(), Vec::new())
    };
    let host = only(asked(&allocation(), &calls(50_000), None));
    assert_eq!((host.verdict, host.measured.local_ports_inside), (Verdict::Holds, 30), "{:#?}", host.reasons);
    let host = only(asked(&allocation(), &calls(51_000), None));
    assert_eq!((checks(&host, Weight::Against), host.measured.local_ports_outside), (vec![Check::CallsInside], 30));
    let host = only(asked(&allocation(), &calls(20_000), None));
    assert_eq!(checks(&host, Weight::Doubt), [Check::CallsInside], "a program may have chosen them");
    let listeners = Ask { scope: Scope::Listeners, ..allocation() };
    assert_eq!(only(asked(&listeners, &calls(51_000), None)).verdict, Verdict::Holds);
}

#[test]
fn time_wait_holds_local_ports() {
    // One call a second: each holds its port for 1 s and then for 240 s.
    let flows = (0..600).map(|n| call(end(CLIENT, 50_000 + n), end(SERVER, 7_002), i64::from(n)));
    let serving = call(end(SERVER, 60_000), end(CLIENT, 50_900), 9);
    let facts = after(flows.chain([serving]).collect(), Vec::new());
    let host = only(asked(&allocation(), &facts, None));
    // From the beginning of one call to the end of its TIME-WAIT begin 241 others; ends count, and the listener.
    assert_eq!(host.measured.peak_ports, 243, "{:#?}", host.reasons);
    let small = Ask { range: (50_000, 50_299), ..allocation() };
    let host = only(asked(&small, &facts, None));
    assert_eq!(host.verdict, Verdict::DoesNotHold, "ports from 50300 on");
    assert_eq!(host.measured.capacity_ports, 300);
}

#[test]
fn reuse_that_grows_is_a_doubt() {
    // 50 calls with ports of their own; then 50 of which 40 take a port that was closed a few seconds before.
    let port = |n: u16| if n < 60 { n } else { 60 + n % 5 };
    let flows = (0..100).map(|n| call(end(CLIENT, 50_000 + port(n)), end(SERVER, 7_002), i64::from(n) * 4));
    let serving = call(end(SERVER, 60_000), end(CLIENT, 50_900), 9);
    let host = only(asked(&allocation(), &after(flows.chain([serving]).collect(), Vec::new()), None));
    assert_eq!(checks(&host, Weight::Doubt), [Check::Reuse], "{:#?}", host.reasons);
    let text = &reason(&host, Check::Reuse, Weight::Doubt).text;
    assert!(text.contains("0 of 50 calls in the first half of the recording, 35 of 50"), "{text}");
}

#[test]
fn connections_that_vanished_do_not_hold_where_the_recording_is_as_long() {
    let gone = |n: i64| call(end(7, 60_500), end(SERVER, 49_500), n * 300);
    let then = |count: i64| earlier(at_work().into_iter().chain((0..count).map(gone)).collect());
    // The client is there, and calls something else.
    let now = || {
        let other = call(end(7, 60_600), end(SERVER, 7_002), 5);
        after(at_work().into_iter().chain([other]).collect(), Vec::new())
    };
    let host = only(asked(&LISTENERS, &now(), Some(&then(3))));
    assert_eq!(checks(&host, Weight::Against), [Check::NothingVanished], "{:#?}", host.reasons);
    let reason = reason(&host, Check::NothingVanished, Weight::Against);
    assert!(reason.text.contains("10.0.0.7 to 10.0.0.1") && reason.text.contains("3 before, 0 now, 3.0 expected"));
    assert!(reason.places[0].is_before && reason.places[0].source.as_ref() == "before.pcapng");
    let few = only(asked(&LISTENERS, &now(), Some(&then(2))));
    assert_eq!(checks(&few, Weight::Doubt), [Check::NothingVanished]);
    let away = only(asked(&LISTENERS, &after(at_work(), Vec::new()), Some(&then(3))));
    assert_eq!(checks(&away, Weight::Doubt), [Check::NothingVanished], "the client is not there");
    let mut short = now();
    short.captures[0].last_ns = Some((10 * HOUR + 3_000) * SECOND);
    let short = only(asked(&LISTENERS, &short, Some(&then(3))));
    assert_eq!(checks(&short, Weight::Doubt), [Check::NothingVanished, Check::Evidence]);
    assert_eq!(short.verdict, Verdict::NotEnoughEvidence);
}

#[test]
fn far_fewer_connections_count_and_a_few_fewer_do_not() {
    let with = |count: i64| -> Vec<FlowRecord> {
        (0..count).map(|n| call(end(CLIENT, 60_000), end(SERVER, 50_001), n * 30)).collect()
    };
    let against = |were: i64, are: i64| {
        let host = only(asked(&LISTENERS, &after(with(are), Vec::new()), Some(&earlier(with(were)))));
        checks(&host, Weight::Against)
    };
    assert_eq!(against(40, 10), [Check::NothingVanished]);
    assert_eq!(against(40, 25), []);
    assert_eq!(against(4, 1), [], "chance");
}

#[test]
fn what_lost_its_name_did_not_vanish() {
    // Announced before and not now, as where clients keep their bindings.
    let called = |port: u16| -> Vec<FlowRecord> {
        (0..10).map(|n| call(end(CLIENT, 60_000 + n), end(SERVER, port), i64::from(n) * 300)).collect()
    };
    let mut said = told(CLIENT, Answer::Port(49_500), 0);
    said.time_ns += 8 * HOUR * SECOND;
    let named = || Facts { announcements: vec![said.clone()], ..earlier(called(49_500)) };
    let host = only(asked(&LISTENERS, &after(called(50_001), Vec::new()), Some(&named())));
    assert_eq!(checks(&host, Weight::Doubt), [Check::NothingVanished], "{:#?}", host.reasons);
    assert!(
        host.reasons[0].text.contains("10 of the same hosts whose service is not known"),
        "{}",
        host.reasons[0].text
    );
    let now_named = after(called(50_001), vec![at_ten(told(CLIENT, Answer::Port(50_001), 0))]);
    let host = only(asked(&LISTENERS, &now_named, Some(&earlier(called(49_500)))));
    assert_eq!(host.verdict, Verdict::Holds, "{:#?}", host.reasons);
}

#[test]
fn slower_is_a_doubt_and_much_slower_does_not_hold() {
    let timed = |ns: i64, step: i64| -> Vec<FlowRecord> {
        let call = |n: u16| call(end(CLIENT, 60_000 + n), end(SERVER, 50_001), i64::from(n) * 100);
        let flow = |n: u16| FlowRecord { syn_to_syn_ack_ns: Some(ns + i64::from(n) * step), ..call(n) };
        (0..20).map(flow).collect()
    };
    let slower = |ns: i64| {
        let then = earlier(timed(1_000_000, 10_000));
        only(asked(&LISTENERS, &after(timed(ns, 10_000), Vec::new()), Some(&then)))
    };
    assert_eq!(slower(1_200_000).verdict, Verdict::Holds, "by less than half");
    let doubt = slower(3_000_000);
    assert_eq!(checks(&doubt, Weight::Doubt), [Check::NothingSlower]);
    let text = &reason(&doubt, Check::NothingSlower, Weight::Doubt).text;
    assert!(text.contains("SYN-ACK 1.09 ms in 20 connections before, 3.10 ms in 20 now"), "{text}");
    assert_eq!(checks(&slower(1_500_000_000), Weight::Against), [Check::NothingSlower]);
    let then = earlier(timed(100_000, 100));
    let unnoticed = only(asked(&LISTENERS, &after(timed(300_000, 100), Vec::new()), Some(&then)));
    assert_eq!(unnoticed.verdict, Verdict::Holds, "0.1 ms and 0.3 ms");
    reason(&unnoticed, Check::NothingSlower, Weight::Remark);
}

#[test]
fn the_time_from_announcement_to_call_and_durations_are_compared() {
    let called = |seconds: i64, hour: i64, lasts: i64| -> Facts {
        let (mut flows, mut announcements) = (Vec::new(), Vec::new());
        for n in 0..10 {
            let mut said = told(CLIENT, Answer::Port(50_001), n * 300);
            said.time_ns += hour * HOUR * SECOND;
            announcements.push(said);
            let flow = moved(call(end(CLIENT, 60_000 + n as u16), end(SERVER, 50_001), n * 300 + seconds), hour);
            flows.push(FlowRecord { last_seen_ns: flow.first_seen_ns + lasts * SECOND, ..flow });
        }
        let name = format!("{hour}.pcapng");
        Facts {
            captures: vec![capture(&name, (hour, hour + 1))],
            flows: flows.into(),
            announcements,
            ..Facts::default()
        }
    };
    let now = only(asked(&RPC, &called(20, 10, 1), Some(&called(1, 8, 1))));
    let text = &reason(&now, Check::NothingSlower, Weight::Against).text;
    assert!(text.contains("from announcement to call"), "{text}");
    let now = only(asked(&RPC, &called(1, 10, 3), Some(&called(1, 8, 1))));
    let text = &reason(&now, Check::NothingSlower, Weight::Doubt).text;
    assert!(text.contains("from first to last packet"), "{text}");
}

#[test]
fn the_same_recording_twice_or_the_wrong_way_round_compares_nothing() {
    let facts = after(at_work(), Vec::new());
    let host = only(asked(&LISTENERS, &facts, Some(&facts)));
    let texts: Vec<&str> = host.reasons.iter().map(|reason| reason.text.as_str()).collect();
    assert!(texts.iter().any(|text| text.contains("The same file")), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("right way round")), "{texts:?}");
    assert_eq!(host.verdict, Verdict::NotEnoughEvidence);
}
