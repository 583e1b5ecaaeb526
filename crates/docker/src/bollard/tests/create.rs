//! Create requests, and the end of standard input.

use super::{Daemon, get};
use crate::{Api, ApiError, CreateBody, ErrorKind};
use process::Nothing;
use std::io::Write;

fn body() -> CreateBody {
    CreateBody { image: "bb:1".to_owned(), ..CreateBody::default() }
}

#[test]
fn names_and_platforms_are_parameters() {
    let daemon = Daemon::saying(
        "HTTP/1.1 201 Created\r\nContent-Length: 27\r\n\r\n{\"Id\":\"0123\",\"Warnings\":[]}",
    );
    assert_eq!(get(daemon.bollard.create_container("", &body())), Ok("0123".to_owned()));
    let platform = CreateBody { platform: Some("linux/arm64".to_owned()), ..body() };
    assert_eq!(get(daemon.bollard.create_container("a b", &platform)), Ok("0123".to_owned()));
    let expected =
        ["POST /containers/create", "POST /containers/create?name=a%20b&platform=linux/arm64"];
    assert_eq!(*daemon.requests.lock(), expected);
}

#[test]
fn answers_that_are_none_are_errors() {
    for (answer, kind) in [
        ("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", ErrorKind::Malformed),
        ("HTTP/1.1 201 Created\r\nContent-Length: 8\r\n\r\n{\"Id\":7}", ErrorKind::Malformed),
        ("HTTP/1.1 201 Created\r\nContent-Length: 6\r\n\r\n{\"Id\":", ErrorKind::Malformed),
        ("HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{\"Id\":", ErrorKind::Broken),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ErrorKind::Status(404)),
        ("", ErrorKind::Broken),
    ] {
        let daemon = Daemon::saying(answer);
        let result = get(daemon.bollard.create_container("c", &body()));
        assert_eq!(result.map_err(|error| error.kind), Err(kind), "{answer}");
    }
}

#[test]
fn standard_input_is_attached_and_hung_up() {
    let daemon = Daemon::new(|request, mut stream| {
        assert_eq!(request, "POST /containers/a%20b/attach?stream=1&stdin=1");
        let _ = stream
            .write_all(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        // The client says nothing more, and goes.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    assert_eq!(get(daemon.bollard.close_stdin("a b")), Ok(Nothing));

    let refusal = "HTTP/1.1 409 Conflict\r\nContent-Length: 16\r\n\r\n{\"message\":\"no\"}";
    let daemon = Daemon::saying(refusal);
    assert_eq!(get(daemon.bollard.close_stdin("c")), Err(ApiError::status(409, "no")));
}
