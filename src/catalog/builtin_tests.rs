//! The built-in documents against numbers read from the publications, and against each other.

use super::announced;
use super::*;
use crate::model::Transport::{self, Tcp, Udp};
use std::collections::BTreeSet;

fn catalog() -> Catalog {
    Catalog::builtin().unwrap()
}

fn vendors(catalog: &Catalog) -> impl Iterator<Item = &Document> {
    catalog.documents().iter().filter(|document| document.kind == DocumentKind::Vendor)
}

/// What a table prints: port, transport.
fn table(citation: &str) -> BTreeSet<(u16, Transport)> {
    let catalog = catalog();
    let document = catalog.document("factorytalk-assetcentre").unwrap();
    let mut printed = BTreeSet::new();
    for statement in document.ports.iter().filter(|statement| statement.citation == citation) {
        for &transport in &statement.transports {
            printed.extend(
                statement.ports.as_inclusive().chain(statement.fallback_ports.iter().copied()).map(|p| (p, transport)),
            );
        }
    }
    printed
}

fn tcp(ports: &[u16]) -> impl Iterator<Item = (u16, Transport)> + '_ {
    ports.iter().map(|&port| (port, Tcp))
}

const FALLBACKS: [u16; 8] = [54977, 54987, 55967, 55977, 55987, 61967, 61977, 61987];

/// Common to Tables 8, 10 and 12, transcribed apart from the document.
fn common() -> BTreeSet<(u16, Transport)> {
    let mut ports: BTreeSet<_> =
        tcp(&[22350, 7700, 54967, 7147, 3060, 7710, 2222, 44818, 4241, 7153, 4245, 4255, 5241]).collect();
    ports.extend(tcp(&FALLBACKS));
    ports.extend((27000..=27009).map(|port| (port, Tcp)));
    ports.extend([(22350, Udp), (44818, Udp), (6904, Udp)]);
    ports
}

/// Common to Tables 8 and 10 only.
fn server_and_agent() -> BTreeSet<(u16, Transport)> {
    let mut ports = common();
    ports.extend(tcp(&[
        22352, 403, 21027, 7150, 7159, 5698, 5798, 5799, 7110, 7113, 7111, 4244, 7002, 7004, 1332, 6543, 9111,
    ]));
    ports.insert((21061, Udp));
    ports
}

fn studio_5000() -> impl Iterator<Item = (u16, Transport)> {
    (27050..=27056).chain([27027, 27100]).map(|port| (port, Tcp))
}

#[test]
fn table_8_is_complete_and_holds_nothing_else() {
    let mut expected = server_and_agent();
    expected.extend(tcp(&[80, 443]));
    assert_eq!(table("Table 8"), expected);
}

#[test]
fn table_10_is_complete_and_holds_nothing_else() {
    let mut expected = server_and_agent();
    expected.extend(studio_5000());
    assert_eq!(table("Table 10"), expected);
}

#[test]
fn table_12_is_complete_and_holds_nothing_else() {
    let mut expected = common();
    expected.extend(studio_5000());
    expected.insert((21061, Tcp));
    assert_eq!(table("Table 12"), expected);
}

#[test]
fn port_rows_match_an_independent_count() {
    // One row per transport and port or range, fallbacks counted, as the documents print them.
    let catalog = catalog();
    let rows: Vec<_> = vendors(&catalog).flat_map(port_rows).collect();
    let of_role = |role: &str| rows.iter().filter(|row| row.role == role).count();
    let roles = ["server", "agent", "client", "any", "licence-server"];
    assert_eq!(roles.map(of_role), [58, 58, 41, 30, 12]);
    assert_eq!(rows.len(), 199);
    let of_source = |source: &str| rows.iter().filter(|row| row.source == source).count();
    assert_eq!(["Table 8", "Table 10", "Table 12"].map(of_source), [45, 46, 29]);
    assert_eq!(["Table 9", "Table 11", "Table 13"].map(of_source), [4, 4, 3]);
    assert_eq!(["Table 6", "Table 7"].map(of_source), [3, 20]);
    assert_eq!(["Chapter 4, Socket.IO", "Chapter 4, DCOM"].map(of_source), [2, 5]);
}

