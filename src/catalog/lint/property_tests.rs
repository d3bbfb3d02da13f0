//! Whatever the text: no panic, a bounded list in order, nothing that acts on a terminal, and the same verdict as the reader.

use super::*;
use crate::catalog::document::Document;
use crate::catalog::rule::Severity;
use proptest::prelude::*;

const DOCUMENTS: [&str; 4] = [
    include_str!("../documents/license-key-server.toml"),
    include_str!("../documents/windows-infrastructure.toml"),
    include_str!("../documents/factorytalk-assetcentre.toml"),
    include_str!("../documents/rpc-interfaces.toml"),
];

/// Words that make a document, in an order that mostly does not.
const WORDS: [&str; 37] = [
    "[document]\n",
    "[[role]]\n",
    "[[table]]\n",
    "[[table.rows]]\n",
    "[[conflict]]\n",
    "[[scenario]]\n",
    "[[scenario.step]]\n",
    "[[dynamic_range]]\n",
    "[[name]]\n",
    "[[fact]]\n",
    "[[announced]]\nkind = \"sql-instance\"\n",
    "[[announced.rows]]\n",
    "subject = \"S\"",
    "rows = [",
    "]\n",
    "{ ",
    " }",
    ", ",
    "id = \"a\"",
    "\n",
    "kind = \"vendor\"",
    "role = \"a\"",
    "citation = \"T\"",
    "tcp = 1",
    "udp = \"9-3\"",
    "tcp = \"1-65535\"",
    "service = \"s\"",
    "title = \"\\u0000\"",
    "number = 1",
    "ports = [",
    "local = true",
    "conflicts = [\"a\"]",
    "canonical = \"x\"",
    "fallback_ports = [1, 1]",
    "standing = \"reading\"",
    "protocol_stated = false",
    "\"\"\"",
];

/// What holds for every text.
fn holds(text: &str) -> Result<(), TestCaseError> {
    let problems = lint("x.toml", text);
    prop_assert!(problems.len() <= MAX_PROBLEMS + 1);
    prop_assert!(problems.windows(2).all(|two| two[0].place <= two[1].place));
    let lines = text.lines().count() + 1;
    for problem in &problems {
        prop_assert!(!problem.to_string().chars().any(char::is_control), "{problem:?}");
        prop_assert!((1..=lines).contains(&problem.place.line) && problem.place.column >= 1, "{problem:?}");
    }
    let refused = problems.iter().any(|problem| problem.severity == Severity::Error);
    prop_assert_eq!(Document::from_toml("x.toml", text).is_err(), refused);
    let site = lint_site("x.toml", text, &Catalog::empty());
    let refused = site.iter().any(|problem| problem.severity == Severity::Error);
    prop_assert_eq!(Site::from_toml("x.toml", text, &Catalog::empty()).is_err(), refused);
    let _ = file_kind(text);
    Ok(())
}

/// The byte at a share of the text, moved back to where a character begins.
fn at(text: &str, share: f64) -> usize {
    let mut at = ((text.len() as f64) * share) as usize;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A change of a text: a part of it is replaced, doubled, or put elsewhere.
#[derive(Debug, Clone)]
struct Change {
    from: f64,
    length: usize,
    to: f64,
    with: String,
    doubled: bool,
}

fn change() -> impl Strategy<Value = Change> {
    let with = prop_oneof![
        Just(String::new()),
        "[ -~]{1,3}",
        "\\PC{1,2}",
        proptest::sample::select(
            &["0", "99999", "\"", "]", "}", "\n", "=", "\u{0}", "\u{202e}", "any", "[[role]]\n"][..]
        )
        .prop_map(str::to_owned),
    ];
    (0.0..1.0f64, 0usize..80, 0.0..1.0f64, with, any::<bool>()).prop_map(|(from, length, to, with, doubled)| Change {
        from,
        length,
        to,
        with,
        doubled,
    })
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut text = text.to_owned();
    for change in changes {
        let from = at(&text, change.from);
        let mut end = (from + change.length).min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let part = text[from..end].to_owned();
        if !change.doubled {
            text.replace_range(from..end, &change.with);
        }
        let to = at(&text, change.to);
        text.insert_str(to, if change.doubled { &part } else { "" });
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_text(text in "\\PC{0,200}|[\\x00-\\x7f]{0,200}") {
        holds(&text)?;
    }

    #[test]
    fn any_words(words in proptest::collection::vec(proptest::sample::select(&WORDS[..]), 0..60)) {
        holds(&words.concat())?;
    }

    #[test]
    fn small_documents_with_changes(
        which in 0usize..2,
        changes in proptest::collection::vec(change(), 1..6),
    ) {
        holds(&changed(DOCUMENTS[which], &changes))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn the_large_documents_with_changes(
        which in 2usize..4,
        changes in proptest::collection::vec(change(), 1..4),
    ) {
        holds(&changed(DOCUMENTS[which], &changes))?;
    }
}
