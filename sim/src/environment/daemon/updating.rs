//! Changing what a container may use, while it is there.

use super::Shared;
use super::answer::{Answer, Refusal};
use super::config::{Resources, Update};
use super::container::ContainerState;
use super::create::{check_resources, completed};
use super::exchange::RequestId;
use super::state::State;
use super::{events, messages};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn update(daemon: &Arc<Shared>, id: RequestId, name: &str, update: Update) {
    let result = apply(daemon, &mut daemon.state.lock(), name, update);
    daemon.answer(id, result.map(|()| Answer::Updated), Duration::ZERO);
}

fn apply(daemon: &Shared, state: &mut State, name: &str, update: Update) -> Result<(), Refusal> {
    let container = state.get_mut(name)?;
    check_resources(&update.resources)?;
    let cannot = |status: u16, id: &str, why: &str| {
        Err(Refusal::new(status, format!("Cannot update container {id}: {why}")))
    };
    if container.removing || container.state == ContainerState::Dead {
        let why = "container is marked for removal and cannot be \"update\"";
        return cannot(500, &container.id, why);
    }
    if container.settled.config.auto_remove && update.restart.is_some() {
        let why =
            "Restart policy cannot be updated because AutoRemove is enabled for the container";
        return cannot(400, &container.id, why);
    }
    let merged = merged(container.resources, update.resources);
    if merged.memory > 0 && merged.memory_swap > 0 && merged.memory_swap < merged.memory {
        let why = "Memory limit should be smaller than already set memoryswap limit, update the \
                   memoryswap at the same time";
        return cannot(409, &container.id, why);
    }
    container.resources = completed(merged);
    if let Some(restart) = update.restart {
        container.restart = restart;
    }
    let number = container.number;
    state.generation += 1;
    events::of_container(daemon, state, number, "update");
    Ok(())
}

/// The old limits, where the new ones say nothing.
fn merged(old: Resources, new: Resources) -> Resources {
    let or = |old: i64, new: i64| if new == 0 { old } else { new };
    Resources {
        memory: or(old.memory, new.memory),
        memory_swap: or(old.memory_swap, new.memory_swap),
        memory_reservation: or(old.memory_reservation, new.memory_reservation),
        cpu_shares: or(old.cpu_shares, new.cpu_shares),
        cpu_quota: or(old.cpu_quota, new.cpu_quota),
        cpu_period: or(old.cpu_period, new.cpu_period),
        nano_cpus: or(old.nano_cpus, new.nano_cpus),
        pids_limit: or(old.pids_limit, new.pids_limit),
    }
}

/// Changing the size of a terminal means nothing here; it must be there.
pub(super) fn resize(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let found = daemon.state.lock().find(name).and_then(|container| match container.state {
        ContainerState::Restarting => Err(messages::resize_restarting()),
        _ if container.is_running() => Ok(()),
        _ => Err(messages::not_running(&container.id)),
    });
    daemon.answer(id, found.map(|()| Answer::Done), Duration::ZERO);
}
