//! From the TOML form to a [`Document`]. What does not hold together is refused, with its place and what to do.

use super::document::{
    ANY_ROLE, Direction, Document, DocumentKind, DynamicRange, PortRef, PortStatement, Role, Scenario, Step, StepPort,
};
use super::document_form::{
    DocumentForm, DynamicRangeForm, RoleForm, RowForm, ScenarioForm, StepForm, StepPortForm, TableForm,
};
use super::error::{CatalogError, Source, listed, read_text, suggestion};
use super::port_range::{PortList, PortRange};
use crate::model::Transport;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;

impl Document {
    /// Reads a document from its TOML form. `name` is for errors: they carry it with line and column.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, CatalogError> {
        let source = Source::new(name, text)?;
        let form: DocumentForm = source.parse()?;
        let id = checked_id(source, &form.document.id)?;
        let roles = roles(source, &form.role)?;
        let reader = Reader { source, kind: form.document.kind, roles: &roles };
        let ports = form.table.iter().map(|table| reader.table(table)).collect::<Result<Vec<_>, _>>()?.concat();
        let dynamic_ranges = reader.dynamic_ranges(&form.dynamic_range)?;
        let scenarios = reader.scenarios(form.scenario)?;
        let head = form.document;
        Ok(Self {
            id,
            title: head.title,
            publisher: head.publisher,
            publication: head.publication,
            edition: head.edition,
            url: head.url,
            products: head.products,
            kind: head.kind,
            roles,
            ports,
            dynamic_ranges,
            scenarios,
        })
    }

    /// Reads a document file.
    pub fn read(path: &Path) -> Result<Self, CatalogError> {
        let (name, text) = read_text(path)?;
        Self::from_toml(&name, &text)
    }
}

/// Refuses identifiers that could not be typed in a site file or a rule.
pub(super) fn checked_id(source: Source<'_>, id: &Spanned<String>) -> Result<String, CatalogError> {
    let text = id.get_ref();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || text.len() > 64 || !text.chars().all(plain) {
        let advice = "use 1 to 64 lower-case letters, digits and hyphens";
        return Err(source.error(&id.span(), format!("{text:?} is not an identifier"), advice));
    }
    if text == ANY_ROLE {
        return Err(source.error(&id.span(), "\"any\" is the role that every host has", "choose another identifier"));
    }
    Ok(text.clone())
}

fn roles(source: Source<'_>, forms: &[RoleForm]) -> Result<Vec<Role>, CatalogError> {
    let mut roles: Vec<Role> = Vec::with_capacity(forms.len());
    for form in forms {
        let names = std::iter::once(&form.id).chain(&form.aliases);
        for name in names {
            checked_id(source, name)?;
            if roles.iter().any(|role| role.is_called(name.get_ref())) {
                let problem = format!("the role {:?} is declared twice", name.get_ref());
                return Err(source.error(&name.span(), problem, "remove one, or give it another id"));
            }
        }
        let signature = form.signature.iter().map(|text| port_ref(source, text)).collect::<Result<_, _>>()?;
        roles.push(Role {
            id: form.id.get_ref().clone(),
            title: form.title.clone(),
            aliases: form.aliases.iter().map(|alias| alias.get_ref().clone()).collect(),
            signature,
            signature_rank: form.signature_rank,
        });
    }
    Ok(roles)
}

/// Reads `7002/tcp`.
fn port_ref(source: Source<'_>, text: &Spanned<String>) -> Result<PortRef, CatalogError> {
    let parsed = text.get_ref().split_once('/').and_then(|(port, transport)| {
        let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
        Some(PortRef { transport: transport.parse().ok()?, port })
    });
    parsed.ok_or_else(|| {
        let problem = format!("{:?} is not a port with its transport", text.get_ref());
        source.error(&text.span(), problem, "write it as \"7002/tcp\"")
    })
}

/// What the rows of a document are read against.
struct Reader<'a> {
    source: Source<'a>,
    kind: DocumentKind,
    roles: &'a [Role],
}

