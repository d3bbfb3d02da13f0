//! From the TOML form of the site file to [`Site`]. What does not hold together is refused, with its place and what to do.
//!
//! Entries are read against the roles and statements of a catalogue. Documents that the file itself names belong to it:
//! [`read_site`] adds them first.

use super::catalogue::Catalog;
use super::document::{ANY_ROLE, Role};
use super::document_reader::checked_id;
use super::error::{CatalogError, SiteError, Source, listed, read_text, short, suggestion};
use super::port_range::PortList;
use super::site::{Accepted, Allowed, Pattern, Site, SiteHost, Target, Who, Zone};
use super::site_change::Changes;
use super::site_form::{AcceptForm, AllowForm, HostForm, RoleForm, SiteFileForm, ZoneForm};
use super::site_time::time_zone;
use crate::model::Transport;
use ipnet::IpNet;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;

/// Longest text that a site file holds, in characters. Reasons and names are repeated with every flow that they explain.
pub const MAX_TEXT_CHARACTERS: usize = 500;

/// Reads a site file and the documents that it names (`documents` under `[site]`, relative to the file's own folder), which
/// are added to the catalogue: their roles are known to the site.
///
/// # Errors
/// The site file or one of the documents cannot be used; the catalogue then holds the documents before it.
pub fn read_site(path: &Path, catalog: &mut Catalog) -> Result<Site, SiteError> {
    let (name, text) = read_text(path)?;
    let source = Source::new(&name, &text)?;
    let form: SiteFileForm = source.parse()?;
    for named in &form.site.documents {
        let text = named.get_ref();
        let fault = |problem: String, advice: &str| source.error(&named.span(), problem, advice);
        if text.trim().is_empty() {
            return Err(fault("the name of the document is empty".into(), "write its path, or remove it"));
        }
        let document = path.parent().unwrap_or(Path::new("")).join(text);
        catalog.read_document(&document).map_err(|error| match error {
            CatalogError::DuplicateDocument { id, first, second } => {
                let problem = format!("{second} has the id {id:?} of another document: {first}");
                fault(problem, "leave one of them out, or give it another id")
            }
            CatalogError::Unreadable { file, reason } => {
                let advice = "the path is taken from the folder of the site file; check it, its permissions, and that it is UTF-8 text";
                fault(format!("the document {file} cannot be read: {reason}"), advice)
            }
            other => other,
        })?;
    }
    Site::from_form(source, form, catalog)
}

impl Site {
    /// Reads the text of a site file. `name` is for errors: they carry it with line and column. Roles are those of the
    /// catalogue's documents and of the site file itself; aliases become the role's identifier. Documents that the text
    /// names are not read: [`read_site`] does that, before.
    pub fn from_toml(name: &str, text: &str, catalog: &Catalog) -> Result<Self, SiteError> {
        let source = Source::new(name, text)?;
        let form: SiteFileForm = source.parse()?;
        Self::from_form(source, form, catalog)
    }

    fn from_form(source: Source<'_>, form: SiteFileForm, catalog: &Catalog) -> Result<Self, SiteError> {
        let (mut reader, roles) = Reader::new(source, catalog, &form.role)?;
        let mut site = Self { roles, ..Self::default() };
        site.name = reader.optional(form.site.name.as_ref(), "name")?.unwrap_or_default();
        let mut zone = TimeZone::UTC;
        if let Some(name) = &form.site.time_zone {
            (site.time_zone, zone) = time_zone(source, name)?;
        }
        let mut networks = reader.zones(&form.zone, &mut site.zones)?;
        reader.hosts(&form.host, &mut site, &mut networks)?;
        site.zone_networks = networks.into_iter().map(|(network, (zone, _))| (network, zone)).collect();
        site.zone_networks.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
        site.allowed = form.allow.into_iter().map(|entry| reader.allow(entry)).collect::<Result<_, _>>()?;
        site.accepted = form.accept.into_iter().map(|entry| reader.accept(entry, &zone)).collect::<Result<_, _>>()?;
        if !(form.overrides.is_empty() && form.pin.is_empty()) {
            let changes = Changes::read(&reader, &form.overrides, &form.pin)?;
            (site.overrides, site.pins, site.warnings) = (changes.overrides, changes.pins, changes.warnings);
        }
        Ok(site)
    }
}

