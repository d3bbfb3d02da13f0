//! What is in scope at a host, and whether it lies in the range: by packets, by announcements, by host tables.
//!
//! A listener counts as dynamic in the default range of Windows, in the range that is validated, and in the range that the site
//! file, a host table or the host's own calls show. What an endpoint mapper names is dynamic wherever it lies above the system
//! ports: a site file that already states the new range must not hide what still listens in the old one.

use super::inside::local_ports;
use super::view::{OfHost, View, at, is_served, label, place_of_flow, port_name};
use super::{Place, Question, Scope};
use crate::catalog::{DEFAULT_DYNAMIC_RANGE, PortRange};
use crate::dynamic_ports::Knowledge;
use crate::dynamic_ports::ranges::{HostRange, LINUX_RANGE, OLD_WINDOWS_RANGE, RangeSource};
use crate::model::{HostSocket, JudgedFlow, Mechanism, Orientation, RestartKind, Transport, endpoint_filter};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Nobody gives out ports below it.
const SYSTEM_PORTS: u16 = 1_024;
/// The protocol of the RPC runtime, as recognised.
const DCE_RPC: &str = "dce-rpc";

/// A port at which a host listens, or is said to.
#[derive(Debug, Clone)]
pub(super) struct Listening {
    pub(super) transport: Transport,
    pub(super) port: u16,
    /// What is there; hostile text, may be empty.
    pub(super) name: String,
    /// Whether a flow was served there.
    pub(super) is_served: bool,
    /// Whether a broker named it.
    pub(super) is_announced: bool,
    /// Whether it is sure that the host listens: direction strong or certain, announced, or in a host table.
    pub(super) is_sure: bool,
    /// First sign of it, ns; `None` where a host table does not say.
    pub(super) first_ns: Option<i64>,
    /// Last sign of it by packets, ns.
    pub(super) last_ns: i64,
    pub(super) place: Place,
}

impl Listening {
    /// `tcp/49700 (SAMR), announced`.
    pub(super) fn shown(&self) -> String {
        let how = match (self.is_served, self.is_announced) {
            (true, true) => "announced and called",
            (true, false) => "called",
            (false, true) => "announced",
            (false, false) => "listening by a host table",
        };
        format!("{}, {how}", self.port_name())
    }

    /// `tcp/49700 (SAMR)`.
    pub(super) fn port_name(&self) -> String {
        port_name(self.transport, self.port, &self.name)
    }
}

/// What is in scope at a host.
pub(super) struct Sight {
    pub(super) host: IpAddr,
    pub(super) range: PortRange,
    /// From when on it was looked at, ns.
    pub(super) from_ns: i64,
    /// Dynamic listeners in scope, documented static ports left out, by transport and port.
    pub(super) listening: Vec<Listening>,
    /// Documented static ports that would be in scope.
    pub(super) left_out: BTreeSet<(Transport, u16)>,
    /// Its dynamic ports, by transport.
    pub(super) own: [(Transport, HostRange); 2],
}

impl Sight {
    pub(super) fn of(question: &Question, host: IpAddr, view: &View<'_>, from_ns: i64) -> Self {
        let own = [Transport::Tcp, Transport::Udp].map(|transport| (transport, own_range(host, transport, view)));
        let mut sight =
            Self { host, range: question.range, from_ns, listening: Vec::new(), left_out: BTreeSet::new(), own };
        let of = view.of_host(host);
        let mut found: BTreeMap<(Transport, u16), Listening> = BTreeMap::new();
        sight.by_flows(question.scope, of, &mut found);
        sight.by_announcements(question.scope, of, view, &mut found);
        sight.by_tables(question.scope, view, &mut found);
        for (key, listening) in found {
            match view.is_static(key.0, at(host, key.1)) {
                true => sight.left_out.extend([key]),
                false => sight.listening.push(listening),
            }
        }
        sight
    }

    /// Those inside the range.
    pub(super) fn inside(&self) -> impl Iterator<Item = &Listening> {
        self.listening.iter().filter(|listening| self.range.contains(listening.port))
    }

    /// Those outside of it.
    pub(super) fn outside(&self) -> impl Iterator<Item = &Listening> {
        self.listening.iter().filter(|listening| !self.range.contains(listening.port))
    }

    /// The listener at a port.
    pub(super) fn listener(&self, transport: Transport, port: u16) -> Option<&Listening> {
        let found = self.listening.binary_search_by_key(&(transport, port), |one| (one.transport, one.port));
        self.listening.get(found.ok()?)
    }

