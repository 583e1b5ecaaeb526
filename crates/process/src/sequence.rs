//! `Sequence`: asynchronous operations one after the other.
//!
//! Mirrors `3rdparty/libprocess/include/process/sequence.hpp`.

use crate::context::Context;
use crate::future::{Future, Nothing, Promise, Value};
use crate::pid::Pid;
use crate::spawn::{generate_id, spawn, terminate};
use actix::Actor;

/// Runs callbacks one after the other: each when the futures of all before it are ready, failed or
/// discarded. One that never completes holds up all behind it.
///
/// Discarding the future of one callback skips it, or asks its operation to stop if it runs;
/// others are not affected. Dropping the sequence does so for all that are not done.
#[doc(alias = "process::Sequence")]
pub struct Sequence {
    pid: Pid<SequenceProcess>,
}

impl Default for Sequence {
    fn default() -> Self {
        Self::new("sequence")
    }
}

impl Sequence {
    /// An empty sequence. `id` names its process.
    pub fn new(id: &str) -> Self {
        let last = Future::ready(Nothing);
        Sequence { pid: spawn(generate_id(id), SequenceProcess { last }) }
    }

    /// Adds a callback at the end. The result completes as the callback's future does.
    #[doc(alias = "Sequence::add")]
    pub fn add<T: Value>(
        &self,
        callback: impl FnOnce() -> Future<T> + Send + 'static,
    ) -> Future<T> {
        self.pid.call("Sequence::add", move |this, _| this.add(callback))
    }
}

impl Drop for Sequence {
    fn drop(&mut self) {
        // Not injected: what was added before is still added (MESOS-8741).
        // differs: upstream waits for the end, which would stop a whole arbiter, or the simulator.
        terminate(&self.pid, false);
    }
}

struct SequenceProcess {
    /// Ready when all that was added so far is done: the notifier of the last callback.
    last: Future<Nothing>,
}

impl SequenceProcess {
    fn add<T: Value>(
        &mut self,
        callback: impl FnOnce() -> Future<T> + Send + 'static,
    ) -> Future<T> {
        let notifier = Promise::new();
        let promise = Promise::new();
        let (notified, future) = (notifier.future(), promise.future());

        future.on_any(move |_| {
            notifier.set(Nothing);
        });
        self.last.on_any(move |_| {
            if promise.future().has_discard() {
                promise.discard();
            } else {
                promise.associate(&callback());
            }
        });

        // A discard of the last notifier reaches all callbacks, from the last to the first. Weak,
        // since the arrows above already lead from the first to the last.
        let (weak, previous) = (future.downgrade(), self.last.downgrade());
        notified.on_discard(move || {
            if let Some(future) = weak.get() {
                future.discard();
            }
        });
        notified.on_discard(move || {
            if let Some(previous) = previous.get() {
                previous.discard();
            }
        });

        self.last = notified;
        future
    }
}

impl Actor for SequenceProcess {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.last.discard();
    }
}

crate::process!(SequenceProcess);
