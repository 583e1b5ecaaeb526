//! Waiting for the end of a container, or for its removal.

use super::Shared;
use super::answer::{Answer, Opened, Reply};
use super::exchange::RequestId;
use super::request::WaitCondition;
use std::sync::Arc;
use std::time::Duration;

/// The head of the answer comes at once, its body at the end.
pub(super) fn wait(daemon: &Arc<Shared>, id: RequestId, name: &str, condition: WaitCondition) {
    let found = {
        let mut state = daemon.state.lock();
        state.get_mut(name).map(|container| match condition {
            WaitCondition::NotRunning if !container.is_running() => {
                Some(Answer::Waited { code: container.exit_code, error: container.error.clone() })
            }
            WaitCondition::NotRunning | WaitCondition::NextExit => {
                container.waiters.push(id);
                None
            }
            WaitCondition::Removed => {
                container.removal_waiters.push(id);
                None
            }
        })
    };
    match found {
        Err(refusal) => daemon.refuse(id, refusal),
        Ok(answer) => {
            daemon.reply(id, Reply::Opened(Opened::Wait), Duration::ZERO);
            if let Some(answer) = answer {
                daemon.answer(id, Ok(answer), Duration::ZERO);
            }
        }
    }
}
