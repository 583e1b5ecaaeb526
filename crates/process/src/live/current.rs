//! What this thread is doing: in which process it is, and which event it handles, so that what it
//! sends can name its cause and carry its sender's time.

use crate::label::EventId;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// Identifies a process of the live runtime for ever: numbers are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProcessNumber(pub(crate) u64);

/// Where a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In no part of the runtime, or in input and output.
    Outside,
    /// Where timers fire.
    Clock,
    /// In a function given to `async_`.
    Aside,
    Process(ProcessNumber),
}

thread_local! {
    static PLACE: Cell<Place> = const { Cell::new(Place::Outside) };
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

/// Grows with every event that this thread begins to handle.
pub(super) fn handled() -> u64 {
    NEXT.get()
}

/// Restores the previous place when dropped.
pub(crate) struct Entered {
    previous: Place,
}

/// This thread is at `place` until the result is dropped. Done once for all the events that a
/// process handles in a row, as upstream sets `__process__`.
pub(crate) fn enter_place(place: Place) -> Entered {
    Entered { previous: PLACE.replace(place) }
}

impl Drop for Entered {
    fn drop(&mut self) {
        PLACE.set(self.previous);
    }
}

pub(crate) fn place() -> Place {
    PLACE.get()
}
