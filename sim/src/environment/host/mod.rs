//! A simulated host: a process table, files in memory, a mount table.
//!
//! Programs are looked up by the last component of their path: code ([`Program`]), or a
//! [`Scripted`] behaviour. Starting a program, delivering a signal by `killtree`, and reaping are
//! [operations](crate::environment::operations) of the host; files and mounts change at once.

mod behaviour;
mod files;
mod kernel;
mod killtree;
mod lifecycle;
mod looking;
mod mounts;
mod pipes;
mod processes;

pub(crate) use behaviour::is_ignored_by_default;
pub use behaviour::{Behaviour, ProcessView, SIGKILL, SIGTERM, Scripted};
pub use files::Node;
pub(crate) use kernel::KernelFiles;
pub(crate) use lifecycle::Spawn;
pub use mounts::Mount;
pub use processes::{AGENT_PID, INIT_PID};

use crate::environment::faults::Fault;
use crate::environment::operations::Operations;
use files::Files;
use mounts::Mounts;
use parking_lot::Mutex;
use process::host::{Command, Follow, Host, OsPid, ParentHook, ProcessTree, Program, Subprocess};
use process::io::Descriptor;
use process::simulated::ContextId;
use process::{EventId, Future};
use processes::Processes;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long the host takes for things.
#[derive(Clone, Debug)]
pub struct HostSettings {
    /// From the fork to the first step of the program.
    pub exec: Duration,
    /// From the kill to the delivery of its signals.
    pub signal: Duration,
    /// From a process's end until the reaper has noticed.
    pub reap: Duration,
    /// From a change of a pipe until those who wait for it are told.
    pub pipe: Duration,
    /// How many processors there are.
    pub processors: u32,
    /// How much memory there is, in bytes.
    pub memory: u64,
    /// How large the disk is, in bytes.
    pub disk: u64,
}

impl Default for HostSettings {
    fn default() -> Self {
        HostSettings {
            exec: Duration::from_millis(5),
            signal: Duration::from_millis(1),
            reap: Duration::from_millis(50),
            pipe: Duration::from_micros(100),
            processors: 2,
            memory: 8 << 30,
            disk: 100 << 30,
        }
    }
}

/// What a name of a program stands for.
#[derive(Clone)]
enum Executable {
    Program(Arc<dyn Program>),
    Scripted(Scripted),
}

#[derive(Default)]
struct State {
    processes: Processes,
    executables: BTreeMap<Arc<str>, Executable>,
    files: Files,
    mounts: Mounts,
    kernel: Vec<Arc<dyn KernelFiles>>,
    owners: BTreeMap<PathBuf, (u32, u32)>,
    listeners: BTreeSet<SocketAddr>,
    generation: u64,
    descriptors: i32,
}

struct Shared {
    operations: Operations,
    context: ContextId,
    settings: HostSettings,
    state: Mutex<State>,
}

/// A simulated host; a cheap handle to it.
#[derive(Clone)]
pub struct SimHost(Arc<Shared>);

impl SimHost {
    /// A host without programs, processes and files.
    pub fn new(operations: &Operations, settings: HostSettings) -> Self {
        let host = SimHost(Arc::new(Shared {
            operations: operations.clone(),
            context: operations.add_context("host"),
            settings,
            state: Mutex::default(),
        }));
        // Programs and signal handlers may hold this host.
        let weak = Arc::downgrade(&host.0);
        operations.on_close(move || {
            if let Some(shared) = weak.upgrade() {
                let state = std::mem::take(&mut *shared.state.lock());
                drop(state);
            }
        });
        host
    }

    /// Makes `program` what is run under `name`.
    pub fn register(&self, name: &str, program: Arc<dyn Program>) {
        self.0.state.lock().executables.insert(name.into(), Executable::Program(program));
    }

    /// Makes a scripted program what is run under `name`.
    pub fn register_scripted(&self, name: &str, program: Scripted) {
        self.0.state.lock().executables.insert(name.into(), Executable::Scripted(program));
    }

    /// The environment context in which processes start and end.
    pub fn context(&self) -> ContextId {
        self.0.context
    }

    /// Counts changes of the process table: while it stays the same, so do
    /// [`processes`](Self::processes).
    pub fn generation(&self) -> u64 {
        self.0.state.lock().generation
    }

    /// All processes, zombies included, by pid.
    pub fn processes(&self) -> Vec<ProcessView> {
        self.0.state.lock().processes.views().collect()
    }

    /// Calls `f` with each process that still runs; `f` must not call back into the host.
    pub fn for_each_running(&self, mut f: impl FnMut(ProcessView)) {
        let state = self.0.state.lock();
        state.processes.views().filter(|view| view.exited.is_none()).for_each(&mut f);
    }

    /// The event in which an instance of this program was started last.
    pub fn started_in(&self, program: &str) -> Option<EventId> {
        self.0.state.lock().processes.started.get(program).copied()
    }

    /// Whether this process still runs.
    pub fn is_running(&self, pid: OsPid) -> bool {
        self.0.state.lock().processes.get(pid).is_some_and(|process| process.exited.is_none())
    }

    /// The numbers of the descriptors that a process inherited besides its standard streams.
    pub fn inherited(&self, pid: OsPid) -> Vec<i32> {
        let state = self.0.state.lock();
        let process = state.processes.get(pid);
        let inherited = process.map(|process| process.opened.inherited.iter());
        inherited.into_iter().flatten().map(|(number, _)| *number).collect()
    }

    /// The agent's operating-system process has died: its children go on as init's, and nobody
    /// waits for any process any more.
    pub fn orphan_children_of_agent(&self) {
        let reapers = {
            let mut state = self.0.state.lock();
            state.generation += 1;
            state.processes.orphan_children(AGENT_PID);
            state.processes.remembered.clear();
            std::mem::take(&mut state.processes.reapers)
        };
        // Outside the lock: promises are abandoned by this.
        drop(reapers);
    }

