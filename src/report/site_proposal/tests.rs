//! Proposals written by hand, read back by the reader of site files.

use super::*;
use crate::catalog::{Catalog, PortRef, Site};
use crate::classification::{CalledPort, CloseCall, CloseReason, Doubt, GuessedRole, MOST_HOSTS, Reach, ServedPort};
use crate::model::{Orientation, Transport};
use crate::report::demo;

fn port(port: u16) -> PortRef {
    PortRef { transport: Transport::Tcp, port }
}

fn host(address: &str, roles: &[&str]) -> ProposedHost {
    let guess = |id: &&str| GuessedRole {
        id: (*id).to_owned(),
        title: format!("The {id}"),
        ports: vec![port(7002)],
        orientation: Orientation::Certain,
    };
    ProposedHost {
        address: address.parse().unwrap(),
        reach: Reach::Local,
        roles: roles.iter().map(guess).collect(),
        close_calls: Vec::new(),
        served: Vec::new(),
        doubtful: Vec::new(),
        called: Vec::new(),
        opened_flows: 1,
        sweeps: false,
    }
}

fn served(number: u16, capture: &str) -> ServedPort {
    ServedPort {
        port: port(number),
        clients: 2,
        flows: 1_234,
        orientation: Orientation::Certain,
        documented: number < 10_000,
        capture: capture.into(),
        first_frame: 17,
    }
}

fn written(proposal: &Proposal, captures: &[CaptureRow]) -> String {
    let catalog = Catalog::builtin().unwrap();
    let source = ProposalSource { captures, losses: &[], catalog: &catalog, tool_version: "0.0.0" };
    site_proposal(proposal, &source).unwrap()
}

#[track_caller]
fn read(text: &str) -> Site {
    Site::from_toml("site.toml", text, &Catalog::builtin().unwrap()).unwrap()
}

fn captures(names: &[&str]) -> Vec<CaptureRow> {
    let one = demo::small().captures[0].clone();
    names.iter().map(|name| CaptureRow { name: (*name).to_owned(), ..one.clone() }).collect()
}

