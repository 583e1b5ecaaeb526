//! The twins of `3rdparty/libprocess/src/tests/timeseries_tests.cpp`, each named after its
//! original, and a comparison with a model that is as simple as slow.

mod support;

use process::metrics::TimeSeries;
use process::{Time, clock};
use std::time::Duration;
use support::{World, in_both_worlds};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn list(series: &TimeSeries<i32>) -> Vec<i32> {
    series.get(None, None).into_iter().map(|point| point.data).collect()
}

/// Adds `n` at `n` seconds after `start`, for each of the numbers.
fn set(series: &mut TimeSeries<i32>, start: Time, numbers: impl IntoIterator<Item = i32>) {
    for n in numbers {
        series.set_at(n, start + seconds(n.unsigned_abs().into()));
    }
}

#[test]
fn set_() {
    in_both_worlds(|_| {
        let mut series = TimeSeries::default();
        assert!(series.is_empty());
        series.set(1);
        assert!(!series.is_empty());
        assert_eq!(series.latest().map(|point| point.data), Some(1));
    });
}

#[test]
fn sparsify() {
    in_both_worlds(|_| {
        let now = clock::now();
        let mut series = TimeSeries::new(Duration::MAX, 10);
        set(&mut series, now, 0..10);
        assert_eq!(list(&series), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

        for (n, expected) in [
            (10, [0, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            (11, [0, 2, 4, 5, 6, 7, 8, 9, 10, 11]),
            (12, [0, 2, 4, 6, 7, 8, 9, 10, 11, 12]),
            (13, [0, 2, 4, 6, 8, 9, 10, 11, 12, 13]),
            (14, [0, 2, 4, 6, 8, 10, 11, 12, 13, 14]),
            // A new round, from the beginning.
            (15, [0, 4, 6, 8, 10, 11, 12, 13, 14, 15]),
            (16, [0, 4, 8, 10, 11, 12, 13, 14, 15, 16]),
            (17, [0, 4, 8, 11, 12, 13, 14, 15, 16, 17]),
            (18, [0, 4, 8, 11, 13, 14, 15, 16, 17, 18]),
            (19, [0, 4, 8, 11, 13, 15, 16, 17, 18, 19]),
        ] {
            set(&mut series, now, [n]);
            assert_eq!(list(&series), expected);
        }
    });
}

#[test]
fn truncate() {
    in_both_worlds(|world| {
        let now = clock::now();
        let mut series = TimeSeries::new(seconds(10), 10);
        set(&mut series, now, 0..10);
        assert_eq!(list(&series), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

        // The first six leave the window.
        world.advance(seconds(10 + 6));
        set(&mut series, now, [10]);
        assert_eq!(list(&series), [7, 8, 9, 10]);

        // Now while the series is thinned out.
        let now = clock::now();
        let mut series = TimeSeries::new(seconds(10), 10);
        set(&mut series, now, 0..10);
        set(&mut series, now, [10, 11, 12]);
        assert_eq!(list(&series), [0, 2, 4, 6, 7, 8, 9, 10, 11, 12]);

        // The next to go is 7, which moves up with the others.
        world.advance(seconds(10 + 2));
        series.truncate();
        assert_eq!(list(&series), [4, 6, 7, 8, 9, 10, 11, 12]);
        set(&mut series, now, [13, 14]);
        assert_eq!(list(&series), [4, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
        set(&mut series, now, [15]);
        assert_eq!(list(&series), [4, 6, 8, 9, 10, 11, 12, 13, 14, 15]);

        // The next one, 9, leaves the window itself: a new round.
        world.advance(seconds(7));
        series.truncate();
        assert_eq!(list(&series), [10, 11, 12, 13, 14, 15]);
        set(&mut series, now, 16..20);
        assert_eq!(list(&series), [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
        set(&mut series, now, [20]);
        assert_eq!(list(&series), [10, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    });
}

#[test]
fn a_range_of_time_includes_its_ends() {
    let world = World::simulated(1);
    world.advance(seconds(100));
    let now = clock::now();
    let mut series = TimeSeries::default();
    set(&mut series, now, 0..10);
    let range = |from: Option<u64>, to: Option<u64>| {
        let time = |n: Option<u64>| n.map(|n| now + seconds(n));
        let points = series.get(time(from), time(to));
        points.into_iter().map(|point| point.data).collect::<Vec<_>>()
    };
    assert_eq!(range(Some(7), None), [7, 8, 9]);
    assert_eq!(range(None, Some(2)), [0, 1, 2]);
    assert_eq!(range(Some(4), Some(6)), [4, 5, 6]);
    assert_eq!(range(Some(5), Some(5)), [5]);
    assert_eq!(range(Some(6), Some(5)), [0; 0]);
    assert_eq!(range(Some(10), None), [0; 0]);
}

/// In the simulator the clock begins at zero, where a window reaches back before all time.
#[test]
fn a_window_longer_than_time_loses_nothing() {
    let world = World::simulated(1);
    let mut series = TimeSeries::default();
    series.set(1);
    world.advance(seconds(5));
    series.set(2);
    assert_eq!(list(&series), [1, 2]);
}

#[test]
fn the_last_value_stays_however_old() {
    let world = World::simulated(1);
    let mut series = TimeSeries::new(seconds(1), 10);
    series.set(1);
    world.advance(seconds(1));
    // At the age of the window it is too old.
    series.set(2);
    assert_eq!(list(&series), [2]);
    world.advance(seconds(100));
    series.truncate();
    assert_eq!(list(&series), [2]);
}

/// Upstream's series with positions in a vector in place of iterators.
struct Model {
    values: Vec<(Time, i32)>,
    window: Duration,
    capacity: usize,
    index: Option<usize>,
}

impl Model {
    fn set(&mut self, value: i32, time: Time) {
        if self.values.last().is_some_and(|(last, _)| time < *last) {
            self.index = None;
        }
        match self.values.binary_search_by_key(&time, |(time, _)| *time) {
            Ok(place) => self.values[place].1 = value,
            Err(place) => self.values.insert(place, (time, value)),
        }
        let now = clock::now().since_epoch();
        let expired = |time: Time| time.since_epoch() + self.window <= now;
        let kept = self.values.iter().position(|(time, _)| !expired(*time));
        if let (true, Some(kept)) = (self.values.len() > 1, kept) {
            self.values.drain(..kept);
            self.index = self.index.filter(|index| kept < *index).map(|index| index - kept);
        }
        while self.values.len() > self.capacity {
            let index = self.index.filter(|index| *index <= self.values.len() / 2).unwrap_or(1);
            self.values.remove(index);
            // Upstream's iterator would be at the end, and must not be used.
            self.index = Some(index + 1).filter(|index| *index < self.values.len());
        }
    }
}

#[test]
fn behaves_as_its_model() {
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    for round in 0..300 {
        let world = World::simulated(1);
        world.advance(seconds(1000));
        let (window, capacity) = (seconds(random(40)), 3 + random(12) as usize);
        let mut series = TimeSeries::new(window, capacity);
        let mut model = Model { values: Vec::new(), window, capacity, index: None };
        for value in 0..200 {
            world.advance(seconds(random(3)));
            // Mostly now, sometimes before, rarely ahead of the clock.
            let back = seconds(if random(10) == 0 { random(50) } else { 0 });
            let ahead = seconds(if random(20) == 0 { random(50) } else { 0 });
            let time = Time::from_epoch(clock::now().since_epoch() - back) + ahead;
            series.set_at(value, time);
            model.set(value, time);
            let found: Vec<_> =
                series.get(None, None).iter().map(|point| (point.time, point.data)).collect();
            assert_eq!(found, model.values, "round {round}, value {value}");
            assert!(found.len() <= capacity);
        }
    }
}
