//! Where the site's ports are not those of the documents: ports that the site changed, and daemons that it fixed to a port.
//!
//! Both are read against the documents. A change that names no statement is refused: it would change nothing, silently.
//! What can be used and should still be looked at becomes a warning.

use super::document::{ANY_ROLE, PortStatement};
use super::error::{SiteError, listed, short, suggestion};
use super::port_range::PortRange;
use super::site::Who;
use super::site_form::{OverrideForm, PinForm};
use super::site_names::{At, Named, Names, key};
use super::site_reader::Reader;
use crate::model::Transport;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use toml::Spanned;

/// Hosts at which a daemon is pinned where the entry does not say.
const PINNED_ROLE: &str = "licence-server";
/// Statements that a warning lists.
const SHOWN: usize = 3;
/// Most entries of either kind: each is compared with every statement of its name.
const MOST: usize = 1_000;

/// A port that this site changed where the document lets it choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Role whose hosts listen there.
    pub role: String,
    /// Which statements of that role.
    pub named: Named,
    /// Transport.
    pub transport: Transport,
    /// What the documents print.
    pub was: PortRange,
    /// What it is here; one port where `was` is one.
    pub ports: PortRange,
    /// Why it was changed.
    pub reason: String,
    /// Line of the site file, from 1.
    pub line: usize,
}

impl Override {
    /// "7002/tcp of RA.FTAC.Server.exe".
    fn what(&self) -> String {
        format!("{}/{} of {}", self.was, self.transport, short(self.named.text()))
    }

    /// The statements that it changes.
    pub(super) fn changed<'a>(&self, names: &Names<'a>) -> Vec<(At, &'a PortStatement)> {
        let mut all = names.statements(&self.named);
        all.retain(|(_, statement)| self.fits(statement));
        all
    }

    /// Whether it changes a statement of that name.
    fn fits(&self, statement: &PortStatement) -> bool {
        statement.ports == self.was
            && statement.transports.contains(&self.transport)
            && statement.roles.contains(&self.role)
    }
}

/// A port to which the site fixed a daemon that would otherwise take one of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The daemon as the site file writes it.
    pub daemon: String,
    /// Hosts at which it is pinned. Never [`Who::Any`].
    pub at: Who,
    /// Transport.
    pub transport: Transport,
    /// The port.
    pub port: u16,
    /// Where it was set, e.g. a line of a licence file.
    pub source: String,
    /// Why, where the site file says.
    pub reason: Option<String>,
    /// Line of the site file, from 1.
    pub line: usize,
}

/// Reads the entries of both kinds, and what is to be said about them.
pub(super) struct Changes<'a> {
    reader: &'a Reader<'a>,
    names: Names<'a>,
    pub(super) overrides: Vec<Override>,
    pub(super) pins: Vec<Pin>,
    pub(super) warnings: Vec<String>,
}

impl<'a> Changes<'a> {
    pub(super) fn read(
        reader: &'a Reader<'a>,
        overrides: &[Spanned<OverrideForm>],
        pins: &[Spanned<PinForm>],
    ) -> Result<Self, SiteError> {
        if let Some(span) = overrides.get(MOST).map(Spanned::span).or(pins.get(MOST).map(Spanned::span)) {
            let problem = format!("there are more than {MOST} entries of this kind");
            return Err(reader.source.error(&span, problem, "remove those that change nothing"));
        }
        let names = Names::of(reader.catalog);
        let mut changes = Self { reader, names, overrides: Vec::new(), pins: Vec::new(), warnings: Vec::new() };
        changes.read_overrides(overrides)?;
        changes.read_pins(pins)?;
        Ok(changes)
    }

    fn warn(&mut self, span: &Range<usize>, problem: String, advice: &str) {
        self.warnings.push(self.reader.source.error(span, problem, advice).to_string());
    }

    fn read_overrides(&mut self, forms: &[Spanned<OverrideForm>]) -> Result<(), SiteError> {
        let mut lines: BTreeMap<(At, Transport, String), usize> = BTreeMap::new();
        let mut changed = BTreeSet::new();
        for entry in forms {
            let change = self.read_override(entry)?;
            let mut first = None;
            let mut marked = false;
            for (at, statement) in change.changed(&self.names) {
                if let Some(line) = lines.insert((at, change.transport, change.role.clone()), change.line) {
                    let problem = format!("{} at {} is changed already, in line {line}", change.what(), change.role);
                    return Err(self.reader.source.error(&entry.span(), problem, "remove one of the two"));
                }
                first = first.or(Some(at));
                marked |= statement.user_modifiable;
                changed.insert(at);
            }
            if let Some(at) = first.filter(|_| !marked) {
                let (citation, what) = (self.names.citation(at), change.what());
                let problem = format!("{citation} does not mark {what} as a port that the user may change");
                self.warn(&entry.get_ref().was.span(), problem, "it is used; check that the product allows it");
            }
            self.overrides.push(change);
        }
        for (index, entry) in forms.iter().enumerate() {
            self.warn_of_others(index, &entry.get_ref().was.span(), &changed);
        }
        Ok(())
    }

