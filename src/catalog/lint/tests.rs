//! Each rule fires where it should, and is silent beside it.

use super::cases::{Case, HEAD, MARK, cases, table};
use super::*;
use crate::catalog::document::Document;
use crate::catalog::rule::Severity;
use std::collections::BTreeSet;

/// Lines of [`HEAD`].
const HEAD_LINES: usize = 17;

const BUILTIN: [(&str, &str); 4] = [
    ("factorytalk-assetcentre.toml", include_str!("../documents/factorytalk-assetcentre.toml")),
    ("license-key-server.toml", include_str!("../documents/license-key-server.toml")),
    ("windows-infrastructure.toml", include_str!("../documents/windows-infrastructure.toml")),
    ("rpc-interfaces.toml", include_str!("../documents/rpc-interfaces.toml")),
];

fn found(text: &str, rule: Rule) -> Vec<Problem> {
    lint("x.toml", text).into_iter().filter(|problem| problem.rule == rule).collect()
}

/// Text and place of the mark in it.
fn marked(text: &str) -> (String, Place) {
    let at = text.find(MARK).unwrap_or_else(|| panic!("no mark in {text}"));
    let unmarked = text.replace(MARK, "");
    let place = Place::of(&unmarked, at);
    (unmarked, place)
}

#[test]
fn every_rule_fires_at_its_place_and_is_silent_beside_it() {
    assert_eq!(lint("x.toml", HEAD), []);
    for Case { rule, fires, says, silent } in cases() {
        let (text, place) = marked(&format!("{HEAD}{fires}"));
        let problems = found(&text, rule);
        let at = problems.iter().find(|problem| problem.place == place);
        let Some(problem) = at else { panic!("{rule} not at {place} in:\n{fires}\n{problems:#?}") };
        assert!(problem.to_string().contains(says), "{problem}\nshould say {says}");
        let beside = lint("x.toml", &format!("{HEAD}{silent}").replace(MARK, ""));
        let silent = beside.iter().all(|problem| problem.rule != rule && problem.severity != Severity::Error);
        assert!(silent, "{rule}: {beside:#?}");
    }
}

#[test]
fn no_rule_is_without_a_case() {
    let elsewhere = [
        Rule::Unreadable,
        Rule::SiteEntry,
        Rule::SiteCheck,
        Rule::NoSignature,
        Rule::GeneralHighPort,
        Rule::Unchecked,
        Rule::More,
    ];
    let tested: BTreeSet<Rule> = cases().iter().map(|case| case.rule).chain(elsewhere).collect();
    assert_eq!(tested, Rule::ALL.iter().copied().collect());
}

#[test]
fn an_error_is_what_the_reader_refuses_and_nothing_else_is() {
    let texts = cases()
        .into_iter()
        .flat_map(|case| [case.fires, case.silent])
        .map(|rest| format!("{HEAD}{rest}").replace(MARK, ""));
    for text in texts {
        let refused = lint("x.toml", &text).iter().any(|problem| problem.severity == Severity::Error);
        assert_eq!(Document::from_toml("x.toml", &text).is_err(), refused, "{text}");
    }
}

#[test]
fn the_built_in_documents_have_neither_errors_nor_warnings() {
    for (name, text) in BUILTIN {
        let problems = lint(name, text);
        assert!(problems.iter().all(|problem| problem.severity == Severity::Hint), "{problems:#?}");
    }
    // The port that moves and its overview; the range of the vendor daemon.
    let hints =
        |at: usize, rule| lint(BUILTIN[at].0, BUILTIN[at].1).iter().filter(|problem| problem.rule == rule).count();
    assert_eq!([hints(0, Rule::StaticInDynamic), hints(1, Rule::ModifiableRange)], [4, 2]);
}

#[test]
fn a_role_of_a_general_document_may_be_guessed_and_its_ports_are_low() {
    let general = |signature: &str, port: &str| {
        format!(
            "{}{signature}[[table]]\nrole = \"any\"\ncitation = \"RFC\"\nrows = [{{ service = \"a\", udp = {port}, callers = [\"server\", \"client\"] }}]\n",
            HEAD.split("signature").next().unwrap_or_default().replace("vendor", "general")
        )
    };
    let client = "[[role]]\nid = \"client\"\ntitle = \"C\"\n";
    let problems = lint("x.toml", &general(client, "\"49151-49152\""));
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("x.toml:8:6: hint: no role has a signature"), "{told:#?}");
    assert!(told[1].starts_with("x.toml:16:9: hint: general knowledge places 49151-49152 above 49151"), "{told:#?}");
    assert_eq!(lint("x.toml", &general(&format!("signature = [\"53/udp\"]\n{client}"), "53")), []);
}