#[test]
fn services_processes_steps_and_socket_io_match_an_independent_count() {
    let catalog = catalog();
    let document = catalog.document("factorytalk-assetcentre").unwrap();
    let services = |source: &str| document.services.iter().filter(|row| row.citation == source).count();
    assert_eq!(["Table 9", "Table 11", "Table 13"].map(services), [41, 40, 35]);
    assert_eq!(["Table 6", "Table 7"].map(services), [5, 11]);
    let processes = dynamic_rows(document);
    let of_role = |role: &str| {
        let rows: Vec<_> = processes.iter().filter(|row| row.role == role).collect();
        (rows.len(), rows[0].observed_ports)
    };
    assert_eq!(["server", "agent", "client"].map(of_role), [(20, Some(51)), (22, Some(68)), (22, Some(68))]);
    assert_eq!(processes.len(), 64);
    assert_eq!(step_rows(document).len(), 54);
    let socket_io: usize = document.communications.iter().map(|entry| entry.executables.len()).sum();
    assert_eq!((document.communications.len(), socket_io), (3, 15));
}

#[test]
fn rows_say_what_is_printed_and_what_is_special() {
    let catalog = catalog();
    let rows: Vec<_> = vendors(&catalog).flat_map(port_rows).collect();
    let row = |role: &str, source: &str, protocol, port| {
        let found: Vec<_> = rows
            .iter()
            .filter(|r| (r.role, r.source, r.protocol, r.port_start) == (role, source, protocol, port))
            .collect();
        assert_eq!(found.len(), 1, "{role}, {source}, {port}/{protocol}");
        found[0]
    };
    assert_eq!(row("server", "Table 8", Tcp, 22352).statement, "CmWebAdmin.exe 22352 TCP");
    assert_eq!(row("server", "Table 8", Udp, 22350).statement, "CodeMeter.exe 22350* TCP/UDP");
    assert_eq!(row("server", "Table 8", Tcp, 4241).statement, "RSLinxNG.exe 4241 and 7153 TCP");
    assert_eq!(row("any", "Table 7", Tcp, 60093).statement, "RsvcHost TCP: ports 4255, 5241, and 60093");
    assert_eq!(
        row("any", "Table 6", Tcp, 7004).statement,
        "FTACAgentController Service TCP: port 7004 (Server to Agent)"
    );
    let fallback = row("agent", "Table 10", Tcp, 61987);
    assert_eq!((fallback.fallback_of, fallback.fallback_order), (Some(54967), Some(8)));
    assert_eq!(fallback.flags, ["fallback"]);
    let modifiable = row("server", "Table 8", Tcp, 7004);
    assert_eq!(modifiable.executable_canonical, Some("RA.FTAC.AgentController Service.exe"));
    assert_eq!(modifiable.flags, ["user_modifiable"]);
    let smtp = "Chapter 5, FactoryTalk AssetCentre server: general ports and protocols";
    assert_eq!(row("server", smtp, Tcp, 25).flags, ["protocol_not_stated", "connects_out", "conditional"]);
    assert_eq!(row("client", "Table 12", Tcp, 27100).flags, ["required_for"]);
    let described = |flag: &&str| FLAGS.iter().any(|(name, _)| name == flag);
    assert!(rows.iter().flat_map(|row| &row.flags).all(described));
    assert!(rows.iter().all(|row| !row.flags.contains(&"reading")));
    let readings: Vec<_> = vendors(&catalog).flat_map(reading_rows).collect();
    assert!(!readings.is_empty() && readings.iter().all(|row| row.flags.contains(&"reading")));
}

#[test]
fn every_contradiction_is_told_by_at_least_two_statements() {
    let catalog = catalog();
    for document in vendors(&catalog) {
        for conflict in &document.conflicts {
            let ports = document.ports.iter().map(|s| &s.conflicts);
            let ranges = document.dynamic_ranges.iter().map(|s| &s.conflicts);
            let services = document.services.iter().map(|s| &s.conflicts);
            let steps = document.scenarios.iter().flat_map(|s| &s.steps).map(|s| &s.conflicts);
            let facts = document.facts.iter().map(|s| &s.conflicts);
            let members = ports.chain(ranges).chain(services).chain(steps).chain(facts);
            let count = members.filter(|ids| ids.contains(&conflict.id)).count();
            assert!(count >= 2, "{}: {count}", conflict.id);
        }
    }
}

