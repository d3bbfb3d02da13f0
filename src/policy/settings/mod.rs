//! Settings of a host that restrict its dynamic ports: what was decided, checked against what the systems take and
//! what is known to hurt. Writing it down in a dialect is `report::settings`.
//!
//! Sources: KB154596 (RPC `Internet` keys: at least 100 ports, above 5000, all or nothing), KB929851 (`netsh … dynamicport`:
//! at least 255 ports, from 1025 to 65535), learn.microsoft.com/windows/win32/com/endpoints (AppID `Endpoints`: 1024 to 65535),
//! the kernel's ip-sysctl (`ip_local_port_range`, `ip_local_reserved_ports`), smb.conf(5) (`rpc server dynamic port range`).
//!
//! Settings are no proof: nothing here has looked at a recording.

mod app_endpoint;
mod fixed_ports;

#[cfg(test)]
mod tests;

pub use crate::dynamic_ports::sizing::{FEWEST_ALLOCATION_PORTS, FEWEST_RPC_PORTS};
pub use app_endpoint::{AppEndpoint, AppId};
pub use fixed_ports::{FixedPort, documented_ports};

use crate::catalog::{DEFAULT_DYNAMIC_RANGE, PortRange};
use crate::model::Transport;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Lowest port that `netsh … set dynamicport` takes (KB929851).
pub const LOWEST_PORT: u16 = 1025;

/// Above this port RPC ranges should begin (KB154596).
pub const RPC_ABOVE: u16 = 5000;

/// Most parts into which static ports may cut a range: a command line of cmd.exe holds 8191 characters.
const MOST_PARTS: usize = 200;

/// Services of Windows itself in the registered range, which must not lose their ports: "Service overview and network port
/// requirements for Windows" (KB832017).
const WELL_KNOWN: [(u16, &str); 14] = [
    (1433, "SQL Server"),
    (1434, "SQL Server Browser"),
    (1801, "Message Queuing"),
    (3268, "Global Catalog"),
    (3269, "Global Catalog over TLS"),
    (3389, "Remote Desktop"),
    (5355, "LLMNR"),
    (5357, "Web Services for Devices"),
    (5358, "Web Services for Devices over TLS"),
    (5722, "DFS Replication"),
    (5985, "WinRM"),
    (5986, "WinRM over TLS"),
    (9389, "Active Directory Web Services"),
    (47001, "WinRM"),
];

/// What a range is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Listeners of the RPC runtime (DCOM among them): the safe choice. Outgoing connections are left alone.
    Rpc,
    /// Every port that the system gives out: listeners and outgoing connections of every program.
    Allocation,
}

/// For which system settings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Windows Vista, Server 2008 and later.
    Windows,
    /// Linux; for [`Scope::Rpc`] with Samba.
    Linux,
}

impl System {
    /// The range from which the system gives out ports where nobody changed it.
    #[must_use]
    pub fn default_range(self) -> PortRange {
        let (first, last) = match self {
            Self::Windows => (*DEFAULT_DYNAMIC_RANGE.start(), *DEFAULT_DYNAMIC_RANGE.end()),
            Self::Linux => (32_768, 60_999),
        };
        PortRange::spanning(first, last)
    }
}

/// What somebody wants to set. All of it is what a user typed or a file says, and not yet believed.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The range.
    pub range: PortRange,
    /// What it is for.
    pub scope: Scope,
    /// For which systems; each once.
    pub systems: Vec<System>,
    /// The hosts it is meant for; named in comments.
    pub hosts: Vec<IpAddr>,
    /// The range that Windows gives out ports from today.
    pub windows_before: PortRange,
    /// Static ports that belong to somebody. Those that matter are chosen from them.
    pub fixed: Vec<FixedPort>,
    /// Ports for single DCOM applications.
    pub endpoints: Vec<AppEndpoint>,
    /// Whether what only hurts, and is not impossible, is wanted all the same.
    pub insistence: Insistence,
}

