//! Drives an environment in its natural order: what is due first happens first.
//!
//! For tests, and for servers: virtual time is moved to wherever its driver wants it, which may be
//! as fast as it goes, or as a real clock says.

use super::operations::Environment;
use process::Time;
use process::simulated::Simulation;
use std::time::Duration;

/// A driver in the order of time. The simulation must be the one that is installed.
pub struct NaturalOrder<'a> {
    simulation: &'a Simulation,
    environment: &'a Environment,
}

impl<'a> NaturalOrder<'a> {
    /// A driver of this simulation and its environment.
    pub fn new(simulation: &'a Simulation, environment: &'a Environment) -> Self {
        NaturalOrder { simulation, environment }
    }

    /// When the next thing happens: at once if it is a message on its way, never if `None`.
    pub fn next_due(&self) -> Option<Time> {
        if self.simulation.flushable() > 0 {
            return Some(self.simulation.now());
        }
        let (op, timer) = (self.environment.next_due(), self.simulation.next_timer());
        op.into_iter().chain(timer).min()
    }

    /// Lets the next thing happen, if it is due by `limit`; the clock goes along. Returns whether
    /// something happened.
    pub fn step(&self, limit: Time) -> bool {
        if self.simulation.flush(0) {
            return true;
        }
        let (op, timer) = (self.environment.next_due(), self.simulation.next_timer());
        let Some(due) = op.into_iter().chain(timer).min().filter(|due| *due <= limit) else {
            return false;
        };
        if op == Some(due) {
            self.simulation.advance_to(due);
            self.environment.run(0, self.simulation)
        } else {
            self.simulation.fire_timer()
        }
    }

    /// Lets everything happen that is due by `limit`, and moves the clock there.
    pub fn run_until(&self, limit: Time) {
        while self.step(limit) {}
        self.simulation.advance_to(limit);
    }

    /// Lets this much time pass.
    pub fn pass(&self, time: Duration) {
        self.run_until(self.simulation.now() + time);
    }

    /// Lets time pass until nothing is pending. Does not return while something begins anew for
    /// ever, such as a stream of stats.
    pub fn settle(&self) {
        while self.step(Time::from_epoch(Duration::MAX)) {}
    }
}
