//! The cast: the hosts, and the dynamic listeners that they offer.

use super::dice::Dice;
use std::net::Ipv4Addr;

/// Dynamic ports of current Windows and, by the AssetCentre guide, of the vendor's software.
pub(crate) const DYNAMIC_FIRST: u16 = 49_152;
/// FTActivationBoost.exe (Tables 8, 10, 12 of the guide): a documented port inside the dynamic range.
pub(crate) const ACTIVATION_BOOST: u16 = 54_967;
/// RsvcHost.exe (Table 7 of the guide): another one.
pub(crate) const RSVC_HOST: u16 = 60_093;
/// All documented ports inside the dynamic range: the two above and the fallbacks of the first.
pub(crate) const STATIC_IN_RANGE: [u16; 10] =
    [ACTIVATION_BOOST, 54_977, 54_987, 55_967, 55_977, 55_987, 61_967, 61_977, 61_987, RSVC_HOST];

/// How many dynamic listeners are contacted on the server: what the guide observed in its test architecture.
pub(crate) const SERVER_LISTENERS: usize = 51;
/// The same for the agent.
pub(crate) const AGENT_LISTENERS: usize = 68;

/// What kind of TCP/IP stack a host has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    /// Windows.
    Windows,
    /// Linux.
    Linux,
    /// A controller: no window scaling, no selective acknowledgement.
    Controller,
}

impl Stack {
    pub(crate) fn time_to_live(self) -> u8 {
        match self {
            Self::Windows => 128,
            Self::Linux | Self::Controller => 64,
        }
    }
}

/// One of the hosts, by its place in [`HOSTS`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Who {
    /// Domain controller.
    Domain,
    /// AssetCentre server, which is the FactoryTalk Directory server as well.
    Server,
    /// SQL server, a host of its own.
    Sql,
    /// AssetCentre agent.
    Agent,
    /// AssetCentre client.
    Client,
    /// Logix controller.
    Controller,
    /// Licence server.
    License,
    /// An engineering laptop that nobody has put into the site file with a role.
    Outsider,
    /// The bridging firewall between the cells: it only ever speaks ICMP.
    Firewall,
}

/// A host.
pub(crate) struct Host {
    /// Who it is.
    pub(crate) who: Who,
    /// Name in site and truth file.
    pub(crate) name: &'static str,
    /// Address.
    pub(crate) ip: Ipv4Addr,
    /// Locally administered hardware address.
    pub(crate) mac: [u8; 6],
    /// Roles in the site file.
    pub(crate) roles: &'static [&'static str],
    /// TCP/IP stack.
    pub(crate) stack: Stack,
}

const fn host(who: Who, name: &'static str, last: u8, roles: &'static [&'static str], stack: Stack) -> Host {
    let mac = [0x02, 0x00, 0x5e, 0x10, 0x1e, last];
    Host { who, name, ip: Ipv4Addr::new(10, 20, 30, last), mac, roles, stack }
}

/// Everybody, in the order of [`Who`].
pub(crate) const HOSTS: [Host; 9] = [
    host(Who::Domain, "dc01", 10, &["domain-controller"], Stack::Windows),
    host(Who::Server, "ftac-srv", 20, &["server", "directory-server"], Stack::Windows),
    host(Who::Sql, "ftac-sql", 21, &["sql-server"], Stack::Windows),
    host(Who::Agent, "ftac-agent", 30, &["agent"], Stack::Windows),
    host(Who::Client, "ftac-client", 40, &["client"], Stack::Windows),
    host(Who::Controller, "plc-line1", 50, &["controller"], Stack::Controller),
    host(Who::License, "lic01", 60, &["licence-server"], Stack::Linux),
    host(Who::Outsider, "eng-laptop", 77, &[], Stack::Windows),
    host(Who::Firewall, "cell-firewall", 1, &[], Stack::Linux),
];

impl Who {
    /// The host.
    pub(crate) fn host(self) -> &'static Host {
        &HOSTS[self as usize]
    }
}

/// A dynamic port at which a host serves.
#[derive(Clone)]
pub(crate) struct Listener {
    /// The serving host.
    pub(crate) host: Who,
    /// Its port.
    pub(crate) port: u16,
    /// Interface, as on the wire. Invented: no vendor's identifier.
    pub(crate) interface: [u8; 16],
    /// Executable of the vendor's dynamic list, empty for a listener that nothing explains.
    pub(crate) process: &'static str,
    /// Who uses it.
    pub(crate) users: Vec<Who>,
}

impl Listener {
    /// Whether nothing leads to it.
    pub(crate) fn is_stray(&self) -> bool {
        self.process.is_empty()
    }

    /// Whether the client takes it for notifications: no interface, and no endpoint mapper knows it.
    pub(crate) fn is_notified(&self) -> bool {
        self.interface == [0; 16]
    }

    /// Whether the endpoint mapper of its host announces it.
    pub(crate) fn is_announced(&self) -> bool {
        !self.is_stray() && !self.is_notified()
    }
}

/// Executables of the server's dynamic list (the list below Table 8 of the guide).
const SERVER_PROCESSES: [&str; 20] = [
    "RnaDirServer.exe",
    "RnaDirMultiplexor.exe",
    "EventServer.exe",
    "EventClientMultiplexer.exe",
    "RA.FTAC.Server.exe",
    "RsvcHost.exe",
    "FTLinxServices.exe",
    "RSLinxNG.exe",
    "RSLinxNG02.exe",
    "RSLINX.EXE",
    "RA.FTAC.AgentController Service.exe",
    "flexsvr.exe",
    "FTActivationBoost.exe",
    "ActivationNotifier.exe",
    "CodeMeterCC.exe",
    "FTCounterMonitor.exe",
    "FTLShortcutEditorDP.exe",
    "FTLShortcutEditorUISvc.exe",
    "ftsp-web-server.exe",
    "RdcyHost.exe",
];

