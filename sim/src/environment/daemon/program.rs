//! Programs that run: the first process of a container, or one that was executed in it.
//!
//! A program is a process of the host and a [script](super::script) that is being played: the
//! steps that take no time at once, then one op until the next that does. Signals reach it through
//! the host. Freezing it takes its op away; thawing gives it the time that was left.

use super::Shared;
use super::script::{End, Reaction, Script, Step};
use super::shell::{Action, Handler, Shell};
use super::{files, output};
use crate::environment::host::{SIGKILL, SIGTERM};
use crate::environment::operations::OpId;
use process::host::OsPid;
use process::{Label, Time, clock};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

const STEP: Label = Label::plain("Container", "program");

/// A program does so many steps in no time at all, then it takes a moment.
const STEPS_AT_ONCE: u32 = 1_000;
const MOMENT: Duration = Duration::from_millis(1);

/// What starting a process costs of a processor's time.
const START_COST: Duration = Duration::from_millis(30);

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Container(u64),
    Exec(u64),
}

/// The step that a program is in, if it takes time.
struct Busy {
    /// None while it is frozen.
    op: Option<OpId>,
    due: Time,
    since: Time,
    what: Doing,
    /// What is left of it, while it is frozen.
    left: Duration,
}

impl Busy {
    /// How long it has been at it.
    fn done(&self, frozen: bool) -> Duration {
        if frozen {
            (self.due - self.since).saturating_sub(self.left)
        } else {
            clock::now() - self.since
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Sleeping,
    Working,
    /// Grows to so many bytes, from so many.
    Growing {
        from: u64,
        to: u64,
    },
    /// Ends after a signal, with this wait status.
    Ending(i32),
}

/// A program that runs.
pub(super) struct Program {
    pub(super) pid: OsPid,
    pub(super) argv: Arc<[String]>,
    pub(super) started: Time,
    script: Arc<Script>,
    /// The next step of the script.
    next: usize,
    /// A step that was not done as a whole, and is to be done again first.
    again: Option<Step>,
    /// The shell that it has become.
    shell: Option<Shell>,
    reactions: Vec<(i32, Reaction)>,
    /// Handlers that wait for the end of the current step.
    pending: VecDeque<Handler>,
    busy: Option<Busy>,
    pub(super) frozen: bool,
    /// Signals that it gets when it is thawed.
    signals: Vec<i32>,
    memory: u64,
    memory_max: u64,
    /// Processor time of what it has done so far.
    worked: Duration,
    input: VecDeque<u8>,
    input_ended: bool,
    /// It reads, and copies what it reads if `Some(true)`.
    reading: Option<bool>,
}

/// What comes of a step.
enum Next {
    /// It took no time.
    On,
    /// It takes time; somebody will go on.
    Wait,
    Write(super::script::Stream, Arc<[u8]>),
    /// It asks something of files, in this directory.
    Files(files::Command, String),
    Exit(i32),
    OutOfMemory,
}

impl Program {
    /// A program that begins now, in this process.
    pub(super) fn new(
        pid: OsPid,
        script: Arc<Script>,
        argv: Arc<[String]>,
        has_input: bool,
    ) -> Self {
        Program {
            pid,
            argv,
            started: clock::now(),
            next: 0,
            again: None,
            shell: None,
            reactions: Vec::new(),
            pending: VecDeque::new(),
            busy: None,
            frozen: false,
            signals: Vec::new(),
            memory: script.memory,
            memory_max: script.memory,
            worked: START_COST,
            input: VecDeque::new(),
            input_ended: !has_input,
            reading: None,
            script,
        }
    }

    /// The memory that it has now.
    pub(super) fn memory(&self) -> u64 {
        match &self.busy {
            Some(busy @ Busy { what: Doing::Growing { from, to }, .. }) => {
                let whole = (busy.due - busy.since).as_secs_f64().max(f64::MIN_POSITIVE);
                let share = busy.done(self.frozen).as_secs_f64() / whole;
                from + ((to - from) as f64 * share.min(1.0)) as u64
            }
            _ => self.memory,
        }
    }

    /// The most that it ever had.
    pub(super) fn memory_max(&self) -> u64 {
        self.memory_max.max(self.memory())
    }

    /// The processor's time that it has used.
    pub(super) fn processor_time(&self) -> Duration {
        match &self.busy {
            Some(busy) if busy.what == Doing::Working => self.worked + busy.done(self.frozen),
            _ => self.worked,
        }
    }

    /// The op of the step that it is in.
    pub(super) fn op(self) -> Option<OpId> {
        self.busy.and_then(|busy| busy.op)
    }

    fn reaction(&self, signal: i32) -> &Reaction {
        let own = self.reactions.iter().rev().find(|(other, _)| *other == signal);
        match own {
            Some((_, reaction)) => reaction,
            None if signal == SIGTERM => &self.script.on_term,
            None => &self.script.on_others,
        }
    }

    /// The step under way has ended.
    fn settle(&mut self) {
        let Some(busy) = self.busy.take() else { return };
        match busy.what {
            Doing::Growing { to, .. } => {
                self.memory = to;
                self.memory_max = self.memory_max.max(to);
            }
            Doing::Working => self.worked += busy.due - busy.since,
            Doing::Sleeping | Doing::Ending(_) => {}
        }
    }

    /// Begins a step that takes this long.
    fn begin(&mut self, time: Duration, what: Doing) -> Next {
        let since = clock::now();
        self.busy = Some(Busy { op: None, due: since + time, since, what, left: time });
        Next::Wait
    }

    /// Does the next step. `room` is how much more memory it may have.
    fn step(&mut self, room: u64) -> Next {
        if let Some(step) = self.again.take() {
            return self.perform(step, room);
        }
        if let Some(shell) = &mut self.shell {
            if let Some(handler) = self.pending.pop_front() {
                shell.interrupt(&handler);
            }
            return match shell.next() {
                Action::On => Next::On,
                Action::Step(step) => self.perform(step, room),
                Action::Write(stream, bytes) => Next::Write(stream, bytes),
                Action::Files(command) => Next::Files(command, shell.directory().to_owned()),
                Action::Exit(status) => Next::Exit(i32::from(status) << 8),
            };
        }
        let Some(step) = self.script.steps.get(self.next).cloned() else { return self.end() };
        self.next += 1;
        self.perform(step, room)
    }

    fn perform(&mut self, step: Step, room: u64) -> Next {
        match step {
            Step::Sleep(time) => self.begin(time, Doing::Sleeping),
            Step::Work(time) => self.begin(time, Doing::Working),
            Step::Write(stream, text) => Next::Write(stream, text.as_bytes().into()),
            Step::Grow(bytes, time) => self.grow(bytes, time, room),
            Step::Read(copy) => {
                self.reading = Some(copy);
                self.read()
            }
            Step::On(signal, reaction) => {
                self.reactions.retain(|(other, _)| *other != signal);
                self.reactions.push((signal, reaction));
                Next::On
            }
            Step::Repeat(from) => {
                self.next = from;
                Next::On
            }
            Step::Exit(code) => Next::Exit(i32::from(code) << 8),
            Step::Shell(text) => {
                self.shell = Some(Shell::new(text));
                Next::On
            }
        }
    }

    /// What comes after the last step.
    fn end(&self) -> Next {
        match self.script.end {
            End::Never => Next::Wait,
            End::Exit(code) => Next::Exit(i32::from(code) << 8),
            End::Signal(signal) => Next::Exit(signal),
        }
    }

    fn grow(&mut self, bytes: u64, time: Duration, room: u64) -> Next {
        let from = self.memory;
        if bytes > room {
            if time.is_zero() {
                return Next::OutOfMemory;
            }
            // It gets as far as its limit; then it comes here again, with no room left.
            if room == 0 {
                return Next::OutOfMemory;
            }
            self.again = Some(Step::Grow(bytes, time));
            let part = time.mul_f64(room as f64 / bytes as f64);
            return self.begin(part, Doing::Growing { from, to: from + room });
        }
        self.begin(time, Doing::Growing { from, to: from + bytes })
    }

    /// Goes on reading.
    fn read(&mut self) -> Next {
        let Some(copy) = self.reading else { return Next::On };
        if !self.input.is_empty() {
            let bytes: Vec<u8> = self.input.drain(..).collect();
            if copy {
                return Next::Write(super::script::Stream::Stdout, bytes.into());
            }
        }
        if self.input_ended {
            self.reading = None;
            return Next::On;
        }
        Next::Wait
    }
}

/// Plays a program on, until something takes time or it ends. Called with no lock held.
pub(super) fn advance(daemon: &Arc<Shared>, key: Key) {
    for _ in 0..STEPS_AT_ONCE {
        let (next, pid, wait) = {
            let mut state = daemon.state.lock();
            let room = super::cgroup::room(&state, key, daemon.settings.total_memory);
            let Some(program) = state.program(key) else { return };
            if program.frozen || program.busy.is_some() {
                return;
            }
            let next = if program.reading.is_some() { program.read() } else { program.step(room) };
            let wait = program.busy.as_ref().map(|busy| busy.left);
            (next, program.pid, wait)
        };
        match next {
            Next::On => {}
            Next::Wait => return wait_for(daemon, key, wait),
            Next::Write(stream, bytes) => output::written(daemon, key, stream, &bytes),
            Next::Files(command, directory) => {
                let mut state = daemon.state.lock();
                let output = files::perform(daemon, &mut state, key, &directory, &command);
                if let Some(shell) = state.program(key).and_then(|program| program.shell.as_mut()) {
                    shell.answered(output);
                }
            }
            Next::Exit(status) => return daemon.host.end(pid, status),
            Next::OutOfMemory => return out_of_memory(daemon, key, pid),
        }
    }
    let wait = daemon.state.lock().program(key).map(|program| {
        program.begin(MOMENT, Doing::Sleeping);
        MOMENT
    });
    wait_for(daemon, key, wait);
}

/// Goes on when the step that was begun has ended.
fn wait_for(daemon: &Arc<Shared>, key: Key, time: Option<Duration>) {
    let Some(time) = time else { return };
    let shared = Arc::clone(daemon);
    let context = daemon.host.context();
    let op = daemon.operations.schedule(context, STEP, time, move || step_ended(&shared, key));
    let mut state = daemon.state.lock();
    if let Some(busy) = state.program(key).and_then(|program| program.busy.as_mut()) {
        busy.op = Some(op);
    }
}

fn step_ended(daemon: &Arc<Shared>, key: Key) {
    let ending = {
        let mut state = daemon.state.lock();
        let Some(program) = state.program(key) else { return };
        let ending = match &program.busy {
            Some(Busy { what: Doing::Ending(status), .. }) => Some((program.pid, *status)),
            _ => None,
        };
        program.settle();
        ending
    };
    match ending {
        Some((pid, status)) => daemon.host.end(pid, status),
        None => advance(daemon, key),
    }
}

/// The kernel kills a program that wants more memory than its container may have.
fn out_of_memory(daemon: &Arc<Shared>, key: Key, pid: OsPid) {
    super::cgroup::out_of_memory(daemon, key);
    daemon.host.end(pid, SIGKILL);
}

/// Lets a program run out of memory this long from now.
pub(super) fn doom(daemon: &Arc<Shared>, number: u64, time: Duration) {
    let (shared, key) = (Arc::clone(daemon), Key::Container(number));
    let life = daemon.state.lock().program(key).map(|program| program.pid);
    let Some(pid) = life else { return };
    daemon.operations.schedule(daemon.host.context(), STEP, time, move || {
        let same = shared.state.lock().program(key).is_some_and(|program| program.pid == pid);
        if same {
            out_of_memory(&shared, key, pid);
        }
    });
}

/// A signal has reached a program's process. SIGKILL ends the process without it.
pub(super) fn signalled(daemon: &Arc<Shared>, key: Key, signal: i32) {
    // 0 probes; SIGCHLD, SIGCONT, SIGURG and SIGWINCH do nothing by default.
    if matches!(signal, 0 | SIGKILL | 17 | 18 | 23 | 28) {
        return;
    }
    let (pid, op, time) = {
        let mut state = daemon.state.lock();
        let Some(program) = state.program(key) else { return };
        if program.frozen {
            program.signals.push(signal);
            return;
        }
        let (status, time) = match program.reaction(signal) {
            Reaction::Ignore => return,
            Reaction::Run(handler) => {
                let handler = handler.clone();
                program.pending.push_back(handler);
                let idle = program.busy.is_none() && program.reading.is_none();
                drop(state);
                // One that is busy, or reads, comes to it when it has done that.
                if idle {
                    advance(daemon, key);
                }
                return;
            }
            Reaction::Die => (signal, Duration::ZERO),
            Reaction::DieAfter(time) => (signal, *time),
            Reaction::Exit(code, time) => (i32::from(*code) << 8, *time),
        };
        let ending =
            program.busy.as_ref().is_some_and(|busy| matches!(busy.what, Doing::Ending(_)));
        if ending && !time.is_zero() {
            return;
        }
        let op = program.busy.take().and_then(|busy| busy.op);
        program.reading = None;
        if !time.is_zero() {
            program.begin(time, Doing::Ending(status));
        }
        (program.pid, op, (status, time))
    };
    if let Some(op) = op {
        daemon.operations.cancel(op);
    }
    let (status, time) = time;
    if time.is_zero() { daemon.host.end(pid, status) } else { wait_for(daemon, key, Some(time)) }
}

/// Takes a program's time away.
pub(super) fn freeze(daemon: &Arc<Shared>, key: Key) {
    let op = {
        let mut state = daemon.state.lock();
        let Some(program) = state.program(key) else { return };
        program.frozen = true;
        let now = clock::now();
        program.busy.as_mut().and_then(|busy| {
            busy.left = if busy.due > now { busy.due - now } else { Duration::ZERO };
            busy.op.take()
        })
    };
    if let Some(op) = op {
        daemon.operations.cancel(op);
    }
}

/// Lets a program go on.
pub(super) fn thaw(daemon: &Arc<Shared>, key: Key) {
    let (left, signals) = {
        let mut state = daemon.state.lock();
        let Some(program) = state.program(key).filter(|program| program.frozen) else { return };
        program.frozen = false;
        let left = program.busy.as_mut().map(|busy| {
            // As if it had begun later.
            let done = busy.done(true);
            let now = clock::now();
            busy.due = now + busy.left;
            busy.since = Time::from_epoch(now.since_epoch().saturating_sub(done));
            busy.left
        });
        (left, std::mem::take(&mut program.signals))
    };
    match left {
        Some(left) => wait_for(daemon, key, Some(left)),
        None => advance(daemon, key),
    }
    for signal in signals {
        signalled(daemon, key, signal);
    }
}

/// Gives a program input; `None` is its end.
pub(super) fn feed(daemon: &Arc<Shared>, key: Key, bytes: Option<&[u8]>) {
    {
        let mut state = daemon.state.lock();
        let Some(program) = state.program(key) else { return };
        match bytes {
            Some(bytes) => program.input.extend(bytes),
            None => program.input_ended = true,
        }
        if program.reading.is_none() {
            return;
        }
    }
    advance(daemon, key);
}

/// Ends what a program does: its process is gone.
pub(super) fn stop(daemon: &Arc<Shared>, program: Option<Program>) {
    if let Some(op) = program.and_then(Program::op) {
        daemon.operations.cancel(op);
    }
}
