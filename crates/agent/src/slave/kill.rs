//! The master wants a task killed.

use super::{Slave, State, unless_lost};
use crate::executor;
use crate::framework;
use mesos::internal::KillTaskMessage;
use mesos::task_status::Reason;
use mesos::{ExecutorId, FrameworkId, TaskId, TaskState};
use process::Context;
use slog::{info, warn};

impl Slave {
    /// Mirrors `Slave::killTask` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::killTask")]
    pub(super) fn kill_task(&mut self, ctx: &mut Context<Self>, message: KillTaskMessage) {
        let KillTaskMessage { framework_id, task_id, .. } = &message;
        let log = self.log.clone();
        info!(log, "Asked to kill task {task_id} of framework {framework_id}");
        let ignored = |because: &str| {
            warn!(
                log,
                "Ignoring kill task {task_id} of framework {framework_id} because {because}"
            );
        };
        if self.state != State::Running {
            return ignored(&format!("the agent is {}", self.state));
        }
        let Some(framework) = self.frameworks.get(framework_id) else {
            return ignored("no such framework is running");
        };
        if framework.state == framework::State::Terminating {
            return ignored("the framework is terminating");
        }

        if let Some(executor_id) = framework.executor_id_of_pending_task(task_id).cloned() {
            warn!(log, "Killing task {task_id} of framework {framework_id} before it was launched");
            return self.killed_during_launch(ctx, framework_id, task_id, &executor_id);
        }
        let Some(executor_id) = self.executor_id_of_task(framework_id, task_id) else {
            // It was never launched here.
            let state = unless_lost(&framework.info, TaskState::TaskDropped);
            ignored("no corresponding executor is running");
            let update = self.new_update(
                framework_id,
                task_id,
                None,
                state,
                Reason::ExecutorTerminated,
                "Cannot find executor",
            );
            return self.status_update(ctx, update, None);
        };
        self.kill(ctx, &executor_id, message.clone());
    }

    /// Reports a task that no executor has as killed. This also takes it out of whatever queue
    /// it is in, at once, so that it will not be launched.
    ///
    /// Mirrors `Slave::killPendingTask` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::killPendingTask")]
    fn killed_during_launch(
        &mut self,
        ctx: &mut Context<Self>,
        framework_id: &FrameworkId,
        task_id: &TaskId,
        executor_id: &ExecutorId,
    ) {
        let update = self.new_update(
            framework_id,
            task_id,
            Some(executor_id),
            TaskState::TaskKilled,
            Reason::TaskKilledDuringLaunch,
            "Killed before delivery to the executor",
        );
        self.status_update(ctx, update, None);
    }

    /// Kills a task that has an executor.
    ///
    /// Mirrors `Slave::kill` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::kill")]
    fn kill(
        &mut self,
        ctx: &mut Context<Self>,
        executor_id: &ExecutorId,
        message: KillTaskMessage,
    ) {
        let KillTaskMessage { framework_id, task_id, .. } = &message;
        let log = self.log.clone();
        let Some(executor) = self.executor(framework_id, executor_id) else { return };
        match executor.state {
            executor::State::Registering => {
                // The launch goes on; an executor that registers without tasks is shut down.
                warn!(
                    log,
                    "Transitioning the state of task {task_id} of framework {framework_id} to \
                     TASK_KILLED because the executor is not registered"
                );
                self.killed_during_launch(ctx, framework_id, task_id, executor_id);
            }
            executor::State::Terminating | executor::State::Terminated => {
                let state = executor.state.to_string().to_lowercase();
                warn!(
                    log,
                    "Ignoring kill task {task_id} because the executor {executor} is {state}"
                );
            }
            executor::State::Running if executor.queued_tasks.contains_key(task_id) => {
                self.killed_during_launch(ctx, framework_id, task_id, executor_id);
                // Executors for a single task do not end without it (MESOS-8411).
                let useless = self.executor(framework_id, executor_id).filter(|executor| {
                    !executor.ever_sent_task() && executor.queued_tasks.is_empty()
                });
                if let Some(executor) = useless {
                    warn!(
                        log,
                        "Shutting down executor {executor} because it has never been sent a task \
                         and all of its queued tasks have been killed before delivery"
                    );
                    self.do_shutdown_executor(ctx, framework_id, executor_id);
                }
            }
            executor::State::Running => {
                // What becomes of the task is the executor's to report.
                if let Some(link) = &executor.link {
                    link.kill_task(message);
                }
            }
        }
    }
}