#[test]
fn every_announced_interface_has_one_well_formed_name() {
    let catalog = catalog();
    let document = catalog.document("rpc-interfaces").unwrap();
    assert_eq!((document.ports.len(), document.dynamic_ranges.len(), document.roles.len()), (0, 0, 0));
    let of = |kind| document.announced.iter().filter(move |entry| entry.kind == kind);
    let uuids: BTreeSet<&str> = of(SubjectKind::RpcInterface).map(|entry| entry.subject.as_str()).collect();
    assert_eq!((uuids.len(), of(SubjectKind::RpcInterface).count()), (209, 209));
    assert!(uuids.iter().all(|uuid| announced::is_uuid(uuid)));
    assert_eq!(of(SubjectKind::OncRpcProgram).count(), 21);
    assert_eq!(document.announced.len(), 209 + 21);
    for entry in &document.announced {
        assert!(entry.title.as_deref().is_some_and(|title| title != entry.name) && entry.service.is_none());
        // An interface of DCOM has no version; every other one of a specification has.
        let specified = entry.citation.starts_with("[MS-") && entry.version.is_none();
        assert!(!specified || entry.name.starts_with('I') || entry.name == "CLUSAPI", "{}", entry.name);
    }
}

#[test]
fn dynamic_ports_get_the_names_that_people_know() {
    let catalog = catalog();
    for (kind, subject, version, name) in [
        (SubjectKind::RpcInterface, "12345778-1234-abcd-ef00-0123456789ab", "0.0", "LSARPC"),
        (SubjectKind::RpcInterface, "12345778-1234-ABCD-EF00-0123456789AC", "1.0", "SAMR"),
        (SubjectKind::RpcInterface, "e3514235-4b06-11d1-ab04-00c04fc2dcd2", "4.0", "DRSUAPI"),
        (SubjectKind::RpcInterface, "b97db8b2-4c63-11cf-bff6-08002be23f2f", "3.0", "CLUSAPI"),
        (SubjectKind::RpcInterface, "13486d50-4821-11d2-a494-3cb306c10000", "0.0", "OPCEnum"),
        (SubjectKind::RpcInterface, "39c13a70-011e-11d0-9675-0020afd8adb3", "", "IOPCDataCallback"),
        (SubjectKind::RpcInterface, "dea00001-6c97-11d1-8271-00a02442df7d", "1.0", "PNIO-Device"),
        (SubjectKind::OncRpcProgram, "100005", "3", "mountd"),
    ] {
        let naming = catalog.announced(kind, subject, version).unwrap();
        assert_eq!((naming.entry.name.as_str(), naming.document.kind), (name, DocumentKind::General));
    }
    let served = |kind, subject| -> Vec<String> {
        let answer = catalog.announced(kind, subject, "").unwrap().service().unwrap();
        let ports: BTreeSet<String> = answer.statements.iter().map(|s| s.ports.to_string()).collect();
        let ranges = answer.ranges.iter().map(|range| range.ports.to_string());
        ports.into_iter().chain(ranges).collect()
    };
    assert_eq!(served(SubjectKind::SqlInstance, "mssqlserver"), ["1433", "1434"]);
    assert_eq!(served(SubjectKind::LicenceVendor, "ibmratl"), ["27001", "27001-27009"]);
    assert_eq!(served(SubjectKind::LicenceVendor, "rational"), ["27002"]);
    assert_eq!(served(SubjectKind::LicenceVendor, "flexsvr"), ["49152-65535"; 3]);
    assert_eq!(catalog.announced(SubjectKind::SqlInstance, "SQLEXPRESS", ""), None);
}

