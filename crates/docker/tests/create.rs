//! The backend's create requests, and the end of standard input.

mod support;

use docker::{Api, ApiError, CreateBody, ErrorKind};
use process::Nothing;
use std::io::Write;
use support::{Daemon, answer, get};

fn body() -> CreateBody {
    CreateBody { image: "bb:1".to_owned(), ..CreateBody::default() }
}

#[test]
fn names_and_platforms_are_parameters() {
    let daemon = Daemon::saying(answer(201, "{\"Id\":\"0123\",\"Warnings\":[]}"));
    assert_eq!(get(daemon.bollard.create_container("", &body())), Ok("0123".to_owned()));
    let platform = CreateBody { platform: Some("linux/arm64".to_owned()), ..body() };
    assert_eq!(get(daemon.bollard.create_container("a b", &platform)), Ok("0123".to_owned()));
    let expected = [
        "POST /v1.41/containers/create",
        "POST /v1.41/containers/create?name=a%20b&platform=linux/arm64",
    ];
    assert_eq!(daemon.lines(), expected);
    for request in daemon.requests() {
        assert_eq!(request.header("content-type"), Some("application/json"), "{}", request.line);
    }
}

#[test]
fn answers_that_are_none_are_errors() {
    for (bytes, kind) in [
        (answer(201, "{}"), ErrorKind::Malformed),
        (answer(201, "{\"Id\":7}"), ErrorKind::Malformed),
        (answer(201, "{\"Id\":\"\",\"Warnings\":null}"), ErrorKind::Malformed),
        (answer(201, "{\"Id\":\"0123\"}"), ErrorKind::Malformed),
        (answer(201, "{\"Id\":"), ErrorKind::Malformed),
        (
            "HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{\"Id\":".to_owned(),
            ErrorKind::Broken,
        ),
        (answer(404, ""), ErrorKind::Status(404)),
        (String::new(), ErrorKind::Broken),
    ] {
        let daemon = Daemon::saying(bytes.clone());
        let result = get(daemon.bollard.create_container("c", &body()));
        assert_eq!(result.map_err(|error| error.kind), Err(kind), "{bytes}");
    }
}

#[test]
fn standard_input_is_attached_and_hung_up() {
    let daemon = Daemon::new(|_, mut stream| {
        let _ = stream
            .write_all(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        // The client says nothing more, and goes.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    assert_eq!(get(daemon.bollard.close_stdin("a b")), Ok(Nothing));
    assert_eq!(daemon.lines(), ["POST /v1.41/containers/a%20b/attach?stream=1&stdin=1"]);

    let daemon = Daemon::saying(answer(409, "{\"message\":\"no\"}"));
    assert_eq!(get(daemon.bollard.close_stdin("c")), Err(ApiError::status(409, "no")));
}
