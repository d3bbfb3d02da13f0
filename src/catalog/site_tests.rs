//! What a site file says, and how mistakes in it are answered. Ports that the site changed: `site_change_tests`.

use super::*;
use crate::model::Transport;
use std::net::IpAddr;
use std::path::Path;

const SITE: &str = r#"
[site]
name = "Plant 7"
time_zone = "Europe/Vienna"

[[role]]
id = "historian"
title = "Historian"

[[host]]
network = "10.0.0.0/8"
name = "plant"
dynamic_range = "50000-50999"

[[host]]
network = "10.0.5.0/24"
name = "clients"
roles = ["client"]

[[host]]
address = "10.0.5.9"
name = "SRV"
roles = ["assetcentre-server", "licence-server"]
dynamic_range = "51000-51999"

[[host]]
address = "10.0.5.10"
name = "CLI10"

[[host]]
address = "10.0.6.1"
roles = ["historian"]

[[allow]]
from = "historian"
to = "10.0.5.0/24"
transport = "tcp"
port = [3389, "5900-5901"]
service = "remote desktop"
reason = "support contract"

[[accept]]
from = "any"
to = "10.0.5.9"
transport = "tcp"
port = 4444
owner = "J. Doe"
reason = "old backup agent"
expires = 2027-01-31

[[accept]]
from = "client"
to = "server"
transport = "udp"
port = "161-162"
owner = "NOC"
reason = "monitoring"
"#;

/// 2027-02-01T00:00 in Vienna, an hour before UTC says so.
const FEBRUARY_NS: i64 = (1_801_440_000 - 3_600) * 1_000_000_000;

fn catalog() -> Catalog {
    Catalog::builtin().unwrap()
}

