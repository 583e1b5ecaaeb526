//! What the agent is told: by its master, by executors, by itself.

use ::executor::ExecutorLink;
use actix::Message;
use mesos::internal::{
    KillTaskMessage, RegisterExecutorMessage, RunTaskMessage, ShutdownExecutorMessage,
    ShutdownFrameworkMessage, StatusUpdate, StatusUpdateAcknowledgementMessage,
    StatusUpdateMessage,
};
use std::sync::Arc;

/// Run a task. From the master.
pub struct RunTask(
    /// The task and its framework.
    pub RunTaskMessage,
);

/// Kill a task. From the master.
pub struct KillTask(
    /// The task.
    pub KillTaskMessage,
);

/// End everything of a framework. From the master.
pub struct ShutdownFramework(
    /// The framework.
    pub ShutdownFrameworkMessage,
);

/// End an executor. From the master; both ids must be set.
pub struct ShutdownExecutor(
    /// The executor.
    pub ShutdownExecutorMessage,
);

/// The framework has seen a status update. From the master.
pub struct StatusUpdateAcknowledgement(
    /// Which one.
    pub StatusUpdateAcknowledgementMessage,
);

/// End all frameworks, then the agent.
pub struct Shutdown(
    /// Why; may be empty.
    pub String,
);

/// An executor was started. From the executor.
pub struct RegisterExecutor {
    /// Which one it says it is.
    pub message: RegisterExecutorMessage,
    /// The way to it.
    pub executor: Arc<dyn ExecutorLink>,
}

/// The state of a task has changed. From an executor.
pub struct ExecutorStatusUpdate {
    /// The update.
    pub message: StatusUpdateMessage,
    /// Where to send the acknowledgement.
    pub executor: Arc<dyn ExecutorLink>,
}

/// Send a status update to the master. From the task status update manager.
pub struct Forward(
    /// The update.
    pub StatusUpdate,
);

macro_rules! message {
    ($($name:ident)*) => {$(
        impl Message for $name {
            type Result = ();
        }
    )*};
}

message! {
    RunTask KillTask ShutdownFramework ShutdownExecutor StatusUpdateAcknowledgement Shutdown
    RegisterExecutor ExecutorStatusUpdate Forward
}
