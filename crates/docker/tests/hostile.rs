//! Daemons that answer with anything but what they should: errors, and soon.

mod support;

use docker::{
    Answer, Api, ApiError, Bollard, CreateBody, ErrorKind, Guarded, Limits, Output, PullLimits,
    WaitCondition,
};
use parking_lot::Mutex;
use process::Nothing;
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;
use support::{CHUNKED, Daemon, LAST_CHUNK, LIMIT, answer, chunk, get};

type Ask = fn(&Bollard) -> Result<(), ApiError>;

fn ended<T: process::future::Value>(answer: Answer<T>) -> Result<(), ApiError> {
    get(answer).map(drop)
}

/// Requests whose answer has a body that means something.
const READERS: &[(&str, Ask)] = &[
    ("version", |api| ended(api.version())),
    ("create", |api| ended(api.create_container("c", &CreateBody::default()))),
    ("inspect", |api| ended(api.inspect_container("c"))),
    ("inspect image", |api| ended(api.inspect_image("i"))),
    ("list", |api| ended(api.list_containers(true))),
    ("wait", |api| ended(api.wait_container("c", WaitCondition::NextExit))),
];

/// Requests whose answer is a status.
const ACTORS: &[(&str, Ask)] = &[
    ("start", |api| ended(api.start_container("c"))),
    ("stop", |api| ended(api.stop_container("c", 1))),
    ("kill", |api| ended(api.kill_container("c", 9))),
    ("remove", |api| ended(api.remove_container("c", true, true))),
];

const PULL: (&str, Ask) = ("pull", |api| ended(api.pull_image("i", None)));

const ATTACH: (&str, Ask) = ("attach", |api| {
    let attachment = get(api.attach_container("c", &Output::Null, &Output::Null))?;
    attachment.finished.wait(LIMIT).expect("an end");
    Ok(())
});

fn all() -> impl Iterator<Item = &'static (&'static str, Ask)> {
    READERS.iter().chain(ACTORS).chain([&PULL, &ATTACH])
}

#[test]
fn bodies_that_make_no_sense() {
    let bodies = [
        "",
        "{",
        "[",
        "null",
        "true",
        "7",
        "\"x\"",
        "[7]",
        "[[]]",
        "{\"Id\":1}",
        "\u{0}",
        "{\"Id\":\"a\",\"Name\":7}",
        "[{\"Id\":null}]",
        "{\"StatusCode\":\"3\"}",
        "<html>",
        "{\"StatusCode\":1e99}",
        "{\"Version\":{}}",
        "{} {}",
    ];
    for body in bodies {
        let daemon = Daemon::json(body);
        for (name, ask) in READERS {
            let Err(error) = ask(&daemon.bollard) else {
                panic!("{name} is content with {body:?}")
            };
            let expected = match (*name, body) {
                ("wait", "") => ErrorKind::Broken,
                _ => ErrorKind::Malformed,
            };
            assert_eq!(error.kind, expected, "{name} {body:?}: {error}");
        }
    }
    let bytes = |body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        Daemon::saying([head.as_bytes(), body].concat())
    };
    for body in [&b"\xff\xfe"[..], b"{\"Id\":\"\xff\"}"] {
        let daemon = bytes(body);
        for (name, ask) in READERS {
            let error = ask(&daemon.bollard).expect_err(name);
            assert_eq!(error.kind, ErrorKind::Malformed, "{name}: {error}");
        }
    }
}

/// Deep enough to overflow a stack that follows it down.
#[test]
fn json_without_a_bottom() {
    let deep = "[".repeat(1 << 20);
    for body in [deep.clone(), format!("{{\"Id\":{deep}")] {
        let daemon = Daemon::json(&body);
        for (name, ask) in READERS {
            assert_eq!(ask(&daemon.bollard).expect_err(name).kind, ErrorKind::Malformed);
        }
        let daemon = Daemon::saying(CHUNKED.to_owned() + &chunk(&body[..1 << 19]) + LAST_CHUNK);
        assert!(PULL.1(&daemon.bollard).is_err());
    }
}

