//! The facts on disk: Parquet, one table per kind of fact, one partition per observation.
//!
//! ```text
//! STORE/observation=<id>/captures.parquet   one row per capture file
//!                        fates.parquet      frames by fate, per capture file
//!                        flows.parquet      one row per flow record
//!                        activity.parquet   bursts of flows that have more than one
//!                        names.parquet      names of addresses
//!                        sockets.parquet    processes behind endpoints
//!                        comments.parquet   comments in the captures
//!                        host_tables.parquet, host_sockets.parquet, host_ranges.parquet   what hosts said of their own ports
//!                        losses.parquet     what the metering process could not keep
//! ```
//!
//! A table of more than a million rows has further files: `flows-2.parquet` and so on. Every column is documented once, in [`schema`]. A partition is written beside its place and renamed into it, so that
//! it is there whole or not at all. Row order carries no meaning. The reader refuses a schema that it does not know.
//! Packets and judgements never enter.

mod column;
mod dictionary;
mod differences;
mod error;
mod pages;
mod parquet;
mod parts;
mod read;
mod read_application;
mod read_flows;
mod read_hosts;
mod read_remarks;
pub mod schema;
mod schema_application;
mod schema_hosts;
mod schema_remarks;
mod table_writer;
mod write;

pub use error::StoreError;
pub use read::{Facts, is_store, read_facts};
pub use table_writer::{ResultTable, write_table};
pub use write::{PartitionWriter, observation_id};

#[cfg(test)]
mod tests;
