//! The simulated runtime: processes without threads, mailboxes without an executor, time without
//! waiting.
//!
//! # The delivery model ("outbox flush")
//!
//! libprocess has one queue a process, and a dispatch is in that queue before the call returns.
//! Here a handler's sends first go to the *outbox* of the context that executes it; the one
//! schedulable step is the *flush* of an outbox's head into its receiver's mailbox. A process
//! handles its next message only when its outbox is empty (as if all its sends had returned), and
//! does so eagerly, since taking from a queue's head commutes with adding to its tail. Together
//! this yields exactly libprocess's interleavings: handlers of one process never interleave,
//! handlers of two processes do, message by message.
//!
//! Callbacks that are not deferred run inline, so their sends go to the outbox of the process that
//! completed the future. What is no process (the clock, a daemon, a network connection) is an
//! environment context: it has an outbox and no mailbox.
//!
//! The runtime decides nothing. Whoever drives it ([`Simulation::flush`],
//! [`Simulation::fire_timer`], [`Simulation::run_in`], [`Simulation::settle`]) chooses the next
//! step.

pub(crate) mod clock;
mod delivery;
pub mod network;
mod outbox;
mod record;
mod rest;
mod state;

pub(crate) use rest::finalize;

pub use record::{EventRecord, Note};
pub use state::ContextId;

use crate::clock::{Time, Timer};
use crate::context::Context;
use crate::future::{Future, Nothing};
use crate::label::{EventId, Label};
use crate::pid::{Pid, Process, Target, Upid};
use crate::transport::Port;
use state::{Control, Mailed, State};
use std::any::Any;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

/// A message on its way to a process of the simulator.
pub(crate) trait Mail {
    fn label(&self) -> Label;

    /// The label's method. It is asked for in every event, the rest is not.
    fn method(&self) -> &'static str;

    fn deliver(self: Box<Self>, cell: &mut dyn AnyCell);

    /// Whom it is for, when it comes over the network and is yet to find its receiver.
    fn destination(&self) -> Option<&Upid> {
        None
    }

    /// What it is for the receiver that was found.
    fn arrive(self: Box<Self>, port: &dyn Port) -> Box<dyn Mail>;
}

/// A process at rest: its actor and the context its handlers get.
pub(crate) struct Cell<A: Process> {
    pub(crate) actor: A,
    pub(crate) context: Context<A>,
}

/// A process at rest, whatever its type.
pub(crate) trait AnyCell: Any {
    fn started(&mut self);
    fn stopped(&mut self);
    fn is_stopping(&self) -> bool;
    /// The type of the actor, as in a [`Label`].
    fn process(&self) -> &'static str;
}

impl<A: Process> AnyCell for Cell<A> {
    fn started(&mut self) {
        self.actor.started(&mut self.context);
    }

    fn stopped(&mut self) {
        self.actor.stopped(&mut self.context);
    }

    fn is_stopping(&self) -> bool {
        self.context.is_stopping()
    }

    fn process(&self) -> &'static str {
        std::any::type_name::<A>()
    }
}

/// A handler that panicked, and in which event.
#[derive(Clone, Debug)]
pub struct Crash {
    /// The event whose handler panicked.
    pub event: EventId,
    /// What it was.
    pub label: Label,
    /// The process or environment context in which it ran.
    pub context: String,
    /// The panic's message.
    pub message: String,
}

thread_local! {
    /// Emptied by [`Installed`]: there is nothing to drop at the thread's end, and so nothing to
    /// look at in each access either.
    static CURRENT: ManuallyDrop<RefCell<Option<Rc<Simulation>>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}

#[inline]
fn with_current<R>(f: impl FnOnce(&Simulation) -> R) -> Option<R> {
    CURRENT.with(|current| current.borrow().as_deref().map(f))
}

/// The simulation of this thread, for what runs code of processes: not within `with_current`.
fn current() -> Option<Rc<Simulation>> {
    CURRENT.with(|current| current.borrow().clone())
}

/// One simulated runtime. While it is [installed](Simulation::install), everything that this
/// thread spawns, sends and delays belongs to it.
pub struct Simulation {
    state: RefCell<State>,
}

/// Keeps a [`Simulation`] installed on this thread. On drop all its processes are dropped, then
/// the thread is free again.
pub struct Installed {
    simulation: Rc<Simulation>,
}

impl Drop for Installed {
    fn drop(&mut self) {
        self.simulation.clear();
        CURRENT.with(|current| current.replace(None));
    }
}

impl Simulation {
    /// A runtime without processes at virtual time zero. With `tracing` it records every event.
    pub fn new(tracing: bool) -> Rc<Self> {
        Rc::new(Simulation { state: RefCell::new(State::new(tracing)) })
    }

