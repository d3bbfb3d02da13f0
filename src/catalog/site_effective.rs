//! The documents as they hold at a site: with the ports that its file changed, and the daemons that it fixed to a port.
//!
//! A changed port (`[[override]]`) replaces the printed one in every statement of that name and role, in the scenarios and
//! in the roles' signatures; citation and everything else stay as the document has them. A pinned daemon (`[[pin]]`)
//! listens at its port and nowhere else: at the hosts where it is pinned, the statements that give it a range do not
//! document the rest of that range. Whatever answers there is not this daemon as it was set up, and a reviewer has to see
//! it. Everywhere else the range stands.

use super::catalogue::Catalog;
use super::document::{ANY_ROLE, Direction, Document, DocumentKind, PortRef, PortStatement, Standing};
use super::port_range::PortRange;
use super::scenario::{Party, Step, StepPort, StepPortSpec};
use super::site::{Site, Target, Who};
use super::site_catalogue::{Moved, PinGroup, SiteWord, Terms, cited, pinned};
use super::site_change::{Override, Pin};
use super::site_names::{At, Meant, Named, Names, key};
use crate::model::Transport;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Identifier of the document that the site file itself makes. No document that is read can have it: it holds a blank.
const SITE_DOCUMENT: &str = "site file";

impl Catalog {
    /// The documents as they hold at a site. Without overrides and pins: as they are.
    #[must_use]
    pub fn for_site(&self, site: &Site) -> Self {
        if site.overrides().is_empty() && site.pins().is_empty() {
            return self.clone();
        }
        let names = Names::of(self);
        let mut changes: BTreeMap<At, Vec<&Override>> = BTreeMap::new();
        for change in site.overrides() {
            change.changed(&names).into_iter().for_each(|(at, _)| changes.entry(at).or_default().push(change));
        }
        let pins = Pinned::of(site, &names);
        let mut made = pins.statements(site, self, &names);
        let mut effective = Self::empty();
        for (d, document) in self.documents.iter().enumerate() {
            let mut rows = Rows::of(d);
            for (s, statement) in document.ports.iter().enumerate() {
                let here = changes.get(&(d, s)).map_or(&[][..], Vec::as_slice);
                rows.add(document, statement, here, pins.of_statement((d, s)));
            }
            made.remove(&Some(d)).into_iter().flatten().for_each(|(statement, terms)| rows.push(statement, terms));
            effective.add_rows(rows, document, self.origin(d));
        }
        if let Some(own) = made.remove(&None) {
            let document = site_document();
            let mut rows = Rows::of(self.documents.len());
            own.into_iter().for_each(|(statement, terms)| rows.push(statement, terms));
            effective.add_rows(rows, &document, "the site file");
        }
        effective.follow(site.overrides(), &names);
        effective
    }

    fn add_rows(&mut self, rows: Rows, document: &Document, origin: &str) {
        self.site.terms.extend(rows.terms);
        self.site.moved.extend(rows.moved);
        self.add(Document { ports: rows.ports, ..document.clone() }, origin);
    }

    /// Lets signatures and scenarios follow the ports that moved.
    fn follow(&mut self, changes: &[Override], names: &Names<'_>) {
        let single = changes.iter().filter(|change| change.was.count() == 1 && change.ports.count() == 1);
        let mut moved: Vec<MovedPort<'_>> = single.map(|change| MovedPort::of(change, self)).collect();
        for (d, document) in self.documents.iter_mut().enumerate() {
            for role in &mut document.roles {
                for port in &mut role.signature {
                    let gone = moved.iter().find(|moved| !moved.is_left && moved.is_at(&role.id, *port));
                    if let Some(moved) = gone {
                        port.port = moved.to();
                    }
                }
            }
            moved.iter_mut().for_each(|moved| moved.meant = names.meant(d, &moved.change.named));
            for step in document.scenarios.iter_mut().flat_map(|scenario| &mut scenario.steps) {
                follow_step(step, &moved);
            }
        }
    }
}

