//! Twins of upstream's `src/tests/hook_tests.cpp` that need Docker: an agent and a containerizer with
//! upstream's test hook, over a real Engine.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

mod live;
mod stage;

use containerizer::hooks::{DockerPrepareInfo, Hook, HookManager, PreLaunch};
use drydock_tests::{DockerLab, ImageSpec};
use mesos::task_status::Reason;
use mesos::{ContainerId, Label, Labels, TaskInfo, TaskState};
use process::Future;
use stage::{Seen, Stage};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const ERROR_LABEL: &str = "MESOS_Test_Error_Label";

/// Upstream's `TestHook`, as far as Docker is concerned.
struct TestHook;

fn variable(name: &str, value: &str) -> BTreeMap<String, String> {
    [(name.to_owned(), value.to_owned())].into()
}

impl Hook for TestHook {
    fn slave_pre_launch_docker_task_executor_decorator(
        &self,
        container: &PreLaunch,
    ) -> Future<Option<DockerPrepareInfo>> {
        let task = container.config.task_info.as_ref();
        let labels = task.and_then(|task| task.labels.clone()).unwrap_or_default().labels;
        if labels.iter().any(|label| label.key == ERROR_LABEL) {
            return Future::failed("Spotted error label");
        }
        if let Err(error) = std::fs::write(container.sandbox.join("foo"), "") {
            return Future::failed(error.to_string());
        }
        Future::ready(Some(DockerPrepareInfo {
            executor_environment: variable("HOOKTEST_EXECUTOR", "bar"),
            task_environment: Some(variable("HOOKTEST_TASK", "foo")),
        }))
    }

    fn slave_post_fetch_hook(&self, _: &ContainerId, directory: &Path) -> Result<(), String> {
        let path = directory.join("post_fetch_hook");
        if !path.exists() {
            return Ok(());
        }
        std::fs::remove_file(path).map_err(|error| error.to_string())
    }
}

/// Runs a task to its end. `None` without an Engine.
async fn run(command: &str, uris: &[String], given: TaskInfo) -> Option<Seen> {
    let lab = DockerLab::require()?;
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let manager = HookManager::new(log).with("test", || Ok(Arc::new(TestHook)));
    manager.initialize("test").expect("it is known");
    let mut stage = Stage::with_hooks(&lab, Some(Arc::new(manager))).await;
    stage.run_task(&image.at(&lab.registry.host()), command, uris, given);
    let ended = |seen: &Seen| seen.erased && seen.updates.iter().any(|(it, _)| it.is_terminal());
    Some(stage.wait("the end of the task", ended).await)
}

fn states(seen: &Seen) -> Vec<TaskState> {
    seen.updates.iter().map(|(state, _)| *state).collect()
}

const SUCCESS: [TaskState; 3] =
    [TaskState::TaskStarting, TaskState::TaskRunning, TaskState::TaskFinished];

#[tokio::test]
async fn root_docker_verify_slave_pre_launch_docker_task_executor_decorator() {
    let command = "test \"$HOOKTEST_TASK\" = 'foo' && test ! \"$HOOKTEST_EXECUTOR\" = 'bar'";
    let Some(seen) = run(command, &[], TaskInfo::default()).await else { return };
    assert_eq!(states(&seen), SUCCESS, "{:?}", seen.updates);
}

#[tokio::test]
async fn root_docker_verify_slave_pre_launch_docker_validator() {
    let label = Label { key: ERROR_LABEL.to_owned(), value: Some("ApacheMesos".to_owned()) };
    let labels = Some(Labels { labels: vec![label] });
    let given = TaskInfo { labels, ..TaskInfo::default() };
    let Some(seen) = run("exit 0", &[], given).await else { return };
    assert_eq!(states(&seen), [TaskState::TaskFailed]);
    assert_eq!(seen.reason, Some(Reason::ContainerLaunchFailed));
    assert!(seen.updates[0].1.contains("Spotted error label"), "{:?}", seen.updates);
}

#[tokio::test]
async fn root_docker_verify_slave_pre_launch_docker_hook() {
    let command = "test -f /mnt/mesos/sandbox/foo";
    let Some(seen) = run(command, &[], TaskInfo::default()).await else { return };
    assert_eq!(states(&seen), SUCCESS, "{:?}", seen.updates);
}

#[tokio::test]
async fn root_docker_verify_slave_post_fetch_hook() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("post_fetch_hook");
    std::fs::write(&file, "").expect("written");
    let uris = [file.display().to_string()];
    let command = "test -f /mnt/mesos/sandbox/foo && test ! -f /mnt/mesos/sandbox/post_fetch_hook";
    let Some(seen) = run(command, &uris, TaskInfo::default()).await else { return };
    assert_eq!(states(&seen), SUCCESS, "{:?}", seen.updates);
}
