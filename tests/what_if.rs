//! `portproof what-if` on the demo recording: what a range would have done to what was recorded.
//!
//! Numbers are held against the truth file, which was taken down from the script that was played.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use serde_json::Value;
use support::{Run, portproof};

const SERVER: &str = "10.20.30.20";
const AGENT: &str = "10.20.30.30";

fn what_if(arguments: &[&str]) -> Run {
    let (capture, site) = (support::demo(), support::demo_site());
    let inputs = [capture.to_str().unwrap(), "--site", site.to_str().unwrap()];
    portproof([&["-q", "what-if"], arguments, &inputs].concat())
}

fn json(run: &Run) -> Value {
    serde_json::from_slice(&run.stdout).unwrap()
}

/// The answer for one host and transport.
fn of(value: &Value, host: &str, transport: &str) -> Value {
    let hosts = value["hosts"].as_array().unwrap();
    hosts.iter().find(|h| h["host"] == host && h["transport"] == transport).unwrap().clone()
}

fn truth(host: &str, number: &str) -> u64 {
    let text = std::fs::read_to_string(support::root().join("captures/backup-run.truth.toml")).unwrap();
    let truth: toml::Table = text.parse().unwrap();
    let hosts = truth["host"].as_array().unwrap();
    let entry = hosts.iter().find(|h| h["address"].as_str() == Some(host)).unwrap();
    match &entry[number] {
        toml::Value::Array(list) => list.len() as u64,
        number => number.as_integer().unwrap() as u64,
    }
}

#[test]
fn without_time_wait_as_many_are_wanted_as_were_played() {
    let run = what_if(&["--range", "50000-50319", "--time-wait", "0", "--json"]).expect(0);
    let value = json(&run);
    assert_eq!((&value["is_served"], &value["range"]), (&true.into(), &serde_json::json!([50_000, 50_319])));
    for host in [SERVER, AGENT] {
        let answer = of(&value, host, "tcp");
        let played = ["dynamic_listeners", "ephemeral_ports_tcp", "peak_in_use_tcp"].map(|name| truth(host, name));
        let replayed = ["listeners", "connections", "wanted_ports"].map(|name| answer[name].as_u64().unwrap());
        assert_eq!(replayed, played, "{host}");
        assert_eq!(answer["strict"]["blocked"], 0);
        let three = 3.0 / (played[0] + played[1]) as f64;
        assert!((answer["strict"]["rule_of_three"].as_f64().unwrap() - three).abs() < 1e-12);
    }
}

#[test]
fn a_range_as_large_as_what_is_wanted_is_enough_and_one_port_less_is_not() {
    let at_once = |run: &Run| of(&json(run), SERVER, "tcp")["wanted_ports"].as_u64().unwrap();
    let ask = |ports: u64| what_if(&["--range", &format!("50000-{}", 49_999 + ports), "--host", SERVER, "--json"]);
    let wanted = at_once(&ask(320).expect(0));
    assert!(wanted > truth(SERVER, "peak_in_use_tcp"), "TIME-WAIT counts");
    assert_eq!(at_once(&ask(wanted).expect(0)), wanted);
    let tight = of(&json(&ask(wanted - 1).expect(1)), SERVER, "tcp");
    assert_eq!((&tight["strict"]["blocked"], &tight["squeeze"]["free_ports"]), (&1.into(), &0.into()));
    assert_eq!(tight["strict"]["first_blocked_ns"], tight["wanted_at_ns"]);
}

#[test]
fn the_text_says_when_it_was_tight_and_what_held_the_ports() {
    let run = what_if(&["--range", "50000-50063", "--host", SERVER, "--sweep"]).expect(1);
    let text = run.text();
    for part in [
        "10.20.30.20 (ftac-srv) tcp",
        "TOO SMALL",
        "51 listeners, 209 ports for calls; TIME-WAIT 4 min",
        "none free",
        "51 by listeners",
        "if ports in TIME-WAIT serve other remote ends meanwhile",
        "<- the range",
        "What a replay cannot know",
    ] {
        assert!(text.contains(part), "{part:?} is missing:\n{text}");
    }
    let enough = what_if(&["--range", "50000-50319"]).expect(0).text();
    assert!(enough.contains("held what was recorded") && !enough.contains("TOO SMALL"), "{enough}");
    assert!(enough.contains("cannot be ruled out"), "{enough}");
}

