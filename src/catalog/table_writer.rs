//! From port statements to the tables of the TOML form.
//!
//! One row holds the statements that differ in ports and transports only, as far as the reader gives them back in the
//! same order. One table holds the rows that follow each other under one role and citation; a row alone with its citation
//! joins the table before it.

use super::document::{Direction, PortStatement, Standing};
use super::document_writer::{Keys, port, put_rows, text_value};
use super::port_range::PortRange;
use crate::model::Transport;
use toml_edit::{InlineTable, Table, Value};

/// Statements that are written as one row.
struct Row<'a> {
    /// The first of them: all others differ in ports and transports only.
    statement: &'a PortStatement,
    tcp: Vec<PortRange>,
    udp: Vec<PortRange>,
}

impl<'a> Row<'a> {
    fn new(statement: &'a PortStatement) -> Self {
        let mut row = Self { statement, tcp: Vec::new(), udp: Vec::new() };
        row.put(statement);
        row
    }

    fn put(&mut self, statement: &PortStatement) {
        for transport in &statement.transports {
            match transport {
                Transport::Tcp => self.tcp.push(statement.ports),
                Transport::Udp => self.udp.push(statement.ports),
            }
        }
    }

    /// Whether the statement can join the row. The reader gives the ranges of TCP first, each with UDP where that lists it
    /// too, then those of UDP alone.
    fn takes(&self, next: &PortStatement) -> bool {
        let own = self.statement;
        let same = || PortStatement { ports: own.ports, transports: own.transports.clone(), ..next.clone() } == *own;
        let listed = |range| self.tcp.contains(range) || self.udp.contains(range);
        let order_stays = match next.transports.as_slice() {
            [Transport::Tcp] | [Transport::Tcp, Transport::Udp] => {
                self.udp.iter().all(|range| self.tcp.contains(range))
            }
            other => other == [Transport::Udp],
        };
        order_stays && own.fallback_ports.is_empty() && !listed(&next.ports) && same()
    }

    /// Whether the role listens: its row then says nothing about where it connects to.
    fn listens(&self) -> bool {
        self.statement.direction != Direction::ConnectsOut
    }

    /// The callers that the reader takes where none are named.
    fn implied_callers(&self) -> &'a [String] {
        if self.listens() { &[] } else { std::slice::from_ref(&self.statement.stated_for) }
    }
}

/// The tables, in the order of the statements.
pub(super) fn tables(statements: &[PortStatement]) -> Vec<Table> {
    let mut rows: Vec<Row<'_>> = Vec::with_capacity(statements.len());
    for statement in statements {
        match rows.last_mut() {
            Some(row) if row.takes(statement) => row.put(statement),
            _ => rows.push(Row::new(statement)),
        }
    }
    let mut tables = Vec::new();
    let mut rest = rows.as_slice();
    while let Some(first) = rest.first() {
        let (own, others) = rest.split_at(rows_of_table(first.statement, rest));
        tables.push(table(own));
        rest = others;
    }
    tables
}

/// How many of the rows go under the role and citation of the first; at least that one.
fn rows_of_table(first: &PortStatement, rows: &[Row<'_>]) -> usize {
    let head = |row: &Row<'_>| (row.statement.stated_for.clone(), row.statement.citation.clone());
    let belongs = |at: usize| {
        let (role, citation) = head(&rows[at]);
        let alone = || rows.get(at + 1).is_none_or(|next| head(next) != (role.clone(), citation.clone()));
        role == first.stated_for && (citation == first.citation || alone())
    };
    1 + (1..rows.len()).take_while(|at| belongs(*at)).count()
}

/// What rows say alike, so that their table says it for them.
#[derive(Default)]
struct Shared<'a> {
    citation: &'a str,
    listens_at: &'a [String],
    callers: &'a [String],
    standing: Standing,
    direction: Direction,
    note: Option<&'a str>,
}