    /// Whether a port of the host is given out by its system, as far as anybody knows.
    pub(super) fn is_dynamic(&self, transport: Transport, port: u16) -> bool {
        let own = self.own.iter().any(|(of, range)| *of == transport && range.contains(port));
        own || DEFAULT_DYNAMIC_RANGE.contains(&port) || self.range.contains(port)
    }

    /// Whether the system of some host would give out that port for a call.
    pub(super) fn may_give_out(&self, transport: Transport, port: u16) -> bool {
        let of_old_windows = transport == Transport::Tcp && OLD_WINDOWS_RANGE.contains(&port);
        self.is_dynamic(transport, port) || LINUX_RANGE.contains(&port) || of_old_windows
    }

    fn by_flows(&self, scope: Scope, of: &OfHost<'_>, found: &mut BTreeMap<(Transport, u16), Listening>) {
        let named = rpc_ports(of, self.from_ns);
        let later = of.answered.iter().filter(|flow| flow.facts.last_seen_ns >= self.from_ns);
        for flow in later.filter(|flow| is_served(flow)) {
            let key = (flow.facts.key.transport, flow.judgement.responder.port);
            let in_scope = match scope {
                Scope::Rpc => named.contains(&key) || speaks_rpc(flow),
                Scope::Listeners | Scope::Allocation => {
                    self.is_dynamic(key.0, key.1) || named.contains(&key) || speaks_rpc(flow)
                }
            };
            if !in_scope || key.1 < SYSTEM_PORTS {
                continue;
            }
            let listening = found.entry(key).or_insert_with(|| Listening {
                transport: key.0,
                port: key.1,
                name: String::new(),
                is_served: true,
                is_announced: false,
                is_sure: false,
                first_ns: Some(flow.facts.first_seen_ns),
                last_ns: i64::MIN,
                place: Place {
                    display_filter: endpoint_filter(flow.judgement.responder, key.0),
                    ..place_of_flow(flow, String::new())
                },
            });
            if listening.name.is_empty() && label(flow) != "unrecognised" {
                label(flow).clone_into(&mut listening.name);
            }
            listening.is_sure |= flow.judgement.orientation >= Orientation::Strong;
            listening.last_ns = listening.last_ns.max(flow.facts.last_seen_ns);
        }
    }

    fn by_announcements(
        &self,
        scope: Scope,
        of: &OfHost<'_>,
        view: &View<'_>,
        found: &mut BTreeMap<(Transport, u16), Listening>,
    ) {
        let named = of.rows.iter().filter_map(|row| Some(((row.transport, row.port?), row.subject.as_str())));
        let names: BTreeMap<(Transport, u16), &str> = named.collect();
        for said in of.announced.iter().filter(|said| said.time_ns >= self.from_ns) {
            let Some(port) = said.said.answer.port().filter(|port| *port >= SYSTEM_PORTS) else { continue };
            let key = (said.said.transport, port);
            let in_scope = is_of_rpc(said.said.mechanism) || (scope != Scope::Rpc && self.is_dynamic(key.0, port));
            if !in_scope {
                continue;
            }
            let listening = found.entry(key).or_insert_with(|| Listening {
                transport: key.0,
                port,
                name: names.get(&key).map_or_else(|| said.said.subject.clone(), |name| (*name).to_owned()),
                is_served: false,
                is_announced: true,
                is_sure: true,
                first_ns: Some(said.time_ns),
                last_ns: i64::MIN,
                place: view.place_of(said, String::new()),
            });
            listening.is_announced = true;
            listening.is_sure = true;
            listening.last_ns = listening.last_ns.max(said.time_ns);
        }
    }

    /// Listeners that no packet showed. A table says nothing of RPC, and loopback is on no wire.
    fn by_tables(&self, scope: Scope, view: &View<'_>, found: &mut BTreeMap<(Transport, u16), Listening>) {
        let later = |socket: &&HostSocket| socket.time_ns.is_none_or(|time_ns| time_ns >= self.from_ns);
        for socket in view.tables.listening(self.host).filter(later) {
            let key = (socket.transport, socket.port);
            let reachable = socket.is_at(self.host) || scope == Scope::Allocation;
            if scope == Scope::Rpc || !reachable || !self.is_dynamic(key.0, key.1) {
                continue;
            }
            found.entry(key).or_insert_with(|| Listening {
                transport: key.0,
                port: key.1,
                name: socket.process.as_deref().unwrap_or_default().to_owned(),
                is_served: false,
                is_announced: false,
                is_sure: true,
                first_ns: socket.time_ns,
                last_ns: socket.time_ns.unwrap_or(i64::MIN),
                place: Place {
                    what: String::new(),
                    source: socket.place().into(),
                    frame: None,
                    time_ns: socket.time_ns,
                    display_filter: String::new(),
                    is_before: false,
                },
            });
        }
    }
}

