//! Changing a container's resources.

use super::container::State;
use super::messages::Update;
use super::process::DockerContainerizerProcess;
use crate::cgroups::{self, Quota};
use ::process::{Context, Future, Nothing, await_one, defer, loop_in};
use docker::Container;
use mesos::{Bytes, ContainerId, Resources};
use slog::{info, warn};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// How long one inspect may take before it is given up for the next one.
const DOCKER_INSPECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Shares of a whole CPU.
const CPU_SHARES_PER_CPU: f64 = 1024.0;

/// The kernel's minimum.
const MIN_CPU_SHARES: u64 = 2;

/// The kernel's default.
const CPU_CFS_PERIOD: Duration = Duration::from_millis(100);

/// The kernel's minimum.
const MIN_CPU_CFS_QUOTA: Duration = Duration::from_millis(1);

/// No container gets less.
const MIN_MEMORY: Bytes = Bytes::megabytes(32);

impl DockerContainerizerProcess {
    /// Notes the resources of a container, and has its control groups follow if its executor runs
    /// in it. The limits of a command task's container are its docker executor's business, which
    /// creates it. `force`: also if nothing has changed.
    ///
    /// Mirrors `DockerContainerizerProcess::update`.
    #[doc(alias = "DockerContainerizerProcess::update")]
    pub(super) fn update(
        &mut self,
        ctx: &mut Context<Self>,
        message: Update,
        force: bool,
    ) -> Future<Nothing> {
        let Update { container: id, requests, limits } = message;
        let requests = Resources::from(&requests);
        let Some(container) = self.containers.get_mut(&id) else {
            warn!(self.log, "Ignoring updating unknown container {id}");
            return Future::ready(Nothing);
        };
        if container.state == State::Destroying {
            info!(self.log, "Ignoring updating container {id} that is being destroyed");
            return Future::ready(Nothing);
        }
        if container.generated_for_command_task {
            container.resource_requests = requests;
            container.resource_limits = limits;
            info!(
                self.log,
                "Ignoring updating container {id} because it is generated for a command task"
            );
            return Future::ready(Nothing);
        }
        if container.resource_requests == requests && container.resource_limits == limits && !force
        {
            info!(
                self.log,
                "Ignoring updating container {id} because resources passed to update are identical \
                 to existing resources"
            );
            return Future::ready(Nothing);
        }
        container.resource_requests = requests.clone();
        container.resource_limits.clone_from(&limits);
        let supported = requests.cpus().is_some()
            || requests.mem().is_some()
            || limits.contains_key("cpus")
            || limits.contains_key("mem");
        if !supported {
            warn!(self.log, "Ignoring update as no supported resources are present");
            return Future::ready(Nothing);
        }
        if container.cpu_cgroup.is_some() && container.memory_cgroup.is_some() {
            return self.limit(&id, &requests, &limits);
        }

        let name = container.container_name.clone();
        self.inspect_patiently(ctx, name).then(defer!(
            ctx.pid(),
            Self::find_cgroups,
            |this, _, found| this.find_cgroups(&id, &requests, &limits, &found)
        ))
    }

    /// Inspects a container past a daemon that hangs: what takes too long is given up and tried
    /// again. Without the retry of `Docker::inspect`, since the container may have ended.
    fn inspect_patiently(&self, ctx: &mut Context<Self>, name: String) -> Future<Container> {
        let (docker, log) = (Arc::clone(&self.docker), self.log.clone());
        loop_in(
            ctx.pid(),
            move |_, _| {
                let (log, container) = (log.clone(), name.clone());
                let inspect =
                    docker.inspect(&name, None).after(DOCKER_INSPECT_TIMEOUT, move |inspect| {
                        warn!(
                            log,
                            "Docker inspect timed out after 5secs for container '{container}'"
                        );
                        // Ends the client, and with it the future.
                        inspect.discard();
                        inspect.clone()
                    });
                await_one(&inspect)
            },
            |_, _, inspect| match (inspect.get(), inspect.failure()) {
                (Some(container), _) => Future::ready(ControlFlow::Break(container.clone())),
                (None, Some(error)) => Future::failed(error),
                (None, None) => Future::ready(ControlFlow::Continue(())),
            },
        )
    }

    /// Notes in which control groups the container's process is.
    ///
    /// Mirrors `DockerContainerizerProcess::_update`.
    #[doc(alias = "DockerContainerizerProcess::_update")]
    fn find_cgroups(
        &mut self,
        id: &ContainerId,
        requests: &Resources,
        limits: &BTreeMap<String, f64>,
        inspected: &Container,
    ) -> Future<Nothing> {
        let Some(pid) = inspected.pid else { return Future::ready(Nothing) };
        let Some(container) = self.containers.get_mut(id) else {
            info!(self.log, "Container has been removed after docker inspect, skipping update");
            return Future::ready(Nothing);
        };
        container.pid = Some(pid);
        let slots = [("cpu", &mut container.cpu_cgroup), ("memory", &mut container.memory_cgroup)];
        for (subsystem, slot) in slots {
            match cgroups::of_process(self.host.as_ref(), pid, subsystem) {
                Err(error) => {
                    return Future::failed(format!(
                        "Failed to determine cgroup for the '{subsystem}' subsystem: {error}"
                    ));
                }
                Ok(None) => warn!(
                    self.log,
                    "Container {id} does not appear to be a member of a cgroup where the \
                     '{subsystem}' subsystem is mounted"
                ),
                Ok(Some(root)) if root == cgroups::ROOT => warn!(
                    self.log,
                    "Process '{pid}' should not be in the system root cgroup (being destroyed?)"
                ),
                Ok(found) => *slot = found,
            }
        }
        if container.cpu_cgroup.is_none() && container.memory_cgroup.is_none() {
            return Future::ready(Nothing);
        }
        self.limit(id, requests, limits)
    }

