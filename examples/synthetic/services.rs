//! One conversation of each service: what is said, by whom, and how it ends.

use super::bytes::{infra, office, plant, rpc, sql, stand_in};
use super::cast::Who;
use super::dialogue::{Dialogue, Plan, Side};
use super::stage::{MS, Outcome, S, START_NS, Stage, Transport, US, Why};
use super::wire;
use Side::{Client, Server};

/// A datagram and its answer. Without an answer the host says that nobody listens: ICMP 3/3.
pub(crate) fn datagram(stage: &mut Stage, at_ns: i64, plan: &Plan, request: &[u8], answer: Option<&[u8]>) {
    let outcome = if answer.is_some() { Outcome::Established } else { Outcome::Refused };
    let (number, [local, remote]) = plan.enter(stage, Transport::Udp, outcome);
    let (here, there) = (local.who.host(), remote.who.host());
    let id = stage.id(local.who);
    stage.put(at_ns, Some(number), wire::udp((here, local.port), (there, remote.port), id, request), None);
    let answer_ns = at_ns + stage.dice.between(250 * US, 4 * MS);
    let id = stage.id(remote.who);
    match answer {
        Some(answer) => {
            let frame = wire::udp((there, remote.port), (here, local.port), id, answer);
            stage.put(answer_ns, Some(number), frame, None);
        }
        None => {
            let reason = etherparse::icmpv4::DestUnreachableHeader::Port;
            let frame = wire::unreachable(there, here, id, reason, stage.last_frame());
            stage.put(answer_ns, None, frame, None);
        }
    }
}

/// DNS: the address of one of the cast.
pub(crate) fn dns(stage: &mut Stage, at_ns: i64, client: Who, about: Who) {
    let id = stage.dice.word() as u16;
    let name = format!("{}.plant.example", about.host().name);
    let plan = Plan::new(client, Who::Domain, 53, Why::Infrastructure, "DNS");
    let answer = infra::dns_answer(id, &name, about.host().ip);
    datagram(stage, at_ns, &plan, &infra::dns_query(id, &name), Some(&answer));
}

/// NTP.
pub(crate) fn ntp(stage: &mut Stage, at_ns: i64, client: Who) {
    let seconds = (at_ns / S) as u32;
    let plan = Plan::new(client, Who::Domain, 123, Why::Infrastructure, "NTP");
    datagram(stage, at_ns, &plan, &infra::ntp(3, seconds), Some(&infra::ntp(4, seconds)));
}

/// Kerberos and LDAP, as at a domain sign-in.
pub(crate) fn domain_sign_in(stage: &mut Stage, at_ns: i64, client: Who) {
    dns(stage, at_ns, client, Who::Domain);
    let plan = Plan::new(client, Who::Domain, 88, Why::Infrastructure, "Kerberos");
    let mut dialogue = Dialogue::open(stage, at_ns + 30 * MS, &plan);
    dialogue.say(Client, &infra::kerberos_request(client.host().name)).say(Server, &infra::kerberos_error());
    dialogue.finish(Client);
    let next_ns = dialogue.now_ns() + 20 * MS;
    let plan = Plan::new(client, Who::Domain, 389, Why::Infrastructure, "LDAP");
    let mut dialogue = Dialogue::open(stage, next_ns, &plan);
    dialogue.say(Client, &infra::ldap_bind()).say(Server, &infra::ldap_bound());
    dialogue.say(Client, &infra::ldap_search()).say(Server, &infra::ldap_found());
    dialogue.say(Client, &infra::ldap_unbind());
    dialogue.finish(Client);
}

/// Socket.IO by long polling (Engine.IO 4): a handshake and then a poll every 25 s.
pub(crate) fn socket_io(stage: &mut Stage, at_ns: i64, client: Who, polls: u32) {
    let name = Who::Server.host().name;
    let id = format!("{:016x}", stage.dice.below(u64::MAX));
    let path = "/socket.io/?EIO=4&transport=polling";
    let plan = Plan::new(client, Who::Server, 80, Why::Documented, "Socket.IO");
    let mut dialogue = Dialogue::open(stage, at_ns, &plan);
    let hello = format!("0{{\"sid\":\"{id}\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}}");
    dialogue.say(Client, &office::get(name, path)).say(Server, &office::ok("text/plain", &hello));
    for _ in 0..polls {
        dialogue.say(Client, &office::get(name, &format!("{path}&sid={id}"))).pause(25 * S);
        dialogue.say(Server, &office::ok("text/plain", "2"));
        dialogue.say(Client, &office::post(name, &format!("{path}&sid={id}"), "3"));
        dialogue.say(Server, &office::ok("text/html", "ok"));
    }
    dialogue.finish(Client);
}

