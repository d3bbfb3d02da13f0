//! What the user may type after `portproof catalog`.

use crate::catalog::{LksVersion, PinPlace};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct CatalogArgs {
    #[command(subcommand)]
    pub(super) command: CatalogCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    /// Read the ports of a FLEXlm licence file into pins for the site file.
    #[command(name = "import-license", visible_alias = "import-licence")]
    ImportLicense(ImportLicenseArgs),
}

/// Formats of the pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PinFormat {
    /// Entries of the site file, with comments; warnings go to standard error.
    Toml,
    /// One JSON object: pins, warnings, and what was passed over.
    Json,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A licence server listens on two ports: that of lmgrd (SERVER line) and that of the vendor daemon\n\
    (VENDOR or DAEMON line). Only a vendor daemon with port= has the same one after a restart.\n\n\
    Example: rational_server_perm.dat holds\n  \
    SERVER lic1 ANY 27000\n  \
    VENDOR ibmratl port=27001\n\
    Append its pins to the site file, for the hosts that have the role license-server there:\n  \
    portproof catalog import-license rational_server_perm.dat >> site.toml\n\
    or for one address:\n  \
    portproof catalog import-license rational_server_perm.dat --at 10.0.0.9 >> site.toml\n\n\
    Exit codes: 0 every daemon has a port; 1 one has none that is certain, or two share one;\n            \
    2 usage, or the file cannot be read; 3 no line names a vendor daemon."
)]
pub(super) struct ImportLicenseArgs {
    /// Licence file of the licence server (often license.dat or *.lic), or - for standard input.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Where the daemons listen: a role of the site file, an address or a network. Host names are not resolved.
    #[arg(long, value_name = "ROLE|ADDRESS", default_value = "license-server", value_parser = str::parse::<PinPlace>)]
    pub(super) at: PinPlace,
    /// Version of IBM's License Key Server, e.g. 8.0 or 8.1.4: up to 8.0 it needs the daemon "rational", from 8.1.2
    /// that daemon is obsolete and gets no pin.
    #[arg(long, value_name = "VERSION", value_parser = str::parse::<LksVersion>)]
    pub(super) lks_version: Option<LksVersion>,
    /// Format of the output.
    #[arg(long, value_enum, default_value = "toml")]
    pub(super) format: PinFormat,
}
