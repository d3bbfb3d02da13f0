//! The floors of the house (see the map in `src/lib.rs`): a room imports only from rooms on floors below its own.
//!
//! The test reads the paths in the sources, comments and texts left out. It also holds the rules that need no compiler:
//! length of files, no polars left of the store, no clock and no terminal outside `cli`, foreign crates in their rooms.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Rooms by floor, ground up. Rooms on one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &["application", "capture", "catalog", "decode", "hosts", "store"],
    &["classification", "metering", "recording"],
    &["dynamic_ports"],
    &["policy"],
    &["report"],
    &["cli"],
];

/// Lines of a source file: about 500.
const MOST_LINES: usize = 520;

/// Foreign crates that only some rooms know: what they do is what those rooms are for.
const CRATES: &[(&str, &[&str])] = &[
    // No packet memory right of the store, no polars left of it.
    ("polars", &["store", "classification", "dynamic_ports", "cli"]),
    ("polars_io", &["store"]),
    ("polars_parquet", &["store"]),
    ("pcap", &["capture"]),
    ("domain", &["application"]),
    ("etherparse", &["decode", "metering"]),
    ("httparse", &["application"]),
    ("itoa", &["model"]),
    ("quick_xml", &["hosts"]),
    ("statrs", &["dynamic_ports", "policy"]),
    ("x509_cert", &["application"]),
    // Days of the site's time zone; no clock: those features are left out.
    ("jiff", &["catalog", "hosts"]),
    ("schemars", &["catalog"]),
    ("toml_edit", &["catalog"]),
    ("maud", &["report"]),
    ("plotters", &["report"]),
    ("clap", &["cli"]),
    ("comfy_table", &["cli"]),
    ("console", &["cli"]),
    ("ctrlc", &["cli"]),
    ("indicatif", &["cli"]),
];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// A word or a mark of the source, and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// Words and marks without comments, texts and characters. `::` is one mark.
fn tokens(source: &str) -> Vec<Token> {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut at = 0;
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
    while at < bytes.len() {
        let rest = &source[at..];
        let end = if rest.starts_with("//") {
            at + rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            at + block_comment(rest)
        } else if let Some(length) = text(rest) {
            at + length
        } else if rest.starts_with("::") {
            tokens.push(Token { text: "::".into(), line });
            at + 2
        } else if is_word(bytes[at]) {
            let length = rest.bytes().position(|b| !is_word(b)).unwrap_or(rest.len());
            tokens.push(Token { text: rest[..length].to_owned(), line });
            at + length
        } else {
            if !bytes[at].is_ascii_whitespace() {
                tokens.push(Token { text: rest[..1].to_owned(), line });
            }
            at + 1
        };
        line += source[at..end].matches('\n').count();
        at = end;
    }
    tokens
}

/// Length of a comment that may hold others.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// Length of a text or a character that begins here; `None` where none does.
fn text(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let prefix = bytes.iter().take_while(|b| matches!(b, b'b' | b'c' | b'r')).count();
    let hashes = bytes[prefix..].iter().take_while(|b| **b == b'#').count();
    if prefix > 0 && bytes[prefix - 1] == b'r' && bytes.get(prefix + hashes) == Some(&b'"') {
        let close = format!("\"{}", "#".repeat(hashes));
        let body = prefix + hashes + 1;
        return Some(rest[body..].find(&close).map_or(rest.len(), |length| body + length + close.len()));
    }
    let quote = *bytes.get(prefix)?;
    if prefix > 1 || !matches!(quote, b'"' | b'\'') {
        return None;
    }
    // 'a is a lifetime, 'a' a character.
    if quote == b'\'' {
        let mut characters = rest[prefix + 1..].chars();
        let first = characters.next()?;
        if first != '\\' && characters.next() != Some('\'') {
            return None;
        }
    }
    let mut at = prefix + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b if b == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    Some(rest.len())
}

/// The first names of the paths that begin after the `::` at `at`: one, or those of a group.
fn first_names(tokens: &[Token], at: usize) -> Vec<Token> {
    let Some(next) = tokens.get(at) else { return Vec::new() };
    if next.text != "{" {
        return vec![next.clone()];
    }
    let (mut depth, mut names, mut begins) = (0, Vec::new(), false);
    for token in &tokens[at..] {
        match token.text.as_str() {
            "{" => {
                depth += 1;
                begins = depth == 1;
            }
            "}" => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            "," => begins = depth == 1,
            _ if begins => {
                names.push(token.clone());
                begins = false;
            }
            _ => {}
        }
    }
    names
}

