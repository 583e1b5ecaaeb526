//! The port to a Docker daemon: one method a request of the Engine's HTTP API.
//!
//! Every request is a [`Future`] of a [`Result`]: it *fails* never, it is ready with an
//! [`ApiError`] instead, so that callers can look at the status code. A success is a status of the
//! two hundreds; 304, which says that there was nothing to do, is an error here like any other
//! status. What each status means stands in one table, `status.rs`.
//!
//! Discarding it makes the client go away; the future is then discarded. Whether the daemon stops
//! is its own affair: stop, create, start and remove go on, a pull notices at its next write, and
//! is among [`Api::lingering_pulls`] until then.

use crate::{Container, CreateBody, Credentials, Image, Output, Version};
use process::{Future, Nothing, Promise, Time};
use std::fmt;
use std::sync::Arc;

/// What kind of error a request ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The daemon answered with this HTTP status.
    Status(u16),
    /// A pull ended with an error line in its stream, after the 200 was sent.
    Stream,
    /// No connection to the daemon.
    Unreachable,
    /// The deadline passed without an answer; whether the request took effect is unknown.
    Timeout,
    /// The connection broke; whether the request took effect is unknown.
    Broken,
    /// The answer was not understood.
    Malformed,
}

/// Why a request failed, in the daemon's words where it had any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What kind of error.
    pub kind: ErrorKind,
    /// The daemon's `message`, or what is known of the failure.
    pub message: String,
}

impl ApiError {
    /// An answer with an HTTP error status.
    pub fn status(code: u16, message: impl Into<String>) -> Self {
        ApiError { kind: ErrorKind::Status(code), message: message.into() }
    }

    /// Whether the request took effect cannot be told from this error.
    pub fn leaves_outcome_unknown(&self) -> bool {
        match self.kind {
            ErrorKind::Status(code) => code >= 500,
            ErrorKind::Timeout | ErrorKind::Broken | ErrorKind::Malformed => true,
            ErrorKind::Stream | ErrorKind::Unreachable => false,
        }
    }

    /// The HTTP status, if the daemon answered with one.
    pub fn code(&self) -> Option<u16> {
        match self.kind {
            ErrorKind::Status(code) => Some(code),
            _ => None,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ErrorKind::Status(_) | ErrorKind::Stream => {
                write!(f, "Error response from daemon: {}", self.message)
            }
            _ => f.write_str(&self.message),
        }
    }
}

/// The result of a request.
pub type Answer<T> = Future<Result<T, ApiError>>;

/// A connection to a container's output streams.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Ready once both streams have ended and all output was written.
    pub finished: Future<Nothing>,
}

/// When a wait request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitCondition {
    /// At once when the container is not running.
    NotRunning,
    /// At its next exit, also when it has not been started yet.
    NextExit,
}

/// One row of a container list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerSummary {
    /// The full id.
    pub id: String,
    /// Its names, each with the leading `/`.
    pub names: Vec<String>,
}

/// One line of a pull's progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullProgress {
    /// The layer's short id, or the tag for lines about the whole; may be empty.
    pub id: String,
    /// `Downloading`, `Extracting`, `Pull complete`, …
    pub status: String,
    /// Bytes done so far, if the line says.
    pub current: u64,
    /// Bytes in all, if the line says.
    pub total: u64,
}

/// Called with each line of a pull's progress, in the context of whoever reads the stream.
pub type PullEvent = Arc<dyn Fn(PullProgress) + Send + Sync>;

/// A pull whose client has left, and which the daemon may be at work on nevertheless.
#[derive(Clone, Debug)]
pub struct LingeringPull {
    /// What was to be pulled.
    pub reference: String,
    /// When the client left.
    pub since: Time,
    /// Ready with `true` once the daemon has shown that it has let go; with `false` when that took
    /// too long, and it is not watched any more.
    pub released: Future<bool>,
}

/// A Docker daemon.
pub trait Api: Send + Sync + 'static {
    /// `GET /version`.
    fn version(&self) -> Answer<Version>;

    /// `POST /containers/create?name=`. Ready with the id.
    fn create_container(&self, name: &str, body: &CreateBody) -> Answer<String>;

    /// `POST /containers/{}/attach`: follows both output streams and writes them to the given
    /// places, until the container ends or the future `finished` is discarded. Ready once attached.
    fn attach_container(&self, name: &str, stdout: &Output, stderr: &Output) -> Answer<Attachment>;

    /// `POST /containers/{}/attach?stdin=1`, and hangs up: standard input that was opened for a
    /// client comes to its end. The default is for daemons whose containers read nothing.
    fn close_stdin(&self, name: &str) -> Answer<Nothing> {
        let _ = name;
        let promise = Promise::new();
        promise.set(Ok(Nothing));
        promise.future()
    }

    /// `POST /containers/{}/start`. Started already is the status 304.
    fn start_container(&self, name: &str) -> Answer<Nothing>;

    /// `POST /containers/{}/wait`. Ready with the exit code, which may be non-zero.
    fn wait_container(&self, name: &str, condition: WaitCondition) -> Answer<i64>;

    /// `POST /containers/{}/stop?t=`. Stopped already is the status 304.
    fn stop_container(&self, name: &str, timeout_secs: u64) -> Answer<Nothing>;

    /// `POST /containers/{}/kill?signal=`.
    fn kill_container(&self, name: &str, signal: i32) -> Answer<Nothing>;

    /// `DELETE /containers/{}`.
    fn remove_container(&self, name: &str, force: bool, volumes: bool) -> Answer<Nothing>;

    /// `GET /containers/{}/json`.
    fn inspect_container(&self, name: &str) -> Answer<Container>;

    /// `GET /containers/json`.
    fn list_containers(&self, all: bool) -> Answer<Vec<ContainerSummary>>;

    /// `GET /images/{}/json`.
    fn inspect_image(&self, image: &str) -> Answer<Image>;

    /// `POST /images/create?fromImage=&tag=`: ready when the stream has ended without an error.
    /// `credentials` are for the registry that the reference names; none are needed for what
    /// everybody may pull.
    fn pull_image_as(
        &self,
        reference: &str,
        credentials: Option<&Credentials>,
        progress: Option<PullEvent>,
    ) -> Answer<Nothing>;

    /// The same without credentials.
    fn pull_image(&self, reference: &str, progress: Option<PullEvent>) -> Answer<Nothing> {
        self.pull_image_as(reference, None, progress)
    }

    /// Pulls that were discarded and that the daemon has not let go of yet, the oldest first, as
    /// far as this client can know. The default knows of none.
    fn lingering_pulls(&self) -> Vec<LingeringPull> {
        Vec::new()
    }

    /// Adds the client's own words to one of a container's outputs, as `docker run` does when the
    /// daemon refused. No request: where files go is known to whoever writes the attached streams.
    /// Errors are not reported; the default drops the text.
    fn write_output(&self, output: &Output, text: &str) {
        let _ = (output, text);
    }
}
