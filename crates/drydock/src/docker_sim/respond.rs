//! From replies of the daemon to answers in HTTP.

use super::bridge::Exchange;
use super::log::Style;
use super::pace::WallClock;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, PRAGMA, SERVER};
use hyper::{Response, StatusCode};
use sim::environment::daemon::{Answer, Opened, Refusal, Reply, json};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, Broken>;

/// The connection breaks here.
#[derive(Clone, Copy, Debug)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection breaks")
    }
}

impl std::error::Error for Broken {}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// What connections that were taken over carry.
pub const RAW_STREAM: &str = "application/vnd.docker.raw-stream";

/// A body that is there as a whole.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer without the headers of the daemon.
pub fn plain(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(whole(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !content_type.is_empty() {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// Something in JSON that is no answer of the daemon's.
pub fn json_value(status: u16, value: &serde_json::Value) -> Response<Body> {
    plain(status, JSON, format!("{value}\n"))
}

/// With the headers of all that the daemon answers.
fn from_daemon(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert("api-version", HeaderValue::from_static(json::API_VERSION));
    headers.insert("docker-experimental", HeaderValue::from_static("false"));
    headers.insert("ostype", HeaderValue::from_static("linux"));
    headers.insert(SERVER, HeaderValue::from_static("Docker/20.10.24 (linux)"));
    response
}

/// A refusal; clients that are too old for JSON get text.
pub fn refusal(refusal: &Refusal, as_text: bool) -> Response<Body> {
    let response = if as_text {
        plain(refusal.status, TEXT, format!("{}\n", refusal.message))
    } else {
        plain(refusal.status, JSON, json::error(refusal))
    };
    from_daemon(response)
}

/// What stands behind no path.
pub fn not_found() -> Response<Body> {
    plain(404, JSON, json::error(&Refusal::new(404, "page not found")))
}

/// A whole answer of this status.
pub fn answer(status: u16, answer: &Answer) -> Response<Body> {
    let body = json::body(answer);
    let is_ping = matches!(answer, Answer::Pong);
    let content_type = match body {
        None => "",
        Some(_) if is_ping => TEXT,
        Some(_) => JSON,
    };
    let mut response = plain(status, content_type, body.unwrap_or_default());
    if is_ping {
        let headers = response.headers_mut();
        headers
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    }
    from_daemon(response)
}

/// An answer whose body comes bit by bit.
pub fn stream(opened: Opened, exchange: Exchange, told: Told) -> Response<Body> {
    let (content_type, tty) = match opened {
        // The Engine says nothing of what logs are.
        Opened::Logs { tty } => (None, tty),
        _ => (Some(JSON), false),
    };
    let pieces = Pieces { exchange, tty, over: false, told };
    let mut response = Response::new(pieces.boxed_unsync());
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    from_daemon(response)
}

/// What is said of a request, when.
#[derive(Clone)]
pub struct Told {
    /// How.
    pub style: Style,
    /// The request, for people.
    pub line: Arc<str>,
    /// When it came.
    pub since: Instant,
}

impl Told {
    /// A request that has just come.
    pub fn new(style: Style, line: Arc<str>) -> Self {
        Told { style, line, since: WallClock::now() }
    }

    /// It was answered, or its connection breaks.
    pub fn answered(&self, status: Option<u16>) {
        self.style.answered(&self.line, status, self.since.elapsed());
    }

    /// The client has left in the midst.
    pub fn left(&self) {
        self.style.left(&self.line, self.since.elapsed());
    }
}

/// The pieces of a body, as the daemon sends them.
struct Pieces {
    exchange: Exchange,
    tty: bool,
    over: bool,
    told: Told,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let reply = ready!(self.exchange.poll_next(context));
        self.over = reply.is_last();
        let bytes = match reply {
            Reply::Chunk(chunk) => json::chunk(&chunk, self.tty),
            Reply::Failed(message) => json::failed(&message),
            Reply::Answer(Ok(answer)) => json::body(&answer).unwrap_or_default().into_bytes(),
            Reply::Answer(Err(refusal)) => json::error(&refusal).into_bytes(),
            Reply::Ended => return Poll::Ready(None),
            Reply::Opened(_) => Vec::new(),
            Reply::Broken | Reply::Unreachable => return Poll::Ready(Some(Err(Broken))),
        };
        Poll::Ready(Some(Ok(Frame::data(bytes.into()))))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if !self.over {
            self.told.left();
        }
    }
}
