//! A daemon as all requests see it: where it is, what it speaks, what may be expected of it.
//!
//! bollard makes the requests that it has a type for over this transport. Others are made here
//! directly, where bollard hides what is needed.

use super::counted::TooLong;
use super::error::{malformed, status};
use super::transport::{self, Address, HangUp, Terms};
use super::version::{self, Agreed};
use crate::{ApiError, ErrorKind, Limits};
use ::bollard::errors::Error;
use ::bollard::{BollardRequest, body_full};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use hyper::{Method, Request, Response, StatusCode, Uri};
use std::sync::Arc;

/// A daemon. Cheap to clone.
#[derive(Clone)]
pub(super) struct Daemon(Arc<Inner>);

struct Inner {
    address: Address,
    socket: String,
    limits: Limits,
    agreed: Agreed,
}

/// A request, most often without a body.
#[derive(Clone)]
pub(super) struct Ask {
    method: Method,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    terms: Terms,
}

impl Ask {
    /// A request whose answer is short: longer ones are errors.
    pub(super) fn short(method: Method, path: impl Into<String>, daemon: &Daemon) -> Self {
        let bytes_max = Some(daemon.bytes_max());
        let terms = Terms { bytes_max, hang_up: None };
        Ask { terms, ..Ask::long(method, path) }
    }

    /// A request whose answer is a stream, and may go on for days.
    pub(super) fn long(method: Method, path: impl Into<String>) -> Self {
        let terms = Terms::default();
        Ask { method, path: path.into(), headers: Vec::new(), body: Bytes::new(), terms }
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// This JSON is its body.
    pub(super) fn with_json(mut self, json: Vec<u8>) -> Self {
        self.body = json.into();
        self.with_header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// The connection is to become one for raw bytes.
    pub(super) fn with_upgrade(self) -> Self {
        self.with_header(CONNECTION, HeaderValue::from_static("Upgrade"))
            .with_header(UPGRADE, HeaderValue::from_static("tcp"))
    }

    pub(super) fn with_hang_up(mut self, hang_up: HangUp) -> Self {
        self.terms.hang_up = Some(hang_up);
        self
    }

    fn request(&self) -> Result<BollardRequest, ApiError> {
        let mut request = Request::new(body_full(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse::<Uri>().map_err(malformed)?;
        request.headers_mut().extend(self.headers.iter().cloned());
        Ok(request)
    }
}

impl Daemon {
    pub(super) fn new(address: Address, socket: String, limits: Limits) -> Self {
        Daemon(Arc::new(Inner { address, socket, limits, agreed: Agreed::default() }))
    }

    /// Where it listens, as people write it.
    pub(super) fn socket(&self) -> &str {
        &self.0.socket
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// An error that says which daemon it is about, and what to do.
    pub(super) fn explain(&self, error: ApiError) -> ApiError {
        if error.kind != ErrorKind::Unreachable {
            return error;
        }
        let message = format!(
            "Cannot connect to the Docker daemon at {} ({}). Is the docker daemon running?",
            self.socket(),
            error.message
        );
        ApiError { message, ..error }
    }

    /// How much a daemon may send in answer to a short request.
    pub(super) fn bytes_max(&self) -> usize {
        self.limits().answer_bytes_max.saturating_add(self.limits().head_bytes_max)
    }

    /// Sends a request, in the version that both know. The path is all that counts of its URI:
    /// bollard addresses proxies of its own.
    pub(super) async fn send(
        &self,
        terms: &Terms,
        mut request: BollardRequest,
    ) -> Result<Response<Incoming>, Error> {
        let prefix = self.0.agreed.prefix(self.ping()).await?;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = version::prefixed(&prefix, path).parse()?;
        transport::send(&self.0.address, terms, request).await
    }

    async fn ping(&self) -> Result<HeaderMap, Error> {
        let mut request = Request::new(body_full(Bytes::new()));
        *request.uri_mut() = Uri::from_static(version::PING);
        let terms = Terms { bytes_max: Some(self.limits().head_bytes_max), hang_up: None };
        let response = transport::send(&self.0.address, &terms, request).await?;
        Ok(if response.status().is_success() {
            response.headers().clone()
        } else {
            HeaderMap::new()
        })
    }

    /// The daemon must be asked for its version again.
    pub(super) async fn forget_version(&self) {
        self.0.agreed.forget().await;
    }

    /// Makes a request, and returns once it was accepted. An error status is an error, with the
    /// daemon's message.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Response<Incoming>, ApiError> {
        match self.ask_once(ask).await {
            Err(error) if version::is_refusal(&error) => {
                self.forget_version().await;
                self.ask_once(ask).await
            }
            answer => answer,
        }
    }

    async fn ask_once(&self, ask: &Ask) -> Result<Response<Incoming>, ApiError> {
        let response = self.send(&ask.terms, ask.request()?).await?;
        let accepted = response.status();
        if accepted.is_success() || accepted == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        let text = self.text(response).await?;
        Err(status(accepted.as_u16(), &text))
    }

    /// Makes a request; its answer is all of its text.
    pub(super) async fn text_of(&self, ask: &Ask) -> Result<String, ApiError> {
        let response = self.ask(ask).await?;
        self.text(response).await
    }

    /// The whole body of an answer.
    pub(super) async fn text(&self, response: Response<Incoming>) -> Result<String, ApiError> {
        let max = self.limits().answer_bytes_max;
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(Error::from)?.into_data() {
                if bytes.len() + data.len() > max {
                    return Err(malformed(TooLong(max)));
                }
                bytes.extend_from_slice(&data);
            }
        }
        String::from_utf8(bytes).map_err(malformed)
    }
}

/// A name as part of a path or query, whatever it consists of.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(
            encode("registry.example:5000/a/b:1@sha256:x"),
            "registry.example:5000/a/b:1@sha256:x"
        );
        assert_eq!(encode("a?b=c&d#e f%ä"), "a%3Fb%3Dc%26d%23e%20f%25%C3%A4");
    }
}