/// Executables of the agent's dynamic list (the list below Table 10): the server's and two more.
const AGENT_PROCESSES: [&str; 22] = [
    "LogixDesigner.exe",
    "RSLINX.EXE",
    "LdSdkServer.exe",
    "RSLinxNG.exe",
    "RSLinxNG02.exe",
    "RA.FTAC.AgentController Service.exe",
    "RnaDirMultiplexor.exe",
    "RnaDirServer.exe",
    "EventServer.exe",
    "EventClientMultiplexer.exe",
    "RA.FTAC.Server.exe",
    "RsvcHost.exe",
    "FTLinxServices.exe",
    "flexsvr.exe",
    "FTActivationBoost.exe",
    "ActivationNotifier.exe",
    "CodeMeterCC.exe",
    "FTCounterMonitor.exe",
    "FTLShortcutEditorDP.exe",
    "FTLShortcutEditorUISvc.exe",
    "ftsp-web-server.exe",
    "RdcyHost.exe",
];

/// Who contacts the listeners that nothing explains: on the server, then on the agent. None of them asks that host's
/// endpoint mapper within a minute before, and no step of a documented flow runs in that direction.
const STRAYS_ON_SERVER: [Who; 4] = [Who::Outsider, Who::Outsider, Who::License, Who::Domain];
const STRAYS_ON_AGENT: [Who; 5] = [Who::Outsider, Who::Outsider, Who::License, Who::Domain, Who::Client];

/// The listeners of server, agent and client.
pub(crate) fn listeners(dice: &mut Dice) -> Vec<Listener> {
    let mut all = Vec::new();
    let server = SERVER_LISTENERS - STRAYS_ON_SERVER.len();
    add(&mut all, dice, Who::Server, &SERVER_PROCESSES, server, &STRAYS_ON_SERVER, [Who::Agent, Who::Client]);
    let agent = AGENT_LISTENERS - STRAYS_ON_AGENT.len();
    add(&mut all, dice, Who::Agent, &AGENT_PROCESSES, agent, &STRAYS_ON_AGENT, [Who::Server, Who::Client]);
    add(
        &mut all,
        dice,
        Who::Client,
        &["RnaDirMultiplexor.exe", "EventClientMultiplexer.exe"],
        4,
        &[],
        [Who::Server; 2],
    );
    all
}

/// Listeners of one host: `announced` by its endpoint mapper, then those that nothing explains, one for each of `strays`.
fn add(
    all: &mut Vec<Listener>,
    dice: &mut Dice,
    host: Who,
    processes: &[&'static str],
    announced: usize,
    strays: &[Who],
    users: [Who; 2],
) {
    let ports = ports(all, dice, host, announced / 4, announced + strays.len());
    for (n, port) in ports.into_iter().enumerate() {
        let interface = interface(dice);
        let listener = match n.checked_sub(announced) {
            Some(stray) => Listener { host, port, interface, process: "", users: vec![strays[stray]] },
            None => {
                let mut users = users.to_vec();
                if dice.percent(50) {
                    users.swap(0, 1);
                }
                // Most listeners have one user.
                users.truncate(if dice.percent(20) { 2 } else { 1 });
                users.dedup();
                Listener { host, port, interface, process: processes[n % processes.len()], users }
            }
        };
        all.push(listener);
    }
}

/// Dynamic ports that a host does not have yet. Boot-time services hold neighbouring ports, the rest is scattered over the
/// range.
fn ports(all: &[Listener], dice: &mut Dice, host: Who, at_boot: usize, count: usize) -> Vec<u16> {
    let mut ports = Vec::new();
    while ports.len() < count {
        let port = match ports.len() {
            n if n < at_boot => 49_664 + dice.below(40) as u16,
            _ => DYNAMIC_FIRST + dice.below(16_384) as u16,
        };
        let is_taken = ports.contains(&port) || all.iter().any(|l| l.host == host && l.port == port);
        if !is_taken && !STATIC_IN_RANGE.contains(&port) {
            ports.push(port);
        }
    }
    ports
}

/// All listeners of server and agent, each announced by the endpoint mapper of its host.
pub(crate) fn announced(dice: &mut Dice) -> Vec<Listener> {
    let mut all = Vec::new();
    add(&mut all, dice, Who::Server, &SERVER_PROCESSES, SERVER_LISTENERS, &[], [Who::Agent, Who::Client]);
    add(&mut all, dice, Who::Agent, &AGENT_PROCESSES, AGENT_LISTENERS, &[], [Who::Server, Who::Client]);
    all
}

/// Gives the listeners of a host, in their order, at other ports: as after a restart.
pub(crate) fn moved(all: &[Listener], dice: &mut Dice, host: Who) -> Vec<Listener> {
    let before: Vec<&Listener> = all.iter().filter(|listener| listener.host == host).collect();
    // Fewer neighbours than before: there is no room for twice as many among 40 ports.
    let ports = ports(all, dice, host, before.len() / 8, before.len());
    before.into_iter().zip(ports).map(|(listener, port)| Listener { port, ..listener.clone() }).collect()
}

/// A random identifier (RFC 9562 version 4), in the little-endian form of DCE/RPC.
fn interface(dice: &mut Dice) -> [u8; 16] {
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&dice.bytes(16));
    uuid[7] = 0x40 | (uuid[7] & 0x0f);
    uuid[8] = 0x80 | (uuid[8] & 0x3f);
    uuid
}
