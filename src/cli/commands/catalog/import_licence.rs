//! `portproof catalog import-license`: the ports of a FLEXlm licence file as pins.

use crate::catalog::{Catalog, LicenceFile, LicenceSeverity, LicenceVerdict, PinPlace};
use crate::cli::catalog_args::{ImportLicenseArgs, PinFormat};
use crate::cli::commands::print;
use crate::cli::outcome::{CliError, ExitStatus, tell};
use crate::report::text::counted;
use serde_json::json;
use std::path::Path;

/// Warnings that are told one by one; the JSON form has all.
const TOLD: usize = 100;

pub(super) fn run(args: &ImportLicenseArgs, quiet: bool) -> Result<ExitStatus, CliError> {
    let version = args.lks_version.clone();
    let file = match args.file.as_path() {
        path if path == Path::new("-") => LicenceFile::from_reader("standard input", std::io::stdin().lock(), version)?,
        path => LicenceFile::read(path, version)?,
    };
    if !quiet {
        tell_unknown_role(&args.at)?;
    }
    let told = |severity| !quiet || severity == LicenceSeverity::Warning;
    let warnings = file.warnings.iter().filter(|warning| told(warning.problem.severity()));
    for warning in warnings.clone().take(TOLD) {
        tell(&format!("{}: {warning}", warning.problem.severity().name()));
    }
    let more = warnings.count().saturating_sub(TOLD);
    if more > 0 {
        tell(&format!("and {}: see --format json", counted(more as u64, "more warning", "more warnings")));
    }
    print(&match args.format {
        PinFormat::Toml => file.pins_toml(&args.at),
        PinFormat::Json => json_text(&file, &args.at)?,
    })?;
    Ok(match file.verdict() {
        LicenceVerdict::Pinned => ExitStatus::Done,
        LicenceVerdict::NotPinned => ExitStatus::Findings,
        LicenceVerdict::NoDaemon => {
            if file.servers.is_empty() {
                let name = &file.name;
                tell(&format!(
                    "{name}: no SERVER, VENDOR or DAEMON line; give the licence file of the licence server, not an \
                     options file"
                ));
            }
            ExitStatus::NoEvidence
        }
    })
}

/// A site may have roles of its own, so this is no error.
fn tell_unknown_role(at: &PinPlace) -> Result<(), CliError> {
    if let Some(role) = at.role()
        && Catalog::builtin()?.role(role).is_none()
    {
        tell(&format!(
            "note: no built-in document knows the role {role}: the site file has to declare it with [[role]]"
        ));
    }
    Ok(())
}

fn json_text(file: &LicenceFile, at: &PinPlace) -> Result<String, CliError> {
    let pin = |pin: &crate::catalog::LicencePin| {
        json!({
            "daemon": pin.daemon, "at": at.to_string(), "transport": pin.transport.to_string(), "port": pin.port,
            "source": pin.source, "lines": pin.lines, "hosts": pin.hosts,
        })
    };
    let warning = |warning: &crate::catalog::LicenceWarning| {
        json!({
            "severity": warning.problem.severity().name(), "kind": warning.problem.name(), "line": warning.line,
            "text": warning.to_string(),
        })
    };
    let whole = json!({
        "pins": file.pins().iter().map(pin).collect::<Vec<_>>(),
        "warnings": file.warnings.iter().map(warning).collect::<Vec<_>>(),
        "verdict": match file.verdict() {
            LicenceVerdict::Pinned => "pinned",
            LicenceVerdict::NotPinned => "not-pinned",
            LicenceVerdict::NoDaemon => "no-vendor-daemon",
        },
        "passed_over": {
            "licences": file.passed_over.licences, "use_server": file.passed_over.use_server,
            "others": file.passed_over.others,
        },
    });
    let mut text = serde_json::to_string_pretty(&whole).map_err(|e| CliError::io("standard output")(e.into()))?;
    text.push('\n');
    Ok(text)
}