/// A single port that moved.
struct MovedPort<'a> {
    change: &'a Override,
    /// Whether another statement still gives the role the old port.
    is_left: bool,
    /// What listens there, in the words of the document at hand.
    meant: Meant,
}

impl<'a> MovedPort<'a> {
    fn of(change: &'a Override, effective: &Catalog) -> Self {
        let (port, roles) = (change.was.first(), std::slice::from_ref(&change.role));
        let mut left = effective.statements_at(change.transport, port, roles);
        let is_left = left.any(|found| found.site.is_none() && found.document.kind != DocumentKind::General);
        Self { change, is_left, meant: Meant::default() }
    }

    fn is_at(&self, role: &str, port: PortRef) -> bool {
        let change = self.change;
        let was = PortRef { transport: change.transport, port: change.was.first() };
        (change.role == role || change.role == ANY_ROLE) && was == port
    }

    fn to(&self) -> u16 {
        self.change.ports.first()
    }
}

/// A step names the port that moved: of a service that it names, or one that nothing of that role has any more. Where other
/// roles of the step keep the old port, it stands beside the new one.
fn follow_step(step: &mut Step, moved: &[MovedPort<'_>]) {
    let mut ports = Vec::with_capacity(step.ports.len());
    for port in std::mem::take(&mut step.ports) {
        let roles = match port.party {
            Party::From => &step.from,
            Party::To => &step.to,
        };
        let Some(number) = port.spec.fixed() else {
            ports.push(port);
            continue;
        };
        let printed = PortRef { transport: port.transport, port: number };
        let is_named = |moved: &MovedPort<'_>| match &port.service {
            Some(service) => moved.meant.has(service),
            None => step.services.iter().any(|service| moved.meant.has(service)),
        };
        let all = moved.iter().filter(|moved| roles.iter().any(|role| moved.is_at(role, printed)));
        let (named, others): (Vec<_>, Vec<_>) = all.partition(|moved| is_named(moved));
        let follows =
            if named.is_empty() { others.into_iter().filter(|moved| !moved.is_left).collect() } else { named };
        let here: Vec<(&String, u16)> = follows
            .into_iter()
            .flat_map(|moved| roles.iter().filter(|role| moved.is_at(role, printed)).map(|role| (role, moved.to())))
            .collect();
        let kept = roles.iter().any(|role| here.iter().all(|(moved, _)| *moved != role));
        let mut numbers: Vec<u16> = here.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let new: Vec<StepPort> =
            numbers.into_iter().map(|number| StepPort { spec: StepPortSpec::Fixed(number), ..port.clone() }).collect();
        if kept || new.is_empty() {
            ports.push(port);
        }
        ports.extend(new);
    }
    step.ports = ports;
}

/// Rows of an effective document in the making.
struct Rows {
    document: usize,
    ports: Vec<PortStatement>,
    terms: BTreeMap<At, Terms>,
    moved: Vec<Moved>,
}

impl Rows {
    fn of(document: usize) -> Self {
        Self { document, ports: Vec::new(), terms: BTreeMap::new(), moved: Vec::new() }
    }

    fn push(&mut self, statement: PortStatement, terms: Option<Terms>) {
        if let Some(terms) = terms {
            self.terms.insert((self.document, self.ports.len()), terms);
        }
        self.ports.push(statement);
    }

