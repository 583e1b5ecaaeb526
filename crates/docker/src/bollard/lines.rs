//! A stream of bytes as lines, and a pull's lines as progress and errors.

use super::error::{malformed, stream};
use crate::{ApiError, PullProgress};
use serde::Deserialize;

/// Cuts a stream into lines, however it arrives: a line break may itself be cut in two.
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where there is no line break behind `start`.
    searched: usize,
    max: usize,
}

impl Lines {
    /// No line may have more than `max` bytes.
    pub(super) fn new(max: usize) -> Self {
        Lines { buffer: Vec::new(), start: 0, searched: 0, max }
    }

    pub(super) fn push(&mut self, data: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(data);
    }

    /// The next whole line that is not blank, without its line break.
    pub(super) fn next_line(&mut self) -> Result<Option<&[u8]>, ApiError> {
        loop {
            let found = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
            let end = found.map_or(self.buffer.len(), |index| self.searched + index);
            if end - self.start > self.max {
                return Err(malformed(format!("a line is longer than {} bytes", self.max)));
            }
            if found.is_none() {
                self.searched = end;
                return Ok(None);
            }
            let (start, next) = (self.start, end + 1);
            (self.start, self.searched) = (next, next);
            if !self.buffer[start..end].trim_ascii().is_empty() {
                return Ok(Some(self.buffer[start..end].trim_ascii()));
            }
        }
    }

    /// What stands behind the last line break, if anything.
    pub(super) fn rest(&self) -> Option<&[u8]> {
        let rest = self.buffer[self.start..].trim_ascii();
        (!rest.is_empty()).then_some(rest)
    }
}

/// One line of a pull. What is not here is of no use to us.
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

/// What a line of a pull says; a line that is an error becomes one. An old daemon may have the
/// message in one of its two places only.
pub(super) fn parse(line: &[u8]) -> Result<PullProgress, ApiError> {
    // An array would do for serde, element by element.
    if line.first() != Some(&b'{') {
        return Err(malformed("a line that is no object"));
    }
    let line: Line = serde_json::from_slice(line).map_err(malformed)?;
    let failed = line.error_detail.is_some() || line.error.is_some();
    if failed {
        let detail = line.error_detail.and_then(|detail| detail.message);
        let message = detail.filter(|message| !message.is_empty()).or(line.error);
        let message = message.filter(|message| !message.is_empty());
        let message = message.unwrap_or_else(|| "the pull failed without a message".to_owned());
        return Err(stream(&message));
    }
    let bytes = |bytes: Option<i64>| bytes.and_then(|bytes| u64::try_from(bytes).ok());
    let detail = line.progress.unwrap_or_default();
    Ok(PullProgress {
        id: line.id.unwrap_or_default(),
        status: line.status.unwrap_or_default(),
        current: bytes(detail.current).unwrap_or(0),
        total: bytes(detail.total).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const MAX: usize = 1 << 10;

    #[test]
    fn lines_survive_any_cut() {
        let stream = b"{\"a\":1}\r\n\r\n{\"b\":2}\n{\"c\":3}\r\n{\"d\"";
        for cut in 0..stream.len() {
            let mut lines = Lines::new(MAX);
            let mut found = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                lines.push(part);
                while let Some(line) = lines.next_line().unwrap() {
                    found.push(line.to_vec());
                }
            }
            assert_eq!(found, [b"{\"a\":1}", b"{\"b\":2}", b"{\"c\":3}"], "cut at {cut}");
            assert_eq!(lines.rest(), Some(&b"{\"d\""[..]));
        }
    }

    #[test]
    fn lines_have_an_end_and_only_the_last_is_kept() {
        for end in ["", "\n"] {
            let mut lines = Lines::new(MAX);
            lines.push(format!("{}{end}", "x".repeat(MAX)).as_bytes());
            assert_eq!(lines.next_line().unwrap().map(<[u8]>::len).is_some(), end == "\n");
            lines.push(format!("{}{end}", "x".repeat(MAX + 1)).as_bytes());
            assert_eq!(lines.next_line().unwrap_err().kind, ErrorKind::Malformed);
        }
        let mut lines = Lines::new(MAX);
        for _ in 0..1000 {
            lines.push(&[b'\n'; 4 * MAX]);
            assert_eq!(lines.next_line().unwrap(), None);
        }
        assert!(lines.buffer.capacity() < 64 * MAX);
    }

    #[test]
    fn errors_are_found_in_either_place() {
        for (line, message) in [
            (r#"{"errorDetail":{"message":"a"},"error":"b"}"#, "a"),
            (r#"{"errorDetail":{"code":1},"error":"b"}"#, "b"),
            (r#"{"errorDetail":{"message":""},"error":"b"}"#, "b"),
            (r#"{"errorDetail":{"message":"a"}}"#, "a"),
            (r#"{"error":"b"}"#, "b"),
            (r#"{"errorDetail":{}}"#, "the pull failed without a message"),
            (r#"{"error":""}"#, "the pull failed without a message"),
        ] {
            let error = parse(line.as_bytes()).unwrap_err();
            assert_eq!((error.kind, &*error.message), (ErrorKind::Stream, message));
        }
        for line in [&b"{"[..], b"[1]", b"[]", b"{\"status\":7}", b"\xff"] {
            assert_eq!(parse(line).unwrap_err().kind, ErrorKind::Malformed);
        }
    }

    #[test]
    fn progress_is_read() {
        let line =
            br#"{"status":"Downloading","progressDetail":{"current":3,"total":-1},"id":"ab"}"#;
        let line = parse(line).unwrap();
        assert_eq!((&*line.id, line.current, line.total), ("ab", 3, 0));
        let line = parse(br#"{"status":"Pulling from x","progressDetail":{}}"#).unwrap();
        assert_eq!((&*line.id, &*line.status), ("", "Pulling from x"));
    }
}
