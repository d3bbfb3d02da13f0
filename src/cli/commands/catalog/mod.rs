//! `portproof catalog …`: one file per subcommand.

mod import_licence;

use crate::cli::catalog_args::{CatalogArgs, CatalogCommand};
use crate::cli::outcome::{CliError, ExitStatus};

pub(super) fn run(args: &CatalogArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    match &args.command {
        CatalogCommand::ImportLicense(args) => import_licence::run(args, quiet),
    }
}
