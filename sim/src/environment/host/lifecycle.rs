//! How a process lives: fork, hooks, exec, signals, exit, reaping.

use super::behaviour::{Behaviour, SIGKILL, SIGTERM, Scripted, is_ignored_by_default};
use super::processes::{AGENT_PID, Handler, INIT_PID, OnExit, Opened, Process};
use super::{Executable, Shared, SimHost, pipes};
use crate::environment::faults::Fault;
use process::host::{
    ChildHook, Command, Ends, FdType, Host, Io, OsPid, ParentHook, Running, Subprocess,
    parent_hook_failed,
};
use process::io::Descriptor;
use process::{Future, Label, Promise};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

const EXEC: Label = Label::plain("Host", "exec");
const SIGNAL: Label = Label::plain("Host", "signal");
const EXIT: Label = Label::plain("Host", "exit");
const REAP: Label = Label::plain("Host", "reap");

/// A process that is nobody's subprocess: the init of a container.
pub(crate) struct Spawn {
    pub(crate) program: Arc<str>,
    /// Called with each signal, which does nothing by itself unless it is SIGKILL.
    pub(crate) on_signal: Handler,
    pub(crate) on_exit: OnExit,
}

/// What a program holds of its own process.
struct Handle {
    host: Weak<Shared>,
    pid: OsPid,
    serial: u64,
}

impl Running for Handle {
    fn pid(&self) -> OsPid {
        self.pid
    }

    fn streams(&self) -> Ends {
        let Some(shared) = self.host.upgrade() else { return Ends::default() };
        let mut state = shared.state.lock();
        let process = state.processes.running(self.pid, self.serial);
        process.map(|process| process.opened.streams.clone()).unwrap_or_default()
    }

    fn exit(&self, status: i32) {
        if let Some(shared) = self.host.upgrade() {
            SimHost(shared).exit(self.pid, self.serial, status);
        }
    }
}

impl SimHost {
    pub(super) fn fork(
        &self,
        mut what: Command,
        hooks: Vec<ParentHook>,
    ) -> Result<Subprocess, String> {
        // What an agent has in its environment is not simulated: its children inherit nothing.
        what.environment.get_or_insert_with(BTreeMap::new);
        let opened = self.open_for_child(&what);
        close_given_away(&what);
        let (ends, opened) = opened?;
        let name = what.path.rsplit('/').next().unwrap_or(&what.path);
        if self.0.operations.inject("fork", name, &[Fault::ForkFail]).is_some() {
            return Err("Failed to fork: Resource temporarily unavailable".to_owned());
        }
        let (pid, serial, executable) = {
            let mut state = self.0.state.lock();
            let known = state.executables.get_key_value(name);
            let known = known.map(|(name, executable)| (Arc::clone(name), executable.clone()));
            let (program, executable) = match known {
                Some((program, executable)) => (program, Some(executable)),
                None => (name.into(), None),
            };
            let mut process = Process::new(program, AGENT_PID, Behaviour::default());
            process.opened = opened;
            let (pid, serial) = state.processes.add(process);
            state.generation += 1;
            (pid, serial, executable)
        };
        let executable = self
            .run_hooks(pid, hooks)
            .and_then(|()| self.check_child(&what, executable))
            .inspect_err(|_| {
                self.exit(pid, serial, SIGKILL);
                self.0.state.lock().processes.remove(pid);
            })?;
        let status = self.await_exit(pid);
        let host = self.clone();
        self.0.operations.schedule_about(self.0.context, EXEC, self.0.settings.exec, move || {
            host.exec(pid, serial, executable, &what)
        });
        Ok(Subprocess::new(pid, ends, status))
    }

    /// The agent's ends of the pipes, and what the child has open.
    fn open_for_child(&self, what: &Command) -> Result<(Ends, Opened), String> {
        let (mut ends, mut opened) = (Ends::default(), Opened::default());
        let streams = &mut opened.streams;
        (streams.stdin, ends.stdin) = match &what.stdin {
            Io::Pipe => {
                let (read, write) = self.pipe()?;
                (Some(read), Some(write))
            }
            io => (given(io)?, None),
        };
        let output = |io: &Io| match io {
            Io::Pipe => {
                let (read, write) = self.pipe()?;
                Ok((Some(write), Some(read)))
            }
            io => Ok::<_, String>((given(io)?, None)),
        };
        (streams.stdout, ends.stdout) = output(&what.stdout)?;
        (streams.stderr, ends.stderr) = output(&what.stderr)?;
        for descriptor in &what.whitelist {
            pipes::check(descriptor)?;
            let number = descriptor.number().unwrap_or_default();
            opened.inherited.push((number, descriptor.duplicate()?));
        }
        Ok((ends, opened))
    }

    fn run_hooks(&self, pid: OsPid, hooks: Vec<ParentHook>) -> Result<(), String> {
        for hook in hooks {
            hook(pid).map_err(|error| parent_hook_failed(pid, &error))?;
        }
        Ok(())
    }

