//! cmd.exe: `netsh` for dynamic ports and reservations, `reg` for RPC and DCOM.
//!
//! Syntax: `netsh interface ipv4 set dynamicportrange` and `add excludedportrange` as netsh's own help prints them (the
//! dossier's KB929851; `excludedportrange` is from memory and unverified), `reg add` with a separator of its own for REG_MULTI_SZ.

use super::head::{self, Purpose};
use super::lines::{Dialect, Lines};
use super::registry::{APP_ID, RPC_KEY};
use crate::catalog::PortRange;
use crate::policy::settings::{Reservation, Scope, Settings, System};

/// Stacks; each has ranges of its own (KB929851).
pub(super) const STACKS: [&str; 2] = ["ipv4", "ipv6"];

/// Transports; each has ranges of its own.
pub(super) const TRANSPORTS: [&str; 2] = ["tcp", "udp"];

/// `netsh` arguments that set the range from which the system gives out ports.
pub(super) fn set_range(range: PortRange) -> Vec<String> {
    let one = |stack, transport| {
        let (start, count) = (range.first(), range.count());
        format!("int {stack} set dynamicport {transport} start={start} num={count} store=persistent")
    };
    STACKS.iter().flat_map(|stack| TRANSPORTS.map(|transport| one(*stack, transport))).collect()
}

/// `netsh` arguments that reserve ports or give them back, IPv4 first. The system's interface for it
/// (`CreatePersistentTcpPortReservation`) knows no address family, so the second may fail because the first was enough: its
/// failure says nothing.
pub(super) fn reserve(verb: &str, reservation: &Reservation) -> [String; 2] {
    let Reservation { transport, ports, .. } = reservation;
    STACKS.map(|stack| {
        format!(
            "int {stack} {verb} excludedportrange protocol={} startport={} numberofports={} store=persistent",
            transport.name(),
            ports.first(),
            ports.count()
        )
    })
}

/// `netsh` arguments that show what is set.
pub(super) fn show() -> Vec<String> {
    let one = |stack, what| TRANSPORTS.map(|transport| format!("int {stack} show {what} {transport}"));
    STACKS
        .iter()
        .flat_map(|stack| ["dynamicport", "excludedportrange"].map(|what| one(*stack, what)))
        .flatten()
        .collect()
}

pub(super) fn apply(settings: &Settings, tool_version: &str) -> String {
    let mut lines = Lines::new(Dialect::Cmd);
    lines.line("@echo off");
    let purpose = Purpose::Apply { undo: "run undo-settings-windows.cmd, or the commands at the end" };
    head::write(&mut lines, settings, System::Windows, purpose, tool_version);
    lines.comment("Run it as administrator, on the host itself.");
    lines.blank();
    save(&mut lines, settings);
    lines.lines(&["set MISSED=0", ""]);
    let reservations = settings.reservations(System::Windows);
    if !reservations.is_empty() {
        lines.comment(
            "Static ports that lie where the system gives out ports. A port that is in use cannot be reserved: stop its service, \
             and start it afterwards. The line for IPv6 does nothing where both share one list.",
        );
    }
    for reservation in &reservations {
        lines.comment(&format!("{}/{}: {}", reservation.ports, reservation.transport, reservation.sources));
        let [v4, v6] = reserve("add", reservation);
        lines.line(&format!("netsh {v4} || set MISSED=1"));
        lines.line(&format!("netsh {v6} >nul 2>&1"));
    }
    match settings.scope {
        Scope::Allocation => {
            lines.comment("The range from which the system gives out ports.");
            set_range(settings.range).iter().for_each(|a| lines.line(&format!("netsh {a} || goto failed")));
        }
        Scope::Rpc => {
            lines.comment("Ports for RPC. Each entry is a port or a range; static ports are left out.");
            let ports: Vec<String> = settings.pool.iter().map(ToString::to_string).collect();
            let value = |name: &str, kind: &str, data: &str| {
                format!("reg add \"{RPC_KEY}\" /v {name} /t {kind} /d \"{data}\" /f || goto failed")
            };
            lines.line(&value("Ports", "REG_MULTI_SZ /s \",\"", &ports.join(",")));
            lines.line(&value("PortsInternetAvailable", "REG_SZ", "Y"));
            lines.line(&value("UseInternetPorts", "REG_SZ", "Y"));
        }
    }
    if !settings.endpoints.is_empty() {
        lines.comment("Ports for single DCOM applications. An application that is not installed fails here.");
    }
    for endpoint in &settings.endpoints {
        let key = format!("{APP_ID}\\{}", endpoint.app);
        lines.line(&format!("reg query \"{key}\" >nul || goto failed"));
        let data = endpoint.value();
        lines.line(&format!("reg add \"{key}\" /v Endpoints /t REG_MULTI_SZ /d \"{data}\" /f || goto failed"));
    }
    lines.blank();
    ending(&mut lines);
    lines.blank();
    lines.comment("To take it back:");
    taking_back(settings).iter().for_each(|command| lines.commented_command(command));
    lines.into_text()
}

