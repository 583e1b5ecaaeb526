//! Waits that a daemon may not know of yet.
//!
//! A wait for the next exit must be known to the daemon before the container starts, or it waits
//! for ever when the container is short. The daemon sends the head of its answer once it knows; a
//! client whose requests travel on connections of their own holds a start back until then.

use parking_lot::Mutex;
use process::{Future, Nothing, Promise};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The waits that one client has sent and has seen no sign of, by the container's name. Clones
/// share them. For implementations of [`Api`](crate::Api).
#[derive(Clone, Default)]
pub struct Waits(Arc<Mutex<BTreeMap<String, Future<Nothing>>>>);

/// One of them. To be dropped when the daemon knows it, or when it is over.
pub struct Registration {
    waits: Waits,
    name: String,
    promise: Promise<Nothing>,
}

impl Waits {
    /// A wait for the container `name` is about to be sent.
    pub fn register(&self, name: &str) -> Registration {
        let promise = Promise::new();
        self.0.lock().insert(name.to_owned(), promise.future());
        Registration { waits: self.clone(), name: name.to_owned(), promise }
    }

    /// Ends, one way or another, once the daemon knows of the container's last wait; `None` when
    /// it does.
    pub fn pending(&self, name: &str) -> Option<Future<Nothing>> {
        self.0.lock().get(name).cloned()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let future = self.promise.future();
        let mut waits = self.waits.0.lock();
        if waits.get(&self.name) == Some(&future) {
            waits.remove(&self.name);
        }
        drop(waits);
        self.promise.set(Nothing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_wait_of_a_name_holds_a_start_up() {
        let waits = Waits::default();
        let first = waits.register("a");
        let second = waits.register("a");
        drop(first);
        let pending = waits.pending("a").unwrap();
        assert!(pending.is_pending() && waits.pending("b").is_none());
        drop(second);
        assert!(pending.is_ready() && waits.pending("a").is_none());
    }
}
