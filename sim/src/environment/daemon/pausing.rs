//! Freezing and thawing containers.

use super::Shared;
use super::answer::Answer;
use super::container::ContainerState;
use super::exchange::RequestId;
use super::program::{self, Key};
use super::{events, messages};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn pause(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let found = {
        let mut state = daemon.state.lock();
        let found = state.get_mut(name).and_then(|container| match container.state {
            ContainerState::Running => {
                container.state = ContainerState::Paused;
                let execs = container.execs.iter().map(|number| Key::Exec(*number));
                let first = std::iter::once(Key::Container(container.number));
                Ok((container.number, first.chain(execs).collect::<Vec<_>>()))
            }
            ContainerState::Paused => Err(messages::already_paused(&container.id)),
            ContainerState::Restarting => Err(messages::is_restarting(&container.id)),
            _ => Err(messages::not_running(&container.id)),
        });
        if let Ok((number, _)) = &found {
            state.generation += 1;
            events::of_container(daemon, &mut state, *number, "pause");
        }
        found
    };
    match found {
        Err(refusal) => daemon.refuse(id, refusal),
        Ok((_, programs)) => {
            for key in programs {
                program::freeze(daemon, key);
            }
            daemon.answer(id, Ok(Answer::Done), Duration::ZERO);
        }
    }
}

pub(super) fn unpause(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let found = {
        let mut state = daemon.state.lock();
        let found = state.get_mut(name).and_then(|container| {
            if container.state != ContainerState::Paused {
                return Err(messages::not_paused(&container.id));
            }
            container.state = ContainerState::Running;
            let execs = container.execs.iter().map(|number| Key::Exec(*number));
            let first = std::iter::once(Key::Container(container.number));
            Ok((container.number, first.chain(execs).collect::<Vec<_>>()))
        });
        if let Ok((number, _)) = &found {
            state.generation += 1;
            events::of_container(daemon, &mut state, *number, "unpause");
        }
        found
    };
    match found {
        Err(refusal) => daemon.refuse(id, refusal),
        Ok((_, programs)) => {
            for key in programs {
                program::thaw(daemon, key);
            }
            daemon.answer(id, Ok(Answer::Done), Duration::ZERO);
        }
    }
}
