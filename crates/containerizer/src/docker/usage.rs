//! Reading what a container uses.

use super::container::{Container, State};
use super::process::DockerContainerizerProcess;
use crate::cgroups::{self, Cgroup};
use ::process::host::OsPid;
use ::process::{Context, Future, clock, defer};
use mesos::{Bytes, ContainerId, ResourceStatistics};

/// What the agent adds to a command task for its executor.
const DEFAULT_EXECUTOR_CPUS: f64 = 0.1;

/// Likewise.
const DEFAULT_EXECUTOR_MEM: Bytes = Bytes::megabytes(32);

impl DockerContainerizerProcess {
    /// What a container uses, beside what it may use. Asks Docker for its pid unless that is known.
    ///
    /// Mirrors `DockerContainerizerProcess::usage`.
    #[doc(alias = "DockerContainerizerProcess::usage")]
    pub(super) fn usage(
        &mut self,
        ctx: &mut Context<Self>,
        id: &ContainerId,
    ) -> Future<ResourceStatistics> {
        let Some(container) = self.containers.get(id) else {
            return Future::failed(format!("Unknown container: {id}"));
        };
        if container.state == State::Destroying {
            return Future::failed(format!("Container is being removed: {id}"));
        }
        if let Some(pid) = container.pid {
            return self.collect_usage(id, pid);
        }
        let id = id.clone();
        self.docker.inspect(&container.container_name, None).then(defer!(
            ctx.pid(),
            Self::usage_of_inspected,
            |this, _, inspected| this.usage_of_inspected(&id, &inspected)
        ))
    }

    /// Mirrors the continuation of the inspect in `DockerContainerizerProcess::usage`.
    fn usage_of_inspected(
        &mut self,
        id: &ContainerId,
        inspected: &docker::Container,
    ) -> Future<ResourceStatistics> {
        let Some(pid) = inspected.pid else { return Future::failed("Container is not running") };
        let Some(container) = self.containers.get_mut(id) else {
            return Future::failed(format!("Container has been destroyed:{id}"));
        };
        container.pid = Some(pid);
        self.collect_usage(id, pid)
    }

    /// Mirrors `collectUsage` in `DockerContainerizerProcess::usage`.
    #[doc(alias = "collectUsage")]
    fn collect_usage(&self, id: &ContainerId, pid: OsPid) -> Future<ResourceStatistics> {
        let Some(container) = self.containers.get(id) else {
            return Future::failed(format!("Container has been destroyed: {id}"));
        };
        if container.state == State::Destroying {
            return Future::failed(format!("Container is being removed: {id}"));
        }
        let collected = self
            .cgroups_statistics(pid)
            .map_err(|error| format!("Failed to collect cgroup stats: {error}"))
            .and_then(|statistics| self.with_limits(container, statistics));
        match collected {
            Ok(statistics) => Future::ready(statistics),
            Err(error) => Future::failed(error),
        }
    }

    /// Adds what the container may use. What the agent had added for the docker executor of a
    /// command task is not the task's.
    fn with_limits(
        &self,
        container: &Container,
        mut statistics: ResourceStatistics,
    ) -> Result<ResourceStatistics, String> {
        let (less_cpus, less_memory) = if container.generated_for_command_task {
            (DEFAULT_EXECUTOR_CPUS, DEFAULT_EXECUTOR_MEM)
        } else {
            (0.0, Bytes::new(0))
        };
        let cpu_request = container.resource_requests.cpus().map(|cpus| cpus - less_cpus);
        // differs: upstream's difference wraps around where the request is less.
        let memory_request = container.resource_requests.mem().map(|memory| memory - less_memory);
        let limit = |name: &str| container.resource_limits.get(name).copied();

        statistics.cpus_soft_limit = cpu_request;
        statistics.cpus_limit = match limit("cpus") {
            Some(limit) if limit.is_infinite() => {
                let cpus = self.host.cpus().map_err(|error| {
                    format!("Failed to auto-detect the number of cpus: {error}")
                })?;
                Some(f64::from(cpus))
            }
            Some(limit) => Some(limit - less_cpus),
            None => cpu_request.filter(|_| self.flags.cgroups_enable_cfs),
        };
        let memory_request = memory_request.map(Bytes::as_u64);
        match limit("mem") {
            Some(limit) => {
                let bytes = if limit.is_infinite() {
                    self.host.memory().map_err(|error| {
                        format!("Failed to auto-detect the size of main memory: {error}")
                    })?
                } else {
                    (Bytes::megabytes(limit as u64) - less_memory).as_u64()
                };
                statistics.mem_limit_bytes = Some(bytes);
                statistics.mem_soft_limit_bytes = memory_request;
            }
            None => statistics.mem_limit_bytes = memory_request,
        }
        Ok(statistics)
    }

    /// What the processes in the control groups of this one use.
    ///
    /// Mirrors `DockerContainerizerProcess::cgroupsStatistics`.
    #[doc(alias = "DockerContainerizerProcess::cgroupsStatistics")]
    fn cgroups_statistics(&self, pid: OsPid) -> Result<ResourceStatistics, String> {
        let host = self.host.as_ref();
        let cpuacct = self.cgroup_of(pid, "cpuacct")?;
        let memory = self.cgroup_of(pid, "memory")?;
        let cpu_time =
            cpuacct.cpu_time(host).map_err(|error| format!("Failed to get cpu.stat: {error}"))?;
        let rss = memory.resident_memory(host).map_err(|error| {
            format!("Error getting memory statistics from cgroups memory subsystem: {error}")
        })?;
        let rss = rss.ok_or("cgroups memory stats does not contain 'rss' data")?;
        let mut result = ResourceStatistics {
            timestamp: clock::now().since_epoch().as_secs_f64(),
            cpus_system_time_secs: Some(cpu_time.system.as_secs_f64()),
            cpus_user_time_secs: Some(cpu_time.user.as_secs_f64()),
            mem_rss_bytes: Some(rss),
            ..ResourceStatistics::default()
        };
        if self.flags.cgroups_enable_cfs {
            let throttling = self
                .cgroup_of(pid, "cpu")?
                .throttling(host)
                .map_err(|error| format!("Failed to read cpu.stat: {error}"))?;
            // The message has 32 bits for them, and so takes the lower ones.
            result.cpus_nr_periods = throttling.periods.map(|count| count as u32);
            result.cpus_nr_throttled = throttling.throttled.map(|count| count as u32);
            result.cpus_throttled_time_secs = throttling.time.map(|time| time.as_secs_f64());
        }
        Ok(result)
    }

    fn cgroup_of(&self, pid: OsPid, subsystem: &str) -> Result<Cgroup, String> {
        let host = self.host.as_ref();
        let hierarchy = cgroups::hierarchy(host, subsystem).map_err(|error| {
            format!("Failed to determine the cgroup '{subsystem}' subsystem hierarchy: {error}")
        })?;
        let cgroup = cgroups::of_process(host, pid, subsystem).map_err(|error| {
            format!("Failed to determine cgroup for the '{subsystem}' subsystem: {error}")
        })?;
        // differs: upstream takes it that what a process is in is mounted.
        let (Some(hierarchy), Some(cgroup)) = (hierarchy, cgroup) else {
            return Err(format!("Unable to find '{subsystem}' cgroup subsystem"));
        };
        if cgroup == cgroups::ROOT {
            return Err(format!(
                "Process '{pid}' should not be in the system root cgroup (being destroyed?)"
            ));
        }
        Ok(hierarchy.cgroup(&cgroup))
    }
}
