//! Run options from a task's protobufs: `Docker::RunOptions::create` of `src/docker/docker.cpp`.

use super::RunOptions;
use mesos::container_info::DockerInfo;
use mesos::container_info::docker_info::Network;
use mesos::value::Scalar;
use mesos::volume::{self, source};
use mesos::{Bytes, CommandInfo, ContainerInfo, Resources, Volume};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use thiserror::Error;

/// `slave/containerizer/mesos/isolators/cgroups/constants.hpp` has these.
const CPU_SHARES_PER_CPU: f64 = 1024.0;
const MIN_CPU_SHARES: u64 = 2;
const CPU_CFS_PERIOD: Duration = Duration::from_millis(100);
const MIN_CPU_CFS_QUOTA: Duration = Duration::from_millis(1);
const MIN_MEMORY: Bytes = Bytes::megabytes(32);

/// Why a task cannot be turned into run options.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RunOptionsError {
    /// The container is not a docker container.
    #[error("No docker info found in container info")]
    NoDockerInfo,
    /// Something that contradicts something else, or that is missing.
    #[error("{0}")]
    Invalid(String),
    /// A field that upstream carries and this port does not yet.
    #[error("{field} is not supported yet{detail}")]
    Unsupported {
        /// The field's full name, as in `ContainerInfo.docker.parameters`.
        field: &'static str,
        /// What was asked for, for people; may be empty.
        detail: String,
    },
}

fn invalid(message: impl Into<String>) -> RunOptionsError {
    RunOptionsError::Invalid(message.into())
}

/// The arguments of [`RunOptions::create`] that upstream's has defaults for.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreateArguments<'a> {
    /// What the task asks for; its shares and limits follow from it.
    pub resource_requests: Option<&'a Resources>,
    /// Limit CPU time to the request (`--cgroups_enable_cfs`).
    pub enable_cfs_quota: bool,
    /// Variables that go before those of the command.
    pub env: Option<&'a BTreeMap<String, String>>,
    /// Limits above the requests, by resource name; infinity is no limit.
    pub resource_limits: Option<&'a BTreeMap<String, Scalar>>,
    /// The machine's memory, which the kernel's OOM score refers to. Needed where there is a
    /// memory limit above the request.
    pub total_memory: Option<Bytes>,
}

/// The OOM score adjustment of a burstable task: the less of the machine it asked for, the sooner
/// it is killed. Mirrors `slave/containerizer/mesos/utils.cpp`.
#[doc(alias = "calculateOOMScoreAdj")]
pub fn calculate_oom_score_adj(request: Bytes, total: Bytes) -> i32 {
    let share = u128::from(request.as_u64()) * 1000 / u128::from(total.as_u64().max(1));
    1000 - i32::try_from(share.min(1000)).unwrap_or(1000)
}

impl RunOptions {
    /// The options for a container of this task. `sandbox_directory` is where the sandbox lies on
    /// the host, `mapped_directory` where the container sees it.
    ///
    /// Fails when the task contradicts itself, and when it asks for something that is not carried
    /// yet: nothing is dropped silently.
    #[doc(alias = "Docker::RunOptions::create")]
    pub fn create(
        container_info: &ContainerInfo,
        command_info: &CommandInfo,
        container_name: &str,
        sandbox_directory: &str,
        mapped_directory: &str,
        arguments: CreateArguments<'_>,
    ) -> Result<RunOptions, RunOptionsError> {
        let docker_info = container_info.docker.as_ref().ok_or(RunOptionsError::NoDockerInfo)?;
        refuse_unsupported(container_info, docker_info, command_info)?;

        let mut options =
            RunOptions { privileged: docker_info.privileged(), ..RunOptions::default() };
        options.limit_resources(&arguments)?;
        options.fill_environment(command_info, container_name, mapped_directory, &arguments);
        options.add_volumes(container_info, sandbox_directory, mapped_directory)?;
        options.network = Some(network(container_info, docker_info)?);

        if let Some(hostname) = &container_info.hostname {
            if options.network.as_deref() == Some("host") {
                return Err(invalid("Unable to set hostname with host network mode"));
            }
            options.hostname = Some(hostname.clone());
        }

        options.name = Some(container_name.to_owned());
        options.image = docker_info.image.clone();
        options.set_command(command_info)?;
        Ok(options)
    }

