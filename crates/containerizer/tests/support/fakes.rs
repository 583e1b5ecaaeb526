//! An operating system, a logger and an observer that do as a test says and write down what they
//! are asked.

use containerizer::docker::{Observer, State};
use containerizer::fetcher::Net;
use containerizer::gpu::{Gpu, GpuAllocator};
use containerizer::logger::{ContainerIo, ContainerLogger};
use mesos::ContainerId;
use mesos::slave::{ContainerConfig, ContainerTermination};
use parking_lot::Mutex;
use process::future::Value;
use process::host::{Command, Ends, Follow, Host, OsPid, ParentHook, ProcessTree, Subprocess};
use process::io::Descriptor;
use process::{Future, Nothing, Promise};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What happened around the containerizer, in order, one line each.
#[derive(Default)]
pub struct Journal(Mutex<Vec<String>>);

impl Journal {
    pub fn write(&self, line: impl Into<String>) {
        self.0.lock().push(line.into());
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lock().clone()
    }

    /// The lines that begin like this.
    pub fn about(&self, prefix: &str) -> Vec<String> {
        self.lines().into_iter().filter(|line| line.starts_with(prefix)).collect()
    }

    /// The lines since the last call of this.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }
}

/// Calls that wait for the test to answer them.
pub struct Calls<T: Value>(Mutex<Vec<Arc<Promise<T>>>>);

impl<T: Value> Default for Calls<T> {
    fn default() -> Self {
        Calls(Mutex::default())
    }
}

impl<T: Value> Calls<T> {
    pub fn receive(&self) -> Future<T> {
        let promise = Arc::new(Promise::new());
        let future = promise.future();
        self.0.lock().push(promise);
        future
    }

    /// The latest call.
    pub fn last(&self) -> Arc<Promise<T>> {
        Arc::clone(self.0.lock().last().expect("there was a call"))
    }

    pub fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// Those that have no answer yet.
    pub fn open(&self) -> Vec<Arc<Promise<T>>> {
        let calls = self.0.lock();
        calls.iter().filter(|call| call.future().is_pending()).cloned().collect()
    }
}

#[derive(Default)]
struct Processes {
    forked: Vec<Command>,
    statuses: BTreeMap<OsPid, Arc<Promise<Option<i32>>>>,
    ended: BTreeSet<OsPid>,
}

/// The pid of the first subprocess; the next one has the next number.
pub const FIRST_PID: OsPid = 100;

/// A process table and an empty disk.
#[derive(Default)]
pub struct FakeHost {
    journal: Arc<Journal>,
    /// The beginnings of journal lines of operations that fail, and with what.
    failures: Mutex<BTreeMap<String, String>>,
    processes: Mutex<Processes>,
    pub mounts: Mutex<Vec<PathBuf>>,
    /// What can be read, and what was written.
    pub files: Mutex<BTreeMap<PathBuf, String>>,
    /// How much memory there is, if not 8 GiB.
    pub memory: Mutex<Option<u64>>,
    /// The environment that the agent itself runs in.
    pub own_environment: Mutex<BTreeMap<String, String>>,
    /// Where somebody listens.
    pub listeners: Mutex<BTreeSet<SocketAddr>>,
}

impl FakeHost {
    pub fn new(journal: &Arc<Journal>) -> Self {
        FakeHost { journal: Arc::clone(journal), ..FakeHost::default() }
    }

    /// From now on, operations whose journal line begins like this fail.
    pub fn fails(&self, operation: &str, error: &str) {
        self.failures.lock().insert(operation.to_owned(), error.to_owned());
    }

    /// From now on, nothing fails.
    pub fn recovers(&self) {
        self.failures.lock().clear();
    }

    fn operation(&self, line: String) -> Result<(), String> {
        let result = self.refusal(&line);
        self.journal.write(line);
        result
    }

    /// For questions, which the journal does without.
    fn refusal(&self, line: &str) -> Result<(), String> {
        let failures = self.failures.lock();
        let failure = failures.iter().find(|(operation, _)| line.starts_with(*operation));
        failure.map_or(Ok(()), |(_, error)| Err(error.clone()))
    }

    /// What was forked as the process with this pid.
    pub fn forked(&self, pid: OsPid) -> Command {
        self.processes.lock().forked[(pid - FIRST_PID) as usize].clone()
    }

    /// The environment of that process, which inherits nothing.
    pub fn environment(&self, pid: OsPid) -> BTreeMap<String, String> {
        self.forked(pid).environment.expect("an environment of its own")
    }

