//! All live processes, in the order of their creation, and how one runs from start to end.
//!
//! Mirrors `spawn`, `resume` and `cleanup` of `ProcessManager` in
//! `3rdparty/libprocess/src/process.cpp`.

use super::current::{self, Place, ProcessNumber};
use super::settle::Marker;
use super::{Control, RUNTIME, clock, network};
use crate::context::Context;
use crate::event::Event;
use crate::pid::{Pid, Process, Target, Upid};
use crate::spawn::terminate;
use actix::dev::ContextFut;
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A process of any type.
pub(super) trait Living: Send + Sync {
    /// Puts the marker into its mailbox, or drops it if there is none any more.
    fn mark(&self, marker: Marker);

    /// Ends it after what it has to do already.
    fn terminate(&self);
}

impl<A: Process> Living for Pid<A> {
    fn mark(&self, marker: Marker) {
        if let Target::Live { address, .. } = self.target() {
            address.do_send(Event(Box::new(marker)));
        }
    }

    fn terminate(&self) {
        terminate(self, false);
    }
}

struct Registry {
    living: BTreeMap<ProcessNumber, Arc<dyn Living>>,
    /// How often a process was added or removed.
    changes: u64,
    /// No process may start now.
    closed: bool,
}

static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { living: BTreeMap::new(), changes: 0, closed: false });

static REMOVED: Condvar = Condvar::new();

static NUMBERS: AtomicU64 = AtomicU64::new(1);

pub(super) fn number() -> ProcessNumber {
    ProcessNumber(NUMBERS.fetch_add(1, Ordering::Relaxed))
}

/// A process has its place in the registry until this is dropped, also when its handler panics:
/// then it ends like any other.
pub(super) struct Residence {
    upid: Upid,
    control: Arc<Control>,
}

impl Residence {
    /// Adds a process. `None` when it may not start: the runtime is being finalized, or a process
    /// with this name runs.
    pub(super) fn new<A: Process>(pid: &Pid<A>, control: &Arc<Control>) -> Option<Self> {
        let id = pid.upid().id().to_owned();
        let runtime = super::runtime();
        let mut registry = REGISTRY.lock();
        if registry.closed {
            return None;
        }
        match runtime.processes.entry(id.clone()) {
            dashmap::Entry::Occupied(_) => return None,
            dashmap::Entry::Vacant(vacant) => drop(vacant.insert(Box::new(pid.clone()))),
        }
        registry.changes += 1;
        registry.living.insert(control.process(), Arc::new(pid.clone()));
        Some(Residence { upid: pid.upid().clone(), control: Arc::clone(control) })
    }
}

impl Drop for Residence {
    fn drop(&mut self) {
        let process = self.control.process();
        // The last step, so that a settle waits for all others.
        let _removal = Removal(process);
        // Whoever is told of the end hears of it at the time of this process.
        let _here = current::enter_place(Place::Process(process));
        if let Some(runtime) = RUNTIME.get() {
            runtime.processes.remove(self.upid.id());
        }
        network::ended(&self.upid);
        self.control.exit();
    }
}

/// Removes the process when dropped, also when one that was told of its end panicked.
struct Removal(ProcessNumber);

impl Drop for Removal {
    fn drop(&mut self) {
        clock::forget(self.0);
        let mut registry = REGISTRY.lock();
        registry.changes += 1;
        let removed = registry.living.remove(&self.0);
        drop(registry);
        REMOVED.notify_all();
        drop(removed);
    }
}

/// Runs a process from its `started` to its end.
pub(super) async fn run<A: Process>(residence: Residence, mut process: ContextFut<A, Context<A>>) {
    let place = Place::Process(residence.control.process());
    poll_fn(|task| {
        let _here = current::enter_place(place);
        Pin::new(&mut process).poll(task)
    })
    .await;
    let _here = current::enter_place(place);
    drop(process);
    drop(residence);
}

/// How often processes came and went, and those that are there.
pub(super) fn census() -> (u64, BTreeMap<ProcessNumber, Arc<dyn Living>>) {
    let registry = REGISTRY.lock();
    (registry.changes, registry.living.clone())
}

/// The process that was created last.
pub(super) fn newest() -> Option<(ProcessNumber, Arc<dyn Living>)> {
    let registry = REGISTRY.lock();
    registry.living.last_key_value().map(|(number, one)| (*number, Arc::clone(one)))
}

/// Blocks until the process has ended.
pub(super) fn wait_for_end(process: ProcessNumber) {
    let mut registry = REGISTRY.lock();
    while registry.living.contains_key(&process) {
        REMOVED.wait(&mut registry);
    }
}

/// No process may start until this is dropped.
pub(super) struct Closed(());

pub(super) fn close() -> Closed {
    REGISTRY.lock().closed = true;
    Closed(())
}

impl Drop for Closed {
    fn drop(&mut self) {
        REGISTRY.lock().closed = false;
    }
}
