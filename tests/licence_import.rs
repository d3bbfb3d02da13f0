//! `portproof catalog import-license`, as a user runs it: pins on standard output in the form of the site file, talk on
//! standard error, the verdict in the exit code.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "tests write their own inputs")]

mod support;

use std::path::PathBuf;
use support::{Run, portproof, portproof_reading};
use tempfile::TempDir;

const DONE: i32 = 0;
const NOT_PINNED: i32 = 1;
const USAGE: i32 = 2;
const NO_EVIDENCE: i32 = 3;

const GOOD: &str = "SERVER lic1 ANY 27000\nVENDOR ibmratl port=27001\n";

fn licence_file(bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rational_server_perm.dat");
    std::fs::write(&file, bytes).unwrap();
    (folder, file)
}

/// Imports a file with further arguments.
#[track_caller]
fn import(bytes: impl AsRef<[u8]>, arguments: &[&str]) -> Run {
    let (_folder, file) = licence_file(bytes);
    portproof(["catalog", "import-license", file.to_str().unwrap()].iter().chain(arguments))
}

/// Daemon, place and port of the pins in a TOML text.
#[track_caller]
fn pins(text: &str) -> Vec<(String, String, i64)> {
    let table: toml::Table = toml::from_str(text).unwrap();
    let text = |pin: &toml::Value, key: &str| pin[key].as_str().unwrap().to_owned();
    let pin = |pin: &toml::Value| (text(pin, "daemon"), text(pin, "at"), pin["port"].as_integer().unwrap());
    table.get("pin").map(|pins| pins.as_array().unwrap().iter().map(pin).collect()).unwrap_or_default()
}

#[test]
fn the_pins_are_the_output_and_nothing_else_is_said() {
    let run = import(GOOD, &[]).expect(DONE);
    let expected = "# From rational_server_perm.dat: SERVER and VENDOR lines
# Named on the SERVER line, not resolved: \"lic1\"
[[pin]]
daemon = \"lmgrd\"
at = \"licence-server\"
transport = \"tcp\"
port = 27000
source = \"rational_server_perm.dat, line 1\"

[[pin]]
daemon = \"ibmratl\"
at = \"licence-server\"
transport = \"tcp\"
port = 27001
source = \"rational_server_perm.dat, line 2\"
";
    assert_eq!((run.text().as_str(), run.stderr.as_str()), (expected, ""));
}

#[test]
fn the_british_spelling_and_standard_input_do_the_same() {
    let run = portproof_reading(["catalog", "import-licence", "-"], GOOD.as_bytes()).expect(DONE);
    assert_eq!(pins(&run.text()), pins(&import(GOOD, &[]).text()));
    assert!(run.text().contains("source = \"standard input, line 2\""), "{}", run.text());
}

#[test]
fn the_place_is_what_the_user_says() {
    for at in ["10.0.0.9", "10.0.0.0/24", "server"] {
        let run = import(GOOD, &["--at", at]).expect(DONE);
        assert!(pins(&run.text()).iter().all(|(_, place, _)| place == at), "{}", run.text());
        assert_eq!(run.stderr, "");
    }
    let run = import(GOOD, &["--at", "historian"]).expect(DONE);
    assert!(run.stderr.contains("note: no built-in document knows the role historian"), "{}", run.stderr);
    for at in ["lic1.example.com", "any", "10.0.0.1/24"] {
        assert!(import(GOOD, &["--at", at]).expect(USAGE).stdout.is_empty());
    }
}

