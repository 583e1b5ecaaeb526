//! Run options from a task's protobufs: `Docker::RunOptions::create` of `src/docker/docker.cpp`.

use super::RunOptions;
use crate::Device;
use mesos::internal::ContainerDnsInfo;
use mesos::value::Scalar;
use mesos::{Bytes, CommandInfo, ContainerInfo, Resources};
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a task cannot be turned into run options, or those into a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RunOptionsError {
    /// The container is not a docker container.
    #[error("No docker info found in container info")]
    NoDockerInfo,
    /// Something that contradicts something else, or that is missing.
    #[error("{0}")]
    Invalid(String),
    /// An option that `docker run` would not accept, or that is not for the daemon.
    #[error("Option '{option}' of docker run: {problem}")]
    Option {
        /// As on the command line; of a variable only its name.
        option: String,
        /// What is wrong with it, for people.
        problem: String,
    },
    /// A field that upstream carries and this port does not yet.
    #[error("{field} is not supported yet{detail}")]
    Unsupported {
        /// The field's full name, as in `ContainerInfo.docker.parameters`.
        field: &'static str,
        /// What was asked for, for people; may be empty.
        detail: String,
    },
}

pub(super) fn invalid(message: impl Into<String>) -> RunOptionsError {
    RunOptionsError::Invalid(message.into())
}

/// The arguments of [`RunOptions::create`] that upstream's has defaults for.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreateArguments<'a> {
    /// What the task asks for; its shares and limits follow from it, and its ports must be there.
    pub resource_requests: Option<&'a Resources>,
    /// Limit CPU time to the request (`--cgroups_enable_cfs`).
    pub enable_cfs_quota: bool,
    /// Variables that go before those of the command.
    pub env: Option<&'a BTreeMap<String, String>>,
    /// Devices of the host, such as GPUs.
    pub devices: Option<&'a [Device]>,
    /// DNS for containers in a bridge or a network that somebody made, unless their parameters have
    /// something about DNS (`--default_container_dns`).
    pub default_container_dns: Option<&'a ContainerDnsInfo>,
    /// Limits above the requests, by resource name; infinity is no limit.
    pub resource_limits: Option<&'a BTreeMap<String, Scalar>>,
    /// The machine's memory, which the kernel's OOM score refers to. Needed where there is a
    /// memory limit above the request.
    pub total_memory: Option<Bytes>,
}

impl RunOptions {
    /// The options for a container of this task. `sandbox_directory` is where the sandbox lies on
    /// the host, `mapped_directory` where the container sees it.
    ///
    /// Fails when the task contradicts itself, and when one of its parameters is no option that
    /// the daemon could be asked for: nothing is dropped silently.
    // differs: upstream notices a bad option when the `docker` program ends with 125; here the
    // task fails with a message that names it.
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
        refuse_secrets(command_info)?;

        let mut options =
            RunOptions { privileged: docker_info.privileged(), ..RunOptions::default() };
        options.limit_resources(&arguments)?;
        options.fill_environment(command_info, container_name, mapped_directory, &arguments);
        options.add_volumes(container_info, docker_info, sandbox_directory, mapped_directory)?;
        options.join_network(container_info, docker_info)?;
        options.map_ports(docker_info, arguments.resource_requests)?;
        options.devices = arguments.devices.unwrap_or_default().to_vec();
        options.name = Some(container_name.to_owned());
        options.add_parameters(docker_info);
        if let Some(default) = arguments.default_container_dns {
            options.set_default_dns(docker_info, default);
        }
        options.image = docker_info.image.clone();
        options.set_command(command_info)?;
        // Only to see whether all options are such.
        options.create_request()?;
        Ok(options)
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
        // differs: upstream looks at the first resource of none, too.
        if let Some(resource) = arguments.resource_requests.and_then(|all| all.iter().next()) {
            let role = resource.allocation_info.as_ref().map_or("", |info| info.role());
            set("MESOS_ALLOCATION_ROLE", role);
        }
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

/// Upstream passes a secret on as an empty variable; nobody wants that.
// differs: a task with a secret in its environment is refused, until there are secrets.
fn refuse_secrets(command_info: &CommandInfo) -> Result<(), RunOptionsError> {
    let mut variables = command_info.environment.iter().flat_map(|env| &env.variables);
    match variables.find(|variable| variable.secret.is_some() && variable.value.is_none()) {
        None => Ok(()),
        Some(variable) => Err(RunOptionsError::Unsupported {
            field: "CommandInfo.environment.variables.secret",
            detail: format!(": {}", variable.name),
        }),
    }
}
