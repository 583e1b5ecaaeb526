//! Programs that are run in a container beside its own.

use super::Shared;
use super::answer::{Answer, Chunk, Opened, Refusal, Reply};
use super::exchange::RequestId;
use super::ids::Kind;
use super::image::Programs;
use super::messages;
use super::program::{self, Key, Program};
use super::request::ExecConfig;
use super::script::{Script, StartRefusal, Stream};
use super::state::State;
use super::{ended::exit_code, events, scripts, starting};
use crate::environment::host::SIGKILL;
use process::Label;
use process::host::OsPid;
use std::sync::Arc;
use std::time::Duration;

/// The exit code of a program that could not be run.
const NOT_RUN: i64 = 126;

/// A program that was prepared.
pub(super) struct Exec {
    pub(super) number: u64,
    id: Arc<str>,
    container: u64,
    container_id: Arc<str>,
    config: Arc<ExecConfig>,
    pub(super) program: Option<Program>,
    /// Who is attached to it.
    client: Option<RequestId>,
    running: bool,
    exit_code: Option<i64>,
    pid: OsPid,
}

impl Exec {
    /// The client that is told what this stream carries, and whether through a terminal.
    pub(super) fn client(&self, stream: Stream) -> Option<(RequestId, bool)> {
        let (streams, tty) = (self.config.streams, self.config.tty);
        let attached = match stream {
            Stream::Stderr if !tty => streams.stderr,
            _ => streams.stdout,
        };
        self.client.filter(|_| attached).map(|client| (client, tty))
    }

    /// Its process, while it runs.
    pub(super) fn pid(&self) -> Option<OsPid> {
        (self.running && self.pid != 0).then_some(self.pid)
    }

    /// The number of its container.
    pub(super) fn container(&self) -> u64 {
        self.container
    }

    /// Whether what this client sends is its input.
    pub(super) fn takes_input_from(&self, client: RequestId) -> bool {
        self.client == Some(client) && self.config.streams.stdin
    }
}

/// A program in a container, as it is looked at.
#[derive(Clone, Debug)]
pub struct ExecView {
    /// Its id.
    pub id: Arc<str>,
    /// Its container's id.
    pub container: Arc<str>,
    /// What it is.
    pub config: Arc<ExecConfig>,
    /// Whether it runs.
    pub running: bool,
    /// Its exit code, once it has one.
    pub exit_code: Option<i64>,
    /// Its pid, 0 before it is run.
    pub pid: OsPid,
}

pub(super) fn create(daemon: &Arc<Shared>, id: RequestId, name: &str, config: ExecConfig) {
    let result = prepare(daemon, &mut daemon.state.lock(), name, config);
    daemon.answer(id, result.map(Answer::ExecCreated), Duration::ZERO);
}

fn prepare(
    daemon: &Shared,
    state: &mut State,
    name: &str,
    config: ExecConfig,
) -> Result<Arc<str>, Refusal> {
    if config.command.is_empty() {
        return Err(Refusal::new(400, "No exec command specified"));
    }
    let container = state.find(name)?;
    container.active(name)?;
    let (container, container_id) = (container.number, Arc::clone(&container.id));
    let (number, id) = state.new_id(Kind::Exec);
    let action = format!("exec_create: {}", config.command.join(" "));
    events::of_exec(daemon, state, container, action, &id, None);
    let exec = Exec {
        number,
        id: Arc::clone(&id),
        container,
        container_id,
        config: Arc::new(config),
        program: None,
        client: None,
        running: false,
        exit_code: None,
        pid: 0,
    };
    state.execs.insert(number, exec);
    if let Some(container) = state.containers.get_mut(&container) {
        container.execs.push(number);
    }
    Ok(id)
}

