//! Licence files as people have them: IBM's two examples, the guide's syntax, slips of the pen, and hostile ones.

use super::LicenceVerdict::{NoDaemon, NotPinned, Pinned};
use super::*;

/// IBM's note, "Change port numbers manually", with the port that the step adds (the note's sample leaves it out), and
/// its no-break spaces.
pub(super) const WINDOWS: &str = "\u{a0}\u{a0} SERVER <hostname> \u{a0}<hostid/disc_serial_num> \u{a0}27000\r\n\
    \u{a0} \u{a0} VENDOR ibmratl port=27001\r\n";

/// The same note for Linux and Unix.
pub(super) const UNIX: &str = "\u{a0} \u{a0}SERVER <hostname> <hostid> 27000\n\
    \u{a0} \u{a0}DAEMON ibmratl /usr/local/flexlm/sun4_solaris2/ibmratl port=27001\n\n\
    \u{a0} \u{a0}DAEMON rational /usr/local/flexlm/sun4_solaris2/rational port=27002\n";

pub(super) fn read(text: &str) -> LicenceFile {
    LicenceFile::from_text("x.lic", text, None)
}

fn read_for(version: &str, text: &str) -> LicenceFile {
    LicenceFile::from_text("x.lic", text, Some(version.parse().unwrap()))
}

/// Daemon and port of every pin.
pub(super) fn ports(file: &LicenceFile) -> Vec<(String, u16)> {
    file.pins().into_iter().map(|pin| (pin.daemon, pin.port)).collect()
}

/// Line and kind of every warning.
fn kinds(file: &LicenceFile) -> Vec<(usize, &'static str)> {
    file.warnings.iter().map(|w| (w.line.unwrap_or(0), w.problem.name())).collect()
}

#[track_caller]
fn assert_read(text: &str, expected_ports: &[(&str, u16)], expected_kinds: &[(usize, &str)], verdict: LicenceVerdict) {
    let file = read(text);
    let expected: Vec<(String, u16)> = expected_ports.iter().map(|(d, p)| ((*d).to_owned(), *p)).collect();
    assert_eq!(ports(&file), expected, "{text}");
    assert_eq!(kinds(&file), expected_kinds, "{text}");
    assert_eq!(file.verdict(), verdict, "{text}");
}

#[test]
fn the_windows_example_of_the_note_is_pinned() {
    assert_read(WINDOWS, &[("lmgrd", 27000), ("ibmratl", 27001)], &[(1, "unusual-spaces")], Pinned);
    let file = read(WINDOWS);
    assert_eq!((file.servers[0].host.as_str(), file.servers[0].line), ("<hostname>", 1));
    assert_eq!(file.servers[0].host_id, "<hostid/disc_serial_num>");
    assert_eq!((file.daemons[0].path.as_deref(), file.daemons[0].line), (None, 2));
}

#[test]
fn the_windows_example_as_printed_has_no_port_for_ibmratl() {
    let printed = WINDOWS.replace(" port=27001", "");
    let expected = [(1, "unusual-spaces"), (2, "no-daemon-port")];
    assert_read(&printed, &[("lmgrd", 27000)], &expected, NotPinned);
    let text = read(&printed).warnings[1].to_string();
    assert!(text.starts_with("x.lic:2: ibmratl has no fixed port") && text.contains("add port=27001"), "{text}");
    assert!(text.contains("that lmgrd answers on its own port proves nothing about this one"), "{text}");
}

