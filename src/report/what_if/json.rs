//! The machine-readable form: times are whole nanoseconds since 1970-01-01 UTC, probabilities 0 to 1, `null` where there is none.

use super::{Asked, LIMITS};
use crate::catalog::PortRange;
use crate::dynamic_ports::what_if::{AllocationOrder, Attempts, Losses};
use crate::policy::what_if::Answer;
use crate::report::ReportError;
use crate::report::json::line;
use serde::Serialize;

#[derive(Serialize)]
struct Form<'a> {
    generator: &'static str,
    tool_version: &'a str,
    range: [u16; 2],
    scope: &'static str,
    order: &'static str,
    seed: Option<u64>,
    is_served: bool,
    hosts: Vec<HostForm<'a>>,
    not_known: [&'static str; 5],
}

#[derive(Serialize)]
struct HostForm<'a> {
    host: String,
    name: &'a str,
    transport: &'static str,
    is_served: bool,
    capacity_ports: u32,
    documented: Vec<FixedForm<'a>>,
    excluded: Vec<[u16; 2]>,
    left_out: Vec<[u16; 2]>,
    serving: &'a [u16],
    listeners: u32,
    unseen_listeners: u32,
    connections: u64,
    epoch: u32,
    epochs: u32,
    time_wait_ns: i64,
    direction_unknown_ports: u32,
    outside_stated_range_ports: u32,
    wanted_ports: u64,
    wanted_at_ns: Option<i64>,
    wanted_by: Vec<HolderForm>,
    strict: LossesForm,
    with_reuse: LossesForm,
    squeeze: SqueezeForm,
    shortest_reuse_ns: Option<i64>,
    shared_with_calls: bool,
    sweep: Option<Vec<PointForm>>,
}

#[derive(Serialize)]
struct FixedForm<'a> {
    port: u16,
    source: &'a str,
}

#[derive(Serialize)]
struct HolderForm {
    remote: Option<String>,
    remote_port: Option<u16>,
    ports: u32,
}

#[derive(Serialize)]
struct LossesForm {
    attempts: u64,
    blocked: u64,
    blocking_probability: Option<f64>,
    rule_of_three: Option<f64>,
    listeners: AttemptsForm,
    calls: AttemptsForm,
    first_blocked_ns: Option<i64>,
}

#[derive(Serialize)]
struct AttemptsForm {
    attempts: u64,
    blocked: u64,
}

#[derive(Serialize)]
struct SqueezeForm {
    at_ns: Option<i64>,
    held_ports: u32,
    free_ports: u32,
    listeners: u32,
    connections: u32,
    time_wait: u32,
}

#[derive(Serialize)]
struct PointForm {
    ports: u32,
    attempts: u64,
    blocked: u64,
    probability: Option<f64>,
    rule_of_three: Option<f64>,
}

fn ends(ranges: &[PortRange]) -> Vec<[u16; 2]> {
    ranges.iter().map(|range| [range.first(), range.last()]).collect()
}

fn attempts(of: Attempts) -> AttemptsForm {
    AttemptsForm { attempts: of.attempts, blocked: of.blocked }
}

fn losses(of: &Losses) -> LossesForm {
    LossesForm {
        attempts: of.attempts(),
        blocked: of.blocked(),
        blocking_probability: of.blocking_probability(),
        rule_of_three: of.rule_of_three(),
        listeners: attempts(of.listeners),
        calls: attempts(of.ephemeral),
        first_blocked_ns: of.first_blocked_ns,
    }
}

fn host(answer: &Answer) -> HostForm<'_> {
    let Answer { capacity, replay, .. } = answer;
    let squeeze = &replay.squeeze;
    let sweep = answer.sweep.as_ref().map(|sweep| {
        let point = |p: &crate::model::SweepEntry| PointForm {
            ports: p.ports,
            attempts: p.attempts,
            blocked: p.blocked,
            probability: p.failure_probability(),
            rule_of_three: p.rule_of_three(),
        };
        sweep.points.iter().map(point).collect()
    });
    HostForm {
        host: answer.host.to_string(),
        name: &answer.name,
        transport: answer.transport.name(),
        is_served: answer.is_served(),
        capacity_ports: capacity.usable.count(),
        documented: capacity.documented.iter().map(|f| FixedForm { port: f.at.port, source: &f.source }).collect(),
        excluded: ends(&capacity.excluded),
        left_out: ends(&capacity.left_out),
        serving: &capacity.serving,
        listeners: answer.listeners,
        unseen_listeners: answer.unseen_listeners,
        connections: answer.connections,
        epoch: answer.epoch.0,
        epochs: answer.epoch.1,
        time_wait_ns: answer.time_wait_ns,
        direction_unknown_ports: answer.direction_unknown,
        outside_stated_range_ports: answer.outside,
        wanted_ports: replay.wanted.ports,
        wanted_at_ns: replay.wanted.at_ns,
        wanted_by: answer
            .wanted_by
            .iter()
            .map(|holder| HolderForm {
                remote: holder.remote.map(|(ip, _)| ip.to_string()),
                remote_port: holder.remote.map(|(_, port)| port),
                ports: holder.ports,
            })
            .collect(),
        strict: losses(&replay.strict),
        with_reuse: losses(&replay.with_reuse),
        squeeze: SqueezeForm {
            at_ns: squeeze.at_ns,
            held_ports: squeeze.held,
            free_ports: squeeze.free,
            listeners: squeeze.listeners,
            connections: squeeze.connections,
            time_wait: squeeze.time_wait(),
        },
        shortest_reuse_ns: replay.shortest_reuse_ns,
        shared_with_calls: answer.shared_with_calls,
        sweep,
    }
}

/// All answers as one JSON object. `tool_version` is named in it.
///
/// # Errors
/// When the JSON cannot be made.
pub fn json(asked: Asked, answers: &[Answer], tool_version: &str) -> Result<String, ReportError> {
    let form = Form {
        generator: "portproof what-if",
        tool_version,
        range: [asked.range.0, asked.range.1],
        scope: asked.scope_name(),
        order: asked.order_name(),
        seed: match asked.order {
            AllocationOrder::Sequential => None,
            AllocationOrder::Random { seed } => Some(seed),
        },
        is_served: answers.iter().all(Answer::is_served),
        hosts: answers.iter().map(host).collect(),
        not_known: LIMITS,
    };
    Ok(line(&form)? + "\n")
}
