//! `portproof settings`: its files against those in `tests/data/settings`, and what it refuses.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by failing"
)]

use std::path::Path;
use std::process::{Command, Output};

fn portproof(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portproof")).arg("settings").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file, with the line ends of this repository and without the version.
#[track_caller]
fn writes(golden: &str, arguments: &[&str]) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("settings");
    let output = portproof(&[arguments, &["-o", folder.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/settings").join(golden);
    assert_eq!(names(&folder), names(&expected));
    for name in names(&folder) {
        let written = std::fs::read_to_string(folder.join(&name)).unwrap();
        let written = written.replace("\r\n", "\n").replace(env!("CARGO_PKG_VERSION"), "VERSION");
        let expected = std::fs::read_to_string(expected.join(&name)).unwrap();
        assert_eq!(written, expected, "{golden}/{name}");
    }
}

const RPC: [&str; 8] = [
    "--range",
    "54900-55099",
    "--host",
    "10.0.0.5",
    "--static",
    "54901-54902/tcp",
    "--endpoint",
    "{13486d44-4821-11d2-a494-3cb306c10000}=20300",
];

#[test]
fn rpc_for_windows() {
    writes("rpc-windows", &RPC);
}

#[test]
fn rpc_for_linux() {
    writes("rpc-linux", &["--range", "50000-50319", "--for", "linux"]);
}

#[test]
fn allocation_for_both() {
    writes(
        "allocation-both",
        &["--range", "50000-51023", "--scope", "allocation", "--for", "both", "--static", "50010/udp"],
    );
}

#[test]
fn a_site_file_says_which_static_ports_count_and_what_undo_puts_back() {
    let root = tempfile::tempdir().unwrap();
    let site = root.path().join("site.toml");
    let host = "[[host]]\naddress = \"10.0.0.5\"\nname = \"x\\r\\ndel\"\nroles = [\"server\"]\ndynamic_range = \"50000-60000\"\n";
    let other = "[[host]]\naddress = \"10.0.0.6\"\nroles = [\"agent\"]\n";
    std::fs::write(&site, format!("[site]\nname = \"s\"\n{host}{other}")).unwrap();
    let site = site.to_str().unwrap();
    let wide = ["--range", "50000-51023", "--scope", "allocation", "--site", site];
    let one = portproof(&[&wide[..], &["--host", "10.0.0.5", "--json"]].concat());
    let value: serde_json::Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!(value["windows_before"], serde_json::json!([50_000, 60_000]));
    assert_eq!(value["usable_ports"], 1024);
    let two = portproof(&[&wide[..], &["--host", "10.0.0.5", "--host", "10.0.0.6"]].concat());
    assert_eq!(two.status.code(), Some(2));
    assert!(text(&two.stderr).contains("make settings for each of them"), "{}", text(&two.stderr));
}

#[test]
fn what_the_systems_refuse_or_what_hurts_is_refused_with_nothing_written() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("settings");
    for (arguments, part) in [
        (&["--range", "1000-2000"][..], "begins below 1025"),
        (&["--range", "20000-20098"], "leaves 99 ports"),
        (&["--range", "50000-50200", "--scope", "allocation"], "201 ports"),
        (&["--range", "65000-70000"], "70000 is not a port"),
        (&["--range", "5900-6100"], "5985 WinRM"),
        (&["--range", "20000-20199", "--endpoint", "{x}=1"], "GUID"),
        (&["--range", "20000-20199", "--host", "10.0.0.5&del"], "invalid"),
        (
            &["--range", "20000-20199", "--for", "linux", "--endpoint", "{13486d44-4821-11d2-a494-3cb306c10000}=20300"],
            "Windows",
        ),
    ] {
        let output = portproof(&[arguments, &["-o", folder.to_str().unwrap()]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(part), "{arguments:?}: {}", text(&output.stderr));
        assert!(!folder.exists() && names(root.path()).is_empty());
    }
    let both = portproof(&["--range", "20000-20199", "--for", "both"]);
    assert_eq!((both.status.code(), both.stdout.is_empty()), (Some(2), true));
}

#[test]
fn only_earlier_settings_are_replaced() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("settings");
    let named = folder.to_str().unwrap();
    let run = |more: &[&str]| portproof(&[&["--range", "20000-20199", "-o", named], more].concat());
    assert_eq!(run(&[]).status.code(), Some(0));
    assert!(folder.join("rpc.reg").exists());
    assert_eq!(run(&["--for", "linux"]).status.code(), Some(0));
    assert!(!folder.join("rpc.reg").exists() && folder.join("smb-rpc-ports.conf").exists());
    std::fs::write(folder.join("before-windows.txt"), "kept by a script").unwrap();
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("before-windows.txt"), "{}", text(&refused.stderr));
}
