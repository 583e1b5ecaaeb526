//! Coming to rest: `Clock::settle` and `process::finalize` in the simulator.

use super::{Simulation, current, terminate};

impl Simulation {
    /// Does one thing that can happen without time passing: a flush, or the earliest timer if it is
    /// due. `choose` gets how many there are (the flushes first, as [`flushable`] orders them, then
    /// the timer) and says which. `false` when there is none.
    ///
    /// [`flushable`]: Self::flushable
    pub fn step(&self, choose: impl FnOnce(usize) -> usize) -> bool {
        let flushable = self.flushable();
        let possible = flushable + usize::from(self.has_due_timer());
        if possible == 0 {
            return false;
        }
        let chosen = choose(possible);
        if chosen < flushable { self.flush(chosen) } else { self.fire_timer() }
    }

    /// Takes [steps](Self::step) until none is left: until nothing more will happen unless time
    /// passes or the environment does something.
    ///
    /// # Panics
    ///
    /// In an event, which would wait for its own end.
    pub fn settle(&self, mut choose: impl FnMut(usize) -> usize) {
        self.assert_outside();
        while self.step(&mut choose) {}
    }

    fn assert_outside(&self) {
        assert!(!self.state.borrow().busy, "an event would wait for its own end");
    }
}

pub(crate) fn finalize() -> Option<()> {
    let simulation = current()?;
    simulation.assert_outside();
    super::clock::resume();

    simulation.state.borrow_mut().finalizing = true;
    // One after the other, since the end of one may bring about that of others.
    loop {
        let newest = simulation.state.borrow().newest_process();
        let Some(process) = newest else { break };
        terminate(process, false);
        while simulation.is_alive(process) && simulation.flush(0) {}
    }
    simulation.state.borrow_mut().finalizing = false;

    // Dropped outside the borrow: they may hold promises.
    let timers = std::mem::take(&mut simulation.state.borrow_mut().timers);
    drop(timers);
    Some(())
}