    /// A printed statement, taken apart where the site changed its port for some of its roles and transports only.
    fn add(&mut self, document: &Document, printed: &PortStatement, changes: &[&Override], groups: PinGroups<'_>) {
        let mut pieces: Vec<(PortStatement, Option<&Override>)> = vec![(printed.clone(), None)];
        for change in changes {
            let whole = |(piece, by): &(PortStatement, Option<&Override>)| {
                by.is_none() && piece.transports.contains(&change.transport) && piece.roles.contains(&change.role)
            };
            let Some(place) = pieces.iter().position(whole) else { continue };
            let (piece, _) = pieces.remove(place);
            let parts = taken_apart(piece, change).into_iter();
            pieces.splice(place..place, parts.map(|(part, is_changed)| (part, is_changed.then_some(*change))));
            self.moved.push(Moved {
                role: change.role.clone(),
                transport: change.transport,
                was: change.was,
                text: format!(
                    "{} has {}/{} for {} at {}, but {}",
                    cited(document, printed),
                    change.was,
                    change.transport,
                    printed.service,
                    change.role,
                    changed(change)
                ),
            });
        }
        for (mut piece, change) in pieces {
            let word = change.map(|change| SiteWord { line: change.line, text: changed(change), at: None });
            if let Some(word) = &word {
                note(&mut piece, &word.text);
            }
            let terms = Terms { word, groups: groups.to_vec(), pin: None };
            let is_printed = terms.word.is_none() && terms.groups.is_empty();
            self.push(piece, (!is_printed).then_some(terms));
        }
    }
}

/// The changed part of a statement, and before and behind it the parts that keep the printed port.
fn taken_apart(statement: PortStatement, change: &Override) -> Vec<(PortStatement, bool)> {
    let mut parts = Vec::new();
    let others: Vec<Transport> = statement.transports.iter().copied().filter(|t| *t != change.transport).collect();
    let roles: Vec<String> = statement.roles.iter().filter(|role| **role != change.role).cloned().collect();
    if !roles.is_empty() {
        parts.push((PortStatement { roles, ..statement.clone() }, false));
    }
    if !others.is_empty() {
        let roles = vec![change.role.clone()];
        parts.push((PortStatement { roles, transports: others, ..statement.clone() }, false));
    }
    let (roles, transports) = (vec![change.role.clone()], vec![change.transport]);
    parts.push((PortStatement { roles, transports, ports: change.ports, ..statement }, true));
    parts
}

/// Pins of a daemon, by transport.
type PinGroups<'a> = &'a [(Transport, Arc<PinGroup>)];

/// The pins of a site.
struct Pinned {
    groups: Vec<(Transport, Arc<PinGroup>)>,
    by_statement: BTreeMap<At, Vec<(Transport, Arc<PinGroup>)>>,
}

/// Statements that pins make, and their terms.
type Made = Vec<(PortStatement, Option<Terms>)>;

impl Pinned {
    fn of(site: &Site, names: &Names<'_>) -> Self {
        let mut daemons: BTreeMap<(String, Transport), Vec<Pin>> = BTreeMap::new();
        for pin in site.pins() {
            daemons.entry((key(&pin.daemon), pin.transport)).or_default().push(pin.clone());
        }
        let mut pinned = Self { groups: Vec::new(), by_statement: BTreeMap::new() };
        for ((daemon, transport), pins) in daemons {
            let group = (transport, Arc::new(PinGroup(pins)));
            for (at, statement) in names.statements(&Named::Executable(daemon)) {
                if statement.transports.contains(&transport) {
                    pinned.by_statement.entry(at).or_default().push(group.clone());
                }
            }
            pinned.groups.push(group);
        }
        pinned
    }

