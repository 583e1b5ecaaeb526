//! Starts, stops, kills and removals: the effect is what counts.

use super::doubt::{Doubt, Judge, Judgement, resolve};
use super::{Guarded, Op};
use crate::status::{Call, Meaning, has_effect, meaning};
use crate::{Answer, ApiError, Container, ErrorKind};
use process::Nothing;
use std::sync::Arc;
use std::time::Duration;

/// What a request is to bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Started,
    Stopped { timeout_secs: u64 },
    Signalled { signal: i32 },
    Removed { force: bool, volumes: bool },
}

impl Effect {
    fn call(self) -> Call {
        match self {
            Effect::Started => Call::Start,
            Effect::Stopped { .. } => Call::Stop,
            Effect::Signalled { .. } => Call::Kill,
            Effect::Removed { force: false, .. } => Call::Remove,
            Effect::Removed { force: true, .. } => Call::RemoveForced,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Effect::Started => "start",
            Effect::Stopped { .. } => "stop",
            Effect::Signalled { .. } => "kill",
            Effect::Removed { .. } => "removal",
        }
    }

    fn request(self, guard: &Guarded, name: &str) -> Answer<Nothing> {
        match self {
            Effect::Started => guard.api.start_container(name),
            Effect::Stopped { timeout_secs } => guard.api.stop_container(name, timeout_secs),
            Effect::Signalled { signal } => guard.api.kill_container(name, signal),
            Effect::Removed { force, volumes } => guard.api.remove_container(name, force, volumes),
        }
    }

    /// Whether a second request does no harm. One that starts a container might start it twice:
    /// the first may have run to its end meanwhile.
    fn may_be_repeated(self) -> bool {
        matches!(self, Effect::Stopped { .. } | Effect::Removed { .. })
    }

    /// What a look at the container says about it, if anything.
    fn settled(
        self,
        name: &str,
        container: Option<&Container>,
    ) -> Option<Result<Nothing, ApiError>> {
        match (self, container) {
            (Effect::Started, None) => {
                Some(Err(ApiError::status(404, format!("No such container: {name}"))))
            }
            (Effect::Started, Some(container)) => container.started.then_some(Ok(Nothing)),
            (Effect::Stopped { .. } | Effect::Removed { .. }, None) => Some(Ok(Nothing)),
            (Effect::Stopped { .. }, Some(container)) => {
                container.pid.is_none().then_some(Ok(Nothing))
            }
            (Effect::Removed { .. } | Effect::Signalled { .. }, _) => None,
        }
    }
}

/// A request for an effect on one container.
#[derive(Clone)]
struct Request {
    guard: Guarded,
    effect: Effect,
    name: String,
    /// Whether it may be sent once more.
    repeat: bool,
}

pub(super) fn bring_about(guard: &Guarded, effect: Effect, name: &str) -> Answer<Nothing> {
    let operation = Op::new();
    let repeat = effect.may_be_repeated();
    let request = Request { guard: guard.clone(), effect, name: name.to_owned(), repeat };
    send(&operation, request);
    operation.future()
}

fn send(operation: &Arc<Op<Nothing>>, request: Request) {
    let sent = request.clone();
    operation.request(
        || sent.effect.request(&sent.guard, &sent.name),
        move |operation, answer| match answer {
            Ok(Nothing) => operation.set(Ok(Nothing)),
            Err(error) => refused(operation, request, error),
        },
    );
}

fn refused(operation: &Arc<Op<Nothing>>, request: Request, error: ApiError) {
    let call = request.effect.call();
    if has_effect(call, &error) {
        return operation.set(Ok(Nothing));
    }
    let limits = Arc::clone(&request.guard.limits);
    // A signal leaves no trace that could be looked for.
    let traceable = !matches!(request.effect, Effect::Signalled { .. });
    match meaning(call, &error) {
        Meaning::BeingRemoved => doubt(operation, request, error, false, limits.removal),
        Meaning::Doubtful if traceable => doubt(operation, request, error, true, limits.look),
        Meaning::Unknown if traceable => {
            // The daemon goes on with a stop that it has received, for as long as it takes.
            let grace = match request.effect {
                Effect::Stopped { timeout_secs } => Duration::from_secs(timeout_secs),
                _ => Duration::ZERO,
            };
            doubt(operation, request, error, false, limits.look.saturating_add(grace));
        }
        _ => operation.set(Err(error)),
    }
}

fn doubt(
    operation: &Arc<Op<Nothing>>,
    request: Request,
    error: ApiError,
    is_over: bool,
    limit: Duration,
) {
    // One that got no answer in time is being worked on; one whose connection broke may never
    // have arrived.
    let repeat = request.repeat && error.kind == ErrorKind::Broken;
    let doubt = Doubt {
        guard: request.guard.clone(),
        call: request.effect.name(),
        name: request.name.clone(),
        error,
        is_over,
        limit,
        judge: judge(request, repeat),
    };
    resolve(operation, doubt);
}

fn judge(request: Request, mut repeat: bool) -> Judge<Nothing> {
    Box::new(move |container| match request.effect.settled(&request.name, container) {
        Some(result) => Judgement::Settled(result),
        None if std::mem::take(&mut repeat) => {
            let again = Request { repeat: false, ..request.clone() };
            Judgement::Then(Box::new(move |operation| send(operation, again)))
        }
        None => Judgement::NotYet,
    })
}
