//! The nouns: every type that crosses a door between rooms.
//!
//! No I/O, no Polars, no clocks. Units come last in names (`first_seen_ns`, `wire_bytes`).

mod application;
mod capture;
mod cell;
mod decimal;
mod display_filter;
mod encapsulation;
mod flow;
mod flows;
mod frame;
mod host_table;
mod judged;
mod packet;
mod port_charts;
mod ports;
mod referral;
mod remark;
mod restart;
mod sink;
mod socket;
mod table;
mod tally;

pub use application::{
    Announced, Announcement, Answer, Certainty, Detail, DetailKind, FlowDetail, Mechanism, Protocol, Recognised, Tier,
};
pub use capture::{CaptureEnd, CaptureSummary, InterfaceSummary, ReadingCounts};
pub use cell::Cell;
pub use decimal::{push_address, push_number};
pub use display_filter::{
    announcement_filter, contact_filter, direction_filter, endpoint_filter, flow_filter, range_filter, sender_filter,
};
pub use encapsulation::{Encapsulation, Tunnel, Tunnels};
pub use flow::{
    Activity, DirectionFacts, EndReason, Endpoint, FlowKey, FlowRecord, IcmpFacts, Side, TcpState, Transport,
};
pub use flows::Flows;
pub use frame::{CaptureIndex, Frame, Heading, LinkType, Position, Process, believed_wire_bytes};
pub use host_table::{
    HostAddresses, HostRange, HostRangeKind, HostSocket, HostTable, HostTableCounts, HostTableFormat, HostTableRow,
    HostTableSource, HostTableWarning, IpVersions, SocketState,
};
pub use judged::{
    BlockedAttempt, CaptureRow, Finding, FindingKind, JudgedFlow, Judgement, OneSidedPair, Orientation, Outcome,
    Status, TcpSides,
};
pub use packet::{
    Content, Decoded, Fragment, FragmentKey, IcmpError, IcmpKind, LaterFragment, Layer, Packet, Segment, Stop,
    TcpHeader, flags,
};
pub use port_charts::{Accumulation, AccumulationAhead, AccumulationPoint, PortsInUse, Sweep, SweepEntry};
pub use ports::{HostPorts, IdleListener, Listener};
pub use referral::{AnnouncementRow, FollowUp, Referral, Tie};
pub use remark::{CommentFact, CommentPlace, NameFact, NameSource};
pub use restart::{MovedPort, Restart, RestartKind};
pub use sink::FlowSink;
pub use socket::{SocketFact, SocketRow};
pub use table::{Column, Kind, Table, Value};
pub use tally::{Fate, Tally};
