//! Pending operations: everything that the environment has begun and not yet finished.
//!
//! An operation ("op") is a closure with a due time that will run as an event of an environment
//! context. The environment never runs one itself: the driver looks at what is
//! [pending](Environment::peek) and [runs](Environment::run) whichever it likes. Ops that are
//! ordered among themselves are chained: the next is scheduled by the one before it.

use super::choice::Chooser;
use super::faults::{Fault, Faults};
use parking_lot::Mutex;
use process::simulated::{ContextId, Simulation};
use process::{EventId, Label, Time, clock};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

thread_local! {
    /// The simulation that this thread's environment belongs to, for causes and contexts.
    static SIMULATION: RefCell<Weak<Simulation>> = const { RefCell::new(Weak::new()) };
}

/// Identifies an operation; ordered by due time, then by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId {
    due: Time,
    number: u64,
}

/// An operation as the driver sees it.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    /// Which it is.
    pub id: OpId,
    /// When it is due in a timed run.
    pub due: Time,
    /// What it is.
    pub label: Label,
    /// The event that scheduled it.
    pub cause: EventId,
    /// The environment context in which it will run.
    pub context: ContextId,
}

type Action = Box<dyn FnOnce() + Send>;

struct Op {
    label: Label,
    cause: EventId,
    context: ContextId,
    action: Action,
}

#[derive(Default)]
struct Queue {
    pending: BTreeMap<OpId, Op>,
    /// Stalled ops: they become due when the world is healed.
    held: BTreeMap<OpId, Op>,
    /// The new ids of ops that were stalled when the world was healed.
    healed: BTreeMap<u64, OpId>,
    cleanups: Vec<Action>,
    next: u64,
    closed: bool,
}

struct Inner {
    queue: Mutex<Queue>,
    faults: Mutex<Budget>,
    chooser: Chooser,
    spread: u32,
}

struct Budget {
    faults: Faults,
    injected: Vec<Fault>,
}

/// The environment of one simulation: owns all pending operations and drops them when it goes.
pub struct Environment {
    operations: Operations,
}

/// A handle through which the environment's actors schedule operations and make choices.
#[derive(Clone)]
pub struct Operations(Arc<Inner>);

impl Environment {
    /// An environment in which nothing is pending, for `simulation`, which must be the one that is
    /// installed on this thread while the environment is used.
    ///
    /// `spread` is how many different latencies an operation may draw: with 1 all latencies are
    /// fixed and no choice is spent on them, with up to 4 each may also be a third, three times or
    /// ten times its usual value.
    pub fn new(simulation: &Rc<Simulation>, chooser: Chooser, faults: Faults, spread: u32) -> Self {
        SIMULATION.set(Rc::downgrade(simulation));
        let inner = Inner {
            queue: Mutex::default(),
            faults: Mutex::new(Budget { faults, injected: Vec::new() }),
            chooser,
            spread,
        };
        Environment { operations: Operations(Arc::new(inner)) }
    }

    /// The handle for scheduling.
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// How many operations are pending.
    pub fn len(&self) -> usize {
        self.operations.0.queue.lock().pending.len()
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many operations are stalled until [`heal`](Self::heal).
    pub fn stalled(&self) -> usize {
        self.operations.0.queue.lock().held.len()
    }

    /// When the first operation is due.
    pub fn next_due(&self) -> Option<Time> {
        self.operations.0.queue.lock().pending.keys().next().map(|id| id.due)
    }

    /// The `index`th pending operation, by due time and age.
    pub fn peek(&self, index: usize) -> Option<Pending> {
        let queue = self.operations.0.queue.lock();
        queue.pending.iter().nth(index).map(|(id, op)| op.view(*id))
    }

    /// Calls `f` with the index and the due time of each pending operation, by due time and age.
    pub fn for_each_due(&self, mut f: impl FnMut(usize, Time)) {
        let queue = self.operations.0.queue.lock();
        for (index, id) in queue.pending.keys().enumerate() {
            f(index, id.due);
        }
    }

    /// All pending operations, by due time and age.
    pub fn pending(&self) -> Vec<Pending> {
        let queue = self.operations.0.queue.lock();
        queue.pending.iter().map(|(id, op)| op.view(*id)).collect()
    }

    /// Runs the `index`th pending operation as an event of its context. The clock stays where it
    /// is. `false` when there is no such operation.
    pub fn run(&self, index: usize, simulation: &Simulation) -> bool {
        let op = {
            let mut queue = self.operations.0.queue.lock();
            if index == 0 {
                queue.pending.pop_first().map(|(_, op)| op)
            } else {
                let id = queue.pending.keys().nth(index).copied();
                id.and_then(|id| queue.pending.remove(&id))
            }
        };
        let Some(op) = op else { return false };
        simulation.run_in(op.context, op.label, op.cause, op.action);
        true
    }

    /// Ends all trouble: no fault is injected any more, and what was stalled goes on.
    pub fn heal(&self) {
        self.operations.0.faults.lock().faults = Faults::none();
        let mut queue = self.operations.0.queue.lock();
        let now = clock::now();
        for (id, op) in std::mem::take(&mut queue.held) {
            let healed = OpId { due: now, number: id.number };
            queue.pending.insert(healed, op);
            queue.healed.insert(id.number, healed);
        }
    }

    /// The faults injected so far, in order.
    pub fn injected(&self) -> Vec<Fault> {
        self.operations.0.faults.lock().injected.clone()
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // Dropped outside the lock: an op may hold a promise, whose callbacks may schedule.
        let (pending, held, cleanups) = {
            let mut queue = self.operations.0.queue.lock();
            queue.closed = true;
            (
                std::mem::take(&mut queue.pending),
                std::mem::take(&mut queue.held),
                std::mem::take(&mut queue.cleanups),
            )
        };
        drop(pending);
        drop(held);
        for cleanup in cleanups {
            cleanup();
        }
    }
}

impl Op {
    fn view(&self, id: OpId) -> Pending {
        Pending { id, due: id.due, label: self.label, cause: self.cause, context: self.context }
    }
}

/// The event being handled on this thread; 0 outside of any.
pub(super) fn current_event() -> EventId {
    SIMULATION.with_borrow(|simulation| {
        simulation.upgrade().map_or(EventId(0), |simulation| simulation.current_event())
    })
}

impl Operations {
    /// Adds an environment context to the simulation.
    pub fn add_context(&self, name: &'static str) -> ContextId {
        SIMULATION.with_borrow(|simulation| {
            simulation.upgrade().map_or(ContextId::MAIN, |simulation| simulation.add_context(name))
        })
    }

