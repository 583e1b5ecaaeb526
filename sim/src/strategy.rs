//! Strategies: producers of the stream of choices.

use crate::stream::STEP;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::fmt;
use std::str::FromStr;

/// What kind of step is possible next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// A message is delivered from an outbox to a mailbox.
    Flush,
    /// A pending operation of the environment completes.
    Operation,
    /// One that is due much later than now: the end of a long sleep, a big download.
    Distant,
    /// The earliest timer fires.
    Timer,
    /// The scenario does something from outside.
    External,
}

/// Produces decisions. Alternative 0 is the natural one everywhere: the oldest message, the
/// operation that is due first, no fault.
pub trait Strategy {
    /// One of `0..alternatives`.
    fn choose(&mut self, label: &'static str, alternatives: u32) -> u32;

    /// The index of one of the candidates, of which there are at least two. They are ordered:
    /// messages by age, then everything else by due time.
    fn step(&mut self, candidates: &[Candidate]) -> u32;

    /// For a replay: the first decision that did not fit the recorded one.
    fn divergence(&self) -> Option<String> {
        None
    }
}

/// The strategies a campaign can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The natural order, no faults: one run.
    Fifo,
    /// A random walk.
    Random,
}

impl Kind {
    /// All strategies, with a line on each.
    pub const ALL: [(Kind, &'static str, &'static str); 2] = [
        (
            Kind::Fifo,
            "fifo",
            "the natural order, without faults: one and the same run for each seed",
        ),
        (Kind::Random, "random", "a random walk over schedules, latencies, faults and moments"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Fifo => "fifo",
            Kind::Random => "random",
        }
    }

    /// The strategy itself, for one run.
    pub fn strategy(self, seed: u64) -> Box<dyn Strategy + Send> {
        match self {
            Kind::Fifo => Box::new(Fifo),
            Kind::Random => Box::new(Random::new(seed)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Kind::ALL.iter().find(|(_, name, _)| *name == text);
        known.map(|(kind, _, _)| *kind).ok_or_else(|| {
            let later = ["pct", "pos", "urw", "guided", "dpor"];
            let names: Vec<_> = Kind::ALL.iter().map(|(_, name, _)| *name).collect();
            if later.contains(&text) {
                format!(
                    "strategy '{text}' is planned but not built yet; use {}",
                    names.join(" or ")
                )
            } else {
                format!("unknown strategy '{text}': expected {}", names.join(" or "))
            }
        })
    }
}

/// Always the natural alternative.
pub struct Fifo;

impl Strategy for Fifo {
    fn choose(&mut self, _: &'static str, _: u32) -> u32 {
        0
    }

    fn step(&mut self, _: &[Candidate]) -> u32 {
        0
    }
}

/// How likely, in 1/256, a run's single choices are to be unnatural; drawn once a run, so that
/// calm runs and wild ones both occur.
const FAULT_RATES: [u32; 4] = [8, 32, 96, 160];

/// How readily a run's walk takes a timer while other steps are possible; a message has weight 256.
/// Drawn once a run: most timers are there for the case that something hangs, and a walk that took
/// them as readily as messages would see little else.
const TIMER_WEIGHTS: [u32; 4] = [0, 1, 4, 24];

fn weight(candidate: Candidate, timer: u32) -> u32 {
    match candidate {
        Candidate::Flush => 256,
        Candidate::Operation => 192,
        Candidate::External => 64,
        Candidate::Distant => 12,
        Candidate::Timer => timer,
    }
}

/// A random walk, seeded: ChaCha with 8 rounds, which is the same on every machine.
pub struct Random {
    generator: ChaCha8Rng,
    fault_rate: u32,
    timer_weight: u32,
}

impl Random {
    /// The walk of this seed.
    pub fn new(seed: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let rate = generator.next_u32() as usize % FAULT_RATES.len();
        let timer = generator.next_u32() as usize % TIMER_WEIGHTS.len();
        Random { generator, fault_rate: FAULT_RATES[rate], timer_weight: TIMER_WEIGHTS[timer] }
    }

    fn below(&mut self, bound: u32) -> u32 {
        // Multiplying instead of dividing: bias below 2^-24 for the small bounds used here.
        ((u64::from(self.generator.next_u32()) * u64::from(bound)) >> 32) as u32
    }
}

impl Strategy for Random {
    fn choose(&mut self, label: &'static str, alternatives: u32) -> u32 {
        // Moments and latencies are drawn evenly; everything else is a fault or an odd outcome.
        if matches!(label, "latency") || label.starts_with("moment") {
            return self.below(alternatives);
        }
        if self.below(256) < self.fault_rate { 1 + self.below(alternatives - 1) } else { 0 }
    }

    fn step(&mut self, candidates: &[Candidate]) -> u32 {
        let timer = self.timer_weight;
        let total = candidates.iter().map(|candidate| weight(*candidate, timer)).sum();
        let mut drawn = self.below(total);
        for (index, candidate) in candidates.iter().enumerate() {
            let weight = weight(*candidate, timer);
            if drawn < weight {
                return index as u32;
            }
            drawn -= weight;
        }
        0
    }
}

/// A recorded decision, as a trace file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What was decided.
    pub label: String,
    /// How many alternatives there were.
    pub alternatives: u32,
    /// Which was taken.
    pub chosen: u32,
}

/// Feeds a recorded stream back; natural decisions after its end.
pub struct Replay {
    recorded: Vec<Recorded>,
    next: usize,
    divergence: Option<String>,
}

impl Replay {
    /// A replay of these decisions.
    pub fn new(recorded: Vec<Recorded>) -> Self {
        Replay { recorded, next: 0, divergence: None }
    }

    fn next(&mut self, label: &str, alternatives: u32) -> u32 {
        let index = self.next;
        self.next += 1;
        let Some(recorded) = self.recorded.get(index) else {
            if index == self.recorded.len() && self.divergence.is_none() {
                self.divergence = Some(format!(
                    "decision {index} ({label} of {alternatives}) comes after the recorded end"
                ));
            }
            return 0;
        };
        let fits = recorded.label == label && recorded.alternatives == alternatives;
        if !fits && self.divergence.is_none() {
            self.divergence = Some(format!(
                "decision {index} is {label} of {alternatives}, recorded was {} of {}",
                recorded.label, recorded.alternatives
            ));
        }
        if recorded.chosen < alternatives { recorded.chosen } else { 0 }
    }
}

impl Strategy for Replay {
    fn choose(&mut self, label: &'static str, alternatives: u32) -> u32 {
        self.next(label, alternatives)
    }

    fn step(&mut self, candidates: &[Candidate]) -> u32 {
        self.next(STEP, u32::try_from(candidates.len()).unwrap_or(u32::MAX))
    }

    fn divergence(&self) -> Option<String> {
        let left = self.recorded.len().saturating_sub(self.next);
        self.divergence.clone().or_else(|| {
            (left > 0).then(|| format!("{left} recorded decisions were never asked for"))
        })
    }
}
