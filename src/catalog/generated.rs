//! Documents for property tests: valid ones with every field, and with texts that try to break out of theirs.

use super::*;
use crate::model::Transport::{self, Tcp, Udp};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::collections::BTreeSet;

/// Pieces that mean something to TOML, to a terminal, or to an editor.
pub(super) const HOSTILE: [&str; 28] = [
    "\"",
    "\"\"\"",
    "'",
    "'''",
    "\\",
    "\\u0041",
    "\\\n",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\0",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{9b}",
    "\u{85}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{2028}",
    "e\u{301}",
    "\u{10ffff}",
    "#",
    "[[table]]\n",
    "]",
    "}",
    " ",
    "= ,",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[ -~]{0,12}",
        2 => select(HOSTILE.as_slice()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// A citation is kept without the white space around it, and is never empty.
fn citation() -> impl Strategy<Value = String> {
    let few = select(["Table 1", "Table 2"].as_slice()).prop_map(str::to_owned);
    prop_oneof![3 => few, 1 => text().prop_map(|text| format!("c{text}").trim().to_owned())]
}

fn maybe_text() -> impl Strategy<Value = Option<String>> {
    option::weighted(0.3, text())
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![2 => Just(Vec::new()), 1 => vec(text(), 0..5)]
}

pub(super) fn port() -> impl Strategy<Value = u16> {
    prop_oneof![3 => 1..20_u16, 1 => 1..=u16::MAX]
}

pub(super) fn range() -> impl Strategy<Value = PortRange> {
    let ends = prop_oneof![
        4 => port().prop_map(|port| (port, port)),
        2 => (port(), 0..40_u16).prop_map(|(first, more)| (first, first.saturating_add(more))),
        1 => (port(), port()).prop_map(|(a, b)| (a.min(b), a.max(b))),
    ];
    ends.prop_map(|(first, last)| PortRange::new(first, last).unwrap())
}

fn standing() -> impl Strategy<Value = Standing> {
    use Standing::{Alternative, Conditional, Mention, Overview, Reading, Recommended, Rule, Scenario};
    const OTHERS: [Standing; 7] = [Recommended, Conditional, Overview, Alternative, Scenario, Reading, Mention];
    prop_oneof![2 => Just(Rule), 1 => select(OTHERS.as_slice())]
}

fn transports() -> impl Strategy<Value = Vec<Transport>> {
    prop_oneof![3 => Just(vec![Tcp]), 2 => Just(vec![Udp]), 1 => Just(vec![Tcp, Udp])]
}

/// Identifiers that a document declares.
#[derive(Debug, Clone)]
struct Declared {
    kind: DocumentKind,
    /// Never none.
    roles: Vec<String>,
    conflicts: Vec<String>,
}

impl Declared {
    fn role(&self) -> impl Strategy<Value = String> + use<> {
        select(self.roles.clone())
    }

    fn role_or_any(&self) -> impl Strategy<Value = String> + use<> {
        prop_oneof![3 => self.role(), 1 => Just(ANY_ROLE.to_owned())]
    }

    fn roles(&self, least: usize) -> impl Strategy<Value = Vec<String>> + use<> {
        vec(self.role_or_any(), least..3)
    }

    fn conflicts(&self) -> BoxedStrategy<Vec<String>> {
        if self.conflicts.is_empty() {
            return Just(Vec::new()).boxed();
        }
        prop_oneof![2 => Just(Vec::new()), 1 => vec(select(self.conflicts.clone()), 0..3)].boxed()
    }
}

fn ids(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<String>> {
    let id = prop_oneof![4 => "[a-e]{1,2}", 1 => "[a-z0-9-]{1,64}"].prop_filter("reserved", |id| id != ANY_ROLE);
    btree_set(id, count).prop_map(|ids| ids.into_iter().collect())
}

/// What of a statement may be repeated by the next one, so that rows and tables have something to join.
fn statement(declared: &Declared) -> impl Strategy<Value = PortStatement> + use<> {
    let general = declared.kind == DocumentKind::General;
    let only_role = declared.roles.first().cloned().unwrap_or_default();
    let names = (text(), maybe_text(), any::<bool>());
    let ports = (transports(), range(), prop_oneof![3 => Just(vec![]), 1 => vec(port(), 1..4)], any::<bool>());
    let ends = (
        declared.role_or_any(),
        prop_oneof![3 => Just(Direction::Listens), 1 => Just(Direction::ConnectsOut), 1 => Just(Direction::NotStated)],
        declared.roles(1),
        prop_oneof![2 => Just(None), 1 => declared.roles(0).prop_map(Some)],
        any::<bool>(),
    );
    let words = (standing(), maybe_text(), maybe_text(), maybe_text(), maybe_text(), declared.conflicts(), citation());
    (names, ports, ends, words, any::<bool>()).prop_map(move |(names, ports, ends, words, user_modifiable)| {
        let (service, executable, same_name) = names;
        let (transports, ports, fallback_ports, protocol_stated) = ports;
        let (stated_for, direction, mut roles, callers, own_role) = ends;
        let (standing, required_for, condition, printed, note, conflicts, citation) = words;
        if own_role && direction != Direction::ConnectsOut {
            roles = vec![stated_for.clone()];
        }
        roles.truncate(if direction == Direction::ConnectsOut { 1 } else { usize::MAX });
        if !general && standing != Standing::Mention && roles.iter().any(|role| role == ANY_ROLE) {
            roles = vec![only_role.clone()];
        }
        let implied = if direction == Direction::ConnectsOut { vec![stated_for.clone()] } else { vec![] };
        let ports =
            if fallback_ports.is_empty() { ports } else { PortRange::new(ports.first(), ports.first()).unwrap() };
        PortStatement {
            service: executable.clone().filter(|_| same_name).unwrap_or(service),
            executable,
            transports,
            protocol_stated,
            ports,
            stated_for,
            direction,
            roles,
            callers: callers.unwrap_or(implied),
            user_modifiable,
            fallback_ports,
            standing,
            required_for,
            condition,
            conflicts,
            printed,
            note,
            citation,
        }
    })
}

/// Statements of which some repeat the one before with other ports, or with its role and citation only.
fn statements(declared: &Declared) -> impl Strategy<Value = Vec<PortStatement>> + use<> {
    let next = (statement(declared), 0..6_u8);
    vec(next, 0..14).prop_map(|drawn| {
        let mut statements: Vec<PortStatement> = Vec::new();
        for (statement, how) in drawn {
            let joined = match statements.last() {
                Some(before) if how < 3 && (before.fallback_ports.is_empty() || statement.ports.count() == 1) => {
                    let PortStatement { transports, ports, .. } = statement;
                    PortStatement { transports, ports, ..before.clone() }
                }
                Some(before) if how < 5 => {
                    let (citation, note) = (before.citation.clone(), before.note.clone());
                    let moves =
                        statement.direction == Direction::Listens && statement.roles == [statement.stated_for.clone()];
                    let stated_for = if moves { before.stated_for.clone() } else { statement.stated_for.clone() };
                    let roles =
                        if moves && before.roles.len() == 1 { before.roles.clone() } else { statement.roles.clone() };
                    let mention_only = before.standing == Standing::Mention && statement.standing != Standing::Mention;
                    let standing = if mention_only { Standing::Mention } else { statement.standing };
                    PortStatement { citation, note, stated_for, roles, standing, ..statement }
                }
                _ => statement,
            };
            statements.push(joined);
        }
        statements
    })
}

fn dynamic_ranges(declared: &Declared) -> impl Strategy<Value = Vec<DynamicRange>> + use<> {
    let one = (
        (declared.role_or_any(), any::<bool>(), range(), option::of(any::<u32>()), texts()),
        (standing(), maybe_text(), declared.conflicts(), maybe_text(), citation()),
        any::<bool>(),
    );
    let both = |(ports, words, twice): (_, _, bool)| {
        let (role, udp, ports, observed_ports, executables): (String, bool, PortRange, _, Vec<String>) = ports;
        let (standing, printed, conflicts, note, citation) = words;
        let transport = if udp { Udp } else { Tcp };
        let range = DynamicRange {
            role,
            transport,
            ports,
            observed_ports,
            executables,
            standing,
            printed,
            conflicts,
            note,
            citation,
        };
        let other = DynamicRange { transport: if udp { Tcp } else { Udp }, ..range.clone() };
        if twice { vec![range, other] } else { vec![range] }
    };
    vec(one.prop_map(both), 0..3).prop_map(|ranges| ranges.concat())
}

fn services(declared: &Declared) -> impl Strategy<Value = Vec<ServiceRow>> + use<> {
    let row = (
        (declared.role_or_any(), text(), maybe_text(), maybe_text(), maybe_text()),
        (maybe_text(), standing(), maybe_text(), declared.conflicts(), citation()),
    );
    let row = row.prop_map(|((role, service, executable, display_name, description), words)| {
        let (printed_ports, standing, note, conflicts, citation) = words;
        ServiceRow {
            role,
            service,
            executable,
            display_name,
            description,
            printed_ports,
            standing,
            note,
            conflicts,
            citation,
        }
    });
    vec(row, 0..5)
}

fn communications(declared: &Declared) -> impl Strategy<Value = Vec<Communication>> + use<> {
    let one = (text(), declared.role_or_any(), texts(), maybe_text(), maybe_text(), citation());
    let one = one.prop_map(|(protocol, role, executables, printed, note, citation)| Communication {
        protocol,
        role,
        executables,
        printed,
        note,
        citation,
    });
    vec(one, 0..3)
}

/// Services that a document names in one of its rows.
fn services_named(ports: &[PortStatement], services: &[ServiceRow]) -> Vec<String> {
    let stated = ports.iter().map(|statement| statement.service.clone());
    stated.chain(services.iter().filter_map(|row| row.executable.clone())).collect()
}

fn subject() -> impl Strategy<Value = (SubjectKind, String, Option<String>)> {
    let uuid = prop_oneof![
        2 => Just("12345778-1234-abcd-ef00-0123456789ab".to_owned()),
        1 => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ];
    let version = option::weighted(0.4, prop_oneof!["[0-9]", "[1-9][0-9]\\.[0-9]"]);
    let plain = || text().prop_map(|text| format!("n{text}").trim().to_owned());
    prop_oneof![
        2 => (uuid, version.clone()).prop_map(|(uuid, version)| (SubjectKind::RpcInterface, uuid, version)),
        1 => plain().prop_map(|name| (SubjectKind::SqlInstance, name, None)),
        1 => plain().prop_map(|name| (SubjectKind::LicenceVendor, name, None)),
        1 => (1..=u32::MAX, version).prop_map(|(number, version)| {
            (SubjectKind::OncRpcProgram, number.to_string(), version)
        }),
    ]
}

/// Names of subjects; a service is chosen where there is one.
fn announced(declared: &Declared) -> impl Strategy<Value = Vec<(AnnouncedSubject, Option<Index>)>> + use<> {
    let one = (
        (subject(), text(), maybe_text(), option::weighted(0.4, any::<Index>())),
        (standing(), maybe_text(), maybe_text(), maybe_text(), declared.conflicts(), citation()),
    );
    let one = one.prop_map(|(what, words)| {
        let ((kind, subject, version), name, title, service) = what;
        let (standing, condition, printed, note, conflicts, citation) = words;
        let name = format!("N{name}");
        let entry = AnnouncedSubject {
            kind,
            subject,
            version,
            name,
            title,
            service: None,
            standing,
            condition,
            printed,
            note,
            conflicts,
            citation,
        };
        (entry, service)
    });
    vec(one, 0..5)
}

fn step_ports() -> impl Strategy<Value = Vec<StepPort>> {
    let spec = prop_oneof![2 => port().prop_map(StepPortSpec::Fixed), 1 => Just(StepPortSpec::Dynamic)];
    let one = (any::<bool>(), spec, maybe_text(), maybe_text(), any::<bool>(), standing(), any::<bool>());
    let one = one.prop_map(|(udp, spec, purpose, service, from, standing, printed)| StepPort {
        transport: if udp { Udp } else { Tcp },
        spec,
        purpose,
        service,
        party: if from { Party::From } else { Party::To },
        standing: if printed { Standing::Scenario } else { standing },
    });
    vec(one, 1..4)
}

fn scenarios(declared: &Declared) -> impl Strategy<Value = Vec<Scenario>> + use<> {
    let leg = prop_oneof![2 => Just(Leg::Opens), 1 => Just(Leg::Replies), 1 => Just(Leg::RepliesOrOpens)];
    let step = (
        (1..9_u16, text(), declared.roles(1), declared.roles(1), step_ports()),
        (texts(), leg, maybe_text(), declared.conflicts(), maybe_text()),
        any::<bool>(),
    );
    let scenario =
        (vec(step, 0..4), text(), citation(), 0..u16::MAX - 40).prop_map(|(steps, title, citation, before)| {
            let mut number = before;
            let steps = steps.into_iter().map(|((more, description, from, to, ports), words, local)| {
                let (services, leg, printed, conflicts, note) = words;
                number += more;
                let ports = if local { vec![] } else { ports };
                Step { number, description, from, to, local, services, ports, leg, printed, conflicts, note }
            });
            (steps.collect::<Vec<Step>>(), title, citation)
        });
    (ids(0..3), vec(scenario, 3)).prop_map(|(ids, scenarios)| {
        let named = ids.into_iter().zip(scenarios);
        named.map(|(id, (steps, title, citation))| Scenario { id, title, citation, steps }).collect()
    })
}

fn roles(ids: Vec<String>) -> impl Strategy<Value = Vec<Role>> {
    let one = |id: String| {
        let signature = vec((port(), any::<bool>()), 0..3);
        let rank = prop_oneof![2 => Just(1), 1 => any::<u8>()];
        (Just(id), text(), signature, rank, 0..3_usize).prop_map(|(id, title, signature, signature_rank, aliases)| {
            Role {
                aliases: (0..aliases).map(|number| format!("{}-{number}", &id[..id.len().min(60)])).collect(),
                signature: signature
                    .into_iter()
                    .map(|(port, udp)| PortRef { transport: if udp { Udp } else { Tcp }, port })
                    .collect(),
                id,
                title,
                signature_rank,
            }
        })
    };
    ids.into_iter().map(one).collect::<Vec<_>>().prop_map(|mut roles| {
        let mut taken: BTreeSet<String> = roles.iter().map(|role| role.id.clone()).collect();
        for role in &mut roles {
            role.aliases.retain(|alias| taken.insert(alias.clone()));
        }
        roles
    })
}

fn conflicts(ids: Vec<String>) -> impl Strategy<Value = Vec<Conflict>> {
    let one = |id: String| {
        (Just(id), text(), text(), text()).prop_map(|(id, topic, used, reason)| Conflict { id, topic, used, reason })
    };
    ids.into_iter().map(one).collect::<Vec<_>>()
}

fn names() -> impl Strategy<Value = Vec<Name>> {
    let one = (any::<bool>(), text(), texts(), maybe_text(), citation());
    let one = one.prop_map(|(service, canonical, spellings, note, citation)| Name {
        kind: if service { NameKind::Service } else { NameKind::Executable },
        canonical,
        spellings,
        note,
        citation,
    });
    vec(one, 0..3)
}

fn facts(declared: &Declared) -> impl Strategy<Value = Vec<Fact>> + use<> {
    let one = (text(), text(), maybe_text(), declared.conflicts(), citation());
    let one = one.prop_map(|(topic, text, note, conflicts, citation)| Fact { topic, text, note, conflicts, citation });
    vec(one, 0..3)
}

/// A document that holds together, with every field.
pub(super) fn document() -> impl Strategy<Value = Document> {
    let kind = prop_oneof![Just(DocumentKind::Vendor), Just(DocumentKind::General)];
    let declared =
        (kind, ids(1..5), ids(0..3)).prop_map(|(kind, roles, conflicts)| Declared { kind, roles, conflicts });
    declared.prop_flat_map(|declared| {
        let head = ("[a-z0-9-]{4,9}", text(), text(), text(), (maybe_text(), maybe_text()), texts());
        let declarations = (roles(declared.roles.clone()), conflicts(declared.conflicts.clone()), names());
        let ports = (statements(&declared), dynamic_ranges(&declared), services(&declared));
        let rest = (communications(&declared), announced(&declared), scenarios(&declared), facts(&declared));
        (head, declarations, ports, rest).prop_map(move |(head, declarations, ports, rest)| {
            let (id, title, publisher, publication, (edition, url), products) = head;
            let (roles, conflicts, names) = declarations;
            let (ports, dynamic_ranges, services) = ports;
            let (communications, announced, scenarios, facts) = rest;
            let named = services_named(&ports, &services);
            let announced = announced.into_iter().map(|(entry, service)| {
                let service = service.filter(|_| !named.is_empty()).map(|at: Index| at.get(&named).clone());
                AnnouncedSubject { service, ..entry }
            });
            let kind = declared.kind;
            Document {
                id,
                title,
                publisher,
                publication,
                edition,
                url,
                products,
                kind,
                roles,
                ports,
                dynamic_ranges,
                services,
                communications,
                announced: announced.collect(),
                scenarios,
                names,
                facts,
                conflicts,
            }
        })
    })
}
