//! What this thread is doing: in which process it is, so that what it sends can carry its sender's
//! time, and how many events it has begun to handle.

use std::cell::Cell;

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
    static HANDLED: Cell<u64> = const { Cell::new(0) };
}

/// This thread begins to handle an event.
#[inline]
pub(crate) fn handling() {
    HANDLED.set(HANDLED.get() + 1);
}

/// How many events this thread has begun to handle.
pub(super) fn handled() -> u64 {
    HANDLED.get()
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
