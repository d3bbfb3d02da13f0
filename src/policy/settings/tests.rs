//! What is refused, what is said, and what is left out.

use super::*;
use crate::catalog::{Catalog, Site};

const APP: &str = "{13486d44-4821-11d2-a494-3cb306c10000}";

fn wish(first: u16, last: u16, scope: Scope) -> Wish {
    Wish {
        range: PortRange::spanning(first, last),
        scope,
        systems: vec![System::Windows],
        hosts: Vec::new(),
        windows_before: System::Windows.default_range(),
        fixed: Vec::new(),
        endpoints: Vec::new(),
        insistence: Insistence::Careful,
    }
}

#[track_caller]
fn refused(wish: &Wish, part: &str) {
    let refusal = settle(wish.clone()).unwrap_err().to_string();
    assert!(refusal.contains(part), "{refusal}");
}

#[track_caller]
fn warned(settings: &Settings, part: &str) {
    assert!(settings.warnings.iter().any(|warning| warning.contains(part)), "{:?}", settings.warnings);
}

fn tcp(port: u16, source: &str) -> FixedPort {
    FixedPort::new(Transport::Tcp, port, source)
}

#[test]
fn ranges_that_netsh_refuses_are_refused() {
    refused(&wish(1_024, 2_000, Scope::Allocation), "begins below 1025");
    refused(&wish(50_000, 50_253, Scope::Allocation), "254 ports");
    assert_eq!(settle(wish(50_000, 50_254, Scope::Allocation)).unwrap().usable(), 255);
    let forced = Wish { insistence: Insistence::Forced, ..wish(1_000, 2_000, Scope::Rpc) };
    refused(&forced, "begins below 1025");
}

#[test]
fn too_few_ports_for_rpc_need_force() {
    let few = wish(20_000, 20_098, Scope::Rpc);
    refused(&few, "leaves 99 ports");
    warned(&settle(Wish { insistence: Insistence::Forced, ..few }).unwrap(), "leaves 99 ports");
    let quiet = settle(wish(20_000, 20_099, Scope::Rpc)).unwrap();
    assert_eq!((quiet.usable(), quiet.warnings.as_slice()), (100, [].as_slice()));
    // One static port, and it is too few again.
    refused(&Wish { fixed: vec![tcp(20_050, "x")], ..wish(20_000, 20_099, Scope::Rpc) }, "leaves 99 ports");
    let all =
        Wish { insistence: Insistence::Forced, fixed: vec![tcp(20_000, "x")], ..wish(20_000, 20_000, Scope::Rpc) };
    refused(&all, "leaves 0 ports");
}

#[test]
fn rpc_ranges_where_windows_serves_others_are_told() {
    warned(&settle(wish(50_000, 50_319, Scope::Rpc)).unwrap(), "overlaps 49152-65535");
    warned(&settle(wish(4_000, 4_199, Scope::Rpc)).unwrap(), "at or below 5000");
}

#[test]
fn services_of_the_system_keep_their_ports() {
    let overlapping = wish(5_900, 6_200, Scope::Rpc);
    refused(&overlapping, "5985 WinRM, 5986 WinRM over TLS");
    let forced = settle(Wish { insistence: Insistence::Forced, ..overlapping }).unwrap();
    let pool: Vec<String> = forced.pool.iter().map(ToString::to_string).collect();
    assert_eq!(pool, ["5900-5984", "5987-6200"]);
}

#[test]
fn static_ports_are_left_out_and_reserved_where_the_system_gives_out_ports() {
    let fixed = vec![
        FixedPort::new(Transport::Udp, 50_100, "udp"),
        tcp(54_968, "b"),
        tcp(50_100, "a"),
        tcp(54_967, "c"),
        tcp(7_002, "elsewhere"),
    ];
    let rpc = settle(Wish { fixed: fixed.clone(), ..wish(50_000, 50_319, Scope::Rpc) }).unwrap();
    assert_eq!(rpc.pool.iter().map(ToString::to_string).collect::<Vec<_>>(), ["50000-50099", "50101-50319"]);
    warned(&rpc, "2 static ports lie inside 50000-50319, 50100/tcp (a) among them");
    let named = |settings: &Settings, system| {
        let reservations = settings.reservations(system);
        reservations.iter().map(|r| format!("{}/{} {}", r.ports, r.transport, r.sources)).collect::<Vec<_>>()
    };
    // RPC leaves the dynamic range of Windows as it is: all static ports inside that are reserved.
    assert_eq!(named(&rpc, System::Windows), ["50100/tcp a", "54967-54968/tcp c, b", "50100/udp udp"]);
    let allocation = settle(Wish { fixed, ..wish(50_000, 50_319, Scope::Allocation) }).unwrap();
    assert_eq!(named(&allocation, System::Windows), ["50100/tcp a", "50100/udp udp"]);
    assert_eq!(allocation.usable(), 319);
}

