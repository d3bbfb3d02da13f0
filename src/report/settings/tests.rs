//! What the dialects have in common. The scripts themselves are compared with files in `tests/settings_command.rs`.

use super::*;
use crate::catalog::PortRange;
use crate::model::Transport;
use crate::policy::settings::{FixedPort, Insistence, Wish, settle};

fn settings(scope: Scope, fixed: &[u16]) -> Settings {
    let fixed = fixed.iter().map(|port| FixedPort::new(Transport::Tcp, *port, "x")).collect();
    settle(Wish {
        range: PortRange::spanning(50_000, 50_511),
        scope,
        systems: vec![System::Windows, System::Linux],
        hosts: Vec::new(),
        windows_before: System::Windows.default_range(),
        fixed,
        endpoints: Vec::new(),
        insistence: Insistence::Careful,
    })
    .unwrap()
}

fn file(settings: &Settings, name: &str) -> String {
    files(settings, "0").unwrap().into_iter().find(|file| file.name == name).unwrap().text
}

#[test]
fn scripts_for_windows_end_lines_as_windows_does() {
    for scope in [Scope::Rpc, Scope::Allocation] {
        for SettingsFile { name, text } in files(&settings(scope, &[50_100]), "0").unwrap() {
            assert!(FILE_NAMES.contains(&name), "{name}");
            let windows = [".cmd", ".ps1", ".reg"].iter().any(|suffix| name.ends_with(suffix));
            assert_eq!(
                text.matches('\n').count(),
                text.matches("\r\n").count() + usize::from(!windows) * text.matches('\n').count()
            );
            assert!(text.ends_with('\n'), "{name}");
        }
    }
}

/// Strings of a REG_MULTI_SZ, read back from its hexadecimal form.
fn read_multi(text: &str, name: &str) -> Vec<String> {
    let start = text.find(&format!("\"{name}\"=hex(7):")).unwrap();
    let value = text[start..].split_once(':').unwrap().1.replace("\\\r\n  ", "");
    let bytes: Vec<u8> =
        value.lines().next().unwrap().split(',').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).unwrap();
    let strings = text.strip_suffix("\0\0").unwrap();
    strings.split('\0').map(str::to_owned).collect()
}

#[test]
fn the_registry_gets_every_part_of_the_pool() {
    let text = file(&settings(Scope::Rpc, &[50_100, 50_200]), "rpc.reg");
    assert_eq!(read_multi(&text, "Ports"), ["50000-50099", "50101-50199", "50201-50511"]);
    assert!(text.starts_with("Windows Registry Editor Version 5.00\r\n"));
}

#[test]
fn whatever_is_set_is_taken_back() {
    for scope in [Scope::Rpc, Scope::Allocation] {
        let settings = settings(scope, &[50_100]);
        let (apply, undo) = (file(&settings, "settings-windows.cmd"), file(&settings, "undo-settings-windows.cmd"));
        let commands = |text: &str, word: &str| text.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!(apply.matches(" add excludedportrange").count(), 2);
        assert_eq!(commands(&undo, "netsh int ipv4 delete excludedportrange"), 1);
        assert_eq!(commands(&undo, "netsh int ipv6 delete excludedportrange"), 1);
        assert_eq!(commands(&apply, "reg add"), commands(&undo, "reg delete"));
        let set = |text: &str| {
            text.lines().filter(|line| line.starts_with("netsh") && line.contains("set dynamicport")).count()
        };
        assert_eq!(set(&apply), set(&undo));
        assert_eq!(set(&apply), if scope == Scope::Allocation { 4 } else { 0 });
    }
}

#[test]
fn linux_reserves_neighbours_as_one_and_rpc_ports_too() {
    let text = file(&settings(Scope::Rpc, &[50_512, 60_000, 61_000]), "90-portproof-ports.conf");
    assert!(text.contains("\nnet.ipv4.ip_local_reserved_ports = 50000-50512,60000\n"), "{text}");
    assert!(!text.contains("\nnet.ipv4.ip_local_port_range"));
}
