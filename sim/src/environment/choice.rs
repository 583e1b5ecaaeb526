//! The choice port: the one place where a run may turn out differently.
//!
//! Every nondeterministic decision is one call of [`Choose::choose`]. Alternative 0 is always the
//! natural one (no fault, the usual latency), so a stream of zeroes is the undisturbed run and
//! shrinking means: towards zero.

use parking_lot::Mutex;
use std::sync::Arc;

/// A producer of decisions: a random strategy, a recorded stream, an exhaustive search.
pub trait Choose {
    /// One of `0..alternatives`. `label` says what is decided; equal labels are equal kinds of
    /// decision.
    fn choose(&mut self, label: &'static str, alternatives: u32) -> u32;
}

/// A shared handle to a [`Choose`].
#[derive(Clone)]
pub struct Chooser(Arc<Mutex<dyn Choose + Send>>);

impl Chooser {
    /// A handle to a producer that nobody else looks at.
    pub fn new(choose: impl Choose + Send + 'static) -> Self {
        Chooser(Arc::new(Mutex::new(choose)))
    }

    /// A handle to a producer that its owner goes on using: to schedule, to read back.
    pub fn shared<C: Choose + Send + 'static>(choose: Arc<Mutex<C>>) -> Self {
        Chooser(choose)
    }

    /// Decides. A question with at most one answer is not asked; an answer out of range counts as
    /// the natural one, so that a stream recorded for another program still replays.
    pub fn choose(&self, label: &'static str, alternatives: u32) -> u32 {
        if alternatives <= 1 {
            return 0;
        }
        let chosen = self.0.lock().choose(label, alternatives);
        if chosen < alternatives { chosen } else { 0 }
    }
}

/// Always the natural alternative.
#[derive(Clone, Copy, Debug, Default)]
pub struct Natural;

impl Choose for Natural {
    fn choose(&mut self, _: &'static str, _: u32) -> u32 {
        0
    }
}