    /// The old port may stay open in the reader's mind: other statements of the role that still name it are told.
    fn warn_of_others(&mut self, index: usize, span: &Range<usize>, changed: &BTreeSet<At>) {
        let Some(change) = self.overrides.get(index).filter(|change| change.was.count() == 1) else { return };
        let catalog = self.reader.catalog;
        let others = catalog.entries(change.transport, change.was.first());
        let others = others.filter(|(d, s, _)| !changed.contains(&(*d, *s)));
        let others = others.filter_map(|entry| Some(((entry.0, entry.1), catalog.found(entry)?.statement)));
        let others = others.filter(|(_, statement)| statement.listens_at(&[&change.role]));
        let others = others.map(|(at, s)| format!("{} ({})", short(&s.service), short(&self.names.citation(at))));
        let mut others: Vec<String> = others.take(SHOWN + 1).collect();
        if others.is_empty() {
            return;
        }
        if others.len() > SHOWN {
            others.truncate(SHOWN);
            others.push("…".to_owned());
        }
        let problem =
            format!("{}/{} stays documented at {}: {}", change.was, change.transport, change.role, others.join(", "));
        self.warn(span, problem, "change these too if they moved with it");
    }

    fn read_override(&self, entry: &Spanned<OverrideForm>) -> Result<Override, SiteError> {
        let (reader, form) = (self.reader, entry.get_ref());
        let source = reader.source;
        let role = match form.role.get_ref().as_str() {
            ANY_ROLE => ANY_ROLE.to_owned(),
            _ => reader.role(&form.role, "")?,
        };
        let (named, name_span) = match (&form.executable, &form.service) {
            (Some(name), None) => (Named::Executable(reader.filled(name, "executable")?), name.span()),
            (None, Some(name)) => (Named::Service(reader.filled(name, "service")?), name.span()),
            _ => {
                let problem = "the override has not exactly one of `executable` and `service`";
                return Err(source.error(&entry.span(), problem, "keep one of them, as the document prints it"));
            }
        };
        let (was, transport) = self.printed_port(&form.was)?;
        let ports = *form.port.get_ref();
        if ports == was {
            return Err(source.error(
                &form.port.span(),
                format!("{was} is what it was"),
                "write the new port, or remove the entry",
            ));
        }
        if ports.count() > was.count() {
            let problem = format!("{ports} has more ports than {was}");
            return Err(source.error(&form.port.span(), problem, "write as many ports as the document has, or fewer"));
        }
        let reason = reader.filled(&form.reason, "reason")?;
        let change = Override { role, named, transport, was, ports, reason, line: reader.line(&entry.span()) };
        if change.changed(&self.names).is_empty() {
            return Err(self.names_nothing(&change, form, &name_span));
        }
        Ok(change)
    }

    /// Reads `7002/tcp` or `27000-27009/tcp`.
    fn printed_port(&self, text: &Spanned<String>) -> Result<(PortRange, Transport), SiteError> {
        let parsed = text.get_ref().split_once('/').and_then(|(ports, transport)| {
            Some((ports.parse::<PortRange>().ok()?, transport.trim().parse::<Transport>().ok()?))
        });
        parsed.ok_or_else(|| {
            let problem = format!("{:?} is not a port with its transport", short(text.get_ref()));
            self.reader.source.error(&text.span(), problem, "write it as \"7002/tcp\" or \"27000-27009/tcp\"")
        })
    }

