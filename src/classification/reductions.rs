//! The named reductions of judged flows: small group-bys in Polars, each beside its SQL form over the same columns, so
//! that another engine can run them on the flow table that `portproof flows --format parquet` writes.
//!
//! *endpoints* and *contacts* are associative over partitions; *holds* is partitioned by host. No row order is relied on.

use super::table::{flow_columns, flow_row};
use crate::model::{Column, JudgedFlow, Kind, Orientation, Outcome, Status, Value};
use crate::store::to_frame;
use polars::prelude::{DataFrame, DataType, LazyFrame, PolarsError, PolarsResult, UnionArgs, col, concat, len, lit};

/// More flows than a frame can hold: a rank times it and a flow number fit one key, whose minimum is the first of the worst.
const FLOWS_LIMIT: u64 = 1 << 40;
/// The part of a hold whose host opened the flow.
const INITIATOR: &str = "initiator";
/// Nanoseconds of the minute that *contacts* are counted in.
const MINUTE_NS: i64 = 60_000_000_000;

/// Judged flows as a frame: the flow table and four columns more. `status_rank` is the position in [`Status::ALL`],
/// `orientation_rank` grows with certainty, `flow` numbers the flows, `served` says that the responder was seen to serve.
///
/// # Errors
/// When Polars refuses the columns.
pub fn judged_frame(flows: &[JudgedFlow]) -> PolarsResult<DataFrame> {
    let mut columns = flow_columns();
    for name in ["status_rank", "orientation_rank", "flow"] {
        columns.push(Column { name, kind: Kind::Unsigned, meaning: "rank for the reductions" });
    }
    columns.push(Column { name: "served", kind: Kind::Flag, meaning: "the responder accepted or answered" });
    let rows = flows.iter().enumerate().map(|(number, flow)| {
        let mut row = flow_row(flow);
        let status = Status::ALL.iter().position(|s| *s == flow.judgement.status).unwrap_or(0);
        row.push(Value::Unsigned(status as u64));
        row.push(Value::Unsigned(flow.judgement.orientation.rank()));
        row.push(Value::Unsigned(number as u64));
        row.push(Value::Flag(served(flow)));
        row
    });
    to_frame(&columns, rows)
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

/// One row per responding endpoint: flows, distinct clients, bytes, interval, worst status, best orientation, the flow that
/// came first, and the first one with the worst status.
///
/// ```sql
/// SELECT responder_ip, protocol, responder_port, COUNT(*) AS flows, COUNT(DISTINCT initiator_ip) AS clients,
///        SUM(forward_wire_bytes + reverse_wire_bytes) AS wire_bytes, MIN(first_seen_ns), MAX(last_seen_ns),
///        MIN(status_rank), MAX(orientation_rank), MIN(flow) AS first_flow,
///        MIN(status_rank * 1099511627776 + flow) % 1099511627776 AS worst_flow
/// FROM judged GROUP BY responder_ip, protocol, responder_port
/// ```
pub fn endpoints(judged: LazyFrame) -> LazyFrame {
    judged.group_by([col("responder_ip"), col("protocol"), col("responder_port")]).agg([
        len().alias("flows"),
        col("initiator_ip").n_unique().alias("clients"),
        (col("forward_wire_bytes") + col("reverse_wire_bytes")).sum().alias("wire_bytes"),
        col("first_seen_ns").min(),
        col("last_seen_ns").max(),
        col("status_rank").min(),
        col("orientation_rank").max(),
        col("flow").min().alias("first_flow"),
        ((col("status_rank") * lit(FLOWS_LIMIT) + col("flow")).min() % lit(FLOWS_LIMIT)).alias("worst_flow"),
    ])
}

/// One row per server, transport, port, client and minute in which a flow began.
///
/// ```sql
/// SELECT responder_ip, protocol, responder_port, initiator_ip, first_seen_ns - first_seen_ns % 60000000000 AS minute_ns,
///        COUNT(*) AS visits
/// FROM judged GROUP BY 1, 2, 3, 4, 5
/// ```
pub fn contacts(judged: LazyFrame) -> LazyFrame {
    let minute = (col("first_seen_ns") - col("first_seen_ns") % lit(MINUTE_NS)).alias("minute_ns");
    judged
        .group_by([col("responder_ip"), col("protocol"), col("responder_port"), col("initiator_ip"), minute])
        .agg([len().alias("visits")])
}

/// One row per host, transport, local port and flow: from when to when the port was held, and in which part.
///
/// ```sql
/// SELECT initiator_ip AS host, protocol, initiator_port AS port, first_seen_ns, last_seen_ns, 'initiator' AS part, …
/// UNION ALL SELECT responder_ip, protocol, responder_port, first_seen_ns, last_seen_ns, 'responder', … FROM judged
/// ```
///
/// # Errors
/// When Polars cannot join the two halves.
pub fn holds(judged: LazyFrame) -> PolarsResult<LazyFrame> {
    let half = |part: &str| {
        judged.clone().select([
            col(format!("{part}_ip")).alias("host"),
            col("protocol"),
            col(format!("{part}_port")).alias("port"),
            col("first_seen_ns"),
            col("last_seen_ns"),
            lit(part).alias("part"),
            col("served"),
            col("orientation_rank"),
            col(format!("{}_packets", if part == INITIATOR { "forward" } else { "reverse" })).alias("packets"),
            col("flow"),
        ])
    };
    concat([half(INITIATOR), half("responder")], UnionArgs::default())
}

/// A row of *endpoints*, with the flows that it names.
#[derive(Debug, Clone, Copy)]
pub struct EndpointRow<'a> {
    /// The flow that came first: it names the endpoint.
    pub first: &'a JudgedFlow,
    /// The first flow with the worst status.
    pub worst: &'a JudgedFlow,
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

/// Reads the collected *endpoints* of these flows.
///
/// # Errors
/// When the frame is not that reduction, or of other flows.
pub fn endpoint_rows<'a>(endpoints: &DataFrame, flows: &'a [JudgedFlow]) -> PolarsResult<Vec<EndpointRow<'a>>> {
    let numbers = |name| whole_numbers(endpoints, name);
    let (first, worst) = (numbers("first_flow")?, numbers("worst_flow")?);
    let (count, clients, wire_bytes) = (numbers("flows")?, numbers("clients")?, numbers("wire_bytes")?);
    let (first_seen, last_seen) = (endpoints.column("first_seen_ns")?.i64()?, endpoints.column("last_seen_ns")?.i64()?);
    let orientation = numbers("orientation_rank")?;
    let read = |row: usize| {
        Some(EndpointRow {
            first: flows.get(usize::try_from(first[row]).ok()?)?,
            worst: flows.get(usize::try_from(worst[row]).ok()?)?,
            flows: count[row],
            clients: clients[row],
            wire_bytes: wire_bytes[row],
            first_seen_ns: first_seen.get(row)?,
            last_seen_ns: last_seen.get(row)?,
            orientation: Orientation::of_rank(orientation[row]),
        })
    };
    (0..endpoints.height()).map(|row| read(row).ok_or_else(stranger)).collect()
}

