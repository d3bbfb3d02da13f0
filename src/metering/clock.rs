//! Packet time as the timeouts see it: it never runs backwards, and one stray stamp does not carry it away.

/// A step forward that needs no confirmation.
const STEP_NS: i64 = 600_000_000_000;

/// The meter's time.
#[derive(Debug, Clone, Copy)]
pub(super) struct PacketClock {
    now_ns: i64,
    /// A stamp far ahead, waiting for the next packet to confirm it.
    ahead_ns: Option<i64>,
}

impl PacketClock {
    pub(super) fn new() -> Self {
        Self { now_ns: i64::MIN, ahead_ns: None }
    }

    pub(super) fn now_ns(&self) -> i64 {
        self.now_ns
    }

    /// Takes a packet's stamp. A leap of more than ten minutes counts once the next packet leaps as well: then the answer
    /// is true, and the packet before belongs to the new time.
    pub(super) fn advance(&mut self, time_ns: i64) -> bool {
        let leaps = self.now_ns != i64::MIN && time_ns.saturating_sub(self.now_ns) > STEP_NS;
        match (leaps, self.ahead_ns) {
            (false, _) => {
                self.now_ns = self.now_ns.max(time_ns);
                self.ahead_ns = None;
                false
            }
            (true, None) => {
                self.ahead_ns = Some(time_ns);
                false
            }
            (true, Some(ahead_ns)) => {
                self.now_ns = ahead_ns.min(time_ns);
                self.ahead_ns = (time_ns.saturating_sub(self.now_ns) > STEP_NS).then_some(time_ns);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(stamps: &[i64]) -> i64 {
        let mut clock = PacketClock::new();
        for stamp in stamps {
            clock.advance(stamp * 1_000_000_000);
        }
        clock.now_ns() / 1_000_000_000
    }

    #[test]
    fn time_follows_the_packets_but_not_a_stray_one() {
        assert_eq!(after(&[5, 3, 10]), 10);
        assert_eq!(after(&[0, 1_000_000, 1]), 1);
        assert_eq!(after(&[0, 1_000_000, 1, 2_000_000, 3]), 3);
        assert_eq!(after(&[0, 86_400, 86_401]), 86_400);
        assert_eq!(after(&[0, 86_400, 9_000_000, 86_402, 86_403]), 86_403);
        assert_eq!(after(&[0, i64::MAX / 1_000_000_000]), 0);
    }
}
