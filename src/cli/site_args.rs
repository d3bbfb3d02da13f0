//! What the user may type after `portproof site`.

use super::args::{INPUTS_HELP, JudgeArgs, MeterOptions};
use super::host_args::HostTableArgs;
use crate::classification::JudgeSettings;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
#[command(
    after_help = "A site file says which address has which role. Whether a port is documented depends on it.\n\n\
    Begin with a proposal, correct it, and judge by it:\n  \
    portproof site init capture.pcapng -o site.toml\n  \
    portproof report capture.pcapng --site site.toml -o reports/first"
)]
pub(super) struct SiteArgs {
    #[command(subcommand)]
    pub(super) command: SiteCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum SiteCommand {
    /// Propose a site file: guess roles from the ports that hosts were seen to serve.
    ///
    /// The documents say which ports give a role away; a host that was seen to serve all of them gets it. Each guess is marked,
    /// and its evidence stands above it as a comment: clients, flows, first frame. Every host that was heard is listed, also
    /// without a role: whoever only calls gets none. Nobody but you knows who is who, so check the proposal before you use it.
    Init(SiteInitArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    portproof site init night.pcapng                        look at the proposal\n  \
    portproof site init night.pcapng -o site.toml           keep it, to be corrected\n  \
    portproof site init facts --document our-product.toml   roles of a document of your own too\n\n\
    Without -o the proposal goes to standard output. Exit codes: 0 done; 2 usage, or could not run;\n\
    3 no host was heard, so nothing is written; 4 done, but an input was damaged or unreadable.")]
pub(super) struct SiteInitArgs {
    /// Captures or stores
    #[arg(required = true, value_name = "CAPTURE|STORE", long_help = INPUTS_HELP)]
    pub(super) inputs: Vec<PathBuf>,
    /// Write to this file instead of standard output. An existing one is not overwritten.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Overwrite the file if it exists. What was corrected in it is lost.
    #[arg(long)]
    pub(super) force: bool,
    /// A further document of services, in TOML; may be given several times.
    #[arg(long = "document", value_name = "FILE")]
    pub(super) documents: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) meter: MeterOptions,
}

impl SiteInitArgs {
    /// The same as what every judging command takes: there is no site file yet.
    pub(super) fn judge(&self) -> JudgeArgs {
        let (inputs, documents, meter) = (self.inputs.clone(), self.documents.clone(), self.meter.clone());
        let broker_within = Duration::from_nanos(JudgeSettings::default().broker_within_ns.unsigned_abs());
        JudgeArgs { inputs, site: None, documents, broker_within, hosts: HostTableArgs::default(), meter }
    }
}
