//! An executor, as the agent knows it, with its tasks. Mirrors `Executor` in
//! `src/slave/slave.cpp`.

use crate::limits::{Demand, compute_executor_limits};
use crate::update::create_task;
use ::executor::ExecutorLink;
use indexmap::IndexMap;
use mesos::slave::ContainerTermination;
use mesos::task_status::Source;
use mesos::{
    ContainerId, ExecutorId, ExecutorInfo, FrameworkId, Resource, Resources, Task, TaskId,
    TaskInfo, TaskStatus,
};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

/// How many completed tasks are remembered.
const MAX_COMPLETED_TASKS_PER_EXECUTOR: usize = 200;

/// Where an executor is in its life.
#[doc(alias = "Executor::State")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is being launched, or was and has not been heard of yet.
    Registering,
    /// It has registered.
    Running,
    /// It was told to shut down, or is being destroyed.
    Terminating,
    /// Its container has ended. It stays until the ends of its tasks were acknowledged.
    Terminated,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Registering => "REGISTERING",
            State::Running => "RUNNING",
            State::Terminating => "TERMINATING",
            State::Terminated => "TERMINATED",
        })
    }
}

/// An executor, from its creation until nobody waits for news of it.
pub(crate) struct Executor {
    pub(crate) state: State,
    pub(crate) id: ExecutorId,
    pub(crate) info: ExecutorInfo,
    pub(crate) framework_id: FrameworkId,
    pub(crate) container_id: ContainerId,
    /// The sandbox.
    pub(crate) directory: String,
    pub(crate) user: Option<String>,
    /// Whether its framework checkpoints.
    pub(crate) checkpoint: bool,
    /// It was made up for a command task; the master does not know it.
    pub(crate) generated_for_command_task: bool,
    /// The way to it, once it has registered.
    pub(crate) link: Option<Arc<dyn ExecutorLink>>,
    /// Why it is going to end, if the agent knows.
    pub(crate) pending_termination: Option<ContainerTermination>,

    /// Tasks that it was not sent yet.
    pub(crate) queued_tasks: IndexMap<TaskId, TaskInfo>,
    /// Tasks that it was sent.
    pub(crate) launched_tasks: IndexMap<TaskId, Task>,
    /// Tasks that have ended, but not everything was acknowledged.
    pub(crate) terminated_tasks: IndexMap<TaskId, Task>,
    /// Tasks that are over and done with; a few, the latest.
    completed_tasks: VecDeque<Task>,
    /// Updates that are being dealt with, in the order of their arrival, by uuid.
    pending_status_updates: BTreeMap<TaskId, IndexMap<Vec<u8>, TaskStatus>>,
}

impl Executor {
    pub(crate) fn new(
        info: ExecutorInfo,
        framework_id: FrameworkId,
        container_id: ContainerId,
        directory: String,
        user: Option<String>,
        checkpoint: bool,
        generated_for_command_task: bool,
    ) -> Self {
        Executor {
            state: State::Registering,
            id: info.executor_id.clone(),
            info,
            framework_id,
            container_id,
            directory,
            user,
            checkpoint,
            generated_for_command_task,
            link: None,
            pending_termination: None,
            queued_tasks: IndexMap::new(),
            launched_tasks: IndexMap::new(),
            terminated_tasks: IndexMap::new(),
            completed_tasks: VecDeque::new(),
            pending_status_updates: BTreeMap::new(),
        }
    }

    pub(crate) fn has_task(&self, task_id: &TaskId) -> bool {
        self.queued_tasks.contains_key(task_id)
            || self.launched_tasks.contains_key(task_id)
            || self.terminated_tasks.contains_key(task_id)
    }

    #[doc(alias = "Executor::enqueueTask")]
    pub(crate) fn enqueue_task(&mut self, task: TaskInfo) {
        self.queued_tasks.insert(task.task_id.clone(), task);
    }

    #[doc(alias = "Executor::addLaunchedTask")]
    pub(crate) fn add_launched_task(&mut self, task: &TaskInfo) {
        let task = create_task(task, mesos::TaskState::TaskStaging, &self.framework_id);
        self.launched_tasks.insert(task.task_id.clone(), task);
    }

    #[doc(alias = "Executor::completeTask")]
    pub(crate) fn complete_task(&mut self, task_id: &TaskId) {
        if let Some(task) = self.terminated_tasks.shift_remove(task_id) {
            if self.completed_tasks.len() == MAX_COMPLETED_TASKS_PER_EXECUTOR {
                self.completed_tasks.pop_front();
            }
            self.completed_tasks.push_back(task);
        }
    }

    #[doc(alias = "Executor::addPendingTaskStatus")]
    pub(crate) fn add_pending_task_status(&mut self, status: &TaskStatus) {
        let uuid = status.uuid.clone().unwrap_or_default();
        let pending = self.pending_status_updates.entry(status.task_id.clone()).or_default();
        pending.insert(uuid, status.clone());
    }