#[test]
fn the_reader_takes_the_proposal_and_finds_nothing_else_in_it() {
    let mut server = host("10.0.0.1", &["server", "directory-server"]);
    server.served = vec![served(80, "a"), served(7002, "a"), served(50_000, "a"), served(50_001, "a")];
    server.close_calls = vec![CloseCall {
        id: "agent".into(),
        title: "The agent".into(),
        served: vec![],
        reason: CloseReason::NotWhole { doubtful: vec![(port(7004), Doubt::AnsweredSweep)], missing: vec![] },
    }];
    let hosts = vec![server, host("fd00::1", &[]), host("10.0.0.9", &[])];
    let networks = vec![("10.0.0.0/24".parse().unwrap(), 2)];
    let text = written(&Proposal { hosts, networks, ..Proposal::default() }, &captures(&["a"]));
    let site = read(&text);
    let found: Vec<(String, Vec<String>)> =
        site.hosts().map(|host| (host.target.to_string(), host.roles.clone().unwrap())).collect();
    let roles = |roles: &[&str]| roles.iter().map(|role| (*role).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        found,
        [
            ("10.0.0.1".to_owned(), roles(&["server", "directory-server"])),
            ("10.0.0.9".to_owned(), vec![]),
            ("fd00::1".to_owned(), vec![])
        ]
    );
    assert!(site.allowed_entries().is_empty() && site.accepted_entries().is_empty() && site.name.is_empty());
    for part in [
        "# Guessed: server (The server): served 7002/tcp.\n",
        "#   served 7002/tcp: 2 clients, 1,234 flows, handshake seen, first in frame 17\n",
        "#   served 2 ports of the dynamic range 49152-65535, in no document\n",
        "# Not proposed: agent (The agent). 7004/tcp: answered, but only to hosts that sweep.\n",
        "# No role: it served nothing in these captures. It could be a client; add the role if it is one.\n",
        "#   domain-controller  88/tcp and 389/tcp  Active Directory domain controller\n",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    assert!(text.find("served 7002/tcp: 2").unwrap() < text.find("served 80/tcp").unwrap(), "what told comes first");
    assert!(text.lines().all(|line| line.chars().count() <= 125), "{text}");
}

#[test]
fn a_network_is_used_by_removing_the_comment_marks() {
    let networks = vec![("10.0.0.0/24".parse().unwrap(), 2), ("fd00::/64".parse().unwrap(), 3)];
    let text = written(&Proposal { hosts: vec![host("10.0.0.1", &["server"])], networks, ..Proposal::default() }, &[]);
    let networks_of = |text: &str| read(text).hosts().filter(|h| h.target.to_string().contains('/')).count();
    assert_eq!(networks_of(&text), 0, "no network has a role by itself");
    let used: String = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(entry) if ["[[host]]", "network = ", "name = "].iter().any(|start| entry.starts_with(start)) => entry,
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_eq!(networks_of(&used), 2);
    assert_eq!(read(&used).roles("10.0.0.1".parse().unwrap()), ["server"]);
}

#[test]
fn nothing_from_a_capture_leaves_its_comment() {
    let hostile = "x\n[[host]]\naddress = \"6.6.6.6\"\r\u{b}\u{85}\u{2028}\u{202e}\u{1b}[31m\u{7f}\0\"\"\"'''";
    let mut server = host("10.0.0.1", &["server"]);
    server.served = vec![served(7002, hostile), served(20_000, hostile)];
    server.roles[0].title = hostile.to_owned();
    server.close_calls = vec![CloseCall {
        id: "agent".into(),
        title: hostile.to_owned(),
        served: vec![port(7004)],
        reason: CloseReason::Outranked(vec!["server".into()]),
    }];
    let mut recordings = captures(&[hostile, hostile]);
    recordings[0].end = "corrupt".into();
    recordings[0].end_detail = Some(hostile.into());
    recordings[1].dropped = Some(5);
    let text = written(&Proposal { hosts: vec![server], ..Proposal::default() }, &recordings);
    assert!(!text.chars().any(|c| c != '\n' && crate::report::text::acts(c)), "{}", text.escape_debug());
    let entries: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(
        entries,
        ["[site]", "name = \"\"", "[[host]]", "address = \"10.0.0.1\"", "name = \"\"", "roles = [\"server\"]"]
    );
    assert_eq!(read(&text).hosts().count(), 1);
    assert!(text.contains("corrupt, read up to there") && text.contains("the recorder dropped 5"), "{text}");
}

#[test]
fn the_largest_proposal_can_be_read() {
    let name = "y".repeat(500);
    let mut hosts = Vec::new();
    for n in 0..MOST_HOSTS as u16 {
        let mut host = host(&format!("2001:db8:1111:2222:3333:4444:5555:{:x}", 0x1000 + n), &["server"]);
        host.served = (1..=60).map(|p| served(p * 100, &name)).collect();
        let called = |p| CalledPort {
            port: port(p),
            server: host.address,
            servers: 3,
            flows: 99_999,
            documented: true,
            callers: vec!["agent".into()],
        };
        host.called = (1..=60).map(called).collect();
        host.doubtful = (1..=60).map(|p| (port(p), Doubt::OneSided)).collect();
        hosts.push(host);
    }
    let network = "2001:db8:1111:2222::/64".parse().unwrap();
    let all = Proposal { hosts, networks: vec![(network, 2); 64], swept_only: 7, ..Proposal::default() };
    let text = written(&all, &captures(&vec![name.as_str(); 300]));
    assert!(text.len() <= MAX_FILE_BYTES, "{}", text.len());
    assert_eq!(read(&text).hosts().count(), MOST_HOSTS);
    assert_eq!(text.matches("From here on without evidence").count(), 1);
    assert!(text.contains("7 addresses were called by sweeps only"));
    // Roles of a document that names very many ports and roles leave no room: that is said, and the rest can be read.
    let role = "r".repeat(2_000);
    let catalog = Catalog::empty();
    let mut hosts = all.hosts;
    hosts.iter_mut().for_each(|host| host.roles[0].id.clone_from(&role));
    let source = ProposalSource { captures: &[], losses: &[], catalog: &catalog, tool_version: "0.0.0" };
    let text = site_proposal(&Proposal { hosts, ..Proposal::default() }, &source).unwrap();
    assert!(text.len() <= MAX_FILE_BYTES && text.contains("further hosts found no room here"), "{}", text.len());
}

#[test]
fn long_sentences_are_broken_and_long_words_are_not() {
    let mut page = Page::default();
    page.item(&format!("{} {} end", "word ".repeat(40).trim(), "w".repeat(150)));
    let lines: Vec<&str> = page.text.lines().collect();
    assert!(lines.iter().all(|line| line.starts_with("#   ")), "{}", page.text);
    assert!(lines.iter().all(|line| line.len() <= COLUMNS + 2 || line.contains("www")));
    assert_eq!(lines.len(), 4);
    assert_eq!(entry::listed([1, 2, 3].iter(), "and"), "1, 2 and 3");
    assert_eq!(entry::listed(0..10, "and"), "0, 1, 2, 3, 4, 5 and 4 more");
    assert_eq!(entry::listed([1].iter(), "and"), "1");
}
