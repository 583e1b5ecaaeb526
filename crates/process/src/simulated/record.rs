//! What a tracing simulation records.

use super::ContextId;
use crate::clock::Time;
use crate::label::{EventId, Label};

/// One handled event.
#[derive(Clone, Debug)]
pub struct EventRecord {
    /// Its number in the order of handling.
    pub id: EventId,
    /// The event whose handler sent it; 0 for the start.
    pub cause: EventId,
    /// The virtual time at which it was handled.
    pub time: Time,
    /// Where it was handled.
    pub context: ContextId,
    /// What it was.
    pub label: Label,
    /// The digest of the run after this event was chosen.
    pub digest: u64,
}

/// A remark made while an event was handled: a state change, a fault, an outcome.
#[derive(Clone, Debug)]
pub struct Note {
    /// The event during which it was made.
    pub event: EventId,
    /// The virtual time.
    pub time: Time,
    /// What kind of remark: `state`, `fault`, `docker`, …
    pub kind: &'static str,
    /// The remark.
    pub text: String,
}
