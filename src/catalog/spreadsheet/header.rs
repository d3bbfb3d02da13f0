//! The header line: which separator the file has, and what its columns mean.

use super::super::error::{CatalogError, Place};
use super::text::{cleaned, quoted};
use crate::model::Transport;
use csv::{Reader, ReaderBuilder, StringRecord};

/// The header is looked for among the first records: titles may stand above it.
const HEADER_WITHIN: usize = 20;

/// A record with more cells is no header.
const MOST_COLUMNS: usize = 200;

const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// What a column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// The name of a service.
    Service,
    /// The name of a service, or an executable where it looks like a file.
    Application,
    /// An executable.
    Executable,
    /// The transport protocol.
    Protocol,
    /// Ports, and their transport where the column names it.
    Ports(Option<Transport>),
    /// The first port of a range.
    FirstPort,
    /// The last port of a range.
    LastPort,
    /// The role that the row is about.
    Role,
    /// The role that listens; the row is about a flow.
    To,
    /// The role that connects.
    From,
    /// Inbound or outbound.
    Direction,
    /// A remark.
    Comment,
    /// Where it is printed.
    Citation,
    /// `source`: who connects where another column says what it connects to, otherwise where it is printed.
    Source,
}

impl Column {
    /// The meaning of a name.
    fn named(name: &str) -> Option<Self> {
        Some(match folded_name(name).as_str() {
            "service" | "services" | "service name" | "service names" | "name" | "feature" | "function" | "product" => {
                Self::Service
            }
            "application" | "applications" | "application name" | "app" | "program" | "software" => Self::Application,
            "executable" | "executables" | "executable name" | "exe" | "process" | "processes" | "process name"
            | "image" | "binary" | "daemon" | "file name" => Self::Executable,
            "protocol" | "protocols" | "proto" | "type" | "transport" | "transports" | "transport protocol"
            | "protocol type" | "port type" | "ip protocol" | "network protocol" | "tcp udp" => Self::Protocol,
            "port" | "ports" | "port number" | "port numbers" | "port no" | "port nr" | "port range"
            | "port ranges" | "default port" | "default ports" | "destination port" | "destination ports"
            | "dest port" | "dst port" | "local port" | "local ports" | "listening port" | "listening ports"
            | "server port" | "target port" => Self::Ports(None),
            "tcp" | "tcp port" | "tcp ports" => Self::Ports(Some(Transport::Tcp)),
            "udp" | "udp port" | "udp ports" => Self::Ports(Some(Transport::Udp)),
            "port start" | "start port" | "first port" | "port from" | "from port" => Self::FirstPort,
            "port end" | "end port" | "last port" | "port to" | "to port" => Self::LastPort,
            "role" | "roles" | "host" | "hosts" | "component" | "components" | "host role" | "server role"
            | "computer" | "machine" | "node" | "server" | "listens at" => Self::Role,
            "to" | "destination" | "destinations" | "target" | "destination host" | "destination role" => Self::To,
            "from" | "client" | "clients" | "caller" | "callers" | "initiator" | "source host" | "source role" => {
                Self::From
            }
            "direction" | "traffic direction" | "in out" | "inbound outbound" => Self::Direction,
            "comment" | "comments" | "note" | "notes" | "description" | "descriptions" | "remark" | "remarks"
            | "details" | "purpose" | "usage" | "explanation" => Self::Comment,
            "citation" | "citations" | "reference" | "references" | "section" | "page" | "table" => Self::Citation,
            "source" | "sources" => Self::Source,
            _ => return None,
        })
    }

    fn is_port(self) -> bool {
        matches!(self, Self::Ports(_) | Self::FirstPort)
    }

    fn is_name(self) -> bool {
        matches!(self, Self::Service | Self::Application | Self::Executable)
    }
}

