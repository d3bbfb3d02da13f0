//! Sockets: which process of a host was behind an endpoint.

use super::flow::{Endpoint, Transport};
use super::frame::{CaptureIndex, Position, Process};

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

/// A socket fact as read back from a store: a row of the `sockets` facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketRow {
    /// The capture file of the frame that showed it.
    pub capture: CaptureIndex,
    /// That frame.
    pub frame: u64,
    /// Its time.
    pub time_ns: i64,
    /// Transport.
    pub transport: Transport,
    /// The endpoint of the recording host.
    pub local: Endpoint,
    /// The other end.
    pub remote: Endpoint,
    /// Process identifier.
    pub process_id: u32,
    /// Name of the program: hostile text.
    pub process_name: String,
}
