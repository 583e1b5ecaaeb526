//! Serving connections.

use super::admin;
use super::bridge::Handle;
use super::listen::Acceptor;
use super::log::Style;
use super::respond::{self, Body, Broken, Told};
use super::route::{self, Asked, Endpoint, Parameters, Version};
use super::stream::Stream;
use super::takeover::{self, Takeover};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderMap, LOCATION, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use sim::environment::daemon::{Credentials, Method, Refusal, Reply, json};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// Connections at the same time; others wait.
const CONNECTIONS: usize = 512;

/// The largest head of a request, in bytes.
const LARGEST_HEAD: usize = 64 << 10;

/// The largest body of a request, in bytes.
const LARGEST_BODY: usize = 1 << 20;

/// How long a client may take for a head, and for a body; also how long a connection may be idle.
const PATIENCE: Duration = Duration::from_secs(60);

/// After which the system is asked for connections again that had none to give.
const BREAK: Duration = Duration::from_millis(100);

/// What all connections share.
pub struct Server {
    /// The world.
    pub world: Handle,
    /// How requests are told of.
    pub style: Style,
    /// Who may log in.
    pub logins: Vec<Credentials>,
    /// What `/_drydock` says.
    pub help: String,
}

/// Takes connections, for ever.
pub async fn accept(server: Arc<Server>, acceptor: Acceptor) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match acceptor.accept().await {
            Ok(stream) => {
                let server = Arc::clone(&server);
                tokio::spawn(async move {
                    serve(server, stream).await;
                    drop(place);
                });
            }
            Err(_) => pause().await,
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "there is nothing to wait for but time")]
async fn pause() {
    tokio::time::sleep(BREAK).await;
}

async fn serve(server: Arc<Server>, stream: Stream) {
    let (taking, mut taken) = mpsc::channel(1);
    let service =
        service_fn(move |request| Box::pin(handle(Arc::clone(&server), request, taking.clone())));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder.max_buf_size(LARGEST_HEAD).title_case_headers(true);
    let mut connection = builder.serve_connection(TokioIo::new(stream), service);
    let takeover = tokio::select! {
        // Ends when the client leaves, and when a body breaks.
        _ = poll_fn(|context| connection.poll_without_shutdown(context)) => None,
        takeover = taken.recv() => takeover,
    };
    let parts = connection.into_parts();
    match takeover {
        Some(takeover) => takeover.run(parts.io.into_inner(), parts.read_buf).await,
        None => {
            let mut stream = parts.io.into_inner();
            // The client may have gone.
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
        }
    }
}

/// A path with its escapes resolved, if it is one.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).ok()
}

