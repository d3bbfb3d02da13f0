//! Files for regedit (version 5): RPC `Internet` keys and AppID `Endpoints`.
//!
//! REG_MULTI_SZ is `hex(7)`: the bytes of its strings in UTF-16LE, each ended by 0, and a 0 after the last. Lines are broken
//! as regedit breaks them.

use super::head::{self, Purpose};
use super::lines::{Dialect, Lines};
use crate::policy::settings::{Scope, Settings, System};

/// Where the RPC runtime reads its ports (KB154596).
pub(super) const RPC_KEY: &str = "HKLM\\SOFTWARE\\Microsoft\\Rpc\\Internet";

/// Where DCOM applications are registered.
pub(super) const APP_ID: &str = "HKLM\\SOFTWARE\\Classes\\AppID";

/// Bytes on a line of `hex(7)`.
const BYTES_PER_LINE: usize = 24;

/// Whether there is anything for the registry.
pub(super) fn is_needed(settings: &Settings) -> bool {
    settings.scope == Scope::Rpc || !settings.endpoints.is_empty()
}

pub(super) fn apply(settings: &Settings, tool_version: &str) -> String {
    let purpose = Purpose::Apply { undo: "import undo-rpc.reg" };
    let mut lines = begin(settings, purpose, tool_version);
    lines.comment("This file sets only what lies in the registry. Reservations of ports are in settings-windows.cmd.");
    lines.comment("Save first what is there:");
    lines.commented_command(&format!("reg export {RPC_KEY} before-rpc.reg"));
    if settings.scope == Scope::Rpc {
        let ports: Vec<String> = settings.pool.iter().map(ToString::to_string).collect();
        section(&mut lines, RPC_KEY);
        lines.line(&multi("Ports", &ports));
        lines.line("\"PortsInternetAvailable\"=\"Y\"");
        lines.line("\"UseInternetPorts\"=\"Y\"");
    }
    for endpoint in &settings.endpoints {
        section(&mut lines, &format!("{APP_ID}\\{}", endpoint.app));
        lines.line(&multi("Endpoints", &[endpoint.value()]));
    }
    lines.blank();
    lines.into_text()
}

pub(super) fn undo(settings: &Settings, tool_version: &str) -> String {
    let mut lines = begin(settings, Purpose::Undo, tool_version);
    lines.comment("Values that were there before are not put back: import what you saved, then restart the host.");
    if settings.scope == Scope::Rpc {
        section(&mut lines, RPC_KEY);
        lines.lines(&["\"Ports\"=-", "\"PortsInternetAvailable\"=-", "\"UseInternetPorts\"=-"]);
    }
    for endpoint in &settings.endpoints {
        section(&mut lines, &format!("{APP_ID}\\{}", endpoint.app));
        lines.line("\"Endpoints\"=-");
    }
    lines.blank();
    lines.into_text()
}

fn begin(settings: &Settings, purpose: Purpose, tool_version: &str) -> Lines {
    let mut lines = Lines::new(Dialect::Registry);
    lines.lines(&["Windows Registry Editor Version 5.00", ""]);
    head::write(&mut lines, settings, System::Windows, purpose, tool_version);
    lines
}

fn section(lines: &mut Lines, key: &str) {
    lines.blank();
    lines.line(&format!("[{}]", key.replacen("HKLM", "HKEY_LOCAL_MACHINE", 1)));
}

/// A value of several strings.
fn multi(name: &str, strings: &[String]) -> String {
    let units = strings.iter().flat_map(|text| text.encode_utf16().chain([0])).chain([0]);
    let bytes: Vec<String> = units.flat_map(u16::to_le_bytes).map(|byte| format!("{byte:02x}")).collect();
    let rows: Vec<String> = bytes.chunks(BYTES_PER_LINE).map(|row| row.join(",")).collect();
    format!("\"{name}\"=hex(7):{}", rows.join(",\\\r\n  "))
}
