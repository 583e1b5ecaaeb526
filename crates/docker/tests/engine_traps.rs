//! The traps of bollard that the backend steps around, one test a row of the table in
//! `src/bollard/mod.rs`.
//!
//! The first half of each test shows that bollard, as it comes, is caught. When it fails after an
//! upgrade, bollard has been mended there and the row can go. The second half shows that the
//! backend is not caught; it stays.

mod support;

use ::bollard::container::LogOutput;
use ::bollard::errors::Error;
use ::bollard::query_parameters as query;
use docker::{Api, Credentials, ErrorKind, Limits, Output, WaitCondition};
use futures_util::{StreamExt, TryStreamExt};
use parking_lot::Mutex;
use process::{Nothing, Outcome};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use support::{CHUNKED, Daemon, LAST_CHUNK, LIMIT, PING, answer, chunk, get, hung_up};
use tempfile::TempDir;

fn pull_options(image: &str) -> Option<query::CreateImageOptions> {
    Some(query::CreateImageOptions {
        from_image: Some(image.to_owned()),
        tag: Some("1".to_owned()),
        ..Default::default()
    })
}

/// A daemon that gives everybody this chunked answer.
fn streaming(parts: &[&str]) -> Daemon {
    let body: String = parts.iter().map(|part| chunk(part)).collect();
    Daemon::saying(CHUNKED.to_owned() + &body + LAST_CHUNK)
}

