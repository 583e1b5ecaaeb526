//! `Statistics`: count, extremes and percentiles of some values.

use super::time_series::TimeSeries;
use std::cmp::Ordering;
use std::time::Duration;

/// What percentiles can be taken of.
pub trait Quantity: Clone {
    /// The order of the values.
    fn compare(&self, other: &Self) -> Ordering;

    /// The value at `fraction` (0 to 1) of the way from this one to `next`, which is not smaller.
    fn interpolate(&self, next: &Self, fraction: f64) -> Self;
}

impl Quantity for f64 {
    fn compare(&self, other: &Self) -> Ordering {
        self.total_cmp(other)
    }

    fn interpolate(&self, next: &Self, fraction: f64) -> Self {
        self + (next - self) * fraction
    }
}

impl Quantity for Duration {
    fn compare(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    /// Parts of a nanosecond are dropped, as by upstream's multiplication.
    fn interpolate(&self, next: &Self, fraction: f64) -> Self {
        let difference = next.saturating_sub(*self).as_nanos() as f64;
        self.saturating_add(Duration::from_nanos((difference * fraction) as u64))
    }
}

/// The distribution of at least two values.
///
/// Mirrors `Statistics` in `3rdparty/libprocess/include/process/statistics.hpp`.
#[doc(alias = "process::Statistics")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics<T> {
    /// How many values there are.
    pub count: usize,
    /// The smallest.
    pub min: T,
    /// The largest.
    pub max: T,
    /// A quarter is not above this.
    pub p25: T,
    /// The median.
    pub p50: T,
    /// Three quarters are not above this.
    pub p75: T,
    /// 90 % are not above this.
    pub p90: T,
    /// 95 % are not above this.
    pub p95: T,
    /// 99 % are not above this.
    pub p99: T,
    /// 99.9 % are not above this.
    pub p999: T,
    /// 99.99 % are not above this.
    pub p9999: T,
}

impl<T: Quantity> Statistics<T> {
    /// The statistics of all values in a series; `None` of less than two.
    #[doc(alias = "Statistics::from")]
    pub fn of_series(series: &TimeSeries<T>) -> Option<Self> {
        Self::of_values(series.get(None, None).into_iter().map(|point| point.data))
    }

    /// The statistics of values in any order; `None` of less than two.
    #[doc(alias = "Statistics::from")]
    pub fn of_values(values: impl IntoIterator<Item = T>) -> Option<Self> {
        let mut values: Vec<T> = values.into_iter().collect();
        values.sort_by(T::compare);
        let [first, .., last] = values.as_slice() else { return None };
        Some(Statistics {
            count: values.len(),
            min: first.clone(),
            max: last.clone(),
            p25: percentile(&values, 0.25),
            p50: percentile(&values, 0.5),
            p75: percentile(&values, 0.75),
            p90: percentile(&values, 0.90),
            p95: percentile(&values, 0.95),
            p99: percentile(&values, 0.99),
            p999: percentile(&values, 0.999),
            p9999: percentile(&values, 0.9999),
        })
    }
}

/// The value below which `part` (between 0 and 1) of the sorted values lie, interpolated between
/// the two nearest. There must be two.
#[doc(alias = "Statistics::percentile")]
fn percentile<T: Quantity>(values: &[T], part: f64) -> T {
    let position = part * (values.len() - 1) as f64;
    let index = position.floor() as usize;
    match values.get(index..) {
        Some([below, above, ..]) => below.interpolate(above, position - index as f64),
        _ => values[values.len() - 1].clone(),
    }
}
