//! When the server is away: on the third day it restarts, and comes back with every dynamic port elsewhere.

use super::DAY_S;
use super::synthetic::cast::Who;
use super::synthetic::dice::Dice;

/// Nobody begins anything with the server for so long before it goes, seconds.
const QUIET_BEFORE_S: f64 = 60.0;
/// After it is back, for so long only those come who had a session, seconds.
pub(super) const STORM_S: f64 = 90.0;

/// From when to when the server is away, in seconds after the beginning.
#[derive(Clone, Copy)]
pub(super) struct Outage {
    pub(super) from_s: f64,
    pub(super) back_s: f64,
}

impl Outage {
    /// In the course of the third day, for 40 to 90 seconds.
    pub(super) fn new(dice: &mut Dice) -> Self {
        let from_s = 2.0 * DAY_S + (8.0 + 8.0 * dice.part()) * 3_600.0;
        Self { from_s, back_s: from_s + 40.0 + 50.0 * dice.part() }
    }

    /// Whether two hosts cannot begin anything then, because one of them is away or about to go, or others come first.
    pub(super) fn hinders(&self, pair: [Who; 2], at_s: f64) -> bool {
        let shut = self.from_s - QUIET_BEFORE_S..self.back_s + STORM_S;
        pair.contains(&Who::Server) && shut.contains(&at_s)
    }
}
