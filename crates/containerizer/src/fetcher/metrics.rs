//! What the fetcher counts.

use ::process::metrics::{self, Counter, PushGauge};

/// The fetcher's metrics. A task counts once, however many URIs it has.
///
/// Mirrors `FetcherProcess::Metrics` in `src/slave/containerizer/fetcher.cpp`.
#[doc(alias = "FetcherProcess::Metrics")]
#[derive(Clone)]
// differs: the two sizes are told, not asked for: upstream reads them while they are written.
pub struct Metrics {
    /// Tasks whose URIs were all fetched.
    pub task_fetches_succeeded: Counter,
    /// Tasks with a URI that was not.
    pub task_fetches_failed: Counter,
    /// How large the cache may be.
    pub cache_size_total_bytes: PushGauge,
    /// How large it is.
    pub cache_size_used_bytes: PushGauge,
}

impl Metrics {
    pub(super) fn new(space: u64) -> Self {
        let metrics = Metrics {
            task_fetches_succeeded: Counter::new("containerizer/fetcher/task_fetches_succeeded"),
            task_fetches_failed: Counter::new("containerizer/fetcher/task_fetches_failed"),
            cache_size_total_bytes: PushGauge::new("containerizer/fetcher/cache_size_total_bytes"),
            cache_size_used_bytes: PushGauge::new("containerizer/fetcher/cache_size_used_bytes"),
        };
        metrics.cache_size_total_bytes.set(space as f64);
        metrics
    }

    pub(super) fn add(&self) {
        metrics::add(&self.task_fetches_succeeded);
        metrics::add(&self.task_fetches_failed);
        metrics::add(&self.cache_size_total_bytes);
        metrics::add(&self.cache_size_used_bytes);
    }

    pub(super) fn remove(&self) {
        metrics::remove(&self.task_fetches_succeeded);
        metrics::remove(&self.task_fetches_failed);
        metrics::remove(&self.cache_size_total_bytes);
        metrics::remove(&self.cache_size_used_bytes);
    }
}
