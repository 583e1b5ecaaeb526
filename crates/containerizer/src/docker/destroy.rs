//! Destroying, in whatever state a container is.

use super::container::State;
use super::process::DockerContainerizerProcess;
use ::process::host::Follow;
use ::process::{Context, Future, Nothing, defer_any};
use mesos::ContainerId;
use mesos::slave::ContainerTermination;
use slog::{debug, info, warn};
use std::time::Duration;

/// How long after its own timeout a `docker stop` is taken to hang.
const DOCKER_FORCE_KILL_TIMEOUT: Duration = Duration::from_secs(1);

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

impl DockerContainerizerProcess {
    /// Ends a container. `killed` says that somebody wants it dead; otherwise its executor has
    /// ended by itself.
    ///
    /// Mirrors `DockerContainerizerProcess::destroy`.
    #[doc(alias = "DockerContainerizerProcess::destroy")]
    pub(super) fn destroy(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
        killed: bool,
    ) -> Future<Option<ContainerTermination>> {
        let Some(container) = self.containers.get(id) else {
            warn!(self.log, "Attempted to destroy unknown container {id}");
            return Future::ready(None);
        };

        if container.launch.is_failed() {
            debug!(self.log, "Container {id} launch failed");
            assert!(
                container.status.future().is_pending(),
                "a launch that failed never got as far as watching the executor"
            );
            // The agent reports the error of the launch itself.
            return self.terminate_with(id, None);
        }

        let state = container.state;
        info!(self.log, "Destroying container {id} in {state} state");
        match state {
            State::Destroying => {
                container.termination.future().map(|termination| Some(termination.clone()))
            }
            State::Fetching => {
                self.fetcher.kill(id);
                // Forgetting the container also keeps a fetch that has just succeeded from
                // going on.
                self.terminate_with(id, Some("Container destroyed while fetching"))
            }
            State::Pulling => {
                container.pull.discard();
                self.terminate_with(id, Some("Container destroyed while pulling image"))
            }
            State::Mounting => {
                self.unmount_or_warn(id);
                self.terminate_with(id, Some("Container destroyed while mounting volumes"))
            }
            State::Running => self.destroy_running(ctx, id, killed),
        }
    }

    /// Tells the executor to go, and waits for it to be watched: only then can it be waited for.
    fn destroy_running(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
        killed: bool,
    ) -> Future<Option<ContainerTermination>> {
        self.set_state(id, State::Destroying);
        let Some(container) = self.containers.get(id) else {
            return Future::ready(None);
        };

        // The executor first: it may never have been told to run its task, and what follows waits
        // for its end.
        if let (true, Some(executor)) = (killed, container.executor_pid) {
            info!(self.log, "Sending SIGTERM to executor with pid: {executor}");
            if let Err(error) = self.host.killtree(executor, SIGTERM, Follow::default()) {
                debug!(self.log, "Ignoring error when killing executor: {error}"; "pid" => executor);
            }
        }

        let result = container.termination.future().map(|termination| Some(termination.clone()));
        let (status, id) = (container.status.future(), id.clone());
        status.on_any(defer_any!(ctx.pid(), Self::stop_container, |this, ctx, _| {
            this.stop_container(ctx, &id, killed);
        }));
        result
    }

    /// Stops the container in Docker, unless its executor saw to that.
    ///
    /// Mirrors `DockerContainerizerProcess::_destroy`.
    #[doc(alias = "DockerContainerizerProcess::_destroy")]
    pub(super) fn stop_container(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
        killed: bool,
    ) {
        let Some(container) = self.containers.get(id) else {
            unreachable!("a container in DESTROYING is erased at the end of its destroy only");
        };
        assert!(container.state == State::Destroying, "nobody leaves DESTROYING");

        info!(self.log, "Running docker stop on container {id}");
        if !killed {
            return self.await_exit(ctx, id, killed, &Future::ready(Nothing));
        }
        let timeout = self.flags.docker_stop_timeout;
        let stop = self.docker.stop(&container.container_name, timeout, false);
        let (pid, stuck, stopped) = (ctx.pid().clone(), id.clone(), id.clone());
        stop.after(timeout + DOCKER_FORCE_KILL_TIMEOUT, move |stop| {
            let stop = stop.clone();
            ::process::dispatch!(pid, Self::kill_stuck_container, |this, _| {
                this.kill_stuck_container(&stuck, stop)
            })
        })
        .on_any(defer_any!(ctx.pid(), Self::await_exit, |this, ctx, stop| {
            this.await_exit(ctx, &stopped, killed, &stop);
        }));
    }