    /// Why an override fits no statement: its name, its role, or its port.
    fn names_nothing(&self, change: &Override, form: &OverrideForm, name_span: &Range<usize>) -> SiteError {
        let (source, name) = (self.reader.source, short(change.named.text()));
        let at_role = |statement: &PortStatement| statement.roles.contains(&change.role);
        let all: Vec<&PortStatement> = self.names.statements(&change.named).into_iter().map(|(_, s)| s).collect();
        if all.is_empty() {
            let written = |s: &'a PortStatement| match change.named {
                Named::Executable(_) => s.executable.as_deref(),
                Named::Service(_) => Some(s.service.as_str()),
            };
            let statements = || self.reader.catalog.documents().iter().flat_map(|document| &document.ports);
            let here = || statements().filter(|s| at_role(s)).filter_map(written);
            let advice = suggestion(&name, here()).or_else(|| suggestion(&name, statements().filter_map(written)));
            let advice = advice.unwrap_or_else(|| {
                let mut known: Vec<&str> = statements().filter(|s| change.fits(s)).filter_map(written).collect();
                known.sort_unstable();
                known.dedup();
                match known.is_empty() {
                    true => "write it as the document prints it".to_owned(),
                    false => format!(
                        "{} {}/{} is stated for: {}",
                        change.role,
                        change.was,
                        change.transport,
                        listed(known.into_iter())
                    ),
                }
            });
            return source.error(name_span, format!("no document states a port of {name:?}"), advice);
        }
        let here: Vec<&PortStatement> = all.iter().copied().filter(|statement| at_role(statement)).collect();
        if here.is_empty() {
            let roles: BTreeSet<&str> = all.iter().flat_map(|s| &s.roles).map(String::as_str).collect();
            let advice = format!("it listens at: {}", listed(roles.into_iter()));
            return source.error(&form.role.span(), format!("{name} has no port at {}", change.role), advice);
        }
        let ports = here.iter().flat_map(|s| s.transports.iter().map(|transport| format!("{}/{transport}", s.ports)));
        let ports: BTreeSet<String> = ports.collect();
        let problem = format!("{name} does not have {}/{} at {}", change.was, change.transport, change.role);
        let advice = format!("the documents print: {}", listed(ports.iter().map(String::as_str)));
        source.error(&form.was.span(), problem, advice)
    }

    fn read_pins(&mut self, forms: &[Spanned<PinForm>]) -> Result<(), SiteError> {
        let mut taken: BTreeMap<(Who, Transport, u16), (String, usize)> = BTreeMap::new();
        for entry in forms {
            let pin = self.read_pin(entry)?;
            let span = entry.get_ref().daemon.span();
            let daemon = key(&pin.daemon);
            let place = (pin.at.clone(), pin.transport, pin.port);
            match taken.get(&place) {
                Some((other, line)) if *other == daemon => {
                    let problem = format!(
                        "{} is pinned to {} at {} already, in line {line}",
                        short(&pin.daemon),
                        pin.port,
                        pin.at
                    );
                    return Err(self.reader.source.error(&span, problem, "remove one of the two"));
                }
                Some((other, line)) => {
                    let problem = format!(
                        "{} and {} (line {line}) are both pinned to {}/{} at {}",
                        short(&pin.daemon),
                        short(other),
                        pin.port,
                        pin.transport,
                        pin.at
                    );
                    self.warn(&span, problem, "two daemons of one host cannot share a port: check the licence files");
                }
                None => drop(taken.insert(place, (daemon, pin.line))),
            }
            let known = !self.names.statements(&Named::Executable(pin.daemon.clone())).is_empty()
                || self.names.dynamic_range(&pin.daemon, |_| true).is_some();
            if !known {
                let documents = self.reader.catalog.documents();
                let names = documents.iter().flat_map(|d| &d.ports).filter_map(|s| s.executable.as_deref());
                let advice = suggestion(&pin.daemon, names)
                    .unwrap_or_else(|| "its port is documented by the site file alone".to_owned());
                self.warn(&span, format!("no document mentions the daemon {:?}", short(&pin.daemon)), &advice);
            }
            self.pins.push(pin);
        }
        Ok(())
    }

    fn read_pin(&self, entry: &Spanned<PinForm>) -> Result<Pin, SiteError> {
        let (reader, form) = (self.reader, entry.get_ref());
        let daemon = reader.filled(&form.daemon, "daemon")?;
        let at = match &form.at {
            Some(at) => reader.who(at)?,
            None => reader.who(&Spanned::new(form.daemon.span(), PINNED_ROLE.to_owned()))?,
        };
        if at == Who::Any {
            let span = form.at.as_ref().map_or(entry.span(), Spanned::span);
            let advice = "name the role, the address or the network of the hosts that run it";
            return Err(reader.source.error(&span, "a daemon is not pinned at every host", advice));
        }
        let ports = *form.port.get_ref();
        if ports.count() > 1 {
            let advice = "write the one port of the licence file";
            return Err(reader.source.error(&form.port.span(), format!("{ports} is a range"), advice));
        }
        let transport = form.transport.as_ref().map_or(Ok(Transport::Tcp), |text| reader.transport(text))?;
        let source = reader.filled(&form.source, "source")?;
        let reason = form.reason.as_ref().map(|text| reader.filled(text, "reason")).transpose()?;
        Ok(Pin { daemon, at, transport, port: ports.first(), source, reason, line: reader.line(&entry.span()) })
    }
}
