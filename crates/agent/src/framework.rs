//! A framework, as the agent knows it. Mirrors `Framework` in `src/slave/slave.cpp`.

use crate::executor::Executor;
use indexmap::IndexMap;
use mesos::framework_info::capability::Type;
use mesos::{ExecutorId, FrameworkInfo, TaskId, TaskInfo};

/// What a framework is about to do.
#[doc(alias = "Framework::State")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    /// It was shut down. Nothing more is reported of its tasks: nobody would acknowledge it.
    Terminating,
}

/// A framework with something pending or running here.
pub(crate) struct Framework {
    pub(crate) state: State,
    pub(crate) info: FrameworkInfo,
    /// Tasks that were not given to an executor yet.
    pub(crate) pending_tasks: IndexMap<ExecutorId, IndexMap<TaskId, TaskInfo>>,
    pub(crate) executors: IndexMap<ExecutorId, Executor>,
}

/// Mirrors `frameworkHasCapability` in `src/common/protobuf_utils.cpp`.
#[doc(alias = "frameworkHasCapability")]
pub(crate) fn has_capability(info: &FrameworkInfo, wanted: Type) -> bool {
    info.capabilities.iter().any(|capability| capability.r#type() == wanted)
}

impl Framework {
    pub(crate) fn new(info: FrameworkInfo) -> Self {
        Framework {
            state: State::Running,
            info,
            pending_tasks: IndexMap::new(),
            executors: IndexMap::new(),
        }
    }

    /// Whether it has nothing pending or running here.
    #[doc(alias = "Framework::idle")]
    pub(crate) fn is_idle(&self) -> bool {
        self.executors.is_empty() && self.pending_tasks.is_empty()
    }

    #[doc(alias = "Framework::addPendingTask")]
    pub(crate) fn add_pending_task(&mut self, executor_id: ExecutorId, task: TaskInfo) {
        self.pending_tasks.entry(executor_id).or_default().insert(task.task_id.clone(), task);
    }

    #[doc(alias = "Framework::isPending")]
    pub(crate) fn is_pending(&self, task_id: &TaskId) -> bool {
        self.executor_id_of_pending_task(task_id).is_some()
    }

    #[doc(alias = "Framework::getExecutorIdForPendingTask")]
    pub(crate) fn executor_id_of_pending_task(&self, task_id: &TaskId) -> Option<&ExecutorId> {
        let mut pending = self.pending_tasks.iter();
        pending.find(|(_, tasks)| tasks.contains_key(task_id)).map(|(id, _)| id)
    }

    /// Whether there was one.
    #[doc(alias = "Framework::removePendingTask")]
    pub(crate) fn remove_pending_task(&mut self, task_id: &TaskId) -> bool {
        let Some(executor_id) = self.executor_id_of_pending_task(task_id).cloned() else {
            return false;
        };
        if let Some(tasks) = self.pending_tasks.get_mut(&executor_id) {
            tasks.shift_remove(task_id);
            if tasks.is_empty() {
                self.pending_tasks.shift_remove(&executor_id);
            }
        }
        true
    }

    /// The executor that has, or had, this task.
    #[doc(alias = "Framework::getExecutor")]
    pub(crate) fn executor_of_task(&self, task_id: &TaskId) -> Option<&Executor> {
        self.executors.values().find(|executor| executor.has_task(task_id))
    }
}
