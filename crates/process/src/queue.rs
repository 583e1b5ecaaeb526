//! `Queue`: values handed over between asynchronous operations.
//!
//! Mirrors `3rdparty/libprocess/include/process/queue.hpp`.

use crate::future::{Future, Promise, Value};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// An unbounded first-in first-out queue whose [`get`](Queue::get) is a future. Handles are shared.
#[doc(alias = "process::Queue")]
pub struct Queue<T: Value>(Arc<Mutex<State<T>>>);

struct State<T: Value> {
    /// Those who wait for an element, the first one first.
    promises: VecDeque<Promise<T>>,
    elements: VecDeque<T>,
}

impl<T: Value> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Queue(Arc::clone(&self.0))
    }
}

impl<T: Value> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Value> Queue<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Queue(Arc::new(Mutex::new(State { promises: VecDeque::new(), elements: VecDeque::new() })))
    }

    /// Gives `element` to whoever waits longest, or keeps it for the next [`get`](Queue::get).
    pub fn put(&self, element: T) {
        let waiting = {
            let mut state = self.0.lock();
            match state.promises.pop_front() {
                Some(promise) => Some((promise, element)),
                None => {
                    state.elements.push_back(element);
                    None
                }
            }
        };
        // Outside the lock: the callbacks may come back to this queue.
        if let Some((promise, element)) = waiting {
            promise.set(element);
        }
    }

    /// The oldest element, once there is one. A discard gives the place in the queue up.
    pub fn get(&self) -> Future<T> {
        let future = {
            let mut state = self.0.lock();
            if let Some(element) = state.elements.pop_front() {
                return Future::ready(element);
            }
            let promise = Promise::new();
            let future = promise.future();
            state.promises.push_back(promise);
            future
        };
        let (state, weak) = (Arc::downgrade(&self.0), future.downgrade());
        future.on_discard(move || {
            if let Some(future) = weak.get() {
                give_up(&state, &future);
            }
        });
        future
    }

    /// How many elements wait for a [`get`](Queue::get).
    pub fn size(&self) -> usize {
        self.0.lock().elements.len()
    }
}

fn give_up<T: Value>(state: &Weak<Mutex<State<T>>>, future: &Future<T>) {
    let Some(state) = state.upgrade() else { return };
    let promise = {
        let mut state = state.lock();
        let place = state.promises.iter().position(|promise| promise.future() == *future);
        place.and_then(|place| state.promises.remove(place))
    };
    // differs: upstream discards under the lock, where a callback that uses the queue hangs.
    if let Some(promise) = promise {
        promise.discard();
    }
}
