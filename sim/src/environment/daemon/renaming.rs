//! Renaming containers.

use super::Shared;
use super::answer::{Answer, Refusal};
use super::container::ContainerState;
use super::create::free;
use super::exchange::RequestId;
use super::ids::{self, Kind};
use super::state::State;
use super::{events, messages, naming};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn rename(daemon: &Arc<Shared>, id: RequestId, container: &str, name: &str) {
    let result = give(daemon, &mut daemon.state.lock(), container, name);
    daemon.answer(id, result.map(|()| Answer::Done), Duration::ZERO);
}

fn give(daemon: &Shared, state: &mut State, container: &str, name: &str) -> Result<(), Refusal> {
    if container.is_empty() || name.is_empty() {
        return Err(Refusal::new(400, "Neither old nor new names may be empty"));
    }
    let found = state.find(container)?;
    let (number, old) = (found.number, Arc::clone(&found.name));
    let sandbox = (found.state == ContainerState::Restarting)
        .then(|| messages::sandbox_not_found(&ids::id(Kind::Sandbox, number)));
    let shown = format!("/{}", name.strip_prefix('/').unwrap_or(name));
    if *old == shown[1..] {
        let message = "Renaming a container with the same name as its current name";
        return Err(Refusal::new(400, message));
    }
    let new = naming::check(name, &shown).and_then(|plain| free(state, plain).map(|()| plain));
    let new: Arc<str> = new
        .map_err(|refusal| {
            let message = format!("Error when allocating new name: {}", refusal.message);
            Refusal::new(refusal.status, message)
        })?
        .into();
    if let Some(refusal) = sandbox {
        return Err(refusal);
    }
    state.names.remove(&old);
    state.names.insert(Arc::clone(&new), number);
    if let Some(container) = state.containers.get_mut(&number) {
        container.name = new;
    }
    state.generation += 1;
    events::renamed(daemon, state, number, &old);
    Ok(())
}
