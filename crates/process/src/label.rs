//! Names and identities of events, for people who read traces and logs.

use std::fmt;

/// What an event is: a method named in `dispatch!`/`defer!`, or the type of a message, and the
/// type of the process it is for. Both are `'static`, so a label costs nothing to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The Rust type name of the receiving process, or the name of an environment actor.
    pub process: &'static str,
    /// The method (`Self::pull`) or the message type.
    pub method: &'static str,
}

impl Label {
    /// The label of a message of type `M` for a process of type `A`.
    pub fn message<A, M>() -> Label {
        Label { process: std::any::type_name::<A>(), method: std::any::type_name::<M>() }
    }

    /// The label of a method of `A`.
    pub fn method<A>(method: &'static str) -> Label {
        Label { process: std::any::type_name::<A>(), method }
    }

    /// A label for something that is no process: the clock, the daemon, a connection.
    pub const fn plain(actor: &'static str, what: &'static str) -> Label {
        Label { process: actor, method: what }
    }
}

/// The last segment of a Rust path, without type parameters.
fn last_segment(path: &str) -> &str {
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path)
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", last_segment(self.process), last_segment(self.method))
    }
}

/// Identifies one handled event within a runtime. 0 is "no event": the start of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(
    /// Counts up in the order of handling (in the simulator; unique only, in the live runtime).
    pub u64,
);

/// What every event carries beside its content.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// What it is.
    pub label: Label,
    /// The event whose handler sent it.
    pub cause: EventId,
}