/// Keeps what is set now, once, beside the script.
fn save(lines: &mut Lines, settings: &Settings) {
    lines
        .comment("What is set now is kept beside this script, the first time only. Keep these files: undo needs them.");
    lines.line("if exist \"%~dp0before-windows.txt\" goto saved");
    for (number, arguments) in show().iter().enumerate() {
        let (redirect, otherwise) = if number == 0 { (">", " || goto failed") } else { (">>", "") };
        lines.line(&format!("netsh {arguments} {redirect} \"%~dp0before-windows.txt\"{otherwise}"));
    }
    for (key, file) in saved_keys(settings) {
        lines.line(&format!("reg export \"{key}\" \"%~dp0{file}\" /y >nul 2>&1"));
    }
    lines.line(":saved");
}

/// Registry keys that are changed, and where they are kept.
pub(super) fn saved_keys(settings: &Settings) -> Vec<(String, String)> {
    let rpc = (settings.scope == Scope::Rpc).then(|| (RPC_KEY.to_owned(), "before-rpc.reg".to_owned()));
    let apps =
        settings.endpoints.iter().enumerate().map(|(number, endpoint)| {
            (format!("{APP_ID}\\{}", endpoint.app), format!("before-appid-{}.reg", number + 1))
        });
    rpc.into_iter().chain(apps).collect()
}

fn ending(lines: &mut Lines) {
    lines.lines(&[
        "if %MISSED%==1 echo Some ports were not reserved: they are in use, or reserved already. Compare with",
        "if %MISSED%==1 echo   netsh int ipv4 show excludedportrange tcp",
        "echo Done. Restart the host, then record it at work and run portproof validate.",
        "exit /b %MISSED%",
        ":failed",
        "echo A command failed, and nothing after it was done. Run undo-settings-windows.cmd to take back what was.",
        "exit /b 1",
    ]);
}

/// Commands that take back, without what was kept.
fn taking_back(settings: &Settings) -> Vec<String> {
    let mut commands = Vec::new();
    match settings.scope {
        Scope::Allocation => commands.extend(set_range(settings.windows_before).iter().map(|a| format!("netsh {a}"))),
        Scope::Rpc => commands.extend(
            ["Ports", "PortsInternetAvailable", "UseInternetPorts"]
                .map(|name| format!("reg delete \"{RPC_KEY}\" /v {name} /f")),
        ),
    }
    for endpoint in &settings.endpoints {
        commands.push(format!("reg delete \"{APP_ID}\\{}\" /v Endpoints /f", endpoint.app));
    }
    for reservation in settings.reservations(System::Windows) {
        commands.extend(reserve("delete", &reservation).iter().map(|a| format!("netsh {a}")));
    }
    commands
}

pub(super) fn undo(settings: &Settings, tool_version: &str) -> String {
    let mut lines = Lines::new(Dialect::Cmd);
    lines.line("@echo off");
    head::write(&mut lines, settings, System::Windows, Purpose::Undo, tool_version);
    lines.comment(
        "Run it as administrator. What is not set gives an error that does not matter. Then restart the host.",
    );
    if settings.scope == Scope::Allocation {
        lines.comment(&format!(
            "The range becomes {}. If before-windows.txt shows another one, write that here first.",
            settings.windows_before
        ));
    }
    lines.comment("Reservations that before-windows.txt shows were there before: take their lines out of this script.");
    lines.blank();
    taking_back(settings).iter().for_each(|command| lines.line(command));
    let saved = saved_keys(settings);
    if !saved.is_empty() {
        lines.comment("Values that were there before.");
    }
    for (_, file) in saved {
        lines.line(&format!("if exist \"%~dp0{file}\" reg import \"%~dp0{file}\""));
    }
    lines.line("exit /b 0");
    lines.into_text()
}
