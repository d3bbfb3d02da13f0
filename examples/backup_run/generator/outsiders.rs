//! What no document covers, and what does not get through.

use super::synthetic::bytes::{office, plant, stand_in};
use super::synthetic::cast::Who;
use super::synthetic::dialogue::{Dialogue, Obstacle, Plan, Side, attempt};
use super::synthetic::script::Script;
use super::synthetic::services::{self, datagram};
use super::synthetic::stage::{MS, S, Stage, Transport, US, Why};
use super::synthetic::wire;
use Side::{Client, Server};

/// Flows that no document has, and a documented port with a caller that no document names.
pub(crate) fn undocumented(script: &mut Script) {
    for second in [395.0, 1410.0] {
        script.at(second, remote_desktop);
    }
    for second in [300.0, 750.0, 1200.0, 1650.0] {
        script.at(second, modbus);
    }
    script.at(1005.0, secure_shell);
    for second in [580.0, 1870.0] {
        script.at(second, |stage, at_ns| {
            let plan = Plan::new(Who::Agent, Who::Server, 8080, Why::Undocumented, "HTTP on 8080");
            services::http(stage, at_ns, &plan, "/status");
        });
    }
    script.at(1333.0, |stage, at_ns| {
        let plan = Plan::new(Who::Outsider, Who::Controller, 47808, Why::Undocumented, "BACnet/IP");
        datagram(stage, at_ns, &plan, &plant::who_is(), Some(&plant::i_am()));
    });
    for second in [820.0, 1765.0] {
        script.at(second, |stage, at_ns| {
            let plan = Plan::new(Who::Outsider, Who::Server, 7002, Why::UnexpectedPeer, "RA.FTAC.Server.exe");
            services::vendor(stage, at_ns, &plan, 180, 300);
        });
    }
}

/// Dynamic ports that nothing leads to. The script gives each at least one visit, some more.
pub(crate) fn strays(script: &mut Script, stage: &Stage) {
    let strays = stage.listeners.iter().enumerate().filter(|(_, listener)| listener.is_stray());
    // In the order of the cast: four on the server, five on the agent.
    let visits: [&[f64]; 9] = [
        &[700.0, 1500.0],
        &[1210.0],
        &[860.0],
        &[1300.0],
        &[910.0, 2080.0],
        &[1620.0],
        &[1010.0],
        &[480.0],
        // The client asks the agent's endpoint mapper neither in the minute before this nor before that.
        &[130.0, 1020.0],
    ];
    for ((number, _), seconds) in strays.zip(visits) {
        for second in seconds {
            script.at(*second, move |stage, at_ns| stray(stage, at_ns, number));
        }
    }
}

fn stray(stage: &mut Stage, at_ns: i64, number: usize) {
    let listener = &stage.listeners[number];
    let plan = Plan::new(listener.users[0], listener.host, listener.port, Why::Stray, "unknown");
    let mut dialogue = Dialogue::open(stage, at_ns, &plan);
    dialogue.say(Client, &stand_in("an unknown service", "request", 150));
    dialogue.say(Server, &stand_in("an unknown service", "answer", 420)).pause(700 * MS);
    dialogue.finish(Client);
}

fn remote_desktop(stage: &mut Stage, at_ns: i64) {
    let hello = office::client_hello(&mut stage.dice, "ftac-srv.plant.example");
    let answer = office::server_hello(&mut stage.dice);
    let screens: Vec<Vec<u8>> = (0..8).map(|_| office::sealed(&mut stage.dice, 700)).collect();
    let keys: Vec<Vec<u8>> = (0..8).map(|_| office::sealed(&mut stage.dice, 40)).collect();
    let plan = Plan::new(Who::Outsider, Who::Server, 3389, Why::Undocumented, "RDP");
    let mut dialogue = Dialogue::open(stage, at_ns, &plan);
    dialogue.say(Client, &office::rdp_request()).say(Server, &office::rdp_confirm());
    dialogue.say(Client, &hello).say(Server, &answer);
    for (key, screen) in keys.iter().zip(&screens) {
        dialogue.say(Client, key).say(Server, screen).pause(2 * S);
    }
    dialogue.abort(Client);
}

fn modbus(stage: &mut Stage, at_ns: i64) {
    let plan = Plan::new(Who::Agent, Who::Controller, 502, Why::Undocumented, "Modbus/TCP");
    let mut dialogue = Dialogue::open(stage, at_ns, &plan);
    for transaction in 1..=6u16 {
        let values: Vec<u16> = (0..10).map(|n| 100 * transaction + n).collect();
        dialogue.say(Client, &plant::read_registers(transaction, 0, 10));
        dialogue.say(Server, &plant::registers(transaction, &values)).pause(S);
    }
    dialogue.finish(Client);
}

