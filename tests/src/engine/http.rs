//! One HTTP request on one connection, over a Unix or a TCP socket.
//!
//! The connection belongs to the response and is driven by whoever reads it: no task in the
//! background keeps it open, so that dropping the response closes the socket at once.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::{EngineError, is_success};

/// How long the Engine may take to answer a ping.
const PING_LIMIT: Duration = Duration::from_secs(5);

/// Where an Engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// Host and port, without TLS.
    Tcp(String),
}

impl Endpoint {
    /// Reads a value of `DOCKER_HOST`; empty means the default socket.
    pub fn parse(host: &str) -> Option<Endpoint> {
        if host.is_empty() {
            return Some(Endpoint::Unix("/var/run/docker.sock".into()));
        }
        let unix = host.strip_prefix("unix://").map(|path| Endpoint::Unix(path.into()));
        unix.or_else(|| host.strip_prefix("tcp://").map(|at| Endpoint::Tcp(at.to_owned())))
    }

    /// The status of `GET /_ping`; blocks.
    pub(super) fn ping(&self) -> io::Result<u16> {
        match self {
            Endpoint::Unix(path) => {
                let stream = std::os::unix::net::UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PING_LIMIT))?;
                crate::probe::status_of(stream, "/_ping")
            }
            Endpoint::Tcp(address) => {
                let stream = std::net::TcpStream::connect(address)?;
                stream.set_read_timeout(Some(PING_LIMIT))?;
                crate::probe::status_of(stream, "/_ping")
            }
        }
    }

    async fn connect(&self) -> io::Result<Box<dyn Socket>> {
        Ok(match self {
            Endpoint::Unix(path) => {
                Box::new(TokioIo::new(tokio::net::UnixStream::connect(path).await?))
            }
            Endpoint::Tcp(address) => {
                Box::new(TokioIo::new(tokio::net::TcpStream::connect(address).await?))
            }
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "unix://{}", path.display()),
            Endpoint::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

trait Socket: Read + Write + Unpin + Send {}

impl<T: Read + Write + Unpin + Send> Socket for T {}

type Connection = Pin<Box<http1::Connection<Box<dyn Socket>, Full<Bytes>>>>;

/// The head of an answer; the body is still to be read.
pub(super) struct Response {
    request: String,
    body: Incoming,
    // `None` when the Engine has closed it. What was received before can still be read.
    connection: Option<Connection>,
}

impl Response {
    /// The next piece of the body; `None` at its end.
    async fn next_piece(&mut self) -> Result<Option<Bytes>, EngineError> {
        loop {
            match drive(&mut self.connection, self.body.frame()).await {
                None => return Ok(None),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) => return Ok(Some(piece)),
                    Err(_trailers) => continue,
                },
                Some(Err(source)) => {
                    return Err(EngineError::Broken { request: self.request.clone(), source });
                }
            }
        }
    }

    /// The whole body.
    pub(super) async fn read_all(&mut self) -> Result<Bytes, EngineError> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next_piece().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }
}

/// Sends a request; an answer that is not a success becomes an error with the Engine's message.
pub(super) async fn send(
    endpoint: &Endpoint,
    method: Method,
    path: &str,
    (body, content_type): (Bytes, &'static str),
) -> Result<Response, EngineError> {
    let name = format!("{method} {path}");
    let broken = |source| EngineError::Broken { request: name.clone(), source };
    let socket = endpoint.connect().await.map_err(|error| EngineError::NoEngine {
        endpoint: endpoint.to_string(),
        problem: error.to_string(),
    })?;
    let (mut sender, connection) = http1::handshake(socket).await.map_err(broken)?;
    let mut connection = Some(Box::pin(connection));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("Host", "docker")
        .header("Content-Type", content_type)
        // "{}": no credentials. The Engine insists on the header for a push.
        .header("X-Registry-Auth", "e30=")
        .body(Full::new(body))
        .expect("paths are made of encoded parts");
    let answer = drive(&mut connection, sender.send_request(request)).await.map_err(broken)?;
    let status = answer.status();
    let mut response = Response { request: name, body: answer.into_body(), connection };
    if is_success(status) {
        return Ok(response);
    }
    let text = response.read_all().await?;
    let message = serde_json::from_slice(&text)
        .ok()
        .and_then(|value: Value| value["message"].as_str().map(str::to_owned))
        .unwrap_or_else(|| String::from_utf8_lossy(&text).into_owned());
    Err(EngineError::Refused { request: response.request, status: status.as_u16(), message })
}

/// Reads a stream of JSON values to its end; an `error` among them becomes an error.
pub(super) async fn progress_lines(response: &mut Response) -> Result<Vec<Value>, EngineError> {
    let text = response.read_all().await?;
    let request = response.request.clone();
    let lines: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_slice(&text).into_iter().collect();
    let lines =
        lines.map_err(|source| EngineError::Garbled { request: request.clone(), source })?;
    match lines.iter().find_map(|line| line["error"].as_str()) {
        Some(message) => Err(EngineError::Failed { request, message: message.to_owned() }),
        None => Ok(lines),
    }
}

/// Awaits `work` while moving the connection on.
async fn drive<T>(connection: &mut Option<Connection>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    std::future::poll_fn(|cx| {
        if connection.as_mut().is_some_and(|open| open.as_mut().poll(cx).is_ready()) {
            *connection = None;
        }
        work.as_mut().poll(cx)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn reads_what_docker_host_may_say() {
        let unix = |path: &str| Some(Endpoint::Unix(path.into()));
        assert_eq!(Endpoint::parse(""), unix("/var/run/docker.sock"));
        assert_eq!(Endpoint::parse("unix:///tmp/d.sock"), unix("/tmp/d.sock"));
        let tcp = Some(Endpoint::Tcp("127.0.0.1:2375".to_owned()));
        assert_eq!(Endpoint::parse("tcp://127.0.0.1:2375"), tcp);
        assert_eq!(Endpoint::parse("ssh://somewhere"), None);
    }
}
