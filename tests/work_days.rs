//! The report on five generated days: what it counts is what was played, and what it estimates holds.
//!
//! `examples/work_days` plays listeners of which only some are visited, and a restart, from a seed. The truth is taken down from
//! its script, never from reading the recording. Ports, epochs and visits have to be exact; bounds and intervals are what the
//! report claims with 95%: they hold for the seeds here, and `docs/estimators.md` says how often they do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "the test writes the recordings that it reports on")]
#![allow(dead_code, reason = "the example writes files, the test looks at numbers")]

#[path = "../examples/work_days/generator/mod.rs"]
mod generator;
mod support;

use generator::DAYS;
use generator::truth::{EpochTruth, HostTruth, Truth};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;
use support::{Row, csv_file, number, portproof};
use tempfile::TempDir;

/// The first three there are.
const SEEDS: [u64; 3] = [1, 2, 3];
/// A recording with more frames would take long to make and to read.
const MOST_FRAMES: usize = 60_000;
/// A bound far above the truth would hold always, and be of no use.
const USEFUL: u64 = 2;

/// A recording's truth and the report on it.
struct Case {
    seed: u64,
    truth: Truth,
    report: PathBuf,
    _folder: TempDir,
}

impl Case {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recording = generator::play(seed).unwrap();
        for (name, bytes) in recording.files() {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let [capture, site, report] =
            ["work-days.pcapng", "work-days.site.toml", "report"].map(|name| folder.path().join(name).into_os_string());
        let arguments = ["-q".into(), "report".into(), capture, "--site".into(), site, "--work-cycle".into()];
        portproof(arguments.into_iter().chain(["24h".into(), "-o".into(), report.clone()])).expect(0);
        Self { seed, truth: recording.truth, report: report.into(), _folder: folder }
    }

    /// Rows of a table about TCP at one host.
    fn table(&self, name: &str, host: &HostTruth) -> Vec<Row> {
        let mut rows = csv_file(&self.report.join(format!("{name}.csv")));
        rows.retain(|row| row["host_ip"] == host.address && row["protocol"] == "tcp");
        rows
    }

    /// Estimates and truth by host and epoch.
    fn estimates(&self) -> impl Iterator<Item = (String, Row, &EpochTruth)> {
        let of = |host| {
            let rows = self.table("estimates", host);
            assert_eq!(rows.len(), host.epochs.len(), "seed {}, {}", self.seed, host.address);
            rows.into_iter().zip(&host.epochs).zip(1_u64..)
        };
        let rows = self.truth.hosts.iter().flat_map(move |host| of(host).map(move |row| (host, row)));
        rows.map(|(host, ((row, truth), epoch))| {
            assert_eq!(number(&row, "epoch"), epoch);
            (format!("seed {}, {}, epoch {epoch}", self.seed, host.address), row, truth)
        })
    }
}

fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| SEEDS.into_iter().map(Case::new).collect())
}

fn time(row: &Row, column: &str) -> i64 {
    row[column].parse().unwrap()
}

fn real(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} is \"{}\"", row[column]))
}

#[test]
fn the_recordings_are_what_they_should_be() {
    for Case { seed, truth, .. } in cases() {
        let [server, agent] = &truth.hosts[..] else { panic!("server and agent") };
        assert!(truth.frames <= MOST_FRAMES, "seed {seed}: {} frames", truth.frames);
        assert_eq!((server.epochs.len(), agent.epochs.len()), (2, 1));
        for (host, exist) in [(server, 51), (agent, 68)] {
            for epoch in &host.epochs {
                assert_eq!(epoch.exist.len(), exist);
                assert!(epoch.visited.len() < exist && epoch.visited.is_subset(&epoch.exist), "seed {seed}");
                assert!(!epoch.lasting.is_empty() && epoch.lasting.len() < epoch.visited.len(), "seed {seed}");
            }
        }
        assert!(server.epochs[0].exist.is_disjoint(&server.epochs[1].exist), "every port moved");
    }
    let again = generator::play(SEEDS[0]).unwrap();
    assert!(again.pcapng == std::fs::read(cases()[0].report.with_file_name("work-days.pcapng")).unwrap());
    assert!(generator::play(SEEDS[0] + 100).unwrap().pcapng != again.pcapng);
}

#[test]
fn the_restart_parts_the_recording_where_it_was() {
    for case in cases() {
        let [server, agent] = &case.truth.hosts[..] else { panic!("server and agent") };
        let (first_ns, last_ns) = case.truth.bounds_ns;
        let bounds = |host| -> Vec<(i64, i64)> {
            let rows = case.table("epochs", host);
            rows.iter().map(|row| (time(row, "epoch_start_ns"), time(row, "epoch_end_ns"))).collect()
        };
        let back_ns = case.truth.back_ns;
        assert!(back_ns - case.truth.gone_ns > 5_000_000_000);
        assert_eq!(bounds(server), [(first_ns, back_ns - 1), (back_ns, last_ns)], "seed {}", case.seed);
        assert_eq!(bounds(agent), [(first_ns, last_ns)], "seed {}", case.seed);
        let rows = case.table("epochs", server);
        assert_eq!(rows[0]["evidence"], "");
        assert!(rows[1]["evidence"].contains("announced at other ports since"), "{:?}", rows[1]);
        assert!(number(&rows[1], "first_frame") > 1);
    }
}

