//! Requests, and their two lives: the client's and the daemon's.
//!
//! A request travels to the daemon, takes effect there, and its answer travels back; travel and
//! effect are one op, the answer another. A client that discards its future is gone at once. The
//! daemon's part goes on: only waiting requests end with their client, and a pull notices at its
//! next write. The answer to a client that is gone is dropped, its effect is not.

use super::Shared;
use super::messages;
use crate::environment::faults::Fault;
use crate::environment::operations::OpId;
use docker::ApiError;
use process::future::Value;
use process::simulated::ContextId;
use process::{EventId, Label, Promise};
use std::sync::Arc;
use std::time::Duration;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// The daemon's version.
    Version,
    /// Create a container.
    Create,
    /// Follow a container's output.
    Attach,
    /// Start a container.
    Start,
    /// Wait for a container to exit.
    Wait,
    /// Stop a container.
    Stop,
    /// Send a container a signal.
    Kill,
    /// Remove a container.
    Remove,
    /// Look at a container.
    InspectContainer,
    /// List containers.
    List,
    /// Look at an image.
    InspectImage,
    /// Pull an image.
    Pull,
}

impl Method {
    /// Its name for people, which is also the label of its op at the daemon.
    pub fn name(self) -> &'static str {
        match self {
            Method::Version => "version",
            Method::Create => "create",
            Method::Attach => "attach",
            Method::Start => "start",
            Method::Wait => "wait",
            Method::Stop => "stop",
            Method::Kill => "kill",
            Method::Remove => "remove",
            Method::InspectContainer => "inspect",
            Method::List => "list",
            Method::InspectImage => "inspect image",
            Method::Pull => "pull",
        }
    }

    /// The faults that may keep it from taking effect. Pulls have their own.
    fn obstacles(self) -> &'static [Fault] {
        match self {
            Method::Create | Method::Start => &[Fault::RunFail],
            Method::Stop => &[Fault::StopFail, Fault::StopHang],
            Method::Kill => &[Fault::KillFail],
            Method::Remove => &[Fault::RemoveFail],
            Method::InspectContainer | Method::InspectImage => {
                &[Fault::InspectFail, Fault::InspectHang]
            }
            Method::List => &[Fault::ListFail],
            Method::Version | Method::Attach | Method::Wait | Method::Pull => &[],
        }
    }

    /// The answer when a fault has struck; `None` for faults that give no answer.
    fn refusal(self, fault: Fault, subject: &str) -> Option<ApiError> {
        match (self, fault) {
            (_, Fault::InspectHang | Fault::StopHang) => None,
            (Method::Start, _) => Some(messages::start_refused()),
            (Method::Remove, _) => Some(messages::device_busy(subject)),
            _ => Some(messages::server_error(self.name(), subject)),
        }
    }
}

/// The number of a request.
pub(super) type RequestId = u64;

/// What the daemon knows of a request, apart from its promise.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) subject: Arc<str>,
    pub(super) owner: Arc<str>,
    /// The client's environment context, in which answers arrive.
    pub(super) context: ContextId,
    pub(super) connected: bool,
    pub(super) cause: EventId,
    answer: Option<OpId>,
}

impl Request {
    pub(super) fn new(method: Method, subject: &str, owner: Arc<str>, context: ContextId) -> Self {
        Request {
            method,
            subject: subject.into(),
            owner,
            context,
            connected: true,
            cause: crate::environment::operations::current_event(),
            answer: None,
        }
    }
}

/// The daemon's end of a request: to be answered once.
pub(super) struct Exchange<T: Value> {
    pub(super) id: RequestId,
    pub(super) promise: Arc<Promise<Result<T, ApiError>>>,
}

impl Shared {
    /// The request has reached the daemon: it takes effect, unless a fault strikes.
    pub(super) fn arrive<T: Value>(
        self: &Arc<Self>,
        exchange: Exchange<T>,
        effect: impl FnOnce(&Arc<Self>, Exchange<T>) + Send + 'static,
    ) {
        let (method, subject, connected) = {
            let state = self.state.lock();
            let Some(request) = state.requests.get(&exchange.id) else { return };
            (request.method, Arc::clone(&request.subject), request.connected)
        };
        if !connected
            && self.operations.inject("unsent", &subject, &[Fault::RequestUnsent]).is_some()
        {
            self.close(exchange.id);
            return;
        }
        let Some(fault) = self.operations.inject(method.name(), &subject, method.obstacles())
        else {
            return effect(self, exchange);
        };
        match method.refusal(fault, &subject) {
            Some(error) => self.answer(exchange, Err(error), Duration::ZERO),
            None => {
                let daemon = Arc::clone(self);
                let label = Label::plain("Daemon", method.name());
                self.operations
                    .hold(self.contexts.daemon, label, move || effect(&daemon, exchange));
            }
        }
    }

    /// Sends the answer, `work` from now plus its travel. Drops it when the client has left.
    pub(super) fn answer<T: Value>(
        self: &Arc<Self>,
        exchange: Exchange<T>,
        result: Result<T, ApiError>,
        work: Duration,
    ) {
        let Exchange { id, promise } = exchange;
        let context = {
            let mut state = self.state.lock();
            let Some(request) = state.requests.get(&id) else { return };
            if !request.connected {
                state.requests.remove(&id);
                state.coverage.answers_dropped += 1;
                return;
            }
            request.context
        };
        let daemon = Arc::clone(self);
        let arrive = move || {
            daemon.close(id);
            promise.set(result);
        };
        let label = Label::plain("Docker client", "answer");
        let latency = work + self.settings.travel;
        let op = self.operations.schedule_about(context, label, latency, arrive);
        if let Some(request) = self.state.lock().requests.get_mut(&id) {
            request.answer = Some(op);
        }
    }

    /// Forgets a request.
    pub(super) fn close(&self, id: RequestId) {
        self.state.lock().requests.remove(&id);
    }

    /// The client of this request has left.
    pub(super) fn client_left(self: &Arc<Self>, id: RequestId) {
        let (method, answer, waiter) = {
            let mut state = self.state.lock();
            let Some(request) = state.requests.get_mut(&id) else { return };
            request.connected = false;
            let (method, answer) = (request.method, request.answer.take());
            let mut waiter = None;
            if answer.is_some() {
                state.requests.remove(&id);
                state.coverage.answers_dropped += 1;
            } else if method == Method::Wait {
                // The Engine ends a wait with its client; one that is still travelling is
                // dropped on arrival.
                waiter = state.take_waiter(id);
                if waiter.is_some() {
                    state.requests.remove(&id);
                }
            }
            (method, answer, waiter)
        };
        drop(waiter);
        if let Some(answer) = answer {
            self.operations.cancel(answer);
        } else if method == Method::Pull {
            self.puller_left(id);
        }
    }
}