#[test]
fn spellings_are_gathered_under_one_form() {
    let catalog = catalog();
    let spellings = Spellings::of(catalog.document("factorytalk-assetcentre").unwrap());
    let canonical = |name| spellings.canonical(name);
    for printed in ["RA.FTAC.Agent Controller Service.exe", "RA.FTAC.Agent ControllerService.exe"] {
        assert_eq!(canonical(printed), "RA.FTAC.AgentController Service.exe");
    }
    assert_eq!(canonical("Dirserver.exe"), "RnaDirServer.exe");
    assert_eq!(canonical("RSVChost.exe"), "RsvcHost.exe");
    assert_eq!(canonical("RSLinxNG02.exe (FactoryTalk)"), "RSLinxNG02.exe");
    for other in ["RA.FTAC.AgentControllerApplication.exe", "RNADiagnosticsService.exe", "CodeMeterCC.exe"] {
        assert_eq!(canonical(other), other);
    }
    let rslinx = spellings.names().iter().find(|name| name.canonical == "RSLinx.exe").unwrap();
    assert_eq!(rslinx.spellings.keys().copied().collect::<Vec<_>>(), ["RSLINX.EXE", "RSLINX.exe", "RSLinx.exe"]);
    assert!(rslinx.spellings["RSLINX.EXE"].contains(&"Table 8"));
    assert!(rslinx.spellings["RSLinx.exe"].contains(&"Table 4"));
}

#[test]
fn every_port_of_table_8_is_found_at_a_server() {
    let catalog = catalog();
    for (port, transport) in table("Table 8") {
        let found = catalog.statements_at(transport, port, &["server"]).any(|m| m.statement.citation == "Table 8");
        assert!(found, "{port}/{transport}");
    }
}

#[test]
fn port_21061_is_udp_for_the_agent_controller_and_tcp_for_the_client() {
    let catalog = catalog();
    let rules = |transport, role: &'static str| -> Vec<String> {
        let roles = [role];
        let found = catalog.statements_at(transport, 21061, &roles);
        found.filter(|m| m.statement.standing == Standing::Rule).map(|m| m.statement.service.clone()).collect()
    };
    for role in ["server", "agent"] {
        assert_eq!(rules(Udp, role), ["RA.FTAC.Agent Controller Service.exe"]);
        assert!(rules(Tcp, role).is_empty());
    }
    assert_eq!(rules(Tcp, "client"), ["RA.FTAC.Client.exe"]);
    assert!(rules(Udp, "client").is_empty());
}

#[test]
fn studio_5000_ports_are_for_agent_and_client_only() {
    let catalog = catalog();
    for (port, transport) in studio_5000() {
        let roles: BTreeSet<_> = catalog.statements(transport, port).flat_map(|m| m.statement.roles.clone()).collect();
        assert_eq!(roles, BTreeSet::from(["agent".to_owned(), "client".to_owned()]), "{port}");
        assert!(catalog.statements(transport, port).all(|m| m.statement.required_for.is_some()));
    }
}

#[test]
fn documented_static_ports_inside_the_dynamic_range_are_found() {
    let catalog = catalog();
    let mut expected: BTreeSet<u16> = FALLBACKS.into();
    expected.extend([54967, 60093]);
    let found = catalog.static_ports_in(49152..=65535);
    assert!(found.iter().all(|port| port.transport == Tcp));
    assert_eq!(found.iter().map(|port| port.port).collect::<BTreeSet<_>>(), expected);
    let via = |port| catalog.statements_at(Tcp, port, &["agent"]).next().map(|m| (m.via, m.statement.service.clone()));
    assert_eq!(via(54967), Some((Via::Listed, "FTActivationBoost.exe".into())));
    assert_eq!(via(61987), Some((Via::Fallback, "FTActivationBoost.exe".into())));
    assert_eq!(via(60093), Some((Via::Listed, "RsvcHost".into())));
}

#[test]
fn user_modifiable_is_what_carries_one_star() {
    let catalog = catalog();
    let document = catalog.document("factorytalk-assetcentre").unwrap();
    let starred: BTreeSet<_> = document.ports.iter().filter(|s| s.user_modifiable).map(|s| s.ports.first()).collect();
    assert_eq!(starred, BTreeSet::from([7002, 7004, 22350]));
}

