//! The documents that a command judges by, and the site file over them.

use super::outcome::{CliError, tell};
use crate::catalog::{Catalog, Site, read_site};
use std::path::{Path, PathBuf};

/// The built-in documents and those that the user names.
pub(super) fn catalog(further: &[PathBuf]) -> Result<Catalog, CliError> {
    let mut catalog = Catalog::builtin()?;
    for path in further {
        catalog.read_document(path)?;
    }
    Ok(catalog)
}

/// The documents as they hold at the site, and the site; what is odd about its file is told.
pub(super) fn catalog_at_site(further: &[PathBuf], site: Option<&Path>) -> Result<(Catalog, Option<Site>), CliError> {
    let mut catalog = catalog(further)?;
    let site = site.map(|path| read_site(path, &mut catalog)).transpose()?;
    if let Some(site) = &site {
        site.warnings().iter().for_each(|warning| tell(&format!("warning: {warning}")));
        catalog = catalog.for_site(site);
    }
    Ok((catalog, site))
}