    /// What the child needs for its exec, or why it fails.
    fn check_child(
        &self,
        what: &Command,
        executable: Option<Executable>,
    ) -> Result<Executable, String> {
        let path = &what.path;
        for hook in &what.child_hooks {
            if let ChildHook::Chdir(directory) = hook
                && !self.0.state.lock().files.is_working_directory(directory)
            {
                return Err(format!(
                    "Failed to execute Subprocess::ChildHook for '{path}': could not change to \
                     directory '{}': No such file or directory",
                    directory.display()
                ));
            }
        }
        executable.ok_or_else(|| format!("Failed to execute '{path}': No such file or directory"))
    }

    /// The first step of a child: its program starts, unless it was killed before.
    fn exec(&self, pid: OsPid, serial: u64, executable: Executable, what: &Command) {
        {
            let mut state = self.0.state.lock();
            let Some(process) = state.processes.running(pid, serial) else { return };
            if what.child_hooks.contains(&ChildHook::Setsid) {
                (process.group, process.session) = (pid, pid);
            } else if what.child_hooks.contains(&ChildHook::Supervisor) {
                process.group = pid;
            }
        }
        match executable {
            Executable::Scripted(scripted) => self.play(pid, serial, &scripted),
            Executable::Program(program) => {
                let running = Handle { host: Arc::downgrade(&self.0), pid, serial };
                let handler: Arc<dyn Fn(i32) + Send + Sync> =
                    program.start(what, Arc::new(running)).into();
                let mut state = self.0.state.lock();
                if let Some(process) = state.processes.running(pid, serial) {
                    process.handler = Some(handler);
                }
            }
        }
    }

    /// Starts a scripted program, with the fault that strikes it, if one does.
    fn play(&self, pid: OsPid, serial: u64, scripted: &Scripted) {
        let mut behaviour = scripted.behaviour;
        let mut candidates = [Fault::ForkFail; 3];
        let mut count = 0;
        let possible = [
            scripted.fails.map(|(fault, _)| fault),
            scripted.stalls,
            scripted.exits.map(|(fault, ..)| fault),
        ];
        for fault in possible.into_iter().flatten() {
            candidates[count] = fault;
            count += 1;
        }
        let name = {
            let state = self.0.state.lock();
            let Some(process) = state.processes.get(pid) else { return };
            Arc::clone(&process.program)
        };
        let struck = self.0.operations.inject("program", &name, &candidates[..count]);
        if let Some((_, status)) = scripted.fails.filter(|(fault, _)| struck == Some(*fault)) {
            behaviour.status = status;
        }
        if let Some((_, after, status)) =
            scripted.exits.filter(|(fault, ..)| struck == Some(*fault))
        {
            behaviour.runs_for = Some(after);
            behaviour.status = status;
        }
        let stalled = struck.is_some() && struck == scripted.stalls;
        self.behave(pid, serial, behaviour, stalled);
    }

    /// Lets a process behave from now on.
    fn behave(&self, pid: OsPid, serial: u64, behaviour: Behaviour, stalled: bool) {
        let ending = match behaviour.runs_for {
            None => None,
            Some(_) if stalled => {
                let host = self.clone();
                let exit = move || host.exit(pid, serial, behaviour.status);
                Some(self.0.operations.hold(self.0.context, EXIT, exit))
            }
            Some(time) => Some(self.exit_later(pid, serial, time, behaviour.status)),
        };
        let mut state = self.0.state.lock();
        if let Some(process) = state.processes.running(pid, serial) {
            process.behaviour = behaviour;
            process.ending = ending;
        }
    }

    fn exit_later(
        &self,
        pid: OsPid,
        serial: u64,
        time: Duration,
        status: i32,
    ) -> crate::environment::operations::OpId {
        let host = self.clone();
        let exit = move || host.exit(pid, serial, status);
        self.0.operations.schedule(self.0.context, EXIT, time, exit)
    }

    /// Starts a process that is no child of the agent, at once.
    pub(crate) fn spawn(&self, spawn: Spawn) -> OsPid {
        let mut process = Process::new(spawn.program, INIT_PID, Behaviour::default());
        process.handler = Some(spawn.on_signal);
        process.on_exit = Some(spawn.on_exit);
        let mut state = self.0.state.lock();
        state.generation += 1;
        let (pid, _) = state.processes.add(process);
        pid
    }

    /// Ends a process with this wait status, as if by its own doing.
    pub(crate) fn end(&self, pid: OsPid, status: i32) {
        let serial = self.0.state.lock().processes.get(pid).map(|process| process.serial);
        if let Some(serial) = serial {
            self.exit(pid, serial, status);
        }
    }

    /// Delivers a signal to one process at once.
    pub(crate) fn signal(&self, pid: OsPid, signal: i32) {
        let serial = self.0.state.lock().processes.get(pid).map(|process| process.serial);
        if let Some(serial) = serial {
            self.deliver(pid, serial, signal);
        }
    }

