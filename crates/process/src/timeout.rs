//! `Timeout`: a point in time that is waited for.
//!
//! Mirrors `3rdparty/libprocess/include/process/timeout.hpp`.

use crate::clock::{self, Time};
use std::time::Duration;

/// When something is due, and how long that is from [`now`](clock::now) on.
#[doc(alias = "process::Timeout")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeout(Time);

impl Default for Timeout {
    /// Due now.
    fn default() -> Self {
        Timeout(clock::now())
    }
}

impl Timeout {
    /// Due at `time`.
    pub const fn at(time: Time) -> Self {
        Timeout(time)
    }

    /// Due once `duration` has passed; never, if that is beyond what a [`Time`] can hold.
    #[doc(alias = "Timeout::in")]
    pub fn within(duration: Duration) -> Self {
        Timeout(clock::now() + duration)
    }

    /// When it is due.
    #[doc(alias = "Timeout::time")]
    pub const fn time(self) -> Time {
        self.0
    }

    /// How long until then; zero when it is due.
    #[doc(alias = "Timeout::remaining")]
    pub fn remaining(self) -> Duration {
        self.0 - clock::now()
    }

    /// Whether it is due.
    #[doc(alias = "Timeout::expired")]
    pub fn expired(self) -> bool {
        self.0 <= clock::now()
    }
}
