//! Each rule, on flows and announcements written out by hand.

use super::*;
use crate::catalog::{Catalog, Site};
use crate::classification::{HostTables, Judged, judge};
use crate::model::*;
use std::sync::Arc;

mod compare;
mod evidence;

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600;
const SERVER: u8 = 1;
const CLIENT: u8 = 9;
const RANGE: (u16, u16) = (50_000, 50_199);
const LSA: &str = "12345778-1234-abcd-ef00-0123456789ab";

const SITE: &str = r#"
[[host]]
address = "10.0.0.1"
name = "srv"
roles = ["server"]
[[host]]
address = "10.0.0.9"
roles = ["agent"]
"#;

fn end(ip: u8, port: u16) -> Endpoint {
    Endpoint { ip: [10, 0, 0, ip].into(), port }
}

/// A conversation that the initiator closed after a second.
fn call(from: Endpoint, to: Endpoint, second: i64) -> FlowRecord {
    let (key, side) = FlowKey::new(Transport::Tcp, from, to);
    let frame = second as u64 + 1;
    let one = DirectionFacts {
        packets: 4,
        payload_bytes: 9,
        payload_packets: 1,
        syn: 1,
        fin: 1,
        syn_frame: Some(frame),
        ..DirectionFacts::default()
    };
    let other = DirectionFacts {
        packets: 3,
        payload_bytes: 9,
        payload_packets: 1,
        syn_ack: 1,
        fin: 1,
        ..DirectionFacts::default()
    };
    let (from_a, from_b) = if side == Side::A { (one, other) } else { (other, one) };
    FlowRecord {
        last_seen_ns: (second + 1) * SECOND,
        first_syn: Some(side),
        first_fin: Some(side),
        from_a,
        from_b,
        state: TcpState::Closed,
        end_reason: EndReason::Closed,
        ..FlowRecord::begun(key, side, CaptureIndex(0), frame, second * SECOND)
    }
}

/// A call with something changed on the initiator's and the responder's side.
fn changed(flow: FlowRecord, change: impl Fn(&mut DirectionFacts, &mut DirectionFacts)) -> FlowRecord {
    let mut flow = flow;
    let (mut one, mut other) = (flow.from_a, flow.from_b);
    match flow.first_sender {
        Side::A => change(&mut one, &mut other),
        Side::B => change(&mut other, &mut one),
    }
    (flow.from_a, flow.from_b) = (one, other);
    flow
}

/// An attempt that was not answered.
fn ignored(from: Endpoint, to: Endpoint, second: i64) -> FlowRecord {
    let attempt = changed(call(from, to, second), |one, other| {
        *one = DirectionFacts {
            packets: 3,
            syn: 3,
            syn_retransmitted: 2,
            syn_frame: one.syn_frame,
            ..DirectionFacts::default()
        };
        *other = DirectionFacts::default();
    });
    FlowRecord { state: TcpState::SynSent, first_fin: None, end_reason: EndReason::Idle, ..attempt }
}

/// What the endpoint mapper of the server told a client.
fn told(client: u8, answer: Answer, second: i64) -> Announcement {
    Announcement {
        position: Position { capture: CaptureIndex(0), frame: 1_000 + second as u64, offset: 0 },
        time_ns: second * SECOND,
        flow_capture: CaptureIndex(0),
        flow_first_frame: 1,
        announcer: end(SERVER, 135),
        told: end(client, 40_000),
        host: end(SERVER, 1).ip,
        caller: end(client, 1).ip,
        said: Announced {
            by: Side::A,
            listener: Side::A,
            mechanism: Mechanism::EptMap,
            answer,
            transport: Transport::Tcp,
            stated_host: "0.0.0.0".into(),
            subject: LSA.into(),
            version: "0.0".into(),
            tier: Tier::Structural,
            process_id: None,
        },
    }
}

fn capture(name: &str, hours: (i64, i64)) -> CaptureRow {
    CaptureRow {
        name: name.into(),
        sha256: Some(name.into()),
        size_bytes: None,
        format: "pcapng".into(),
        link_types: String::new(),
        first_ns: Some(hours.0 * HOUR * SECOND),
        last_ns: Some(hours.1 * HOUR * SECOND),
        frames: 0,
        metered: 0,
        dropped: Some(0),
        snapped_frames: 0,
        backward_steps: 0,
        reading: ReadingCounts::default(),
        filter: None,
        fates: Vec::new(),
        first_stop: None,
        end: "complete".into(),
        end_detail: None,
    }
}

