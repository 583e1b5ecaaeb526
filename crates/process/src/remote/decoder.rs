//! From bytes to requests: HTTP/1.0 and 1.1, pipelined, with a length or in chunks.
//!
//! Stands for `StreamingRequestDecoder` in `3rdparty/libprocess/src/decoder.hpp`. It does no input
//! or output and knows no time; [`Limits`] bound what it keeps.
//!
//! differs: upstream's parser takes what later standards forbid (a length beside chunks, two
//! lengths, spaces before a colon). They have no use but to smuggle requests past a proxy, and are
//! refused.

use super::limits::Limits;
use crate::http::StatusCode;
use bytes::{Buf, Bytes, BytesMut};
use std::fmt;
use std::mem::MaybeUninit;

/// The most header fields that a request may have.
const HEADERS: usize = 100;

/// Bodies up to this size are copied out of the connection's buffer, so that a message that waits
/// to be handled does not keep all of the buffer.
const SMALL: usize = 16 * 1024;

/// The longest line that gives a chunk's size: 16 digits and extensions.
const CHUNK_LINE: usize = 256;

/// Why a connection is not read from any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the peer is answered.
    pub status: StatusCode,
    /// What was wrong, for the answer and the log.
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Refusal { status, reason: reason.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// A whole request, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The method.
    pub method: Bytes,
    /// The request target.
    pub target: Bytes,
    /// The header fields, in order. Values have no blanks around them.
    pub headers: Vec<(Bytes, Bytes)>,
    /// The body.
    pub body: Bytes,
    /// Whether the connection stays open for another request.
    pub keep_alive: bool,
}

impl Decoded {
    /// The first header field of this name, which is to be given in lower case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        find(&self.headers, name)
    }
}

fn find<'a>(headers: &'a [(Bytes, Bytes)], name: &str) -> Option<&'a [u8]> {
    let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|(_, value)| &value[..])
}

enum State {
    Head,
    /// So many more bytes of a body.
    Length(usize),
    ChunkSize,
    /// So many more bytes of a chunk.
    Chunk(usize),
    ChunkEnd,
    Trailers,
    Refused(Refusal),
}

/// Decodes the requests of one connection.
pub struct Decoder {
    limits: Limits,
    state: State,
    /// How far the input was searched for the end of a head.
    searched: usize,
    request: Option<Decoded>,
    body: BytesMut,
    trailers: usize,
    expects_continue: bool,
}

/// What to do with what was read.
enum Progress {
    /// The state has changed: look again.
    Again,
    /// More bytes are needed.
    Starved,
    Request(Decoded),
}

impl Decoder {
    /// A decoder at the start of a connection.
    pub fn new(limits: Limits) -> Self {
        Decoder {
            limits,
            state: State::Head,
            searched: 0,
            request: None,
            body: BytesMut::new(),
            trailers: 0,
            expects_continue: false,
        }
    }

    /// Whether a request has begun and is not complete.
    pub fn is_within_request(&self, unread: &BytesMut) -> bool {
        !unread.is_empty() || !matches!(self.state, State::Head)
    }

    /// How many bytes of a body are kept.
    pub fn buffered(&self) -> usize {
        self.body.len()
    }

    /// Whether the peer waits for a `100 Continue` before it sends the body. True once.
    pub fn wants_continue(&mut self) -> bool {
        std::mem::take(&mut self.expects_continue)
    }

