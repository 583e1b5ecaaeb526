//! bollard's errors, and the daemon's, as [`ApiError`]s.

use super::counted::TooLong;
use crate::{ApiError, ErrorKind};
use ::bollard::errors::Error;
use serde_json::Value;
use std::fmt;

/// Of what a daemon says about an error no more than this is kept, in bytes: it goes into logs and
/// status updates.
const MESSAGE_BYTES_MAX: usize = 4 << 10;

pub(super) fn malformed(what: impl fmt::Display) -> ApiError {
    let message = format!("Unexpected answer from the Docker daemon: {what}");
    ApiError { kind: ErrorKind::Malformed, message: shortened(&message) }
}

pub(super) fn broken(what: impl fmt::Display) -> ApiError {
    let message = format!("Lost the connection to the Docker daemon: {what}");
    ApiError { kind: ErrorKind::Broken, message: shortened(&message) }
}

/// An error line of a stream.
pub(super) fn stream(message: &str) -> ApiError {
    ApiError { kind: ErrorKind::Stream, message: shortened(message) }
}

fn shortened(text: &str) -> String {
    match text.len() > MESSAGE_BYTES_MAX {
        true => format!("{}...", &text[..text.floor_char_boundary(MESSAGE_BYTES_MAX)]),
        false => text.to_owned(),
    }
}

/// An answer with an error status: its `message`, or all of it when it is not what it should be.
pub(super) fn status(code: u16, body: &str) -> ApiError {
    let json = serde_json::from_str::<Value>(body).ok();
    let message = json.as_ref().and_then(|json| json.get("message")?.as_str());
    ApiError::status(code, shortened(message.unwrap_or(body).trim_end()))
}

/// Every cause of an error, in one line.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        if let Some(too_long) = TooLong::behind(&error) {
            return malformed(too_long);
        }
        match error {
            Error::DockerResponseServerError { status_code, message } => {
                ApiError::status(status_code, shortened(&message))
            }
            Error::DockerStreamError { error } => stream(&error),
            // The transport reports so that it could not connect.
            Error::SocketNotFoundError(message) => {
                ApiError { kind: ErrorKind::Unreachable, message }
            }
            Error::RequestTimeoutError => {
                let message = "The Docker daemon did not answer in time".to_owned();
                ApiError { kind: ErrorKind::Timeout, message }
            }
            Error::JsonDataError { .. }
            | Error::JsonSerdeError { .. }
            | Error::StrParseError { .. } => malformed(in_full(&error)),
            Error::IOError { .. } | Error::HyperResponseError { .. } => broken(in_full(&error)),
            // The rest is about requests that could not be made of their arguments.
            _ => malformed(in_full(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_errors() {
        for (body, message) in [
            (r#"{"message":"No such container: x"}"#, "No such container: x"),
            ("page not found\n", "page not found"),
            (r#"{"message":7}"#, r#"{"message":7}"#),
            ("", ""),
        ] {
            assert_eq!(status(404, body), ApiError::status(404, message));
        }
    }

    #[test]
    fn messages_do_not_get_long() {
        let long = "ä".repeat(10 << 20);
        for error in [status(500, &long), malformed(&long), broken(&long), stream(&long)] {
            assert!(error.message.len() < MESSAGE_BYTES_MAX + 100, "{}", error.message.len());
            assert!(error.message.ends_with("ä..."));
        }
    }
}
