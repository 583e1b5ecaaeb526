//! Programs that are part of this binary and run inside it under a pid.

use super::descriptor::{descriptor, pipe};
use crate::future::{Future, Promise};
use crate::host::{
    Command, Ends, FdType, Io, OsPid, ParentHook, ProcessInfo, ProcessTree, Program, Running,
    Subprocess, parent_hook_failed,
};
use crate::io::Descriptor;
use crate::pstree::pstree;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// They get pids above what Linux gives out (`PID_MAX_LIMIT` is 2^22), so that they can never be
/// taken for a process.
const FIRST_PID: OsPid = 1 << 23;

const SIGKILL: i32 = 9;

/// Whether the pid is that of a program inside this one.
pub(super) fn is_inner(pid: OsPid) -> bool {
    pid >= FIRST_PID
}

/// All programs that were started inside this one.
#[derive(Clone, Default)]
pub(super) struct InnerPrograms(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    instances: BTreeMap<OsPid, Instance>,
    started: OsPid,
}

struct Instance {
    signal: Option<Box<dyn Fn(i32) + Send + Sync>>,
    exited: Option<Promise<Option<i32>>>,
    status: Future<Option<i32>>,
    streams: Ends,
    process: ProcessInfo,
}

impl InnerPrograms {
    pub(super) fn start(
        &self,
        program: &dyn Program,
        mut what: Command,
        hooks: Vec<ParentHook>,
    ) -> Result<Subprocess, String> {
        what.environment.get_or_insert_with(|| {
            let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
            std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
        });
        let (ends, streams) = connect(&what)?;
        let promise = Promise::new();
        let status = promise.future();
        let pid = {
            let mut state = self.0.lock();
            let pid = FIRST_PID + state.started;
            state.started += 1;
            let (exited, status) = (Some(promise), status.clone());
            let process = process(pid, &what);
            let instance = Instance { signal: None, exited, status, streams, process };
            state.instances.insert(pid, instance);
            pid
        };
        let running = Arc::new(InnerProcess { pid, programs: self.clone() });
        for hook in hooks {
            if let Err(error) = hook(pid) {
                running.exit(SIGKILL);
                return Err(parent_hook_failed(pid, &error));
            }
        }
        let signal = program.start(&what, running);
        if let Some(instance) = self.0.lock().instances.get_mut(&pid)
            && instance.exited.is_some()
        {
            instance.signal = Some(signal);
        }
        Ok(Subprocess::new(pid, ends, status))
    }

    /// Its end; `None` at once when there was no such program.
    pub(super) fn reap(&self, pid: OsPid) -> Future<Option<i32>> {
        let state = self.0.lock();
        let status = state.instances.get(&pid).map(|instance| instance.status.clone());
        status.unwrap_or_else(|| Future::ready(None))
    }

    /// Gives a program a signal, whose tree is the program alone.
    pub(super) fn killtree(&self, pid: OsPid, signal: i32) -> Result<Vec<ProcessTree>, String> {
        let process = self.0.lock().instances.get(&pid).map(|it| it.process.clone());
        match process {
            Some(process) if self.signal(pid, signal) => Ok(vec![pstree(pid, &[process])?]),
            _ => Ok(Vec::new()),
        }
    }

    /// `false` when the program does not run.
    fn signal(&self, pid: OsPid, signal: i32) -> bool {
        // Called outside the lock: a program that dies of the signal says so at once.
        let taken =
            self.0.lock().instances.get_mut(&pid).and_then(|instance| instance.signal.take());
        let Some(deliver) = taken else { return false };
        deliver(signal);
        if let Some(instance) = self.0.lock().instances.get_mut(&pid)
            && instance.exited.is_some()
        {
            instance.signal = Some(deliver);
        }
        true
    }
}

/// The program as a process table would show it.
fn process(pid: OsPid, what: &Command) -> ProcessInfo {
    ProcessInfo {
        pid,
        parent: OsPid::try_from(std::process::id()).unwrap_or_default(),
        group: pid,
        session: pid,
        started: 0,
        command: what.argv.join(" "),
        zombie: false,
    }
}

/// Our ends of the program's pipes, and what its streams lead to.
fn connect(what: &Command) -> Result<(Ends, Ends), String> {
    let (mut ends, mut streams) = (Ends::default(), Ends::default());
    (streams.stdin, ends.stdin) = match &what.stdin {
        Io::Pipe => {
            let (read, write) = pipe()?;
            (Some(descriptor(read)), Some(descriptor(write)))
        }
        io => (given(io)?, None),
    };
    let output = |io: &Io| match io {
        Io::Pipe => {
            let (read, write) = pipe()?;
            Ok((Some(descriptor(write)), Some(descriptor(read))))
        }
        io => Ok::<_, String>((given(io)?, None)),
    };
    (streams.stdout, ends.stdout) = output(&what.stdout)?;
    (streams.stderr, ends.stderr) = output(&what.stderr)?;
    Ok((ends, streams))
}

fn given(io: &Io) -> Result<Option<Descriptor>, String> {
    let Io::Fd(descriptor, kind) = io else { return Ok(None) };
    let own = descriptor.duplicate()?;
    if *kind == FdType::Owned {
        descriptor.close();
    }
    Ok(Some(own))
}

struct InnerProcess {
    pid: OsPid,
    programs: InnerPrograms,
}

impl Running for InnerProcess {
    fn pid(&self) -> OsPid {
        self.pid
    }

    fn streams(&self) -> Ends {
        let state = self.programs.0.lock();
        let instance = state.instances.get(&self.pid);
        instance.map(|instance| instance.streams.clone()).unwrap_or_default()
    }

    fn exit(&self, status: i32) {
        let ended = self.programs.0.lock().instances.get_mut(&self.pid).and_then(|instance| {
            // The signal closure goes too: it may hold what the program held.
            let left = (instance.signal.take(), std::mem::take(&mut instance.streams));
            instance.exited.take().map(|promise| (promise, left))
        });
        if let Some((promise, (_signal, streams))) = ended {
            streams.close();
            promise.set(Some(status));
        }
    }
}