#[test]
fn a_daemon_without_a_port_and_two_on_one_port_are_a_negative_verdict() {
    let run = import("SERVER lic1 ANY 27000\nVENDOR ibmratl\n", &[]).expect(NOT_PINNED);
    assert_eq!(pins(&run.text()), [("lmgrd".into(), "licence-server".into(), 27000)]);
    assert!(
        run.text()
            .ends_with("# Warning, line 2: ibmratl has no fixed port: it may get another one whenever it starts.\n")
    );
    let [line] = run.lines()[..] else { panic!("{}", run.stderr) };
    assert!(
        line.starts_with("portproof: warning: ") && line.contains("rational_server_perm.dat:2: ibmratl has no"),
        "{line}"
    );
    let run = import(format!("{GOOD}VENDOR other port=27001\n"), &["-q"]).expect(NOT_PINNED);
    assert_eq!(pins(&run.text()).len(), 3);
    assert!(run.stderr.contains(":3: other and ibmratl (line 2) have the same port 27001"), "{}", run.stderr);
}

#[test]
fn the_version_of_the_server_decides_about_rational() {
    let text = format!("{GOOD}VENDOR rational port=27002\n");
    let with = |version: &[&str]| import(&text, version).expect(DONE);
    let says = |run: &Run, part: &str| assert!(run.stderr.contains(part), "{part} in {}", run.stderr);
    let unknown = with(&[]);
    assert_eq!(pins(&unknown.text()).len(), 3);
    says(&unknown, "needed up to License Key Server 8.0 and obsolete from 8.1.2");
    let needed = with(&["--lks-version", "8.0"]);
    assert_eq!((pins(&needed.text()).len(), needed.stderr.as_str()), (3, ""));
    says(&with(&["--lks-version", "8.1"]), "is not said");
    let obsolete = with(&["--lks-version", "8.1.4"]);
    assert_eq!(pins(&obsolete.text()), pins(&import(GOOD, &[]).text()));
    says(&obsolete, "obsolete from License Key Server 8.1.2, and this one is 8.1.4");
    assert!(import(&text, &["--lks-version", "new"]).expect(USAGE).stdout.is_empty());
}

#[test]
fn the_json_form_has_pins_and_warnings() {
    let text = "SERVER lic1 ANY 27000\nVENDOR ibmratl port=27001\nDAEMON other /opt/other 27001\nFEATURE f ibmratl 1\n";
    let run = import(text, &["--format", "json", "-q"]).expect(NOT_PINNED);
    let value: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(value["verdict"], "not-pinned");
    assert_eq!(value["pins"].as_array().unwrap().len(), 3);
    let expected = serde_json::json!({
        "daemon": "ibmratl", "at": "licence-server", "transport": "tcp", "port": 27001,
        "source": "rational_server_perm.dat, line 2", "lines": [2], "hosts": [],
    });
    assert_eq!(value["pins"][1], expected);
    assert_eq!(value["pins"][0]["hosts"], serde_json::json!(["lic1"]));
    let kinds: Vec<_> =
        value["warnings"].as_array().unwrap().iter().map(|w| (&w["severity"], &w["kind"], &w["line"])).collect();
    let expected = [("note", "bare-port"), ("warning", "collision")];
    assert_eq!(kinds.len(), expected.len());
    for ((severity, kind, line), expected) in kinds.into_iter().zip(expected) {
        assert_eq!((severity.as_str().unwrap(), kind.as_str().unwrap(), line), (expected.0, expected.1, &3.into()));
    }
    assert_eq!(value["passed_over"]["licences"], 1);
}

#[test]
fn notes_are_left_out_where_little_is_to_be_said_and_warnings_are_not() {
    let text = "SERVER lic1 ANY 27000\nVENDOR a /opt/a 27001\nVENDER b\n";
    let all = import(text, &[]).expect(DONE);
    assert!(all.stderr.contains("note: ") && all.stderr.contains("warning: "), "{}", all.stderr);
    let quiet = import(text, &["-q"]).expect(DONE);
    assert!(!quiet.stderr.contains("note: ") && quiet.stderr.contains("did you mean \"VENDOR\"?"), "{}", quiet.stderr);
}

