//! `Metric`: what all metrics have, and the history that some keep.

use super::statistics::Statistics;
use super::time_series::{CAPACITY, TimeSeries};
use crate::clock;
use crate::future::Future;
use parking_lot::Mutex;
use std::time::Duration;

/// What the value of a metric does over time, for systems that treat them differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Counts up from zero, and begins at zero again when it is reset.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How long the last one of many took.
    Timer,
}

/// A named number. Metrics are handles: clones share the number, and
/// [`add`](super::add) keeps one.
///
/// Mirrors `Metric` in `3rdparty/libprocess/include/process/metrics/metric.hpp`.
#[doc(alias = "process::metrics::Metric")]
pub trait Metric: Send + Sync + 'static {
    /// The key under which the snapshot has it, `slave/tasks_running` for instance; unique.
    #[doc(alias = "Metric::name")]
    fn name(&self) -> &str;

    /// The number of now. May take time or fail.
    #[doc(alias = "Metric::value")]
    fn value(&self) -> Future<f64>;

    /// What its value does over time.
    fn kind(&self) -> Kind;

    /// Keeps a history, so that there are [statistics](Self::statistics) once it has two values.
    fn has_history(&self) -> bool {
        false
    }

    /// The statistics of its history; `None` without a history or with less than two values in it.
    #[doc(alias = "Metric::statistics")]
    fn statistics(&self) -> Option<Statistics<f64>> {
        None
    }
}

/// The values that a metric had within its window, if it has one.
pub(super) struct History(Option<Mutex<TimeSeries<f64>>>);

impl History {
    pub(super) fn new(window: Option<Duration>) -> Self {
        History(window.map(|window| Mutex::new(TimeSeries::new(window, CAPACITY))))
    }

    /// Remembers a value of now.
    #[doc(alias = "Metric::push")]
    pub(super) fn push(&self, value: f64) {
        if let Some(series) = &self.0 {
            let now = clock::now();
            series.lock().set_at(value, now);
        }
    }

    pub(super) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn statistics(&self) -> Option<Statistics<f64>> {
        let values = self.0.as_ref()?.lock().get(None, None);
        // Sorted outside the lock: whoever counts must not wait for it.
        Statistics::of_values(values.into_iter().map(|point| point.data))
    }
}
