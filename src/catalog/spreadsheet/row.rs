//! From the rows of a spreadsheet to statements.

use super::super::document::{ANY_ROLE, Direction, DynamicRange, PortStatement, Role, Standing};
use super::cells::{self, CellPorts, Protocol, says_dynamic};
use super::header::{At, Column, Columns};
use super::roles::Roles;
use super::text::{cleaned, quoted};
use super::{ImportNote, NoteKind, file_name};
use crate::model::Transport;
use csv::StringRecord;

/// Ports from which on a range whose cell says "dynamic" is a dynamic range.
const DYNAMIC_RANGE_PORTS: u32 = 256;

/// Text that all statements of a file may hold together, in bytes: a row with many ports and roles repeats its own.
const MAX_STATEMENT_BYTES: usize = 16 * 1024 * 1024;

/// Longest cell that is read, in bytes.
const MAX_CELL_BYTES: usize = 8 * 1024;

/// What a statement holds besides its texts, in bytes, roughly.
const STATEMENT_BYTES: usize = 256;

/// Ranges from which operating systems take ports, of today and of earlier ones.
const DEFAULT_DYNAMIC: [(u16, u16); 2] = [(49_152, 65_535), (1_024, 65_535)];

/// Files with these endings are programs.
const PROGRAM_ENDINGS: [&str; 8] = [".exe", ".dll", ".com", ".bat", ".cmd", ".sh", ".jar", ".py"];

/// What the rows gave.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) roles: Vec<Role>,
    pub(super) ports: Vec<PortStatement>,
    pub(super) dynamic_ranges: Vec<DynamicRange>,
}

/// The file has more statements than a document may have.
#[derive(Debug)]
pub(super) struct TooMany;

/// Reads rows, one after the other.
pub(super) struct Builder<'a> {
    file: String,
    columns: &'a Columns,
    roles: Roles,
    parts: Parts,
    notes: Vec<ImportNote>,
    /// Rows that hold anything.
    pub(super) rows: usize,
    /// Names and roles of the last row that was used: cells that are merged in a sheet are empty in a file.
    above: Option<(Names, Vec<String>)>,
    told_other_end: bool,
    /// Bytes of all statements, roughly.
    bytes: usize,
}

/// Service and executable of a row.
#[derive(Clone)]
struct Names {
    service: String,
    executable: Option<String>,
}

/// Who listens, seen from whom, and who calls.
struct Ends {
    stated_for: String,
    direction: Direction,
    listens: String,
    callers: Vec<String>,
}

/// A port or range with its transports, and whether they are stated.
struct Ports {
    cell: CellPorts,
    stated: bool,
    /// The cell where it says more than the number.
    printed: Option<String>,
    dynamic: bool,
}

impl<'a> Builder<'a> {
    pub(super) fn new(name: &str, columns: &'a Columns, header: At) -> Self {
        let file = file_name(name);
        let mut builder = Self {
            file,
            columns,
            roles: Roles::default(),
            parts: Parts::default(),
            notes: Vec::new(),
            rows: 0,
            above: None,
            told_other_end: false,
            bytes: 0,
        };
        builder.tell_header(header.line);
        builder
    }

    /// What the columns leave open for all rows.
    fn tell_header(&mut self, line: usize) {
        for name in &self.columns.unread {
            let text = format!("the column {} is not read; name it as another column, or leave it", quoted(name));
            self.notes.push(ImportNote { kind: NoteKind::LeftOut, line, text });
        }
        if self.columns.comments_name {
            let text = "no column names the service: the comments are taken as names; add a column \"service\"";
            self.note(NoteKind::Assumed, line, text.to_owned());
        }
        if !self.columns.has(Column::Role) && !self.columns.has(Column::To) {
            let text = "no column says which host listens: every row is taken to listen at the role \"server\"; add a \
                        column \"role\"";
            self.note(NoteKind::Assumed, line, text.to_owned());
        }
    }

    pub(super) fn note(&mut self, kind: NoteKind, line: usize, text: String) {
        self.notes.push(ImportNote { kind, line, text });
    }

    fn assume(&mut self, at: At, text: String) {
        self.note(NoteKind::Assumed, at.line, text);
    }

    /// Reads a row: it gives statements, or a note that says why not.
    pub(super) fn row(&mut self, record: &StringRecord, at: At) -> Result<(), TooMany> {
        if record.iter().all(|cell| cleaned(cell).is_empty()) {
            return Ok(());
        }
        self.rows += 1;
        if let Some(last) = at.unclosed_until {
            let text = format!("a quotation mark is not closed: the lines up to {last} are read as part of this row");
            self.note(NoteKind::LeftOut, at.line, text);
        }
        if let Err(reason) = self.statements(record, at) {
            self.note(NoteKind::LeftOut, at.line, format!("the row is left out: {reason}"));
        }
        if self.bytes > MAX_STATEMENT_BYTES { Err(TooMany) } else { Ok(()) }
    }

