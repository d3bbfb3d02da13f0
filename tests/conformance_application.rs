//! What payload says, against an independent tool's reading of the outside corpus: protocols, and announced ports. Run by
//! `.ci/run`, or with
//!
//! ```text
//! PORTPROOF_SHARED=../shared cargo test --test conformance_application -- --ignored --nocapture
//! ```
//!
//! Needs no program: `--no-default-features` builds it without Polars. `PORTPROOF_ONLY=tls,http` prints every flow of these
//! protocols that differs, `PORTPROOF_ONLY=all` all of them.

#![allow(clippy::print_stdout, reason = "what was skipped, and the figures, are for the reader of the run")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

#[path = "support/heard.rs"]
mod heard;

use heard::{hear, shared, tsv};
use portproof::model::{Endpoint, FlowKey, FlowRecord, Mechanism, Transport};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

type Row = BTreeMap<String, String>;

/// Least share of the flows whose protocol is in our list that must have its name.
const LEAST_PERCENT: f64 = 98.0;

/// What the other tool calls a protocol, and our names for it: any of them is right.
const NAMES: &[(Transport, &str, &[&str])] = &[
    (Transport::Tcp, "dcerpc", &["dce-rpc"]),
    (Transport::Udp, "dcerpc", &["dce-rpc-datagram"]),
    (Transport::Udp, "pnio-cm", &["dce-rpc-datagram"]),
    (Transport::Udp, "dns", &["dns"]),
    (Transport::Tcp, "dns", &["dns"]),
    (Transport::Udp, "mdns", &["mdns"]),
    (Transport::Udp, "llmnr", &["llmnr"]),
    (Transport::Tcp, "http", &["http", "websocket", "socket.io"]),
    (Transport::Tcp, "websocket", &["websocket", "socket.io", "http"]),
    (Transport::Tcp, "tls", &["tls", "tds", "rdp", "smtp", "http", "ldap", "postgresql", "mysql", "ftp"]),
    (Transport::Udp, "quic", &["quic"]),
    (Transport::Udp, "gquic", &["quic"]),
    (Transport::Udp, "dtls", &["dtls"]),
    (Transport::Tcp, "smb", &["smb1", "smb2"]),
    (Transport::Tcp, "smb2", &["smb2", "smb1"]),
    (Transport::Tcp, "nbss", &["smb1", "smb2", "netbios-session"]),
    (Transport::Udp, "nbns", &["netbios-name"]),
    (Transport::Udp, "nbdgm", &["netbios-datagram"]),
    (Transport::Tcp, "kerberos", &["kerberos"]),
    (Transport::Udp, "kerberos", &["kerberos"]),
    (Transport::Tcp, "ldap", &["ldap"]),
    (Transport::Udp, "cldap", &["cldap"]),
    (Transport::Udp, "ntp", &["ntp"]),
    (Transport::Udp, "snmp", &["snmp"]),
    (Transport::Tcp, "opcua", &["opc-ua"]),
    (Transport::Tcp, "ssh", &["ssh"]),
    (Transport::Tcp, "tds", &["tds"]),
    (Transport::Tcp, "enip", &["ethernet-ip"]),
    (Transport::Udp, "enip", &["ethernet-ip"]),
    // The other tool goes by the port; what has the header of the encapsulation is called so here.
    (Transport::Udp, "cipio", &["cip-io", "ethernet-ip"]),
    (Transport::Tcp, "modbus", &["modbus"]),
    (Transport::Tcp, "s7comm", &["s7"]),
    (Transport::Tcp, "ftp", &["ftp"]),
    (Transport::Tcp, "smtp", &["smtp"]),
    (Transport::Tcp, "mysql", &["mysql"]),
    (Transport::Tcp, "pgsql", &["postgresql"]),
    (Transport::Udp, "rpc", &["onc-rpc"]),
    (Transport::Udp, "portmap", &["onc-rpc"]),
    (Transport::Udp, "syslog", &["syslog"]),
    (Transport::Tcp, "rdp", &["rdp"]),
];

fn endpoint(row: &Row, ip: &str, port: &str) -> Option<Endpoint> {
    Some(Endpoint { ip: row[ip].parse().ok()?, port: row[port].parse().ok()? })
}

fn key(row: &Row) -> Option<FlowKey> {
    let transport: Transport = row["proto"].parse().ok()?;
    let (client, server) = (endpoint(row, "client_ip", "client_port")?, endpoint(row, "server_ip", "server_port")?);
    Some(FlowKey::new(transport, client, server).0)
}

