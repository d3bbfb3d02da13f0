//! portproof: prove which ports a system really needs.
//!
//! Data walks one street, left to right, and never turns back:
//!
//! ```text
//! captures ─► capture ─► decode ─► metering ─► store ══ facts on disk (Parquet) ══►
//!                                                                   hosts (netstat, ss, firewall logs…) ─┘
//!   ─► classification (+ catalog, site) ─► dynamic_ports ─► policy ─► report ─► reports/
//! ```
//!
//! Left of the store are *facts* (what was on the wire), right of it *judgements* (what it means). A room imports only
//! from rooms on a floor below it; `tests/architecture.rs` holds the floors and fails on an arrow that runs back up.

pub mod model;

pub mod application;
pub mod capture;
pub mod catalog;
pub mod decode;
pub mod hosts;
#[cfg(feature = "program")]
pub mod store;

#[cfg(feature = "program")]
pub mod classification;
pub mod metering;
pub mod recording;

pub mod dynamic_ports;

#[cfg(feature = "program")]
pub mod policy;

#[cfg(feature = "program")]
pub mod report;

#[cfg(feature = "program")]
pub mod cli;
