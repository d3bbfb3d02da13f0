//! From the TOML form to port statements and dynamic ranges.

use super::document::{ANY_ROLE, Direction, DocumentKind, DynamicRange, PortStatement, Standing};
use super::document_form::{DynamicRangeForm, RowForm, TableForm};
use super::document_reader::Reader;
use super::error::Fault;
use super::port_range::{PortList, PortRange};
use super::rule::Rule;
use crate::model::Transport;
use std::ops::Range;

/// Texts of all statements together, in bytes. Every port of a row carries the texts of the row: a short file could ask
/// for any amount of memory.
const MOST_STATEMENT_BYTES: usize = 64 * 1024 * 1024;

impl Reader {
    /// All statements of all tables, and where their rows stand.
    pub(super) fn tables(&self, tables: &[TableForm]) -> (Vec<PortStatement>, Vec<Range<usize>>) {
        let (mut statements, mut spans) = (Vec::new(), Vec::new());
        let mut left = MOST_STATEMENT_BYTES;
        for table in tables {
            for row in &table.rows {
                let (span, row) = (row.span(), row.get_ref());
                let Some(template) = self.keep(self.row(table, row, &span)) else { continue };
                let ports = printed_order(row);
                let Some(rest) = left.checked_sub(ports.len().saturating_mul(text_bytes(&template))) else {
                    let problem = "the rows up to here hold too much text, once for each of their ports";
                    self.refuse(Fault::new(Rule::Row, &span, problem, "shorten the texts, or write ports as ranges"));
                    return (statements, spans);
                };
                left = rest;
                for (ports, transports) in ports {
                    statements.push(PortStatement { ports, transports, ..template.clone() });
                    spans.push(span.clone());
                }
            }
        }
        (statements, spans)
    }

    /// A statement with all but its ports and transports.
    fn row(&self, table: &TableForm, row: &RowForm, span: &Range<usize>) -> Result<PortStatement, Fault> {
        let Some(service) = row.service.as_ref().or(row.executable.as_ref()) else {
            return Err(Fault::new(Rule::Row, span, "the row names no service", "give it `service` or `executable`"));
        };
        if row.tcp.is_none() && row.udp.is_none() {
            return Err(Fault::new(Rule::Row, span, "the row has no port", "give it `tcp = …` or `udp = …`"));
        }
        let fallback_ports = self.fallbacks(row, span)?;
        let stated_for = self.role(&table.role)?;
        let (direction, roles, default_callers) = self.ends(table, row, span, &stated_for)?;
        let standing = row.standing.unwrap_or(table.standing);
        let covers = standing != Standing::Mention;
        if self.kind == DocumentKind::Vendor && covers && roles.iter().any(|role| role == ANY_ROLE) {
            let advice = "name the roles in `listens_at`; only documents of kind \"general\" may say \"any\"";
            return Err(Fault::new(Rule::Row, span, "a vendor's statement would hold at every host", advice));
        }
        let callers = match (&row.callers, table.callers.is_empty()) {
            (Some(callers), _) => self.role_list(callers)?,
            (None, false) => self.role_list(&table.callers)?,
            (None, true) => default_callers,
        };
        Ok(PortStatement {
            service: service.clone(),
            executable: row.executable.clone(),
            transports: Vec::new(),
            protocol_stated: row.protocol_stated,
            ports: PortRange::PENDING,
            stated_for,
            direction,
            roles,
            callers,
            user_modifiable: row.user_modifiable,
            fallback_ports,
            standing,
            required_for: row.required_for.clone(),
            condition: row.condition.clone(),
            conflicts: self.conflict_list(&row.conflicts)?,
            printed: row.printed.clone(),
            note: row.note.clone().or_else(|| table.note.clone()),
            citation: self.citation(row.citation.as_ref().unwrap_or(&table.citation))?,
        })
    }

    fn fallbacks(&self, row: &RowForm, span: &Range<usize>) -> Result<Vec<u16>, Fault> {
        if row.fallback_ports.iter().any(|range| range.count() > 1) {
            let advice = "list each port by itself, in the order in which they are tried";
            return Err(Fault::new(Rule::Row, span, "a fallback is a range", advice));
        }
        let only_one = |list: &Option<PortList>| list.as_ref().is_none_or(|l| l.0.len() == 1 && l.0[0].count() == 1);
        if !(row.fallback_ports.is_empty() || only_one(&row.tcp) && only_one(&row.udp)) {
            let advice = "give the port that has fallbacks a row of its own";
            return Err(Fault::new(Rule::Row, span, "fallbacks of more than one port", advice));
        }
        Ok(row.fallback_ports.iter().map(|range| range.first()).collect())
    }

    /// Direction, listening roles, and the callers that follow from the direction.
    fn ends(
        &self,
        table: &TableForm,
        row: &RowForm,
        span: &Range<usize>,
        stated_for: &str,
    ) -> Result<(Direction, Vec<String>, Vec<String>), Fault> {
        if let Some(to) = &row.connects_to {
            if row.listens_at.is_some() || row.direction.is_some() {
                let problem = "`connects_to` stands beside `listens_at` or `direction`";
                let advice = "keep `connects_to` where the role connects out, the others where it listens";
                return Err(Fault::new(Rule::Row, span, problem, advice));
            }
            return Ok((Direction::ConnectsOut, vec![self.role(to)?], vec![stated_for.to_owned()]));
        }
        let direction = row.direction.unwrap_or(table.direction);
        if direction == Direction::ConnectsOut {
            let advice = "write `connects_to = \"…\"` instead: it names the role that listens";
            return Err(Fault::new(Rule::Row, span, "the row connects out, and does not say where to", advice));
        }
        let named = row.listens_at.as_deref().unwrap_or(&table.listens_at);
        let roles = if named.is_empty() { vec![stated_for.to_owned()] } else { self.role_list(named)? };
        Ok((direction, roles, Vec::new()))
    }

