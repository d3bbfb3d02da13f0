//! Instructions per frame of each stage, counted by valgrind and held against `benches/instructions.toml`: the only figures
//! of speed that do not depend on what else a machine does.
//!
//! ```text
//! cargo bench --no-default-features --bench instructions              compare, and fail where a budget is exceeded
//! cargo bench --no-default-features --bench instructions -- --write   make what was measured the budget
//! ```
//!
//! The program runs itself under `valgrind --tool=callgrind`, once for each stage and run. A stage does what the one before it
//! does and more, and the difference is its cost: what a process needs to start and to open the recording cancels out. The
//! median of some runs is taken, since hashing is seeded in each process. Builds without Polars.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the comparison is for the reader of the run")]
#![allow(clippy::expect_used, clippy::panic, reason = "a gate that cannot measure fails, and says why")]
#![allow(clippy::disallowed_methods, reason = "the budget is a file of the repository, and git keeps the one before")]

mod support;

use portproof::metering::Meter;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use support::{Counted, Work, demo, metered, opened, settings};

const RUNS: usize = 3;

/// What is measured: its name, and the one whose work it also does.
const STAGES: &[(&str, &str)] = &[("prepare", "start"), ("headers", "prepare"), ("payload", "prepare")];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budgets {
    tolerance_percent: u64,
    most_payload_percent: u64,
    instructions_per_frame: BTreeMap<String, u64>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--stage") {
        work(arguments.get(at + 1).expect("the name of a stage"));
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("instructions: not counted, there is no valgrind here (Debian: scripts/apt-install.sh valgrind)");
        return ExitCode::SUCCESS;
    }
    let frames = metered(&demo(), false).0;
    let counts = counts();
    let per_frame: Vec<(&str, u64)> =
        STAGES.iter().map(|(stage, before)| (*stage, (counts[stage] - counts[before]) / frames)).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.toml");
    let text = std::fs::read_to_string(&file).expect("the budgets are in the repository");
    if arguments.iter().any(|argument| argument == "--write") {
        std::fs::write(&file, rewritten(&text, &per_frame)).expect("a repository that can be written");
        per_frame.iter().for_each(|(stage, count)| println!("{stage}: {count} instructions per frame, now the budget"));
        return ExitCode::SUCCESS;
    }
    let budgets: Budgets = toml::from_str(&text).expect("budgets as this program writes them");
    let beyond_start = |stage: &str| counts[stage] - counts["start"];
    let failures = compared(&per_frame, &budgets)
        + usize::from(!payload_is_in_proportion(beyond_start("payload"), beyond_start("headers"), &budgets));
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints each stage beside its budget; gives how many exceed it.
fn compared(per_frame: &[(&str, u64)], budgets: &Budgets) -> usize {
    let tolerance = budgets.tolerance_percent;
    let mut failures = 0;
    for (stage, measured) in per_frame {
        let budget = *budgets.instructions_per_frame.get(*stage).expect("a budget for each stage");
        let change = (*measured as f64 / budget as f64 - 1.0) * 100.0;
        println!("{stage}: {measured} instructions per frame, the budget is {budget} ({change:+.1}%)");
        if measured * 100 > budget * (100 + tolerance) {
            println!(
                "    FAILED: {stage} takes more than {tolerance}% above its budget. If that is meant: `make budgets`, and say \
                 in the commit what it buys."
            );
            failures += 1;
        } else if measured * 100 < budget * (100 - tolerance) {
            println!("    It became cheaper: `make budgets` holds what was gained.");
        }
    }
    failures
}

fn payload_is_in_proportion(payload: u64, headers: u64, budgets: &Budgets) -> bool {
    let (percent, most) = (payload * 100 / headers, budgets.most_payload_percent);
    println!("everything with payload: {percent}% of everything with headers only, at most {most}%");
    if percent > most {
        println!(
            "    FAILED: looking into payload costs too much. If that is meant: most_payload_percent in benches/instructions.toml."
        );
    }
    percent <= most
}

/// The budgets with these numbers; comments and other lines stay.
fn rewritten(text: &str, per_frame: &[(&str, u64)]) -> String {
    let line = |line: &str| {
        let stage = line.split(" = ").next();
        let found = per_frame.iter().find(|(name, _)| Some(*name) == stage);
        found.map_or_else(|| format!("{line}\n"), |(name, count)| format!("{name} = {count}\n"))
    };
    text.lines().map(line).collect()
}

/// Instructions of the whole process for each stage: the median of the runs.
fn counts() -> BTreeMap<&'static str, u64> {
    let own = std::env::current_exe().expect("the path of this program");
    let names = std::iter::once("start").chain(STAGES.iter().map(|(stage, _)| *stage));
    let median = |stage: &'static str| {
        let mut runs: Vec<u64> = (0..RUNS).map(|_| counted(&own, stage)).collect();
        runs.sort_unstable();
        println!("{stage}: {} to {} instructions in {RUNS} runs", runs[0], runs[RUNS - 1]);
        (stage, runs[RUNS / 2])
    };
    names.map(median).collect()
}

/// Has the C library copy and fill without `rep movsb` and `rep stosb`: valgrind counts those once for each byte.
const NO_REPEATED_BYTES: &str =
    "glibc.cpu.x86_rep_movsb_threshold=0x40000000:glibc.cpu.x86_rep_stosb_threshold=0x40000000";

/// What valgrind counts while this program does the work of a stage.
fn counted(own: &Path, stage: &str) -> u64 {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(["--stage", stage])
        .env("GLIBC_TUNABLES", NO_REPEATED_BYTES)
        .output()
        .expect("valgrind can be started");
    let said = String::from_utf8_lossy(&run.stderr);
    let count = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    assert!(run.status.success(), "valgrind ended with {}:\n{said}", run.status);
    count.expect("valgrind says what it collected")
}

/// The work of one stage, and of those before it.
fn work(stage: &str) {
    match stage {
        "start" => {
            let meter = Meter::new(settings(false), Counted::default());
            black_box((opened(&demo()), meter.preparer()));
            _ = black_box(meter.finish());
        }
        "prepare" => prepare(),
        "headers" => _ = black_box(metered(&demo(), false)),
        "payload" => _ = black_box(metered(&demo(), true)),
        _ => panic!("no stage {stage}"),
    }
}

fn prepare() {
    let mut observation = opened(&demo());
    let meter = Meter::new(settings(false), Counted::default());
    let (mut preparer, mut work) = (meter.preparer(), Work::default());
    while work.read(&mut observation, &mut preparer) > 0 {
        black_box(&work);
    }
    _ = black_box(meter.finish());
}
