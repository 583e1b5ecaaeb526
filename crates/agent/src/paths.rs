//! Where things lie below the work directory. Mirrors `src/slave/paths.cpp`.
//!
//! Sandboxes lie below the work directory itself, checkpoints in the same layout below its `meta`:
//! `slaves/AGENT/frameworks/FRAMEWORK/executors/EXECUTOR/runs/CONTAINER`.

use mesos::{ContainerId, ExecutorId, FrameworkId, SlaveId, TaskId};
use std::path::{Path, PathBuf};

/// Where checkpoints lie.
#[doc(alias = "getMetaRootDir")]
pub fn meta_root_dir(work_dir: &Path) -> PathBuf {
    work_dir.join("meta")
}

/// The directory of an agent.
#[doc(alias = "getSlavePath")]
pub fn slave(root: &Path, slave: &SlaveId) -> PathBuf {
    root.join("slaves").join(&slave.value)
}

/// The directory of a framework.
#[doc(alias = "getFrameworkPath")]
pub fn framework(root: &Path, slave_id: &SlaveId, framework: &FrameworkId) -> PathBuf {
    slave(root, slave_id).join("frameworks").join(&framework.value)
}

/// The directory of an executor, for all its runs.
#[doc(alias = "getExecutorPath")]
pub fn executor(
    root: &Path,
    slave: &SlaveId,
    framework_id: &FrameworkId,
    executor: &ExecutorId,
) -> PathBuf {
    framework(root, slave, framework_id).join("executors").join(&executor.value)
}

/// The directory of one run of an executor; below the work directory it is the sandbox.
#[doc(alias = "getExecutorRunPath")]
pub fn executor_run(
    root: &Path,
    slave: &SlaveId,
    framework: &FrameworkId,
    executor_id: &ExecutorId,
    container: &ContainerId,
) -> PathBuf {
    executor(root, slave, framework, executor_id).join("runs").join(container.to_string())
}

/// The link to the latest run of an executor.
#[doc(alias = "getExecutorLatestRunPath")]
pub fn executor_latest_run(
    root: &Path,
    slave: &SlaveId,
    framework: &FrameworkId,
    executor_id: &ExecutorId,
) -> PathBuf {
    executor(root, slave, framework, executor_id).join("runs").join("latest")
}

/// Where the pid of an executor's process is checkpointed, below `meta`.
#[doc(alias = "getForkedPidPath")]
pub fn forked_pid(
    root: &Path,
    slave: &SlaveId,
    framework: &FrameworkId,
    executor: &ExecutorId,
    container: &ContainerId,
) -> PathBuf {
    executor_run(root, slave, framework, executor, container).join("pids").join("forked.pid")
}

/// Where an executor's libprocess address is checkpointed, below `meta`.
#[doc(alias = "getLibprocessPidPath")]
pub fn libprocess_pid(
    root: &Path,
    slave: &SlaveId,
    framework: &FrameworkId,
    executor: &ExecutorId,
    container: &ContainerId,
) -> PathBuf {
    executor_run(root, slave, framework, executor, container).join("pids").join("libprocess.pid")
}

/// The directory of a task, below `meta`.
#[doc(alias = "getTaskPath")]
pub fn task(
    root: &Path,
    slave: &SlaveId,
    framework: &FrameworkId,
    executor: &ExecutorId,
    container: &ContainerId,
    task: &TaskId,
) -> PathBuf {
    executor_run(root, slave, framework, executor, container).join("tasks").join(&task.value)
}

/// Whether an id can be the name of a directory. The ids that become paths come from others.
///
/// Mirrors `validateID` in `src/common/validation.cpp`.
#[doc(alias = "validateID")]
pub fn is_valid_id(id: &str) -> bool {
    const NAME_MAX: usize = 255;
    let allowed = |c: char| !c.is_control() && c != '/' && c != '\\';
    !id.is_empty() && id.len() <= NAME_MAX && id != "." && id != ".." && id.chars().all(allowed)
}
