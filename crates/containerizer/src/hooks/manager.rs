//! The hooks that were asked for by name. Mirrors `src/hook/manager.cpp`.

use super::{DockerPrepareInfo, Hook, Hooks, PreLaunch};
use mesos::{
    Attribute, ContainerId, Environment, ExecutorInfo, FrameworkId, FrameworkInfo, Labels,
    Resource, SlaveInfo, TaskInfo, TaskStatus,
};
use parking_lot::Mutex;
use process::{Future, collect};
use slog::{Logger, warn};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Makes an instance of a hook; an error says why it cannot.
pub type HookFactory = Box<dyn Fn() -> Result<Arc<dyn Hook>, String> + Send + Sync>;

/// The hooks of an agent, in the order in which they were asked for: each sees what those before it
/// have changed.
// differs: one for each agent, where upstream has one for each operating-system process; and the
// hooks are called with no lock held.
pub struct HookManager {
    modules: BTreeMap<String, HookFactory>,
    available: Mutex<Vec<(String, Arc<dyn Hook>)>>,
    log: Logger,
}

impl HookManager {
    /// One that knows no hook.
    pub fn new(log: Logger) -> Self {
        HookManager { modules: BTreeMap::new(), available: Mutex::default(), log }
    }

    /// Makes `factory` what is called for the hook `name`: upstream's module of this name.
    #[must_use]
    pub fn with(
        mut self,
        name: &str,
        factory: impl Fn() -> Result<Arc<dyn Hook>, String> + Send + Sync + 'static,
    ) -> Self {
        self.modules.insert(name.to_owned(), Box::new(factory));
        self
    }

    /// Makes the hooks that `--hooks` names, separated by commas.
    ///
    /// # Errors
    ///
    /// One that is there already, that is unknown, or that cannot be made; those before it stay.
    #[doc(alias = "HookManager::initialize")]
    pub fn initialize(&self, hooks: &str) -> Result<(), String> {
        for name in hooks.split(',') {
            if self.available.lock().iter().any(|(known, _)| known == name) {
                return Err(format!("Hook module '{name}' already loaded"));
            }
            let Some(factory) = self.modules.get(name) else {
                return Err(format!("No hook module named '{name}' available"));
            };
            let hook = factory()
                .map_err(|error| format!("Failed to instantiate hook module '{name}': {error}"))?;
            self.available.lock().push((name.to_owned(), hook));
        }
        Ok(())
    }

    /// Takes a hook away again.
    ///
    /// # Errors
    ///
    /// It is not there.
    #[doc(alias = "HookManager::unload")]
    pub fn unload(&self, name: &str) -> Result<(), String> {
        let mut available = self.available.lock();
        let Some(index) = available.iter().position(|(known, _)| known == name) else {
            return Err(format!("Error unloading hook module '{name}': module not loaded"));
        };
        let hook = available.remove(index);
        drop(available);
        drop(hook);
        Ok(())
    }

    /// Asks each hook in its turn; logs errors, and gives the other answers.
    fn each<T>(&self, what: &str, mut ask: impl FnMut(&dyn Hook) -> Result<T, String>) -> Vec<T> {
        let hooks = self.available.lock().clone();
        let mut answers = Vec::new();
        for (name, hook) in hooks {
            match ask(hook.as_ref()) {
                Ok(answer) => answers.push(answer),
                Err(error) => warn!(self.log, "{what} hook failed for module '{name}': {error}"),
            }
        }
        answers
    }
}

impl Hooks for HookManager {
    #[doc(alias = "HookManager::hooksAvailable")]
    fn available(&self) -> bool {
        !self.available.lock().is_empty()
    }

    /// Asks all of them at once; where they disagree, the last one wins.
    #[doc(alias = "HookManager::slavePreLaunchDockerTaskExecutorDecorator")]
    fn pre_launch_docker(&self, container: PreLaunch) -> Future<DockerPrepareInfo> {
        let hooks = self.available.lock().clone();
        let asked = hooks
            .iter()
            .map(|(_, hook)| hook.slave_pre_launch_docker_task_executor_decorator(&container));
        collect(asked.collect()).map(|answers| {
            let mut merged = DockerPrepareInfo::default();
            for answer in answers.iter().flatten() {
                merged.executor_environment.extend(answer.executor_environment.clone());
                if let Some(environment) = &answer.task_environment {
                    let all = merged.task_environment.get_or_insert_default();
                    all.extend(environment.clone());
                }
            }
            merged
        })
    }

    #[doc(alias = "HookManager::slavePostFetchHook")]
    fn post_fetch(&self, container: &ContainerId, directory: &Path) {
        self.each("Agent post fetch", |hook| hook.slave_post_fetch_hook(container, directory));
    }

    #[doc(alias = "HookManager::slaveRunTaskLabelDecorator")]
    fn run_task_labels(
        &self,
        task: &TaskInfo,
        executor: &ExecutorInfo,
        framework: &FrameworkInfo,
        slave: &SlaveInfo,
    ) -> Labels {
        let mut task = task.clone();
        self.each("Agent label decorator", |hook| {
            let labels = hook.slave_run_task_label_decorator(&task, executor, framework, slave)?;
            if labels.is_some() {
                task.labels = labels;
            }
            Ok(())
        });
        task.labels.unwrap_or_default()
    }

    #[doc(alias = "HookManager::slaveExecutorEnvironmentDecorator")]
    fn executor_environment(&self, executor: &ExecutorInfo) -> Environment {
        let mut executor = executor.clone();
        self.each("Agent environment decorator", |hook| {
            let environment = hook.slave_executor_environment_decorator(&executor)?;
            if environment.is_some() {
                executor.command.get_or_insert_default().environment = environment;
            }
            Ok(())
        });
        executor.command.and_then(|command| command.environment).unwrap_or_default()
    }

    #[doc(alias = "HookManager::slaveRemoveExecutorHook")]
    fn remove_executor(&self, framework: &FrameworkInfo, executor: &ExecutorInfo) {
        self.each("Agent remove executor", |hook| {
            hook.slave_remove_executor_hook(framework, executor)
        });
    }

    #[doc(alias = "HookManager::slaveTaskStatusDecorator")]
    fn task_status(&self, framework: &FrameworkId, mut status: TaskStatus) -> TaskStatus {
        self.each("Agent TaskStatus decorator", |hook| {
            if let Some(changed) = hook.slave_task_status_decorator(framework, &status)? {
                if changed.labels.is_some() {
                    status.labels = changed.labels;
                }
                if changed.container_status.is_some() {
                    status.container_status = changed.container_status;
                }
            }
            Ok(())
        });
        status
    }

    #[doc(alias = "HookManager::slaveResourcesDecorator")]
    fn resources(&self, slave: &SlaveInfo) -> Vec<Resource> {
        let mut slave = slave.clone();
        self.each("Agent Resources decorator", |hook| {
            if let Some(resources) = hook.slave_resources_decorator(&slave)? {
                slave.resources = resources;
            }
            Ok(())
        });
        slave.resources
    }

    #[doc(alias = "HookManager::slaveAttributesDecorator")]
    fn attributes(&self, slave: &SlaveInfo) -> Vec<Attribute> {
        let mut slave = slave.clone();
        self.each("Agent Attributes decorator", |hook| {
            if let Some(attributes) = hook.slave_attributes_decorator(&slave)? {
                slave.attributes = attributes;
            }
            Ok(())
        });
        slave.attributes
    }
}