/// An hour from 10:00 on.
fn after(flows: Vec<FlowRecord>, announcements: Vec<Announcement>) -> Facts {
    Facts {
        captures: vec![capture("after.pcapng", (10, 11))],
        flows: shifted(flows).into(),
        announcements,
        ..Facts::default()
    }
}

/// An hour before that. Seconds count from its beginning, too.
fn earlier(flows: Vec<FlowRecord>) -> Facts {
    let flows = flows.into_iter().map(|flow| moved(flow, 8)).collect();
    Facts { captures: vec![capture("before.pcapng", (8, 9))], flows, ..Facts::default() }
}

fn moved(mut flow: FlowRecord, hours: i64) -> FlowRecord {
    flow.first_seen_ns += hours * HOUR * SECOND;
    flow.last_seen_ns += hours * HOUR * SECOND;
    flow
}

fn shifted(flows: Vec<FlowRecord>) -> Vec<FlowRecord> {
    flows.into_iter().map(|flow| moved(flow, 10)).collect()
}

/// Seconds after 10:00.
fn at_ten(mut said: Announcement) -> Announcement {
    said.time_ns += 10 * HOUR * SECOND;
    said
}

struct Ask {
    scope: Scope,
    hosts: &'static [u8],
    fixed: &'static [u16],
    is_restarted: bool,
    range: (u16, u16),
}

const LISTENERS: Ask = Ask { scope: Scope::Listeners, hosts: &[], fixed: &[], is_restarted: true, range: RANGE };
const RPC: Ask = Ask { scope: Scope::Rpc, ..LISTENERS };

fn allocation() -> Ask {
    Ask { scope: Scope::Allocation, hosts: &[CLIENT], range: (50_000, 50_999), ..LISTENERS }
}

fn asked(ask: &Ask, now: &Facts, then: Option<&Facts>) -> Validation {
    asked_with(ask, now, then, &[])
}

fn asked_with(ask: &Ask, now: &Facts, then: Option<&Facts>, gaps: &[String]) -> Validation {
    let catalog = Catalog::builtin().unwrap();
    let site = Site::from_toml("site.toml", SITE, &catalog).unwrap();
    let judged = |facts: &Facts| judge(facts, &catalog, Some(&site));
    let (now_judged, then_judged) = (judged(now), then.map(judged));
    let tables = HostTables::of(now);
    let tables_then = then.map(HostTables::of).unwrap_or_default();
    let known_now = known_of(&catalog, &site, &now_judged, &tables);
    let known_then = then_judged.as_ref().map(|judged| known_of(&catalog, &site, judged, &tables_then));
    let recording = Recording { facts: now, known: &known_now, gaps };
    let before = then.zip(known_then.as_ref()).map(|(facts, known)| Recording { facts, known, gaps: &[] });
    let question = Question {
        range: PortRange::spanning(ask.range.0, ask.range.1),
        scope: ask.scope,
        hosts: ask.hosts.iter().map(|ip| end(*ip, 1).ip).collect(),
        fixed: ask.fixed.iter().map(|port| PortRef { transport: Transport::Tcp, port: *port }).collect(),
        is_restarted: ask.is_restarted,
        least_ns: 600 * SECOND as u64,
    };
    validate(&question, &recording, before.as_ref())
}

fn known_of<'a>(catalog: &'a Catalog, site: &'a Site, judged: &'a Judged, hosts: &'a HostTables<'a>) -> Known<'a> {
    Known { catalog, site: Some(site), judged, hosts, time_wait_ns: None }
}

/// The only host.
#[track_caller]
fn only(validation: Validation) -> HostVerdict {
    assert_eq!(validation.hosts.len(), 1, "{validation:#?}");
    validation.hosts.into_iter().next().unwrap()
}

/// Checks that weigh so much.
fn checks(host: &HostVerdict, weight: Weight) -> Vec<Check> {
    host.reasons.iter().filter(|reason| reason.weight == weight).map(|reason| reason.check).collect()
}

