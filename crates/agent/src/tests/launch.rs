//! From the task to a registered executor, or not.

use super::world::{World, exited, framework, task};
use containerizer::LaunchResult;
use mesos::slave::ContainerTermination;
use mesos::task_status::{Reason, Source};
use mesos::{FrameworkInfo, TaskInfo, TaskState};

const RUNS: &str = "slaves/agent/frameworks/framework/executors/task/runs";
const CONTAINER: &str = "00000000-0000-0000-0000-000000000000";

#[test]
fn a_task_is_launched_with_an_executor_made_up_for_it() {
    let world = World::launching();
    world.launch(|launch| {
        let config = &launch.config;
        let info = config.executor_info.as_ref().unwrap();
        assert_eq!(info.name(), "Command Executor (Task: task) (Command: sh -c 'echo hello')");
        assert_eq!(info.command.as_ref(), Some(&config.command_info));
        assert_eq!(config.command_info.value(), "/usr/local/libexec/mesos/mesos-executor");
        assert_eq!(config.task_info.as_ref().unwrap().command, task().command);
        assert_eq!(config.container_info, task().container);
        assert_eq!(config.user(), "root");

        let amounts = config.resources.iter().map(|it| (&*it.name, it.scalar.unwrap().value));
        assert_eq!(amounts.collect::<Vec<_>>(), [("cpus", 0.6), ("mem", 96.0)]);
        let roles = config.resources.iter().map(|it| it.allocation_info.as_ref().unwrap().role());
        assert_eq!(roles.collect::<Vec<_>>(), ["*", "*"]);
    });
}

#[test]
fn the_sandbox_and_the_checkpoint_lie_where_upstream_has_them() {
    let world = World::launching();
    let sandbox = format!("/agent/{RUNS}/{CONTAINER}");
    assert_eq!(world.files(), [sandbox.clone(), format!("/agent/{RUNS}/latest -> {sandbox}")]);
    world.launch(|launch| {
        assert_eq!(launch.config.directory, sandbox);
        let pid = launch.pid_checkpoint_path.as_ref().unwrap();
        let expected = format!("/agent/meta/{RUNS}/{CONTAINER}/pids/forked.pid");
        assert_eq!(pid.display().to_string(), expected);
    });
    drop(world);

    let world = World::new();
    world.run(task(), FrameworkInfo { checkpoint: None, ..framework() });
    world.settle();
    assert!(world.launch(|launch| launch.pid_checkpoint_path.is_none()));
}

#[test]
fn the_environment_is_upstreams() {
    let directory = format!("/agent/{RUNS}/{CONTAINER}");
    let environment = World::launching().launch(|launch| launch.environment.clone());
    let lines: Vec<_> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        lines,
        [
            "LIBPROCESS_PORT=0",
            "MESOS_AGENT_ENDPOINT=sim:0",
            "MESOS_CHECKPOINT=1",
            &format!("MESOS_DIRECTORY={directory}"),
            "MESOS_EXECUTOR_ID=task",
            "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD=5secs",
            "MESOS_FRAMEWORK_ID=framework",
            "MESOS_HTTP_COMMAND_EXECUTOR=0",
            "MESOS_RECOVERY_TIMEOUT=15mins",
            "MESOS_SLAVE_ID=agent",
            "MESOS_SLAVE_PID=slave(1)@sim:0",
            "MESOS_SUBSCRIPTION_BACKOFF_MAX=2secs",
        ]
    );
}

#[test]
fn a_failed_launch_is_waited_for_destroyed_and_reported() {
    for (problem, message) in [
        (
            Some("no such image"),
            "Failed to launch container: no such image; Abnormal executor termination: unknown \
             container",
        ),
        (
            None,
            "Failed to launch container: discarded; Abnormal executor termination: unknown \
             container",
        ),
    ] {
        let world = World::launching();
        world.launch_fails(problem);
        assert_eq!((world.destroyed(), world.states()), (1, String::new()));
        world.terminates(None);
        let status = world.last();
        assert_eq!(status.state(), TaskState::TaskFailed);
        assert_eq!(status.source(), Source::Slave);
        assert_eq!(status.reason(), Reason::ContainerLaunchFailed);
        assert_eq!(status.message(), message);
        assert_eq!(world.exited_executors(), 0, "the master does not know command executors");
        assert!(world.is_forgotten());
    }
}

#[test]
fn a_container_that_nobody_supports_is_reported() {
    let world = World::launching();
    world.launched(LaunchResult::NotSupported);
    world.terminates(None);
    let status = world.last();
    assert_eq!(status.reason(), Reason::ExecutorTerminated);
    assert_eq!(status.message(), "Abnormal executor termination: unknown container");
    assert_eq!(world.destroyed(), 0);
}

#[test]
fn an_executor_that_does_not_register_in_time_is_destroyed() {
    let world = World::launching();
    world.launched(LaunchResult::Success);
    world.seconds(59);
    assert_eq!(world.destroyed(), 0);
    world.seconds(1);
    assert_eq!(world.destroyed(), 1);
    world.register();
    assert_eq!(world.heard(), "shutdown");
    world.terminates(exited(9));
    let status = world.last();
    assert_eq!(status.reason(), Reason::ExecutorRegistrationTimeout);
    assert_eq!(status.message(), "Executor did not register within 1mins");
    assert!(world.is_forgotten());
}

