//! A recording, ordered by host.

use super::{Place, Recording};
use crate::catalog::PortRef;
use crate::classification::{HostTables, ReducedFlow, announcement_rows, blocked_attempts};
use crate::dynamic_ports::Knowledge;
use crate::model::{Announcement, AnnouncementRow, BlockedAttempt, CaptureIndex, JudgedFlow, endpoint_filter};
use crate::model::{Endpoint, Transport};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// What a recording holds of one host.
#[derive(Debug, Default)]
pub(super) struct OfHost<'a> {
    /// Flows in which it is the responder, or where the direction is unknown stands as such.
    pub(super) answered: Vec<&'a JudgedFlow>,
    /// Flows in which it is the initiator.
    pub(super) called: Vec<&'a JudgedFlow>,
    /// What was announced to be found at it.
    pub(super) announced: Vec<&'a Announcement>,
    /// The same, by client and subject, with what followed.
    pub(super) rows: Vec<AnnouncementRow>,
    /// Attempts at its ports that did not succeed.
    pub(super) blocked: Vec<BlockedAttempt>,
}

/// A recording, ordered by host.
pub(super) struct View<'a> {
    pub(super) recording: &'a Recording<'a>,
    fixed: &'a BTreeSet<PortRef>,
    pub(super) tables: &'a HostTables<'a>,
    /// First and last frame of each capture, ns, merged where they overlap, in order.
    pub(super) intervals: Vec<(i64, i64)>,
    hosts: HashMap<IpAddr, OfHost<'a>>,
    names: Vec<Arc<str>>,
    nothing: OfHost<'a>,
}

impl<'a> View<'a> {
    /// Orders a recording; `fixed` are static ports besides the documented ones.
    pub(super) fn of(recording: &'a Recording<'a>, fixed: &'a BTreeSet<PortRef>) -> Self {
        let judged = recording.known.judged;
        let mut hosts: HashMap<IpAddr, OfHost<'a>> = HashMap::new();
        for flow in &judged.flows {
            hosts.entry(flow.judgement.responder.ip).or_default().answered.push(flow);
            hosts.entry(flow.judgement.initiator.ip).or_default().called.push(flow);
        }
        for said in &recording.facts.announcements {
            hosts.entry(said.host).or_default().announced.push(said);
        }
        for row in announcement_rows(recording.facts, judged, recording.known.catalog) {
            hosts.entry(row.host).or_default().rows.push(row);
        }
        for attempt in blocked_attempts(&judged.flows) {
            hosts.entry(attempt.responder.ip).or_default().blocked.push(attempt);
        }
        Self {
            recording,
            fixed,
            tables: recording.known.hosts,
            intervals: intervals(recording),
            hosts,
            names: recording.facts.captures.iter().map(|capture| capture.name.as_str().into()).collect(),
            nothing: OfHost::default(),
        }
    }