/// Where a path with empty parts leads, as the Engine has it.
fn cleaned(path: &str) -> Option<String> {
    if !path.contains("//") {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    Some(format!("/{}{end}", parts.join("/")))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

async fn handle(
    server: Arc<Server>,
    request: Request<Incoming>,
    taking: mpsc::Sender<Takeover>,
) -> Result<Response<Body>, Broken> {
    let line: Arc<str> = format!("{} {}", request.method(), request.uri()).into();
    let told = Told::new(server.style, line);
    let guard = Unanswered(Some(told.clone()));
    let outcome = answer(&server, request, &told).await;
    guard.disarm();
    match outcome {
        Outcome::Answer(response) => {
            told.answered(Some(response.status().as_u16()));
            Ok(response)
        }
        Outcome::Break => {
            told.answered(None);
            Err(Broken)
        }
        Outcome::Take(takeover, status) => {
            told.answered(Some(status));
            // Whoever takes it over drops this future.
            let _ = taking.send(*takeover).await;
            std::future::pending().await
        }
    }
}

/// Tells of a client that leaves before it is answered.
struct Unanswered(Option<Told>);

impl Unanswered {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(told) = &self.0 {
            told.answered(None);
        }
    }
}

/// What becomes of a request.
enum Outcome {
    Answer(Response<Body>),
    /// The connection breaks without an answer.
    Break,
    /// The connection is taken over, with this status.
    Take(Box<Takeover>, u16),
}

async fn answer(server: &Server, request: Request<Incoming>, told: &Told) -> Outcome {
    let (parts, body) = request.into_parts();
    let Some(path) = decode(parts.uri.path()) else {
        return Outcome::Answer(respond::plain(
            400,
            "text/plain; charset=utf-8",
            "400 Bad Request",
        ));
    };
    let query = parts.uri.query().unwrap_or_default();
    if let Some(clean) = cleaned(&path) {
        return Outcome::Answer(moved(&clean, query));
    }
    if let Some(rest) = path.strip_prefix("/_drydock") {
        let query = Parameters::parse(query);
        let body = match read(body).await {
            Ok(body) => body,
            Err(refusal) => return Outcome::Answer(respond::refusal(&refusal, false)),
        };
        let response = admin::answer(server, parts.method.as_str(), rest, &query, &body).await;
        return Outcome::Answer(response);
    }
    if parts.method == hyper::Method::OPTIONS {
        return Outcome::Answer(respond::plain(200, "", ""));
    }
    let (version, path) = Version::split(&path);
    let Some(endpoint) = route::find(parts.method.as_str(), path) else {
        return Outcome::Answer(respond::not_found());
    };
    let as_text = version.has_plain_errors();
    let refuse = |refusal: Refusal| Outcome::Answer(respond::refusal(&refusal, as_text));
    if let Some(message) = version.refused() {
        return refuse(Refusal::new(400, message));
    }
    let body = match read(body).await {
        Ok(body) => body,
        Err(refusal) => return refuse(refusal),
    };
    let query = Parameters::parse(query);
    let asked = Asked {
        query: &query,
        body: route::Body {
            bytes: &body,
            content_type: header(&parts.headers, CONTENT_TYPE.as_str()),
        },
        registry_auth: header(&parts.headers, "x-registry-auth"),
        version,
    };
    match endpoint {
        Endpoint::Missing(what) => refuse(super::missing(what)),
        Endpoint::Swarm => refuse(super::no_swarm()),
        Endpoint::Login => match login(server, &asked) {
            Ok(value) => Outcome::Answer(respond::json_value(200, &value)),
            Err(refusal) => refuse(refusal),
        },
        Endpoint::Daemon(decode, name) => match decode(&name, &asked) {
            Ok(request) => {
                exchange(server, request, is_upgrade(&parts.headers), as_text, told).await
            }
            Err(refusal) => refuse(refusal),
        },
    }
}

fn moved(path: &str, query: &str) -> Response<Body> {
    let mut response = respond::plain(301, "", "");
    let location = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    if let Ok(location) = location.parse() {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Whether the client wants the connection for itself.
fn is_upgrade(headers: &HeaderMap) -> bool {
    let says = |name, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
    };
    says(CONNECTION, "upgrade") && headers.contains_key(UPGRADE)
}

/// All of a body, if it is not too large and does not take too long.
async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST_BODY).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) => Err(Refusal::new(400, format!("the body cannot be read: {error}"))),
        Err(_) => Err(Refusal::new(408, "the body does not come")),
    }
}

fn login(server: &Server, asked: &Asked<'_>) -> Result<serde_json::Value, Refusal> {
    let given = route::login(&asked.body.json()?)?;
    match given {
        Some(given) if server.logins.contains(&given) => {
            Ok(serde_json::json!({ "IdentityToken": "", "Status": "Login Succeeded" }))
        }
        _ => Err(Refusal::new(401, "unauthorized: incorrect username or password")),
    }
}

async fn exchange(
    server: &Server,
    request: sim::environment::daemon::Request,
    upgrade: bool,
    as_text: bool,
    told: &Told,
) -> Outcome {
    let method = request.method();
    let mut exchange = server.world.ask(request, Arc::clone(&told.line));
    let first = exchange.next().await;
    let status = json::status(method, &first).unwrap_or(500);
    match first {
        Reply::Answer(Ok(answer)) => Outcome::Answer(respond::answer(status, &answer)),
        Reply::Answer(Err(refusal)) if method == Method::Attach => {
            let head = takeover::refused(&refusal);
            let takeover = Takeover { head, exchange: None, tty: false, told: told.clone() };
            Outcome::Take(Box::new(takeover), status)
        }
        Reply::Answer(Err(refusal)) => Outcome::Answer(respond::refusal(&refusal, as_text)),
        Reply::Opened(opened) if opened.takes_over() => {
            let tty = match opened {
                sim::environment::daemon::Opened::Attach { tty }
                | sim::environment::daemon::Opened::Exec { tty } => tty,
                _ => false,
            };
            let head = takeover::head(upgrade);
            let takeover = Takeover { head, exchange: Some(exchange), tty, told: told.clone() };
            Outcome::Take(Box::new(takeover), if upgrade { 101 } else { 200 })
        }
        Reply::Opened(opened) => Outcome::Answer(respond::stream(opened, exchange, told.clone())),
        Reply::Chunk(_) | Reply::Ended | Reply::Failed(_) | Reply::Broken | Reply::Unreachable => {
            Outcome::Break
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_and_cleaned() {
        assert_eq!(decode("/a%2Fb%20c").as_deref(), Some("/a/b c"));
        for bad in ["/%", "/%2", "/%zz", "/%ff"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        assert_eq!(cleaned("/containers//json").as_deref(), Some("/containers/json"));
        assert_eq!(cleaned("//a//b//").as_deref(), Some("/a/b/"));
        assert_eq!(cleaned("/a/b/"), None);
    }
}
