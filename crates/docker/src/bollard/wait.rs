//! `POST /containers/{}/wait`: the exit of a container.
//!
//! A wait for the next exit must be known to the daemon before the container starts, or it waits
//! for ever. The daemon sends the headers of its answer once it is; a start waits for that.

use super::daemon::{Ask, Daemon, encode};
use super::error::{broken, malformed, stream};
use crate::{ApiError, WaitCondition, json};
use hyper::body::Incoming;
use hyper::{Method, Response};
use parking_lot::Mutex;
use process::{Future, Nothing, Promise};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Waits that the daemon may not know of yet, by the container's name.
#[derive(Clone, Default)]
pub(super) struct Registry(Arc<Mutex<BTreeMap<String, Future<Nothing>>>>);

/// One of them. Dropped when the daemon knows it, or when it is over.
pub(super) struct Registration {
    registry: Registry,
    name: String,
    promise: Promise<Nothing>,
}

impl Registry {
    pub(super) fn register(&self, name: &str) -> Registration {
        let promise = Promise::new();
        self.0.lock().insert(name.to_owned(), promise.future());
        Registration { registry: self.clone(), name: name.to_owned(), promise }
    }

    /// Ends, one way or another, once the daemon knows of the container's last wait.
    pub(super) fn pending(&self, name: &str) -> Option<Future<Nothing>> {
        self.0.lock().get(name).cloned()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let future = self.promise.future();
        let mut waits = self.registry.0.lock();
        if waits.get(&self.name) == Some(&future) {
            waits.remove(&self.name);
        }
        drop(waits);
        self.promise.set(Nothing);
    }
}

/// A wait that the daemon has accepted: `registration` has ended. Its answer comes with the exit.
pub(super) async fn accepted(
    daemon: &Daemon,
    name: &str,
    condition: WaitCondition,
    registration: Registration,
) -> Result<Response<Incoming>, ApiError> {
    let condition = match condition {
        WaitCondition::NotRunning => "not-running",
        WaitCondition::NextExit => "next-exit",
    };
    let path = format!("/containers/{}/wait?condition={condition}", encode(name));
    let ask = Ask::short(Method::POST, path, daemon);
    let response = daemon.ask(&ask).await;
    drop(registration);
    response
}

/// An empty answer is one of a daemon that went away, politely.
pub(super) fn exit_code(text: &str) -> Result<i64, ApiError> {
    if text.trim().is_empty() {
        return Err(broken("the wait ended without an exit code"));
    }
    let json = json::parse(text).map_err(malformed)?;
    let message = json::optional_string(&json, &["Error", "Message"]).map_err(malformed)?;
    if let Some(message) = message.filter(|message| !message.is_empty()) {
        return Err(stream(&message));
    }
    let code = json::required(&json, &["StatusCode"]).map_err(malformed)?;
    code.as_i64().ok_or_else(|| malformed("StatusCode is no exit code"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn exit_codes_are_values_and_errors_are_errors() {
        assert_eq!(exit_code("{\"Error\":null,\"StatusCode\":3}\n"), Ok(3));
        assert_eq!(exit_code(r#"{"StatusCode":0}"#), Ok(0));
        assert_eq!(exit_code(r#"{"Error":{"Message":""},"StatusCode":137}"#), Ok(137));
        for (text, kind) in [
            (r#"{"Error":{"Message":"x"},"StatusCode":-1}"#, ErrorKind::Stream),
            ("\n", ErrorKind::Broken),
            ("{", ErrorKind::Malformed),
            (r#"{"StatusCode":"3"}"#, ErrorKind::Malformed),
        ] {
            assert_eq!(exit_code(text).unwrap_err().kind, kind, "{text}");
        }
    }

    #[test]
    fn only_the_last_wait_of_a_name_holds_a_start_up() {
        let registry = Registry::default();
        let first = registry.register("a");
        let second = registry.register("a");
        drop(first);
        let pending = registry.pending("a").unwrap();
        assert!(pending.is_pending() && registry.pending("b").is_none());
        drop(second);
        assert!(pending.is_ready() && registry.pending("a").is_none());
    }
}
