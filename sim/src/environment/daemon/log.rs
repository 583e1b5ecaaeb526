//! A container's log: lines with their times, as the driver `json-file` keeps them.

use super::script::Stream;
use process::Time;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many bytes a log keeps; what is older is dropped.
const KEPT: usize = 30 << 20;

/// A line, with its end if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) time: Time,
    pub(super) stream: Stream,
    pub(super) bytes: Arc<[u8]>,
}

/// All lines, the oldest first, and what each stream has written since its last whole one.
#[derive(Default)]
pub(super) struct Log {
    lines: VecDeque<Line>,
    bytes: usize,
    partial: [Vec<u8>; 2],
}

fn slot(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}

impl Log {
    /// Adds what was written; gives the lines that this completes.
    pub(super) fn write(&mut self, time: Time, stream: Stream, bytes: &[u8]) -> Vec<Line> {
        let partial = &mut self.partial[slot(stream)];
        partial.extend_from_slice(bytes);
        let Some(end) = partial.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let rest = partial.split_off(end + 1);
        let whole = std::mem::replace(partial, rest);
        let lines: Vec<Line> = whole
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| Line { time, stream, bytes: line.into() })
            .collect();
        for line in &lines {
            self.push(line.clone());
        }
        lines
    }

    /// The container has ended: what is left is a line, too.
    pub(super) fn flush(&mut self, time: Time) -> Vec<Line> {
        let mut lines = Vec::new();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let rest = std::mem::take(&mut self.partial[slot(stream)]);
            if !rest.is_empty() {
                let line = Line { time, stream, bytes: rest.into() };
                self.push(line.clone());
                lines.push(line);
            }
        }
        lines
    }

    fn push(&mut self, line: Line) {
        self.bytes += line.bytes.len();
        self.lines.push_back(line);
        while self.bytes > KEPT {
            match self.lines.pop_front() {
                Some(oldest) => self.bytes -= oldest.bytes.len(),
                None => break,
            }
        }
    }

    /// All lines, the oldest first.
    pub(super) fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.lines.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> Time {
        Time::from_epoch(Duration::from_secs(seconds))
    }

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| std::str::from_utf8(&line.bytes).unwrap()).collect()
    }

    #[test]
    fn a_line_is_complete_when_it_ends_or_its_writer_does() {
        let mut log = Log::default();
        assert!(log.write(at(1), Stream::Stdout, b"one").is_empty());
        assert_eq!(texts(&log.write(at(2), Stream::Stderr, b"err\n")), ["err\n"]);
        assert_eq!(
            texts(&log.write(at(3), Stream::Stdout, b" two\nthree\nfo")),
            ["one two\n", "three\n"]
        );
        assert_eq!(texts(&log.flush(at(4))), ["fo"]);
        assert!(log.flush(at(5)).is_empty());
        let times: Vec<_> = log.lines().map(|line| line.time).collect();
        assert_eq!(times, [at(2), at(3), at(3), at(4)]);
    }

    #[test]
    fn a_log_forgets_what_is_too_old() {
        let mut log = Log::default();
        let mut line = vec![b'x'; 1 << 20];
        line.push(b'\n');
        for second in 0..40 {
            log.write(at(second), Stream::Stdout, &line);
        }
        assert!(log.bytes <= KEPT && log.lines().count() < 30);
        assert_eq!(log.lines().next_back().map(|line| line.time), Some(at(39)));
    }
}