#[test]
fn listeners_of_each_epoch_are_exactly_those_visited() {
    for case in cases() {
        for host in &case.truth.hosts {
            let what = format!("seed {}, {}", case.seed, host.address);
            let mut found: BTreeMap<u64, BTreeSet<u16>> = BTreeMap::new();
            // Documented ports inside the dynamic range are no dynamic ones.
            for row in case.table("listeners", host).iter().filter(|row| row["status"].starts_with("dynamic")) {
                found.entry(number(row, "epoch")).or_default().insert(number(row, "port") as u16);
            }
            let played: BTreeMap<u64, BTreeSet<u16>> =
                (1..).zip(host.epochs.iter().map(|epoch| epoch.visited.clone())).collect();
            assert_eq!(found, played, "{what}");
            let told: Vec<u64> =
                case.table("epochs", host).iter().map(|row| number(row, "dynamic_listener_ports")).collect();
            let visited: Vec<u64> = host.epochs.iter().map(|epoch| epoch.visited.len() as u64).collect();
            assert_eq!(told, visited, "{what}");
        }
    }
}

#[test]
fn ports_of_different_epochs_are_never_counted_together() {
    for case in cases() {
        for host in &case.truth.hosts {
            let what = format!("seed {}, {}", case.seed, host.address);
            let [row] = &case.table("hosts", host)[..] else { panic!("{what}: one row") };
            let fullest = host.epochs.iter().map(|epoch| epoch.visited.len() as u64).max().unwrap();
            assert_eq!(number(row, "epochs"), host.epochs.len() as u64, "{what}");
            assert_eq!(number(row, "dynamic_listener_ports"), fullest, "{what}");
            assert!(number(row, "peak_held_listener_ports") <= fullest, "{what}");
            let [sizing] = &case.table("sizing", host)[..] else { panic!("{what}: one row") };
            let bounds = case.table("estimates", host);
            let largest = bounds.iter().map(|row| number(row, "upper_bound")).max().unwrap();
            assert_eq!(number(sizing, "listeners"), largest, "{what}: sized by one epoch");
        }
    }
}

#[test]
fn sessions_make_listeners_known() {
    for (what, row, truth) in cases().iter().flat_map(Case::estimates) {
        assert_eq!(number(&row, "seen_listeners"), truth.visited.len() as u64, "{what}");
        assert_eq!(number(&row, "known_listeners"), truth.lasting.len() as u64, "{what}");
    }
}

#[test]
fn days_are_the_units_of_an_epoch_of_days() {
    for (what, row, truth) in cases().iter().flat_map(Case::estimates) {
        let days = truth.seconds / 86_400.0;
        let expected = if days >= 3.0 { ("days", u64::from(DAYS)) } else { ("windows", 20) };
        assert_eq!((row["unit"].as_str(), number(&row, "units")), expected, "{what}: {days:.1} days");
    }
}

#[test]
fn the_upper_bound_covers_the_listeners_that_exist() {
    for (what, row, truth) in cases().iter().flat_map(Case::estimates) {
        let (upper, exist) = (number(&row, "upper_bound"), truth.exist.len() as u64);
        assert!((exist..=USEFUL * exist).contains(&upper), "{what}: {upper} for {exist}");
    }
}

#[test]
fn intervals_contain_what_they_are_about() {
    for (what, row, truth) in cases().iter().flat_map(Case::estimates) {
        let (expected, half) = (real(&row, "expected_new"), real(&row, "expected_new_plus_minus_95"));
        let new = truth.new_in_as_long_again as f64;
        assert!((new - expected).abs() <= half, "{what}: {new} came, {expected:.1} ± {half:.1} forecast");
        // Chao's estimates are lower bounds: their intervals claim nothing from above.
        for chao in ["chao1", "chao2"] {
            let low = real(&row, &format!("{chao}_low_95"));
            let (seen, exist) = (truth.visited.len() as f64, truth.exist.len() as f64);
            assert!((seen..=exist).contains(&low), "{what}: {chao} begins at {low:.1}");
        }
    }
}

#[test]
fn the_gate_sees_days_cycles_and_the_restart() {
    for case in cases() {
        for (host, restarted) in case.truth.hosts.iter().zip([true, false]) {
            let gate: BTreeMap<String, Row> =
                case.table("gate", host).into_iter().map(|row| (row["criterion"].clone(), row)).collect();
            let met = |criterion: &str| gate[criterion]["is_met"] == "true";
            let what = format!("seed {}, {}", case.seed, host.address);
            for criterion in ["duration", "work-cycles", "both-directions", "nothing-lost", "direction-known"] {
                assert!(met(criterion), "{what}: {:?}", gate[criterion]);
            }
            assert_eq!(met("restart-or-host-table"), restarted, "{what}");
            assert_eq!(gate["duration"]["measured"], format!("{}.0 h", DAYS * 24), "{what}");
            assert_eq!(gate["work-cycles"]["measured"], format!("{DAYS}.0 cycles of 24.0 h"), "{what}");
        }
    }
}
