//! From messages and answers to bytes.
//!
//! Mirrors `MessageEncoder` and `HttpResponseEncoder` in `3rdparty/libprocess/src/encoder.hpp`.

use super::message::Message;
use crate::http::{Body, HeaderName, Request, Response, StatusCode, header};
use bytes::{BufMut, Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

/// Bodies shorter than this are not compressed.
pub const GZIP_MINIMUM_BODY_LENGTH: usize = 1024;

/// Appends a message as a request.
///
/// Mirrors `MessageEncoder::encode`.
#[doc(alias = "MessageEncoder::encode")]
pub fn message(message: &Message, out: &mut BytesMut) {
    let body = &message.body;
    out.reserve(256 + message.name.len() + body.len());
    out.put_slice(b"POST ");
    if !message.to.id().is_empty() {
        out.put_slice(b"/");
        out.put_slice(message.to.id().as_bytes());
    }
    out.put_slice(b"/");
    out.put_slice(message.name.as_bytes());
    for (name, upid) in [
        (&b" HTTP/1.1\r\nUser-Agent: libprocess/"[..], &message.from),
        (b"\r\nLibprocess-From: ", &message.from),
    ] {
        out.put_slice(name);
        out.put_slice(upid.id().as_bytes());
        out.put_slice(b"@");
        out.put_slice(upid.address().as_bytes());
    }
    out.put_slice(b"\r\nConnection: Keep-Alive\r\nHost: ");
    out.put_slice(message.to.address().as_bytes());
    if body.is_empty() {
        out.put_slice(b"\r\n\r\n");
        return;
    }
    out.put_slice(b"\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunk(body, out);
    last_chunk(out);
}

/// Appends a chunk of a body. Not for empty ones: those end the body.
pub fn chunk(bytes: &[u8], out: &mut BytesMut) {
    // Writing into a growing buffer cannot fail.
    let _ = write!(out.writer(), "{:x}\r\n", bytes.len());
    out.put_slice(bytes);
    out.put_slice(b"\r\n");
}

/// Appends what ends a body in chunks.
pub fn last_chunk(out: &mut BytesMut) {
    out.put_slice(b"0\r\n\r\n");
}

/// Whether a name could be part of the request line of a message: libprocess neither encodes nor
/// escapes it.
pub fn is_sendable(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// How an answer depends on its request.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Whether the client takes compressed bodies.
    pub gzip: bool,
    /// Whether the client keeps the connection.
    pub keep_alive: bool,
    /// Whether only the head was asked for.
    pub head: bool,
}

impl Asked {
    /// What a request asks for.
    pub fn by(request: &Request) -> Self {
        Asked {
            gzip: request.accepts_encoding("gzip"),
            keep_alive: request.keep_alive,
            head: request.method == crate::http::Method::HEAD,
        }
    }
}

/// The time of an answer as text, which is made once a second only.
#[derive(Default)]
pub struct Date {
    seconds: u64,
    text: String,
}

impl Date {
    /// The text for a time in seconds since the epoch.
    pub fn at(&mut self, seconds: u64) -> &str {
        if self.text.is_empty() || self.seconds != seconds {
            self.seconds = seconds;
            self.text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
        }
        &self.text
    }
}

/// Appends an answer: all of it, or, when its body is a pipe, its head. Says whether the connection
/// may stay open.
///
/// Mirrors `HttpResponseEncoder::encode`.
#[doc(alias = "HttpResponseEncoder::encode")]
pub fn response(response: &Response, asked: Asked, date: &str, out: &mut BytesMut) -> bool {
    let headers = &response.headers;
    let mut body = match &response.body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::None | Body::Pipe(_) => Bytes::new(),
    };
    let compressed = (asked.gzip
        && body.len() >= GZIP_MINIMUM_BODY_LENGTH
        && !headers.contains_key(header::CONTENT_ENCODING))
    .then(|| gzip(&body))
    .flatten();
    let closes = headers
        .get(header::CONNECTION)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));

    status_line(response.status, out);
    let ours = [header::DATE, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
    // differs: upstream sends a length that a handler has set, whether or not it is right.
    for (name, value) in headers.iter().filter(|(name, _)| !ours.contains(name)) {
        if asked.keep_alive || name != header::CONNECTION {
            field(name, value.as_bytes(), out);
        }
    }
    field(&header::DATE, date.as_bytes(), out);
    if let Some(compressed) = compressed {
        body = compressed;
        field(&header::CONTENT_ENCODING, b"gzip", out);
    }
    if matches!(response.body, Body::Pipe(_)) {
        field(&header::TRANSFER_ENCODING, b"chunked", out);
    } else {
        field(&header::CONTENT_LENGTH, body.len().to_string().as_bytes(), out);
    }
    if !asked.keep_alive {
        field(&header::CONNECTION, b"close", out);
    }
    out.put_slice(b"\r\n");
    if !asked.head {
        out.put_slice(&body);
    }
    asked.keep_alive && !closes
}

