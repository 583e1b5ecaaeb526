//! A pipe: a body that is written while it is being sent.
//!
//! Mirrors `http::Pipe` in `3rdparty/libprocess/include/process/http.hpp`.

use crate::future::{Future, Nothing, Promise};
use crate::loop_::loop_here;
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

#[derive(Clone)]
enum WriteEnd {
    Open,
    Closed,
    Failed(String),
}

struct Data {
    read_end_open: bool,
    write_end: WriteEnd,
    reads: VecDeque<Promise<Bytes>>,
    writes: VecDeque<Bytes>,
    unread: usize,
    reader_closure: Option<Promise<Nothing>>,
}

type Shared = Arc<Mutex<Data>>;

/// Makes the two ends of a pipe.
#[doc(alias = "http::Pipe")]
pub struct Pipe;

impl Pipe {
    /// A pipe that is open at both ends.
    #[allow(clippy::new_ret_no_self, reason = "a pipe is its two ends")]
    pub fn new() -> (PipeReader, PipeWriter) {
        let closure = Promise::new();
        let reader_closed = closure.future();
        let data = Arc::new(Mutex::new(Data {
            read_end_open: true,
            write_end: WriteEnd::Open,
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            unread: 0,
            reader_closure: Some(closure),
        }));
        (PipeReader(Arc::clone(&data)), PipeWriter { data, reader_closed })
    }
}

/// The end from which the body comes. Clones are the same end.
#[derive(Clone)]
pub struct PipeReader(Shared);

/// The end into which the body goes. Clones are the same end.
#[derive(Clone)]
pub struct PipeWriter {
    data: Shared,
    reader_closed: Future<Nothing>,
}

impl fmt::Debug for PipeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PipeReader({} bytes unread)", self.0.lock().unread)
    }
}

impl PipeReader {
    /// What was written next; empty at the end. Fails when the writer has failed, or this end is
    /// closed.
    pub fn read(&self) -> Future<Bytes> {
        let mut data = self.0.lock();
        if !data.read_end_open {
            return Future::failed("closed");
        }
        if let Some(bytes) = data.writes.pop_front() {
            data.unread -= bytes.len();
            return Future::ready(bytes);
        }
        match &data.write_end {
            WriteEnd::Closed => Future::ready(Bytes::new()),
            WriteEnd::Failed(message) => Future::failed(message.clone()),
            WriteEnd::Open => {
                let promise = Promise::new();
                let future = promise.future();
                data.reads.push_back(promise);
                future
            }
        }
    }

    /// All that is written until the end, in one piece. It grows with what is written: for bodies
    /// whose size is known to be small.
    #[doc(alias = "readAll")]
    pub fn read_all(&self) -> Future<Bytes> {
        let reader = self.clone();
        let mut buffer = BytesMut::new();
        loop_here(
            move || reader.read(),
            move |bytes: &Bytes| {
                if bytes.is_empty() {
                    return Future::ready(ControlFlow::Break(std::mem::take(&mut buffer).freeze()));
                }
                buffer.extend_from_slice(bytes);
                Future::ready(ControlFlow::Continue(()))
            },
        )
    }

    /// Tells the writer that nobody reads any more. `false` when this end was closed before.
    pub fn close(&self) -> bool {
        let (reads, closure, writer_open) = {
            let mut data = self.0.lock();
            if !data.read_end_open {
                return false;
            }
            data.read_end_open = false;
            data.writes.clear();
            data.unread = 0;
            let writer_open = matches!(data.write_end, WriteEnd::Open);
            (std::mem::take(&mut data.reads), data.reader_closure.take(), writer_open)
        };
        for read in reads {
            read.fail("closed");
        }
        if let Some(closure) = closure {
            if writer_open {
                closure.set(Nothing);
            } else {
                // It is about readers that leave early. Whoever waits for that waits no longer.
                closure.discard();
            }
        }
        true
    }
}

impl PipeWriter {
    /// Hands bytes to the reader, or keeps them for it. `false` when either end is closed. Writing
    /// nothing has no effect.
    pub fn write(&self, bytes: impl Into<Bytes>) -> bool {
        let bytes = bytes.into();
        let (read, bytes) = {
            let mut data = self.data.lock();
            if !data.read_end_open || !matches!(data.write_end, WriteEnd::Open) {
                return false;
            }
            if bytes.is_empty() {
                return true;
            }
            match data.reads.pop_front() {
                Some(read) => (read, bytes),
                None => {
                    data.unread += bytes.len();
                    data.writes.push_back(bytes);
                    return true;
                }
            }
        };
        read.set(bytes);
        true
    }

    /// How many bytes were written and not read: what a slow reader costs.
    pub fn unread(&self) -> usize {
        self.data.lock().unread
    }

    /// Ends the body. `false` when it had ended or failed before.
    pub fn close(&self) -> bool {
        self.end(WriteEnd::Closed, |read| {
            read.set(Bytes::new());
        })
    }

    /// Ends the body with a failure. `false` when it had ended or failed before.
    pub fn fail(&self, message: &str) -> bool {
        self.end(WriteEnd::Failed(message.to_owned()), |read| {
            read.fail(message);
        })
    }

    fn end(&self, how: WriteEnd, finish: impl Fn(Promise<Bytes>)) -> bool {
        let reads = {
            let mut data = self.data.lock();
            if !matches!(data.write_end, WriteEnd::Open) {
                return false;
            }
            data.write_end = how;
            std::mem::take(&mut data.reads)
        };
        // Outside the lock: the callbacks may come back to this pipe.
        reads.into_iter().for_each(finish);
        true
    }

    /// Ready when the reader closes its end while this one is open.
    #[doc(alias = "readerClosed")]
    pub fn reader_closed(&self) -> Future<Nothing> {
        self.reader_closed.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_until_the_end() {
        let (reader, writer) = Pipe::new();
        let first = reader.read();
        assert!(first.is_pending());
        assert!(writer.write("a") && writer.write("") && writer.write("b"));
        assert_eq!(first.get().unwrap(), "a");
        assert_eq!(writer.unread(), 1);
        let all = reader.read_all();
        assert!(writer.write("c") && writer.close() && !writer.close() && !writer.write("d"));
        assert_eq!(all.get().unwrap(), "bc");
        assert!(reader.close() && !reader.close());
        assert!(writer.reader_closed().is_discarded());
    }

    #[test]
    fn a_failure_reaches_pending_and_later_reads() {
        let (reader, writer) = Pipe::new();
        let pending = reader.read();
        assert!(writer.fail("gone"));
        assert_eq!(pending.failure(), Some("gone"));
        assert_eq!(reader.read().failure(), Some("gone"));
    }

    #[test]
    fn the_writer_hears_of_a_reader_that_leaves() {
        let (reader, writer) = Pipe::new();
        let pending = reader.read();
        assert!(reader.close());
        assert_eq!(pending.failure(), Some("closed"));
        assert!(writer.reader_closed().is_ready());
        assert!(!writer.write("late"));
        assert_eq!(reader.read().failure(), Some("closed"));
    }
}
