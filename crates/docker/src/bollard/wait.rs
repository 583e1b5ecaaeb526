//! `POST /containers/{}/wait`: the exit of a container.

use super::daemon::{Ask, Daemon, encode};
use super::error::{broken, malformed, stream};
use crate::waits::Registration;
use crate::{ApiError, WaitCondition, json};
use hyper::body::Incoming;
use hyper::{Method, Response};

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
}
