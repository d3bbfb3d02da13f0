//! What a site file changes in judgements: every reason names its line.

use super::*;

/// Judges flows as the program does: with the documents as they hold at the site.
fn judged_at(site: &str, flows: Vec<FlowRecord>) -> Vec<Judgement> {
    let documents = Catalog::builtin().unwrap();
    let site = Site::from_toml("site.toml", &format!("{SITE}{site}"), &documents).unwrap();
    let judged = judge(&Facts { flows: flows.into(), ..Facts::default() }, &documents.for_site(&site), Some(&site));
    judged.flows.into_iter().map(|flow| flow.judgement).collect()
}

/// Status and reason of a TCP flow.
fn one(site: &str, from: &str, to: &str, port: u16) -> (Status, String) {
    let judgement = judged_at(site, vec![tcp((from, 50_000), (to, port), OPENED, 0)]).remove(0);
    (judgement.status, judgement.reason)
}

const MOVED: &str = "[[override]]\nrole = \"server\"\nexecutable = \"RA.FTAC.Server.exe\"\nwas = \"7002/tcp\"\nport = 17002\n\
                     reason = \"7002 is taken\"\n";

/// A host for licences, and the pin of its daemon.
fn pinned(at: &str, port: u16) -> String {
    format!(
        "[[host]]\naddress = \"10.0.0.60\"\nroles = [\"licence-server\"]\n[[allow]]\nfrom = \"client\"\nto = \"licence-server\"\n\
         transport = \"tcp\"\nport = 27000\nreason = \"r\"\n[[pin]]\ndaemon = \"ibmratl\"\nat = \"{at}\"\nport = {port}\n\
         source = \"perm.dat, line 2\"\n"
    )
}

fn line_of(entry: &str, site: &str) -> usize {
    format!("{SITE}{site}").lines().position(|line| line == entry).unwrap() + 1
}

#[test]
fn a_changed_port_is_documented_and_the_old_one_is_not() {
    let line = line_of("[[override]]", MOVED);
    let (status, reason) = one(MOVED, CLIENT, SERVER, 17_002);
    assert_eq!(status, Status::Documented);
    assert_eq!(
        reason,
        format!("factorytalk-assetcentre: Table 8; site file line {line} changed 7002 to 17002: 7002 is taken")
    );
    let (status, reason) = one(MOVED, CLIENT, SERVER, 7002);
    assert_eq!(status, Status::Undocumented);
    assert_eq!(
        reason,
        format!(
            "factorytalk-assetcentre: Table 8 has 7002/tcp for RA.FTAC.Server.exe at server, but site file line {line} \
             changed 7002 to 17002: 7002 is taken"
        )
    );
    assert_eq!(one("", CLIENT, SERVER, 7002).0, Status::Documented);
    assert_eq!(one("", CLIENT, SERVER, 17_002).0, Status::Undocumented);
    // The document's callers hold for the new port as well.
    assert_eq!(one(MOVED, "10.0.0.77", SERVER, 17_002).0, Status::DocumentedPortUnexpectedPeer);
}

#[test]
fn a_pin_documents_one_port_at_its_hosts_only() {
    let at = |place: &str, port| one(&pinned(place, 27_001), "10.0.0.60", "10.0.0.60", port);
    // The document names no callers: a licence server may ask itself, and so the port alone decides here.
    let line = line_of("[[pin]]", &pinned("licence-server", 27_001));
    for place in ["licence-server", "license-server", "10.0.0.60", "10.0.0.0/24"] {
        let (status, reason) = at(place, 27_001);
        let pin = format!("site file line {line} pins ibmratl to 27001 (perm.dat, line 2)");
        assert_eq!((status, reason), (Status::Documented, format!("license-key-server: Resolving the problem; {pin}")));
        let (status, reason) = at(place, 27_005);
        assert_eq!(status, Status::Undocumented, "{place}");
        assert!(reason.ends_with(&format!("27001-27009/tcp, but {pin}")), "{reason}");
    }
    let (status, reason) = at("10.0.1.0/24", 27_005);
    assert_eq!((status, reason.as_str()), (Status::Documented, "license-key-server: Resolving the problem"));
}