/// Hosts that have to be judged where none is named: those at which something in scope was seen, now or in the recording before, and,
/// where the range is for all that the system gives out, those that called from a port that it may have given out.
pub(super) fn hosts(question: &Question, view: &View<'_>, before: Option<&View<'_>>) -> BTreeSet<IpAddr> {
    let is_allocation = question.scope == Scope::Allocation;
    let calls = |host: IpAddr| is_allocation && calls_from_dynamic_ports(question, host, view);
    let mut hosts: BTreeSet<IpAddr> =
        view.hosts().filter(|host| listens(question, *host, view) || calls(*host)).collect();
    if let Some(before) = before {
        hosts.extend(before.hosts().filter(|host| listens(question, *host, before)));
    }
    hosts
}

/// Whether a host has listeners in scope.
fn listens(question: &Question, host: IpAddr, view: &View<'_>) -> bool {
    let of = view.of_host(host);
    let candidate = of.answered.iter().any(|flow| flow.judgement.responder.port >= SYSTEM_PORTS && is_served(flow));
    let named = of.announced.iter().any(|said| said.said.answer.port().is_some());
    (candidate || named) && !Sight::of(question, host, view, i64::MIN).listening.is_empty()
}

fn calls_from_dynamic_ports(question: &Question, host: IpAddr, view: &View<'_>) -> bool {
    if view.of_host(host).called.is_empty() {
        return false;
    }
    let seen = Sight::of(question, host, view, i64::MIN);
    local_ports(&seen, view).keys().any(|(transport, port)| seen.may_give_out(*transport, *port))
}

/// The dynamic ports of a host: stated, told by itself, shown by its calls, or the default.
fn own_range(host: IpAddr, transport: Transport, view: &View<'_>) -> HostRange {
    let stated = view.recording.known.stated_range(host, transport);
    let told = || Some(HostRange::stated(view.tables.dynamic_range(host, transport)?, RangeSource::HostTable));
    stated.or_else(told).unwrap_or_else(|| {
        let calls = view.of_host(host).called.iter();
        let known = calls.filter(|flow| flow.judgement.orientation >= Orientation::Probable);
        HostRange::observed(&known.map(|flow| flow.judgement.initiator.port).collect())
    })
}

/// Whether a mechanism announces ports of the RPC runtime.
pub(super) fn is_of_rpc(mechanism: Mechanism) -> bool {
    matches!(
        mechanism,
        Mechanism::EptMap
            | Mechanism::EptLookup
            | Mechanism::ResolveOxid
            | Mechanism::RemoteActivation
            | Mechanism::GetClassObject
            | Mechanism::CreateInstance
    )
}

fn speaks_rpc(flow: &JudgedFlow) -> bool {
    flow.facts.key.transport == Transport::Tcp && flow.judgement.application == DCE_RPC
}

/// Ports that endpoint mappers and DCOM named at a host since a moment.
fn rpc_ports(of: &OfHost<'_>, from_ns: i64) -> BTreeSet<(Transport, u16)> {
    let said = of.announced.iter().filter(|said| said.time_ns >= from_ns && is_of_rpc(said.said.mechanism));
    said.filter_map(|said| Some((said.said.transport, said.said.answer.port()?))).collect()
}

/// Ports outside of the range that a service left when it restarted: what was there before the new setting took effect.
pub(super) fn was_left(listening: &Listening, sight: &Sight, view: &View<'_>) -> bool {
    let restarts = view.recording.known.judged.restarts.of_host(sight.host).iter();
    restarts.filter(|restart| restart.kind == RestartKind::Service && listening.last_ns < restart.after_ns).any(
        |restart| {
            let moved = |moved: &&crate::model::MovedPort| {
                (moved.transport, moved.from) == (listening.transport, listening.port) && sight.range.contains(moved.to)
            };
            restart.moved.iter().any(|one| moved(&one))
        },
    )
}
