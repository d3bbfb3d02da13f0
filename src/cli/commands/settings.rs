//! `portproof settings`: what was decided about a range, as commands for the host.

use super::print;
use crate::catalog::{Catalog, DEFAULT_DYNAMIC_RANGE, PortRange, Site};
use crate::cli::documents::catalog_at_site;
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::cli::settings_args::{SettingsArgs, SystemArg};
use crate::policy::settings::{FixedPort, Insistence, Settings, System, Wish, documented_ports, settle};
use crate::report::ReportDir;
use crate::report::settings::{json, script, write_all};
use std::collections::BTreeSet;

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn run(args: &SettingsArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    if args.system == SystemArg::Both && args.output.is_none() && !args.json {
        return Err(CliError::Usage("two systems have two scripts: name a folder with -o".into()));
    }
    let output = args.output.as_deref().map(ReportDir::create_settings).transpose()?;
    let (catalog, site) = catalog_at_site(&args.documents, args.site.as_deref())?;
    let settings = settle(wish(args, &catalog, site.as_ref())?)?;
    settings.warnings.iter().for_each(|warning| tell(&format!("warning: {warning}")));
    match output {
        None if args.json => print(&json(&settings, VERSION)?)?,
        None => print(&script(&settings, first_system(&settings), VERSION))?,
        Some(mut dir) => {
            let names = write_all(&mut dir, &settings, VERSION)?;
            let target = dir.commit()?;
            if !quiet {
                let names = names.join(", ");
                tell(&format!(
                    "wrote {} to {}; nothing is set until you run them on the host",
                    names,
                    target.display()
                ));
            }
        }
    }
    Ok(ExitStatus::Done)
}

fn first_system(settings: &Settings) -> System {
    settings.systems.first().copied().unwrap_or(System::Windows)
}

fn wish(args: &SettingsArgs, catalog: &Catalog, site: Option<&Site>) -> Result<Wish, CliError> {
    let systems = args.system.systems();
    let windows_before = before(args, site)?;
    let ranges = [args.range, windows_before, System::Linux.default_range()];
    let documented = documented_ports(catalog, site, &args.hosts, &ranges);
    let typed = args.fixed.iter().flat_map(|fixed| fixed.ports());
    let typed = typed.map(|at| FixedPort::new(at.transport, at.port, "given with --static"));
    Ok(Wish {
        range: args.range,
        scope: args.scope.into(),
        systems,
        hosts: args.hosts.iter().copied().collect::<BTreeSet<_>>().into_iter().collect(),
        windows_before,
        fixed: documented.into_iter().chain(typed).collect(),
        endpoints: args.endpoints.clone(),
        insistence: if args.force { Insistence::Forced } else { Insistence::Careful },
    })
}

/// The dynamic range of today: what the site file says of the hosts, else the default of Windows.
fn before(args: &SettingsArgs, site: Option<&Site>) -> Result<PortRange, CliError> {
    let of_site = |site: &Site| {
        let ranges: BTreeSet<PortRange> = args
            .hosts
            .iter()
            .map(|ip| site.dynamic_range(*ip))
            .map(|range| PortRange::spanning(*range.start(), *range.end()))
            .collect();
        let mut ranges = ranges.into_iter();
        match (ranges.next(), ranges.next()) {
            (Some(one), Some(other)) => Err(CliError::Usage(format!(
                "the site file gives these hosts the dynamic ranges {one} and {other}: make settings for each of them"
            ))),
            (only, _) => Ok(only),
        }
    };
    let default = PortRange::spanning(*DEFAULT_DYNAMIC_RANGE.start(), *DEFAULT_DYNAMIC_RANGE.end());
    Ok(site.map(of_site).transpose()?.flatten().unwrap_or(default))
}
