//! Against a daemon that answers with the bytes that a test gives it.

#![expect(clippy::disallowed_methods, reason = "a daemon on threads of its own, which dawdles")]

mod create;

use super::*;
use parking_lot::Mutex;
use process::Outcome;
use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(20);
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A connection whose request (method and path) has been read.
type Handler = Box<dyn Fn(&str, UnixStream) + Send + Sync>;

struct Daemon {
    bollard: Bollard,
    requests: Arc<Mutex<Vec<String>>>,
    _directory: TempDir,
}

impl Daemon {
    fn new(handler: impl Fn(&str, UnixStream) + Send + Sync + 'static) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, handler) = (Arc::clone(&requests), Arc::new(Box::new(handler) as Handler));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, handler) = (Arc::clone(&seen), Arc::clone(&handler));
                thread::spawn(move || {
                    if let Some((request, stream)) = read_request(stream) {
                        seen.lock().push(request.clone());
                        handler(&request, stream);
                    }
                });
            }
        });
        let bollard = Bollard::connect(path.to_str()).unwrap();
        Daemon { bollard, requests, _directory: directory }
    }

    /// One that gives everybody the same answer, and hangs up.
    fn saying(bytes: &'static str) -> Self {
        Daemon::new(move |_, mut stream| {
            let _ = stream.write_all(bytes.as_bytes());
        })
    }
}

/// Up to the empty line; bodies are small enough to come along, and nobody looks at them.
fn read_request(mut stream: UnixStream) -> Option<(String, UnixStream)> {
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
    assert!(text.to_ascii_lowercase().contains("\r\nhost: docker\r\n"), "{text}");
    Some((line, stream))
}

fn get<T: process::future::Value>(answer: Answer<T>) -> Result<T, ApiError> {
    match answer.wait(LIMIT) {
        Some(Outcome::Ready(result)) => result,
        _ => panic!("no answer: {answer}"),
    }
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

#[test]
fn a_start_is_sent_once_the_wait_is_registered() {
    let (go, gone): (Sender<()>, Receiver<()>) = channel();
    let gone = Mutex::new(gone);
    let daemon = Daemon::new(move |request, mut stream| {
        if request.contains("/wait?condition=next-exit") {
            let _ = gone.lock().recv_timeout(LIMIT);
            let _ = stream.write_all(CHUNKED.as_bytes());
            let _ = gone.lock().recv_timeout(LIMIT);
            let body = chunk("{\"Error\":null,\"StatusCode\":137}\n") + "0\r\n\r\n";
            let _ = stream.write_all(body.as_bytes());
        } else {
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
        }
    });
    let wait = daemon.bollard.wait_container("c", WaitCondition::NextExit);
    let start = daemon.bollard.start_container("c");
    let other = daemon.bollard.start_container("d");
    assert_eq!(get(other), Ok(Nothing));
    assert!(start.is_pending());
    assert!(!daemon.requests.lock().contains(&"POST /containers/c/start".to_owned()));
    go.send(()).unwrap();
    assert_eq!(get(start), Ok(Nothing));
    assert!(wait.is_pending());
    go.send(()).unwrap();
    // A non-zero exit is a value.
    assert_eq!(get(wait), Ok(137));
}

#[test]
fn a_wait_that_is_given_up_holds_no_start_up() {
    let daemon = Daemon::new(|request, mut stream| {
        if request.contains("/wait") {
            thread::sleep(LIMIT);
        }
        let _ = stream.write_all(b"HTTP/1.1 304 Not Modified\r\n\r\n");
    });
    let wait = daemon.bollard.wait_container("c", WaitCondition::NextExit);
    let start = daemon.bollard.start_container("c");
    wait.discard();
    assert!(wait.is_discarded());
    assert_eq!(get(start), Ok(Nothing));
}

#[test]
fn a_discard_closes_the_connection() {
    for headers_first in [false, true] {
        let (closed, when_closed) = channel();
        let (opened, when_opened) = channel();
        let (closed, opened) = (Mutex::new(closed), Mutex::new(opened));
        let daemon = Daemon::new(move |_, mut stream| {
            if headers_first {
                let line = chunk("{\"status\":\"Waiting\"}\r\n");
                let _ = stream.write_all((CHUNKED.to_owned() + &line).as_bytes());
            }
            let _ = opened.lock().send(());
            let rest = stream.read(&mut [0; 16]);
            let _ = closed.lock().send(rest.is_ok_and(|count| count == 0));
        });
        let (began, when_began) = channel();
        let began = Mutex::new(began);
        let progress: PullEvent = Arc::new(move |_| {
            let _ = began.lock().send(());
        });
        let pull = daemon.bollard.pull_image("registry.example:5000/a/b", Some(progress));
        when_opened.recv_timeout(LIMIT).unwrap();
        if headers_first {
            when_began.recv_timeout(LIMIT).unwrap();
        }
        pull.discard();
        assert!(pull.is_discarded());
        assert_eq!(when_closed.recv_timeout(LIMIT), Ok(true));
        let expected = "POST /images/create?fromImage=registry.example:5000/a/b&tag=latest";
        assert_eq!(*daemon.requests.lock(), [expected]);
    }
}

#[test]
fn pulls_survive_cuts_and_find_errors() {
    let daemon = Daemon::new(|request, mut stream| {
        let last =
            if request.ends_with("tag=bad") { "{\"error\":\"unexpected EOF\"}\r\n" } else { "" };
        for part in [CHUNKED, &chunk("{\"status\":\"Pull"), &chunk("ing\"}\r"), &chunk("\n")] {
            let _ = stream.write_all(part.as_bytes());
            let _ = stream.flush();
            thread::sleep(Duration::from_millis(20));
        }
        if !request.ends_with("tag=cut") {
            let last = if last.is_empty() { String::new() } else { chunk(last) };
            let _ = stream.write_all((last + "0\r\n\r\n").as_bytes());
        }
    });
    assert_eq!(get(daemon.bollard.pull_image("a:1", None)), Ok(Nothing));
    let error = get(daemon.bollard.pull_image("a:bad", None)).unwrap_err();
    assert_eq!((error.kind, &*error.message), (ErrorKind::Stream, "unexpected EOF"));
    let error = get(daemon.bollard.pull_image("a:cut", None)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Broken);
    let error = get(daemon.bollard.pull_image("A//b", None)).unwrap_err();
    assert_eq!(error.code(), Some(400));
}

#[test]
fn statuses_keep_the_daemons_words() {
    let daemon = Daemon::saying(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 25\r\n\r\n{\"message\":\"No such: x y\"}",
    );
    let expected = ApiError::status(404, "No such: x y");
    // One made by bollard, and those made here.
    assert!(get(daemon.bollard.stop_container("a", 1)).is_err());
    let daemon = Daemon::saying(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 26\r\n\r\n{\"message\":\"No such: x y\"}",
    );
    let bollard = &daemon.bollard;
    assert_eq!(get(bollard.stop_container("a?b", 1)), Err(expected.clone()));
    assert_eq!(get(bollard.inspect_container("a/b c")), Err(expected.clone()));
    assert_eq!(get(bollard.pull_image("a", None)), Err(expected.clone()));
    assert_eq!(get(bollard.wait_container("a", WaitCondition::NotRunning)), Err(expected));
    let paths = [
        "POST /containers/a%3Fb/stop?t=1",
        "GET /containers/a/b%20c/json",
        "POST /images/create?fromImage=a&tag=latest",
        "POST /containers/a/wait?condition=not-running",
    ];
    assert_eq!(*daemon.requests.lock(), paths);
}

#[test]
fn hostile_answers_are_errors() {
    let ok = |body: &str| {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        Daemon::new(move |_, mut stream| {
            let _ = stream.write_all(answer.as_bytes());
        })
    };
    for body in ["", "{", "[]", "null", "\"x\"", "{\"Id\":1}", "\u{0}"] {
        let daemon = ok(body);
        let bollard = &daemon.bollard;
        let kinds = [
            get(bollard.inspect_container("c")).unwrap_err().kind,
            get(bollard.inspect_image("i")).unwrap_err().kind,
            get(bollard.create_container("c", &CreateBody::default())).unwrap_err().kind,
            get(bollard.version()).unwrap_err().kind,
        ];
        assert_eq!(kinds, [ErrorKind::Malformed; 4], "{body}");
    }
    // An answer that goes on for ever.
    let daemon = Daemon::new(|_, mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'['; 65536]).is_ok() {}
    });
    for error in [
        get(daemon.bollard.inspect_container("c")).unwrap_err(),
        get(daemon.bollard.pull_image("i", None)).unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Malformed, "{error}");
    }
    // Hung up, at once and in the middle; and no HTTP at all.
    for bytes in ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "hello\r\n\r\n"] {
        let daemon = Daemon::saying(bytes);
        let error = get(daemon.bollard.inspect_container("c")).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Broken, "{bytes}: {error}");
        let error = get(daemon.bollard.start_container("c"));
        assert!(bytes.starts_with("HTTP/1.1 200") || error.is_err());
    }
}

