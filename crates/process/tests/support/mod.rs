//! What the twins share: the two worlds in which they run, both with a paused clock, and patient
//! waiting.
#![allow(dead_code)] // Each test file uses its own part.

use process::future::Value;
use process::simulated::{ContextId, Installed, Simulation};
use process::{Future, clock};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// More than any machine needs; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many schedules of the simulator a test is run under.
const SCHEDULES: u64 = 64;

static CLOCK: Mutex<()> = Mutex::new(());

/// Where a twin runs: with threads or in the simulator.
pub enum World {
    Live(#[allow(dead_code)] MutexGuard<'static, ()>),
    Simulated { simulation: Rc<Simulation>, random: Cell<u64>, _installed: Installed },
}

/// Runs a test in the live runtime, then in the simulator under many schedules.
pub fn in_both_worlds(test: impl Fn(&World)) {
    test(&World::live());
    for seed in 1..=SCHEDULES {
        test(&World::simulated(seed));
    }
}

impl World {
    /// The live runtime with its clock paused; no other test has it meanwhile.
    pub fn live() -> Self {
        let guard = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
        clock::pause();
        World::Live(guard)
    }

    /// A simulation whose next steps are drawn at random.
    pub fn simulated(seed: u64) -> Self {
        let simulation = Simulation::new(false);
        let _installed = simulation.install();
        clock::pause();
        World::Simulated { simulation, random: Cell::new(seed), _installed }
    }

    /// One step of the simulation. `false` when there is none, or no simulation.
    fn step(&self) -> bool {
        let World::Simulated { simulation, random, .. } = self else { return false };
        // xorshift: any sequence will do that is the same on every run.
        let mut x = random.get().wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        x ^= x << 13;
        x ^= x >> 7;
        random.set(x ^ (x << 17));
        let stepped = simulation.step(|choices| (random.get() % choices as u64) as usize);
        assert!(simulation.crash().is_none(), "{:?}", simulation.crash());
        stepped
    }

    /// `Clock::advance`: timers become due, and fire when somebody waits or settles.
    pub fn advance(&self, duration: Duration) {
        while self.has_unsent() && self.step() {}
        clock::advance(duration);
    }

    /// Whether something that the test has sent is still on its way in the simulator.
    fn has_unsent(&self) -> bool {
        let World::Simulated { simulation, .. } = self else { return false };
        let mut senders = (0..simulation.flushable()).filter_map(|index| simulation.peek(index));
        senders.any(|(from, ..)| from == ContextId::MAIN)
    }

    /// Waits until `done` holds, giving it a chance after whatever happens.
    fn until(&self, done: impl Fn() -> bool, wait: impl FnOnce()) {
        match self {
            World::Live(_) => wait(),
            World::Simulated { .. } => while !done() && self.step() {},
        }
    }

    /// Waits until the future is completed.
    #[track_caller]
    pub fn completed<T: Value>(&self, future: &Future<T>) {
        self.until(|| !future.is_pending(), || drop(future.wait(PATIENCE)));
        assert!(!future.is_pending(), "the future is {future}");
    }

    /// `AWAIT_READY`
    #[track_caller]
    pub fn ready<T: Value>(&self, future: &Future<T>) -> T {
        self.completed(future);
        match future.get() {
            Some(value) => value.clone(),
            None => panic!("expected a ready future, got {future}"),
        }
    }

    /// `AWAIT_FAILED`
    #[track_caller]
    pub fn failed<T: Value>(&self, future: &Future<T>) -> String {
        self.completed(future);
        match future.failure() {
            Some(message) => message.to_owned(),
            None => panic!("expected a failed future, got {future}"),
        }
    }

    /// `AWAIT_DISCARDED`
    #[track_caller]
    pub fn discarded<T: Value>(&self, future: &Future<T>) {
        self.completed(future);
        assert!(future.is_discarded(), "expected a discarded future, got {future}");
    }

    /// `AWAIT_ABANDONED`
    #[track_caller]
    pub fn abandoned<T: Value>(&self, future: &Future<T>) {
        self.until(
            || future.is_abandoned(),
            || {
                block(|done| {
                    future.on_abandoned(done);
                });
            },
        );
        assert!(future.is_abandoned(), "expected an abandoned future, got {future}");
    }

    /// Waits until somebody asks for a discard of the future.
    #[track_caller]
    pub fn asked_to_discard<T: Value>(&self, future: &Future<T>) {
        self.until(
            || future.has_discard(),
            || {
                block(|done| {
                    future.on_discard(done);
                });
            },
        );
        assert!(future.has_discard());
    }

    /// `Clock::settle`, in the simulator under the schedule of this world.
    pub fn settle(&self) {
        match self {
            World::Live(_) => clock::settle(),
            World::Simulated { .. } => while self.step() {},
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let World::Live(_) = self {
            clock::resume();
        }
    }
}

/// Blocks the thread until the callback given to `install` is called.
fn block(install: impl FnOnce(Box<dyn FnOnce() + Send>)) {
    let signal = Arc::new((Mutex::new(false), Condvar::new()));
    let notify = Arc::clone(&signal);
    install(Box::new(move || {
        *notify.0.lock().unwrap() = true;
        notify.1.notify_all();
    }));
    let done = signal.0.lock().unwrap();
    let (done, _) = signal.1.wait_timeout_while(done, PATIENCE, |done| !*done).unwrap();
    assert!(*done, "nothing happened");
}