/// Networks of zones: identifier of the zone, and line.
type ZoneNetworks = BTreeMap<IpNet, (String, usize)>;

/// What the entries of a site file are read against.
pub(super) struct Reader<'a> {
    pub(super) source: Source<'a>,
    pub(super) catalog: &'a Catalog,
    /// Identifiers of roles by their names, aliases included.
    roles: BTreeMap<String, String>,
    zones: BTreeSet<String>,
    /// Byte offsets of line ends, ascending.
    line_ends: Vec<usize>,
}

impl<'a> Reader<'a> {
    /// A reader that knows the roles of the catalogue and of the file, and the latter.
    fn new(source: Source<'a>, catalog: &'a Catalog, forms: &[RoleForm]) -> Result<(Self, Vec<Role>), SiteError> {
        let mut roles = BTreeMap::new();
        for role in catalog.documents().iter().flat_map(|document| &document.roles) {
            for name in std::iter::once(&role.id).chain(&role.aliases) {
                roles.entry(name.clone()).or_insert_with(|| role.id.clone());
            }
        }
        let line_ends = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        let mut reader = Self { source, catalog, roles, zones: BTreeSet::new(), line_ends };
        let mut own = Vec::new();
        for form in forms {
            let id = checked_id(source, &form.id)?;
            if reader.roles.insert(id.clone(), id.clone()).is_some() {
                let problem = format!("the role {id:?} exists already");
                let advice = "remove the entry: the role can be used as it is";
                return Err(source.error(&form.id.span(), problem, advice));
            }
            let title = reader.bounded(&form.title, "title")?;
            own.push(Role { id, title, aliases: Vec::new(), signature: Vec::new(), signature_rank: u8::MAX });
        }
        Ok((reader, own))
    }

