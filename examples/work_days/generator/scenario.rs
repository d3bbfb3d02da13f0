//! Who talks to whom and when: five days, with a restart of the server on the third.

use super::calls::{self, End};
use super::habits::{self, Habit, Intent};
use super::outage::{Outage, STORM_S};
use super::synthetic::cast::{self, Who};
use super::synthetic::dialogue::{Obstacle, Plan, Side, attempt};
use super::synthetic::dice::Dice;
use super::synthetic::script::Script;
use super::synthetic::services::{self, Query, second};
use super::synthetic::stage::{Stage, Why};
use super::{DAYS, END_S};

/// Seconds between batches of calls that the agent makes.
const BATCH_S: f64 = 1_800.0;

/// What is going to happen.
pub(super) struct Scenario {
    seed: u64,
    /// Listeners of server and agent, then those of the server after its restart.
    listeners: Vec<cast::Listener>,
    /// Habits of server's and agent's listeners.
    pub(super) habits: Vec<Habit>,
    /// What is intended in the time recorded, and as long again.
    pub(super) intents: Vec<Intent>,
    /// When the server is away.
    pub(super) outage: Outage,
}

impl Scenario {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::seeded(seed, b'L', 0);
        let mut listeners = cast::announced(&mut dice);
        let habits = habits::habits(seed, &listeners);
        let intents = habits::intents(seed, &listeners, &habits);
        let outage = Outage::new(&mut Dice::seeded(seed, b'O', 0));
        listeners.extend(cast::moved(&listeners, &mut dice, Who::Server));
        Self { seed, listeners, habits, intents, outage }
    }

    /// Listeners of server and agent: as many as there are habits.
    pub(super) fn services(&self) -> &[cast::Listener] {
        &self.listeners[..self.habits.len()]
    }

    /// The place on the stage of a listener at some time: the server's move. They are the first of all, and again the last.
    pub(super) fn place(&self, service: usize, at_s: f64) -> usize {
        let moved = at_s >= self.outage.from_s && self.listeners[service].host == Who::Server;
        if moved { self.habits.len() + service } else { service }
    }

    /// The port of a listener at some time.
    pub(super) fn port(&self, service: usize, at_s: f64) -> u16 {
        self.listeners[self.place(service, at_s)].port
    }

    /// Plays it.
    pub(super) fn play(&self) -> Stage {
        let mut stage = Stage::new(self.listeners.clone(), Dice::seeded(self.seed, b'S', 0));
        let mut script = Script::default();
        self.background(&mut script);
        self.agent_calls(&mut script);
        self.restart(&mut script);
        let mut storm = Dice::seeded(self.seed, b'R', 0);
        for intent in self.intents.iter().filter(|intent| !habits::is_too_late(intent.at_s)) {
            match intent.until_s {
                None => self.visit(&mut script, *intent),
                Some(until_s) => self.session(&mut script, &mut storm, *intent, until_s),
            }
        }
        script.play(&mut stage);
        stage
    }

    fn pair(&self, intent: Intent) -> [Who; 2] {
        [intent.client, self.listeners[intent.service].host]
    }

    fn visit(&self, script: &mut Script, Intent { service, client, at_s, .. }: Intent) {
        if self.outage.hinders([client, self.listeners[service].host], at_s) {
            return;
        }
        let place = self.place(service, at_s);
        script.at(at_s, move |stage, at_ns| calls::visit(stage, at_ns, client, place));
    }

    /// A session that is under way when the server goes ends with it, and is opened anew in the storm.
    fn session(&self, script: &mut Script, storm: &mut Dice, intent: Intent, until_s: f64) {
        let pair = self.pair(intent);
        let Outage { from_s, back_s } = self.outage;
        let mut begin_s = intent.at_s;
        if self.outage.hinders(pair, begin_s) {
            return;
        }
        if pair.contains(&Who::Server) && begin_s < from_s && until_s > from_s {
            let server_side = if intent.client == Who::Server { Side::Client } else { Side::Server };
            let (end_s, end) = match storm.percent(50) {
                true => (from_s - 3.0 * storm.part(), End::ShutDown(server_side)),
                false => (back_s + STORM_S + 600.0 * storm.part(), End::Forgotten(server_side)),
            };
            let quiet_s = end_s.min(from_s);
            self.part(script, intent, begin_s, (quiet_s, end_s), end);
            begin_s = back_s + 1.0 + (STORM_S - 1.0) * storm.part().powi(2);
        }
        let end = if until_s < END_S { End::Closed } else { End::Stays };
        if until_s > begin_s {
            self.part(script, intent, begin_s, (until_s.min(END_S), until_s.min(END_S)), end);
        }
    }

    /// One connection of a session: when it begins, until when it says something, and when it ends.
    fn part(&self, script: &mut Script, intent: Intent, begin_s: f64, (quiet_s, end_s): (f64, f64), end: End) {
        let was_there = begin_s < 0.0;
        let place = self.place(intent.service, begin_s);
        let client = intent.client;
        // Those who were there are heard within the first minute, in some order.
        let at_s = if was_there { 1.0 + (intent.service * 7 % 59) as f64 } else { begin_s };
        script.at(at_s, move |stage, at_ns| {
            let times = calls::Times { at_ns, was_there, quiet_ns: second(quiet_s), end_ns: second(end_s) };
            calls::session(stage, times, client, place, end);
        });
    }

    /// Names from beginning to end, and what the server wants of its database.
    fn background(&self, script: &mut Script) {
        for (at_s, who) in [(0.0, Who::Agent), (END_S + 2.0, Who::Agent)] {
            script.at(at_s, move |stage, at_ns| services::dns(stage, at_ns, who, Who::Server));
        }
        for round in 0..DAYS * 12 {
            let at_s = 300.0 + f64::from(round) * 7_200.0;
            if !self.outage.hinders([Who::Server; 2], at_s) {
                script.at(at_s, |stage, at_ns| services::sql(stage, at_ns, None, &Query::Fetch(600)));
            }
        }
    }

    /// Calls of the agent to documented ports of the server, three in a batch: each takes a local port.
    fn agent_calls(&self, script: &mut Script) {
        let mut dice = Dice::seeded(self.seed, b'A', 0);
        for batch in 0..(END_S / BATCH_S) as u32 {
            let at_s = f64::from(batch) * BATCH_S + 60.0 + 1_500.0 * dice.part();
            for (n, port) in [7002, 3060, 7710].into_iter().enumerate() {
                let at_s = at_s + 0.7 * n as f64;
                if self.outage.hinders([Who::Agent, Who::Server], at_s) {
                    continue;
                }
                script.at(at_s, move |stage, at_ns| {
                    let plan = Plan::new(Who::Agent, Who::Server, port, Why::Documented, "documented service");
                    services::vendor(stage, at_ns, &plan, 180, 300);
                });
            }
        }
    }

    /// The server goes, others knock in vain, it comes back and asks its database first.
    fn restart(&self, script: &mut Script) {
        let Outage { from_s, back_s } = self.outage;
        script.at(from_s, |stage, at_ns| stage.restart(Who::Server, at_ns));
        for (client, after_s) in [(Who::Agent, 4.0), (Who::Client, 9.0), (Who::Agent, 21.0)] {
            script.at(from_s + after_s, move |stage, at_ns| {
                let plan = Plan::new(client, Who::Server, 135, Why::Documented, "DCOM endpoint mapper");
                attempt(stage, at_ns, &plan, Obstacle::Drop);
            });
        }
        script.at(back_s, |stage, at_ns| services::sql(stage, at_ns, None, &Query::Fetch(600)));
    }
}
