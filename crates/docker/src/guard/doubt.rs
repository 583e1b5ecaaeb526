//! The one way to find out what a request has done: look at its container, by name, until the
//! answer is there or the time is up.
//!
//! A look that fails is no answer: the next one follows. A request that is still on its way, or at
//! work in the daemon, may take effect at any moment, so "nothing so far" is an answer only for
//! those that the daemon has ended itself.

use super::{Guarded, Op};
use crate::{ApiError, Container};
use parking_lot::Mutex;
use process::future::Value;
use std::sync::Arc;
use std::time::Duration;

/// What has to be done first.
pub(super) type Next<T> = Box<dyn FnOnce(&Arc<Op<T>>) + Send>;

/// What a look at the container shows.
pub(super) enum Judgement<T: Value> {
    /// This is the outcome.
    Settled(Result<T, ApiError>),
    /// No effect so far.
    NotYet,
    /// Something has to be done first; it goes on from there.
    Then(Next<T>),
}

/// Judges what a look has found: a container, or that there is none.
pub(super) type Judge<T> = Box<dyn FnMut(Option<&Container>) -> Judgement<T> + Send>;

/// A request whose outcome is unknown.
pub(super) struct Doubt<T: Value> {
    pub(super) guard: Guarded,
    /// What was asked for: `start`, for messages.
    pub(super) call: &'static str,
    /// The container.
    pub(super) name: String,
    /// Why there is doubt, and what the answer will be if it cannot be resolved.
    pub(super) error: ApiError,
    /// Whether the request is over: what has not happened by now will not.
    pub(super) is_over: bool,
    /// How long to look.
    pub(super) limit: Duration,
    pub(super) judge: Judge<T>,
}

struct Search<T: Value> {
    doubt: Mutex<Doubt<T>>,
    /// What is known so far.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    over: bool,
    /// Why the last look failed, if it did.
    problem: Option<ApiError>,
}

/// Resolves the doubt, and with it the operation.
pub(super) fn resolve<T: Value>(operation: &Arc<Op<T>>, doubt: Doubt<T>) {
    let limit = doubt.limit;
    let search = Arc::new(Search { doubt: Mutex::new(doubt), state: Mutex::default() });
    let in_vain = Arc::clone(&search);
    operation.after(limit, move |operation| {
        if !in_vain.state.lock().over {
            let error = in_vain.unresolved();
            operation.set(Err(error));
        }
    });
    look(operation, search);
}

fn look<T: Value>(operation: &Arc<Op<T>>, search: Arc<Search<T>>) {
    let (api, name) = {
        let doubt = search.doubt.lock();
        (Arc::clone(&doubt.guard.api), doubt.name.clone())
    };
    operation.request(
        || api.inspect_container(&name),
        move |operation, answer| judge(operation, search, answer),
    );
}

fn judge<T: Value>(
    operation: &Arc<Op<T>>,
    search: Arc<Search<T>>,
    answer: Result<Container, ApiError>,
) {
    let found = match answer {
        Ok(container) => Some(container),
        Err(error) if error.code() == Some(404) => None,
        Err(error) => {
            search.state.lock().problem = Some(error);
            return again(operation, search);
        }
    };
    let judgement = {
        let mut doubt = search.doubt.lock();
        match (doubt.judge)(found.as_ref()) {
            Judgement::NotYet if doubt.is_over => Judgement::Settled(Err(doubt.error.clone())),
            judgement => judgement,
        }
    };
    let mut state = search.state.lock();
    state.problem = None;
    state.over = !matches!(judgement, Judgement::NotYet);
    drop(state);
    match judgement {
        Judgement::Settled(result) => operation.set(result),
        Judgement::NotYet => again(operation, search),
        Judgement::Then(next) => next(operation),
    }
}

fn again<T: Value>(operation: &Arc<Op<T>>, search: Arc<Search<T>>) {
    let interval = search.doubt.lock().guard.limits.look_interval;
    operation.after(interval, move |operation| {
        if !search.state.lock().over {
            look(operation, search);
        }
    });
}

impl<T: Value> Search<T> {
    fn unresolved(&self) -> ApiError {
        let doubt = self.doubt.lock();
        let problem = self.state.lock().problem.clone();
        let known = match problem {
            Some(problem) => format!("it cannot be looked at: {problem}"),
            None => "it has had no effect so far, and may yet have".to_owned(),
        };
        let message = format!(
            "{}; what became of the {} of container '{}' is unknown after {} s: {known}",
            doubt.error.message,
            doubt.call,
            doubt.name,
            doubt.limit.as_secs()
        );
        ApiError { kind: doubt.error.kind, message }
    }
}
