//! The twins of `3rdparty/libprocess/src/tests/statistics_tests.cpp`, each named after its
//! original.

mod support;

use process::clock;
use process::metrics::{Statistics, TimeSeries};
use std::time::Duration;
use support::in_both_worlds;

/// As close as `EXPECT_DOUBLE_EQ` demands.
#[track_caller]
fn close(value: f64, expected: f64) {
    let tolerance = 4.0 * f64::EPSILON * expected.abs().max(f64::MIN_POSITIVE);
    assert!((value - expected).abs() <= tolerance, "{value} is not {expected}");
}

#[test]
fn empty() {
    assert_eq!(Statistics::of_series(&TimeSeries::<f64>::default()), None);
}

#[test]
fn single() {
    in_both_worlds(|_| {
        let mut series = TimeSeries::default();
        series.set(0.0);
        assert_eq!(Statistics::<f64>::of_series(&series), None);
    });
}

#[test]
fn statistics_from_time_series() {
    in_both_worlds(|_| {
        let mut series = TimeSeries::default();
        let mut now = clock::now();
        for n in -5..=5 {
            now = now + Duration::from_secs(1);
            series.set_at(f64::from(n), now);
        }
        let statistics = Statistics::of_series(&series).unwrap();
        assert_eq!(statistics.count, 11);
        close(statistics.min, -5.0);
        close(statistics.max, 5.0);
        close(statistics.p25, -2.5);
        close(statistics.p50, 0.0);
        close(statistics.p75, 2.5);
        close(statistics.p90, 4.0);
        close(statistics.p95, 4.5);
        close(statistics.p99, 4.9);
        close(statistics.p999, 4.99);
        close(statistics.p9999, 4.999);
    });
}

#[test]
fn statistics_from_duration_list() {
    let seconds = Duration::from_secs;
    let statistics = Statistics::of_values((0..=10).map(|n| seconds(10 * n))).unwrap();
    assert_eq!(statistics.count, 11);
    assert_eq!(statistics.min, seconds(0));
    assert_eq!(statistics.max, seconds(100));
    assert_eq!(statistics.p25, seconds(25));
    assert_eq!(statistics.p50, seconds(50));
    assert_eq!(statistics.p75, seconds(75));
    assert_eq!(statistics.p90, seconds(90));
}

#[test]
fn the_order_of_values_does_not_matter() {
    let statistics = Statistics::of_values([3.0, 1.0, 2.0]).unwrap();
    assert_eq!((statistics.min, statistics.p50, statistics.max), (1.0, 2.0, 3.0));
    // Between two values: at a quarter of the way.
    let two = Statistics::of_values([10.0, 2.0]).unwrap();
    assert_eq!((two.count, two.min, two.p25, two.max), (2, 2.0, 4.0, 10.0));
}

/// Upstream's sort has no order for these; here they are last.
#[test]
fn what_is_no_number_is_beyond_all_numbers() {
    let statistics = Statistics::of_values([f64::NAN, 1.0, 2.0, f64::INFINITY]).unwrap();
    assert_eq!((statistics.count, statistics.min), (4, 1.0));
    assert!(statistics.max.is_nan());
}
