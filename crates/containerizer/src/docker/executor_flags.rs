//! The command line of `mesos-docker-executor`.

use crate::Flags;
use mesos::duration::Pretty;
use mesos::json;
use std::collections::BTreeMap;
use std::path::Path;

/// The program that runs a docker task and speaks for it, in the launcher directory.
pub const MESOS_DOCKER_EXECUTOR: &str = "mesos-docker-executor";

/// The arguments for the docker executor, flags in alphabetical order as upstream passes them.
///
/// Mirrors `dockerFlags` in `src/slave/containerizer/docker.cpp`.
#[doc(alias = "dockerFlags")]
pub(super) fn docker_executor_arguments(
    flags: &Flags,
    container_name: &str,
    sandbox: &Path,
    task_environment: Option<&BTreeMap<String, String>>,
) -> Vec<String> {
    let mut arguments = vec![
        format!("--cgroups_enable_cfs={}", flags.cgroups_enable_cfs),
        format!("--container={container_name}"),
    ];
    if let Some(dns) = &flags.default_container_dns {
        arguments.push(format!("--default_container_dns={}", json::to_string(dns)));
    }
    arguments.extend([
        format!("--docker={}", flags.docker),
        format!("--docker_socket={}", flags.docker_socket),
        "--help=false".to_owned(),
        "--initialize_driver_logging=true".to_owned(),
        format!("--launcher_dir={}", flags.launcher_dir.display()),
        "--logbufsecs=0".to_owned(),
        "--logging_level=INFO".to_owned(),
        format!("--mapped_directory={}", flags.sandbox_directory.display()),
        "--quiet=false".to_owned(),
        format!("--sandbox_directory={}", sandbox.display()),
        format!("--stop_timeout={}", Pretty(flags.docker_stop_timeout)),
    ]);
    arguments.extend(task_environment.map(task_environment_argument));
    arguments
}

/// The flag with which a hook's environment for the task reaches the docker executor.
pub(super) fn task_environment_argument(environment: &BTreeMap<String, String>) -> String {
    // A map of strings always has a JSON form.
    let json = serde_json::to_string(environment).unwrap_or_default();
    format!("--task_environment={json}")
}