/// Lower case, words apart by one space, the plural in parentheses joined: `Port_Number(s)` is `port numbers`.
fn folded_name(name: &str) -> String {
    let joined = cleaned(name).to_lowercase().replace("(s)", "s");
    let words: Vec<&str> = joined.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// What the columns of a file mean.
pub(super) struct Columns {
    columns: Vec<Option<Column>>,
    /// Names of columns that are not read: unknown, or a second one of a kind.
    pub(super) unread: Vec<String>,
    /// Whether the file has no column of names, so that its remarks name the services.
    pub(super) comments_name: bool,
}

impl Columns {
    /// The columns, where the record is a header: it names ports, and a service or at least a remark.
    fn of(record: &StringRecord) -> Option<Self> {
        if record.len() > MOST_COLUMNS {
            return None;
        }
        let mut columns: Vec<Option<Column>> = record.iter().map(Column::named).collect();
        let has_target = columns.contains(&Some(Column::To));
        for column in &mut columns {
            if *column == Some(Column::Source) {
                *column = Some(if has_target { Column::From } else { Column::Citation });
            }
        }
        let mut unread = Vec::new();
        // The column that says where a flow goes says more than one of roles.
        let is_role = |column: &Option<Column>| has_target && *column == Some(Column::Role);
        for at in 0..columns.len() {
            let repeated = columns[at] != Some(Column::Comment) && columns[..at].contains(&columns[at]);
            if columns[at].is_none() || repeated || is_role(&columns[at]) {
                columns[at] = None;
                unread.extend(record.get(at).map(cleaned).filter(|name| !name.is_empty()));
            }
        }
        let mut known = columns.iter().flatten();
        let has_ports = known.clone().any(|column| column.is_port());
        let has_names = known.clone().any(|column| column.is_name());
        let has_comments = known.any(|column| *column == Column::Comment);
        let comments_name = has_comments && !has_names;
        (has_ports && (has_names || has_comments)).then_some(Self { columns, unread, comments_name })
    }

    /// How many columns the header has.
    pub(super) fn count(&self) -> usize {
        self.columns.len()
    }

    /// Whether the file has such a column.
    pub(super) fn has(&self, column: Column) -> bool {
        self.columns.contains(&Some(column))
    }

    /// The cells of all columns of a kind.
    pub(super) fn all<'r>(&self, record: &'r StringRecord, column: Column) -> impl Iterator<Item = &'r str> {
        let positions = self.columns.iter().enumerate().filter(move |(_, own)| **own == Some(column));
        positions.filter_map(|(at, _)| record.get(at)).filter(|cell| !cell.trim().is_empty())
    }

    /// The cleaned cell of a column; empty where the file has none.
    pub(super) fn cell(&self, record: &StringRecord, column: Column) -> String {
        self.all(record, column).next().map(cleaned).unwrap_or_default()
    }

    /// How many columns are known.
    fn known(&self) -> usize {
        self.columns.iter().flatten().count()
    }
}

/// Where a record stands; all from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct At {
    /// Line of the file.
    pub(super) line: usize,
    /// Row of the sheet: a cell may run over several lines.
    pub(super) row: usize,
    /// Last line of the record, where a quotation mark of it is never closed.
    pub(super) unclosed_until: Option<usize>,
}

/// The records of a text with their places.
pub(super) struct Records<'a> {
    reader: Reader<&'a [u8]>,
    bytes: &'a [u8],
    /// Bytes in which line ends are counted.
    counted: usize,
    line_ends: usize,
    row: usize,
}

impl<'a> Records<'a> {
    fn new(text: &'a str, separator: u8) -> Self {
        let bytes = text.as_bytes();
        let reader = ReaderBuilder::new().delimiter(separator).has_headers(false).flexible(true).from_reader(bytes);
        Self { reader, bytes, counted: 0, line_ends: 0, row: 0 }
    }

    /// Reads the next record that is not an empty line.
    pub(super) fn next(&mut self, record: &mut StringRecord) -> Option<At> {
        let start = self.position();
        // The text is UTF-8 already and records may have any length: nothing is left that could be refused.
        if !self.reader.read_record(record).unwrap_or(false) {
            return None;
        }
        let end = self.position();
        let empty = self.bytes[start..end].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let second_half = start > 0 && self.bytes[start - 1] == b'\r' && self.bytes.get(start) == Some(&b'\n');
        let before = self.count(start);
        let line_ends = self.count(start + empty);
        self.row += line_ends - before - usize::from(second_half) + 1;
        let last = end - self.bytes[start..end].iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let last_line = 1 + self.count(last.max(start + empty));
        let quotes = self.bytes[start..end].iter().filter(|byte| **byte == b'"').count();
        let unclosed_until = (quotes % 2 == 1 && last_line > 1 + line_ends).then_some(last_line);
        Some(At { line: 1 + line_ends, row: self.row, unclosed_until })
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX).min(self.bytes.len())
    }

    /// Line ends before an offset; offsets are asked upwards. CR LF is one, at its LF.
    fn count(&mut self, to: usize) -> usize {
        let ends = |at: usize| match self.bytes[at] {
            b'\n' => true,
            b'\r' => self.bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        self.line_ends += (self.counted..to).filter(|at| ends(*at)).count();
        self.counted = self.counted.max(to);
        self.line_ends
    }
}

