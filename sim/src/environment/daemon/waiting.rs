//! Wait and attach: requests that last as long as a container runs.

use super::containers::ContainerState;
use super::request::Exchange;
use super::{Shared, messages};
use docker::{Attachment, WaitCondition};
use process::simulated::ContextId;
use process::{Label, Nothing, Promise};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn wait(
    daemon: &Arc<Shared>,
    exchange: Exchange<i64>,
    name: Arc<str>,
    condition: WaitCondition,
) {
    let result = {
        let mut state = daemon.state.lock();
        let connected = state.requests.get(&exchange.id).is_some_and(|request| request.connected);
        if !connected {
            // Ends with its client, and the client is gone.
            state.requests.remove(&exchange.id);
            return;
        }
        let number = state.resolve(&name);
        match number.and_then(|number| state.containers.get_mut(&number)) {
            None => Err(messages::no_such_container(&name)),
            Some(container) if container.starting => {
                container.enqueue(move |daemon| wait(daemon, exchange, name, condition));
                return;
            }
            Some(container)
                if condition == WaitCondition::NotRunning && !container.is_running() =>
            {
                Ok(container.exit_code.unwrap_or(0))
            }
            Some(container) => {
                container.waiters.push(exchange);
                return;
            }
        }
    };
    daemon.answer(exchange, result, Duration::ZERO);
}

/// A client that is attached to a container.
pub(super) struct Follower {
    context: ContextId,
    finished: Arc<Promise<Nothing>>,
}

impl Follower {
    /// The container's streams have ended: the client sees that a moment later.
    pub(super) fn end(self, daemon: &Arc<Shared>) {
        let label = Label::plain("Docker client", "output ended");
        let finished = self.finished;
        daemon.operations.schedule_about(self.context, label, daemon.settings.travel, move || {
            finished.set(Nothing);
        });
    }
}

pub(super) fn attach(
    daemon: &Arc<Shared>,
    exchange: Exchange<Attachment>,
    name: &str,
    context: ContextId,
) {
    let promise = Arc::new(Promise::new());
    let finished = promise.future();
    let weak = Arc::downgrade(&promise);
    finished.on_discard(move || {
        if let Some(promise) = weak.upgrade() {
            promise.discard();
        }
    });
    let follower = Follower { context, finished: promise };
    let ended = {
        let mut state = daemon.state.lock();
        let number = state.resolve(name);
        match number.and_then(|number| state.containers.get_mut(&number)) {
            None => Err(messages::no_such_container(name)),
            Some(container) if container.state == ContainerState::Exited => Ok(Some(follower)),
            Some(container) => {
                container.followers.push(follower);
                Ok(None)
            }
        }
    };
    match ended {
        Err(error) => daemon.answer(exchange, Err(error), Duration::ZERO),
        Ok(ended) => {
            daemon.answer(exchange, Ok(Attachment { finished }), Duration::ZERO);
            if let Some(follower) = ended {
                follower.end(daemon);
            }
        }
    }
}