fn status_line(status: StatusCode, out: &mut BytesMut) {
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_slice(b" ");
    out.put_slice(status.canonical_reason().unwrap_or("Unknown").as_bytes());
    out.put_slice(b"\r\n");
}

fn field(name: &HeaderName, value: &[u8], out: &mut BytesMut) {
    // Names as people know them: Content-Length.
    let mut start = true;
    for byte in name.as_str().bytes() {
        out.put_u8(if start { byte.to_ascii_uppercase() } else { byte });
        start = byte == b'-';
    }
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::default());
    encoder.write_all(body).ok()?;
    Some(encoder.finish().ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HeaderValue, Pipe};

    fn encoded(given: &Response, asked: Asked) -> (String, bool) {
        let mut out = BytesMut::new();
        let keep = response(given, asked, Date::default().at(784_111_777), &mut out);
        (String::from_utf8_lossy(&out).into_owned(), keep)
    }

    const PLAIN: Asked = Asked { gzip: false, keep_alive: true, head: false };

    /// What a handler must not decide, it does not.
    fn wrong(response: Response) -> Response {
        [header::DATE, header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
            .into_iter()
            .fold(response, |response, name| {
                response.with_header(name, HeaderValue::from_static("wrong"))
            })
    }

    #[test]
    fn answers_are_framed_by_what_they_are() {
        let (text, keep) = encoded(&wrong(Response::ok("hello")), PLAIN);
        let head = "HTTP/1.1 200 OK\r\n";
        let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        assert!(text.starts_with(head) && text.contains(date) && keep, "{text}");
        assert!(text.ends_with("Content-Length: 5\r\n\r\nhello"), "{text}");
        assert!(!text.contains("wrong"), "{text}");

        let (reader, _writer) = Pipe::new();
        let piped = Response { body: Body::Pipe(reader), ..wrong(Response::ok("")) };
        let (text, keep) = encoded(&piped, PLAIN);
        assert!(text.ends_with("Transfer-Encoding: chunked\r\n\r\n") && keep, "{text}");
        assert!(!text.contains("wrong") && !text.contains("Content-Length"), "{text}");
    }

    #[test]
    fn either_side_may_close() {
        let close = HeaderValue::from_static("Close");
        let closing = Response::ok("").with_header(header::CONNECTION, close);
        let (text, keep) = encoded(&closing, PLAIN);
        assert!(text.contains("Connection: Close\r\n") && !keep, "{text}");
        let last = Asked { keep_alive: false, ..PLAIN };
        let kept = HeaderValue::from_static("keep-alive");
        let keeping = Response::ok("").with_header(header::CONNECTION, kept);
        for response in [closing, keeping, Response::ok("")] {
            let (text, keep) = encoded(&response, last);
            assert!(text.matches("Connection:").count() == 1 && !keep, "{text}");
            assert!(text.contains("Connection: close\r\n"), "{text}");
        }
    }

    #[test]
    fn a_date_is_that_of_its_second() {
        let mut date = Date::default();
        assert_eq!(date.at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date.at(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
