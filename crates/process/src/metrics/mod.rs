//! Metrics: counters, gauges and timers that processes keep, and snapshots of all of them.
//!
//! ```
//! # use process::metrics::{self, Counter, Milliseconds, Timer};
//! let launches = Counter::new("containerizer/launches");
//! metrics::add(&launches);
//! launches.increment();
//!
//! // Its key is `containerizer/pull_ms`; with a window there are percentiles, `.../p99`.
//! let pulls = Timer::<Milliseconds>::with_window("containerizer/pull", metrics::WINDOW);
//! metrics::add(&pulls);
//! pulls.start();
//! pulls.stop();
//! # metrics::remove(&launches);
//! # metrics::remove(&pulls);
//! ```
//!
//! | to | use |
//! |---|---|
//! | count | [`Counter`] |
//! | tell a number that changes | [`PushGauge`]; [`PullGauge`] when it must be asked for |
//! | measure how long things take | [`Timer`] with a [`Unit`] |
//! | make a metric known, or forgotten | [`add`], [`remove`] |
//! | read all of them | [`snapshot`] and [`json`], [`samples`] and [`prometheus`] |
//! | serve them | [`endpoint`]; [`RateLimit`] limits how often |
//!
//! The metrics of a runtime are kept by one process, `metrics`: one for all live processes, one for
//! each simulation. It starts when it is first needed. Whoever adds metrics that ask a process
//! should remove them before the process ends.
//!
//! Mirrors `3rdparty/libprocess/include/process/metrics/` and `src/metrics/metrics.cpp`.

mod counter;
pub mod endpoint;
mod gauge;
mod metric;

pub mod prometheus;
mod rate_limit;
mod registry;
mod snapshot;
mod statistics;
mod time_series;
mod timer;
mod unit;

pub use counter::Counter;
pub use gauge::{PullGauge, PushGauge};
pub use metric::{Kind, Metric};
pub use rate_limit::{RateLimit, RateLimitError};
pub use registry::ID;
pub use snapshot::{Sample, json};
pub use statistics::{Quantity, Statistics};
pub use time_series::{CAPACITY, Point, TimeSeries, WINDOW};
pub use timer::Timer;
pub use unit::{
    Days, Hours, Microseconds, Milliseconds, Minutes, Nanoseconds, Seconds, Unit, Weeks,
};

use crate::dispatch;
use crate::future::{Future, Nothing};
use registry::MetricsProcess;
use std::collections::BTreeMap;
use std::time::Duration;

/// Makes a metric part of all snapshots from now on. Fails when there is one of the same name.
#[doc(alias = "process::metrics::add")]
pub fn add<M: Metric + Clone>(metric: &M) -> Future<Nothing> {
    let metric = Box::new(metric.clone());
    dispatch!(registry::instance(), MetricsProcess::add, |this, _| this.add(metric))
}

/// Forgets the metric of this name. Fails when there is none. Once this is ready, snapshots to
/// come do not ask the metric any more; one that is under way may still tell its value.
#[doc(alias = "process::metrics::remove")]
pub fn remove(metric: &impl Metric) -> Future<Nothing> {
    let name = metric.name().to_owned();
    // Processes remove their metrics when they end, and so maybe after the process of the metrics
    // has: it must not come back for that.
    match registry::running() {
        Some(pid) => dispatch!(pid, MetricsProcess::remove, |this, _| this.remove(&name)),
        None => registry::not_found(&name),
    }
}

/// The values of all metrics by their keys, with the statistics of those that keep a history. What
/// failed is left out, and so is what has not answered when `timeout` has passed.
#[doc(alias = "process::metrics::snapshot")]
#[doc(alias = "MetricsProcess::snapshot")]
pub fn snapshot(timeout: Option<Duration>) -> Future<BTreeMap<String, f64>> {
    samples(timeout).map(|samples| snapshot::by_key(samples))
}

/// [`snapshot`], metric by metric in the order of their names: what [`prometheus::text`] needs.
pub fn samples(timeout: Option<Duration>) -> Future<Vec<Sample>> {
    dispatch!(registry::instance(), MetricsProcess::samples, |this, context| {
        this.samples(context, timeout)
    })
}

/// Serves the metrics of all live processes at `/metrics/snapshot`, as often as `limit` allows, and
/// at `/metrics`.
pub(crate) fn serve(limit: Option<RateLimit>) {
    registry::instance().run("MetricsProcess::serve", move |this, context| {
        this.serve(context, limit);
    });
}
