//! The client's side: [`docker::Api`] over the simulated daemon.
//!
//! Requests are made of the method's arguments, and of what the daemon replies the method's result.
//! What containers write goes to open files of the simulated host; to others it is dropped here.

use super::answer::{Answer, Chunk, Interest, Reply, Sink};
use super::attaching::{Attaching, Writer};
use super::config::{ContainerConfig, DeviceMapping, Resources};
use super::exchange::Connection;
use super::inspect::Inspection;
use super::messages;
use super::request::{ListOptions, Request, Streams, WaitCondition};
use docker::{
    Answer as Future, Api, ApiError, Attachment, Container, ContainerSummary, CreateBody,
    Credentials, ErrorKind, Image, Output, PullEvent, PullProgress, Version,
};
use process::future::Value;
use process::{Nothing, Promise};
use std::sync::{Arc, Weak};

/// The daemon's version: that of the Engine whose behaviour was measured.
const VERSION: Version = Version::new(20, 10, 24);

type Result<T> = std::result::Result<T, ApiError>;

/// Makes the result of a request out of the last reply.
struct Promised<T: Value> {
    promise: Arc<Promise<Result<T>>>,
    accept: fn(Answer) -> Option<T>,
    progress: Option<PullEvent>,
}

/// What a reply that ends an answer without giving it means.
pub(super) fn failure(reply: Reply) -> ApiError {
    let broken = |message: &str| ApiError { kind: ErrorKind::Broken, message: message.to_owned() };
    match reply {
        Reply::Answer(Err(refusal)) => ApiError::status(refusal.status, refusal.message),
        Reply::Failed(message) => {
            ApiError { kind: ErrorKind::Stream, message: message.into_owned() }
        }
        Reply::Unreachable => {
            let message = messages::UNREACHABLE.to_owned();
            ApiError { kind: ErrorKind::Unreachable, message }
        }
        Reply::Broken => broken("connection closed before message completed"),
        _ => {
            let message = "an answer of another kind".to_owned();
            ApiError { kind: ErrorKind::Malformed, message }
        }
    }
}

impl<T: Value> Sink for Promised<T> {
    fn take(&mut self, reply: Reply) {
        let answer = match reply {
            Reply::Opened(_) => return,
            Reply::Chunk(chunk) => return self.tell(chunk),
            Reply::Answer(Ok(answer)) => Ok(answer),
            Reply::Ended => Ok(Answer::Done),
            other => Err(failure(other)),
        };
        let accepted =
            answer.and_then(|answer| (self.accept)(answer).ok_or_else(|| failure(Reply::Ended)));
        self.promise.set(accepted);
    }
}

impl<T: Value> Promised<T> {
    fn tell(&self, chunk: Chunk) {
        if let (Some(event), Chunk::Progress(line)) = (&self.progress, chunk) {
            let (current, total) = line.bytes.unwrap_or_default();
            event(PullProgress {
                id: line.id.to_string(),
                status: line.status.text(),
                current,
                total,
            });
        }
    }
}

/// Makes the exit code, and knows when the daemon knows of the wait.
struct Waiting {
    exit: Promised<i64>,
    unknown: Option<docker::Registration>,
}

impl Sink for Waiting {
    fn take(&mut self, reply: Reply) {
        self.unknown = None;
        self.exit.take(reply);
    }
}

impl Connection {
    fn request<T: Value>(
        &self,
        request: Request,
        progress: Option<PullEvent>,
        accept: fn(Answer) -> Option<T>,
    ) -> Future<T> {
        let interest = if progress.is_some() { Interest::Everything } else { Interest::Outcome };
        self.request_as(request, interest, |promise| Promised { promise, accept, progress })
    }

    /// Sends a request whose replies go to the sink that completes the promise.
    fn request_as<T: Value, S: Sink + 'static>(
        &self,
        request: Request,
        interest: Interest,
        sink: impl FnOnce(Arc<Promise<Result<T>>>) -> S,
    ) -> Future<T> {
        let promise = Arc::new(Promise::new());
        let future = promise.future();
        let left = Arc::downgrade(&promise);
        let call = self.send(request, interest, Box::new(sink(promise)));
        future.on_discard(move || leave(&left, || call.hang_up()));
        future
    }
}

