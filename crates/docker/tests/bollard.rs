//! The backend against a daemon of which each test says what it answers: the orderly cases.

mod support;

use docker::{Api, CreateBody, ErrorKind, Output, PullEvent, WaitCondition};
use parking_lot::Mutex;
use process::{Nothing, Outcome};
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use support::{CHUNKED, Daemon, LAST_CHUNK, LIMIT, answer, chunk, get, hung_up};
use tempfile::TempDir;

#[test]
fn a_start_is_sent_once_the_wait_is_registered() {
    let (go, gone): (Sender<()>, Receiver<()>) = channel();
    let gone = Mutex::new(gone);
    let daemon = Daemon::new(move |request, mut stream| {
        if request.is("/wait?condition=next-exit") {
            let _ = gone.lock().recv_timeout(LIMIT);
            let _ = stream.write_all(CHUNKED.as_bytes());
            let _ = gone.lock().recv_timeout(LIMIT);
            let body = chunk("{\"Error\":null,\"StatusCode\":137}\n") + LAST_CHUNK;
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
    assert!(!daemon.lines().contains(&"POST /v1.41/containers/c/start".to_owned()));
    go.send(()).expect("the daemon waits for it");
    assert_eq!(get(start), Ok(Nothing));
    assert!(wait.is_pending());
    go.send(()).expect("the daemon waits for it");
    assert_eq!(get(wait), Ok(137));
}

#[test]
fn a_wait_that_is_given_up_holds_no_start_up() {
    let daemon = Daemon::new(|request, mut stream| {
        if request.is("/wait") {
            hung_up(&mut stream);
        }
        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
    });
    let wait = daemon.bollard.wait_container("c", WaitCondition::NextExit);
    let start = daemon.bollard.start_container("c");
    wait.discard();
    assert!(wait.is_discarded());
    assert_eq!(get(start), Ok(Nothing));
}

#[test]
fn a_discard_closes_the_connection() {
    let (closed, when_closed) = channel();
    let (opened, when_opened) = channel();
    let (closed, opened) = (Mutex::new(closed), Mutex::new(opened));
    let daemon = Daemon::new(move |_, mut stream| {
        let _ = opened.lock().send(());
        let _ = closed.lock().send(hung_up(&mut stream));
    });
    for _ in 0..2 {
        let inspect = daemon.bollard.inspect_container("c");
        when_opened.recv_timeout(LIMIT).expect("a request");
        inspect.discard();
        assert!(inspect.is_discarded());
        assert_eq!(when_closed.recv_timeout(LIMIT), Ok(true));
    }
}

#[test]
fn requests_are_what_they_should_be() {
    let daemon = Daemon::saying(answer(404, "{\"message\":\"No such: x y\"}"));
    let api = &daemon.bollard;
    let expected = docker::ApiError::status(404, "No such: x y");
    let body = CreateBody { image: "bb:1".to_owned(), ..CreateBody::default() };
    assert_eq!(get(api.create_container("a b", &body)), Err(expected.clone()));
    assert_eq!(get(api.start_container("a?b")), Err(expected.clone()));
    assert_eq!(get(api.stop_container("a?b", 1)), Err(expected.clone()));
    assert_eq!(get(api.kill_container("a?b", 15)), Err(expected.clone()));
    assert_eq!(get(api.remove_container("a?b", true, false)), Err(expected.clone()));
    assert_eq!(get(api.inspect_container("a/b c")), Err(expected.clone()));
    assert_eq!(get(api.inspect_image("a/b:1")), Err(expected.clone()));
    assert_eq!(get(api.list_containers(true)), Err(expected.clone()));
    assert_eq!(get(api.pull_image("a", None)), Err(expected.clone()));
    let wait = api.wait_container("a", WaitCondition::NotRunning);
    assert_eq!(get(wait), Err(expected.clone()));
    let attach = api.attach_container("a", &Output::Null, &Output::Null);
    assert_eq!(get(attach).unwrap_err(), expected);
    let paths = [
        "POST /v1.41/containers/create?name=a%20b",
        "POST /v1.41/containers/a%3Fb/start",
        "POST /v1.41/containers/a%3Fb/stop?t=1",
        "POST /v1.41/containers/a%3Fb/kill?signal=15",
        "DELETE /v1.41/containers/a%3Fb?v=false&force=true&link=false",
        "GET /v1.41/containers/a/b%20c/json",
        "GET /v1.41/images/a/b:1/json",
        "GET /v1.41/containers/json?all=true",
        "POST /v1.41/images/create?fromImage=a&tag=latest",
        "POST /v1.41/containers/a/wait?condition=not-running",
        "POST /v1.41/containers/a/attach?stream=1&stdout=1&stderr=1",
    ];
    assert_eq!(daemon.lines(), paths);
    for request in daemon.requests() {
        assert_eq!(request.header("host"), Some("docker"), "{}", request.line);
    }
    // A name that is none is not sent, in the daemon's own words.
    let error = get(api.pull_image("A//b", None)).unwrap_err();
    assert_eq!(error.code(), Some(400));
    assert_eq!(daemon.lines().len(), paths.len());
}

#[test]
fn progress_is_passed_on_line_by_line() {
    let daemon = Daemon::new(|_, mut stream| {
        let lines = [
            r#"{"status":"Pulling from a","id":"1"}"#,
            r#"{"status":"Downloading","progressDetail":{"current":3,"total":9},"id":"aa"}"#,
        ];
        let body: String = lines.iter().map(|line| chunk(&format!("{line}\r\n"))).collect();
        let _ = stream.write_all((CHUNKED.to_owned() + &body + LAST_CHUNK).as_bytes());
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let progress: PullEvent = Arc::new(move |line| sink.lock().push(line));
    assert_eq!(get(daemon.bollard.pull_image("a:1", Some(progress))), Ok(Nothing));
    let seen = seen.lock();
    assert_eq!((&*seen[0].id, &*seen[0].status), ("1", "Pulling from a"));
    assert_eq!((&*seen[1].id, seen[1].current, seen[1].total), ("aa", 3, 9));
}

#[test]
fn nobody_is_there_any_more() {
    let daemon = Daemon::saying("");
    let api = &daemon.bollard;
    std::fs::remove_file(daemon.path()).expect("the socket");
    for error in [
        get(api.version()).unwrap_err(),
        get(api.inspect_container("c")).unwrap_err(),
        get(api.start_container("c")).unwrap_err(),
        get(api.pull_image("a", None)).unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Unreachable);
        assert!(error.message.contains(api.socket()), "{error}");
        assert!(error.message.ends_with("Is the docker daemon running?"), "{error}");
        assert!(!error.leaves_outcome_unknown());
    }
}

#[test]
fn outputs_are_appended_to() {
    let daemon = Daemon::saying("");
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("stderr");
    for text in ["a\n", "b\n"] {
        daemon.bollard.write_output(&Output::Path(path.clone()), text);
        daemon.bollard.write_output(&Output::Null, text);
    }
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "a\nb\n");
}

/// Over a connection that changes its protocol, as daemons do that are asked to, and as a body.
#[test]
fn attachments_are_written_to_their_files() {
    for head in [
        "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n",
    ] {
        let (next, go) = channel();
        let go = Mutex::new(go);
        let daemon = Daemon::new(move |_, mut stream| {
            let _ = stream.write_all(head.as_bytes());
            for part in [
                &b"\x01\0\0\0\0\0\0\x03ou"[..],
                b"t\x02\0\0\0\0\0\0\x03err\x01\0\0\0",
                b"\0\0\0\x01!",
            ] {
                let _ = go.lock().recv_timeout(LIMIT);
                let _ = stream.write_all(part);
            }
        });
        let directory = TempDir::new().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let read = |name: &str| std::fs::read_to_string(path(name)).expect("the file");
        std::fs::write(path("out"), "before ").expect("written");
        let (out, err) = (Output::Path(path("out")), Output::Path(path("err")));
        let attachment = get(daemon.bollard.attach_container("c", &out, &err)).expect("attached");
        for _ in 0..3 {
            next.send(()).expect("the daemon waits for it");
        }
        assert_eq!(attachment.finished.wait(LIMIT), Some(Outcome::Ready(Nothing)));
        assert_eq!((read("out"), read("err")), ("before out!".to_owned(), "err".to_owned()));

        let nowhere = Output::Path(path("none/out"));
        let error = get(daemon.bollard.attach_container("c", &nowhere, &err)).unwrap_err();
        assert!(error.message.contains("none/out"), "{error}");
    }
}

#[test]
fn an_attachment_that_nobody_wants_is_hung_up() {
    let (closed, when_closed) = channel();
    let closed = Mutex::new(closed);
    let daemon = Daemon::new(move |_, mut stream| {
        let head = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
        let _ = stream.write_all(head.as_bytes());
        let _ = closed.lock().send(stream.read(&mut [0; 1]).is_ok_and(|count| count == 0));
    });
    let attach = daemon.bollard.attach_container("c", &Output::Null, &Output::Null);
    let attachment = get(attach).expect("attached");
    attachment.finished.discard();
    assert!(attachment.finished.is_discarded());
    assert_eq!(when_closed.recv_timeout(LIMIT), Ok(true));
}
