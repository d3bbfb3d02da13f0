//! What counting may ask about hosts: site file, documents and host tables, behind one trait.

use super::ranges::HostRange;
use crate::model::{Endpoint, Transport};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// What is known of hosts besides the recording. Who knows nothing of a matter leaves its method as it is.
pub trait Knowledge {
    /// The dynamic range that somebody states for a host.
    fn stated_range(&self, _host: IpAddr, _transport: Transport) -> Option<HostRange> {
        None
    }

    /// Whether the documents state a port at a host: it is static there.
    fn is_static(&self, _transport: Transport, _at: Endpoint) -> bool {
        false
    }

    /// TIME-WAIT of a host, where somebody states it, ns.
    fn time_wait_ns(&self, _host: IpAddr) -> Option<i64> {
        None
    }

    /// Ports at which host tables show programs of a host waiting, at some time within an interval (ns): TCP listeners, UDP
    /// sockets without another end; idle and loopback ones too.
    fn waiting(&self, _host: IpAddr, _transport: Transport, _interval: &RangeInclusive<i64>) -> BTreeSet<u16> {
        BTreeSet::new()
    }

    /// Ports of a range that are not given out: documented static ones, and blocks that the host excludes.
    fn reserved(&self, _host: IpAddr, _transport: Transport, _range: &RangeInclusive<u16>) -> u32 {
        0
    }
}
