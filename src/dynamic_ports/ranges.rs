//! Which ports of a host are dynamic: as the site file or the host says, as its own calls show, or by default.

use crate::catalog::DEFAULT_DYNAMIC_RANGE;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The default of Linux (kernel documentation, `ip_local_port_range`).
pub const LINUX_RANGE: RangeInclusive<u16> = 32768..=60999;
/// The default of Windows before Vista and Server 2008 (Microsoft KB 929851).
pub const OLD_WINDOWS_RANGE: RangeInclusive<u16> = 1025..=5000;
/// Distinct local ports of calls that a guess needs.
const ENOUGH: usize = 20;

/// Where a range comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RangeSource {
    /// The site file.
    Site,
    /// The host itself, in a host table.
    HostTable,
    /// Its calls: their local ports lie as those of this system do.
    Observed,
    /// Nobody says anything else.
    Default,
}

impl RangeSource {
    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Site => "site-file",
            Self::HostTable => "host-table",
            Self::Observed => "observed",
            Self::Default => "default",
        }
    }
}

/// The dynamic ports of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRange {
    /// What the host takes for calls that it makes.
    pub ephemeral: RangeInclusive<u16>,
    /// Where a port at which it serves counts as dynamic: the same, and 49152 to 65535 where nobody states the range.
    listening: [RangeInclusive<u16>; 2],
    /// Where it comes from.
    pub source: RangeSource,
}

impl HostRange {
    /// A range that somebody states.
    #[must_use]
    pub fn stated(range: RangeInclusive<u16>, source: RangeSource) -> Self {
        Self { listening: [range.clone(), range.clone()], ephemeral: range, source }
    }

    /// The range that the local ports of a host's calls show, or the default. A guess never makes fewer ports count as
    /// listeners: programs may take theirs from the range that RFC 6335 names, whatever the system calls from.
    #[must_use]
    pub fn observed(called_from: &BTreeSet<u16>) -> Self {
        let default = DEFAULT_DYNAMIC_RANGE;
        let inside = |range: &RangeInclusive<u16>| called_from.iter().filter(|port| range.contains(port)).count();
        // System ports and the like are no sign of a range.
        let own = called_from.iter().filter(|port| **port >= *OLD_WINDOWS_RANGE.start()).count();
        if own < ENOUGH {
            return Self::stated(default, RangeSource::Default);
        }
        let fits = |range: &RangeInclusive<u16>| inside(range) * 20 >= own * 19;
        let below = own - inside(&default);
        let guess = [LINUX_RANGE, OLD_WINDOWS_RANGE].into_iter().find(|range| fits(range) && below * 4 >= own);
        match guess {
            Some(range) => {
                Self { listening: [default, range.clone()], ephemeral: range, source: RangeSource::Observed }
            }
            None => Self::stated(default, RangeSource::Default),
        }
    }

    /// Whether a port at which the host serves is dynamic.
    #[must_use]
    pub fn listens_at(&self, port: u16) -> bool {
        self.listening.iter().any(|range| range.contains(&port))
    }

    /// Whether a port of the host is dynamic in either way.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.ephemeral.contains(&port) || self.listens_at(port)
    }

    /// Whether the host has the range of Linux, which holds TIME-WAIT for 60 s.
    #[must_use]
    pub fn is_linux(&self) -> bool {
        self.ephemeral == LINUX_RANGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_show_linux_and_old_windows_and_leave_the_default_in_doubt() {
        let spread = |first: u16, step: u16| (0..40).map(|n| first + n * step).collect::<BTreeSet<u16>>();
        let linux = HostRange::observed(&spread(33_000, 690));
        assert_eq!((linux.ephemeral.clone(), linux.source), (LINUX_RANGE, RangeSource::Observed));
        assert!(linux.listens_at(65_000) && linux.listens_at(40_000) && !linux.listens_at(5_000));
        assert_eq!(HostRange::observed(&spread(1_030, 99)).ephemeral, OLD_WINDOWS_RANGE);
        assert_eq!(HostRange::observed(&spread(49_200, 200)).source, RangeSource::Default);
        let few: BTreeSet<u16> = spread(33_000, 690).into_iter().take(19).collect();
        assert_eq!(HostRange::observed(&few).source, RangeSource::Default);
        let mixed: BTreeSet<u16> = spread(33_000, 690).union(&spread(1_030, 99)).copied().collect();
        assert_eq!(HostRange::observed(&mixed).source, RangeSource::Default);
    }
}