#[test]
fn what_documents_do_all_the_time_is_no_contradiction() {
    let conflict = "[[conflict]]\nid = \"c\"\ntopic = \"t\"\nused = \"u\"\nreason = \"r\"\n";
    let pair = |a: &str, b: &str| format!("{{ service = \"a\", tcp = 5{a} }}|{{ service = \"b\", tcp = 5{b} }}");
    for (before, pair, contradicts) in [
        ("", pair("", ""), true),
        ("", pair("", ", standing = \"recommended\""), true),
        ("", pair(", listens_at = [\"client\"]", ""), false),
        ("", pair(", listens_at = [\"client\", \"server\"]", ""), true),
        ("", pair("", ", standing = \"overview\""), false),
        ("", pair("", ", standing = \"alternative\", note = \"n\""), false),
        ("", pair(", executable = \"m.exe\"", ", executable = \"M.EXE\""), false),
        ("", pair(", executable = \"b.exe\"", ""), false),
        (conflict, pair(", conflicts = [\"c\"]", ""), true),
        (conflict, pair(", conflicts = [\"c\"]", ", conflicts = [\"c\"]"), false),
        (
            "[[name]]\nkind = \"service\"\ncanonical = \"a\"\nspellings = [\"b\"]\ncitation = \"T\"\n",
            pair("", ""),
            false,
        ),
        ("", "{ service = \"a\", tcp = 4, fallback_ports = [5] }|{ service = \"b\", tcp = 5 }".to_owned(), false),
    ] {
        let rows: Vec<&str> = pair.split('|').collect();
        let text = format!("{HEAD}{before}{}", table(&rows));
        assert_eq!(!found(&text, Rule::Overlap).is_empty(), contradicts, "{text}");
    }
    let services = "[[service_table]]\nrole = \"server\"\ncitation = \"S\"\nrows = [{ service = \"a\", executable = \"b.exe\" }]\n";
    let text =
        format!("{HEAD}{services}{}", table(&["{ service = \"a\", tcp = 5 }", "{ executable = \"B.exe\", tcp = 5 }"]));
    assert_eq!(found(&text, Rule::Overlap), []);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = format!(
        "{HEAD}{}[[fact]]\ntopic = \"t\"\ntext = \"x\"\n[[dynamic_range]]\nrole = \"sever\"\ntcp = \"1-2\"\ncitation = \"T\"\n",
        table(&[
            "{ service = \"a\", tpc = 1, tcp = 2 }",
            "{ service = \"a\", tcp = 70000 }",
            "{ service = \"a\", tcp = \"9-3\", udp = 0 }",
            "{ service = \"a\", tcp = 5, callers = [\"clinet\"] }",
            "{ service = \"b\", tcp = 2 }",
        ])
    );
    let told: Vec<String> =
        lint("x.toml", &text).iter().map(|p| format!("{} {}", p.place.line - HEAD_LINES, p.rule)).collect();
    // A row that could not be read is never the reason for another mistake, and one that has an unknown key is read.
    assert_eq!(
        told,
        ["5 unknown-key", "6 value", "7 value", "8 unknown-role", "9 overlap", "11 citation", "15 unknown-role"]
    );
}

#[test]
fn a_step_or_a_port_that_cannot_be_read_leaves_the_other_steps() {
    let step = |number: u16, port: &str| {
        format!(
            "[[scenario.step]]\nnumber = {number}\ndescription = \"d\"\nfrom = [\"client\"]\nto = [\"server\"]\n\
             ports = [{{ tcp = {port} }}]\n"
        )
    };
    let scenario = "[[scenario]]\nid = \"s\"\ntitle = \"S\"\ncitation = \"T\"\n";
    let text = format!("{HEAD}{scenario}{}{}{}", step(1, "0"), step(2, "\"dyn\""), step(2, "7000"));
    let told: Vec<String> =
        lint("x.toml", &text).iter().map(|p| format!("{} {}", p.place.line - HEAD_LINES, p.rule)).collect();
    assert_eq!(told, ["10 value", "16 value"]);
    let wrong_order = format!("{text}{}", step(1, "7000"));
    assert_eq!(found(&wrong_order, Rule::Step).len(), 1);
}

#[test]
fn a_role_that_cannot_be_read_makes_nothing_else_wrong() {
    let text = HEAD.replace("title = \"C\"", "title = 5");
    let rules: Vec<Rule> = lint("x.toml", &text).iter().map(|problem| problem.rule).collect();
    assert_eq!(rules, [Rule::Unchecked, Rule::Value]);
}

#[test]
fn only_the_first_hundred_unreadable_entries_are_told() {
    let text = format!("{HEAD}{}", "[[fact]]\ntopic = 5\n".repeat(150));
    let problems = lint("x.toml", &text);
    assert_eq!(problems.len(), 101);
    assert_eq!(problems.iter().filter(|problem| problem.rule == Rule::Unchecked).count(), 1);
}

#[test]
fn syntax_errors_are_few_and_stand_in_order() {
    let problems = lint("x.toml", &"a = = 1\n".repeat(50));
    assert_eq!(problems.len(), MOST_SYNTAX_ERRORS);
    assert!(problems.iter().all(|problem| problem.rule == Rule::Syntax));
    assert!(problems.windows(2).all(|two| two[0].place.line < two[1].place.line));
    let long = format!("a = = 1\n{}", "# a comment\n".repeat(20_000));
    assert_eq!(lint("x.toml", &long).len(), 1);
}

