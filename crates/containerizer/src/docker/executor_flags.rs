//! The command line of `mesos-docker-executor`.

use crate::Flags;
use mesos::duration::Pretty;
use std::collections::BTreeMap;
use std::path::Path;

/// The program that runs a docker task and speaks for it, in the launcher directory.
pub const MESOS_DOCKER_EXECUTOR: &str = "mesos-docker-executor";

/// The arguments for the docker executor, flags in alphabetical order as upstream passes them.
///
/// Mirrors `dockerFlags` in `src/slave/containerizer/docker.cpp`.
#[doc(alias = "dockerFlags")]
pub(super) fn docker_executor_argv(
    flags: &Flags,
    container_name: &str,
    sandbox: &Path,
    task_environment: Option<&BTreeMap<String, String>>,
) -> Vec<String> {
    let mut argv = vec![
        MESOS_DOCKER_EXECUTOR.to_owned(),
        format!("--cgroups_enable_cfs={}", flags.cgroups_enable_cfs),
        format!("--container={container_name}"),
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
    ];
    if let Some(environment) = task_environment {
        // A map of strings always has a JSON form.
        let json = serde_json::to_string(environment).unwrap_or_default();
        argv.push(format!("--task_environment={json}"));
    }
    argv
}