    /// Processes that have not ended.
    pub fn running(&self) -> Vec<OsPid> {
        let processes = self.processes.lock();
        let all = FIRST_PID..FIRST_PID + processes.forked.len() as OsPid;
        all.filter(|pid| !processes.ended.contains(pid)).collect()
    }

    /// Whether this process has ended.
    pub fn ended(&self, pid: OsPid) -> bool {
        self.processes.lock().ended.contains(&pid)
    }

    /// The process ends.
    pub fn exit(&self, pid: OsPid, status: Option<i32>) {
        let promise = {
            let mut processes = self.processes.lock();
            processes.ended.insert(pid);
            Arc::clone(processes.statuses.entry(pid).or_default())
        };
        // Outside of the lock: it runs callbacks.
        promise.set(status);
    }
}

impl Host for FakeHost {
    fn subprocess(&self, what: Command, hooks: Vec<ParentHook>) -> Result<Subprocess, String> {
        let program = what.path.rsplit('/').next().unwrap_or_default().to_owned();
        let container = what.argv.iter().find_map(|it| it.strip_prefix("--container=mesos-"));
        let line = format!("fork {program} {}", container.unwrap_or_default());
        self.operation(line.trim_end().to_owned())?;
        let pid = {
            let mut processes = self.processes.lock();
            processes.forked.push(what);
            FIRST_PID - 1 + processes.forked.len() as OsPid
        };
        for hook in hooks {
            if let Err(error) = hook(pid) {
                self.journal.write(format!("kill child {pid}"));
                self.processes.lock().ended.insert(pid);
                return Err(error);
            }
        }
        self.journal.write(format!("exec {program}"));
        let status = self.processes.lock().statuses.entry(pid).or_default().future();
        Ok(Subprocess::new(pid, Ends::default(), status))
    }

    fn reap(&self, pid: OsPid) -> Future<Option<i32>> {
        self.journal.write(format!("reap {pid}"));
        self.processes.lock().statuses.entry(pid).or_default().future()
    }

    fn killtree(&self, pid: OsPid, signal: i32, _: Follow) -> Result<Vec<ProcessTree>, String> {
        self.operation(format!("kill {pid} {signal}"))?;
        Ok(Vec::new())
    }

    fn pipe(&self) -> Result<(Descriptor, Descriptor), String> {
        Err("this host has no pipes".to_owned())
    }

    fn append(&self, path: &Path) -> Result<Descriptor, String> {
        Err(format!("{}: this host opens no files", path.display()))
    }

    fn mkdir(&self, path: &Path) -> Result<(), String> {
        self.operation(format!("mkdir {}", path.display()))
    }

    fn checkpoint(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        let content = String::from_utf8_lossy(content);
        self.operation(format!("checkpoint {} {content}", path.display()))
    }

    fn symlink(&self, original: &Path, link: &Path) -> Result<(), String> {
        self.operation(format!("symlink {} -> {}", link.display(), original.display()))
    }

    fn remove(&self, path: &Path) -> Result<(), String> {
        self.operation(format!("remove {}", path.display()))?;
        self.files.lock().remove(path);
        Ok(())
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.lock().keys().any(|file| file.starts_with(path))
    }

    fn size(&self, path: &Path, _: bool) -> Result<u64, String> {
        self.read(path).map(|content| content.len() as u64)
    }

    fn remove_directory(&self, path: &Path) -> Result<(), String> {
        self.operation(format!("remove directory {}", path.display()))?;
        self.files.lock().retain(|file, _| !file.starts_with(path));
        Ok(())
    }

    fn environment(&self) -> BTreeMap<String, String> {
        self.own_environment.lock().clone()
    }

    fn touch(&self, path: &Path, user: Option<&str>) -> Result<(), String> {
        self.operation(format!("touch {} {}", path.display(), user.unwrap_or("-")))
    }

    fn mounts(&self) -> Result<Vec<PathBuf>, String> {
        self.operation("mounts".to_owned())?;
        Ok(self.mounts.lock().clone())
    }

    fn mount(&self, source: &Path, target: &Path, _: bool) -> Result<(), String> {
        self.operation(format!("mount {} {}", source.display(), target.display()))?;
        self.mounts.lock().push(target.to_owned());
        Ok(())
    }

    fn unmount(&self, target: &Path) -> Result<(), String> {
        self.operation(format!("unmount {}", target.display()))?;
        self.mounts.lock().retain(|mount| mount != target);
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let files = self.files.lock();
        let file = files.get(path).ok_or_else(|| format!("{}: not there", path.display()))?;
        Ok(file.clone().into_bytes())
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        let content = String::from_utf8_lossy(content).into_owned();
        self.operation(format!("write {} {content}", path.display()))?;
        let mut files = self.files.lock();
        let file = files.get_mut(path).ok_or_else(|| format!("{}: not there", path.display()))?;
        *file = content;
        Ok(())
    }