    /// After the stop: waits for the end of the executor, whose future is there by now.
    ///
    /// Mirrors `DockerContainerizerProcess::__destroy`.
    #[doc(alias = "DockerContainerizerProcess::__destroy")]
    pub(super) fn await_exit(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
        killed: bool,
        stop: &Future<Nothing>,
    ) {
        let Some(container) = self.containers.get(id) else {
            unreachable!("a container in DESTROYING is erased at the end of its destroy only");
        };
        let status = container.status.future();
        let Some(exit) = status.get() else {
            // Cannot happen, here as upstream: `stop_container` runs once the status is there. So
            // a failed stop has no consequence at all.
            let reason = stop.failure().unwrap_or("discarded future");
            let mut message = format!("Failed to kill the Docker container: {reason}");
            if !container.gpus.is_empty() {
                message += &format!(": {} GPUs leaked", container.gpus.len());
            }
            self.terminate_later_remove(ctx, id, Err(message));
            return;
        };
        let id = id.clone();
        exit.on_any(defer_any!(ctx.pid(), Self::release_resources, |this, ctx, exit| {
            this.release_resources(ctx, &id, killed, &exit);
        }));
    }

    /// Gives back what the container held.
    ///
    /// Mirrors `DockerContainerizerProcess::___destroy`.
    #[doc(alias = "DockerContainerizerProcess::___destroy")]
    pub(super) fn release_resources(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
        killed: bool,
        exit: &Future<Option<i32>>,
    ) {
        let Some(container) = self.containers.get(id) else {
            unreachable!("a container in DESTROYING is erased at the end of its destroy only");
        };
        let has_gpus = !container.gpus.is_empty();
        self.unmount_or_warn(id);
        let deallocated =
            if has_gpus { self.deallocate_gpus(ctx, id) } else { Future::ready(Nothing) };
        let (id, exit) = (id.clone(), exit.clone());
        deallocated.on_any(defer_any!(ctx.pid(), Self::report_termination, |this, ctx, _| this
            .report_termination(ctx, &id, killed, &exit)));
    }

    /// Completes the termination and forgets the container. Its remains in Docker are removed
    /// later, so that people can look at them and the logs can be read to the end.
    ///
    /// Mirrors `DockerContainerizerProcess::____destroy`.
    #[doc(alias = "DockerContainerizerProcess::____destroy")]
    pub(super) fn report_termination(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
        killed: bool,
        exit: &Future<Option<i32>>,
    ) {
        let message = if killed { "Container killed" } else { "Container terminated" };
        let termination = ContainerTermination {
            status: exit.get().copied().flatten(),
            message: Some(message.to_owned()),
            ..ContainerTermination::default()
        };
        self.terminate_later_remove(ctx, id, Ok(termination));
    }

    /// A stop that hangs may be Docker's fault: kills the container's process past Docker, if its
    /// pid is known.
    ///
    /// Mirrors `DockerContainerizerProcess::destroyTimeout`.
    #[doc(alias = "DockerContainerizerProcess::destroyTimeout")]
    pub(super) fn kill_stuck_container(
        &mut self,
        id: &ContainerId,
        stop: Future<Nothing>,
    ) -> Future<Nothing> {
        let Some(container) = self.containers.get(id) else {
            unreachable!("a container in DESTROYING is erased at the end of its destroy only");
        };
        warn!(self.log, "Docker stop timed out for container {id}");
        if let Some(pid) = container.pid {
            warn!(self.log, "Sending SIGKILL to process with pid {pid}");
            if let Err(error) = self.host.killtree(pid, SIGKILL, Follow::default()) {
                debug!(self.log, "Ignoring error when killing container: {error}"; "pid" => pid);
            }
        }
        stop
    }

    /// Removes what is left of the container in Docker.
    ///
    /// Mirrors `DockerContainerizerProcess::remove`.
    #[doc(alias = "DockerContainerizerProcess::remove")]
    pub(super) fn remove_container(&mut self, container_name: &str, executor: Option<&str>) {
        self.docker.rm(container_name, true);
        if let Some(executor) = executor {
            self.docker.rm(executor, true);
        }
    }

    fn terminate_with(
        &mut self,
        id: &ContainerId,
        message: Option<&str>,
    ) -> Future<Option<ContainerTermination>> {
        let termination = ContainerTermination {
            message: message.map(str::to_owned),
            ..ContainerTermination::default()
        };
        self.terminate(id, Ok(termination.clone()));
        Future::ready(Some(termination))
    }

    fn terminate_later_remove(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
        termination: Result<ContainerTermination, String>,
    ) {
        let Some(container) = self.terminate(id, termination) else { return };
        let (executor, name) = (container.executor_name(), container.container_name);
        ctx.delay(self.flags.docker_remove_delay, "Self::remove_container", move |this, _| {
            this.remove_container(&name, executor.as_deref());
        });
    }

    fn unmount_or_warn(&mut self, id: &ContainerId) {
        if let Err(error) = self.unmount_persistent_volumes(id) {
            warn!(
                self.log,
                "Failed to remove persistent volumes on destroy for container {id}: {error}"
            );
        }
    }
}
