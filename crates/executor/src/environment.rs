//! What the agent tells an executor in its environment.

use mesos::{ExecutorId, FrameworkId, SlaveId, duration};
use process::Upid;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a task may take to stop when nothing else is said.
pub const DEFAULT_EXECUTOR_SHUTDOWN_GRACE_PERIOD: Duration = Duration::from_secs(5);

/// How long an executor waits for its agent to come back when nothing else is said.
pub const RECOVERY_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The variables that the driver reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// `MESOS_SLAVE_PID`: the agent's address.
    pub slave: Upid,
    /// `MESOS_SLAVE_ID`.
    pub slave_id: SlaveId,
    /// `MESOS_FRAMEWORK_ID`.
    pub framework_id: FrameworkId,
    /// `MESOS_EXECUTOR_ID`.
    pub executor_id: ExecutorId,
    /// `MESOS_DIRECTORY`: the sandbox.
    pub directory: String,
    /// `MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD`.
    pub shutdown_grace_period: Duration,
    /// `MESOS_CHECKPOINT`: whether to outlive the agent.
    pub checkpoint: bool,
    /// `MESOS_RECOVERY_TIMEOUT`: for how long.
    pub recovery_timeout: Duration,
}

impl Environment {
    /// Reads the environment. An error is a line for people; the program then exits with 1.
    ///
    /// Mirrors `MesosExecutorDriver::start` in `src/exec/exec.cpp`.
    #[doc(alias = "MesosExecutorDriver::start")]
    pub fn read(environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let required = |name: &str| {
            let value = environment.get(name).cloned();
            value.ok_or_else(|| format!("Expecting '{name}' to be set in the environment"))
        };
        let time = |name: &str, default: Duration| match environment.get(name) {
            None => Ok(default),
            Some(value) => duration::parse(value)
                .map_err(|error| format!("Failed to parse value '{value}' of '{name}': {error}")),
        };

        let slave = required("MESOS_SLAVE_PID")?;
        let slave =
            Upid::parse(&slave).ok_or_else(|| format!("Cannot parse MESOS_SLAVE_PID '{slave}'"))?;
        let slave_id = required("MESOS_SLAVE_ID")?.into();
        let framework_id = required("MESOS_FRAMEWORK_ID")?.into();
        let executor_id = required("MESOS_EXECUTOR_ID")?.into();
        let directory = required("MESOS_DIRECTORY")?;
        let shutdown_grace_period =
            time("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", DEFAULT_EXECUTOR_SHUTDOWN_GRACE_PERIOD)?;
        let checkpoint = environment.get("MESOS_CHECKPOINT").is_some_and(|value| value == "1");
        let recovery_timeout = if checkpoint {
            time("MESOS_RECOVERY_TIMEOUT", RECOVERY_TIMEOUT)?
        } else {
            RECOVERY_TIMEOUT
        };
        Ok(Environment {
            slave,
            slave_id,
            framework_id,
            executor_id,
            directory,
            shutdown_grace_period,
            checkpoint,
            recovery_timeout,
        })
    }
}