    /// Adds at least one statement, or says why there is none.
    fn statements(&mut self, record: &StringRecord, at: At) -> Result<(), String> {
        let (cells, columns) = (record.len(), self.columns.count());
        if record.iter().skip(columns).any(|cell| !cleaned(cell).is_empty()) {
            return Err(format!(
                "it has {cells} cells and the header {columns}; put cells that hold the separator in quotation marks"
            ));
        }
        if record.iter().any(|cell| cell.len() > MAX_CELL_BYTES) {
            return Err(format!("a cell of it has more than {MAX_CELL_BYTES} bytes; shorten it"));
        }
        let mut comments: Vec<String> = self.columns.all(record, Column::Comment).map(cleaned).collect();
        let names = self.names(record, &mut comments, at)?;
        let mut told = Vec::new();
        let ports = self.ports(record, &names, &comments, &mut told, at)?;
        let roles = self.row_roles(record, at)?;
        let callers = match self.columns.all(record, Column::From).next() {
            Some(cell) => self.roles.of_cell(cell)?,
            None => Vec::new(),
        };
        let direction = self.direction(record, at);
        let citation = match self.columns.cell(record, Column::Citation) {
            cell if cell.is_empty() => format!("row {} of {}", at.row, self.file),
            cell => cell,
        };
        comments.extend(told);
        let note = (!comments.is_empty()).then(|| comments.join("; "));
        let repeated = note.as_ref().map_or(0, String::len) + citation.len() + names.service.len();
        let printed: usize = ports.iter().filter_map(|ports| ports.printed.as_ref()).map(String::len).sum();
        let each = STATEMENT_BYTES + repeated + callers.len() * STATEMENT_BYTES / 4;
        self.bytes = self.bytes.saturating_add((ports.len() * each + printed).saturating_mul(roles.len()));
        if self.bytes > MAX_STATEMENT_BYTES {
            return Err("the file has more statements than a document may have".to_owned());
        }
        for role in &roles {
            let ends = self.ends(role, direction, &callers, at)?;
            for ports in &ports {
                self.add(ports, &names, &ends, note.as_ref(), &citation);
            }
        }
        self.above = Some((names, roles));
        Ok(())
    }

    fn names(&mut self, record: &StringRecord, comments: &mut Vec<String>, at: At) -> Result<Names, String> {
        let application = self.columns.cell(record, Column::Application);
        let is_program = PROGRAM_ENDINGS.iter().any(|ending| application.to_lowercase().ends_with(ending));
        let (mut service, mut executable) =
            (self.columns.cell(record, Column::Service), self.columns.cell(record, Column::Executable));
        let place = if is_program && executable.is_empty() { &mut executable } else { &mut service };
        if place.is_empty() {
            *place = application;
        } else if !application.is_empty() && *place != application {
            comments.push(application);
        }
        if self.columns.comments_name && !comments.is_empty() {
            service = comments.join("; ");
            comments.clear();
        }
        if service.is_empty() && executable.is_empty() {
            let Some((above, _)) = &self.above else {
                return Err("it names no service, and no row above it does".to_owned());
            };
            let above = above.clone();
            self.assume(at, format!("no service: taken from the row above, {}", quoted(&above.service)));
            return Ok(above);
        }
        let executable = (!executable.is_empty()).then_some(executable);
        let service = if service.is_empty() { executable.clone().unwrap_or_default() } else { service };
        Ok(Names { service, executable })
    }