/// The names of ours that are right for a flow; `None` where its protocol is not in the list, or its opening not in the file.
fn expected(row: &Row, transport: Transport) -> Option<(&str, Vec<&'static str>)> {
    let number = |column: &str| row[column].parse::<u64>().unwrap_or(0);
    if number("payload_c2s") + number("payload_s2c") == 0 || !row["carries"].is_empty() {
        return None;
    }
    let theirs: Vec<&str> = row["top_protocols"].split(',').filter_map(|part| part.split(':').next()).collect();
    let ours = |name: &str| NAMES.iter().find(|(over, theirs, _)| *over == transport && *theirs == name);
    let known: Vec<_> = theirs.iter().filter_map(|name| ours(name)).collect();
    let first = known.first()?;
    Some((first.1, known.iter().flat_map(|(_, _, ours)| ours.iter().copied()).collect()))
}

#[derive(Debug, Default)]
struct Score {
    right: usize,
    unnamed: usize,
    other: BTreeMap<&'static str, usize>,
}

impl Score {
    fn all(&self) -> usize {
        self.right + self.unnamed + self.other.values().sum::<usize>()
    }
}

/// The record that starts nearest to a row's first packet.
fn nearest<'a>(records: &'a HashMap<FlowKey, Vec<FlowRecord>>, row: &Row) -> Option<&'a FlowRecord> {
    let first_ns = (row["first_ts"].parse::<f64>().ok()? * 1e9) as i64;
    records.get(&key(row)?)?.iter().min_by_key(|record| record.first_seen_ns.abs_diff(first_ns))
}