#[test]
fn lines_of_ten_megabytes() {
    for line in [
        format!("{{\"status\":\"{}\"}}\n", "x".repeat(10 << 20)),
        "x".repeat(10 << 20),
        " ".repeat(10 << 20) + "{\"status\":\"Pulling\"}\n",
    ] {
        let daemon = Daemon::saying(CHUNKED.to_owned() + &chunk(&line) + LAST_CHUNK);
        let error = PULL.1(&daemon.bollard).expect_err("too long");
        assert_eq!(error.kind, ErrorKind::Malformed);
        assert!(error.message.contains("a line is longer than 1048576 bytes"), "{error}");
    }
    // An error message is cut to what people read.
    let line = format!("{{\"error\":\"{}\"}}\n", "x".repeat(1 << 19));
    let daemon = Daemon::saying(CHUNKED.to_owned() + &chunk(&line) + LAST_CHUNK);
    let error = PULL.1(&daemon.bollard).expect_err("an error");
    assert_eq!((error.kind, error.message.len() < 5000), (ErrorKind::Stream, true));
    let daemon = Daemon::saying(answer(500, &"x".repeat(1 << 20)));
    for (name, ask) in all() {
        let error = ask(&daemon.bollard).expect_err(name);
        assert_eq!((error.code(), error.message.len() < 5000), (Some(500), true), "{name}");
    }
}

#[test]
fn statuses_that_nobody_expects() {
    for status in [199, 300, 301, 302, 307, 399, 418, 451, 500, 599, 600, 999] {
        let daemon = Daemon::saying(answer(status, "{\"message\":\"hm\"}"));
        for (name, ask) in all() {
            let error = ask(&daemon.bollard).expect_err(name);
            let expected = ErrorKind::Status(status);
            // What is no final status is no answer either.
            let kinds = if status < 200 { vec![ErrorKind::Broken] } else { vec![expected] };
            assert!(kinds.contains(&error.kind), "{name} {status}: {error:?}");
        }
    }
}

/// A conversation that ends after each of its bytes.
#[test]
fn a_connection_that_breaks_anywhere() {
    let inspect = r#"{"Id":"a","Name":"/c","State":{"Pid":0,"StartedAt":""},"HostConfig":{}}"#;
    let lines = chunk("{\"status\":\"Pulling\"}\r\n") + &chunk("{\"status\":\"Done\"}\r\n");
    for (name, ask, whole) in [
        ("inspect", READERS[2].1, answer(200, inspect)),
        ("list", READERS[4].1, answer(200, "[]")),
        ("start", ACTORS[0].1, "HTTP/1.1 204 No Content\r\n\r\n".to_owned()),
        ("start", ACTORS[0].1, answer(404, "{\"message\":\"no\"}")),
        ("remove", ACTORS[3].1, "HTTP/1.1 204 No Content\r\n\r\n".to_owned()),
        ("wait", READERS[5].1, CHUNKED.to_owned() + &chunk("{\"StatusCode\":0}") + LAST_CHUNK),
        ("pull", PULL.1, CHUNKED.to_owned() + &lines + LAST_CHUNK),
    ] {
        let cut = Arc::new(Mutex::new(0));
        let (at, text) = (Arc::clone(&cut), whole.clone());
        let daemon = Daemon::new(move |_, mut stream| {
            let _ = stream.write_all(&text.as_bytes()[..*at.lock()]);
        });
        for length in 0..=whole.len() {
            *cut.lock() = length;
            let result = ask(&daemon.bollard);
            if length < whole.len() {
                let error = result.expect_err("half an answer");
                assert_eq!(error.kind, ErrorKind::Broken, "{name} {length}: {error}");
                assert!(error.leaves_outcome_unknown());
            } else {
                assert_eq!(result.is_ok(), !whole.contains("404"), "{name}");
            }
        }
    }
    // It hangs up before it has read anything.
    let listener = tempfile::tempdir().expect("a directory");
    let path = listener.path().join("docker.sock");
    let socket = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    #[expect(clippy::disallowed_methods, reason = "a daemon on a thread of its own")]
    std::thread::spawn(move || socket.incoming().for_each(drop));
    let api = Bollard::connect(path.to_str()).expect("it listens");
    for (name, ask) in all() {
        assert_eq!(ask(&api).expect_err(name).kind, ErrorKind::Broken, "{name}");
    }
}

