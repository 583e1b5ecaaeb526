//! Removing containers.
//!
//! A removal that is under way cannot be joined. The container is gone some time before its name
//! is free again.

use super::Shared;
use super::answer::{Answer, Refusal, Reply};
use super::container::{Container, ContainerState};
use super::ended::cancel_restart;
use super::exchange::RequestId;
use super::faults::Special;
use super::stopping::kill_now;
use super::{events, messages, networks};
use process::Label;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn remove(daemon: &Arc<Shared>, id: RequestId, name: &str, force: bool, _volumes: bool) {
    let next = {
        let mut state = daemon.state.lock();
        state.generation += 1;
        let half_way =
            state.exchanges.get(&id).is_some_and(|exchange| exchange.special == Special::HalfWay);
        state.get_mut(name).and_then(|container| {
            if container.removing {
                return Err(messages::removal_in_progress(name));
            }
            if container.is_running() && !force {
                return Err(messages::remove_running(&container.id, container.state_name()));
            }
            container.removing = true;
            container.half_way = half_way;
            Ok((container.number, container.state))
        })
    };
    match next {
        Err(refusal) => daemon.refuse(id, refusal),
        Ok((number, state)) => go_on(daemon, number, state, Some(id)),
    }
}

/// Kills a container that runs first.
fn go_on(daemon: &Arc<Shared>, number: u64, state: ContainerState, remover: Option<RequestId>) {
    if state == ContainerState::Restarting {
        cancel_restart(daemon, number);
    } else if state.is_running() {
        if let Some(container) = daemon.state.lock().containers.get_mut(&number) {
            container.remover = remover;
        }
        return kill_now(daemon, number);
    }
    remove_later(daemon, number, remover);
}

/// The daemon removes a container of its own accord: it was created to be removed at its end.
pub(super) fn remove_by_itself(daemon: &Arc<Shared>, number: u64) {
    {
        let mut state = daemon.state.lock();
        state.generation += 1;
        let Some(container) = state.containers.get_mut(&number) else { return };
        if std::mem::replace(&mut container.removing, true) {
            return;
        }
    }
    remove_later(daemon, number, None);
}

/// Takes a container that does not run away, which takes a while.
pub(super) fn remove_later(daemon: &Arc<Shared>, number: u64, remover: Option<RequestId>) {
    let (shared, life) = (Arc::clone(daemon), daemon.state.lock().life);
    daemon.operations.schedule_about(
        daemon.contexts.daemon,
        Label::plain("Daemon", "container removed"),
        daemon.settings.remove,
        move || {
            if shared.state.lock().life == life {
                removed(&shared, number, remover);
            }
        },
    );
}

fn removed(daemon: &Arc<Shared>, number: u64, remover: Option<RequestId>) {
    let container = {
        let mut state = daemon.state.lock();
        state.generation += 1;
        networks::unplug(daemon, &mut state, number);
        let half_way = state.containers.get(&number).is_some_and(|container| container.half_way);
        if half_way { None } else { state.containers.remove(&number) }
    };
    match container {
        Some(container) => release_later(daemon, container, remover),
        None => stuck(daemon, number, remover),
    }
}

/// The removal has failed at the container's files: it is dead, and stays.
fn stuck(daemon: &Arc<Shared>, number: u64, remover: Option<RequestId>) {
    let stuck = {
        let mut state = daemon.state.lock();
        let Some(container) = state.containers.get_mut(&number) else {
            drop(state);
            return answer(daemon, remover, Ok(Answer::Done));
        };
        let refusal = messages::device_busy(&container.id);
        container.state = ContainerState::Dead;
        container.removing = false;
        container.half_way = false;
        container.error = Some(refusal.message.as_ref().into());
        let waiters = std::mem::take(&mut container.removal_waiters);
        (refusal, waiters, container.exit_code, container.error.clone())
    };
    let (refusal, waiters, code, error) = stuck;
    for waiter in waiters {
        let waited = Answer::Waited { code, error: error.clone() };
        daemon.answer(waiter, Ok(waited), Duration::ZERO);
    }
    answer(daemon, remover, Err(refusal));
}

fn answer(daemon: &Arc<Shared>, remover: Option<RequestId>, result: Result<Answer, Refusal>) {
    if let Some(id) = remover {
        daemon.answer(id, result, Duration::ZERO);
    }
}

/// Frees the name, which takes another moment, and tells everybody.
fn release_later(daemon: &Arc<Shared>, container: Container, remover: Option<RequestId>) {
    let (shared, life) = (Arc::clone(daemon), daemon.state.lock().life);
    daemon.operations.schedule_about(
        daemon.contexts.daemon,
        Label::plain("Daemon", "name released"),
        daemon.settings.release,
        move || {
            let alive = shared.state.lock().life == life;
            released(&shared, container, remover, alive);
        },
    );
}

fn released(daemon: &Arc<Shared>, container: Container, remover: Option<RequestId>, alive: bool) {
    {
        let mut state = daemon.state.lock();
        state.generation += 1;
        state.coverage.removed += 1;
        if state.names.get(&container.name) == Some(&container.number) {
            state.names.remove(&container.name);
        }
        if alive {
            events::of_removed(daemon, &mut state, &container);
        }
    }
    // One that was never started ends here for those who wait for its exit.
    let waited = Answer::Waited { code: container.exit_code, error: None };
    for waiter in container.waiters.into_iter().chain(container.removal_waiters) {
        daemon.answer(waiter, Ok(waited.clone()), Duration::ZERO);
    }
    for follower in container.followers {
        // Who is attached to a container that was never started is not told, as with the Engine.
        if matches!(follower.kind, super::container::Following::Log(_)) {
            daemon.reply(follower.request, Reply::Ended, Duration::ZERO);
        }
    }
    super::stats::forget(daemon, container.number);
    answer(daemon, remover, Ok(Answer::Done));
}
