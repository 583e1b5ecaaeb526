//! `POST /images/create`: a pull, and the stream of its progress.

use super::error::{broken, malformed};
use super::transport::{self, Address, encode};
use crate::{ApiError, ErrorKind, ImageReference, PullEvent, PullProgress};
use ::bollard::errors::Error;
use http_body_util::BodyExt;
use hyper::Method;
use process::Nothing;
use serde::Deserialize;
use std::sync::Arc;

/// No line of progress may be longer than this, in bytes.
const MAX_LINE: usize = 1 << 20;

pub(super) async fn pull(
    address: Arc<Address>,
    reference: String,
    progress: Option<PullEvent>,
) -> Result<Nothing, ApiError> {
    // The daemon's own answer to a name like this, without asking it.
    let parsed = ImageReference::parse(&reference)
        .map_err(|error| ApiError::status(400, error.to_string()))?;
    let path = format!(
        "/images/create?fromImage={}&tag={}",
        encode(&parsed.name),
        encode(parsed.pull_tag())
    );
    // Errors before the first line of progress have a status code; later ones are lines.
    let response = transport::request(address, Method::POST, &path).await?;
    let mut body = response.into_body();
    let mut lines = Lines::default();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Error::from)?.into_data() else { continue };
        lines.push(&data);
        while let Some(line) = lines.next_line()? {
            report(&line, progress.as_ref())?;
        }
    }
    if let Some(line) = lines.rest() {
        report(&line, progress.as_ref()).map_err(|error| match error.kind {
            ErrorKind::Malformed => broken("the pull ended in the middle of a line"),
            _ => error,
        })?;
    }
    Ok(Nothing)
}

/// One line. What is not here is of no use to us.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    id: Option<String>,
    status: Option<String>,
    #[serde(rename = "progressDetail")]
    progress: Option<Detail>,
    error: Option<String>,
    #[serde(rename = "errorDetail")]
    error_detail: Option<ErrorDetail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    current: Option<i64>,
    total: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorDetail {
    message: Option<String>,
}

/// Passes a line of progress on; a line that is an error becomes one. An old daemon may have the
/// message in one of its two places only.
fn report(line: &[u8], progress: Option<&PullEvent>) -> Result<(), ApiError> {
    let line: Line = serde_json::from_slice(line).map_err(malformed)?;
    let detail = line.error_detail.map(|detail| detail.message.unwrap_or_default());
    if let Some(message) = detail.filter(|message| !message.is_empty()).or(line.error) {
        return Err(ApiError { kind: ErrorKind::Stream, message });
    }
    if let Some(progress) = progress {
        let bytes = |bytes: Option<i64>| bytes.and_then(|bytes| u64::try_from(bytes).ok());
        let detail = line.progress.unwrap_or_default();
        progress(PullProgress {
            id: line.id.unwrap_or_default(),
            status: line.status.unwrap_or_default(),
            current: bytes(detail.current).unwrap_or(0),
            total: bytes(detail.total).unwrap_or(0),
        });
    }
    Ok(())
}

/// Cuts a stream into lines, however it arrives: a line break may itself be cut in two.
#[derive(Default)]
struct Lines {
    buffer: Vec<u8>,
    /// How much of the buffer is known to have no line break.
    searched: usize,
}

impl Lines {
    fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// The next whole line that is not blank, without its line break.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        loop {
            let found = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
            let Some(index) = found else {
                self.searched = self.buffer.len();
                return if self.searched > MAX_LINE {
                    Err(malformed(format!("a line is longer than {MAX_LINE} bytes")))
                } else {
                    Ok(None)
                };
            };
            let rest = self.buffer.split_off(self.searched + index + 1);
            let line = std::mem::replace(&mut self.buffer, rest);
            self.searched = 0;
            let line = line.trim_ascii();
            if !line.is_empty() {
                return Ok(Some(line.to_vec()));
            }
        }
    }

    /// What stands behind the last line break, if anything.
    fn rest(self) -> Option<Vec<u8>> {
        let rest = self.buffer.trim_ascii();
        (!rest.is_empty()).then(|| rest.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[test]
    fn lines_survive_any_cut() {
        let stream = b"{\"a\":1}\r\n\r\n{\"b\":2}\n{\"c\":3}\r\n{\"d\"";
        for cut in 0..stream.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                lines.push(part);
                while let Some(line) = lines.next_line().unwrap() {
                    found.push(line);
                }
            }
            assert_eq!(found, [b"{\"a\":1}", b"{\"b\":2}", b"{\"c\":3}"], "cut at {cut}");
            assert_eq!(lines.rest().as_deref(), Some(&b"{\"d\""[..]));
        }
    }

    #[test]
    fn endless_lines_are_errors() {
        let mut lines = Lines::default();
        lines.push(&vec![b'x'; MAX_LINE + 1]);
        assert_eq!(lines.next_line().unwrap_err().kind, ErrorKind::Malformed);
    }

    #[test]
    fn errors_are_found_in_either_place() {
        for (line, message) in [
            (r#"{"errorDetail":{"message":"a"},"error":"b"}"#, "a"),
            (r#"{"errorDetail":{"code":1},"error":"b"}"#, "b"),
            (r#"{"error":"b"}"#, "b"),
        ] {
            let error = report(line.as_bytes(), None).unwrap_err();
            assert_eq!((error.kind, &*error.message), (ErrorKind::Stream, message));
        }
        for line in [&b"{"[..], b"[1]", b"{\"status\":7}", b"\xff"] {
            assert_eq!(report(line, None).unwrap_err().kind, ErrorKind::Malformed);
        }
    }

    #[test]
    fn progress_is_reported() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let event: PullEvent = Arc::new(move |progress| sink.lock().push(progress));
        let line =
            br#"{"status":"Downloading","progressDetail":{"current":3,"total":-1},"id":"ab"}"#;
        report(line, Some(&event)).unwrap();
        report(br#"{"status":"Pulling from x","progressDetail":{}}"#, Some(&event)).unwrap();
        let seen = seen.lock();
        assert_eq!((&*seen[0].id, seen[0].current, seen[0].total), ("ab", 3, 0));
        assert_eq!((&*seen[1].id, &*seen[1].status), ("", "Pulling from x"));
    }
}
