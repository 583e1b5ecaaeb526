//! `Counter`: a number that counts up.

use super::metric::{History, Kind, Metric};
use super::statistics::Statistics;
use crate::future::Future;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Counts what happens. Without a window, counting is one atomic addition.
///
/// Mirrors `Counter` in `3rdparty/libprocess/include/process/metrics/counter.hpp`.
#[doc(alias = "process::metrics::Counter")]
#[derive(Clone)]
pub struct Counter(Arc<Data>);

struct Data {
    name: String,
    value: AtomicI64,
    history: History,
}

impl Counter {
    /// A counter at zero that keeps no history.
    pub fn new(name: impl Into<String>) -> Self {
        Self::create(name.into(), None)
    }

    /// A counter at zero that remembers the counts of the last `window`.
    pub fn with_window(name: impl Into<String>, window: Duration) -> Self {
        Self::create(name.into(), Some(window))
    }

    fn create(name: String, window: Option<Duration>) -> Self {
        let data = Data { name, value: AtomicI64::new(0), history: History::new(window) };
        data.history.push(0.0);
        Counter(Arc::new(data))
    }

    /// Counts one.
    #[doc(alias = "Counter::operator++")]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts `n`. Beyond 64 bits it wraps around.
    #[doc(alias = "Counter::operator+=")]
    pub fn add(&self, n: i64) {
        let before = self.0.value.fetch_add(n, Ordering::Relaxed);
        self.0.history.push(before.wrapping_add(n) as f64);
    }

    /// Begins at zero again.
    #[doc(alias = "Counter::reset")]
    pub fn reset(&self) {
        self.0.value.store(0, Ordering::Relaxed);
        self.0.history.push(0.0);
    }

    /// The count.
    pub fn get(&self) -> i64 {
        self.0.value.load(Ordering::Relaxed)
    }
}

impl Metric for Counter {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn value(&self) -> Future<f64> {
        Future::ready(self.get() as f64)
    }

    fn kind(&self) -> Kind {
        Kind::Counter
    }

    fn has_history(&self) -> bool {
        self.0.history.is_kept()
    }

    fn statistics(&self) -> Option<Statistics<f64>> {
        self.0.history.statistics()
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counter({} = {})", self.0.name, self.get())
    }
}
