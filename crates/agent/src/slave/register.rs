//! An executor registers, or fails to, and is sent its tasks.

use super::{Slave, State, problem, unless_lost};
use crate::executor;
use crate::framework;
use ::executor::ExecutorLink;
use mesos::duration::Pretty;
use mesos::internal::{
    ExecutorRegisteredMessage, RegisterExecutorMessage, RunTaskMessage, ShutdownExecutorMessage,
};
use mesos::slave::ContainerTermination;
use mesos::task_status::Reason;
use mesos::{ContainerId, ExecutorId, FrameworkId, TaskInfo, TaskState};
use process::{Context, Future, Nothing, defer_any};
use slog::{debug, error, info, warn};
use std::sync::Arc;

impl Slave {
    /// Mirrors `Slave::registerExecutor` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::registerExecutor")]
    pub(super) fn register_executor(
        &mut self,
        ctx: &mut Context<Self>,
        message: RegisterExecutorMessage,
        link: Arc<dyn ExecutorLink>,
    ) {
        let RegisterExecutorMessage { framework_id, executor_id } = message;
        let log = self.log.clone();
        info!(
            log,
            "Got registration for executor '{executor_id}' of framework {framework_id} from {}",
            link.upid()
        );

        let refuse = |because: &str| {
            warn!(
                log,
                "Shutting down executor '{executor_id}' of framework {framework_id} because \
                 {because}"
            );
            link.shutdown(ShutdownExecutorMessage::default());
        };
        match self.state {
            State::Recovering => return refuse("the agent is still recovering"),
            State::Terminating => return refuse("the agent is terminating"),
            State::Running => {}
        }
        let Some(framework) = self.frameworks.get_mut(&framework_id) else {
            return refuse("the framework does not exist");
        };
        if framework.state == framework::State::Terminating {
            return refuse("the framework is terminating");
        }
        let framework_info = framework.info.clone();
        let Some(executor) = framework.executors.get_mut(&executor_id) else {
            return refuse("it is unexpected");
        };
        if executor.state != executor::State::Registering {
            return refuse(&format!("it is in unexpected state {}", executor.state));
        }

        executor.state = executor::State::Running;
        executor.link = Some(Arc::clone(&link));

        // All its tasks were killed meanwhile. An executor for a single task would wait for it
        // for ever.
        if !executor.ever_sent_task() && executor.queued_tasks.is_empty() {
            warn!(
                log,
                "Shutting down registering executor {executor} because it has no tasks to run"
            );
            return self.do_shutdown_executor(ctx, &framework_id, &executor_id);
        }

        link.registered(ExecutorRegisteredMessage {
            executor_info: executor.info.clone(),
            framework_id: framework_id.clone(),
            framework_info,
            slave_id: self.id.clone(),
            slave_info: self.info.clone(),
        });
        let tasks = executor.queued_tasks.values().cloned().collect();
        self.update_then_send(ctx, &framework_id, &executor_id, tasks);
    }

    /// Has the container given the resources for everything in it, then sends `tasks`.
    ///
    /// Mirrors what `Slave::registerExecutor` and `Slave::__run` in `src/slave/slave.cpp` end with.
    pub(super) fn update_then_send(
        &mut self,
        ctx: &mut Context<Self>,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        tasks: Vec<TaskInfo>,
    ) {
        let Some(executor) = self.executor(framework_id, executor_id) else { return };
        let container_id = executor.container_id.clone();
        let updated = self.containerizer.update(
            &container_id,
            executor.allocated_resources(),
            executor.limits(self.flags.cgroups_enable_cfs),
        );
        let ids = (framework_id.clone(), executor_id.clone());
        updated.on_any(defer_any!(ctx.pid(), Self::send_tasks, |this, ctx, future| {
            this.send_tasks(ctx, &future, &ids.0, &ids.1, &container_id, &tasks);
        }));
    }

