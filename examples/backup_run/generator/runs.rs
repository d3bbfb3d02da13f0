//! The documented flows: signing in (Table 1), opening client and web client (Tables 3 and 5), and the backup schedule
//! run (Table 4), whose steps "internal to computer" leave nothing on the wire.

use super::synthetic::cast::{ACTIVATION_BOOST, RSVC_HOST, Who};
use super::synthetic::dialogue::Plan;
use super::synthetic::script::Script;
use super::synthetic::services::{self, Query, datagram};
use super::synthetic::stage::{MS, S, Why};

/// When the four backup runs begin, in seconds.
pub(crate) const RUNS: [f64; 4] = [180.0, 630.0, 1080.0, 1530.0];
/// When the recording ends, in seconds.
pub(crate) const END: f64 = 2160.0;

fn documented(client: Who, server: Who, port: u16, service: &'static str) -> Plan {
    Plan::new(client, server, port, Why::Documented, service)
}

/// Domain and directory sign-in of client and agent (Table 1), time and names for everybody.
pub(crate) fn sign_in(script: &mut Script) {
    for (who, second) in [(Who::Server, 4.0), (Who::Client, 20.0), (Who::Agent, 55.0), (Who::Client, 1400.0)] {
        script.at(second, move |stage, at_ns| services::domain_sign_in(stage, at_ns, who));
    }
    script.at(22.0, |stage, at_ns| services::socket_io(stage, at_ns, Who::Client, 10));
    script.at(57.0, |stage, at_ns| services::socket_io(stage, at_ns, Who::Agent, 80));
    script.at(1402.0, |stage, at_ns| services::socket_io(stage, at_ns, Who::Client, 12));
    for (who, offset) in [(Who::Server, 0.0), (Who::Agent, 1.1), (Who::Client, 2.3), (Who::Sql, 3.1)] {
        for round in 0..3 {
            let second = 90.0 + f64::from(round) * 700.0 + offset;
            script.at(second, move |stage, at_ns| services::ntp(stage, at_ns, who));
        }
    }
    let names = [
        (Who::Client, Who::Server),
        (Who::Agent, Who::Server),
        (Who::Server, Who::Sql),
        (Who::Server, Who::Agent),
        (Who::Client, Who::License),
        (Who::Agent, Who::License),
    ];
    for (n, (client, about)) in names.into_iter().enumerate() {
        for round in 0..4 {
            let second = 8.0 + f64::from(round) * 450.0 + n as f64 * 1.3;
            script.at(second, move |stage, at_ns| services::dns(stage, at_ns, client, about));
        }
    }
}

/// The client application and the web client are opened (Tables 3 and 5).
pub(crate) fn clients(script: &mut Script) {
    for (port, second) in [(80u16, 100.0), (443, 102.0), (443, 960.0), (443, 966.0)] {
        script.at(second, move |stage, at_ns| {
            let plan = documented(Who::Client, Who::Server, port, "RA.FTAC.Server.exe");
            match port {
                80 => services::http(stage, at_ns, &plan, "/licenses"),
                _ => services::https(stage, at_ns, &plan, 380, 3_600),
            }
            services::sql(stage, at_ns + 60 * MS, None, &Query::Fetch(1_500));
        });
    }
    for (who, second) in [(Who::Client, 98.0), (Who::Agent, 70.0), (Who::Client, 958.0), (Who::Agent, 1060.0)] {
        script.at(second, move |stage, at_ns| services::license(stage, at_ns, who));
    }
}

