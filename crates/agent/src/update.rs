//! Making status updates, and the uuids in them. Mirrors `createStatusUpdate` and `createTask` in
//! `src/common/protobuf_utils.cpp`.

use mesos::internal::StatusUpdate;
use mesos::task_status::{Reason, Source};
use mesos::{ExecutorId, FrameworkId, SlaveId, Task, TaskId, TaskInfo, TaskState, TaskStatus};
use process::clock;

/// What is particular about an update that the agent makes itself.
pub(crate) struct New<'a> {
    pub(crate) framework_id: &'a FrameworkId,
    pub(crate) slave_id: &'a SlaveId,
    pub(crate) task_id: &'a TaskId,
    pub(crate) executor_id: Option<&'a ExecutorId>,
    pub(crate) state: TaskState,
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) uuid: [u8; 16],
}

/// Mirrors `createStatusUpdate` in `src/common/protobuf_utils.cpp`.
#[doc(alias = "createStatusUpdate")]
pub(crate) fn create_status_update(new: New<'_>) -> StatusUpdate {
    let timestamp = clock::now().secs();
    StatusUpdate {
        framework_id: new.framework_id.clone(),
        executor_id: new.executor_id.cloned(),
        slave_id: Some(new.slave_id.clone()),
        status: TaskStatus {
            task_id: new.task_id.clone(),
            slave_id: Some(new.slave_id.clone()),
            state: new.state.into(),
            source: Some(Source::Slave.into()),
            reason: Some(new.reason.into()),
            message: Some(new.message),
            timestamp: Some(timestamp),
            uuid: Some(new.uuid.to_vec()),
            ..TaskStatus::default()
        },
        timestamp,
        uuid: Some(new.uuid.to_vec()),
        latest_state: None,
    }
}

/// Mirrors `createTask` in `src/common/protobuf_utils.cpp`.
#[doc(alias = "createTask")]
pub(crate) fn create_task(info: &TaskInfo, state: TaskState, framework_id: &FrameworkId) -> Task {
    let user = |command: Option<&mesos::CommandInfo>| command.and_then(|it| it.user.clone());
    let executor = info.executor.as_ref();
    Task {
        name: info.name.clone(),
        task_id: info.task_id.clone(),
        framework_id: framework_id.clone(),
        executor_id: executor.map(|executor| executor.executor_id.clone()),
        slave_id: info.slave_id.clone(),
        state: state.into(),
        resources: info.resources.clone(),
        limits: info.limits.clone(),
        labels: info.labels.clone(),
        discovery: info.discovery.clone(),
        container: info.container.clone(),
        health_check: info.health_check.clone(),
        kill_policy: info.kill_policy,
        user: user(info.command.as_ref())
            .or_else(|| user(executor.and_then(|executor| executor.command.as_ref()))),
        ..Task::default()
    }
}

/// A uuid as people write it.
#[doc(alias = "UUID::toString")]
pub(crate) fn uuid_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
    text
}
