//! Limits in time for async code, on [`process::clock`], which tests can move by hand.

use process::{Future, Nothing, after};
use std::time::Duration;

/// Ends its timer when it is dropped.
struct Timer(Future<Nothing>);

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.discard();
    }
}

/// Does the work, for so long at most; `None` when the time was up first.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl std::future::Future<Output = T>,
) -> Option<T> {
    let timer = Timer(after(limit));
    tokio::select! {
        biased;
        value = work => Some(value),
        _ = timer.0.outcome() => None,
    }
}