#[test]
fn a_file_that_is_too_long_is_one_problem() {
    let long = "#".repeat(crate::catalog::MAX_FILE_BYTES + 1);
    let told: Vec<String> = lint("x.toml", &long).iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("x.toml:1:1: error: larger than 1048576 bytes; split it"), "{told:?}");
    assert_eq!(lint_site("x.toml", &long, &Catalog::empty()).len(), 1);
}

#[test]
fn the_list_of_problems_is_bounded() {
    let rows: Vec<String> = (1..=2500).map(|n| format!("{{ service = \"s{n}\", tcp = 5 }}")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let problems = lint("x.toml", &format!("{HEAD}{}", table(&rows)));
    assert_eq!(problems.len(), MAX_PROBLEMS + 1);
    assert_eq!(problems.last().map(|last| last.what.as_str()), Some("and 1499 more"));
}

#[test]
fn a_document_that_is_too_large_to_compare_says_so() {
    let rows: Vec<String> = (1..=3000).map(|n| format!("{{ service = \"s\", tcp = \"1-{n}\" }}")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let rules: Vec<Rule> = lint("x.toml", &format!("{HEAD}{}", table(&rows))).iter().map(|p| p.rule).collect();
    assert_eq!(rules, [Rule::Unchecked]);
}

#[test]
fn the_kind_of_a_file_shows_in_its_tables() {
    for (_, text) in BUILTIN {
        assert_eq!(file_kind(text), FileKind::Document);
        assert_eq!(file_kind(&text[..text.len() / 2]), FileKind::Document);
    }
    let site = include_str!("../../../captures/backup-run.site.toml");
    for (text, kind) in [
        (site, FileKind::Site),
        ("[site]\nname = \"p\"\n[[host]]\naddress = \"10.0.0.1", FileKind::Site),
        ("[[table]]\nrole = \"x\"\n", FileKind::Document),
        ("[[role]]\nid = \"x\"\n[[pin]]\n", FileKind::Site),
        ("[document]\n[site]\n[[host]]\n", FileKind::Document),
        ("host = [{ address = \"10.0.0.1\" }]", FileKind::Site),
        ("", FileKind::Document),
        ("\u{0}", FileKind::Document),
    ] {
        assert_eq!(file_kind(text), kind, "{text}");
    }
}

#[test]
fn site_files_are_linted_against_the_documents() {
    let catalog = Catalog::from_toml("x.toml", HEAD).unwrap();
    let told = |text: &str| lint_site("site.toml", text, &catalog).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(told("[[host]]\naddress = \"10.0.0.1\"\nroles = [\"server\"]\n"), [""; 0]);
    let wrong = told("[[host]]\naddress = \"10.0.0.1\"\nname = \"a\\u0007\"\nroles = [\"sever\"]\n");
    assert_eq!(wrong.len(), 2, "{wrong:#?}");
    assert!(wrong[0].starts_with("site.toml:3:8: warning: `name` holds U+0007"), "{wrong:#?}");
    assert!(
        wrong[1].starts_with("site.toml:4:10: error: unknown role \"sever\"; did you mean \"server\"?"),
        "{wrong:#?}"
    );
    assert!(wrong[1].ends_with("[site-entry]"), "{wrong:#?}");
    let odd = told("[[host]]\naddress = \"10.0.0.1\"\nroles = [\"ser\\u0007ver\"]\n");
    assert_eq!(odd.len(), 1, "what is refused is told once: {odd:#?}");
    assert!(told("[[host]\n")[0].starts_with("site.toml:1:"), "{:#?}", told("[[host]\n"));
}

#[test]
fn warnings_of_a_site_file_keep_their_place() {
    let catalog = Catalog::from_toml("x.toml", HEAD).unwrap();
    let change =
        "[[override]]\nrole = \"server\"\nservice = \"main\"\nwas = \"7000/tcp\"\nport = 7001\nreason = \"r; s\"\n";
    for name in ["site.toml", "C:\\plant 7; new:1\\site.toml"] {
        let problems = lint_site(name, change, &catalog);
        let [warning] = problems.as_slice() else { panic!("{problems:#?}") };
        assert_eq!((warning.rule, warning.place), (Rule::SiteCheck, Place { line: 4, column: 7 }));
        let site = Site::from_toml(name, change, &catalog).unwrap();
        assert_eq!(site.warnings(), [format!("{name}:{}: {}; {}", warning.place, warning.what, warning.advice)]);
    }
    let modifiable =
        Catalog::from_toml("x.toml", &HEAD.replace("tcp = 7000,", "tcp = 7000, user_modifiable = true,")).unwrap();
    assert_eq!(lint_site("site.toml", change, &modifiable), []);
}