    /// Whether there was one.
    #[doc(alias = "Executor::removePendingTaskStatus")]
    pub(crate) fn remove_pending_task_status(&mut self, status: &TaskStatus) -> bool {
        let Some(pending) = self.pending_status_updates.get_mut(&status.task_id) else {
            return false;
        };
        let removed = pending.shift_remove(status.uuid()).is_some();
        if pending.is_empty() {
            self.pending_status_updates.remove(&status.task_id);
        }
        removed
    }

    /// Brings a task into the state that an update reports. An error says why the update must not
    /// be believed; that is where a second terminal update is caught.
    ///
    /// Mirrors `Executor::updateTaskState` in `src/slave/slave.cpp`.
    #[doc(alias = "Executor::updateTaskState")]
    pub(crate) fn update_task_state(&mut self, status: &TaskStatus) -> Result<(), String> {
        let (task_id, terminal) = (&status.task_id, status.state().is_terminal());
        let task = if let Some(info) = self.queued_tasks.get(task_id) {
            if !terminal {
                return Err("Cannot send non-terminal update for queued task".to_owned());
            }
            let task = create_task(info, status.state(), &self.framework_id);
            self.queued_tasks.shift_remove(task_id);
            Some(task)
        } else if self.launched_tasks.contains_key(task_id) {
            if terminal {
                // Of several that are being dealt with the first one to arrive wins, whichever
                // got here first.
                let pending = self.pending_status_updates.get(task_id);
                let mut pending = pending.into_iter().flat_map(IndexMap::values);
                let first = pending.find(|status| status.state().is_terminal());
                if let Some(first) = first.filter(|first| first.uuid != status.uuid) {
                    return Err(format!(
                        "Unexpected terminal status update after first status update {}",
                        first.state()
                    ));
                }
                self.launched_tasks.shift_remove(task_id)
            } else {
                None
            }
        } else if let Some(task) = self.terminated_tasks.get(task_id) {
            return Err(format!("Task is already terminated with state {}", task.state()));
        } else {
            return Err("Task is unknown".to_owned());
        };

        match task {
            Some(mut task) => {
                record(&mut task, status);
                self.terminated_tasks.insert(task_id.clone(), task);
            }
            None => {
                if let Some(task) = self.launched_tasks.get_mut(task_id) {
                    record(task, status);
                }
            }
        }
        Ok(())
    }

    /// Whether it has tasks that were not acknowledged to have ended.
    #[doc(alias = "Executor::incompleteTasks")]
    pub(crate) fn has_incomplete_tasks(&self) -> bool {
        !self.queued_tasks.is_empty()
            || !self.launched_tasks.is_empty()
            || !self.terminated_tasks.is_empty()
    }

    /// Whether it was ever sent a task, as far as is remembered.
    #[doc(alias = "Executor::everSentTask")]
    pub(crate) fn ever_sent_task(&self) -> bool {
        let reported =
            |task: &Task| task.statuses.iter().any(|status| status.source() == Source::Executor);
        !self.launched_tasks.is_empty()
            || self.terminated_tasks.values().any(reported)
            || self.completed_tasks.iter().any(reported)
    }

    /// What it and its tasks were given.
    #[doc(alias = "Executor::allocatedResources")]
    pub(crate) fn allocated_resources(&self) -> Vec<Resource> {
        let mut allocated = Resources::from(&self.info.resources);
        for task in self.queued_tasks.values() {
            allocated += &Resources::from(&task.resources);
        }
        for task in self.launched_tasks.values() {
            allocated += &Resources::from(&task.resources);
        }
        allocated.into()
    }

    /// How far it and its tasks may go.
    pub(crate) fn limits(&self, cgroups_enable_cfs: bool) -> BTreeMap<String, f64> {
        let queued = self.queued_tasks.values().map(|it| (it.resources.as_slice(), &it.limits));
        let launched = self.launched_tasks.values().map(|it| (it.resources.as_slice(), &it.limits));
        let tasks: Vec<Demand<'_>> = queued.chain(launched).collect();
        let limits = compute_executor_limits(&self.info.resources, &tasks, cgroups_enable_cfs);
        limits.into_iter().map(|(name, limit)| (name, limit.value)).collect()
    }
}

/// Adds a status to a task's history; of several with the same state in a row the last one stays.
fn record(task: &mut Task, status: &TaskStatus) {
    if task.statuses.last().is_some_and(|last| last.state == status.state) {
        task.statuses.pop();
    }
    task.statuses.push(status.clone());
    task.state = status.state;
}

impl fmt::Display for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' of framework {}", self.id, self.framework_id)?;
        match &self.link {
            Some(link) => write!(f, " at {}", link.upid()),
            None => Ok(()),
        }
    }
}