    /// What lies at a path.
    pub fn node(&self, path: &Path) -> Option<Node> {
        self.0.state.lock().files.get(path).cloned()
    }

    /// All directories that were made, files and links, by path.
    pub fn files(&self) -> Vec<(String, Node)> {
        let state = self.0.state.lock();
        state.files.all().map(|(path, node)| (path.to_owned(), node.clone())).collect()
    }

    /// Writes a file as a program would that nothing disturbs; nothing happens where there cannot
    /// be one.
    pub fn put(&self, path: &Path, content: &[u8]) {
        let _ = self.0.state.lock().files.write(path, content);
    }

    /// All bind mounts, the oldest first.
    pub fn bind_mounts(&self) -> Vec<Mount> {
        self.0.state.lock().mounts.all().to_vec()
    }

    fn next_descriptor(&self) -> i32 {
        const FIRST: i32 = 3;
        let mut state = self.0.state.lock();
        state.descriptors += 1;
        FIRST - 1 + state.descriptors
    }

    fn refuse(&self, path: &Path, fault: Fault, what: &str, why: &str) -> Result<(), String> {
        let subject = path.to_str().unwrap_or_default();
        match self.0.operations.inject("host", subject, &[fault]) {
            Some(_) => Err(format!("Failed to {what} '{subject}': {why}")),
            None => Ok(()),
        }
    }
}

impl Host for SimHost {
    fn subprocess(&self, what: Command, hooks: Vec<ParentHook>) -> Result<Subprocess, String> {
        self.fork(what, hooks)
    }

    fn reap(&self, pid: OsPid) -> Future<Option<i32>> {
        self.await_exit(pid)
    }

    fn killtree(
        &self,
        pid: OsPid,
        signal: i32,
        follow: Follow,
    ) -> Result<Vec<ProcessTree>, String> {
        self.kill_tree(pid, signal, follow)
    }

    fn pipe(&self) -> Result<(Descriptor, Descriptor), String> {
        let numbers = [self.next_descriptor(), self.next_descriptor()];
        Ok(pipes::pipe(numbers, &self.0.operations, self.0.context, self.0.settings.pipe))
    }

    fn append(&self, path: &Path) -> Result<Descriptor, String> {
        self.0.state.lock().files.append(path, &[])?;
        let number = self.next_descriptor();
        Ok(pipes::append(number, Arc::downgrade(&self.0), path.to_owned()))
    }

    fn mkdir(&self, path: &Path) -> Result<(), String> {
        self.0.state.lock().files.mkdir(path)
    }

    fn checkpoint(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        self.refuse(path, Fault::CheckpointFail, "write", "No space left on device")?;
        self.0.state.lock().files.write(path, content)
    }

    fn symlink(&self, original: &Path, link: &Path) -> Result<(), String> {
        self.refuse(link, Fault::SymlinkFail, "symlink", "No space left on device")?;
        self.0.state.lock().files.symlink(original, link)
    }

    fn remove(&self, path: &Path) -> Result<(), String> {
        self.refuse(path, Fault::UnlinkFail, "remove", "Operation not permitted")?;
        self.0.state.lock().files.remove(path)
    }

    fn touch(&self, path: &Path, user: Option<&str>) -> Result<(), String> {
        if user.is_some() {
            self.refuse(path, Fault::ChownFail, "chown", "Operation not permitted")?;
        }
        self.0.state.lock().files.touch(path, user)
    }

    fn mounts(&self) -> Result<Vec<PathBuf>, String> {
        let state = self.0.state.lock();
        Ok(state.mounts.all().iter().map(|mount| mount.target.clone()).collect())
    }

    fn mount(&self, source: &Path, target: &Path, read_only: bool) -> Result<(), String> {
        self.refuse(target, Fault::MountFail, "mount", "Operation not permitted")?;
        self.0.state.lock().mounts.add(source, target, read_only);
        Ok(())
    }

    fn unmount(&self, target: &Path) -> Result<(), String> {
        self.refuse(target, Fault::UnmountFail, "unmount", "Device or resource busy")?;
        self.0.state.lock().mounts.remove(target)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        self.read_file(path)
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        self.write_file(path, content)
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.state.lock().files.stat(path).is_ok()
    }

    fn size(&self, path: &Path, follow_links: bool) -> Result<u64, String> {
        self.0.state.lock().files.size(path, follow_links)
    }

    fn remove_directory(&self, path: &Path) -> Result<(), String> {
        self.0.state.lock().files.remove_directory(path)
    }

    fn owner(&self, path: &Path) -> Result<(u32, u32), String> {
        let state = self.0.state.lock();
        state.files.stat(path)?;
        Ok(state.owners.get(path).copied().unwrap_or_default())
    }

    fn chown(&self, path: &Path, user: u32, group: u32) -> Result<(), String> {
        self.refuse(path, Fault::ChownFail, "chown", "Operation not permitted")?;
        let mut state = self.0.state.lock();
        state.files.stat(path)?;
        state.owners.insert(path.to_owned(), (user, group));
        Ok(())
    }

    fn cpus(&self) -> Result<u32, String> {
        Ok(self.0.settings.processors)
    }

    fn memory(&self) -> Result<u64, String> {
        Ok(self.0.settings.memory)
    }

    fn disk(&self, _: &Path) -> Result<u64, String> {
        Ok(self.0.settings.disk)
    }

    fn connect(&self, address: SocketAddr) -> Result<(), String> {
        match self.0.state.lock().listeners.contains(&address) {
            true => Ok(()),
            false => Err(format!("Failed to connect to {address}: Connection refused")),
        }
    }
}
