//! Inspecting a container that was just started, past a daemon that hangs.
//!
//! Mirrors the `loop` in `DockerExecutorProcess::launchTask` (`src/docker/executor.cpp`) and what
//! it needs of `3rdparty/libprocess/include/process/loop.hpp`.

use crate::docker_executor::{DOCKER_INSPECT_DELAY, DOCKER_INSPECT_TIMEOUT, DockerExecutorProcess};
use docker::{Container, Docker};
use parking_lot::Mutex;
use process::future::WeakFuture;
use process::{Future, Pid, Promise, await_one};
use slog::{Logger, warn};
use std::sync::Arc;

/// One attempt: completes with the inspect, whatever became of it.
type Attempt = Future<Future<Container>>;

struct Loop {
    pid: Pid<DockerExecutorProcess>,
    docker: Arc<dyn Docker>,
    container: String,
    log: Logger,
    promise: Promise<Container>,
    /// The attempt that a discard of the whole has to reach. Replaced by the next one, so that
    /// a loop that runs for days does not grow.
    current: Mutex<Option<WeakFuture<Future<Container>>>>,
}

/// Inspects until the container has started. An attempt that takes longer than
/// [`DOCKER_INSPECT_TIMEOUT`] is discarded, which ends its client, and followed by another.
///
/// A discard of the result ends it: the attempt *itself* becomes discarded, unlike the inspect
/// inside an attempt that timed out, and only the latter is followed by another.
pub(crate) fn inspect_until_started(
    pid: &Pid<DockerExecutorProcess>,
    docker: Arc<dyn Docker>,
    container: String,
    log: Logger,
) -> Future<Container> {
    let this = Arc::new(Loop {
        pid: pid.clone(),
        docker,
        container,
        log,
        promise: Promise::new(),
        current: Mutex::new(None),
    });
    let future = this.promise.future();
    let weak = Arc::downgrade(&this);
    future.on_discard(move || {
        let current = weak.upgrade().and_then(|this| this.current.lock().clone());
        if let Some(attempt) = current.and_then(|weak| weak.get()) {
            attempt.discard();
        }
    });
    // The first attempt, too, is an event of its own.
    pid.run("DockerExecutorProcess::inspect_until_started", move |_, _| this.next());
    future
}

impl Loop {
    fn attempt(&self) -> Attempt {
        let (log, container) = (self.log.clone(), self.container.clone());
        let inspect = self.docker.inspect(&self.container, Some(DOCKER_INSPECT_DELAY)).after(
            DOCKER_INSPECT_TIMEOUT,
            move |inspect| {
                warn!(log, "Docker inspect timed out after 5secs for container '{container}'");
                inspect.discard();
                inspect.clone()
            },
        );
        await_one(&inspect)
    }

    fn next(self: Arc<Self>) {
        let attempt = self.attempt();
        *self.current.lock() = Some(attempt.downgrade());
        if self.promise.future().has_discard() {
            attempt.discard();
        }
        let pid = self.pid.clone();
        attempt.on_any(
            pid.defer_any("DockerExecutorProcess::inspect_until_started", move |_, _, attempt| {
                self.attempted(&attempt)
            }),
        );
    }

    fn attempted(self: Arc<Self>, attempt: &Attempt) {
        if let Some(inspect) = attempt.get() {
            if !self.settle(inspect) {
                self.next();
            }
        } else if let Some(message) = attempt.failure() {
            self.promise.fail(message);
        } else {
            self.promise.discard();
        }
    }

    /// Completes the result if the inspect was not merely given up.
    fn settle(&self, inspect: &Future<Container>) -> bool {
        if let Some(container) = inspect.get() {
            self.promise.set(container.clone());
        } else if let Some(message) = inspect.failure() {
            self.promise.fail(message);
        } else {
            return false;
        }
        true
    }
}
