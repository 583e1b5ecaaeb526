//! `Timer`: how long something took.

use super::metric::{History, Kind, Metric};
use super::statistics::Statistics;
use super::unit::Unit;
use crate::clock::{self, Time};
use crate::future::{Future, Value};
use parking_lot::Mutex;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// Measures how long something takes, in units of `U`. Its value is the last measurement, and a
/// failure before the first one.
///
/// Mirrors `Timer` in `3rdparty/libprocess/include/process/metrics/timer.hpp`.
#[doc(alias = "process::metrics::Timer")]
pub struct Timer<U>(Arc<Data>, PhantomData<fn() -> U>);

struct Data {
    name: String,
    measured: Mutex<Measured>,
    history: History,
}

#[derive(Default)]
struct Measured {
    start: Time,
    last: Option<f64>,
}

impl<U> Clone for Timer<U> {
    fn clone(&self) -> Self {
        Timer(Arc::clone(&self.0), PhantomData)
    }
}

impl<U: Unit> Timer<U> {
    /// A timer that keeps no history. The unit is appended to its name: `name_ms`.
    pub fn new(name: &str) -> Self {
        Self::create(name, None)
    }

    /// A timer that remembers what it measured in the last `window`, for the percentiles.
    pub fn with_window(name: &str, window: Duration) -> Self {
        Self::create(name, Some(window))
    }

    fn create(name: &str, window: Option<Duration>) -> Self {
        let data = Data {
            name: format!("{name}_{}", U::SUFFIX),
            measured: Mutex::default(),
            history: History::new(window),
        };
        Timer(Arc::new(data), PhantomData)
    }

    /// Begins to measure.
    #[doc(alias = "Timer::start")]
    pub fn start(&self) {
        self.0.measured.lock().start = clock::now();
    }

    /// Ends a measurement, and may do so several times for one start. A timer that was never
    /// started measures from the epoch.
    #[doc(alias = "Timer::stop")]
    pub fn stop(&self) -> Duration {
        let stop = clock::now();
        let mut measured = self.0.measured.lock();
        let duration = stop - measured.start;
        let value = U::count(duration);
        measured.last = Some(value);
        drop(measured);
        self.0.history.push(value);
        duration
    }

    /// Measures until the future completes, however it does, and hands it back. Any number of
    /// these can be under way at once.
    #[doc(alias = "Timer::time")]
    pub fn time<T: Value>(&self, future: Future<T>) -> Future<T> {
        let (start, this) = (clock::now(), self.clone());
        future.on_any(move |_| this.timed(start));
        future
    }

    #[doc(alias = "Timer::_time")]
    fn timed(&self, start: Time) {
        let value = U::count(clock::now() - start);
        self.0.measured.lock().last = Some(value);
        self.0.history.push(value);
    }
}

impl<U: Unit> Metric for Timer<U> {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn value(&self) -> Future<f64> {
        let last = self.0.measured.lock().last;
        last.map_or_else(|| Future::failed("No value"), Future::ready)
    }

    fn kind(&self) -> Kind {
        Kind::Timer
    }

    fn has_history(&self) -> bool {
        self.0.history.is_kept()
    }

    fn statistics(&self) -> Option<Statistics<f64>> {
        self.0.history.statistics()
    }
}

impl<U> fmt::Debug for Timer<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timer({} = {:?})", self.0.name, self.0.measured.lock().last)
    }
}