    /// Makes this the runtime of the current thread.
    ///
    /// # Panics
    ///
    /// When another simulation is installed on this thread: that is a bug of the caller.
    pub fn install(self: &Rc<Self>) -> Installed {
        CURRENT.with(|current| {
            let mut current = current.borrow_mut();
            assert!(current.is_none(), "one simulation a thread at a time");
            *current = Some(Rc::clone(self));
        });
        Installed { simulation: Rc::clone(self) }
    }

    /// The virtual time.
    pub fn now(&self) -> Time {
        self.state.borrow().now
    }

    /// Moves the clock forward to `time`; never backwards. Timers do not fire by this.
    pub fn advance_to(&self, time: Time) {
        let mut state = self.state.borrow_mut();
        state.now = state.now.max(time);
    }

    /// A digest of everything handled so far: equal for equal runs, step by step.
    pub fn digest(&self) -> u64 {
        self.state.borrow().digest
    }

    /// How many events were handled so far.
    pub fn events_handled(&self) -> u64 {
        self.state.borrow().next_event - 1
    }

    /// Adds an environment context: an actor that is no process.
    pub fn add_context(&self, name: &'static str) -> ContextId {
        self.state.borrow_mut().add_context(name.to_owned())
    }

    /// The context's name: a process id or the name of an environment context.
    pub fn context_name(&self, context: ContextId) -> String {
        self.state.borrow().context(context).name.clone()
    }

    /// Contexts whose outbox has a message, the oldest message first.
    pub fn flushable(&self) -> usize {
        self.state.borrow().enabled.len()
    }

    /// What the `index`th flush would deliver: sender, receiver and label.
    pub fn peek(&self, index: usize) -> Option<(ContextId, ContextId, Label)> {
        let state = self.state.borrow();
        let from = *state.enabled.get(index)?;
        let sent = state.context(from).outbox.head()?;
        Some((from, sent.to, sent.mail.label()))
    }

    /// When the next timer fires, if there is one.
    pub fn next_timer(&self) -> Option<Time> {
        self.state.borrow().timers.keys().next().map(|&(deadline, _)| deadline)
    }

    /// Moves the clock to the earliest timer's deadline (if that is ahead) and fires it.
    pub fn fire_timer(&self) -> bool {
        let taken = {
            let mut state = self.state.borrow_mut();
            let Some(((deadline, _), timer)) = state.timers.pop_first() else { return false };
            state.now = state.now.max(deadline);
            state.timer_fires(timer.creator, deadline);
            timer
        };
        self.run_in(ContextId::CLOCK, Label::plain("Clock", "timer"), taken.cause, taken.action);
        true
    }

    /// Runs `f` as an event of an environment context. What it sends goes to that context's
    /// outbox.
    pub fn run_in(&self, context: ContextId, label: Label, cause: EventId, f: impl FnOnce()) {
        let outer = self.state.borrow_mut().begin(context, label.method, cause, || label);
        self.guarded(context, label, f);
        self.state.borrow_mut().end(outer);
        self.pump(&[]);
    }

    /// The event being handled, for use as a cause.
    pub fn current_event(&self) -> EventId {
        self.state.borrow().current_event
    }

    /// The first handler that panicked, if any did.
    pub fn crash(&self) -> Option<Crash> {
        self.state.borrow().crash.clone()
    }

    /// Takes what was recorded: events in the order of handling, and notes. Empty without
    /// `tracing`.
    pub fn take_record(&self) -> (Vec<EventRecord>, Vec<Note>) {
        let mut state = self.state.borrow_mut();
        (std::mem::take(&mut state.events), std::mem::take(&mut state.notes))
    }

    /// Ends a process on the spot, as the death of its operating-system process does: no
    /// `stopped`, unsent messages lost.
    pub fn kill(&self, context: ContextId) {
        let remains = self.state.borrow_mut().take_process(context, true);
        // The actor's promises are abandoned as it is dropped; what their callbacks send is sent
        // by nobody and goes to the environment.
        drop(remains);
        self.finish(context);
    }

    /// Whether the process still runs.
    pub fn is_alive(&self, context: ContextId) -> bool {
        self.state.borrow().context(context).alive
    }

    /// Drops all processes, messages and timers. What their destructors send is dropped too.
    fn clear(&self) {
        loop {
            let remains = self.state.borrow_mut().take_everything();
            if remains.is_empty() {
                return;
            }
            let _ = catch_unwind(AssertUnwindSafe(|| drop(remains)));
        }
    }
}

/// Sends from the executing context; dropped when no simulation is installed (its world is gone).
pub(crate) fn send(to: ContextId, mail: Box<dyn Mail>) {
    send_from(to, Mailed::Event(mail), |state| state.current_context);
}

