//! The simulator's clock while it is paused: each process has a time of its own, as live.
//!
//! A running clock has one time for all. Only tests that look at time pause it; the driver of a
//! campaign does not. Mirrors `3rdparty/libprocess/src/clock.cpp`.

use super::state::State;
use super::{ContextId, Simulation, with_current};
use crate::clock::Time;
use crate::times::{Times, Update};
use std::time::Duration;

impl State {
    /// The time of a process; the clock's, for what is none.
    pub(super) fn time_of(&self, context: ContextId) -> Time {
        match &self.paused {
            Some(times) if self.context(context).process => times.of(&context),
            _ => self.now,
        }
    }

    /// Brings `to` to the time of `from`, if the clock is paused.
    #[inline]
    pub(super) fn pass_time(&mut self, from: ContextId, to: ContextId, update: Update) {
        if self.paused.is_some() {
            self.set_time(to, self.time_of(from), update);
        }
    }

    fn set_time(&mut self, of: ContextId, time: Time, update: Update) {
        if let Some(times) = &mut self.paused {
            times.update(of, time, update);
        }
    }

    /// A timer fires: the process that started it is at least at its deadline.
    pub(super) fn timer_fires(&mut self, creator: ContextId, deadline: Time) {
        if self.context(creator).alive {
            self.set_time(creator, deadline, Update::Safe);
        }
    }
}

impl Simulation {
    /// Moves the clock forward if it is paused. What the driving code sent before arrives before:
    /// its sends have returned.
    fn advance(&self, by: Duration) {
        if self.state.borrow().paused.is_none() {
            return;
        }
        while let Some(index) = self.unsent_by_main() {
            self.flush(index);
        }
        self.advance_to(self.now() + by);
    }

    /// The flush of the driving code's next message, when no event is being handled.
    fn unsent_by_main(&self) -> Option<usize> {
        let state = self.state.borrow();
        let flush = state.enabled.iter().position(|&context| context == ContextId::MAIN);
        flush.filter(|_| !state.busy)
    }

    /// Whether a timer is due.
    pub(super) fn has_due_timer(&self) -> bool {
        self.next_timer().is_some_and(|deadline| deadline <= self.now())
    }
}

pub(crate) fn now_of(context: ContextId) -> Time {
    with_current(|simulation| simulation.state.borrow().time_of(context)).unwrap_or_default()
}

pub(crate) fn pause() -> Option<()> {
    with_current(|simulation| {
        let mut state = simulation.state.borrow_mut();
        let now = state.now;
        state.paused.get_or_insert_with(|| Times::new(now));
    })
}

pub(crate) fn paused() -> Option<bool> {
    with_current(|simulation| simulation.state.borrow().paused.is_some())
}

pub(crate) fn resume() -> Option<()> {
    with_current(|simulation| simulation.state.borrow_mut().paused = None)
}

pub(crate) fn advance(by: Duration) -> Option<()> {
    with_current(|simulation| simulation.advance(by))
}

pub(crate) fn update(time: Time) -> Option<()> {
    with_current(|simulation| simulation.advance(time - simulation.now()))
}

pub(crate) fn update_process(process: ContextId, time: Time, update: Update) {
    with_current(|simulation| simulation.state.borrow_mut().set_time(process, time, update));
}

/// Whether no timer is due; nothing fires while somebody asks.
pub(crate) fn settled() -> Option<bool> {
    with_current(|simulation| !simulation.has_due_timer())
}

pub(crate) fn settle() -> Option<()> {
    let simulation = super::current()?;
    assert!(paused() == Some(true), "only a paused clock can settle: pause it first");
    // The natural order: the oldest message first, timers when none is left.
    simulation.settle(|_| 0);
    Some(())
}