/// As recorded in `destroy-during-pull`.
#[test]
fn a_launch_that_is_discarded_by_the_registration_timeout_wins() {
    let world = World::launching();
    world.seconds(60);
    assert_eq!(world.destroyed(), 1);
    world.launch_fails(None);
    assert_eq!(world.destroyed(), 2);
    world.terminates(None);
    let status = world.last();
    assert_eq!(status.reason(), Reason::ContainerLaunchFailed);
    assert_eq!(
        status.message(),
        "Failed to launch container: discarded; Abnormal executor termination: unknown container"
    );
    assert_eq!(world.states(), "FAILED");
}

#[test]
fn what_the_containerizer_says_of_the_end_comes_first() {
    let oom = ContainerTermination {
        status: Some(9),
        state: Some(TaskState::TaskKilled.into()),
        reason: Some(Reason::ContainerLimitationMemory.into()),
        message: Some("too much".into()),
        ..ContainerTermination::default()
    };
    for (termination, state, reason, message) in [
        (exited(0), "FAILED", Reason::ExecutorTerminated, "Executor terminated"),
        (Some(oom), "KILLED", Reason::ContainerLimitationMemory, "too much"),
    ] {
        let world = World::launching();
        world.launched(LaunchResult::Success);
        world.terminates(termination);
        assert_eq!(world.states(), state);
        assert_eq!((world.last().reason(), world.last().message()), (reason, message));
        assert!(world.is_forgotten());
    }
}

#[test]
fn a_registered_executor_gets_its_task_once_the_container_has_the_resources() {
    let world = World::launching();
    world.launched(LaunchResult::Success);
    *world.ground.update.lock() = Some(process::Promise::new());
    world.register();
    assert_eq!(world.heard(), "registered");
    assert_eq!(world.last_resources(), [("cpus".into(), 0.6), ("mem".into(), 96.0)].into());
    let promise = world.ground.update.lock().take().unwrap();
    promise.set(process::Nothing);
    world.settle();
    assert_eq!(world.heard(), "registered run");
}

#[test]
fn a_container_that_does_not_get_its_resources_is_destroyed() {
    for (aware, state) in [(true, "GONE"), (false, "LOST")] {
        let world = World::new();
        let mut framework = framework();
        if !aware {
            framework.capabilities.clear();
        }
        world.run(task(), framework);
        world.settle();
        world.launched(LaunchResult::Success);
        *world.ground.update.lock() = Some(process::Promise::new());
        world.register();
        let promise = world.ground.update.lock().take().unwrap();
        promise.fail("no cgroup");
        world.settle();
        assert_eq!(world.destroyed(), 1);
        world.terminates(exited(9));
        assert_eq!(world.states(), state);
        assert_eq!(world.last().reason(), Reason::ContainerUpdateFailed);
        let message = "Failed to update resources for container: no cgroup";
        assert_eq!(world.last().message(), message);
    }
}

#[test]
fn an_executor_that_nobody_asked_for_is_shut_down() {
    let world = World::new();
    world.register();
    assert_eq!(world.heard(), "shutdown");
    drop(world);

    let world = World::running();
    world.register();
    assert_eq!(world.heard(), "registered run shutdown", "it is registered already");
}

#[test]
fn a_sandbox_that_cannot_be_made_drops_the_task() {
    let world = World::new();
    *world.ground.mkdir.lock() = Some("disk full".into());
    world.run(task(), framework());
    world.settle();
    assert_eq!(world.states(), "DROPPED");
    assert!(world.last().message().ends_with(": disk full"));
    assert_eq!(world.exited_executors(), 1);
    assert!(world.is_forgotten());
}

#[test]
fn tasks_that_make_no_sense_are_ignored_or_dropped() {
    for (what, bad, states) in [
        ("for another agent", TaskInfo { slave_id: "old".into(), ..task() }, ""),
        ("without a command", TaskInfo { command: None, ..task() }, ""),
        ("not a directory", TaskInfo { task_id: "../..".into(), ..task() }, "DROPPED"),
    ] {
        let world = World::new();
        world.run(bad, framework());
        world.settle();
        assert_eq!(world.states(), states, "{what}");
        assert_eq!(world.launches(), 0, "{what}");
        assert!(world.is_forgotten(), "{what}");
    }
}

#[test]
fn a_task_id_that_is_in_use_is_dropped() {
    let world = World::running();
    world.run(task(), framework());
    world.settle();
    // The id being the first task's too, this ends it as far as the framework is concerned.
    assert_eq!(world.last().reason(), Reason::TaskInvalid);
    assert_eq!(world.launches(), 1);
}

#[test]
fn two_tasks_have_two_executors() {
    let world = World::new();
    world.run(task(), framework());
    world.run(TaskInfo { task_id: "other".into(), ..task() }, framework());
    world.settle();
    assert_eq!(world.launches(), 2);
}
