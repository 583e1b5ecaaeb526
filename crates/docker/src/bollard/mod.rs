//! A real Docker Engine, through bollard.
//!
//! Every request is a task on [`process::live::io`] that completes the promise of its answer;
//! callbacks run there. A discard ends the task, which closes its connection.
//!
//! What bollard 0.21 gets wrong, or hides, and what is done about it:
//!
//! | trap | here |
//! |---|---|
//! | one limit for all requests, and it only counts until the headers | bollard's is never reached; each request has a deadline of its own, a stop's lies behind its grace period, pulls, waits and attachments have none |
//! | a non-zero exit arrives as an error | [`wait`] reads the answer itself |
//! | nobody knows when a wait is registered | [`wait`] does, and a start waits for it |
//! | a line break cut in two ends a pull with an error; only some errors are found | [`pull`] reads the lines itself |
//! | the text of an inspect is lost | inspects are parsed here, and keep it |
//! | 204 and 304 look the same | both are success to everybody above |
//! | the API version is never sent | nor here: the daemon answers in its newest |

mod attach;
mod connect;
mod error;
mod pull;
mod stdin;
#[cfg(test)]
mod tests;
mod transport;
mod wait;

pub use connect::ConnectError;

use crate::{
    Answer, Api, ApiError, Attachment, Container, ContainerSummary, CreateBody, ErrorKind, Image,
    Output, PullEvent, Version, WaitCondition,
};
use ::bollard::query_parameters as query;
use error::malformed;
use hyper::Method;
use process::{Future, Nothing, Promise, live};
use serde::Deserialize;
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use transport::{Address, encode};

/// How long a request may take that the daemon answers when it has done it. Long enough for one
/// that is busy removing gigabytes, short enough to be noticed.
const DEADLINE: Duration = Duration::from_secs(60);

/// How much longer than its grace period a stop may take: the daemon itself waits twelve seconds
/// for the end after the kill.
const STOP_MARGIN: Duration = DEADLINE;

/// Seconds for bollard's own limit, which must never be the one that counts.
const NEVER: u64 = u32::MAX as u64;

/// A connection to a Docker Engine's API. Cheap to clone.
#[derive(Clone)]
pub struct Bollard {
    client: ::bollard::Docker,
    address: Arc<Address>,
    socket: Arc<str>,
    waits: wait::Registry,
}

impl fmt::Debug for Bollard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bollard").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl Bollard {
    /// Where the daemon listens: `unix:///path` or `tcp://host:port`.
    pub fn socket(&self) -> &str {
        &self.socket
    }

    /// Does the work of a request in a task of its own; without an answer until the deadline the
    /// outcome is unknown.
    fn request<T: process::future::Value>(
        &self,
        deadline: Option<Duration>,
        work: impl std::future::Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Answer<T> {
        let socket = Arc::clone(&self.socket);
        spawn(async move {
            let result = match deadline {
                None => work.await,
                Some(deadline) => tokio::time::timeout(deadline, work).await.unwrap_or_else(|_| {
                    let message = format!(
                        "The Docker daemon at {socket} did not answer within {} s",
                        deadline.as_secs()
                    );
                    Err(ApiError { kind: ErrorKind::Timeout, message })
                }),
            };
            result.map_err(|error| match error.kind {
                ErrorKind::Unreachable => ApiError {
                    message: format!(
                        "Cannot connect to the Docker daemon at {socket} ({}). Is the docker \
                         daemon running?",
                        error.message
                    ),
                    ..error
                },
                _ => error,
            })
        })
    }

    /// The body of a `GET`.
    async fn get(address: Arc<Address>, path: String) -> Result<String, ApiError> {
        transport::text(transport::request(address, Method::GET, &path).await?).await
    }
}

/// The answer to a create request.
#[derive(Deserialize)]
struct Created {
    #[serde(rename = "Id")]
    id: String,
}

/// Runs `work` on the I/O runtime. A discard of the future ends it and completes the future.
fn spawn<T: process::future::Value>(
    work: impl std::future::Future<Output = T> + Send + 'static,
) -> Future<T> {
    let promise = Arc::new(Promise::new());
    let future = promise.future();
    let weak = Arc::downgrade(&promise);
    let task = live::io().spawn(async move {
        let value = work.await;
        promise.set(value);
    });
    let abort = task.abort_handle();
    future.on_discard(move || {
        // First this: the task takes the promise along, and then the future would be abandoned.
        if let Some(promise) = weak.upgrade() {
            promise.discard();
        }
        abort.abort();
    });
    future
}

impl Api for Bollard {
    fn version(&self) -> Answer<Version> {
        let client = self.client.clone();
        self.request(Some(DEADLINE), async move {
            let version = client.version().await?.version.unwrap_or_default();
            Version::parse(&version).map_err(malformed)
        })
    }

