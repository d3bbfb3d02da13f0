//! How often each listener is visited, and when.
//!
//! Half of a host's listeners are visited at irregular times, with rates that differ widely: some many times a day, others not
//! once in weeks. A fifth serve jobs at a fixed time of the day. The rest hold sessions, half of which began before the
//! recording; the others open one on each day, for hours.

use super::synthetic::cast::{Listener, Who};
use super::synthetic::dice::Dice;
use super::{DAY_S, DAYS, END_S};

/// Median of the visits per day to listeners that are visited irregularly.
const MEDIAN_PER_DAY: f64 = 0.4;
/// Standard deviation of the logarithm of that rate.
const SPREAD: f64 = 1.5;
/// No listener is visited more often: the recording has to stay small.
const MOST_PER_DAY: f64 = 10.0;
/// What happens is known for twice as long as is recorded: the second half shows what a forecast is worth.
const HORIZON_DAYS: u32 = 2 * DAYS;

/// Why a listener is visited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Habit {
    /// At times that are independent of each other.
    Irregular { per_day: f64 },
    /// Once a day, at that second.
    Daily { second: f64 },
    /// By a session that began before the recording.
    Lasting,
    /// By a session of some hours on each day.
    Hours,
}

impl Habit {
    /// Name for the truth file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Irregular { .. } => "irregular",
            Self::Daily { .. } => "daily",
            Self::Lasting => "lasting",
            Self::Hours => "hours",
        }
    }
}

/// One visit that somebody intends.
#[derive(Clone, Copy)]
pub(super) struct Intent {
    /// The listener, by its place on the stage before any restart.
    pub(super) service: usize,
    pub(super) client: Who,
    /// When it begins, in seconds; below zero for a session that was there before the recording.
    pub(super) at_s: f64,
    /// When the session ends; `None` for a visit, which is over in seconds. Infinite: it stays.
    pub(super) until_s: Option<f64>,
}

/// The habit of each listener: shares are exact, who has which is drawn.
pub(super) fn habits(seed: u64, listeners: &[Listener]) -> Vec<Habit> {
    let mut habits = vec![Habit::Lasting; listeners.len()];
    for (purpose, host) in [(b'1', Who::Server), (b'2', Who::Agent)] {
        let mut dice = Dice::seeded(seed, purpose, 0);
        let mut own: Vec<usize> = (0..listeners.len()).filter(|n| listeners[*n].host == host).collect();
        dice.shuffle(&mut own);
        let (daily, sessions) = (own.len() / 5, own.len() * 3 / 10);
        for (place, service) in own.into_iter().enumerate() {
            habits[service] = match place {
                n if n < daily => Habit::Daily { second: (DAY_S - 60.0) * dice.part() },
                n if n < daily + sessions / 2 => Habit::Lasting,
                n if n < daily + sessions => Habit::Hours,
                _ => Habit::Irregular { per_day: (MEDIAN_PER_DAY * (SPREAD * dice.normal()).exp()).min(MOST_PER_DAY) },
            };
        }
    }
    habits
}

/// All visits that are intended, recorded time and as long again, in the order of their beginning.
pub(super) fn intents(seed: u64, listeners: &[Listener], habits: &[Habit]) -> Vec<Intent> {
    let mut all = Vec::new();
    for ((service, listener), habit) in listeners.iter().enumerate().zip(habits) {
        // A stream for each: what one does changes nothing about the others.
        let mut dice = Dice::seeded(seed, b'V', service as u32);
        of_listener(&mut all, &mut dice, service, &listener.users, *habit);
    }
    all.sort_by(|a, b| a.at_s.total_cmp(&b.at_s).then(a.service.cmp(&b.service)));
    all
}

fn of_listener(all: &mut Vec<Intent>, dice: &mut Dice, service: usize, users: &[Who], habit: Habit) {
    let end_s = f64::from(HORIZON_DAYS) * DAY_S;
    let mut intend = |client: Who, at_s: f64, until_s| all.push(Intent { service, client, at_s, until_s });
    match habit {
        Habit::Irregular { per_day } => {
            let mut at_s = dice.gap(per_day / DAY_S);
            while at_s < end_s {
                intend(users[dice.below(users.len() as u64) as usize], at_s, None);
                at_s += dice.gap(per_day / DAY_S);
            }
        }
        Habit::Daily { second } => {
            for day in 0..HORIZON_DAYS {
                intend(users[0], f64::from(day) * DAY_S + second + 20.0 * dice.part(), None);
            }
        }
        Habit::Lasting => users.iter().for_each(|user| intend(*user, -1.0, Some(f64::INFINITY))),
        Habit::Hours => {
            for day in 0..HORIZON_DAYS {
                let at_s = f64::from(day) * DAY_S + 80_000.0 * dice.part();
                intend(users[0], at_s, Some(at_s + (2.0 + 4.0 * dice.part()) * 3_600.0));
            }
        }
    }
}

/// Whether something begins too late to be recorded whole.
pub(super) fn is_too_late(at_s: f64) -> bool {
    at_s > END_S - 120.0
}
