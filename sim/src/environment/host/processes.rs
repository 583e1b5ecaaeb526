//! The process table: who runs, who is whose child, who waits to be reaped.

use super::behaviour::{Behaviour, ProcessView};
use crate::environment::operations::OpId;
use process::host::OsPid;
use process::{EventId, Promise};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The process id of whoever adopts orphans.
pub const INIT_PID: OsPid = 1;
/// The process id of the agent: its children are those that [`Host::reap`] gets statuses of.
///
/// [`Host::reap`]: process::host::Host::reap
pub const AGENT_PID: OsPid = 100;

/// Called with each signal that a process gets.
pub(crate) type Handler = Arc<dyn Fn(i32) + Send + Sync>;

/// Called with the wait status when a process has ended.
pub(crate) type OnExit = Box<dyn FnOnce(i32) + Send>;

/// One process, living or a zombie.
pub(super) struct Process {
    /// Counts starts; tells apart processes that had the same pid one after the other.
    pub(super) serial: u64,
    pub(super) program: Arc<str>,
    pub(super) parent: OsPid,
    pub(super) cause: EventId,
    pub(super) exited: Option<i32>,
    pub(super) behaviour: Behaviour,
    pub(super) handler: Option<Handler>,
    /// The op that ends it by its behaviour.
    pub(super) ending: Option<OpId>,
    pub(super) on_exit: Option<OnExit>,
}

impl Process {
    /// A running process that nobody handles signals for.
    pub(super) fn new(program: Arc<str>, parent: OsPid, behaviour: Behaviour) -> Self {
        Process {
            serial: 0,
            program,
            parent,
            cause: crate::environment::operations::current_event(),
            exited: None,
            behaviour,
            handler: None,
            ending: None,
            on_exit: None,
        }
    }
}

/// Those who wait for one pid, and whether the reaper is about to tell them.
#[derive(Default)]
pub(super) struct Reapers {
    pub(super) promises: Vec<Promise<Option<i32>>>,
    pub(super) scheduled: bool,
}

/// All processes, and all who wait for one.
pub(super) struct Processes {
    /// The event in which an instance of each program was started last.
    pub(super) started: BTreeMap<Arc<str>, EventId>,
    next_pid: OsPid,
    next_serial: u64,
    all: BTreeMap<OsPid, Process>,
    pub(super) reapers: BTreeMap<OsPid, Reapers>,
}

impl Default for Processes {
    fn default() -> Self {
        Processes {
            started: BTreeMap::new(),
            next_pid: AGENT_PID + 1,
            next_serial: 1,
            all: BTreeMap::new(),
            reapers: BTreeMap::new(),
        }
    }
}

impl Processes {
    /// Enters a process; gives its pid and serial number.
    pub(super) fn add(&mut self, mut process: Process) -> (OsPid, u64) {
        let (pid, serial) = (self.next_pid, self.next_serial);
        self.next_pid += 1;
        self.next_serial += 1;
        process.serial = serial;
        self.started.insert(Arc::clone(&process.program), process.cause);
        self.all.insert(pid, process);
        (pid, serial)
    }

    pub(super) fn get(&self, pid: OsPid) -> Option<&Process> {
        self.all.get(&pid)
    }

    /// The process, if it is this very one and still runs.
    pub(super) fn running(&mut self, pid: OsPid, serial: u64) -> Option<&mut Process> {
        self.all
            .get_mut(&pid)
            .filter(|process| process.serial == serial && process.exited.is_none())
    }

    pub(super) fn remove(&mut self, pid: OsPid) -> Option<Process> {
        self.all.remove(&pid)
    }

    /// The process and its living descendants, parents first.
    pub(super) fn tree(&self, root: OsPid) -> Vec<(OsPid, u64)> {
        let living = |process: &&Process| process.exited.is_none();
        let Some(process) = self.all.get(&root).filter(living) else { return Vec::new() };
        let mut tree = vec![(root, process.serial)];
        let mut next = 0;
        while let Some(&(parent, _)) = tree.get(next) {
            let children = self.all.iter().filter(|(_, process)| process.parent == parent);
            tree.extend(
                children
                    .filter(|(_, process)| process.exited.is_none())
                    .map(|(pid, process)| (*pid, process.serial)),
            );
            next += 1;
        }
        tree
    }

    /// Gives the children of a process that has ended to init, which reaps zombies at once.
    pub(super) fn orphan_children(&mut self, parent: OsPid) {
        self.all.retain(|_, process| process.parent != parent || process.exited.is_none());
        for process in self.all.values_mut().filter(|process| process.parent == parent) {
            process.parent = INIT_PID;
        }
    }

    pub(super) fn views(&self) -> impl Iterator<Item = ProcessView> {
        self.all.iter().map(|(pid, process)| ProcessView {
            pid: *pid,
            program: Arc::clone(&process.program),
            parent: process.parent,
            cause: process.cause,
            exited: process.exited,
        })
    }
}