fn secure_shell(stage: &mut Stage, at_ns: i64) {
    let offer = office::ssh_key_exchange(&mut stage.dice);
    let answer = office::ssh_key_exchange(&mut stage.dice);
    let plan = Plan::new(Who::Outsider, Who::License, 22, Why::Undocumented, "SSH");
    let mut dialogue = Dialogue::open(stage, at_ns, &plan);
    dialogue.say(Server, &office::ssh_banner("OpenSSH_9.2")).say(Client, &office::ssh_banner("PuTTY_Release_0.81"));
    dialogue.say(Client, &offer).say(Server, &answer).pause(9 * S);
    dialogue.finish(Client);
}

/// Attempts that do not get through, each in its own way.
pub(crate) fn blocked(script: &mut Script) {
    let tries: [(f64, Plan, Obstacle); 7] = [
        (330.0, documented(Who::Agent, Who::Server, 5241, "RsvcHost.exe"), Obstacle::Closed),
        (1100.0, documented(Who::Client, Who::Server, 22352, "CmWebAdmin.exe"), Obstacle::Closed),
        (505.0, documented(Who::Client, Who::Agent, 7111, "FTWebSupportService.exe"), Obstacle::Drop),
        (1455.0, documented(Who::Client, Who::Agent, 7111, "FTWebSupportService.exe"), Obstacle::Drop),
        (640.0, documented(Who::Client, Who::Agent, 1332, "RdcyHost.exe"), Obstacle::Filter),
        (1560.0, documented(Who::Server, Who::Agent, 4244, "LocalOPCServer.exe"), Obstacle::Drop),
        (1150.0, Plan::new(Who::Outsider, Who::Sql, 1433, Why::UnexpectedPeer, "SQL Server"), Obstacle::Filter),
    ];
    for (second, plan, obstacle) in tries {
        script.at(second, move |stage, at_ns| attempt(stage, at_ns, &plan, obstacle));
    }
    script.at(1690.0, announced_and_dropped);
    script.at(975.0, |stage, at_ns| {
        let plan = documented(Who::Agent, Who::Server, 6904, "RsvcHost.exe");
        datagram(stage, at_ns, &plan, &stand_in("RsvcHost.exe", "session status", 80), None);
    });
}

fn documented(client: Who, server: Who, port: u16, service: &'static str) -> Plan {
    Plan::new(client, server, port, Why::Documented, service)
}

/// The firewall lets the endpoint mapper through, and not the port that it announces.
fn announced_and_dropped(stage: &mut Stage, at_ns: i64) {
    let mut interface = [0x5a; 16];
    (interface[7], interface[8]) = (0x4a, 0x8a);
    let port = stage.ephemeral(Who::Server, Transport::Tcp);
    stage.reserve(Who::Server, port);
    let answered_ns = services::mapper(stage, at_ns, (Who::Agent, Who::Server), &[(interface, port)]);
    let plan = Plan::new(Who::Agent, Who::Server, port, Why::Announced, "announced, then dropped");
    attempt(stage, answered_ns + 4 * MS, &plan, Obstacle::Drop);
}

/// Address resolution and a few pings: no flows, but no recording is without them.
pub(crate) fn background(script: &mut Script) {
    let pairs = [
        (Who::Client, Who::Server),
        (Who::Agent, Who::Server),
        (Who::Server, Who::Sql),
        (Who::Agent, Who::Controller),
        (Who::Outsider, Who::Server),
        (Who::Client, Who::License),
    ];
    for round in 0..4u32 {
        for (n, (from, to)) in pairs.into_iter().enumerate() {
            let second = 2.0 + f64::from(round) * 520.0 + n as f64 * 3.7;
            script.at(second, move |stage, at_ns| resolve(stage, at_ns, from, to));
        }
    }
    for second in [12.0, 390.0, 1300.5] {
        script.at(second, |stage, at_ns| ping(stage, at_ns, Who::Outsider, Who::Server));
    }
}

fn resolve(stage: &mut Stage, at_ns: i64, from: Who, to: Who) {
    stage.put(at_ns, None, wire::arp_request(from.host(), to.host()), None);
    let answer_ns = at_ns + stage.dice.between(90 * US, 400 * US);
    stage.put(answer_ns, None, wire::arp_reply(to.host(), from.host()), None);
}

fn ping(stage: &mut Stage, at_ns: i64, from: Who, to: Who) {
    for seq in 1..=2 {
        let header = etherparse::IcmpEchoHeader { id: 1, seq };
        let at_ns = at_ns + i64::from(seq) * S;
        let id = stage.id(from);
        stage.put(at_ns, None, wire::echo_request(from.host(), to.host(), id, header), None);
        let id = stage.id(to);
        let answer_ns = at_ns + stage.dice.between(200 * US, 600 * US);
        stage.put(answer_ns, None, wire::echo_reply(to.host(), from.host(), id, header), None);
    }
}
