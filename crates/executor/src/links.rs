//! What agent and executor send each other over the network, as traits.
//!
//! Each method posts one message and returns at once. Implementations keep the order of messages
//! between the same two; a message to somebody who is gone is lost without a trace.

use mesos::internal::{
    ExecutorRegisteredMessage, KillTaskMessage, RegisterExecutorMessage, RunTaskMessage,
    ShutdownExecutorMessage, StatusUpdateAcknowledgementMessage, StatusUpdateMessage,
};
use process::{Future, Nothing, Upid};
use std::sync::Arc;

/// The way from the agent to an executor.
pub trait ExecutorLink: Send + Sync + 'static {
    /// The executor's address.
    fn upid(&self) -> &Upid;

    /// The agent knows the executor and will send it tasks.
    fn registered(&self, message: ExecutorRegisteredMessage);

    /// Run this task.
    fn run_task(&self, message: RunTaskMessage);

    /// Kill this task.
    fn kill_task(&self, message: KillTaskMessage);

    /// Kill all tasks and end.
    fn shutdown(&self, message: ShutdownExecutorMessage);

    /// The agent will take care that this status update reaches the framework.
    fn acknowledge(&self, message: StatusUpdateAcknowledgementMessage);
}

/// The way from an executor to its agent.
pub trait AgentLink: Send + Sync + 'static {
    /// The agent's address.
    fn upid(&self) -> &Upid;

    /// An executor was started and waits for tasks at `executor`.
    fn register(&self, message: RegisterExecutorMessage, executor: Arc<dyn ExecutorLink>);

    /// The state of a task has changed. The acknowledgement goes to `executor`.
    fn status_update(&self, message: StatusUpdateMessage, executor: Arc<dyn ExecutorLink>);

    /// Completes once the connection to the agent is lost.
    #[doc(alias = "ExitedEvent")]
    fn exited(&self) -> Future<Nothing>;
}
