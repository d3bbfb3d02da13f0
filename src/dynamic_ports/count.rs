//! Counting, host by host: from the reductions to listeners, visits, ephemeral ports and ports in use over time.

use super::course::{Course, Hold, Level, Peak};
use super::epochs::{Epoch, epochs};
use super::estimators::{Estimate, estimate};
use super::knowledge::Knowledge;
use super::ranges::HostRange;
use super::sizing::{ListenersFrom, Measured, Sizing, size, variance_to_mean};
use super::visits::{Contact, Sample, Units, Visit, visits};
use crate::catalog::DEFAULT_DYNAMIC_RANGE;
use crate::classification::{
    ContactRow, EndpointRow, HoldRow, JudgedFrame, Restarts, contact_rows, endpoint_rows, hold_rows,
};
use crate::model::{Endpoint, Orientation, Transport};
use polars::prelude::PolarsResult;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// TIME-WAIT of Windows, at its longest: Microsoft's documents name 30 s to 4 minutes, and 4 minutes as what an exhausted host
/// has. Windows holds a port for that long where it closed first.
pub const WINDOWS_TIME_WAIT_NS: i64 = 240_000_000_000;
/// TIME-WAIT of Linux (`TCP_TIMEWAIT_LEN`).
pub const LINUX_TIME_WAIT_NS: i64 = 60_000_000_000;
/// No dynamic range begins below it.
pub const LOWEST_PORT: u16 = 1_025;
/// Steps of successive local ports up to this one are taken for a row.
const IN_A_ROW: u16 = 16;

/// The reductions that counting starts from.
#[derive(Debug, Clone, Default)]
pub struct Reductions {
    /// Endpoints that were seen to serve.
    pub endpoints: Vec<EndpointRow>,
    /// Who had what from them, by the minute.
    pub contacts: Vec<ContactRow>,
    /// Ports held by flows.
    pub holds: Vec<HoldRow>,
}

impl Reductions {
    /// Runs them.
    ///
    /// # Errors
    /// When Polars fails.
    pub fn of(judged: &JudgedFrame) -> PolarsResult<Self> {
        Ok(Self {
            endpoints: endpoint_rows(judged, true)?,
            contacts: contact_rows(judged, LOWEST_PORT)?,
            holds: hold_rows(judged, LOWEST_PORT)?,
        })
    }
}

/// A listener within one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedListener {
    /// Its port; the last one where its service moved.
    pub port: u16,
    /// Ports that its service had before within the epoch.
    pub former: Vec<u16>,
    /// Its visits.
    pub visits: Vec<Visit>,
}

/// The listeners of one epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochCount {
    /// The epoch.
    pub epoch: Epoch,
    /// Its listeners, by port.
    pub listeners: Vec<CountedListener>,
    /// Dynamic ports at which a host table shows a program waiting although nobody called it: no capture can see these.
    pub idle: BTreeSet<u16>,
    /// Whether a host table shows which programs were waiting.
    pub is_listed: bool,
    /// Of the listeners, those that a host table shows. A table that lacks some is partial, or of another time.
    pub listed: usize,
    /// What estimators count.
    pub sample: Sample,
    /// What they say of it.
    pub estimate: Estimate,
}

impl EpochCount {
    /// Listeners to reckon with: the upper bound of the estimate, or all that are seen or listed where that is more.
    #[must_use]
    pub fn listeners_to_reckon_with(&self) -> (u64, ListenersFrom) {
        let there = (self.listeners.len() + self.idle.len()) as u64;
        let upper = self.estimate.upper.unwrap_or(0);
        if self.is_listed && there > upper {
            (there, ListenersFrom::HostTable)
        } else {
            (upper.max(there), ListenersFrom::Estimate)
        }
    }
}

/// Most ports held at once, TIME-WAIT included, and by what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeldPeak {
    /// How many, and when.
    pub peak: Peak,
    /// Of these, listeners.
    pub listeners: u32,
    /// Ports of conversations under way.
    pub conversations: u32,
    /// Ports in TIME-WAIT only.
    pub time_wait: u32,
}

