//! What holds for every spreadsheet: no panic, a statement or a note for each row, and a document that reads back.

use super::super::property_tests::{cases, printed_and_read};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::collections::BTreeSet;

const HEADERS: [&str; 14] = [
    "Service",
    "Application",
    "Executable",
    "Protocol",
    "Port",
    "TCP port",
    "UDP port",
    "port_start",
    "port_end",
    "Role",
    "From",
    "To",
    "Direction",
    "Comment",
];

/// What a file may begin with.
const MARKS: [&[u8]; 5] = [b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"sep=;\n"];

const CELLS: [&str; 26] = [
    "",
    "",
    "",
    "tcp",
    "UDP",
    "tcp/udp",
    "17",
    "ICMP",
    "443",
    "80, 443",
    "27000 – 27009",
    "1-65535",
    "49152-65535 dynamic",
    "dynamic",
    "0",
    "70000",
    "9-3",
    "161/udp",
    "49,152",
    "web.exe",
    "Server",
    "any",
    "A, B; C",
    "in",
    "outbound",
    "both",
];

/// A cell without what would end it.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(CELLS.as_slice()).prop_map(str::to_owned), 1 => "\\PC{0,8}"]
        .prop_map(|cell| cell.replace(['"', '\t', '\r', '\n'], ""))
}

fn options() -> SpreadsheetOptions {
    SpreadsheetOptions { id: "x".into(), title: "X".into(), ..SpreadsheetOptions::default() }
}

/// Imports bytes; the document reads back, and no note acts on a terminal.
fn imported(bytes: &[u8]) -> Option<Imported> {
    let imported = import_spreadsheet("x.csv", bytes, &options()).ok()?;
    assert_eq!(printed_and_read(&imported.document).as_ref(), Ok(&imported.document));
    assert_eq!(imported.notes.iter().find(|note| note.text.contains(char::is_control)), None);
    Some(imported)
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_row_of_a_spreadsheet_gives_a_statement_or_is_told(
        headers in subsequence(HEADERS.to_vec(), 1..=HEADERS.len()).prop_shuffle(),
        rows in vec(vec(cell(), HEADERS.len()), 0..12),
        separator in select([",", ";", "\t"].as_slice()),
    ) {
        let columns = headers.len();
        let quoted = |cell: &String| format!("\"{cell}\"");
        let mut text = headers.join(separator);
        for row in &rows {
            let cells: Vec<String> = row.iter().take(columns).map(quoted).collect();
            text.push_str(&format!("\r\n{}", cells.join(separator)));
        }
        let Some(imported) = imported(text.as_bytes()) else {
            let has = |names: &[&str]| headers.iter().any(|header| names.contains(header));
            let has_ports = has(&["Port", "TCP port", "UDP port", "port_start"]);
            prop_assert!(!has_ports || !has(&["Service", "Application", "Executable", "Comment"]), "{}", text);
            return Ok(());
        };
        let citations = imported.document.ports.iter().map(|statement| &statement.citation);
        let citations: BTreeSet<&String> =
            citations.chain(imported.document.dynamic_ranges.iter().map(|range| &range.citation)).collect();
        for (index, row) in rows.iter().enumerate() {
            let line = index + 2;
            let blank = row.iter().take(columns).all(|cell| !cell.chars().any(|c| c.is_ascii_graphic()));
            let told = imported.notes.iter().any(|note| note.line == line && note.kind == NoteKind::LeftOut);
            prop_assert!(blank || told || citations.contains(&format!("row {line} of x.csv")), "line {}: {}", line, text);
        }
    }

    #[test]
    fn arbitrary_bytes_as_a_spreadsheet_never_panic(
        mark in select(MARKS.as_slice()),
        bytes in vec(any::<u8>(), 0..200),
        pieces in vec(select([",", ";", "\t", "\n", "\r", "\"", "port", "service", "443", "tcp", "\u{feff}"].as_slice()), 0..60),
    ) {
        imported(&[mark, bytes.as_slice()].concat());
        imported(&[mark, b"service,port,role\n", bytes.as_slice()].concat());
        imported(pieces.concat().as_bytes());
    }
}
