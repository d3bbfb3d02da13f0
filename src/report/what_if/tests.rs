//! Words and numbers of an answer, and that hostile names stay text.

use super::*;
use crate::catalog::PortRange;
use crate::dynamic_ports::what_if::{Demand, DemandKind, UsablePorts, holders, replay, sweep};
use crate::model::{Sweep, SweepEntry, Transport};
use crate::policy::settings::FixedPort;
use crate::policy::what_if::{Answer, Capacity};

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_772_488_800 * SECOND;

const ASKED: Asked = Asked { range: (20_000, 20_009), scope: Scope::Allocation, order: AllocationOrder::Sequential };

/// A listener and ten calls, one a second, each held for five seconds and in TIME-WAIT for five more.
fn answer(ports: u32, name: &str) -> Answer {
    let at = |second: i64| START + second * SECOND;
    let call = |n: i64| Demand {
        start_ns: at(n),
        closed_ns: at(n + 5),
        end_ns: at(n + 10),
        remote: Some(([10, 0, 0, 7].into(), 1_433)),
        kind: DemandKind::Ephemeral,
    };
    let listener = Demand { remote: None, kind: DemandKind::Listener, ..call(0) };
    let demand: Vec<Demand> = std::iter::once(listener).chain((0..10).map(call)).collect();
    let replay = replay(&demand, UsablePorts::of_size(ports), ASKED.order);
    let point =
        |p: crate::dynamic_ports::what_if::SweepPoint| SweepEntry { ports: p.ports, attempts: 11, blocked: p.blocked };
    let sweep = Sweep {
        host: [10, 0, 0, 5].into(),
        name: name.into(),
        transport: Transport::Tcp,
        points: sweep(&demand, &[8, 10, 11]).into_iter().map(point).collect(),
        asked: Some(ports),
    };
    Answer {
        host: [10, 0, 0, 5].into(),
        name: name.into(),
        transport: Transport::Tcp,
        capacity: Capacity {
            range: PortRange::new(20_000, 20_011).unwrap(),
            documented: vec![FixedPort::new(Transport::Tcp, 20_003, "Some service - a document p. 3")],
            excluded: vec![],
            left_out: vec![],
            serving: vec![20_004],
            usable: UsablePorts::of_size(ports),
        },
        listeners: 1,
        unseen_listeners: 0,
        connections: 10,
        epoch: (2, 2),
        time_wait_ns: 5 * SECOND,
        direction_unknown: 3,
        outside: 2,
        shared_with_calls: false,
        wanted_by: holders(&demand, replay.wanted.at_ns.unwrap(), 5),
        replay,
        sweep: Some(sweep),
    }
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing:\n{text}");
    }
}

#[test]
fn a_range_that_is_too_small_is_told_with_when_and_what_held_it() {
    let text = text(ASKED, &[answer(8, "srv")]);
    says(
        &text,
        &[
            "10.0.0.5 (srv) tcp         8        11              3 of 11  TOO SMALL",
            "8 of the 12 ports of the range",
            "without documented static ports: 20003 Some service - a document p. 3",
            "without ports at which the host serves already: 20004",
            "1 listener (of epoch 2 of 2, which has the most), 10 ports for calls; TIME-WAIT 5.0 s",
            "not in it: 3 dynamic ports of flows whose direction is not known",
            "11 at most at 2026-03-02T22:00:09Z",
            "10 to 10.0.0.7:1433",
            "3 of 11 (27.3 %), first at 2026-03-02T22:00:07Z",
            "3 of 10 calls",
            "2026-03-02T22:00:06Z: 8 held, none free",
            "1 by listeners, 6 by connections under way, 1 by TIME-WAIT",
            "        8              3 of 11        27.3 %  <- the range",
            "       11              0 of 11      < 27.3 %",
            "\"<\": none failed",
            "no number is used twice (sequential order)",
            "What a replay cannot know",
        ],
    );
}

