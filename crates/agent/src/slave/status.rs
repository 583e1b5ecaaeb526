//! Status updates: from executors and the agent itself, through the manager, to the master, and
//! acknowledged both ways.

use super::{Slave, State, problem};
use crate::executor;
use crate::framework;
use crate::status_updates::{Acknowledge, Update};
use ::executor::ExecutorLink;
use mesos::internal::{StatusUpdate, StatusUpdateAcknowledgementMessage, StatusUpdateMessage};
use mesos::network_info::IpAddress;
use mesos::task_status::Source;
use mesos::{ContainerStatus, ExecutorId, FrameworkId, NetworkInfo, TaskId, TaskState};
use process::{Context, Future, Nothing, defer_any};
use slog::{debug, error, info, warn};
use std::sync::Arc;

/// The executor that sent an update; `None` for the agent's own.
type From = Option<Arc<dyn ExecutorLink>>;

impl Slave {
    /// Takes an update in. Whoever sent it gets an acknowledgement, even for a task that is not
    /// theirs or an executor that is gone: they would keep it for ever.
    ///
    /// Mirrors `Slave::statusUpdate` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::statusUpdate")]
    pub(super) fn status_update(
        &mut self,
        ctx: &mut Context<Self>,
        mut update: StatusUpdate,
        from: From,
    ) {
        let log = self.log.clone();
        let task_id = update.status.task_id.clone();
        let framework_id = update.framework_id.clone();
        info!(
            log,
            "Handling status update {} for task {task_id} of framework {framework_id}",
            update.status.state()
        );

        let ignored = |because: &str| {
            warn!(
                log,
                "Ignoring a status update for task {task_id} of framework {framework_id}: {because}"
            );
        };
        let Some(uuid) = update.uuid.clone() else {
            return ignored("it has no 'uuid'");
        };
        if update.slave_id.as_ref() != Some(&self.id)
            || update.status.slave_id.as_ref() != Some(&self.id)
        {
            return ignored("Slave ID mismatch");
        }

        update.status.uuid = Some(uuid);
        let source = if from.is_some() { Source::Executor } else { Source::Slave };
        update.status.source = Some(source.into());
        if update.executor_id.is_some() {
            update.status.executor_id = update.executor_id.clone();
        }

        let hooks = self.hooks();
        let Some(framework) = self.frameworks.get_mut(&framework_id) else {
            return ignored("the framework is unknown");
        };
        if framework.state == framework::State::Terminating {
            // It would not acknowledge.
            return ignored("the framework is terminating");
        }
        if let Some(hooks) = hooks {
            // No hook changes more than these two.
            let decorated = hooks.task_status(&framework_id, update.status.clone());
            update.status.labels = decorated.labels;
            update.status.container_status = decorated.container_status;
        }

        if framework.remove_pending_task(&task_id) {
            // At once, so that the launch is prevented.
            if framework.is_idle() {
                self.remove_framework(ctx, &framework_id);
            }
            return self.deliver(ctx, update, from, false);
        }
        let Some(executor_id) = self.executor_id_of_task(&framework_id, &task_id) else {
            warn!(log, "Could not find the executor for a status update of task {task_id}");
            return self.deliver(ctx, update, from, false);
        };
        if source == Source::Executor && update.status.state() == TaskState::TaskStaging {
            error!(
                log,
                "Received TASK_STAGING from executor '{executor_id}' which is not allowed. \
                 Shutting down the executor"
            );
            let state = self.executor(&framework_id, &executor_id).map(|executor| executor.state);
            // differs: upstream aborts when the executor has been told, or has ended, before.
            if matches!(state, Some(executor::State::Registering | executor::State::Running)) {
                self.do_shutdown_executor(ctx, &framework_id, &executor_id);
            }
            return;
        }
        let Some(executor) = self.executor_mut(&framework_id, &executor_id) else { return };
        executor.add_pending_task_status(&update.status);

        // A task that the executor never had must leave its queue at once, or it may still be
        // sent. For others the status of the container is added first.
        // differs: upstream aborts when an executor reports a queued task as not ended; here that
        // is refused below, as any impossible change.
        let lost = matches!(update.status.state(), TaskState::TaskDropped | TaskState::TaskLost);
        if executor.queued_tasks.contains_key(&task_id)
            || (executor.launched_tasks.contains_key(&task_id) && lost && source == Source::Slave)
        {
            return self.change_task(ctx, update, from, &executor_id, None);
        }
        let reported = update.status.container_status.as_ref();
        let container_id = reported
            .and_then(|status| status.container_id.clone())
            .unwrap_or_else(|| executor.container_id.clone());
        let status = self.containerizer.status(&container_id);
        status.on_any(defer_any!(ctx.pid(), Self::change_task, |this, ctx, status| {
            this.change_task(ctx, update, from, &executor_id, Some(&status));
        }));
    }