/// Calls that a host makes, and the ports that they take.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calls {
    /// Conversations that it opened from a dynamic port, attempts included.
    pub opened: u64,
    /// Ports held for them over time, TIME-WAIT included.
    pub course: Course,
    /// Most ports of conversations under way at once, without TIME-WAIT: what is opened anew after a restart of the peer.
    pub most_open: u32,
    /// The busiest hour, or the whole of a shorter recording.
    pub busiest: Level,
    /// New conversations per second in it.
    pub per_second: f64,
    /// Their mean duration from first to last packet, seconds.
    pub mean_hold_s: f64,
    /// Most connections opened within two minutes after a restart of the host.
    pub after_restart: u64,
    /// Share of calls whose local port is one to sixteen above the one before; `None` with fewer than 20 calls.
    pub in_a_row: Option<f64>,
}

/// Port use of one host and transport.
#[derive(Debug, Clone, PartialEq)]
pub struct HostCount {
    /// The host.
    pub host: IpAddr,
    /// Transport.
    pub transport: Transport,
    /// Its dynamic ports.
    pub range: HostRange,
    /// Listeners by epoch, in the order of time.
    pub epochs: Vec<EpochCount>,
    /// Documented static ports inside the range that served.
    pub static_ports: BTreeSet<u16>,
    /// Dynamic ports of flows whose direction is not known, in no other count.
    pub unknown: BTreeSet<u16>,
    /// Where somebody states the range: ports of the default one outside of it that served or that the host called from all the
    /// same, in no other count. The range may be stated for another time than the recording's.
    pub outside: BTreeSet<u16>,
    /// Local ports of its calls.
    pub ephemeral: BTreeSet<u16>,
    /// TIME-WAIT that is reckoned with, ns.
    pub time_wait_ns: i64,
    /// Most ports in use at once by packets: listeners, and conversations from first to last packet.
    pub in_use: Peak,
    /// Most ports held at once, TIME-WAIT included.
    pub held: HeldPeak,
    /// Ports held over time, for a chart.
    pub course: Vec<(i64, u32)>,
    /// Its calls.
    pub calls: Calls,
    /// How large its range should be.
    pub sizing: Sizing,
}

impl HostCount {
    /// The epoch with the most listeners, the last one of equals.
    #[must_use]
    pub fn fullest(&self) -> Option<&EpochCount> {
        self.epochs.iter().max_by_key(|epoch| (epoch.listeners.len(), epoch.epoch.number))
    }

    /// Ports that its range gives: without documented static ports and excluded blocks.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        let range = &self.range.ephemeral;
        (u32::from(*range.end()) + 1)
            .saturating_sub(u32::from(*range.start()))
            .saturating_sub(self.sizing.measured.reserved)
    }

    fn is_empty(&self) -> bool {
        let nothing = |set: &BTreeSet<u16>| set.is_empty();
        let listens = self.epochs.iter().any(|epoch| !epoch.listeners.is_empty() || !epoch.idle.is_empty());
        !listens && [&self.static_ports, &self.unknown, &self.outside, &self.ephemeral].into_iter().all(nothing)
    }
}