/// HTTPS to the AssetCentre server.
pub(crate) fn https(stage: &mut Stage, at_ns: i64, plan: &Plan, request_bytes: usize, answer_bytes: usize) {
    let hello = office::client_hello(&mut stage.dice, "ftac-srv.plant.example");
    let answer = office::server_hello(&mut stage.dice);
    let finished = office::sealed(&mut stage.dice, 53);
    let request = office::sealed(&mut stage.dice, request_bytes);
    let reply = office::sealed(&mut stage.dice, answer_bytes);
    let mut dialogue = Dialogue::open(stage, at_ns, plan);
    dialogue.say(Client, &hello).say(Server, &answer).say(Client, &finished);
    dialogue.say(Client, &request).pause(60 * MS).say(Server, &reply).pause(400 * MS);
    dialogue.finish(Client);
}

/// HTTP with one request.
pub(crate) fn http(stage: &mut Stage, at_ns: i64, plan: &Plan, path: &str) {
    let name = plan.server.host().name;
    let mut dialogue = Dialogue::open(stage, at_ns, plan);
    dialogue.say(Client, &office::get(name, path)).say(Server, &office::ok("text/plain", "synthetic demo content\n"));
    dialogue.pause(90 * MS);
    dialogue.finish(Server);
}

/// What the server wants of its database.
pub(crate) enum Query {
    /// Store this many bytes.
    Store(usize),
    /// Fetch this many bytes.
    Fetch(usize),
}

/// SQL browser, then a session: AssetCentre server to SQL server, as steps 3, 6 and 14 of Table 4 and 6 of Table 3.
pub(crate) fn sql(stage: &mut Stage, at_ns: i64, step: Option<(u8, u8)>, query: &Query) {
    let plan = |port, service| Plan { step, ..Plan::new(Who::Server, Who::Sql, port, Why::Documented, service) };
    let browser = plan(1434, "SQL Server browser");
    datagram(stage, at_ns, &browser, &sql::browser_request(), Some(&sql::browser_answer()));
    let content = match query {
        Query::Fetch(bytes) => stand_in("an archived ACD file", "revision", *bytes),
        Query::Store(_) => Vec::new(),
    };
    let mut dialogue = Dialogue::open(stage, at_ns + 15 * MS, &plan(1433, "SQL Server"));
    dialogue.say(Client, &sql::prelogin()).say(Server, &sql::prelogin_answer());
    dialogue.say(Client, &sql::login()).pause(8 * MS).say(Server, &sql::login_answer());
    match query {
        Query::Fetch(_) => {
            dialogue.say(Client, &sql::batch("SELECT content FROM demo.archive WHERE name = N'line1.acd'"));
            dialogue.pause(30 * MS).say(Server, &sql::rows(&content));
        }
        Query::Store(bytes) => {
            let value = "ab".repeat(bytes / 4);
            let statement = format!("INSERT INTO demo.archive (name, content) VALUES (N'line1.acd', 0x{value})");
            dialogue.say(Client, &sql::batch(&statement)).pause(40 * MS).say(Server, &sql::batch_done(1));
        }
    }
    dialogue.pause(3 * S);
    dialogue.finish(Client);
}

/// One request and one answer in a protocol without a public description.
pub(crate) fn vendor(stage: &mut Stage, at_ns: i64, plan: &Plan, request_bytes: usize, answer_bytes: usize) {
    let request = stand_in(plan.service, "request", request_bytes);
    let answer = stand_in(plan.service, "answer", answer_bytes);
    let repeated = stage.dice.percent(8);
    let aborted = stage.dice.percent(12);
    let mut dialogue = Dialogue::open(stage, at_ns, plan);
    if repeated {
        dialogue.say_again(Client, &request);
    } else {
        dialogue.say(Client, &request);
    }
    dialogue.pause(35 * MS).say(Server, &answer).pause(500 * MS);
    if aborted { dialogue.abort(Client) } else { dialogue.finish(Client) }
}

/// A connection that stays open over the end of the recording, with keep-alive probes.
pub(crate) fn standing(stage: &mut Stage, at_ns: i64, plan: &Plan, until_ns: i64) {
    let mut dialogue = Dialogue::open(stage, at_ns, plan);
    dialogue.say(Client, &stand_in(plan.service, "subscribe", 200)).say(Server, &stand_in(plan.service, "yes", 120));
    let seconds = (until_ns - dialogue.now_ns()) / S;
    dialogue.idle(Client, seconds);
}

/// Licence checkout: the manager names the vendor daemon, which gives the licence.
pub(crate) fn license(stage: &mut Stage, at_ns: i64, client: Who) {
    let host = Who::License;
    let plan = Plan::new(client, host, 27000, Why::Documented, "lmgrd");
    let mut dialogue = Dialogue::open(stage, at_ns, &plan);
    dialogue.say(Client, &stand_in("lmgrd", "which daemon?", 147));
    dialogue.say(Server, &plant::license_redirect(host.host().name, 27001));
    dialogue.finish(Client);
    let next_ns = dialogue.now_ns() + 5 * MS;
    let plan = Plan::new(client, host, 27001, Why::Documented, "vendor daemon");
    let mut dialogue = Dialogue::open(stage, next_ns, &plan);
    dialogue.say(Client, &stand_in("vendor daemon", "checkout", 147));
    dialogue.say(Server, &stand_in("vendor daemon", "granted", 147)).idle(Client, 75);
    dialogue.finish(Client);
}

