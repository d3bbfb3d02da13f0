//! The collected reductions, read back.

use super::frame::JudgedFrame;
use super::{contacts, endpoints, holds};
use crate::model::{Orientation, Transport};
use polars::prelude::{DataFrame, DataType, IntoLazy, LazyFrame, PolarsError, PolarsResult, col, lit};
use std::net::IpAddr;
use std::ops::Range;

/// A row of *endpoints*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointRow {
    /// The responding host.
    pub host: IpAddr,
    /// Transport.
    pub transport: Transport,
    /// Its port.
    pub port: u16,
    /// Number of the flow that came first: it names the endpoint.
    pub first_flow: usize,
    /// Number of the first flow with the worst status.
    pub worst_flow: usize,
    /// Flows.
    pub flows: u64,
    /// Distinct client addresses.
    pub clients: u64,
    /// Bytes on the wire, both directions.
    pub wire_bytes: u64,
    /// First packet.
    pub first_seen_ns: i64,
    /// Last packet.
    pub last_seen_ns: i64,
    /// Best orientation.
    pub orientation: Orientation,
}

/// A row of *contacts*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactRow {
    /// The serving host.
    pub host: IpAddr,
    /// Transport.
    pub transport: Transport,
    /// Its port.
    pub port: u16,
    /// The client.
    pub client: IpAddr,
    /// First packet of the first flow that began in that minute.
    pub start_ns: i64,
    /// Last packet of all of them.
    pub end_ns: i64,
    /// One of them had begun before the recording did.
    pub begun_before: bool,
}

/// A row of *holds*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldRow {
    /// The host that holds the port.
    pub host: IpAddr,
    /// Transport.
    pub transport: Transport,
    /// The port.
    pub port: u16,
    /// The other end's host.
    pub remote_host: IpAddr,
    /// The other end's port.
    pub remote_port: u16,
    /// First packet.
    pub start_ns: i64,
    /// Last packet.
    pub end_ns: i64,
    /// The holder opened the flow.
    pub initiated: bool,
    /// The holder closed first.
    pub closed: bool,
    /// Nobody closed it.
    pub open_at_end: bool,
    /// The responder was seen to serve.
    pub served: bool,
    /// How sure the direction is.
    pub orientation: Orientation,
}

/// The *endpoints* of all flows, or of those that were served.
///
/// # Errors
/// When Polars fails on the reduction.
pub fn endpoint_rows(judged: &JudgedFrame, served_only: bool) -> PolarsResult<Vec<EndpointRow>> {
    let lazy = of_hosts(judged, "responder_host", judged.data.clone().lazy());
    let lazy = if served_only { lazy.filter(col("served")) } else { lazy };
    let table = Collected::of(endpoints(lazy), &judged.hosts)?;
    let (hosts, transports, ports) =
        (table.hosts("responder_host")?, table.transports()?, table.ports("responder_port")?);
    let (first, worst) = (table.numbers("first_flow")?, table.numbers("worst_flow")?);
    let (flows, clients, wire_bytes) =
        (table.numbers("flows")?, table.numbers("clients")?, table.numbers("wire_bytes")?);
    let (first_seen, last_seen) = (table.times("first_seen_ns")?, table.times("last_seen_ns")?);
    let orientation = table.numbers("orientation_rank")?;
    let row = |row: usize| EndpointRow {
        host: hosts[row],
        transport: transports[row],
        port: ports[row],
        first_flow: usize::try_from(first[row]).unwrap_or(usize::MAX),
        worst_flow: usize::try_from(worst[row]).unwrap_or(usize::MAX),
        flows: flows[row],
        clients: clients[row],
        wire_bytes: wire_bytes[row],
        first_seen_ns: first_seen[row],
        last_seen_ns: last_seen[row],
        orientation: Orientation::of_rank(orientation[row]),
    };
    Ok((0..table.height()).map(row).collect())
}

/// The *contacts* at ports of at least `lowest_port`.
///
/// # Errors
/// When Polars fails on the reduction.
pub fn contact_rows(judged: &JudgedFrame, lowest_port: u16) -> PolarsResult<Vec<ContactRow>> {
    let lazy = of_hosts(judged, "responder_host", judged.data.clone().lazy());
    let lazy = lazy.filter(col("responder_port").gt_eq(lit(u32::from(lowest_port))));
    let table = Collected::of(contacts(lazy), &judged.hosts)?;
    let (hosts, transports, ports) =
        (table.hosts("responder_host")?, table.transports()?, table.ports("responder_port")?);
    let clients = table.hosts("initiator_host")?;
    let (start, end) = (table.times("start_ns")?, table.times("end_ns")?);
    let begun_before = table.flags("begun_before")?;
    let row = |row: usize| ContactRow {
        host: hosts[row],
        transport: transports[row],
        port: ports[row],
        client: clients[row],
        start_ns: start[row],
        end_ns: end[row],
        begun_before: begun_before[row],
    };
    Ok((0..table.height()).map(row).collect())
}

