//! What is recorded: how often each listener is visited, by whom, and over which time.

use super::dice::Dice;
use portproof::dynamic_ports::visits::Contact;
use std::net::{IpAddr, Ipv4Addr};

pub(crate) const SECOND_NS: f64 = 1e9;
pub(crate) const HOUR_S: f64 = 3_600.0;
pub(crate) const DAY_S: f64 = 24.0 * HOUR_S;
/// Nobody is visited more often: visits would merge into one.
const MOST_PER_HOUR: f64 = 60.0;
/// Clients that visit.
const CLIENTS: u64 = 4;
/// How long the connections of a burst take to open, s.
const BURST_S: f64 = 20.0;
/// Mean duration of a connection, s.
const CONNECTION_S: f64 = 1.0;
/// Time between runs, s.
const BETWEEN_RUNS_S: f64 = 2.0 * HOUR_S;
/// The host is not there for that long in a restart, s.
const RESTART_S: f64 = 120.0;

/// How a recording goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Plan {
    /// One recording of that many hours.
    Hours(f64),
    /// The same with a restart of the host, anywhere between a tenth and nine tenths of it. Ports change, services stay.
    Restart(f64),
    /// Days in one recording.
    Days(u32),
    /// Recordings of half an hour with hours between them.
    Runs(u32),
    /// The same, by a script: a listener is visited in a run with a probability of its own, U^(1/shape) with U between 0 and 1.
    Scripted { runs: u32, shape: f64 },
}

/// A workload.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Workload {
    pub(crate) listeners: u32,
    /// Median of the rates of visits.
    pub(crate) per_hour: f64,
    /// Standard deviation of their logarithms.
    pub(crate) log_sd: f64,
    pub(crate) plan: Plan,
    /// Mean number of connections in a visit.
    pub(crate) burst: f64,
    /// Part of the listeners that hold long sessions.
    pub(crate) persistent: f64,
    /// Part of the listeners that are visited once a day.
    pub(crate) daily: f64,
}

/// What one listener shows, and whether a recording as long again would show it.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    pub(crate) contacts: Vec<Contact>,
    pub(crate) comes_later: bool,
}

/// An interval of which everything is recorded, s.
pub(crate) type Interval = (f64, f64);

impl Workload {
    pub(crate) fn plain(listeners: u32, (per_hour, log_sd): (f64, f64), hours: f64) -> Self {
        Self { listeners, per_hour, log_sd, plan: Plan::Hours(hours), burst: 5.0, persistent: 0.0, daily: 0.0 }
    }

    /// Whether enough is recorded for the upper bound to be asked for: four hours, and of a recording with a restart twice that.
    pub(crate) fn is_long_enough(&self) -> bool {
        match self.plan {
            Plan::Hours(hours) => hours >= 4.0 && self.daily == 0.0,
            Plan::Restart(hours) => hours >= 8.0,
            Plan::Days(_) => true,
            Plan::Runs(runs) | Plan::Scripted { runs, .. } => f64::from(runs) * 0.5 >= 4.0,
        }
    }

    /// Whether the forecast is a bound, and not meant to be right on average: few runs.
    pub(crate) fn forecast_is_a_bound(&self) -> bool {
        matches!(self.plan, Plan::Runs(..7) | Plan::Scripted { runs: ..7, .. })
    }

    /// Whether the forecast is asked to be right: what is scheduled is judged on days, and long sessions need more than the hour
    /// after which they are told from visits.
    pub(crate) fn forecast_is_asked_for(&self) -> bool {
        let hours = if let Plan::Hours(hours) = self.plan { hours } else { f64::INFINITY };
        !(hours.is_finite() && self.daily > 0.0 || hours < 4.0 && self.persistent > 0.0)
    }

    /// The epochs of a recording, each with the intervals that were recorded of it.
    pub(crate) fn epochs(&self, dice: &mut Dice) -> Vec<Vec<Interval>> {
        match self.plan {
            Plan::Hours(hours) => vec![vec![(0.0, hours * HOUR_S)]],
            Plan::Days(days) => vec![vec![(0.0, f64::from(days) * DAY_S)]],
            Plan::Restart(hours) => {
                let end = hours * HOUR_S;
                let at = dice.between(0.1, 0.9) * end;
                vec![vec![(0.0, at)], vec![(at + RESTART_S, end)]]
            }
            Plan::Runs(runs) | Plan::Scripted { runs, .. } => {
                let start = |run: u32| f64::from(run) * (0.5 * HOUR_S + BETWEEN_RUNS_S);
                vec![(0..runs).map(|run| (start(run), start(run) + 0.5 * HOUR_S)).collect()]
            }
        }
    }

    /// The rates of all listeners, visits per second. They stay the same over epochs.
    pub(crate) fn rates(&self, dice: &mut Dice) -> Vec<f64> {
        let rate = |dice: &mut Dice| dice.log_normal(self.per_hour, self.log_sd).min(MOST_PER_HOUR) / HOUR_S;
        (0..self.listeners).map(|_| rate(dice)).collect()
    }

