//! Time: `Clock`, timers and `delay`, in whichever runtime this thread runs.
//!
//! Mirrors `3rdparty/libprocess/include/process/{clock,timer,delay,time}.hpp`. In the simulator
//! the clock moves only when the driver moves it.
//!
//! Tests [`pause`] the clock and move it by hand. While it is paused **each process has a time of
//! its own**: it starts at the moment of the pause and moves when the process hears of a later one.
//! A message takes its sender's time along (happens-before), a timer brings the process that
//! started it to the timer's deadline, and a new process begins at the time of whoever spawns it.
//! Code that is in no process (a test, the clock, a callback run by input and output) has the
//! clock's time. All this costs a running clock one look at a flag for each message.
//!
//! As upstream, timers fire by the clock's time, not by that of their process.

use crate::context::Context;
use crate::pid::{Pid, Process, Target};
use crate::timeout::Timeout;
use crate::{live, simulated};
use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

pub use crate::times::Update;

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
    pub fn timeout(&self) -> Timeout {
        Timeout::at(self.deadline)
    }
}

/// The time of the process that asks; outside of any, the clock's.
#[doc(alias = "Clock::now")]
pub fn now() -> Time {
    simulated::now().unwrap_or_else(live::clock::now)
}

/// The time of a process: its own one while the clock is paused.
#[doc(alias = "Clock::now")]
pub fn now_of<A: Process>(pid: &Pid<A>) -> Time {
    match pid.target() {
        Target::Live { control, .. } => live::clock::now_of(control.process()),
        Target::Simulated(context) => simulated::clock::now_of(*context),
    }
}

/// Runs `f` in the clock's context once `duration` has passed from [`now`] on.
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

/// Stops time for the whole runtime. From here it moves only by [`advance`] and [`update`].
#[doc(alias = "Clock::pause")]
pub fn pause() {
    simulated::clock::pause().unwrap_or_else(live::clock::pause);
}

/// Whether time stands still.
#[doc(alias = "Clock::paused")]
pub fn paused() -> bool {
    simulated::clock::paused().unwrap_or_else(live::clock::is_paused)
}

/// Lets time run again, from where it stands; the processes' own times are forgotten.
#[doc(alias = "Clock::resume")]
pub fn resume() {
    simulated::clock::resume().unwrap_or_else(live::clock::resume);
}

/// Moves a paused clock forward, so that timers become due; a running one is left alone. The
/// processes' own times stay: what they hear next tells them.
#[doc(alias = "Clock::advance")]
pub fn advance(duration: Duration) {
    simulated::clock::advance(duration).unwrap_or_else(|| live::clock::advance(duration));
}

/// Moves the time of one process forward while the clock is paused. Makes no timer due.
#[doc(alias = "Clock::advance")]
pub fn advance_process<A: Process>(pid: &Pid<A>, duration: Duration) {
    update_process(pid, now_of(pid) + duration, Update::Force);
}

/// Moves a paused clock forward to `time`, never back.
#[doc(alias = "Clock::update")]
pub fn update(time: Time) {
    simulated::clock::update(time).unwrap_or_else(|| live::clock::update(time));
}

/// Sets the time of one process while the clock is paused. Makes no timer due.
#[doc(alias = "Clock::update")]
pub fn update_process<A: Process>(pid: &Pid<A>, time: Time, update: Update) {
    match pid.target() {
        Target::Live { control, .. } => {
            live::clock::update_process(control.process(), time, update);
        }
        Target::Simulated(context) => simulated::clock::update_process(*context, time, update),
    }
}

/// Makes what happened in `from` happen before what happens in `to` from now on: brings `to` to
/// the time of `from` if that is later.
#[doc(alias = "Clock::order")]
pub fn order<A: Process, B: Process>(from: &Pid<A>, to: &Pid<B>) {
    update_process(to, now_of(from), Update::Safe);
}

/// Blocks until nothing more will happen unless the clock is advanced: all due timers have fired,
/// no process is at work, and none has anything to do.
///
/// Not waited for, as upstream: input and output under way, and what threads that are not the
/// runtime's are about to send. In the simulator everything is handled in the natural order;
/// [`Simulation::settle`](simulated::Simulation::settle) lets the caller choose. How it works live:
/// `live/settle.rs`.
///
/// # Panics
///
/// When the clock runs, since there is always something still to come; and in a process or a
/// timer, which would wait for its own end.
#[doc(alias = "Clock::settle")]
pub fn settle() {
    simulated::clock::settle().unwrap_or_else(live::settle::settle);
}

/// Whether all timers that are due have fired and returned.
///
/// # Panics
///
/// When the clock is not paused.
#[doc(alias = "Clock::settled")]
pub fn settled() -> bool {
    assert!(paused(), "only a paused clock can settle: pause it first");
    simulated::clock::settled().unwrap_or_else(live::clock::is_idle)
}