    /// Delivers a signal to these processes as one event.
    pub(super) fn signal_later(&self, tree: Vec<(OsPid, u64)>, signal: i32) {
        let host = self.clone();
        let deliver = move || {
            for (pid, serial) in tree {
                host.deliver(pid, serial, signal);
            }
        };
        let latency = self.0.settings.signal;
        self.0.operations.schedule_about(self.0.context, SIGNAL, latency, deliver);
    }

    fn deliver(&self, pid: OsPid, serial: u64, signal: i32) {
        let (handler, behaviour) = {
            let mut state = self.0.state.lock();
            let Some(process) = state.processes.running(pid, serial) else { return };
            (process.handler.clone(), process.behaviour)
        };
        let handled = handler.is_some();
        if let Some(handler) = handler {
            handler(signal);
        }
        if signal == SIGKILL {
            self.exit(pid, serial, SIGKILL);
        } else if !handled && !is_ignored_by_default(signal) {
            self.die_of(pid, serial, signal, behaviour);
        }
    }

    /// The default action of a signal, as the process's behaviour bends it.
    fn die_of(&self, pid: OsPid, serial: u64, signal: i32, behaviour: Behaviour) {
        if signal == SIGTERM && behaviour.ignores_sigterm {
            return;
        }
        if signal != SIGTERM || behaviour.stops_in.is_zero() {
            self.exit(pid, serial, signal);
            return;
        }
        let ending = self.exit_later(pid, serial, behaviour.stops_in, signal);
        let mut state = self.0.state.lock();
        let old = match state.processes.running(pid, serial) {
            Some(process) => process.ending.replace(ending),
            None => Some(ending),
        };
        drop(state);
        if let Some(old) = old {
            self.0.operations.cancel(old);
        }
    }

    /// Ends a process. A child of the agent stays as a zombie until it is reaped.
    fn exit(&self, pid: OsPid, serial: u64, status: i32) {
        let opened;
        let (ending, handler, on_exit) = {
            let mut state = self.0.state.lock();
            let Some(process) = state.processes.running(pid, serial) else { return };
            process.exited = Some(status);
            opened = std::mem::take(&mut process.opened);
            let left = (process.ending.take(), process.handler.take(), process.on_exit.take());
            if process.parent != AGENT_PID {
                state.processes.remove(pid);
            }
            state.processes.orphan_children(pid);
            state.generation += 1;
            left
        };
        process::note("host", || format!("process {pid} ends with wait status {status}"));
        if let Some(ending) = ending {
            self.0.operations.cancel(ending);
        }
        drop(handler);
        opened.close();
        if let Some(on_exit) = on_exit {
            on_exit(status);
        }
        self.reap_later(pid);
    }

    /// The end of a process.
    pub(super) fn await_exit(&self, pid: OsPid) -> Future<Option<i32>> {
        let promise = Promise::new();
        let future = promise.future();
        let ended = {
            let mut state = self.0.state.lock();
            let reapers = state.processes.reapers.entry(pid).or_default();
            reapers.promises.push(promise);
            state.processes.get(pid).is_none_or(|process| process.exited.is_some())
        };
        if ended {
            self.reap_later(pid);
        }
        future
    }

    /// Lets the reaper notice, if somebody waits and it is not about to.
    fn reap_later(&self, pid: OsPid) {
        {
            let mut state = self.0.state.lock();
            match state.processes.reapers.get_mut(&pid) {
                Some(reapers) if !reapers.scheduled => reapers.scheduled = true,
                _ => return,
            }
        }
        let host = self.clone();
        let latency = self.0.settings.reap;
        self.0.operations.schedule_about(self.0.context, REAP, latency, move || host.reap_now(pid));
    }

    fn reap_now(&self, pid: OsPid) {
        let (promises, status) = {
            let mut state = self.0.state.lock();
            let Some(reapers) = state.processes.reapers.remove(&pid) else { return };
            let zombie = state.processes.get(pid).and_then(|process| process.exited);
            let status = match zombie {
                Some(status) => {
                    state.processes.remove(pid);
                    state.generation += 1;
                    state.processes.remembered.insert(pid, status);
                    Some(status)
                }
                None => state.processes.remembered.get(&pid).copied(),
            };
            (reapers.promises, status)
        };
        for promise in promises {
            promise.set(status);
        }
    }
}

/// What one of the child's streams leads to that is no pipe.
fn given(io: &Io) -> Result<Option<Descriptor>, String> {
    let Io::Fd(descriptor, _) = io else { return Ok(None) };
    pipes::check(descriptor)?;
    descriptor.duplicate().map(Some)
}

/// Closes the descriptors that the child takes over.
fn close_given_away(what: &Command) {
    for io in [&what.stdin, &what.stdout, &what.stderr] {
        if let Io::Fd(descriptor, FdType::Owned) = io {
            descriptor.close();
        }
    }
}