fn site() -> Site {
    Site::from_toml("site.toml", SITE, &catalog()).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn error(text: &str) -> String {
    Site::from_toml("site.toml", text, &catalog()).unwrap_err().to_string()
}

#[test]
fn the_most_specific_entry_wins_and_silence_falls_back() {
    let site = site();
    assert_eq!(site.name(ip("10.0.5.9")), "SRV");
    assert_eq!(site.roles(ip("10.0.5.9")), ["server", "licence-server"]);
    assert_eq!(site.dynamic_range(ip("10.0.5.9")), 51000..=51999);
    // Silent about roles and range: the networks around it decide, the narrow one before the wide one.
    assert_eq!(site.name(ip("10.0.5.10")), "CLI10");
    assert_eq!(site.roles(ip("10.0.5.10")), ["client"]);
    assert_eq!(site.dynamic_range(ip("10.0.5.10")), 50000..=50999);
    assert_eq!(site.name(ip("10.0.5.77")), "clients");
    assert_eq!(site.name(ip("10.9.9.9")), "plant");
    assert!(site.roles(ip("10.9.9.9")).is_empty());
    assert!(site.host(ip("192.0.2.1")).is_none());
    assert_eq!(site.dynamic_range(ip("192.0.2.1")), 49152..=65535);
    assert!(site.host(ip("fd00::1")).is_none());
}

#[test]
fn allows_by_role_and_network_only_what_is_written() {
    let site = site();
    let allows = |from, to, transport, port| site.allows(ip(from), ip(to), transport, port).is_some();
    assert!(allows("10.0.6.1", "10.0.5.200", Transport::Tcp, 3389));
    assert!(allows("10.0.6.1", "10.0.5.9", Transport::Tcp, 5901));
    assert!(!allows("10.0.6.1", "10.0.5.200", Transport::Udp, 3389));
    assert!(!allows("10.0.6.1", "10.0.7.1", Transport::Tcp, 3389));
    assert!(!allows("10.0.5.200", "10.0.6.1", Transport::Tcp, 3389));
    assert!(!allows("10.0.6.1", "10.0.5.200", Transport::Tcp, 5902));
}

#[test]
fn an_exception_ends_with_its_last_day() {
    let site = site();
    let (from, to) = (ip("192.0.2.1"), ip("10.0.5.9"));
    let found = site.accepted(from, to, Transport::Tcp, 4444, FEBRUARY_NS - 1).unwrap();
    assert_eq!((found.owner.as_str(), found.expires.map(|d| d.to_string())), ("J. Doe", Some("2027-01-31".into())));
    assert!(site.expired(from, to, Transport::Tcp, 4444, FEBRUARY_NS - 1).is_none());
    assert!(site.accepted(from, to, Transport::Tcp, 4444, FEBRUARY_NS).is_none());
    assert!(site.expired(from, to, Transport::Tcp, 4444, FEBRUARY_NS).is_some());
    assert!(site.accepted(ip("10.0.5.1"), to, Transport::Udp, 162, i64::MAX).is_some());
    assert!(site.accepted(from, to, Transport::Udp, 162, 0).is_none());
}

#[test]
fn entries_know_their_line() {
    let site = site();
    let line = |needle: &str| SITE.lines().position(|l| l == needle).unwrap() + 1;
    assert_eq!(site.host(ip("10.0.5.9")).unwrap().line, line("address = \"10.0.5.9\""));
    assert_eq!(site.allowed_entries()[0].line, line("[[allow]]"));
    assert_eq!(site.accepted_entries()[0].line, line("[[accept]]"));
}

#[test]
fn an_unknown_role_gets_a_suggestion_and_its_place() {
    assert_eq!(
        error("[[host]]\naddress = \"10.0.0.1\"\nroles = [\"client\", \"sql-sever\"]\n"),
        "site.toml:3:20: unknown role \"sql-sever\"; did you mean \"sql-server\"?"
    );
    let far = error("[[host]]\naddress = \"10.0.0.1\"\nroles = [\"zzz\"]\n");
    assert!(far.contains("use one of these roles: server, agent"), "{far}");
}

#[test]
fn mistakes_are_answered_with_place_and_advice() {
    let accept = "[[accept]]\nfrom = \"any\"\nto = \"server\"\ntransport = \"tcp\"\nport = 1\n";
    let whole = format!("{accept}owner = \"o\"\nreason = \"r\"\n");
    for (text, part) in [
        ("[[host]]\naddress = \"10.0.0.300\"\n", "site.toml:2:11: \"10.0.0.300\" is not an address"),
        ("[[host]]\nnetwork = \"10.0.0.1/24\"\n", "2:11: 10.0.0.1/24 has bits beyond its prefix; write 10.0.0.0/24"),
        ("[[host]]\nname = \"x\"\n", "1:1: the host has not exactly one of"),
        ("[[host]]\naddress = \"::1\"\n[[host]]\naddress = \"0::1\"\n", "4:11: ::1 has an entry already, in line 2"),
        ("[[host]]\naddress = \"::1\"\ndynamic_range = \"9-3\"\n", "3:17: the range 9-3 ends before it begins"),
        ("[[host]]\nadress = \"::1\"\n", "2:1: unknown field `adress`"),
        ("[[host]]\nadress = \"::1\"\n", "did you mean \"address\"?"),
        ("[site]\ntime_zone = \"a b\"\n", "2:13: \"a b\" is no time zone of the IANA database; write it as"),
        (
            "[site]\ntime_zone = \"Europe/Viena\"\n",
            "2:13: \"Europe/Viena\" is no time zone of the IANA database; did you mean \"Europe/Vienna\"?",
        ),
        ("[site]\ntime_zone = \"new york\"\n", "did you mean \"America/New_York\"?"),
        ("[site]\ntime_zone = \"\"\n", "2:13: \"\" is no time zone"),
        ("[site\n", "site.toml:1:6"),
        (accept, "missing field `owner`; add `owner = …`"),
        (&format!("{accept}owner = \" \"\nreason = \"r\"\n"), "6:9: the owner is empty"),
        (&format!("{accept}owner = \"o\"\nreason = \"\"\n"), "7:10: the reason is empty"),
        (&format!("{accept}owner = \"o\"\nreason = \"r\"\nexpires = \"soon\"\n"), "8:11: \"soon\" is not a date"),
        (&format!("{accept}owner = \"o\"\nreason = \"r\"\nexpires = \"2027-02-29\"\n"), "8:11: \"2027-02-29\" is not"),
        (&format!("{accept}owner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01T00:00:00Z\n"), "8:11: 2027-01-01T"),
        (&whole.replace("any", "10.0.0"), "2:8: \"10.0.0\" is not an address"),
        (&whole.replace("tcp", "sctp"), "4:13: \"sctp\" is not a transport protocol"),
        (&whole.replace("= 1", "= 70000"), "5:8: 70000 is not a port"),
        (&whole.replace("= 1", "= []"), "5:8: the list of ports is empty"),
        ("[[role]]\nid = \"agent\"\ntitle = \"A\"\n", "2:6: the role \"agent\" exists already"),
        ("[[role]]\nid = \"A b\"\ntitle = \"A\"\n", "2:6: \"A b\" is not an identifier"),
    ] {
        let found = error(text);
        assert!(found.contains(part), "{text}\n{found}\nshould hold {part}");
    }
}

#[test]
fn a_cut_or_deeply_nested_site_file_is_answered() {
    for end in 0..SITE.len() {
        if let Err(error) = Site::from_toml("site.toml", &SITE[..end], &Catalog::empty()) {
            assert!(matches!(error, SiteError::Text { .. }), "{error}");
        }
    }
    for deep in ["[".repeat(100_000), format!("a = {}", "[".repeat(100_000)), "a.".repeat(100_000)] {
        assert!(Site::from_toml("site.toml", &deep, &Catalog::empty()).is_err());
    }
}

#[test]
fn an_empty_site_knows_nothing() {
    let site = Site::from_toml("site.toml", "", &catalog()).unwrap();
    assert_eq!(site, Site::default());
}

#[test]
fn an_exception_ends_at_local_midnight_also_when_clocks_change() {
    let ends = |zone: &str, day: &str| {
        let text = format!(
            "[site]\ntime_zone = \"{zone}\"\n[[accept]]\nfrom = \"any\"\nto = \"any\"\ntransport = \"tcp\"\nport = 1\n\
             owner = \"o\"\nreason = \"r\"\nexpires = {day}\n"
        );
        let site = Site::from_toml("site.toml", &text, &catalog()).unwrap();
        let end_ns = (0..).map(|hour| 1_805_997_600_000_000_000 + hour * 3_600_000_000_000);
        let holds = |ns: i64| site.accepted(ip("10.0.0.1"), ip("10.0.0.2"), Transport::Tcp, 1, ns).is_some();
        let end_ns = end_ns.take_while(|ns| holds(*ns)).last().unwrap() + 3_600_000_000_000;
        assert!(holds(end_ns - 1) && !holds(end_ns));
        end_ns / 1_000_000_000
    };
    // 28 March 2027: Vienna's clocks leap from 2 to 3, so that the day ends at 22:00 UTC; the day before ended at 23:00.
    assert_eq!(ends("Europe/Vienna", "2027-03-27"), 1_806_188_400);
    assert_eq!(ends("Europe/Vienna", "2027-03-28"), 1_806_271_200);
    assert_eq!(ends("UTC", "2027-03-28"), 1_806_278_400);
    assert_eq!(ends("Asia/Tokyo", "2027-03-28"), 1_806_278_400 - 9 * 3_600);
    // 31 October: from 3 to 2, 25 hours.
    assert_eq!(ends("europe/vienna", "2027-10-31") - ends("Europe/Vienna", "2027-10-30"), 25 * 3_600);
}

#[test]
fn the_time_zone_is_spelt_as_in_the_database() {
    let zone = |text: &str| {
        let text = format!("[site]\ntime_zone = \"{text}\"\n");
        Site::from_toml("site.toml", &text, &catalog()).unwrap().time_zone
    };
    assert_eq!(zone("europe/vienna"), "Europe/Vienna");
    assert_eq!(zone("UTC"), "UTC");
    assert_eq!(zone("Etc/GMT-1"), "Etc/GMT-1");
}

const ZONES: &str = r#"
[[zone]]
id = "plant"
title = "Plant"
networks = ["10.0.0.0/8", "fd00::/16"]

[[zone]]
id = "cell-1"
title = "Packaging"
networks = ["10.1.0.0/24"]

[[zone]]
id = "dmz"
title = "Between"

[[host]]
address = "10.1.0.7"
zone = "dmz"

[[host]]
network = "10.1.0.128/25"
zone = "dmz"

[[host]]
address = "10.1.0.200"
"#;

#[test]
fn the_longest_prefix_gives_the_zone_and_an_address_before_it() {
    let site = Site::from_toml("site.toml", ZONES, &catalog()).unwrap();
    let zone = |text: &str| site.zone(ip(text)).map(|zone| zone.id.as_str());
    assert_eq!(zone("10.9.0.1"), Some("plant"));
    assert_eq!(zone("10.1.0.5"), Some("cell-1"));
    assert_eq!(zone("10.1.0.7"), Some("dmz"));
    assert_eq!(zone("10.1.0.129"), Some("dmz"));
    assert_eq!(zone("10.1.0.200"), Some("dmz"), "an entry that is silent leaves it to the networks");
    assert_eq!(zone("fd00::1"), Some("plant"));
    assert_eq!(zone("192.0.2.1"), None);
    assert_eq!(
        site.zones().iter().map(|z| (z.title.as_str(), z.line)).collect::<Vec<_>>(),
        [("Plant", 3), ("Packaging", 8), ("Between", 13)]
    );
    assert!(Site::default().zone(ip("10.1.0.5")).is_none());
}

#[test]
fn mistakes_in_zones_are_answered() {
    for (text, part) in [
        (ZONES.replace("zone = \"dmz\"", "zone = \"cell1\""), "18:8: unknown zone \"cell1\"; did you mean \"cell-1\"?"),
        (ZONES.replace("zone = \"dmz\"", "zone = \"hall-of-fame\""), "use one of these zones: cell-1, dmz, plant"),
        ("[[host]]\naddress = \"::1\"\nzone = \"a\"\n".into(), "3:8: unknown zone \"a\"; declare it with [[zone]]"),
        (ZONES.replace("\"dmz\"\ntitle", "\"plant\"\ntitle"), "13:6: the zone \"plant\" is declared twice"),
        (
            ZONES.replace("fd00::/16", "10.1.0.0/24"),
            "10:13: 10.1.0.0/24 belongs to the zone \"plant\" already, in line 5; remove it from one of them",
        ),
        (
            ZONES.replace("10.1.0.128/25", "10.1.0.0/24"),
            "22:8: 10.1.0.0/24 belongs to the zone \"cell-1\" already, in line 10; keep one of the two zones",
        ),
        (ZONES.replace("10.1.0.0/24", "10.1.0.1"), "10:13: \"10.1.0.1\" is not a network"),
        (ZONES.replace("id = \"dmz\"", "id = \"any\""), "13:6: \"any\" is the role that every host has"),
    ] {
        let found = error(&text);
        assert!(found.contains(part), "{found}\nshould hold {part}");
    }
    // The same zone twice about one network is no contradiction.
    let twice = ZONES.replace("10.1.0.128/25\"\nzone = \"dmz\"", "10.1.0.0/24\"\nzone = \"cell-1\"");
    assert_eq!(Site::from_toml("s", &twice, &catalog()).unwrap().zone(ip("10.1.0.5")).unwrap().id, "cell-1");
}

#[test]
fn texts_have_a_length() {
    let long = "ä".repeat(MAX_TEXT_CHARACTERS + 1);
    for (text, part) in [
        (format!("[site]\nname = \"{long}\"\n"), "2:8: the name is 501 characters long; write at most 500"),
        (format!("[[role]]\nid = \"x\"\ntitle = \"{long}\"\n"), "3:9: the title is 501"),
        (format!("[[host]]\naddress = \"::1\"\nname = \"{long}\"\n"), "3:8: the name is 501"),
        (SITE.replace("support contract", &long), "the reason is 501"),
        (SITE.replace("remote desktop", &long), "the service is 501"),
        (SITE.replace("J. Doe", &long), "the owner is 501"),
    ] {
        let found = error(&text);
        assert!(found.contains(part), "{found}");
    }
    let whole = "ä".repeat(MAX_TEXT_CHARACTERS);
    assert!(Site::from_toml("s", &SITE.replace("J. Doe", &whole), &catalog()).is_ok());
    // A message does not repeat what goes on and on.
    assert!(error(&format!("[[host]]\naddress = \"{}\"\n", "1".repeat(100_000))).len() < 300);
}

#[test]
fn lines_are_those_of_the_file_whatever_ends_them() {
    let text = "\n\r\n[[host]]\r\naddress = \"::1\"\r\n\n\n[[host]] # x\nnetwork = \"fd00::/8\"\n";
    let site = Site::from_toml("site.toml", text, &catalog()).unwrap();
    assert_eq!(site.hosts().map(|host| host.line).collect::<Vec<_>>(), [4, 8]);
}

/// A folder with a site file and others beside it.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::io::Write::write_all(
            &mut std::fs::File::options().create(true).append(true).open(path).unwrap(),
            text.as_bytes(),
        )
        .unwrap();
    }
    folder
}