#[test]
fn a_range_that_held_the_demand_says_what_cannot_be_ruled_out() {
    let text = text(ASKED, &[answer(300, "")]);
    says(
        &text,
        &[
            "10.0.0.5 tcp       300        11              0 of 11  held what was recorded",
            "none of 11",
            "no number is used twice (sequential order)",
            "a failure probability of up to 27.3 % cannot be ruled out",
            "The range has 300: more than three times what was wanted.",
        ],
    );
    assert!(!text.contains("TOO SMALL") && !text.to_lowercase().contains("safe"));
}

#[test]
fn listeners_alone_are_no_sample() {
    let mut answer = answer(300, "");
    (answer.connections, answer.shared_with_calls) = (0, true);
    let text = text(Asked { scope: Scope::Rpc, ..ASKED }, &[answer]);
    says(
        &text,
        &["listeners that were not seen (idle, on loopback) need ports too", "the host's own calls take ports"],
    );
    assert!(!text.contains("cannot be ruled out") && !text.contains("TIME-WAIT 5"));
}

#[test]
fn a_number_that_is_soon_used_again_is_warned_of() {
    let mut answer = answer(300, "");
    answer.replay.shortest_reuse_ns = Some(92_000_000);
    let soon = text(ASKED, &[answer.clone()]);
    says(
        &soon,
        &["a number is used again 92 ms after its close at the soonest (sequential order)", "may refuse the new one"],
    );
    answer.replay.shortest_reuse_ns = Some(60 * SECOND);
    let late = text(ASKED, &[answer]);
    assert!(late.contains("a number is used again 1 min after") && !late.contains("may refuse"), "{late}");
}

#[test]
fn many_hosts_are_all_named_and_the_first_told_in_full() {
    let answers: Vec<Answer> = (0..25).map(|_| answer(8, "")).collect();
    let text = text(ASKED, &answers);
    assert_eq!((text.matches("TOO SMALL").count(), text.matches("Worst squeeze").count()), (25, 20));
    says(&text, &["The 5 other rows in full: --host ADDRESS, or --json."]);
    let idle: Vec<Answer> = (0..4).map(|_| answer(300, "")).collect();
    assert!(!super::text(ASKED, &idle).contains("Worst squeeze"), "they want less than a tenth of their ports");
}

#[test]
fn the_json_holds_the_same_numbers() {
    let hostile = "a\x1b[31m\u{202e}\"";
    let literal = json(ASKED, &[answer(8, hostile)], "1.2.3").unwrap();
    assert!(!literal.chars().any(|c| c != '\n' && crate::report::text::acts(c)));
    let value: serde_json::Value = serde_json::from_str(&literal).unwrap();
    assert_eq!(
        (&value["is_served"], &value["scope"], &value["seed"]),
        (&false.into(), &"allocation".into(), &serde_json::Value::Null)
    );
    let host = &value["hosts"][0];
    assert_eq!(
        (&host["name"], &host["capacity_ports"], &host["wanted_ports"]),
        (&hostile.into(), &8.into(), &11.into())
    );
    assert_eq!((&host["strict"]["blocked"], &host["strict"]["calls"]["attempts"]), (&3.into(), &10.into()));
    assert_eq!(host["squeeze"]["time_wait"], 1);
    assert_eq!(host["sweep"][2]["probability"], 0.0);
    assert_eq!(host["wanted_by"][0]["remote"], "10.0.0.7");
}

#[test]
fn names_stay_text() {
    let text = text(ASKED, &[answer(8, "a\x1b[31m\nb\u{202e}")]);
    assert!(!text.chars().any(|c| c != '\n' && crate::report::text::acts(c)));
    says(&text, &["10.0.0.5 (a\\x1b[31m\\nb\\u{202e}) tcp"]);
}

#[test]
fn percents_have_three_digits() {
    let all = [0.0, 1.0, 0.272_727, 0.046_2, 0.000_133, 1e-9].map(percent);
    assert_eq!(all, ["0 %", "100 %", "27.3 %", "4.62 %", "0.0133 %", "0.000000100 %"]);
}
