//! Proposals out of flows written by hand, one question each.

use super::tests::{IGNORED, MIDSTREAM, OPENED, Sent, endpoint, flow, tcp};
use super::*;
use crate::catalog::{Catalog, PortRef};
use crate::model::{FlowRecord, Orientation, Transport};
use crate::store::Facts;
use std::net::IpAddr;

const REFUSED: (Sent, Sent) = (
    Sent { syn: 1, syn_ack: 0, rst: 0, plain: 0, payload: 0 },
    Sent { syn: 0, syn_ack: 0, rst: 1, plain: 0, payload: 0 },
);
/// A handshake after which nobody said anything.
const MUTE: (Sent, Sent) = (
    Sent { syn: 1, syn_ack: 0, rst: 1, plain: 1, payload: 0 },
    Sent { syn: 0, syn_ack: 1, rst: 0, plain: 0, payload: 0 },
);
/// Only what the caller sent is in the recording.
const FORWARD_ONLY: (Sent, Sent) = (
    Sent { syn: 1, syn_ack: 0, rst: 0, plain: 3, payload: 9 },
    Sent { syn: 0, syn_ack: 0, rst: 0, plain: 0, payload: 0 },
);
const DATAGRAMS: (Sent, Sent) = (
    Sent { syn: 0, syn_ack: 0, rst: 0, plain: 2, payload: 9 },
    Sent { syn: 0, syn_ack: 0, rst: 0, plain: 2, payload: 9 },
);

fn proposed(mut flows: Vec<FlowRecord>) -> Proposal {
    flows.sort_by_key(|flow| flow.first_seen_ns);
    propose(&Facts { flows: flows.into(), ..Facts::default() }, &Catalog::builtin().unwrap())
}

fn host<'a>(proposal: &'a Proposal, address: &str) -> &'a ProposedHost {
    let address: IpAddr = address.parse().unwrap();
    proposal.hosts.iter().find(|host| host.address == address).unwrap_or_else(|| panic!("{address} is not listed"))
}

fn is_listed(proposal: &Proposal, address: &str) -> bool {
    proposal.hosts.iter().any(|host| host.address.to_string() == address)
}

fn roles(proposal: &Proposal, address: &str) -> Vec<String> {
    host(proposal, address).roles.iter().map(|role| role.id.clone()).collect()
}

fn tcp_port(port: u16) -> PortRef {
    PortRef { transport: Transport::Tcp, port }
}

/// Calls of one client to ports of a server, one each.
fn calls(client: &str, server: &str, ports: &[u16], sent: (Sent, Sent)) -> Vec<FlowRecord> {
    let call = |(n, port): (usize, &u16)| tcp((client, 50_000 + n as u16), (server, *port), sent, n as i64);
    ports.iter().enumerate().map(call).collect()
}

#[test]
fn a_served_signature_gives_the_role_with_its_evidence() {
    let mut flows = calls("10.0.0.9", "10.0.0.1", &[7002, 7002, 3060, 50_123], OPENED);
    flows.push(tcp(("10.0.0.8", 50_000), ("10.0.0.1", 7002), MIDSTREAM, 9));
    let proposal = proposed(flows);
    assert_eq!(roles(&proposal, "10.0.0.1"), ["server", "directory-server"]);
    let server = host(&proposal, "10.0.0.1");
    assert_eq!(
        (&server.roles[0].ports[..], server.roles[0].orientation),
        (&[tcp_port(7002)][..], Orientation::Certain)
    );
    let served = server.served.iter().find(|served| served.port == tcp_port(7002)).unwrap();
    assert_eq!((served.clients, served.flows, served.orientation), (2, 3, Orientation::Certain));
    assert_eq!((served.first_frame, served.documented), (1, true));
    let dynamic = server.served.iter().find(|served| served.port == tcp_port(50_123)).unwrap();
    assert!(!dynamic.documented);
    // Who only calls gets no role, but it is listed.
    let client = host(&proposal, "10.0.0.9");
    assert!(client.roles.is_empty() && client.served.is_empty() && client.close_calls.is_empty());
    assert_eq!(client.opened_flows, 4);
    assert_eq!(
        proposal.hosts.iter().map(|host| host.address.to_string()).collect::<Vec<_>>(),
        ["10.0.0.1", "10.0.0.8", "10.0.0.9"]
    );
    assert!(proposal.unheard.is_empty() && proposal.left_out == 0 && proposal.swept_only == 0);
}

