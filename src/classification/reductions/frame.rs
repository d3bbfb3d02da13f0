//! Judged flows as a frame of numbers: what the reductions group by and add up, and nothing besides.

use crate::model::{Endpoint, JudgedFlow, Orientation, Outcome, Status, Transport};
use foldhash::fast::RandomState;
use polars::prelude::{Column, DataFrame, PlSmallStr, PolarsResult};
use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Range;

/// A judged flow, as far as the reductions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReducedFlow {
    /// Transport.
    pub transport: Transport,
    /// The initiator; where the direction is unknown, the sender of the first packet.
    pub initiator: Endpoint,
    /// The responder.
    pub responder: Endpoint,
    /// First packet, ns.
    pub first_seen_ns: i64,
    /// Last packet, ns.
    pub last_seen_ns: i64,
    /// Packets from the initiator.
    pub forward_packets: u64,
    /// Packets from the responder.
    pub reverse_packets: u64,
    /// Frame lengths on the wire, both directions, bytes.
    pub wire_bytes: u64,
    /// How sure the direction is.
    pub orientation: Orientation,
    /// How it relates to the documents.
    pub status: Status,
    /// Whether the responder was seen to serve: it accepted or answered, and the flow is no part of a sweep.
    pub served: bool,
    /// Whether it had begun before the recording did.
    pub begun_before: bool,
    /// Whether its initiator (`Some(true)`) or responder closed first and holds its port in TIME-WAIT.
    pub initiator_closed: Option<bool>,
    /// Whether it was still open when the recording ended.
    pub open_at_end: bool,
}

impl ReducedFlow {
    /// Of a judged flow.
    #[must_use]
    pub fn of(flow: &JudgedFlow) -> Self {
        let (forward, reverse) = (flow.forward(), flow.reverse());
        let is_tcp = flow.facts.key.transport == Transport::Tcp;
        Self {
            transport: flow.facts.key.transport,
            initiator: flow.judgement.initiator,
            responder: flow.judgement.responder,
            first_seen_ns: flow.facts.first_seen_ns,
            last_seen_ns: flow.facts.last_seen_ns,
            forward_packets: forward.packets,
            reverse_packets: reverse.packets,
            wire_bytes: forward.wire_bytes.saturating_add(reverse.wire_bytes),
            orientation: flow.judgement.orientation,
            status: flow.judgement.status,
            served: served(flow),
            begun_before: is_tcp && forward.syn + reverse.syn + forward.syn_ack + reverse.syn_ack == 0,
            initiator_closed: flow.facts.first_fin.map(|side| side == flow.initiator_side()),
            open_at_end: is_tcp && reverse.packets > 0 && forward.fin + reverse.fin + forward.rst + reverse.rst == 0,
        }
    }
}

/// Whether the flow shows that its responder serves that port: it answered, and the direction is more than a guess.
/// Sweeps and blocked attempts never count, whatever came back.
fn served(flow: &JudgedFlow) -> bool {
    let answered = match flow.judgement.outcome {
        Outcome::Established | Outcome::Midstream => flow.reverse().packets > u64::from(flow.reverse().rst),
        Outcome::OneSided => flow.reverse().syn_ack > 0,
        Outcome::Undetermined => flow.reverse().syn_ack > 0 && flow.forward().syn > 0,
        Outcome::Refused | Outcome::Unanswered | Outcome::Prohibited => false,
    };
    answered && flow.judgement.orientation >= Orientation::Probable && flow.judgement.status != Status::Scan
}

/// The frame, and the addresses that its host numbers stand for.
#[derive(Debug, Clone)]
pub struct JudgedFrame {
    /// One row per flow, in their order: `flow` numbers them from 0.
    pub data: DataFrame,
    /// Addresses by host number, in ascending order.
    pub hosts: Vec<IpAddr>,
    /// Numbers of the hosts whose rows the reductions give: all, unless the frame is narrowed.
    pub reduced: Range<u32>,
}

impl JudgedFrame {
    /// Makes the frame.
    ///
    /// # Errors
    /// When Polars refuses the columns.
    pub fn of(flows: impl Iterator<Item = ReducedFlow>) -> PolarsResult<Self> {
        let mut rows = JudgedRows::default();
        flows.for_each(|flow| rows.push(&flow));
        rows.frame()
    }

    /// The same flows, of which the reductions give the rows of some hosts only: those that respond, and those that hold ports.
    #[must_use]
    pub fn narrowed(&self, reduced: Range<u32>) -> Self {
        Self { data: self.data.clone(), hosts: self.hosts.clone(), reduced }
    }

    /// All hosts, cut so that the flows of each part are about as many as told; a host is never cut.
    ///
    /// # Errors
    /// When a column is missing.
    pub fn parts(&self, flows: usize) -> PolarsResult<Vec<Range<u32>>> {
        let mut ends = vec![0_usize; self.hosts.len()];
        for name in ["initiator_host", "responder_host"] {
            for host in self.data.column(name)?.u32()?.iter().flatten() {
                ends[host as usize] += 1;
            }
        }
        let (mut parts, mut start, mut gathered) = (Vec::new(), 0, 0);
        for (host, ends) in (0..).zip(ends) {
            if gathered > 0 && gathered + ends > flows {
                parts.push(start..host);
                (start, gathered) = (host, 0);
            }
            gathered += ends;
        }
        parts.push(start..self.hosts.len() as u32);
        Ok(parts)
    }