/// Documented services beside the backup: directory synchronisation, events, diagnostics, activation.
pub(crate) fn services_around(script: &mut Script) {
    script.at(40.0, |stage, at_ns| {
        let plan = documented(Who::Client, Who::Server, 7700, "EventServer.exe");
        services::standing(stage, at_ns, &plan, services::second(END));
    });
    let calls: [(Who, Who, u16, &'static str, [f64; 3]); 12] = [
        (Who::Client, Who::Server, 3060, "RnaDirServer.exe", [30.0, 700.0, 1404.0]),
        (Who::Agent, Who::Server, 3060, "RnaDirServer.exe", [64.0, 720.0, 1420.0]),
        (Who::Client, Who::Server, 7710, "RnaDirServer.exe", [32.0, 440.0, 1406.0]),
        (Who::Agent, Who::Server, 7710, "RnaDirServer.exe", [66.0, 445.0, 1425.0]),
        (Who::Agent, Who::Server, 4255, "RsvcHost.exe", [120.0, 800.0, 1900.0]),
        (Who::Client, Who::Server, 7147, "RNADiagnosticsSrv.exe", [110.0, 810.0, 1910.0]),
        (Who::Agent, Who::Server, 22350, "CodeMeter.exe", [75.0, 870.0, 1700.0]),
        (Who::Client, Who::Server, ACTIVATION_BOOST, "FTActivationBoost.exe", [95.0, 955.0, 1840.0]),
        (Who::Agent, Who::Server, ACTIVATION_BOOST, "FTActivationBoost.exe", [72.0, 1062.0, 1850.0]),
        (Who::Server, Who::Agent, ACTIVATION_BOOST, "FTActivationBoost.exe", [78.0, 1066.0, 1860.0]),
        (Who::Agent, Who::Server, RSVC_HOST, "RsvcHost.exe", [125.0, 805.0, 1905.0]),
        (Who::Server, Who::Agent, 27000, "lmgrd.exe", [85.0, 1070.0, 1865.0]),
    ];
    for (client, server, port, service, seconds) in calls {
        for second in seconds {
            script.at(second, move |stage, at_ns| {
                services::vendor(stage, at_ns, &documented(client, server, port, service), 220, 640);
            });
        }
    }
    for second in [140.0, 900.0, 1500.0] {
        script.at(second, |stage, at_ns| {
            let plan = documented(Who::Server, Who::Agent, 21061, "RA.FTAC.Agent Controller Service.exe");
            let answer = super::synthetic::bytes::stand_in(plan.service, "trace", 90);
            datagram(
                stage,
                at_ns,
                &plan,
                &super::synthetic::bytes::stand_in(plan.service, "status?", 60),
                Some(&answer),
            );
        });
    }
}

/// One backup schedule run: Table 4, steps 2 to 15.
pub(crate) fn backup(script: &mut Script, run: u8, begin: f64, notified: &'static [usize]) {
    script.at(begin, move |stage, at_ns| {
        let plan = documented(Who::Client, Who::Server, 443, "RA.FTAC.Server.exe").step(run, 2);
        services::https(stage, at_ns, &plan, 900, 1_400);
    });
    script.at(begin + 1.5, move |stage, at_ns| services::sql(stage, at_ns, Some((run, 3)), &Query::Store(2_000)));
    script.at(begin + 20.0, move |stage, at_ns| {
        let plan = documented(Who::Agent, Who::Server, 7002, "RA.FTAC.Server.exe").step(run, 5);
        services::vendor(stage, at_ns, &plan, 400, 300);
    });
    script.at(begin + 20.6, move |stage, at_ns| services::sql(stage, at_ns, Some((run, 6)), &Query::Fetch(12_000)));
    script.at(begin + 24.5, move |stage, at_ns| {
        let plan = documented(Who::Server, Who::Agent, 7004, "RA.FTAC.Agent Controller Service.exe").step(run, 8);
        services::vendor(stage, at_ns, &plan, 12_000, 120);
    });
    for (port, service, offset) in [(4245u16, "RSLinxNG02.exe", 40.0), (4241, "RSLinxNG.exe", 43.0)] {
        script.at(begin + offset, move |stage, at_ns| {
            services::vendor(stage, at_ns, &documented(Who::Server, Who::Agent, port, service), 260, 420);
        });
    }
    script.at(begin + 45.0, move |stage, at_ns| services::controller(stage, at_ns, run, 10, 2));
    script.at(begin + 70.0, move |stage, at_ns| services::controller(stage, at_ns, run, 11, 24));
    script.at(begin + 170.0, move |stage, at_ns| {
        let plan = documented(Who::Agent, Who::Server, 7002, "RA.FTAC.Server.exe").step(run, 13);
        services::vendor(stage, at_ns, &plan, 12_000, 200);
    });
    script.at(begin + 171.5, move |stage, at_ns| services::sql(stage, at_ns, Some((run, 14)), &Query::Store(6_000)));
    script.at(begin + 173.0, move |stage, at_ns| {
        for (n, listener) in notified.iter().enumerate() {
            let port = stage.notified(*listener);
            services::notification(stage, at_ns + n as i64 * S / 2, run, port);
        }
    });
}