    fn limit_resources(&mut self, arguments: &CreateArguments<'_>) -> Result<(), RunOptionsError> {
        let cpu_request = arguments.resource_requests.and_then(Resources::cpus);
        let mem_request = arguments.resource_requests.and_then(Resources::mem);
        let limit = |name: &str| {
            let limit = arguments.resource_limits.and_then(|limits| limits.get(name));
            limit.map(|limit| limit.value)
        };
        let (cpu_limit, mem_limit) = (limit("cpus"), limit("mem"));

        // Float to integer casts saturate: a negative or absurd number gives a bound, not
        // nonsense.
        self.cpu_shares =
            cpu_request.map(|cpus| ((CPU_SHARES_PER_CPU * cpus) as u64).max(MIN_CPU_SHARES));

        let quota = |cpus: f64| {
            let period = CPU_CFS_PERIOD.as_nanos() as f64;
            (((period * cpus) as u64) / 1000).max(MIN_CPU_CFS_QUOTA.as_micros() as u64)
        };
        // An infinite limit is one that is not set at all, even with the flag.
        self.cpu_quota = match cpu_limit {
            Some(cpus) => (!cpus.is_infinite()).then(|| quota(cpus)),
            None => cpu_request.filter(|_| arguments.enable_cfs_quota).map(quota),
        };

        let Some(mem_limit) = mem_limit else {
            self.memory = mem_request.map(|memory| memory.max(MIN_MEMORY));
            return Ok(());
        };
        let limit = (!mem_limit.is_infinite()).then(|| Bytes::megabytes(mem_limit as u64));
        self.memory = limit.map(|limit| limit.max(MIN_MEMORY));
        if let Some(request) = mem_request {
            self.memory_reservation = Some(request.max(MIN_MEMORY));
            if limit.is_none_or(|limit| request < limit) {
                let total = arguments.total_memory.ok_or_else(|| {
                    invalid(
                        "Failed to calculate OOM score adjustment: the size of main memory is \
                         not known",
                    )
                })?;
                self.oom_score_adj = Some(calculate_oom_score_adj(request, total));
            }
        }
        Ok(())
    }

