//! Who talks to whom and when: 36 minutes with four backup runs.

use super::synthetic::cast::{self, Who};
use super::synthetic::dice::Dice;
use super::synthetic::script::Script;
use super::synthetic::services;
use super::synthetic::stage::Stage;
use super::{outsiders, runs};

/// Which of the client's notification listeners each run uses.
const NOTIFIED: [&[usize]; 4] = [&[0, 1], &[0], &[0, 2], &[0, 1]];
/// Rounds in which announced listeners are visited: in the runs, and twice between them. First and last second.
const ROUNDS: [(f64, f64); 6] =
    [(210.0, 345.0), (450.0, 560.0), (660.0, 795.0), (1110.0, 1245.0), (1560.0, 1695.0), (1900.0, 2010.0)];

/// Plays everything.
pub(crate) fn play() -> Stage {
    let listeners = cast::listeners(&mut Dice::demo(b'L'));
    let mut stage = Stage::new(listeners, Dice::demo(b'S'));
    stage.open_notified(3, "RA.FTAC.Client.exe");
    let mut script = Script::default();
    runs::sign_in(&mut script);
    runs::clients(&mut script);
    runs::services_around(&mut script);
    for ((run, begin), notified) in (1..).zip(runs::RUNS).zip(NOTIFIED) {
        runs::backup(&mut script, run, begin, notified);
    }
    visits(&mut script, &stage);
    outsiders::undocumented(&mut script);
    outsiders::strays(&mut script, &stage);
    outsiders::blocked(&mut script);
    outsiders::background(&mut script);
    script.play(&mut stage);
    stage
}

/// Each announced listener is visited in some of the rounds: a few in all, many in one or two.
fn visits(script: &mut Script, stage: &Stage) {
    let mut dice = Dice::demo(b'V');
    let mut rounds: Vec<Vec<(Who, Who, usize)>> = vec![Vec::new(); ROUNDS.len()];
    for (number, listener) in stage.listeners.iter().enumerate().filter(|(_, l)| l.is_announced()) {
        let count = match dice.below(100) {
            0..30 => 1,
            30..55 => 2,
            55..76 => 3,
            76..94 => 4,
            _ => 6,
        };
        let mut order: Vec<usize> = (0..ROUNDS.len()).collect();
        dice.shuffle(&mut order);
        for round in &order[..count] {
            for user in &listener.users {
                rounds[*round].push((*user, listener.host, number));
            }
        }
    }
    for ((first, last), mut planned) in ROUNDS.into_iter().zip(rounds) {
        dice.shuffle(&mut planned);
        planned.sort_by_key(|(user, host, _)| (*user, *host));
        // One look-up for up to five listeners of the same host.
        for same in planned.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            for group in same.chunks(5) {
                let pair = (group[0].0, group[0].1);
                let numbers: Vec<usize> = group.iter().map(|(_, _, number)| *number).collect();
                // The client is asked early, so that only step 14 can explain the notification of step 15.
                let last = if pair.1 == Who::Client { first + 70.0 } else { last };
                let second = first + dice.below(((last - first) * 1000.0) as u64) as f64 / 1000.0;
                script.at(second, move |stage, at_ns| services::rpc_visit(stage, at_ns, pair, &numbers));
            }
        }
    }
}