    fn create_container(&self, name: &str, body: &CreateBody) -> Answer<String> {
        let parameters = [("name", Some(name)), ("platform", body.platform.as_deref())]
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.filter(|value| !value.is_empty())?)))
            .enumerate()
            .map(|(index, (key, value))| {
                format!("{}{key}={}", if index == 0 { '?' } else { '&' }, encode(value))
            });
        let path = format!("/containers/create{}", parameters.collect::<String>());
        let body = serde_json::to_vec(body).map_err(malformed);
        let address = Arc::clone(&self.address);
        // bollard's own type for the body lacks some fields.
        self.request(Some(DEADLINE), async move {
            let response = transport::post(address, &path, body?).await?;
            let created: Created =
                serde_json::from_str(&transport::text(response).await?).map_err(malformed)?;
            Ok(created.id)
        })
    }

    fn attach_container(&self, name: &str, stdout: &Output, stderr: &Output) -> Answer<Attachment> {
        let (go, gone) = oneshot::channel();
        let attach = attach::attach(self.client.clone(), encode(name), stdout, stderr, gone);
        let answer = self.request(Some(DEADLINE), attach);
        // Attached in the very moment of a discard: this closure is dropped, and it hangs up.
        answer.on_ready(move |_| {
            let _ = go.send(());
        });
        answer
    }

    fn close_stdin(&self, name: &str) -> Answer<Nothing> {
        self.request(Some(DEADLINE), stdin::close(Arc::clone(&self.address), encode(name)))
    }

    fn start_container(&self, name: &str) -> Answer<Nothing> {
        let client = self.client.clone();
        let registered = self.waits.pending(name);
        let name = encode(name);
        self.request(Some(DEADLINE), async move {
            if let Some(registered) = registered {
                registered.outcome().await;
            }
            client.start_container(&name, None::<query::StartContainerOptions>).await?;
            Ok(Nothing)
        })
    }

    fn wait_container(&self, name: &str, condition: WaitCondition) -> Answer<i64> {
        let registration = self.waits.register(name);
        let work = wait::wait(Arc::clone(&self.address), encode(name), condition, registration);
        self.request(None, work)
    }

    fn stop_container(&self, name: &str, timeout_secs: u64) -> Answer<Nothing> {
        let client = self.client.clone();
        let name = encode(name);
        let options = query::StopContainerOptions {
            t: Some(i32::try_from(timeout_secs).unwrap_or(i32::MAX)),
            ..Default::default()
        };
        let deadline = Duration::from_secs(timeout_secs).saturating_add(STOP_MARGIN);
        self.request(Some(deadline), async move {
            client.stop_container(&name, Some(options)).await?;
            Ok(Nothing)
        })
    }

    fn kill_container(&self, name: &str, signal: i32) -> Answer<Nothing> {
        let client = self.client.clone();
        let name = encode(name);
        let options = query::KillContainerOptions { signal: signal.to_string() };
        self.request(Some(DEADLINE), async move {
            client.kill_container(&name, Some(options)).await?;
            Ok(Nothing)
        })
    }

    fn remove_container(&self, name: &str, force: bool, volumes: bool) -> Answer<Nothing> {
        let client = self.client.clone();
        let name = encode(name);
        let options = query::RemoveContainerOptions { v: volumes, force, link: false };
        self.request(Some(DEADLINE), async move {
            client.remove_container(&name, Some(options)).await?;
            Ok(Nothing)
        })
    }

    fn inspect_container(&self, name: &str) -> Answer<Container> {
        let text =
            Self::get(Arc::clone(&self.address), format!("/containers/{}/json", encode(name)));
        self.request(Some(DEADLINE), async move {
            Container::from_inspect(&text.await?).map_err(malformed)
        })
    }

    fn list_containers(&self, all: bool) -> Answer<Vec<ContainerSummary>> {
        let client = self.client.clone();
        let options = query::ListContainersOptions { all, ..Default::default() };
        self.request(Some(DEADLINE), async move {
            let rows = client.list_containers(Some(options)).await?.into_iter();
            let summary = |row: ::bollard::models::ContainerSummary| ContainerSummary {
                id: row.id.unwrap_or_default(),
                names: row.names.unwrap_or_default(),
            };
            Ok(rows.map(summary).collect())
        })
    }

    fn inspect_image(&self, image: &str) -> Answer<Image> {
        let text = Self::get(Arc::clone(&self.address), format!("/images/{}/json", encode(image)));
        self.request(
            Some(DEADLINE),
            async move { Image::from_inspect(&text.await?).map_err(malformed) },
        )
    }

    fn pull_image(&self, reference: &str, progress: Option<PullEvent>) -> Answer<Nothing> {
        let pull = pull::pull(Arc::clone(&self.address), reference.to_owned(), progress);
        self.request(None, pull)
    }

    fn write_output(&self, output: &Output, text: &str) {
        // A short line, seldom: not worth a task, and it must not be overtaken.
        let _ = match output {
            Output::Null => Ok(()),
            Output::Inherit => std::io::stderr().write_all(text.as_bytes()),
            Output::Path(path) => OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .and_then(|mut file| file.write_all(text.as_bytes())),
        };
    }
}
