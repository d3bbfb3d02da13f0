//! Settings of a host in the dialects that systems read: scripts that set, scripts that take back, and one JSON file.
//! One dialect a file.
//!
//! What enters a command is a number, a transport or an AppID, never text. Text (sources of static ports, warnings) enters
//! comments only, and there through the allow-list of `lines`. Scripts for Windows end their lines with CR LF, as cmd.exe
//! and regedit expect.
//!
//! This room decides nothing: [`crate::policy::settings`] did.

mod cmd;
mod head;
mod json;
mod lines;
mod powershell;
mod registry;
mod samba;
mod sysctl;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

use super::{ReportDir, ReportError};
use crate::policy::settings::{Scope, Settings, System};
use std::io::Write;

/// The machine-readable form; it says whose the directory is.
pub const JSON_NAME: &str = "settings.json";

/// How settings that this program wrote are recognised: the JSON file begins with it.
pub const GENERATOR: &str = "\"generator\": \"portproof settings\"";

/// Every file that settings may have.
pub const FILE_NAMES: [&str; 10] = [
    "settings-windows.cmd",
    "undo-settings-windows.cmd",
    "settings-windows.ps1",
    "undo-settings-windows.ps1",
    "rpc.reg",
    "undo-rpc.reg",
    "90-portproof-ports.conf",
    "undo-settings-linux.sh",
    "smb-rpc-ports.conf",
    JSON_NAME,
];

/// A file of settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFile {
    /// Its name, one of [`FILE_NAMES`].
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// All files, in the order in which they are used. `tool_version` is named in them.
///
/// # Errors
/// When the JSON cannot be made.
pub fn files(settings: &Settings, tool_version: &str) -> Result<Vec<SettingsFile>, ReportError> {
    let mut files = Vec::new();
    let mut add = |name, text| files.push(SettingsFile { name, text });
    if settings.systems.contains(&System::Windows) {
        add("settings-windows.cmd", cmd::apply(settings, tool_version));
        add("undo-settings-windows.cmd", cmd::undo(settings, tool_version));
        add("settings-windows.ps1", powershell::apply(settings, tool_version));
        add("undo-settings-windows.ps1", powershell::undo(settings, tool_version));
        if registry::is_needed(settings) {
            add("rpc.reg", registry::apply(settings, tool_version));
            add("undo-rpc.reg", registry::undo(settings, tool_version));
        }
    }
    if settings.systems.contains(&System::Linux) {
        add("90-portproof-ports.conf", sysctl::apply(settings, tool_version));
        add("undo-settings-linux.sh", sysctl::undo(settings, tool_version));
        if settings.scope == Scope::Rpc {
            add("smb-rpc-ports.conf", samba::apply(settings, tool_version));
        }
    }
    add(JSON_NAME, json(settings, tool_version)?);
    Ok(files)
}

/// The one script that a terminal shows: it sets, and names in comments the commands that take back.
#[must_use]
pub fn script(settings: &Settings, system: System, tool_version: &str) -> String {
    match system {
        System::Windows => cmd::apply(settings, tool_version),
        System::Linux => sysctl::shell(settings, tool_version),
    }
}

/// The machine-readable form, with a line end.
///
/// # Errors
/// When serialising fails.
pub fn json(settings: &Settings, tool_version: &str) -> Result<String, ReportError> {
    json::text(settings, tool_version)
}

/// Adds all files to a directory of settings, and returns their names.
///
/// # Errors
/// When a file cannot be written.
pub fn write_all(
    dir: &mut ReportDir,
    settings: &Settings,
    tool_version: &str,
) -> Result<Vec<&'static str>, ReportError> {
    let files = files(settings, tool_version)?;
    for SettingsFile { name, text } in &files {
        dir.add(name, |out| out.write_all(text.as_bytes()).map_err(ReportError::Output))?;
    }
    Ok(files.iter().map(|file| file.name).collect())
}
