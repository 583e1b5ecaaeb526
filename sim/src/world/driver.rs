//! The driver: picks step after step until the world has come to rest, and asks the oracles.
//!
//! A run has two phases. In the first the strategy decides. When nothing is possible any more, or
//! after too many steps, the world is healed: no more faults, what was stalled goes on, and
//! everything happens in its natural order. Then it must come to rest, and everything must have
//! come to its end.

use super::{Case, World};
use crate::environment::Chooser;
use crate::oracle::Violation;
use crate::strategy::Candidate;
use crate::stream::Stream;
use parking_lot::Mutex;
use process::simulated::ContextId;
use process::{EventId, Label, Time};
use std::sync::Arc;
use std::time::Duration;

/// How many steps a healed world may take to come to rest.
const CONVERGENCE_STEPS: u64 = 20_000;

/// An operation that is due later than this from now rarely overtakes what is due before it.
const DISTANT: Duration = Duration::from_secs(4);

/// Something that the outside does once.
pub(super) struct External {
    /// The label of the choice of its moment.
    pub(super) moment: &'static str,
    /// What the event is called.
    pub(super) label: Label,
    /// When it happens in the natural order; never if `None`.
    pub(super) at: Option<Duration>,
    /// What happens.
    pub(super) action: Box<dyn FnOnce()>,
}

enum When {
    /// At this virtual time.
    Time(Time),
    /// After this many steps.
    Step(u64),
}

struct Placed {
    when: When,
    label: Label,
    action: Box<dyn FnOnce()>,
}

/// A possible next step.
#[derive(Clone, Copy)]
enum Step {
    Flush(usize),
    Operation(usize),
    Timer,
    External(usize),
}

pub(super) struct Driver<'a> {
    world: &'a World,
    stream: &'a Arc<Mutex<Stream>>,
    outside: ContextId,
    externals: Vec<Placed>,
    max_steps: u64,
    steps: u64,
    starts: Vec<u64>,
    violations: Vec<Violation>,
    candidates: Vec<Candidate>,
    choices: Vec<Step>,
    others: Vec<(Time, Candidate, Step)>,
}

impl<'a> Driver<'a> {
    pub(super) fn new(world: &'a World, stream: &'a Arc<Mutex<Stream>>, max_steps: u64) -> Self {
        Driver {
            world,
            stream,
            outside: world.simulation.add_context("outside"),
            externals: Vec::new(),
            max_steps,
            steps: 0,
            starts: vec![0],
            violations: Vec::new(),
            candidates: Vec::with_capacity(16),
            choices: Vec::with_capacity(16),
            others: Vec::with_capacity(16),
        }
    }

    /// Chooses the moment of each external action: 0 is its natural time, then each step from the
    /// start, last "never".
    pub(super) fn place(&mut self, externals: Vec<External>, chooser: &Chooser, moments: u32) {
        for external in externals {
            let External { moment, label, at, action } = external;
            let when = match chooser.choose(moment, moments + 2) {
                0 => match at {
                    Some(at) => When::Time(Time::from_epoch(at)),
                    None => continue,
                },
                step if step <= moments => When::Step(u64::from(step - 1)),
                _ => continue,
            };
            self.externals.push(Placed { when, label, action });
        }
    }

    /// Runs the world to its rest.
    pub(super) fn run(&mut self, case: &dyn Case) {
        while self.steps < self.max_steps && self.step(false) {
            if self.check(case) {
                return;
            }
        }
        self.world.environment.heal();
        let limit = self.steps + CONVERGENCE_STEPS;
        while self.steps < limit && self.step(true) {
            if self.check(case) {
                return;
            }
        }
        if self.steps >= limit {
            self.violate(Violation::new(
                "I-FUT",
                "no convergence",
                format!(
                    "the healed world did not come to rest within {CONVERGENCE_STEPS} steps; next \
                     would be {}",
                    self.describe_next()
                ),
            ));
            return;
        }
        let mut found = Vec::new();
        case.at_rest(self.world, &mut found);
        for violation in found {
            self.violate(violation);
        }
    }