#[test]
fn nobody_is_there_any_more() {
    let daemon = Daemon::saying("");
    let bollard = daemon.bollard.clone();
    std::fs::remove_file(bollard.socket().trim_start_matches("unix://")).unwrap();
    for error in [
        get(bollard.version()).unwrap_err(),
        get(bollard.inspect_container("c")).unwrap_err(),
        get(bollard.pull_image("a", None)).unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Unreachable);
        assert!(error.message.contains(bollard.socket()), "{error}");
        assert!(error.message.ends_with("Is the docker daemon running?"), "{error}");
    }
}

#[test]
fn deadlines() {
    let daemon = Daemon::new(|_, _stream| thread::sleep(LIMIT));
    let never =
        daemon.bollard.request::<Nothing>(Some(Duration::from_millis(20)), std::future::pending());
    let error = get(never).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(error.message.contains(daemon.bollard.socket()));
}

#[test]
fn outputs_are_appended_to() {
    let daemon = Daemon::saying("");
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("stderr");
    for text in ["a\n", "b\n"] {
        daemon.bollard.write_output(&Output::Path(path.clone()), text);
        daemon.bollard.write_output(&Output::Null, text);
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\n");
}

#[test]
fn attachments_are_written_to_their_files() {
    let daemon = Daemon::new(|_, mut stream| {
        let _ = stream
            .write_all(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        for part in
            [&b"\x01\0\0\0\0\0\0\x03ou"[..], b"t\x02\0\0\0\0\0\0\x03err\x01\0\0\0", b"\0\0\0\x01!"]
        {
            let _ = stream.write_all(part);
            thread::sleep(Duration::from_millis(20));
        }
    });
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("out"), "before ").unwrap();
    let (out, err) = (Output::Path(path("out")), Output::Path(path("err")));
    let attachment = get(daemon.bollard.attach_container("c", &out, &err)).unwrap();
    assert_eq!(attachment.finished.wait(LIMIT), Some(Outcome::Ready(Nothing)));
    assert_eq!(std::fs::read_to_string(path("out")).unwrap(), "before out!");
    assert_eq!(std::fs::read_to_string(path("err")).unwrap(), "err");

    let nowhere = Output::Path(path("none/out"));
    let error = get(daemon.bollard.attach_container("c", &nowhere, &err)).unwrap_err();
    assert!(error.message.contains("none/out"), "{error}");
}
