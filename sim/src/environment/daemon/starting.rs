//! Starting a container, and what comes of it.

use super::Shared;
use super::answer::{Answer, Refusal};
use super::container::{Container, ContainerState};
use super::exchange::RequestId;
use super::program::{self, Key, Program};
use super::rules::Effect;
use super::script::{Reaction, Script, StartRefusal};
use super::{events, lifecycle, messages, networks, output, removing, volumes};
use crate::environment::faults::Fault;
use crate::environment::host::Spawn;
use crate::environment::operations::current_event;
use process::host::OsPid;
use process::{Label, clock};
use std::sync::Arc;
use std::time::Duration;

/// The exit code of a container that could not be started.
const NOT_STARTED: i64 = 128;

pub(super) fn start(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let result = {
        let mut state = daemon.state.lock();
        state.get_mut(name).and_then(|container| match container.state {
            ContainerState::Paused => Err(messages::start_paused()),
            _ if container.is_running() => Ok(None),
            ContainerState::Dead => Err(messages::marked_for_removal()),
            _ if container.removing => Err(messages::marked_for_removal()),
            _ => {
                container.stopped_by_hand = false;
                container.restarts.in_a_row = 0;
                Ok(Some(container.number))
            }
        })
    };
    match result {
        Err(refusal) => daemon.refuse(id, refusal),
        Ok(None) => daemon.answer(id, Ok(Answer::NotModified), Duration::ZERO),
        Ok(Some(number)) => begin(daemon, number, Some(id), false),
    }
}

/// Takes the container's lock and starts it. `starter` gets the answer.
pub(super) fn begin(
    daemon: &Arc<Shared>,
    number: u64,
    starter: Option<RequestId>,
    restarted: bool,
) {
    let life = {
        let mut state = daemon.state.lock();
        let life = state.life;
        let Some(container) = state.containers.get_mut(&number) else { return };
        container.starting = true;
        container.starter = starter;
        container.restarted = restarted;
        life
    };
    let shared = Arc::clone(daemon);
    daemon.operations.schedule_about(
        daemon.contexts.daemon,
        Label::plain("Daemon", "container started"),
        daemon.settings.start,
        move || {
            if shared.state.lock().life == life {
                started(&shared, number);
            }
        },
    );
}

/// The start has come to its end: the process runs, and whoever waited for the lock has its turn.
fn started(daemon: &Arc<Shared>, number: u64) {
    let prepared = {
        let mut state = daemon.state.lock();
        let Some(container) = state.containers.get(&number) else { return };
        let devices = device_refusal(daemon, container).map(|refusal| (refusal, NOT_STARTED));
        match devices.or_else(|| refusal(container)) {
            Some((refusal, code)) => Err((refusal, code)),
            None => {
                let (name, script) = (Arc::clone(&container.name), Arc::clone(&container.script));
                networks::plug_in(daemon, &mut state, number)
                    .map(|()| (name, script))
                    .map_err(|refusal| (refusal, NOT_STARTED))
            }
        }
    };
    match prepared {
        Ok((name, script)) => run(daemon, number, name, script),
        Err((refusal, code)) => failed(daemon, number, &refusal, code),
    }
    let (answer, queue) = {
        let mut state = daemon.state.lock();
        let Some(container) = state.containers.get_mut(&number) else { return };
        container.starting = false;
        (container.starter.take(), std::mem::take(&mut container.queue))
    };
    if let Some(id) = answer {
        daemon.answer(id, Ok(Answer::Done), Duration::ZERO);
    }
    program::advance(daemon, Key::Container(number));
    lifecycle::started(daemon, number);
    for (id, request) in queue {
        daemon.take_effect(id, request);
    }
}

/// The Engine's list of rules for devices has so many before those of the container.
const DEVICE_RULES: usize = 8;

/// Why this container cannot have the devices that it asks for.
fn device_refusal(daemon: &Shared, container: &Container) -> Option<Refusal> {
    let devices = &container.settled.config.devices;
    let there = |path: &str| daemon.settings.devices.iter().any(|device| **device == *path);
    if let Some(missing) = devices.iter().find(|device| !there(&device.host)) {
        return Some(messages::no_such_device(&missing.host));
    }
    let useless = devices.iter().position(|device| device.permissions.is_empty());
    useless.map(|index| messages::useless_device(DEVICE_RULES + index))
}

/// Why this container's program cannot be started, and the exit code of that.
fn refusal(container: &Container) -> Option<(Refusal, i64)> {
    let program = container.program_name();
    Some(match container.script.refusal.as_ref()? {
        StartRefusal::NotFound => (messages::program_not_found(program), 127),
        StartRefusal::NotExecutable => (messages::program_not_executable(program), 126),
        StartRefusal::Other { status, message } => {
            (Refusal::new(*status, message.to_string()), NOT_STARTED)
        }
    })
}

