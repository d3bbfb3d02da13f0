//! A real RPC server whose range of ports is restricted, recorded by `portproof record` and validated (`tests/lab/range.sh`). Run by
//! `.ci/run lab` as root, or with
//!
//! ```text
//! tests/lab/install.sh target/lab-deps && cargo test --test lab_range -- --ignored --nocapture
//! ```
//!
//! `PORTPROOF_LAB_PACKAGES` names another folder of packages; `PORTPROOF_LAB_RANGE` a folder that an earlier run left.

#![cfg(all(feature = "live", target_os = "linux"))]
#![allow(clippy::print_stdout, reason = "what was skipped, and the verdicts, are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;
use support::{portproof, root};

/// The host whose range was restricted, as `tests/lab/range.sh` has it.
const SERVER: &str = "10.77.0.1";
/// What Samba was told to give out after the change.
const RANGE: &str = "50000-50119";
/// What it was told at last: fewer than it has services.
const TOO_SMALL: &str = "50000-50001";
/// Exit code of the scripts where they cannot run.
const SKIPPED: i32 = 77;
/// Seconds after which a run is told to end and to tear everything down. It takes about a minute.
const LIMIT_SECONDS: &str = "240";
/// Time after which it is given up, with what it leaves.
const HANGS: Duration = Duration::from_secs(560);

/// One run for all tests: `None` where this machine cannot, or why it failed.
static LAB: LazyLock<Result<Option<PathBuf>, String>> = LazyLock::new(|| {
    if let Some(kept) = std::env::var_os("PORTPROOF_LAB_RANGE") {
        return Ok(Some(kept.into()));
    }
    let packages = std::env::var_os("PORTPROOF_LAB_PACKAGES")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("lab-deps"), PathBuf::from);
    if !packages.is_dir() {
        println!("skipped: no {}: run tests/lab/install.sh with it", packages.display());
        return Ok(None);
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab-range");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    let mut script = Command::new("timeout");
    script.arg(LIMIT_SECONDS).arg(root().join("tests/lab/range.sh")).args([
        Path::new(support::PROGRAM),
        &packages,
        &folder,
    ]);
    let run = support::run(&mut script, &[], HANGS);
    print!("{}", run.text());
    match run.code {
        Some(0) => Ok(Some(folder)),
        Some(SKIPPED) => Ok(None),
        code => Err(format!("range.sh ended with {code:?}, see {}: {}{}", folder.display(), run.text(), run.stderr)),
    }
});

fn lab() -> Option<&'static Path> {
    LAB.as_ref().unwrap_or_else(|why| panic!("the lab did not run: {why}")).as_deref()
}

/// The answer for the server, by a recording and perhaps one from before. `options` are separated by blanks.
#[track_caller]
fn validate(range: &str, options: &str, recording: &Path, before: Option<&Path>, code: i32) -> Value {
    let mut arguments: Vec<OsString> =
        // The recordings of the lab are short.
        ["-q", "validate", "--json", "--at-least", "0", "--scope", "rpc", "--host", SERVER, "--range", range].map(Into::into).into();
    arguments.extend(options.split_whitespace().map(Into::into));
    arguments.push(recording.into());
    if let Some(before) = before {
        arguments.extend(["--before".into(), before.into()]);
    }
    let run = portproof(arguments);
    assert_eq!(run.code, Some(code), "{}{}", run.text(), run.stderr);
    let answer: Value = serde_json::from_slice(&run.stdout).unwrap();
    println!("{range} {options} {}: {}", recording.file_name().unwrap().display(), answer["verdict"]);
    answer["hosts"][0].clone()
}

/// Checks that speak against the range.
fn against(host: &Value) -> Vec<&str> {
    let reasons = host["reasons"].as_array().unwrap().iter().filter(|reason| reason["weight"] == "against");
    reasons.map(|reason| reason["check"].as_str().unwrap()).collect()
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn the_restricted_range_holds_against_the_recording_before() {
    let Some(lab) = lab() else { return };
    let (after, before) = (lab.join("after.pcapng"), lab.join("before.pcapng"));
    let host = validate(RANGE, "--restarted", &after, Some(&before), 0);
    assert_eq!(host["verdict"], "holds");
    let measured = &host["measured"];
    assert_eq!((measured["listeners_outside"].as_u64(), measured["capacity_tcp_ports"].as_u64()), (Some(0), Some(120)));
    assert!(measured["listeners_inside"].as_u64().unwrap() >= 3, "{measured}");
    let unknown = validate(RANGE, "", &after, Some(&before), 3);
    assert!(against(&unknown).is_empty(), "nothing shows the restart: {unknown:#}");
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn before_the_change_it_does_not_hold() {
    let Some(lab) = lab() else { return };
    let host = validate(RANGE, "--restarted", &lab.join("before.pcapng"), None, 1);
    assert_eq!(against(&host), ["listeners-inside"]);
    assert!(host["measured"]["listeners_outside"].as_u64().unwrap() >= 3, "{host:#}");
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn a_blocked_port_does_not_hold_and_the_frame_is_named() {
    let Some(lab) = lab() else { return };
    let host = validate(RANGE, "--restarted", &lab.join("blocked.pcapng"), Some(&lab.join("before.pcapng")), 1);
    assert_eq!(against(&host), ["announced-reached"]);
    let place = &host["reasons"][0]["evidence"][0];
    assert!(place["what"].as_str().unwrap().contains("10.77.0.3: unanswered"), "{place}");
    assert!(place["frame"].as_u64().is_some());
}

#[test]
#[ignore = "needs root, network namespaces and other programs"]
fn a_range_that_is_too_small_never_holds() {
    let Some(lab) = lab() else { return };
    let (after, small) = (lab.join("after.pcapng"), lab.join("small.pcapng"));
    let host = validate(TOO_SMALL, "--restarted", &small, Some(&lab.join("before.pcapng")), 1);
    // Which of Samba's services gets no port, and whether it says so or its callers stay away, differs from run to run.
    let shows = |check: &&str| ["registered", "nothing-vanished", "announced-reached"].contains(check);
    assert!(against(&host).iter().any(shows), "{host:#}");
    // As many ports as services, and all is well: no packet shows that the next one would find none.
    let full = validate("50000-50002", "--restarted", &after, None, 3);
    assert!(against(&full).is_empty(), "{full:#}");
    assert_eq!(full["measured"]["peak_tcp_ports"].as_u64(), Some(3));
}
