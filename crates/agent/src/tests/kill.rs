//! Kills in every phase, and shutdowns.

use super::world::{World, exited, framework, task};
use containerizer::LaunchResult;
use mesos::TaskState;
use mesos::task_status::{Reason, Source};

#[test]
fn a_task_that_is_killed_at_once_is_not_launched() {
    let world = World::new();
    world.run(task(), framework());
    world.kill("task");
    world.settle();
    assert_eq!(world.states(), "KILLED");
    assert_eq!(world.last().reason(), Reason::TaskKilledDuringLaunch);
    assert_eq!(world.last().message(), "Killed before delivery to the executor");
    assert_eq!(world.launches(), 0);
    assert_eq!(world.exited_executors(), 1, "the master expects an executor");
    assert!(world.is_forgotten());
}

/// As recorded in `kill-task-while-pulling`.
#[test]
fn a_kill_during_the_launch_is_reported_at_once_and_destroys_nothing() {
    let world = World::launching();
    world.kill("task");
    world.settle();
    assert_eq!(world.states(), "KILLED");
    assert_eq!(world.last().reason(), Reason::TaskKilledDuringLaunch);
    assert_eq!(world.last().source(), Source::Slave);
    assert_eq!(world.destroyed(), 0);

    world.launched(LaunchResult::Success);
    world.register();
    assert_eq!(world.heard(), "shutdown", "it has nothing to run");
    world.seconds(4);
    assert_eq!(world.destroyed(), 0);
    world.seconds(1);
    assert_eq!(world.destroyed(), 1);
    world.terminates(exited(9));
    assert_eq!(world.states(), "KILLED");
    assert!(world.is_forgotten());
}

#[test]
fn a_task_that_is_killed_before_it_is_sent_takes_its_executor_with_it() {
    let world = World::launching();
    world.launched(LaunchResult::Success);
    *world.ground.update.lock() = Some(process::Promise::new());
    world.register();
    world.kill("task");
    world.settle();
    let promise = world.ground.update.lock().take().unwrap();
    promise.set(process::Nothing);
    world.settle();
    assert_eq!(world.states(), "KILLED");
    assert_eq!(world.heard(), "registered shutdown");
}

#[test]
fn the_kill_of_a_task_that_was_sent_is_the_executors_affair() {
    let world = World::running();
    world.kill("task");
    world.settle();
    assert_eq!(world.heard(), "registered run kill");
    assert_eq!(world.states(), "");
    world.report(TaskState::TaskKilled);
    assert_eq!(world.states(), "KILLED");
}

#[test]
fn the_kill_of_an_unknown_task_is_answered() {
    let world = World::running();
    world.kill("other");
    world.settle();
    assert_eq!(world.states(), "DROPPED");
    assert_eq!(world.last().message(), "Cannot find executor");
}

/// As recorded in `kill-while-pulling`.
#[test]
fn a_framework_that_ends_during_the_launch_is_destroyed_after_the_grace_period() {
    let world = World::launching();
    world.shutdown_framework();
    world.seconds(4);
    assert_eq!(world.destroyed(), 0);
    world.seconds(1);
    assert_eq!(world.destroyed(), 1);
    world.launch_fails(None);
    world.terminates(None);
    assert_eq!(world.states(), "", "nobody would acknowledge");
    assert!(world.is_forgotten());
}

#[test]
fn a_launch_that_succeeds_for_a_framework_that_ends_is_destroyed() {
    let world = World::launching();
    world.shutdown_framework();
    world.launched(LaunchResult::Success);
    assert_eq!(world.destroyed(), 1);
    world.register();
    assert_eq!(world.heard(), "shutdown");
}

/// As recorded in `run-sleep-then-framework-teardown`.
#[test]
fn updates_for_a_framework_that_ends_are_ignored() {
    let world = World::running();
    world.report(TaskState::TaskRunning);
    world.shutdown_framework();
    world.report(TaskState::TaskKilled);
    assert_eq!(world.states(), "RUNNING");
    assert_eq!(world.heard(), "registered run acknowledgement shutdown");
    world.seconds(5);
    assert_eq!(world.destroyed(), 1);
    world.terminates(exited(9));
    assert!(world.is_forgotten());
}

#[test]
fn a_framework_that_ends_before_its_task_was_launched_is_forgotten() {
    let world = World::new();
    world.run(task(), framework());
    world.shutdown_framework();
    assert_eq!((world.launches(), world.states()), (0, String::new()));
    assert!(world.is_forgotten());
}

#[test]
fn the_agent_ends_with_its_last_framework() {
    let world = World::running();
    world.shutdown();
    assert_eq!(world.heard(), "registered run shutdown");
    assert_eq!(process::process_ids().len(), 2);
    world.terminates(exited(0));
    assert_eq!(process::process_ids(), [""; 0]);
}