    /// Takes one step. `false` when none is possible.
    fn step(&mut self, natural: bool) -> bool {
        let due = self
            .externals
            .iter()
            .position(|placed| matches!(placed.when, When::Step(step) if step <= self.steps));
        if let Some(index) = due {
            self.take(Step::External(index));
            return true;
        }

        self.possible();
        let chosen = match self.choices.len() {
            0 => return self.last_external(),
            1 => 0,
            _ if natural => 0,
            _ => self.stream.lock().step(&self.candidates),
        };
        let step = self.choices[chosen];
        self.take(step);
        true
    }

    /// Lists what can happen next, the natural step first.
    fn possible(&mut self) {
        self.candidates.clear();
        self.choices.clear();
        self.others.clear();
        let World { simulation, environment, .. } = self.world;
        for index in 0..simulation.flushable() {
            self.candidates.push(Candidate::Flush);
            self.choices.push(Step::Flush(index));
        }
        let soon = simulation.now() + DISTANT;
        environment.for_each_due(|index, due| {
            let kind = if due > soon { Candidate::Distant } else { Candidate::Operation };
            self.others.push((due, kind, Step::Operation(index)));
        });
        if let Some(deadline) = simulation.next_timer() {
            self.others.push((deadline, Candidate::Timer, Step::Timer));
        }
        for (index, placed) in self.externals.iter().enumerate() {
            if let When::Time(time) = placed.when {
                self.others.push((time, Candidate::External, Step::External(index)));
            }
        }
        // Stable: what was scheduled first goes first among equals.
        self.others.sort_by_key(|(due, _, _)| *due);
        for (_, candidate, step) in &self.others {
            self.candidates.push(*candidate);
            self.choices.push(*step);
        }
    }

    /// Nothing else can happen: what the outside was to do at a later step happens now.
    fn last_external(&mut self) -> bool {
        if self.externals.is_empty() {
            return false;
        }
        self.take(Step::External(0));
        true
    }

    fn take(&mut self, step: Step) {
        let World { simulation, environment, .. } = self.world;
        self.steps += 1;
        match step {
            Step::Flush(index) => {
                simulation.flush(index);
            }
            Step::Operation(index) => {
                // The clock follows only what comes in its order: an operation that overtakes
                // others was faster than usual.
                let first = self.others.first().map(|(due, _, _)| *due);
                if let Some(pending) = environment.peek(index)
                    && first.is_none_or(|first| pending.due <= first)
                {
                    simulation.advance_to(pending.due);
                }
                environment.run(index, simulation);
            }
            Step::Timer => {
                simulation.fire_timer();
            }
            Step::External(index) => {
                let placed = self.externals.remove(index);
                if let When::Time(time) = placed.when {
                    simulation.advance_to(time);
                }
                simulation.run_in(self.outside, placed.label, EventId(0), placed.action);
            }
        }
        self.starts.push(simulation.events_handled() + 1);
    }

    /// Asks the oracles. `true` when the run need not go on.
    fn check(&mut self, case: &dyn Case) -> bool {
        let mut found = self.world.ledger.take_violations();
        if let Some(crash) = self.world.simulation.crash() {
            let mut violation = Violation::new(
                "I-CRASH",
                format!("{}: {}", crash.label, crash.message),
                format!("{} panicked in {}: {}", crash.context, crash.label, crash.message),
            );
            violation.event = crash.event.0;
            found.push(violation);
        }
        if self.world.simulation.flushable() == 0 {
            case.settled(self.world, &mut found);
        }
        let stop = !found.is_empty();
        for violation in found {
            self.violate(violation);
        }
        stop
    }

    fn violate(&mut self, mut violation: Violation) {
        if violation.event == 0 {
            violation.event = self.world.simulation.events_handled();
        }
        let known = self.violations.iter().any(|other| other.signature() == violation.signature());
        if !known {
            process::note("violation", || violation.message.clone());
            self.violations.push(violation);
        }
    }

    fn describe_next(&self) -> String {
        let World { simulation, environment, .. } = self.world;
        if let Some((_, _, label)) = simulation.peek(0) {
            return label.to_string();
        }
        match environment.peek(0) {
            Some(pending) => pending.label.to_string(),
            None => "a timer".to_owned(),
        }
    }

    pub(super) fn finish(self) -> (u64, Vec<Violation>, Vec<u64>) {
        (self.steps, self.violations, self.starts)
    }
}