    /// The pins of a statement's daemon.
    fn of_statement(&self, at: At) -> PinGroups<'_> {
        self.by_statement.get(&at).map_or(&[], Vec::as_slice)
    }

    /// The statements that the pins make, by the document that speaks of the daemon; `None` where none does.
    fn statements(&self, site: &Site, catalog: &Catalog, names: &Names<'_>) -> BTreeMap<Option<usize>, Made> {
        let mut made: BTreeMap<Option<usize>, Made> = BTreeMap::new();
        for (_, group) in &self.groups {
            for (number, pin) in group.0.iter().enumerate() {
                let (document, mut statement) = template(pin, site, catalog, names);
                let port = PortRange::of(pin.port);
                (statement.ports, statement.transports) = (port, vec![pin.transport]);
                (statement.fallback_ports, statement.printed) = (Vec::new(), None);
                let at = match &pin.at {
                    Who::Role(role) => {
                        statement.roles = vec![role.clone()];
                        None
                    }
                    at => {
                        statement.roles = Vec::new();
                        Some(at.clone())
                    }
                };
                let word = SiteWord { line: pin.line, text: pinned(pin), at };
                note(&mut statement, &word.text);
                let groups = vec![(pin.transport, Arc::clone(group))];
                let terms = Terms { word: Some(word), groups, pin: Some(number) };
                made.entry(document).or_default().push((statement, Some(terms)));
            }
        }
        made
    }
}

/// What a document says about a pinned daemon: a statement of its own, or its place in a dynamic range. Preferably about
/// the roles of the hosts where it is pinned. The document is `None` where none speaks of it.
fn template(pin: &Pin, site: &Site, catalog: &Catalog, names: &Names<'_>) -> (Option<usize>, PortStatement) {
    let fits = |role: &str| match &pin.at {
        Who::Role(own) => own == role,
        Who::Target(Target::Address(ip)) => site.roles(*ip).iter().any(|own| own == role),
        Who::Target(Target::Network(_)) | Who::Any => false,
    };
    let mut stated = names.statements(&Named::Executable(pin.daemon.clone()));
    stated.retain(|(_, statement)| statement.transports.contains(&pin.transport));
    let best = stated.iter().find(|(_, statement)| statement.roles.iter().any(|role| fits(role))).or(stated.first());
    if let Some(((document, _), statement)) = best {
        return (Some(*document), (*statement).clone());
    }
    let range = names.dynamic_range(&pin.daemon, fits).or_else(|| names.dynamic_range(&pin.daemon, |_| true));
    let range = range.and_then(|(d, r)| Some((d, catalog.documents().get(d)?.dynamic_ranges.get(r)?)));
    let citation = range.map_or_else(String::new, |(_, range)| range.citation.clone());
    let statement = PortStatement {
        service: pin.daemon.clone(),
        executable: Some(pin.daemon.clone()),
        transports: Vec::new(),
        protocol_stated: false,
        ports: PortRange::of(pin.port),
        stated_for: range.map_or_else(|| ANY_ROLE.to_owned(), |(_, range)| range.role.clone()),
        direction: Direction::Listens,
        roles: Vec::new(),
        callers: Vec::new(),
        user_modifiable: true,
        fallback_ports: Vec::new(),
        standing: Standing::Reading,
        required_for: None,
        condition: None,
        conflicts: Vec::new(),
        printed: None,
        note: None,
        citation,
    };
    (range.map(|(document, _)| document), statement)
}

/// A document for daemons that no other speaks of.
fn site_document() -> Document {
    Document {
        id: SITE_DOCUMENT.to_owned(),
        title: "The site file".to_owned(),
        publisher: String::new(),
        publication: String::new(),
        edition: None,
        url: None,
        products: Vec::new(),
        kind: DocumentKind::Site,
        roles: Vec::new(),
        ports: Vec::new(),
        dynamic_ranges: Vec::new(),
        services: Vec::new(),
        communications: Vec::new(),
        announced: Vec::new(),
        scenarios: Vec::new(),
        names: Vec::new(),
        facts: Vec::new(),
        conflicts: Vec::new(),
    }
}

fn changed(change: &Override) -> String {
    let Override { line, was, ports, reason, .. } = change;
    format!("site file line {line} changed {was} to {ports}: {reason}")
}

/// Adds a sentence to the note of a statement.
fn note(statement: &mut PortStatement, text: &str) {
    statement.note = Some(match statement.note.take() {
        Some(note) => format!("{note} At this site: {text}."),
        None => format!("At this site: {text}."),
    });
}
