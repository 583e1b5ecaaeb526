//! One blocking HTTP request, to learn whether a server answers.

use std::io::{self, Read, Write};

/// Sends `GET path` over `stream` and returns the status code of the answer.
///
/// The caller sets the time limits of the stream.
pub(crate) fn status_of<S: Read + Write>(mut stream: S, path: &str) -> io::Result<u16> {
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
    // "HTTP/1.0 200" is all that is of interest.
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    std::str::from_utf8(&head)
        .ok()
        .filter(|head| head.starts_with("HTTP/1."))
        .and_then(|head| head[9..].parse().ok())
        .ok_or_else(|| io::Error::other("not an HTTP answer"))
}
