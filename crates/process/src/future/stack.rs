//! Stack for callbacks that complete futures whose callbacks complete futures, and so on.
//!
//! Callbacks run on the stack of whoever completes a future, so a chain of futures is as deep on
//! the stack as it is long. libprocess overflows there; here a chain of 100,000 goes on in
//! segments from the heap. A look at how much stack is left costs about a nanosecond.

/// Below this much stack a new segment is taken: what a callback may use without asking again.
const RED_ZONE: usize = 96 * 1024;

/// The size of a segment. Freed as soon as the callbacks on it have returned.
const SEGMENT: usize = 1024 * 1024;

/// Runs `f` here, or on a new segment of stack if little is left of this one.
#[inline]
pub(crate) fn with_enough_stack<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RED_ZONE, SEGMENT, f)
}
