//! The progress lines of a pull on their way to a client that reads them.
//!
//! Lines arrive one by one and in order: each is an op that schedules the next, and the end of the
//! pull follows the last line.

use crate::environment::operations::Operations;
use docker::{PullEvent, PullProgress};
use parking_lot::Mutex;
use process::Label;
use process::simulated::ContextId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

const LINE: Label = Label::plain("Docker client", "pull progress");

#[derive(Default)]
struct Lines {
    waiting: VecDeque<PullProgress>,
    /// A line is travelling.
    busy: bool,
    closed: bool,
    end: Option<Box<dyn FnOnce() + Send>>,
}

struct Inner {
    operations: Operations,
    context: ContextId,
    travel: Duration,
    event: PullEvent,
    lines: Mutex<Lines>,
}

/// The stream of one pull; a handle to it.
#[derive(Clone)]
pub(super) struct Stream(Arc<Inner>);

impl Stream {
    pub(super) fn new(
        operations: &Operations,
        context: ContextId,
        travel: Duration,
        event: PullEvent,
    ) -> Self {
        let operations = operations.clone();
        Stream(Arc::new(Inner { operations, context, travel, event, lines: Mutex::default() }))
    }

    /// Sends a line.
    pub(super) fn line(&self, line: PullProgress) {
        {
            let mut lines = self.0.lines.lock();
            if lines.closed {
                return;
            }
            lines.waiting.push_back(line);
            if lines.busy {
                return;
            }
            lines.busy = true;
        }
        self.deliver_later();
    }

    /// Runs `end` once all lines have arrived; at once if they have.
    pub(super) fn end(&self, end: impl FnOnce() + Send + 'static) {
        {
            let mut lines = self.0.lines.lock();
            if lines.busy && !lines.closed {
                lines.end = Some(Box::new(end));
                return;
            }
        }
        end();
    }

    /// The client has left: no more lines.
    pub(super) fn close(&self) {
        let mut lines = self.0.lines.lock();
        lines.closed = true;
        lines.waiting.clear();
    }

    fn deliver_later(&self) {
        let stream = self.clone();
        let deliver = move || stream.deliver();
        self.0.operations.schedule_about(self.0.context, LINE, self.0.travel, deliver);
    }

    fn deliver(&self) {
        let line = self.0.lines.lock().waiting.pop_front();
        if let Some(line) = line {
            (self.0.event)(line);
        }
        let end = {
            let mut lines = self.0.lines.lock();
            if lines.waiting.is_empty() {
                lines.busy = false;
                lines.end.take()
            } else {
                drop(lines);
                self.deliver_later();
                return;
            }
        };
        if let Some(end) = end {
            end();
        }
    }
}