/// A file whose header is found. Its records are those behind the header.
pub(super) struct Sheet<'a> {
    pub(super) columns: Columns,
    pub(super) header: At,
    pub(super) records: Records<'a>,
}

/// Finds separator and header: of all separators the one under which the header comes first, and has the most columns.
pub(super) fn open<'a>(name: &str, text: &'a str) -> Result<Sheet<'a>, CatalogError> {
    let (separators, first) = declared_separator(text);
    let mut best: Option<(usize, usize, Sheet<'a>)> = None;
    for separator in separators {
        let mut records = Records::new(text, separator);
        let mut record = StringRecord::new();
        for index in 0..first + HEADER_WITHIN {
            let Some(mut header) = records.next(&mut record) else { break };
            let Some(columns) = Columns::of(&record).filter(|_| index >= first) else { continue };
            // Programs that write the separator into a line of its own do not show that line as a row.
            records.row -= first;
            header.row -= first;
            let unknown = usize::MAX - columns.known();
            if best.as_ref().is_none_or(|(other, fewer, _)| (index, unknown) < (*other, *fewer)) {
                best = Some((index, unknown, Sheet { columns, header, records }));
            }
            break;
        }
    }
    best.map(|(_, _, sheet)| sheet).ok_or_else(|| {
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        CatalogError::Text {
            file: name.to_owned(),
            place: Place { line: 1, column: 1 },
            problem: format!("no header line names a service and its ports; the file begins with {}", quoted(line)),
            advice: "give the columns names in the first line: service, protocol, ports, role, comment".to_owned(),
        }
    })
}

/// The separators to try, and how many records stand before the header: some programs write `sep=;` first.
fn declared_separator(text: &str) -> (Vec<u8>, usize) {
    let declared =
        text.lines().next().and_then(|line| line.trim_end().to_lowercase().strip_prefix("sep=")?.bytes().next());
    match declared {
        Some(separator) if SEPARATORS.contains(&separator) => (vec![separator], 1),
        _ => (SEPARATORS.to_vec(), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<(usize, usize, String)> {
        let mut records = Records::new(text, b',');
        let mut record = StringRecord::new();
        let mut places = Vec::new();
        while let Some(at) = records.next(&mut record) {
            places.push((at.line, at.row, record.iter().collect::<Vec<_>>().join("|")));
        }
        places
    }

    #[test]
    fn lines_and_rows_are_counted_as_editors_and_sheets_count_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["", "a,1", "", "", "\"b", "c\",2", "d,3", ""].join(end);
            let expected = [(2, 2, "a|1".to_owned()), (5, 5, format!("b{end}c|2")), (7, 6, "d|3".to_owned())];
            assert_eq!(places(&text), expected, "{end:?}");
        }
        assert_eq!(places("\n\r\n"), []);
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_is_seen() {
        let mut records = Records::new("a,5\" disk\nb,\"c\nd,e\n", b',');
        let mut record = StringRecord::new();
        assert_eq!(records.next(&mut record), Some(At { line: 1, row: 1, unclosed_until: None }));
        assert_eq!(records.next(&mut record), Some(At { line: 2, row: 2, unclosed_until: Some(3) }));
        assert_eq!(records.next(&mut record), None);
    }

    #[test]
    fn separator_and_columns_follow_from_the_header() {
        for (text, header_line) in [
            ("Service,Protocol,Port\n", 1),
            ("Ports of X;a,b,c\n\nService;Protocol;Port(s)\n", 3),
            ("Service\tProtocol\tPORT_NUMBER\n", 1),
            ("sep=;\nService;Protocol;Port\n", 2),
        ] {
            let sheet = open("x.csv", text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            let expected = [Some(Column::Service), Some(Column::Protocol), Some(Column::Ports(None))];
            assert_eq!(
                (sheet.columns.columns.as_slice(), sheet.header.line),
                (expected.as_slice(), header_line),
                "{text:?}"
            );
        }
    }

    #[test]
    fn source_means_the_caller_only_beside_a_destination() {
        let columns = |text| open("x.csv", text).unwrap().columns.columns;
        assert_eq!(columns("source,destination,port,name\n")[0], Some(Column::From));
        assert_eq!(columns("source,role,port,name\n")[0], Some(Column::Citation));
    }

    #[test]
    fn a_file_without_a_header_is_refused_with_advice() {
        let error = open("x.csv", "web,tcp,443\n").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("x.csv:1:1: no header line names a service and its ports"), "{error}");
        assert!(error.contains("web,tcp,443") && error.contains("service, protocol, ports, role, comment"), "{error}");
        assert!(open("x.csv", "").is_err());
    }
}
