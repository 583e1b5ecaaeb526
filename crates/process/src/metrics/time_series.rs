//! `TimeSeries`: values over time, limited in age and in number.

use crate::clock::{self, Time};
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

/// How far back a series goes unless told otherwise: two weeks.
#[doc(alias = "TIME_SERIES_WINDOW")]
pub const WINDOW: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How many values a series holds unless told otherwise.
#[doc(alias = "TIME_SERIES_CAPACITY")]
pub const CAPACITY: usize = 1000;

/// A value and when it was taken.
#[doc(alias = "TimeSeries::Value")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point<T> {
    /// When.
    pub time: Time,
    /// What.
    pub data: T,
}

/// Values by their time: none older than the window, except the last one, and never more than the
/// capacity. What is too many is thinned out, the older half first: it loses every other value, and
/// once that is done the next round begins at the front. So the past stays, ever more coarsely.
///
/// Mirrors `TimeSeries` in `3rdparty/libprocess/include/process/timeseries.hpp`.
#[doc(alias = "process::TimeSeries")]
#[derive(Clone, Debug)]
pub struct TimeSeries<T> {
    window: Duration,
    capacity: usize,
    values: BTreeMap<Time, T>,
    /// The next value to be thinned out; `None` at first and after an insertion in the middle.
    candidate: Option<Candidate>,
}

/// A value of the series by its time and its position. Upstream has an iterator and `index`.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    time: Time,
    position: usize,
}

impl<T> Default for TimeSeries<T> {
    fn default() -> Self {
        Self::new(WINDOW, CAPACITY)
    }
}

impl<T> TimeSeries<T> {
    /// An empty series. A capacity below three, which thinning out cannot do with, means three.
    pub fn new(window: Duration, capacity: usize) -> Self {
        TimeSeries { window, capacity: capacity.max(3), values: BTreeMap::new(), candidate: None }
    }

    /// Adds a value of now.
    #[doc(alias = "TimeSeries::set")]
    pub fn set(&mut self, value: T) {
        self.set_at(value, clock::now());
    }

    /// Adds a value of the given time, which may lie before others; replaces one of the same time.
    #[doc(alias = "TimeSeries::set")]
    pub fn set_at(&mut self, value: T, time: Time) {
        if self.values.last_key_value().is_some_and(|(last, _)| time < *last) {
            // Positions have moved. That is rare: beginning anew is good enough.
            self.candidate = None;
        }
        self.values.insert(time, value);
        self.truncate();
        self.sparsify();
    }

    /// Removes what is older than the window, but leaves the last value. Adding a value does this,
    /// too.
    #[doc(alias = "TimeSeries::truncate")]
    pub fn truncate(&mut self) {
        // Without a time so early (the simulator's clock begins at zero) nothing has expired.
        let now = clock::now().since_epoch();
        let Some(expired) = now.checked_sub(self.window).map(Time::from_epoch) else { return };
        if self.values.len() <= 1 {
            return;
        }
        let mut later = self.values.range((Excluded(expired), Unbounded));
        let Some((&first, _)) = later.next() else { return };

        let before = self.values.len();
        while self.values.first_key_value().is_some_and(|(time, _)| *time < first) {
            self.values.pop_first();
        }
        let removed = before - self.values.len();
        // The candidate moves up with the others, unless it is gone or first now: the first value
        // always stays.
        self.candidate =
            self.candidate.filter(|candidate| first < candidate.time).map(|mut one| {
                one.position -= removed;
                one
            });
    }

    /// Thins out until the capacity is enough.
    #[doc(alias = "TimeSeries::sparsify")]
    fn sparsify(&mut self) {
        while self.values.len() > self.capacity {
            let half = self.values.len() / 2;
            let current = self.candidate.filter(|candidate| candidate.position <= half);
            // At the half-way point the next round begins, with the second value.
            let Some(Candidate { time, position }) = current.or_else(|| self.second()) else {
                return;
            };
            self.values.remove(&time);
            // The one behind it stays; the one behind that is next. There is none only where
            // upstream's iterator is at the end, and its next round begins by itself.
            let mut behind = self.values.range((Excluded(time), Unbounded)).skip(1);
            self.candidate =
                behind.next().map(|(&time, _)| Candidate { time, position: position + 1 });
        }
    }

    fn second(&self) -> Option<Candidate> {
        self.values.keys().nth(1).map(|&time| Candidate { time, position: 1 })
    }

    /// Nothing was added so far.
    #[doc(alias = "TimeSeries::empty")]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<T: Clone> TimeSeries<T> {
    /// The values from `start` to `stop`, both included, in the order of time; all without limits,
    /// none when they are the wrong way round.
    #[doc(alias = "TimeSeries::get")]
    pub fn get(&self, start: Option<Time>, stop: Option<Time>) -> Vec<Point<T>> {
        let from = start.unwrap_or_default();
        self.values
            .range(from..)
            .take_while(|(time, _)| stop.is_none_or(|stop| **time <= stop))
            .map(|(&time, data)| Point { time, data: data.clone() })
            .collect()
    }

    /// The value with the latest time.
    #[doc(alias = "TimeSeries::latest")]
    pub fn latest(&self) -> Option<Point<T>> {
        self.values.last_key_value().map(|(&time, data)| Point { time, data: data.clone() })
    }
}
