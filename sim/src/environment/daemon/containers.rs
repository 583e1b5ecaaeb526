//! Containers: creating one, starting it, and the end of its process.

use super::observe::ContainerView;
use super::request::Exchange;
use super::settings::Script;
use super::state::normalise;
use super::stopping::Stop;
use super::waiting::Follower;
use super::{Shared, messages, removing};
use crate::environment::faults::Fault;
use crate::environment::host::{SIGKILL, Spawn};
use crate::environment::operations::current_event;
use docker::CreateBody;
use process::host::OsPid;
use process::{EventId, Label, Nothing};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How far a container has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerState {
    /// Never started, or its start was refused.
    Created,
    /// Its process runs.
    Running,
    /// Its process has ended.
    Exited,
}

/// A request that waits for the container's lock.
pub(super) type Queued = Box<dyn FnOnce(&Arc<Shared>) + Send>;

/// A container.
pub(super) struct Container {
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) state: ContainerState,
    pub(super) script: Script,
    pub(super) pid: Option<OsPid>,
    pub(super) exit_code: Option<i64>,
    cause: EventId,
    started_in: Option<EventId>,
    /// Its start is under way and has the lock.
    pub(super) starting: bool,
    queue: VecDeque<Queued>,
    pub(super) removing: bool,
    /// Who removes it, while its process is being killed for that.
    pub(super) remover: Option<Exchange<Nothing>>,
    pub(super) stops: Vec<Stop>,
    pub(super) waiters: Vec<Exchange<i64>>,
    pub(super) followers: Vec<Follower>,
}