/// The agent finds the controller and reads tags from it: steps 10 and 11 of Table 4.
pub(crate) fn controller(stage: &mut Stage, at_ns: i64, run: u8, step: u8, reads: u32) {
    let plan = Plan::new(Who::Agent, Who::Controller, 44818, Why::Documented, "EtherNet/IP").step(run, step);
    let identity = plant::identity(Who::Controller.host().ip.octets());
    datagram(stage, at_ns, &plan, &plant::list_identity(), Some(&identity));
    let session = 0x0100_0000 | stage.dice.word() >> 16;
    let tables: Vec<Vec<u32>> = (0..reads).map(|_| (0..100).map(|_| stage.dice.word() & 0xffff).collect()).collect();
    let mut dialogue = Dialogue::open(stage, at_ns + 12 * MS, &plan);
    dialogue.say(Client, &plant::register_session(0)).say(Server, &plant::register_session(session));
    for values in &tables {
        dialogue.say(Client, &plant::read_tag(session, "DemoTags", values.len() as u16));
        dialogue.say(Server, &plant::tag_values(session, values)).pause(900 * MS);
    }
    dialogue.say(Client, &plant::unregister_session(session));
    dialogue.finish(Client);
}

/// Asks the endpoint mapper where these interfaces are, and gives the time at which the answers are there.
pub(crate) fn mapper(stage: &mut Stage, at_ns: i64, (client, server): (Who, Who), wanted: &[([u8; 16], u16)]) -> i64 {
    let address = server.host().ip.octets();
    let group = stage.dice.word();
    let plan = Plan::new(client, server, rpc::MAPPER_PORT, Why::Documented, "DCOM endpoint mapper");
    let mut dialogue = Dialogue::open(stage, at_ns, &plan);
    dialogue.say(Client, &rpc::bind(&rpc::ENDPOINT_MAPPER, 3, 1)).say(Server, &rpc::bind_ack(135, group, 1));
    for ((interface, port), call) in wanted.iter().zip(2..) {
        dialogue.say(Client, &rpc::ept_map(interface, call));
        dialogue.say(Server, &rpc::ept_map_answer(interface, *port, address, call));
    }
    dialogue.finish(Client);
    dialogue.now_ns()
}

/// One client looks up some listeners (by their number on the stage) of one host and uses each of them.
pub(crate) fn rpc_visit(stage: &mut Stage, at_ns: i64, pair: (Who, Who), listeners: &[usize]) {
    let wanted: Vec<([u8; 16], u16)> =
        listeners.iter().map(|n| (stage.listeners[*n].interface, stage.listeners[*n].port)).collect();
    let mut next_ns = mapper(stage, at_ns, pair, &wanted);
    for n in listeners {
        let connections = if stage.dice.percent(15) { 2 } else { 1 };
        for _ in 0..connections {
            next_ns += stage.dice.between(3 * MS, 180 * MS);
            rpc_call(stage, next_ns, pair, *n);
        }
    }
}

fn rpc_call(stage: &mut Stage, at_ns: i64, (client, server): (Who, Who), listener: usize) {
    let (interface, port) = (stage.listeners[listener].interface, stage.listeners[listener].port);
    let plan = Plan::new(client, server, port, Why::Announced, stage.listeners[listener].process);
    let group = stage.dice.word();
    let calls = stage.dice.between(1, 2) as u32;
    let ending = stage.dice.below(100);
    let hold_s = stage.dice.between(15, 100);
    let stubs: Vec<Vec<u8>> = (0..2 * calls)
        .map(|_| {
            let bytes = 8 * stage.dice.between(2, 12) as usize;
            stage.dice.bytes(bytes)
        })
        .collect();
    let mut dialogue = Dialogue::open(stage, at_ns, &plan);
    dialogue.say(Client, &rpc::bind(&interface, 1, 1)).say(Server, &rpc::bind_ack(port, group, 1));
    for (pair, call) in stubs.chunks(2).zip(2u32..) {
        dialogue
            .say(Client, &rpc::request(call as u16 + 1, &pair[0], call))
            .say(Server, &rpc::response(&pair[1], call));
    }
    match ending {
        0..55 => dialogue.finish(Client),
        55..65 => dialogue.abort(Client),
        65..70 => dialogue.pause(2 * S).abort(Server),
        _ => dialogue.idle(Client, hold_s).finish(Client),
    }
}

/// The server tells the client that a schedule is done: Table 4 step 15.
pub(crate) fn notification(stage: &mut Stage, at_ns: i64, run: u8, port: u16) {
    let plan = Plan::new(Who::Server, Who::Client, port, Why::Notification, "RA.FTAC.Client.exe").step(run, 15);
    let mut dialogue = Dialogue::open(stage, at_ns, &plan);
    dialogue.say(Client, &stand_in(plan.service, "schedule completed", 260));
    dialogue.say(Server, &stand_in(plan.service, "seen", 60)).pause(200 * MS);
    dialogue.finish(Client);
}

/// Seconds after the beginning as an absolute time.
pub(crate) fn second(seconds: f64) -> i64 {
    START_NS + (seconds * 1000.0).round() as i64 * MS
}
