//! The metering process: frames in, flow records out.
//!
//! A bounded flow cache keyed on transport and endpoints; timeouts and everything else run in packet time, which never
//! runs backwards here even where the capture's stamps do. Evidence of direction is recorded, never judged. Terms follow
//! IPFIX (RFC 7011, RFC 5103, RFC 5102 section 5.11.3 for end reasons).
//!
//! Timeouts: a flow is kept for 24 h of silence while there is room, so that a connection without keep-alives stays one
//! flow; where room is needed, one silent for 5 min may end (RFC 4787 REQ-5). Opening and closed TCP connections end after
//! 4 min (RFC 5382 REQ-5).
//! A SYN with a new initial sequence number on the endpoints of an earlier connection begins a new flow, and so does a SYN
//! after both sides closed it.
//!
//! A flow is keyed on the innermost conversation and on how deep it lies in tunnels. The UDP packets that carry a tunnel are
//! counted in flows of their own, marked as carriers; a frame has one fate all the same, that of what it holds.
//! Memory: one entry per active flow, at most [`MeterSettings::max_flows`]; the flow silent for longest gives way.

mod cache;
mod clock;
mod copies;
mod count;
mod entry;
mod heard;
mod idle;
mod key;
mod meter;
mod prepare;
mod settings;
mod slab;
mod streams;
mod table;
mod tcp;

pub use meter::Meter;
pub use prepare::{Prepared, Preparer};
pub use settings::{MeterSettings, MeterSummary};
pub use streams::StreamSettings;

#[cfg(test)]
mod tests;

#[cfg(test)]
mod frame_tests;

#[cfg(test)]
mod stream_tests;