/// The client leaves, and its future is discarded.
fn leave<T: Value>(promise: &Weak<Promise<T>>, hang_up: impl FnOnce()) {
    // Taken first: the daemon drops its end, and the client must not see it abandoned.
    let promise = promise.upgrade();
    hang_up();
    if let Some(promise) = promise {
        promise.discard();
    }
}

/// Accepts an answer that says nothing.
fn done(answer: Answer) -> Option<Nothing> {
    matches!(answer, Answer::Done | Answer::NotModified).then_some(Nothing)
}

impl Api for Connection {
    fn version(&self) -> Future<Version> {
        self.request(Request::Version, None, |answer| {
            matches!(answer, Answer::Version).then_some(VERSION)
        })
    }

    fn create_container(&self, name: &str, body: &CreateBody) -> Future<String> {
        let name = Some(name).filter(|name| !name.is_empty()).map(Arc::from);
        let request = Request::Create { name, config: Arc::new(config(body)) };
        self.request(request, None, |answer| match answer {
            Answer::Created { id, .. } => Some(id.to_string()),
            _ => None,
        })
    }

    fn attach_container(&self, name: &str, out: &Output, err: &Output) -> Future<Attachment> {
        let (stdout, stderr) = match (Writer::of(out), Writer::of(err)) {
            (Ok(stdout), Ok(stderr)) => (stdout, stderr),
            (Err(message), _) | (_, Err(message)) => {
                return Future::ready(Err(ApiError { kind: ErrorKind::Malformed, message }));
            }
        };
        let streams = Streams { stdin: false, stdout: true, stderr: true };
        let request =
            Request::Attach { container: name.into(), streams, logs: false, stream: true };
        let (promise, finished) = (Arc::new(Promise::new()), Arc::new(Promise::new()));
        let (future, ended) = (promise.future(), finished.future());
        let left = (Arc::downgrade(&promise), Arc::downgrade(&finished));
        let sink = Box::new(Attaching { promise, finished, stdout, stderr });
        let call = self.send(request, Interest::Everything, sink);
        let to_detach = call.clone();
        future.on_discard(move || leave(&left.0, || call.hang_up()));
        ended.on_discard(move || leave(&left.1, || to_detach.hang_up()));
        future
    }

    fn start_container(&self, name: &str) -> Future<Nothing> {
        let request = Request::Start { container: name.into() };
        let Some(known) = self.waits.pending(name) else {
            return self.request(request, None, done);
        };
        let (promise, connection) = (Arc::new(Promise::new()), self.clone());
        let (future, left) = (promise.future(), Arc::downgrade(&promise));
        // Of no use once it was sent: the promise is associated with the request's future then.
        future.on_discard(move || leave(&left, || ()));
        known.on_any(move |_| {
            if promise.future().is_pending() {
                promise.associate(&connection.request(request, None, done));
            }
        });
        future
    }

    fn wait_container(&self, name: &str, condition: docker::WaitCondition) -> Future<i64> {
        let condition = match condition {
            docker::WaitCondition::NotRunning => WaitCondition::NotRunning,
            docker::WaitCondition::NextExit => WaitCondition::NextExit,
        };
        let request = Request::Wait { container: name.into(), condition };
        let accept = |answer| match answer {
            Answer::Waited { code, .. } => Some(code),
            _ => None,
        };
        let unknown = Some(self.waits.register(name));
        self.request_as(request, Interest::Everything, |promise| Waiting {
            exit: Promised { promise, accept, progress: None },
            unknown,
        })
    }

    fn stop_container(&self, name: &str, timeout_secs: u64) -> Future<Nothing> {
        let seconds = i64::try_from(timeout_secs).ok();
        self.request(Request::Stop { container: name.into(), seconds }, None, done)
    }