/// Counts, host by host and transport by transport. `recordings` are first and last frame of each capture, ns.
#[must_use]
pub fn count_hosts(
    mut reductions: Reductions,
    recordings: &[(i64, i64)],
    restarts: &Restarts,
    knowledge: &(impl Knowledge + Sync),
) -> Vec<HostCount> {
    let Reductions { endpoints, contacts, holds } = &mut reductions;
    std::thread::scope(|scope| {
        scope.spawn(|| contacts.sort_unstable_by_key(|r| (r.host, r.transport, r.port, r.start_ns, r.client)));
        endpoints.sort_unstable_by_key(|row| (row.host, row.transport, row.port));
        holds.sort_unstable_by_key(|row| (row.host, row.transport, row.start_ns, row.port, row.end_ns));
    });
    let mut parts: BTreeMap<(IpAddr, Transport), Part<'_>> = BTreeMap::new();
    for rows in reductions.endpoints.chunk_by(|a, b| (a.host, a.transport) == (b.host, b.transport)) {
        parts.entry((rows[0].host, rows[0].transport)).or_default().endpoints = rows;
    }
    for rows in reductions.contacts.chunk_by(|a, b| (a.host, a.transport) == (b.host, b.transport)) {
        parts.entry((rows[0].host, rows[0].transport)).or_default().contacts = rows;
    }
    for rows in reductions.holds.chunk_by(|a, b| (a.host, a.transport) == (b.host, b.transport)) {
        parts.entry((rows[0].host, rows[0].transport)).or_default().holds = rows;
    }
    let mut called_from: BTreeMap<IpAddr, BTreeSet<u16>> = BTreeMap::new();
    for ((host, _), part) in &parts {
        called_from.entry(*host).or_default().extend(part.calls().map(|hold| hold.port));
    }
    let count = |((host, transport), part): &((IpAddr, Transport), Part<'_>)| {
        let stated = knowledge.stated_range(*host, *transport);
        let range = stated.unwrap_or_else(|| HostRange::observed(&called_from[host]));
        let linux = if range.is_linux() { LINUX_TIME_WAIT_NS } else { WINDOWS_TIME_WAIT_NS };
        let time_wait_ns = knowledge.time_wait_ns(*host).unwrap_or(linux);
        let case = Case { host: *host, transport: *transport, range, time_wait_ns, recordings, restarts, knowledge };
        Some(case.count(part)).filter(|count| !count.is_empty())
    };
    let parts: Vec<((IpAddr, Transport), Part<'_>)> = parts.into_iter().collect();
    on_all_cores(&parts, &count)
}

/// Counts every part, hosts side by side; the order stays. Results do not depend on how many cores there are.
fn on_all_cores<P: Sync>(parts: &[P], count: &(impl Fn(&P) -> Option<HostCount> + Sync)) -> Vec<HostCount> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = parts.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let counting: Vec<_> = parts
            .chunks(share)
            .map(|parts| scope.spawn(move || parts.iter().filter_map(count).collect::<Vec<_>>()))
            .collect();
        let join = |counted: std::thread::ScopedJoinHandle<'_, Vec<HostCount>>| match counted.join() {
            Ok(counted) => counted,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        counting.into_iter().flat_map(join).collect()
    })
}

/// The rows of one host and transport.
#[derive(Default)]
struct Part<'a> {
    endpoints: &'a [EndpointRow],
    contacts: &'a [ContactRow],
    holds: &'a [HoldRow],
}

impl<'a> Part<'a> {
    /// What the host opened, as far as that is known.
    fn calls(&self) -> impl Iterator<Item = &'a HoldRow> {
        self.holds.iter().filter(|hold| is_call(hold))
    }
}

/// A port that is held for a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallHold {
    pub(super) port: u16,
    pub(super) start_ns: i64,
    /// Last packet.
    pub(super) last_ns: i64,
    /// End of TIME-WAIT, or of the epoch where nobody closed.
    pub(super) end_ns: i64,
}

impl CallHold {
    /// Of a hold in an epoch that ends at `epoch_end_ns`.
    pub(super) fn of(hold: &HoldRow, epoch_end_ns: i64, time_wait_ns: i64) -> Self {
        let waits = hold.closed && hold.transport == Transport::Tcp;
        let end_ns = match (hold.open_at_end, waits) {
            (true, _) => epoch_end_ns,
            (false, true) => hold.end_ns.saturating_add(time_wait_ns),
            (false, false) => hold.end_ns,
        };
        let last_ns = hold.end_ns.max(hold.start_ns).min(epoch_end_ns.max(hold.start_ns));
        Self { port: hold.port, start_ns: hold.start_ns, last_ns, end_ns: end_ns.min(epoch_end_ns).max(last_ns) }
    }
}

/// Whether a hold is of a call that the holder made, as far as that is known.
pub(super) fn is_call(hold: &HoldRow) -> bool {
    hold.initiated && hold.orientation >= Orientation::Probable
}