/// What comes before the body has no end. Whoever waits for it takes in only so much.
#[test]
fn endless_heads() {
    for (head, piece) in [
        ("HTTP/1.1 200 OK\r\n", "X-Filler: filler\r\n"),
        ("HTTP/1.1 200 OK\r\nX-Filler: ", "fillerfillerfiller"),
        ("HTTP/1.1 ", "2"),
        ("", "\r\n"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
        (CHUNKED, "0"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "extension"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-Trailer: filler\r\n"),
    ] {
        let (written, when_written) = channel();
        let (written, flood) = (Mutex::new(written), piece.repeat((64 << 10) / piece.len()));
        let limits = Limits { answer_bytes_max: 64 << 10, ..Limits::default() };
        let daemon = Daemon::with_limits(limits, move |_, mut stream| {
            let _ = stream.write_all(head.as_bytes());
            let mut count = 0_usize;
            while stream.write_all(flood.as_bytes()).is_ok() {
                count += flood.len();
            }
            let _ = written.lock().send(count);
        });
        for (name, ask) in READERS.iter().chain(ACTORS) {
            let result = ask(&daemon.bollard);
            // A status without a body is an answer to those who want no body.
            let accepted =
                head.contains("chunked") && ACTORS.iter().any(|(actor, _)| actor == name);
            assert_eq!(result.is_ok(), accepted, "{name} {head:?} {piece:?}: {result:?}");
            let count = when_written.recv_timeout(LIMIT).expect("it ends");
            assert!(count < 4 << 20, "{name} {head:?} {piece:?}: {count} bytes");
        }
    }
}

/// Lines that are well-formed and lead nowhere, faster than anybody can read them.
#[test]
fn a_pull_without_end() {
    let limits = Limits {
        pull: PullLimits {
            waiting: Duration::from_millis(100),
            downloading: Duration::from_millis(100),
            ..PullLimits::default()
        },
        ..Limits::default()
    };
    for line in [
        "{\"status\":\"Hm\"}\r\n",
        "{\"status\":\"Waiting\",\"id\":\"a\"}\r\n",
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1},\"id\":\"a\"}\r\n",
        "\r\n",
        "{}\n",
    ] {
        let flood = chunk(&line.repeat(1000));
        let daemon = Daemon::with_limits(limits.clone(), move |_, mut stream| {
            let _ = stream.write_all(CHUNKED.as_bytes());
            while stream.write_all(flood.as_bytes()).is_ok() {}
        });
        let guarded = Guarded::new(Arc::new(daemon.bollard.clone()), limits.clone());
        let error = get(guarded.pull_image("a:1", None)).expect_err("stalled");
        assert_eq!(error.kind, ErrorKind::Timeout, "{line:?}");
        assert!(error.message.contains("has stalled"), "{line:?}: {error}");
    }
}

/// Two hundred, and then an error: the headers were too early.
#[test]
fn errors_behind_a_success() {
    for (body, kind) in [
        ("{\"message\":\"no\"}", ErrorKind::Malformed),
        ("{\"error\":\"no\"}", ErrorKind::Malformed),
        ("{\"errorDetail\":{\"message\":\"no\"},\"error\":\"no\"}\n", ErrorKind::Malformed),
    ] {
        let daemon = Daemon::json(body);
        for (name, ask) in READERS {
            // Of a version everything may be missing but the version.
            let error = ask(&daemon.bollard).expect_err(name);
            assert_eq!(error.kind, kind, "{name} {body}: {error}");
        }
        let pull = get(daemon.bollard.pull_image("a:1", None));
        let expected = if body.contains("error") { Err(ErrorKind::Stream) } else { Ok(Nothing) };
        assert_eq!(pull.map_err(|error| error.kind), expected, "{body}");
    }
}