#[track_caller]
fn reason(host: &HostVerdict, check: Check, weight: Weight) -> &Reason {
    let found = host.reasons.iter().find(|reason| (reason.check, reason.weight) == (check, weight));
    found.unwrap_or_else(|| panic!("no {check:?} {weight:?} in {:#?}", host.reasons))
}

/// Some calls to listeners inside the range.
fn at_work() -> Vec<FlowRecord> {
    (0..12).map(|n| call(end(CLIENT, 60_000 + n), end(SERVER, 50_000 + n % 3), i64::from(n) * 250)).collect()
}

#[test]
fn listeners_inside_hold_after_a_restart() {
    let host = only(asked(&LISTENERS, &after(at_work(), Vec::new()), None));
    assert_eq!((host.verdict, host.name.as_str()), (Verdict::Holds, "srv"), "{:#?}", host.reasons);
    assert_eq!((host.measured.listeners_inside, host.measured.peak_ports, host.measured.capacity_ports), (3, 3, 200));
    assert_eq!(host.measured.length_ns, 3_600 * SECOND as u64);
    let unknown = only(asked(&Ask { is_restarted: false, ..LISTENERS }, &after(at_work(), Vec::new()), None));
    assert_eq!(unknown.verdict, Verdict::NotEnoughEvidence);
    assert_eq!(checks(&unknown, Weight::Doubt), [Check::Evidence]);
    assert!(unknown.record_next[0].contains("restarts"), "{:?}", unknown.record_next);
}

#[test]
fn a_listener_outside_does_not_hold_wherever_the_site_file_puts_the_range() {
    let outside = call(end(CLIENT, 60_100), end(SERVER, 61_000), 3_000);
    let flows = at_work().into_iter().chain([outside]).collect();
    let host = only(asked(&LISTENERS, &after(flows, Vec::new()), None));
    assert_eq!((host.verdict, host.measured.listeners_outside), (Verdict::DoesNotHold, 1));
    let reason = reason(&host, Check::ListenersInside, Weight::Against);
    assert!(reason.text.contains("tcp/61000"), "{}", reason.text);
    let place = &reason.places[0];
    assert_eq!((place.frame, place.source.as_ref()), (Some(3_001), "after.pcapng"));
    assert_eq!(place.time_ns, Some((10 * HOUR + 3_000) * SECOND));
    assert!(place.display_filter.contains("tcp.dstport == 61000"), "{}", place.display_filter);
}

#[test]
fn documented_static_ports_are_left_out() {
    // tcp/54967 is a documented port of the server.
    let flows = at_work().into_iter().chain([call(end(CLIENT, 60_100), end(SERVER, 54_967), 3_000)]).collect();
    let host = only(asked(&LISTENERS, &after(flows, Vec::new()), None));
    assert_eq!(host.verdict, Verdict::Holds, "{:#?}", host.reasons);
    assert!(reason(&host, Check::ListenersInside, Weight::Remark).text.contains("tcp/54967"));
}

#[test]
fn ports_that_the_user_calls_static_are_left_out_and_take_room() {
    let flows = || at_work().into_iter().chain([call(end(CLIENT, 60_100), end(SERVER, 61_000), 3_000)]).collect();
    let host = only(asked(&Ask { fixed: &[61_000, 50_019], ..LISTENERS }, &after(flows(), Vec::new()), None));
    assert_eq!((host.verdict, host.measured.capacity_ports), (Verdict::Holds, 199), "{:#?}", host.reasons);
}

#[test]
fn scope_rpc_looks_at_what_is_announced_or_speaks_rpc() {
    let flows: Vec<FlowRecord> =
        at_work().into_iter().chain([call(end(CLIENT, 60_100), end(SERVER, 61_000), 3_000)]).collect();
    let inside = vec![at_ten(told(CLIENT, Answer::Port(50_001), 1))];
    let speaking = |protocol: Protocol| {
        let mut flows = flows.clone();
        flows[12].application = Some(Recognised { protocol, certainty: Certainty::Certain, server: None });
        flows
    };
    let host = only(asked(&RPC, &after(speaking(Protocol::Http), inside.clone()), None));
    assert_eq!((host.verdict, host.measured.listeners_inside), (Verdict::Holds, 1), "{:#?}", host.reasons);
    let host = only(asked(&RPC, &after(speaking(Protocol::DceRpc), inside.clone()), None));
    assert_eq!(checks(&host, Weight::Against), [Check::ListenersInside]);
    // Nobody knows what is spoken there.
    let host = only(asked(&RPC, &after(flows, inside), None));
    assert_eq!(checks(&host, Weight::Doubt), [Check::ListenersInside], "{:#?}", host.reasons);
    let reason = reason(&host, Check::ListenersInside, Weight::Doubt);
    assert!(reason.count == 1 && reason.text.contains("tcp/61000"), "{}", reason.text);
}

