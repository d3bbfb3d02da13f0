//! What a proposed site file says, and why: hosts with guessed roles, and the evidence of each guess.
//!
//! Values only. How they come about: `propose`, beside this file. How they are printed: the report room.

use crate::catalog::PortRef;
use crate::model::Orientation;
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// Hosts that a proposal lists at most.
pub const MOST_HOSTS: usize = 2_000;

/// A proposed site file, as values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proposal {
    /// Hosts that were heard, at most [`MOST_HOSTS`]: those with a guessed role first, then those that served, then the
    /// others; each group by address.
    pub hosts: Vec<ProposedHost>,
    /// Hosts that were heard and are left out beyond [`MOST_HOSTS`]: public addresses and hosts without a role first.
    pub left_out: u64,
    /// Networks of 24 bits (IPv4) or 64 bits (IPv6) that hold two of the hosts or more, with the number of their hosts, by
    /// address. A grouping for the reader: how the plant cuts its networks is not in a capture.
    pub networks: Vec<(IpNet, u64)>,
    /// Addresses that were called and never heard, by address; those that only sweeps called are left out.
    pub unheard: Vec<UnheardHost>,
    /// Further addresses of that kind, beyond what is listed.
    pub unheard_left_out: u64,
    /// Addresses that only sweeps called and that opened nothing.
    pub swept_only: u64,
    /// True where nothing but the segments that open connections was recorded.
    pub openings_only: bool,
}

/// A host that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedHost {
    /// Its address; IPv4 addresses written as IPv6 (`::ffff:…`) are IPv4.
    pub address: IpAddr,
    /// What kind of address it is.
    pub reach: Reach,
    /// Roles that its ports give away, in the order of the documents. Empty: none.
    pub roles: Vec<GuessedRole>,
    /// Roles that nearly fit.
    pub close_calls: Vec<CloseCall>,
    /// Ports at which it was seen to serve, by transport and number. Answers to sweeps are left out.
    pub served: Vec<ServedPort>,
    /// Further ports at which something answered, and why they do not count; by transport and number.
    pub doubtful: Vec<(PortRef, Doubt)>,
    /// Ports that it called and that answered: first those for which the documents name callers, the fewest before; then
    /// those that any document mentions; the dynamic range last; each by flows.
    pub called: Vec<CalledPort>,
    /// Flows that it opened, successful or not; the direction being at least probable.
    pub opened_flows: u64,
    /// Whether it fails at so many endpoints that it looks like a scanner.
    pub sweeps: bool,
}

/// Who else may have the same address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// What plants use: private (RFC 1918, RFC 6598), unique local (RFC 4193), or public and in a network of 24 or 64 bits
    /// within which hosts were seen to talk, as neighbours do.
    Local,
    /// Routed in the Internet: a host of the site, or somebody else's.
    Public,
    /// Valid on its own link only (RFC 3927, RFC 4291): elsewhere another host may have it.
    LinkLocal,
    /// The recording host itself.
    Loopback,
}

impl Reach {
    /// The kind of an address by itself.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        match ip {
            _ if ip.is_loopback() => Self::Loopback,
            IpAddr::V4(v4) if v4.is_link_local() => Self::LinkLocal,
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Self::LinkLocal,
            IpAddr::V4(v4) if v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64) => Self::Local,
            IpAddr::V6(v6) if v6.is_unique_local() => Self::Local,
            _ => Self::Public,
        }
    }
}

/// A role, and the ports that gave it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuessedRole {
    /// Identifier of the role.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its signature in the documents: the host served all of these.
    pub ports: Vec<PortRef>,
    /// How sure it is that the host served them: the least sure of its ports.
    pub orientation: Orientation,
}

/// A role that nearly fits. It is not proposed, and somebody should look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseCall {
    /// Identifier of the role.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Ports of its signature that the host served.
    pub served: Vec<PortRef>,
    /// What keeps it from being proposed.
    pub reason: CloseReason,
}

/// What keeps a role from being proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseReason {
    /// It fits, but the documents let these roles go before it.
    Outranked(Vec<String>),
    /// Not all ports of its signature were seen for sure.
    NotWhole {
        /// Ports for which something speaks.
        doubtful: Vec<(PortRef, Doubt)>,
        /// Ports that were not seen.
        missing: Vec<PortRef>,
    },
}

/// Why a port does not count as served although something answered there. The last one is the strongest evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Doubt {
    /// Only hosts that sweep were answered there: firewalls and decoys answer them too.
    AnsweredSweep,
    /// No handshake is in the recording, and which side serves is probable or a guess.
    Direction,
    /// Only one direction is in the recording.
    OneSided,
}

/// A port at which a host was seen to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedPort {
    /// Transport and number.
    pub port: PortRef,
    /// Distinct addresses that called it.
    pub clients: u64,
    /// Flows towards it.
    pub flows: u64,
    /// How sure it is that this side serves: the best of its flows. [`Orientation::Certain`]: a handshake was seen.
    pub orientation: Orientation,
    /// Whether any document mentions the port.
    pub documented: bool,
    /// Capture of the first flow.
    pub capture: Arc<str>,
    /// Its first frame in that capture.
    pub first_frame: u64,
}

/// A port that a host called, and that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledPort {
    /// Transport and number.
    pub port: PortRef,
    /// The servers' lowest address.
    pub server: IpAddr,
    /// How many servers.
    pub servers: u64,
    /// Flows.
    pub flows: u64,
    /// Whether any document mentions the port.
    pub documented: bool,
    /// Roles that the documents name as callers of the port at hosts with the servers' guessed roles, where they name few.
    /// Weak evidence: whoever should not call does so as well.
    pub callers: Vec<String>,
}

/// An address that was called and from which nothing but refusals came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnheardHost {
    /// The address.
    pub address: IpAddr,
    /// Whether it refused (RST): it is there, or a firewall speaks in its name.
    pub refused: bool,
    /// Distinct addresses that called.
    pub callers: u64,
    /// Distinct ports that were called.
    pub ports: u64,
    /// The lowest of these.
    pub lowest_port: PortRef,
}
