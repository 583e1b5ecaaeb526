//! `process::finalize`: the end of all processes and timers of this runtime.

use crate::{live, simulated};

/// Ends all processes, the newest first, each after what it has to do already, and drops all timers
/// without firing them. Meanwhile no process starts: [`spawn`](crate::spawn) returns the address of
/// one that has ended. Afterwards the runtime is as good as new.
///
/// Lets a paused clock run again, so that nobody waits for it in vain. Functions of
/// [`async_`](crate::async_) and input and output go on; what they complete finds nobody.
///
/// Mirrors `process::finalize` in `3rdparty/libprocess/src/process.cpp`.
///
/// # Panics
///
/// In a process or a timer, which would wait for its own end.
#[doc(alias = "process::finalize")]
#[doc(alias = "ProcessManager::finalize")]
pub fn finalize() {
    simulated::finalize().unwrap_or_else(live::finalize::finalize);
}
