//! Looking up what holds at a host, with what the site file says about statements: where a pin holds, where it takes the
//! place of the documents, and why a statement does not cover a port any more.
//!
//! Where several pins of a daemon speak about a host, the most specific counts: address, then longest prefix, then role.

use super::catalogue::{Catalog, Match};
use super::document::{ANY_ROLE, Document, PortStatement};
use super::port_range::PortRange;
use super::site::{Target, Who};
use super::site_change::Pin;
use super::site_names::At;
use crate::model::{Endpoint, Transport};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// What the site file says about a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteWord {
    /// Line of the site file, from 1.
    pub line: usize,
    /// For people, with the line: what was changed or pinned, and why.
    pub text: String,
    /// The hosts at which it holds, where they are not those of the statement's roles.
    pub at: Option<Who>,
}

/// A port that an override took from a role.
#[derive(Debug, Clone)]
pub(super) struct Moved {
    pub(super) role: String,
    pub(super) transport: Transport,
    pub(super) was: PortRange,
    pub(super) text: String,
}

/// The pins of one daemon and transport.
#[derive(Debug)]
pub(super) struct PinGroup(pub(super) Vec<Pin>);

/// What the site file changes about one statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    pub(super) word: Option<SiteWord>,
    /// The pins of its daemon, by transport.
    pub(super) groups: Vec<(Transport, Arc<PinGroup>)>,
    /// The pin that made it, by its number in the group.
    pub(super) pin: Option<usize>,
}

/// What a site file changed in a catalogue.
#[derive(Debug, Clone, Default)]
pub(super) struct SiteLayer {
    pub(super) terms: BTreeMap<At, Terms>,
    pub(super) moved: Vec<Moved>,
}

impl SiteLayer {
    pub(super) fn word(&self, document: usize, statement: usize) -> Option<&SiteWord> {
        self.terms.get(&(document, statement))?.word.as_ref()
    }
}

impl PinGroup {
    /// The pins that count at a host, with their numbers: the most specific of those that mean it. `among` leaves out pins
    /// that have nothing to do with a statement.
    fn here<R: AsRef<str>>(&self, ip: IpAddr, roles: &[R], among: impl Fn(&Pin) -> bool) -> Vec<usize> {
        let fits = |pin: &Pin| pin.at.is(ip, roles) && among(pin);
        let best = self.0.iter().filter(|pin| fits(pin)).map(|pin| rank(&pin.at)).max();
        let all = self.0.iter().enumerate().filter(|(_, pin)| Some(rank(&pin.at)) == best && fits(pin));
        all.map(|(number, _)| number).collect()
    }

    /// The pins that count for a statement that a document makes about the daemon.
    fn against<R: AsRef<str>>(&self, statement: &PortStatement, ip: IpAddr, roles: &[R]) -> Vec<usize> {
        self.here(ip, roles, |pin| match &pin.at {
            Who::Role(role) => statement.roles.iter().any(|own| own == role || own == ANY_ROLE),
            _ => true,
        })
    }
}

/// How specific a place is.
fn rank(at: &Who) -> u16 {
    match at {
        Who::Target(Target::Address(_)) => 1_000,
        Who::Target(Target::Network(network)) => 1 + u16::from(network.prefix_len()),
        Who::Role(_) | Who::Any => 0,
    }
}

impl Catalog {
    /// Statements that cover an endpoint whose host has these roles, as the site file leaves them.
    pub fn statements_of<'a, R: AsRef<str>>(
        &'a self,
        transport: Transport,
        endpoint: Endpoint,
        roles: &'a [R],
    ) -> impl Iterator<Item = Match<'a>> + 'a {
        let entries = self.entries(transport, endpoint.port);
        entries.filter_map(move |entry| {
            let found = self.found(entry)?;
            let holds = match self.site.terms.get(&(entry.0, entry.1)) {
                None => found.statement.listens_at(roles),
                Some(terms) => terms.hold(found.statement, transport, endpoint.ip, roles),
            };
            holds.then_some(found)
        })
    }

    /// Whether some statement covers an endpoint, whatever roles its host has.
    #[must_use]
    pub fn is_stated(&self, transport: Transport, endpoint: Endpoint) -> bool {
        self.statements(transport, endpoint.port).any(|found| match found.site.and_then(|word| word.at.as_ref()) {
            Some(Who::Target(target)) => target.contains(endpoint.ip),
            _ => true,
        })
    }

    /// Why a statement of the documents does not cover an endpoint at this site, in words with the site file's line; `None`
    /// where the site file has nothing to do with it.
    #[must_use]
    pub fn withdrawn<R: AsRef<str>>(&self, transport: Transport, endpoint: Endpoint, roles: &[R]) -> Option<String> {
        let moved = self.site.moved.iter().find(|moved| {
            let role = moved.role == ANY_ROLE || roles.iter().any(|role| role.as_ref() == moved.role);
            role && moved.transport == transport && moved.was.contains(endpoint.port)
        });
        if let Some(moved) = moved {
            return Some(moved.text.clone());
        }
        self.entries(transport, endpoint.port).find_map(|entry| {
            let terms = self.site.terms.get(&(entry.0, entry.1))?;
            let (_, group) = terms.groups.iter().find(|(own, _)| *own == transport)?;
            let found = self.found(entry)?;
            let (says, counts) = match terms.pin.and_then(|number| group.0.get(number)) {
                Some(pin) => (pinned(pin), group.here(endpoint.ip, roles, |_| pin.at.is(endpoint.ip, roles))),
                None if !found.statement.listens_at(roles) => return None,
                None => {
                    let (says, statement) = (cited(found.document, found.statement), found.statement);
                    let says = format!("{says} gives {} {}/{transport}", statement.service, statement.ports);
                    (says, group.against(statement, endpoint.ip, roles))
                }
            };
            Some(format!("{says}, but {}", pinned(group.0.get(*counts.first()?)?)))
        })
    }
}

impl Terms {
    fn hold<R: AsRef<str>>(&self, statement: &PortStatement, transport: Transport, ip: IpAddr, roles: &[R]) -> bool {
        let group = self.groups.iter().find(|(own, _)| *own == transport).map(|(_, group)| group);
        match (self.pin, group) {
            (Some(number), Some(group)) => group.here(ip, roles, |_| true).contains(&number),
            (_, Some(group)) => statement.listens_at(roles) && group.against(statement, ip, roles).is_empty(),
            (_, None) => statement.listens_at(roles),
        }
    }
}

pub(super) fn cited(document: &Document, statement: &PortStatement) -> String {
    format!("{}: {}", document.id, statement.citation)
}

pub(super) fn pinned(pin: &Pin) -> String {
    let Pin { line, daemon, port, source, .. } = pin;
    let reason = pin.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("site file line {line} pins {daemon} to {port} ({source}){reason}")
}