/// How much the user insists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insistence {
    /// What would hurt is refused.
    Careful,
    /// What would hurt is said, and done.
    Forced,
}

/// Ports that the system must not give out, because somebody else needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Transport.
    pub transport: Transport,
    /// Neighbouring ports.
    pub ports: PortRange,
    /// Whose they are: the first few sources, as [`FixedPort::source`].
    pub sources: String,
}

/// Settings that the systems take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The range as it was wanted.
    pub range: PortRange,
    /// What it is for.
    pub scope: Scope,
    /// For which systems.
    pub systems: Vec<System>,
    /// The hosts it is meant for.
    pub hosts: Vec<IpAddr>,
    /// What undo puts back on Windows.
    pub windows_before: PortRange,
    /// The parts of the range that are not somebody's static TCP ports, ascending.
    pub pool: Vec<PortRange>,
    /// Static ports inside the range or inside a range that the systems give out, ascending.
    pub fixed: Vec<FixedPort>,
    /// Ports for single DCOM applications.
    pub endpoints: Vec<AppEndpoint>,
    /// What the user should know before using them.
    pub warnings: Vec<String>,
}

/// Why settings are not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The systems do not take the range, or it would hurt.
    #[error("{0}")]
    Range(String),
    /// An endpoint of an application cannot be used.
    #[error("{0}")]
    Endpoint(String),
}

impl Settings {
    /// The range from which a system gives out ports once the settings are used.
    #[must_use]
    pub fn allocation(&self, system: System) -> PortRange {
        match (self.scope, system) {
            (Scope::Allocation, _) => self.range,
            (Scope::Rpc, System::Windows) => self.windows_before,
            (Scope::Rpc, System::Linux) => system.default_range(),
        }
    }

    /// What the system must not give out: static ports inside [`Self::allocation`].
    #[must_use]
    pub fn reservations(&self, system: System) -> Vec<Reservation> {
        let allocation = self.allocation(system);
        let inside = self.fixed.iter().filter(|fixed| allocation.contains(fixed.at.port));
        let mut reserved: Vec<Reservation> = Vec::new();
        // `fixed` is sorted by transport, then port.
        for fixed in inside {
            let port = fixed.at.port;
            if let Some(last) = reserved.last_mut()
                && last.transport == fixed.at.transport
                && u32::from(last.ports.last()) + 1 == u32::from(port)
            {
                last.ports = PortRange::spanning(last.ports.first(), port);
                if !last.sources.contains(&fixed.source) && last.sources.len() < MOST_SOURCE_BYTES {
                    last.sources = format!("{}, {}", last.sources, fixed.source);
                }
                continue;
            }
            let ports = PortRange::spanning(port, port);
            reserved.push(Reservation { transport: fixed.at.transport, ports, sources: fixed.source.clone() });
        }
        reserved
    }

    /// How many ports of the range are left.
    #[must_use]
    pub fn usable(&self) -> u32 {
        self.pool.iter().map(|part| part.count()).sum()
    }
}

/// Sources of a reservation, in bytes, beyond which no further one is named.
const MOST_SOURCE_BYTES: usize = 120;

/// Checks a wish.
///
/// # Errors
/// What the systems refuse, or what would hurt and nobody insists on.
pub fn settle(wish: Wish) -> Result<Settings, Refusal> {
    let mut warnings = Vec::new();
    check_range(&wish)?;
    let known = well_known(&wish, &mut warnings)?;
    check_endpoints(&wish)?;
    let own = wish.endpoints.iter().map(AppEndpoint::as_fixed);
    let mut relevant: Vec<FixedPort> = wish.fixed.iter().cloned().chain(known).chain(own).collect();
    relevant.retain(|fixed| {
        let given_out = wish.systems.iter().any(|system| match (wish.scope, system) {
            (Scope::Allocation, _) => false,
            (Scope::Rpc, System::Windows) => wish.windows_before.contains(fixed.at.port),
            (Scope::Rpc, System::Linux) => system.default_range().contains(fixed.at.port),
        });
        given_out || wish.range.contains(fixed.at.port)
    });
    relevant.sort_by(|a, b| (a.at, &a.source).cmp(&(b.at, &b.source)));
    relevant.dedup_by_key(|fixed| fixed.at);
    let settings = Settings {
        pool: pool(wish.range, &relevant, wish.scope),
        range: wish.range,
        scope: wish.scope,
        systems: wish.systems,
        hosts: wish.hosts,
        windows_before: wish.windows_before,
        fixed: relevant,
        endpoints: wish.endpoints,
        warnings,
    };
    advise(settings, wish.insistence)
}