/// What a rule or a fault makes of a program.
enum Bent {
    No,
    Deaf,
    Doomed,
}

fn bend(daemon: &Shared, name: &str, script: &Script) -> Bent {
    let rule = daemon.state.lock().rules.strike_task(name);
    match rule {
        Some(Effect::IgnoreTerm) => return Bent::Deaf,
        Some(Effect::Oom) => return Bent::Doomed,
        _ => {}
    }
    let faults: &[Fault] = if script.ignores_sigterm() {
        &[Fault::TaskOom]
    } else {
        &[Fault::TaskIgnoresTerm, Fault::TaskOom]
    };
    match daemon.operations.inject("task", name, faults) {
        Some(Fault::TaskIgnoresTerm) => Bent::Deaf,
        Some(_) => Bent::Doomed,
        None => Bent::No,
    }
}

fn run(daemon: &Arc<Shared>, number: u64, name: Arc<str>, script: Arc<Script>) {
    let bent = bend(daemon, &name, &script);
    let script = match bent {
        Bent::Deaf => Arc::new(Script { on_term: Reaction::Ignore, ..Script::clone(&script) }),
        _ => script,
    };
    let pid = spawn(daemon, Key::Container(number), name, super::ended::process_ended);
    {
        let mut state = daemon.state.lock();
        let Some(container) = state.containers.get_mut(&number) else { return };
        let config = &container.settled.config;
        let argv: Arc<[String]> = container.settled.argv().into();
        container.program = Some(Program::new(pid, script, argv, config.open_stdin));
        container.state = ContainerState::Running;
        container.pid = Some(pid);
        container.started_in = Some(current_event());
        container.started = Some(clock::now());
        container.exit_code = 0;
        container.files.restart();
        container.oom_killed = false;
        container.error = None;
        let restarted = container.restarted;
        volumes::mounted(daemon, &mut state, number, "mount");
        state.coverage.started += 1;
        state.generation += 1;
        events::of_container(daemon, &mut state, number, "start");
        if restarted {
            events::of_container(daemon, &mut state, number, "restart");
        }
    }
    if matches!(bent, Bent::Doomed) {
        program::doom(daemon, number, super::cgroup::DOOM);
    }
}

/// Starts a process whose signals reach the program, and whose end is reported to `ended`.
pub(super) fn spawn(
    daemon: &Arc<Shared>,
    key: Key,
    name: Arc<str>,
    ended: fn(&Arc<Shared>, Key, i32),
) -> OsPid {
    let (to_signal, to_end) = (Arc::downgrade(daemon), Arc::downgrade(daemon));
    daemon.host.spawn(Spawn {
        program: name,
        on_signal: Arc::new(move |signal| {
            if let Some(daemon) = to_signal.upgrade() {
                program::signalled(&daemon, key, signal);
            }
        }),
        on_exit: Box::new(move |status| {
            if let Some(daemon) = to_end.upgrade() {
                ended(&daemon, key, status);
            }
        }),
    })
}

/// The start was refused while it was under way.
fn failed(daemon: &Arc<Shared>, number: u64, refusal: &Refusal, code: i64) {
    let (starter, output, auto_remove, restarted, name) = {
        let mut state = daemon.state.lock();
        networks::unplug(daemon, &mut state, number);
        state.generation += 1;
        let Some(container) = state.containers.get_mut(&number) else { return };
        container.error = Some(refusal.message.as_ref().into());
        container.exit_code = code;
        let output = output::ended(container);
        let auto_remove = container.settled.config.auto_remove;
        if container.state == ContainerState::Restarting {
            container.state = ContainerState::Exited;
        }
        let (restarted, name) = (container.restarted, Arc::clone(&container.name));
        (container.starter.take(), output, auto_remove, restarted, name)
    };
    let (lines, followers) = output;
    output::finish(daemon, &lines, followers);
    if let Some(id) = starter {
        let refusal =
            if restarted { messages::cannot_restart(&name, refusal) } else { refusal.clone() };
        daemon.refuse(id, refusal);
    }
    if auto_remove {
        removing::remove_by_itself(daemon, number);
    }
}

/// A fault lets the daemon refuse a start before it has begun: the program must not be run.
pub(super) fn refuse(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let refusal = {
        let mut state = daemon.state.lock();
        match state.get_mut(name) {
            Ok(container) => {
                let refusal = messages::program_not_executable(container.program_name());
                if !container.is_running() && !container.starting {
                    container.error = Some(refusal.message.as_ref().into());
                    container.exit_code = 126;
                }
                refusal
            }
            Err(missing) => missing,
        }
    };
    daemon.refuse(id, refusal);
}