impl Container {
    pub(super) fn view(&self) -> ContainerView {
        ContainerView {
            id: Arc::clone(&self.id),
            name: Arc::clone(&self.name),
            state: self.state,
            removing: self.removing,
            pid: self.pid,
            exit_code: self.exit_code,
            cause: self.cause,
            started_in: self.started_in,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.state == ContainerState::Running
    }

    /// Puts a request off until the start that is under way has ended.
    pub(super) fn enqueue(&mut self, request: impl FnOnce(&Arc<Shared>) + Send + 'static) {
        self.queue.push_back(Box::new(request));
    }
}

pub(super) fn create(
    daemon: &Arc<Shared>,
    exchange: Exchange<String>,
    name: Arc<str>,
    body: &CreateBody,
) {
    let result = {
        let mut state = daemon.state.lock();
        let taken = state.find(&name).map(|other| Arc::clone(&other.id));
        let image = state.images.get(&*normalise(&body.image)).cloned();
        match (taken, image) {
            (Some(id), _) => {
                state.coverage.name_conflicts += 1;
                Err(messages::name_conflict(&name, &id))
            }
            (None, None) => Err(messages::no_such_image(&normalise(&body.image))),
            (None, Some(image)) => {
                let (number, id) = state.new_id();
                let container = Container {
                    id: Arc::clone(&id),
                    name: Arc::clone(&name),
                    state: ContainerState::Created,
                    script: daemon.settings.script(&image, body),
                    pid: None,
                    exit_code: None,
                    cause: current_event(),
                    started_in: None,
                    starting: false,
                    queue: VecDeque::new(),
                    removing: false,
                    remover: None,
                    stops: Vec::new(),
                    waiters: Vec::new(),
                    followers: Vec::new(),
                };
                state.names.insert(name, number);
                state.containers.insert(number, container);
                state.coverage.created += 1;
                state.generation += 1;
                Ok(id.as_ref().to_owned())
            }
        }
    };
    let work = if result.is_ok() { daemon.settings.create } else { Duration::ZERO };
    daemon.answer(exchange, result, work);
}

pub(super) fn start(daemon: &Arc<Shared>, exchange: Exchange<Nothing>, name: Arc<str>) {
    let result = {
        let mut state = daemon.state.lock();
        let number = state.resolve(&name);
        match number.and_then(|number| Some((number, state.containers.get_mut(&number)?))) {
            None => Err(messages::no_such_container(&name)),
            Some((_, container)) if container.starting => {
                container.enqueue(move |daemon| start(daemon, exchange, name));
                return;
            }
            Some((_, container)) if container.is_running() => Ok(None),
            Some((_, container)) if container.removing => Err(messages::marked_for_removal()),
            Some((number, container)) => {
                container.starting = true;
                Ok(Some(number))
            }
        }
    };
    match result {
        Err(error) => daemon.answer(exchange, Err(error), Duration::ZERO),
        Ok(None) => daemon.answer(exchange, Ok(Nothing), Duration::ZERO),
        Ok(Some(number)) => {
            let (shared, context) = (Arc::clone(daemon), daemon.contexts.daemon);
            daemon.operations.schedule_about(
                context,
                Label::plain("Daemon", "container started"),
                daemon.settings.start,
                move || started(&shared, exchange, number),
            );
        }
    }
}

/// The start has come to its end: the process runs, and whoever waited for the lock has its turn.
fn started(daemon: &Arc<Shared>, exchange: Exchange<Nothing>, number: u64) {
    let (name, mut script) = {
        let state = daemon.state.lock();
        let Some(container) = state.containers.get(&number) else { return };
        (Arc::clone(&container.name), container.script)
    };
    if !script.ignores_sigterm {
        let fault = daemon.operations.inject("task", &name, &[Fault::TaskIgnoresTerm]);
        script.ignores_sigterm = fault.is_some();
    }
    let weak = Arc::downgrade(daemon);
    let pid = daemon.host.spawn(Spawn {
        program: name,
        behaviour: script,
        on_exit: Box::new(move |status| {
            let Some(daemon) = weak.upgrade() else { return };
            let (shared, context) = (Arc::clone(&daemon), daemon.contexts.daemon);
            let label = Label::plain("Daemon", "container exited");
            let latency = daemon.settings.exit;
            daemon
                .operations
                .schedule_about(context, label, latency, move || exited(&shared, number, status));
        }),
    });
    let queue = {
        let mut state = daemon.state.lock();
        state.coverage.started += 1;
        state.generation += 1;
        let Some(container) = state.containers.get_mut(&number) else { return };
        container.starting = false;
        container.state = ContainerState::Running;
        container.started_in = Some(current_event());
        container.pid = Some(pid);
        container.exit_code = None;
        std::mem::take(&mut container.queue)
    };
    daemon.answer(exchange, Ok(Nothing), Duration::ZERO);
    for request in queue {
        request(daemon);
    }
}

/// The exit code that a container has after this wait status of its process.
fn exit_code(status: i32) -> i64 {
    let signal = status & 0x7f;
    i64::from(if signal == 0 { status >> 8 & 0xff } else { 128 + signal })
}

/// The daemon has learnt that the container's process has ended.
fn exited(daemon: &Arc<Shared>, number: u64, status: i32) {
    let code = exit_code(status);
    let (waiters, stops, followers, remover) = {
        let mut state = daemon.state.lock();
        state.coverage.exited += 1;
        state.generation += 1;
        let Some(container) = state.containers.get_mut(&number) else { return };
        container.state = ContainerState::Exited;
        container.pid = None;
        container.exit_code = Some(code);
        (
            std::mem::take(&mut container.waiters),
            std::mem::take(&mut container.stops),
            std::mem::take(&mut container.followers),
            container.remover.take(),
        )
    };
    for follower in followers {
        follower.end(daemon);
    }
    for waiter in waiters {
        daemon.answer(waiter, Ok(code), Duration::ZERO);
    }
    for stop in stops {
        if let Some(timer) = stop.timer {
            daemon.operations.cancel(timer);
        }
        daemon.answer(stop.exchange, Ok(Nothing), Duration::ZERO);
    }
    if let Some(remover) = remover {
        removing::remove_later(daemon, remover, number);
    }
}

/// Kills the container's process on the spot.
pub(super) fn kill_now(daemon: &Shared, pid: Option<OsPid>) {
    if let Some(pid) = pid {
        daemon.host.signal(pid, SIGKILL);
    }
}