    /// All dynamic ranges, and where their roles stand.
    pub(super) fn dynamic_ranges(&self, forms: &[DynamicRangeForm]) -> (Vec<DynamicRange>, Vec<Range<usize>>) {
        let read = |form: &DynamicRangeForm| {
            let span = form.role.span();
            self.keep(self.dynamic_range(form)).into_iter().flatten().map(move |range| (range, span.clone()))
        };
        forms.iter().flat_map(read).unzip()
    }

    /// One range for each transport of an entry.
    fn dynamic_range(&self, form: &DynamicRangeForm) -> Result<Vec<DynamicRange>, Fault> {
        let role = self.role(&form.role)?;
        let citation = self.citation(&form.citation)?;
        let conflicts = self.conflict_list(&form.conflicts)?;
        if form.tcp.is_none() && form.udp.is_none() {
            let advice = "give it `tcp = \"49152-65535\"` or `udp = …`";
            return Err(Fault::new(Rule::Row, &form.role.span(), "the dynamic range has no ports", advice));
        }
        let ranges = [(Transport::Tcp, form.tcp), (Transport::Udp, form.udp)];
        let range = |(transport, ports): (Transport, Option<PortRange>)| {
            Some(DynamicRange {
                role: role.clone(),
                transport,
                ports: ports?,
                observed_ports: form.observed_ports,
                executables: form.executables.clone(),
                standing: form.standing,
                printed: form.printed.clone(),
                conflicts: conflicts.clone(),
                note: form.note.clone(),
                citation: citation.clone(),
            })
        };
        Ok(ranges.into_iter().filter_map(range).collect())
    }
}

fn text_bytes(statement: &PortStatement) -> usize {
    let s = statement;
    let optional = [&s.executable, &s.required_for, &s.condition, &s.printed, &s.note];
    let lists = [&s.roles, &s.callers, &s.conflicts];
    let listed: usize = lists.iter().flat_map(|list| list.iter()).map(|name| name.len() + size_of::<String>()).sum();
    let texts: usize = optional.iter().filter_map(|text| text.as_ref()).map(String::len).sum();
    texts + listed + s.service.len() + s.citation.len() + size_of::<PortStatement>()
}

/// The ranges of a row with their transports: what both lists hold becomes one statement.
fn printed_order(row: &RowForm) -> Vec<(PortRange, Vec<Transport>)> {
    let list = |list: &Option<PortList>| list.as_ref().map(|l| l.0.clone()).unwrap_or_default();
    let (tcp, udp) = (list(&row.tcp), list(&row.udp));
    let mut out = Vec::with_capacity(tcp.len() + udp.len());
    for range in &tcp {
        let both = udp.contains(range);
        out.push((*range, if both { vec![Transport::Tcp, Transport::Udp] } else { vec![Transport::Tcp] }));
    }
    out.extend(udp.iter().filter(|range| !tcp.contains(range)).map(|range| (*range, vec![Transport::Udp])));
    out
}

#[cfg(test)]
mod tests {
    use crate::catalog::Document;

    const HEAD: &str = "[document]\nid = \"x\"\ntitle = \"X\"\npublisher = \"P\"\npublication = \"1\"\nkind = \"vendor\"\n\
                        [[role]]\nid = \"server\"\ntitle = \"S\"\n";

    #[test]
    fn a_short_file_cannot_ask_for_any_amount_of_memory() {
        let ports: Vec<String> = (1..=1000).map(|port| port.to_string()).collect();
        let rows = |note: usize| {
            let row = format!("{{ service = \"a\", tcp = [{}], note = \"{}\" }}", ports.join(","), "n".repeat(note));
            format!("{HEAD}[[table]]\nrole = \"server\"\ncitation = \"T\"\nrows = [{row}]\n")
        };
        assert_eq!(Document::from_toml("x.toml", &rows(1000)).unwrap().ports.len(), 1000);
        let error = Document::from_toml("x.toml", &rows(100_000)).unwrap_err().to_string();
        assert!(error.contains("hold too much text"), "{error}");
    }

    #[test]
    fn table_and_row_agree_on_callers_roles_and_notes() {
        let text = format!(
            "{HEAD}[[role]]\nid = \"db\"\ntitle = \"D\"\naliases = [\"sql\"]\n\
             [[table]]\nrole = \"server\"\ncitation = \"T\"\nnote = \"n\"\ncallers = [\"db\"]\nrows = [\n\
             {{ service = \"a\", tcp = [1, \"5-6\"], udp = [\"5-6\", 9] }},\n\
             {{ service = \"b\", tcp = 2, callers = [], citation = \"U\", note = \"m\" }},\n]\n\
             [[table]]\nrole = \"server\"\ncitation = \"V\"\nrows = [\n\
             {{ service = \"c\", tcp = 3, connects_to = \"sql\" }}]\n"
        );
        let document = Document::from_toml("x.toml", &text).unwrap();
        let seen: Vec<String> = document
            .ports
            .iter()
            .map(|p| {
                format!(
                    "{} {} {:?} {:?} {:?} {:?} {}",
                    p.service, p.ports, p.transports, p.roles, p.callers, p.note, p.citation
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                r#"a 1 [Tcp] ["server"] ["db"] Some("n") T"#,
                r#"a 5-6 [Tcp, Udp] ["server"] ["db"] Some("n") T"#,
                r#"a 9 [Udp] ["server"] ["db"] Some("n") T"#,
                r#"b 2 [Tcp] ["server"] [] Some("m") U"#,
                r#"c 3 [Tcp] ["db"] ["server"] None V"#,
            ]
        );
    }
}