/// The place of the epoch in which a moment lies.
pub(super) fn epoch_at(epochs: &[EpochCount], ns: i64) -> usize {
    epochs.partition_point(|count| count.epoch.end_ns < ns).min(epochs.len().saturating_sub(1))
}

/// One host and transport, and what is known of it.
struct Case<'a, K> {
    host: IpAddr,
    transport: Transport,
    range: HostRange,
    time_wait_ns: i64,
    recordings: &'a [(i64, i64)],
    restarts: &'a Restarts,
    knowledge: &'a K,
}

impl<K: Knowledge> Case<'_, K> {
    fn count(self, part: &Part<'_>) -> HostCount {
        let served: BTreeSet<u16> =
            part.endpoints.iter().map(|row| row.port).filter(|port| self.range.listens_at(*port)).collect();
        let (static_ports, dynamic): (BTreeSet<u16>, BTreeSet<u16>) =
            served.into_iter().partition(|port| self.is_static(*port));
        let span = span(self.recordings);
        let epochs = epochs(self.restarts.of_host(self.host), self.transport, span);
        let epochs = self.listeners(part.contacts, &dynamic, epochs);
        let calls = self.calls(part, &epochs);
        let ephemeral: BTreeSet<u16> = calls.iter().map(|call| call.port).collect();
        let unknown = part.holds.iter().filter(|hold| hold.orientation < Orientation::Probable).map(|hold| hold.port);
        let in_a_count = |port: &u16| dynamic.contains(port) || ephemeral.contains(port);
        let unknown = unknown.filter(|port| self.range.contains(*port) && !self.is_static(*port) && !in_a_count(port));
        let unknown = unknown.collect();
        let outside = self.outside(part);
        let listeners = listener_holds(&epochs, |count| count.listeners.iter().map(|l| l.port).collect());
        let idle = listener_holds(&epochs, |count| count.idle.iter().copied().collect());
        let until = |end: fn(&CallHold) -> i64| {
            let own = calls.iter().map(|call| Hold { port: call.port, start_ns: call.start_ns, end_ns: end(call) });
            listeners.iter().copied().chain(own).collect::<Vec<Hold>>()
        };
        let whole = span.0..=span.1;
        let in_use = Course::of(&until(|call| call.last_ns), whole.clone()).peak;
        let waiting: Vec<Hold> = listeners.iter().chain(&idle).copied().collect();
        let course = Course::of(&[until(|call| call.end_ns), idle].concat(), whole);
        let held = held_peak(course.peak, &waiting, &calls);
        let calls = self.of_calls(&calls, span);
        let sizing = self.sizing(&epochs, &calls);
        HostCount {
            host: self.host,
            transport: self.transport,
            range: self.range,
            epochs,
            static_ports,
            unknown,
            outside,
            ephemeral,
            time_wait_ns: self.time_wait_ns,
            in_use,
            held,
            course: course.steps,
            calls,
            sizing,
        }
    }

    /// The epoch with the most listeners to reckon with decides; the calls of all epochs count.
    fn sizing(&self, epochs: &[EpochCount], calls: &Calls) -> Sizing {
        let reckoned = epochs.iter().map(EpochCount::listeners_to_reckon_with).max_by_key(|(listeners, _)| *listeners);
        let (listeners, listeners_from) = reckoned.unwrap_or((0, ListenersFrom::Estimate));
        let waits = self.transport == Transport::Tcp;
        size(Measured {
            listeners,
            listeners_from,
            calls_per_second: calls.per_second,
            hold_s: calls.mean_hold_s,
            time_wait_s: if waits { self.time_wait_ns as f64 / 1e9 } else { 0.0 },
            held_mean: calls.busiest.mean,
            variance_to_mean: variance_to_mean(&calls.course),
            peak: calls.course.peak.ports,
            storm: calls.after_restart.max(calls.most_open.into()),
            reserved: self.knowledge.reserved(self.host, self.transport, &self.range.ephemeral),
        })
    }

    fn outside(&self, part: &Part<'_>) -> BTreeSet<u16> {
        let used = part.endpoints.iter().map(|row| row.port).chain(part.calls().map(|hold| hold.port));
        let outside = |port: &u16| DEFAULT_DYNAMIC_RANGE.contains(port) && !self.range.contains(*port);
        used.filter(|port| outside(port) && !self.is_static(*port)).collect()
    }

    fn is_static(&self, port: u16) -> bool {
        self.knowledge.is_static(self.transport, Endpoint { ip: self.host, port })
    }

    fn listeners(&self, contacts: &[ContactRow], dynamic: &BTreeSet<u16>, epochs: Vec<Epoch>) -> Vec<EpochCount> {
        let mut by_epoch: Vec<BTreeMap<u16, CountedListener>> = vec![BTreeMap::new(); epochs.len()];
        for rows in contacts.chunk_by(|a, b| a.port == b.port).filter(|rows| dynamic.contains(&rows[0].port)) {
            let of_port: Vec<Contact> = rows.iter().map(contact).collect();
            for visit in visits(&of_port) {
                let number = epochs.partition_point(|epoch| epoch.end_ns < visit.start_ns).min(epochs.len() - 1);
                let port = epochs[number].last_port(rows[0].port);
                let listener = by_epoch[number].entry(port).or_insert_with(|| CountedListener {
                    port,
                    former: Vec::new(),
                    visits: Vec::new(),
                });
                listener.visits.push(visit);
                if rows[0].port != port && !listener.former.contains(&rows[0].port) {
                    listener.former.push(rows[0].port);
                }
            }
        }
        let counted = epochs.into_iter().zip(by_epoch).map(|(epoch, listeners)| {
            let mut listeners: Vec<CountedListener> = listeners.into_values().collect();
            listeners.iter_mut().for_each(|listener| listener.visits.sort_unstable_by_key(|v| (v.start_ns, v.end_ns)));
            self.of_epoch(epoch, listeners)
        });
        counted.collect()
    }

    fn of_epoch(&self, epoch: Epoch, listeners: Vec<CountedListener>) -> EpochCount {
        let units = Units::of(&within(self.recordings, &epoch));
        let mut idle = self.knowledge.waiting(self.host, self.transport, &(epoch.start_ns..=epoch.end_ns));
        let is_listed = !idle.is_empty();
        let listed =
            |listener: &CountedListener| listener.former.iter().chain([&listener.port]).any(|port| idle.contains(port));
        let seen: Vec<(&[Visit], bool)> = listeners.iter().map(|l| (l.visits.as_slice(), listed(l))).collect();
        let seen_listed = seen.iter().filter(|(_, listed)| *listed).count();
        for port in listeners.iter().flat_map(|l| l.former.iter().chain([&l.port])) {
            idle.remove(port);
        }
        idle.retain(|port| self.range.listens_at(*port) && !self.is_static(*port));
        // A UDP socket without another end may be a client's: it holds a port, and is no listener for that.
        let known = if self.transport == Transport::Tcp { idle.len() } else { 0 };
        let sample = Sample::of(seen.into_iter().chain(std::iter::repeat_n((&[][..], true), known)), &units);
        let estimate = estimate(&sample);
        EpochCount { epoch, listed: seen_listed, listeners, idle, is_listed, sample, estimate }
    }

    /// Ports held for calls, cut where the host restarted.
    fn calls(&self, part: &Part<'_>, epochs: &[EpochCount]) -> Vec<CallHold> {
        let dynamic = |hold: &&HoldRow| self.range.contains(hold.port);
        let of = |hold: &HoldRow| {
            CallHold::of(hold, epochs[epoch_at(epochs, hold.start_ns)].epoch.end_ns, self.time_wait_ns)
        };
        part.calls().filter(dynamic).map(of).collect()
    }

    fn of_calls(&self, calls: &[CallHold], span: (i64, i64)) -> Calls {
        let holds = |end: fn(&CallHold) -> i64| -> Vec<Hold> {
            calls.iter().map(|c| Hold { port: c.port, start_ns: c.start_ns, end_ns: end(c) }).collect()
        };
        let course = Course::of(&holds(|call| call.end_ns), span.0..=span.1);
        let open = Course::of(&holds(|call| call.last_ns), span.0..=span.1);
        let busiest = course.busiest();
        let upto_ns = busiest.start_ns.saturating_add((busiest.seconds * 1e9) as i64);
        let begun: Vec<&CallHold> =
            calls.iter().filter(|call| (busiest.start_ns..=upto_ns).contains(&call.start_ns)).collect();
        let lasted: f64 = begun.iter().map(|call| call.last_ns.saturating_sub(call.start_ns) as f64 / 1e9).sum();
        let restarts = self.restarts.of_host(self.host).iter();
        Calls {
            opened: calls.len() as u64,
            most_open: open.peak.ports,
            per_second: if busiest.seconds > 0.0 { begun.len() as f64 / busiest.seconds } else { 0.0 },
            mean_hold_s: if begun.is_empty() { 0.0 } else { lasted / begun.len() as f64 },
            after_restart: restarts.map(|restart| restart.opened_after).max().unwrap_or(0),
            in_a_row: in_a_row(calls),
            busiest,
            course,
        }
    }
}

