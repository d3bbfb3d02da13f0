//! What is shown, and that nothing in it acts.

use super::*;
use crate::catalog::PortRange;
use crate::policy::validation::{Check, HostVerdict, Measured, Place, Reason, Scope, Validation, Verdict, Weight};

fn validation() -> Validation {
    let place = Place {
        what: "tcp/49700 (\u{1b}[31mSAMR\u{202e}), called".into(),
        source: "a\nb.pcapng".into(),
        frame: Some(7),
        time_ns: Some(0),
        display_filter: "tcp.port == 49700".into(),
        is_before: false,
    };
    let reason = Reason {
        check: Check::ListenersInside,
        weight: Weight::Against,
        text: "1 dynamic listener outside: \u{1b}[2J".into(),
        count: 5,
        places: vec![place; 5],
        next: None,
    };
    let host = HostVerdict {
        host: [10, 0, 0, 1].into(),
        name: "srv\r".into(),
        verdict: Verdict::DoesNotHold,
        reasons: vec![reason],
        measured: Measured { listeners_inside: 3, listeners_outside: 1, capacity_ports: 320, ..Measured::default() },
        record_next: vec!["Record."],
    };
    Validation { range: PortRange::spanning(50_000, 50_319), scope: Scope::Rpc, hosts: vec![host] }
}

#[test]
fn lines_say_the_verdict_the_reason_and_where_to_look() {
    let lines: Vec<String> = lines(&validation()).into_iter().map(|line| line.text).collect();
    let text = lines.join("\n");
    assert!(text.starts_with("Range 50000-50319 for listeners of RPC (320 ports)"), "{text}");
    for part in ["10.0.0.1: DOES NOT HOLD", "against: 1 dynamic", "frame 7", "[tcp.port == 49700]", "Next: Record."] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text.matches("frame 7").count(), 3, "the first places only");
    assert!(lines.iter().all(|line| !line.chars().any(crate::report::text::acts)), "{text:?}");
}

#[test]
fn json_has_all_of_it_and_nothing_that_acts() {
    let text = json(&validation(), "1.2.3").unwrap();
    let form: serde_json::Value = serde_json::from_str(&text).unwrap();
    let host = &form["hosts"][0];
    assert_eq!((form["verdict"].as_str(), host["verdict"].as_str()), (Some("does not hold"), Some("does not hold")));
    assert_eq!((form["range"][0].as_u64(), form["scope"].as_str()), (Some(50_000), Some("rpc")));
    assert_eq!(host["reasons"][0]["evidence"].as_array().map(Vec::len), Some(5));
    assert_eq!(host["reasons"][0]["evidence"][0]["frame"].as_u64(), Some(7));
    assert_eq!(host["measured"]["capacity_tcp_ports"].as_u64(), Some(320));
    let strings =
        format!("{}{}{}", host["name"], host["reasons"][0]["text"], host["reasons"][0]["evidence"][0]["what"]);
    assert!(!strings.contains("\\u001b") && !strings.contains('\u{202e}'), "{strings}");
}