    /// What the listener with this number shows in these intervals.
    pub(crate) fn listener(&self, number: usize, rate: f64, intervals: &[Interval], dice: &mut Dice) -> Listener {
        let part = number as f64 / f64::from(self.listeners);
        let mut listener = Listener::default();
        if let Plan::Scripted { shape, .. } = self.plan {
            let probability = dice.unit().powf(1.0 / shape);
            for interval in intervals {
                if dice.chance(probability) {
                    self.visit(dice.between(interval.0, interval.1), *interval, dice, &mut listener.contacts);
                }
                listener.comes_later |= dice.chance(probability);
            }
        } else if part < self.persistent {
            intervals.iter().for_each(|interval| sessions(*interval, dice, &mut listener.contacts));
            listener.comes_later = true;
        } else if part < self.persistent + self.daily {
            self.daily_jobs(intervals, dice, &mut listener);
        } else {
            for interval in intervals {
                let mut at = interval.0 + dice.exponential(1.0 / rate);
                while at < interval.1 {
                    self.visit(at, *interval, dice, &mut listener.contacts);
                    at += dice.exponential(1.0 / rate);
                }
            }
            let seconds: f64 = intervals.iter().map(|(start, end)| end - start).sum();
            listener.comes_later = dice.chance(1.0 - (-rate * seconds).exp());
        }
        listener
    }

    /// Once a day at the same time, give or take ten minutes.
    fn daily_jobs(&self, intervals: &[Interval], dice: &mut Dice, listener: &mut Listener) {
        let Some((start, end)) = intervals.first().copied() else { return };
        let mut at = start + dice.between(0.0, DAY_S);
        let length = end - start;
        while at < start + 2.0 * length {
            let starts = at + 600.0 * dice.normal();
            if (start..end).contains(&starts) {
                self.visit(starts, (start, end), dice, &mut listener.contacts);
            }
            listener.comes_later |= starts >= end && starts < start + 2.0 * length;
            at += DAY_S;
        }
    }

    /// One client opens some connections.
    fn visit(&self, at: f64, within: Interval, dice: &mut Dice, contacts: &mut Vec<Contact>) {
        let client = client(dice);
        for number in 0..dice.geometric(self.burst) {
            let start = if number == 0 { at } else { at + dice.between(0.0, BURST_S) };
            if start < within.1 {
                let end = (start + dice.exponential(CONNECTION_S)).min(within.1);
                contacts.push(contact(client, start, end, false));
            }
        }
    }
}

/// Sessions of hours with minutes between them; most are open when the recording begins.
fn sessions((start, end): Interval, dice: &mut Dice, contacts: &mut Vec<Contact>) {
    let client = client(dice);
    let length = |dice: &mut Dice| dice.log_normal(8.0 * HOUR_S, 1.0);
    let mut at = start;
    let mut is_open = dice.chance(0.98);
    let mut begun_before = is_open;
    while at < end {
        if is_open {
            // What is left of a session that had begun is shorter.
            let left = if begun_before { dice.unit() } else { 1.0 };
            let closes = at + length(dice) * left;
            contacts.push(contact(client, at, closes.min(end), begun_before));
            at = closes;
        } else {
            at += dice.exponential(600.0);
        }
        begun_before = false;
        is_open = !is_open;
    }
}

fn client(dice: &mut Dice) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, 1 + dice.below(CLIENTS) as u8).into()
}

fn contact(client: IpAddr, start: f64, end: f64, begun_before: bool) -> Contact {
    Contact { client, start_ns: (start * SECOND_NS) as i64, end_ns: (end * SECOND_NS) as i64, begun_before }
}

/// All workloads, by group.
pub(crate) fn all() -> Vec<(&'static str, Vec<Workload>)> {
    const RATES: [(f64, f64); 4] = [(1.0, 1.0), (1.0, 2.0), (0.2, 1.0), (0.2, 2.0)];
    let each = |of: &dyn Fn(u32, (f64, f64)) -> Vec<Workload>| -> Vec<Workload> {
        [51, 68].iter().flat_map(|listeners| RATES.iter().flat_map(move |rate| of(*listeners, *rate))).collect()
    };
    let hours = |with: Workload, all: &[f64]| -> Vec<Workload> {
        all.iter().map(|hours| Workload { plan: Plan::Hours(*hours), ..with }).collect()
    };
    let plans = |with: Workload, plans: &[Plan]| -> Vec<Workload> {
        plans.iter().map(|plan| Workload { plan: *plan, ..with }).collect()
    };
    let plain = |listeners, rate| Workload::plain(listeners, rate, 0.0);
    vec![
        ("Visits at random", each(&|n, rate| hours(plain(n, rate), &[1.0, 4.0, 8.0, 24.0]))),
        (
            "30% with long sessions",
            each(&|n, rate| hours(Workload { persistent: 0.3, ..plain(n, rate) }, &[4.0, 8.0, 24.0])),
        ),
        (
            "All with long sessions",
            [51, 68]
                .iter()
                .flat_map(|n| hours(Workload { persistent: 1.0, ..plain(*n, (1.0, 1.0)) }, &[1.0, 4.0, 24.0]))
                .collect(),
        ),
        ("A restart: the fullest epoch", each(&|n, rate| plans(plain(n, rate), &[4.0, 8.0, 24.0].map(Plan::Restart)))),
        (
            "20% daily jobs, judged on days",
            each(&|n, rate| {
                let with = Workload { daily: 0.2, burst: 2.0, ..plain(n, rate) };
                plans(with, &[3, 4, 7, 14].map(Plan::Days))
            }),
        ),
        (
            "20% daily jobs in windows (for comparison)",
            each(&|n, rate| hours(Workload { daily: 0.2, ..plain(n, rate) }, &[24.0])),
        ),
        ("Runs of 30 min", each(&|n, rate| plans(plain(n, rate), &[2, 3, 5, 10].map(Plan::Runs)))),
        (
            "Scripted runs of 30 min",
            [51, 68]
                .iter()
                .flat_map(|n| [2.0, 1.0, 0.5].map(|shape| (*n, shape)))
                .flat_map(|(n, shape)| {
                    plans(plain(n, (1.0, 1.0)), &[2, 3, 5, 10].map(|runs| Plan::Scripted { runs, shape }))
                })
                .collect(),
        ),
    ]
}
