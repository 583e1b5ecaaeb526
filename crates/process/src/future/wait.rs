//! Waiting for a future from code that is not a process: threads and async blocks.

use super::{Future, Value};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Duration;

/// How a future ended, for code that waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It has this value.
    Ready(T),
    /// It failed with this message.
    Failed(String),
    /// Its promise discarded it.
    Discarded,
    /// Nobody is left who could complete it.
    Abandoned,
}

impl<T: Value> Future<T> {
    fn outcome_now(&self) -> Option<Outcome<T>> {
        if let Some(value) = self.get() {
            Some(Outcome::Ready(value.clone()))
        } else if let Some(message) = self.failure() {
            Some(Outcome::Failed(message.to_owned()))
        } else if self.is_discarded() {
            Some(Outcome::Discarded)
        } else if self.is_abandoned() {
            Some(Outcome::Abandoned)
        } else {
            None
        }
    }

    /// Blocks this thread until the future has completed, at most for `limit`; `None` when it is
    /// still pending then. An abandoned one is waited for as well, since an
    /// [`after`](Self::after) may complete it yet; one that stays so is [`Outcome::Abandoned`] at
    /// the limit. For tests and programs: a process that blocks itself stops its whole arbiter.
    #[doc(alias = "await")]
    pub fn wait(&self, limit: Duration) -> Option<Outcome<T>> {
        let signal = Arc::new((Mutex::new(false), Condvar::new()));
        let notify = Arc::clone(&signal);
        self.on_any(move |_| {
            *notify.0.lock() = true;
            notify.1.notify_all();
        });
        let mut done = signal.0.lock();
        signal.1.wait_while_for(&mut done, |done| !*done, limit);
        drop(done);
        self.outcome_now()
    }

    /// Waits for the end of the future in async code. Abandonment is an end here, although an
    /// [`after`](Self::after) may complete the future yet: there is no limit to wait for.
    pub async fn outcome(&self) -> Outcome<T> {
        let notify = Arc::new(tokio::sync::Notify::new());
        loop {
            if let Some(outcome) = self.outcome_now() {
                return outcome;
            }
            let (any, abandoned) = (Arc::clone(&notify), Arc::clone(&notify));
            // `notify_one` stores a permit, so a completion between here and the wait is not lost.
            self.on_any(move |_| any.notify_one());
            self.on_abandoned(move || abandoned.notify_one());
            notify.notified().await;
        }
    }
}
