//! Removing containers.

use super::containers::kill_now;
use super::request::Exchange;
use super::{Shared, messages};
use process::{Label, Nothing};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn remove(
    daemon: &Arc<Shared>,
    exchange: Exchange<Nothing>,
    name: Arc<str>,
    force: bool,
) {
    enum Next {
        Refuse(Exchange<Nothing>, docker::ApiError),
        Kill(Option<process::host::OsPid>),
        Remove(Exchange<Nothing>, u64),
    }
    let next = {
        let mut state = daemon.state.lock();
        let number = state.resolve(&name);
        state.generation += 1;
        match number.and_then(|number| Some((number, state.containers.get_mut(&number)?))) {
            None => Next::Refuse(exchange, messages::no_such_container(&name)),
            // Asked before the lock is taken.
            Some((_, container)) if container.removing => {
                Next::Refuse(exchange, messages::removal_in_progress(&name))
            }
            Some((_, container)) if container.starting => {
                container.enqueue(move |daemon| remove(daemon, exchange, name, force));
                return;
            }
            Some((_, container)) if container.is_running() && !force => {
                Next::Refuse(exchange, messages::remove_running(&container.id))
            }
            Some((_, container)) if container.is_running() => {
                container.removing = true;
                container.remover = Some(exchange);
                Next::Kill(container.pid)
            }
            Some((number, container)) => {
                container.removing = true;
                Next::Remove(exchange, number)
            }
        }
    };
    match next {
        Next::Refuse(exchange, error) => daemon.answer(exchange, Err(error), Duration::ZERO),
        Next::Kill(pid) => kill_now(daemon, pid),
        Next::Remove(exchange, number) => remove_later(daemon, exchange, number),
    }
}

/// Takes a container that does not run away, which takes a while.
pub(super) fn remove_later(daemon: &Arc<Shared>, exchange: Exchange<Nothing>, number: u64) {
    let (shared, context) = (Arc::clone(daemon), daemon.contexts.daemon);
    let label = Label::plain("Daemon", "container removed");
    let latency = daemon.settings.remove;
    daemon
        .operations
        .schedule_about(context, label, latency, move || removed(&shared, exchange, number));
}

fn removed(daemon: &Arc<Shared>, exchange: Exchange<Nothing>, number: u64) {
    let container = {
        let mut state = daemon.state.lock();
        let container = state.containers.remove(&number);
        if let Some(container) = &container {
            state.names.remove(&container.name);
            state.coverage.removed += 1;
            state.generation += 1;
        }
        container
    };
    if let Some(container) = container {
        // One that was never started ends here for those who wait for it.
        let code = container.exit_code.unwrap_or(0);
        for waiter in container.waiters {
            daemon.answer(waiter, Ok(code), Duration::ZERO);
        }
        for follower in container.followers {
            follower.end(daemon);
        }
    }
    daemon.answer(exchange, Ok(Nothing), Duration::ZERO);
}