    fn owner(&self, path: &Path) -> Result<(u32, u32), String> {
        self.operation(format!("owner {}", path.display()))?;
        Ok((7, 8))
    }

    fn chown(&self, path: &Path, user: u32, group: u32) -> Result<(), String> {
        self.operation(format!("chown {} {user} {group}", path.display()))
    }

    fn cpus(&self) -> Result<u32, String> {
        self.refusal("cpus")?;
        Ok(4)
    }

    fn memory(&self) -> Result<u64, String> {
        self.refusal("memory")?;
        Ok(self.memory.lock().unwrap_or(8 << 30))
    }

    fn disk(&self, path: &Path) -> Result<u64, String> {
        self.refusal(&format!("disk {}", path.display()))?;
        Ok(64 << 30)
    }

    fn connect(&self, address: SocketAddr) -> Result<(), String> {
        self.operation(format!("connect {address}"))?;
        if self.listeners.lock().contains(&address) { Ok(()) } else { Err("refused".to_owned()) }
    }
}

/// Servers whose answers the test gives.
#[derive(Default)]
pub struct FakeNet {
    pub asked: Mutex<Vec<String>>,
    pub sizes: Calls<u64>,
}

impl Net for FakeNet {
    fn content_length(&self, uri: &str) -> Future<u64> {
        self.asked.lock().push(uri.to_owned());
        self.sizes.receive()
    }
}

/// A logger whose answers the test gives.
#[derive(Default)]
pub struct FakeLogger {
    journal: Arc<Journal>,
    pub prepares: Calls<ContainerIo>,
}

impl FakeLogger {
    pub fn new(journal: &Arc<Journal>) -> Self {
        FakeLogger { journal: Arc::clone(journal), ..FakeLogger::default() }
    }
}

impl ContainerLogger for FakeLogger {
    fn prepare(&self, container: &ContainerId, _: &Arc<ContainerConfig>) -> Future<ContainerIo> {
        self.journal.write(format!("prepare {container}"));
        self.prepares.receive()
    }
}

/// GPUs that the test hands out.
#[derive(Default)]
pub struct FakeGpus {
    journal: Arc<Journal>,
    pub allocations: Calls<BTreeSet<Gpu>>,
    pub deallocations: Calls<Nothing>,
}

impl FakeGpus {
    pub fn new(journal: &Arc<Journal>) -> Self {
        FakeGpus { journal: Arc::clone(journal), ..FakeGpus::default() }
    }
}

impl GpuAllocator for FakeGpus {
    fn allocate(&self, count: usize) -> Future<BTreeSet<Gpu>> {
        self.journal.write(format!("allocate {count}"));
        self.allocations.receive()
    }

    fn deallocate(&self, gpus: BTreeSet<Gpu>) -> Future<Nothing> {
        self.journal.write(format!("deallocate {}", gpus.len()));
        self.deallocations.receive()
    }
}

/// Writes down each container's life, and whether it is told the truth.
#[derive(Default)]
pub struct Observed {
    journal: Arc<Journal>,
    lives: Mutex<BTreeMap<ContainerId, Life>>,
}

#[derive(Clone, Debug, Default)]
pub struct Life {
    pub states: Vec<State>,
    pub terminations: Vec<Result<ContainerTermination, String>>,
    pub erased: usize,
}

impl Observed {
    pub fn new(journal: &Arc<Journal>) -> Self {
        Observed { journal: Arc::clone(journal), ..Observed::default() }
    }

    pub fn lives(&self) -> BTreeMap<ContainerId, Life> {
        self.lives.lock().clone()
    }
}

impl Observer for Observed {
    fn state(&self, container: &ContainerId, from: Option<State>, to: State) {
        let mut lives = self.lives.lock();
        let life = lives.entry(container.clone()).or_default();
        assert_eq!(life.states.last().copied(), from, "the state before {to}");
        assert_eq!(life.erased, 0, "no state after the end");
        life.states.push(to);
    }

    fn terminated(
        &self,
        container: &ContainerId,
        termination: Result<&ContainerTermination, &str>,
    ) {
        self.journal.write(format!("terminated {container}"));
        let mut lives = self.lives.lock();
        let life = lives.entry(container.clone()).or_default();
        life.terminations.push(termination.cloned().map_err(str::to_owned));
    }

    fn erased(&self, container: &ContainerId) {
        self.journal.write(format!("erased {container}"));
        self.lives.lock().entry(container.clone()).or_default().erased += 1;
    }
}