    /// Line of a place, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.line_ends.partition_point(|end| *end < span.start) + 1
    }

    /// The identifier of a known role.
    pub(super) fn role(&self, name: &Spanned<String>, also: &str) -> Result<String, SiteError> {
        let text = name.get_ref();
        if let Some(role) = self.roles.get(text) {
            return Ok(role.clone());
        }
        let advice = suggestion(text, self.roles.keys().map(String::as_str)).unwrap_or_else(|| {
            // In the order of the documents, the file's own last.
            let mut ids: Vec<&str> = self.catalog.roles().into_iter().map(|role| role.id.as_str()).collect();
            ids.extend(self.roles.values().map(String::as_str).filter(|id| self.catalog.role(id).is_none()));
            format!("use {also}one of these roles: {}; or declare it with [[role]]", listed(ids.into_iter()))
        });
        Err(self.source.error(&name.span(), format!("unknown role {:?}", short(text)), advice))
    }

    fn address(&self, text: &Spanned<String>) -> Result<IpAddr, SiteError> {
        text.get_ref().trim().parse::<IpAddr>().map(|ip| ip.to_canonical()).map_err(|_| {
            let problem = format!("{:?} is not an address", short(text.get_ref()));
            let advice = "write it as \"10.0.0.5\" or \"fd00::5\"; networks go to `network`";
            self.source.error(&text.span(), problem, advice)
        })
    }

    fn network(&self, text: &Spanned<String>) -> Result<IpNet, SiteError> {
        let Ok(net) = text.get_ref().trim().parse::<IpNet>() else {
            let problem = format!("{:?} is not a network", short(text.get_ref()));
            return Err(self.source.error(&text.span(), problem, "write it as \"10.0.0.0/24\" or \"fd00::/64\""));
        };
        if net.trunc() != net {
            let problem = format!("{net} has bits beyond its prefix");
            return Err(self.source.error(&text.span(), problem, format!("write {}, or use `address`", net.trunc())));
        }
        Ok(net)
    }

    /// Reads the zones and their networks.
    fn zones(&mut self, forms: &[ZoneForm], zones: &mut Vec<Zone>) -> Result<ZoneNetworks, SiteError> {
        let mut all = ZoneNetworks::new();
        for form in forms {
            let id = checked_id(self.source, &form.id)?;
            if !self.zones.insert(id.clone()) {
                let problem = format!("the zone {id:?} is declared twice");
                return Err(self.source.error(
                    &form.id.span(),
                    problem,
                    "join the two entries, or give one another id",
                ));
            }
            let mut networks = Vec::with_capacity(form.networks.len());
            for text in &form.networks {
                let network = self.network(text)?;
                let line = self.line(&text.span());
                if let Some((zone, line)) = all.insert(network, (id.clone(), line)) {
                    let problem = format!("{network} belongs to the zone {zone:?} already, in line {line}");
                    return Err(self.source.error(&text.span(), problem, "remove it from one of them"));
                }
                networks.push(network);
            }
            let title = self.bounded(&form.title, "title")?;
            zones.push(Zone { id, title, networks, line: self.line(&form.id.span()) });
        }
        Ok(all)
    }

    /// Reads the hosts. A zone that an entry gives a network joins the networks of zones.
    fn hosts(
        &self,
        forms: &[Spanned<HostForm>],
        site: &mut Site,
        networks: &mut ZoneNetworks,
    ) -> Result<(), SiteError> {
        let mut lines = BTreeMap::new();
        for form in forms {
            let entry = self.host(form, &mut lines)?;
            match entry.target {
                Target::Address(ip) => drop(site.addresses.insert(ip, entry)),
                Target::Network(network) => {
                    if let (Some(zone), Some(written)) = (&entry.zone, &form.get_ref().zone) {
                        let line = self.line(&written.span());
                        let before = networks.insert(network, (zone.clone(), line));
                        if let Some((other, line)) = before.filter(|(other, _)| other != zone) {
                            let problem = format!("{network} belongs to the zone {other:?} already, in line {line}");
                            return Err(self.source.error(&written.span(), problem, "keep one of the two zones"));
                        }
                    }
                    site.networks.push(entry);
                }
            }
        }
        site.networks.sort_by_key(|host| match host.target {
            Target::Network(net) => std::cmp::Reverse(net.prefix_len()),
            Target::Address(_) => std::cmp::Reverse(u8::MAX),
        });
        Ok(())
    }

    /// A host entry; `lines` remembers which target has an entry where.
    fn host(&self, host: &Spanned<HostForm>, lines: &mut BTreeMap<Target, usize>) -> Result<SiteHost, SiteError> {
        let form = host.get_ref();
        let (target, at) = match (&form.address, &form.network) {
            (Some(address), None) => (Target::Address(self.address(address)?), address.span()),
            (None, Some(network)) => (Target::Network(self.network(network)?), network.span()),
            _ => {
                let problem = "the host has not exactly one of `address` and `network`";
                return Err(self.source.error(&host.span(), problem, "keep one of them"));
            }
        };
        let roles = form.roles.as_ref().map(|names| names.iter().map(|name| self.role(name, "")).collect());
        let roles = roles.transpose()?;
        let zone = form.zone.as_ref().map(|name| self.zone(name)).transpose()?;
        let name = self.optional(form.name.as_ref(), "name")?.unwrap_or_default();
        let line = self.line(&at);
        if let Some(other) = lines.insert(target, line) {
            let problem = format!("{target} has an entry already, in line {other}");
            return Err(self.source.error(&at, problem, "join the two entries"));
        }
        Ok(SiteHost { target, name, roles, dynamic_range: form.dynamic_range, zone, line })
    }

    /// The identifier of a known zone.
    fn zone(&self, name: &Spanned<String>) -> Result<String, SiteError> {
        let text = name.get_ref();
        if self.zones.contains(text) {
            return Ok(text.clone());
        }
        let known = || self.zones.iter().map(String::as_str);
        let advice = suggestion(text, known()).unwrap_or_else(|| match self.zones.is_empty() {
            true => "declare it with [[zone]]".to_owned(),
            false => format!("use one of these zones: {}; or declare it with [[zone]]", listed(known())),
        });
        Err(self.source.error(&name.span(), format!("unknown zone {:?}", short(text)), advice))
    }

    /// An address, a network, `any` or a role.
    pub(super) fn who(&self, text: &Spanned<String>) -> Result<Who, SiteError> {
        let name = text.get_ref().trim();
        if name == ANY_ROLE {
            return Ok(Who::Any);
        }
        if name.contains('/') {
            return Ok(Who::Target(Target::Network(self.network(text)?)));
        }
        // No role identifier holds a dot or a colon: whatever does was meant as an address.
        if name.contains(['.', ':']) {
            return Ok(Who::Target(Target::Address(self.address(text)?)));
        }
        Ok(Who::Role(self.role(text, "an address, a network, \"any\", or ")?))
    }

    pub(super) fn transport(&self, text: &Spanned<String>) -> Result<Transport, SiteError> {
        text.get_ref().parse::<Transport>().map_err(|_| {
            let problem = format!("{:?} is not a transport protocol", short(text.get_ref()));
            self.source.error(&text.span(), problem, "use \"tcp\" or \"udp\"")
        })
    }

    fn pattern(
        &self,
        from: &Spanned<String>,
        to: &Spanned<String>,
        transport: &Spanned<String>,
        ports: PortList,
    ) -> Result<Pattern, SiteError> {
        let transport = self.transport(transport)?;
        Ok(Pattern { from: self.who(from)?, to: self.who(to)?, transport, ports: ports.0 })
    }

    /// Text of a length that can be repeated.
    fn bounded(&self, text: &Spanned<String>, what: &str) -> Result<String, SiteError> {
        let length = text.get_ref().chars().count();
        if length > MAX_TEXT_CHARACTERS {
            let problem = format!("the {what} is {length} characters long");
            let advice = format!("write at most {MAX_TEXT_CHARACTERS}, and point to where the rest is");
            return Err(self.source.error(&text.span(), problem, advice));
        }
        Ok(text.get_ref().clone())
    }

    fn optional(&self, text: Option<&Spanned<String>>, what: &str) -> Result<Option<String>, SiteError> {
        text.map(|text| self.bounded(text, what)).transpose()
    }

    /// Text that somebody has to have written.
    pub(super) fn filled(&self, text: &Spanned<String>, what: &str) -> Result<String, SiteError> {
        let bounded = self.bounded(text, what)?;
        let trimmed = bounded.trim();
        if trimmed.is_empty() {
            let advice = format!("write the {what}: a reviewer will ask for it");
            return Err(self.source.error(&text.span(), format!("the {what} is empty"), advice));
        }
        Ok(trimmed.to_owned())
    }

    fn allow(&self, entry: Spanned<AllowForm>) -> Result<Allowed, SiteError> {
        let line = self.line(&entry.span());
        let form = entry.into_inner();
        let pattern = self.pattern(&form.from, &form.to, &form.transport, form.port)?;
        let service = self.optional(form.service.as_ref(), "service")?;
        Ok(Allowed { pattern, service, reason: self.filled(&form.reason, "reason")?, line })
    }

    fn accept(&self, entry: Spanned<AcceptForm>, zone: &TimeZone) -> Result<Accepted, SiteError> {
        let line = self.line(&entry.span());
        let form = entry.into_inner();
        let pattern = self.pattern(&form.from, &form.to, &form.transport, form.port)?;
        let owner = self.filled(&form.owner, "owner")?;
        let reason = self.filled(&form.reason, "reason")?;
        let expires = form.expires.map(|date| date.0);
        let ends_ns = expires.map(|date| date.end_ns(zone));
        Ok(Accepted { pattern, owner, reason, expires, ends_ns, line })
    }
}
