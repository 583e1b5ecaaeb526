//! The live clock: one thread that sleeps until the next deadline. It can be paused and moved by
//! hand, as libprocess's can, for tests that need time without waiting for it.

use crate::clock::{Time, Timer};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

type Action = Box<dyn FnOnce() + Send>;

struct State {
    timers: BTreeMap<(Time, u64), Action>,
    next_id: u64,
    /// The virtual time while paused.
    paused: Option<Time>,
}

struct LiveClock {
    state: Mutex<State>,
    changed: Condvar,
    /// Real time is measured from here with the monotonic clock, so that it never steps back.
    start: Instant,
    epoch: Duration,
}

static CLOCK: OnceLock<LiveClock> = OnceLock::new();

#[allow(clippy::disallowed_methods)] // This is the port through which all others read the clock.
fn clock() -> &'static LiveClock {
    let mut created = false;
    let clock = CLOCK.get_or_init(|| {
        created = true;
        LiveClock {
            state: Mutex::new(State { timers: BTreeMap::new(), next_id: 1, paused: None }),
            changed: Condvar::new(),
            start: Instant::now(),
            epoch: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    });
    if created {
        std::thread::Builder::new()
            .name("clock".to_owned())
            .spawn(|| clock_thread(self::clock()))
            .expect("the process may start one more thread at start-up");
    }
    clock
}

impl LiveClock {
    fn real_now(&self) -> Time {
        Time::from_epoch(self.epoch + self.start.elapsed())
    }

    fn now(&self, state: &State) -> Time {
        state.paused.unwrap_or_else(|| self.real_now())
    }
}

fn clock_thread(clock: &'static LiveClock) {
    let mut state = clock.state.lock();
    loop {
        let now = clock.now(&state);
        let Some(&(deadline, id)) = state.timers.keys().next() else {
            clock.changed.wait(&mut state);
            continue;
        };
        if deadline <= now {
            let action = state.timers.remove(&(deadline, id));
            // Timers run outside the lock: they send messages and may start or cancel timers.
            parking_lot::MutexGuard::unlocked(&mut state, || {
                if let Some(action) = action {
                    action();
                }
            });
        } else if state.paused.is_some() {
            clock.changed.wait(&mut state);
        } else {
            clock.changed.wait_for(&mut state, deadline - now);
        }
    }
}

pub(crate) fn now() -> Time {
    let clock = clock();
    let state = clock.state.lock();
    clock.now(&state)
}

pub(crate) fn timer(duration: Duration, f: impl FnOnce() + Send + 'static) -> Timer {
    let clock = clock();
    let mut state = clock.state.lock();
    let deadline = clock.now(&state) + duration;
    let id = state.next_id;
    state.next_id += 1;
    state.timers.insert((deadline, id), Box::new(f));
    clock.changed.notify_one();
    Timer { id, deadline }
}

pub(crate) fn cancel(timer: &Timer) -> bool {
    // The removed closure is dropped after the lock: its drop may complete futures.
    let removed = clock().state.lock().timers.remove(&(timer.deadline, timer.id));
    removed.is_some()
}

/// Stops time for all live processes. From here it moves only by [`advance`].
#[doc(alias = "Clock::pause")]
pub fn pause() {
    let clock = clock();
    let mut state = clock.state.lock();
    if state.paused.is_none() {
        state.paused = Some(clock.real_now());
    }
}

/// Lets time run again, from real time; timers whose deadline has passed meanwhile fire.
#[doc(alias = "Clock::resume")]
pub fn resume() {
    let clock = clock();
    clock.state.lock().paused = None;
    clock.changed.notify_one();
}

/// Moves a paused clock forward. Timers that are due fire, in the order of their deadlines.
#[doc(alias = "Clock::advance")]
pub fn advance(duration: Duration) {
    let clock = clock();
    let mut state = clock.state.lock();
    if let Some(now) = state.paused {
        state.paused = Some(now + duration);
        clock.changed.notify_one();
    }
}