fn document(id: &str, role: &str) -> String {
    format!(
        "[document]\nid = \"{id}\"\ntitle = \"T\"\npublisher = \"P\"\npublication = \"1\"\nkind = \"vendor\"\n\
         [[role]]\nid = \"{role}\"\ntitle = \"R\"\n[[table]]\nrole = \"{role}\"\ncitation = \"T 1\"\n\
         rows = [{{ service = \"s\", tcp = 9100 }}]\n"
    )
}

fn read(path: &Path) -> Result<(Site, Catalog), SiteError> {
    let mut catalog = catalog();
    read_site(path, &mut catalog).map(|site| (site, catalog))
}

#[test]
fn documents_of_the_site_are_found_beside_it_and_their_roles_are_known() {
    let text = "[site]\ndocuments = [\"ours.toml\", \"more/theirs.toml\"]\n\
                [[host]]\naddress = \"10.0.0.1\"\nroles = [\"historian\", \"printer\", \"agent\"]\n";
    let folder = folder(&[
        ("site.toml", text),
        ("ours.toml", &document("ours", "historian")),
        ("more/theirs.toml", &document("theirs", "printer")),
    ]);
    let (site, catalog) = read(&folder.path().join("site.toml")).unwrap();
    assert_eq!(site.roles(ip("10.0.0.1")), ["historian", "printer", "agent"]);
    let found: Vec<&str> =
        catalog.statements_at(Transport::Tcp, 9100, &["printer"]).map(|m| m.document.id.as_str()).collect();
    assert_eq!(found, ["theirs"]);
    // An absolute path is taken as it is.
    let absolute = text.replace("ours.toml", folder.path().join("ours.toml").to_str().unwrap());
    let elsewhere =
        self::folder(&[("site.toml", &absolute.replace(", \"more/theirs.toml\"", "").replace("printer", "client"))]);
    assert!(read(&elsewhere.path().join("site.toml")).is_ok());
    // Text alone names documents that nobody read: their roles are unknown.
    assert!(error(text).contains("unknown role \"historian\""));
}