    /// The ports of all cells of the row, with their transports. `told` is what belongs into the note of the statements.
    fn ports(
        &mut self,
        record: &StringRecord,
        names: &Names,
        comments: &[String],
        told: &mut Vec<String>,
        at: At,
    ) -> Result<Vec<Ports>, String> {
        let cells = self.port_cells(record);
        let protocol_cell = self.columns.cell(record, Column::Protocol);
        // The name of a service may say it by chance ("Dynamic DNS"): it counts for wide ranges only.
        let row_is_dynamic = says_dynamic(&protocol_cell) || says_dynamic(&names.service);
        let mut ports: Vec<Ports> = Vec::new();
        let mut problems = Vec::new();
        for (transport, cell) in &cells {
            let read = cells::ports(cell);
            for text in read.assumed {
                self.assume(at, text);
            }
            problems.extend(read.problems);
            let dynamic = row_is_dynamic || says_dynamic(cell);
            // Comments speak of many things: there it counts for a range up to the highest port.
            let in_comment = !dynamic && comments.iter().any(|comment| says_dynamic(comment));
            let plain = read.ports.len() == 1 && read.ports.iter().all(|entry| entry.range.to_string() == *cell);
            for mut cell_ports in read.ports {
                if cell_ports.transports.is_empty() {
                    cell_ports.transports.extend(*transport);
                }
                let printed = (!plain).then(|| cell.clone());
                let wide = cell_ports.range.count() >= DYNAMIC_RANGE_PORTS;
                let in_comment = in_comment && wide && cell_ports.range.last() == u16::MAX;
                if in_comment {
                    self.assume(
                        at,
                        format!("{} is taken as a dynamic range, because of the comment", cell_ports.range),
                    );
                } else if !dynamic && DEFAULT_DYNAMIC.contains(&(cell_ports.range.first(), cell_ports.range.last())) {
                    let text =
                        "is taken as ports that are documented one by one; write dynamic beside it if they change";
                    self.assume(at, format!("{} {text}", cell_ports.range));
                }
                let dynamic = wide && dynamic || in_comment;
                ports.push(Ports { stated: !cell_ports.transports.is_empty(), cell: cell_ports, printed, dynamic });
            }
        }
        let said: Vec<String> = cells.iter().map(|(_, cell)| cell.clone()).filter(|cell| !cell.is_empty()).collect();
        let cell_is_dynamic = says_dynamic(&protocol_cell) || said.iter().any(|cell| says_dynamic(cell));
        if cell_is_dynamic && !ports.iter().any(|ports| ports.dynamic) {
            problems.push("it says dynamic and gives no range: write the range too, as 49152-65535".to_owned());
        }
        if ports.is_empty() {
            let cell = if said.is_empty() { "the port cell is empty".into() } else { quoted(&said.join(" ")) };
            problems.insert(0, format!("no port in it: {cell}"));
            return Err(problems.join("; "));
        }
        self.transports(&protocol_cell, &mut ports, told, at)?;
        self.tell_problems(problems, at);
        Ok(ports)
    }

    fn tell_problems(&mut self, problems: Vec<String>, at: At) {
        for problem in problems {
            self.note(NoteKind::LeftOut, at.line, format!("a part of the row is left out: {problem}"));
        }
    }

    /// The cells that hold ports, with the transport that their column names.
    fn port_cells(&self, record: &StringRecord) -> Vec<(Option<Transport>, String)> {
        let mut found: Vec<(Option<Transport>, String)> = Vec::new();
        for transport in [None, Some(Transport::Tcp), Some(Transport::Udp)] {
            let cells = self.columns.all(record, Column::Ports(transport));
            found.extend(cells.map(|cell| (transport, cleaned(cell))));
        }
        let (first, last) = (self.columns.cell(record, Column::FirstPort), self.columns.cell(record, Column::LastPort));
        match (first.is_empty(), last.is_empty() || first == last) {
            (true, _) => {}
            (false, true) => found.push((None, first)),
            (false, false) => found.push((None, format!("{first}-{last}"))),
        }
        found.retain(|(_, cell)| !cell.is_empty());
        found
    }

    /// Gives every port its transports: its own cell's, then those of the protocol cell.
    fn transports(&mut self, cell: &str, ports: &mut [Ports], told: &mut Vec<String>, at: At) -> Result<(), String> {
        let open = ports.iter().any(|ports| !ports.stated);
        let (transports, stated) = match cells::protocol(cell) {
            Protocol::Stated(transports) => {
                let other =
                    |ports: &&Ports| ports.stated && ports.cell.transports.iter().any(|t| !transports.contains(t));
                if let Some(ports) = ports.iter().find(other) {
                    let text = format!(
                        "the protocol cell says {}, the port cell of {} another: its own is taken",
                        quoted(cell),
                        ports.cell.range
                    );
                    self.assume(at, text);
                }
                (transports, true)
            }
            Protocol::Empty => {
                if open {
                    told.push("No protocol stated: taken as TCP".to_owned());
                    self.assume(at, "no protocol: taken as TCP, and marked as not stated".to_owned());
                }
                (vec![Transport::Tcp], false)
            }
            Protocol::Read(transports, text) => {
                if open {
                    told.push(text.clone());
                    self.assume(at, text);
                }
                (transports, false)
            }
            Protocol::Other(other) if open => {
                return Err(format!("{} is neither TCP nor UDP; write one of them, or both", quoted(&other)));
            }
            Protocol::Other(_) => return Ok(()),
        };
        for ports in ports.iter_mut().filter(|ports| !ports.stated) {
            ports.cell.transports.clone_from(&transports);
            ports.stated = stated;
        }
        Ok(())
    }