#[test]
fn an_announced_port_outside_counts_though_nobody_calls_it() {
    let said = vec![at_ten(told(CLIENT, Answer::Port(50_001), 1)), at_ten(told(CLIENT, Answer::Port(5_400), 2))];
    for ask in [RPC, LISTENERS] {
        let host = only(asked(&ask, &after(at_work(), said.clone()), None));
        assert_eq!(host.verdict, Verdict::DoesNotHold);
        let reason = reason(&host, Check::ListenersInside, Weight::Against);
        assert_eq!((reason.count, reason.places[0].frame), (1, Some(1_002)));
        assert!(reason.text.contains("tcp/5400 (LSARPC)"), "{}", reason.text);
        assert!(reason.places[0].what.ends_with("announced"), "{:?}", reason.places);
    }
}

#[test]
fn silence_after_an_announcement_does_not_hold() {
    let mut flows = at_work();
    flows.push(ignored(end(CLIENT, 60_200), end(SERVER, 50_007), 3_000));
    let said = vec![at_ten(told(CLIENT, Answer::Port(50_007), 2_999))];
    let host = only(asked(&RPC, &after(flows, said), None));
    assert_eq!(checks(&host, Weight::Against), [Check::AnnouncedReached], "told once: {:#?}", host.reasons);
    let place = &reason(&host, Check::AnnouncedReached, Weight::Against).places[0];
    assert_eq!(place.frame, Some(3_999));
    assert!(place.what.contains("frame 3001"), "{}", place.what);
}

#[test]
fn nobody_registered_does_not_hold_unless_it_was_so_before() {
    let missing = |hour: i64| {
        let mut said = told(CLIENT, Answer::NotRegistered, 60);
        said.time_ns += hour * HOUR * SECOND;
        said
    };
    let said = || vec![at_ten(told(CLIENT, Answer::Port(50_001), 1)), missing(10)];
    let host = only(asked(&RPC, &after(at_work(), said()), None));
    assert_eq!(checks(&host, Weight::Against), [Check::Registered]);
    let then = Facts { announcements: vec![missing(8)], ..earlier(at_work()) };
    let host = only(asked(&RPC, &after(at_work(), said()), Some(&then)));
    assert_eq!(checks(&host, Weight::Against), []);
    reason(&host, Check::Registered, Weight::Remark);
}

#[test]
fn failed_attempts_count_where_somebody_listens() {
    let blocked = |port: u16| {
        let mut flows = at_work();
        flows.push(ignored(end(CLIENT, 60_200), end(SERVER, port), 3_000));
        only(asked(&LISTENERS, &after(flows, Vec::new()), None))
    };
    assert_eq!(checks(&blocked(50_001), Weight::Against), [Check::AttemptsSucceed]);
    for (port, part) in [(50_009, "in 50000-50199"), (61_000, "outside 50000-50199"), (135, "of the endpoint mapper")] {
        let nobody = blocked(port);
        assert_eq!(checks(&nobody, Weight::Doubt), [Check::AttemptsSucceed], "{port}: {:#?}", nobody.reasons);
        let text = &reason(&nobody, Check::AttemptsSucceed, Weight::Doubt).text;
        assert!(text.contains(part), "{text}");
    }
    for port in [54_967, 7_002] {
        assert_eq!(blocked(port).verdict, Verdict::Holds, "{port} is not given out");
    }
}