/// The exec of this id, if its container can run it.
fn find<'a>(state: &'a mut State, id: &str) -> Result<&'a mut Exec, Refusal> {
    let exec = state.execs.values().find(|exec| *exec.id == *id);
    let (number, container) =
        exec.map(|exec| (exec.number, exec.container)).ok_or_else(|| messages::no_such_exec(id))?;
    let container = state.containers.get(&container);
    container.ok_or_else(|| messages::no_such_container(id))?.active(id)?;
    state.execs.get_mut(&number).ok_or_else(|| messages::no_such_exec(id))
}

pub(super) fn start(daemon: &Arc<Shared>, id: RequestId, exec: &str, detach: bool, tty: bool) {
    let mut state = daemon.state.lock();
    let found = find(&mut state, exec).map(|exec| {
        let taken = if exec.exit_code.is_some() {
            Some(messages::exec_has_run(&exec.id))
        } else if exec.running {
            Some(messages::exec_is_running(&exec.id))
        } else {
            exec.running = true;
            exec.client = (!detach).then_some(id);
            None
        };
        (exec.number, taken)
    });
    drop(state);
    let (number, taken) = match found {
        Ok(found) => found,
        Err(refusal) => return daemon.refuse(id, refusal),
    };
    if !detach {
        daemon.reply(id, Reply::Opened(Opened::Exec { tty }), Duration::ZERO);
    }
    match taken {
        Some(refusal) => answer_refused(daemon, id, detach, refusal),
        None => run_later(daemon, id, number, detach),
    }
}

/// An error is a refusal for those who are not attached, and a line for those who are.
fn answer_refused(daemon: &Arc<Shared>, id: RequestId, detach: bool, refusal: Refusal) {
    if detach {
        return daemon.refuse(id, refusal);
    }
    let line = format!("{}\r\n", refusal.message);
    let chunk = Chunk::Output(Stream::Stdout, line.into_bytes().into());
    daemon.reply(id, Reply::Chunk(chunk), Duration::ZERO);
    daemon.reply(id, Reply::Ended, Duration::ZERO);
}

fn run_later(daemon: &Arc<Shared>, id: RequestId, number: u64, detach: bool) {
    {
        let mut state = daemon.state.lock();
        let Some(exec) = state.execs.get(&number) else { return };
        let (container, exec_id) = (exec.container, Arc::clone(&exec.id));
        let action = format!("exec_start: {}", exec.config.command.join(" "));
        events::of_exec(daemon, &mut state, container, action, &exec_id, None);
    }
    let (shared, label) = (Arc::clone(daemon), Label::plain("Daemon", "program executed"));
    daemon.operations.schedule_about(
        daemon.contexts.daemon,
        label,
        daemon.settings.exec,
        move || run(&shared, id, number, detach),
    );
}

/// What is run, and for which container.
struct Prepared {
    script: Script,
    argv: Arc<[String]>,
    name: Arc<str>,
    has_input: bool,
}

fn run(daemon: &Arc<Shared>, id: RequestId, number: u64, detach: bool) {
    let prepared = {
        let state = daemon.state.lock();
        let Some(exec) = state.execs.get(&number) else { return };
        look_up(daemon, &state, exec)
    };
    let Prepared { script, argv, name, has_input } = match prepared {
        Ok(prepared) => prepared,
        Err(refusal) => {
            if let Some(exec) = daemon.state.lock().execs.get_mut(&number) {
                exec.running = false;
                exec.exit_code = Some(NOT_RUN);
            }
            return answer_refused(daemon, id, detach, refusal);
        }
    };
    let key = Key::Exec(number);
    let pid = starting::spawn(daemon, key, name, process_ended);
    {
        let mut state = daemon.state.lock();
        let Some(exec) = state.execs.get_mut(&number) else { return };
        exec.pid = pid;
        let has_input = has_input && exec.client.is_some();
        exec.program = Some(Program::new(pid, Arc::new(script), argv, has_input));
    }
    if detach {
        daemon.answer(id, Ok(Answer::Done), Duration::ZERO);
    }
    program::advance(daemon, key);
}

