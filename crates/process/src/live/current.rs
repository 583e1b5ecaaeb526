//! Which event this thread is handling, so that what it sends can name its cause.

use crate::label::EventId;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static CURRENT: Cell<u64> = const { Cell::new(0) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

static THREADS: AtomicU64 = AtomicU64::new(1);

/// Restores the previous event when dropped: handlers nest when a callback runs another inline.
pub(crate) struct Current {
    previous: u64,
}

pub(crate) fn enter() -> Current {
    let id = NEXT.with(|next| {
        // Each thread numbers its events in a range of its own: no shared counter on this path.
        let id = match next.get() {
            0 => THREADS.fetch_add(1, Ordering::Relaxed) << 40,
            id => id,
        };
        next.set(id + 1);
        id
    });
    Current { previous: CURRENT.replace(id) }
}

impl Drop for Current {
    fn drop(&mut self) {
        CURRENT.set(self.previous);
    }
}

pub(crate) fn event() -> EventId {
    EventId(CURRENT.get())
}
