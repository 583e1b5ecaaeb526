//! [`Docker`] over any [`Api`]: what the command line does with the daemon's requests.
//!
//! Mirrors `src/docker/docker.cpp`, where each operation is a run of the command line; here it is
//! the requests which that program would send.

mod inspect;
mod listener;
pub(crate) mod operation;
mod ps;
mod pull;
mod run;
mod stop;
#[cfg(test)]
mod tests;

pub use listener::{Lingering, PullEnd, PullListener};

use crate::{
    Api, ApiError, Container, Docker, ErrorKind, Image, Keychain, LingeringPull, Output,
    RunOptions, Version,
};
use operation::Operation;
use process::{Future, Nothing};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a daemon may take to say its version; `DOCKER_VERSION_WAIT_TIMEOUT` in
/// `src/slave/constants.hpp`.
const VERSION_WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Docker, through the API of a daemon. Cheap to clone; all clones share the daemon.
#[derive(Clone)]
pub struct Engine {
    api: Arc<dyn Api>,
    /// Where the daemon listens, as `docker -H` has it. Appears in messages.
    socket: Arc<str>,
    listener: Option<Arc<dyn PullListener>>,
    keychain: Option<Arc<dyn Keychain>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl Engine {
    /// Over this daemon, unchecked. `socket` is where it listens (`unix:///var/run/docker.sock`)
    /// and only serves messages.
    #[doc(alias = "Docker::create")]
    pub fn new(api: Arc<dyn Api>, socket: impl Into<Arc<str>>) -> Self {
        Engine { api, socket: socket.into(), listener: None, keychain: None }
    }

    /// Over this daemon, once it has shown that it answers and is `minimum` or newer. Fails within
    /// five seconds otherwise.
    // differs: upstream also looks for the cgroup hierarchy of the CPU on its own machine; cgroups
    // are the daemon's affair, which may live elsewhere or use version 2 of them.
    #[doc(alias = "Docker::create")]
    pub fn create(
        api: Arc<dyn Api>,
        socket: impl Into<Arc<str>>,
        minimum: Version,
    ) -> Future<Engine> {
        let engine = Engine::new(api, socket);
        let valid = engine.validate_version(minimum);
        valid.map(move |_| engine)
    }

    /// The same, with somebody who is told of every pull.
    pub fn with_pull_listener(mut self, listener: Arc<dyn PullListener>) -> Self {
        self.listener = Some(listener);
        self
    }

    /// The same, with credentials for registries. Without, all pulls are anonymous.
    pub fn with_keychain(mut self, keychain: Arc<dyn Keychain>) -> Self {
        self.keychain = Some(keychain);
        self
    }

    /// Pulls that were given up and that the daemon may still be at work on.
    pub fn lingering_pulls(&self) -> Vec<LingeringPull> {
        self.api.lingering_pulls()
    }

    /// Where the daemon listens.
    #[doc(alias = "Docker::getSocket")]
    pub fn socket(&self) -> &str {
        &self.socket
    }

    /// Fails unless the daemon answers within five seconds that it is `minimum` or newer.
    // differs: upstream blocks its thread for those five seconds; here the caller gets a future.
    #[doc(alias = "Docker::validateVersion")]
    pub fn validate_version(&self, minimum: Version) -> Future<Nothing> {
        let operation = Operation::new();
        operation.request(
            || self.api.version(),
            move |operation, version| match version {
                Ok(version) if version >= minimum => operation.set(Nothing),
                Ok(version) => operation.fail(format!(
                    "Insufficient version '{version}' of Docker. Please upgrade to >= '{minimum}'"
                )),
                Err(error) => operation.fail(format!("Failed to get docker version: {error}")),
            },
        );
        operation.after(VERSION_WAIT_TIMEOUT, |operation| {
            operation.fail("Timed out getting docker version");
        });
        operation.future()
    }

    /// What upstream says when a command of the command line failed, for the command that would
    /// have led to this request.
    fn failure(&self, command: &str, error: &ApiError) -> String {
        format!(
            "Failed to run 'docker -H {} {command}': exited with status 1; stderr='{}\\n'",
            self.socket,
            as_client(error)
        )
    }
}

/// An error as the command line words it. Other than [`ApiError`]'s own text, an error in a
/// stream of progress is printed without the words that it came from the daemon.
fn as_client(error: &ApiError) -> String {
    match error.kind {
        ErrorKind::Stream => error.message.clone(),
        _ => error.to_string(),
    }
}

impl Docker for Engine {
    fn run(&self, options: &RunOptions, stdout: Output, stderr: Output) -> Future<Option<i32>> {
        run::run(self, options, stdout, stderr)
    }

    fn stop(&self, container: &str, timeout: Duration, remove: bool) -> Future<Nothing> {
        stop::stop(self, container, timeout, remove)
    }

    fn kill(&self, container: &str, signal: i32) -> Future<Nothing> {
        stop::kill(self, container, signal)
    }

    fn rm(&self, container: &str, force: bool) -> Future<Nothing> {
        stop::rm(self, container, force)
    }

    fn inspect(&self, container: &str, retry_interval: Option<Duration>) -> Future<Container> {
        inspect::inspect(self, container, retry_interval)
    }

    fn ps(&self, all: bool, prefix: Option<&str>) -> Future<Vec<Container>> {
        ps::ps(self, all, prefix)
    }

    fn pull(&self, directory: &Path, image: &str, force: bool) -> Future<Image> {
        pull::pull(self, directory, image, force)
    }

    fn version(&self) -> Future<Version> {
        let operation = Operation::new();
        let engine = self.clone();
        operation.request(
            || self.api.version(),
            move |operation, version| match version {
                Ok(version) => operation.set(version),
                Err(error) => operation.fail(engine.failure("version", &error)),
            },
        );
        operation.future()
    }
}
