//! One request: held, refused, or passed on; and its answer, streamed back at the set pace.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HeaderMap};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::fault::Plan;
use super::pace::Line;
use super::stats::BlobStats;
use super::{Shared, Stats};

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Answers one request. An error closes the client's connection.
pub(super) async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> io::Result<Response<Body>> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    shared.stats.send_modify(|stats| {
        *stats.requests.entry(format!("{method} {path}")).or_default() += 1;
    });
    let required = *shared.authorization.lock();
    let given = request.headers().get(AUTHORIZATION);
    if required.is_some_and(|required| given.is_none_or(|given| given != required)) {
        shared.stats.send_modify(|stats| stats.refused += 1);
        return Ok(refusal(401));
    }
    let mut plan = shared.faults.plan(method.as_str(), &path);
    if let Some(lifted) = &mut plan.hold {
        let _held = Counted::new(&shared, |stats| &mut stats.held);
        lifted.wait().await;
    }
    if let Some(status) = plan.answer {
        shared.stats.send_modify(|stats| stats.refused += 1);
        return Ok(refusal(status));
    }
    let response = match ask_upstream(request, &shared).await {
        Ok(response) => response,
        Err(error) => {
            eprintln!("proxy: {method} {path}: {error}");
            return Ok(refusal(502));
        }
    };
    let (parts, content) = response.into_parts();
    let body = match blob_digest(&method, &path) {
        Some(digest) if parts.status.is_success() => {
            let size = content_length(&parts.headers);
            Transfer::begin(shared, digest.to_owned(), size, plan, content).into_body()
        }
        _ => content.map_err(io::Error::other).boxed_unsync(),
    };
    Ok(Response::from_parts(parts, body))
}

/// Passes a request on, over a connection of its own. The connection ends when the answer has
/// been read or is dropped. `Host` is kept, so that the registry makes usable links.
async fn ask_upstream(
    mut request: Request<Incoming>,
    shared: &Shared,
) -> io::Result<Response<Incoming>> {
    request.headers_mut().remove(CONNECTION);
    // hyper has answered it already, by reading the body.
    request.headers_mut().remove(EXPECT);
    let stream = TcpStream::connect(shared.upstream).await?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // Errors show in the answer's body.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(io::Error::other)
}

/// The digest of the blob that is asked for.
fn blob_digest<'a>(method: &Method, path: &'a str) -> Option<&'a str> {
    let (_, digest) = path.rsplit_once("/blobs/")?;
    (method == Method::GET && digest.starts_with("sha256:")).then_some(digest)
}

fn content_length(headers: &HeaderMap) -> u64 {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

/// An answer in the registry's form, with the headers that its status calls for.
fn refusal(status: u16) -> Response<Body> {
    let code = match status {
        401 => "UNAUTHORIZED",
        404 => "MANIFEST_UNKNOWN",
        429 => "TOOMANYREQUESTS",
        _ => "UNKNOWN",
    };
    let text = format!(r#"{{"errors":[{{"code":"{code}","message":"injected {status}"}}]}}"#);
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).expect("Fault::Answer holds a valid HTTP status");
    let headers = response.headers_mut();
    headers.insert("content-type", "application/json".parse().expect("ASCII"));
    headers.insert("docker-distribution-api-version", "registry/2.0".parse().expect("ASCII"));
    match status {
        401 => drop(
            headers.insert("www-authenticate", r#"Basic realm="drydock""#.parse().expect("ASCII")),
        ),
        429 => drop(headers.insert("retry-after", "1".parse().expect("ASCII"))),
        _ => {}
    }
    response
}

/// Holds a counter up by one while it lives.
struct Counted<'a> {
    shared: &'a Shared,
    counter: fn(&mut Stats) -> &mut u64,
}

impl<'a> Counted<'a> {
    fn new(shared: &'a Shared, counter: fn(&mut Stats) -> &mut u64) -> Counted<'a> {
        shared.stats.send_modify(|stats| *counter(stats) += 1);
        Counted { shared, counter }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.shared.stats.send_modify(|stats| *(self.counter)(stats) -= 1);
    }
}

/// A blob on its way. Dropping it ends both connections.
struct Transfer {
    shared: Arc<Shared>,
    digest: String,
    size: u64,
    plan: Plan,
    content: Incoming,
    line: Line,
    // Received from the registry, not yet sent.
    rest: Bytes,
    sent: u64,
    stalled: bool,
}

impl Transfer {
    fn begin(
        shared: Arc<Shared>,
        digest: String,
        size: u64,
        plan: Plan,
        content: Incoming,
    ) -> Transfer {
        let (line, rest) = (Line::default(), Bytes::new());
        let transfer =
            Transfer { shared, digest, size, plan, content, line, rest, sent: 0, stalled: false };
        transfer.count(|blob| {
            blob.size = size;
            blob.started += 1;
            blob.in_flight += 1;
        });
        transfer
    }

    fn count(&self, change: impl FnOnce(&mut BlobStats)) {
        self.shared.stats.send_modify(|stats| {
            // The key is almost always there already.
            if !stats.blobs.contains_key(&self.digest) {
                stats.blobs.insert(self.digest.clone(), BlobStats::default());
            }
            change(stats.blobs.get_mut(&self.digest).expect("inserted above"));
        });
    }

    fn into_body(self) -> Body {
        let frames = stream::unfold(Some(self), |transfer| async {
            let mut transfer = transfer?;
            match transfer.next_piece().await {
                Ok(None) => None,
                Ok(Some(piece)) => Some((Ok(Frame::data(piece)), Some(transfer))),
                Err(error) => Some((Err(error), None)),
            }
        });
        StreamBody::new(frames).boxed_unsync()
    }

    /// The next piece, when it is time to send it; `None` at the end.
    async fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        if self.plan.cut.is_some_and(|limit| self.sent >= limit && self.sent < self.size) {
            // hyper flushes what it has whenever no piece is ready; an error would discard it.
            tokio::task::yield_now().await;
            return Err(io::Error::other("injected: cut"));
        }
        self.stall_if_due().await;
        while self.rest.is_empty() {
            match self.content.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    let frame = frame.map_err(io::Error::other)?;
                    self.rest = frame.into_data().unwrap_or_default();
                }
            }
        }
        let length = self.piece_length();
        let piece = self.rest.split_to(length as usize);
        self.shared.pace.pass(&mut self.line, length).await;
        self.sent += length;
        self.count(|blob| blob.bytes_sent += length);
        Ok(Some(piece))
    }

    /// As long as the pace allows, and not past the next stop.
    fn piece_length(&self) -> u64 {
        let stall = self.plan.stall.as_ref().map(|(after, _)| *after);
        let stops = [stall, self.plan.cut].into_iter().flatten().filter(|stop| *stop > self.sent);
        let most = stops.map(|stop| stop - self.sent).fold(self.shared.pace.piece(), u64::min);
        most.min(self.rest.len() as u64)
    }

    async fn stall_if_due(&mut self) {
        let Some((after, lifted)) = &self.plan.stall else { return };
        if self.sent < *after || self.sent >= self.size {
            return;
        }
        let mut lifted = lifted.clone();
        self.stalled = true;
        self.count(|blob| blob.stalled += 1);
        lifted.wait().await;
        self.stalled = false;
        self.plan.stall = None;
        self.count(|blob| blob.stalled -= 1);
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let complete = self.sent == self.size;
        self.count(|blob| {
            blob.in_flight -= 1;
            blob.stalled -= u64::from(self.stalled);
            blob.completed += u64::from(complete);
        });
    }
}
