//! Ports in the dynamic range, per host and transport: which acted as server, which were ephemeral, how many at once, and how
//! many were not seen.
//!
//! Definitions (printed with every report):
//! *listener*: a dynamic port that accepted or answered a flow whose direction is at least probable; documented static
//! ports inside the range are counted apart. *Epoch*: the time between restarts of a host; ports of different epochs are never
//! counted together, and a host's count is that of the epoch with the most listeners. *Ephemeral port*: the local port of a
//! connection that the host opened. *Peak in use*: most distinct dynamic ports at the same time: listeners throughout their
//! epoch, ephemeral ports from the first to the last packet of their conversations; a port of several conversations counts
//! once. *Peak held*: the same with TIME-WAIT for what the host closed first, and until the end for what nobody closed.
//! *Direction unknown*: dynamic ports of flows whose direction is a guess or unknown; they are in no other count.
//!
//! The numbers of distinct ports are lower bounds: a capture shows no idle listener, no loopback and no other interface. Sweeps
//! and blocked attempts never make a listener; the local port of an attempt is held all the same. Report formats never enter.

pub mod course;
pub mod estimators;
pub mod ranges;
pub mod sizing;
pub mod visits;
pub mod what_if;

#[cfg(feature = "program")]
pub mod accumulation;
#[cfg(feature = "program")]
mod count;
#[cfg(feature = "program")]
pub mod curves;
#[cfg(feature = "program")]
mod epochs;
#[cfg(feature = "program")]
mod knowledge;
#[cfg(feature = "program")]
mod port_counts;

#[cfg(feature = "program")]
pub use count::{
    Calls, CountedListener, EpochCount, HeldPeak, HostCount, LINUX_TIME_WAIT_NS, LOWEST_PORT, Reductions,
    WINDOWS_TIME_WAIT_NS, count_hosts,
};
#[cfg(feature = "program")]
pub use epochs::Epoch;
#[cfg(feature = "program")]
pub use knowledge::Knowledge;
#[cfg(feature = "program")]
pub use port_counts::{Known, PortCounts, count};

#[cfg(feature = "program")]
#[cfg(test)]
mod tests;
