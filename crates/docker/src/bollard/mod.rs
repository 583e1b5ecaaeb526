//! A real Docker Engine, through bollard.
//!
//! Every request is a task on [`process::live::io`] that completes the promise of its answer;
//! callbacks run there. A discard ends the task, which closes its connection; a pull's task then
//! watches until the daemon has let go.
//!
//! What bollard 0.21 gets wrong, or hides, and what is done about it. The tests of
//! `tests/engine_traps.rs` are named by the first column, and show for each row that bollard still
//! does it: one that fails after an upgrade says which row can go.
//!
//! | trap | here |
//! |---|---|
//! | `version`: the API's version is never sent | the daemon is asked once, and every path gets the prefix: `version.rs` |
//! | `not_modified`: 204 and 304 look the same | starts and stops are made here; 304 is an error, which `status.rs` explains |
//! | `line_break`: cut in two it ends a pull with an error | `lines.rs` cuts the stream |
//! | `timeout`: one for all requests, and only until the headers | bollard's is never reached; short requests have a limit as a whole, long ones until they are accepted, a stop's lies behind its grace period; pulls are watched by [`Guarded`](crate::Guarded) |
//! | `exit`: a code that is not 0 arrives as an error | `wait.rs` reads the answer, also Engine 29's; and with `Waits` a start is held back until the daemon knows of the wait |
//! | `pull_errors`: some are not found, and one that is cut off is dropped | `lines.rs`; before the stream begins they have a status |
//! | `attach`: a frame is kept until it is whole; an unknown stream is a panic | `frames.rs` passes pieces on; who listens decides when an end that does not come is given up |
//! | `credentials`: sent in another alphabet than daemons decode | [`Credentials::header`] |
//! | `body`: collected whole, however long | `counted.rs` ends the connection |
//! | `enums`: one state that it does not know spoils the whole list | lists and inspects are parsed here; inspects keep their text |

mod attach;
mod connect;
mod counted;
mod daemon;
mod error;
mod frames;
mod lines;
mod lingering;
mod list;
mod pull;
mod transport;
mod version;
mod wait;

pub use connect::ConnectError;

use crate::time::within;
use crate::{
    Answer, Api, ApiError, Attachment, Container, ContainerSummary, CreateBody, Credentials,
    ErrorKind, Image, LingeringPull, Output, PullEvent, Version, WaitCondition, Waits,
};
use ::bollard::query_parameters as query;
use daemon::{Ask, Daemon, encode};
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

/// Seconds for bollard's own limit, which must never be the one that counts.
const NEVER: u64 = u32::MAX as u64;

/// A connection to a Docker Engine's API. Cheap to clone.
#[derive(Clone)]
pub struct Bollard {
    daemon: Daemon,
    /// Makes the requests in which there is no trap. All of them are short.
    typed: ::bollard::Docker,
    waits: Waits,
    lingering: lingering::Lingering,
}

impl fmt::Debug for Bollard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bollard").field("socket", &self.socket()).finish_non_exhaustive()
    }
}

impl Bollard {
    /// Where the daemon listens: `unix:///path` or `tcp://host:port`.
    pub fn socket(&self) -> &str {
        self.daemon.socket()
    }

    /// Does the work of a request in a task of its own.
    fn request<T: process::future::Value, W>(
        &self,
        work: impl FnOnce(Daemon) -> W + Send + 'static,
    ) -> Answer<T>
    where
        W: std::future::Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        let (daemon, work) = (self.daemon.clone(), work(self.daemon.clone()));
        spawn(async move { work.await.map_err(|error| daemon.explain(error)) })
    }

    /// The same for a short one: without an answer in time the outcome is unknown.
    fn short<T: process::future::Value, W>(
        &self,
        work: impl FnOnce(Daemon) -> W + Send + 'static,
    ) -> Answer<T>
    where
        W: std::future::Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        let limit = self.daemon.limits().answer;
        self.request(move |daemon| in_time(daemon.clone(), limit, work(daemon)))
    }

    /// A short one that bollard makes.
    fn typed<T: process::future::Value, W>(
        &self,
        work: impl Fn(::bollard::Docker) -> W + Send + Sync + 'static,
    ) -> Answer<T>
    where
        W: std::future::Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        let typed = self.typed.clone();
        self.short(move |daemon| async move {
            match work(typed.clone()).await {
                Err(error) if version::is_refusal(&error) => {
                    daemon.forget_version().await;
                    work(typed).await
                }
                answer => answer,
            }
        })
    }

    /// A short one whose answer says nothing but yes.
    fn act(&self, path: String, limit: Duration) -> Answer<Nothing> {
        self.request(move |daemon| {
            let ask = Ask::short(Method::POST, path, &daemon);
            in_time(daemon.clone(), limit, async move { daemon.ask(&ask).await.map(|_| Nothing) })
        })
    }

    /// The text of a short answer.
    fn get<T: process::future::Value>(
        &self,
        path: String,
        parse: impl FnOnce(&str) -> Result<T, ApiError> + Send + 'static,
    ) -> Answer<T> {
        self.short(move |daemon| async move {
            let ask = Ask::short(Method::GET, path, &daemon);
            parse(&daemon.text_of(&ask).await?)
        })
    }
}

