//! An executor has ended: what its tasks are told, and cleaning up after it.

use super::{Slave, State, end};
use crate::executor;
use crate::framework;
use crate::status_updates::CleanUp;
use mesos::slave::ContainerTermination;
use mesos::status::wstringify;
use mesos::task_status::Reason;
use mesos::{ExecutorId, FrameworkId, TaskId, TaskResourceLimitation, TaskState};
use process::{Context, Future};
use slog::{error, info, warn};

type Termination = Future<Option<ContainerTermination>>;

impl Slave {
    /// The container of an executor has ended, was never there, or could not be destroyed.
    ///
    /// Mirrors `Slave::executorTerminated` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::executorTerminated")]
    pub(super) fn executor_terminated(
        &mut self,
        ctx: &mut Context<Self>,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        termination: &Termination,
    ) {
        let log = self.log.clone();
        let status = match termination.get() {
            None => {
                error!(
                    log,
                    "Termination of executor '{executor_id}' of framework {framework_id} failed: \
                     {}",
                    termination.failure().unwrap_or("discarded")
                );
                None
            }
            Some(None) => {
                error!(
                    log,
                    "Termination of executor '{executor_id}' of framework {framework_id} failed: \
                     unknown container"
                );
                None
            }
            Some(Some(termination)) => {
                let how = termination.status.map(wstringify);
                let how = how.unwrap_or_else(|| "has terminated with unknown status".to_owned());
                info!(log, "Executor '{executor_id}' of framework {framework_id} {how}");
                termination.status
            }
        };

        let Some(framework) = self.frameworks.get_mut(framework_id) else {
            warn!(log, "Framework {framework_id} for executor '{executor_id}' does not exist");
            return;
        };
        let framework_terminating = framework.state == framework::State::Terminating;
        let Some(executor) = framework.executors.get_mut(executor_id) else {
            warn!(log, "Executor '{executor_id}' of framework {framework_id} does not exist");
            return;
        };
        assert!(
            executor.state != executor::State::Terminated,
            "executor {executor} has terminated for the second time"
        );
        executor.state = executor::State::Terminated;
        let generated = executor.generated_for_command_task;

        if framework_terminating {
            // Nobody would acknowledge an update. The tasks just go.
            let launched = std::mem::take(&mut executor.launched_tasks);
            executor.terminated_tasks.extend(launched);
        } else {
            let launched = executor.launched_tasks.values();
            let launched = launched.filter(|task| !task.state().is_terminal());
            let launched: Vec<_> = launched.map(|task| task.task_id.clone()).collect();
            for task_id in launched {
                self.report_termination(ctx, framework_id, executor_id, &task_id, termination);
            }
            let executor = self.executor(framework_id, executor_id);
            let queued: Vec<_> = executor
                .map(|executor| executor.queued_tasks.keys().cloned().collect())
                .unwrap_or_default();
            for task_id in queued {
                self.report_termination(ctx, framework_id, executor_id, &task_id, termination);
            }
        }

        // The master knows nothing of executors that the agent made up.
        if !generated {
            self.send_exited_executor(framework_id, executor_id, status);
        }

        let executor = self.executor(framework_id, executor_id);
        let incomplete = executor.is_some_and(executor::Executor::has_incomplete_tasks);
        if self.state == State::Terminating || framework_terminating || !incomplete {
            self.remove_executor(framework_id, executor_id);
        }
        if self.is_idle(framework_id) {
            self.remove_framework(ctx, framework_id);
        }
    }

    /// Reports the end of a task whose executor has ended. What the containerizer says of it comes
    /// first, then what the agent knew before, then what can be assumed; messages add up.
    ///
    /// Mirrors `Slave::sendExecutorTerminatedStatusUpdate` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::sendExecutorTerminatedStatusUpdate")]
    fn report_termination(
        &mut self,
        ctx: &mut Context<Self>,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        task_id: &TaskId,
        termination: &Termination,
    ) {
        let Some(executor) = self.executor(framework_id, executor_id) else { return };
        let known = termination.get().and_then(Option::as_ref);
        let expected = executor.pending_termination.as_ref();
        let first = |field: fn(&ContainerTermination) -> Option<i32>| {
            known.and_then(field).or_else(|| expected.and_then(field))
        };
        let state = first(|it| it.state).and_then(|it| TaskState::try_from(it).ok());
        let reason = first(|it| it.reason).and_then(|it| Reason::try_from(it).ok());

        let mut messages = Vec::new();
        messages.extend(expected.and_then(|expected| expected.message.clone()));
        match termination.get() {
            None => messages.push(format!(
                "Abnormal executor termination: {}",
                termination.failure().unwrap_or("discarded future")
            )),
            Some(None) => {
                messages.push("Abnormal executor termination: unknown container".to_owned());
            }
            Some(Some(known)) => messages.extend(known.message.clone()),
        }
        let message =
            if messages.is_empty() { "Executor terminated".into() } else { messages.join("; ") };

        let mut update = self.new_update(
            framework_id,
            task_id,
            Some(executor_id),
            state.unwrap_or(TaskState::TaskFailed),
            reason.unwrap_or(Reason::ExecutorTerminated),
            message,
        );
        let limited = known.map(|known| known.limited_resources.clone()).unwrap_or_default();
        if !limited.is_empty() {
            update.status.limitation = Some(TaskResourceLimitation { resources: limited });
        }
        self.status_update(ctx, update, None);
    }

    /// Forgets an executor of which no news is awaited any more.
    ///
    /// Mirrors `Slave::removeExecutor` in `src/slave/slave.cpp`, without the garbage collector.
    #[doc(alias = "Slave::removeExecutor")]
    #[doc(alias = "Framework::destroyExecutor")]
    pub(super) fn remove_executor(&mut self, framework_id: &FrameworkId, executor_id: &ExecutorId) {
        let hooks = self.hooks();
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        let Some(executor) = framework.executors.shift_remove(executor_id) else { return };
        info!(self.log, "Cleaning up executor {executor}");
        assert!(
            executor.state == executor::State::Terminated,
            "executor {executor} is removed in state {}",
            executor.state
        );
        assert!(
            !executor.has_incomplete_tasks()
                || self.state == State::Terminating
                || framework.state == framework::State::Terminating,
            "executor {executor} is removed with incomplete tasks"
        );
        if let Some(hooks) = hooks {
            hooks.remove_executor(&framework.info, &executor.info);
        }
    }

    /// Forgets a framework that has nothing here any more.
    ///
    /// Mirrors `Slave::removeFramework` in `src/slave/slave.cpp`, without the garbage collector.
    #[doc(alias = "Slave::removeFramework")]
    pub(super) fn remove_framework(&mut self, ctx: &mut Context<Self>, framework_id: &FrameworkId) {
        info!(self.log, "Cleaning up framework {framework_id}");
        self.status_updates.tell(CleanUp(framework_id.clone()));
        self.frameworks.shift_remove(framework_id);
        if self.state == State::Terminating && self.frameworks.is_empty() {
            end(ctx);
        }
    }
}
