//! `portproof what-if`: what another range would have done to the demand that was recorded.

use super::print;
use crate::classification::{HostTables, JudgedFrame, ReducedFlow, endpoint_rows, hold_rows, tcp_sides};
use crate::cli::args::ns;
use crate::cli::facts::{Case, gather};
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::cli::output::{Existing, OutputFile, Readers, refuse_inputs};
use crate::cli::what_if_args::WhatIfArgs;
use crate::dynamic_ports::{Known, LOWEST_PORT, count};
use crate::model::{Sweep, TcpSides, Transport};
use crate::policy::what_if::{Answer, Evidence, Question, answers};
use crate::report::text::counted;
use crate::report::what_if::{Asked, json, text};
use crate::report::{charts, gaps};
use std::io::Write;
use std::path::Path;

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn run(args: &WhatIfArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    let order = args.order().map_err(|reason| CliError::Usage(reason.into()))?;
    let asked = Asked { range: (args.range.first(), args.range.last()), scope: args.scope.into(), order };
    // Opened before the work, so that a path that cannot be written is told at once.
    let chart = args.chart.as_deref().map(|path| open(path, args)).transpose()?;
    let case = gather(&args.judge, false, quiet)?;
    let judged = case.judged();
    if judged.roles.are_guessed() && !quiet {
        tell("note: no site file: static ports of every role in the documents count as taken");
    }
    let frame = JudgedFrame::of(judged.flows.iter().map(ReducedFlow::of))?;
    let tables = HostTables::of(&case.facts);
    let known = Known {
        catalog: &case.catalog,
        site: case.site.as_ref(),
        judged: &judged,
        hosts: &tables,
        time_wait_ns: args.time_wait.map(ns),
    };
    let counts = count(&known, &frame, &case.facts.captures)?;
    let (holds, endpoints) = (hold_rows(&frame, LOWEST_PORT)?, endpoint_rows(&frame, true)?);
    drop(frame);
    let left_out: Vec<_> = args.left_out.iter().map(|fixed| fixed.block()).collect();
    let question = Question {
        range: args.range,
        scope: asked.scope,
        order,
        hosts: &args.hosts,
        left_out: &left_out,
        sweep: args.sweep || args.chart.is_some(),
    };
    let evidence = Evidence {
        counts: &counts.counts,
        holds,
        endpoints: &endpoints,
        catalog: &case.catalog,
        site: case.site.as_ref(),
        tables: &tables,
    };
    let answers = answers(&question, evidence, &known);
    interrupt::check()?;
    for host in args.hosts.iter().filter(|host| !answers.iter().any(|answer| answer.host == **host)) {
        tell(&format!("note: {host}: no such demand was recorded: nothing to replay"));
    }
    if args.json {
        print(&json(asked, &answers, VERSION)?)?;
    } else if !answers.is_empty() {
        print(&text(asked, &answers))?;
    }
    if let (Some(output), false) = (chart, answers.is_empty()) {
        write_chart(output, &answers)?;
    }
    let missing = args.hosts.iter().filter(|host| !answers.iter().any(|answer| answer.host == **host)).count();
    Ok(status(&case, &answers, &tcp_sides(&judged.flows), missing))
}

fn open(path: &Path, args: &WhatIfArgs) -> Result<OutputFile, CliError> {
    refuse_inputs(path, &args.judge)?;
    OutputFile::open(path, if args.force { Existing::Replace } else { Existing::Keep }, Readers::Usual)
}

/// The sweeps of the hosts, TCP first, in the order of the answers.
fn write_chart(output: OutputFile, answers: &[Answer]) -> Result<(), CliError> {
    let mut sweeps: Vec<Sweep> = answers.iter().filter_map(|answer| answer.sweep.clone()).collect();
    sweeps.sort_by_key(|sweep| sweep.transport != Transport::Tcp);
    let chart = charts::sweep(&sweeps)?;
    if !chart.note.is_empty() {
        tell(&format!("note: {}", chart.note));
    }
    output.file().write_all(chart.wide.as_bytes()).map_err(|cause| output.error(cause))?;
    output.keep()
}

/// That nothing was blocked says little where not all was seen.
fn status(case: &Case, answers: &[Answer], sides: &TcpSides, missing: usize) -> ExitStatus {
    if case.damaged {
        return ExitStatus::Damaged;
    }
    if answers.is_empty() {
        tell("nothing to replay: no dynamic port in use was recorded at the hosts that were asked about");
        return ExitStatus::NoEvidence;
    }
    if !answers.iter().all(Answer::is_served) {
        return ExitStatus::Findings;
    }
    let mut reasons = gaps::why_no_verdict(&case.facts.captures, &case.facts.losses);
    reasons.extend(gaps::too_one_sided(sides));
    if missing > 0 {
        reasons.push(format!(
            "{} of which no demand was recorded",
            counted(missing as u64, "host was named", "hosts were named")
        ));
    }
    for answer in answers.iter().filter(|answer| answer.direction_unknown + answer.outside > 0) {
        reasons.push(format!(
            "{} {}: ports that are not in the demand: {} of unknown direction, {} outside of the range that is stated for the host",
            answer.host, answer.transport, answer.direction_unknown, answer.outside
        ));
    }
    for reason in &reasons {
        tell(&format!("no verdict: {reason}"));
    }
    if reasons.is_empty() { ExitStatus::Done } else { ExitStatus::NoEvidence }
}
