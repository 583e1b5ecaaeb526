//! Stop and kill.
//!
//! A stop sends SIGTERM, gives the process its time, then sends SIGKILL; the client's leaving does
//! not matter to it. Several stops of one container each keep their own time.

use super::containers::{ContainerState, kill_now};
use super::request::Exchange;
use super::{Shared, messages};
use crate::environment::host::{SIGKILL, SIGTERM};
use crate::environment::operations::OpId;
use process::{Label, Nothing};
use std::sync::Arc;
use std::time::Duration;

/// A stop, or a kill with SIGKILL, that waits for the container's process to end.
pub(super) struct Stop {
    pub(super) exchange: Exchange<Nothing>,
    /// The op that resorts to SIGKILL.
    pub(super) timer: Option<OpId>,
}

pub(super) fn stop(
    daemon: &Arc<Shared>,
    exchange: Exchange<Nothing>,
    name: Arc<str>,
    timeout_secs: u64,
) {
    let found = {
        let mut state = daemon.state.lock();
        let number = state.resolve(&name);
        let unstarted = number
            .and_then(|number| state.containers.get(&number))
            .is_none_or(|container| container.state == ContainerState::Created);
        if unstarted {
            state.stopped_early.insert(Arc::clone(&name));
        }
        match number.and_then(|number| Some((number, state.containers.get_mut(&number)?))) {
            None => Err(messages::no_such_container(&name)),
            Some((_, container)) if container.starting => {
                container.enqueue(move |daemon| stop(daemon, exchange, name, timeout_secs));
                return;
            }
            Some((_, container)) if !container.is_running() => Ok(None),
            Some((number, container)) => Ok(container.pid.map(|pid| (number, pid))),
        }
    };
    let (number, pid) = match found {
        Err(error) => return daemon.answer(exchange, Err(error), Duration::ZERO),
        // 304: it does not run.
        Ok(None) => return daemon.answer(exchange, Ok(Nothing), Duration::ZERO),
        Ok(Some(running)) => running,
    };
    let (shared, context, id) = (Arc::clone(daemon), daemon.contexts.daemon, exchange.id);
    let timer = daemon.operations.schedule(
        context,
        Label::plain("Daemon", "stop timeout"),
        Duration::from_secs(timeout_secs),
        move || escalate(&shared, number, id),
    );
    if let Some(container) = daemon.state.lock().containers.get_mut(&number) {
        container.stops.push(Stop { exchange, timer: Some(timer) });
    }
    daemon.host.signal(pid, SIGTERM);
}

/// The time that a stop gave the process has passed.
fn escalate(daemon: &Arc<Shared>, number: u64, request: u64) {
    let pid = {
        let mut state = daemon.state.lock();
        let Some(container) = state.containers.get_mut(&number) else { return };
        let Some(stop) = container.stops.iter_mut().find(|stop| stop.exchange.id == request) else {
            return;
        };
        stop.timer = None;
        let pid = container.pid;
        state.coverage.stops_escalated += 1;
        pid
    };
    kill_now(daemon, pid);
}

pub(super) fn kill(daemon: &Arc<Shared>, exchange: Exchange<Nothing>, name: Arc<str>, signal: i32) {
    // 0 stands for no signal given, which is SIGKILL.
    let signal = if signal == 0 { SIGKILL } else { signal };
    let (pid, answered) = {
        let mut state = daemon.state.lock();
        let number = state.resolve(&name);
        match number.and_then(|number| state.containers.get_mut(&number)) {
            None => (None, Some((exchange, Err(messages::kill_no_such_container(&name))))),
            Some(container) if container.starting => {
                container.enqueue(move |daemon| kill(daemon, exchange, name, signal));
                return;
            }
            Some(container) if !container.is_running() => {
                (None, Some((exchange, Err(messages::kill_not_running(&name, &container.id)))))
            }
            Some(container) if signal == SIGKILL => {
                // As the Engine does: only this signal waits for the end.
                container.stops.push(Stop { exchange, timer: None });
                (container.pid, None)
            }
            Some(container) => (container.pid, Some((exchange, Ok(Nothing)))),
        }
    };
    if let Some(pid) = pid {
        daemon.host.signal(pid, signal);
    }
    if let Some((exchange, result)) = answered {
        daemon.answer(exchange, result, Duration::ZERO);
    }
}