#[test]
fn the_port_conflict_belongs_to_5241_only() {
    let catalog = catalog();
    let document = catalog.document("factorytalk-assetcentre").unwrap();
    let noted = |s: &&PortStatement| s.note.as_deref().is_some_and(|note| note.contains("QA55096"));
    let ports: Vec<_> = document.ports.iter().filter(noted).map(|s| s.ports.first()).collect();
    assert_eq!(ports, [5241, 5241, 5241]);
}

#[test]
fn port_27010_is_an_alternative_of_the_client_only() {
    let catalog = catalog();
    let found: Vec<_> = catalog.statements(Tcp, 27010).collect();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].statement.standing, &found[0].statement.roles[0][..]), (Standing::Alternative, "client"));
}

#[test]
fn dynamic_ranges_carry_the_observed_counts_and_executables() {
    let catalog = catalog();
    for (role, observed, executables) in [("server", 51, 20), ("agent", 68, 22), ("client", 68, 22)] {
        let found: Vec<_> = catalog.dynamic_ranges_for(role).map(|(_, range)| range).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].transport, found[0].ports.to_string().as_str()), (Tcp, "49152-65535"));
        assert_eq!((found[0].observed_ports, found[0].executables.len()), (Some(observed), executables));
    }
    let lists = |role: &'static str| -> BTreeSet<String> {
        catalog.dynamic_ranges_for(role).flat_map(|(_, range)| range.executables.clone()).collect()
    };
    let only_agent: Vec<_> = lists("agent").difference(&lists("client")).cloned().collect();
    let only_client: Vec<_> = lists("client").difference(&lists("agent")).cloned().collect();
    assert_eq!((only_agent, only_client), (vec!["RA.FTAC.Server.exe".into()], vec!["RA.FTAC.Client.exe".into()]));
}

#[test]
fn scenarios_have_the_printed_steps_and_local_steps() {
    let catalog = catalog();
    let counted: Vec<_> = catalog
        .scenarios()
        .map(|(_, s)| (s.citation.as_str(), s.steps.len(), s.steps.iter().filter(|step| step.local).count()))
        .collect();
    let expected = [("Table 1", 10, 6), ("Table 2", 8, 7), ("Table 3", 9, 3), ("Table 4", 15, 4), ("Table 5", 12, 2)];
    assert_eq!(counted, expected);
    for (_, scenario) in catalog.scenarios() {
        let numbers: Vec<_> = scenario.steps.iter().map(|step| usize::from(step.number)).collect();
        assert!(numbers.iter().copied().eq(1..=scenario.steps.len()), "{}", scenario.id);
    }
}

#[test]
fn every_fixed_port_of_a_scenario_is_stated_at_its_role_with_its_caller() {
    let catalog = catalog();
    let steps = catalog.scenarios().flat_map(|(_, scenario)| scenario.steps.iter().map(move |step| (scenario, step)));
    let mut checked = 0;
    for (scenario, step) in steps.filter(|(_, step)| step.leg == Leg::Opens) {
        for port in step.ports.iter().filter(|port| port.party == Party::To) {
            let Some(number) = port.spec.fixed() else { continue };
            for (from, to) in step.from.iter().flat_map(|from| step.to.iter().map(move |to| (from, to))) {
                checked += 1;
                let covered = catalog
                    .statements_at(port.transport, number, std::slice::from_ref(to))
                    .any(|m| m.statement.caller(std::slice::from_ref(from)) == Caller::Named);
                assert!(covered, "{}, step {}: {from} to {to} port {number}", scenario.citation, step.number);
            }
        }
    }
    assert!(checked > 30, "{checked}");
}

#[test]
fn the_controller_is_matched_by_a_reading_that_says_so() {
    let catalog = catalog();
    let found: Vec<_> = catalog.statements_at(Tcp, 44818, &["controller"]).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].statement.standing, Standing::Reading);
    assert!(found[0].statement.citation.contains("Table 7"));
    assert!(found[0].statement.note.as_deref().is_some_and(|note| note.contains("prints no port at the controller")));
    assert_eq!(found[0].statement.caller(&["agent"]), Caller::Named);
    assert_eq!(found[0].statement.caller(&["web-client"]), Caller::NotNamed);
}