fn look_up(daemon: &Shared, state: &State, exec: &Exec) -> Result<Prepared, Refusal> {
    let container = state.containers.get(&exec.container);
    let container = container.ok_or_else(|| messages::no_such_container(&exec.container_id))?;
    container.active(&exec.container_id)?;
    let settled = &container.settled;
    let mut env = settled.env.clone();
    env.extend(exec.config.env.iter().cloned());
    let directory = match exec.config.working_dir.as_str() {
        "" => settled.working_dir.as_str(),
        own => own,
    };
    let programs = state
        .store
        .find(&container.image)
        .map_or(Programs::Any, |stored| stored.image.spec.programs);
    let command = &exec.config.command;
    let script = scripts::of_exec(&daemon.settings, programs, command, &env, directory);
    let program = command.first().map(String::as_str).unwrap_or_default();
    match &script.refusal {
        None => Ok(Prepared {
            script,
            argv: command.clone().into(),
            name: Arc::clone(&container.name),
            has_input: exec.config.streams.stdin,
        }),
        Some(StartRefusal::NotFound) => Err(Refusal::new(400, messages::exec_not_found(program))),
        Some(StartRefusal::NotExecutable) => {
            Err(Refusal::new(400, messages::exec_not_executable(program)))
        }
        Some(StartRefusal::Other { status, message }) => {
            Err(Refusal::new(*status, message.to_string()))
        }
    }
}

/// The program has ended; the daemon learns of it a moment later.
fn process_ended(daemon: &Arc<Shared>, key: Key, status: i32) {
    let Key::Exec(number) = key else { return };
    let program = {
        let mut state = daemon.state.lock();
        state.execs.get_mut(&number).and_then(|exec| exec.program.take())
    };
    program::stop(daemon, program);
    let (shared, label) = (Arc::clone(daemon), Label::plain("Daemon", "program ended"));
    daemon.operations.schedule_about(
        daemon.contexts.daemon,
        label,
        daemon.settings.exit,
        move || ended(&shared, number, status),
    );
}

fn ended(daemon: &Arc<Shared>, number: u64, status: i32) {
    let client = {
        let mut state = daemon.state.lock();
        let Some(exec) = state.execs.get_mut(&number) else { return };
        let code = exit_code(status);
        exec.running = false;
        exec.exit_code = Some(code);
        let (client, container, id) = (exec.client.take(), exec.container, Arc::clone(&exec.id));
        if let Some(container) = state.containers.get_mut(&container) {
            container.execs.retain(|other| *other != number);
        }
        events::of_exec(daemon, &mut state, container, "exec_die", &id, Some(code));
        client
    };
    if let Some(client) = client {
        daemon.reply(client, Reply::Ended, Duration::ZERO);
    }
}

/// A container's first process has ended, and the kernel ends all others with it.
pub(super) fn kill_all(daemon: &Arc<Shared>, container: u64) {
    let pids: Vec<OsPid> = {
        let state = daemon.state.lock();
        let Some(container) = state.containers.get(&container) else { return };
        let programs = container.execs.iter().filter_map(|number| state.execs.get(number));
        programs.filter(|exec| exec.running).map(|exec| exec.pid).collect()
    };
    for pid in pids {
        daemon.host.signal(pid, SIGKILL);
    }
}

pub(super) fn inspect(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let result = {
        let state = daemon.state.lock();
        let exec = state.execs.values().find(|exec| *exec.id == *name);
        exec.map(|exec| {
            Answer::Exec(Box::new(ExecView {
                id: Arc::clone(&exec.id),
                container: Arc::clone(&exec.container_id),
                config: Arc::clone(&exec.config),
                running: exec.running,
                exit_code: exec.exit_code,
                pid: exec.pid,
            }))
        })
        .ok_or_else(|| messages::no_such_exec(name))
    };
    daemon.answer(id, result, Duration::ZERO);
}

pub(super) fn resize(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let found = find(&mut daemon.state.lock(), name).map(|_| Answer::Done);
    daemon.answer(id, found, Duration::ZERO);
}