#[test]
fn listeners_alone_fit_into_as_many_ports() {
    let ask = |last: &str| what_if(&["--range", last, "--scope", "rpc", "--host", SERVER, "--host", AGENT, "--json"]);
    let value = json(&ask("20000-20067").expect(0));
    assert_eq!(
        (of(&value, SERVER, "tcp")["wanted_ports"].clone(), of(&value, AGENT, "tcp")["wanted_ports"].clone()),
        (51.into(), 68.into())
    );
    let value = json(&ask("20000-20066").expect(1));
    assert_eq!(of(&value, AGENT, "tcp")["strict"]["listeners"], serde_json::json!({"attempts": 68, "blocked": 1}));
    assert_eq!(of(&value, SERVER, "tcp")["is_served"], true);
}

#[test]
fn documented_and_given_static_ports_are_not_counted_on() {
    let run = what_if(&["--range", "54900-55219", "--host", SERVER, "--static", "55000-55009/tcp", "--json"]).expect(0);
    let answer = of(&json(&run), SERVER, "tcp");
    let documented = answer["documented"].as_array().unwrap();
    assert!(documented.iter().any(|fixed| fixed["port"] == 54_967), "{documented:?}");
    assert_eq!(answer["left_out"], serde_json::json!([[55_000, 55_009]]));
    assert_eq!(answer["capacity_ports"].as_u64().unwrap(), 320 - 10 - documented.len() as u64);
}

#[test]
fn the_sweep_is_written_as_a_chart() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("sizes.svg");
    let named = chart.to_str().unwrap();
    what_if(&["--range", "50000-50063", "--host", SERVER, "--chart", named]).expect(1);
    let svg = std::fs::read_to_string(&chart).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("64: 119 of 260 failed") && svg.contains("ftac-srv"), "{svg}");
    let again = what_if(&["--range", "50000-50063", "--chart", named]).expect(2);
    assert!(again.stderr.contains("exists"), "{}", again.stderr);
    what_if(&["--range", "50000-50319", "--host", SERVER, "--chart", named, "--force"]).expect(0);
    assert_ne!(std::fs::read_to_string(&chart).unwrap(), svg);
    // The demo is an input.
    let demo = support::demo();
    what_if(&["--range", "50000-50063", "--chart", demo.to_str().unwrap(), "--force"]).expect(2);
}

#[test]
fn the_order_changes_the_reuse_and_not_what_is_blocked() {
    let ask = |more: &[&str]| {
        let run = what_if(&[&["--range", "50000-50079", "--host", SERVER, "--json"], more].concat()).expect(1);
        of(&json(&run), SERVER, "tcp")
    };
    let (sequential, random) = (ask(&[]), ask(&["--order", "random", "--seed", "7"]));
    assert_eq!(sequential["strict"], random["strict"]);
    assert_eq!(random, ask(&["--order", "random", "--seed", "7"]));
}

#[test]
fn nothing_to_replay_wrong_usage_and_damage_have_their_exit_codes() {
    let nobody = what_if(&["--range", "50000-50319", "--host", "192.0.2.1"]).expect(3);
    assert!(nobody.stderr.contains("nothing to replay") && nobody.stdout.is_empty(), "{}", nobody.stderr);
    for wrong in [
        &["--range", "50319-50000"][..],
        &["--range", "0-10"],
        &["--range", "50000-50319", "--seed", "3"],
        &["--range", "50000-50319", "--force"],
        &["--range", "50000-50319", "--time-wait", "-1"],
    ] {
        what_if(wrong).expect(2);
    }
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.pcapng");
    let whole = std::fs::read(support::demo()).unwrap();
    #[allow(clippy::disallowed_methods, reason = "tests write their own inputs")]
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let damaged = portproof(["-q", "what-if", "--range", "50000-50319", cut.to_str().unwrap()]).expect(4);
    assert!(damaged.text().contains("held what was recorded"));
}
