//! The named reductions of judged flows: small group-bys in Polars, each beside its SQL form over the same columns, so
//! that another engine can run them.
//!
//! *endpoints* and *contacts* are associative over partitions; *holds* is partitioned by host. No row order is relied on. The
//! columns are those of the flow table that `portproof flows --format parquet` writes, with numbers for addresses
//! (`initiator_host` for `initiator_ip`) and for labels (`status_rank`: the position in [`Status::ALL`](crate::model::Status::ALL);
//! `orientation_rank`: grows with certainty), and four more: `served`, the responder was seen to serve; `begun_before`, the flow
//! had begun before the recording; `open_at_end`; `closed_first`, 1 the initiator, 2 the responder.

mod frame;
mod rows;

pub use frame::{JudgedFrame, JudgedRows, ReducedFlow};
pub use rows::{ContactRow, EndpointRow, HoldRow, contact_rows, endpoint_rows, hold_rows};

use frame::{INITIATOR, RESPONDER};
use polars::prelude::{Expr, LazyFrame, col, len, lit};

/// More flows than a frame can hold: a rank times it and a flow number fit one key, whose minimum is the first of the worst.
const FLOWS_LIMIT: u64 = 1 << 40;
/// Nanoseconds of the minute that *contacts* are counted in.
const MINUTE_NS: i64 = 60_000_000_000;

/// One row per responding endpoint: flows, distinct clients, bytes, interval, worst status, best orientation, the flow that
/// came first, and the first one with the worst status.
///
/// ```sql
/// SELECT responder_host, protocol, responder_port, COUNT(*) AS flows, COUNT(DISTINCT initiator_host) AS clients,
///        SUM(wire_bytes) AS wire_bytes, MIN(first_seen_ns) AS first_seen_ns, MAX(last_seen_ns) AS last_seen_ns,
///        MIN(status_rank) AS status_rank, MAX(orientation_rank) AS orientation_rank, MIN(flow) AS first_flow,
///        MIN(status_rank * 1099511627776 + flow) % 1099511627776 AS worst_flow
/// FROM judged GROUP BY responder_host, protocol, responder_port
/// ```
pub fn endpoints(judged: LazyFrame) -> LazyFrame {
    judged.group_by([col("responder_host"), col("protocol"), col("responder_port")]).agg([
        len().alias("flows"),
        col("initiator_host").n_unique().alias("clients"),
        col("wire_bytes").sum(),
        col("first_seen_ns").min(),
        col("last_seen_ns").max(),
        col("status_rank").min(),
        col("orientation_rank").max(),
        col("flow").min().alias("first_flow"),
        ((col("status_rank") * lit(FLOWS_LIMIT) + col("flow")).min() % lit(FLOWS_LIMIT)).alias("worst_flow"),
    ])
}

/// One row per server, transport, port, client and minute in which a flow that was served began: what a visit is made of.
///
/// ```sql
/// SELECT responder_host, protocol, responder_port, initiator_host, first_seen_ns - first_seen_ns % 60000000000 AS minute_ns,
///        COUNT(*) AS flows, MIN(first_seen_ns) AS start_ns, MAX(last_seen_ns) AS end_ns, MAX(begun_before) AS begun_before
/// FROM judged WHERE served GROUP BY 1, 2, 3, 4, 5
/// ```
pub fn contacts(judged: LazyFrame) -> LazyFrame {
    let minute = (col("first_seen_ns") - col("first_seen_ns") % lit(MINUTE_NS)).alias("minute_ns");
    judged
        .filter(col("served"))
        .group_by([col("responder_host"), col("protocol"), col("responder_port"), col("initiator_host"), minute])
        .agg([
            len().alias("flows"),
            col("first_seen_ns").min().alias("start_ns"),
            col("last_seen_ns").max().alias("end_ns"),
            col("begun_before").max(),
        ])
}

/// One row per flow and end: from when to when which local port was held, towards whom, and whether its holder closed first.
/// Ends that sent nothing are left out.
///
/// ```sql
/// SELECT initiator_host AS host, protocol, initiator_port AS port, responder_host AS remote_host, responder_port AS
///        remote_port, first_seen_ns, last_seen_ns, TRUE AS initiated, closed_first = 1 AS closed, open_at_end, served,
///        orientation_rank, flow
/// FROM judged WHERE forward_packets > 0
/// UNION ALL SELECT responder_host, protocol, responder_port, initiator_host, initiator_port, first_seen_ns, last_seen_ns,
///        FALSE, closed_first = 2, open_at_end, served, orientation_rank, flow
/// FROM judged WHERE reverse_packets > 0
/// ```
pub fn holds(judged: &LazyFrame) -> [LazyFrame; 2] {
    let half = |own: &str, other: &str, packets: &str, initiated: bool| {
        let end = |part: &str, what: &str, name: &str| -> Expr { col(format!("{part}_{what}")).alias(name) };
        judged.clone().filter(col(packets).gt(lit(0u64))).select([
            end(own, "host", "host"),
            col("protocol"),
            end(own, "port", "port"),
            end(other, "host", "remote_host"),
            end(other, "port", "remote_port"),
            col("first_seen_ns"),
            col("last_seen_ns"),
            lit(initiated).alias("initiated"),
            col("closed_first").eq(lit(if initiated { INITIATOR } else { RESPONDER })).alias("closed"),
            col("open_at_end"),
            col("served"),
            col("orientation_rank"),
            col("flow"),
        ])
    };
    [half("initiator", "responder", "forward_packets", true), half("responder", "initiator", "reverse_packets", false)]
}
