//! The live clock: one thread that sleeps until the next deadline. It can be paused and moved by
//! hand, as libprocess's can, for tests that need time without waiting for it.
//!
//! Mirrors `3rdparty/libprocess/src/clock.cpp` and `timedout` in `process.cpp`.

use super::current::{self, Place, ProcessNumber};
use crate::clock::{Time, Timer};
use crate::times::{Times, Update};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A timer that has not fired.
struct Armed {
    action: Box<dyn FnOnce() + Send>,
    creator: Place,
}

struct Paused {
    current: Time,
    processes: Times<ProcessNumber>,
}

struct State {
    timers: BTreeMap<(Time, u64), Armed>,
    next_id: u64,
    paused: Option<Paused>,
    /// How many threads run due timers or functions of `async_`: what can send messages, is not
    /// the outside, and is no process.
    busy: usize,
}

struct LiveClock {
    state: Mutex<State>,
    /// The next deadline has changed, or how far it is away.
    changed: Condvar,
    /// Maybe nothing is due, and nobody busy.
    idle: Condvar,
    /// Real time is measured from here with the monotonic clock, so that it never steps back.
    start: Instant,
    epoch: Duration,
}

static CLOCK: OnceLock<LiveClock> = OnceLock::new();

/// Beside the state, for [`is_paused`].
static PAUSED: AtomicBool = AtomicBool::new(false);

/// By how many nanoseconds tests have moved time ahead of the real one; it is not moved back.
static ADVANCED: AtomicU64 = AtomicU64::new(0);