#[test]
fn what_says_nothing_about_a_vendor_daemon_is_no_evidence() {
    let client = import("SERVER lic1 ANY 27000\nUSE_SERVER\n", &[]).expect(NO_EVIDENCE);
    assert_eq!(pins(&client.text()).len(), 1);
    assert!(client.stderr.contains("that lmgrd answers proves nothing about the vendor daemon"), "{}", client.stderr);
    let options = import("RESERVE 1 f USER me\n", &[]).expect(NO_EVIDENCE);
    assert!(pins(&options.text()).is_empty());
    assert!(options.stderr.contains("no SERVER, VENDOR or DAEMON line"), "{}", options.stderr);
}

#[test]
fn files_that_cannot_be_read_are_told_in_one_line() {
    let too_large = vec![b'\n'; 2 * 1024 * 1024 + 1];
    let utf16: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, says) in [(too_large, "larger than 2097152 bytes"), (utf16, "UTF-16")] {
        let run = import(bytes, &[]).expect(USAGE);
        assert!(run.stdout.is_empty());
        let [line] = run.lines()[..] else { panic!("{}", run.stderr) };
        assert!(line.contains("rational_server_perm.dat: ") && line.contains(says), "{line}");
    }
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("none.dat")] {
        let run = portproof(["catalog", "import-license", path.to_str().unwrap()]).expect(USAGE);
        assert!(run.stdout.is_empty() && run.stderr.contains("cannot be read"), "{}", run.stderr);
    }
}

#[test]
fn a_hostile_file_neither_reaches_the_terminal_nor_leaves_its_comments() {
    let bytes =
        b"SERVER \"a\x1b[31m\x9b\xe2\x80\xae\" ANY 27000\nSERVER \"]\n[[pin]]\" ANY 1\nVENDOR \x1bx port=\x1b\n\
        VENDOR y port=27001 \x1b=\x07\nVEND\x07R q\n";
    for format in ["toml", "json"] {
        let run = import(bytes, &["--format", format]).expect(NOT_PINNED);
        for text in [run.text(), run.stderr.clone()] {
            let acts = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
            assert!(!text.chars().any(acts), "{text:?}");
        }
        if format == "toml" {
            let found: Vec<String> = pins(&run.text()).into_iter().map(|(daemon, ..)| daemon).collect();
            assert_eq!(found, ["lmgrd", "y"]);
        }
    }
    // The name of the file is part of every pin.
    #[cfg(unix)]
    {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a\n[[pin]]\nport = 1\x1b[31m\"");
        std::fs::write(&file, GOOD).unwrap();
        let run = portproof(["catalog".as_ref(), "import-license".as_ref(), file.as_os_str()]).expect(DONE);
        assert_eq!(pins(&run.text()).len(), 2);
        assert!(!run.text().contains('\x1b'));
    }
}

#[test]
fn many_warnings_are_cut_on_the_terminal_and_whole_in_json() {
    let text = "VENDOR a\n".repeat(5_000);
    let run = import(&text, &["--format", "json"]).expect(NOT_PINNED);
    assert_eq!(run.lines().len(), 101);
    assert!(run.stderr.ends_with("and 4,901 more warnings: see --format json\n"), "{}", run.stderr);
    let value: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(value["warnings"].as_array().unwrap().len(), 5_001);
}

#[test]
fn the_help_teaches_with_an_example() {
    let run = portproof(["catalog", "import-license", "--help"]).expect(DONE);
    for part in ["VENDOR ibmratl port=27001", ">> site.toml", "Exit codes: 0", "--lks-version"] {
        assert!(run.text().contains(part), "{part} in {}", run.text());
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_wait_for_a_pipe_that_nobody_writes() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let mut waiting = std::process::Command::new(support::PROGRAM)
        .args(["catalog", "import-license", pipe.to_str().unwrap()])
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(waiting.try_wait().unwrap().is_none(), "it waits");
    let told = std::process::Command::new("kill").arg(waiting.id().to_string()).status();
    assert!(told.unwrap().success());
    let begun = std::time::Instant::now();
    while waiting.try_wait().unwrap().is_none() {
        assert!(begun.elapsed().as_secs() < 20, "the signal was swallowed");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