#[test]
fn roles_that_nearly_fit_are_told_and_not_proposed() {
    let close = |ports: &[u16]| {
        let proposal = proposed(calls("10.0.0.9", "10.0.0.1", ports, OPENED));
        let calls = host(&proposal, "10.0.0.1").close_calls.clone();
        (roles(&proposal, "10.0.0.1"), calls)
    };
    let (roles, calls) = close(&[7004, 27000]);
    assert_eq!(roles, ["agent"]);
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].id.as_str(), &calls[0].served[..]), ("licence-server", &[tcp_port(27000)][..]));
    assert_eq!(calls[0].reason, CloseReason::Outranked(vec!["agent".into()]));

    let (roles, calls) = close(&[88]);
    assert!(roles.is_empty());
    assert_eq!((calls.len(), calls[0].id.as_str()), (1, "domain-controller"));
    assert_eq!(calls[0].reason, CloseReason::NotWhole { doubtful: vec![], missing: vec![tcp_port(389)] });

    let (roles, calls) = close(&[88, 389]);
    assert_eq!((roles, calls), (vec!["domain-controller".to_owned()], vec![]));
    let (roles, calls) = close(&[443]);
    assert!(roles.is_empty() && calls.is_empty());
}

#[test]
fn without_a_handshake_only_strong_evidence_gives_a_role() {
    let strong = proposed(vec![tcp(("10.0.0.9", 50_000), ("10.0.0.1", 7002), MIDSTREAM, 0)]);
    assert_eq!(roles(&strong, "10.0.0.1"), ["server"]);
    assert_eq!(host(&strong, "10.0.0.1").roles[0].orientation, Orientation::Strong);
    // A client that counts its ports from 1024 up, as old ones do: the documented port may be by chance.
    let weak = proposed(vec![tcp(("10.0.0.9", 1030), ("10.0.0.1", 7002), MIDSTREAM, 0)]);
    assert!(roles(&weak, "10.0.0.1").is_empty());
    let expected = CloseReason::NotWhole { doubtful: vec![(tcp_port(7002), Doubt::Direction)], missing: vec![] };
    assert_eq!(host(&weak, "10.0.0.1").close_calls[0].reason, expected);
    assert!(weak.hosts.iter().all(|host| host.served.is_empty()));
}

#[test]
fn a_recording_of_one_direction_gives_no_role() {
    let proposal = proposed(calls("10.0.0.9", "10.0.0.1", &[7002], FORWARD_ONLY));
    assert!(roles(&proposal, "10.0.0.1").is_empty());
    assert_eq!(host(&proposal, "10.0.0.1").doubtful, [(tcp_port(7002), Doubt::OneSided)]);
    assert!(proposal.unheard.is_empty());
}

#[test]
fn sweeps_give_nobody_a_role() {
    let closed: Vec<u16> = (1..=25).collect();
    let mut swept = calls("10.0.0.77", "10.0.0.1", &closed, REFUSED);
    swept.extend(calls("10.0.0.77", "10.0.0.1", &[7002, 44_818], MUTE));
    let proposal = proposed(swept.clone());
    let target = host(&proposal, "10.0.0.1");
    assert!(target.roles.is_empty() && target.served.is_empty());
    assert_eq!(target.doubtful, [(tcp_port(7002), Doubt::AnsweredSweep), (tcp_port(44_818), Doubt::AnsweredSweep)]);
    assert_eq!(target.close_calls.iter().map(|close| close.id.as_str()).collect::<Vec<_>>(), ["server", "controller"]);
    let scanner = host(&proposal, "10.0.0.77");
    assert!(scanner.sweeps && scanner.roles.is_empty() && scanner.called.is_empty());
    assert!(!target.sweeps);

    // A firewall that accepts in the name of others lets a sweep succeed everywhere.
    let every = [&closed[..], &[7002, 7004, 1433]].concat();
    let proposal = proposed(calls("10.0.0.77", "10.0.0.1", &every, MUTE));
    assert!(proposal.hosts.iter().all(|host| host.roles.is_empty()));
    assert!(host(&proposal, "10.0.0.77").sweeps);

    // What the sweep found does not count against what others show.
    swept.extend(calls("10.0.0.9", "10.0.0.1", &[7002], OPENED));
    let proposal = proposed(swept);
    assert_eq!(roles(&proposal, "10.0.0.1"), ["server"]);
    assert_eq!(host(&proposal, "10.0.0.1").served[0].clients, 1, "the scanner is no client");
}

