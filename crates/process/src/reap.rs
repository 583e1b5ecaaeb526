//! The reaper: tells those who wait for the end of an operating-system process.
//!
//! Mirrors `3rdparty/libprocess/include/process/reap.hpp` and `src/reap.cpp`. How a process is
//! looked at is up to the host, which gives the reaper a [`Watched`] for each; the live host's looks
//! at the kernel.

use crate::context::Context;
use crate::future::{Future, Promise};
use crate::host::OsPid;
use actix::Actor;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Up to so many processes are looked at every [`MIN_REAP_INTERVAL`].
#[doc(alias = "process::LOW_PID_COUNT")]
pub const LOW_PID_COUNT: usize = 50;
/// So many processes and more are looked at every [`MAX_REAP_INTERVAL`].
#[doc(alias = "process::HIGH_PID_COUNT")]
pub const HIGH_PID_COUNT: usize = 500;
/// The shortest time between two looks.
#[doc(alias = "process::MIN_REAP_INTERVAL")]
pub const MIN_REAP_INTERVAL: Duration = Duration::from_millis(100);
/// The longest time between two looks.
#[doc(alias = "process::MAX_REAP_INTERVAL")]
pub const MAX_REAP_INTERVAL: Duration = Duration::from_secs(1);

/// Of so many children the status is kept after their end, for those who ask for them later.
const REMEMBERED: usize = 1024;

/// What a look at a process shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It has not ended.
    Running,
    /// It was a child, has ended with this wait status, and is collected by this look.
    Ended(i32),
    /// It was a child, and was collected by an earlier look, or by somebody else.
    Collected,
    /// It has ended, and its status cannot be known: it was no child of this program.
    Gone,
}

/// One operating-system process, and no other that has the same pid later.
pub trait Watched: Send + 'static {
    /// Whether it is a child of this program: then its pid is its own until it is collected.
    fn is_child(&self) -> bool;

    /// Looks at it, without waiting.
    fn look(&mut self) -> Look;

    /// Arranges that `notice` is called when it ends. `false` when that cannot be arranged: then
    /// it has to be looked at again and again.
    fn notify(&mut self, notice: Box<dyn FnOnce() + Send>) -> bool;
}

struct Entry {
    watched: Box<dyn Watched>,
    promises: Vec<Promise<Option<i32>>>,
    /// It is looked at again and again.
    polled: bool,
}

/// Waits for processes.
// differs: upstream looks at all of them at each interval, for ever. Here a child's end is noticed
// at once where the host can arrange that; only the others are looked at, at upstream's interval,
// and only while there are any.
#[doc(alias = "internal::ReaperProcess")]
#[derive(Default)]
pub struct ReaperProcess {
    entries: BTreeMap<OsPid, Entry>,
    /// Children that have ended, the latest last.
    // differs: upstream has lost the status of a child that ended before it was asked for.
    remembered: VecDeque<(OsPid, i32)>,
    /// The next look is due.
    polling: bool,
}

impl Actor for ReaperProcess {
    type Context = Context<Self>;
}

crate::process!(ReaperProcess);

impl ReaperProcess {
    /// A reaper that waits for nobody yet.
    #[doc(alias = "ReaperProcess::ReaperProcess")]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for a child that was started just now. Since it has this pid, whatever had it before
    /// has ended.
    pub fn started(
        &mut self,
        ctx: &mut Context<Self>,
        pid: OsPid,
        watched: Box<dyn Watched>,
    ) -> Future<Option<i32>> {
        self.notify(pid, Look::Gone);
        self.forget(pid);
        self.watch(ctx, pid, watched)
    }

    /// Waits for the process that has the pid now; `watched` is `None` when none has.
    ///
    /// Ready with the wait status of a child, also when it had ended before, unless that was long
    /// ago; with `None` for any other process, once it has ended. Never fails.
    #[doc(alias = "ReaperProcess::reap")]
    pub fn reap(
        &mut self,
        ctx: &mut Context<Self>,
        pid: OsPid,
        watched: Option<Box<dyn Watched>>,
    ) -> Future<Option<i32>> {
        if let Some(entry) = self.entries.get_mut(&pid) {
            if entry.watched.is_child() || entry.watched.look() == Look::Running {
                let promise = Promise::new();
                let future = promise.future();
                entry.promises.push(promise);
                return future;
            }
            // Those who have asked before meant the process that is gone; who asks now may mean
            // the next one with this pid.
            self.notify(pid, Look::Gone);
        }
        let Some(mut watched) = watched else { return Future::ready(self.status_of(pid)) };
        match watched.look() {
            Look::Running => {
                self.forget(pid);
                self.watch(ctx, pid, watched)
            }
            Look::Ended(status) => {
                self.remember(pid, status);
                Future::ready(Some(status))
            }
            // Since it was asked for.
            Look::Collected => Future::ready(self.status_of(pid)),
            Look::Gone => {
                self.forget(pid);
                Future::ready(None)
            }
        }
    }

