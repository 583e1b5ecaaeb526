//! `drydock docker-sim` seen from its socket: HTTP as the Engine speaks it, hostile input, faults
//! that change while it runs, how it ends, and our own backend as a client. No Engine is needed.

mod simulated_server;

use serde_json::{Value, json};
use simulated_server::{Server, drydock};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

#[test]
fn paths_have_a_version_or_none() {
    let server = Server::start(&["--virtual"]);
    for path in ["/_ping", "/v1.41/_ping", "/v1.12/_ping"] {
        let (status, head, body) = server.ask("GET", path, "");
        assert_eq!((status, &*body), (200, "OK"), "{path}");
        for field in ["api-version: 1.41", "ostype: linux", "docker-experimental: false"] {
            assert!(head.contains(field), "{field} in {head}");
        }
    }
    let (status, _, body) = server.ask("HEAD", "/_ping", "");
    assert_eq!((status, &*body), (200, ""));
    let too_new = "client version 1.99 is too new. Maximum supported API version is 1.41";
    let (status, _, body) = server.ask("GET", "/v1.99/version", "");
    assert_eq!((status, json(&body)), (400, json!({ "message": too_new })));
    // Clients that old want plain text.
    let too_old = "client version 1.11 is too old. Minimum supported API version is 1.12, please \
                   upgrade your client to a newer version\n";
    let (status, _, body) = server.ask("GET", "/v1.11/version", "");
    assert_eq!((status, &*body), (400, too_old));
    let (status, _, body) = server.ask("GET", "/no/such/thing", "");
    assert_eq!((status, json(&body)), (404, json!({ "message": "page not found" })));
}

#[test]
fn hostile_requests_are_refused_and_nothing_else() {
    let server = Server::start(&["--virtual"]);
    let mut long = b"GET /_ping HTTP/1.1\r\nHost: d\r\nX: ".to_vec();
    long.resize(2_000_000, b'x');
    for (what, request, starts) in [
        ("garbage", &b"garbage\r\n\r\n"[..], "HTTP/1.1 400"),
        ("no HTTP", b"\x00\xff\x16\x03\x01\r\n\r\n", "HTTP/1.1 400"),
        ("a header without end", &long, "HTTP/1.1 431"),
    ] {
        let answer = server.raw(request);
        // Maybe it was reset while it still wrote: then there is no answer to read.
        assert!(answer.starts_with(starts) || answer.is_empty(), "{what}: {answer:?}");
    }
    // As Engine 20.10.24 answers, to the last status.
    for (path, body, status) in [
        ("/containers/create", "{", 500),
        ("/containers/create", "[]", 500),
        ("/containers/create", r#"{"Image": 7}"#, 500),
        ("/containers/create", r#"{"Image": "busybox", "HostConfig": 1}"#, 500),
        ("/containers/create", "", 500),
        ("/containers/create?name=%ff", r#"{"Image": "busybox"}"#, 404),
        ("/containers/none/start", "", 404),
        ("/images/create?fromImage=%20", "", 400),
        ("/containers/none/kill?signal=NOSUCH", "", 400),
    ] {
        let (found, _, answer) = server.ask("POST", path, body);
        assert_eq!(found, status, "{path} {body}: {answer}");
        assert!(json(&answer)["message"].is_string(), "{answer}");
    }
    assert_eq!(server.ask("GET", "/_ping", "").0, 200, "it goes on");
}

/// A pull whose client leaves is cancelled, and the daemon says so; faults are changed meanwhile.
#[test]
fn a_pull_is_cancelled_when_its_client_leaves_and_goes_on_when_the_fault_does() {
    let server = Server::start(&["--virtual", "--fault", "pull:stall@30%"]);
    let pull = || {
        let mut stream = UnixStream::connect(server.socket()).expect("it listens");
        let request = "POST /v1.41/images/create?fromImage=big&tag=latest HTTP/1.1\r\nHost: d\r\n\
                       Connection: close\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("it reads");
        stream
    };
    let in_layers = |state: &Value| state["pulls"][0]["phase"] == "layers";
    let leaves = pull();
    server.until("layers are pulled", in_layers);
    drop(leaves);
    let state = server.until("the pull is cancelled", |state| {
        state["pulls"] == json!([]) && state["ended_pulls"]["cancelled"] == 1
    });
    assert_eq!(state["images"], json!([]));

    let mut stays = pull();
    server.until("layers are pulled", in_layers);
    server.faults("");
    let mut lines = String::new();
    stays.read_to_string(&mut lines).expect("UTF-8");
    assert!(lines.contains("Status: Downloaded newer image for big:latest"), "{lines}");
    assert_eq!(server.state()["images"], json!(["big:latest"]));
    assert_eq!(server.state()["ended_pulls"]["completed"], 1);
}

#[test]
fn a_restart_ends_what_ran() {
    let server = Server::start(&["--virtual"]);
    assert_eq!(server.ask("POST", "/images/create?fromImage=busybox&tag=latest", "").0, 200);
    let body = r#"{"Image": "busybox", "Cmd": ["sleep", "1000000"]}"#;
    assert_eq!(server.ask("POST", "/containers/create?name=sleeper", body).0, 201);
    assert_eq!(server.ask("POST", "/containers/sleeper/start", "").0, 204);
    assert_eq!(server.ask("POST", "/containers/sleeper/start", "").0, 304);
    assert_eq!(server.state()["containers"][0]["state"], "running");
    assert_eq!(server.ask("POST", "/_drydock/restart?how=nonsense", "").0, 400);
    assert_eq!(server.ask("POST", "/_drydock/restart", "").0, 200);
    server.until("it is up again", |state| state["up"] == true);
    server.until("the container ended", |state| state["containers"][0]["state"] == "exited");
}

#[test]
fn it_ends_by_ctrl_c_and_takes_its_socket_along() {
    let mut server = Server::start(&[]);
    let output = Command::new(drydock())
        .args(["docker-sim", "--listen", &server.host()])
        .output()
        .expect("drydock can be run");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("--listen") && error.lines().count() == 1, "{error}");

    let socket = server.socket();
    assert!(socket.exists());
    assert_eq!(server.interrupt(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn bad_flags_are_named() {
    for (flags, names) in [
        (&["--listen", "ftp://x"][..], "--listen"),
        (&["--listen", "unix:///tmp/x", "--fault", "pull:nonsense"], "--fault"),
        (&["--listen", "unix:///tmp/x", "--speed", "0"], "--speed"),
        (&["--listen", "unix:///tmp/x", "--scenario", "/no/such/file"], "--scenario"),
        (&["--listen", "unix:///tmp/x", "--host-files", "/no/such/directory"], "--host-files"),
    ] {
        let output =
            Command::new(drydock()).arg("docker-sim").args(flags).output().expect("it can be run");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {error}");
        assert!(error.contains(names), "{flags:?}: {error}");
    }
}

/// Our own backend, agent and executor: a task from the pull of its image to its end.
#[test]
fn drydock_run_runs_a_task_on_it() {
    let server = Server::start(&[]);
    let work = tempfile::tempdir().expect("a directory");
    let output = Command::new(drydock())
        .args(["run", "--docker_image", "busybox", "--command", "echo hello; exit 3", "--json"])
        .args(["--docker_socket", &server.host(), "--work_dir"])
        .arg(work.path())
        .output()
        .expect("drydock can be run");
    let result = json(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(output.status.code(), Some(1), "{result:#}");
    let text = result.to_string();
    assert!(text.contains("TASK_FAILED") && text.contains("exited with status 3"), "{text}");
    assert_eq!(server.state()["ended_pulls"]["completed"], 1);
}
