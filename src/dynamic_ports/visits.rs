//! From contacts to samples: what a recording says about how often each listener was visited.
//!
//! A client that opens five connections in a row came once: counted as five they hide how rare a listener is, and every
//! estimate of what was not seen comes out too low. So contacts of one client with at most [`VISIT_GAP_NS`] of silence between
//! them are one *visit*. A listener that was in use when the recording began, or through a visit of more than
//! [`KNOWN_AFTER_NS`], says nothing about how rare visits are: it is *known*, counted, and left out of the estimate.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// Silence between contacts of one client with one listener that ends a visit, ns.
pub const VISIT_GAP_NS: i64 = 60 * SECOND_NS;
/// A visit longer than this makes its listener known, ns.
pub const KNOWN_AFTER_NS: i64 = 3_600 * SECOND_NS;
/// Windows of equal length that a recording is cut into.
pub const WINDOWS: u64 = 20;
/// From so many whole days on, days are the units: work that is done once a day shows in each.
pub const DAYS_FROM: u64 = 3;
/// Silence between recordings that makes them runs of their own, ns.
pub const RUN_GAP_NS: i64 = 600 * SECOND_NS;

const SECOND_NS: i64 = 1_000_000_000;
const DAY_NS: i64 = 86_400 * SECOND_NS;
/// Units beyond this are not made: three years of days.
const MOST_UNITS: usize = 1_100;

/// One or more conversations of a client with a listener, close together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// The client.
    pub client: IpAddr,
    /// First packet, ns.
    pub start_ns: i64,
    /// Last packet, ns.
    pub end_ns: i64,
    /// True where the conversation had begun before the recording did.
    pub begun_before: bool,
}

/// What one client had from one listener without a long silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// First packet, ns.
    pub start_ns: i64,
    /// Last packet, ns.
    pub end_ns: i64,
    /// True where it had begun before the recording did.
    pub begun_before: bool,
}

impl Visit {
    /// Whether a listener with this visit is there whatever else is seen of it.
    #[must_use]
    pub fn makes_known(&self) -> bool {
        self.begun_before || self.end_ns.saturating_sub(self.start_ns) > KNOWN_AFTER_NS
    }
}

/// What a sampling unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Equal parts of one recording.
    Windows,
    /// Days of one recording, from its beginning.
    Days,
    /// Recordings with time between them.
    Runs,
}

impl Unit {
    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Days => "days",
            Self::Runs => "runs",
        }
    }
}

/// The sampling units of a recording: disjoint intervals, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// What they are.
    pub unit: Unit,
    /// First and last instant of each, ns.
    intervals: Vec<(i64, i64)>,
}

impl Units {
    /// The units that fit these recordings (first and last frame of each, ns): runs where there is time between them, days
    /// where one lasts for [`DAYS_FROM`] days, windows else.
    #[must_use]
    pub fn of(recordings: &[(i64, i64)]) -> Self {
        let runs = apart(recordings);
        match runs.as_slice() {
            [] => Self { unit: Unit::Windows, intervals: Vec::new() },
            [(start, end)] if end.saturating_sub(*start) >= DAYS_FROM as i64 * DAY_NS => Self::days(*start, *end),
            [(start, end)] => Self::windows(*start, *end),
            _ => Self { unit: Unit::Runs, intervals: runs },
        }
    }

    /// [`WINDOWS`] equal parts.
    #[must_use]
    pub fn windows(start_ns: i64, end_ns: i64) -> Self {
        let length = i128::from(end_ns.saturating_sub(start_ns).max(0));
        let at = |part: u64| start_ns.saturating_add((length * i128::from(part) / i128::from(WINDOWS)) as i64);
        let intervals = (0..WINDOWS).map(|part| (at(part), if part + 1 < WINDOWS { at(part + 1) - 1 } else { end_ns }));
        Self { unit: Unit::Windows, intervals: intervals.collect() }
    }

