//! The environment that executors are started with.

use crate::Flags;
use containerizer::hooks::Hooks;
use mesos::duration::Pretty;
use mesos::{ExecutorInfo, SlaveId};
use process::Upid;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long an executor may take to shut down: what it asks for itself, else the agent's flag.
/// Upstream's arithmetic is signed; less than nothing is nothing here.
pub(crate) fn shutdown_grace_period(flags: &Flags, info: &ExecutorInfo) -> Duration {
    match &info.shutdown_grace_period {
        Some(period) => Duration::try_from(period).unwrap_or_default(),
        None => flags.executor_shutdown_grace_period,
    }
}

/// Mirrors `executorEnvironment` in `src/slave/slave.cpp`.
// differs: MESOS_NATIVE_LIBRARY and MESOS_NATIVE_JAVA_LIBRARY are not set, there is no such
// library; no authentication token, no domain socket.
#[doc(alias = "executorEnvironment")]
pub(crate) fn executor_environment(
    flags: &Flags,
    info: &ExecutorInfo,
    directory: &str,
    slave_id: &SlaveId,
    slave: &Upid,
    checkpoint: bool,
    hooks: Option<&dyn Hooks>,
) -> BTreeMap<String, String> {
    let bit = |value: bool| if value { "1" } else { "0" }.to_owned();
    let framework_id = info.framework_id.clone().unwrap_or_default();

    let mut environment = BTreeMap::new();
    let mut set = |name: &str, value: String| environment.insert(name.to_owned(), value);
    if let Some(ip) = &flags.libprocess_ip {
        set("LIBPROCESS_IP", ip.clone());
    }
    for (name, value) in &flags.executor_environment_variables {
        set(name, value.clone());
    }
    // The executor is not to take the agent's port.
    set("LIBPROCESS_PORT", "0".to_owned());
    set("MESOS_FRAMEWORK_ID", framework_id.value);
    set("MESOS_EXECUTOR_ID", info.executor_id.value.clone());
    set("MESOS_DIRECTORY", directory.to_owned());
    set("MESOS_SLAVE_ID", slave_id.value.clone());
    set("MESOS_SLAVE_PID", slave.to_string());
    set("MESOS_AGENT_ENDPOINT", slave.address().to_owned());
    set("MESOS_CHECKPOINT", bit(checkpoint));
    set("MESOS_HTTP_COMMAND_EXECUTOR", bit(flags.http_command_executor));
    set(
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD",
        Pretty(shutdown_grace_period(flags, info)).to_string(),
    );
    if checkpoint {
        set("MESOS_RECOVERY_TIMEOUT", Pretty(flags.recovery_timeout).to_string());
        set(
            "MESOS_SUBSCRIPTION_BACKOFF_MAX",
            Pretty(flags.executor_reregistration_timeout).to_string(),
        );
    }
    if let Some(hooks) = hooks {
        // The executor's own variables go over these when it is launched.
        for variable in hooks.executor_environment(info).variables {
            environment.insert(variable.name, variable.value.unwrap_or_default());
        }
    }
    environment
}
