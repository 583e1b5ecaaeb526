//! Status updates: in order, once, until acknowledged.

use super::world::{World, exited};
use mesos::TaskState;
use mesos::task_status::Source;

#[test]
fn a_task_is_reported_from_start_to_end_and_then_forgotten() {
    let world = World::running();
    for state in [TaskState::TaskStarting, TaskState::TaskRunning, TaskState::TaskFinished] {
        world.report(state);
    }
    assert_eq!(world.states(), "STARTING RUNNING FINISHED");
    assert_eq!(world.last().source(), Source::Executor);
    assert_eq!(world.heard(), "registered run acknowledgement acknowledgement acknowledgement");
    let status = world.last().container_status.unwrap();
    assert_eq!(status.network_infos[0].ip_addresses[0].ip_address(), "sim", "the agent's own");
    assert_eq!(world.last_resources(), [("cpus".into(), 0.1), ("mem".into(), 32.0)].into());
    world.terminates(exited(0));
    assert_eq!(world.states(), "STARTING RUNNING FINISHED");
    assert!(world.is_forgotten());
}

#[test]
fn only_the_first_update_is_in_flight_and_it_tells_the_latest_state() {
    let world = World::running();
    world.stop_acknowledging();
    world.report(TaskState::TaskStarting);
    world.report(TaskState::TaskRunning);
    world.report(TaskState::TaskFinished);
    assert_eq!(world.states(), "STARTING");
    world.seconds(10);
    assert_eq!(world.states(), "STARTING STARTING");
    assert_eq!(world.updates()[1].latest_state(), TaskState::TaskFinished);
    let sent = world.updates();
    world.acknowledge(&sent[0]);
    world.acknowledge(&sent[1]);
    assert_eq!(world.states(), "STARTING STARTING RUNNING", "the second was a duplicate");
}

#[test]
fn an_update_is_repeated_ever_less_often() {
    let world = World::running();
    world.stop_acknowledging();
    world.report(TaskState::TaskRunning);
    let mut sent = 1;
    for seconds in [10, 20, 40, 80, 160, 320, 600, 600] {
        world.seconds(seconds - 1);
        assert_eq!(world.updates().len(), sent, "{seconds}");
        world.seconds(1);
        sent += 1;
        assert_eq!(world.updates().len(), sent, "{seconds}");
    }
    let update = world.updates().remove(0);
    world.acknowledge(&update);
    world.seconds(6000);
    assert_eq!(world.updates().len(), sent);
}

#[test]
fn a_task_ends_once() {
    let world = World::running();
    world.stop_acknowledging();
    world.report(TaskState::TaskFinished);
    world.report(TaskState::TaskFailed);
    assert_eq!(world.heard(), "registered run acknowledgement acknowledgement");
    world.terminates(exited(9));
    let finished = world.updates().remove(0);
    world.acknowledge(&finished);
    assert_eq!(world.states(), "FINISHED");
    assert!(world.is_forgotten());
}

/// As upstream: the task is not looked for among those that are over and done with.
#[test]
fn an_end_that_comes_after_the_acknowledgement_of_another_is_forwarded() {
    let world = World::running();
    world.report(TaskState::TaskFinished);
    world.report(TaskState::TaskFailed);
    assert_eq!(world.states(), "FINISHED FAILED");
}

#[test]
fn of_two_ends_the_first_to_arrive_counts_even_if_both_wait() {
    let world = World::running();
    world.stop_acknowledging();
    *world.ground.update.lock() = Some(process::Promise::new());
    world.report(TaskState::TaskFinished);
    world.terminates(exited(9));
    let promise = world.ground.update.lock().take().unwrap();
    promise.set(process::Nothing);
    world.settle();
    assert_eq!(world.states(), "FINISHED");
}

#[test]
fn an_update_that_is_repeated_is_acknowledged_again_but_not_forwarded() {
    let world = World::running();
    world.report_as(TaskState::TaskRunning, vec![9; 16]);
    world.report_as(TaskState::TaskRunning, vec![9; 16]);
    assert_eq!(world.states(), "RUNNING");
    assert_eq!(world.heard(), "registered run acknowledgement acknowledgement");
}

#[test]
fn an_executor_that_ends_fails_its_task_and_waits_for_the_acknowledgement() {
    let world = World::running();
    world.stop_acknowledging();
    world.report(TaskState::TaskRunning);
    world.terminates(exited(11));
    let running = world.updates().remove(0);
    world.acknowledge(&running);
    assert_eq!(world.states(), "RUNNING FAILED");
    assert_eq!(world.last().message(), "Executor terminated");
    let failed = world.updates().remove(1);
    world.acknowledge(&failed);
    assert!(world.is_forgotten());
}

#[test]
fn an_executor_must_not_report_staging() {
    let world = World::running();
    world.report(TaskState::TaskStaging);
    world.report(TaskState::TaskStaging);
    assert_eq!(world.heard(), "registered run shutdown");
    assert_eq!(world.states(), "");
}
