//! The site: which address has which role, what the site allows beyond the documents, and accepted exceptions.

use super::document::{ANY_ROLE, Role};
use super::port_range::PortRange;
use crate::model::Transport;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// The dynamic range of a host for which the site file names none: the default of Windows since Vista and Server 2008
/// (RFC 6335, section 6, reserves the same numbers).
pub const DEFAULT_DYNAMIC_RANGE: RangeInclusive<u16> = 49152..=65535;

/// Nanoseconds of a day.
const DAY_NS: i128 = 86_400 * 1_000_000_000;

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// A day; `None` where the calendar has no such day.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (1..=days).contains(&day).then_some(Self { year, month, day })
    }

    /// The first nanosecond after the day, since 1970-01-01 UTC. The day is taken in UTC.
    fn end_ns(self) -> i128 {
        // Days from civil, counted in years that begin in March so that the leap day comes last.
        let year = i128::from(self.year) - i128::from(self.month <= 2);
        let month = (i128::from(self.month) + 9) % 12;
        let day_of_year = (153 * month + 2) / 5 + i128::from(self.day) - 1;
        let days =
            year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468;
        (days + 1) * DAY_NS
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

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

/// One end of an allowed or accepted conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Every host.
    Any,
    /// Hosts that have this role in the site file.
    Role(String),
    /// Hosts with these addresses.
    Target(Target),
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
    /// Last day (UTC) on which it holds; `None` without end.
    pub expires: Option<Date>,
    /// Line of the site file, from 1.
    pub line: usize,
}

impl Accepted {
    /// Whether it holds for a packet of this time (ns since 1970-01-01 UTC).
    #[must_use]
    pub fn holds_at(&self, time_ns: i64) -> bool {
        self.expires.is_none_or(|date| i128::from(time_ns) < date.end_ns())
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
    /// Time zone of the plant, as given: an IANA name, or `UTC`. For people; nothing is computed with it.
    pub time_zone: String,
    pub(super) roles: Vec<Role>,
    pub(super) addresses: BTreeMap<IpAddr, SiteHost>,
    /// Longest prefix first.
    pub(super) networks: Vec<SiteHost>,
    pub(super) allowed: Vec<Allowed>,
    pub(super) accepted: Vec<Accepted>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            name: String::new(),
            time_zone: "UTC".to_owned(),
            roles: Vec::new(),
            addresses: BTreeMap::new(),
            networks: Vec::new(),
            allowed: Vec::new(),
            accepted: Vec::new(),
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
        let named = self.entries(ip).find_map(|host| host.dynamic_range);
        named.map_or(DEFAULT_DYNAMIC_RANGE, PortRange::as_inclusive)
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
        match who {
            Who::Any => true,
            Who::Target(target) => target.contains(ip),
            Who::Role(role) => self.roles(ip).contains(role),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_is_kept() {
        assert!(Date::new(2028, 2, 29).is_some());
        assert!(Date::new(2100, 2, 29).is_none());
        assert!(Date::new(2027, 4, 31).is_none());
        assert!(Date::new(2027, 0, 1).is_none());
        assert!(Date::new(2027, 13, 1).is_none());
    }

    #[test]
    fn a_day_ends_at_midnight_utc() {
        // 2027-02-01T00:00:00Z is 1801440000 s after the epoch (checked with `date -u -d 2027-02-01 +%s`).
        assert_eq!(Date::new(2027, 1, 31).unwrap().end_ns(), 1_801_440_000 * 1_000_000_000);
        assert_eq!(Date::new(1969, 12, 31).unwrap().end_ns(), 0);
        assert_eq!(Date::new(2024, 2, 29).unwrap().end_ns(), 1_709_251_200 * 1_000_000_000);
    }
}