/// The interval around all recordings.
fn span(recordings: &[(i64, i64)]) -> (i64, i64) {
    let first = recordings.iter().map(|(start, _)| *start).min().unwrap_or(0);
    (first, recordings.iter().map(|(_, end)| *end).max().unwrap_or(first).max(first))
}

/// The parts of recordings that lie in an epoch.
fn within(recordings: &[(i64, i64)], epoch: &Epoch) -> Vec<(i64, i64)> {
    let parts = recordings.iter().map(|(start, end)| ((*start).max(epoch.start_ns), (*end).min(epoch.end_ns)));
    parts.filter(|(start, end)| start <= end).collect()
}

fn contact(row: &ContactRow) -> Contact {
    Contact { client: row.client, start_ns: row.start_ns, end_ns: row.end_ns, begun_before: row.begun_before }
}

/// Programs that wait are there throughout their epoch.
fn listener_holds(epochs: &[EpochCount], ports: impl Fn(&EpochCount) -> Vec<u16>) -> Vec<Hold> {
    let of = |count: &EpochCount| {
        let (start_ns, end_ns) = (count.epoch.start_ns, count.epoch.end_ns);
        ports(count).into_iter().map(move |port| Hold { port, start_ns, end_ns })
    };
    epochs.iter().flat_map(of).collect()
}

