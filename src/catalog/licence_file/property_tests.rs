//! What holds for any text: no panic, one entry or one refusal for each line that is read, and pins that a site file
//! can take whatever the licence file holds.

use super::LicenceVerdict::Pinned;
use super::tests::{UNIX, WINDOWS, place, ports, read};
use super::*;
use std::collections::BTreeSet;

/// A generator of numbers that look random (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

/// What licence files are made of, and what they should not be.
const PIECES: &[&str] = &[
    "SERVER ",
    "VENDOR ",
    "DAEMON ",
    "server\u{a0}",
    "vendor\t",
    "FEATURE ",
    "USE_SERVER",
    "SERVERS",
    "VENDER ",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\\\n",
    "\\",
    " \\ \n",
    "#",
    " # ",
    " ",
    "\u{a0}",
    "\u{2028}",
    "\u{202e}",
    "\x1b[31m",
    "\u{9b}",
    "a ",
    "lic1 ANY ",
    "27000",
    " 27000",
    "27001",
    "0",
    "70000",
    "port=",
    " PORT=27001",
    "options=",
    "=",
    "@",
    "27000@h",
    "/opt/x",
    "C:\\x y\\",
    "'",
    "ibmratl",
    "rational",
    "[[pin]]\n",
    "\u{feff}",
    "𝔘",
    "é",
    "\u{0}",
    "-1",
    "TCP:1",
];

/// Every promise that holds for any text.
fn check(file: &LicenceFile) {
    for warning in &file.warnings {
        let text = warning.to_string();
        assert!(!text.chars().any(char::is_control) && !text.contains('\u{202e}'), "{text:?}");
    }
    let at = place("10.0.0.9");
    let text = file.pins_toml(&at);
    assert!(!text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}' || c == '\u{2028}')), "{text:?}");
    let table: toml::Table = toml::from_str(&text).unwrap_or_else(|e| panic!("{e} in\n{text}"));
    let found: Vec<(String, u16)> = table.get("pin").map_or(Vec::new(), |pins| {
        let pin = |pin: &toml::Value| (pin["daemon"].as_str().unwrap().to_owned(), pin["port"].as_integer().unwrap());
        pins.as_array().unwrap().iter().map(pin).map(|(d, p)| (d, u16::try_from(p).unwrap())).collect()
    });
    assert_eq!(found, ports(file), "{text}");
    assert!(found.iter().all(|(_, port)| *port > 0));
    assert!(table.keys().all(|key| key == "pin"), "{text}");
    let entries: BTreeSet<usize> =
        file.servers.iter().map(|s| s.line).chain(file.daemons.iter().map(|d| d.line)).collect();
    assert!(file.pins().iter().flat_map(|pin| &pin.lines).all(|line| entries.contains(line)));
    // A daemon without a certain port is never called pinned.
    let unpinned = file.daemons.iter().any(|d| d.port.is_none()) || file.servers.iter().any(|s| s.port.is_none());
    assert!(!(unpinned && file.verdict() == Pinned), "{file:?}");
}

#[test]
fn any_text_gives_one_entry_or_one_refusal_for_each_line() {
    let mut dice = Dice(1);
    let mut told = BTreeSet::new();
    for round in 0..20_000 {
        let text: String = (0..dice.below(40)).map(|_| PIECES[dice.below(PIECES.len())]).collect();
        let file = LicenceFile::from_text("x\n\x1b.lic", &text, None);
        check(&file);
        // Counted anew: lines whose first word is one of the three; without quotation marks none is part of another.
        let space = |c: char| c.is_whitespace() || c == '\u{200b}' || c == '\u{feff}';
        let first =
            |line: &str| line.split(space).find(|word| !word.is_empty()).unwrap_or_default().to_ascii_uppercase();
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        let read = |line: &str| ["SERVER", "VENDOR", "DAEMON"].contains(&first(line).trim_end_matches('\\'));
        let expected = lines.split('\n').filter(|line| read(line)).count();
        let refused = file.warnings.iter().filter(|w| w.problem.is_refusal()).count();
        assert_eq!(file.servers.len() + file.daemons.len() + refused, expected, "round {round}: {text:?}");
        told.extend(file.warnings.iter().map(|w| w.problem.name()));
    }
    assert!(told.len() > 20, "the texts reach most of what can be told: {told:?}");
}

#[test]
fn any_bytes_and_every_cut_are_answered() {
    let mut dice = Dice(2);
    for _ in 0..2_000 {
        let mut bytes = format!("{UNIX}{WINDOWS}VENDOR q \"C:\\a b\" 27001\n").into_bytes();
        for _ in 0..dice.below(12) {
            let at = dice.below(bytes.len());
            bytes[at] = u8::try_from(dice.below(255) + 1).unwrap();
        }
        bytes.truncate(dice.below(bytes.len() + 1));
        let file = LicenceFile::from_bytes("x.lic", &bytes, Some("8.1".parse().unwrap())).unwrap();
        check(&file);
    }
    for end in (0..UNIX.len()).filter(|end| UNIX.is_char_boundary(*end)) {
        check(&read(&UNIX[..end]));
    }
}

#[test]
fn a_large_hostile_file_is_read_in_time() {
    for line in
        ["VENDOR a\n", "VENDOR a port=1\nVENDOR b port=1\n", "SERVER a ANY 1\n", "\\\n", "# \\\n", "a\\\n", "\"\n"]
    {
        let text = line.repeat(MAX_LICENCE_FILE_BYTES / 4 / line.len());
        let file = LicenceFile::from_bytes("x.lic", text.as_bytes(), None).unwrap();
        assert!(file.pins().len() <= 2);
        assert!(!file.pins_toml(&place("licence-server")).is_empty());
    }
}