    /// Schedules `action` to run in `context` after exactly `delay`.
    pub fn schedule(
        &self,
        context: ContextId,
        label: Label,
        delay: Duration,
        action: impl FnOnce() + Send + 'static,
    ) -> OpId {
        self.add(context, label, Some(delay), Box::new(action))
    }

    /// [`schedule`](Self::schedule) after about `latency`: see `spread` in [`Environment::new`].
    pub fn schedule_about(
        &self,
        context: ContextId,
        label: Label,
        latency: Duration,
        action: impl FnOnce() + Send + 'static,
    ) -> OpId {
        let delay = match self.0.chooser.choose("latency", self.0.spread.min(4)) {
            0 => latency,
            1 => latency / 3,
            2 => latency * 3,
            _ => latency * 10,
        };
        self.schedule(context, label, delay, action)
    }

    /// Stalls `action`: it becomes due when the environment is healed, and not before.
    pub fn hold(
        &self,
        context: ContextId,
        label: Label,
        action: impl FnOnce() + Send + 'static,
    ) -> OpId {
        self.add(context, label, None, Box::new(action))
    }

    fn add(
        &self,
        context: ContextId,
        label: Label,
        delay: Option<Duration>,
        action: Action,
    ) -> OpId {
        let op = Op { label, cause: current_event(), context, action };
        let due = clock::now() + delay.unwrap_or_default();
        let mut queue = self.0.queue.lock();
        queue.next += 1;
        let id = OpId { due, number: queue.next };
        if queue.closed {
            // Dropped outside the lock: the op may hold a promise.
            drop(queue);
            drop(op);
            return id;
        }
        match delay {
            Some(_) => queue.pending.insert(id, op),
            None => queue.held.insert(id, op),
        };
        id
    }

    /// Forgets an operation. `false` when it has run or was cancelled before.
    pub fn cancel(&self, id: OpId) -> bool {
        let op = {
            let mut queue = self.0.queue.lock();
            queue.pending.remove(&id).or_else(|| {
                // A stalled op that was healed has a new due time.
                let held = queue.held.remove(&id);
                held.or_else(|| {
                    let healed = queue.healed.remove(&id.number)?;
                    queue.pending.remove(&healed)
                })
            })
        };
        op.is_some()
    }

    /// Lets a stalled operation become due. `false` when it is not stalled.
    pub fn resume(&self, id: OpId) -> bool {
        let due = clock::now();
        let mut queue = self.0.queue.lock();
        let Some(op) = queue.held.remove(&id) else { return false };
        let resumed = OpId { due, number: id.number };
        queue.pending.insert(resumed, op);
        queue.healed.insert(id.number, resumed);
        true
    }

    /// Runs `cleanup` when the environment goes: for breaking cycles of references.
    pub(super) fn on_close(&self, cleanup: impl FnOnce() + Send + 'static) {
        self.0.queue.lock().cleanups.push(Box::new(cleanup));
    }

    /// Makes a choice.
    pub fn choose(&self, label: &'static str, alternatives: u32) -> u32 {
        self.0.chooser.choose(label, alternatives)
    }

    /// Asks whether one of `candidates` strikes here. Kinds without budget are no alternatives,
    /// and without any alternative no choice is made.
    pub fn inject(&self, at: &'static str, subject: &str, candidates: &[Fault]) -> Option<Fault> {
        let mut budget = self.0.faults.lock();
        let possible = |fault: &&Fault| budget.faults.left(**fault) > 0;
        let alternatives = candidates.iter().filter(possible).count() as u32;
        if alternatives == 0 {
            return None;
        }
        let chosen = self.0.chooser.choose(at, alternatives + 1).checked_sub(1)?;
        let fault = *candidates.iter().filter(possible).nth(chosen as usize)?;
        budget.faults.spend(fault);
        budget.injected.push(fault);
        drop(budget);
        process::note("fault", || format!("{}: {subject}", fault.name()));
        Some(fault)
    }
}
