//! Pulls that nobody waits for any more and that the daemon may still be at work on.

use crate::LingeringPull;
use parking_lot::Mutex;
use process::{Promise, clock};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All of them, in the order in which their clients left.
#[derive(Clone, Default)]
pub(super) struct Lingering(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    next: u64,
    pulls: BTreeMap<u64, LingeringPull>,
}

/// One of them. Leaves the list when it is dropped.
pub(super) struct Entry {
    lingering: Lingering,
    id: u64,
    released: Promise<bool>,
    let_go: bool,
}

impl Lingering {
    pub(super) fn enter(&self, reference: &str) -> Entry {
        let released = Promise::new();
        let pull = LingeringPull {
            reference: reference.to_owned(),
            since: clock::now(),
            released: released.future(),
        };
        let mut entries = self.0.lock();
        let id = entries.next;
        entries.next += 1;
        entries.pulls.insert(id, pull);
        Entry { lingering: self.clone(), id, released, let_go: false }
    }

    pub(super) fn list(&self) -> Vec<LingeringPull> {
        self.0.lock().pulls.values().cloned().collect()
    }
}

impl Entry {
    /// The daemon has let go of it, or else it is not watched any more.
    pub(super) fn leave(mut self, let_go: bool) {
        self.let_go = let_go;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let entry = self.lingering.0.lock().pulls.remove(&self.id);
        drop(entry);
        self.released.set(self.let_go);
    }
}
