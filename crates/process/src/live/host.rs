//! The live `Host`: the kernel.

mod files;
mod tree;

use super::{clock, io};
use crate::future::{Future, Promise};
use crate::host::{Host, Io, OsPid, ParentHook, Program, Running, Subprocess};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

/// Programs inside this binary get pids above what Linux gives out (`PID_MAX_LIMIT` is 2^22), so
/// that they can never be taken for a process.
const FIRST_INNER_PID: OsPid = 1 << 23;

/// How often the reaper looks whether a process that is not our child still exists.
#[doc(alias = "MAX_REAP_INTERVAL")]
const REAP_INTERVAL: Duration = Duration::from_millis(500);

/// A program that runs inside this one.
struct Inner {
    signal: Option<Box<dyn Fn(i32) + Send + Sync>>,
    exited: Option<Promise<Option<i32>>>,
    future: Future<Option<i32>>,
}

/// A process that this one has started.
struct Child {
    status: Future<Option<i32>>,
    /// Somebody has asked for the status. Until then it is kept, also when the process has ended:
    /// that may be before its starter gets around to asking.
    asked: bool,
}

#[derive(Default)]
struct State {
    children: BTreeMap<OsPid, Child>,
    inner: BTreeMap<OsPid, Inner>,
    started: OsPid,
}

/// The operating system this program runs on, plus the programs that are part of this binary.
pub struct LocalHost {
    state: Arc<Mutex<State>>,
    programs: BTreeMap<String, Arc<dyn Program>>,
    commands: BTreeMap<String, Vec<String>>,
}

impl Default for LocalHost {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalHost {
    /// A host without programs of its own.
    pub fn new() -> Self {
        LocalHost { state: Arc::default(), programs: BTreeMap::new(), commands: BTreeMap::new() }
    }

    /// Runs `program` inside this one whenever a path that ends in `name` is to be executed.
    #[must_use]
    pub fn with_program(mut self, name: &str, program: Arc<dyn Program>) -> Self {
        self.programs.insert(name.to_owned(), program);
        self
    }

    /// Executes `command` (a program and its first arguments) whenever a path that ends in `name`
    /// is to be executed and does not exist.
    #[must_use]
    pub fn with_command(mut self, name: &str, command: Vec<String>) -> Self {
        self.commands.insert(name.to_owned(), command);
        self
    }

    fn start_inner(
        &self,
        program: &dyn Program,
        what: &Subprocess,
        hooks: Vec<ParentHook>,
    ) -> Result<OsPid, String> {
        let pid = {
            let mut state = self.state.lock();
            let pid = FIRST_INNER_PID + state.started;
            state.started += 1;
            let promise = Promise::new();
            let future = promise.future();
            state.inner.insert(pid, Inner { signal: None, exited: Some(promise), future });
            pid
        };
        let running = Arc::new(InnerProcess { pid, state: Arc::clone(&self.state) });
        for hook in hooks {
            if let Err(error) = hook(pid) {
                running.exit(Signal::SIGKILL as i32);
                return Err(error);
            }
        }
        let signal = program.start(what, running);
        if let Some(inner) = self.state.lock().inner.get_mut(&pid)
            && inner.exited.is_some()
        {
            inner.signal = Some(signal);
        }
        Ok(pid)
    }

    fn start_child(&self, what: &Subprocess) -> Result<OsPid, String> {
        let (path, first) = self.resolve(&what.path);
        let mut command = tokio::process::Command::new(&path);
        command.args(first).args(what.argv.iter().skip(1));
        command.env_clear().envs(&what.environment);
        command.stdin(stdio(&what.stdin, false)?);
        command.stdout(stdio(&what.stdout, true)?).stderr(stdio(&what.stderr, true)?);
        if let Some(directory) = &what.directory {
            command.current_dir(directory);
        }
        if what.setsid {
            // A process group of its own; the controlling terminal is given up by the program.
            command.process_group(0);
        }
        let _entered = io().enter();
        let mut child = command.spawn().map_err(|error| format!("{path}: {error}"))?;
        let pid = child
            .id()
            .and_then(|pid| OsPid::try_from(pid).ok())
            .ok_or_else(|| format!("{path}: ended before it had a pid"))?;
        let promise = Promise::new();
        let entry = Child { status: promise.future(), asked: false };
        self.state.lock().children.insert(pid, entry);
        let state = Arc::clone(&self.state);
        io().spawn(async move {
            let status = child.wait().await.ok().map(ExitStatusExt::into_raw);
            promise.set(status);
            // Whoever wants the status has its future; the pid may be given to another process.
            let mut state = state.lock();
            if state.children.get(&pid).is_some_and(|child| child.asked) {
                state.children.remove(&pid);
            }
        });
        Ok(pid)
    }

