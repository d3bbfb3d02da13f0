//! Epochs: the times between restarts of a host. Ports of different epochs are never counted together.

use crate::model::{Restart, RestartKind, Transport};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A time in which a host did not restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Number of the epoch of its host, from 1.
    pub number: u32,
    /// First instant: of the recording, or the first sign after a restart, ns.
    pub start_ns: i64,
    /// Last instant, ns.
    pub end_ns: i64,
    /// What shows that it began; empty for the first.
    pub evidence: String,
    /// Capture and frame that show it; `None` for the first, and where the host itself tells.
    pub place: Option<(Arc<str>, u64)>,
    /// Ports of services that restarted within it, and the ports that they have since.
    moved: BTreeMap<u16, u16>,
}

impl Epoch {
    /// The epoch of a host that did not restart.
    #[must_use]
    pub fn whole((start_ns, end_ns): (i64, i64)) -> Self {
        Self { number: 1, start_ns, end_ns, evidence: String::new(), place: None, moved: BTreeMap::new() }
    }

    /// The last port that the service of a port had in this epoch: the port itself unless its service restarted.
    #[must_use]
    pub fn last_port(&self, port: u16) -> u16 {
        let mut last = port;
        // A service may come back to a port it had.
        for _ in 0..self.moved.len() {
            match self.moved.get(&last) {
                Some(next) if *next != port => last = *next,
                _ => break,
            }
        }
        last
    }

    /// How many services restarted.
    #[must_use]
    pub fn moves(&self) -> usize {
        self.moved.len()
    }
}

/// The epochs of a host within a recording, as far as one transport's ports go. `restarts` are those of the host, in the
/// order of time. There is always one at least.
#[must_use]
pub(super) fn epochs(restarts: &[Restart], transport: Transport, (first_ns, last_ns): (i64, i64)) -> Vec<Epoch> {
    let mut epochs = vec![Epoch::whole((first_ns, last_ns))];
    for restart in restarts {
        let number = epochs.len() as u32;
        let Some(current) = epochs.last_mut() else { break };
        match restart.kind {
            RestartKind::Host if restart.after_ns > current.start_ns && restart.after_ns <= last_ns => {
                current.end_ns = restart.after_ns - 1;
                let (number, evidence) = (number + 1, restart.evidence.clone());
                let place = (restart.frame > 0).then(|| (restart.capture.clone(), restart.frame));
                epochs.push(Epoch { number, evidence, place, ..Epoch::whole((restart.after_ns, last_ns)) });
            }
            RestartKind::Host => {}
            RestartKind::Service => {
                let moved = restart.moved.iter().filter(|moved| moved.transport == transport);
                current.moved.extend(moved.map(|moved| (moved.from, moved.to)));
            }
        }
    }
    epochs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MovedPort;

    fn restart(kind: RestartKind, after_ns: i64, moved: &[(u16, u16)]) -> Restart {
        let moved = moved.iter().map(|(from, to)| MovedPort {
            subject: "x".into(),
            transport: Transport::Tcp,
            from: *from,
            to: *to,
        });
        Restart {
            host: [10, 0, 0, 1].into(),
            kind,
            before_ns: after_ns - 5,
            after_ns,
            moved: moved.collect(),
            opened_after: 0,
            evidence: "moved".into(),
            capture: "a".into(),
            frame: 1,
        }
    }

    #[test]
    fn a_restart_of_the_host_begins_an_epoch_and_one_of_a_service_moves_ports() {
        let restarts = [
            restart(RestartKind::Service, 10, &[(50_000, 50_001)]),
            restart(RestartKind::Host, 20, &[(50_001, 50_005), (50_002, 50_006)]),
            restart(RestartKind::Service, 30, &[(50_005, 50_006)]),
            restart(RestartKind::Service, 40, &[(50_006, 50_005)]),
            restart(RestartKind::Host, 1_000, &[]),
        ];
        let epochs = epochs(&restarts, Transport::Tcp, (0, 100));
        let bounds: Vec<_> = epochs.iter().map(|epoch| (epoch.number, epoch.start_ns, epoch.end_ns)).collect();
        assert_eq!(bounds, [(1, 0, 19), (2, 20, 100)]);
        assert_eq!((epochs[0].last_port(50_000), epochs[1].last_port(50_000)), (50_001, 50_000));
        assert_eq!(
            epochs[1].last_port(50_005),
            50_006,
            "to a port and back: told as two at most, and no endless search"
        );
        assert_eq!(epochs[0].last_port(7), 7);
    }
}
