//! `portproof validate`: does a restricted range hold?

use super::print;
use crate::classification::{HostTables, Judged};
use crate::cli::facts::{Case, gather, gather_before};
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::cli::page::Tone;
use crate::cli::validate_args::ValidateArgs;
use crate::dynamic_ports::Known;
use crate::policy::validation::{Question, Recording, Validation, Verdict, validate};
use crate::report::validation::{Emphasis, json, lines};

pub(super) fn run(args: &ValidateArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    let case = gather(&args.judge, true, quiet)?;
    let before = args.before.as_ref().map(|before| gather_before(&args.judge, before, quiet)).transpose()?;
    let damaged = case.damaged || before.as_ref().is_some_and(|before| before.damaged);
    let judged = case.judged();
    let judged_before = before.as_ref().map(Case::judged);
    let hosts = HostTables::of(&case.facts);
    let hosts_before = before.as_ref().map(|before| HostTables::of(&before.facts)).unwrap_or_default();
    let known = known(&case, &judged, &hosts);
    let (gaps, gaps_before) = (case.gaps(), before.as_ref().map(Case::gaps).unwrap_or_default());
    let recording = Recording { facts: &case.facts, known: &known, gaps: &gaps };
    let known_before = before
        .as_ref()
        .zip(judged_before.as_ref())
        .map(|(case, judged)| (case, self::known(case, judged, &hosts_before)));
    let recording_before =
        known_before.as_ref().map(|(case, known)| Recording { facts: &case.facts, known, gaps: &gaps_before });
    let question = Question {
        range: args.range,
        scope: args.scope.into(),
        hosts: args.hosts.clone(),
        fixed: args.fixed.iter().flat_map(|fixed| fixed.ports()).collect(),
        is_restarted: args.restarted,
        least_ns: u64::try_from(args.at_least.as_nanos()).unwrap_or(u64::MAX),
    };
    let validation = validate(&question, &recording, recording_before.as_ref());
    match args.json {
        true => print(&json(&validation, env!("CARGO_PKG_VERSION"))?)?,
        false => print(&shown(&validation))?,
    }
    Ok(status(&validation, damaged))
}

fn known<'a>(case: &'a Case, judged: &'a Judged, hosts: &'a HostTables<'a>) -> Known<'a> {
    Known { catalog: &case.catalog, site: case.site.as_ref(), judged, hosts, time_wait_ns: None }
}

fn shown(validation: &Validation) -> String {
    let page = super::page();
    let tone = |emphasis: Emphasis| match emphasis {
        Emphasis::Plain => Tone::Plain,
        Emphasis::Heading => Tone::Heading,
        Emphasis::Alert => Tone::Alert,
        Emphasis::Pale => Tone::Pale,
    };
    let paragraph = |line: crate::report::validation::Line| match line.text.is_empty() {
        true => "\n".to_owned(),
        false => page.paragraph(line.indent, tone(line.emphasis), &line.text),
    };
    lines(validation).into_iter().map(paragraph).collect()
}

fn status(validation: &Validation, damaged: bool) -> ExitStatus {
    if validation.hosts.is_empty() {
        tell("no host with ports in scope is in the recording: there is nothing to validate (name one with --host)");
    }
    match validation.verdict() {
        _ if damaged => ExitStatus::Damaged,
        Verdict::Holds => ExitStatus::Done,
        Verdict::DoesNotHold => ExitStatus::Findings,
        Verdict::NotEnoughEvidence => ExitStatus::NoEvidence,
    }
}