#[test]
fn a_few_mute_connections_are_no_sweep() {
    let proposal = proposed(calls("10.0.0.9", "10.0.0.1", &[7002, 7002, 7002], MUTE));
    assert_eq!(roles(&proposal, "10.0.0.1"), ["server"]);
    assert!(!host(&proposal, "10.0.0.9").sweeps);
}

#[test]
fn who_was_never_heard_is_no_host() {
    let mut flows = calls("10.0.0.9", "10.0.0.1", &[7002], OPENED);
    flows.extend(calls("10.0.0.9", "10.0.0.3", &[7004, 80], IGNORED));
    flows.extend(calls("10.0.0.9", "10.0.0.4", &[7004], REFUSED));
    let proposal = proposed(flows);
    assert!(!is_listed(&proposal, "10.0.0.3") && !is_listed(&proposal, "10.0.0.4"));
    let [silent, refusing] = proposal.unheard.as_slice() else { panic!("{:?}", proposal.unheard) };
    assert_eq!((silent.address.to_string().as_str(), silent.refused, silent.callers), ("10.0.0.3", false, 1));
    assert_eq!((silent.ports, silent.lowest_port), (2, tcp_port(80)));
    assert_eq!((refusing.address.to_string().as_str(), refusing.refused), ("10.0.0.4", true));
}

#[test]
fn addresses_that_only_a_sweep_called_are_counted() {
    let mut flows = Vec::new();
    for n in 1..=30 {
        flows.push(tcp(("10.0.0.77", 50_000 + n), (&format!("10.0.1.{n}"), 445), IGNORED, i64::from(n)));
    }
    flows.push(tcp(("10.0.0.9", 50_000), ("10.0.1.5", 80), IGNORED, 40));
    // Silence means something where answers are heard.
    flows.extend(calls("10.0.0.77", "10.0.0.1", &[443], OPENED));
    flows.extend(calls("10.0.0.9", "10.0.0.1", &[443], OPENED));
    let proposal = proposed(flows);
    assert_eq!(proposal.swept_only, 29);
    assert_eq!(proposal.unheard.iter().map(|u| u.address.to_string()).collect::<Vec<_>>(), ["10.0.1.5"]);
    assert!(host(&proposal, "10.0.0.77").sweeps);
}

#[test]
fn groups_and_the_unspecified_address_are_no_hosts() {
    let to = |address: &str, second| {
        flow(Transport::Udp, endpoint("10.0.0.9", 50_000), endpoint(address, 44_818), DATAGRAMS, second)
    };
    let mut flows: Vec<FlowRecord> =
        ["239.0.0.1", "255.255.255.255", "ff02::1", "0.0.0.0"].iter().zip(0..).map(|(a, n)| to(a, n)).collect();
    let mut broadcast = to("10.0.0.255", 9);
    (broadcast.from_b.packets, broadcast.from_b.payload_packets) = (0, 0);
    if broadcast.key.a.ip.to_string() == "10.0.0.255" {
        std::mem::swap(&mut broadcast.from_a, &mut broadcast.from_b);
    }
    flows.push(broadcast);
    let proposal = proposed(flows);
    assert_eq!(proposal.hosts.iter().map(|host| host.address.to_string()).collect::<Vec<_>>(), ["10.0.0.9"]);
    assert!(proposal.unheard.is_empty() && host(&proposal, "10.0.0.9").called.is_empty());
}

#[test]
fn callers_that_the_documents_name_are_told_and_get_no_role() {
    let mut flows = calls("10.0.0.9", "10.0.0.1", &[7002, 135, 135], OPENED);
    flows.extend(calls("10.0.0.1", "10.0.0.5", &[1433], OPENED));
    let proposal = proposed(flows);
    let caller = host(&proposal, "10.0.0.9");
    assert!(caller.roles.is_empty());
    let told: Vec<(u16, u64, &[String])> =
        caller.called.iter().map(|called| (called.port.port, called.flows, &called.callers[..])).collect();
    assert_eq!(told, [(7002, 1, &["agent".to_owned()][..]), (135, 2, &[])]);
    assert_eq!(host(&proposal, "10.0.0.1").called[0].callers, ["server"]);
    // At a host of another role the port says nothing.
    let elsewhere = proposed(calls("10.0.0.9", "10.0.0.1", &[1434], OPENED));
    assert!(host(&elsewhere, "10.0.0.9").called[0].callers.is_empty());
}