    fn watch(
        &mut self,
        ctx: &mut Context<Self>,
        pid: OsPid,
        mut watched: Box<dyn Watched>,
    ) -> Future<Option<i32>> {
        let reaper = ctx.pid().clone();
        let notice = Box::new(move || {
            reaper.run("ReaperProcess::noticed", move |this, ctx| this.noticed(ctx, pid));
        });
        let polled = !watched.notify(notice);
        let promise = Promise::new();
        let future = promise.future();
        self.entries.insert(pid, Entry { watched, promises: vec![promise], polled });
        if polled {
            self.poll(ctx);
        }
        future
    }

    /// The process has ended, so its host says.
    fn noticed(&mut self, ctx: &mut Context<Self>, pid: OsPid) {
        let Some(entry) = self.entries.get_mut(&pid) else { return };
        match entry.watched.look() {
            Look::Running => {
                // Another one has this pid now, or the host was wrong. It does not say it again.
                entry.polled = true;
                self.poll(ctx);
            }
            ended => self.notify(pid, ended),
        }
    }

    /// Looks at all processes whose end nobody will report.
    #[doc(alias = "ReaperProcess::wait")]
    fn wait(&mut self, ctx: &mut Context<Self>) {
        self.polling = false;
        let polled = self.entries.iter_mut().filter(|(_, entry)| entry.polled);
        let looks: Vec<_> = polled.map(|(pid, entry)| (*pid, entry.watched.look())).collect();
        for (pid, look) in looks {
            if look != Look::Running {
                self.notify(pid, look);
            }
        }
        if self.entries.values().any(|entry| entry.polled) {
            self.poll(ctx);
        }
    }

    fn poll(&mut self, ctx: &mut Context<Self>) {
        if self.polling {
            return;
        }
        self.polling = true;
        ctx.delay(self.interval(), "ReaperProcess::wait", |this, ctx| this.wait(ctx));
    }

    /// Tells those who wait for the process how it ended, and forgets it.
    #[doc(alias = "ReaperProcess::notify")]
    fn notify(&mut self, pid: OsPid, look: Look) {
        let Some(entry) = self.entries.remove(&pid) else { return };
        let status = match look {
            Look::Ended(status) => {
                self.remember(pid, status);
                Some(status)
            }
            _ => None,
        };
        for promise in entry.promises {
            promise.set(status);
        }
    }

    fn remember(&mut self, pid: OsPid, status: i32) {
        self.forget(pid);
        self.remembered.push_back((pid, status));
        if self.remembered.len() > REMEMBERED {
            self.remembered.pop_front();
        }
    }

    /// Another process has the pid now.
    fn forget(&mut self, pid: OsPid) {
        self.remembered.retain(|(ended, _)| *ended != pid);
    }

    /// How the child that had the pid has ended, if that is known.
    fn status_of(&self, pid: OsPid) -> Option<i32> {
        self.remembered.iter().find(|(ended, _)| *ended == pid).map(|(_, status)| *status)
    }

    /// The time until the next look: the more there is to look at, the longer.
    #[doc(alias = "ReaperProcess::interval")]
    fn interval(&self) -> Duration {
        let polled = self.entries.values().filter(|entry| entry.polled);
        interval(polled.map(|entry| entry.promises.len()).sum())
    }
}

/// The time between two looks when so many wait for processes that have to be looked at.
fn interval(count: usize) -> Duration {
    if count <= LOW_PID_COUNT {
        return MIN_REAP_INTERVAL;
    }
    if count >= HIGH_PID_COUNT {
        return MAX_REAP_INTERVAL;
    }
    // Linear in between.
    let fraction = (count - LOW_PID_COUNT) as f64 / (HIGH_PID_COUNT - LOW_PID_COUNT) as f64;
    MIN_REAP_INTERVAL + (MAX_REAP_INTERVAL - MIN_REAP_INTERVAL).mul_f64(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_grows_with_the_number_of_pids() {
        for (count, millis) in
            [(0, 100), (1, 100), (50, 100), (275, 550), (500, 1000), (100_000, 1000)]
        {
            assert_eq!(interval(count), Duration::from_millis(millis), "{count} pids");
        }
        assert!(interval(51) > MIN_REAP_INTERVAL && interval(499) < MAX_REAP_INTERVAL);
    }
}