    /// Writes the limits.
    ///
    /// Mirrors `DockerContainerizerProcess::__update`.
    #[doc(alias = "DockerContainerizerProcess::__update")]
    fn limit(
        &self,
        id: &ContainerId,
        requests: &Resources,
        limits: &BTreeMap<String, f64>,
    ) -> Future<Nothing> {
        let limited = self
            .limit_cpu(id, requests, limits.get("cpus").copied())
            .and_then(|()| self.limit_memory(id, requests, limits.get("mem").copied()));
        match limited {
            Ok(()) => Future::ready(Nothing),
            Err(error) => Future::failed(error),
        }
    }

    /// The control group of a container, if it is known and mounted.
    fn mounted(
        &self,
        subsystem: &str,
        cgroup: Option<&String>,
    ) -> Result<Option<cgroups::Cgroup>, String> {
        let hierarchy = cgroups::hierarchy(self.host.as_ref(), subsystem).map_err(|error| {
            format!(
                "Failed to determine the cgroup hierarchy where the '{subsystem}' subsystem is \
                 mounted: {error}"
            )
        })?;
        Ok(hierarchy.zip(cgroup).map(|(hierarchy, cgroup)| hierarchy.cgroup(cgroup)))
    }

    fn limit_cpu(
        &self,
        id: &ContainerId,
        requests: &Resources,
        limit: Option<f64>,
    ) -> Result<(), String> {
        let Some(container) = self.containers.get(id) else { return Ok(()) };
        let Some(cgroup) = self.mounted("cpu", container.cpu_cgroup.as_ref())? else {
            return Ok(());
        };
        let host = self.host.as_ref();
        let request = requests.cpus();
        if let Some(cpus) = request {
            let shares = ((CPU_SHARES_PER_CPU * cpus) as u64).max(MIN_CPU_SHARES);
            cgroup
                .set_shares(host, shares)
                .map_err(|error| format!("Failed to update '{}': {error}", cgroup.shares_file()))?;
            info!(self.log, "Updated 'cpu.shares' to {shares} at {cgroup} for container {id}");
        }

        // A limit counts in any case, the request only if CPU limits are hard.
        let Some(cpus) = limit.or(request.filter(|_| self.flags.cgroups_enable_cfs)) else {
            return Ok(());
        };
        let quota = if cpus.is_infinite() {
            Quota::Unlimited
        } else {
            Quota::Each(CPU_CFS_PERIOD.mul_f64(cpus.max(0.0)).max(MIN_CPU_CFS_QUOTA))
        };
        cgroup.set_quota(host, CPU_CFS_PERIOD, quota)?;
        info!(
            self.log,
            "Updated the CPU quota to {quota:?} (cpus {cpus}) at {cgroup} for container {id}"
        );
        Ok(())
    }

    fn limit_memory(
        &self,
        id: &ContainerId,
        requests: &Resources,
        limit: Option<f64>,
    ) -> Result<(), String> {
        let Some(container) = self.containers.get(id) else { return Ok(()) };
        let Some(cgroup) = self.mounted("memory", container.memory_cgroup.as_ref())? else {
            return Ok(());
        };
        let host = self.host.as_ref();
        let request = requests.mem();
        if let Some(memory) = request {
            let soft = memory.max(MIN_MEMORY);
            let file = cgroup.soft_limit_file();
            cgroup
                .set_soft_limit(host, soft)
                .map_err(|error| format!("Failed to set '{file}': {error}"))?;
            info!(self.log, "Updated '{file}' to {soft} at {cgroup} for container {id}");
        }

        let file = cgroup.hard_limit_file();
        let current =
            cgroup.hard_limit(host).map_err(|error| format!("Failed to read '{file}': {error}"))?;
        let wanted = match limit {
            Some(limit) if limit.is_infinite() => {
                cgroup
                    .set_hard_limit(host, None)
                    .map_err(|error| format!("Failed to update '{file}': {error}"))?;
                info!(self.log, "Removed '{file}' at {cgroup} for container {id}");
                return Ok(());
            }
            Some(megabytes) => Bytes::megabytes(megabytes as u64).max(MIN_MEMORY),
            None => match request {
                Some(memory) => memory.max(MIN_MEMORY),
                None => return Ok(()),
            },
        };
        // Never lowered: that could kill what runs now.
        if wanted > current {
            cgroup
                .set_hard_limit(host, Some(wanted))
                .map_err(|error| format!("Failed to set '{file}': {error}"))?;
            info!(self.log, "Updated '{file}' to {wanted} at {cgroup} for container {id}");
        }
        Ok(())
    }
}
