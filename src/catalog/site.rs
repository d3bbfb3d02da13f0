//! The site: which address has which role and lies in which zone, what the site allows beyond the documents, which
//! exceptions somebody accepted, and where its ports differ from the documents.

use super::document::{ANY_ROLE, Role};
use super::port_range::PortRange;
use super::site_change::{Override, Pin};
use super::site_time::Date;
use crate::model::Transport;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// The dynamic range of a host for which the site file names none: the default of Windows since Vista and Server 2008
/// (RFC 6335, section 6, reserves the same numbers).
pub const DEFAULT_DYNAMIC_RANGE: RangeInclusive<u16> = 49152..=65535;

/// What an entry of the site file is about: one address, or a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// One address.
    Address(IpAddr),
    /// All addresses of a network.
    Network(IpNet),
}

impl Target {
    /// Whether it holds the address.
    #[must_use]
    pub fn contains(self, ip: IpAddr) -> bool {
        match self {
            Self::Address(own) => own == ip,
            Self::Network(net) => net.contains(&ip),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(ip) => ip.fmt(f),
            Self::Network(net) => net.fmt(f),
        }
    }
}

/// One end of an allowed or accepted conversation, or the hosts of a pinned port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Every host.
    Any,
    /// Hosts that have this role.
    Role(String),
    /// Hosts with these addresses.
    Target(Target),
}

impl Who {
    /// Whether it means a host with this address and these roles.
    #[must_use]
    pub fn is<R: AsRef<str>>(&self, ip: IpAddr, roles: &[R]) -> bool {
        match self {
            Self::Any => true,
            Self::Target(target) => target.contains(ip),
            Self::Role(own) => roles.iter().any(|role| role.as_ref() == own),
        }
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str(ANY_ROLE),
            Self::Role(role) => f.write_str(role),
            Self::Target(target) => target.fmt(f),
        }
    }
}

/// A part of the plant with rules of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Short name: lower case, digits, hyphens.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// Its networks, in the order of the file. Host entries may name the zone besides.
    pub networks: Vec<IpNet>,
    /// Line of the site file, from 1.
    pub line: usize,
}

/// An entry of the site file about a host or a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteHost {
    /// Which addresses.
    pub target: Target,
    /// Name for people, or empty.
    pub name: String,
    /// Roles; `None` where the entry is silent and the network around it decides.
    pub roles: Option<Vec<String>>,
    /// Dynamic range; `None` where the entry is silent and the network around it decides.
    pub dynamic_range: Option<PortRange>,
    /// Zone; `None` where the entry is silent and the networks around it decide.
    pub zone: Option<String>,
    /// Line of the site file, from 1.
    pub line: usize,
}

/// Which conversations an `[[allow]]` or `[[accept]]` entry covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) from: Who,
    pub(super) to: Who,
    pub(super) transport: Transport,
    pub(super) ports: Vec<PortRange>,
}

/// A conversation that the site allows beyond the callers that the documents name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    pub(super) pattern: Pattern,
    /// Service for people, where given.
    pub service: Option<String>,
    /// Why the site allows it.
    pub reason: String,
    /// Line of the site file, from 1.
    pub line: usize,
}

/// An exception that somebody answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub(super) pattern: Pattern,
    /// Who answers for it.
    pub owner: String,
    /// Why it is accepted.
    pub reason: String,
    /// Last day on which it holds, in the site's time zone; `None` without end.
    pub expires: Option<Date>,
    /// When that day ends, ns since 1970-01-01 UTC.
    pub(super) ends_ns: Option<i128>,
    /// Line of the site file, from 1.
    pub line: usize,
}

impl Accepted {
    /// Whether it holds for a packet of this time (ns since 1970-01-01 UTC).
    #[must_use]
    pub fn holds_at(&self, time_ns: i64) -> bool {
        self.ends_ns.is_none_or(|end_ns| i128::from(time_ns) < end_ns)
    }
}

macro_rules! pattern_accessors {
    ($type:ty) => {
        impl $type {
            /// Who may initiate.
            #[must_use]
            pub fn from(&self) -> &Who {
                &self.pattern.from
            }

            /// Who may be called.
            #[must_use]
            pub fn to(&self) -> &Who {
                &self.pattern.to
            }

            /// Transport.
            #[must_use]
            pub fn transport(&self) -> Transport {
                self.pattern.transport
            }

            /// Ports at the called host.
            #[must_use]
            pub fn ports(&self) -> &[PortRange] {
                &self.pattern.ports
            }
        }
    };
}
pattern_accessors!(Allowed);
pattern_accessors!(Accepted);

