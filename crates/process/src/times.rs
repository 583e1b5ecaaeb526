//! The times of the processes while a clock is paused: each has one of its own.
//!
//! A paused clock has a time that is moved by hand, and each process has one that lags behind: it
//! starts where the clock was paused and only moves when the process hears of a later time, by a
//! message (happens-before), by a timer it started, or by hand. Mirrors `currents` and `initial` in
//! `3rdparty/libprocess/src/clock.cpp`; both runtimes use it.

use crate::clock::Time;
use std::collections::BTreeMap;

/// Whether [`update_process`](crate::clock::update_process) may set a process's time back.
#[doc(alias = "Clock::Update")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// A time earlier than the process's own is ignored.
    Safe,
    /// The process gets the time, even if that is a step back.
    Force,
}

/// The times of the processes named by a `K`.
pub(crate) struct Times<K> {
    /// When the clock was paused: the time of whoever has heard of no later one.
    initial: Time,
    own: BTreeMap<K, Time>,
}

impl<K: Ord> Times<K> {
    pub(crate) fn new(initial: Time) -> Self {
        Times { initial, own: BTreeMap::new() }
    }

    pub(crate) fn of(&self, process: &K) -> Time {
        self.own.get(process).copied().unwrap_or(self.initial)
    }

    pub(crate) fn update(&mut self, process: K, time: Time, update: Update) {
        if self.of(&process) < time || update == Update::Force {
            self.own.insert(process, time);
        }
    }

    pub(crate) fn forget(&mut self, process: &K) {
        self.own.remove(process);
    }
}