/// What no system takes.
fn check_range(wish: &Wish) -> Result<(), Refusal> {
    let Wish { range, scope, .. } = wish;
    if range.first() < LOWEST_PORT {
        return Err(Refusal::Range(format!(
            "{range} begins below {LOWEST_PORT}: those ports belong to system services, and netsh refuses them"
        )));
    }
    if *scope == Scope::Allocation && range.count() < FEWEST_ALLOCATION_PORTS {
        return Err(Refusal::Range(format!(
            "{range} has {} ports; netsh takes no dynamic range of less than {FEWEST_ALLOCATION_PORTS}",
            range.count()
        )));
    }
    Ok(())
}

/// Services of the system inside the range: refused, or with force left out of it.
fn well_known(wish: &Wish, warnings: &mut Vec<String>) -> Result<Vec<FixedPort>, Refusal> {
    let inside: Vec<(u16, &str)> = WELL_KNOWN.into_iter().filter(|(port, _)| wish.range.contains(*port)).collect();
    if inside.is_empty() {
        return Ok(Vec::new());
    }
    let named: Vec<String> = inside.iter().map(|(port, name)| format!("{port} {name}")).collect();
    let said = format!("{} overlaps ports of known services: {}", wish.range, named.join(", "));
    if wish.insistence == Insistence::Careful {
        return Err(Refusal::Range(format!("{said}; choose another range, or give --force to leave them out of it")));
    }
    warnings.push(format!("{said}. They are left out."));
    let both = |(port, name): &(u16, &str)| {
        [Transport::Tcp, Transport::Udp].map(|transport| FixedPort::new(transport, *port, name))
    };
    Ok(inside.iter().flat_map(both).collect())
}

fn check_endpoints(wish: &Wish) -> Result<(), Refusal> {
    if !wish.endpoints.is_empty() && !wish.systems.contains(&System::Windows) {
        return Err(Refusal::Endpoint("endpoints of applications are a setting of Windows: give --for windows".into()));
    }
    let (mut ports, mut apps) = (BTreeSet::new(), BTreeSet::new());
    for AppEndpoint { app, port } in &wish.endpoints {
        if *port < LOWEST_PORT {
            return Err(Refusal::Endpoint(format!("{app}: port {port} is below {LOWEST_PORT}")));
        }
        if !apps.insert(app) {
            return Err(Refusal::Endpoint(format!("{app} is given two ports: one application has one endpoint here")));
        }
        if !ports.insert(*port) {
            return Err(Refusal::Endpoint(format!("port {port} is given to two applications: they would collide")));
        }
        let taken = |fixed: &&FixedPort| fixed.at.transport == Transport::Tcp && fixed.at.port == *port;
        if let Some(owner) = wish.fixed.iter().find(taken) {
            return Err(Refusal::Endpoint(format!("{app}: port {port} belongs to {}", owner.source)));
        }
    }
    Ok(())
}

/// The range without static ports: those of TCP for RPC, of either transport for allocation.
fn pool(wanted: PortRange, fixed: &[FixedPort], scope: Scope) -> Vec<PortRange> {
    let counts = |fixed: &&FixedPort| scope == Scope::Allocation || fixed.at.transport == Transport::Tcp;
    let taken: BTreeSet<u16> = fixed.iter().filter(counts).map(|fixed| fixed.at.port).collect();
    let mut pool: Vec<PortRange> = Vec::new();
    for port in wanted.as_inclusive().filter(|port| !taken.contains(port)) {
        match pool.last_mut() {
            Some(last) if u32::from(last.last()) + 1 == u32::from(port) => {
                *last = PortRange::spanning(last.first(), port)
            }
            _ => pool.push(PortRange::spanning(port, port)),
        }
    }
    pool
}

