//! `portproof catalog`, as a user runs it: what the documents say, in every form.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod support;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use support::{demo, portproof, rows_of};

const DONE: i32 = 0;
const USAGE: i32 = 2;
const NO_EVIDENCE: i32 = 3;

/// A document of another product, in TOML only.
const THIRD: &str = "docs/documents/configuration-manager.toml";

fn export(arguments: &[&str]) -> String {
    let run = portproof(["catalog", "export"].iter().chain(arguments)).expect(DONE);
    assert_eq!(run.lines(), Vec::<&str>::new());
    run.text()
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&export(arguments)).unwrap()
}

#[track_caller]
fn rows<'a>(catalog: &'a Value, section: &str) -> &'a Vec<Value> {
    catalog[section].as_array().unwrap()
}

#[test]
fn the_export_holds_the_two_vendors_whole() {
    let catalog = json(&["--format", "json"]);
    assert_eq!(catalog["format"], "portproof-catalog");
    let ids: Vec<_> = rows(&catalog, "documents").iter().map(|document| document["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["factorytalk-assetcentre", "license-key-server"]);
    let expected = [
        ("ports", 199),
        ("services", 116),
        ("dynamic_processes", 64),
        ("scenario_steps", 54),
        ("communications", 15),
        ("announced", 4),
    ];
    for (section, count) in expected {
        assert_eq!(rows(&catalog, section).len(), count, "{section}");
    }
    let mut by_role: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows(&catalog, "ports") {
        *by_role.entry(row["role"].as_str().unwrap()).or_default() += 1;
        assert!(["tcp", "udp"].contains(&row["protocol"].as_str().unwrap()));
        for key in ["document", "source", "service", "statement"] {
            assert!(!row[key].as_str().unwrap().is_empty(), "{key}: {row}");
        }
        assert!(row["port_start"].as_u64().unwrap() <= row["port_end"].as_u64().unwrap());
        assert!(row.get("executable").is_some() && row["flags"].is_array());
    }
    let roles = [("agent", 58), ("any", 30), ("client", 41), ("licence-server", 12), ("server", 58)];
    assert_eq!(by_role, BTreeMap::from(roles));
    let flagged = |flag: &str| {
        rows(&catalog, "ports").iter().filter(|r| r["flags"].as_array().unwrap().contains(&flag.into())).count()
    };
    assert_eq!((flagged("fallback"), flagged("dynamic_range"), flagged("reading")), (24, 3, 0));
    assert!(rows(&catalog, "readings").iter().all(|r| r["flags"].as_array().unwrap().contains(&"reading".into())));
}

#[test]
fn the_other_forms_hold_the_same_rows() {
    let ports = rows_of(export(&["--format", "csv"]).as_bytes(), b',');
    assert_eq!(ports.len(), 199);
    assert!(ports.iter().all(|row| !row["source"].is_empty() && !row["statement"].is_empty()));
    assert_eq!(rows_of(export(&["--format", "csv", "--section", "services"]).as_bytes(), b',').len(), 132);
    let markdown = export(&["--format", "markdown", "--document", "license-key-server"]);
    assert!(markdown.starts_with("# What ports to open"), "{markdown}");
    assert_eq!(markdown.matches("| tcp |").count(), 12);
    assert!(!markdown.contains("FactoryTalk"));
    let all = json(&["--document", "all"]);
    assert_eq!(rows(&all, "documents").len(), 4);
    assert!(rows(&all, "ports").iter().any(|row| row["document"] == "windows-infrastructure"));
}

#[test]
fn a_document_in_its_own_form_reads_back_and_says_the_same() {
    for id in ["factorytalk-assetcentre", "license-key-server", "windows-infrastructure", "rpc-interfaces"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("copy.toml");
        let path = file.to_str().unwrap();
        portproof(["catalog", "export", "--format", "toml", "--document", id, "-o", path]).expect(DONE);
        let copied = std::fs::read_to_string(&file).unwrap().replace(&format!("id = \"{id}\""), "id = \"copy\"");
        #[expect(clippy::disallowed_methods, reason = "tests write their own inputs")]
        std::fs::write(&file, copied).unwrap();
        let original = export(&["--document", id]);
        let copy = export(&["--with", path, "--document", "copy"]);
        assert_eq!(
            copy.replace("\"document\":\"copy\"", &format!("\"document\":\"{id}\""))
                .replace("\"id\":\"copy\"", &format!("\"id\":\"{id}\"")),
            original
        );
    }
}

#[test]
fn every_spelling_is_answered_alike() {
    let answer = |what: &str| portproof(["catalog", "show", what]).expect(DONE).text();
    let expected = answer("RsvcHost");
    for part in ["4255/tcp", "5241/tcp", "6904/udp", "60093/tcp", "QA55096", "Table 12", "Used: Tables 8, 10 and 12."] {
        assert!(expected.contains(part), "{part}: {expected}");
    }
    for spelling in ["rsvchost.exe", "RSVChost", "RSVCHOST.EXE"] {
        assert_eq!(answer(spelling), expected, "{spelling}");
    }
    assert!(!expected.contains("lmgrd"));
}

#[test]
fn a_port_is_answered_with_its_fallbacks_and_ranges() {
    let text = portproof(["catalog", "show", "54967"]).expect(DONE).text();
    for part in ["54967/tcp", "FTActivationBoost.exe", "54977, 54987", "Table 8", "49152-65535/tcp", "51 ports"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let fallback = portproof(["catalog", "show", "61987/tcp"]).expect(DONE).text();
    assert!(fallback.contains("fallback 8 of 54967"), "{fallback}");
    let found: Value =
        serde_json::from_str(&portproof(["catalog", "show", "21061", "--json"]).expect(DONE).text()).unwrap();
    let seen: BTreeSet<(String, String)> = rows(&found, "ports")
        .iter()
        .map(|row| (row["role"].as_str().unwrap().into(), row["protocol"].as_str().unwrap().into()))
        .collect();
    let expected = [("agent", "udp"), ("any", "udp"), ("client", "tcp"), ("server", "udp")];
    assert_eq!(seen, expected.map(|(role, protocol)| (role.to_owned(), protocol.to_owned())).into());
}

#[test]
fn what_no_document_mentions_is_said_with_a_suggestion() {
    let run = portproof(["catalog", "show", "rsvchots.exe"]).expect(NO_EVIDENCE);
    assert_eq!(run.text(), "");
    assert!(run.lines().iter().any(|line| line.contains("did you mean") && line.to_lowercase().contains("rsvchost")));
    portproof(["catalog", "show", "3389"]).expect(NO_EVIDENCE);
    let run = portproof(["catalog", "show", "70000"]).expect(USAGE);
    assert!(run.lines().iter().any(|line| line.contains("70000 is not a port")), "{:?}", run.lines());
    let run = portproof(["catalog", "show", "a\u{1b}[31m\u{202e}b"]).expect(NO_EVIDENCE);
    assert!(run.lines().iter().all(|line| !line.contains(['\u{1b}', '\u{202e}'])), "{:?}", run.lines());
}

#[test]
fn an_export_overwrites_nothing_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.json");
    let path = file.to_str().unwrap();
    portproof(["catalog", "export", "-o", path]).expect(DONE);
    let run = portproof(["catalog", "export", "-o", path]).expect(USAGE);
    assert!(run.lines().iter().any(|line| line.contains("--force")), "{:?}", run.lines());
    portproof(["catalog", "export", "--format", "csv", "-o", path, "--force"]).expect(DONE);
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("document,source,role,"));
    for wrong in [
        ["--section", "ports", "--format", "json"],
        ["--document", "assetcentre", "--format", "csv"],
        ["--document", "all", "--format", "toml"],
    ] {
        portproof(["catalog", "export"].iter().chain(&wrong)).expect(USAGE);
    }
    portproof(["catalog", "export", "--with", THIRD, "--force", "-o", THIRD]).expect(USAGE);
}

#[test]
fn a_third_document_needs_no_code() {
    let text = portproof(["catalog", "show", "10123", "--with", THIRD]).expect(DONE).text();
    assert!(text.contains("management-point") && text.contains("Configuration Manager"), "{text}");
    portproof(["catalog", "show", "10123"]).expect(NO_EVIDENCE);
    let listed = portproof(["catalog", "list", "--with", THIRD]).expect(DONE).text();
    assert!(listed.contains("configuration-manager (vendor)"), "{listed}");
    let roles = portproof(["catalog", "roles", "--with", THIRD, "--json"]).expect(DONE).text();
    let roles: Value = serde_json::from_str(&roles).unwrap();
    assert!(rows(&roles, "roles").iter().any(|role| role["id"] == "management-point"));
    portproof(["-q", "flows", demo().to_str().unwrap(), "--document", THIRD]).expect(DONE);
}

/// A file of one's own.
fn written(name: &str, text: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    #[expect(clippy::disallowed_methods, reason = "tests write their own inputs")]
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn announced_subjects_are_shown_by_name_and_as_announced() {
    for what in ["lsarpc", "12345778-1234-abcd-ef00-0123456789ab", "{12345778-1234-ABCD-EF00-0123456789AB}"] {
        let text = portproof(["catalog", "show", what]).expect(DONE).text();
        for part in ["rpc-interfaces", "LSARPC", "Local", "[MS-LSAD]"] {
            assert!(text.contains(part), "{what}: {part}\n{text}");
        }
        let shown = portproof(["catalog", "show", "--json", what]).expect(DONE).text();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(rows(&shown, "announced")[0]["name"], "LSARPC");
    }
    let daemon = portproof(["catalog", "show", "flexsvr"]).expect(DONE).text();
    assert!(daemon.contains("licence-vendor") && daemon.contains("reading"), "{daemon}");
    let csv = export(&["--format", "csv", "--section", "announced", "--document", "all"]);
    let entries = rows_of(csv.as_bytes(), b',');
    assert_eq!(entries.len(), 4 + 209 + 21);
    let instance = entries.iter().find(|row| row["kind"] == "sql-instance").unwrap();
    assert_eq!((instance["subject"].as_str(), instance["service"].as_str()), ("MSSQLSERVER", "MSSQLSERVER"));
    let markdown = export(&["--format", "markdown", "--document", "license-key-server", "--section", "announced"]);
    assert_eq!(markdown.matches("| licence-vendor |").count(), 2, "{markdown}");
    assert!(portproof(["catalog", "list"]).expect(DONE).text().contains("230 names of announced subjects"));
}

#[test]
fn every_document_that_comes_with_the_program_lints_clean() {
    let documents = "src/catalog/documents";
    let names = ["factorytalk-assetcentre", "license-key-server", "windows-infrastructure", "rpc-interfaces"];
    let files: Vec<String> =
        names.iter().map(|name| format!("{documents}/{name}.toml")).chain([THIRD.into()]).collect();
    let site = "captures/backup-run.site.toml".to_owned();
    let run = portproof(["catalog", "lint", "--strict"].map(str::to_owned).iter().chain(&files).chain([&site]));
    let run = run.expect(DONE);
    assert_eq!(run.text(), "");
    assert!(run.lines().iter().any(|line| line.contains("6 files")), "{:?}", run.lines());
}

#[test]
fn a_lint_says_where_what_and_what_was_meant() {
    let text = "[document]\nid = \"x\"\ntitle = \"X\"\npublisher = \"P\"\npublication = \"1\"\nkind = \"vendor\"\n\n\
                [[role]]\nid = \"server\"\ntitle = \"S\"\n\n\
                [[table]]\nrole = \"sever\"\ncitation = \"T\"\nrows = [{ service = \"a\", tcp = 1 }]\n\n\
                [[table]]\nrole = \"server\"\ncitation = \" \"\nrows = [{ service = \"b\", tcp = 2 }]\n";
    let (_folder, path) = written("ours.toml", text.as_bytes());
    let run = portproof(["catalog", "lint", &path]).expect(1);
    let found: Vec<String> = run.text().lines().map(str::to_owned).collect();
    assert!(
        found
            .iter()
            .any(|line| line.contains(":13:8: error: unknown role") && line.contains("did you mean \"server\"?")),
        "{found:?}"
    );
    assert!(found.iter().any(|line| line.contains(":19:12: error: the citation is empty")), "{found:?}");
    let json: Value = serde_json::from_str(&portproof(["catalog", "lint", "--json", &path]).expect(1).text()).unwrap();
    let problem = &rows(&json, "problems")[0];
    assert_eq!((problem["line"].as_u64(), problem["column"].as_u64()), (Some(13), Some(8)));
    portproof(["catalog", "lint", "no/such/file.toml"]).expect(USAGE);
}

#[test]
fn a_site_file_is_linted_with_the_documents_that_it_names() {
    let (_folder, path) = written("site.toml", b"[[host]]\naddress = \"10.0.0.1\"\nroles = [\"agnet\"]\n");
    let text = portproof(["catalog", "lint", &path]).expect(1).text();
    assert!(text.contains(":3:10: error: unknown role \"agnet\"; did you mean \"agent\"?"), "{text}");
    let (_folder, path) = written("site.toml", b"[site]\ndocuments = [\"not-there.toml\"]\n");
    let text = portproof(["catalog", "lint", &path]).expect(1).text();
    assert!(text.contains(":2:14: error: the document") && text.contains("cannot be read"), "{text}");
}

#[test]
fn a_spreadsheet_becomes_a_document_that_lints_and_judges() {
    let sheet = "Service;Protocol;Ports;Role;Comment\nHistorian;TCP;1433, 5678;server;database\n\
                 Discovery;UDP;4840 \u{2013} 4845;client;\nBad;TCP;70000;client;\n";
    let (folder, path) = written("ports.csv", sheet.as_bytes());
    let document = folder.path().join("ours.toml");
    let document = document.to_str().unwrap();
    let run = portproof(["catalog", "import-csv", &path, "--id", "ours", "-o", document]).expect(4);
    assert!(
        run.lines().iter().any(|line| line.contains("ports.csv:4:") && line.contains("70000")),
        "{:?}",
        run.lines()
    );
    portproof(["catalog", "lint", "--strict", document]).expect(DONE);
    let found = portproof(["catalog", "show", "4842/udp", "--with", document]).expect(DONE).text();
    assert!(found.contains("4840-4845/udp") && found.contains("row 3 of ports.csv"), "{found}");
    portproof(["catalog", "import-csv", &path, "--id", "Ours", "-o", document, "--force"]).expect(USAGE);
    portproof(["catalog", "import-csv", &path, "--id", "ours", "-o", &path, "--force"]).expect(USAGE);
    let (_folder, empty) = written("empty.csv", b"Service;Ports\nnothing;\n");
    assert_eq!(portproof(["catalog", "import-csv", &empty, "--id", "ours"]).expect(NO_EVIDENCE).text(), "");
}

#[test]
fn the_schema_is_the_tracked_one() {
    let tracked = std::fs::read_to_string("docs/document.schema.json").unwrap();
    assert_eq!(portproof(["catalog", "schema"]).expect(DONE).text(), tracked);
}
