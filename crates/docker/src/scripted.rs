//! A daemon that answers when, and as, a test says, and a clock that moves when it says so.

use crate::{
    Answer, Api, ApiError, Attachment, Container, ContainerSummary, CreateBody, Credentials,
    Engine, Image, LingeringPull, Output, PullEvent, PullProgress, Version, WaitCondition,
};
use parking_lot::Mutex;
use process::future::Value;
use process::simulated::{Installed, Simulation};
use process::{Nothing, Promise};
use std::any::Any;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A daemon whose requests stay open until a test answers them.
#[derive(Default)]
pub(crate) struct Script {
    requests: Mutex<Vec<Request>>,
    outputs: Mutex<Vec<(Output, String)>>,
    /// Where the output of attached containers goes.
    pub(crate) attached: Mutex<Vec<(Output, Output)>>,
    /// Runs while the next request is being made.
    meanwhile: Mutex<VecDeque<Box<dyn FnOnce() + Send>>>,
    lingering: Mutex<Vec<LingeringPull>>,
}

struct Request {
    label: String,
    /// An `Arc<Promise<Result<T, ApiError>>>`.
    promise: Arc<dyn Any + Send + Sync>,
    is_open: Box<dyn Fn() -> bool + Send + Sync>,
    progress: Option<PullEvent>,
}

impl Script {
    pub(crate) fn engine(self: &Arc<Self>) -> Engine {
        Engine::new(Arc::clone(self) as Arc<dyn Api>, "unix:///var/run/docker.sock")
    }

    /// All requests so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.requests.lock().iter().map(|request| request.label.clone()).collect()
    }

    /// Requests without an answer whose client is still there.
    pub(crate) fn open(&self) -> Vec<String> {
        let requests = self.requests.lock();
        requests.iter().filter(|one| (one.is_open)()).map(|one| one.label.clone()).collect()
    }

    /// Answers the open request of this label.
    pub(crate) fn answer<T: Value>(&self, label: &str, result: Result<T, ApiError>) {
        let promise = {
            let requests = self.requests.lock();
            let found = requests.iter().find(|one| one.label == label && (one.is_open)());
            let found = found.unwrap_or_else(|| panic!("no open request '{label}'"));
            Arc::clone(&found.promise)
        };
        let promise = promise.downcast::<Promise<Result<T, ApiError>>>();
        promise.unwrap_or_else(|_| panic!("another type for '{label}'")).set(result);
    }

    pub(crate) fn refuse<T: Value>(&self, label: &str, code: u16, message: &str) {
        self.answer::<T>(label, Err(ApiError::status(code, message)));
    }

    pub(crate) fn outputs(&self) -> Vec<(Output, String)> {
        self.outputs.lock().clone()
    }

    pub(crate) fn meanwhile(&self, f: impl FnOnce() + Send + 'static) {
        self.meanwhile.lock().push_back(Box::new(f));
    }

    /// Sends a line to the client of the open pull of this label.
    pub(crate) fn progress(&self, label: &str, id: &str, status: &str, current: u64, total: u64) {
        let event = {
            let requests = self.requests.lock();
            let found = requests.iter().find(|one| one.label == label && (one.is_open)());
            found.and_then(|found| found.progress.clone())
        };
        let event = event.unwrap_or_else(|| panic!("nobody follows '{label}'"));
        event(PullProgress { id: id.to_owned(), status: status.to_owned(), current, total });
    }

    /// From here on this pull is among those that linger.
    pub(crate) fn lingers(&self, pull: LingeringPull) {
        self.lingering.lock().push(pull);
    }

    fn request<T: Value>(&self, label: impl Into<String>) -> Answer<T> {
        self.follow(label, None)
    }

    fn follow<T: Value>(&self, label: impl Into<String>, progress: Option<PullEvent>) -> Answer<T> {
        let f = self.meanwhile.lock().pop_front();
        if let Some(f) = f {
            f();
        }
        let promise = Arc::new(Promise::<Result<T, ApiError>>::new());
        let future = promise.future();
        let weak = Arc::downgrade(&promise);
        future.on_discard(move || {
            if let Some(promise) = weak.upgrade() {
                promise.discard();
            }
        });
        let watched = future.clone();
        let is_open = Box::new(move || watched.is_pending());
        let label = label.into();
        self.requests.lock().push(Request { label, promise, is_open, progress });
        future
    }
}

impl Api for Script {
    fn version(&self) -> Answer<Version> {
        self.request("version")
    }

    fn create_container(&self, name: &str, body: &CreateBody) -> Answer<String> {
        self.request(format!("create {name} of {}", body.image))
    }

    fn attach_container(&self, name: &str, out: &Output, err: &Output) -> Answer<Attachment> {
        self.attached.lock().push((out.clone(), err.clone()));
        self.request(format!("attach {name}"))
    }

    fn close_stdin(&self, name: &str) -> Answer<Nothing> {
        self.request(format!("close stdin {name}"))
    }

    fn start_container(&self, name: &str) -> Answer<Nothing> {
        self.request(format!("start {name}"))
    }

    fn wait_container(&self, name: &str, condition: WaitCondition) -> Answer<i64> {
        self.request(format!("wait {name} {condition:?}"))
    }

    fn stop_container(&self, name: &str, timeout_secs: u64) -> Answer<Nothing> {
        self.request(format!("stop {name} {timeout_secs}"))
    }

    fn kill_container(&self, name: &str, signal: i32) -> Answer<Nothing> {
        self.request(format!("kill {name} {signal}"))
    }

    fn remove_container(&self, name: &str, force: bool, volumes: bool) -> Answer<Nothing> {
        self.request(format!("remove {name} {force} {volumes}"))
    }

    fn inspect_container(&self, name: &str) -> Answer<Container> {
        self.request(format!("inspect {name}"))
    }

    fn list_containers(&self, all: bool) -> Answer<Vec<ContainerSummary>> {
        self.request(format!("list {all}"))
    }

    fn inspect_image(&self, image: &str) -> Answer<Image> {
        self.request(format!("inspect image {image}"))
    }

    fn pull_image_as(
        &self,
        reference: &str,
        credentials: Option<&Credentials>,
        progress: Option<PullEvent>,
    ) -> Answer<Nothing> {
        let credentials = credentials.map(|it| format!(" as {}", it.username));
        self.follow(format!("pull {reference}{}", credentials.unwrap_or_default()), progress)
    }

    fn lingering_pulls(&self) -> Vec<LingeringPull> {
        self.lingering.lock().clone()
    }

    fn write_output(&self, output: &Output, text: &str) {
        self.outputs.lock().push((output.clone(), text.to_owned()));
    }
}

/// A virtual clock, and a daemon.
pub(crate) struct World {
    pub(crate) simulation: Rc<Simulation>,
    pub(crate) script: Arc<Script>,
    pub(crate) engine: Engine,
    _installed: Installed,
}

impl World {
    pub(crate) fn new() -> Self {
        let simulation = Simulation::new(false);
        let _installed = simulation.install();
        let script = Arc::new(Script::default());
        let engine = script.engine();
        World { simulation, script, engine, _installed }
    }

    /// Lets `millis` milliseconds pass.
    pub(crate) fn advance(&self, millis: u64) {
        let until = self.simulation.now() + Duration::from_millis(millis);
        while self.simulation.next_timer().is_some_and(|deadline| deadline <= until) {
            self.simulation.fire_timer();
        }
        self.simulation.advance_to(until);
    }

    pub(crate) fn timers_left(&self) -> bool {
        self.simulation.next_timer().is_some()
    }
}
