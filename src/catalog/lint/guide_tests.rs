//! The guide to writing a document says what is so: its example lints clean, its rules are all the rules.

use super::*;
use crate::catalog::document::{Document, Standing};

const GUIDE: &str = include_str!("../../../docs/writing-a-document.md");

/// The fenced TOML texts of the guide.
fn blocks() -> Vec<&'static str> {
    GUIDE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

fn example() -> &'static str {
    blocks().pop().unwrap()
}

#[test]
fn the_example_has_no_problem_of_any_kind() {
    assert_eq!(lint("guide", example()), []);
    let document = Document::from_toml("guide", example()).unwrap();
    assert_eq!((document.roles.len(), document.ports.len(), document.scenarios.len()), (3, 6, 1));
    let [subject] = document.announced.as_slice() else { panic!("{:?}", document.announced) };
    assert_eq!((subject.name.as_str(), subject.service.as_deref()), ("BatchControl", Some("BatchSrv.exe")));
    assert!(blocks().iter().any(|block| example().contains(block.trim_end()) && block.starts_with("[[announced]]")));
    assert_eq!(document.ports[4].callers, ["batch-server"]);
    assert!(example().starts_with("#:schema ./document.schema.json\n"));
}

#[test]
fn the_example_is_valid_for_editors() {
    let value: serde_json::Value = toml::from_str(example()).unwrap();
    let validator = jsonschema::draft7::new(&crate::catalog::document_schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
}

#[test]
fn every_fragment_is_toml_and_every_table_fits_the_example() {
    let roles: String = example().split("# --- Contradictions").next().unwrap_or_default().to_owned();
    let conflict = "[[conflict]]\nid = \"c\"\ntopic = \"t\"\nused = \"u\"\nreason = \"r\"\n";
    let blocks = blocks();
    assert_eq!(blocks.len(), 11);
    let mut tables = 0;
    for block in &blocks[..10] {
        assert!(toml::from_str::<toml::Table>(block).is_ok(), "{block}");
        let starts = ["[[table]]", "[[dynamic_range]]", "[[scenario]]", "[[name]]", "[[conflict]]"];
        if starts.iter().any(|start| block.starts_with(start)) {
            let document = Document::from_toml("guide", &format!("{roles}{conflict}{block}"));
            assert!(document.is_ok(), "{block}\n{document:?}");
            tables += 1;
        }
    }
    assert_eq!(tables, 5);
}

#[test]
fn the_table_of_rules_holds_all_rules() {
    let row = |rule: &Rule| format!("| `{rule}` | {} | {} |", rule.severity(), rule.meaning());
    let expected: Vec<String> = Rule::ALL.iter().map(row).collect();
    let rules = GUIDE.split("|---|---|---|\n").find(|part| part.contains("`syntax`")).unwrap();
    let found: Vec<&str> = rules.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(found, expected, "the table should be:\n{}", expected.join("\n"));
}

#[test]
fn the_table_of_standings_holds_all_standings() {
    let standings = [
        Standing::Rule,
        Standing::Recommended,
        Standing::Conditional,
        Standing::Overview,
        Standing::Alternative,
        Standing::Scenario,
        Standing::Reading,
        Standing::Mention,
    ];
    let found: Vec<&str> = GUIDE
        .split("| standing | use it for | needs |\n|---|---|---|\n")
        .nth(1)
        .unwrap()
        .lines()
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    assert_eq!(found, standings.map(Standing::name));
}