    fn kill_container(&self, name: &str, signal: i32) -> Future<Nothing> {
        self.request(Request::Kill { container: name.into(), signal }, None, done)
    }

    fn remove_container(&self, name: &str, force: bool, volumes: bool) -> Future<Nothing> {
        self.request(Request::Remove { container: name.into(), force, volumes }, None, done)
    }

    fn inspect_container(&self, name: &str) -> Future<Container> {
        let request = Request::Inspect { container: name.into(), size: false };
        self.request(request, None, |answer| match answer {
            Answer::Container(inspection) => Some(container(&inspection)),
            _ => None,
        })
    }

    fn list_containers(&self, all: bool) -> Future<Vec<ContainerSummary>> {
        let options = ListOptions { all, ..ListOptions::default() };
        self.request(Request::List(options), None, |answer| match answer {
            Answer::Containers(rows) => {
                let summary = |row: &super::listing::Row| ContainerSummary {
                    id: row.id.to_string(),
                    names: vec![format!("/{}", row.name)],
                };
                Some(rows.iter().map(summary).collect())
            }
            _ => None,
        })
    }

    fn inspect_image(&self, image: &str) -> Future<Image> {
        self.request(Request::InspectImage { image: image.into() }, None, |answer| match answer {
            Answer::Image(image) => {
                let spec = &image.spec;
                Some(Image {
                    id: spec.id.to_string(),
                    entrypoint: spec.entrypoint.clone(),
                    environment: Some(spec.environment.clone().into_iter().collect())
                        .filter(|names: &std::collections::BTreeMap<_, _>| !names.is_empty()),
                })
            }
            _ => None,
        })
    }

    fn pull_image_as(
        &self,
        reference: &str,
        credentials: Option<&Credentials>,
        progress: Option<PullEvent>,
    ) -> Future<Nothing> {
        let credentials = credentials.map(|known| super::request::Credentials {
            user: known.username.as_str().into(),
            password: known.password.as_str().into(),
        });
        let request = Request::Pull { reference: reference.into(), credentials };
        self.request(request, progress, done)
    }

    fn write_output(&self, output: &Output, text: &str) {
        if let Output::Fd(descriptor) = output {
            process::io::write(descriptor, text.as_bytes().to_vec());
        }
    }
}

/// A container as the port shows it.
fn container(inspection: &Inspection) -> Container {
    let address = inspection.networks.first().and_then(|attached| attached.address);
    Container {
        id: inspection.id.to_string(),
        name: format!("/{}", inspection.name),
        pid: inspection.pid,
        started: inspection.started.is_some(),
        ip_address: address.map(|(address, ..)| address.to_string()),
        ..Container::default()
    }
}

/// The configuration of a container in the daemon's terms: what the daemon acts on.
fn config(body: &CreateBody) -> ContainerConfig {
    let host = &body.host_config;
    let devices = host.devices.iter().map(|device| DeviceMapping {
        host: device.path_on_host.clone(),
        container: device.path_in_container.clone(),
        permissions: device.cgroup_permissions.clone(),
    });
    ContainerConfig {
        image: body.image.clone(),
        command: body.command.clone(),
        entrypoint: body.entrypoint.clone(),
        env: body.env.clone(),
        labels: body.labels.clone(),
        hostname: body.hostname.clone(),
        user: body.user.clone(),
        working_dir: body.working_dir.clone(),
        stop_signal: body.stop_signal.clone(),
        stop_timeout: body.stop_timeout,
        resources: Resources {
            memory: host.memory,
            memory_reservation: host.memory_reservation,
            cpu_shares: host.cpu_shares,
            cpu_quota: host.cpu_quota,
            ..Resources::default()
        },
        oom_score_adj: host.oom_score_adj,
        privileged: host.privileged,
        binds: host.binds.clone(),
        devices: devices.collect(),
        network_mode: host.network_mode.clone(),
        auto_remove: host.auto_remove,
        ..ContainerConfig::default()
    }
}