    /// Takes the next request off `input`; `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// What makes the connection useless from here on. Every later call repeats it.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<Decoded>, Refusal> {
        loop {
            match self.step(input) {
                Ok(Progress::Again) => {}
                Ok(Progress::Starved) => return Ok(None),
                Ok(Progress::Request(request)) => return Ok(Some(request)),
                Err(refusal) => {
                    self.state = State::Refused(refusal.clone());
                    self.body = BytesMut::new();
                    return Err(refusal);
                }
            }
        }
    }

    fn step(&mut self, input: &mut BytesMut) -> Result<Progress, Refusal> {
        match &self.state {
            State::Head => self.head(input),
            State::Length(left) => {
                let left = *left - self.take(input, *left);
                self.state = State::Length(left);
                Ok(if left == 0 { self.complete() } else { Progress::Starved })
            }
            State::ChunkSize => self.chunk_size(input),
            State::Chunk(left) => {
                let left = *left - self.take(input, *left);
                self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                Ok(if left == 0 { Progress::Again } else { Progress::Starved })
            }
            State::ChunkEnd => match line(input, 0).map_err(|()| bad("chunk without an end"))? {
                None => Ok(Progress::Starved),
                Some(line) => {
                    input.advance(line.end);
                    self.state = State::ChunkSize;
                    Ok(Progress::Again)
                }
            },
            State::Trailers => self.trailer(input),
            State::Refused(refusal) => Err(refusal.clone()),
        }
    }

    /// Moves up to `limit` bytes into the body, and says how many.
    fn take(&mut self, input: &mut BytesMut, limit: usize) -> usize {
        let count = limit.min(input.len());
        if self.body.is_empty() && count > SMALL {
            self.body = input.split_to(count);
        } else {
            self.body.extend_from_slice(&input[..count]);
            input.advance(count);
        }
        count
    }

    fn complete(&mut self) -> Progress {
        self.state = State::Head;
        match self.request.take() {
            Some(mut request) => {
                request.body = std::mem::take(&mut self.body).freeze();
                Progress::Request(request)
            }
            // A body is only awaited for a request.
            None => Progress::Again,
        }
    }

    fn head(&mut self, input: &mut BytesMut) -> Result<Progress, Refusal> {
        // Empty lines before a request line are to be ignored (RFC 9112, 2.2).
        while input.starts_with(b"\r\n") || input.starts_with(b"\n") {
            input.advance(if input[0] == b'\r' { 2 } else { 1 });
        }
        if input.is_empty() || input[..] == b"\r"[..] {
            return Ok(Progress::Starved);
        }
        let window = &input[..input.len().min(self.limits.head)];
        // Each byte is looked at once for this, however slowly they come.
        if self.searched > 0 && !has_end(window, self.searched) {
            return self.starved(window.len(), input.len());
        }
        let mut fields = [const { MaybeUninit::uninit() }; HEADERS];
        let mut parsed = httparse::Request::new(&mut []);
        let length = match parsed.parse_with_uninit_headers(window, &mut fields) {
            Ok(httparse::Status::Complete(length)) => length,
            // What is wrong is said once all is there, so that it is the same however it comes.
            _ if !has_end(window, self.searched) => {
                return self.starved(window.len(), input.len());
            }
            Ok(httparse::Status::Partial) => return Err(bad("malformed request")),
            Err(httparse::Error::TooManyHeaders) => return Err(too_large()),
            Err(error) => return Err(bad(&format!("malformed request: {error}"))),
        };
        self.searched = 0;
        let minor = parsed.version.unwrap_or(1);
        // A head costs two allocations: this copy, of which all else are slices, and the list.
        let head = Bytes::copy_from_slice(&window[..length]);
        let slice = |text: &[u8]| {
            let start = text.as_ptr() as usize - window.as_ptr() as usize;
            head.slice(start..start + text.len())
        };
        let fields = parsed.headers.iter();
        let headers: Vec<_> =
            fields.map(|field| (slice(field.name.as_bytes()), slice(field.value))).collect();
        let request = Decoded {
            method: slice(parsed.method.unwrap_or_default().as_bytes()),
            target: slice(parsed.path.unwrap_or_default().as_bytes()),
            keep_alive: keep_alive(minor, &headers),
            headers,
            body: Bytes::new(),
        };
        input.advance(length);
        self.frame(request, minor)
    }

    /// Waits for the rest of a head, as long as it may still be one.
    fn starved(&mut self, window: usize, input: usize) -> Result<Progress, Refusal> {
        self.searched = window;
        if window < input || window == self.limits.head {
            return Err(too_large());
        }
        Ok(Progress::Starved)
    }

    /// Decides where the body ends.
    fn frame(&mut self, request: Decoded, minor: u8) -> Result<Progress, Refusal> {
        let length = content_length(&request.headers)?;
        let coding = request.header("transfer-encoding");
        self.state = match (coding, length) {
            (Some(_), Some(_)) => return Err(bad("both a length and a transfer encoding")),
            (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => {
                self.trailers = 0;
                State::ChunkSize
            }
            (Some(_), None) => {
                let reason = "transfer encoding other than chunked";
                return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, reason));
            }
            (None, Some(length)) => {
                self.fits(length)?;
                State::Length(length)
            }
            (None, None) => State::Length(0),
        };
        let has_body = !matches!(self.state, State::Length(0));
        let expect = request.header("expect");
        self.expects_continue = minor > 0
            && has_body
            && expect.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"));
        self.request = Some(request);
        Ok(Progress::Again)
    }

    /// Whether the body may grow to `length`.
    fn fits(&self, length: usize) -> Result<(), Refusal> {
        if length <= self.limits.body {
            return Ok(());
        }
        let reason = format!("body larger than {} bytes", self.limits.body);
        Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason))
    }

    fn chunk_size(&mut self, input: &mut BytesMut) -> Result<Progress, Refusal> {
        let Some(line) = line(input, CHUNK_LINE).map_err(|()| bad("chunk size too long"))? else {
            return Ok(Progress::Starved);
        };
        // What follows a semicolon are extensions, which nobody uses.
        let text = &input[..line.length];
        let digits = text.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let size = hexadecimal(digits)
            .ok_or_else(|| bad(&format!("bad chunk size '{}'", digits.escape_ascii())))?;
        input.advance(line.end);
        if size == 0 {
            self.state = State::Trailers;
        } else {
            self.fits(self.body.len().saturating_add(size))?;
            self.state = State::Chunk(size);
        }
        Ok(Progress::Again)
    }

    /// Fields behind the last chunk are read and ignored.
    fn trailer(&mut self, input: &mut BytesMut) -> Result<Progress, Refusal> {
        let limit = self.limits.head.saturating_sub(self.trailers);
        let Some(line) = line(input, limit).map_err(|()| bad("trailers too large"))? else {
            return Ok(Progress::Starved);
        };
        input.advance(line.end);
        if line.length == 0 {
            return Ok(self.complete());
        }
        self.trailers += line.length + 2;
        Ok(Progress::Again)
    }
}