/// Says what is allowed and should be known; refuses what would hurt.
fn advise(mut settings: Settings, insistence: Insistence) -> Result<Settings, Refusal> {
    let usable = settings.usable();
    let wanted = settings.range;
    let inside = || settings.fixed.iter().filter(|fixed| wanted.contains(fixed.at.port));
    let mut warnings = std::mem::take(&mut settings.warnings);
    if settings.pool.len() > MOST_PARTS {
        let parts = settings.pool.len();
        return Err(Refusal::Range(format!(
            "static ports cut {wanted} into {parts} parts: choose a range with fewer in it"
        )));
    }
    if let Some(first) = inside().next() {
        warnings.push(format!(
            "{} static ports lie inside {wanted}, {} ({}) among them; they are left out, and {usable} ports remain.",
            inside().count(),
            first.at,
            first.source
        ));
    }
    match settings.scope {
        Scope::Rpc => advise_rpc(&settings, usable, insistence, &mut warnings)?,
        Scope::Allocation => advise_allocation(&settings, usable, &mut warnings)?,
    }
    settings.warnings = warnings;
    Ok(settings)
}

fn advise_rpc(
    settings: &Settings,
    usable: u32,
    insistence: Insistence,
    warnings: &mut Vec<String>,
) -> Result<(), Refusal> {
    let wanted = settings.range;
    if usable < FEWEST_RPC_PORTS {
        let said = format!(
            "{wanted} leaves {usable} ports for RPC; Microsoft advises at least {FEWEST_RPC_PORTS}, and with too few services \
             fail to register, Netlogon among them"
        );
        // Nothing at all is no setting.
        if insistence == Insistence::Careful || usable == 0 {
            return Err(Refusal::Range(format!("{said}; widen it, or give --force if you measured that it is enough")));
        }
        warnings.push(format!("{said}."));
    }
    if wanted.first() <= RPC_ABOVE {
        warnings.push(format!("{wanted} begins at or below {RPC_ABOVE}: Microsoft advises RPC ranges above it."));
    }
    let overlaps = |other: PortRange| wanted.first() <= other.last() && other.first() <= wanted.last();
    if settings.systems.contains(&System::Windows) && overlaps(settings.windows_before) {
        warnings.push(format!(
            "{wanted} overlaps {}, from which Windows also serves outgoing connections: RPC may find its ports taken. A range \
             outside of it avoids that.",
            settings.windows_before
        ));
    }
    if settings.systems.contains(&System::Linux) && settings.pool.len() > 1 {
        warnings.push("Samba takes one range without gaps: static ports inside it are not left out there.".into());
    }
    Ok(())
}

fn advise_allocation(settings: &Settings, usable: u32, warnings: &mut Vec<String>) -> Result<(), Refusal> {
    let wanted = settings.range;
    if usable < FEWEST_ALLOCATION_PORTS {
        return Err(Refusal::Range(format!(
            "static ports inside {wanted} leave {usable} ports; less than {FEWEST_ALLOCATION_PORTS} are no dynamic range: widen it"
        )));
    }
    warnings.push(
        "This restricts every port that the system gives out, those of outgoing connections included. Where they run out, \
         connections fail at once. Unless a firewall filters by source port, pin RPC listeners with --scope rpc instead."
            .into(),
    );
    let same_parity = wanted.first() % 2 == wanted.last() % 2;
    if settings.systems.contains(&System::Linux) && same_parity {
        warnings.push(format!("The ends of {wanted} are both even or both odd: the kernel advises one of each."));
    }
    Ok(())
}
