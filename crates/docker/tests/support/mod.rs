//! A daemon of which a test says what it answers, byte by byte, on a unix socket.

#![allow(dead_code, reason = "each suite uses a part")]
#![allow(clippy::disallowed_methods, reason = "a daemon on threads of its own")]

use docker::{Answer, ApiError, Bollard, Limits};
use parking_lot::Mutex;
use process::Outcome;
use process::future::Value;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// For what happens at once on an idle machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The headers of an answer that goes on.
pub const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The end of such an answer.
pub const LAST_CHUNK: &str = "0\r\n\r\n";

/// What the daemon says when it is asked for its version.
pub const PING: &str = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK";

/// A request as it was read: up to the empty line, and what came along with it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method and path: `GET /v1.41/version`.
    pub line: String,
    /// All of it.
    pub text: String,
}

impl Request {
    /// The path has this in it.
    pub fn is(&self, part: &str) -> bool {
        self.line.contains(part)
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let fields = self.text.lines().filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

type Handler = Box<dyn Fn(&Request, UnixStream) + Send + Sync>;

/// The daemon. It ends with the test's process.
pub struct Daemon {
    pub bollard: Bollard,
    seen: Arc<Mutex<Vec<Request>>>,
    path: PathBuf,
    _directory: TempDir,
}

impl Daemon {
    /// One that calls `handler` for each request, on a thread of its own, except for those for its
    /// version.
    pub fn new(handler: impl Fn(&Request, UnixStream) + Send + Sync + 'static) -> Self {
        Self::with_limits(Limits::default(), handler)
    }

    /// The same for a client with other limits.
    pub fn with_limits(
        limits: Limits,
        handler: impl Fn(&Request, UnixStream) + Send + Sync + 'static,
    ) -> Self {
        Self::unversioned(limits, move |request, mut stream| {
            if request.line == "GET /_ping" {
                let _ = stream.write_all(PING.as_bytes());
            } else {
                handler(request, stream);
            }
        })
    }

    /// One that is asked for its version as well.
    pub fn unversioned(
        limits: Limits,
        handler: impl Fn(&Request, UnixStream) + Send + Sync + 'static,
    ) -> Self {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("docker.sock");
        let listener = UnixListener::bind(&path).expect("a socket");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (requests, handler) = (Arc::clone(&seen), Arc::new(Box::new(handler) as Handler));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, handler) = (Arc::clone(&requests), Arc::clone(&handler));
                thread::spawn(move || {
                    if let Some((request, stream)) = read_request(stream) {
                        requests.lock().push(request.clone());
                        handler(&request, stream);
                    }
                });
            }
        });
        let bollard = Bollard::connect_with(path.to_str(), limits).expect("it listens");
        Daemon { bollard, seen, path, _directory: directory }
    }

    /// One that gives everybody the same answer, and hangs up.
    pub fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Daemon::new(move |_, mut stream| {
            let _ = stream.write_all(&bytes);
        })
    }

    /// One that gives everybody this JSON.
    pub fn json(body: &str) -> Self {
        Self::saying(answer(200, body))
    }

    /// Where it listens.
    pub fn path(&self) -> &str {
        self.path.to_str().expect("an ASCII path")
    }

    /// bollard itself, as it comes, and without a limit that a test could run into.
    pub fn plain_bollard(&self) -> bollard::Docker {
        bollard::Docker::connect_with_unix(self.path(), 3600, bollard::API_DEFAULT_VERSION)
            .expect("a client without a connection")
    }

    /// Every request but those for the version.
    pub fn requests(&self) -> Vec<Request> {
        let seen = self.seen.lock();
        seen.iter().filter(|request| request.line != "GET /_ping").cloned().collect()
    }

    /// Their methods and paths.
    pub fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    /// How often the version was asked for.
    pub fn pings(&self) -> usize {
        self.seen.lock().iter().filter(|request| request.line == "GET /_ping").count()
    }
}

/// Up to the empty line; bodies are small enough to come along.
fn read_request(mut stream: UnixStream) -> Option<(Request, UnixStream)> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    while !text.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => text.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = text.lines().next()?.rsplit_once(' ')?.0.to_owned();
    Some((Request { line, text }, stream))
}

/// What an answer holds.
pub fn get<T: Value>(answer: Answer<T>) -> Result<T, ApiError> {
    match answer.wait(LIMIT) {
        Some(Outcome::Ready(result)) => result,
        _ => panic!("no answer: {answer}"),
    }
}

/// A whole answer with this status and body.
pub fn answer(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// A piece of an answer that goes on.
pub fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// Blocks until the other side hangs up, whatever it sends before. `false` if it does not.
pub fn hung_up(stream: &mut UnixStream) -> bool {
    stream.set_read_timeout(Some(LIMIT)).expect("a limit that is not zero");
    loop {
        match stream.read(&mut [0; 4096]) {
            Ok(0) => return true,
            Ok(_) => {}
            // It did not wait for what we had to say.
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}
