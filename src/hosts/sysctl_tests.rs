//! Output of sysctl: recorded, and what the kernel's documentation allows.

use crate::hosts::test_support::{ranges, table, try_table};
use crate::model::HostTableFormat;

#[test]
fn recorded_output_gives_the_range_of_both_transports() {
    let table = table(include_str!("../../tests/data/host-tables/sysctl.txt"));
    assert_eq!(table.source.format, HostTableFormat::Sysctl);
    assert_eq!(ranges(&table), ["1 tcp both dynamic 32768-60999", "1 udp both dynamic 32768-60999"]);
    assert_eq!(table.counts.not_understood, 0);
}

#[test]
fn reserved_ports_are_a_list_of_ports_and_ranges() {
    let table = table(
        "/proc/sys/net/ipv4/ip_local_port_range:32768\t60999\nnet.ipv4.ip_local_reserved_ports = 8080,40000-40010\nkernel.x = 1\n",
    );
    let tcp: Vec<String> = ranges(&table).into_iter().filter(|range| range.contains("tcp")).collect();
    assert_eq!(
        tcp,
        ["1 tcp both dynamic 32768-60999", "2 tcp both excluded 8080-8080 *", "2 tcp both excluded 40000-40010 *"]
    );
    assert_eq!(table.counts.not_understood, 1);
}

#[test]
fn what_is_no_port_is_told() {
    let error = try_table(b"net.ipv4.ip_local_port_range = 1 2 3\n", None).unwrap_err();
    assert_eq!(error.to_string(), "t.txt line 1: \"1 2 3\" is not two ports");
    let error = try_table(b"net.ipv4.ip_local_reserved_ports = 5-4,x\n", None).unwrap_err();
    assert_eq!(error.to_string(), "t.txt line 1: 5 to 4 is no range of ports");
}
