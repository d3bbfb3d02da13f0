//! Two services that claim one port of one role. What documents do all the time is no such claim: the same service in a
//! table and in a list, an overview beside the rules, a contradiction that is described.

use super::problem::{Findings, quoted};
use super::statements::overlap;
use crate::catalog::document::{ANY_ROLE, Document, PortStatement, Standing};
use crate::catalog::document_reader::Reading;
use crate::catalog::port_range::PortRange;
use crate::catalog::rule::Rule;
use crate::catalog::service::folded;
use crate::model::Transport;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A statement that says what has to be open.
struct Claim<'a> {
    statement: &'a PortStatement,
    span: &'a Range<usize>,
    /// Under which names its service is known.
    names: BTreeSet<String>,
}

/// Rows that claim the same ports, the earlier one of the file first.
struct Contradiction<'a> {
    first: (&'a PortStatement, &'a Range<usize>),
    second: (&'a PortStatement, &'a Range<usize>),
    shared: PortRange,
    transports: Vec<Transport>,
}

/// Contradictions by where their rows begin and by ports: what holds for both transports is told once.
type Found<'a> = BTreeMap<(usize, usize, PortRange), Contradiction<'a>>;

pub(super) fn check(reading: &Reading, findings: &mut Findings<'_>) {
    let names = Names::of(&reading.document);
    let mut found = Found::new();
    for transport in [Transport::Tcp, Transport::Udp] {
        let mut claims: Vec<Claim<'_>> = reading
            .document
            .ports
            .iter()
            .zip(&reading.port_spans)
            .filter(|(statement, _)| says_what_to_open(statement.standing) && statement.transports.contains(&transport))
            .map(|(statement, span)| Claim { statement, span, names: names.of_statement(statement) })
            .collect();
        claims.sort_by_key(|claim| (claim.statement.ports.first(), claim.span.start));
        sweep(&claims, transport, &mut found, findings);
    }
    for contradiction in found.values() {
        report(contradiction, findings);
    }
}

/// Overviews introduce, readings and data flows repeat, alternatives say themselves that they contradict, mentions open
/// nothing.
fn says_what_to_open(standing: Standing) -> bool {
    matches!(standing, Standing::Rule | Standing::Recommended | Standing::Conditional)
}

/// Each claim with the first one of a lower port that contradicts it.
fn sweep<'a>(claims: &[Claim<'a>], transport: Transport, found: &mut Found<'a>, findings: &mut Findings<'_>) {
    let mut open: Vec<&Claim<'a>> = Vec::new();
    for claim in claims {
        if !findings.may_compare(open.len()) {
            return;
        }
        open.retain(|other| other.statement.ports.last() >= claim.statement.ports.first());
        for other in &open {
            if contradict(claim, other) {
                let (first, second) =
                    if claim.span.start < other.span.start { (claim, *other) } else { (*other, claim) };
                let shared = shared(claim.statement.ports, other.statement.ports);
                let key = (first.span.start, second.span.start, shared);
                let contradiction = found.entry(key).or_insert_with(|| Contradiction {
                    first: (first.statement, first.span),
                    second: (second.statement, second.span),
                    shared,
                    transports: Vec::new(),
                });
                contradiction.transports.push(transport);
                break;
            }
        }
        open.push(claim);
    }
}

/// The ports that two overlapping ranges have in common.
fn shared(a: PortRange, b: PortRange) -> PortRange {
    PortRange::new(a.first().max(b.first()), a.last().min(b.last())).unwrap_or(a)
}

fn contradict(a: &Claim<'_>, b: &Claim<'_>) -> bool {
    let (one, two) = (a.statement, b.statement);
    let is_any = |s: &PortStatement| s.roles.iter().any(|role| role == ANY_ROLE);
    let one_role = is_any(one) || is_any(two) || one.roles.iter().any(|role| two.roles.contains(role));
    one_role
        && overlap(one.ports, two.ports)
        && a.span != b.span
        && a.names.is_disjoint(&b.names)
        && !one.conflicts.iter().any(|id| two.conflicts.contains(id))
}

fn report(found: &Contradiction<'_>, findings: &mut Findings<'_>) {
    let ((first, first_span), (second, second_span)) = (found.first, found.second);
    let role = second.roles.iter().find(|role| first.roles.contains(role)).or(second.roles.first());
    let transports: Vec<String> = found.transports.iter().map(ToString::to_string).collect();
    let what = format!(
        "{} {} of {} is claimed by {} (line {}) and by {}",
        transports.join(" and "),
        found.shared,
        role.map(|role| quoted(role)).unwrap_or_default(),
        quoted(&first.service),
        findings.line(first_span),
        quoted(&second.service)
    );
    let advice = "if the document says so, describe it with [[conflict]] and name that in `conflicts` of both; if these \
                  are one service, say so with [[name]]";
    findings.add(Rule::Overlap, second_span, what, advice);
}

/// Which names belong to one service.
struct Names {
    /// Folded spelling to folded canonical spelling.
    canonical: BTreeMap<String, String>,
    /// Executable to the services that the document lists for it, and the other way round.
    linked: BTreeMap<String, BTreeSet<String>>,
}

impl Names {
    fn of(document: &Document) -> Self {
        let mut names = Self { canonical: BTreeMap::new(), linked: BTreeMap::new() };
        for name in &document.names {
            for spelling in name.spellings.iter().chain([&name.canonical]) {
                names.canonical.entry(stem(spelling)).or_insert_with(|| stem(&name.canonical));
            }
        }
        let rows = document.services.iter().map(|row| (&row.service, &row.executable));
        let ports = document.ports.iter().map(|statement| (&statement.service, &statement.executable));
        for (service, executable) in rows.chain(ports) {
            let Some(executable) = executable else { continue };
            let (service, executable) = (names.name(service), names.name(executable));
            names.linked.entry(executable.clone()).or_default().insert(service.clone());
            names.linked.entry(service).or_default().insert(executable);
        }
        names
    }

    fn name(&self, spelling: &str) -> String {
        let stem = stem(spelling);
        self.canonical.get(&stem).cloned().unwrap_or(stem)
    }

    /// The names of a statement, and those that stand in one row with them.
    fn of_statement(&self, statement: &PortStatement) -> BTreeSet<String> {
        let own: BTreeSet<String> =
            statement.executable.iter().chain([&statement.service]).map(|name| self.name(name)).collect();
        let linked = own.iter().filter_map(|name| self.linked.get(name)).flatten().cloned();
        linked.chain(own.iter().cloned()).collect()
    }
}

/// `RSLINX.EXE` and `RSLinx` are one name here.
fn stem(name: &str) -> String {
    let folded = folded(name);
    folded.strip_suffix(".exe").map(str::to_owned).unwrap_or(folded)
}