fn held_peak(peak: Peak, listeners: &[Hold], calls: &[CallHold]) -> HeldPeak {
    let Some(at_ns) = peak.at_ns else { return HeldPeak::default() };
    let listening: BTreeSet<u16> =
        listeners.iter().filter(|hold| hold.start_ns <= at_ns && at_ns <= hold.end_ns).map(|hold| hold.port).collect();
    let mut open = BTreeSet::new();
    let mut waiting = BTreeSet::new();
    for call in calls.iter().filter(|call| call.start_ns <= at_ns && at_ns <= call.end_ns) {
        if listening.contains(&call.port) {
            continue;
        }
        if at_ns <= call.last_ns {
            open.insert(call.port)
        } else {
            waiting.insert(call.port)
        };
    }
    let number = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
    HeldPeak {
        peak,
        listeners: number(listening.len()),
        conversations: number(open.len()),
        time_wait: number(waiting.difference(&open).count()),
    }
}

/// Calls, in the order of their beginning, that take the next port or one shortly after.
fn in_a_row(calls: &[CallHold]) -> Option<f64> {
    let steps = calls.len().checked_sub(1).filter(|steps| *steps >= 19)?;
    let small = calls.windows(2).filter(|pair| (1..=IN_A_ROW).contains(&pair[1].port.wrapping_sub(pair[0].port)));
    Some(small.count() as f64 / steps as f64)
}
