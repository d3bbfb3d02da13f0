//! PowerShell, 5.1 and later: `netsh` for ports, the registry provider for RPC and DCOM.

use super::cmd::{reserve, saved_keys, set_range, show};
use super::head::{self, Purpose};
use super::lines::{Dialect, Lines};
use super::registry::{APP_ID, RPC_KEY};
use crate::policy::settings::{Scope, Settings, System};

/// A native program that fails raises no error by itself.
const RUN: [&str; 5] = [
    "function Invoke-Netsh {",
    "    & netsh.exe @args",
    "    if ($LASTEXITCODE -ne 0) { throw ('netsh failed: ' + ($args -join ' ')) }",
    "}",
    "",
];

const NAMES: [&str; 3] = ["Ports", "PortsInternetAvailable", "UseInternetPorts"];

/// `HKLM\…` as a path of the provider.
fn path(key: &str) -> String {
    format!("'Registry::{}'", key.replacen("HKLM", "HKEY_LOCAL_MACHINE", 1))
}

pub(super) fn apply(settings: &Settings, tool_version: &str) -> String {
    let mut lines = Lines::new(Dialect::PowerShell);
    lines.line("#Requires -RunAsAdministrator");
    let purpose = Purpose::Apply { undo: "run undo-settings-windows.ps1" };
    head::write(&mut lines, settings, System::Windows, purpose, tool_version);
    lines.lines(&["$ErrorActionPreference = 'Stop'", "$missed = 0", ""]);
    if settings.scope == Scope::Allocation {
        lines.lines(&RUN);
    }
    save(&mut lines, settings);
    for reservation in settings.reservations(System::Windows) {
        lines.comment(&format!(
            "{}/{}: {}. A port that is in use cannot be reserved: stop its service first.",
            reservation.ports, reservation.transport, reservation.sources
        ));
        let [v4, v6] = reserve("add", &reservation);
        lines.line(&format!("& netsh.exe {v4}; if ($LASTEXITCODE -ne 0) {{ $missed = 1 }}"));
        lines.line(&format!("& netsh.exe {v6} | Out-Null"));
    }
    match settings.scope {
        Scope::Allocation => {
            lines.comment("The range from which the system gives out ports.");
            set_range(settings.range).iter().for_each(|a| lines.line(&format!("Invoke-Netsh {a}")));
        }
        Scope::Rpc => {
            lines.comment("Ports for RPC. Each entry is a port or a range; static ports are left out.");
            let ports: Vec<String> = settings.pool.iter().map(|range| format!("'{range}'")).collect();
            lines.line(&format!("$key = {}", path(RPC_KEY)));
            lines.line("if (-not (Test-Path -LiteralPath $key)) { New-Item -Path $key | Out-Null }");
            let values = [
                ("MultiString", format!("@({})", ports.join(", "))),
                ("String", "'Y'".into()),
                ("String", "'Y'".into()),
            ];
            for (name, (kind, value)) in NAMES.iter().zip(values) {
                lines.line(&format!(
                    "New-ItemProperty -LiteralPath $key -Name {name} -PropertyType {kind} -Value {value} -Force | Out-Null"
                ));
            }
        }
    }
    for endpoint in &settings.endpoints {
        lines.comment("A port for one DCOM application. It fails here where the application is not installed.");
        lines.line(&format!("$key = {}", path(&format!("{APP_ID}\\{}", endpoint.app))));
        lines.line("if (-not (Test-Path -LiteralPath $key)) { throw ('not installed: ' + $key) }");
        let value = endpoint.value();
        lines.line(&format!(
            "New-ItemProperty -LiteralPath $key -Name Endpoints -PropertyType MultiString -Value @('{value}') -Force | Out-Null"
        ));
    }
    lines.blank();
    lines.line(
        "if ($missed -ne 0) { Write-Warning 'Some ports were not reserved: they are in use, or reserved already. Compare with: \
         netsh int ipv4 show excludedportrange tcp' }",
    );
    lines.line("Write-Output 'Done. Restart the host, then record it at work and run portproof validate.'");
    lines.line("exit $missed");
    lines.into_text()
}

/// Keeps what is set now, once, beside the script.
fn save(lines: &mut Lines, settings: &Settings) {
    lines
        .comment("What is set now is kept beside this script, the first time only. Keep these files: undo needs them.");
    lines.line("$before = Join-Path $PSScriptRoot 'before-windows.txt'");
    lines.line("if (-not (Test-Path -LiteralPath $before)) {");
    lines.line("    & {");
    show().iter().for_each(|arguments| lines.line(&format!("        & netsh.exe {arguments}")));
    lines.line("    } | Out-File -LiteralPath $before");
    for (key, file) in saved_keys(settings) {
        let exists = format!("if (Test-Path -LiteralPath {})", path(&key));
        lines.line(&format!(
            "    {exists} {{ & reg.exe export '{key}' (Join-Path $PSScriptRoot '{file}') /y | Out-Null }}"
        ));
    }
    lines.lines(&["}", ""]);
}

pub(super) fn undo(settings: &Settings, tool_version: &str) -> String {
    let mut lines = Lines::new(Dialect::PowerShell);
    lines.line("#Requires -RunAsAdministrator");
    head::write(&mut lines, settings, System::Windows, Purpose::Undo, tool_version);
    lines.comment("What is not set gives an error that does not matter. Then restart the host.");
    lines.comment("Reservations that before-windows.txt shows were there before: take their lines out of this script.");
    match settings.scope {
        Scope::Allocation => {
            lines.comment(&format!(
                "The range becomes {}. If before-windows.txt shows another one, write that here first.",
                settings.windows_before
            ));
            set_range(settings.windows_before).iter().for_each(|a| lines.line(&format!("& netsh.exe {a}")));
        }
        Scope::Rpc => {
            lines.line(&format!("$key = {}", path(RPC_KEY)));
            for name in NAMES {
                lines
                    .line(&format!("Remove-ItemProperty -LiteralPath $key -Name {name} -ErrorAction SilentlyContinue"));
            }
        }
    }
    for endpoint in &settings.endpoints {
        let key = path(&format!("{APP_ID}\\{}", endpoint.app));
        lines.line(&format!("Remove-ItemProperty -LiteralPath {key} -Name Endpoints -ErrorAction SilentlyContinue"));
    }
    for reservation in settings.reservations(System::Windows) {
        reserve("delete", &reservation).iter().for_each(|a| lines.line(&format!("& netsh.exe {a}")));
    }
    for (_, file) in saved_keys(settings) {
        lines.comment("Values that were there before.");
        lines.line(&format!("$saved = Join-Path $PSScriptRoot '{file}'"));
        lines.line("if (Test-Path -LiteralPath $saved) { & reg.exe import $saved }");
    }
    lines.into_text()
}
