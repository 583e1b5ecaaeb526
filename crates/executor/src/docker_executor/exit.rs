//! The container has ended: what to report.

use super::{DockerExecutorProcess, status};
use mesos::TaskState;
use mesos::status::{wifexited, wifsignaled, wstringify, wsucceeded};
use mesos::task_status::Reason;
use process::{Context, Future, defer_any};
use slog::{info, warn};

impl DockerExecutorProcess {
    /// `docker run` should have returned long ago: goes on without it.
    ///
    /// Mirrors `DockerExecutorProcess::reapedContainer` in `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::reapedContainer")]
    pub(super) fn reaped_container(&mut self, ctx: &mut Context<Self>, pid: Option<i32>) {
        if self.terminated {
            return;
        }
        let pid = pid.map(|pid| format!(" (pid: {pid})")).unwrap_or_default();
        warn!(
            self.log,
            "The container process{pid} has exited, but Docker daemon failed to catch it."
        );
        self.reaped(ctx, Future::ready(None));
    }

    /// The container has ended, as far as is known.
    ///
    /// Mirrors `DockerExecutorProcess::reaped` in `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::reaped")]
    pub(super) fn reaped(&mut self, ctx: &mut Context<Self>, run: Future<Option<i32>>) {
        if self.terminated {
            return;
        }
        self.terminated = true;

        // It may be stuck.
        self.stop.discard();

        // The running update comes first, if there is going to be one.
        self.inspect.on_any(defer_any!(ctx.pid(), Self::report_exit, |this, ctx, _| {
            this.report_exit(ctx, &run);
        }));
        self.limit_inspect();
    }

    /// Reports the end of the task.
    ///
    /// Mirrors `DockerExecutorProcess::_reaped` in `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::_reaped")]
    fn report_exit(&mut self, ctx: &mut Context<Self>, run: &Future<Option<i32>>) {
        let mut reason = None;
        let (state, message) = match run.get() {
            None => {
                let problem = run.failure().unwrap_or("discarded");
                (TaskState::TaskFailed, format!("Failed to run docker container: {problem}"))
            }
            Some(None) => {
                (TaskState::TaskFailed, "Failed to get exit status of container".to_owned())
            }
            Some(Some(wait)) if !wifexited(*wait) && !wifsignaled(*wait) => {
                return self.abort(ctx, &format!("Unexpected wait status {wait}"));
            }
            Some(Some(wait)) => {
                let state = if self.killed_by_task_completion_timeout {
                    reason = Some(Reason::MaxCompletionTimeReached);
                    TaskState::TaskFailed
                } else if self.killed {
                    // Whatever it exited with: some handle the signal and exit with 0. That it
                    // may have ended by itself just then cannot be told.
                    TaskState::TaskKilled
                } else if wsucceeded(*wait) {
                    TaskState::TaskFinished
                } else {
                    TaskState::TaskFailed
                };
                (state, format!("Container {}", wstringify(*wait)))
            }
        };
        info!(self.log, "{message}");

        let Some(task_id) = &self.task_id else { return };
        let mut terminal = status(task_id, state);
        terminal.message = Some(message);
        terminal.reason = reason.map(i32::from);
        self.send_status_update(terminal);
        self.stop_driver_later(ctx);
    }
}