#[test]
fn the_unix_example_of_the_note_is_pinned_and_rational_is_questioned() {
    let file = read(UNIX);
    assert_eq!(ports(&file), [("lmgrd".into(), 27000), ("ibmratl".into(), 27001), ("rational".into(), 27002)]);
    assert_eq!(kinds(&file), [(1, "unusual-spaces"), (4, "rational-version")]);
    assert_eq!(file.verdict(), Pinned);
    assert_eq!(file.daemons[1].path.as_deref(), Some("/usr/local/flexlm/sun4_solaris2/rational"));
    let text = file.warnings[1].to_string();
    for part in ["x.lic:4:", "needed up to License Key Server 8.0", "obsolete from 8.1.2", "--lks-version 8.0"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn rational_is_judged_by_the_version() {
    let without = [("lmgrd".to_owned(), 27000), ("ibmratl".to_owned(), 27001)];
    let with = [without[0].clone(), without[1].clone(), ("rational".to_owned(), 27002)];
    for version in ["7.1", "8", "8.0", "8.0.0"] {
        let file = read_for(version, UNIX);
        assert_eq!((ports(&file), kinds(&file)), (with.to_vec(), vec![(1, "unusual-spaces")]), "{version}");
    }
    for version in ["8.0.0.1", "8.1", "8.1.1"] {
        let file = read_for(version, UNIX);
        assert_eq!(ports(&file), with, "{version}");
        assert!(file.warnings[1].to_string().contains("is not said"), "{version}");
    }
    for version in ["8.1.2", "8.1.4", "9.0", "10.1"] {
        let file = read_for(version, UNIX);
        assert_eq!(ports(&file), without, "{version}");
        assert_eq!((kinds(&file)[1], file.verdict()), ((4, "rational-obsolete"), Pinned), "{version}");
        assert!(!file.pins_toml(&"licence-server".parse().unwrap()).contains("daemon = \"rational\""), "{version}");
    }
}

#[test]
fn an_obsolete_rational_needs_no_port_and_a_needed_one_is_missed() {
    let text = "SERVER a ANY 27000\nVENDOR ibmratl port=27001\n";
    let with = format!("{text}vendor Rational\n");
    assert_eq!(kinds(&read(&with)), [(3, "no-daemon-port"), (3, "rational-version")]);
    assert!(read(&with).warnings[0].to_string().contains("port=27002"));
    let obsolete = read_for("8.1.2", &with);
    assert_eq!((kinds(&obsolete), obsolete.verdict()), (vec![(3, "rational-obsolete")], Pinned));
    assert_eq!(kinds(&read_for("8.0", text)), [(0, "rational-missing")]);
    assert_eq!(kinds(&read_for("8.1", text)), []);
    // The note is about IBM's server only.
    assert_eq!(kinds(&read_for("8.0", "SERVER a ANY 27000\nVENDOR mlm port=1800")), []);
}

#[test]
fn the_port_is_found_however_it_is_written() {
    for line in [
        "VENDOR x port=27001",
        "VENDOR x PORT=27001",
        "vendor x Port=027001",
        "DAEMON x /opt/x pOrT=27001",
        "DAEMON x options=/opt/x.opt port=27001",
        "VENDOR x port=27001 OPTIONS=/opt/x.opt",
        "VENDOR x port=27001 # not port=27002",
        "VENDOR x port=\"27001\"",
        "VENDOR\tx\tport=27001 port=27001",
        "VENDOR x \\\n port=27001",
        "VENDOR\\\nx\\\nport=27001",
        "VENDOR x C:\\flexlm\\x.exe C:\\flexlm\\x.opt port=27001",
    ] {
        assert_read(&format!("SERVER a ANY 27000\n{line}"), &[("lmgrd", 27000), ("x", 27001)], &[], Pinned);
    }
}

#[test]
fn unicode_spaces_part_words_and_are_told_once() {
    let text =
        "SERVER\u{a0}a\u{2003}ANY\u{3000}27000\n\u{a0}VENDOR\u{2009}x\u{200b}port=27001\u{feff}\nVENDOR y port=1801";
    let expected = [("lmgrd", 27000), ("x", 27001), ("y", 1801)];
    assert_read(text, &expected, &[(1, "unusual-spaces")], Pinned);
    assert!(read(text).warnings[0].to_string().contains("(2 of the lines read)"));
    // A byte order mark at the start of the file is none of them.
    assert_read("\u{feff}SERVER a ANY 27000\nVENDOR y port=1801", &[("lmgrd", 27000), ("y", 1801)], &[], Pinned);
}

#[test]
fn a_bare_port_is_read_and_told() {
    let server = "SERVER a ANY 27000\n";
    let expected = [("lmgrd", 27000), ("x", 27001)];
    assert_read(&format!("{server}DAEMON x /opt/x 27001"), &expected, &[(2, "bare-port")], Pinned);
    assert_read(&format!("{server}DAEMON x /opt/x /opt/x.opt 27001"), &expected, &[(2, "bare-port")], Pinned);
    assert_eq!(read(&format!("{server}DAEMON x /opt/x 27001")).warnings[0].problem.severity(), LicenceSeverity::Note);
    // Without a path the guide wants port=: that FlexNet takes it is not certain.
    assert_read(&format!("{server}VENDOR x 27001"), &expected, &[(2, "bare-port")], NotPinned);
    assert!(read(&format!("{server}VENDOR x 27001")).warnings[0].to_string().contains("no path stands before it"));
    // Beside port= a number is a path like any other word.
    assert_read(&format!("{server}VENDOR x 1 port=27001"), &expected, &[], Pinned);
    // Not the last word: no port.
    assert_read(&format!("{server}VENDOR x 27001 /opt/x"), &expected[..1], &[(2, "no-daemon-port")], NotPinned);
}

#[test]
fn what_is_no_port_is_answered_with_the_text_and_pins_nothing() {
    for text in ["0", "70000", "65536", "abc", "", "-1", "+27001", "27001,", "٢٧٠٠١", "99999999999999999999"] {
        let line = format!("SERVER a ANY 27000\nVENDOR x port={text}");
        assert_read(&line, &[("lmgrd", 27000)], &[(2, "bad-port")], NotPinned);
        assert!(read(&line).warnings[0].to_string().contains(&format!("\"{text}\" is not a port for x")), "{text}");
    }
    for text in ["0", "70000", "-1", "99999999999999999999"] {
        let line = format!("SERVER a ANY {text}\nVENDOR x /opt/x {text}");
        assert_read(&line, &[], &[(1, "bad-port"), (2, "bad-port")], NotPinned);
    }
    let twice = "SERVER a ANY 27000 27003\nVENDOR x port=27001 port=27002";
    assert_read(twice, &[], &[(1, "port-twice"), (2, "port-twice")], NotPinned);
    let blank = "SERVER a ANY 27000\nVENDOR x port= 27001";
    assert_read(blank, &[("lmgrd", 27000)], &[(2, "bad-port")], NotPinned);
}

#[test]
fn server_lines_take_the_words_of_the_guide() {
    let vendor = "\nVENDOR x port=27001";
    for line in [
        "SERVER a 17007ea8 27000 PRIMARY_IS_MASTER HEARTBEAT_INTERVAL=20",
        "SERVER a PTC_HOSTID=08-00-76-32-E4-22 27000 PLAT=1",
        "SERVER this_host \"17007ea8 17007ea9\" 27000 SERVER_TIMEOUT=20",
        "server 10.0.0.5 001122334455 27000",
    ] {
        assert_read(&format!("{line}{vendor}"), &[("lmgrd", 27000), ("x", 27001)], &[], Pinned);
    }
    for (line, kind) in [
        ("SERVER a ANY TCP:27000", "port-spelling"),
        ("SERVER a ANY port=27000", "port-spelling"),
        ("SERVER a ANY 27000 whatever", "unknown-word"),
    ] {
        assert_read(&format!("{line}{vendor}"), &[("lmgrd", 27000), ("x", 27001)], &[(1, kind)], Pinned);
    }
    // What looks like the port is the hostid.
    for line in ["SERVER a 27000", "SERVER a ANY", "SERVER a ANY PRIMARY_IS_MASTER", "SERVER a ANY # 27000"] {
        assert_read(&format!("{line}{vendor}"), &[("x", 27001)], &[(1, "no-server-port")], NotPinned);
    }
    assert!(read("SERVER a ANY").warnings[0].to_string().contains("the first free one of 27000-27009"));
    for (line, kind) in [
        ("SERVER", "server-incomplete"),
        ("SERVER a", "server-incomplete"),
        ("SERVER 27000@a", "port-at-host"),
        ("SERVER @a ANY 27000", "port-at-host"),
    ] {
        assert_read(&format!("{line}{vendor}"), &[("x", 27001)], &[(1, kind)], NotPinned);
        assert!(read(line).servers.is_empty(), "{line}");
    }
}

#[test]
fn three_servers_are_one_pin_where_they_agree() {
    let text = "SERVER a ANY 27010 PRIMARY_IS_MASTER\nSERVER b ANY 27010\nSERVER c ANY 27010\nVENDOR x port=27011\n";
    assert_read(text, &[("lmgrd", 27010), ("x", 27011)], &[], Pinned);
    let pin = &read(text).pins()[0];
    assert_eq!((pin.lines.as_slice(), pin.source.as_str()), ([1, 2, 3].as_slice(), "x.lic, lines 1, 2, 3"));
    assert_eq!(pin.hosts, ["a", "b", "c"]);
    let differ = text.replacen("27010\nV", "27012\nV", 1);
    let expected = [("lmgrd", 27010), ("lmgrd", 27012), ("x", 27011)];
    assert_read(&differ, &expected, &[(3, "servers-differ")], Pinned);
    // The vendor daemon runs on every one of them.
    let collides = text.replace("27011", "27012").replacen("27010\nV", "27012\nV", 1);
    let expected = [("lmgrd", 27010), ("lmgrd", 27012), ("x", 27012)];
    assert_read(&collides, &expected, &[(3, "servers-differ"), (4, "collision")], NotPinned);
}

#[test]
fn the_number_of_servers_is_checked() {
    let vendor = "VENDOR x port=1\n";
    let servers = |hosts: &[&str]| hosts.iter().map(|h| format!("SERVER {h} ANY 27000\n")).collect::<String>() + vendor;
    assert_eq!(kinds(&read(&servers(&["a", "b"]))), [(2, "server-count")]);
    assert_eq!(kinds(&read(&servers(&["a", "b", "c", "d"]))), [(4, "server-count")]);
    assert_eq!(kinds(&read(&servers(&["a", "A"]))), [(2, "server-repeated")]);
    let differ = format!("SERVER a ANY 27000\nSERVER A ANY 27001\n{vendor}");
    assert_read(&differ, &[("lmgrd", 27000), ("lmgrd", 27001), ("x", 1)], &[(2, "contradiction")], NotPinned);
    assert_eq!(kinds(&read(vendor)), [(0, "no-server-line")]);
    assert_eq!(read(vendor).verdict(), Pinned);
}

#[test]
fn two_daemons_on_one_port_collide() {
    let text = "SERVER a ANY 27000\nVENDOR x port=27001\nVENDOR y port=27001\nDAEMON z port=27000\n";
    let expected = [("lmgrd", 27000), ("x", 27001), ("y", 27001), ("z", 27000)];
    assert_read(text, &expected, &[(3, "collision"), (4, "collision")], NotPinned);
    let warnings: Vec<String> = read(text).warnings.iter().map(ToString::to_string).collect();
    assert!(warnings[0].starts_with("x.lic:3: y and x (line 2) have the same port 27001"), "{warnings:?}");
    assert!(warnings[1].starts_with("x.lic:4: z and lmgrd (line 1) have the same port 27000"), "{warnings:?}");
    // A vendor daemon is not the manager because it has its name.
    let named = "SERVER a ANY 27000\nVENDOR lmgrd port=27000\n";
    assert_read(named, &[("lmgrd", 27000), ("lmgrd", 27000)], &[(2, "collision")], NotPinned);
}

#[test]
fn a_daemon_that_is_named_twice_has_one_port() {
    let server = "SERVER a ANY 27000\n";
    let same = format!("{server}VENDOR x port=27001\nDAEMON X /opt/x port=27001\n");
    assert_read(&same, &[("lmgrd", 27000), ("x", 27001)], &[], Pinned);
    assert_eq!(read(&same).pins()[1].source, "x.lic, lines 2, 3");
    let differ = same.replace("/opt/x port=27001", "port=27002");
    let expected = [("lmgrd", 27000), ("x", 27001), ("X", 27002)];
    assert_read(&differ, &expected, &[(3, "contradiction")], NotPinned);
}

#[test]
fn paths_keep_their_spaces_in_quotes() {
    let quoted = r#"VENDOR x "C:\Program Files (x86)\IBM\x.exe" options="C:\a b\x.opt" port=27001"#;
    let file = read(&format!("SERVER a ANY 27000\n{quoted}\n"));
    assert_eq!(file.daemons[0].path.as_deref(), Some(r"C:\Program Files (x86)\IBM\x.exe"));
    assert_eq!(file.daemons[0].options.as_deref(), Some(r"C:\a b\x.opt"));
    assert_eq!((file.daemons[0].port, file.warnings.len()), (Some(27001), 0));
    let bare = quoted.replace('"', "");
    let file = read(&format!("SERVER a ANY 27000\n{bare}\n"));
    assert_eq!((file.daemons[0].port, kinds(&file)), (Some(27001), vec![(2, "unquoted-path")]));
    // An open quote swallows the port, and that is said.
    let open = read("SERVER a ANY 27000\nVENDOR x \"C:\\x y port=27001\nVENDOR z port=1800\n");
    assert_eq!(kinds(&open), [(2, "open-quote"), (2, "no-daemon-port")]);
    assert_eq!(ports(&open)[1], ("z".to_owned(), 1800));
}

#[test]
fn a_path_that_ends_in_a_backslash_hides_no_daemon() {
    let text = "SERVER a ANY 27000\nVENDOR x C:\\flexlm\\\nVENDOR y port=27002\n";
    let expected = [("lmgrd", 27000), ("y", 27002)];
    assert_read(text, &expected, &[(2, "runs-into-keyword"), (2, "no-daemon-port")], NotPinned);
    let wrapped = "SERVER a ANY 27000\nVENDOR x /opt/x\n   port=27001\n";
    assert_read(wrapped, &[("lmgrd", 27000), ("x", 27001)], &[(2, "joined-without-backslash")], Pinned);
}

#[test]
fn names_of_daemons_are_names() {
    for name in ["port=27001", "\u{202e}exe", "<name>", "a/b", "a\x1bb", "\"\"", &"x".repeat(65)] {
        let file = read(&format!("SERVER a ANY 27000\nDAEMON {name} port=27001"));
        assert_eq!((kinds(&file), ports(&file).len()), (vec![(2, "bad-daemon-name")], 1), "{name}");
    }
    assert_eq!(kinds(&read("SERVER a ANY 27000\nVENDOR"))[0], (2, "no-daemon-name"));
    assert_eq!(ports(&read(&format!("VENDOR {} port=1", "x".repeat(64)))).len(), 1);
}

#[test]
fn slips_of_the_pen_are_answered() {
    let text = "SERVER a ANY 27000\nVENDER x port=27001\nVENDOR y prot=27002\n";
    let file = read(text);
    assert_eq!(kinds(&file), [(2, "nearly-keyword"), (3, "unknown-word"), (3, "no-daemon-port")]);
    assert!(file.warnings[0].to_string().ends_with("did you mean \"VENDOR\"?"));
    assert!(file.warnings[1].to_string().ends_with("did you mean \"port=\"?"));
    assert_eq!(file.passed_over.others, 1);
}

#[test]
fn licences_comments_and_options_are_passed_over_and_counted() {
    let text = "# SERVER a ANY 1\nSERVER a ANY 27000\nUSE_SERVER\nVENDOR x port=27001\n\
        FEATURE f x 1.0 1-jan-0 5 SIGN=\"00 \\\n  port=5 \\\n  VENDOR y\" \nINCREMENT g x 1\n\
        PACKAGE p x COMPONENTS=\"f g\"\n\
        UPGRADE u x\n\nRESERVE 1 f USER me\nMAX 5 f GROUP all\n";
    assert_read(text, &[("lmgrd", 27000), ("x", 27001)], &[], Pinned);
    assert_eq!(read(text).passed_over, PassedOver { licences: 4, use_server: 1, others: 2 });
}

#[test]
fn a_file_without_a_vendor_daemon_proves_nothing() {
    assert_read("SERVER a ANY 27000\nUSE_SERVER\n", &[("lmgrd", 27000)], &[(0, "no-daemon-line")], NoDaemon);
    assert_read("", &[], &[], NoDaemon);
    assert_read("RESERVE 1 f USER me\n", &[], &[], NoDaemon);
    // A refused line is no missing one.
    assert_read("SERVER a ANY 27000\nVENDOR", &[("lmgrd", 27000)], &[(2, "no-daemon-name")], NotPinned);
    assert_read("SERVER\nVENDOR x port=1", &[("x", 1)], &[(1, "server-incomplete")], NotPinned);
}

#[test]
fn a_port_that_the_system_hands_out_is_told() {
    let text = "SERVER a ANY 49151\nVENDOR x port=49152\n";
    assert_read(text, &[("lmgrd", 49151), ("x", 49152)], &[(2, "in-dynamic-range")], Pinned);
}

#[test]
fn lines_of_hostile_length_are_refused_and_the_rest_is_read() {
    let fits = format!("VENDOR x /{} port=27001", "p".repeat(MAX_LINE_CHARACTERS - 21));
    assert_eq!(fits.chars().count(), MAX_LINE_CHARACTERS);
    let server = "SERVER a ANY 27000";
    assert_read(&format!("{server}\n{fits}"), &[("lmgrd", 27000), ("x", 27001)], &[], Pinned);
    let text = format!("{server}\n {fits} #\nVENDOR y port=27002\n");
    assert_read(&text, &[("lmgrd", 27000), ("y", 27002)], &[(2, "line-too-long")], NotPinned);
    // Continuation lines count.
    let parts = format!("{server}\nVENDOR x \\\n{}\nVENDOR y port=27002\n", "p \\\n".repeat(2_000));
    assert_read(&parts, &[("lmgrd", 27000), ("y", 27002)], &[(2, "line-too-long")], NotPinned);
    let endless = format!("VENDOR {}\nSERVER a ANY 27000\nVENDOR z port=27001\n", "a ".repeat(900_000));
    assert_eq!(ports(&read(&endless)), [("lmgrd".to_owned(), 27000), ("z".to_owned(), 27001)]);
}

#[test]
fn bytes_that_are_not_utf8_are_latin_1() {
    let bytes = b"SERVER\xa0m\xfcller ANY\xa027000\r\nVENDOR x /opt/\xc3\xbc port=27001\r\n";
    let file = LicenceFile::from_bytes("x.lic", bytes, None).unwrap();
    assert_eq!(file.servers[0].host, "müller");
    assert_eq!(file.daemons[0].path.as_deref(), Some("/opt/ü"));
    assert_eq!(kinds(&file), [(1, "unusual-spaces"), (0, "not-utf8")]);
    assert!(file.warnings[1].to_string().starts_with("x.lic: 3 bytes are not UTF-8"));
    assert_eq!(file.verdict(), Pinned);
}

#[test]
fn what_is_no_licence_file_is_refused() {
    let utf16: Vec<u8> = "SERVER a ANY 27000".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let error = LicenceFile::from_bytes("x.lic", &utf16, None).unwrap_err();
    assert!(error.to_string().starts_with("x.lic: not a licence file: byte 1 is 0"), "{error}");
    let large = vec![b'#'; MAX_LICENCE_FILE_BYTES + 1];
    let error = LicenceFile::from_reader("x.lic", large.as_slice(), None).unwrap_err();
    assert!(matches!(error, LicenceError::TooLarge { .. }), "{error}");
    assert!(LicenceFile::from_reader("x.lic", &large[1..], None).is_ok());
    let endless = LicenceFile::from_reader("zero", std::io::repeat(b'a'), None);
    assert!(matches!(endless, Err(LicenceError::TooLarge { .. })));
    let error = LicenceFile::read(Path::new("no/such.lic"), None).unwrap_err();
    assert!(error.to_string().starts_with("no/such.lic: cannot be read: "), "{error}");
}

pub(super) fn place(text: &str) -> PinPlace {
    text.parse().unwrap()
}

#[test]
fn pins_have_the_form_of_the_site_file() {
    let text = "SERVER lic1 ANY 27000\nVENDOR ibmratl port=27001\nVENDOR other\n";
    let file = LicenceFile::from_text("folder/rational_server_perm.dat", text, None);
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

# Warning, line 3: other has no fixed port: it may get another one whenever it starts.
";
    assert_eq!(file.pins_toml(&place("licence-server")), expected);
    assert!(file.warnings[0].to_string().starts_with("folder/rational_server_perm.dat:3: other"));
    let nothing = read("VENDOR x").pins_toml(&place("licence-server"));
    assert!(nothing.contains("there is nothing to pin") && !nothing.contains("[[pin]]"), "{nothing}");
}

#[test]
fn places_are_roles_addresses_and_networks() {
    for (text, shown) in [
        ("licence-server", "licence-server"),
        ("10.0.0.9", "10.0.0.9"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("FD00::9", "fd00::9"),
        ("10.0.0.0/24", "10.0.0.0/24"),
    ] {
        assert_eq!(place(text).to_string(), shown);
    }
    for text in ["", "any", "lic1.example.com", "10.0.0.1/24", "10.0.0.0/33", "a\nb", "A", &"a".repeat(65), "a\" b"] {
        assert!(text.parse::<PinPlace>().is_err(), "{text:?}");
    }
    assert_eq!((place("historian").role(), place("::1").role()), (Some("historian"), None));
}