    /// Sends those of `tasks` that were not killed meanwhile.
    ///
    /// Mirrors `Slave::___run` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::___run")]
    fn send_tasks(
        &mut self,
        ctx: &mut Context<Self>,
        future: &Future<Nothing>,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        container_id: &ContainerId,
        tasks: &[TaskInfo],
    ) {
        if !future.is_ready() {
            error!(
                self.log,
                "Failed to update resources for container {container_id} of executor \
                 '{executor_id}' of framework {framework_id}, destroying container: {}",
                problem(future)
            );
            return self.destroy_after_failed_update(
                future,
                framework_id,
                executor_id,
                container_id,
            );
        }

        let log = self.log.clone();
        let ignored = |because: &str| {
            warn!(
                log,
                "Ignoring sending queued tasks to executor '{executor_id}' of framework \
                 {framework_id} because {because}"
            );
        };
        let Some(framework) = self.frameworks.get_mut(framework_id) else {
            return ignored("the framework does not exist");
        };
        if framework.state == framework::State::Terminating {
            return ignored("the framework is terminating");
        }
        let framework_info = framework.info.clone();
        let Some(executor) = framework.executors.get_mut(executor_id) else {
            return ignored("the executor does not exist");
        };
        if executor.container_id != *container_id {
            return ignored("the target container has exited");
        }
        assert!(
            executor.state != executor::State::Registering,
            "executor {executor} went back to REGISTERING"
        );
        if executor.state != executor::State::Running {
            // What is to be reported of the tasks is, when it has ended.
            return ignored(&format!("the executor is in {} state", executor.state));
        }
        if !executor.ever_sent_task() && executor.queued_tasks.is_empty() {
            // differs: upstream aborts; a master that uses a task id twice can get us here.
            ignored("it has no tasks to run any more");
            return self.do_shutdown_executor(ctx, framework_id, executor_id);
        }

        for task in tasks {
            let task_id = &task.task_id;
            if executor.queued_tasks.shift_remove(task_id).is_none() {
                warn!(
                    log,
                    "Ignoring sending queued task '{task_id}' to executor {executor} because the \
                     task has been killed"
                );
                continue;
            }
            executor.add_launched_task(task);
            info!(log, "Sending queued task '{task_id}' to executor {executor}");
            if let Some(link) = &executor.link {
                link.run_task(RunTaskMessage {
                    framework: framework_info.clone(),
                    task: task.clone(),
                    pid: Some(String::new()),
                    ..RunTaskMessage::default()
                });
            }
        }
    }

    /// A container that did not get its resources is of no use.
    pub(super) fn destroy_after_failed_update(
        &mut self,
        future: &Future<Nothing>,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        container_id: &ContainerId,
    ) {
        self.containerizer.destroy(container_id);
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        let state = unless_lost(&framework.info, TaskState::TaskGone);
        if let Some(executor) = framework.executors.get_mut(executor_id) {
            executor.pending_termination = Some(ContainerTermination {
                state: Some(state.into()),
                reason: Some(Reason::ContainerUpdateFailed.into()),
                message: Some(format!(
                    "Failed to update resources for container: {}",
                    problem(future)
                )),
                ..ContainerTermination::default()
            });
        }
    }

    /// The time is over in which an executor must have registered.
    ///
    /// Mirrors `Slave::registerExecutorTimeout` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::registerExecutorTimeout")]
    pub(super) fn register_executor_timeout(
        &mut self,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        container_id: &ContainerId,
    ) {
        let timeout = Pretty(self.flags.executor_registration_timeout);
        let log = self.log.clone();
        let ignored = |because: &str| {
            debug!(
                log,
                "Ignoring registration timeout for executor '{executor_id}' of framework \
                 {framework_id} because {because}"
            );
        };
        let Some(framework) = self.frameworks.get_mut(framework_id) else {
            return ignored("the framework seems to have exited");
        };
        if framework.state == framework::State::Terminating {
            return ignored("the framework is terminating");
        }
        let Some(executor) = framework.executors.get_mut(executor_id) else {
            return ignored("the executor seems to have exited");
        };
        if executor.container_id != *container_id {
            return ignored("it was for an older run");
        }
        if executor.state != executor::State::Registering {
            return;
        }

        info!(log, "Terminating executor {executor} because it did not register within {timeout}");
        self.containerizer.destroy(container_id);
        executor.state = executor::State::Terminating;
        executor.pending_termination = Some(ContainerTermination {
            state: Some(TaskState::TaskFailed.into()),
            reason: Some(Reason::ExecutorRegistrationTimeout.into()),
            message: Some(format!("Executor did not register within {timeout}")),
            ..ContainerTermination::default()
        });
    }
}
