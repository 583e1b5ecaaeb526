//! Killing the task: on request, at shutdown, and when it takes too long.

use super::{DOCKER_INSPECT_TIMEOUT, DockerExecutorProcess, MAX_REAP_INTERVAL, status};
use crate::driver::Stop;
use crate::grace::Grace;
use mesos::duration::Pretty;
use mesos::framework_info::capability::Type;
use mesos::{KillPolicy, TaskId, TaskState};
use process::{Context, Future, clock, defer_any};
use slog::{error, info, warn};
use std::time::Duration;

impl DockerExecutorProcess {
    /// The agent wants the task killed. The grace period is the request's, else the task's, else
    /// that of a shutdown.
    ///
    /// Mirrors the public `DockerExecutorProcess::killTask` in `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::killTask")]
    pub(super) fn kill_task(
        &mut self,
        ctx: &mut Context<Self>,
        task_id: &TaskId,
        policy: Option<&KillPolicy>,
    ) {
        let requested = policy.and_then(|policy| policy.grace_period.as_ref()).map(Grace::from);
        let overrides = requested
            .map(|grace| format!(" with grace period override of {grace}"))
            .unwrap_or_default();
        info!(self.log, "Received killTask{overrides} for task {task_id}");

        let of_task = self.kill_policy.as_ref().and_then(|policy| policy.grace_period.as_ref());
        let grace = requested
            .or(of_task.map(Grace::from))
            .unwrap_or_else(|| Grace::from(self.shutdown_grace_period));
        self.kill(ctx, task_id, grace);
    }

    /// The task has run for longer than it may.
    ///
    /// Mirrors `DockerExecutorProcess::taskCompletionTimeout` in `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::taskCompletionTimeout")]
    pub(super) fn task_completion_timeout(
        &mut self,
        ctx: &mut Context<Self>,
        task_id: &TaskId,
        limit: Duration,
    ) {
        if self.killed || self.terminated {
            return;
        }
        info!(
            self.log,
            "Killing task {task_id} which exceeded its maximum completion time of {}",
            Pretty(limit)
        );
        self.task_completion_timer = None;
        self.killed_by_task_completion_timeout = true;
        self.killed = true;
        // Its kill policy does not apply to a task that had its time.
        self.kill(ctx, task_id, Grace::ZERO);
    }

    /// The agent wants the executor gone: kills the task in time for its update to get out, or
    /// ends at once when there is none.
    ///
    /// Mirrors `DockerExecutorProcess::shutdown` in `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::shutdown")]
    pub(super) fn shutdown(&mut self, ctx: &mut Context<Self>) {
        info!(self.log, "Shutting down");
        let grace = Grace::from(self.shutdown_grace_period)
            .minus(MAX_REAP_INTERVAL)
            .minus(Duration::from_secs(1));
        match self.task_id.clone().filter(|_| self.run.is_some()) {
            Some(task_id) => self.kill(ctx, &task_id, grace),
            None => {
                if let Some(driver) = &self.driver {
                    driver.tell(Stop);
                }
            }
        }
    }

    /// Stops the container once it is known to the daemon.
    ///
    /// Mirrors the private `DockerExecutorProcess::killTask` in `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::killTask")]
    fn kill(&mut self, ctx: &mut Context<Self>, task_id: &TaskId, grace: Grace) {
        if self.terminated {
            return;
        }
        if let Some(timer) = self.task_completion_timer.take() {
            clock::cancel(&timer);
        }
        if self.run.is_none() {
            // MESOS-8297: the message that would have launched it may be lost, and then nobody
            // but the agent, which sees this executor die, can report the task's end.
            return self.abort(
                ctx,
                "Terminating because kill task message has been received before the task has \
                 been launched",
            );
        }

        // Before the inspect has succeeded the daemon may not know the container, and a stop
        // would be lost. For the same reason `killed` is set only then: nothing is to be reported
        // as killed that never got a signal.
        let task_id = task_id.clone();
        self.inspect.on_any(defer_any!(ctx.pid(), Self::stop_container, |this, ctx, _| {
            this.stop_container(ctx, &task_id, grace);
        }));
        self.limit_inspect();
    }

    /// Gives the inspect a while longer, then goes on without a running update.
    pub(super) fn limit_inspect(&self) {
        self.inspect.after(DOCKER_INSPECT_TIMEOUT, |inspect| {
            inspect.discard();
            inspect.clone()
        });
    }

    /// Issues `docker stop`, and TASK_KILLING the first time.
    ///
    /// Mirrors `DockerExecutorProcess::_killTask` in `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::_killTask")]
    fn stop_container(&mut self, ctx: &mut Context<Self>, task_id: &TaskId, grace: Grace) {
        if self.task_id.as_ref() != Some(task_id) {
            return self.abort(ctx, "Asked to kill a task that is not this executor's");
        }
        if self.terminated {
            return;
        }

        if !self.killed {
            self.killed = true;
            if !self.killed_by_task_completion_timeout
                && self.has_capability(Type::TaskKillingState)
            {
                self.send_status_update(status(task_id, TaskState::TaskKilling));
            }
        }

        // A stop gets until the next kill to finish. It may have hung, and the container may not
        // have got its signal, so every further request tries again.
        if self.stop.is_pending() {
            warn!(
                self.log,
                "Previous docker stop has not terminated yet for container '{}'",
                self.container_name
            );
            self.stop.discard();
        }
        self.stop = match grace.stop_timeout() {
            Ok(timeout) => self.docker.stop(&self.container_name, timeout, false),
            Err(problem) => Future::failed(problem),
        };

        let (log, name) = (self.log.clone(), self.container_name.clone());
        self.stop.on_failed(move |problem| {
            error!(log, "Failed to stop container '{name}': {problem}");
        });
    }
}
