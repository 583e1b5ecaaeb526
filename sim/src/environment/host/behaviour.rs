//! How a process without code of its own behaves: when it exits, and what signals do to it.

use crate::environment::faults::Fault;
use process::host::OsPid;
use std::time::Duration;

/// The signal that asks a process to end.
pub const SIGTERM: i32 = 15;
/// The signal that ends it without asking.
pub const SIGKILL: i32 = 9;

/// The behaviour of a process that is played by the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// How long it runs; until it is killed if `None`.
    pub runs_for: Option<Duration>,
    /// Its wait status when it ends by itself.
    pub status: i32,
    /// SIGTERM does nothing to it.
    pub ignores_sigterm: bool,
    /// How long it takes to end once it was asked to.
    pub stops_in: Duration,
}

/// A program played by the host: a [`Behaviour`] and the faults that may change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scripted {
    /// What its instances do when no fault strikes.
    pub behaviour: Behaviour,
    /// The fault that makes an instance end with this wait status instead.
    pub fails: Option<(Fault, i32)>,
    /// The fault that makes an instance hang until the world is healed.
    pub stalls: Option<Fault>,
    /// The fault that makes an instance end by itself after this time, with this wait status.
    pub exits: Option<(Fault, Duration, i32)>,
}

impl Scripted {
    /// The fetcher: takes 200 ms and succeeds; [`Fault::FetchFail`] and [`Fault::FetchStall`].
    pub fn fetcher() -> Self {
        let runs_for = Some(Duration::from_millis(200));
        Scripted {
            behaviour: Behaviour { runs_for, ..Behaviour::default() },
            fails: Some((Fault::FetchFail, 1 << 8)),
            stalls: Some(Fault::FetchStall),
            exits: None,
        }
    }

    /// A stand-in for the docker executor where nothing but the containerizer is looked at: runs
    /// until it is killed; [`Fault::ExecutorExit`] ends it after 10 s with status 1.
    pub fn executor() -> Self {
        Scripted {
            exits: Some((Fault::ExecutorExit, Duration::from_secs(10), 1 << 8)),
            ..Scripted::default()
        }
    }
}

/// Whether a signal does nothing to a process that has not asked for it.
pub(crate) fn is_ignored_by_default(signal: i32) -> bool {
    // 0 probes; SIGCHLD, SIGCONT, SIGURG, SIGWINCH.
    matches!(signal, 0 | 17 | 18 | 23 | 28)
}

/// A process of the host as oracles see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessView {
    /// Its process id.
    pub pid: OsPid,
    /// The name of its program: the last component of the path.
    pub program: std::sync::Arc<str>,
    /// The process that started it, or 1 when that is gone.
    pub parent: OsPid,
    /// The event that started it.
    pub cause: process::EventId,
    /// Its wait status when it has ended but was not reaped yet: a zombie.
    pub exited: Option<i32>,
}