#[test]
fn the_vendor_prints_nothing_that_is_general_knowledge() {
    let catalog = catalog();
    for port in [53, 88, 123, 137, 138, 139, 389, 445, 464, 636, 3268, 3269, 5355, 3389] {
        for transport in [Tcp, Udp] {
            let vendors = catalog.statements(transport, port).filter(|m| m.document.kind == DocumentKind::Vendor);
            assert_eq!(vendors.count(), 0, "{port}/{transport}");
        }
    }
    assert_eq!(catalog.statements(Tcp, 3389).count(), 0, "remote desktop is not infrastructure");
    let general = |transport, port, role: &'static str| {
        catalog.statements_at(transport, port, &[role]).any(|m| m.document.kind == DocumentKind::General)
    };
    assert!(general(Udp, 53, "agent") && general(Tcp, 445, "nobody") && general(Tcp, 88, "domain-controller"));
    assert!(!general(Tcp, 88, "agent") && !general(Tcp, 389, "server"));
}

#[test]
fn the_endpoint_mapper_is_the_vendors_first() {
    let catalog = catalog();
    let found: Vec<_> = catalog.statements_at(Tcp, 135, &["server"]).map(|m| m.document.kind).collect();
    assert_eq!(found.first(), Some(&DocumentKind::Vendor));
    assert_eq!(found.last(), Some(&DocumentKind::General));
}

#[test]
fn licence_daemons_have_their_ports_and_standing() {
    let catalog = catalog();
    let at = |port| -> Vec<(String, Standing)> {
        let found = catalog.statements_at(Tcp, port, &["licence-server"]);
        found.map(|m| (m.statement.executable.clone().unwrap_or_default(), m.statement.standing)).collect()
    };
    let standings = |port, executable: &str| -> BTreeSet<&'static str> {
        at(port).into_iter().filter(|(name, _)| name == executable).map(|(_, standing)| standing.name()).collect()
    };
    assert_eq!(at(27000)[0], ("lmgrd".into(), Standing::Rule));
    assert_eq!(standings(27001, "ibmratl"), BTreeSet::from(["rule", "recommended"]));
    assert_eq!(standings(27002, "ibmratl"), BTreeSet::from(["rule"]));
    assert_eq!(standings(27002, "rational"), BTreeSet::from(["conditional", "alternative"]));
    assert_eq!(standings(27009, "ibmratl"), BTreeSet::from(["rule"]));
    assert!(at(643).is_empty() && at(27010).is_empty());
}

#[test]
fn roles_give_themselves_away_as_intended() {
    let catalog = catalog();
    let signature = |id: &str| -> (Vec<String>, u8) {
        let role = catalog.roles().into_iter().find(|role| role.id == id).unwrap();
        (role.signature.iter().map(PortRef::to_string).collect(), role.signature_rank)
    };
    assert_eq!(signature("server"), (vec!["7002/tcp".into()], 1));
    assert_eq!(signature("agent"), (vec!["7004/tcp".into()], 1));
    assert_eq!(signature("domain-controller"), (vec!["88/tcp".into(), "389/tcp".into()], 1));
    let (controller, rank) = signature("controller");
    assert_eq!(controller, ["44818/tcp"]);
    assert!(catalog.roles().iter().all(|role| role.id == "controller" || role.signature_rank < rank));
    assert_eq!(catalog.role("license-server").map(|role| role.id.as_str()), Some("licence-server"));
}

#[test]
fn every_statement_that_prints_no_protocol_says_how_it_was_read() {
    let catalog = catalog();
    for statement in catalog.documents().iter().flat_map(|document| &document.ports) {
        let reads = statement.note.as_deref().is_some_and(|note| note.contains("No protocol printed"));
        assert_eq!(reads, !statement.protocol_stated, "{}: {}", statement.citation, statement.service);
    }
}

#[test]
fn what_stands_beside_the_rules_says_why() {
    let catalog = catalog();
    for statement in catalog.documents().iter().flat_map(|document| &document.ports) {
        let explained = matches!(statement.standing, Standing::Rule | Standing::Overview) || statement.note.is_some();
        assert!(explained, "{}: {} {}", statement.citation, statement.service, statement.ports);
    }
}