#[test]
fn addresses_are_listed_once_and_their_reach_is_told() {
    let mut flows = calls("::ffff:10.0.0.9", "::ffff:10.0.0.1", &[7002], OPENED);
    flows.extend(calls("10.0.0.9", "10.0.0.1", &[3060], OPENED));
    flows.extend(calls("fe80::9", "fe80::1", &[7002], OPENED));
    flows.extend(calls("169.254.0.9", "127.0.0.1", &[80], OPENED));
    flows.extend(calls("fd00::9", "2001:db8::1", &[80], OPENED));
    flows.extend(calls("10.0.0.9", "192.0.2.1", &[80], OPENED));
    let proposal = proposed(flows);
    assert_eq!(roles(&proposal, "10.0.0.1"), ["server", "directory-server"]);
    let mut addresses: Vec<IpAddr> = proposal.hosts.iter().map(|host| host.address).collect();
    addresses.sort();
    let all = addresses.len();
    addresses.dedup();
    assert_eq!(addresses.len(), all);
    for (address, reach) in [
        ("10.0.0.1", Reach::Local),
        ("fd00::9", Reach::Local),
        ("fe80::1", Reach::LinkLocal),
        ("169.254.0.9", Reach::LinkLocal),
        ("127.0.0.1", Reach::Loopback),
        ("2001:db8::1", Reach::Public),
        ("192.0.2.1", Reach::Public),
    ] {
        assert_eq!(host(&proposal, address).reach, reach, "{address}");
    }
    let nets: Vec<String> = proposal.networks.iter().map(|(net, hosts)| format!("{net} {hosts}")).collect();
    assert_eq!(nets, ["10.0.0.0/24 2"], "neither link-local nor public networks, nor single hosts");
}

#[test]
fn public_addresses_that_talk_among_themselves_are_a_plant() {
    let mut flows = calls("141.81.0.10", "141.81.0.23", &[44_818], OPENED);
    flows.extend(calls("10.0.0.9", "141.81.0.99", &[80], OPENED));
    flows.extend(calls("10.0.0.9", "192.0.2.1", &[80], OPENED));
    flows.extend(calls("10.0.0.9", "192.0.2.2", &[80], OPENED));
    let proposal = proposed(flows);
    assert_eq!(host(&proposal, "141.81.0.10").reach, Reach::Local);
    assert_eq!(host(&proposal, "141.81.0.99").reach, Reach::Local);
    assert_eq!(host(&proposal, "192.0.2.1").reach, Reach::Public);
    assert_eq!(proposal.networks.len(), 1);
    assert_eq!(proposal.networks[0].1, 3);
}

#[test]
fn a_flood_of_hosts_is_bounded_and_roles_are_kept() {
    let mut flows = Vec::new();
    for n in 0..2_100_u16 {
        let client = format!("198.18.{}.{}", n / 200, n % 200 + 1);
        flows.push(tcp((&client, 50_000), ("10.9.0.1", 7002), OPENED, i64::from(n)));
    }
    flows.extend(calls("10.9.0.1", "223.255.255.1", &[1433], OPENED));
    let proposal = proposed(flows);
    assert_eq!((proposal.hosts.len(), proposal.left_out), (MOST_HOSTS, 102));
    assert_eq!(roles(&proposal, "10.9.0.1"), ["server"]);
    assert_eq!(roles(&proposal, "223.255.255.1"), ["sql-server"]);
    assert!(proposal.hosts[2..].windows(2).all(|pair| pair[0].address < pair[1].address));
}

#[test]
fn roles_come_from_the_documents_and_from_nowhere_else() {
    let own = r#"
[document]
id = "x"
title = "X"
publisher = "P"
publication = "1"
kind = "vendor"

[[role]]
id = "historian"
title = "Historian"
signature = ["5450/tcp"]

[[table]]
role = "historian"
citation = "Table 1"
rows = [ { service = "archive", tcp = 5450 } ]
"#;
    let flows = calls("10.0.0.9", "10.0.0.1", &[7002, 5450], OPENED);
    let facts = Facts { flows: flows.into(), ..Facts::default() };
    let proposal = propose(&facts, &Catalog::from_toml("x.toml", own).unwrap());
    assert_eq!(roles(&proposal, "10.0.0.1"), ["historian"]);
    let nothing = propose(&facts, &Catalog::empty());
    assert!(nothing.hosts.iter().all(|host| host.roles.is_empty() && host.close_calls.is_empty()));
    assert_eq!(nothing.hosts.len(), 2);
    assert_eq!(propose(&Facts::default(), &Catalog::empty()), Proposal::default());
}