/// The work, or the error that nobody answered in time.
async fn in_time<T>(
    daemon: Daemon,
    limit: Duration,
    work: impl std::future::Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    within(limit, work).await.unwrap_or_else(|| {
        let message = format!(
            "The Docker daemon at {} did not answer within {} s",
            daemon.socket(),
            limit.as_secs()
        );
        Err(ApiError { kind: ErrorKind::Timeout, message })
    })
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

/// The answer to a create request: both are always there.
#[derive(Deserialize)]
struct Created {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "Warnings", deserialize_with = "Option::deserialize")]
    _warnings: Option<Vec<String>>,
}

impl Api for Bollard {
    fn version(&self) -> Answer<Version> {
        self.typed(|client| async move {
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
        // bollard's own type for the body lacks some fields.
        self.short(move |daemon| async move {
            let ask = Ask::short(Method::POST, path, &daemon).with_json(body?);
            let text = daemon.text_of(&ask).await?;
            let created: Created = serde_json::from_str(&text).map_err(malformed)?;
            if created.id.is_empty() {
                return Err(malformed("a container without an id"));
            }
            Ok(created.id)
        })
    }

    fn close_stdin(&self, name: &str) -> Answer<Nothing> {
        let path = format!("/containers/{}/attach?stream=1&stdin=1", encode(name));
        self.short(move |daemon| async move {
            let ask = Ask::short(Method::POST, path, &daemon).with_upgrade();
            attach::hang_up(daemon.ask(&ask).await?).await
        })
    }

    fn attach_container(&self, name: &str, stdout: &Output, stderr: &Output) -> Answer<Attachment> {
        let (go, gone) = oneshot::channel();
        let (name, stdout, stderr) = (name.to_owned(), stdout.clone(), stderr.clone());
        let answer = self.short(move |daemon| attach::attach(daemon, name, stdout, stderr, gone));
        // Attached in the very moment of a discard: this closure is dropped, and it hangs up.
        answer.on_ready(move |_| {
            let _ = go.send(());
        });
        answer
    }

    fn start_container(&self, name: &str) -> Answer<Nothing> {
        let registered = self.waits.pending(name);
        let path = format!("/containers/{}/start", encode(name));
        self.short(move |daemon| async move {
            if let Some(registered) = registered {
                registered.outcome().await;
            }
            daemon.ask(&Ask::short(Method::POST, path, &daemon)).await.map(|_| Nothing)
        })
    }

    fn wait_container(&self, name: &str, condition: WaitCondition) -> Answer<i64> {
        let registration = self.waits.register(name);
        let (name, limit) = (name.to_owned(), self.daemon.limits().answer);
        self.request(move |daemon| async move {
            let accepted = wait::accepted(&daemon, &name, condition, registration);
            let response = in_time(daemon.clone(), limit, accepted).await?;
            wait::exit_code(&daemon.text(response).await?)
        })
    }

    fn stop_container(&self, name: &str, timeout_secs: u64) -> Answer<Nothing> {
        let t = timeout_secs.min(i32::MAX as u64);
        let limit = Duration::from_secs(t).saturating_add(self.daemon.limits().stop_margin);
        self.act(format!("/containers/{}/stop?t={t}", encode(name)), limit)
    }

    fn kill_container(&self, name: &str, signal: i32) -> Answer<Nothing> {
        let name = encode(name);
        let options = query::KillContainerOptions { signal: signal.to_string() };
        self.typed(move |client| {
            let (name, options) = (name.clone(), options.clone());
            async move {
                client.kill_container(&name, Some(options)).await?;
                Ok(Nothing)
            }
        })
    }

    fn remove_container(&self, name: &str, force: bool, volumes: bool) -> Answer<Nothing> {
        let name = encode(name);
        let options = query::RemoveContainerOptions { v: volumes, force, link: false };
        self.typed(move |client| {
            let (name, options) = (name.clone(), options.clone());
            async move {
                client.remove_container(&name, Some(options)).await?;
                Ok(Nothing)
            }
        })
    }

    fn inspect_container(&self, name: &str) -> Answer<Container> {
        self.get(format!("/containers/{}/json", encode(name)), |text| {
            Container::from_inspect(text).map_err(malformed)
        })
    }

    fn list_containers(&self, all: bool) -> Answer<Vec<ContainerSummary>> {
        self.get(format!("/containers/json?all={all}"), list::parse)
    }

    fn inspect_image(&self, image: &str) -> Answer<Image> {
        self.get(format!("/images/{}/json", encode(image)), |text| {
            Image::from_inspect(text).map_err(malformed)
        })
    }

    fn pull_image_as(
        &self,
        reference: &str,
        credentials: Option<&Credentials>,
        progress: Option<PullEvent>,
    ) -> Answer<Nothing> {
        let pull = pull::Pull {
            daemon: self.daemon.clone(),
            reference: reference.to_owned(),
            credentials: credentials.cloned(),
            progress,
            hang_up: Default::default(),
            stage: Arc::default(),
        };
        pull::begin(pull, &self.lingering)
    }

    fn lingering_pulls(&self) -> Vec<LingeringPull> {
        self.lingering.list()
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
            Output::Fd(descriptor) => {
                // Goes on by itself should the pipe be full; nobody is told of errors here.
                process::io::write(descriptor, text.as_bytes().to_vec());
                Ok(())
            }
        };
    }
}