    /// The roles that the row is about; never none.
    fn row_roles(&mut self, record: &StringRecord, at: At) -> Result<Vec<String>, String> {
        let column = if self.columns.has(Column::To) { Column::To } else { Column::Role };
        let mut roles = Vec::new();
        if let Some(cell) = self.columns.all(record, column).next() {
            roles = self.roles.of_cell(cell)?;
        }
        if !roles.is_empty() {
            return Ok(roles);
        }
        if !self.columns.has(column) {
            return Ok(vec![self.roles.declare("Server")?]);
        }
        if let Some((_, above)) = &self.above {
            let above = above.clone();
            self.assume(at, format!("no role: taken from the row above, {}", quoted(&above.join(", "))));
            return Ok(above);
        }
        self.assume(at, "no role: taken as \"server\"".to_owned());
        Ok(vec![self.roles.declare("Server")?])
    }

    /// Which way the ports are used. Where the file says where a flow goes, that is who listens.
    fn direction(&mut self, record: &StringRecord, at: At) -> Direction {
        if self.columns.has(Column::To) || !self.columns.has(Column::Direction) {
            return Direction::Listens;
        }
        let cell = self.columns.cell(record, Column::Direction);
        cells::direction(&cell).unwrap_or_else(|| {
            self.assume(
                at,
                format!("{} is no direction: taken as not stated; write inbound or outbound", quoted(&cell)),
            );
            Direction::NotStated
        })
    }

    fn ends(&mut self, role: &str, direction: Direction, callers: &[String], at: At) -> Result<Ends, String> {
        let stated_for = role.to_owned();
        if direction != Direction::ConnectsOut {
            return Ok(Ends { listens: stated_for.clone(), stated_for, direction, callers: callers.to_vec() });
        }
        if !self.told_other_end {
            self.told_other_end = true;
            let text = "outbound, and no column says where to: taken as a role of its own, \"other end\"; rename it";
            self.assume(at, text.to_owned());
        }
        let listens = self.roles.declare("Other end")?;
        Ok(Ends { callers: vec![stated_for.clone()], stated_for, direction, listens })
    }

    fn add(&mut self, ports: &Ports, names: &Names, ends: &Ends, note: Option<&String>, citation: &str) {
        if ports.dynamic {
            let service = (names.executable.as_ref() != Some(&names.service)).then_some(&names.service);
            let note: Vec<&str> = service.into_iter().chain(note).map(String::as_str).collect();
            self.parts.dynamic_ranges.extend(ports.cell.transports.iter().map(|transport| DynamicRange {
                role: ends.listens.clone(),
                transport: *transport,
                ports: ports.cell.range,
                observed_ports: None,
                executables: names.executable.iter().cloned().collect(),
                standing: Standing::Rule,
                printed: ports.printed.clone(),
                conflicts: Vec::new(),
                note: (!note.is_empty()).then(|| note.join("; ")),
                citation: citation.to_owned(),
            }));
            return;
        }
        self.parts.ports.push(PortStatement {
            service: names.service.clone(),
            executable: names.executable.clone(),
            transports: ports.cell.transports.clone(),
            protocol_stated: ports.stated,
            ports: ports.cell.range,
            stated_for: ends.stated_for.clone(),
            direction: ends.direction,
            roles: vec![ends.listens.clone()],
            callers: ends.callers.clone(),
            user_modifiable: false,
            fallback_ports: Vec::new(),
            standing: Standing::Rule,
            required_for: None,
            condition: None,
            conflicts: Vec::new(),
            printed: ports.printed.clone(),
            note: note.cloned(),
            citation: citation.to_owned(),
        });
    }

    /// The parts of the document. Rows for any host hold at every role that the file names: a vendor's document says
    /// nothing about hosts that have none.
    pub(super) fn finish(mut self) -> Result<(Parts, Vec<ImportNote>), TooMany> {
        let for_any = self.parts.ports.iter().filter(|statement| statement.roles == [ANY_ROLE]).count()
            + self.parts.dynamic_ranges.iter().filter(|range| range.role == ANY_ROLE).count();
        let mut ids = self.roles.ids();
        if ids.is_empty() && for_any > 0 {
            ids.extend(self.roles.declare("Server"));
        }
        if for_any.saturating_mul(ids.len()).saturating_mul(STATEMENT_BYTES) > MAX_STATEMENT_BYTES {
            return Err(TooMany);
        }
        for statement in self.parts.ports.iter_mut().filter(|statement| statement.roles == [ANY_ROLE]) {
            statement.roles.clone_from(&ids);
        }
        let ranges = std::mem::take(&mut self.parts.dynamic_ranges);
        for range in ranges {
            let roles = if range.role == ANY_ROLE { ids.as_slice() } else { std::slice::from_ref(&range.role) };
            let of_role = |role: &String| DynamicRange { role: role.clone(), ..range.clone() };
            self.parts.dynamic_ranges.extend(roles.iter().map(of_role));
        }
        self.parts.roles = self.roles.into_roles();
        self.notes.sort_by_key(|note| note.line);
        Ok((self.parts, self.notes))
    }
}
