//! Names and identities of events, for people who read traces and logs.

use std::fmt;
use std::marker::PhantomData;

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

/// What says the label of an event for a process of type `A`. Most events carry nothing for it:
/// their message's type says it.
pub(crate) trait Named: Send + 'static {
    fn label<A>(&self) -> Label;
}

/// Named by the type of the message.
pub(crate) struct ByMessage<M>(PhantomData<fn(M)>);

impl<M> ByMessage<M> {
    pub(crate) fn new() -> Self {
        ByMessage(PhantomData)
    }
}

impl<M: 'static> Named for ByMessage<M> {
    fn label<A>(&self) -> Label {
        Label::message::<A, M>()
    }
}

/// Named by a method.
pub(crate) struct ByMethod(pub(crate) &'static str);

impl Named for ByMethod {
    fn label<A>(&self) -> Label {
        Label::method::<A>(self.0)
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

/// Identifies one handled event of a simulation. 0 is "no event": the start of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(
    /// Counts up in the order of handling.
    pub u64,
);
