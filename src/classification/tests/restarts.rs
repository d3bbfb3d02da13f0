//! What shows a restart, and what does not.

use super::*;

const OTHER: &str = "10.0.0.7";

/// The mapper of the server announces `subject` at a port, at a second.
fn at(subject: &str, port: u16, second: i64) -> Announcement {
    Announcement {
        position: Position { capture: CaptureIndex(0), frame: 1000 + second as u64, offset: 0 },
        time_ns: second * SECOND,
        flow_capture: CaptureIndex(0),
        flow_first_frame: 1,
        announcer: endpoint(SERVER, 135),
        told: endpoint(CLIENT, 40_000),
        host: SERVER.parse().unwrap(),
        caller: CLIENT.parse().unwrap(),
        said: Announced {
            by: Side::A,
            listener: Side::A,
            mechanism: Mechanism::EptMap,
            answer: Answer::Port(port),
            transport: Transport::Tcp,
            stated_host: "0.0.0.0".into(),
            subject: subject.into(),
            version: "1.0".into(),
            tier: Tier::Structural,
            process_id: None,
        },
    }
}

/// A conversation of the server with somebody else, from one second to another.
fn lasting(from: i64, to: i64) -> FlowRecord {
    FlowRecord { last_seen_ns: to * SECOND, ..tcp((SERVER, 50_900), (OTHER, 1433), OPENED, from) }
}

fn restarts(announcements: Vec<Announcement>, flows: Vec<FlowRecord>) -> Restarts {
    let facts = Facts { announcements, flows: flows.into(), ..Facts::default() };
    Restarts::of(&facts, &HostTables::of(&facts))
}

fn kinds(restarts: &Restarts) -> Vec<(RestartKind, i64)> {
    restarts.all().iter().map(|restart| (restart.kind, restart.after_ns / SECOND)).collect()
}

fn two_moved() -> Vec<Announcement> {
    vec![at("a", 49_700, 10), at("b", 49_701, 20), at("a", 49_800, 300), at("b", 49_801, 310)]
}

#[test]
fn a_host_restarted_where_its_services_moved_over_a_silence() {
    let found = restarts(two_moved(), vec![lasting(5, 100), lasting(200, 400)]);
    assert_eq!(kinds(&found), [(RestartKind::Host, 200)]);
    let restart = &found.all()[0];
    assert_eq!((restart.before_ns / SECOND, restart.moved.len(), restart.opened_after), (100, 2, 1));
    assert!(
        restart.evidence.contains("2 services of 2 ports") && restart.evidence.contains("for 100 s"),
        "{restart:?}"
    );
    let server = SERVER.parse().unwrap();
    assert_eq!(found.epoch(server, 150 * SECOND), (i64::MIN, 200 * SECOND));
    assert_eq!(found.epoch(server, 200 * SECOND), (200 * SECOND, i64::MAX));
    assert_eq!(found.epoch(CLIENT.parse().unwrap(), 0), (i64::MIN, i64::MAX));
}

#[test]
fn what_goes_on_or_stays_shows_that_the_host_did_not_restart() {
    let through = restarts(two_moved(), vec![lasting(5, 400)]);
    assert_eq!(kinds(&through), [(RestartKind::Service, 300), (RestartKind::Service, 310)]);
    let mut stayed = two_moved();
    stayed.extend([at("c", 49_702, 15), at("c", 49_702, 320), at("d", 49_703, 15), at("d", 49_703, 320)]);
    stayed.sort_by_key(|said| said.time_ns);
    let stayed = restarts(stayed, vec![lasting(5, 100), lasting(200, 400)]);
    assert!(stayed.all().iter().all(|restart| restart.kind == RestartKind::Service), "as many stayed as moved");
    // A reset of its own ends what it does not know any more.
    let mut reset = lasting(5, 400);
    for from in [&mut reset.from_a, &mut reset.from_b] {
        from.rst = 1;
    }
    assert_eq!(kinds(&restarts(two_moved(), vec![reset, lasting(250, 400)])), [(RestartKind::Host, 250)]);
}

#[test]
fn of_several_silences_that_counts_in_which_somebody_knocked_in_vain() {
    // Quiet from 21 to 150 for no reason, away from 160 to 200.
    let quiet = || vec![lasting(5, 21), lasting(150, 160), lasting(200, 400)];
    assert_eq!(kinds(&restarts(two_moved(), quiet())), [(RestartKind::Host, 150)], "the longest");
    let asked = |second| tcp((CLIENT, 50_002), (SERVER, 135), OPENED, second);
    let knock = tcp((CLIENT, 50_003), (SERVER, 135), IGNORED, 170);
    let with = |more: Vec<FlowRecord>| kinds(&restarts(two_moved(), [quiet(), more].concat()));
    assert_eq!(with(vec![asked(5), knock]), [(RestartKind::Host, 200)]);
    assert_eq!(with(vec![knock]), [(RestartKind::Host, 150)], "nobody is ever let in there");
}

#[test]
fn a_host_restarted_after_the_last_call_to_a_former_port_and_before_the_first_to_a_new_one() {
    let call = |port| tcp((CLIENT, 50_001), (SERVER, port), OPENED, 155);
    let found = |call, flows: [FlowRecord; 3]| kinds(&restarts(two_moved(), [vec![call], flows.to_vec()].concat()));
    let longest_first = [lasting(5, 21), lasting(150, 160), lasting(200, 400)];
    assert_eq!(found(call(49_701), longest_first), [(RestartKind::Host, 200)]);
    let longest_last = [lasting(5, 100), lasting(140, 160), lasting(300, 400)];
    assert_eq!(found(call(49_999), longest_last), [(RestartKind::Host, 300)], "the longest");
    assert_eq!(found(call(49_801), longest_last), [(RestartKind::Host, 140)]);
}

#[test]
fn one_move_is_a_service_and_only_where_the_old_port_is_left() {
    let moved = || vec![at("a", 49_700, 10), at("a", 49_800, 300)];
    assert_eq!(kinds(&restarts(moved(), Vec::new())), [(RestartKind::Service, 300)]);
    let still_used = tcp((CLIENT, 50_001), (SERVER, 49_700), OPENED, 350);
    assert!(restarts(moved(), vec![still_used]).all().is_empty());
}

#[test]
fn several_ports_of_one_service_at_a_time_are_no_move() {
    let both = vec![at("a", 49_700, 10), at("a", 49_800, 20), at("a", 49_700, 30), at("a", 49_800, 40)];
    assert!(restarts(both, Vec::new()).all().is_empty());
}

#[test]
fn an_announcement_from_before_a_restart_explains_nothing_after_it() {
    let call = |second| tcp((CLIENT, 50_001), (SERVER, 49_700), OPENED, second);
    let tie = |second| {
        let facts = Facts {
            announcements: two_moved(),
            flows: vec![lasting(5, 100), lasting(200, 400), call(second)].into(),
            ..Facts::default()
        };
        let judged = judge(&facts, &Catalog::builtin().unwrap(), None);
        let flow = judged.flows.iter().find(|flow| flow.judgement.responder.port == 49_700).unwrap();
        flow.judgement.referral.as_ref().map(|referral| referral.tie)
    };
    assert_eq!(tie(90), Some(Tie::AnnouncedEarlier));
    assert_eq!(tie(390), None, "the same number after the restart is somebody else's");
}
