//! The process table: who runs, who is whose child, who waits to be reaped.

use super::behaviour::{Behaviour, ProcessView};
use crate::environment::operations::OpId;
use process::host::{Ends, OsPid, ProcessInfo};
use process::io::Descriptor;
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
    /// The leaders of its process group and its session.
    pub(super) group: OsPid,
    pub(super) session: OsPid,
    pub(super) opened: Opened,
}

/// What a process has open; closed when it ends.
#[derive(Default)]
pub(super) struct Opened {
    /// Its ends of the pipes to it, and the open files that are its standard streams.
    pub(super) streams: Ends,
    /// What it inherited besides, under which number.
    pub(super) inherited: Vec<(i32, Descriptor)>,
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
            group: parent,
            session: parent,
            opened: Opened::default(),
        }
    }

    fn info(&self, pid: OsPid) -> ProcessInfo {
        ProcessInfo {
            pid,
            parent: self.parent,
            group: self.group,
            session: self.session,
            started: self.serial,
            command: self.program.to_string(),
            zombie: self.exited.is_some(),
        }
    }
}

impl Opened {
    /// Closes them all, for the programs that keep their streams, too.
    pub(super) fn close(&self) {
        self.streams.close();
        for (_, descriptor) in &self.inherited {
            descriptor.close();
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
    /// The statuses of children that were reaped.
    pub(super) remembered: BTreeMap<OsPid, i32>,
}

impl Default for Processes {
    fn default() -> Self {
        Processes {
            started: BTreeMap::new(),
            next_pid: AGENT_PID + 1,
            next_serial: 1,
            all: BTreeMap::new(),
            reapers: BTreeMap::new(),
            remembered: BTreeMap::new(),
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
        if process.parent == INIT_PID {
            (process.group, process.session) = (pid, pid);
        }
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

    /// The process and its serial number, if it runs.
    pub(super) fn living(&self, pid: OsPid) -> Option<(OsPid, u64)> {
        let process = self.all.get(&pid).filter(|process| process.exited.is_none())?;
        Some((pid, process.serial))
    }

    /// The process table as a `killtree` sees it, with init and the agent in it.
    pub(super) fn infos(&self) -> Vec<ProcessInfo> {
        let own = |pid, parent, command: &str| ProcessInfo {
            pid,
            parent,
            group: pid,
            session: pid,
            started: 0,
            command: command.to_owned(),
            zombie: false,
        };
        let mut infos = vec![own(INIT_PID, 0, "init"), own(AGENT_PID, INIT_PID, "mesos-agent")];
        infos.extend(self.all.iter().map(|(pid, process)| process.info(*pid)));
        infos
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