    /// Adds the container's status to the update, and changes the task's state accordingly.
    ///
    /// Mirrors `Slave::_statusUpdate` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::_statusUpdate")]
    fn change_task(
        &mut self,
        ctx: &mut Context<Self>,
        mut update: StatusUpdate,
        from: From,
        executor_id: &ExecutorId,
        container_status: Option<&Future<ContainerStatus>>,
    ) {
        // The container may be gone already; that is no reason to withhold the update.
        if let Some(container) = container_status.and_then(Future::get) {
            let status = update.status.container_status.get_or_insert_default();
            merge(status, container);
            if status.network_infos.is_empty() {
                status.network_infos.push(agent_network(ctx.upid().address()));
            }
        }

        let (log, cfs) = (self.log.clone(), self.flags.cgroups_enable_cfs);
        let framework_id = update.framework_id.clone();
        let Some(executor) = self.executor_mut(&framework_id, executor_id) else {
            warn!(
                log,
                "Ignoring container status update for framework {framework_id} for a non-existent \
                 executor"
            );
            return;
        };

        // The state changes before the update is delivered: what is delivered tells the master
        // the latest state as well, and may wait long for its turn.
        if let Err(refused) = executor.update_task_state(&update.status) {
            error!(
                log,
                "Failed to update state of task '{}' to {}: {refused}",
                update.status.task_id,
                update.status.state()
            );
            return self.delivered(&Future::ready(Nothing), &update, from);
        }

        let checkpoint = executor.checkpoint;
        if !update.status.state().is_terminal() {
            return self.deliver(ctx, update, from, checkpoint);
        }
        // The task's resources are free only when the container has given them back.
        let container_id = executor.container_id.clone();
        let requests = executor.allocated_resources();
        let limits = executor.limits(cfs);
        let updated = self.containerizer.update(&container_id, requests, limits);
        let executor_id = executor_id.clone();
        updated.on_any(defer_any!(ctx.pid(), Self::deliver, |this, ctx, future| {
            if !future.is_ready() {
                error!(
                    this.log,
                    "Failed to update resources for container {container_id} of executor \
                     '{executor_id}' running task {} on status update for terminal task, \
                     destroying container: {}",
                    update.status.task_id,
                    problem(&future)
                );
                this.destroy_after_failed_update(
                    &future,
                    &framework_id,
                    &executor_id,
                    &container_id,
                );
            }
            this.deliver(ctx, update, from, checkpoint);
        }));
    }

    /// Hands an update to the manager.
    ///
    /// Mirrors `Slave::__statusUpdate` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::__statusUpdate")]
    fn deliver(
        &mut self,
        ctx: &mut Context<Self>,
        update: StatusUpdate,
        from: From,
        checkpoint: bool,
    ) {
        let accepted = self.status_updates.dispatch(Update { update: update.clone(), checkpoint });
        accepted.on_any(defer_any!(ctx.pid(), Self::delivered, |this, _, future| {
            this.delivered(&future, &update, from);
        }));
    }

    /// The manager will deliver the update: acknowledges it to the executor.
    ///
    /// Mirrors `Slave::___statusUpdate` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::___statusUpdate")]
    fn delivered(&mut self, future: &Future<Nothing>, update: &StatusUpdate, from: From) {
        let status = &update.status;
        if !future.is_ready() {
            // differs: upstream aborts; a master that uses a task id twice can get us here.
            error!(
                self.log,
                "Failed to handle status update for task {}: {}",
                status.task_id,
                problem(future)
            );
            return;
        }
        let log = self.log.clone();
        if let Some(executor_id) = self.executor_id_of_task(&update.framework_id, &status.task_id)
            && let Some(executor) = self.executor_mut(&update.framework_id, &executor_id)
            && !executor.remove_pending_task_status(status)
        {
            warn!(log, "Unknown pending status update for task {}", status.task_id);
        }

        let Some(executor) = from else { return };
        debug!(
            log,
            "Sending acknowledgement for status update {} of task {} to {}",
            status.state(),
            status.task_id,
            executor.upid()
        );
        executor.acknowledge(StatusUpdateAcknowledgementMessage {
            slave_id: update.slave_id.clone().unwrap_or_default(),
            framework_id: update.framework_id.clone(),
            task_id: status.task_id.clone(),
            uuid: update.uuid.clone().unwrap_or_default(),
        });
    }