#[test]
fn a_repeated_syn_that_was_answered_is_a_doubt() {
    let mut flows = at_work();
    flows[3] = changed(flows[3], |one, _| (one.syn, one.syn_retransmitted, one.packets) = (2, 1, 5));
    let host = only(asked(&LISTENERS, &after(flows, Vec::new()), None));
    assert_eq!(checks(&host, Weight::Doubt), [Check::AttemptsSucceed]);
    assert!(reason(&host, Check::AttemptsSucceed, Weight::Doubt).text.starts_with("1 connection of 12"));
}

#[test]
fn gaps_one_sided_flows_and_silence_of_the_host_keep_it_from_holding() {
    let gaps = ["after.pcapng: the recorder dropped 3 packets".to_owned()];
    let host = only(asked_with(&LISTENERS, &after(at_work(), Vec::new()), None, &gaps));
    assert_eq!((host.verdict, checks(&host, Weight::Doubt)), (Verdict::NotEnoughEvidence, vec![Check::Evidence]));
    assert!(host.reasons[0].text.contains("dropped 3 packets"));
    let mut flows = at_work();
    for (n, flow) in flows.iter_mut().take(3).enumerate() {
        *flow = changed(call(end(CLIENT, 61_000 + n as u16), end(SERVER, 445), 9), |_, other| {
            *other = DirectionFacts::default()
        });
    }
    let host = only(asked(&LISTENERS, &after(flows, Vec::new()), None));
    assert!(host.reasons[0].text.contains("3 of the host's 12 TCP flows"), "{:#?}", host.reasons);
    let absent = only(asked(&Ask { hosts: &[77], ..LISTENERS }, &after(at_work(), Vec::new()), None));
    assert_eq!(absent.verdict, Verdict::NotEnoughEvidence);
    assert!(absent.reasons[0].text.contains("No packet of the host"));
}

#[test]
fn nothing_in_scope_is_no_host_and_no_verdict_that_holds() {
    let facts = after(vec![call(end(CLIENT, 60_000), end(SERVER, 7_002), 1)], Vec::new());
    let validation = asked(&LISTENERS, &facts, None);
    assert!(validation.hosts.is_empty());
    assert_eq!(validation.verdict(), Verdict::NotEnoughEvidence);
    let named = only(asked(&Ask { hosts: &[SERVER], ..LISTENERS }, &facts, None));
    assert!(named.reasons[0].text.contains("nothing shows that the range is in use"), "{:#?}", named.reasons);
}

/// What the mapper of the server announces at a port.
fn subject(name: &str, port: u16, second: i64) -> Announcement {
    let mut said = at_ten(told(CLIENT, Answer::Port(port), second));
    name.clone_into(&mut said.said.subject);
    said
}

#[test]
fn what_was_outside_before_the_restart_is_told_and_not_judged() {
    let said = vec![
        subject("a", 61_000, 10),
        subject("b", 61_001, 20),
        subject("a", 50_001, 1_000),
        subject("b", 50_002, 1_010),
    ];
    let old = call(end(CLIENT, 60_100), end(SERVER, 61_000), 11);
    let new = call(end(CLIENT, 60_101), end(SERVER, 50_001), 1_001);
    let facts = after(vec![old, new], said);
    let ask = Ask { is_restarted: false, ..RPC };
    let host = only(asked(&ask, &facts, None));
    assert_eq!(host.verdict, Verdict::Holds, "{:#?}", host.reasons);
    assert!(host.measured.length_ns < 3_600 * SECOND as u64, "the time before does not count");
    let told = reason(&host, Check::ListenersInside, Weight::Remark);
    assert!(
        told.text.starts_with("2 listeners outside") && told.text.contains("before the host restarted"),
        "{}",
        told.text
    );
    let stated = only(asked(&RPC, &facts, None));
    assert_eq!(checks(&stated, Weight::Against), [Check::ListenersInside], "the user says the range was set by then");
}

#[test]
fn a_service_that_restarted_into_the_range_left_its_old_port() {
    let said = vec![subject("a", 61_000, 10), subject("a", 50_001, 1_000)];
    let old = call(end(CLIENT, 60_100), end(SERVER, 61_000), 11);
    let new = call(end(CLIENT, 60_101), end(SERVER, 50_001), 1_001);
    let host = only(asked(&Ask { is_restarted: false, ..RPC }, &after(vec![old, new], said), None));
    assert_eq!(host.verdict, Verdict::Holds, "{:#?}", host.reasons);
    assert!(reason(&host, Check::ListenersInside, Weight::Remark).text.contains("restarted and are announced inside"));
}

