//! Outputs of netsh, written from its description and from outputs that people published, in four languages.

use crate::hosts::test_support::{ranges, table, try_table};
use crate::model::HostTableFormat;

const DYNAMIC: &str = "\r\nC:\\>netsh int ipv4 show dynamicport tcp\r\n\r\nProtocol tcp Dynamic Port Range\r\n---------------------------------\r\n\
Start Port      : 49152\r\nNumber of Ports : 16384\r\n\r\nC:\\>netsh int ipv6 show dynamicport udp\r\n\r\n\
Protocol udp Dynamic Port Range\r\n---------------------------------\r\nStart Port      : 50000\r\nNumber of Ports : 320\r\n";

const EXCLUDED: &str = "\r\nProtocol tcp Port Exclusion Ranges\r\n\r\nStart Port    End Port      \r\n----------    --------      \r\n\
      5357        5357      \r\n     50000       50059     *\r\n\r\n* - Administered port exclusions.\r\n\r\n";

#[test]
fn ranges_are_known_by_the_command_the_title_and_the_shape() {
    let table = table(DYNAMIC);
    assert_eq!(table.source.format, HostTableFormat::Netsh);
    assert_eq!(ranges(&table), ["7 tcp ipv4 dynamic 49152-65535", "14 udp ipv6 dynamic 50000-50319"]);
}

#[test]
fn without_a_command_the_ip_version_is_not_known() {
    assert_eq!(ranges(&table(EXCLUDED)), ["6 tcp both excluded 5357-5357", "7 tcp both excluded 50000-50059 *"]);
}

#[test]
fn translated_outputs_are_the_same() {
    let german = "\nProtokoll tcp - Dynamischer Portbereich\n---------------------------------\nStartport       : 49152\nAnzahl der Ports: 16384\n";
    assert_eq!(ranges(&table(german)), ["5 tcp both dynamic 49152-65535"]);
    let french = "\nPlage de ports dynamique du protocole udp\n---------------------------------\nPort de démarrage   : 49152\nNombre de ports : 16384\n";
    assert_eq!(ranges(&table(french)), ["5 udp both dynamic 49152-65535"]);
    let japanese = "\nプロトコル tcp の動的ポートの範囲\n---------------------------------\n開始ポート      ：49152\nポート数 : 16384\n";
    assert_eq!(ranges(&table(japanese)), ["5 tcp both dynamic 49152-65535"]);
    let spanish = "\nIntervalos de exclusión de puertos del protocolo tcp\n\nPuerto de inicio    Puerto final\n----------          --------\n      1025        1124\n      5357        5357      *\n";
    assert_eq!(ranges(&table(spanish)), ["6 tcp both excluded 1025-1124", "7 tcp both excluded 5357-5357 *"]);
}

#[test]
fn what_cannot_be_is_told() {
    let error = try_table(b"Protocol tcp\nStart Port : 60000\nNumber of Ports : 9999\n", None).unwrap_err();
    assert_eq!(error.to_string(), "t.txt line 3: 60000 to 69998 is no range of ports");
    let error = try_table(b"  50000 50059\nProtocol tcp Port Exclusion Ranges\n", None).unwrap_err();
    assert!(error.to_string().starts_with("t.txt line 1: no title above"), "{error}");
    let error = try_table(b"Protocol tcp\n 4294967295 4294967295\nStart : 4294967295\nNumber : 4294967295\n", None)
        .unwrap_err();
    assert!(error.to_string().starts_with("t.txt line 2: "), "{error}");
}
