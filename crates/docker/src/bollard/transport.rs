//! Connections to a daemon, one a request.
//!
//! bollard makes the requests that it has a type for over this transport. Others are made here
//! directly, where bollard hides what is needed: the text of an inspect, the moment at which a
//! wait is registered, lines that are cut anywhere.

use super::error::{malformed, status};
use crate::ApiError;
use ::bollard::body_full;
use ::bollard::errors::Error;
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

pub(super) use ::bollard::BollardRequest;

/// No answer may be longer than this, in bytes, apart from streams.
const MAX_BODY: usize = 16 << 20;

/// Where a daemon listens.
#[derive(Clone, Debug)]
pub(super) enum Address {
    Unix(PathBuf),
    Tcp(String),
}

/// Sends a request on a connection of its own, and returns once the headers of the answer are
/// here. The connection is closed when the request is dropped, or its answer.
pub(super) async fn send(
    address: Arc<Address>,
    request: BollardRequest,
) -> Result<Response<Incoming>, Error> {
    match &*address {
        Address::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(unreachable)?;
            send_over(stream, "docker", request).await
        }
        Address::Tcp(host) => {
            let stream = TcpStream::connect(host.as_str()).await.map_err(unreachable)?;
            // Small requests, whose answers we wait for.
            let _ = stream.set_nodelay(true);
            send_over(stream, host, request).await
        }
    }
}

/// Marks an error as one of connecting: the request was certainly not received.
fn unreachable(error: std::io::Error) -> Error {
    Error::SocketNotFoundError(error.to_string())
}

async fn send_over(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    host: &str,
    mut request: BollardRequest,
) -> Result<Response<Incoming>, Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends by itself once the sender and the answer's body are gone.
    tokio::spawn(async move {
        let _ = connection.with_upgrades().await;
    });
    // bollard addresses proxies of its own; to the daemon only path and query go.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse()?;
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_str(host).map_err(hyper::http::Error::from)?);
    Ok(sender.send_request(request).await?)
}

/// Makes a request without a body. An error status is an error, with the daemon's message.
pub(super) async fn request(
    address: Arc<Address>,
    method: Method,
    path: &str,
) -> Result<Response<Incoming>, ApiError> {
    let mut request = Request::new(body_full(Bytes::new()));
    *request.method_mut() = method;
    exchange(address, path, request).await
}

/// Posts this JSON. An error status is an error, with the daemon's message.
pub(super) async fn post(
    address: Arc<Address>,
    path: &str,
    json: Vec<u8>,
) -> Result<Response<Incoming>, ApiError> {
    let mut request = Request::new(body_full(json.into()));
    *request.method_mut() = Method::POST;
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(CONTENT_TYPE, json);
    exchange(address, path, request).await
}

async fn exchange(
    address: Arc<Address>,
    path: &str,
    mut request: BollardRequest,
) -> Result<Response<Incoming>, ApiError> {
    let uri: Uri = path.parse().map_err(malformed)?;
    *request.uri_mut() = uri;
    let response = send(address, request).await?;
    if response.status().is_success() {
        return Ok(response);
    }
    let code = response.status().as_u16();
    let text = text(response).await?;
    Err(status(code, &text))
}

/// The whole body of an answer.
pub(super) async fn text(response: Response<Incoming>) -> Result<String, ApiError> {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(Error::from)?.into_data() {
            if bytes.len() + data.len() > MAX_BODY {
                return Err(malformed(format!("the answer is longer than {MAX_BODY} bytes")));
            }
            bytes.extend_from_slice(&data);
        }
    }
    String::from_utf8(bytes).map_err(malformed)
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
