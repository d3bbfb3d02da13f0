//! What the user may type behind `portproof catalog`.

use crate::catalog::{LksVersion, PinPlace};
use crate::report::catalog::Section;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    portproof catalog show 54967               what do the documents say about a port?\n  \
    portproof catalog show rsvchost.exe        … about a service or an executable, in any spelling\n  \
    portproof catalog export --format json     every statement of the vendors, with its source\n  \
    portproof catalog lint our-product.toml    check a document or a site file of your own")]
pub(super) struct CatalogArgs {
    #[command(subcommand)]
    pub(super) command: CatalogCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    /// List the documents: who published them, and how much they say.
    List(ListArgs),
    /// Say what the documents state about a port, a service or an executable, with sources and alternatives.
    Show(ShowArgs),
    /// Write the statements of documents, one row each, for other programs.
    Export(ExportArgs),
    /// List the roles that a site file may give to hosts, and what gives each away.
    Roles(ListArgs),
    /// Check documents and site files: place, problem, and what to do about it.
    Lint(LintArgs),
    /// Make a document from a spreadsheet of ports (CSV).
    ImportCsv(ImportCsvArgs),
    /// Read the ports of a FLEXlm licence file into pins for the site file.
    #[command(name = "import-license", visible_alias = "import-licence")]
    ImportLicense(ImportLicenseArgs),
    /// Print the JSON schema of documents, for editors that complete and check TOML.
    Schema,
}

/// Documents besides the built-in ones.
#[derive(Debug, Args)]
pub(super) struct FurtherDocuments {
    /// A further document of services, in TOML; may be given several times.
    #[arg(long = "with", value_name = "FILE")]
    pub(super) with: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) further: FurtherDocuments,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    portproof catalog show 54967\n  \
    portproof catalog show 21061/udp\n  \
    portproof catalog show 27000-27009\n  \
    portproof catalog show \"FactoryTalk Linx\"\n  \
    portproof catalog show e3514235-4b06-11d1-ab04-00c04fc2dcd2\n\n\
    Case, white space and a final .exe do not count.\n\
    Exit codes: 0 found; 3 no document says anything about it.")]
pub(super) struct ShowArgs {
    /// A port, a range, or the name of a service, an executable or an RPC interface (or its UUID)
    #[arg(value_name = "PORT|SERVICE|EXECUTABLE|INTERFACE")]
    pub(super) what: String,
    /// Print one JSON object instead of text: the same sections as "catalog export".
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) further: FurtherDocuments,
}

/// Formats of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// One object with every section.
    Json,
    /// One section as comma-separated values, with a header line.
    Csv,
    /// A document in its own form, to be changed and used with --document.
    Toml,
    /// All sections as tables, for a wiki or a review.
    Markdown,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    portproof catalog export --format json -o catalogue.json\n  \
    portproof catalog export --format csv --section services > services.csv\n  \
    portproof catalog export --format toml --document factorytalk-assetcentre > ours.toml\n\n\
    Without --document: the built-in vendors' documents. \"all\" adds general knowledge and every --with FILE.\n\
    What documents print is in \"ports\"; what only follows from them is in \"readings\".")]
pub(super) struct ExportArgs {
    /// Format of the output.
    #[arg(long, value_enum, default_value = "json")]
    pub(super) format: ExportFormat,
    /// The document with this id, or "all"; may be given several times.
    #[arg(long = "document", value_name = "ID|all")]
    pub(super) documents: Vec<String>,
    /// Which section; CSV holds one ("ports" unless said otherwise), Markdown all or one.
    #[arg(long, value_enum, value_name = "SECTION")]
    pub(super) section: Option<Section>,
    /// Write to this file instead of standard output. An existing one is not overwritten.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Overwrite the file if it exists.
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) further: FurtherDocuments,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    portproof catalog lint our-product.toml\n  \
    portproof catalog lint --strict --hints documents/*.toml site.toml\n\n\
    A document has a table [document]; anything else is taken for a site file.\n\
    Exit codes: 0 nothing wrong; 1 errors (with --strict also warnings); 2 a file cannot be read.")]
pub(super) struct LintArgs {
    /// Documents and site files
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Warnings count like errors.
    #[arg(long)]
    pub(super) strict: bool,
    /// Tell also what may well be right.
    #[arg(long)]
    pub(super) hints: bool,
    /// Print one JSON object, with every hint.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) further: FurtherDocuments,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The first line names the columns, in any order: service, protocol, ports, role, comment (also\n\
    executable, direction, source; common other names are understood). Separated by comma, semicolon or tab.\n\n\
    Example: ports.csv holds\n  \
    Service;Protocol;Ports;Role;Comment\n  \
    Historian;TCP;1433, 5678;server;database and clients\n  \
    Discovery;UDP;4840 - 4845;client;\n\
    Make a document of it, check it, and use it:\n  \
    portproof catalog import-csv ports.csv --id our-historian --title \"Our historian\" -o our-historian.toml\n  \
    portproof catalog lint our-historian.toml\n  \
    portproof report night.pcapng --document our-historian.toml -o reports/night\n\n\
    Exit codes: 0 done; 2 usage, or the file cannot be read; 3 no row holds a port; 4 done, but rows were left out."
)]
pub(super) struct ImportCsvArgs {
    /// Spreadsheet (CSV, or what a spreadsheet program calls Unicode text), or - for standard input.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Short name of the document: lower case, digits, hyphens.
    #[arg(long, value_name = "ID")]
    pub(super) id: String,
    /// Title of the document; its id unless given.
    #[arg(long, value_name = "TITLE")]
    pub(super) title: Option<String>,
    /// Who published the list.
    #[arg(long, value_name = "NAME")]
    pub(super) publisher: Option<String>,
    /// Publication number or name.
    #[arg(long, value_name = "NAME")]
    pub(super) publication: Option<String>,
    /// Edition, version or date.
    #[arg(long, value_name = "EDITION")]
    pub(super) edition: Option<String>,
    /// Where to find it.
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// A product that it speaks about; may be given several times.
    #[arg(long = "product", value_name = "NAME")]
    pub(super) products: Vec<String>,
    /// Write to this file instead of standard output. An existing one is not overwritten.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Overwrite the file if it exists.
    #[arg(long)]
    pub(super) force: bool,
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
    Append its pins to the site file, for the hosts that have the role licence-server there:\n  \
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
    #[arg(long, value_name = "ROLE|ADDRESS", default_value = "licence-server", value_parser = str::parse::<PinPlace>)]
    pub(super) at: PinPlace,
    /// Version of IBM's License Key Server, e.g. 8.0 or 8.1.4: up to 8.0 it needs the daemon "rational", from 8.1.2
    /// that daemon is obsolete and gets no pin.
    #[arg(long, value_name = "VERSION", value_parser = str::parse::<LksVersion>)]
    pub(super) lks_version: Option<LksVersion>,
    /// Format of the output.
    #[arg(long, value_enum, default_value = "toml")]
    pub(super) format: PinFormat,
}

impl ValueEnum for Section {
    fn value_variants<'a>() -> &'a [Self] {
        &crate::report::catalog::SECTIONS
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()).help(self.title()))
    }
}
