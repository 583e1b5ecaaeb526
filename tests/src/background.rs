//! Runs a future to its end from a place that cannot await: `Drop`.

use std::time::Duration;

/// Runs `work` on a thread and a runtime of its own and waits for it, for at most `limit`.
///
/// Works inside and outside of a runtime; it blocks the calling thread. Returns whether the work
/// was finished.
pub(crate) fn run(limit: Duration, work: impl Future<Output = ()> + Send) -> bool {
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let Ok(runtime) = runtime else { return false };
                runtime.block_on(async { tokio::time::timeout(limit, work).await.is_ok() })
            })
            .join()
            .unwrap_or(false)
    })
}