impl<'a> Shared<'a> {
    fn of(rows: &[Row<'a>]) -> Self {
        let mut shared = Self { citation: rows.first().map_or("", |row| &row.statement.citation), ..Self::default() };
        // A table of one row leaves everything to the row.
        let [first, _, ..] = rows else { return shared };
        let statement = first.statement;
        if rows.iter().all(|row| row.statement.standing == statement.standing) {
            shared.standing = statement.standing;
        }
        if rows.iter().all(|row| row.statement.note == statement.note) {
            shared.note = statement.note.as_deref();
        }
        let callers = statement.callers.as_slice();
        let implied = rows.iter().all(|row| row.implied_callers() == callers);
        if !implied && rows.iter().all(|row| row.statement.callers == callers) {
            shared.callers = callers;
        }
        let mut listening = rows.iter().filter(|row| row.listens()).map(|row| row.statement);
        if let Some(one) = listening.next() {
            let others: Vec<&PortStatement> = listening.collect();
            if others.iter().all(|other| other.direction == one.direction) {
                shared.direction = one.direction;
            }
            if one.roles != [one.stated_for.as_str()] && others.iter().all(|other| other.roles == one.roles) {
                shared.listens_at = &one.roles;
            }
        }
        shared
    }
}

fn table(rows: &[Row<'_>]) -> Table {
    let shared = Shared::of(rows);
    let mut table = Table::new();
    table.text("role", rows.first().map_or("", |row| &row.statement.stated_for));
    table.texts("listens_at", shared.listens_at);
    table.text("citation", shared.citation);
    table.differs("standing", shared.standing, Standing::Rule, Standing::name);
    table.differs("direction", shared.direction, Direction::Listens, Direction::name);
    table.texts("callers", shared.callers);
    table.optional("note", shared.note);
    put_rows(&mut table, rows.iter().map(|row| inline_row(row, &shared)));
    table
}

fn inline_row(row: &Row<'_>, shared: &Shared<'_>) -> InlineTable {
    let statement = row.statement;
    let mut keys = InlineTable::new();
    if statement.executable.as_ref() != Some(&statement.service) {
        keys.text("service", &statement.service);
    }
    keys.optional("executable", statement.executable.as_deref());
    put_ports(&mut keys, "tcp", &row.tcp);
    put_ports(&mut keys, "udp", &row.udp);
    put_ends(&mut keys, row, shared);
    if statement.user_modifiable {
        keys.put("user_modifiable", Value::from(true));
    }
    if !statement.protocol_stated {
        keys.put("protocol_stated", Value::from(false));
    }
    if !statement.fallback_ports.is_empty() {
        keys.list("fallback_ports", statement.fallback_ports.iter().map(|port| Value::from(i64::from(*port))));
    }
    keys.differs("standing", statement.standing, shared.standing, Standing::name);
    keys.optional("required_for", statement.required_for.as_deref());
    keys.optional("condition", statement.condition.as_deref());
    keys.optional("printed", statement.printed.as_deref());
    if statement.note.as_deref() != shared.note {
        keys.optional("note", statement.note.as_deref());
    }
    keys.texts("conflicts", &statement.conflicts);
    if statement.citation != shared.citation {
        keys.text("citation", &statement.citation);
    }
    keys
}

fn put_ports(keys: &mut InlineTable, key: &str, ranges: &[PortRange]) {
    match ranges {
        [] => {}
        [range] => keys.put(key, port(*range)),
        ranges => keys.list(key, ranges.iter().copied().map(port)),
    }
}

/// Who listens, which way, and who calls.
fn put_ends(keys: &mut InlineTable, row: &Row<'_>, shared: &Shared<'_>) {
    let statement = row.statement;
    if row.listens() {
        let own = std::slice::from_ref(&statement.stated_for);
        let implied = if shared.listens_at.is_empty() { own } else { shared.listens_at };
        if statement.roles != implied {
            keys.texts("listens_at", &statement.roles);
        }
        keys.differs("direction", statement.direction, shared.direction, Direction::name);
    } else {
        keys.optional("connects_to", statement.roles.first().map(String::as_str));
    }
    let implied = if shared.callers.is_empty() { row.implied_callers() } else { shared.callers };
    if statement.callers != implied {
        keys.list("callers", statement.callers.iter().map(|caller| text_value(caller)));
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Document;

    const HEAD: &str = "[document]\nid = \"x\"\ntitle = \"X\"\npublisher = \"P\"\npublication = \"1\"\nkind = \"vendor\"\n\n\
                        [[role]]\nid = \"a\"\ntitle = \"A\"\n\n[[role]]\nid = \"b\"\ntitle = \"B\"\n\n";

    fn printed(tables: &str) -> String {
        let text = Document::from_toml("x.toml", &format!("{HEAD}{tables}")).unwrap().to_toml();
        text.strip_prefix(HEAD).unwrap().to_owned()
    }

    #[test]
    fn a_table_says_what_its_rows_say_alike() {
        let apart = "\
[[table]]
role = \"a\"
citation = \"T\"
rows = [
  { service = \"one\", tcp = 1, udp = 1, callers = [\"b\"], standing = \"overview\", note = \"n\" },
  { service = \"two\", tcp = 2, listens_at = [\"a\"], callers = [\"b\"], standing = \"overview\", note = \"n\" },
  { service = \"two\", udp = 3, direction = \"listens\", callers = [\"b\"], standing = \"overview\", note = \"n\" },
  { service = \"out\", tcp = 4, connects_to = \"b\", callers = [\"b\"], standing = \"overview\", note = \"n\", protocol_stated = true },
]
";
        let together = "\
[[table]]
role = \"a\"
citation = \"T\"
standing = \"overview\"
callers = [\"b\"]
note = \"n\"
rows = [
  { service = \"one\", tcp = 1, udp = 1 },
  { service = \"two\", tcp = 2, udp = 3 },
  { service = \"out\", tcp = 4, connects_to = \"b\" },
]
";
        assert_eq!(printed(apart), together);
        assert_eq!(printed(together), together);
    }

    #[test]
    fn a_row_alone_with_its_citation_joins_the_table_before_it() {
        let table = |role: &str, citation: &str, rows: &str| {
            format!("[[table]]\nrole = \"{role}\"\ncitation = \"{citation}\"\nrows = [\n{rows}]\n")
        };
        let one = |port: u16| format!("  {{ service = \"s{port}\", tcp = {port} }},\n");
        let own = |port: u16, citation: &str| {
            format!("  {{ service = \"s{port}\", tcp = {port}, citation = \"{citation}\" }},\n")
        };
        let apart = [
            table("a", "T", &one(1)),
            table("a", "U", &one(2)),
            table("a", "V", &(one(3) + &one(4))),
            table("b", "V", &one(5)),
        ];
        let together =
            [table("a", "T", &(one(1) + &own(2, "U"))), table("a", "V", &(one(3) + &one(4))), table("b", "V", &one(5))];
        assert_eq!(printed(&apart.concat()), together.join("\n"));
    }
}