#[test]
#[ignore = "needs the outside corpus, and minutes"]
fn protocols_are_named_as_an_independent_tool_names_them() {
    let Some(corpus) = shared("corpus") else { return };
    let only = std::env::var("PORTPROOF_ONLY").unwrap_or_default();
    let mut by_file: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in tsv(&corpus.join("truth/flows.tsv")) {
        by_file.entry(row["file"].clone()).or_default().push(row);
    }
    let mut scores: BTreeMap<(Transport, String), Score> = BTreeMap::new();
    let mut unasked: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
    for (file, rows) in by_file {
        let Some((heard, _)) = hear(&corpus.join(&file)) else { continue };
        let mut records: HashMap<FlowKey, Vec<FlowRecord>> = HashMap::new();
        heard.flows.iter().for_each(|record| records.entry(record.key).or_default().push(*record));
        for row in rows {
            let Some(record) = nearest(&records, &row) else { continue };
            let transport = record.key.transport;
            let name = record.application.map(|is| is.protocol.name());
            let Some((theirs, right)) = expected(&row, transport) else {
                if let Some(name) = name {
                    *unasked.entry((row["top_protocols"].clone(), name)).or_default() += 1;
                }
                continue;
            };
            // Without the beginning of a stream nobody has to know what it is.
            let begins = transport == Transport::Udp || row["syn"] != "0" || row["synack"] != "0";
            let score = scores.entry((transport, theirs.to_owned())).or_default();
            match name {
                Some(name) if right.contains(&name) => score.right += 1,
                None if !begins => {}
                None => score.unnamed += 1,
                Some(name) => *score.other.entry(name).or_default() += 1,
            }
            if !name.is_some_and(|name| right.contains(&name))
                && (only == "all" || only.split(',').any(|o| o == theirs))
            {
                let at = format!("{file} frame {} {} {}", record.first_frame, record.key.a, record.key.b);
                println!("{theirs}: {name:?} {} begins {begins}: {at}", row["top_protocols"]);
            }
        }
    }
    let (mut right, mut all) = (0, 0);
    for ((transport, name), score) in &scores {
        println!(
            "{transport} {name}: {} of {}, unnamed {}, other {:?}",
            score.right,
            score.all(),
            score.unnamed,
            score.other
        );
        right += score.right;
        all += score.all();
    }
    println!("together {right} of {all}: {:.2}%", percent(right, all));
    println!("named by us, and called otherwise or not at all by the other tool: {unasked:#?}");
    assert!(percent(right, all) >= LEAST_PERCENT);
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// Announcements of the truth that lack: file, mechanism, subject, announcing host, port.
fn missing(
    rows: &[Row],
    wanted: impl Fn(&Row) -> Option<(&'static [Mechanism], String, IpAddr, u16)>,
) -> (usize, usize) {
    let Some(corpus) = shared("corpus") else { return (0, 0) };
    let mut by_file: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    rows.iter().for_each(|row| by_file.entry(&row["file"]).or_default().push(row));
    let (mut all, mut found) = (0, 0);
    for (file, rows) in by_file {
        let heard = hear(&corpus.join(file)).map(|(heard, _)| heard).unwrap_or_default();
        let mut told: HashMap<(Mechanism, String, IpAddr, u16), usize> = HashMap::new();
        for said in &heard.announcements {
            let Some(port) = said.said.answer.port() else { continue };
            *told.entry((said.said.mechanism, said.said.subject.clone(), said.host, port)).or_default() += 1;
        }
        for row in rows {
            let Some((mechanisms, subject, host, port)) = wanted(row) else { continue };
            all += 1;
            let hit = mechanisms.iter().find(|mechanism| {
                let key = (**mechanism, subject.clone(), host, port);
                told.get_mut(&key).filter(|left| **left > 0).map(|left| *left -= 1).is_some()
            });
            match hit {
                Some(_) => found += 1,
                None => println!("lacks {file} frame {}: {mechanisms:?} {subject} {host} {port}", row["frame"]),
            }
        }
        for ((mechanism, subject, host, port), left) in told.iter().filter(|(_, left)| **left > 0) {
            println!("besides: {file} {} {subject} {host} {port}: {left}", mechanism.name());
        }
    }
    (all, found)
}

#[test]
#[ignore = "needs the outside corpus"]
fn every_answer_of_an_endpoint_mapper_is_heard() {
    let Some(corpus) = shared("corpus") else { return };
    let rows = tsv(&corpus.join("truth/epm.tsv"));
    let (all, found) = missing(&rows, |row| {
        let ports = [&row["announced_tcp_port"], &row["announced_udp_port"], &row["announced_http_port"]];
        let port = ports.into_iter().find_map(|port| port.parse().ok())?;
        let mechanism: &[Mechanism] = if row["opnum"] == "2" { &[Mechanism::EptLookup] } else { &[Mechanism::EptMap] };
        Some((mechanism, row["interface_uuid"].clone(), row["server_ip"].parse().ok()?, port))
    });
    println!("{found} of {all} towers with a port");
    assert_eq!(found, all);
}

/// Announcements of brokers that the truth tables list, in captures that they do not list.
#[test]
#[ignore = "needs the outside corpus, and minutes"]
fn nothing_is_announced_where_nobody_announced_anything() {
    let Some(corpus) = shared("corpus") else { return };
    let mut listed = BTreeSet::new();
    for table in ["epm", "dcom"] {
        listed
            .extend(tsv(&corpus.join("truth").join(format!("{table}.tsv"))).into_iter().map(|row| row["file"].clone()));
    }
    let told_elsewhere = |mechanism: Mechanism| {
        // FTP, portmapper and the like have no table.
        let others = [
            Mechanism::FtpPassive,
            Mechanism::FtpActive,
            Mechanism::Portmapper,
            Mechanism::ForwardOpen,
            Mechanism::FlexNetRedirect,
        ];
        !others.contains(&mechanism)
    };
    let mut captures = 0;
    for row in tsv(&corpus.join("manifest.tsv")).iter().filter(|row| !listed.contains(&row["file"])) {
        let Some((heard, _)) = hear(&corpus.join(&row["file"])) else { continue };
        captures += 1;
        // The other tool reads no answer whose bind is not in the file (trap 4 of the corpus). That a port was announced is
        // proved there by the call that follows.
        let called = |host: IpAddr, port: u16| {
            let ends = heard.flows.iter().flat_map(|flow| [flow.key.a, flow.key.b]);
            ends.into_iter().any(|end| end == Endpoint { ip: host, port })
        };
        let wrong: Vec<_> = heard
            .announcements
            .iter()
            .filter(|said| told_elsewhere(said.said.mechanism))
            .filter(|said| said.said.answer.port().is_some_and(|port| !called(said.host, port)))
            .take(3)
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", row["file"]);
    }
    println!("{captures} captures without a broker's answer");
    assert!(captures > 100);
}

#[test]
#[ignore = "needs the outside corpus"]
fn every_string_binding_of_dcom_is_heard() {
    let Some(corpus) = shared("corpus") else { return };
    let rows = tsv(&corpus.join("truth/dcom.tsv"));
    let mechanisms: &[Mechanism] =
        &[Mechanism::ResolveOxid, Mechanism::RemoteActivation, Mechanism::GetClassObject, Mechanism::CreateInstance];
    let told = |row: &Row| -> Option<(String, IpAddr, u16)> {
        Some((row["file"].clone(), row["server_ip"].parse().ok()?, row["binding_port"].parse().ok()?))
    };
    let mut all = 0;
    for row in &rows {
        let Some((file, host, port)) = told(row) else { continue };
        all += 1;
        let heard = hear(&corpus.join(&file)).map(|(heard, _)| heard).unwrap_or_default();
        let hit = heard.announcements.iter().any(|said| {
            let stated = row["binding"].split('[').next().unwrap_or_default();
            mechanisms.contains(&said.said.mechanism)
                && said.host == host
                && said.said.answer.port() == Some(port)
                && said.said.stated_host == stated
        });
        assert!(hit, "{file} frame {}: {}", row["frame"], row["binding"]);
    }
    println!("{all} string bindings with a port");
    assert!(all > 0);
}
