//! What the simulator costs: one event, and one whole schedule.

use crate::{Row, best, nanoseconds, per_second, timed};
use process::actix::{Actor, Handler, Message};
use process::simulated::Simulation;
use process::{Context, Pid, process, spawn};
use sim::campaign::{CampaignOptions, Progress, campaign};
use sim::scenario::Scenario;
use sim::strategy::Kind;

/// Events in one round.
const EVENTS: u64 = 2_000_000;

/// Schedules in one campaign.
const SCHEDULES: u64 = 20_000;

struct Ball;

impl Message for Ball {
    type Result = ();
}

/// Passes each ball on.
struct Player(Option<Pid<Player>>);

impl Actor for Player {
    type Context = Context<Self>;
}

process!(Player);

impl Handler<Ball> for Player {
    type Result = ();

    fn handle(&mut self, ball: Ball, _: &mut Context<Self>) {
        if let Some(next) = &self.0 {
            next.tell(ball);
        }
    }
}

/// One message on its way between two processes, again and again.
fn event() -> Row {
    let simulation = Simulation::new(false);
    let _installed = simulation.install();
    let [one, other] = ["one", "other"].map(|name| spawn(name, Player(None)));
    for (player, next) in [(&one, other.clone()), (&other, one.clone())] {
        player.run("next", move |player, _| player.0 = Some(next));
    }
    one.tell(Ball);
    let time = best(|| timed(|| (0..EVENTS).for_each(|_| assert!(simulation.flush(0)))));
    Row {
        what: "simulated event, trivial handler, tracing off",
        budget: "<= 60 ns",
        measured: format!("{:.0} ns", nanoseconds(time, EVENTS)),
    }
}

fn schedules(name: &str, what: &'static str, budget: &'static str) -> Row {
    let scenario = match Scenario::load(name) {
        Ok(scenario) => scenario,
        Err(error) => return Row { what, budget, measured: error.to_string() },
    };
    let options = CampaignOptions {
        strategy: Kind::Random,
        seeds: 0..SCHEDULES,
        shard: 0,
        shards: 1,
        jobs: 1,
        faults: scenario.budgets(),
        stop_at_violation: false,
    };
    let mut report = None;
    // One round: a campaign is long enough to be its own average.
    let time = timed(|| report = Some(campaign(&scenario, &options, &Progress::default())));
    let events = report.map_or(0, |report| report.events);
    let measured = format!(
        "{:.0} /s ({:.0} events each, {:.0} ns an event)",
        per_second(time, SCHEDULES),
        events as f64 / SCHEDULES as f64,
        nanoseconds(time, events.max(1)),
    );
    Row { what, budget, measured }
}

/// The rows of the simulator.
pub fn rows() -> Vec<Row> {
    vec![
        event(),
        schedules(
            "destroy-during-pull",
            "destroy-during-pull, whole schedules on one core",
            ">= 10,000 /s",
        ),
        schedules(
            "destroy-during-pull-agent",
            "the same with agent, executor and master",
            ">= 2,000 /s",
        ),
    ]
}
