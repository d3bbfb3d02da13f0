//! What holds for every document: printing and reading are the identity, look-ups agree with a naive scan, and no text
//! makes the reader panic.

use super::generated::{HOSTILE, document, port};
use super::*;
use crate::model::Transport::{self, Tcp, Udp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::collections::BTreeSet;

const ASSETCENTRE: &str = include_str!("documents/factorytalk-assetcentre.toml");
const LICENCE_SERVER: &str = include_str!("documents/license-key-server.toml");
const INTERFACES: &str = include_str!("documents/rpc-interfaces.toml");
const WINDOWS: &str = include_str!("documents/windows-infrastructure.toml");

pub(super) fn cases(count: u32) -> ProptestConfig {
    ProptestConfig { cases: count, failure_persistence: None, ..ProptestConfig::default() }
}

/// What is read from the printed document; the text holds nothing that acts on a terminal.
pub(super) fn printed_and_read(document: &Document) -> Result<Document, CatalogError> {
    let text = document.to_toml();
    let acts = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{200b}');
    assert_eq!(text.chars().find(|c| acts(*c)), None, "{text:?}");
    Document::from_toml("printed.toml", &text)
}

#[test]
fn the_built_in_documents_read_back_as_they_are() {
    for document in Catalog::builtin().unwrap().documents() {
        assert_eq!(printed_and_read(document).as_ref(), Ok(document));
    }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn a_printed_document_reads_back_as_it_is(document in document()) {
        let read = printed_and_read(&document);
        prop_assert_eq!(read.as_ref(), Ok(&document), "{}", document.to_toml());
    }
}

/// Documents with identifiers of their own, in a catalogue.
fn catalog(documents: Vec<Document>) -> Catalog {
    let mut catalog = Catalog::empty();
    for (number, document) in documents.into_iter().enumerate() {
        catalog.extend(Document { id: format!("d{number}"), ..document }).unwrap();
    }
    catalog
}

/// Every statement with the way in which it covers a port, found without an index.
fn scanned(catalog: &Catalog, transport: Transport, port: u16) -> Vec<(&str, &PortStatement, Via)> {
    let mut found = Vec::new();
    for document in catalog.documents() {
        for statement in &document.ports {
            let listed = (statement.ports.first()..=statement.ports.last()).contains(&port);
            if statement.standing == Standing::Mention || !statement.transports.contains(&transport) {
                continue;
            }
            if listed {
                found.push((document.id.as_str(), statement, Via::Listed));
            } else {
                // A port that is listed twice as a fallback is found twice.
                let tried = statement.fallback_ports.iter().filter(|fallback| **fallback == port);
                found.extend(tried.map(|_| (document.id.as_str(), statement, Via::Fallback)));
            }
        }
    }
    found
}

/// Ports at which something may begin or end.
fn edges(catalog: &Catalog) -> BTreeSet<u16> {
    let statements = catalog.documents().iter().flat_map(|document| &document.ports);
    let ports = statements.flat_map(|s| [s.ports.first(), s.ports.last()].into_iter().chain(s.fallback_ports.clone()));
    ports.flat_map(|port| [port.saturating_sub(1), port, port.saturating_add(1)]).collect()
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn look_ups_agree_with_a_naive_scan(
        documents in vec(document(), 1..3),
        others in vec(any::<u16>(), 8),
        roles in vec("[a-e]{1,2}", 0..3),
        (start, end) in (port(), port()),
    ) {
        let catalog = catalog(documents);
        let mut ports = edges(&catalog);
        ports.extend(others);
        for transport in [Tcp, Udp] {
            for &port in &ports {
                let naive = scanned(&catalog, transport, port);
                let of = |found: Match<'_>| (found.document.id.clone(), found.statement.clone(), found.via);
                let found: Vec<_> = catalog.statements(transport, port).map(of).collect();
                let expected: Vec<_> = naive.iter().map(|(id, s, via)| ((*id).to_owned(), (*s).clone(), *via)).collect();
                prop_assert_eq!(found, expected, "{}/{}", port, transport);
                let at: Vec<_> = catalog.statements_at(transport, port, &roles).map(|found| found.statement).collect();
                let listens = |s: &&PortStatement| s.roles.iter().any(|own| own == ANY_ROLE || roles.contains(own));
                let expected: Vec<_> = naive.iter().map(|(_, s, _)| *s).filter(listens).collect();
                prop_assert_eq!(at, expected);
            }
        }
        let naive: Vec<PortRef> = [Tcp, Udp].into_iter().flat_map(|transport| {
            let covered = |port: &u16| !scanned(&catalog, transport, *port).is_empty();
            (start..=end).filter(covered).map(move |port| PortRef { transport, port }).collect::<Vec<_>>()
        }).collect();
        prop_assert_eq!(catalog.static_ports_in(start..=end), naive);
    }
}

/// A change of a text, at places that are shares of its length.
#[derive(Debug, Clone)]
enum Change {
    Cut(Index, usize),
    Insert(Index, Vec<u8>),
    Swap(Index, Index, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let bytes = prop_oneof![
        vec(any::<u8>(), 1..6),
        select(HOSTILE.as_slice()).prop_map(|text| text.as_bytes().to_vec()),
        select(
            ["rows = []", "tcp = 0", "standing = \"rule\"", "[[scenario.step]]\n", "99999", "\"any\"", "-"].as_slice()
        )
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let change = prop_oneof![
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Change::Cut(at, length)),
        (any::<Index>(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<Index>(), any::<Index>(), 1..40_usize).prop_map(|(a, b, length)| Change::Swap(a, b, length)),
    ];
    vec(change, 1..4)
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for change in changes {
        let length = bytes.len();
        match change {
            Change::Cut(at, count) => {
                let at = at.index(length);
                bytes.drain(at..(at + count).min(length));
            }
            Change::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
            Change::Swap(a, b, count) => {
                let (a, b) = (a.index(length), b.index(length));
                for step in 0..(*count).min(length - a.max(b)) {
                    bytes.swap(a + step, b + step);
                }
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads a text; what can be read prints and reads back.
fn read(text: &str) {
    match Document::from_toml("x.toml", text) {
        Ok(document) => assert_eq!(printed_and_read(&document).as_ref(), Ok(&document), "{text}"),
        Err(error) => assert!(error.to_string().starts_with("x.toml:"), "{error}"),
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn arbitrary_text_never_panics(
        text in any::<String>(),
        lines in vec(select(WINDOWS.lines().collect::<Vec<_>>()), 0..30),
    ) {
        read(&text);
        read(&lines.join("\n"));
    }

    #[test]
    fn changed_small_documents_never_panic(
        text in select([WINDOWS, LICENCE_SERVER].as_slice()),
        changes in changes(),
    ) {
        read(&changed(text, &changes));
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn changed_large_documents_never_panic(
        text in select([ASSETCENTRE, INTERFACES].as_slice()),
        changes in changes(),
    ) {
        read(&changed(text, &changes));
    }
}
