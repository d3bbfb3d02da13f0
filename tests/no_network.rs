//! The program opens no socket: it reads files, writes files, and talks to nobody. Watched by strace, from outside.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "what was skipped is for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether strace is there and may trace.
fn strace_works() -> bool {
    let run = Command::new("strace").args(["-e", "trace=network", "true"]).stderr(Stdio::null()).status();
    let works = run.is_ok_and(|status| status.success());
    if !works {
        println!("skipped: no strace, or it may not trace here");
    }
    works
}

/// The network calls of a command and everything that it started, a line each.
fn network_calls(log: &Path, command: &[&OsStr]) -> Vec<String> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "trace=network", "-o"]).arg(log).args(command);
    support::run(&mut strace, &[], support::HANGS);
    // Signals and exits are told whatever is traced.
    let call = |line: &&str| !line.contains("---") && !line.contains("+++");
    std::fs::read_to_string(log).unwrap().lines().filter(call).map(str::to_owned).collect()
}

#[test]
fn no_command_makes_a_network_call() {
    if !strace_works() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (demo, site) = (support::demo(), support::demo_site());
    let (store, report, log) = (path("store"), path("report"), path("strace.txt"));
    let program: &OsStr = support::PROGRAM.as_ref();
    let commands: [Vec<&OsStr>; 4] = [
        vec!["meter".as_ref(), demo.as_ref(), "-o".as_ref(), store.as_ref()],
        vec!["report".as_ref(), store.as_ref(), "--site".as_ref(), site.as_ref(), "-o".as_ref(), report.as_ref()],
        vec!["flows".as_ref(), store.as_ref()],
        vec!["explain".as_ref(), "443".as_ref(), store.as_ref()],
    ];
    for command in commands {
        let calls = network_calls(&log, &[&[program], &command[..]].concat());
        assert_eq!(calls, Vec::<String>::new(), "{command:?}");
    }
    assert!(store.is_dir() && report.join("index.html").is_file(), "the commands did their work");
}

/// libpcap would ask the name service, and so maybe the network, for the names in a filter.
#[cfg(feature = "live")]
#[test]
fn a_filter_asks_nobody() {
    if !strace_works() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (demo, log) = (support::demo(), folder.path().join("strace.txt"));
    for filter in [
        "host 10.0.0.1 or net 10.1.0.0/16 or ether host 02:00:00:00:00:01",
        "host fe80::1 or ip proto ospf or ip proto \\tcp or portrange 6000-6008",
    ] {
        let command = ["flows", "-q", "-f", filter].map(OsStr::new);
        let command = [&[support::PROGRAM.as_ref()], &command[..], &[demo.as_ref()]].concat();
        assert_eq!(network_calls(&log, &command), Vec::<String>::new(), "{filter}");
    }
    for filter in ["host plc-line1.example", "port http", "host 10.0.0.1 or plc1", "net plant", "gateway plc1"] {
        let command = ["flows", "-q", "-f", filter].map(OsStr::new);
        let command = [&[support::PROGRAM.as_ref()], &command[..], &[demo.as_ref()]].concat();
        assert_eq!(network_calls(&log, &command), Vec::<String>::new(), "{filter}");
        let run = support::portproof(&command[1..]).expect(2);
        assert!(run.lines().len() == 1 && run.stderr.contains("may use the network"), "{}", run.stderr);
    }
}

/// The watch itself sees what it is meant to see.
#[test]
fn a_network_call_would_be_seen() {
    if !strace_works() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let open = "exec 3<>/dev/tcp/127.0.0.1/9";
    let calls = network_calls(&folder.path().join("strace.txt"), &["bash", "-c", open].map(OsStr::new));
    assert!(calls.iter().any(|call| call.contains("AF_INET")), "{calls:?}");
}