#[tokio::test]
async fn version() {
    let daemon = Daemon::json(r#"{"Version":"20.10.24","ApiVersion":"1.41"}"#);
    let plain = daemon.plain_bollard().negotiate_version().await.expect("a version");
    plain.version().await.expect("an answer");
    assert_eq!(daemon.lines(), ["GET /version", "GET /version"]);

    // Ours: the older of both, said with every path.
    let version = get(daemon.bollard.version()).expect("an answer");
    assert_eq!((version.major, version.minor), (20, 10));
    let _ = get(daemon.bollard.inspect_container("c"));
    let newest = daemon.lines().split_off(2);
    assert_eq!(newest, ["GET /v1.41/version", "GET /v1.41/containers/c/json"]);
    assert_eq!(daemon.pings(), 1);

    let newest = bollard::API_DEFAULT_VERSION;
    let newest = format!("/v{}.{}/version", newest.major_version, newest.minor_version);
    for (said, path) in [
        ("Api-Version: 1.40\r\n", "/v1.40/version"),
        ("Api-Version: 9.99\r\n", &*newest),
        ("", "/version"),
        ("Api-Version: new\r\n", "/version"),
    ] {
        let daemon = Daemon::unversioned(Limits::default(), move |request, mut stream| {
            let text = if request.is("/_ping") {
                format!("HTTP/1.1 200 OK\r\n{said}Content-Length: 0\r\n\r\n")
            } else {
                answer(200, r#"{"Version":"1.2.3"}"#)
            };
            let _ = stream.write_all(text.as_bytes());
        });
        get(daemon.bollard.version()).expect("an answer");
        assert_eq!(daemon.lines(), [format!("GET {path}")], "{said}");
    }
}

/// Another daemon in the place of the one that was asked: it refuses the version, and does nothing.
#[test]
fn version_of_a_daemon_that_was_replaced() {
    let replaced = AtomicUsize::new(0);
    let daemon = Daemon::unversioned(Limits::default(), move |request, mut stream| {
        let new = replaced.load(Ordering::SeqCst) > 0;
        let text = if request.is("/_ping") {
            PING.replace("1.41", if new { "1.52" } else { "1.41" })
        } else if new && request.is("/v1.41/") {
            let message = "client version 1.41 is too old. Minimum supported API version is 1.44";
            answer(400, &format!("{{\"message\":\"{message}\"}}"))
        } else {
            replaced.store(1, Ordering::SeqCst);
            "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
        };
        let _ = stream.write_all(text.as_bytes());
    });
    // One that is made here, one that bollard makes.
    assert_eq!(get(daemon.bollard.stop_container("c", 1)), Ok(Nothing));
    assert_eq!(get(daemon.bollard.stop_container("c", 1)), Ok(Nothing));
    assert_eq!(get(daemon.bollard.kill_container("c", 9)), Ok(Nothing));
    let lines = [
        "POST /v1.41/containers/c/stop?t=1",
        "POST /v1.41/containers/c/stop?t=1",
        "POST /v1.52/containers/c/stop?t=1",
        "POST /v1.52/containers/c/kill?signal=9",
    ];
    assert_eq!((daemon.lines(), daemon.pings()), (lines.map(str::to_owned).to_vec(), 2));
}

#[tokio::test]
async fn not_modified() {
    for (status, expected) in
        [("204 No Content", Ok(Nothing)), ("304 Not Modified", Err(ErrorKind::Status(304)))]
    {
        let daemon = Daemon::saying(format!("HTTP/1.1 {status}\r\n\r\n"));
        let plain = daemon.plain_bollard();
        let start = plain.start_container("c", None::<query::StartContainerOptions>).await;
        let stop = plain.stop_container("c", None::<query::StopContainerOptions>).await;
        assert!(matches!((start, stop), (Ok(()), Ok(()))), "{status}");

        let kind = |result: Result<Nothing, docker::ApiError>| result.map_err(|error| error.kind);
        assert_eq!(kind(get(daemon.bollard.start_container("c"))), expected);
        assert_eq!(kind(get(daemon.bollard.stop_container("c", 1))), expected);
    }
}

#[tokio::test]
async fn line_break() {
    let daemon = streaming(&["{\"status\":\"Pull", "ing\"}", "\r\n"]);
    let lines: Result<Vec<_>, _> =
        daemon.plain_bollard().create_image(pull_options("a"), None, None).try_collect().await;
    let error = lines.expect_err("bollard is mended").to_string();
    assert!(error.contains("bytes remaining on stream"), "{error}");

    assert_eq!(get(daemon.bollard.pull_image("a:1", None)), Ok(Nothing));
}

/// How long the backend waits stands in `tests/limits.rs`.
#[tokio::test]
async fn timeout() {
    let (next, go) = channel::<()>();
    let go = Mutex::new(go);
    let daemon = Daemon::new(move |request, mut stream| {
        if request.is("tag=1") {
            let line = chunk("{\"status\":\"Waiting\"}\r\n");
            let _ = stream.write_all((CHUNKED.to_owned() + &line).as_bytes());
        }
        let _ = go.lock().recv_timeout(LIMIT);
        let _ = stream.write_all(LAST_CHUNK.as_bytes());
    });
    // One limit for all: a stop that needs its grace period has ended before it, for bollard.
    let at_once =
        bollard::Docker::connect_with_unix(daemon.path(), 0, bollard::API_DEFAULT_VERSION)
            .expect("a client");
    let options = query::StopContainerOptions { t: Some(10), ..Default::default() };
    let stop = at_once.stop_container("c", Some(options)).await;
    assert!(matches!(stop, Err(Error::RequestTimeoutError)), "{stop:?}");
    // And only until the headers: from the first line on a pull may be silent for ever.
    let second = bollard::Docker::connect_with_unix(daemon.path(), 1, bollard::API_DEFAULT_VERSION)
        .expect("a client");
    let mut pull = second.create_image(pull_options("a"), None, None);
    assert!(matches!(pull.next().await, Some(Ok(_))));
    let silence = tokio::time::timeout(Duration::from_millis(1200), pull.next()).await;
    assert!(silence.is_err(), "bollard has a limit: {silence:?}");
    drop(next);
}

#[tokio::test]
async fn exit() {
    let options = || Some(query::WaitContainerOptions { condition: "next-exit".to_owned() });
    let daemon = streaming(&["{\"Error\":null,\"StatusCode\":3}\n"]);
    let plain = daemon.plain_bollard().wait_container("c", options()).try_collect::<Vec<_>>().await;
    let is_caught = matches!(
        &plain,
        Err(Error::DockerContainerWaitError { code: 3, error }) if error.is_empty()
    );
    assert!(is_caught, "{plain:?}");

    // Up to Engine 28 the error is there and null; since then it is not there. Podman's is empty.
    for (body, code) in [
        ("{\"Error\":null,\"StatusCode\":3}\n", 3),
        ("{\"StatusCode\":3}\n", 3),
        ("{\"StatusCode\":0}\n", 0),
        ("{\"Error\":{\"Message\":\"\"},\"StatusCode\":137}", 137),
        ("{\"Error\":{},\"StatusCode\":137,\"New\":[1]}", 137),
    ] {
        let daemon = streaming(&[body]);
        let wait = daemon.bollard.wait_container("c", WaitCondition::NextExit);
        assert_eq!(get(wait), Ok(code), "{body}");
    }
    let daemon = streaming(&["{\"Error\":{\"Message\":\"no such\"},\"StatusCode\":-1}"]);
    let wait = daemon.bollard.wait_container("c", WaitCondition::NextExit);
    let error = get(wait).expect_err("no exit");
    assert_eq!((error.kind, &*error.message), (ErrorKind::Stream, "no such"));
}

#[tokio::test]
async fn pull_errors() {
    let only_error = "{\"error\":\"unexpected EOF\"}\r\n";
    let daemon = streaming(&["{\"status\":\"Pulling\"}\r\n", only_error]);
    let plain =
        daemon.plain_bollard().create_image(pull_options("a"), None, None).try_collect::<Vec<_>>();
    assert_eq!(plain.await.expect("bollard is mended").len(), 2);

    let kind = |daemon: &Daemon| {
        get(daemon.bollard.pull_image("a:1", None)).map_err(|error| (error.kind, error.message))
    };
    let stream = |message: &str| Err((ErrorKind::Stream, message.to_owned()));
    assert_eq!(kind(&daemon), stream("unexpected EOF"));
    // In both places, as daemons have it; and in the newer one alone.
    let both = "{\"errorDetail\":{\"message\":\"denied\"},\"error\":\"denied\"}\r\n";
    assert_eq!(kind(&streaming(&[both])), stream("denied"));
    let detail = "{\"errorDetail\":{\"code\":1,\"message\":\"denied\"}}\r\n";
    assert_eq!(kind(&streaming(&["{\"status\":\"x\"}\r\n", detail])), stream("denied"));
    // Before the stream begins.
    let refused = Daemon::saying(answer(404, "{\"message\":\"manifest unknown\"}"));
    assert_eq!(kind(&refused), Err((ErrorKind::Status(404), "manifest unknown".to_owned())));
    // An error is the end, whatever follows, and a line without its end is no line.
    let daemon = streaming(&[only_error, "{\"status\":\"Pulling\"}\r\n"]);
    assert_eq!(kind(&daemon), stream("unexpected EOF"));
    let cut = kind(&streaming(&["{\"status\":\"Pulling\"}\r\n{\"status\":"]));
    assert_eq!(cut.expect_err("half a line").0, ErrorKind::Broken);
    let cut = kind(&Daemon::saying(CHUNKED.to_owned() + &chunk("{\"status\":\"Pulling\"}\r\n")));
    assert_eq!(cut.expect_err("no end").0, ErrorKind::Broken);
}

/// A daemon whose attachments begin with a header that promises a gigabyte, and a little of it.
fn promising(ends: bool, closed: Sender<bool>) -> Daemon {
    let closed = Mutex::new(closed);
    Daemon::new(move |_, mut stream| {
        let head = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(b"\x01\0\0\0\x40\0\0\0a little\n");
        if !ends {
            let _ = closed.lock().send(hung_up(&mut stream));
        }
    })
}

#[tokio::test]
async fn attach() {
    let (closed, when_closed) = channel();
    let daemon = promising(true, closed.clone());
    let options = query::AttachContainerOptions {
        stream: true,
        stdout: true,
        stderr: true,
        ..Default::default()
    };
    let plain = daemon.plain_bollard().attach_container("c", Some(options)).await;
    // It comes with the end only, and without its stream.
    let first = plain.expect("attached").output.next().await;
    assert!(matches!(first, Some(Ok(LogOutput::Console { .. }))), "{first:?}");

    // Ours passes on what there is.
    let daemon = promising(false, closed.clone());
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("stdout");
    let output = Output::Path(path.clone());
    let attachment = get(daemon.bollard.attach_container("c", &output, &Output::Null));
    let attachment = attachment.expect("attached");
    let mut pause = tokio::time::interval(Duration::from_millis(5));
    let written = async {
        while std::fs::read_to_string(&path).unwrap_or_default() != "a little\n" {
            pause.tick().await;
        }
    };
    tokio::time::timeout(LIMIT, written).await.expect("written");
    // An end that does not come is the listener's to decide.
    assert!(attachment.finished.is_pending());
    attachment.finished.discard();
    assert_eq!(when_closed.recv_timeout(LIMIT), Ok(true));
    // When the connection ends, so does it, and nothing more is expected.
    let daemon = promising(true, closed);
    let attachment = get(daemon.bollard.attach_container("c", &output, &Output::Null));
    let finished = attachment.expect("attached").finished;
    assert_eq!(finished.wait(LIMIT), Some(Outcome::Ready(Nothing)));
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "a little\na little\n");
}

#[tokio::test]
async fn credentials() {
    // Its JSON has characters that the two alphabets write differently.
    let password = "~~~???>>>ÿÿÿ";
    let daemon = streaming(&["{\"status\":\"x\"}\r\n"]);
    let plain = bollard::auth::DockerCredentials {
        username: Some("user".to_owned()),
        password: Some(password.to_owned()),
        ..Default::default()
    };
    let pull = daemon.plain_bollard().create_image(pull_options("a"), None, Some(plain));
    pull.try_collect::<Vec<_>>().await.expect("pulled");
    let ours = Credentials {
        username: "user".to_owned(),
        password: password.to_owned(),
        ..Credentials::default()
    };
    get(daemon.bollard.pull_image_as("a:1", Some(&ours), None)).expect("pulled");
    get(daemon.bollard.pull_image_as("a:1", Some(&Credentials::default()), None)).expect("pulled");
    get(daemon.bollard.pull_image("a:1", None)).expect("pulled");
    let requests = daemon.requests();
    let sent = |index: usize| requests[index].header("x-registry-auth").map(str::to_owned);
    assert!(sent(0).is_some_and(|header| header.contains(['+', '/'])), "{:?}", sent(0));
    assert_eq!(sent(1), Some(ours.header()));
    assert!(sent(1).is_some_and(|header| !header.contains(['+', '/'])), "{:?}", sent(1));
    assert_eq!((sent(2), sent(3)), (None, None));
}

#[tokio::test]
async fn body() {
    let limits = Limits { answer_bytes_max: 1 << 20, ..Limits::default() };
    let padding = " ".repeat(4 << 20);
    let body =
        answer(200, &format!("{{\"Id\":\"x\",\"Warnings\":[],\"Version\":\"1.2.3\"{padding}}}"));
    let daemon = Daemon::with_limits(limits, move |_, mut stream| {
        let _ = stream.write_all(body.as_bytes());
    });
    daemon.plain_bollard().version().await.expect("bollard has a limit");

    // One that bollard makes, and one that is made here.
    let error = get(daemon.bollard.version()).expect_err("too long");
    assert_eq!(error.kind, ErrorKind::Malformed, "{error}");
    assert!(error.message.contains("longer than"), "{error}");
    let error = get(daemon.bollard.inspect_image("i")).expect_err("too long");
    assert_eq!(error.kind, ErrorKind::Malformed, "{error}");
    assert!(error.message.contains("longer than"), "{error}");
}

#[tokio::test]
async fn enums() {
    let daemon = Daemon::json(r#"[{"Id":"a","Names":["/x"],"State":"frozen"}]"#);
    let options = query::ListContainersOptions { all: true, ..Default::default() };
    let plain = daemon.plain_bollard().list_containers(Some(options)).await;
    assert!(matches!(plain, Err(Error::JsonDataError { .. })), "{plain:?}");

    let rows = get(daemon.bollard.list_containers(true)).expect("a list");
    assert_eq!((&*rows[0].id, &*rows[0].names[0]), ("a", "/x"));
}

/// The daemon is not to be read to its end by those who hang up: what is left is its problem.
#[test]
fn a_daemon_that_goes_on_is_left() {
    let (written, when_written) = channel();
    let written = Mutex::new(written);
    let limits = Limits { answer_bytes_max: 1 << 20, ..Limits::default() };
    let daemon = Daemon::with_limits(limits, move |_, mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let mut count = 0_usize;
        while stream.write_all(&[b'['; 1 << 16]).is_ok() {
            count += 1 << 16;
        }
        let _ = stream.read(&mut [0; 1]);
        let _ = written.lock().send(count);
    });
    for kind in [
        get(daemon.bollard.version()).expect_err("too long").kind,
        get(daemon.bollard.list_containers(true)).expect_err("too long").kind,
        get(daemon.bollard.inspect_container("c")).expect_err("too long").kind,
        get(daemon.bollard.wait_container("c", WaitCondition::NotRunning)).expect_err("long").kind,
        get(daemon.bollard.pull_image("i", None)).expect_err("too long").kind,
    ] {
        assert_eq!(kind, ErrorKind::Malformed);
        // What was taken, and what lay in buffers on the way.
        let count = when_written.recv_timeout(LIMIT).expect("it ends");
        assert!(count < 8 << 20, "{count} bytes");
    }
}
