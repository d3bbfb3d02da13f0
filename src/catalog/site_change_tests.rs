//! Ports that the site changed and daemons that it pinned: what the catalogue says then, and what it does not say any more.

use super::*;
use crate::model::{Endpoint, Transport};
use std::net::IpAddr;

fn builtin() -> Catalog {
    Catalog::builtin().unwrap()
}

fn site(text: &str) -> Site {
    Site::from_toml("site.toml", text, &builtin()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn effective(text: &str) -> Catalog {
    builtin().for_site(&site(text))
}

fn error(text: &str) -> String {
    Site::from_toml("site.toml", text, &builtin()).unwrap_err().to_string()
}

fn endpoint(ip: &str, port: u16) -> Endpoint {
    Endpoint { ip: ip.parse().unwrap(), port }
}

/// Services that cover an endpoint at a host with these roles, each once, general knowledge left out.
fn says(catalog: &Catalog, transport: Transport, at: Endpoint, roles: &[&str]) -> Vec<String> {
    let found = catalog.statements_of(transport, at, roles).filter(|m| m.document.kind != DocumentKind::General);
    let mut services: Vec<String> = found.map(|m| m.statement.service.clone()).collect();
    services.sort();
    services.dedup();
    services
}

fn tcp(catalog: &Catalog, port: u16, role: &str) -> Vec<String> {
    says(catalog, Transport::Tcp, endpoint("10.0.0.1", port), &[role])
}

const MOVED: &str = r#"
[[override]]
role = "assetcentre-server"
executable = "ra.ftac.server"
was = "7002/tcp"
port = 17002
reason = "7002 is taken by the backup agent"
"#;

#[test]
fn an_override_moves_the_port_and_leaves_the_citation() {
    let catalog = effective(MOVED);
    // Table 6 prints the same service under another name: the table of services joins the two.
    assert_eq!(tcp(&builtin(), 7002, "server"), ["FTACServer", "RA.FTAC.Server.exe"]);
    assert_eq!(tcp(&catalog, 17_002, "server"), ["FTACServer", "RA.FTAC.Server.exe"]);
    assert!(tcp(&catalog, 7002, "server").is_empty(), "the old port is documented no more");
    assert!(tcp(&catalog, 17_002, "agent").is_empty());
    assert_eq!(tcp(&catalog, 7002, "agent"), ["RA.FTAC.Server.exe"], "the agent's own statement stands");
    let found = catalog.statements_at(Transport::Tcp, 17_002, &["server"]).next().unwrap();
    let word = "site file line 2 changed 7002 to 17002: 7002 is taken by the backup agent";
    assert_eq!(found.site.map(|site| (site.line, site.text.as_str())), Some((2, word)));
    assert!(found.statement.note.as_deref().unwrap().ends_with(&format!("At this site: {word}.")));
    assert_eq!((found.document.id.as_str(), found.statement.citation.as_str()), ("factorytalk-assetcentre", "Table 8"));
    assert_eq!(found.statement.callers, ["agent"]);
    assert_eq!(
        catalog.withdrawn(Transport::Tcp, endpoint("10.0.0.1", 7002), &["server"]),
        Some(format!("factorytalk-assetcentre: Table 8 has 7002/tcp for RA.FTAC.Server.exe at server, but {word}"))
    );
    assert_eq!(catalog.withdrawn(Transport::Tcp, endpoint("10.0.0.1", 7002), &["client"]), None);
    assert_eq!(catalog.withdrawn(Transport::Udp, endpoint("10.0.0.1", 7002), &["server"]), None);
    assert!(site(MOVED).warnings().is_empty(), "{:?}", site(MOVED).warnings());
}

#[test]
fn everything_else_stays_as_the_documents_have_it() {
    let (plain, catalog) = (builtin(), effective(MOVED));
    let documented = |catalog: &Catalog, transport, port| {
        catalog.statements(transport, port).map(|m| (m.document.id.clone(), m.statement.clone())).collect::<Vec<_>>()
    };
    for transport in [Transport::Tcp, Transport::Udp] {
        for port in (0..=u16::MAX).filter(|port| ![7002, 17_002].contains(port) || transport == Transport::Udp) {
            assert_eq!(
                documented(&plain, transport, port),
                documented(&catalog, transport, port),
                "{port}/{transport}"
            );
        }
    }
    // Without overrides and pins nothing is rebuilt.
    assert_eq!(builtin().for_site(&Site::default()).documents(), plain.documents());
}

#[test]
fn signatures_and_scenarios_follow_the_port() {
    let catalog = effective(MOVED);
    assert_eq!(catalog.role("server").unwrap().signature, [PortRef { transport: Transport::Tcp, port: 17_002 }]);
    assert_eq!(catalog.role("agent").unwrap().signature, [PortRef { transport: Transport::Tcp, port: 7004 }]);
    let ports = |catalog: &Catalog, citation: &str, number: u16| -> Vec<Option<u16>> {
        let (_, scenario) = catalog.scenarios().find(|(_, s)| s.citation == citation).unwrap();
        let step = scenario.steps.iter().find(|s| s.number == number).unwrap();
        step.ports.iter().map(|port| port.spec.fixed()).collect()
    };
    assert_eq!(ports(&builtin(), "Table 4", 5), [Some(7002)]);
    assert_eq!(ports(&catalog, "Table 4", 5), [Some(17_002)]);
    assert_eq!(ports(&catalog, "Table 4", 8), [Some(7004)]);
    // The steps of 443 name another executable, and Chapter 5 keeps 443 at the server: they stay until both have moved.
    let proxy = "[[override]]\nrole = \"server\"\nservice = \"forward proxy server/https enabled\"\nwas = \"443/tcp\"\n\
                 port = 8443\nreason = \"r\"\n";
    assert_eq!(ports(&effective(proxy), "Table 3", 3), [Some(443), Some(80)]);
    let mut all = proxy.to_owned();
    let others = ["HTTPS for the web client", "HTTPS to the server", "Socket.IO"];
    others.iter().for_each(|name| all.push_str(&proxy.replace("forward proxy server/https enabled", name)));
    assert_eq!(ports(&effective(&all), "Table 3", 3), [Some(8443), Some(80)]);
    assert!(
        site(&all).warnings().iter().all(|warning| !warning.contains("stays documented")),
        "{:?}",
        site(&all).warnings()
    );
    // Steps towards the directory server, which nobody changed.
    assert_eq!(ports(&effective(&all), "Table 1", 4), [Some(443), Some(80), None, None]);
}

#[test]
fn a_custom_port_of_the_proxy_row_works_with_warnings() {
    let text = "[[override]]\nrole = \"server\"\nservice = \"Forward Proxy Server / HTTPS Enabled\"\nwas = \"443/tcp\"\n\
                port = 8443\nreason = \"customs\"\n";
    let site = site(text);
    let [unmarked, others] = site.warnings() else { panic!("{:?}", site.warnings()) };
    assert_eq!(
        unmarked,
        "site.toml:4:7: Table 8 of factorytalk-assetcentre does not mark 443/tcp of Forward Proxy Server / HTTPS Enabled \
         as a port that the user may change; it is used; check that the product allows it"
    );
    assert!(others.starts_with("site.toml:4:7: 443/tcp stays documented at server: "), "{others}");
    assert!(others.contains("HTTPS for the web client (Chapter 5, "), "{others}");
    assert!(others.ends_with("; change these too if they moved with it"), "{others}");
    let catalog = builtin().for_site(&site);
    assert_eq!(tcp(&catalog, 8443, "server"), ["Forward Proxy Server / HTTPS Enabled"]);
    assert!(!tcp(&catalog, 443, "server").contains(&"Forward Proxy Server / HTTPS Enabled".to_owned()));
    assert!(!tcp(&catalog, 443, "pcdc").is_empty(), "the proxy is not the download centre");
}

#[test]
fn one_transport_or_role_of_a_statement_moves_alone() {
    let one = "[[override]]\nrole = \"agent\"\nexecutable = \"CodeMeter.exe\"\nwas = \"22350/tcp\"\nport = 22360\nreason = \"r\"\n";
    let catalog = effective(one);
    let at = |transport, port, role| says(&catalog, transport, endpoint("10.0.0.1", port), &[role]).len();
    assert!(at(Transport::Tcp, 22_360, "agent") > 0 && at(Transport::Udp, 22_350, "agent") > 0);
    assert_eq!((at(Transport::Tcp, 22_350, "agent"), at(Transport::Udp, 22_360, "agent")), (0, 0));
    assert_eq!(tcp(&catalog, 22_350, "server"), tcp(&builtin(), 22_350, "server"));
    assert!(tcp(&catalog, 22_360, "server").is_empty());
    // A statement about two roles, of which one moved, in both transports by two entries.
    let shared = "[document]\nid = \"x\"\ntitle = \"X\"\npublisher = \"P\"\npublication = \"1\"\nkind = \"vendor\"\n\
                  [[role]]\nid = \"a\"\ntitle = \"A\"\n[[role]]\nid = \"b\"\ntitle = \"B\"\n\
                  [[table]]\nrole = \"a\"\nlistens_at = [\"a\", \"b\"]\ncitation = \"T\"\n\
                  rows = [{ executable = \"s.exe\", tcp = 9000, udp = 9000, fallback_ports = [9001], user_modifiable = true }]\n";
    let catalog = Catalog::from_toml("x.toml", shared).unwrap();
    let text = |transport: &str, port: u16| {
        format!(
            "[[override]]\nrole = \"b\"\nexecutable = \"S.EXE\"\nwas = \"9000/{transport}\"\nport = {port}\nreason = \"r\"\n"
        )
    };
    let both = format!("{}{}", text("tcp", 9100), text("udp", 9200));
    let site = Site::from_toml("s", &both, &catalog).unwrap();
    assert!(site.warnings().is_empty(), "{:?}", site.warnings());
    let moved = catalog.for_site(&site);
    let ports: Vec<_> =
        moved.documents()[0].ports.iter().map(|p| (p.ports.first(), p.transports.len(), p.roles.clone())).collect();
    let (a, b) = (vec!["a".to_owned()], vec!["b".to_owned()]);
    assert_eq!(ports, [(9000, 2, a), (9200, 1, b.clone()), (9100, 1, b)]);
    // The fallback list stays with every part.
    assert_eq!(moved.statements_at(Transport::Tcp, 9001, &["b"]).next().map(|m| m.via), Some(Via::Fallback));
    assert_eq!(moved.statements_at(Transport::Tcp, 9000, &["b"]).count(), 0);
}

#[test]
fn fallbacks_stay_where_their_first_port_moved() {
    let text = "[[override]]\nrole = \"server\"\nexecutable = \"FTActivationBoost.exe\"\nwas = \"54967/tcp\"\nport = 54977\nreason = \"r\"\n";
    let catalog = effective(text);
    let via = |port| catalog.statements_at(Transport::Tcp, port, &["server"]).map(|m| m.via).collect::<Vec<_>>();
    assert_eq!(via(54_977), [Via::Listed], "once, although it is a fallback as well");
    assert_eq!(via(54_987), [Via::Fallback]);
    assert!(via(54_967).is_empty());
}

#[test]
fn ports_may_change_places_and_ranges_may_shrink() {
    let swap = |executable: &str, was: u16, port: u16| {
        format!(
            "[[override]]\nrole = \"server\"\nexecutable = \"{executable}\"\nwas = \"{was}/tcp\"\nport = {port}\nreason = \"r\"\n"
        )
    };
    let text =
        format!("{}{}", swap("RA.FTAC.Server.exe", 7002, 7004), swap("RA.FTAC.AgentControllerService.exe", 7004, 7002));
    let catalog = effective(&text);
    assert_eq!(tcp(&catalog, 7002, "server"), ["RA.FTAC.Agent Controller Service.exe"]);
    assert_eq!(tcp(&catalog, 7004, "server"), ["FTACServer", "RA.FTAC.Server.exe"]);
    let range = "[[override]]\nrole = \"server\"\nexecutable = \"lmgrd.exe\"\nwas = \"27000 - 27009/tcp\"\nport = \"28000-28004\"\nreason = \"r\"\n";
    let catalog = effective(range);
    assert!(tcp(&catalog, 27_004, "server").is_empty());
    assert_eq!(tcp(&catalog, 28_004, "server"), ["Activation Service", "lmgrd.exe"]);
    assert!(tcp(&catalog, 28_005, "server").is_empty());
}

#[test]
fn an_override_that_names_nothing_is_refused() {
    let replaced = |from: &str, to: &str| error(&MOVED.replace(from, to));
    for (found, part) in [
        (
            replaced("ra.ftac.server", "RA.FTAC.Sever.exe"),
            "site.toml:4:14: no document states a port of \"RA.FTAC.Sever.exe\"; did you mean \"RA.FTAC.Server.exe\"?",
        ),
        (replaced("ra.ftac.server", "zzzzzz"), "server 7002/tcp is stated for: RA.FTAC.Server.exe"),
        (
            replaced("ra.ftac.server", "RA.FTAC.Client.exe"),
            "site.toml:3:8: RA.FTAC.Client.exe has no port at server; it listens at: client",
        ),
        (
            replaced("\"7002/tcp\"", "\"7003/tcp\""),
            "site.toml:5:7: ra.ftac.server does not have 7003/tcp at server; the documents print: 7002/tcp",
        ),
        (replaced("7002/tcp", "7002/udp"), "does not have 7002/udp at server"),
        (
            replaced("7002/tcp", "7002"),
            "site.toml:5:7: \"7002\" is not a port with its transport; write it as \"7002/tcp\"",
        ),
        (replaced("7002/tcp", "0/tcp"), "\"0/tcp\" is not a port"),
        (replaced("assetcentre-server", "sever"), "site.toml:3:8: unknown role \"sever\"; did you mean \"server\"?"),
        (replaced("17002", "7002"), "site.toml:6:8: 7002 is what it was"),
        (replaced("17002", "\"17002-17003\""), "6:8: 17002-17003 has more ports than 7002"),
        (replaced("17002", "70000"), "6:8: 70000 is not a port"),
        (replaced("7002 is taken by the backup agent", " "), "7:10: the reason is empty"),
        (
            replaced("executable = \"ra.ftac.server\"\n", ""),
            "2:1: the override has not exactly one of `executable` and",
        ),
        (replaced("was =", "service = \"x\"\nwas ="), "2:1: the override has not exactly one of"),
        (
            error(&format!("{MOVED}{}", MOVED.replace("17002", "17003").replace("executable", "service"))),
            "9:1: 7002/tcp of ra.ftac.server at server is changed already, in line 2",
        ),
    ] {
        assert!(found.contains(part), "{found}\nshould hold {part}");
    }
    let many = MOVED.repeat(1_001);
    assert!(error(&many).contains("there are more than 1000 entries of this kind"));
}

const IBMRATL: &str = "ibmratl (vendor daemon)";

const PINNED: &str = r#"
[[host]]
address = "10.0.6.1"
roles = ["licence-server"]

[[pin]]
daemon = "IBMRATL"
port = 27001
source = "rational_server_perm.dat, line 2"
reason = "the firewall opens one port"
"#;

#[test]
fn a_pinned_daemon_has_its_port_and_no_other() {
    let catalog = effective(PINNED);
    let at = |port| tcp(&catalog, port, "licence-server");
    assert_eq!(tcp(&builtin(), 27_005, "licence-server"), [IBMRATL]);
    assert_eq!(at(27_001), [IBMRATL]);
    for port in (27_003..=27_009).chain([643]) {
        assert!(at(port).is_empty(), "{port}: what answers there is not the daemon as it was set up");
    }
    assert_eq!(at(27_000), ["lmgrd (License server manager)"], "another daemon");
    assert_eq!(at(27_002), ["rational (vendor daemon)"], "another daemon");
    let found =
        catalog.statements_of(Transport::Tcp, endpoint("10.0.0.1", 27_001), &["licence-server"]).next().unwrap();
    let word = "site file line 6 pins IBMRATL to 27001 (rational_server_perm.dat, line 2): the firewall opens one port";
    assert_eq!(found.site.map(|site| (site.line, site.text.as_str())), Some((6, word)));
    assert_eq!(
        (found.statement.citation.as_str(), found.places()),
        ("Resolving the problem", vec!["licence-server".to_owned()])
    );
    assert_eq!(
        catalog.withdrawn(Transport::Tcp, endpoint("10.0.0.1", 27_005), &["licence-server"]),
        Some(format!(
            "license-key-server: Resolving the problem gives ibmratl (vendor daemon) 27001-27009/tcp, but {word}"
        ))
    );
    assert!(site(PINNED).warnings().is_empty());
    // Rockwell's lmgrd.exe has the same ports at other roles, and is not IBM's daemon.
    assert_eq!(tcp(&catalog, 27_005, "server"), tcp(&builtin(), 27_005, "server"));
    assert!(tcp(&catalog, 27_005, "server").contains(&"lmgrd.exe".to_owned()));
}

#[test]
fn a_pin_at_an_address_or_network_holds_there_only() {
    for (at, inside, outside) in [
        ("10.0.6.1", ["10.0.6.1", "10.0.6.1"], ["10.0.6.2", "10.0.7.1"]),
        ("10.0.6.0/24", ["10.0.6.1", "10.0.6.200"], ["10.0.7.1", "10.0.5.255"]),
    ] {
        let catalog = effective(&PINNED.replace("port = 27001", &format!("at = \"{at}\"\nport = 643")));
        let says = |ip: &str, port: u16, roles: &[&str]| says(&catalog, Transport::Tcp, endpoint(ip, port), roles);
        for ip in inside {
            assert_eq!(says(ip, 643, &["licence-server"]), [IBMRATL]);
            assert_eq!(says(ip, 643, &[]), [IBMRATL], "whatever its roles");
            assert!(says(ip, 27_001, &["licence-server"]).is_empty());
            assert!(says(ip, 27_005, &["licence-server"]).is_empty());
            assert!(catalog.is_stated(Transport::Tcp, endpoint(ip, 643)));
        }
        for ip in outside {
            assert!(says(ip, 643, &["licence-server"]).is_empty());
            assert_eq!(says(ip, 27_001, &["licence-server"]), [IBMRATL]);
            assert_eq!(says(ip, 27_005, &["licence-server"]), [IBMRATL]);
            assert!(!catalog.is_stated(Transport::Tcp, endpoint(ip, 643)));
            assert_eq!(catalog.withdrawn(Transport::Tcp, endpoint(ip, 27_005), &["licence-server"]), None);
        }
        let found = catalog.statements(Transport::Tcp, 643).find(|m| m.site.is_some()).unwrap();
        assert_eq!(found.places(), [at]);
    }
}

#[test]
fn the_most_specific_pin_counts() {
    let pin =
        |at: &str, port: u16| format!("[[pin]]\ndaemon = \"ibmratl\"\nat = \"{at}\"\nport = {port}\nsource = \"s\"\n");
    let text =
        [pin("licence-server", 30_001), pin("10.0.0.0/8", 30_002), pin("10.0.6.0/24", 30_003), pin("10.0.6.1", 30_004)];
    let catalog = effective(&text.concat());
    let ports = |ip: &str| -> Vec<u16> {
        let pinned = (30_001..=30_004).chain(27_001..=27_009);
        let found = |port: &u16| {
            let mut found = catalog.statements_of(Transport::Tcp, endpoint(ip, *port), &["licence-server"]);
            found.any(|m| m.statement.service.starts_with("ibmratl"))
        };
        pinned.filter(found).collect()
    };
    assert_eq!(ports("192.0.2.1"), [30_001]);
    assert_eq!(ports("10.9.9.9"), [30_002]);
    assert_eq!(ports("10.0.6.9"), [30_003]);
    assert_eq!(ports("10.0.6.1"), [30_004]);
    let why = |ip: &str, port| catalog.withdrawn(Transport::Tcp, endpoint(ip, port), &["licence-server"]);
    assert_eq!(
        why("10.0.6.1", 30_001).as_deref(),
        Some("site file line 1 pins ibmratl to 30001 (s), but site file line 16 pins ibmratl to 30004 (s)")
    );
    assert_eq!(why("192.0.2.1", 30_004), None);
    // Two instances on one host are two pins of the same place.
    let two = effective(&format!("{}{}", pin("10.0.6.1", 30_001), pin("10.0.6.1", 30_002)));
    for port in [30_001, 30_002] {
        assert_eq!(says(&two, Transport::Tcp, endpoint("10.0.6.1", port), &["licence-server"]), [IBMRATL]);
    }
}

#[test]
fn a_pin_in_another_transport_leaves_the_range() {
    let catalog = effective(&PINNED.replace("port =", "transport = \"udp\"\nport ="));
    assert_eq!(tcp(&catalog, 27_005, "licence-server"), [IBMRATL]);
    let udp = catalog.statements_of(Transport::Udp, endpoint("10.0.0.1", 27_001), &["licence-server"]);
    let kinds: Vec<DocumentKind> = udp.map(|m| m.document.kind).collect();
    assert_eq!(kinds, [DocumentKind::Site], "no document gives the daemon a UDP port");
}

#[test]
fn daemons_of_a_dynamic_range_and_unknown_ones_can_be_pinned() {
    let text =
        PINNED.replace("IBMRATL", "flexsvr").replace("port =", "at = \"server\"\nport =").replace("27001", "50123");
    let catalog = effective(&text);
    assert_eq!(tcp(&catalog, 50_123, "server"), ["flexsvr"]);
    let found = catalog.statements_at(Transport::Tcp, 50_123, &["server"]).next().unwrap();
    assert_eq!(found.document.id, "factorytalk-assetcentre");
    assert!(found.statement.citation.contains("AssetCentre server"), "{}", found.statement.citation);
    assert!(tcp(&catalog, 50_123, "agent").is_empty());
    assert!(site(&text).warnings().is_empty(), "{:?}", site(&text).warnings());
    let own = PINNED.replace("IBMRATL", "ibmratel");
    assert_eq!(
        site(&own).warnings(),
        ["site.toml:7:10: no document mentions the daemon \"ibmratel\"; did you mean \"ibmratl\"?"]
    );
    let found = effective(&own);
    let found =
        found.statements_at(Transport::Tcp, 27_001, &["licence-server"]).find(|m| m.statement.service == "ibmratel");
    assert_eq!(found.map(|m| m.document.kind), Some(DocumentKind::Site));
    assert_eq!(
        site(&PINNED.replace("IBMRATL", "adskflex")).warnings(),
        ["site.toml:7:10: no document mentions the daemon \"adskflex\"; its port is documented by the site file alone"]
    );
}

#[test]
fn mistakes_in_pins_are_answered() {
    let replaced = |from: &str, to: &str| error(&PINNED.replace(from, to));
    let twice = format!("{PINNED}[[pin]]\ndaemon = \"ibmratl.exe\"\nport = 27001\nsource = \"s\"\n");
    for (found, part) in [
        (
            replaced("port = 27001", "port = \"27001-27009\""),
            "site.toml:8:8: 27001-27009 is a range; write the one port",
        ),
        (replaced("port = 27001", "port = 0"), "8:8: 0 is not a port"),
        (replaced("port = 27001", "at = \"any\"\nport = 1"), "8:6: a daemon is not pinned at every host"),
        (replaced("port = 27001", "at = \"licence-sever\"\nport = 1"), "did you mean \"licence-server\"?"),
        (replaced("port = 27001", "at = \"10.0.0\"\nport = 1"), "8:6: \"10.0.0\" is not an address"),
        (replaced("port = 27001", "transport = \"sctp\"\nport = 1"), "8:13: \"sctp\" is not a transport"),
        (replaced("IBMRATL", " "), "7:10: the daemon is empty"),
        (replaced("rational_server_perm.dat, line 2", ""), "9:10: the source is empty"),
        (replaced("source = \"rational_server_perm.dat, line 2\"\n", ""), "missing field `source`"),
        (error(&twice), "12:10: ibmratl.exe is pinned to 27001 at licence-server already, in line 6"),
    ] {
        assert!(found.contains(part), "{found}\nshould hold {part}");
    }
    let shared = format!("{PINNED}[[pin]]\ndaemon = \"rational\"\nport = 27001\nsource = \"s\"\n");
    assert_eq!(
        site(&shared).warnings(),
        [
            "site.toml:12:10: rational and ibmratl (line 6) are both pinned to 27001/tcp at licence-server; two daemons of one \
          host cannot share a port: check the licence files"
        ]
    );
    // Without a document that has the role, the default place is none.
    let alone = Site::from_toml("s", "[[pin]]\ndaemon = \"d\"\nport = 1\nsource = \"s\"\n", &Catalog::empty());
    assert!(alone.unwrap_err().to_string().contains("unknown role \"licence-server\""));
}

#[test]
fn who_means_whom() {
    let ip: IpAddr = "10.0.0.1".parse().unwrap();
    assert!(Who::Any.is::<&str>(ip, &[]));
    assert!(Who::Role("a".into()).is(ip, &["b", "a"]));
    assert!(!Who::Role("a".into()).is(ip, &["b"]));
    assert!(Who::Target(Target::Network("10.0.0.0/8".parse().unwrap())).is::<&str>(ip, &[]));
    assert!(!Who::Target(Target::Address("10.0.0.2".parse().unwrap())).is::<&str>(ip, &[]));
}
