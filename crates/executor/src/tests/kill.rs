//! Kills and shutdowns.

use super::world::{Setup, World, policy, task};
use mesos::TaskInfo;
use process::Nothing;

#[test]
fn a_killed_task_is_killed_whatever_its_exit_status() {
    for status in [0, 7 << 8, 137 << 8] {
        let world = World::running();
        world.kill(None);
        world.exits(status);
        assert_eq!(world.states(), "STARTING RUNNING KILLING KILLED");
        assert_eq!(world.exit(), Some(0));
    }
}

#[test]
fn killing_is_reported_to_those_who_understand_it() {
    let world = World::with(Setup { capabilities: Vec::new(), ..Setup::default() }, task());
    world.started();
    world.kill(None);
    world.exits(0);
    assert_eq!(world.states(), "STARTING RUNNING KILLED");
}

#[test]
fn the_grace_period_is_the_requests_then_the_tasks_then_that_of_shutdowns() {
    for (of_request, of_task, expected) in [
        (Some(1), Some(2), vec![1.0]),
        (None, Some(2), vec![2.0]),
        (None, None, vec![5.0]),
        // Less than nothing is no time to stop in.
        (Some(-1), None, vec![]),
    ] {
        let world =
            World::with(Setup::default(), TaskInfo { kill_policy: of_task.map(policy), ..task() });
        world.started();
        world.kill(of_request.map(policy));
        assert_eq!(world.stops(), expected);
        assert_eq!(world.states(), "STARTING RUNNING KILLING");
    }
}

#[test]
fn a_kill_during_the_start_waits_for_the_inspection() {
    let world = World::with(Setup::default(), task());
    world.kill(None);
    assert_eq!(world.stops(), [0.0; 0]);
    world.started();
    assert_eq!(world.stops(), [5.0]);
    world.exits(0);
    assert_eq!(world.states(), "STARTING RUNNING KILLING KILLED");
}

#[test]
fn a_kill_during_a_hung_inspection_goes_ahead_after_a_while() {
    let world = World::with(Setup::default(), task());
    world.seconds(1);
    world.kill(None);
    world.seconds(5);
    assert_eq!(world.stops(), [5.0]);
    assert_eq!(world.states(), "STARTING KILLING");
    world.exits(0);
    assert_eq!(world.states(), "STARTING KILLING KILLED");
    let inspections = world.daemon.inspects.count();
    world.seconds(20);
    assert_eq!(world.daemon.inspects.count(), inspections, "the discard ended the loop");
}

#[test]
fn a_hung_stop_is_given_up_at_the_next_kill() {
    let world = World::running();
    world.kill(None);
    let hung = world.daemon.stops.last().future();
    world.kill(None);
    assert!(hung.is_discarded());
    assert_eq!(world.stops(), [5.0, 5.0]);
    assert_eq!(world.states(), "STARTING RUNNING KILLING");
    let second = world.daemon.stops.last().future();
    world.exits(137 << 8);
    assert!(second.is_discarded(), "the container is gone");
    assert_eq!(world.states(), "STARTING RUNNING KILLING KILLED");
}

#[test]
fn a_failed_stop_does_not_end_the_task() {
    let world = World::running();
    world.kill(None);
    world.daemon.stops.last().fail("no daemon");
    world.settle();
    assert_eq!(world.states(), "STARTING RUNNING KILLING");
    world.kill(None);
    world.daemon.stops.last().set(Nothing);
    world.exits(137 << 8);
    assert_eq!(world.states(), "STARTING RUNNING KILLING KILLED");
}

#[test]
fn a_kill_after_the_end_changes_nothing() {
    let world = World::with(Setup { acknowledges: false, ..Setup::default() }, task());
    world.started();
    world.exits(0);
    world.kill(None);
    assert_eq!(world.stops(), [0.0; 0]);
    assert_eq!(world.states(), "STARTING RUNNING FINISHED");
}

#[test]
fn a_kill_before_the_task_aborts_the_executor() {
    for registered in [false, true] {
        let world = World::new(Setup::default());
        if registered {
            world.register();
        }
        world.kill(None);
        assert_eq!(world.exit(), Some(6));
        assert_eq!(process::process_ids(), [""; 0]);
    }
}

#[test]
fn a_shutdown_keeps_two_seconds_for_the_executor_itself() {
    for (grace, expected) in [("5secs", vec![3.0]), ("2secs", vec![0.0]), ("1secs", vec![])] {
        let mut setup = Setup::default();
        setup.environment.insert("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD".into(), grace.into());
        let world = World::with(setup, task());
        world.started();
        world.shutdown();
        assert_eq!(world.stops(), expected, "{grace}");
    }
}

#[test]
fn a_shutdown_reports_the_task_but_hears_of_no_acknowledgement_and_ends_by_the_sword() {
    let world = World::running();
    world.shutdown();
    world.exits(137 << 8);
    assert_eq!(world.states(), "STARTING RUNNING KILLING KILLED");
    world.seconds(4);
    assert_eq!(world.exit(), None);
    world.seconds(1);
    assert_eq!(world.exit(), Some(9));
}

#[test]
fn the_end_by_the_sword_hangs_up_on_the_daemon() {
    let world = World::with(Setup::default(), task());
    world.shutdown();
    world.seconds(5);
    assert_eq!(world.exit(), Some(9));
    assert!(world.daemon.runs.last().future().is_discarded());
    assert!(world.daemon.inspects.last().future().is_discarded());
    world.seconds(100);
    assert_eq!(world.states(), "STARTING");
}

#[test]
fn a_shutdown_without_a_task_just_ends() {
    for registered in [false, true] {
        let world = World::new(Setup::default());
        if registered {
            world.register();
        }
        world.shutdown();
        assert_eq!(world.exit(), Some(0));
    }
}

#[test]
fn a_signal_ends_everything_at_once() {
    for (signal, exit) in [(15, Some(15)), (9, Some(9)), (13, None), (17, None)] {
        let world = World::running();
        world.kill(None);
        (world.signal)(signal);
        world.settle();
        assert_eq!(world.exit(), exit);
        assert_eq!(world.daemon.runs.last().future().is_discarded(), exit.is_some());
        assert_eq!(world.daemon.stops.last().future().is_discarded(), exit.is_some());
        assert_eq!(process::process_ids().is_empty(), exit.is_some());
    }
}
