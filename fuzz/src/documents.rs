//! Any text as a document, a site file, a licence file, a spreadsheet.

use portproof::catalog::{
    Catalog, Document, LicenceFile, PinPlace, Problem, Severity, Site, SpreadsheetOptions, file_kind,
    import_spreadsheet, lint, lint_site,
};
use portproof::model::{Endpoint, Transport};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::OnceLock;

/// Which reader an input is for: its first byte, modulo their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Document,
    Site,
    Licence,
    Spreadsheet,
}

impl Reader {
    const ALL: [Self; 4] = [Self::Document, Self::Site, Self::Licence, Self::Spreadsheet];

    /// An input of the target for this reader.
    pub fn input(self, text: &[u8]) -> Vec<u8> {
        [&[self as u8], text].concat()
    }
}

/// The target.
pub fn documents(data: &[u8]) {
    let Some((&first, bytes)) = data.split_first() else { return };
    match Reader::ALL[usize::from(first) % Reader::ALL.len()] {
        Reader::Document => with_text(bytes, document),
        Reader::Site => with_text(bytes, site),
        Reader::Licence => licence(bytes),
        Reader::Spreadsheet => spreadsheet(bytes),
    }
}

fn with_text(bytes: &[u8], read: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = file_kind(text);
        read(text);
    }
}

fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::builtin().expect("the built-in documents can be read"))
}

fn refuses(problems: &[Problem]) -> bool {
    for problem in problems {
        assert!(!problem.to_string().chars().any(char::is_control), "{problem:?}");
    }
    problems.iter().any(|problem| problem.severity == Severity::Error)
}

fn document(text: &str) {
    let read = Document::from_toml("fuzz.toml", text);
    let problems = lint("fuzz.toml", text);
    assert_eq!(refuses(&problems), read.is_err(), "{read:?}, and lint: {problems:#?}");
    match read {
        Ok(document) => reads_back(&document),
        Err(error) => assert!(!error.to_string().chars().any(char::is_control), "{error:?}"),
    }
}

fn reads_back(document: &Document) {
    let printed = document.to_toml();
    let again = Document::from_toml("printed.toml", &printed);
    assert_eq!(again.as_ref(), Ok(document), "{printed}");
}

fn site(text: &str) {
    let read = Site::from_toml("fuzz.toml", text, catalog());
    // Lint also reads the documents that a site file names: it may refuse more, never less.
    let problems = lint_site("fuzz.toml", text, catalog());
    assert!(refuses(&problems) || read.is_ok(), "{read:?}, and lint: {problems:#?}");
    let site = match read {
        Ok(site) => site,
        Err(error) => return assert!(!error.to_string().chars().any(char::is_control), "{error:?}"),
    };
    let effective = catalog().for_site(&site);
    for port in [0, 53, 135, 7002, 27_000, 54_967, 65_535] {
        let at = Endpoint { ip: IpAddr::V4(Ipv4Addr::new(10, 0, 5, 9)), port };
        for transport in [Transport::Tcp, Transport::Udp] {
            let roles = site.roles(at.ip);
            let stated = effective.statements_of(transport, at, roles).count();
            let withdrawn = effective.withdrawn(transport, at, roles);
            assert!(withdrawn.is_none_or(|reason| !reason.is_empty()) && stated < 1_000_000);
            let _ = site.accepted(at.ip, at.ip, transport, port, 0);
            let _ = site.allows(at.ip, at.ip, transport, port);
        }
        let _ = site.zone(at.ip);
        assert!(!site.dynamic_range(at.ip).is_empty());
    }
}

fn licence(bytes: &[u8]) {
    let Ok(file) = LicenceFile::from_bytes("fuzz.lic", bytes, None) else { return };
    let _ = file.verdict();
    for warning in &file.warnings {
        assert!(!format!("{:?}", warning.problem).is_empty());
    }
    assert!(file.pins().len() <= file.servers.len() + file.daemons.len());
    let place: PinPlace = "10.0.5.9".parse().expect("an address");
    let pins = file.pins_toml(&place);
    assert!(!pins.chars().any(|c| c.is_control() && c != '\n'), "{pins:?}");
}

fn spreadsheet(bytes: &[u8]) {
    let options = SpreadsheetOptions {
        id: "fuzz".into(),
        title: "Fuzz".into(),
        publisher: None,
        publication: None,
        edition: None,
        url: None,
        products: Vec::new(),
    };
    let Ok(imported) = import_spreadsheet("fuzz.csv", bytes, &options) else { return };
    for note in &imported.notes {
        assert!(!note.text.chars().any(char::is_control), "{note:?}");
    }
    if !imported.document.ports.is_empty() {
        reads_back(&imported.document);
    }
}