/// The rooms that a file names, with lines. `module` is the path of its module, e.g. `["report", "html"]`.
fn rooms_named(tokens: &[Token], module: &[String]) -> Vec<Token> {
    let mut named = Vec::new();
    // Modules inside the file, with the depth of braces at which they end.
    let (mut inner, mut depth) = (Vec::new(), 0_usize);
    for (at, token) in tokens.iter().enumerate() {
        let follows = |n: usize, text: &str| tokens.get(at + n).is_some_and(|t| t.text == text);
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inner.last() == Some(&depth) {
                    inner.pop();
                }
            }
            "mod" if follows(2, "{") => inner.push(depth),
            "crate" if follows(1, "::") => named.extend(first_names(tokens, at + 2)),
            "super" if at == 0 || tokens[at - 1].text != "::" => {
                let ups = 1 + (0..).take_while(|n| follows(2 * n + 1, "::") && follows(2 * n + 2, "super")).count();
                let reaches_root = ups >= module.len() + inner.len();
                if reaches_root && follows(2 * ups - 1, "::") {
                    named.extend(first_names(tokens, at + 2 * ups));
                }
            }
            _ => {}
        }
    }
    named
}

/// What is wrong with the imports of a file, if anything.
fn wrong_imports(source: &str, module: &[String]) -> Vec<String> {
    let tokens = tokens(source);
    let room = module[0].as_str();
    let Some(own) = floor(room) else { return vec![format!("the room {room} has no floor")] };
    let wrong = |named: Token| {
        let Token { text, line } = named;
        match floor(&text) {
            _ if text == room => None,
            Some(other) if other < own => None,
            Some(other) if other == own => Some(format!("line {line}: {room} reaches sideways to {text}")),
            Some(_) => Some(format!("line {line}: {room} reaches up to {text}")),
            None => Some(format!("line {line}: {room} names {text}, which is no room")),
        }
    };
    rooms_named(&tokens, module).into_iter().filter_map(wrong).collect()
}

/// Foreign crates and clocks that have no business in the room.
fn wrong_words(source: &str, room: &str) -> Vec<String> {
    let tokens = tokens(source);
    let mut wrong = Vec::new();
    for (at, Token { text, line }) in tokens.iter().enumerate() {
        let begins_path = tokens.get(at + 1).is_some_and(|t| t.text == "::")
            && (at == 0 || tokens[at - 1].text != "::" || at == 1 || !is_name(&tokens[at - 2].text));
        let used = tokens.get(at.wrapping_sub(1)).is_some_and(|t| t.text == "use");
        if begins_path || used {
            let foreign = CRATES.iter().find(|(name, _)| name == text);
            if foreign.is_some_and(|(_, rooms)| !rooms.contains(&room)) {
                wrong.push(format!("line {line}: {room} uses {text}"));
            }
        }
        if room != "cli" && (text == "Instant" || text == "SystemTime") {
            wrong.push(format!("line {line}: {room} knows a clock: {text}"));
        }
    }
    wrong
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text != "use"
}

/// Every source file of a room: its path and its module.
fn sources() -> Vec<(PathBuf, Vec<String>)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![src.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let inside = path.strip_prefix(&src).unwrap().with_extension("");
                let mut module: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
                if module.last().is_some_and(|last| last == "mod") {
                    module.pop();
                }
                found.push((path, module));
            }
        }
    }
    found.sort();
    found
}

fn is_root(module: &[String]) -> bool {
    module == ["lib"] || module == ["main"]
}

