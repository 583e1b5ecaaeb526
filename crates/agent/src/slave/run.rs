//! From the master's message to an executor that has the task in its queue.

use super::{Slave, State, unless_lost};
use crate::command_executor::executor_info;
use crate::executor;
use crate::framework::{self, Framework, has_capability};
use crate::limits::compute_executor_limits;
use mesos::framework_info::capability::Type;
use mesos::internal::RunTaskMessage;
use mesos::resource::AllocationInfo;
use mesos::task_status::Reason;
use mesos::{ExecutorInfo, FrameworkId, FrameworkInfo, Resource, Resources, TaskInfo, TaskState};
use process::{Context, Future, Nothing, dispatch};
use slog::{error, info, warn};
use std::sync::Arc;

/// A task on its way to its executor.
pub(super) struct Launch {
    framework_id: FrameworkId,
    framework: FrameworkInfo,
    executor: ExecutorInfo,
    task: TaskInfo,
    /// Whether the master expects the executor to be launched for this task; masters before
    /// that flag existed expect what makes sense.
    launch_executor: Option<bool>,
    generated_for_command_task: bool,
}

impl Slave {
    /// The master wants a task to be run.
    ///
    /// Mirrors `Slave::runTask` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::handleRunTaskMessage")]
    #[doc(alias = "Slave::runTask")]
    pub(super) fn run_task(&mut self, ctx: &mut Context<Self>, message: RunTaskMessage) {
        let (framework, task) = (message.framework, message.task);
        // differs: upstream aborts on this, the master has validated it.
        if task.executor.is_some() == task.command.is_some() {
            error!(
                self.log,
                "Ignoring task {}: it must have either a command or an executor", task.task_id
            );
            return;
        }
        let Some(framework_id) = framework.id.clone() else {
            error!(self.log, "Ignoring run task message because it does not have a framework ID");
            return;
        };
        let executor = executor_info(&self.flags, &framework, &task);
        let generated_for_command_task = task.executor.is_none();
        self.run(
            ctx,
            Launch {
                framework_id,
                framework,
                executor,
                task,
                launch_executor: message.launch_executor,
                generated_for_command_task,
            },
        );
    }

    /// Makes the framework known and the task pending.
    ///
    /// Mirrors `Slave::run` in `src/slave/slave.cpp`, without the garbage collector.
    #[doc(alias = "Slave::run")]
    fn run(&mut self, ctx: &mut Context<Self>, mut launch: Launch) {
        self.allocate(&launch.framework, &mut launch.executor.resources);
        self.allocate(&launch.framework, &mut launch.task.resources);
        if let Some(executor) = &mut launch.task.executor {
            self.allocate(&launch.framework, &mut executor.resources);
        }
        let Launch { framework_id, task, .. } = &launch;
        info!(self.log, "Got assigned task '{}' for framework {framework_id}", task.task_id);

        if task.slave_id != self.id {
            warn!(
                self.log,
                "Agent {} ignoring running task '{}' because it was intended for old agent {}",
                self.id,
                task.task_id,
                task.slave_id
            );
            return;
        }
        if self.state != State::Running {
            warn!(
                self.log,
                "Ignoring running task '{}' because the agent is {}", task.task_id, self.state
            );
            return;
        }

        let hooks = self.hooks();
        let framework = self
            .frameworks
            .entry(framework_id.clone())
            .or_insert_with(|| Framework::new(launch.framework.clone()));
        if let Some(hooks) = hooks {
            let Launch { task, executor, framework, .. } = &launch;
            let labels = hooks.run_task_labels(task, executor, framework, &self.info);
            launch.task.labels = Some(labels);
        }
        // While it is pending the framework is not removed.
        framework.add_pending_task(launch.executor.executor_id.clone(), launch.task.clone());

        // Upstream unschedules the garbage collection of directories here and asks an authorizer
        // below. Both take time, in which kills can arrive; so do the two messages to itself that
        // are left of it. They keep tasks for the same executor in order, which upstream needs a
        // `Sequence` for.
        let launch = Arc::new(launch);
        let (pid, checked) = (ctx.pid().clone(), Arc::clone(&launch));
        let launchable =
            dispatch!(pid, Self::check_launch, |this, ctx| this.check_launch(ctx, &checked));
        let (go_on, give_up) = (pid.clone(), pid);
        let refused = Arc::clone(&launch);
        launchable.on_ready(move |_| {
            go_on.run("Slave::launch_task", move |this, ctx| this.launch_task(ctx, &launch));
        });
        launchable.on_failed(move |_| {
            give_up.run("Slave::launch_refused", move |this, _| this.no_executor(&refused));
        });
    }

