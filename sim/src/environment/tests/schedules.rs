//! One test under many schedules: whatever is possible may be the next step.

use super::Rig;
use crate::environment::{Choose, Chooser, Faults};
use std::cell::Cell;
use std::rc::Rc;

/// How many schedules a test is run under.
const SCHEDULES: u64 = 200;

/// A sequence of numbers that is the same on every run.
#[derive(Clone)]
struct Random(Rc<Cell<u64>>);

impl Random {
    fn below(&self, limit: u64) -> u64 {
        let mut x = self.0.get().wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        x % limit.max(1)
    }
}

/// Draws latencies.
struct Latencies(u64);

impl Choose for Latencies {
    fn choose(&mut self, _: &'static str, alternatives: u32) -> u32 {
        let random = Random(Rc::new(Cell::new(self.0)));
        let choice = random.below(u64::from(alternatives));
        self.0 = random.0.get();
        u32::try_from(choice).unwrap_or_default()
    }
}

/// Takes the steps of one schedule.
pub(super) struct Schedule(Random);

impl Schedule {
    /// One step. `false` when nothing is possible.
    fn step(&self, rig: &Rig) -> bool {
        let flushes = rig.simulation.flushable();
        let operations = rig.environment.len();
        let timers = usize::from(rig.simulation.next_timer().is_some());
        let possible = flushes + operations + timers;
        let choice = usize::try_from(self.0.below(possible as u64)).unwrap_or_default();
        let stepped = if choice < flushes {
            rig.simulation.flush(choice)
        } else if choice < flushes + operations {
            rig.environment.run(choice - flushes, &rig.simulation)
        } else {
            timers > 0 && rig.simulation.fire_timer()
        };
        assert!(rig.simulation.crash().is_none(), "{:?}", rig.simulation.crash());
        stepped
    }

    /// Some steps, if so many are possible.
    pub(super) fn some(&self, rig: &Rig, steps: usize) {
        for _ in 0..steps {
            if !self.step(rig) {
                return;
            }
        }
    }

    /// All steps, until nothing is possible.
    pub(super) fn all(&self, rig: &Rig) {
        while self.step(rig) {}
    }
}

/// Runs the test again and again, each time with other latencies and in another order.
pub(super) fn under_many_schedules(test: impl Fn(&Rig, &Schedule)) {
    for seed in 1..=SCHEDULES {
        let rig = Rig::drawing(Chooser::new(Latencies(seed)), Faults::none());
        test(&rig, &Schedule(Random(Rc::new(Cell::new(seed)))));
    }
}

/// [`under_many_schedules`], each time with other faults, too, as long as these last.
pub(super) fn under_many_schedules_with(faults: &Faults, test: impl Fn(&Rig, &Schedule)) {
    for seed in 1..=SCHEDULES {
        let rig = Rig::drawing(Chooser::new(Latencies(seed)), faults.clone());
        test(&rig, &Schedule(Random(Rc::new(Cell::new(seed)))));
    }
}

/// Runs the test again and again, each time with other latencies, in the order of time.
pub(super) fn with_many_latencies(test: impl Fn(&Rig)) {
    for seed in 1..=SCHEDULES {
        test(&Rig::drawing(Chooser::new(Latencies(seed)), Faults::none()));
    }
}
