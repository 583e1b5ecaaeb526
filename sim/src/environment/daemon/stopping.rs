//! Stop and kill.
//!
//! A stop sends its signal, gives the process its time, then sends SIGKILL; the client's leaving
//! does not matter to it. Several stops of one container each keep their own time.

use super::Shared;
use super::answer::Answer;
use super::container::{Container, ContainerState};
use super::ended::cancel_restart;
use super::exchange::RequestId;
use super::program::{self, Key};
use super::{events, messages, signals};
use crate::environment::host::{SIGKILL, SIGTERM};
use crate::environment::operations::OpId;
use process::Label;
use std::sync::Arc;
use std::time::Duration;

/// What comes after the end of a container that is being stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Nothing.
    Stop,
    /// Nothing, and it was no stop.
    Kill,
    /// Its start.
    Restart,
}

/// A stop, or a kill with SIGKILL, that waits for the container's process to end.
pub(super) struct Stop {
    /// Who gets the answer; nobody where the daemon itself stops the container.
    pub(super) request: Option<RequestId>,
    pub(super) purpose: Purpose,
    /// The op that resorts to SIGKILL.
    pub(super) timer: Option<OpId>,
    serial: u64,
}

impl Container {
    /// The signal that asks it to stop.
    fn stop_signal(&self) -> i32 {
        signals::parse(&self.settled.config.stop_signal).unwrap_or(SIGTERM)
    }

    /// How long a stop waits by itself.
    pub(super) fn stop_time(&self) -> i64 {
        self.settled.config.stop_timeout.unwrap_or(10)
    }
}

pub(super) fn stop(daemon: &Arc<Shared>, id: RequestId, name: &str, seconds: Option<i64>) {
    let found = {
        let mut state = daemon.state.lock();
        let found = state.find(name).map(|one| (one.number, one.state, one.stop_time()));
        if found.as_ref().map_or(true, |(_, state, _)| *state == ContainerState::Created) {
            state.stopped_early.insert(name.into());
        }
        found
    };
    match found {
        Err(refusal) => daemon.refuse(id, refusal),
        Ok((_, state, _)) if !state.is_running() => {
            daemon.answer(id, Ok(Answer::NotModified), Duration::ZERO);
        }
        Ok((number, _, own)) => {
            begin(daemon, number, Some(id), Purpose::Stop, seconds.unwrap_or(own));
        }
    }
}

/// Stops a container that runs.
pub(super) fn begin(
    daemon: &Arc<Shared>,
    number: u64,
    request: Option<RequestId>,
    purpose: Purpose,
    seconds: i64,
) {
    let serial = daemon.state.lock().new_serial();
    // A negative time never ends.
    let timer = u64::try_from(seconds).ok().map(|seconds| {
        let shared = Arc::clone(daemon);
        let label = Label::plain("Daemon", "stop timeout");
        let time = Duration::from_secs(seconds);
        let escalate = move || escalate(&shared, number, serial);
        daemon.operations.schedule(daemon.contexts.daemon, label, time, escalate)
    });
    let signal = {
        let mut state = daemon.state.lock();
        let Some(container) = state.containers.get_mut(&number) else { return };
        container.stops.push(Stop { request, purpose, timer, serial });
        container.stop_signal()
    };
    send(daemon, number, signal);
}

/// The time that a stop gave the process has passed.
fn escalate(daemon: &Arc<Shared>, number: u64, serial: u64) {
    {
        let mut state = daemon.state.lock();
        let Some(container) = state.containers.get_mut(&number) else { return };
        let Some(stop) = container.stops.iter_mut().find(|stop| stop.serial == serial) else {
            return;
        };
        stop.timer = None;
        state.coverage.stops_escalated += 1;
    }
    send(daemon, number, SIGKILL);
}

/// Sends a container a signal: on the spot, as one that ends it for good.
pub(super) fn send(daemon: &Arc<Shared>, number: u64, signal: i32) {
    let (pid, thaws, restarting) = {
        let mut state = daemon.state.lock();
        let up = state.is_up();
        let Some(container) = state.containers.get_mut(&number) else { return };
        container.stopped_by_hand |= up;
        let paused = container.state == ContainerState::Paused;
        // A signal that may stop it would wait until it is unpaused.
        let stops = container.settled.config.stop_signal.is_empty()
            || signal == container.stop_signal()
            || signal == SIGKILL;
        let thaws = paused && stops;
        if thaws {
            container.state = ContainerState::Running;
        }
        let restarting = container.state == ContainerState::Restarting;
        let pid = container.pid;
        if !restarting {
            events::killed(daemon, &mut state, number, signal);
        }
        (pid, thaws, restarting)
    };
    if restarting {
        return cancel_restart(daemon, number);
    }
    if let Some(pid) = pid {
        daemon.host.signal(pid, signal);
    }
    if thaws {
        program::thaw(daemon, Key::Container(number));
    }
}

/// Kills the container's process on the spot.
pub(super) fn kill_now(daemon: &Arc<Shared>, number: u64) {
    send(daemon, number, SIGKILL);
}

pub(super) fn kill(daemon: &Arc<Shared>, id: RequestId, name: &str, signal: i32) {
    // 0 stands for no signal given, which is SIGKILL.
    let signal = if signal == 0 { SIGKILL } else { signal };
    let found = daemon.state.lock().find(name).and_then(|container| {
        if container.is_running() {
            Ok(container.number)
        } else {
            Err(messages::not_running(&container.id))
        }
    });
    let number = match found {
        Err(refusal) => return daemon.refuse(id, messages::cannot_kill(name, &refusal)),
        Ok(number) => number,
    };
    if signal == SIGKILL {
        // As the Engine does: only this signal waits for the end.
        let mut state = daemon.state.lock();
        let serial = state.new_serial();
        if let Some(container) = state.containers.get_mut(&number) {
            let stop = Stop { request: Some(id), purpose: Purpose::Kill, timer: None, serial };
            container.stops.push(stop);
        }
    }
    send(daemon, number, signal);
    if signal != SIGKILL {
        daemon.answer(id, Ok(Answer::Done), Duration::ZERO);
    }
}
