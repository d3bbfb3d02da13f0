//! Sockets: which process of a host was behind an endpoint.

use super::flow::{Endpoint, Transport};
use super::frame::{Position, Process};

/// A process behind an endpoint, as something that knew the host told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketFact<'a> {
    /// The frame that showed it.
    pub position: Position,
    /// Its time.
    pub time_ns: i64,
    /// Transport.
    pub transport: Transport,
    /// The endpoint of the recording host.
    pub local: Endpoint,
    /// The other end.
    pub remote: Endpoint,
    /// The process.
    pub process: Process<'a>,
}