#[allow(clippy::disallowed_methods)] // This is the port through which all others read the clock.
fn clock() -> &'static LiveClock {
    let mut created = false;
    let clock = CLOCK.get_or_init(|| {
        created = true;
        let timers = BTreeMap::new();
        LiveClock {
            state: Mutex::new(State { timers, next_id: 1, paused: None, busy: 0 }),
            changed: Condvar::new(),
            idle: Condvar::new(),
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
        let advanced = Duration::from_nanos(ADVANCED.load(Ordering::Acquire));
        Time::from_epoch(self.epoch.saturating_add(advanced) + self.start.elapsed())
    }

    /// The clock's own time.
    fn now(&self, state: &State) -> Time {
        state.paused.as_ref().map_or_else(|| self.real_now(), |paused| paused.current)
    }

    fn now_at(&self, state: &State, place: Place) -> Time {
        match (&state.paused, place) {
            (Some(paused), Place::Process(process)) => paused.processes.of(&process),
            _ => self.now(state),
        }
    }

    fn is_idle(&self, state: &State) -> bool {
        state.busy == 0 && state.timers.keys().next().is_none_or(|key| key.0 > self.now(state))
    }

    /// Moves the time of a paused clock forward.
    fn move_by(&self, state: &mut State, duration: Duration) {
        if let Some(paused) = &mut state.paused {
            paused.current = paused.current + duration;
            let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            let advanced = ADVANCED.load(Ordering::Acquire).saturating_add(nanos);
            ADVANCED.store(advanced, Ordering::Release);
            self.changed.notify_one();
        }
    }
}

fn clock_thread(clock: &'static LiveClock) {
    let _here = current::enter_place(Place::Clock);
    let mut state = clock.state.lock();
    loop {
        let now = clock.now(&state);
        let Some(&(deadline, _)) = state.timers.keys().next() else {
            clock.idle.notify_all();
            clock.changed.wait(&mut state);
            continue;
        };
        if deadline <= now {
            fire(&mut state, now);
            continue;
        }
        clock.idle.notify_all();
        if state.paused.is_some() {
            clock.changed.wait(&mut state);
        } else {
            clock.changed.wait_for(&mut state, deadline - now);
        }
    }
}

/// Runs all timers that are due. From here on they cannot be cancelled any more, as upstream.
#[doc(alias = "timedout")]
fn fire(state: &mut MutexGuard<'_, State>, now: Time) {
    let later = state.timers.split_off(&(now, u64::MAX));
    let due = std::mem::replace(&mut state.timers, later);
    if let Some(paused) = &mut state.paused {
        for ((deadline, _), timer) in &due {
            if let Place::Process(creator) = timer.creator {
                paused.processes.update(creator, *deadline, Update::Safe);
            }
        }
    }
    state.busy += 1;
    // Outside the lock: they send messages and may start or cancel timers.
    MutexGuard::unlocked(state, || {
        for timer in due.into_values() {
            // The clock goes on without one that panics; the panic's hook has reported it.
            let _ = catch_unwind(AssertUnwindSafe(timer.action));
        }
    });
    state.busy -= 1;
}

/// Whether the clock is paused. All that a message costs a running clock.
#[inline]
pub(crate) fn is_paused() -> bool {
    PAUSED.load(Ordering::Relaxed)
}

pub(crate) fn now() -> Time {
    let clock = clock();
    if !is_paused() {
        return clock.real_now();
    }
    clock.now_at(&clock.state.lock(), current::place())
}

pub(crate) fn now_of(process: ProcessNumber) -> Time {
    let clock = clock();
    clock.now_at(&clock.state.lock(), Place::Process(process))
}

pub(crate) fn timer(duration: Duration, f: impl FnOnce() + Send + 'static) -> Timer {
    let clock = clock();
    let mut state = clock.state.lock();
    let creator = current::place();
    let deadline = clock.now_at(&state, creator) + duration;
    let id = state.next_id;
    state.next_id += 1;
    state.timers.insert((deadline, id), Armed { action: Box::new(f), creator });
    clock.changed.notify_one();
    Timer { id, deadline }
}

pub(crate) fn cancel(timer: &Timer) -> bool {
    let clock = clock();
    // The removed closure is dropped after the lock: its drop may complete futures.
    let removed = clock.state.lock().timers.remove(&(timer.deadline, timer.id));
    clock.idle.notify_all();
    removed.is_some()
}

/// Takes all timers, for dropping.
#[doc(alias = "Clock::finalize")]
pub(super) fn take_timers() -> impl Sized {
    let clock = clock();
    let taken = std::mem::take(&mut clock.state.lock().timers);
    clock.idle.notify_all();
    taken
}

pub(crate) fn pause() {
    let clock = clock();
    let mut state = clock.state.lock();
    if state.paused.is_none() {
        let now = clock.real_now();
        state.paused = Some(Paused { current: now, processes: Times::new(now) });
        PAUSED.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn resume() {
    let clock = clock();
    let mut state = clock.state.lock();
    state.paused = None;
    PAUSED.store(false, Ordering::Relaxed);
    clock.changed.notify_one();
}

pub(crate) fn advance(duration: Duration) {
    let clock = clock();
    clock.move_by(&mut clock.state.lock(), duration);
}

pub(crate) fn update(time: Time) {
    let clock = clock();
    let mut state = clock.state.lock();
    let ahead = time - clock.now(&state);
    clock.move_by(&mut state, ahead);
}

/// Sets the time of one process, if the clock is paused.
pub(crate) fn update_process(process: ProcessNumber, time: Time, update: Update) {
    if let Some(paused) = &mut clock().state.lock().paused {
        paused.processes.update(process, time, update);
    }
}

/// A message goes to a process while the clock is paused: its sender's time goes with it.
#[cold]
pub(crate) fn delivered(to: ProcessNumber) {
    here_to(to, Update::Safe);
}

/// A process was made: it begins at the time of whoever made it.
pub(super) fn created(process: ProcessNumber) {
    if is_paused() {
        here_to(process, Update::Force);
    }
}

fn here_to(process: ProcessNumber, update: Update) {
    let clock = clock();
    let mut state = clock.state.lock();
    let time = clock.now_at(&state, current::place());
    if let Some(paused) = &mut state.paused {
        paused.processes.update(process, time, update);
    }
}

/// A process has ended, and all that it sent was sent.
pub(super) fn forget(process: ProcessNumber) {
    if is_paused()
        && let Some(paused) = &mut clock().state.lock().paused
    {
        paused.processes.forget(&process);
    }
}

/// Whether no timer is due or firing, and no function of `async_` runs.
pub(crate) fn is_idle() -> bool {
    let clock = clock();
    clock.is_idle(&clock.state.lock())
}

/// Blocks until [`is_idle`].
pub(super) fn wait_until_idle() {
    let clock = clock();
    let mut state = clock.state.lock();
    while !clock.is_idle(&state) {
        clock.idle.wait(&mut state);
    }
}

/// Something of the runtime runs that is no process, until this is dropped.
pub(crate) struct Busy(());

pub(crate) fn busy() -> Busy {
    clock().state.lock().busy += 1;
    Busy(())
}

impl Drop for Busy {
    fn drop(&mut self) {
        let clock = clock();
        clock.state.lock().busy -= 1;
        clock.idle.notify_all();
    }
}
