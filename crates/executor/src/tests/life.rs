//! From the launch to the end of a task that nobody kills.

use super::world::{Setup, World, policy, seconds, task};
use crate::docker_executor::DOCKER_INSPECT_TIMEOUT;
use docker::{Call, Container, Output};
use mesos::TaskInfo;
use mesos::task_status::Reason;
use std::time::Duration;

#[test]
fn the_exit_status_decides_the_state() {
    for (status, state, message) in [
        (Ok(Some(0)), "FINISHED", "Container exited with status 0"),
        (Ok(Some(3 << 8)), "FAILED", "Container exited with status 3"),
        (Ok(Some(9)), "FAILED", "Container terminated with signal Killed"),
        (Ok(None), "FAILED", "Failed to get exit status of container"),
        (Err("gone"), "FAILED", "Failed to run docker container: gone"),
    ] {
        let world = World::running();
        match status {
            Ok(status) => world.daemon.runs.last().set(status),
            Err(message) => world.daemon.runs.last().fail(message),
        };
        world.settle();
        assert_eq!(world.states(), format!("STARTING RUNNING {state}"));
        assert_eq!(world.last_message(), message);
        assert_eq!(world.exit(), Some(0), "its terminal update was acknowledged");
        assert_eq!(process::process_ids(), [""; 0]);
    }
}

#[test]
fn the_container_gets_the_streams_and_the_task() {
    let world = World::running();
    let calls = world.docker.calls();
    let [Call::Run { options, stdout, .. }, Call::Inspect { retry_interval, .. }] = &calls[..]
    else {
        panic!("{calls:?}")
    };
    assert_eq!(options.name.as_deref(), Some("mesos-c"));
    assert_eq!(*stdout, Output::Path("/agent/sandbox/stdout".into()));
    assert_eq!(*retry_interval, Some(Duration::from_millis(500)));
}

#[test]
fn running_carries_the_inspection_and_the_address() {
    let update = World::running().updates().pop().unwrap();
    assert_eq!(update.data.as_deref(), Some(&b"[{}]"[..]));
    let network = &update.container_status.unwrap().network_infos[0];
    assert_eq!(network.ip_addresses[0].ip_address(), "172.17.0.2");
    assert_eq!(network.ip_addresses[0].protocol, None);
    assert!(update.uuid.is_some_and(|uuid| uuid.len() == 16));
}

#[test]
fn the_end_is_reported_after_running_even_if_it_comes_first() {
    let world = World::with(Setup::default(), task());
    world.exits(0);
    assert_eq!(world.states(), "STARTING");
    world.started();
    assert_eq!(world.states(), "STARTING RUNNING FINISHED");
}

#[test]
fn the_end_waits_for_a_hung_inspection_only_so_long() {
    let world = World::with(Setup::default(), task());
    world.exits(127 << 8);
    world.advance(DOCKER_INSPECT_TIMEOUT);
    assert_eq!(world.states(), "STARTING FAILED");
}

#[test]
fn a_hung_inspection_is_given_up_and_repeated() {
    let world = World::with(Setup::default(), task());
    world.seconds(16);
    assert_eq!(world.daemon.inspects.count(), 4);
    world.started();
    assert_eq!(world.states(), "STARTING RUNNING");
    world.seconds(30);
    assert_eq!(world.daemon.inspects.count(), 4);
}

#[test]
fn a_failed_inspection_leaves_only_the_end_to_report() {
    let world = World::with(Setup::default(), task());
    world.daemon.inspects.last().fail("no daemon");
    world.settle();
    world.exits(0);
    assert_eq!(world.states(), "STARTING FINISHED");
}

#[test]
fn a_container_whose_exit_the_daemon_missed_is_reported_a_minute_later() {
    let world = World::running();
    world.daemon.reaps.last().set(None);
    world.seconds(59);
    assert_eq!(world.states(), "STARTING RUNNING");
    world.seconds(1);
    assert_eq!(world.states(), "STARTING RUNNING FAILED");
    assert_eq!(world.last_message(), "Failed to get exit status of container");
}

#[test]
fn a_container_that_had_ended_at_the_inspection_has_a_minute_to_say_so() {
    let world = World::with(Setup::default(), task());
    world.daemon.inspects.last().set(Container { started: true, ..Container::default() });
    world.seconds(60);
    assert_eq!(world.states(), "STARTING RUNNING FAILED");
    assert_eq!(world.daemon.reaps.count(), 0);
    assert!(world.updates()[1].container_status.is_none());
}

#[test]
fn an_exit_status_that_comes_in_time_counts() {
    let world = World::running();
    world.daemon.reaps.last().set(None);
    world.seconds(59);
    world.exits(0);
    world.seconds(60);
    assert_eq!(world.states(), "STARTING RUNNING FINISHED");
}

#[test]
fn the_executor_ends_without_an_acknowledgement_after_a_minute() {
    let world = World::with(Setup { acknowledges: false, ..Setup::default() }, task());
    world.started();
    world.exits(0);
    world.seconds(59);
    assert_eq!(world.exit(), None);
    world.seconds(1);
    assert_eq!(world.exit(), Some(0));
}

#[test]
fn a_task_that_takes_too_long_fails() {
    let limited =
        TaskInfo { max_completion_time: Some(seconds(3)), kill_policy: Some(policy(30)), ..task() };
    let world = World::with(Setup::default(), limited);
    world.started();
    world.seconds(3);
    assert_eq!(world.stops(), [0.0], "its kill policy does not count");
    world.exits(137 << 8);
    assert_eq!(world.states(), "STARTING RUNNING FAILED");
    assert_eq!(world.updates()[2].reason(), Reason::MaxCompletionTimeReached);
    assert_eq!(world.last_message(), "Container exited with status 137");
}

#[test]
fn a_task_that_takes_too_long_to_start_is_never_running() {
    let limited = TaskInfo { max_completion_time: Some(seconds(3)), ..task() };
    let world = World::with(Setup::default(), limited);
    world.seconds(3);
    assert_eq!(world.stops(), [0.0; 0], "the daemon may not know the container yet");
    world.started();
    assert_eq!(world.stops(), [0.0]);
    world.exits(137 << 8);
    assert_eq!(world.states(), "STARTING FAILED");
}

#[test]
fn a_second_task_fails() {
    let world = World::running();
    world.run(TaskInfo { task_id: "other".into(), ..task() });
    assert_eq!(world.states(), "STARTING RUNNING FAILED");
    assert_eq!(world.updates()[2].task_id.value, "other");
}

#[test]
fn a_check_aborts_the_executor() {
    let world =
        World::with(Setup::default(), TaskInfo { check: Some(Default::default()), ..task() });
    world.started();
    assert_eq!(world.states(), "STARTING RUNNING");
    assert_eq!(world.exit(), Some(6));
}

#[test]
fn run_options_that_contradict_each_other_fail_the_task() {
    let mut impossible = task();
    impossible.container.as_mut().unwrap().hostname = Some("name-in-the-host's-network".into());
    let world = World::with(Setup::default(), impossible);
    assert_eq!(world.states(), "STARTING FAILED");
    assert!(world.last_message().starts_with("Failed to create docker run options: "));
    assert_eq!(world.exit(), Some(0));
}