    /// Whole days from the beginning; what remains belongs to the last.
    #[must_use]
    pub fn days(start_ns: i64, end_ns: i64) -> Self {
        let whole = (end_ns.saturating_sub(start_ns) / DAY_NS).clamp(1, MOST_UNITS as i64);
        let at = |day: i64| start_ns.saturating_add(day.saturating_mul(DAY_NS));
        let intervals = (0..whole).map(|day| (at(day), if day + 1 < whole { at(day + 1) - 1 } else { end_ns }));
        Self { unit: Unit::Days, intervals: intervals.collect() }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.intervals.len() as u64
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// The intervals, in order.
    #[must_use]
    pub fn intervals(&self) -> &[(i64, i64)] {
        &self.intervals
    }

    /// In how many units there was a visit.
    #[must_use]
    pub fn active(&self, visits: &[Visit]) -> u64 {
        let mut active = vec![false; self.intervals.len()];
        for visit in visits {
            let first = self.intervals.partition_point(|(_, end)| *end < visit.start_ns);
            for (at, (start, _)) in self.intervals.iter().enumerate().skip(first) {
                if *start > visit.end_ns {
                    break;
                }
                active[at] = true;
            }
        }
        active.into_iter().filter(|active| *active).count() as u64
    }
}

/// Recordings joined where less than [`RUN_GAP_NS`] lies between them, in order.
fn apart(recordings: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut sorted: Vec<(i64, i64)> = recordings.to_vec();
    sorted.sort_unstable();
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for (start, end) in sorted {
        let full = runs.len() == MOST_UNITS;
        match runs.last_mut() {
            Some(last) if full || start.saturating_sub(last.1) < RUN_GAP_NS => last.1 = last.1.max(end),
            _ => runs.push((start, end)),
        }
    }
    runs
}

/// What a recording showed of a host's listeners, ready for estimating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Listeners that are known whatever was visited: left out of the counts below.
    pub known: u64,
    /// Visits of each other listener.
    pub visits: Vec<u64>,
    /// In how many units each other listener was active, in the same order.
    pub active_units: Vec<u64>,
    /// How many units there were.
    pub units: u64,
    /// What a unit is.
    pub unit: Unit,
}

impl Sample {
    /// The sample of listeners, each given by its visits and whether something besides (a host table) makes it known.
    pub fn of<'a>(listeners: impl IntoIterator<Item = (&'a [Visit], bool)>, units: &Units) -> Self {
        let mut sample =
            Self { known: 0, visits: Vec::new(), active_units: Vec::new(), units: units.len(), unit: units.unit };
        for (visits, known) in listeners {
            if known || visits.is_empty() || visits.iter().any(Visit::makes_known) {
                sample.known += 1;
            } else {
                sample.visits.push(visits.len() as u64);
                sample.active_units.push(units.active(visits).max(1));
            }
        }
        sample
    }
}

