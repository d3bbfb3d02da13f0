//! `portproof site init`: a proposed site file.

use super::{print, unless_closed};
use crate::classification::{Proposal, propose};
use crate::cli::facts::gather;
use crate::cli::interrupt;
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::cli::output::{Existing, OutputFile, Readers, refuse_inputs};
use crate::cli::site_args::{SiteArgs, SiteCommand, SiteInitArgs};
use crate::report::site_proposal::{ProposalSource, site_proposal};
use crate::report::text::counted;
use std::io::Write;
use std::path::Path;

/// Inputs that the next command names; more are written as CAPTURES.
const NAMED_INPUTS: usize = 3;

pub(super) fn run(args: &SiteArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    match &args.command {
        SiteCommand::Init(args) => init(args, quiet),
    }
}

fn init(args: &SiteInitArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    let judge = args.judge();
    let named = args.output.as_deref().filter(|path| *path != Path::new("/dev/stdout"));
    // Opened before the work, so that a path that cannot be written is told at once; renamed when all is there.
    let output = match named {
        Some(path) => {
            refuse_inputs(path, &judge)?;
            let existing = if args.force { Existing::Replace } else { Existing::Keep };
            Some(OutputFile::open(path, existing, Readers::Usual)?)
        }
        None => None,
    };
    let case = gather(&judge, false, quiet)?;
    let proposal = propose(&case.facts, &case.catalog);
    if proposal.hosts.is_empty() {
        tell("no host was heard in TCP or UDP: there is nothing to propose, and nothing was written");
        return Ok(if case.damaged { ExitStatus::Damaged } else { ExitStatus::NoEvidence });
    }
    let text = site_proposal(
        &proposal,
        &ProposalSource {
            captures: &case.facts.captures,
            losses: &case.facts.losses,
            catalog: &case.catalog,
            tool_version: env!("CARGO_PKG_VERSION"),
        },
    )?;
    interrupt::check()?;
    match output {
        None => print(&text)?,
        Some(output) => {
            unless_closed(output.file().write_all(text.as_bytes()).map_err(|cause| output.error(cause)))?;
            output.keep()?;
        }
    }
    if !quiet {
        tell(&closing(args, named, &proposal));
    }
    Ok(ExitStatus::of_metering(case.damaged, case.facts.flows.len() as u64))
}

/// How much was proposed, and what to do next.
fn closing(args: &SiteInitArgs, named: Option<&Path>, proposal: &Proposal) -> String {
    let with_role = proposal.hosts.iter().filter(|host| !host.roles.is_empty()).count() as u64;
    let guesses = proposal.hosts.iter().map(|host| host.roles.len() as u64).sum();
    let site = named.map_or_else(|| "FILE".into(), quoted);
    let inputs = match args.inputs.as_slice() {
        few if few.len() <= NAMED_INPUTS => few.iter().map(|path| quoted(path)).collect::<Vec<_>>().join(" "),
        _ => "CAPTURES".into(),
    };
    let documents: String = args.documents.iter().map(|path| format!(" --document {}", quoted(path))).collect();
    format!(
        "proposed {}, {} at {with_role} of them; names are empty and nothing is confirmed: check it, then run: portproof report \
         {inputs} --site {site}{documents} -o reports/first",
        counted(proposal.hosts.len() as u64, "host", "hosts"),
        counted(guesses, "role guessed", "roles guessed"),
    )
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