    /// Resources from masters that know no allocations, to frameworks of one role.
    fn allocate(&self, framework: &FrameworkInfo, resources: &mut [Resource]) {
        let roles = roles(framework);
        for resource in resources {
            if resource.allocation_info.is_none() {
                // differs: upstream aborts when there is not exactly one role.
                let [role] = &roles[..] else {
                    error!(
                        self.log,
                        "Missing 'Resource.AllocationInfo' for resources allocated to MULTI_ROLE \
                         framework '{}'",
                        framework.name
                    );
                    continue;
                };
                resource.allocation_info = Some(AllocationInfo { role: Some(role.clone()) });
            }
            mesos::resources::upgrade(resource);
        }
    }

    /// Whether the task is still wanted.
    ///
    /// Mirrors `Slave::_run` in `src/slave/slave.cpp`, without the authorizer.
    #[doc(alias = "Slave::_run")]
    fn check_launch(&mut self, ctx: &mut Context<Self>, launch: &Launch) -> Future<Nothing> {
        match self.refusal(ctx, launch) {
            Some(problem) => Future::failed(problem),
            None => Future::ready(Nothing),
        }
    }

    /// Why the task must not be launched any more; what is left of it is removed.
    fn refusal(&mut self, ctx: &mut Context<Self>, launch: &Launch) -> Option<String> {
        let Launch { framework_id, task, .. } = launch;
        let because = match self.frameworks.get_mut(framework_id) {
            None => "the framework does not exist",
            // Nothing is reported: a framework that ends does not acknowledge.
            Some(framework) if framework.state == framework::State::Terminating => {
                framework.remove_pending_task(&task.task_id);
                if framework.is_idle() {
                    self.remove_framework(ctx, framework_id);
                }
                "the framework is terminating"
            }
            Some(framework) if !framework.is_pending(&task.task_id) => {
                "it has been killed in the meantime"
            }
            Some(_) => return None,
        };
        let message = format!(
            "Ignoring running task '{}' of framework {framework_id} because {because}",
            task.task_id
        );
        warn!(self.log, "{message}");
        Some(message)
    }

    /// A master that expects an executor learns that there will be none.
    fn no_executor(&self, launch: &Launch) {
        if launch.launch_executor == Some(true) {
            self.send_exited_executor(&launch.framework_id, &launch.executor.executor_id, None);
        }
    }

    /// The task was not launched, and another attempt may succeed.
    fn drop_task(
        &mut self,
        ctx: &mut Context<Self>,
        launch: &Launch,
        reason: Reason,
        message: impl Into<String>,
        name_executor: bool,
    ) {
        let update = self.new_update(
            &launch.framework_id,
            &launch.task.task_id,
            name_executor.then_some(&launch.executor.executor_id),
            unless_lost(&launch.framework, TaskState::TaskDropped),
            reason,
            message,
        );
        self.status_update(ctx, update, None);
    }

    /// Gives the task to its executor, after making one if need be.
    ///
    /// Mirrors `Slave::__run` in `src/slave/slave.cpp`, without drained agents, resource versions
    /// and checkpointed resources.
    #[doc(alias = "Slave::__run")]
    fn launch_task(&mut self, ctx: &mut Context<Self>, launch: &Arc<Launch>) {
        let Launch { framework_id, task, .. } = &**launch;
        if self.refusal(ctx, launch).is_some() {
            return self.no_executor(launch);
        }
        if let Some(framework) = self.frameworks.get_mut(framework_id) {
            framework.remove_pending_task(&task.task_id);
        }
        if self.state == State::Terminating {
            warn!(
                self.log,
                "Ignoring running task '{}' because the agent is terminating", task.task_id
            );
            if self.is_idle(framework_id) {
                self.remove_framework(ctx, framework_id);
            }
            return;
        }

        info!(self.log, "Launching task '{}' for framework {framework_id}", task.task_id);
        let existing = self.executor(framework_id, &launch.executor.executor_id);
        let existing = existing.map(|executor| executor.state);
        if !self.may_launch(ctx, launch, existing) {
            return;
        }
        if existing.is_none() && !self.make_executor(ctx, launch) {
            return;
        }
        self.give_to_executor(ctx, launch);
    }