    fn fill_environment(
        &mut self,
        command_info: &CommandInfo,
        container_name: &str,
        mapped_directory: &str,
        arguments: &CreateArguments<'_>,
    ) {
        for variable in command_info.environment.iter().flat_map(|env| &env.variables) {
            self.env.insert(variable.name.clone(), variable.value().to_owned());
        }
        // Later ones win: the given environment over the command's, ours over both.
        self.env.extend(arguments.env.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
        let mut set = |name: &str, value: &str| self.env.insert(name.to_owned(), value.to_owned());
        set("MESOS_SANDBOX", mapped_directory);
        set("MESOS_CONTAINER_NAME", container_name);
        // Tasks may not mix resources of several roles, so the first one's is everyone's.
        if let Some(resource) = arguments.resource_requests.and_then(|all| all.iter().next()) {
            let role = resource.allocation_info.as_ref().map_or("", |info| info.role());
            set("MESOS_ALLOCATION_ROLE", role);
        }
    }

    fn add_volumes(
        &mut self,
        container_info: &ContainerInfo,
        sandbox_directory: &str,
        mapped_directory: &str,
    ) -> Result<(), RunOptionsError> {
        for volume in &container_info.volumes {
            if volume.host_path.is_none() && is_ignored(volume) {
                continue;
            }
            let host_path = volume
                .host_path
                .as_ref()
                .ok_or_else(|| invalid("Host path or volume source is required"))?;
            let container_path = &volume.container_path;
            let (host_absolute, container_absolute) =
                (Path::new(host_path).is_absolute(), Path::new(container_path).is_absolute());
            if !host_absolute && !container_absolute {
                return Err(invalid(format!(
                    "Both host_path '{host_path}' and container_path '{container_path}' of a \
                     volume are relative"
                )));
            }
            let absolute = |directory: &str, path: &str, is_absolute| {
                if is_absolute { path.to_owned() } else { join(directory, path) }
            };
            let host = absolute(sandbox_directory, host_path, host_absolute);
            let container = absolute(mapped_directory, container_path, container_absolute);
            let mode = match volume::Mode::try_from(volume.mode) {
                Ok(volume::Mode::Rw) => "rw",
                Ok(volume::Mode::Ro) => "ro",
                Err(_) => return Err(invalid("Unsupported volume mode")),
            };
            self.volumes.push(format!("{host}:{container}:{mode}"));
        }
        self.volumes.push(format!("{sandbox_directory}:{mapped_directory}"));
        Ok(())
    }

    fn set_command(&mut self, command_info: &CommandInfo) -> Result<(), RunOptionsError> {
        if command_info.shell() {
            // A shell is wanted whatever the image's entry point is (MESOS-1770).
            self.entrypoint = Some("/bin/sh".to_owned());
            let Some(value) = &command_info.value else {
                return Err(invalid("Shell specified but no command value provided"));
            };
            self.arguments = vec!["-c".to_owned(), value.clone()];
        } else {
            self.arguments.extend(command_info.value.clone());
            self.arguments.extend(command_info.arguments.iter().cloned());
        }
        Ok(())
    }
}

/// stout's `path::join`: exactly one separator between the two.
fn join(directory: &str, path: &str) -> String {
    format!("{}/{}", directory.trim_end_matches('/'), path.trim_start_matches('/'))
}

/// A volume of a kind that belongs to the other containerizer; upstream skips these, too.
fn is_ignored(volume: &Volume) -> bool {
    volume.source.as_ref().is_some_and(|source| {
        source.r#type.is_some_and(|kind| kind != source::Type::DockerVolume as i32)
    })
}

fn network(
    container_info: &ContainerInfo,
    docker_info: &DockerInfo,
) -> Result<String, RunOptionsError> {
    let network = match docker_info.network {
        None => Network::Host,
        Some(number) => Network::try_from(number)
            .map_err(|_| invalid(format!("Unsupported Network mode: {number}")))?,
    };
    Ok(match network {
        Network::Host => "host".to_owned(),
        Network::Bridge => "bridge".to_owned(),
        Network::None => "none".to_owned(),
        Network::User => match container_info.network_infos.as_slice() {
            [] => return Err(invalid("No network info found in container info")),
            [info] => match &info.name {
                Some(name) => name.clone(),
                None => return Err(invalid("No network name found in network info")),
            },
            _ => return Err(invalid("Only a single network can be defined in Docker run")),
        },
    })
}

/// What upstream would carry and this does not, until the whole of Docker is done.
fn refuse_unsupported(
    container_info: &ContainerInfo,
    docker_info: &DockerInfo,
    command_info: &CommandInfo,
) -> Result<(), RunOptionsError> {
    let refuse = |field, detail| Err(RunOptionsError::Unsupported { field, detail });
    if let Some(mapping) = docker_info.port_mappings.first() {
        let detail = format!(": host port {}", mapping.host_port);
        return refuse("ContainerInfo.docker.port_mappings", detail);
    }
    if let Some(parameter) = docker_info.parameters.first() {
        let detail = format!(": --{}={}", parameter.key, parameter.value);
        return refuse("ContainerInfo.docker.parameters", detail);
    }
    #[expect(deprecated, reason = "tasks still use it")]
    if let Some(driver) = &docker_info.volume_driver {
        return refuse("ContainerInfo.docker.volume_driver", format!(": {driver}"));
    }
    let sources = container_info.volumes.iter().filter(|volume| volume.host_path.is_none());
    if let Some(volume) = sources.filter_map(|volume| volume.source.as_ref()).find(|source| {
        source.docker_volume.is_some() || source.r#type == Some(source::Type::DockerVolume as i32)
    }) {
        let name = volume.docker_volume.as_ref().map_or("", |volume| &volume.name);
        return refuse("ContainerInfo.volumes.source.docker_volume", format!(": {name}"));
    }
    let secret = command_info
        .environment
        .iter()
        .flat_map(|env| &env.variables)
        .find(|variable| variable.secret.is_some() && variable.value.is_none());
    if let Some(variable) = secret {
        let detail = format!(": {}", variable.name);
        return refuse("CommandInfo.environment.variables.secret", detail);
    }
    Ok(())
}

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