/// Sends on the network lane between two processes instead of from the sender's outbox.
pub(crate) fn post(from: &Upid, to: ContextId, mail: Box<dyn Mail>) {
    send_from(to, Mailed::Event(mail), |state| state.lane(from, to));
}

#[inline(always)]
fn send_from(to: ContextId, mail: Mailed, from: impl FnOnce(&mut State) -> ContextId) {
    // Dropped outside the borrow: it may hold the promise of a dispatched call.
    let _refused = CURRENT.with(|current| {
        let current = current.borrow();
        let Some(simulation) = &*current else { return Some(mail) };
        let mut state = simulation.state.borrow_mut();
        if state.closed {
            return Some(mail);
        }
        let from = from(&mut state);
        state.send(from, to, mail);
        None
    });
}

/// Whether this thread has a simulation.
pub(crate) fn is_installed() -> bool {
    with_current(|_| ()).is_some()
}

pub(crate) fn now() -> Option<Time> {
    with_current(|simulation| {
        let state = simulation.state.borrow();
        state.time_of(state.current_context)
    })
}

pub(crate) fn timer<F: FnOnce() + Send + 'static>(duration: Duration, f: F) -> Result<Timer, F> {
    let mut f = Some(f);
    let timer = with_current(|simulation| {
        let mut state = simulation.state.borrow_mut();
        f.take().map(|f| state.add_timer(duration, Box::new(f)))
    });
    match (timer.flatten(), f) {
        (Some(timer), _) => Ok(timer),
        (None, Some(f)) => Err(f),
        (None, None) => unreachable!("the closure is only taken when a timer is made of it"),
    }
}

pub(crate) fn cancel(timer: &Timer) -> Option<bool> {
    let removed = with_current(|simulation| {
        simulation.state.borrow_mut().timers.remove(&(timer.deadline, timer.id))
    })?;
    Some(removed.is_some())
}

pub(crate) fn spawn<A: Process>(id: String, actor: A) -> Result<Pid<A>, (String, A)> {
    let mut parts = Some((id, actor));
    let pid = with_current(|simulation| {
        let (id, actor) = parts.take()?;
        let mut state = simulation.state.borrow_mut();
        let upid = Upid::new(id, state.address_here());
        let refused = state.refuses(&upid);
        let context = state.add_context(upid.id().to_owned());
        let pid = Pid::new(upid, Target::Simulated(context));
        if refused {
            state.note("process", || crate::spawn::refused(pid.upid().id()));
            drop(state);
            drop(actor);
            return Some(pid);
        }
        let cell = Cell { actor, context: Context::simulated(pid.clone()) };
        state.start(context, Box::new(cell), pid.upid(), Rc::new(pid.clone()));
        Some(pid)
    });
    match (pid.flatten(), parts) {
        (Some(pid), _) => {
            // A process spawned by the driving code, outside any event, initializes at once.
            with_current(|simulation| simulation.pump(&[]));
            Ok(pid)
        }
        (None, Some(parts)) => Err(parts),
        (None, None) => unreachable!("the parts are only taken when a process is made of them"),
    }
}

pub(crate) fn terminate(to: ContextId, inject: bool) {
    let control = if inject { Control::Inject } else { Control::Terminate };
    send_from(to, Mailed::Control(control), |state| state.current_context);
}

pub(crate) fn kill(context: ContextId) {
    if let Some(simulation) = current() {
        simulation.kill(context);
    }
}

pub(crate) fn wait(context: ContextId) -> Future<Nothing> {
    with_current(|simulation| simulation.state.borrow_mut().wait(context))
        .unwrap_or_else(|| Future::ready(Nothing))
}

pub(crate) fn find<A: Process>(id: &str) -> Option<Option<Pid<A>>> {
    with_current(|simulation| simulation.state.borrow().find::<A>(id))
}

pub(crate) fn ids() -> Option<Vec<String>> {
    with_current(|simulation| simulation.state.borrow().process_ids())
}

pub(crate) fn count_id(prefix: &str) -> Option<u64> {
    with_current(|simulation| simulation.state.borrow_mut().count_id(prefix))
}

/// Records a remark about the event being handled, for traces; `text` is only made when the
/// simulator records. Does nothing in the live runtime.
pub fn note(kind: &'static str, text: impl FnOnce() -> String) {
    with_current(|simulation| simulation.state.borrow_mut().note(kind, text));
}

/// The event that the simulation installed on this thread is handling; 0 outside of any, and in
/// the live runtime.
pub fn current_event() -> EventId {
    with_current(Simulation::current_event).unwrap_or_default()
}

impl<A: Process> Pid<A> {
    /// The process's context in the simulator; `None` for a live process.
    pub fn simulated_context(&self) -> Option<ContextId> {
        match self.target() {
            Target::Simulated(context) => Some(*context),
            Target::Live { .. } => None,
        }
    }
}