fn table(listens: &[u16]) -> Facts {
    let source = Arc::new(HostTableSource {
        host: "10.0.0.1".parse().unwrap(),
        file: "netstat.txt".into(),
        format: HostTableFormat::Netstat,
    });
    let socket = |(line, port): (usize, &u16)| HostSocket {
        source: source.clone(),
        line: line as u64 + 1,
        time_ns: None,
        created_ns: None,
        transport: Transport::Tcp,
        versions: IpVersions::V4,
        local: None,
        port: *port,
        remote: None,
        state: SocketState::Listen,
        process_id: None,
        process: Some("lsass.exe".into()),
        services: None,
    };
    Facts { host_sockets: listens.iter().enumerate().map(socket).collect(), ..after(at_work(), Vec::new()) }
}

#[test]
fn a_host_table_vouches_for_the_restart_and_shows_idle_listeners() {
    let ask = || Ask { is_restarted: false, ..LISTENERS };
    let host = only(asked(&ask(), &table(&[50_000, 50_001, 50_002, 50_010, 445]), None));
    assert_eq!((host.verdict, host.measured.listeners_inside), (Verdict::Holds, 4), "{:#?}", host.reasons);
    let host = only(asked(&ask(), &table(&[50_010, 49_664]), None));
    let reason = reason(&host, Check::ListenersInside, Weight::Against);
    assert!(reason.text.contains("tcp/49664 (lsass.exe)"), "{}", reason.text);
    assert!(reason.places[0].what.ends_with("listening by a host table"), "{:?}", reason.places);
    assert_eq!((reason.places[0].frame, reason.places[0].source.as_ref()), (None, "netstat.txt line 2"));
}

#[test]
fn a_host_table_vouches_only_where_it_is_recent_and_lists_what_packets_show() {
    let doubts = |facts: &Facts, scope: Scope| {
        let host = only(asked(&Ask { is_restarted: false, scope, hosts: &[SERVER], ..LISTENERS }, facts, None));
        checks(&host, Weight::Doubt)
    };
    let whole = || table(&[50_000, 50_001, 50_002]);
    assert_eq!(doubts(&whole(), Scope::Listeners), []);
    assert_eq!(doubts(&table(&[50_000, 50_001]), Scope::Listeners), [Check::Evidence], "50002 is not listed");
    let timed = |time_ns: i64| {
        let mut facts = whole();
        facts.host_sockets.iter_mut().for_each(|socket| socket.time_ns = Some(time_ns));
        doubts(&facts, Scope::Listeners)
    };
    assert_eq!(timed(10 * HOUR * SECOND), []);
    assert_eq!(timed(10 * HOUR * SECOND - 1), [Check::Evidence], "taken before the recording");
    let announced =
        |facts: Facts| Facts { announcements: vec![at_ten(told(CLIENT, Answer::Port(50_001), 1))], ..facts };
    assert_eq!(doubts(&announced(whole()), Scope::Rpc), [Check::Evidence]);
    // What listens outside by the table may be RPC.
    let host = only(asked(&RPC, &announced(table(&[50_001, 49_664, 445])), None));
    assert_eq!(checks(&host, Weight::Doubt), [Check::ListenersInside], "{:#?}", host.reasons);
    assert_eq!(reason(&host, Check::ListenersInside, Weight::Doubt).places[0].source.as_ref(), "netstat.txt line 2");
}

#[test]
fn a_port_that_may_be_a_listener_is_a_doubt() {
    let midstream = changed(call(end(CLIENT, 51_000), end(SERVER, 51_001), 9), |one, other| {
        *one = DirectionFacts { packets: 3, payload_packets: 1, payload_bytes: 9, ..DirectionFacts::default() };
        *other = *one;
    });
    let midstream = FlowRecord { first_syn: None, first_fin: None, state: TcpState::Midstream, ..midstream };
    let host = only(asked(
        &Ask { hosts: &[SERVER], ..LISTENERS },
        &after([at_work(), vec![midstream]].concat(), Vec::new()),
        None,
    ));
    assert_eq!(checks(&host, Weight::Doubt), [Check::ListenersInside], "{:#?}", host.reasons);
}