    /// Whether what the master expects of the executor is what there is.
    fn may_launch(
        &mut self,
        ctx: &mut Context<Self>,
        launch: &Launch,
        existing: Option<executor::State>,
    ) -> bool {
        let Some(expected) = launch.launch_executor else { return true };
        let executor_id = &launch.executor.executor_id;
        if launch.task.command.is_some() {
            // The id of a command executor is the task's: a task id was used again (MESOS-9657).
            if existing.is_some() {
                let message = "Cannot reuse an already existing executor for a command task";
                self.drop_task(ctx, launch, Reason::TaskInvalid, message, true);
            }
            return existing.is_none();
        }
        match existing {
            Some(state) if expected => {
                // It has ended, which the master knows, but not all of its tasks were
                // acknowledged.
                let message = "Master wants to launch executor, but one already exists";
                self.drop_task(ctx, launch, Reason::ExecutorTerminated, message, true);
                match state {
                    executor::State::Terminated => {
                        self.send_exited_executor(&launch.framework_id, executor_id, None);
                    }
                    executor::State::Registering | executor::State::Running => {
                        self.do_shutdown_executor(ctx, &launch.framework_id, executor_id);
                    }
                    // differs: upstream aborts here, in a check that the executor has not been
                    // told before.
                    executor::State::Terminating => {}
                }
                false
            }
            None if !expected => {
                // The task that should have brought it was killed or dropped.
                let message = "No executor is expected to launch and there is none running";
                self.drop_task(ctx, launch, Reason::ExecutorTerminated, message, true);
                false
            }
            _ => true,
        }
    }

    /// Makes the executor, and has it launched. Whether there is one now.
    fn make_executor(&mut self, ctx: &mut Context<Self>, launch: &Arc<Launch>) -> bool {
        let Launch { framework_id, executor, task, .. } = &**launch;
        let added =
            self.add_executor(framework_id, executor.clone(), launch.generated_for_command_task);
        if let Err(problem) = added {
            self.drop_task(ctx, launch, Reason::ExecutorTerminated, problem, true);
            if self.is_idle(framework_id) {
                self.remove_framework(ctx, framework_id);
            }
            self.no_executor(launch);
            return false;
        }

        // What is launched gets the task's resources as well: its own are not enough to start
        // quickly, and may be none at all (MESOS-9925).
        let mut info = executor.clone();
        let resources = Resources::from(&info.resources) + Resources::from(&task.resources);
        info.resources = resources.into();
        if info.container.is_none() {
            info.container = self.flags.default_container_info.clone();
        }
        let limits = compute_executor_limits(
            &executor.resources,
            &[(&task.resources, &task.limits)],
            self.flags.cgroups_enable_cfs,
        );

        // Upstream publishes resources and generates a secret here.
        let (framework_id, task) = (framework_id.clone(), task.clone());
        ctx.pid().run("Slave::launch_executor", move |this, ctx| {
            this.launch_executor(ctx, &framework_id, info, limits, task);
        });
        true
    }

    fn give_to_executor(&mut self, ctx: &mut Context<Self>, launch: &Launch) {
        let Launch { framework_id, task, .. } = launch;
        let executor_id = &launch.executor.executor_id;
        let log = self.log.clone();
        let Some(executor) = self.executor_mut(framework_id, executor_id) else { return };
        match executor.state {
            executor::State::Terminating | executor::State::Terminated => {
                let state = executor.state.to_string().to_lowercase();
                warn!(
                    log,
                    "Asked to run task '{}' with executor {executor} which is {state}",
                    task.task_id
                );
                let message = format!("Executor {state}");
                self.drop_task(ctx, launch, Reason::ExecutorTerminated, message, false);
            }
            executor::State::Registering => {
                executor.enqueue_task(task.clone());
                info!(log, "Queued task '{}' for executor {executor}", task.task_id);
            }
            executor::State::Running => {
                // It is sent when the container has the resources for it (MESOS-998).
                executor.enqueue_task(task.clone());
                info!(log, "Queued task '{}' for executor {executor}", task.task_id);
                self.update_then_send(ctx, framework_id, executor_id, vec![task.clone()]);
            }
        }
    }
}

/// Mirrors `getRoles` in `src/common/protobuf_utils.cpp`.
#[doc(alias = "getRoles")]
#[expect(deprecated, reason = "frameworks of one role still set it")]
fn roles(framework: &FrameworkInfo) -> Vec<String> {
    if has_capability(framework, Type::MultiRole) {
        framework.roles.clone()
    } else {
        vec![framework.role.clone().unwrap_or_else(|| "*".to_owned())]
    }
}
