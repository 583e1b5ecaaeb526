//! Launching an executor, and what becomes of the launch.

use super::{Slave, problem};
use crate::environment::executor_environment;
use crate::executor::{self, Executor};
use crate::framework;
use crate::paths;
use crate::update::uuid_text;
use containerizer::LaunchResult;
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::task_status::Reason;
use mesos::value::Scalar;
use mesos::{ContainerId, ExecutorId, ExecutorInfo, FrameworkId, TaskInfo, TaskState};
use process::{Context, Future, defer_any};
use slog::{error, info, warn};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Slave {
    /// Makes an executor with a container id and a sandbox. An error is a message for the
    /// framework.
    ///
    /// Mirrors `Framework::addExecutor` in `src/slave/slave.cpp` and `createExecutorDirectory` in
    /// `src/slave/paths.cpp`.
    #[doc(alias = "Framework::addExecutor")]
    #[doc(alias = "createExecutorDirectory")]
    pub(super) fn add_executor(
        &mut self,
        framework_id: &FrameworkId,
        info: ExecutorInfo,
        generated_for_command_task: bool,
    ) -> Result<(), String> {
        let executor_id = info.executor_id.clone();
        for id in [&self.id.value, &framework_id.value, &executor_id.value] {
            // differs: upstream aborts on these, the master has validated them.
            if !paths::is_valid_id(id) {
                return Err(format!("'{id}' cannot be the name of a directory"));
            }
        }
        let container_id = ContainerId::new(uuid_text(&(self.uuids)()));
        let Some(framework) = self.frameworks.get_mut(framework_id) else {
            return Err(format!("Framework {framework_id} does not exist"));
        };

        let user = self.flags.switch_user.then(|| {
            let user = info.command.as_ref().and_then(|command| command.user.clone());
            user.unwrap_or_else(|| framework.info.user.clone())
        });

        // differs: the sandbox gets neither mode 0750 nor its user yet.
        let work_dir = &self.flags.work_dir;
        let directory =
            paths::executor_run(work_dir, &self.id, framework_id, &executor_id, &container_id);
        let latest = paths::executor_latest_run(work_dir, &self.id, framework_id, &executor_id);
        self.host.mkdir(&directory).map_err(|error| {
            format!("Failed to create executor directory '{}': {error}", directory.display())
        })?;
        // Fails for the first run, which has no predecessor.
        let _ = self.host.remove(&latest);
        self.host.symlink(&directory, &latest).map_err(|error| {
            format!(
                "Failed to symlink '{}' to '{}': {error}",
                directory.display(),
                latest.display()
            )
        })?;

        let directory = directory.display().to_string();
        info!(
            self.log,
            "Launching executor '{executor_id}' of framework {framework_id} in work directory \
             '{directory}'"
        );
        let checkpoint = framework.info.checkpoint();
        let executor = Executor::new(
            info,
            framework_id.clone(),
            container_id,
            directory,
            user,
            checkpoint,
            generated_for_command_task,
        );
        framework.executors.insert(executor_id, executor);
        Ok(())
    }

    /// Hands an executor to the containerizer, and gives it time to register.
    ///
    /// Mirrors `Slave::launchExecutor` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::launchExecutor")]
    pub(super) fn launch_executor(
        &mut self,
        ctx: &mut Context<Self>,
        framework_id: &FrameworkId,
        info: ExecutorInfo,
        limits: BTreeMap<String, Scalar>,
        task: TaskInfo,
    ) {
        let executor_id = info.executor_id.clone();
        let ignored = |because: &str| {
            warn!(
                self.log,
                "Ignoring launching executor '{executor_id}' of framework {framework_id} because \
                 {because}"
            );
        };
        let Some(framework) = self.frameworks.get(framework_id) else {
            return ignored("the framework does not exist");
        };
        if framework.state == framework::State::Terminating {
            return ignored("the framework is terminating");
        }
        let Some(executor) = framework.executors.get(&executor_id) else {
            return ignored("the executor does not exist");
        };
        if matches!(executor.state, executor::State::Terminating | executor::State::Terminated) {
            let state = executor.state.to_string().to_lowercase();
            ignored(&format!("the executor is {state}"));
            // It was shut down before it was launched; its tasks wait for news all the same.
            let termination = ContainerTermination {
                state: Some(TaskState::TaskFailed.into()),
                reason: Some(Reason::ContainerLaunchFailed.into()),
                message: Some(format!("Executor {state}")),
                ..ContainerTermination::default()
            };
            let termination = Future::ready(Some(termination));
            return self.executor_terminated(ctx, framework_id, &executor_id, &termination);
        }

        let config = ContainerConfig {
            command_info: info.command.clone().unwrap_or_default(),
            resources: info.resources.clone(),
            directory: executor.directory.clone(),
            limits,
            user: executor.user.clone(),
            container_info: info.container.clone(),
            task_info: executor.generated_for_command_task.then_some(task),
            executor_info: Some(info.clone()),
            ..ContainerConfig::default()
        };
        let checkpoint = framework.info.checkpoint();
        let environment = executor_environment(
            &self.flags,
            &info,
            &executor.directory,
            &self.id,
            ctx.upid(),
            checkpoint,
            self.hooks().as_deref(),
        );
        let container_id = executor.container_id.clone();
        let pid_checkpoint_path = checkpoint.then(|| {
            let meta = paths::meta_root_dir(&self.flags.work_dir);
            paths::forked_pid(&meta, &self.id, framework_id, &executor_id, &container_id)
        });

        info!(
            self.log,
            "Launching container {container_id} for executor '{executor_id}' of framework \
             {framework_id}"
        );
        let launched = self.containerizer.launch(
            &container_id,
            Arc::new(config),
            environment,
            pid_checkpoint_path,
        );
        let ids = (framework_id.clone(), executor_id.clone(), container_id.clone());
        launched.on_any(defer_any!(ctx.pid(), Self::executor_launched, |this, ctx, future| {
            this.executor_launched(ctx, &ids.0, &ids.1, &ids.2, &future);
        }));

        let ids = (framework_id.clone(), executor_id, container_id);
        ctx.delay(
            self.flags.executor_registration_timeout,
            "Slave::register_executor_timeout",
            move |this, _| this.register_executor_timeout(&ids.0, &ids.1, &ids.2),
        );
    }

    /// The containerizer has launched an executor, or failed to.
    ///
    /// Mirrors `Slave::executorLaunched` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::executorLaunched")]
    fn executor_launched(
        &mut self,
        ctx: &mut Context<Self>,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        container_id: &ContainerId,
        future: &Future<LaunchResult>,
    ) {
        // Whatever came of it: the end of the wait is what cleans up. Not before the launch has
        // completed, which is the containerizer's condition.
        let ids = (framework_id.clone(), executor_id.clone());
        self.containerizer.wait(container_id).on_any(defer_any!(
            ctx.pid(),
            Self::executor_terminated,
            |this, ctx, termination| {
                this.executor_terminated(ctx, &ids.0, &ids.1, &termination);
            }
        ));

        let log = self.log.clone();
        let failed = |why: &str| {
            error!(
                log,
                "Container '{container_id}' for executor '{executor_id}' of framework \
                 {framework_id} failed to start: {why}"
            );
        };
        match future.get() {
            None => {
                failed(future.failure().unwrap_or("future discarded"));
                self.containerizer.destroy(container_id);
                if let Some(executor) = self.executor_mut(framework_id, executor_id) {
                    executor.pending_termination = Some(ContainerTermination {
                        state: Some(TaskState::TaskFailed.into()),
                        reason: Some(Reason::ContainerLaunchFailed.into()),
                        message: Some(format!("Failed to launch container: {}", problem(future))),
                        ..ContainerTermination::default()
                    });
                }
                return;
            }
            Some(LaunchResult::NotSupported) => {
                return failed(&format!(
                    "None of the enabled containerizers ({}) could create a container for the \
                     provided TaskInfo/ExecutorInfo message",
                    self.flags.containerizers
                ));
            }
            Some(LaunchResult::AlreadyLaunched) => return failed("it has already been launched"),
            Some(LaunchResult::Success) => {}
        }

        let Some(framework) = self.frameworks.get(framework_id) else {
            warn!(
                log,
                "Framework '{framework_id}' for executor '{executor_id}' is no longer valid"
            );
            return;
        };
        let because = if framework.state == framework::State::Terminating {
            "the framework is terminating"
        } else {
            match framework.executors.get(executor_id).map(|executor| executor.state) {
                None => "it is unknown",
                Some(executor::State::Terminating) => "the executor is terminating",
                Some(executor::State::Registering | executor::State::Running) => return,
                // Only the end of the wait above, or one before a launch, gets an executor there.
                Some(executor::State::Terminated) => {
                    panic!("executor '{executor_id}' was launched in state TERMINATED")
                }
            }
        };
        warn!(
            log,
            "Killing executor '{executor_id}' of framework {framework_id} because {because}"
        );
        self.containerizer.destroy(container_id);
    }
}
