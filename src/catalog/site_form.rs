//! The TOML form of the site file, and the way from there to [`Site`].

use super::catalogue::Catalog;
use super::document::{ANY_ROLE, Role};
use super::document_reader::checked_id;
use super::error::{Place, SiteError, Source, listed, read_text, suggestion};
use super::port_range::{PortList, PortRange};
use super::site::{Accepted, Allowed, Date, Pattern, Site, SiteHost, Target, Who};
use crate::model::Transport;
use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{Error as _, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteFileForm {
    #[serde(default)]
    site: HeadForm,
    #[serde(default)]
    role: Vec<RoleForm>,
    #[serde(default)]
    host: Vec<Spanned<HostForm>>,
    #[serde(default)]
    allow: Vec<Spanned<AllowForm>>,
    #[serde(default)]
    accept: Vec<Spanned<AcceptForm>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct HeadForm {
    #[serde(default)]
    name: String,
    time_zone: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleForm {
    id: Spanned<String>,
    title: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostForm {
    address: Option<Spanned<String>>,
    network: Option<Spanned<String>>,
    #[serde(default)]
    name: String,
    roles: Option<Vec<Spanned<String>>>,
    dynamic_range: Option<PortRange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowForm {
    from: Spanned<String>,
    to: Spanned<String>,
    transport: Spanned<String>,
    port: PortList,
    service: Option<String>,
    reason: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptForm {
    from: Spanned<String>,
    to: Spanned<String>,
    transport: Spanned<String>,
    port: PortList,
    owner: Spanned<String>,
    reason: Spanned<String>,
    expires: Option<DateForm>,
}

/// `"2027-01-31"`, or the same without quotes.
struct DateForm(Date);

impl<'de> Deserialize<'de> for DateForm {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateVisitor;
        impl<'de> Visitor<'de> for DateVisitor {
            type Value = DateForm;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a date such as \"2027-01-31\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<DateForm, E> {
                let day = text.parse::<toml::value::Datetime>().ok().and_then(only_date);
                day.map(DateForm).ok_or_else(|| E::custom(format!("{text:?} is not a date such as \"2027-01-31\"")))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DateForm, A::Error> {
                let time = toml::value::Datetime::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let refusal = || A::Error::custom(format!("{time} is not a plain date such as 2027-01-31"));
                only_date(time).map(DateForm).ok_or_else(refusal)
            }
        }
        deserializer.deserialize_any(DateVisitor)
    }
}

fn only_date(time: toml::value::Datetime) -> Option<Date> {
    match (time.date, time.time, time.offset) {
        (Some(date), None, None) => Date::new(date.year, date.month, date.day),
        _ => None,
    }
}

impl Site {
    /// Reads a site file. `name` is for errors: they carry it with line and column. Roles are those of the catalogue's
    /// documents and of the site file itself; aliases become the role's identifier.
    pub fn from_toml(name: &str, text: &str, catalog: &Catalog) -> Result<Self, SiteError> {
        let source = Source::new(name, text)?;
        let form: SiteFileForm = source.parse()?;
        let mut site = Self { name: form.site.name, ..Self::default() };
        if let Some(zone) = &form.site.time_zone {
            site.time_zone = time_zone(source, zone)?;
        }
        site.roles = own_roles(source, catalog, &form.role)?;
        let reader = Reader { source, catalog, own: site.roles.clone() };
        let mut lines = BTreeMap::new();
        for host in &form.host {
            let entry = reader.host(host, &mut lines)?;
            match entry.target {
                Target::Address(ip) => drop(site.addresses.insert(ip, entry)),
                Target::Network(_) => site.networks.push(entry),
            }
        }
        site.networks.sort_by_key(|host| match host.target {
            Target::Network(net) => std::cmp::Reverse(net.prefix_len()),
            Target::Address(_) => std::cmp::Reverse(u8::MAX),
        });
        site.allowed = form.allow.into_iter().map(|entry| reader.allow(entry)).collect::<Result<_, _>>()?;
        site.accepted = form.accept.into_iter().map(|entry| reader.accept(entry)).collect::<Result<_, _>>()?;
        Ok(site)
    }

    /// Reads a site file from disk.
    pub fn read(path: &Path, catalog: &Catalog) -> Result<Self, SiteError> {
        let (name, text) = read_text(path)?;
        Self::from_toml(&name, &text, catalog)
    }
}

/// Takes what can be the name of a time zone. Whether it exists is not checked: nothing is computed with it.
fn time_zone(source: Source<'_>, zone: &Spanned<String>) -> Result<String, SiteError> {
    let text = zone.get_ref();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_+-:".contains(c);
    if text.is_empty() || text.len() > 64 || !text.chars().all(plain) {
        let problem = format!("{text:?} is not a time zone");
        return Err(source.error(&zone.span(), problem, "write it as \"Europe/Vienna\" or \"UTC\""));
    }
    Ok(text.clone())
}

fn own_roles(source: Source<'_>, catalog: &Catalog, forms: &[RoleForm]) -> Result<Vec<Role>, SiteError> {
    let mut roles: Vec<Role> = Vec::new();
    for form in forms {
        let id = checked_id(source, &form.id)?;
        if catalog.role(&id).is_some() || roles.iter().any(|role| role.id == id) {
            let problem = format!("the role {id:?} exists already");
            return Err(source.error(&form.id.span(), problem, "remove the entry: the role can be used as it is"));
        }
        let (aliases, signature) = (Vec::new(), Vec::new());
        roles.push(Role { id, title: form.title.clone(), aliases, signature, signature_rank: u8::MAX });
    }
    Ok(roles)
}

/// What the entries of a site file are read against.
struct Reader<'a> {
    source: Source<'a>,
    catalog: &'a Catalog,
    own: Vec<Role>,
}

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        Place::of(self.source.text, span.start).line
    }

    /// The identifier of a known role.
    fn role(&self, name: &Spanned<String>, also: &str) -> Result<String, SiteError> {
        let text = name.get_ref();
        if let Some(role) = self.catalog.role(text).or_else(|| self.own.iter().find(|role| role.is_called(text))) {
            return Ok(role.id.clone());
        }
        let roles = || self.catalog.roles().into_iter().chain(&self.own);
        let names = || roles().flat_map(|role| std::iter::once(&role.id).chain(&role.aliases)).map(String::as_str);
        let advice = suggestion(text, names()).unwrap_or_else(|| {
            let ids = listed(roles().map(|role| role.id.as_str()));
            format!("use {also}one of these roles: {ids}; or declare it with [[role]]")
        });
        Err(self.source.error(&name.span(), format!("unknown role {text:?}"), advice))
    }

    fn address(&self, text: &Spanned<String>) -> Result<IpAddr, SiteError> {
        text.get_ref().trim().parse::<IpAddr>().map(|ip| ip.to_canonical()).map_err(|_| {
            let problem = format!("{:?} is not an address", text.get_ref());
            self.source.error(
                &text.span(),
                problem,
                "write it as \"10.0.0.5\" or \"fd00::5\"; networks go to `network`",
            )
        })
    }

    fn network(&self, text: &Spanned<String>) -> Result<IpNet, SiteError> {
        let Ok(net) = text.get_ref().trim().parse::<IpNet>() else {
            let problem = format!("{:?} is not a network", text.get_ref());
            return Err(self.source.error(&text.span(), problem, "write it as \"10.0.0.0/24\" or \"fd00::/64\""));
        };
        if net.trunc() != net {
            let problem = format!("{net} has bits beyond its prefix");
            return Err(self.source.error(&text.span(), problem, format!("write {}, or use `address`", net.trunc())));
        }
        Ok(net)
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
        let roles = match &form.roles {
            Some(names) => Some(names.iter().map(|name| self.role(name, "")).collect::<Result<Vec<_>, _>>()?),
            None => None,
        };
        let line = self.line(&at);
        if let Some(other) = lines.insert(target, line) {
            let problem = format!("{target} has an entry already, in line {other}");
            return Err(self.source.error(&at, problem, "join the two entries"));
        }
        Ok(SiteHost { target, name: form.name.clone(), roles, dynamic_range: form.dynamic_range, line })
    }

    /// An address, a network, `any` or a role.
    fn who(&self, text: &Spanned<String>) -> Result<Who, SiteError> {
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

    fn pattern(
        &self,
        from: &Spanned<String>,
        to: &Spanned<String>,
        transport: &Spanned<String>,
        ports: PortList,
    ) -> Result<Pattern, SiteError> {
        let parsed = transport.get_ref().parse::<Transport>();
        let transport = parsed.map_err(|_| {
            let problem = format!("{:?} is not a transport protocol", transport.get_ref());
            self.source.error(&transport.span(), problem, "use \"tcp\" or \"udp\"")
        })?;
        Ok(Pattern { from: self.who(from)?, to: self.who(to)?, transport, ports: ports.0 })
    }

    /// Text that somebody has to have written.
    fn filled(&self, text: &Spanned<String>, what: &str) -> Result<String, SiteError> {
        let trimmed = text.get_ref().trim();
        if trimmed.is_empty() {
            let problem = format!("the {what} is empty");
            return Err(self.source.error(
                &text.span(),
                problem,
                format!("write the {what}: a reviewer will ask for it"),
            ));
        }
        Ok(trimmed.to_owned())
    }

    fn allow(&self, entry: Spanned<AllowForm>) -> Result<Allowed, SiteError> {
        let line = self.line(&entry.span());
        let form = entry.into_inner();
        let pattern = self.pattern(&form.from, &form.to, &form.transport, form.port)?;
        Ok(Allowed { pattern, service: form.service, reason: self.filled(&form.reason, "reason")?, line })
    }

    fn accept(&self, entry: Spanned<AcceptForm>) -> Result<Accepted, SiteError> {
        let line = self.line(&entry.span());
        let form = entry.into_inner();
        let pattern = self.pattern(&form.from, &form.to, &form.transport, form.port)?;
        let owner = self.filled(&form.owner, "owner")?;
        let reason = self.filled(&form.reason, "reason")?;
        Ok(Accepted { pattern, owner, reason, expires: form.expires.map(|date| date.0), line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = r#"
[site]
name = "Plant 7"
time_zone = "Europe/Vienna"

[[role]]
id = "historian"
title = "Historian"

[[host]]
network = "10.0.0.0/8"
name = "plant"
dynamic_range = "50000-50999"

[[host]]
network = "10.0.5.0/24"
name = "clients"
roles = ["client"]

[[host]]
address = "10.0.5.9"
name = "SRV"
roles = ["assetcentre-server", "licence-server"]
dynamic_range = "51000-51999"

[[host]]
address = "10.0.5.10"
name = "CLI10"

[[host]]
address = "10.0.6.1"
roles = ["historian"]

[[allow]]
from = "historian"
to = "10.0.5.0/24"
transport = "tcp"
port = [3389, "5900-5901"]
service = "remote desktop"
reason = "support contract"

[[accept]]
from = "any"
to = "10.0.5.9"
transport = "tcp"
port = 4444
owner = "J. Doe"
reason = "old backup agent"
expires = 2027-01-31

[[accept]]
from = "client"
to = "server"
transport = "udp"
port = "161-162"
owner = "NOC"
reason = "monitoring"
"#;

    /// 2027-02-01T00:00:00Z.
    const FEBRUARY_NS: i64 = 1_801_440_000 * 1_000_000_000;

    fn catalog() -> Catalog {
        Catalog::builtin().unwrap()
    }

    fn site() -> Site {
        Site::from_toml("site.toml", SITE, &catalog()).unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn error(text: &str) -> String {
        Site::from_toml("site.toml", text, &catalog()).unwrap_err().to_string()
    }

    #[test]
    fn the_most_specific_entry_wins_and_silence_falls_back() {
        let site = site();
        assert_eq!(site.name(ip("10.0.5.9")), "SRV");
        assert_eq!(site.roles(ip("10.0.5.9")), ["server", "licence-server"]);
        assert_eq!(site.dynamic_range(ip("10.0.5.9")), 51000..=51999);
        // Silent about roles and range: the networks around it decide, the narrow one before the wide one.
        assert_eq!(site.name(ip("10.0.5.10")), "CLI10");
        assert_eq!(site.roles(ip("10.0.5.10")), ["client"]);
        assert_eq!(site.dynamic_range(ip("10.0.5.10")), 50000..=50999);
        assert_eq!(site.name(ip("10.0.5.77")), "clients");
        assert_eq!(site.name(ip("10.9.9.9")), "plant");
        assert!(site.roles(ip("10.9.9.9")).is_empty());
        assert!(site.host(ip("192.0.2.1")).is_none());
        assert_eq!(site.dynamic_range(ip("192.0.2.1")), 49152..=65535);
        assert!(site.host(ip("fd00::1")).is_none());
    }

    #[test]
    fn allows_by_role_and_network_only_what_is_written() {
        let site = site();
        let allows = |from, to, transport, port| site.allows(ip(from), ip(to), transport, port).is_some();
        assert!(allows("10.0.6.1", "10.0.5.200", Transport::Tcp, 3389));
        assert!(allows("10.0.6.1", "10.0.5.9", Transport::Tcp, 5901));
        assert!(!allows("10.0.6.1", "10.0.5.200", Transport::Udp, 3389));
        assert!(!allows("10.0.6.1", "10.0.7.1", Transport::Tcp, 3389));
        assert!(!allows("10.0.5.200", "10.0.6.1", Transport::Tcp, 3389));
        assert!(!allows("10.0.6.1", "10.0.5.200", Transport::Tcp, 5902));
    }

    #[test]
    fn an_exception_ends_with_its_last_day() {
        let site = site();
        let (from, to) = (ip("192.0.2.1"), ip("10.0.5.9"));
        let found = site.accepted(from, to, Transport::Tcp, 4444, FEBRUARY_NS - 1).unwrap();
        assert_eq!((found.owner.as_str(), found.expires.map(|d| d.to_string())), ("J. Doe", Some("2027-01-31".into())));
        assert!(site.expired(from, to, Transport::Tcp, 4444, FEBRUARY_NS - 1).is_none());
        assert!(site.accepted(from, to, Transport::Tcp, 4444, FEBRUARY_NS).is_none());
        assert!(site.expired(from, to, Transport::Tcp, 4444, FEBRUARY_NS).is_some());
        assert!(site.accepted(ip("10.0.5.1"), to, Transport::Udp, 162, i64::MAX).is_some());
        assert!(site.accepted(from, to, Transport::Udp, 162, 0).is_none());
    }

    #[test]
    fn entries_know_their_line() {
        let site = site();
        let line = |needle: &str| SITE.lines().position(|l| l == needle).unwrap() + 1;
        assert_eq!(site.host(ip("10.0.5.9")).unwrap().line, line("address = \"10.0.5.9\""));
        assert_eq!(site.allowed_entries()[0].line, line("[[allow]]"));
        assert_eq!(site.accepted_entries()[0].line, line("[[accept]]"));
    }

    #[test]
    fn an_unknown_role_gets_a_suggestion_and_its_place() {
        assert_eq!(
            error("[[host]]\naddress = \"10.0.0.1\"\nroles = [\"client\", \"sql-sever\"]\n"),
            "site.toml:3:20: unknown role \"sql-sever\"; did you mean \"sql-server\"?"
        );
        let far = error("[[host]]\naddress = \"10.0.0.1\"\nroles = [\"zzz\"]\n");
        assert!(far.contains("use one of these roles: server, agent"), "{far}");
    }

    #[test]
    fn mistakes_are_answered_with_place_and_advice() {
        let accept = "[[accept]]\nfrom = \"any\"\nto = \"server\"\ntransport = \"tcp\"\nport = 1\n";
        let whole = format!("{accept}owner = \"o\"\nreason = \"r\"\n");
        for (text, part) in [
            ("[[host]]\naddress = \"10.0.0.300\"\n", "site.toml:2:11: \"10.0.0.300\" is not an address"),
            (
                "[[host]]\nnetwork = \"10.0.0.1/24\"\n",
                "2:11: 10.0.0.1/24 has bits beyond its prefix; write 10.0.0.0/24",
            ),
            ("[[host]]\nname = \"x\"\n", "1:1: the host has not exactly one of"),
            (
                "[[host]]\naddress = \"::1\"\n[[host]]\naddress = \"0::1\"\n",
                "4:11: ::1 has an entry already, in line 2",
            ),
            ("[[host]]\naddress = \"::1\"\ndynamic_range = \"9-3\"\n", "3:17: the range 9-3 ends before it begins"),
            ("[[host]]\nadress = \"::1\"\n", "2:1: unknown field `adress`"),
            ("[[host]]\nadress = \"::1\"\n", "did you mean \"address\"?"),
            ("[site]\ntime_zone = \"a b\"\n", "2:13: \"a b\" is not a time zone"),
            ("[site\n", "site.toml:1:6"),
            (accept, "missing field `owner`; add `owner = …`"),
            (&format!("{accept}owner = \" \"\nreason = \"r\"\n"), "6:9: the owner is empty"),
            (&format!("{accept}owner = \"o\"\nreason = \"\"\n"), "7:10: the reason is empty"),
            (&format!("{accept}owner = \"o\"\nreason = \"r\"\nexpires = \"soon\"\n"), "8:11: \"soon\" is not a date"),
            (
                &format!("{accept}owner = \"o\"\nreason = \"r\"\nexpires = \"2027-02-29\"\n"),
                "8:11: \"2027-02-29\" is not",
            ),
            (&format!("{accept}owner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01T00:00:00Z\n"), "8:11: 2027-01-01T"),
            (&whole.replace("any", "10.0.0"), "2:8: \"10.0.0\" is not an address"),
            (&whole.replace("tcp", "sctp"), "4:13: \"sctp\" is not a transport protocol"),
            (&whole.replace("= 1", "= 70000"), "5:8: 70000 is not a port"),
            (&whole.replace("= 1", "= []"), "5:8: the list of ports is empty"),
            ("[[role]]\nid = \"agent\"\ntitle = \"A\"\n", "2:6: the role \"agent\" exists already"),
            ("[[role]]\nid = \"A b\"\ntitle = \"A\"\n", "2:6: \"A b\" is not an identifier"),
        ] {
            let found = error(text);
            assert!(found.contains(part), "{text}\n{found}\nshould hold {part}");
        }
    }

    #[test]
    fn a_cut_or_deeply_nested_site_file_is_answered() {
        for end in 0..SITE.len() {
            if let Err(error) = Site::from_toml("site.toml", &SITE[..end], &Catalog::empty()) {
                assert!(matches!(error, SiteError::Text { .. }), "{error}");
            }
        }
        for deep in ["[".repeat(100_000), format!("a = {}", "[".repeat(100_000)), "a.".repeat(100_000)] {
            assert!(Site::from_toml("site.toml", &deep, &Catalog::empty()).is_err());
        }
    }

    #[test]
    fn an_empty_site_knows_nothing() {
        let site = Site::from_toml("site.toml", "", &catalog()).unwrap();
        assert_eq!(site, Site::default());
    }
}