impl Reader<'_> {
    /// The identifier of a role that this document declares, or `any`.
    fn role(&self, name: &Spanned<String>) -> Result<String, CatalogError> {
        let text = name.get_ref();
        if text == ANY_ROLE {
            return Ok(text.clone());
        }
        if let Some(role) = self.roles.iter().find(|role| role.is_called(text)) {
            return Ok(role.id.clone());
        }
        let known = || self.roles.iter().map(|role| role.id.as_str());
        let advice = suggestion(text, known()).unwrap_or_else(|| {
            format!("declare it with [[role]] in this document, or use one of: {}", listed(known()))
        });
        Err(self.source.error(&name.span(), format!("unknown role {text:?}"), advice))
    }

    fn role_list(&self, names: &[Spanned<String>]) -> Result<Vec<String>, CatalogError> {
        names.iter().map(|name| self.role(name)).collect()
    }

    fn citation(&self, citation: &Spanned<String>) -> Result<String, CatalogError> {
        let text = citation.get_ref().trim();
        if text.is_empty() {
            let advice = "name the table, chapter or section that says it";
            return Err(self.source.error(&citation.span(), "the citation is empty", advice));
        }
        Ok(text.to_owned())
    }

    /// All statements of a table.
    fn table(&self, table: &TableForm) -> Result<Vec<PortStatement>, CatalogError> {
        let mut statements = Vec::new();
        for row in &table.rows {
            let span = row.span();
            let row = row.get_ref();
            let template = self.row(table, row, &span)?;
            for (ports, transports) in printed_order(row) {
                statements.push(PortStatement { ports, transports, ..template.clone() });
            }
        }
        Ok(statements)
    }

    /// A statement with all but its ports and transports.
    fn row(&self, table: &TableForm, row: &RowForm, span: &Range<usize>) -> Result<PortStatement, CatalogError> {
        let source = self.source;
        let Some(service) = row.service.as_ref().or(row.executable.as_ref()) else {
            return Err(source.error(span, "the row names no service", "give it `service` or `executable`"));
        };
        if row.tcp.is_none() && row.udp.is_none() {
            return Err(source.error(span, "the row has no port", "give it `tcp = …` or `udp = …`"));
        }
        let fallback_ports = self.fallbacks(row, span)?;
        let stated_for = self.role(&table.role)?;
        let (direction, roles, default_callers) = self.ends(table, row, span, &stated_for)?;
        if self.kind == DocumentKind::Vendor && roles.iter().any(|role| role == ANY_ROLE) {
            let advice = "name the roles in `listens_at`; only documents of kind \"general\" may say \"any\"";
            return Err(source.error(span, "a vendor's statement would hold at every host", advice));
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
            standing: row.standing.unwrap_or(table.standing),
            required_for: row.required_for.clone(),
            printed: row.printed.clone(),
            note: row.note.clone().or_else(|| table.note.clone()),
            citation: self.citation(row.citation.as_ref().unwrap_or(&table.citation))?,
        })
    }

    fn fallbacks(&self, row: &RowForm, span: &Range<usize>) -> Result<Vec<u16>, CatalogError> {
        if row.fallback_ports.iter().any(|range| range.count() > 1) {
            let advice = "list each port by itself, in the order in which they are tried";
            return Err(self.source.error(span, "a fallback is a range", advice));
        }
        let only_one = |list: &Option<PortList>| list.as_ref().is_none_or(|l| l.0.len() == 1 && l.0[0].count() == 1);
        if !(row.fallback_ports.is_empty() || only_one(&row.tcp) && only_one(&row.udp)) {
            let advice = "give the port that has fallbacks a row of its own";
            return Err(self.source.error(span, "fallbacks of more than one port", advice));
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
    ) -> Result<(Direction, Vec<String>, Vec<String>), CatalogError> {
        if let Some(to) = &row.connects_to {
            if row.listens_at.is_some() || row.direction.is_some() {
                let problem = "`connects_to` stands beside `listens_at` or `direction`";
                let advice = "keep `connects_to` where the role connects out, the others where it listens";
                return Err(self.source.error(span, problem, advice));
            }
            return Ok((Direction::ConnectsOut, vec![self.role(to)?], vec![stated_for.to_owned()]));
        }
        let direction = row.direction.unwrap_or(table.direction);
        if direction == Direction::ConnectsOut {
            let advice = "write `connects_to = \"…\"` instead: it names the role that listens";
            return Err(self.source.error(span, "the row connects out, and does not say where to", advice));
        }
        let named = row.listens_at.as_deref().unwrap_or(&table.listens_at);
        let roles = if named.is_empty() { vec![stated_for.to_owned()] } else { self.role_list(named)? };
        Ok((direction, roles, Vec::new()))
    }

    fn dynamic_ranges(&self, forms: &[DynamicRangeForm]) -> Result<Vec<DynamicRange>, CatalogError> {
        let mut ranges = Vec::new();
        for form in forms {
            let role = self.role(&form.role)?;
            let citation = self.citation(&form.citation)?;
            if form.tcp.is_none() && form.udp.is_none() {
                let advice = "give it `tcp = \"49152-65535\"` or `udp = …`";
                return Err(self.source.error(&form.role.span(), "the dynamic range has no ports", advice));
            }
            for (transport, ports) in [(Transport::Tcp, form.tcp), (Transport::Udp, form.udp)] {
                let Some(ports) = ports else { continue };
                ranges.push(DynamicRange {
                    role: role.clone(),
                    transport,
                    ports,
                    observed_ports: form.observed_ports,
                    executables: form.executables.clone(),
                    note: form.note.clone(),
                    citation: citation.clone(),
                });
            }
        }
        Ok(ranges)
    }

    fn scenarios(&self, forms: Vec<ScenarioForm>) -> Result<Vec<Scenario>, CatalogError> {
        let mut scenarios: Vec<Scenario> = Vec::new();
        for form in forms {
            let id = checked_id(self.source, &form.id)?;
            if scenarios.iter().any(|other| other.id == id) {
                let problem = format!("the scenario {id:?} is described twice");
                return Err(self.source.error(&form.id.span(), problem, "give one of them another id"));
            }
            let citation = self.citation(&form.citation)?;
            let mut steps: Vec<Step> = Vec::with_capacity(form.step.len());
            for step in form.step {
                if steps.last().is_some_and(|before| before.number >= *step.number.get_ref()) {
                    let problem = format!("step {} is out of order", step.number.get_ref());
                    let advice = "number the steps upwards, each number once";
                    return Err(self.source.error(&step.number.span(), problem, advice));
                }
                steps.push(self.step(step)?);
            }
            scenarios.push(Scenario { id, title: form.title, citation, steps });
        }
        Ok(scenarios)
    }

    fn step(&self, form: StepForm) -> Result<Step, CatalogError> {
        let number = *form.number.get_ref();
        let at = form.number.span();
        let ports = form.ports.iter().map(|port| self.step_port(port)).collect::<Result<Vec<_>, _>>()?;
        if form.local && !ports.is_empty() {
            let problem = format!("step {number} is local and has ports");
            return Err(self.source.error(&at, problem, "remove `local = true`, or the ports"));
        }
        if !form.local && (ports.is_empty() || form.from.is_empty() || form.to.is_empty()) {
            let problem = format!("step {number} lacks an end or a port");
            let advice = "give it `from`, `to` and `ports`, or `local = true`";
            return Err(self.source.error(&at, problem, advice));
        }
        Ok(Step {
            number,
            description: form.description,
            from: self.role_list(&form.from)?,
            to: self.role_list(&form.to)?,
            local: form.local,
            services: form.services,
            ports,
            leg: form.leg,
            printed: form.printed,
            note: form.note,
        })
    }

    fn step_port(&self, form: &Spanned<StepPortForm>) -> Result<StepPort, CatalogError> {
        let StepPortForm { tcp, udp, purpose, service, party, standing } = form.get_ref();
        let (transport, spec) = match (tcp, udp) {
            (Some(spec), None) => (Transport::Tcp, spec.0),
            (None, Some(spec)) => (Transport::Udp, spec.0),
            _ => {
                let advice = "write each as { tcp = 7002 } or { udp = 1434 }";
                return Err(self.source.error(&form.span(), "a port of a step has not exactly one transport", advice));
            }
        };
        let (purpose, service) = (purpose.clone(), service.clone());
        Ok(StepPort { transport, spec, purpose, service, party: *party, standing: *standing })
    }
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
    use super::*;

    const HEAD: &str = "[document]\nid = \"x\"\ntitle = \"X\"\npublisher = \"P\"\npublication = \"1\"\nkind = \"vendor\"\n\
                        [[role]]\nid = \"server\"\ntitle = \"S\"\n";

    fn error(rest: &str) -> String {
        Document::from_toml("x.toml", &format!("{HEAD}{rest}")).unwrap_err().to_string()
    }

    fn row(row: &str) -> String {
        format!("[[table]]\nrole = \"server\"\ncitation = \"T\"\nrows = [\n  {row}\n]\n")
    }

    #[test]
    fn mistakes_are_answered_with_place_and_advice() {
        let step = "[[scenario]]\nid = \"s\"\ntitle = \"S\"\ncitation = \"T\"\n\
                    [[scenario.step]]\nnumber = 2\ndescription = \"d\"\n";
        for (text, part) in [
            (row("{ service = \"a\", tcp = 0 }"), "x.toml:14:26: 0 is not a port"),
            (row("{ service = \"a\", tcp = \"9-3\" }"), "14:26: the range 9-3 ends before it begins: write 3-9"),
            (row("{ service = \"a\", tcp = [5, 5] }"), "14:26: 5 is listed twice"),
            (row("{ service = \"a\", tpc = 1 }"), "14:20: unknown field `tpc`"),
            (row("{ service = \"a\", tpc = 1 }"), "did you mean \"tcp\"?"),
            (row("{ service = \"a\" }"), "14:3: the row has no port; give it `tcp = …` or `udp = …`"),
            (row("{ tcp = 1 }"), "14:3: the row names no service"),
            (
                row("{ service = \"a\", tcp = 1, callers = [\"sever\"] }"),
                "14:40: unknown role \"sever\"; did you mean \"server\"?",
            ),
            (
                row("{ service = \"a\", tcp = 1, listens_at = [\"any\"] }"),
                "a vendor's statement would hold at every host",
            ),
            (row("{ service = \"a\", tcp = 1, direction = \"connects-out\" }"), "does not say where to"),
            (row("{ service = \"a\", tcp = 1, connects_to = \"server\", direction = \"listens\" }"), "stands beside"),
            (row("{ service = \"a\", tcp = [1, 2], fallback_ports = [3] }"), "fallbacks of more than one port"),
            (row("{ service = \"a\", tcp = 1, fallback_ports = [\"3-4\"] }"), "a fallback is a range"),
            (row("{ service = \"a\", tcp = 1, citation = \" \" }"), "the citation is empty"),
            (row("{ service = \"a\", tcp = 1 ").replace(']', ""), "x.toml:1"),
            ("[[role]]\nid = \"server\"\ntitle = \"S\"\n".into(), "11:6: the role \"server\" is declared twice"),
            ("[[role]]\nid = \"any\"\ntitle = \"S\"\n".into(), "11:6: \"any\" is the role that every host has"),
            (
                "[[role]]\nid = \"y\"\ntitle = \"S\"\nsignature = [\"88\"]\n".into(),
                "13:14: \"88\" is not a port with its",
            ),
            ("[[dynamic_range]]\nrole = \"server\"\ncitation = \"T\"\n".into(), "11:8: the dynamic range has no ports"),
            (step.into(), "15:10: step 2 lacks an end or a port"),
            (format!("{step}local = true\nports = [{{ tcp = 1 }}]\n"), "15:10: step 2 is local and has ports"),
            (format!("{step}ports = [{{ tcp = \"dyn\" }}]\n"), "\"dyn\" is neither a port"),
            (
                format!("{step}ports = [{{ tcp = 1, udp = 1 }}]\n"),
                "17:10: a port of a step has not exactly one transport",
            ),
            (
                format!("{step}local = true\n[[scenario.step]]\nnumber = 2\ndescription = \"d\"\nlocal = true\n"),
                "19:10: step 2 is out of order",
            ),
        ] {
            let found = error(&text);
            assert!(found.contains(part), "{text}\n{found}\nshould hold {part}");
        }
    }

    #[test]
    fn a_cut_document_is_an_error_or_a_document_and_never_a_panic() {
        let text = include_str!("documents/license-key-server.toml");
        let mut refused = 0;
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            refused += usize::from(Document::from_toml("x.toml", &text[..end]).is_err());
        }
        assert!(refused > text.len() / 2);
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
