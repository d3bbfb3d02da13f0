//! Ports in the dynamic range, per host and transport: which acted as server, which were ephemeral, how many at once.
//!
//! Definitions (printed with every report):
//! *listener*: a dynamic port that accepted or answered a flow whose direction is at least probable; documented static
//! ports inside the range are counted apart. *Ephemeral port*: the local port of a connection that the host opened.
//! *Peak*: most distinct dynamic ports held at the same time: listeners throughout the recording, ephemeral ports from the
//! first to the last packet of their conversations; a port held by several conversations counts once.
//! *Direction unknown*: dynamic ports of flows whose direction is a guess or unknown; they are in no other count.
//!
//! The numbers of distinct ports are lower bounds, and the peak is an estimate that a restart makes too high: a capture shows no idle listener, no loopback, no other interface, and TIME_WAIT leaves no
//! packet. Sweeps and blocked attempts never count. Report formats never enter.

pub mod estimators;
pub mod what_if;

#[cfg(feature = "program")]
mod listeners;
#[cfg(feature = "program")]
mod peak;

#[cfg(feature = "program")]
pub use listeners::{PortCounts, count};

#[cfg(all(test, feature = "program"))]
mod tests;