#[test]
fn a_range_that_static_ports_fill_is_none() {
    let fixed = (50_000..50_319).map(|port| tcp(port, "wide")).collect();
    refused(&Wish { fixed, ..wish(50_000, 50_319, Scope::Allocation) }, "leave 1 ports");
    let every_second = (20_000..21_000).step_by(2).map(|port| tcp(port, "x")).collect();
    refused(&Wish { fixed: every_second, ..wish(20_000, 21_000, Scope::Rpc) }, "into 500 parts");
}

#[test]
fn endpoints_of_applications_collide_with_nobody() {
    let with = |endpoints: &[&str]| Wish {
        endpoints: endpoints.iter().map(|text| text.parse().unwrap()).collect(),
        fixed: vec![tcp(20_400, "somebody")],
        ..wish(20_000, 20_199, Scope::Rpc)
    };
    let (one, other) = (format!("{APP}=20300"), APP.replace("13486d44", "00000000"));
    let settings = settle(with(&[&one])).unwrap();
    assert_eq!(settings.endpoints[0].value(), "ncacn_ip_tcp,0,20300");
    assert_eq!(settings.endpoints[0].app.as_str(), APP.to_uppercase());
    refused(&with(&[&one, &format!("{APP}=20301")]), "given two ports");
    refused(&with(&[&one, &format!("{other}=20300")]), "given to two applications");
    refused(&with(&[&format!("{APP}=20400")]), "belongs to somebody");
    refused(&with(&[&format!("{APP}=1024")]), "below 1025");
    refused(&Wish { systems: vec![System::Linux], ..with(&[&one]) }, "setting of Windows");
    // Inside the range it is taken from RPC.
    let inside = settle(with(&[&format!("{APP}=20100")])).unwrap();
    assert_eq!(inside.usable(), 199);
    for wrong in
        ["", "x", "{}=1", &format!("{APP}="), &format!("{APP}=70000"), &format!("{APP}=0"), &format!("{{{APP}}}=9")]
    {
        assert!(wrong.parse::<AppEndpoint>().is_err(), "{wrong}");
    }
    assert!(format!("{}=20300", APP.replace('4', "g")).parse::<AppEndpoint>().is_err());
    assert!(format!("{}=20300", APP.replace('4', "é")).parse::<AppEndpoint>().is_err());
}

#[test]
fn the_kernel_likes_ends_of_different_parity() {
    let linux = |last| settle(Wish { systems: vec![System::Linux], ..wish(50_000, last, Scope::Allocation) }).unwrap();
    warned(&linux(50_320), "both even or both odd");
    assert!(!linux(50_319).warnings.iter().any(|warning| warning.contains("both even")));
}

#[test]
fn sources_are_plain_and_short() {
    let source = |text: &str| FixedPort::new(Transport::Tcp, 1, text).source;
    assert_eq!(source("FTActivationBoost.exe - Table 8"), "FTActivationBoost.exe - Table 8");
    assert_eq!(source("a\r\ndel & <b>\"%PATH%\""), "a_del _ _b_PATH_");
    assert_eq!(source(&"é".repeat(200)), "_");
    assert_eq!(source(&"ab".repeat(200)).len(), 80);
}

#[test]
fn documents_name_static_ports_by_the_roles_of_the_hosts() {
    let text = "[document]\nid = \"d\"\ntitle = \"D\"\npublisher = \"P\"\npublication = \"1\"\nkind = \"vendor\"\n\
        [[role]]\nid = \"server\"\ntitle = \"S\"\n[[role]]\nid = \"agent\"\ntitle = \"A\"\n\
        [[table]]\nrole = \"server\"\ncitation = \"T\"\nrows = [{ service = \"s\", tcp = 50001 }]\n\
        [[table]]\nrole = \"agent\"\ncitation = \"U\"\nrows = [{ service = \"a\", tcp = 50002, udp = 60000 }]\n";
    let catalog = Catalog::from_toml("d.toml", text).unwrap();
    let site = "[site]\nname = \"x\"\n[[host]]\naddress = \"10.0.0.5\"\nroles = [\"server\"]\n";
    let site = Site::from_toml("site.toml", site, &catalog).unwrap();
    let named = |site: Option<&Site>, hosts: &[&str]| {
        let hosts: Vec<IpAddr> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let ports = documented_ports(&catalog, site, &hosts, &[PortRange::spanning(50_000, 50_319); 2]);
        ports.iter().map(|port| format!("{} {}", port.at, port.source)).collect::<Vec<_>>()
    };
    let (server, agent) = ("50001/tcp s - d T", "50002/tcp a - d U");
    assert_eq!(named(None, &["10.0.0.5"]), [server, agent]);
    assert_eq!(named(Some(&site), &["10.0.0.5"]), [server]);
    assert_eq!(named(Some(&site), &[]), [server, agent]);
    // A host that the site does not know may be anything.
    assert_eq!(named(Some(&site), &["10.0.0.5", "10.0.0.9"]), [server, agent]);
}
