//! Shutting down an executor, a framework, the agent.

use super::{Slave, State, end};
use crate::environment::shutdown_grace_period;
use crate::executor;
use crate::framework;
use mesos::internal::ShutdownExecutorMessage;
use mesos::{ContainerId, ExecutorId, FrameworkId};
use process::Context;
use slog::{debug, info, warn};

impl Slave {
    /// Shuts down all frameworks; the agent ends with the last of them.
    ///
    /// Mirrors `Slave::shutdown` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::shutdown")]
    pub(super) fn shutdown(&mut self, ctx: &mut Context<Self>, message: &str) {
        info!(
            self.log,
            "Agent asked to shut down{}{message}",
            if message.is_empty() { "" } else { ": " }
        );
        self.state = State::Terminating;
        if self.frameworks.is_empty() {
            return end(ctx);
        }
        let framework_ids: Vec<_> = self.frameworks.keys().cloned().collect();
        for framework_id in framework_ids {
            self.shutdown_framework(ctx, &framework_id);
        }
    }

    /// Shuts down all executors of a framework; it goes with the last of them.
    ///
    /// Mirrors `Slave::shutdownFramework` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::shutdownFramework")]
    pub(super) fn shutdown_framework(
        &mut self,
        ctx: &mut Context<Self>,
        framework_id: &FrameworkId,
    ) {
        if self.state == State::Recovering {
            warn!(
                self.log,
                "Ignoring shutdown framework message for {framework_id} because the agent has not \
                 yet registered with the master"
            );
            return;
        }
        let Some(framework) = self.frameworks.get_mut(framework_id) else {
            debug!(self.log, "Cannot shut down unknown framework {framework_id}");
            return;
        };
        if framework.state == framework::State::Terminating {
            warn!(self.log, "Ignoring shutdown framework {framework_id} because it is terminating");
            return;
        }

        info!(self.log, "Shutting down framework {framework_id}");
        framework.state = framework::State::Terminating;
        let executors = framework.executors.values();
        let executors: Vec<_> = executors.map(|it| (it.id.clone(), it.state)).collect();
        for (executor_id, state) in executors {
            match state {
                executor::State::Registering | executor::State::Running => {
                    self.do_shutdown_executor(ctx, framework_id, &executor_id);
                }
                // The acknowledgements that it waited for will not come.
                executor::State::Terminated => self.remove_executor(framework_id, &executor_id),
                executor::State::Terminating => {}
            }
        }
        if self.is_idle(framework_id) {
            self.remove_framework(ctx, framework_id);
        }
    }

    /// The master wants an executor shut down.
    ///
    /// Mirrors `Slave::shutdownExecutor` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::shutdownExecutor")]
    pub(super) fn shutdown_executor(
        &mut self,
        ctx: &mut Context<Self>,
        message: ShutdownExecutorMessage,
    ) {
        let framework_id = message.framework_id.unwrap_or_default();
        let executor_id = message.executor_id.unwrap_or_default();
        info!(self.log, "Asked to shut down executor '{executor_id}' of framework {framework_id}");
        let ignored = |because: &str| {
            warn!(
                self.log,
                "Ignoring shutdown executor '{executor_id}' of framework {framework_id} because \
                 {because}"
            );
        };
        if self.state == State::Recovering {
            return ignored("the agent has not yet registered with the master");
        }
        let Some(framework) = self.frameworks.get(&framework_id) else {
            return ignored("the framework is unknown");
        };
        if framework.state == framework::State::Terminating {
            return ignored("the framework is terminating");
        }
        match framework.executors.get(&executor_id).map(|executor| executor.state) {
            None => ignored("the executor is unknown"),
            Some(executor::State::Terminating) => ignored("the executor is terminating"),
            Some(executor::State::Terminated) => ignored("the executor is terminated"),
            Some(executor::State::Registering | executor::State::Running) => {
                self.do_shutdown_executor(ctx, &framework_id, &executor_id);
            }
        }
    }

    /// Tells an executor to shut down, and destroys it if it has not in time.
    ///
    /// Mirrors `Slave::_shutdownExecutor` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::_shutdownExecutor")]
    pub(super) fn do_shutdown_executor(
        &mut self,
        ctx: &mut Context<Self>,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
    ) {
        let log = self.log.clone();
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return };
        let Some(executor) = framework.executors.get_mut(executor_id) else { return };
        info!(log, "Shutting down executor {executor}");
        assert!(
            matches!(executor.state, executor::State::Registering | executor::State::Running),
            "executor {executor} is shut down in state {}",
            executor.state
        );
        executor.state = executor::State::Terminating;

        match &executor.link {
            Some(link) => link.shutdown(ShutdownExecutorMessage::default()),
            // Nobody listens yet: when it registers it is shut down.
            None => {
                warn!(log, "Unable to send event to executor {executor}: unknown connection type")
            }
        }

        let timeout = shutdown_grace_period(&self.flags, &executor.info);
        let ids = (framework_id.clone(), executor_id.clone(), executor.container_id.clone());
        ctx.delay(timeout, "Slave::shutdown_executor_timeout", move |this, _| {
            this.shutdown_executor_timeout(&ids.0, &ids.1, &ids.2);
        });
    }

    /// The time is over in which an executor should have shut down.
    ///
    /// Mirrors `Slave::shutdownExecutorTimeout` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::shutdownExecutorTimeout")]
    fn shutdown_executor_timeout(
        &mut self,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        container_id: &ContainerId,
    ) {
        let Some(executor) = self.executor(framework_id, executor_id) else {
            debug!(
                self.log,
                "Executor '{executor_id}' of framework {framework_id} seems to have exited. \
                 Ignoring its shutdown timeout"
            );
            return;
        };
        if executor.container_id != *container_id {
            info!(
                self.log,
                "A new executor {executor} seems to be active. Ignoring the shutdown timeout for \
                 the old executor run {container_id}"
            );
            return;
        }
        match executor.state {
            executor::State::Terminated => {
                info!(self.log, "Executor {executor} has already terminated")
            }
            executor::State::Terminating => {
                info!(self.log, "Killing executor {executor}");
                self.containerizer.destroy(container_id);
            }
            state @ (executor::State::Registering | executor::State::Running) => {
                panic!("executor {executor} went back to {state} after its shutdown")
            }
        }
    }
}
