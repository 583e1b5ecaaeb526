//! The stream of choices: every decision of a run, in order.
//!
//! A run is its scenario plus this stream. What produces the stream is a
//! [`Strategy`]; feeding a recorded one back replays the run.

use crate::environment::Choose;
use crate::strategy::{Candidate, Strategy};

/// The label of the decision which step comes next.
pub const STEP: &str = "step";

/// One decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub label: &'static str,
    /// How many alternatives there were; at least 2.
    pub alternatives: u32,
    /// Which was taken, from 0, the natural one.
    pub chosen: u32,
}

/// Asks a strategy and keeps its answers.
pub struct Stream {
    strategy: Box<dyn Strategy + Send>,
    decisions: Vec<Decision>,
    keep: bool,
    count: u64,
}

impl Stream {
    /// A stream that is produced by `strategy`; `keep` says whether the decisions are recorded.
    pub fn new(strategy: Box<dyn Strategy + Send>, keep: bool) -> Self {
        Stream { strategy, decisions: Vec::new(), keep, count: 0 }
    }

    /// Decides which of the possible next steps is taken. With one candidate nothing is decided.
    pub fn step(&mut self, candidates: &[Candidate]) -> usize {
        if candidates.len() < 2 {
            return 0;
        }
        let alternatives = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        let chosen = self.strategy.step(candidates).min(alternatives - 1);
        self.record(Decision { label: STEP, alternatives, chosen });
        chosen as usize
    }

    fn record(&mut self, decision: Decision) {
        self.count += 1;
        if self.keep {
            self.decisions.push(decision);
        }
    }

    /// How many decisions were made.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether no decision was made.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes the recorded decisions.
    pub fn take_decisions(&mut self) -> Vec<Decision> {
        std::mem::take(&mut self.decisions)
    }

    /// Where a replay stopped fitting, if it did: see [`Strategy::divergence`].
    pub fn divergence(&self) -> Option<String> {
        self.strategy.divergence()
    }
}

impl Choose for Stream {
    fn choose(&mut self, label: &'static str, alternatives: u32) -> u32 {
        let chosen = self.strategy.choose(label, alternatives).min(alternatives.saturating_sub(1));
        self.record(Decision { label, alternatives, chosen });
        chosen
    }
}
