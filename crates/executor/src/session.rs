//! The docker clients of one executor, so that its death can be theirs.

use docker::{Container, Docker, Image, Output, RunOptions, Version};
use parking_lot::Mutex;
use process::future::{Value, WeakFuture};
use process::{Future, Nothing, Promise};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A [`Docker`] that remembers which operations are under way and can end them all.
///
/// Upstream's executor starts a docker client for each operation in its own process group, so what
/// ends the executor ends them. Here the operations live in the same process as everything else,
/// and [`hang_up`](Session::hang_up) is what the end of the executor does to them.
pub struct Session {
    docker: Arc<dyn Docker>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ended: bool,
    outstanding: Vec<Box<dyn Operation>>,
    /// Completed operations are forgotten when there are this many.
    prune_at: usize,
}

/// An operation, held weakly: the one who carries it out keeps it alive.
trait Operation: Send {
    fn is_pending(&self) -> bool;
    fn discard(&self);
}

impl<T: Value> Operation for WeakFuture<T> {
    fn is_pending(&self) -> bool {
        self.get().is_some_and(|future| future.is_pending())
    }

    fn discard(&self) {
        if let Some(future) = self.get() {
            future.discard();
        }
    }
}

impl Session {
    /// A session over `docker` without operations.
    pub fn new(docker: Arc<dyn Docker>) -> Self {
        Session { docker, state: Mutex::default() }
    }

    /// Discards every operation that is still under way. Later ones are not even started.
    pub fn hang_up(&self) {
        let outstanding = {
            let mut state = self.state.lock();
            state.ended = true;
            std::mem::take(&mut state.outstanding)
        };
        // Outside the lock: callbacks may ask for further operations.
        for operation in outstanding {
            operation.discard();
        }
    }

    fn track<T: Value>(&self, start: impl FnOnce(&dyn Docker) -> Future<T>) -> Future<T> {
        if self.state.lock().ended {
            let promise = Promise::new();
            promise.discard();
            return promise.future();
        }
        let future = start(&*self.docker);
        if future.is_pending() {
            let mut state = self.state.lock();
            if state.outstanding.len() >= state.prune_at {
                state.outstanding.retain(|operation| operation.is_pending());
                state.prune_at = 2 * state.outstanding.len() + 4;
            }
            state.outstanding.push(Box::new(future.downgrade()));
        }
        future
    }
}

impl Docker for Session {
    fn run(&self, options: &RunOptions, stdout: Output, stderr: Output) -> Future<Option<i32>> {
        self.track(|docker| docker.run(options, stdout, stderr))
    }

    fn stop(&self, container: &str, timeout: Duration, remove: bool) -> Future<Nothing> {
        self.track(|docker| docker.stop(container, timeout, remove))
    }

    fn kill(&self, container: &str, signal: i32) -> Future<Nothing> {
        self.track(|docker| docker.kill(container, signal))
    }

    fn rm(&self, container: &str, force: bool) -> Future<Nothing> {
        self.track(|docker| docker.rm(container, force))
    }

    fn inspect(&self, container: &str, retry_interval: Option<Duration>) -> Future<Container> {
        self.track(|docker| docker.inspect(container, retry_interval))
    }

    fn ps(&self, all: bool, prefix: Option<&str>) -> Future<Vec<Container>> {
        self.track(|docker| docker.ps(all, prefix))
    }

    fn pull(&self, directory: &Path, image: &str, force: bool) -> Future<Image> {
        self.track(|docker| docker.pull(directory, image, force))
    }

    fn version(&self) -> Future<Version> {
        self.track(|docker| docker.version())
    }
}