    /// First and last packet of all flows; `None` without flows.
    #[must_use]
    pub fn span_ns(&self) -> Option<(i64, i64)> {
        let times = |name| Some(self.data.column(name).ok()?.i64().ok()?.iter().flatten());
        times("first_seen_ns")?.min().zip(times("last_seen_ns")?.max())
    }
}

/// The frame under way.
#[derive(Debug, Default)]
pub struct JudgedRows {
    /// Hosts by number, in the order in which they came.
    hosts: Vec<IpAddr>,
    numbers: HashMap<IpAddr, u32, RandomState>,
    columns: Columns,
}

impl JudgedRows {
    /// None yet, with room for so many.
    #[must_use]
    pub fn with_capacity(flows: usize) -> Self {
        Self { columns: Columns::with_capacity(flows), ..Self::default() }
    }

    /// Adds a flow.
    pub fn push(&mut self, flow: &ReducedFlow) {
        let [initiator, responder] = [flow.initiator.ip, flow.responder.ip].map(|ip| {
            *self.numbers.entry(ip).or_insert_with(|| {
                self.hosts.push(ip);
                self.hosts.len() as u32 - 1
            })
        });
        self.columns.push(flow, initiator, responder);
    }

    /// Makes the frame.
    ///
    /// # Errors
    /// When Polars refuses the columns.
    pub fn frame(self) -> PolarsResult<JudgedFrame> {
        let Self { hosts: came, mut columns, .. } = self;
        let mut hosts = came.clone();
        hosts.sort_unstable();
        let numbers: HashMap<IpAddr, u32, RandomState> = hosts.iter().copied().zip(0..).collect();
        let number = |host: &mut u32| {
            let ip = came.get(*host as usize);
            *host = ip.and_then(|ip| numbers.get(ip)).copied().unwrap_or(u32::MAX);
        };
        columns.initiator_host.iter_mut().chain(&mut columns.responder_host).for_each(number);
        Ok(JudgedFrame { data: columns.frame()?, reduced: 0..hosts.len() as u32, hosts })
    }
}

/// Who closed first, in the column `closed_first`.
pub(super) const INITIATOR: u32 = 1;
/// As above.
pub(super) const RESPONDER: u32 = 2;

/// Columns of numbers, each by its name.
macro_rules! columns {
    ($($name:ident: $kind:ty,)*) => {
        #[derive(Debug, Default)]
        struct Columns {
            $($name: Vec<$kind>,)*
        }

        impl Columns {
            fn with_capacity(rows: usize) -> Self {
                Self { $($name: Vec::with_capacity(rows),)* }
            }

            fn series(self) -> Vec<Column> {
                vec![$(Column::new(PlSmallStr::from_static(stringify!($name)), self.$name)),*]
            }
        }
    };
}

columns! {
    protocol: u32,
    initiator_host: u32,
    initiator_port: u32,
    responder_host: u32,
    responder_port: u32,
    first_seen_ns: i64,
    last_seen_ns: i64,
    forward_packets: u64,
    reverse_packets: u64,
    wire_bytes: u64,
    orientation_rank: u32,
    status_rank: u32,
    served: bool,
    begun_before: bool,
    open_at_end: bool,
    closed_first: u32,
}

impl Columns {
    fn push(&mut self, flow: &ReducedFlow, initiator: u32, responder: u32) {
        self.protocol.push(flow.transport.number().into());
        self.initiator_host.push(initiator);
        self.initiator_port.push(flow.initiator.port.into());
        self.responder_host.push(responder);
        self.responder_port.push(flow.responder.port.into());
        self.first_seen_ns.push(flow.first_seen_ns);
        self.last_seen_ns.push(flow.last_seen_ns);
        self.forward_packets.push(flow.forward_packets);
        self.reverse_packets.push(flow.reverse_packets);
        self.wire_bytes.push(flow.wire_bytes);
        self.orientation_rank.push(flow.orientation.rank() as u32);
        let status = Status::ALL.iter().position(|status| *status == flow.status).unwrap_or(0);
        self.status_rank.push(status as u32);
        self.served.push(flow.served);
        self.begun_before.push(flow.begun_before);
        self.open_at_end.push(flow.open_at_end);
        self.closed_first.push(match flow.initiator_closed {
            Some(true) => INITIATOR,
            Some(false) => RESPONDER,
            None => 0,
        });
    }

    fn frame(self) -> PolarsResult<DataFrame> {
        let height = self.protocol.len();
        let mut columns = self.series();
        let flow: Vec<u64> = (0..height as u64).collect();
        columns.push(Column::new(PlSmallStr::from_static("flow"), flow));
        DataFrame::new(height, columns)
    }
}