/// A row of *holds*, with the flow that it comes from.
#[derive(Debug, Clone, Copy)]
pub struct HoldRow<'a> {
    /// The flow.
    pub flow: &'a JudgedFlow,
    /// Whether its initiator's end is meant, or its responder's.
    pub initiated: bool,
}

/// Reads the collected *holds* of these flows.
///
/// # Errors
/// When the frame is not that reduction, or of other flows.
pub fn hold_rows<'a>(holds: &DataFrame, flows: &'a [JudgedFlow]) -> PolarsResult<Vec<HoldRow<'a>>> {
    let number = whole_numbers(holds, "flow")?;
    let part = holds.column("part")?.str()?;
    let read = |row: usize| {
        let flow = flows.get(usize::try_from(number[row]).ok()?)?;
        Some(HoldRow { flow, initiated: part.get(row)? == INITIATOR })
    };
    (0..holds.height()).map(|row| read(row).ok_or_else(stranger)).collect()
}

/// A column of counts, whatever width Polars gave them.
fn whole_numbers(frame: &DataFrame, name: &str) -> PolarsResult<Vec<u64>> {
    let column = frame.column(name)?.as_materialized_series().cast(&DataType::UInt64)?;
    Ok(column.u64()?.iter().map(Option::unwrap_or_default).collect())
}

fn stranger() -> PolarsError {
    PolarsError::ComputeError("a reduction names a flow that is not there".into())
}
