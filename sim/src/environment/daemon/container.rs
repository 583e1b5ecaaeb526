//! A container: what the daemon knows of it.

use super::answer::Refusal;
use super::config::{Resources, Restart, Settled};
use super::exchange::RequestId;
use super::files::Own;
use super::log::Log;
use super::messages;
use super::network::Attached;
use super::observe::ContainerView;
use super::program::Program;
use super::request::{LogOptions, Request, Streams};
use super::script::Script;
use super::stopping::Stop;
use crate::environment::operations::OpId;
use process::host::OsPid;
use process::{EventId, Time};
use std::collections::VecDeque;
use std::sync::Arc;

/// How far a container has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerState {
    /// Never started, or its start was refused.
    Created,
    /// Its process runs.
    Running,
    /// Its process is frozen.
    Paused,
    /// Its process has ended, and the daemon is about to start it again.
    Restarting,
    /// Its process has ended.
    Exited,
    /// Its removal got stuck.
    Dead,
}

impl ContainerState {
    /// Whether the daemon counts it among the running ones.
    pub fn is_running(self) -> bool {
        matches!(
            self,
            ContainerState::Running | ContainerState::Paused | ContainerState::Restarting
        )
    }
}

/// A client that follows what a container writes.
pub(super) struct Follower {
    pub(super) request: RequestId,
    pub(super) kind: Following,
}

/// What it is told.
pub(super) enum Following {
    /// It is attached: everything at once, in these streams.
    Attached(Streams),
    /// It reads the log: line by line.
    Log(LogOptions),
}

/// What a restart policy has done so far.
#[derive(Default)]
pub(super) struct Restarts {
    /// How often it has restarted the container.
    pub(super) count: u32,
    /// Of these: in a row, without a run of some length.
    pub(super) in_a_row: u32,
    /// The op in which the next start begins.
    pub(super) next: Option<OpId>,
}

/// A container.
pub(super) struct Container {
    pub(super) number: u64,
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) image: Arc<str>,
    pub(super) settled: Arc<Settled>,
    pub(super) resources: Resources,
    pub(super) restart: Restart,
    pub(super) script: Arc<Script>,
    pub(super) state: ContainerState,
    pub(super) created: Time,
    pub(super) started: Option<Time>,
    pub(super) finished: Option<Time>,
    /// Of its last run, or of its last attempt to start.
    pub(super) exit_code: i64,
    pub(super) oom_killed: bool,
    pub(super) error: Option<Arc<str>>,
    pub(super) pid: Option<OsPid>,
    pub(super) program: Option<Program>,
    pub(super) cause: EventId,
    pub(super) started_in: Option<EventId>,
    /// Its start is under way and has the lock.
    pub(super) starting: bool,
    /// Who asked for that start; nobody where the daemon restarts it.
    pub(super) starter: Option<RequestId>,
    /// That start is the second half of a restart.
    pub(super) restarted: bool,
    /// Requests that wait for the lock.
    pub(super) queue: VecDeque<(RequestId, Request)>,
    /// Somebody stopped it: no restart policy starts it again.
    pub(super) stopped_by_hand: bool,
    pub(super) restarts: Restarts,
    /// The wait status of its process, which ended while the daemon was not there.
    pub(super) unseen: Option<i32>,
    pub(super) removing: bool,
    /// Who removes it, while its process is being killed for that.
    pub(super) remover: Option<RequestId>,
    /// The removal under way will get stuck.
    pub(super) half_way: bool,
    pub(super) stops: Vec<Stop>,
    /// Waits for its next exit.
    pub(super) waiters: Vec<RequestId>,
    /// Waits for its removal.
    pub(super) removal_waiters: Vec<RequestId>,
    pub(super) followers: Vec<Follower>,
    pub(super) log: Log,
    pub(super) files: Own,
    pub(super) networks: Vec<Attached>,
    /// Programs that run in it, by number.
    pub(super) execs: Vec<u64>,
}

impl Container {
    pub(super) fn view(&self) -> ContainerView {
        let has_exited = self.finished.is_some() || self.exit_code != 0;
        ContainerView {
            id: Arc::clone(&self.id),
            name: Arc::clone(&self.name),
            state: self.state,
            removing: self.removing,
            pid: self.pid,
            exit_code: has_exited.then_some(self.exit_code).filter(|_| !self.is_running()),
            oom_killed: self.oom_killed,
            cause: self.cause,
            started_in: self.started_in,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.state.is_running()
    }

    /// The word for its state in answers.
    pub(super) fn state_name(&self) -> &'static str {
        match self.state {
            ContainerState::Running => "running",
            ContainerState::Paused => "paused",
            ContainerState::Restarting => "restarting",
            _ if self.removing => "removing",
            ContainerState::Dead => "dead",
            ContainerState::Created => "created",
            ContainerState::Exited => "exited",
        }
    }

    /// Refuses what needs a program that runs and is not frozen.
    pub(super) fn active(&self, name: &str) -> Result<(), Refusal> {
        match self.state {
            ContainerState::Running => Ok(()),
            ContainerState::Paused => Err(messages::paused_exec(name)),
            ContainerState::Restarting => Err(messages::is_restarting(&self.id)),
            _ => Err(messages::not_running(&self.id)),
        }
    }

    /// The program's name: what errors call it.
    pub(super) fn program_name(&self) -> &str {
        let settled = &self.settled;
        let words = settled.entrypoint.iter().flatten().chain(&settled.command);
        words.map(String::as_str).next().unwrap_or_default()
    }
}
