//! Rows of port counts: per host, per listener, per epoch.

use super::flow::Transport;
use super::judged::{Orientation, Status};
use std::net::IpAddr;

/// A dynamic port at which a host acted as server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The listening host.
    pub host: IpAddr,
    /// Transport.
    pub transport: Transport,
    /// The port.
    pub port: u16,
    /// How sure it is that this side listens: the best orientation among its flows.
    pub orientation: Orientation,
    /// Documented service, or empty.
    pub service: String,
    /// The worst status among its flows, in the order of [`Status::ALL`].
    pub status: Status,
    /// The epoch of its host in which it was called first, from 1.
    pub epoch: u32,
    /// The port that its service has since it restarted.
    pub moved_to: Option<u16>,
    /// Visits: contacts of a client with no more than 60 s of silence between them.
    pub visits: u64,
    /// Whether it is known to listen whatever was visited: in use when the recording began, or for over an hour.
    pub known: bool,
    /// Flows towards it.
    pub flows: u64,
    /// Distinct client addresses.
    pub clients: u64,
    /// First contact.
    pub first_seen_ns: i64,
    /// Last packet.
    pub last_seen_ns: i64,
    /// The program behind it, as a host table says: hostile text; empty where none does.
    pub process: String,
    /// Where that stands: file and line; empty where none does.
    pub process_source: String,
    /// Capture of the first contact.
    pub capture: String,
    /// Frame of the first contact in that capture.
    pub first_frame: u64,
}

/// A dynamic port at which a host table shows a program waiting although no flow reached it: no capture can see these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleListener {
    /// The host.
    pub host: IpAddr,
    /// Transport. A UDP socket may be a client's.
    pub transport: Transport,
    /// The port.
    pub port: u16,
    /// The epoch of its host, from 1.
    pub epoch: u32,
    /// True where only the host itself can reach it.
    pub is_loopback: bool,
    /// The program behind it: hostile text; empty where the table has none.
    pub process: String,
    /// File and line that show it.
    pub source: String,
}

/// Port use of one host and transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPorts {
    /// The host.
    pub host: IpAddr,
    /// Its name in the site file, or empty.
    pub name: String,
    /// Its zone in the site file, or empty.
    pub zone: String,
    /// Its roles, or the guessed ones.
    pub roles: Vec<String>,
    /// True where the roles were guessed from what it served.
    pub roles_guessed: bool,
    /// Transport.
    pub transport: Transport,
    /// First and last port of its dynamic range.
    pub range: (u16, u16),
    /// Where the range comes from: site-file, host-table, observed or default.
    pub range_source: &'static str,
    /// Epochs: times between restarts of the host.
    pub epochs: u32,
    /// The epoch that is counted: the one with the most listeners.
    pub epoch: u32,
    /// Distinct dynamic ports that acted as server in that epoch (direction certain, strong or probable), documented static
    /// ones left out; a service that moved counts once.
    pub dynamic_listeners: u32,
    /// Of these, by certain or strong direction.
    pub dynamic_listeners_sure: u32,
    /// Of these, explained by sequence or referral.
    pub dynamic_listeners_explained: u32,
    /// Dynamic ports at which a host table shows a program waiting in that epoch although nobody called it; `None` without a
    /// table that lists such.
    pub idle_listeners: Option<u32>,
    /// Documented static ports inside the dynamic range that acted as server.
    pub static_in_range: u32,
    /// Distinct dynamic ports of flows whose direction is guessed or unknown: not in any of the other counts.
    pub direction_unknown: u32,
    /// Distinct ephemeral ports: local ports of connections that this host opened.
    pub ephemeral_ports: u32,
    /// Most dynamic ports in use at once: listeners throughout their epoch, ephemeral ports from first to last packet.
    pub peak_in_use: u32,
    /// When that peak was reached.
    pub peak_at_ns: Option<i64>,
    /// TIME-WAIT that is reckoned with, seconds.
    pub time_wait_s: u32,
    /// Most dynamic ports held at once, TIME-WAIT of what the host closed first included.
    pub peak_held: u32,
    /// When that peak was reached.
    pub peak_held_at_ns: Option<i64>,
    /// What held them then: listeners, conversations under way, TIME-WAIT.
    pub peak_held_by: [u32; 3],
    /// What the vendor's document printed as observed in its own test, for comparison only.
    pub document_observed: Option<u32>,
}
