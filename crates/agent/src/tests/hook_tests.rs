//! Twins of upstream's `src/tests/hook_tests.cpp`, as far as an agent calls its hooks.

use super::world::{World, exited, framework, task};
use containerizer::LaunchResult;
use containerizer::hooks::{Hook, HookManager};
use mesos::network_info::IpAddress;
use mesos::{
    Attribute, ContainerStatus, Environment, ExecutorInfo, FrameworkId, FrameworkInfo, Label,
    Labels, NetworkInfo, Resource, SlaveInfo, TaskInfo, TaskState, TaskStatus, environment,
};
use parking_lot::Mutex;
use slog::{Discard, Logger, o};
use std::sync::Arc;

type Journal = Arc<Mutex<Vec<String>>>;

/// Upstream's test module, with a journal; `.1` names it there.
struct TestHook(Journal, &'static str);

fn label(key: &str, value: &str) -> Label {
    Label { key: key.to_owned(), value: Some(value.to_owned()) }
}

/// A new label in front, and the one with the key `foo` gone.
fn changed(old: Option<&Labels>, new: Label) -> Labels {
    let old = old.map(|labels| labels.labels.clone()).unwrap_or_default();
    let kept = old.into_iter().filter(|label| label.key != "foo");
    Labels { labels: [new].into_iter().chain(kept).collect() }
}

impl Hook for TestHook {
    fn slave_run_task_label_decorator(
        &self,
        task: &TaskInfo,
        executor: &ExecutorInfo,
        _: &FrameworkInfo,
        slave: &SlaveInfo,
    ) -> Result<Option<Labels>, String> {
        assert_eq!(executor.executor_id.value, task.task_id.value);
        assert_eq!(slave.id, Some("agent".into()));
        Ok(Some(changed(task.labels.as_ref(), label("baz", "qux"))))
    }

    fn slave_executor_environment_decorator(
        &self,
        executor: &ExecutorInfo,
    ) -> Result<Option<Environment>, String> {
        let command = executor.command.clone().unwrap_or_default();
        let mut environment = command.environment.unwrap_or_default();
        environment.variables.push(environment::Variable {
            name: "FOO".to_owned(),
            value: Some("bar".to_owned()),
            ..environment::Variable::default()
        });
        Ok(Some(environment))
    }

    fn slave_remove_executor_hook(
        &self,
        framework: &FrameworkInfo,
        executor: &ExecutorInfo,
    ) -> Result<(), String> {
        let framework = framework.id.clone().unwrap_or_default();
        self.0.lock().push(format!("{} removed {framework} {}", self.1, executor.executor_id));
        Ok(())
    }

    fn slave_task_status_decorator(
        &self,
        _: &FrameworkId,
        status: &TaskStatus,
    ) -> Result<Option<TaskStatus>, String> {
        let network = NetworkInfo {
            ip_addresses: vec![IpAddress {
                ip_address: Some("4.3.2.1".to_owned()),
                ..IpAddress::default()
            }],
            groups: vec!["public".to_owned()],
            labels: Some(Labels { labels: vec![label("net_foo", "net_bar")] }),
            ..NetworkInfo::default()
        };
        Ok(Some(TaskStatus {
            labels: Some(changed(status.labels.as_ref(), label("bar", "qux"))),
            container_status: Some(ContainerStatus {
                network_infos: vec![network],
                ..ContainerStatus::default()
            }),
            message: Some("of what a hook says only two fields count".to_owned()),
            ..TaskStatus::default()
        }))
    }

    fn slave_resources_decorator(
        &self,
        slave: &SlaveInfo,
    ) -> Result<Option<Vec<Resource>>, String> {
        self.0.lock().push(format!("{} asked for resources", self.1));
        assert!(slave.resources.is_empty());
        Ok(None)
    }

    fn slave_attributes_decorator(&self, _: &SlaveInfo) -> Result<Option<Vec<Attribute>>, String> {
        self.0.lock().push(format!("{} asked for attributes", self.1));
        Err("no idea".to_owned())
    }
}

fn log() -> Logger {
    Logger::root(Discard, o!())
}

fn world(hooks: &str) -> (World, Journal) {
    let journal = Journal::default();
    let (one, two) = (Arc::clone(&journal), Arc::clone(&journal));
    let manager = HookManager::new(log())
        .with("one", move || Ok(Arc::new(TestHook(Arc::clone(&one), "one"))))
        .with("two", move || Ok(Arc::new(TestHook(Arc::clone(&two), "two"))));
    manager.initialize(hooks).expect("known ones");
    (World::with_hooks(Some(Arc::new(manager))), journal)
}

fn labelled() -> TaskInfo {
    let labels = Labels { labels: vec![label("foo", "bar"), label("bar", "baz")] };
    TaskInfo { labels: Some(labels), ..task() }
}

fn pairs(labels: Option<&Labels>) -> Vec<String> {
    let labels = labels.map(|labels| labels.labels.clone()).unwrap_or_default();
    let pair = |label: Label| format!("{}:{}", label.key, label.value.unwrap_or_default());
    labels.into_iter().map(pair).collect()
}

#[test]
fn verify_slave_run_task_hook() {
    let (world, _) = world("one");
    world.run(labelled(), framework());
    world.settle();
    let given = world.launch(|launch| launch.config.task_info.clone()).expect("a task");
    assert_eq!(pairs(given.labels.as_ref()), ["baz:qux", "bar:baz"]);
    world.launched(LaunchResult::Success);
    world.register();
    assert_eq!(pairs(world.tasks()[0].labels.as_ref()), ["baz:qux", "bar:baz"]);
}

#[test]
fn each_hook_sees_what_those_before_it_have_changed() {
    let (world, journal) = world("two,one");
    let asked = ["two asked for resources", "one asked for resources"];
    let asked = [&asked[..], &["two asked for attributes", "one asked for attributes"]].concat();
    world.settle();
    assert_eq!(*journal.lock(), asked);
    world.run(labelled(), framework());
    world.settle();
    let given = world.launch(|launch| launch.config.task_info.clone()).expect("a task");
    assert_eq!(pairs(given.labels.as_ref()), ["baz:qux", "baz:qux", "bar:baz"]);
}

#[test]
fn verify_slave_executor_environment_decorator() {
    let (world, _) = world("one");
    world.run(task(), framework());
    world.settle();
    world.launch(|launch| {
        assert_eq!(launch.environment.get("FOO").map(String::as_str), Some("bar"));
        assert_eq!(launch.environment["MESOS_EXECUTOR_ID"], "task");
    });
}

#[test]
fn verify_slave_launch_executor_hook() {
    let (world, journal) = world("one");
    journal.lock().clear();
    world.run(task(), framework());
    world.settle();
    world.launched(LaunchResult::Success);
    world.register();
    world.report(TaskState::TaskRunning);
    world.shutdown_framework();
    let removed = || journal.lock().iter().any(|line| line == "one removed framework task");
    assert!(!removed());
    world.terminates(exited(0));
    assert!(removed());
}

#[test]
fn verify_slave_task_status_decorator() {
    let (world, _) = world("one");
    world.run(task(), framework());
    world.settle();
    world.launched(LaunchResult::Success);
    world.register();
    let labels = Labels { labels: vec![label("foo", "bar"), label("bar", "baz")] };
    let running = TaskStatus {
        state: TaskState::TaskRunning.into(),
        labels: Some(labels),
        ..TaskStatus::default()
    };
    world.report_status(running, vec![7; 16]);
    let status = world.last();
    assert_eq!(pairs(status.labels.as_ref()), ["bar:qux", "bar:baz"]);
    assert_eq!(status.message, None);
    let container = status.container_status.expect("a container status");
    let [network] = &container.network_infos[..] else { panic!("{container:?}") };
    assert_eq!(network.ip_addresses[0].ip_address.as_deref(), Some("4.3.2.1"));
    assert_eq!(network.groups, ["public"]);
    assert_eq!(pairs(network.labels.as_ref()), ["net_foo:net_bar"]);
}

#[test]
fn hook_loading() {
    let manager =
        HookManager::new(log()).with("test", || Ok(Arc::new(TestHook(Journal::default(), "test"))));
    let manager = manager.with("broken", || Err("out of order".to_owned()));
    assert_eq!(manager.initialize("test"), Ok(()));
    let no_such = Err("No hook module named 'Unknown Hook' available".to_owned());
    assert_eq!(manager.initialize("Unknown Hook"), no_such);
    assert!(manager.unload("Unknown Hook").is_err());
    let again = Err("Hook module 'test' already loaded".to_owned());
    assert_eq!(manager.initialize("test"), again);
    assert_eq!(manager.unload("test"), Ok(()));
    assert!(manager.unload("test").is_err());
    assert_eq!(
        manager.initialize("test,broken"),
        Err("Failed to instantiate hook module 'broken': out of order".to_owned())
    );
    assert_eq!(manager.unload("test"), Ok(()));
}
