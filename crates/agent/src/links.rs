//! The agent's ends of its connections: to the master, and from executors.

use crate::Slave;
use crate::messages::{ExecutorStatusUpdate, RegisterExecutor};
use ::executor::{AgentLink, ExecutorLink};
use mesos::internal::{ExitedExecutorMessage, RegisterExecutorMessage, StatusUpdateMessage};
use process::{Future, Nothing, Pid, Upid, wait};
use std::sync::Arc;

/// The way from the agent to its master. Each method posts one message and returns at once.
pub trait MasterLink: Send + Sync + 'static {
    /// The state of a task has changed. Comes again until it is acknowledged with a
    /// [`StatusUpdateAcknowledgement`](crate::messages::StatusUpdateAcknowledgement).
    fn status_update(&self, message: StatusUpdateMessage);

    /// An executor that the master knows of has ended, or will not be launched.
    fn exited_executor(&self, message: ExitedExecutorMessage);
}

/// The way from executors to an agent of this runtime.
pub fn link(slave: &Pid<Slave>) -> Arc<dyn AgentLink> {
    Arc::new(Link(slave.clone()))
}

struct Link(Pid<Slave>);

impl AgentLink for Link {
    fn upid(&self) -> &Upid {
        self.0.upid()
    }

    fn register(&self, message: RegisterExecutorMessage, executor: Arc<dyn ExecutorLink>) {
        let from = executor.upid().clone();
        self.0.post(&from, RegisterExecutor { message, executor });
    }

    fn status_update(&self, message: StatusUpdateMessage, executor: Arc<dyn ExecutorLink>) {
        let from = executor.upid().clone();
        self.0.post(&from, ExecutorStatusUpdate { message, executor });
    }

    fn exited(&self) -> Future<Nothing> {
        wait(&self.0)
    }
}