/// Applies a rule to every file of every room, and fails with all that it says.
#[track_caller]
fn hold(rule: impl Fn(&str, &[String]) -> Vec<String>) {
    let mut wrong = Vec::new();
    for (path, module) in sources().into_iter().filter(|(_, module)| !is_root(module)) {
        let source = std::fs::read_to_string(&path).unwrap();
        wrong.extend(rule(&source, &module).into_iter().map(|what| format!("{}: {what}", path.display())));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn rooms_import_only_from_floors_below() {
    hold(wrong_imports);
}

#[test]
fn foreign_crates_and_clocks_stay_in_their_rooms() {
    hold(|source, module| wrong_words(source, &module[0]));
}

#[test]
fn every_room_has_a_floor_and_every_floor_its_rooms() {
    let rooms: BTreeSet<String> =
        sources().into_iter().filter(|(_, m)| !is_root(m)).map(|(_, m)| m[0].clone()).collect();
    let planned: BTreeSet<String> = FLOORS.iter().copied().flatten().map(|room| (*room).to_owned()).collect();
    assert_eq!(rooms, planned);
}

#[test]
fn files_can_be_read_in_one_sitting() {
    for (path, module) in sources() {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        let most = if module == ["main"] { 60 } else { MOST_LINES };
        assert!(lines <= most, "{}: {lines} lines, {most} are allowed", path.display());
    }
}

#[test]
fn the_program_knows_only_the_command_line() {
    let main = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).unwrap();
    let tokens = tokens(&main);
    let named: Vec<String> = (0..tokens.len())
        .filter(|at| tokens[*at].text == "portproof" && tokens.get(at + 1).is_some_and(|t| t.text == "::"))
        .flat_map(|at| first_names(&tokens, at + 2))
        .map(|token| token.text)
        .collect();
    assert_eq!(named, ["cli"]);
}

mod the_checker {
    use super::*;

    fn module(path: &str) -> Vec<String> {
        path.split('/').map(str::to_owned).collect()
    }

    #[track_caller]
    fn imports(path: &str, source: &str, expected: &[&str]) {
        assert_eq!(wrong_imports(source, &module(path)), expected, "{source}");
    }

    #[test]
    fn lets_arrows_down_pass() {
        imports("metering", "use crate::decode::decode;\nuse crate::model::{Frame, Packet};", &[]);
        imports("cli/commands/report", "use crate::report::{csv, text::visible};", &[]);
        imports("report/html", "use crate::report::summary; use super::tables;", &[]);
        imports("dynamic_ports", "fn f(x: crate::classification::Judged) {}", &[]);
    }

    #[test]
    fn finds_arrows_up_and_sideways_wherever_they_stand() {
        imports("decode", "use crate::metering::Meter;", &["line 1: decode reaches up to metering"]);
        imports("model", "\nfn f() -> crate::store::Facts {}", &["line 2: model reaches up to store"]);
        imports("capture/file", "use crate::catalog::Site;", &["line 1: capture reaches sideways to catalog"]);
        imports("report", "use crate::{model::Flow, cli::{Arguments, run}};", &["line 1: report reaches up to cli"]);
        imports("store", "use crate::rules::Rule;", &["line 1: store names rules, which is no room"]);
        imports("store", "use crate::*;", &["line 1: store names *, which is no room"]);
        imports("store", "macro_rules! m { () => { $crate::report::x() } }", &["line 1: store reaches up to report"]);
        imports("attic", "", &["the room attic has no floor"]);
    }

    #[test]
    fn follows_super_out_of_the_room() {
        imports("decode", "use super::metering::Meter;", &["line 1: decode reaches up to metering"]);
        imports("decode/link", "use super::network;", &[]);
        imports("decode/link", "use super::super::store::Facts;", &["line 1: decode reaches sideways to store"]);
        imports("decode", "mod tests { use super::network; }\nuse super::cli;", &["line 2: decode reaches up to cli"]);
        imports("decode/link", "mod tests { use super::super::network; }", &[]);
        imports("cli/commands/record", "mod live { pub(in super::super) fn f() {} use super::super::print; }", &[]);
    }

    #[test]
    fn leaves_comments_and_texts_alone() {
        let source = "//! See [`crate::cli::run`].\n/* crate::cli /* crate::cli */ */ // crate::cli\n\
            const A: &str = \"crate::cli \\\" crate::cli\"; const B: &str = r#\"\"crate::cli\"#;\n\
            fn f<'a>(c: char) -> bool { c == '\"' || c == '\\'' } use crate::store::X;";
        imports("capture", source, &["line 4: capture reaches sideways to store"]);
    }

    #[test]
    fn finds_clocks_and_foreign_crates() {
        let words = |room: &str, source: &str| wrong_words(source, room).len();
        assert_eq!(words("metering", "use polars::prelude::DataFrame;"), 1);
        assert_eq!(words("capture", "fn f(x: ::polars::frame::DataFrame) {}"), 1);
        assert_eq!(words("store", "use polars::prelude::DataFrame;"), 0);
        assert_eq!(words("report", "use std::time::{Duration, Instant};"), 1);
        assert_eq!(words("recording", "let now = std::time::SystemTime::now();"), 1);
        assert_eq!(words("cli", "use std::time::Instant;"), 0);
        assert_eq!(words("report", "use indicatif::ProgressBar;"), 1);
        // A module of the same name is none.
        assert_eq!(words("cli", "use super::pcap::Pcap;"), 0);
        assert_eq!(words("report", "// Instant, polars::x"), 0);
    }
}
