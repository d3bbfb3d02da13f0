//! `portproof validate` on the demo recording: verdicts, evidence, exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "the files are the test's own")]

mod support;

use serde_json::Value;
use support::{Run, portproof};

/// The workstation of the demo: 7 dynamic listeners, all of them between these ports, and nothing that fails.
const CLIENT: &str = "10.20.30.40";
const AROUND_THEM: &str = "49600-57700";

fn validate(arguments: &str) -> Run {
    let [demo, site] = [support::demo(), support::demo_site()].map(|path| path.to_string_lossy().into_owned());
    let given = arguments.split_whitespace().map(str::to_owned);
    let all = ["-q", "validate"].map(str::to_owned).into_iter().chain(given);
    portproof(all.chain([demo, "--site".into(), site]))
}

fn answer(run: &Run) -> Value {
    serde_json::from_slice(&run.stdout).unwrap()
}

/// The only host of an answer.
#[track_caller]
fn only(answer: &Value) -> &Value {
    let hosts = answer["hosts"].as_array().unwrap();
    assert_eq!(hosts.len(), 1, "{answer:#}");
    &hosts[0]
}

#[test]
fn a_range_around_all_listeners_holds_once_the_restart_is_vouched_for() {
    let host = format!("--range {AROUND_THEM} --host {CLIENT} --json");
    let answer = answer(&validate(&format!("{host} --restarted")).expect(0));
    let host_answer = only(&answer);
    assert_eq!((answer["verdict"].as_str(), host_answer["verdict"].as_str()), (Some("holds"), Some("holds")));
    assert_eq!((answer["scope"].as_str(), host_answer["name"].as_str()), (Some("listeners"), Some("ftac-client")));
    let measured = &host_answer["measured"];
    assert_eq!((measured["listeners_inside"].as_u64(), measured["listeners_outside"].as_u64()), (Some(7), Some(0)));
    assert_eq!(measured["judged_ns"].as_u64(), Some(2_138_170_864_080), "35 min 38 s");
    assert!(host_answer["reasons"].as_array().unwrap().iter().all(|reason| reason["weight"] == "remark"));
    let longer = self::answer(&validate(&format!("{host} --restarted --at-least 1h")).expect(3));
    let doubt = &only(&longer)["reasons"][0];
    assert_eq!((doubt["check"].as_str(), doubt["weight"].as_str()), (Some("evidence"), Some("doubt")));
    assert!(doubt["text"].as_str().unwrap().contains("2138 s long; 3600 s is the least"), "{doubt}");
    let unknown = self::answer(&validate(&host).expect(3));
    assert_eq!(only(&unknown)["verdict"].as_str(), Some("not enough evidence"));
    assert!(!only(&unknown)["record_next"].as_array().unwrap().is_empty());
}

#[test]
fn a_range_that_leaves_listeners_out_does_not_hold_and_says_where_they_are() {
    let run = validate(&format!("--range 50000-50319 --host {CLIENT} --restarted --json")).expect(1);
    let answer = answer(&run);
    let host = only(&answer);
    assert_eq!(host["verdict"].as_str(), Some("does not hold"));
    assert_eq!(host["measured"]["listeners_outside"].as_u64(), Some(6));
    let reason = &host["reasons"][0];
    assert_eq!((reason["check"].as_str(), reason["count"].as_u64()), (Some("listeners-inside"), Some(6)));
    let places = reason["evidence"].as_array().unwrap();
    assert_eq!(places.len(), 6);
    let first = &places[0];
    assert!(first["what"].as_str().unwrap().starts_with("tcp/49690 "), "{first}");
    assert_eq!((first["frame"].as_u64(), first["recording"].as_str()), (Some(951), Some("after")));
    assert!(first["display_filter"].as_str().unwrap().contains("tcp.dstport == 49690"));
    assert!(first["time_ns"].as_i64().is_some() && first["source"].as_str().unwrap().ends_with("backup-run.pcapng"));
}

#[test]
fn without_hosts_all_with_ports_in_scope_are_judged_and_the_worst_decides() {
    let answer = answer(&validate("--range 49152-65535 --restarted --json").expect(1));
    let verdicts: Vec<(&str, &str)> = answer["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|host| (host["host"].as_str().unwrap(), host["verdict"].as_str().unwrap()))
        .collect();
    let expected = [("10.20.30.20", "does not hold"), ("10.20.30.30", "holds"), (CLIENT, "holds")];
    assert_eq!(verdicts, expected, "the server announced a port that a firewall keeps");
    let blocked = &answer["hosts"][0]["reasons"][0];
    assert_eq!(
        (blocked["check"].as_str(), blocked["evidence"][0]["frame"].as_u64()),
        (Some("announced-reached"), Some(7_817))
    );
}

#[test]
fn the_text_names_verdict_measure_and_frame() {
    let text = validate(&format!("--range 50000-50319 --host {CLIENT} --scope rpc")).expect(1).text();
    for part in ["DOES NOT HOLD", "outside 3", "frame 951", "tcp.dstport == 49690", "against:", "doubt:"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_recording_is_not_compared_with_itself() {
    let before = support::demo().to_string_lossy().into_owned();
    let run =
        validate(&format!("--range {AROUND_THEM} --host {CLIENT} --restarted --json --before {before}")).expect(3);
    let text = run.text();
    assert!(text.contains("The same file is in both recordings"), "{text}");
    assert!(!text.contains("nothing-vanished"), "{text}");
}

#[test]
fn a_host_that_is_not_there_is_no_evidence_and_a_cut_recording_is_damage() {
    let absent = answer(&validate("--range 50000-50319 --host 192.0.2.1 --restarted --json").expect(3));
    assert!(only(&absent)["reasons"][0]["text"].as_str().unwrap().contains("No packet of the host"));
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.pcapng");
    let bytes = std::fs::read(support::demo()).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() - 10]).unwrap();
    let arguments = ["-q", "validate", "--range", AROUND_THEM, "--host", CLIENT, "--restarted", "--json"];
    let run = portproof(arguments.map(std::ffi::OsString::from).into_iter().chain([cut.into_os_string()])).expect(4);
    assert_eq!(only(&answer(&run))["verdict"].as_str(), Some("not enough evidence"), "damage is never a holds");
}

#[test]
fn wrong_usage_is_told() {
    for wrong in [
        "--range 50319-50000",
        "--range 0-5",
        "",
        "--range 50000-50319 --scope all",
        "--range 1-9 --host srv",
        "--range 1-9 --at-least soon",
    ] {
        validate(wrong).expect(2);
    }
}