#[test]
fn a_document_of_the_site_that_cannot_be_used_is_told_with_its_place() {
    let site = |documents: &str| format!("[site]\nname = \"x\"\ndocuments = [{documents}]\n");
    for (documents, files, parts) in [
        (
            "\"none.toml\"",
            vec![],
            vec!["site.toml:3:14: the document ", "none.toml cannot be read: ", "the folder of the site file"],
        ),
        ("\"\"", vec![], vec!["site.toml:3:14: the name of the document is empty"]),
        ("\".\"", vec![], vec!["site.toml:3:14: the document ", "cannot be read"]),
        ("\"bad.toml\"", vec![("bad.toml", "[document\n".to_owned())], vec!["bad.toml:1:10: "]),
        (
            "\"a.toml\", \"b.toml\"",
            vec![("a.toml", document("same", "r")), ("b.toml", document("same", "r"))],
            vec![
                "site.toml:3:24: ",
                "b.toml has the id \"same\" of another document: ",
                "a.toml; leave one of them out",
            ],
        ),
        ("\"a.toml\", \"a.toml\"", vec![("a.toml", document("same", "r"))], vec!["site.toml:3:24: "]),
        (
            "\"a.toml\"",
            vec![("a.toml", document("license-key-server", "r"))],
            vec!["a.toml has the id \"license-key-server\" of another document: the built-in one"],
        ),
    ] {
        let text = site(documents);
        let mut all = vec![("site.toml", text.as_str())];
        all.extend(files.iter().map(|(name, text)| (*name, text.as_str())));
        let folder = folder(&all);
        let found = read(&folder.path().join("site.toml")).unwrap_err().to_string();
        for part in parts {
            assert!(found.contains(part), "{found}\nshould hold {part}");
        }
    }
}
