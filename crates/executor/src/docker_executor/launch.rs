//! Running the container and reporting that it runs.

use super::{DockerExecutorProcess, REAPED_TIMEOUT, status};
use crate::inspect::inspect_until_started;
use docker::{Container, CreateArguments, RunOptions};
use mesos::container_info::Type;
use mesos::duration::Pretty;
use mesos::network_info::{IpAddress, Protocol};
use mesos::{ContainerStatus, NetworkInfo, Resources, TaskInfo, TaskState};
use process::{Context, Future, Nothing, defer, defer_any};
use slog::{error, info, warn};
use std::sync::Arc;
use std::time::Duration;

impl DockerExecutorProcess {
    /// Starts the container and, at the same moment, the inspection that finds out when it runs.
    ///
    /// Mirrors `DockerExecutorProcess::launchTask` in `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::launchTask")]
    pub(super) fn launch_task(&mut self, ctx: &mut Context<Self>, task: TaskInfo) {
        if self.run.is_some() {
            let mut failed = status(&task.task_id, TaskState::TaskFailed);
            failed.message =
                Some("Attempted to run multiple tasks using a \"docker\" executor".into());
            self.send_status_update(failed);
            return;
        }

        self.task_id = Some(task.task_id.clone());
        if task.kill_policy.is_some() {
            self.kill_policy = task.kill_policy;
        }

        let limit = task.max_completion_time.map_or(0, |time| time.nanoseconds);
        if limit > 0 {
            let limit = Duration::from_nanos(limit.unsigned_abs());
            info!(self.log, "Task {} has a max completion time of {}", task.task_id, Pretty(limit));
            let task_id = task.task_id.clone();
            self.task_completion_timer = Some(ctx.delay(
                limit,
                "DockerExecutorProcess::task_completion_timeout",
                move |this, ctx| this.task_completion_timeout(ctx, &task_id, limit),
            ));
        }

        info!(self.log, "Starting task {}", task.task_id);
        self.send_status_update(status(&task.task_id, TaskState::TaskStarting));

        let (Some(container), Some(command)) = (&task.container, &task.command) else {
            return self.abort(ctx, "A docker task must have a container and a command");
        };
        if container.r#type() != Type::Docker {
            return self.abort(ctx, "The container of a docker task must be a docker container");
        }

        // The containerizer sets the container's limits to the sum of both, and expects that.
        let executor = task.executor.as_ref().map(|executor| Resources::from(&executor.resources));
        let resources = Resources::from(&task.resources) + executor.unwrap_or_default();
        let options = RunOptions::create(
            container,
            command,
            &self.container_name,
            &self.sandbox_directory,
            &self.mapped_directory,
            CreateArguments {
                resource_requests: Some(&resources),
                enable_cfs_quota: self.cgroups_enable_cfs,
                env: Some(&self.task_environment),
                default_container_dns: self.default_container_dns.as_ref(),
                resource_limits: Some(&task.limits),
                total_memory: self.total_memory,
                ..CreateArguments::default()
            },
        );
        let options = match options {
            Ok(options) => options,
            Err(problem) => {
                let message = format!("Failed to create docker run options: {problem}");
                error!(self.log, "{message}");
                let mut failed = status(&task.task_id, TaskState::TaskFailed);
                failed.message = Some(message);
                self.send_status_update(failed);
                self.stop_driver_later(ctx);
                return;
            }
        };

        let run = self.docker.run(&options, self.stdout.clone(), self.stderr.clone());
        self.run = Some(run.clone());
        run.on_any(defer_any!(ctx.pid(), Self::reaped, |this, ctx, run| this.reaped(ctx, run)));

        // What comes after TASK_RUNNING waits for this future, which is ready only once
        // TASK_RUNNING was sent.
        let started = inspect_until_started(
            ctx.pid(),
            Arc::clone(&self.docker),
            self.container_name.clone(),
            self.log.clone(),
        );
        let wanted = container.network_infos.first().cloned();
        self.inspect =
            started.then(defer!(ctx.pid(), Self::container_started, |this, ctx, container| {
                this.container_started(ctx, &container, wanted)
            }));

        let (log, name) = (self.log.clone(), self.container_name.clone());
        self.inspect.on_failed(move |problem| {
            // Nothing can be done: the container is known by its name only.
            error!(log, "Failed to inspect container '{name}': {problem}");
        });

        let pid = ctx.pid().clone();
        self.inspect.on_ready(move |_| {
            pid.run("DockerExecutorProcess::launch_check", move |this, ctx| {
                this.launch_check(ctx, &task);
            });
        });
    }

    /// The container has started: reports that, and watches its process.
    ///
    /// Mirrors the continuation of the inspect loop in `DockerExecutorProcess::launchTask`.
    fn container_started(
        &mut self,
        ctx: &mut Context<Self>,
        container: &Container,
        wanted: Option<NetworkInfo>,
    ) -> Future<Nothing> {
        if !self.killed {
            self.report_running(container, wanted);
        }

        // The daemon can miss the exit of a container (moby issue 33820); then `docker run` never
        // returns. The exit of the container's process tells all the same, without its status.
        let Some(pid) = container.pid else {
            // It has ended already.
            self.expect_exit(ctx, None);
            return Future::ready(Nothing);
        };
        self.host.reap(pid).then(defer!(ctx.pid(), Self::expect_exit, |this, ctx, _| {
            this.expect_exit(ctx, Some(pid));
            Future::ready(Nothing)
        }));
        Future::ready(Nothing)
    }

    fn report_running(&mut self, container: &Container, wanted: Option<NetworkInfo>) {
        let Some(task_id) = &self.task_id else { return };
        let mut running = status(task_id, TaskState::TaskRunning);
        running.data = Some(container.output.as_bytes().to_vec());

        if container.ip_address.is_some() || container.ip6_address.is_some() {
            let mut network = wanted.unwrap_or_default();
            network.ip_addresses.clear();
            // IPv4 is what no protocol means.
            network.ip_addresses.extend(
                container
                    .ip_address
                    .clone()
                    .map(|address| IpAddress { ip_address: Some(address), protocol: None }),
            );
            network.ip_addresses.extend(container.ip6_address.clone().map(|address| IpAddress {
                ip_address: Some(address),
                protocol: Some(Protocol::IPv6.into()),
            }));
            running.container_status = Some(ContainerStatus {
                network_infos: vec![network.clone()],
                ..ContainerStatus::default()
            });
            self.container_network_info = Some(network);
        }
        self.send_status_update(running);
    }

    /// The container's process is gone. `docker run` normally is about to say so itself, with the
    /// exit status, and gets a while to do it.
    fn expect_exit(&mut self, ctx: &mut Context<Self>, pid: Option<i32>) {
        ctx.delay(REAPED_TIMEOUT, "DockerExecutorProcess::reaped_container", move |this, ctx| {
            this.reaped_container(ctx, pid)
        });
    }

    /// Mirrors `DockerExecutorProcess::launchCheck` and `launchHealthCheck` in
    /// `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::launchCheck")]
    #[doc(alias = "DockerExecutorProcess::launchHealthCheck")]
    fn launch_check(&mut self, ctx: &mut Context<Self>, task: &TaskInfo) {
        if task.check.is_some() {
            return self.abort(ctx, "Docker executor does not support checks yet");
        }
        // differs: health checks are not carried out yet; the task runs without.
        if !self.killed && task.health_check.is_some() {
            warn!(self.log, "Health checks are not carried out yet: task {}", task.task_id);
        }
    }
}
