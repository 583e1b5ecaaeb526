//! How the reaper looks at processes of the kernel, and the one reaper of this program.
//!
//! A process is held by a pidfd, which never means another process. So a pid that was given to
//! somebody else meanwhile is neither waited for nor collected. What holds without pidfds (kernels
//! before 5.4, or no descriptor left): a child's pid stays its own until it is collected, and only
//! the reaper does that; of any other process no more is known than that its pid is in use.

use super::readiness::{Interest, Readiness};
use crate::future::Future;
use crate::host::OsPid;
use crate::live::io;
use crate::pid::Pid;
use crate::reap::{Look, ReaperProcess, Watched};
use crate::spawn::{generate_id, spawn, wait};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, test_kill_process, waitid,
};
use std::os::fd::{AsFd, OwnedFd};

/// The reaper, once somebody has needed it.
static REAPER: Mutex<Option<Pid<ReaperProcess>>> = Mutex::new(None);

/// This program's reaper. Started anew when it has ended, as all processes do by a `finalize`.
pub(super) fn reaper() -> Pid<ReaperProcess> {
    let mut reaper = REAPER.lock();
    match &*reaper {
        Some(running) if wait(running).is_pending() => running.clone(),
        _ => reaper.insert(spawn(generate_id("__reaper__"), ReaperProcess::new())).clone(),
    }
}

/// Waits for a child that was started just now, and that nobody else collects.
pub(super) fn started(pid: OsPid) -> Future<Option<i32>> {
    let Some(watch) = Watch::of(pid) else {
        // Somebody has collected it who should not have.
        return Future::ready(None);
    };
    reaper().call("ReaperProcess::started", move |reaper, ctx| {
        reaper.started(ctx, pid, Box::new(watch))
    })
}

/// Waits for the process that has the pid now.
pub(super) fn reap(pid: OsPid) -> Future<Option<i32>> {
    let watch = Watch::of(pid).map(|watch| Box::new(watch) as Box<dyn Watched>);
    reaper().call("ReaperProcess::reap", move |reaper, ctx| reaper.reap(ctx, pid, watch))
}

/// A process of the kernel.
pub(super) struct Watch {
    pid: rustix::process::Pid,
    pidfd: Option<OwnedFd>,
    /// It is a child of ours, which only the reaper collects.
    is_child: bool,
}

impl Watch {
    /// The process that has the pid now, if there is one.
    fn of(pid: OsPid) -> Option<Self> {
        // 0 and negative numbers mean groups, or all children.
        if pid <= 0 {
            return None;
        }
        let pid = rustix::process::Pid::from_raw(pid)?;
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => Some(pidfd),
            Err(Errno::SRCH) => return None,
            Err(_) => None,
        };
        let mut watch = Watch { pid, pidfd, is_child: false };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        watch.is_child = match waitid(watch.id(), look) {
            Err(Errno::INVAL) => {
                // Kernel 5.3 has pidfds, but does not wait for them.
                watch.pidfd = None;
                waitid(watch.id(), look).is_ok()
            }
            result => result.is_ok(),
        };
        (watch.is_child || watch.look() == Look::Running).then_some(watch)
    }

    fn id(&self) -> WaitId<'_> {
        match &self.pidfd {
            Some(pidfd) => WaitId::PidFd(pidfd.as_fd()),
            None => WaitId::Pid(self.pid),
        }
    }

    /// Looks at a process that is no child.
    fn look_at_other(&self) -> Look {
        // differs: upstream waits until somebody has collected the process as well.
        let Some(pidfd) = &self.pidfd else {
            return match test_kill_process(self.pid) {
                Err(Errno::SRCH) => Look::Gone,
                // Also when it is another user's.
                _ => Look::Running,
            };
        };
        let mut ended = [PollFd::new(pidfd, PollFlags::IN)];
        match poll(&mut ended, Some(&Timespec::default())) {
            Ok(0) | Err(_) => Look::Running,
            Ok(_) => Look::Gone,
        }
    }
}

impl Watched for Watch {
    fn is_child(&self) -> bool {
        self.is_child
    }

    fn look(&mut self) -> Look {
        if !self.is_child {
            return self.look_at_other();
        }
        match waitid(self.id(), WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            Ok(None) => Look::Running,
            Ok(Some(status)) => Look::Ended(raw(&status)),
            Err(_) => Look::Collected,
        }
    }

    fn notify(&mut self, notice: Box<dyn FnOnce() + Send>) -> bool {
        let Some(pidfd) = self.pidfd.as_ref().filter(|_| self.is_child) else { return false };
        let Ok(readiness) = Readiness::of(pidfd, Interest::Read) else { return false };
        io().spawn(async move {
            // When waiting fails, a look shows whether there is a reason.
            let _ = readiness.ready().await;
            drop(readiness);
            notice();
        });
        true
    }
}

/// The status as `waitpid` gives it.
fn raw(status: &WaitIdStatus) -> i32 {
    const CORE_DUMPED: i32 = 0x80;
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => (code & 0xff) << 8,
        (None, Some(signal)) if status.dumped() => signal | CORE_DUMPED,
        (None, signal) => signal.unwrap_or_default(),
    }
}