    /// What it holds of a host.
    pub(super) fn of_host(&self, host: IpAddr) -> &OfHost<'a> {
        self.hosts.get(&host).unwrap_or(&self.nothing)
    }

    /// Whether a port is static at a host: documented, or named by the user.
    pub(super) fn is_static(&self, transport: Transport, at: Endpoint) -> bool {
        let port = PortRef { transport, port: at.port };
        self.fixed.contains(&port) || self.recording.known.is_static(transport, at)
    }

    /// Whether anything of a host is in it.
    pub(super) fn knows(&self, host: IpAddr) -> bool {
        let of = self.of_host(host);
        !(of.answered.is_empty() && of.called.is_empty())
    }

    /// Hosts of which it holds anything, in no order.
    pub(super) fn hosts(&self) -> impl Iterator<Item = IpAddr> {
        self.hosts.keys().copied()
    }

    /// The last frame, ns.
    pub(super) fn end_ns(&self) -> i64 {
        self.intervals.last().map_or(i64::MAX, |(_, end)| *end)
    }

    /// The name of a capture.
    pub(super) fn capture(&self, index: CaptureIndex) -> Arc<str> {
        self.names.get(index.0 as usize).cloned().unwrap_or_else(|| "".into())
    }

    /// Where something was announced.
    pub(super) fn place_of(&self, said: &Announcement, what: String) -> Place {
        Place {
            what,
            source: self.capture(said.position.capture),
            frame: Some(said.position.frame),
            time_ns: Some(said.time_ns),
            display_filter: endpoint_filter(said.announcer, self.carried_over(said)),
            is_before: false,
        }
    }

    /// The transport over which it was said: TCP but for the SQL browser and the portmapper, which may be asked over UDP.
    fn carried_over(&self, said: &Announcement) -> Transport {
        let carrier = |flow: &&&JudgedFlow| {
            (flow.facts.capture, flow.facts.first_frame) == (said.flow_capture, said.flow_first_frame)
        };
        let of = self.of_host(said.announcer.ip);
        let at = of.answered.partition_point(|flow| flow.facts.first_seen_ns < said.time_ns.saturating_sub(NEAR_NS));
        let near = of.answered.get(at..).unwrap_or_default().iter().take(MOST_LOOKED_AT);
        near.into_iter().find(carrier).map_or(Transport::Tcp, |flow| flow.facts.key.transport)
    }
}

/// How long before an announcement the flow that carries it is looked for.
const NEAR_NS: i64 = 60_000_000_000;
/// Flows that are looked at to find it.
const MOST_LOOKED_AT: usize = 1_000;

/// Where a flow begins.
pub(super) fn place_of_flow(flow: &JudgedFlow, what: String) -> Place {
    Place {
        what,
        source: flow.capture.clone(),
        frame: Some(flow.facts.first_frame),
        time_ns: Some(flow.facts.first_seen_ns),
        display_filter: flow.display_filter(),
        is_before: false,
    }
}

/// Whether the responder was seen to serve, see [`ReducedFlow::served`].
pub(super) fn is_served(flow: &JudgedFlow) -> bool {
    ReducedFlow::of(flow).served
}

/// What a flow is for, for people: the service, else the protocol.
pub(super) fn label(flow: &JudgedFlow) -> &str {
    match (flow.judgement.service.as_str(), flow.judgement.application.as_str()) {
        ("", "") => "unrecognised",
        ("", application) => application,
        (service, _) => service,
    }
}

/// A port with the name of what is there: `tcp/49700 (SAMR)`.
pub(super) fn port_name(transport: Transport, port: u16, name: &str) -> String {
    if name.is_empty() { format!("{transport}/{port}") } else { format!("{transport}/{port} ({name})") }
}

/// Endpoint of a host.
pub(super) fn at(host: IpAddr, port: u16) -> Endpoint {
    Endpoint { ip: host, port }
}

/// First and last frame of each capture, merged; of the flows where no capture says when it was.
fn intervals(recording: &Recording<'_>) -> Vec<(i64, i64)> {
    let mut all: Vec<(i64, i64)> =
        recording.facts.captures.iter().filter_map(|capture| capture.first_ns.zip(capture.last_ns)).collect();
    if all.is_empty() {
        let flows = &recording.known.judged.flows;
        let first = flows.iter().map(|flow| flow.facts.first_seen_ns).min();
        all.extend(first.zip(flows.iter().map(|flow| flow.facts.last_seen_ns).max()));
    }
    all.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (start, end) in all {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end.max(start))),
        }
    }
    merged
}

/// Length of intervals from a moment on, ns.
pub(super) fn length_ns(intervals: &[(i64, i64)], from_ns: i64) -> u64 {
    let lengths = intervals.iter().map(|(start, end)| (i128::from(*end) - i128::from((*start).max(from_ns))).max(0));
    u64::try_from(lengths.sum::<i128>()).unwrap_or(u64::MAX)
}
