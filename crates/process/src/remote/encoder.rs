//! From messages and answers to bytes.
//!
//! Mirrors `MessageEncoder` and `HttpResponseEncoder` in `3rdparty/libprocess/src/encoder.hpp`.

use super::message::Message;
use crate::http::{Body, HeaderValue, Request, Response, StatusCode, header};
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

/// Appends an answer: all of it, or, when its body is a pipe, its head. `seconds` is the time since
/// the epoch. Says whether the connection may stay open.
///
/// Mirrors `HttpResponseEncoder::encode`.
#[doc(alias = "HttpResponseEncoder::encode")]
pub fn response(response: &Response, asked: Asked, seconds: u64, out: &mut BytesMut) -> bool {
    let mut headers = response.headers.clone();
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    let text = |text: String| {
        HeaderValue::from_str(&text).expect("dates and numbers are visible ASCII characters")
    };
    headers.insert(header::DATE, text(date));
    let mut body = match &response.body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::None | Body::Pipe(_) => Bytes::new(),
    };
    if asked.gzip
        && body.len() >= GZIP_MINIMUM_BODY_LENGTH
        && !headers.contains_key(header::CONTENT_ENCODING)
        && let Some(compressed) = gzip(&body)
    {
        body = compressed;
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if matches!(response.body, Body::Pipe(_)) {
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    } else {
        // differs: upstream sends a length that a handler has set, whether or not it is right.
        headers.insert(header::CONTENT_LENGTH, text(body.len().to_string()));
    }
    let closes = headers
        .get(header::CONNECTION)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
    if !asked.keep_alive && !closes {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    head(response.status, &headers, out);
    if !asked.head {
        out.put_slice(&body);
    }
    asked.keep_alive && !closes
}

fn head(status: StatusCode, headers: &crate::http::HeaderMap, out: &mut BytesMut) {
    let reason = status.canonical_reason().unwrap_or("Unknown");
    // Writing into a growing buffer cannot fail.
    let _ = write!(out.writer(), "HTTP/1.1 {} {reason}\r\n", status.as_u16());
    for (name, value) in headers {
        // Names as people know them: Content-Length.
        let mut start = true;
        for byte in name.as_str().bytes() {
            out.put_u8(if start { byte.to_ascii_uppercase() } else { byte });
            start = byte == b'-';
        }
        out.put_slice(b": ");
        out.put_slice(value.as_bytes());
        out.put_slice(b"\r\n");
    }
    out.put_slice(b"\r\n");
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::default());
    encoder.write_all(body).ok()?;
    Some(encoder.finish().ok()?.into())
}