/// The visits of one listener, in order of their beginning.
#[must_use]
pub fn visits(contacts: &[Contact]) -> Vec<Visit> {
    let mut by_client: BTreeMap<IpAddr, Vec<&Contact>> = BTreeMap::new();
    for contact in contacts {
        by_client.entry(contact.client).or_default().push(contact);
    }
    let mut all = Vec::new();
    for mut contacts in by_client.into_values() {
        contacts.sort_unstable_by_key(|contact| (contact.start_ns, contact.end_ns));
        let mut open: Option<Visit> = None;
        for Contact { start_ns, end_ns, begun_before, .. } in contacts {
            match &mut open {
                Some(visit) if start_ns.saturating_sub(visit.end_ns) <= VISIT_GAP_NS => {
                    visit.end_ns = visit.end_ns.max(*end_ns);
                    visit.begun_before |= begun_before;
                }
                _ => {
                    let next = Visit { start_ns: *start_ns, end_ns: *end_ns, begun_before: *begun_before };
                    all.extend(open.replace(next));
                }
            }
        }
        all.extend(open);
    }
    all.sort_unstable_by_key(|visit| (visit.start_ns, visit.end_ns));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60 * SECOND_NS;

    fn contact(client: u8, start: i64, end: i64) -> Contact {
        Contact {
            client: [10, 0, 0, client].into(),
            start_ns: start * SECOND_NS,
            end_ns: end * SECOND_NS,
            begun_before: false,
        }
    }

    #[test]
    fn a_burst_is_one_visit_and_clients_visit_by_themselves() {
        let burst: Vec<Contact> = (0..5).map(|n| contact(1, n * 50, n * 50 + 1)).collect();
        assert_eq!(visits(&burst).len(), 1);
        assert_eq!(visits(&[contact(1, 0, 1), contact(2, 2, 3)]).len(), 2);
        let apart = [contact(1, 0, 10), contact(1, 70, 71), contact(1, 132, 133)];
        let ends: Vec<i64> = visits(&apart).iter().map(|visit| visit.end_ns / SECOND_NS).collect();
        assert_eq!(ends, [71, 133], "60 s after the end still belong to the visit, 61 s do not");
        assert_eq!(visits(&[]), []);
    }

    #[test]
    fn what_lasts_or_was_there_before_is_known() {
        let units = Units::windows(0, 8 * 60 * MINUTE);
        let short = visits(&[contact(1, 0, 3_600)]);
        let long = visits(&[contact(1, 0, 3_601)]);
        let polled: Vec<Contact> = (0..100).map(|n| contact(1, n * 60, n * 60 + 1)).collect();
        let before = [Contact { begun_before: true, ..contact(1, 0, 1) }];
        let polled = visits(&polled);
        let before = visits(&before);
        let sample = Sample::of(
            [(&short[..], false), (&long[..], false), (&polled[..], false), (&before[..], false), (&short[..], true)],
            &units,
        );
        assert_eq!((sample.known, sample.visits.as_slice()), (4, &[1][..]));
        assert_eq!(sample.active_units, [3], "an hour touches three windows of 24 minutes");
    }

    #[test]
    fn windows_and_days_cover_the_recording_without_overlap() {
        for units in [Units::windows(7, 1_000_003), Units::days(5, 5 + 4 * DAY_NS + 17), Units::windows(3, 3)] {
            let intervals = units.intervals();
            assert!(intervals.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0 || pair[0].0 == pair[1].0), "{units:?}");
        }
        assert_eq!(Units::days(0, 4 * DAY_NS + 17).len(), 4);
        assert_eq!(Units::windows(0, 100).intervals()[19], (95, 100));
    }

    #[test]
    fn time_between_recordings_makes_runs_and_length_makes_days() {
        let hour = 60 * MINUTE;
        assert_eq!(Units::of(&[(0, hour)]).unit, Unit::Windows);
        assert_eq!(
            Units::of(&[(hour + 1, 2 * hour), (0, hour)]).unit,
            Unit::Windows,
            "rotated files are one recording"
        );
        let runs = Units::of(&[(0, hour), (3 * hour, 4 * hour), (30 * hour, 31 * hour)]);
        assert_eq!((runs.unit, runs.len()), (Unit::Runs, 3));
        let days = Units::of(&[(0, 3 * DAY_NS)]);
        assert_eq!((days.unit, days.len()), (Unit::Days, 3));
        assert!(Units::of(&[]).is_empty());
        assert_eq!(runs.active(&visits(&[contact(1, 10, 11), contact(1, 4 * 3_600, 4 * 3_600)])), 2);
    }

    #[test]
    fn times_at_the_edges_do_not_overflow() {
        let units = Units::of(&[(i64::MIN, i64::MAX)]);
        assert!(units.active(&[Visit { start_ns: i64::MIN, end_ns: i64::MAX, begun_before: false }]) > 0);
        let _ = Units::windows(i64::MAX, i64::MIN);
        let _ = Units::days(i64::MAX, i64::MIN);
    }
}
