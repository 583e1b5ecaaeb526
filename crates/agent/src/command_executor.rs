//! The executor of a task that brings only a command.

use crate::Flags;
use mesos::{
    CommandInfo, DurationInfo, ExecutorInfo, FrameworkInfo, Resources, TaskInfo, resources,
};
use std::time::Duration;

/// What a command executor is given beside its task.
const DEFAULT_EXECUTOR_CPUS: f64 = 0.1;
/// In megabytes.
const DEFAULT_EXECUTOR_MEM: f64 = 32.0;

const MESOS_EXECUTOR: &str = "mesos-executor";

/// The executor that runs `task`: its own, or one that is made up for its command.
///
/// Mirrors `Slave::getExecutorInfo` in `src/slave/slave.cpp`.
#[doc(alias = "Slave::getExecutorInfo")]
#[expect(deprecated, reason = "upstream still sets `source`")]
pub(crate) fn executor_info(
    flags: &Flags,
    framework: &FrameworkInfo,
    task: &TaskInfo,
) -> ExecutorInfo {
    if let Some(executor) = &task.executor {
        return executor.clone();
    }
    let command = task.command.clone().unwrap_or_default();
    ExecutorInfo {
        executor_id: task.task_id.value.clone().into(),
        framework_id: framework.id.clone(),
        // So that a restarted agent finds the containerizer that runs it.
        container: task.container.clone(),
        name: Some(format!("Command Executor {}", name(task, &command))),
        source: Some(task.task_id.value.clone()),
        labels: task.labels.clone(),
        discovery: task.discovery.clone(),
        shutdown_grace_period: shutdown_grace_period(task),
        command: Some(CommandInfo {
            uris: command.uris,
            environment: command.environment,
            user: command.user,
            // differs: upstream resolves links in the path and, when there is no such file, makes
            // the executor print that and fail. A docker task never runs this command.
            shell: Some(false),
            value: Some(format!("{}/{MESOS_EXECUTOR}", flags.launcher_dir)),
            arguments: vec![
                MESOS_EXECUTOR.to_owned(),
                format!("--launcher_dir={}", flags.launcher_dir),
            ],
        }),
        resources: overhead(task).into(),
        ..ExecutorInfo::default()
    }
}

/// For people: which task, and the beginning of its command.
fn name(task: &TaskInfo, command: &CommandInfo) -> String {
    let shorten = |text: &str| match text.char_indices().nth(12) {
        Some((end, _)) if text.len() > 15 => format!("{}...", &text[..end]),
        _ => text.to_owned(),
    };
    let command = match (&command.value, command.shell()) {
        (None, true) => "NO COMMAND".to_owned(),
        (None, false) => "NO EXECUTABLE".to_owned(),
        (Some(value), true) => format!("sh -c '{}'", shorten(value)),
        (Some(value), false) => {
            let all = format!("{value}, {}", command.arguments.join(", "));
            format!("[{}]", shorten(&all))
        }
    };
    format!("(Task: {}) (Command: {command})", task.task_id)
}

/// The kill policy's grace period and a bit more, so that the executor can report TASK_KILLED
/// before its container is destroyed.
fn shutdown_grace_period(task: &TaskInfo) -> Option<DurationInfo> {
    const MARGIN: Duration = Duration::from_secs(1 + 1);
    let period = task.kill_policy?.grace_period?;
    let margin = DurationInfo::from(MARGIN).nanoseconds;
    Some(DurationInfo { nanoseconds: period.nanoseconds.saturating_add(margin) })
}

/// Allocated to the role that the task's resources are allocated to, if they are to one.
fn overhead(task: &TaskInfo) -> Resources {
    let overhead = [("cpus", DEFAULT_EXECUTOR_CPUS), ("mem", DEFAULT_EXECUTOR_MEM)];
    let overhead: Resources =
        overhead.map(|(name, value)| resources::scalar(name, value)).into_iter().collect();
    let role = task.resources.iter().find_map(|it| it.allocation_info.as_ref()?.role.clone());
    match role {
        Some(role) => overhead.allocated_to(&role),
        None => overhead,
    }
}