#[test]
fn a_pin_of_an_unknown_daemon_waits_for_callers_to_be_allowed() {
    let site = pinned("10.0.0.60", 28_000).replace("ibmratl", "adskflex");
    let (status, reason) = one(&site, "10.0.0.7", "10.0.0.60", 28_000);
    assert_eq!(status, Status::DocumentedPortUnexpectedPeer);
    let line = line_of("[[pin]]", &site);
    assert_eq!(
        reason,
        format!(
            "site file line {line} pins adskflex to 28000 (perm.dat, line 2); expects somebody that [[allow]] names as \
             caller, 10.0.0.7 is client"
        )
    );
    let allowed = site.replace("port = 27000", "port = 28000");
    let (status, reason) = one(&allowed, "10.0.0.7", "10.0.0.60", 28_000);
    assert_eq!(status, Status::Documented);
    assert!(reason.contains("pins adskflex to 28000"), "{reason}");
    let (status, reason) = one(&site, "10.0.0.7", SERVER, 28_000);
    assert_eq!(status, Status::Undocumented);
    assert_eq!(reason, "tcp/28000 is documented at 10.0.0.60 only, and 10.0.0.1 is server");
}

#[test]
fn a_pinned_port_tells_who_serves_at_its_host_only() {
    let orientation = |site: &str, server: &str| {
        let judgement = judged_at(site, vec![tcp(("10.0.0.7", 61_000), (server, 50_123), MIDSTREAM, 0)]).remove(0);
        judgement.orientation_evidence.contains("port 50123 is documented")
    };
    let site = pinned("10.0.0.60", 50_123);
    assert!(orientation(&site, "10.0.0.60"));
    assert!(!orientation(&site, SERVER));
    assert!(!orientation("", "10.0.0.60"));
}

#[test]
fn an_exception_that_expired_is_told_with_its_day() {
    let site = |day: &str| {
        let head = SITE.replace("name = \"test\"", "name = \"test\"\ntime_zone = \"Asia/Tokyo\"");
        let text = head.replace("reason = \"remote maintenance\"\n", &format!("reason = \"r\"\nexpires = {day}\n"));
        (Site::from_toml("site.toml", &text, &Catalog::builtin().unwrap()).unwrap(), text)
    };
    let flow = |second: i64| tcp(("10.0.0.77", 50_000), (SERVER, 3389), OPENED, second);
    let judged = |day: &str, second: i64| {
        let (site, _) = site(day);
        let facts = Facts { flows: vec![flow(second)].into(), ..Facts::default() };
        let judgement = judge(&facts, &Catalog::builtin().unwrap(), Some(&site)).flows.remove(0).judgement;
        (judgement.status, judgement.reason)
    };
    // The last second of 1970-01-01 in Tokyo is 14:59:59 UTC.
    assert_eq!(judged("1970-01-01", 15 * 3_600 - 1).0, Status::Accepted);
    let (status, reason) = judged("1970-01-01", 15 * 3_600);
    assert_ne!(status, Status::Accepted);
    let line = site("1970-01-01").1.lines().position(|line| line == "[[accept]]").unwrap() + 1;
    let told = format!("; had been accepted by J. Doe until 1970-01-01 (Asia/Tokyo) (site file line {line})");
    assert!(reason.ends_with(&told), "{reason}");
    assert!(!one("", CLIENT, SERVER, 4444).1.contains("accepted"));
}

#[test]
fn a_dynamic_step_after_a_moved_port_is_explained() {
    // Table 4: the server asks the database (step 14), then reaches the client on a dynamic port (step 15).
    let moved = "[[override]]\nrole = \"sql-server\"\nservice = \"MSSQLSERVER\"\nwas = \"1433/tcp\"\nport = 14330\nreason = \"r\"\n";
    let status = |site: &str, port: u16| {
        let flows = vec![
            tcp((SERVER, 50_000), ("10.0.0.5", port), OPENED, 0),
            tcp((SERVER, 50_001), ("10.0.0.7", 50_600), OPENED, 2),
        ];
        judged_at(site, flows).remove(1).status
    };
    assert_eq!(status("", 1433), Status::DynamicExplained);
    assert_eq!(status(moved, 14_330), Status::DynamicExplained);
    assert_eq!(status(moved, 1433), Status::DynamicUnexplained, "the step has moved");
    assert_eq!(status("", 14_330), Status::DynamicUnexplained);
}