/// Whether there is an empty line, as far as it could not be seen in the first `searched` bytes.
fn has_end(window: &[u8], searched: usize) -> bool {
    let mut rest = &window[searched.saturating_sub(3).min(window.len())..];
    // Stops at the first: behind it may be many more requests.
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        rest = &rest[end + 1..];
        if rest.starts_with(b"\n") || rest.starts_with(b"\r\n") {
            return true;
        }
    }
    false
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head too large")
}

fn bad(reason: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, reason)
}

/// The first line of the input.
struct Line {
    /// How long it is.
    length: usize,
    /// Where the next one begins.
    end: usize,
}

/// Finds the end of the first line. An error when there is none within `limit` bytes.
fn line(input: &[u8], limit: usize) -> Result<Option<Line>, ()> {
    let Some(end) = input.iter().take(limit + 2).position(|byte| *byte == b'\n') else {
        return if input.len() >= limit + 2 { Err(()) } else { Ok(None) };
    };
    let line = &input[..end];
    let length = line.strip_suffix(b"\r").unwrap_or(line).len();
    if length > limit { Err(()) } else { Ok(Some(Line { length, end: end + 1 })) }
}

/// Digits only: no sign, no prefix, nothing that does not fit.
fn hexadecimal(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0usize, |size, byte| {
        let digit = char::from(*byte).to_digit(16)?;
        size.checked_mul(16)?.checked_add(digit as usize)
    })
}

fn content_length(headers: &[(Bytes, Bytes)]) -> Result<Option<usize>, Refusal> {
    let mut length = None;
    for (name, value) in headers {
        if !name.eq_ignore_ascii_case(b"content-length") {
            continue;
        }
        let digits = value.iter().all(u8::is_ascii_digit) && !value.is_empty();
        let text = std::str::from_utf8(value).ok().filter(|_| digits);
        let Some(parsed) = text.and_then(|text| text.parse::<usize>().ok()) else {
            return Err(bad(&format!("bad content length '{}'", value.escape_ascii())));
        };
        if length.is_some_and(|other| other != parsed) {
            return Err(bad("two content lengths"));
        }
        length = Some(parsed);
    }
    Ok(length)
}

/// HTTP/1.1 keeps connections unless told otherwise, HTTP/1.0 closes them unless told otherwise.
fn keep_alive(minor: u8, headers: &[(Bytes, Bytes)]) -> bool {
    let options = find(headers, "connection").unwrap_or_default();
    let mut options = options.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    if minor == 0 {
        options.any(|option| option.eq_ignore_ascii_case(b"keep-alive"))
    } else {
        !options.any(|option| option.eq_ignore_ascii_case(b"close"))
    }
}
