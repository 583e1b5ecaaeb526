//! The `Docker` abstraction: the operations of upstream's class, as a trait.
//!
//! Mirrors `src/docker/docker.hpp`.

use crate::{Container, Image, RunOptions, Version};
use process::host::Io;
use process::io::Descriptor;
use process::{Future, Nothing};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a container's standard output or error goes.
#[doc(alias = "Subprocess::IO")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Dropped.
    Null,
    /// Where this program's own stream goes.
    Inherit,
    /// To the end of this file.
    Path(PathBuf),
    /// To an open file of the host: what a container logger hands out. Whoever runs the container
    /// works on a descriptor of its own, which it closes when the output has ended.
    #[doc(alias = "Subprocess::FD")]
    Fd(Descriptor),
}

impl Output {
    /// What a program's stream leads to, for what it runs in its place: `stream` is the open end
    /// that the program has if it was given one ([`Running::streams`](process::host::Running)).
    ///
    /// # Errors
    ///
    /// A pipe whose end is not known.
    pub fn of(io: &Io, stream: Option<&Descriptor>) -> Result<Self, String> {
        match (io, stream) {
            (Io::Null, _) => Ok(Output::Null),
            (Io::Inherit, _) => Ok(Output::Inherit),
            (Io::Path(path), _) => Ok(Output::Path(path.clone())),
            (Io::Pipe | Io::Fd(..), Some(own)) => Ok(Output::Fd(own.clone())),
            (Io::Fd(descriptor, _), None) => Ok(Output::Fd(descriptor.clone())),
            (Io::Pipe, None) => {
                Err("a pipe is made for a program, and nobody has the end of this one".to_owned())
            }
        }
    }
}

/// Docker as a command-line client shows it: each operation ends as the command would.
///
/// Discarding a future ends the client's part of the operation, and the future with it; what the
/// daemon makes of that is its own affair.
pub trait Docker: Send + Sync + 'static {
    /// `docker run`: creates, attaches, starts and waits. Ready with the wait status of the
    /// client: the container's exit code, or 125 when the daemon refused, 126 when the command
    /// cannot be invoked, 127 when it was not found. `None` when no status could be had.
    /// Discarding kills the client; the container, if there is one, runs on.
    #[doc(alias = "Docker::run")]
    fn run(&self, options: &RunOptions, stdout: Output, stderr: Output) -> Future<Option<i32>>;

    /// `docker stop -t`: signal, wait for `timeout`, then kill. With `remove` the container is
    /// removed by force afterwards, also when the stop failed.
    #[doc(alias = "Docker::stop")]
    fn stop(&self, container: &str, timeout: Duration, remove: bool) -> Future<Nothing>;

    /// `docker kill --signal`.
    #[doc(alias = "Docker::kill")]
    fn kill(&self, container: &str, signal: i32) -> Future<Nothing>;

    /// `docker rm`, with `-f` if `force`; removes the container's anonymous volumes too.
    #[doc(alias = "Docker::rm")]
    fn rm(&self, container: &str, force: bool) -> Future<Nothing>;

    /// `docker inspect --type=container`. With `retry_interval` it is repeated while it fails and
    /// until the container has started, for ever if need be; a discard ends it.
    #[doc(alias = "Docker::inspect")]
    fn inspect(&self, container: &str, retry_interval: Option<Duration>) -> Future<Container>;

    /// `docker ps`, with `-a` if `all`; every container whose name starts with `prefix`, inspected.
    #[doc(alias = "Docker::ps")]
    fn ps(&self, all: bool, prefix: Option<&str>) -> Future<Vec<Container>>;

    /// Makes sure that an image is there: inspects it, pulls it if it is missing (without asking
    /// first if `force`), and inspects it again. `directory` is where credentials are looked for.
    #[doc(alias = "Docker::pull")]
    fn pull(&self, directory: &Path, image: &str, force: bool) -> Future<Image>;

    /// The daemon's version.
    #[doc(alias = "Docker::version")]
    fn version(&self) -> Future<Version>;
}
