//! Time: `Clock::now`, timers and `delay`, in whichever runtime this thread runs.
//!
//! Mirrors `3rdparty/libprocess/include/process/{clock,timer,delay,time}.hpp`. In the simulator
//! the clock moves only when the scheduler moves it.

use crate::context::Context;
use crate::pid::{Pid, Process};
use crate::{live, simulated};
use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time: the duration since the Unix epoch (the simulator has an epoch of its own).
#[doc(alias = "process::Time")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Duration);

impl Time {
    /// The point `since_epoch` after the epoch.
    pub const fn from_epoch(since_epoch: Duration) -> Self {
        Time(since_epoch)
    }

    /// How long after the epoch this is.
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// Seconds since the epoch, as protobuf timestamps in Mesos have them.
    pub fn secs(self) -> f64 {
        self.0.as_secs_f64()
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, duration: Duration) -> Time {
        Time(self.0.saturating_add(duration))
    }
}

impl Sub for Time {
    type Output = Duration;

    fn sub(self, earlier: Time) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}s", self.0.as_secs_f64())
    }
}

/// A running timer, for [`cancel`].
#[doc(alias = "process::Timer")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    pub(crate) id: u64,
    pub(crate) deadline: Time,
}

impl Timer {
    /// When it fires, unless cancelled.
    pub fn timeout(&self) -> Time {
        self.deadline
    }
}

/// The current time of this thread's runtime.
#[doc(alias = "Clock::now")]
pub fn now() -> Time {
    simulated::now().unwrap_or_else(live::clock::now)
}

/// Runs `f` in the clock's context once `duration` has passed.
#[doc(alias = "Clock::timer")]
pub fn timer(duration: Duration, f: impl FnOnce() + Send + 'static) -> Timer {
    simulated::timer(duration, f).unwrap_or_else(|f| live::clock::timer(duration, f))
}

/// Stops a timer. `false` when it had fired or was cancelled before.
#[doc(alias = "Clock::cancel")]
pub fn cancel(timer: &Timer) -> bool {
    simulated::cancel(timer).unwrap_or_else(|| live::clock::cancel(timer))
}

/// Runs `f` in the process `pid` after `duration`. Fires into nothing if the process is gone.
#[doc(alias = "process::delay")]
pub fn delay<A: Process>(
    duration: Duration,
    pid: &Pid<A>,
    method: &'static str,
    f: impl FnOnce(&mut A, &mut Context<A>) + Send + 'static,
) -> Timer {
    let pid = pid.clone();
    timer(duration, move || pid.run(method, f))
}