    /// The path to execute, and arguments to put before the others.
    fn resolve(&self, path: &str) -> (String, Vec<String>) {
        match self.commands.get(base_name(path)) {
            Some(command) if !Path::new(path).exists() => {
                let mut parts = command.iter().cloned();
                (parts.next().unwrap_or_default(), parts.collect())
            }
            _ => (path.to_owned(), Vec::new()),
        }
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn stdio(io: &Io, output: bool) -> Result<Stdio, String> {
    match io {
        Io::Null => Ok(Stdio::null()),
        Io::Inherit => Ok(Stdio::inherit()),
        Io::Path(path) => {
            let mut options = OpenOptions::new();
            if output {
                options.append(true).create(true);
            } else {
                options.read(true);
            }
            let file =
                options.open(path).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(Stdio::from(file))
        }
    }
}

struct InnerProcess {
    pid: OsPid,
    state: Arc<Mutex<State>>,
}

impl Running for InnerProcess {
    fn pid(&self) -> OsPid {
        self.pid
    }

    fn exit(&self, status: i32) {
        let ended = self.state.lock().inner.get_mut(&self.pid).and_then(|inner| {
            // The signal closure goes too: it may hold what the program held.
            let signal = inner.signal.take();
            inner.exited.take().map(|promise| (promise, signal))
        });
        if let Some((promise, _signal)) = ended {
            promise.set(Some(status));
        }
    }
}

/// Looks again and again whether a process that is not our child is still there.
fn poll(pid: OsPid, promise: Promise<Option<i32>>) {
    if matches!(kill(Pid::from_raw(pid), None), Err(nix::errno::Errno::ESRCH)) {
        promise.set(None);
        return;
    }
    clock::timer(REAP_INTERVAL, move || poll(pid, promise));
}

impl Host for LocalHost {
    fn subprocess(&self, what: Subprocess, hooks: Vec<ParentHook>) -> Result<OsPid, String> {
        if let Some(program) = self.programs.get(base_name(&what.path)) {
            return self.start_inner(program.as_ref(), &what, hooks);
        }
        if !hooks.is_empty() {
            return Err(format!(
                "{}: hooks before the exec of a separate program are not supported yet",
                what.path
            ));
        }
        self.start_child(&what)
    }

    fn reap(&self, pid: OsPid) -> Future<Option<i32>> {
        {
            let mut state = self.state.lock();
            if let Some(child) = state.children.get_mut(&pid) {
                child.asked = true;
                let status = child.status.clone();
                if !status.is_pending() {
                    state.children.remove(&pid);
                }
                return status;
            }
            if let Some(inner) = state.inner.get(&pid) {
                return inner.future.clone();
            }
        }
        let promise = Promise::new();
        let future = promise.future();
        poll(pid, promise);
        future
    }

    fn killtree(&self, pid: OsPid, signal: i32) -> Result<(), String> {
        if pid >= FIRST_INNER_PID {
            // Called outside the lock: a program that dies of the signal says so at once.
            let taken = self.state.lock().inner.get_mut(&pid).and_then(|inner| inner.signal.take());
            let Some(deliver) = taken else {
                return Err(format!("no process with pid {pid}"));
            };
            deliver(signal);
            if let Some(inner) = self.state.lock().inner.get_mut(&pid)
                && inner.exited.is_some()
            {
                inner.signal = Some(deliver);
            }
            return Ok(());
        }
        tree::kill(pid, signal)
    }

    fn mkdir(&self, path: &Path) -> Result<(), String> {
        files::mkdir(path)
    }

    fn checkpoint(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        files::checkpoint(path, content)
    }

    fn symlink(&self, original: &Path, link: &Path) -> Result<(), String> {
        std::os::unix::fs::symlink(original, link)
            .map_err(|error| format!("{}: {error}", link.display()))
    }

    fn remove(&self, path: &Path) -> Result<(), String> {
        std::fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn touch(&self, path: &Path, user: Option<&str>) -> Result<(), String> {
        files::touch(path, user)
    }

    fn mounts(&self) -> Result<Vec<PathBuf>, String> {
        files::mounts()
    }

    fn mount(&self, source: &Path, target: &Path, read_only: bool) -> Result<(), String> {
        files::mount(source, target, read_only)
    }

    fn unmount(&self, target: &Path) -> Result<(), String> {
        files::unmount(target)
    }
}