/// What the site file says. [`Site::default`] is a site of which nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Name for people, or empty.
    pub name: String,
    /// Time zone of the plant: a name of the IANA database. Accepted exceptions end with a day in it; every time that is
    /// printed is UTC.
    pub time_zone: String,
    pub(super) roles: Vec<Role>,
    pub(super) addresses: BTreeMap<IpAddr, SiteHost>,
    /// Longest prefix first.
    pub(super) networks: Vec<SiteHost>,
    pub(super) zones: Vec<Zone>,
    /// Networks of zones with the identifier of the zone, longest prefix first.
    pub(super) zone_networks: Vec<(IpNet, String)>,
    pub(super) allowed: Vec<Allowed>,
    pub(super) accepted: Vec<Accepted>,
    pub(super) overrides: Vec<Override>,
    pub(super) pins: Vec<Pin>,
    pub(super) warnings: Vec<String>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            name: String::new(),
            time_zone: "UTC".to_owned(),
            roles: Vec::new(),
            addresses: BTreeMap::new(),
            networks: Vec::new(),
            zones: Vec::new(),
            zone_networks: Vec::new(),
            allowed: Vec::new(),
            accepted: Vec::new(),
            overrides: Vec::new(),
            pins: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl Site {
    /// The entries that hold an address, most specific first.
    fn entries(&self, ip: IpAddr) -> impl Iterator<Item = &SiteHost> + '_ {
        let networks = self.networks.iter().filter(move |host| host.target.contains(ip));
        self.addresses.get(&ip).into_iter().chain(networks)
    }

    /// The most specific entry that holds an address.
    #[must_use]
    pub fn host(&self, ip: IpAddr) -> Option<&SiteHost> {
        self.entries(ip).next()
    }

    /// All entries: addresses ascending, then networks, longest prefix first.
    pub fn hosts(&self) -> impl Iterator<Item = &SiteHost> + '_ {
        self.addresses.values().chain(&self.networks)
    }

    /// Roles of an address: those of the most specific entry that names any. Empty where none does.
    #[must_use]
    pub fn roles(&self, ip: IpAddr) -> &[String] {
        self.entries(ip).find_map(|host| host.roles.as_deref()).unwrap_or_default()
    }

    /// Name of the most specific entry that holds an address, or empty. May be the name of a network.
    #[must_use]
    pub fn name(&self, ip: IpAddr) -> &str {
        self.host(ip).map_or("", |host| &host.name)
    }

    /// Dynamic range of an address: that of the most specific entry that names one, else [`DEFAULT_DYNAMIC_RANGE`].
    #[must_use]
    pub fn dynamic_range(&self, ip: IpAddr) -> RangeInclusive<u16> {
        self.stated_dynamic_range(ip).unwrap_or(DEFAULT_DYNAMIC_RANGE)
    }

    /// Dynamic range of an address, where an entry names one.
    #[must_use]
    pub fn stated_dynamic_range(&self, ip: IpAddr) -> Option<RangeInclusive<u16>> {
        self.entries(ip).find_map(|host| host.dynamic_range).map(PortRange::as_inclusive)
    }

    /// Zone of an address: the one that its own entry names, else that of the longest prefix, whether a zone or a host
    /// entry gives it.
    #[must_use]
    pub fn zone(&self, ip: IpAddr) -> Option<&Zone> {
        let own = self.addresses.get(&ip).and_then(|host| host.zone.as_ref());
        let around = || self.zone_networks.iter().find(|(network, _)| network.contains(&ip)).map(|(_, id)| id);
        let id = own.or_else(around)?;
        self.zones.iter().find(|zone| zone.id == *id)
    }

    /// Zones, in the order of the file.
    #[must_use]
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// Ports that the site changed, in the order of the file.
    #[must_use]
    pub fn overrides(&self) -> &[Override] {
        &self.overrides
    }

    /// Ports to which the site fixed a daemon, in the order of the file.
    #[must_use]
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// What a reviewer should know about the file although it can be used, each with its place.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Roles that the site file itself declares.
    #[must_use]
    pub fn own_roles(&self) -> &[Role] {
        &self.roles
    }

    /// What the site allows, in the order of the file.
    #[must_use]
    pub fn allowed_entries(&self) -> &[Allowed] {
        &self.allowed
    }

    /// What the site accepts, in the order of the file.
    #[must_use]
    pub fn accepted_entries(&self) -> &[Accepted] {
        &self.accepted
    }

    fn is(&self, who: &Who, ip: IpAddr) -> bool {
        who.is(ip, self.roles(ip))
    }

    fn matches(&self, pattern: &Pattern, from: IpAddr, to: IpAddr, transport: Transport, port: u16) -> bool {
        pattern.transport == transport
            && pattern.ports.iter().any(|range| range.contains(port))
            && self.is(&pattern.from, from)
            && self.is(&pattern.to, to)
    }

    /// The first `[[allow]]` entry that covers a conversation. Roles are those of the site file only.
    #[must_use]
    pub fn allows(&self, initiator: IpAddr, responder: IpAddr, transport: Transport, port: u16) -> Option<&Allowed> {
        self.allowed.iter().find(|entry| self.matches(&entry.pattern, initiator, responder, transport, port))
    }

    /// The first `[[accept]]` entry that covers a conversation and holds at the time of its packet (ns since 1970 UTC).
    #[must_use]
    pub fn accepted(
        &self,
        initiator: IpAddr,
        responder: IpAddr,
        transport: Transport,
        port: u16,
        time_ns: i64,
    ) -> Option<&Accepted> {
        self.covering(initiator, responder, transport, port).find(|entry| entry.holds_at(time_ns))
    }

    /// An `[[accept]]` entry that covers a conversation but had expired at the time of its packet, where none holds.
    #[must_use]
    pub fn expired(
        &self,
        initiator: IpAddr,
        responder: IpAddr,
        transport: Transport,
        port: u16,
        time_ns: i64,
    ) -> Option<&Accepted> {
        let mut covering = self.covering(initiator, responder, transport, port).peekable();
        let first = covering.peek().copied();
        if covering.any(|entry| entry.holds_at(time_ns)) { None } else { first }
    }

    fn covering(
        &self,
        initiator: IpAddr,
        responder: IpAddr,
        transport: Transport,
        port: u16,
    ) -> impl Iterator<Item = &Accepted> + '_ {
        self.accepted.iter().filter(move |e| self.matches(&e.pattern, initiator, responder, transport, port))
    }
}
