//! Limits in time for async code, on [`process::clock`], which tests can move by hand.

use process::{Future, Nothing, after};
use std::time::Duration;

/// A limit that counts from when it was made. Ends its timer when it is dropped.
pub(crate) struct TimeLimit(Future<Nothing>);

impl TimeLimit {
    pub(crate) fn new(limit: Duration) -> Self {
        TimeLimit(after(limit))
    }

    /// Does the work, as long as there is time; `None` when the time was up first.
    pub(crate) async fn within<T>(self, work: impl std::future::Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            value = work => Some(value),
            _ = self.0.outcome() => None,
        }
    }
}

impl Drop for TimeLimit {
    fn drop(&mut self) {
        self.0.discard();
    }
}

/// Does the work, for so long at most; `None` when the time was up first.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl std::future::Future<Output = T>,
) -> Option<T> {
    TimeLimit::new(limit).within(work).await
}
