//! What a context has sent and nobody has flushed.

use super::ContextId;
use super::state::Mailed;
use crate::label::EventId;
use std::collections::VecDeque;

/// One thing that was sent.
pub(super) struct Sent {
    pub(super) to: ContextId,
    /// Its age: counts up in the order of sending.
    pub(super) seq: u64,
    /// The event that sent it.
    pub(super) cause: EventId,
    pub(super) mail: Mailed,
}

/// First in, first out. As a rule there is one thing or none: the head has a place of its own.
#[derive(Default)]
pub(super) struct Outbox {
    head: Option<Sent>,
    rest: VecDeque<Sent>,
}

impl Outbox {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.head.is_some()) + self.rest.len()
    }

    #[inline]
    pub(super) fn head(&self) -> Option<&Sent> {
        self.head.as_ref()
    }

    /// Says whether it is the head.
    #[inline]
    pub(super) fn push(&mut self, sent: Sent) -> bool {
        let first = self.head.is_none();
        if first {
            self.head = Some(sent);
        } else {
            self.rest.push_back(sent);
        }
        first
    }

    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<(Mailed, EventId)> {
        let Sent { mail, cause, .. } = self.head.take()?;
        if !self.rest.is_empty() {
            self.head = self.rest.pop_front();
        }
        Some((mail, cause))
    }

    /// All of it.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Sent> + use<> {
        let Outbox { head, rest } = std::mem::take(self);
        head.into_iter().chain(rest)
    }
}
