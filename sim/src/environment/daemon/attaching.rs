//! The client's end of an attachment: what a container writes, into open files.
//!
//! Only descriptors are written to: to a path the simulated host has nothing that is open.

use super::answer::{Chunk, Opened, Reply, Sink};
use super::client::failure;
use super::script::Stream;
use docker::{ApiError, Attachment, Output};
use process::io::Descriptor;
use process::{Future, Nothing, Promise};
use std::sync::Arc;

/// Writes one stream into an open file, in order, one piece at a time.
pub(super) struct Writer {
    to: Descriptor,
    last: Future<Nothing>,
}

impl Writer {
    /// `None` when the stream is dropped.
    pub(super) fn of(output: &Output) -> Result<Option<Self>, String> {
        let Output::Fd(descriptor) = output else { return Ok(None) };
        let to = descriptor.duplicate()?;
        Ok(Some(Writer { to, last: Future::ready(Nothing) }))
    }

    /// A piece that cannot be written is lost, and the container goes on.
    fn write(&mut self, bytes: &[u8]) {
        let (to, data) = (self.to.clone(), bytes.to_vec());
        let written = self.last.then(move |_| process::io::write(&to, data));
        self.last = written.recover(|_| Future::ready(Nothing));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // What waits to be written still goes to the open file.
        let to = self.to.clone();
        self.last.on_any(move |_| to.close());
    }
}

/// Makes an attachment, and ends it.
pub(super) struct Attaching {
    pub(super) promise: Arc<Promise<Result<Attachment, ApiError>>>,
    pub(super) finished: Arc<Promise<Nothing>>,
    pub(super) stdout: Option<Writer>,
    pub(super) stderr: Option<Writer>,
}

impl Attaching {
    /// Ends the attachment once all is written.
    fn finish(&mut self) {
        let writers = [self.stdout.take(), self.stderr.take()];
        let last: Vec<_> = writers.iter().flatten().map(|writer| writer.last.clone()).collect();
        drop(writers);
        if last.is_empty() {
            self.finished.set(Nothing);
            return;
        }
        let finished = Arc::clone(&self.finished);
        process::await_all(last).on_any(move |_| {
            finished.set(Nothing);
        });
    }
}

impl Sink for Attaching {
    fn take(&mut self, reply: Reply) {
        match reply {
            Reply::Opened(Opened::Attach { .. }) => {
                let finished = self.finished.future();
                self.promise.set(Ok(Attachment { finished }));
            }
            Reply::Chunk(Chunk::Output(stream, bytes)) => {
                let writer = match stream {
                    Stream::Stdout => &mut self.stdout,
                    Stream::Stderr => &mut self.stderr,
                };
                if let Some(writer) = writer {
                    writer.write(&bytes);
                }
            }
            Reply::Opened(_) | Reply::Chunk(_) => {}
            // The streams have ended, in whatever way, if there were any.
            reply if self.promise.future().is_pending() => {
                self.promise.set(Err(failure(reply)));
            }
            _ => self.finish(),
        }
    }
}
