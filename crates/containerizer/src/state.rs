//! What an agent has checkpointed, read back: the argument of [`recover`].
//!
//! Mirrors the structures of `src/slave/state.hpp`; who reads them from disk is the agent. The
//! `operations` of an agent's state belong to resource providers, which are not ported.
//!
//! [`recover`]: crate::Containerizer::recover

use mesos::internal::StatusUpdate;
use mesos::{
    ContainerId, DrainConfig, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, Resources,
    SlaveId, SlaveInfo, Task, TaskId,
};
use process::Upid;
use process::host::OsPid;
use std::collections::{BTreeMap, BTreeSet};

/// All that was checkpointed. `errors`, here and below, counts what could not be read, that of
/// the parts included.
#[doc(alias = "state::State")]
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The agent's resources.
    pub resources: Option<ResourcesState>,
    /// The agent.
    pub slave: Option<SlaveState>,
    /// Whether the machine was started anew since.
    pub rebooted: bool,
    /// How much could not be read.
    pub errors: u32,
}

/// The agent's resources, as they were checkpointed.
#[doc(alias = "state::ResourcesState")]
#[derive(Clone, Debug, Default)]
pub struct ResourcesState {
    /// What it has.
    pub resources: Resources,
    /// What it was about to have.
    pub target: Option<Resources>,
    /// How much could not be read.
    pub errors: u32,
}

/// An agent, with its frameworks.
#[doc(alias = "state::SlaveState")]
#[derive(Clone, Debug, Default)]
pub struct SlaveState {
    /// The agent's id.
    pub id: SlaveId,
    /// What it told the master about itself.
    pub info: Option<SlaveInfo>,
    /// Its frameworks.
    pub frameworks: BTreeMap<FrameworkId, FrameworkState>,
    /// How it is being drained, if it is.
    #[doc(alias = "drainConfig")]
    pub drain_config: Option<DrainConfig>,
    /// How much could not be read.
    pub errors: u32,
}

/// A framework, with its executors.
#[doc(alias = "state::FrameworkState")]
#[derive(Clone, Debug, Default)]
pub struct FrameworkState {
    /// Its id.
    pub id: FrameworkId,
    /// What it told the master about itself.
    pub info: Option<FrameworkInfo>,
    /// Its address; empty for one that speaks HTTP.
    pub pid: Option<Upid>,
    /// Its executors.
    pub executors: BTreeMap<ExecutorId, ExecutorState>,
    /// How much could not be read.
    pub errors: u32,
}

/// An executor, with its runs.
#[doc(alias = "state::ExecutorState")]
#[derive(Clone, Debug, Default)]
pub struct ExecutorState {
    /// Its id.
    pub id: ExecutorId,
    /// Its description.
    pub info: Option<ExecutorInfo>,
    /// Its latest run.
    pub latest: Option<ContainerId>,
    /// All its runs whose directories are there.
    pub runs: BTreeMap<ContainerId, RunState>,
    /// Whether the agent made it up for a command task.
    #[doc(alias = "generatedForCommandTask")]
    pub generated_for_command_task: bool,
    /// How much could not be read.
    pub errors: u32,
}

/// One run of an executor, with its tasks.
#[doc(alias = "state::RunState")]
#[derive(Clone, Debug, Default)]
pub struct RunState {
    /// Its container.
    pub id: Option<ContainerId>,
    /// Its tasks.
    pub tasks: BTreeMap<TaskId, TaskState>,
    /// The pid of the executor's process.
    #[doc(alias = "forkedPid")]
    pub forked_pid: Option<OsPid>,
    /// The executor's address, once it has registered.
    #[doc(alias = "libprocessPid")]
    pub libprocess_pid: Option<Upid>,
    /// Whether it speaks HTTP; unknown until it has registered.
    pub http: Option<bool>,
    /// Whether it has ended, and all its updates were acknowledged.
    pub completed: bool,
    /// How much could not be read.
    pub errors: u32,
}

/// A task, with its updates.
#[doc(alias = "state::TaskState")]
#[derive(Clone, Debug, Default)]
pub struct TaskState {
    /// Its id.
    pub id: TaskId,
    /// Its description.
    pub info: Option<Task>,
    /// Its updates, the oldest first.
    pub updates: Vec<StatusUpdate>,
    /// The ids of those that were acknowledged.
    pub acks: BTreeSet<[u8; 16]>,
    /// How much could not be read.
    pub errors: u32,
}