    /// Sends an update on to the master, with the task's latest state.
    ///
    /// Mirrors `Slave::forward` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::forward")]
    pub(super) fn forward(&mut self, ctx: &mut Context<Self>, mut update: StatusUpdate) {
        if self.state != State::Running {
            warn!(
                self.log,
                "Dropping status update for task {} because the agent is in {} state",
                update.status.task_id,
                self.state
            );
            return;
        }
        update.status.uuid = update.uuid.clone();

        // Tasks that are queued or completed are left alone: none is expected for the former, and
        // nothing changes the latter.
        let task_id = update.status.task_id.clone();
        if let Some(executor_id) = self.executor_id_of_task(&update.framework_id, &task_id)
            && let Some(executor) = self.executor_mut(&update.framework_id, &executor_id)
        {
            let launched = executor.launched_tasks.get_mut(&task_id);
            let task = launched.or_else(|| executor.terminated_tasks.get_mut(&task_id));
            if let Some(task) = task {
                task.status_update_state = Some(update.status.state);
                task.status_update_uuid = update.uuid.clone();
                update.latest_state = Some(task.state);
            }
        }

        // Also for tasks that are unknown by now: the manager waits for an acknowledgement.
        info!(self.log, "Forwarding the update {} for task {task_id}", update.status.state());
        let pid = Some(ctx.upid().to_string());
        self.master.status_update(StatusUpdateMessage { update, pid });
    }

    /// The framework has seen an update.
    ///
    /// Mirrors `Slave::statusUpdateAcknowledgement` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::statusUpdateAcknowledgement")]
    pub(super) fn acknowledged(
        &mut self,
        ctx: &mut Context<Self>,
        message: StatusUpdateAcknowledgementMessage,
    ) {
        let StatusUpdateAcknowledgementMessage { framework_id, task_id, uuid, .. } = message;
        if self.state != State::Running {
            warn!(
                self.log,
                "Dropping status update acknowledgement message for {framework_id} because the \
                 agent is in {} state",
                self.state
            );
            return;
        }
        let ids = (framework_id.clone(), task_id.clone());
        let more = self.status_updates.dispatch(Acknowledge { framework_id, task_id, uuid });
        more.on_any(defer_any!(ctx.pid(), Self::complete, |this, ctx, more| {
            this.complete(ctx, &more, &ids.0, &ids.1);
        }));
    }

    /// Cleans up after the last acknowledgement of a task.
    ///
    /// Mirrors `Slave::_statusUpdateAcknowledgement` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::_statusUpdateAcknowledgement")]
    fn complete(
        &mut self,
        ctx: &mut Context<Self>,
        more: &Future<bool>,
        framework_id: &FrameworkId,
        task_id: &TaskId,
    ) {
        let log = self.log.clone();
        let Some(more) = more.get() else {
            // A duplicate, for instance.
            error!(
                log,
                "Failed to handle status update acknowledgement for task {task_id} of framework \
                 {framework_id}: {}",
                problem(more)
            );
            return;
        };
        if !self.frameworks.contains_key(framework_id) {
            error!(
                log,
                "Status update acknowledgement for task {task_id} of unknown framework \
                 {framework_id}"
            );
            return;
        }
        let Some(executor_id) = self.executor_id_of_task(framework_id, task_id) else {
            error!(log, "Status update acknowledgement for task {task_id} of unknown executor");
            return;
        };
        let Some(executor) = self.executor_mut(framework_id, &executor_id) else { return };
        if !more {
            executor.complete_task(task_id);
        }
        if executor.state == executor::State::Terminated && !executor.has_incomplete_tasks() {
            self.remove_executor(framework_id, &executor_id);
        }
        if self.is_idle(framework_id) {
            self.remove_framework(ctx, framework_id);
        }
    }
}

/// What protobuf's `MergeFrom` does: what is set wins, lists grow.
fn merge(into: &mut ContainerStatus, from: &ContainerStatus) {
    into.network_infos.extend(from.network_infos.iter().cloned());
    into.container_id = from.container_id.clone().or(into.container_id.take());
    into.cgroup_info = from.cgroup_info.or(into.cgroup_info);
    into.executor_pid = from.executor_pid.or(into.executor_pid);
}

/// The agent's own address stands in for a container that has none.
fn agent_network(address: &str) -> NetworkInfo {
    let ip = address.rsplit_once(':').map_or(address, |(ip, _)| ip);
    NetworkInfo {
        ip_addresses: vec![IpAddress { ip_address: Some(ip.to_owned()), protocol: None }],
        ..NetworkInfo::default()
    }
}