/// The *holds* of ports of at least `lowest_port`.
///
/// # Errors
/// When Polars fails on the reduction.
pub fn hold_rows(judged: &JudgedFrame, lowest_port: u16) -> PolarsResult<Vec<HoldRow>> {
    let mut rows = Vec::new();
    for half in holds(&judged.data.clone().lazy()) {
        let half = of_hosts(judged, "host", half);
        let table = Collected::of(half.filter(col("port").gt_eq(lit(u32::from(lowest_port)))), &judged.hosts)?;
        let (hosts, transports, ports) = (table.hosts("host")?, table.transports()?, table.ports("port")?);
        let (remote_hosts, remote_ports) = (table.hosts("remote_host")?, table.ports("remote_port")?);
        let (start, end) = (table.times("first_seen_ns")?, table.times("last_seen_ns")?);
        let (initiated, closed) = (table.flags("initiated")?, table.flags("closed")?);
        let (open_at_end, served) = (table.flags("open_at_end")?, table.flags("served")?);
        let orientation = table.numbers("orientation_rank")?;
        rows.reserve(table.height());
        rows.extend((0..table.height()).map(|row| HoldRow {
            host: hosts[row],
            transport: transports[row],
            port: ports[row],
            remote_host: remote_hosts[row],
            remote_port: remote_ports[row],
            start_ns: start[row],
            end_ns: end[row],
            initiated: initiated[row],
            closed: closed[row],
            open_at_end: open_at_end[row],
            served: served[row],
            orientation: Orientation::of_rank(orientation[row]),
        }));
    }
    Ok(rows)
}

/// The rows of the hosts that the frame is narrowed to.
fn of_hosts(judged: &JudgedFrame, column: &str, rows: LazyFrame) -> LazyFrame {
    let Range { start, end } = judged.reduced;
    match (start, end as usize) == (0, judged.hosts.len()) {
        true => rows,
        false => rows.filter(col(column).gt_eq(lit(start)).and(col(column).lt(lit(end)))),
    }
}

/// A collected reduction and the addresses of its host numbers.
struct Collected<'a> {
    data: DataFrame,
    hosts: &'a [IpAddr],
}

impl<'a> Collected<'a> {
    fn of(reduction: LazyFrame, hosts: &'a [IpAddr]) -> PolarsResult<Self> {
        Ok(Self { data: reduction.collect()?, hosts })
    }

    fn height(&self) -> usize {
        self.data.height()
    }

    /// A column of counts, whatever width Polars gave them.
    fn numbers(&self, name: &str) -> PolarsResult<Vec<u64>> {
        let column = self.data.column(name)?.as_materialized_series().cast(&DataType::UInt64)?;
        Ok(column.u64()?.iter().map(Option::unwrap_or_default).collect())
    }

    fn times(&self, name: &str) -> PolarsResult<Vec<i64>> {
        Ok(self.data.column(name)?.i64()?.iter().map(Option::unwrap_or_default).collect())
    }

    fn flags(&self, name: &str) -> PolarsResult<Vec<bool>> {
        Ok(self.data.column(name)?.bool()?.iter().map(Option::unwrap_or_default).collect())
    }

    fn hosts(&self, name: &str) -> PolarsResult<Vec<IpAddr>> {
        let numbers = self.data.column(name)?.u32()?.iter();
        let address = |number: Option<u32>| self.hosts.get(number? as usize).copied();
        numbers.map(|number| address(number).ok_or_else(|| stranger(name))).collect()
    }

    fn ports(&self, name: &str) -> PolarsResult<Vec<u16>> {
        let numbers = self.data.column(name)?.u32()?.iter();
        let port = |number: Option<u32>| u16::try_from(number?).ok();
        numbers.map(|number| port(number).ok_or_else(|| stranger(name))).collect()
    }

    fn transports(&self) -> PolarsResult<Vec<Transport>> {
        let numbers = self.data.column("protocol")?.u32()?.iter();
        let all = [Transport::Tcp, Transport::Udp];
        let transport = |number: Option<u32>| all.into_iter().find(|t| Some(u32::from(t.number())) == number);
        numbers.map(|number| transport(number).ok_or_else(|| stranger("protocol"))).collect()
    }
}

fn stranger(column: &str) -> PolarsError {
    PolarsError::ComputeError(format!("column {column} holds what no judged flow has").into())
}
