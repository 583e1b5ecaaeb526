//! Containers: experiments M5–M8 of the measured Engine, and the rules around them.

use super::{Rig, body, code, millis};
use crate::environment::daemon::{ContainerState, Script};
use crate::environment::{Fault, Faults};
use docker::{Output, WaitCondition};
use process::host::{Follow, Host};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn m5_a_stop_goes_on_without_its_client() {
    let rig = Rig::natural(Faults::none());
    rig.daemon.load("deaf", deaf());
    let created = rig.api.create_container("c1", &body("deaf"));
    rig.settle();
    rig.api.start_container("c1");
    rig.settle();
    assert_eq!(code(&created), Some(200));

    let stop = rig.api.stop_container("c1", 3);
    rig.pass(millis(500));
    stop.discard();
    assert!(stop.is_discarded());
    rig.pass(Duration::from_secs(2));
    assert_eq!(state(&rig, "c1"), Some(ContainerState::Running));
    rig.settle();
    let container = rig.daemon.container("c1");
    assert_eq!(container.and_then(|container| container.exit_code), Some(137));
    assert!(rig.daemon.requests().is_empty());
    assert_eq!(rig.daemon.coverage().stops_escalated, 1);
}

#[test]
fn m6_rm_by_force_overtakes_a_stop_and_the_stop_succeeds() {
    let rig = Rig::new();
    rig.daemon.load("deaf", deaf());
    rig.api.create_container("c1", &body("deaf"));
    rig.settle();
    rig.api.start_container("c1");
    rig.settle();
    let stop = rig.api.stop_container("c1", 8);
    rig.pass(millis(500));
    let remove = rig.api.remove_container("c1", true, true);
    rig.pass(millis(100));
    assert_eq!((code(&remove), code(&stop)), (Some(200), Some(200)));
    assert!(rig.daemon.container("c1").is_none());
    assert!(rig.environment.is_empty(), "the stop's time was cancelled");
}

#[test]
fn m7_the_second_of_two_removals_is_refused() {
    let rig = Rig::new();
    rig.run_container("c1");
    let first = rig.api.remove_container("c1", true, true);
    let second = rig.api.remove_container("c1", true, true);
    rig.settle();
    assert_eq!((code(&first), code(&second)), (Some(200), Some(409)));
    let Some(Err(error)) = second.get() else { panic!("{second:?}") };
    assert_eq!(error.message, "removal of container c1 is already in progress");
}

#[test]
fn m8_the_states_that_refuse_a_request() {
    let rig = Rig::new();
    rig.run_container("c1");
    let start = rig.api.start_container("c1");
    let remove = rig.api.remove_container("c1", false, true);
    rig.settle();
    assert_eq!((code(&start), code(&remove)), (Some(200), Some(409)));

    let stop = rig.api.stop_container("c1", 10);
    rig.settle();
    assert_eq!(code(&stop), Some(200));
    let container = rig.daemon.container("c1");
    assert_eq!(container.and_then(|container| container.exit_code), Some(143));
    let kill = rig.api.kill_container("c1", 9);
    let stop = rig.api.stop_container("c1", 10);
    rig.settle();
    assert_eq!((code(&kill), code(&stop)), (Some(409), Some(200)));

    let remove = rig.api.remove_container("c1", false, true);
    rig.settle();
    assert_eq!(code(&remove), Some(200));
    let missing = [
        rig.api.remove_container("c1", true, true),
        rig.api.start_container("c1"),
        rig.api.stop_container("c1", 1),
        rig.api.kill_container("c1", 9),
    ];
    let inspect = rig.api.inspect_container("c1");
    let wait = rig.api.wait_container("c1", WaitCondition::NextExit);
    rig.settle();
    assert!(missing.iter().all(|answer| code(answer) == Some(404)));
    assert_eq!((code(&inspect), code(&wait)), (Some(404), Some(404)));
    let Some(Err(error)) = inspect.get() else { panic!("{inspect:?}") };
    assert_eq!(error.to_string(), "Error response from daemon: No such container: c1");
}

#[test]
fn a_name_is_reserved_until_its_container_is_removed() {
    let rig = Rig::new();
    rig.run_container("c1");
    let again = rig.api.create_container("c1", &body("busybox"));
    rig.settle();
    assert_eq!(code(&again), Some(409));
    let Some(Err(error)) = again.get() else { panic!("{again:?}") };
    assert!(
        error.message.starts_with("Conflict. The container name \"/c1\" is already in use by"),
        "{error}"
    );
    assert_eq!(rig.daemon.coverage().name_conflicts, 1);
    rig.api.remove_container("c1", true, false);
    rig.settle();
    let again = rig.api.create_container("c1", &body("busybox"));
    rig.settle();
    assert_eq!(code(&again), Some(200));
}

#[test]
fn a_container_needs_its_image() {
    let rig = Rig::new();
    let created = rig.api.create_container("c1", &body("nothing"));
    rig.settle();
    assert_eq!(code(&created), Some(404));
    let Some(Err(error)) = created.get() else { panic!("{created:?}") };
    assert_eq!(error.message, "No such image: nothing:latest");
}

#[test]
fn a_wait_made_before_the_start_gets_the_exit_code() {
    let rig = Rig::new();
    rig.daemon.load("short", exits(millis(700), 3));
    rig.api.create_container("c1", &body("short"));
    rig.settle();
    let wait = rig.api.wait_container("c1", WaitCondition::NextExit);
    let attachment = rig.api.attach_container("c1", &Output::Null, &Output::Null);
    let stopped = rig.api.wait_container("c1", WaitCondition::NotRunning);
    rig.settle();
    assert!(wait.is_pending());
    assert_eq!(stopped.get().and_then(|code| code.as_ref().ok()), Some(&0));
    rig.api.start_container("c1");
    rig.pass(millis(300));
    let inspect = rig.api.inspect_container("c1");
    rig.pass(millis(10));
    let Some(Ok(container)) = inspect.get() else { panic!("{inspect:?}") };
    assert!(container.started && container.pid.is_some());
    assert_eq!(container.name, "/c1");
    let Some(Ok(attachment)) = attachment.get() else { panic!("{attachment:?}") };
    assert!(attachment.finished.is_pending());
    rig.settle();
    assert_eq!(wait.get().and_then(|code| code.as_ref().ok()), Some(&3));
    assert!(attachment.finished.is_ready());
    let now = rig.api.wait_container("c1", WaitCondition::NotRunning);
    rig.settle();
    assert_eq!(now.get().and_then(|code| code.as_ref().ok()), Some(&3));
}

#[test]
fn a_wait_ends_with_its_client_and_with_its_container() {
    let rig = Rig::new();
    rig.api.create_container("c1", &body("busybox"));
    rig.settle();
    let first = rig.api.wait_container("c1", WaitCondition::NextExit);
    let second = rig.api.wait_container("c1", WaitCondition::NextExit);
    let early = rig.api.wait_container("c1", WaitCondition::NextExit);
    early.discard();
    rig.settle();
    assert_eq!(rig.daemon.requests().len(), 2);
    first.discard();
    assert!(first.is_discarded());
    assert_eq!(rig.daemon.requests().len(), 1);
    rig.api.remove_container("c1", false, false);
    rig.settle();
    assert_eq!(second.get().and_then(|code| code.as_ref().ok()), Some(&0));
}

/// Each request travels on a connection of its own; a start that arrived before the wait could end
/// before it, too, and the wait would last for ever.
#[test]
fn a_start_is_held_back_until_the_daemon_knows_of_the_wait() {
    let rig = Rig::new();
    rig.api.create_container("c1", &body("busybox"));
    rig.api.create_container("c2", &body("busybox"));
    rig.settle();
    let wait = rig.api.wait_container("c1", WaitCondition::NextExit);
    let (start, other) = (rig.api.start_container("c1"), rig.api.start_container("c2"));
    assert_eq!(rig.daemon.requests().len(), 2, "the wait, and the start of another container");
    rig.settle();
    assert!(start.is_ready() && other.is_ready() && wait.is_pending());

    let late = rig.api.wait_container("c1", WaitCondition::NotRunning);
    let given_up = rig.api.start_container("c1");
    given_up.discard();
    assert!(given_up.is_discarded(), "also one that was not sent yet");
    let behind = rig.api.start_container("c1");
    late.discard();
    rig.settle();
    assert!(behind.is_ready(), "a wait that is given up holds nothing back");
}

#[test]
fn requests_wait_while_a_container_starts() {
    let rig = Rig::new();
    rig.api.create_container("c1", &body("busybox"));
    rig.settle();
    let start = rig.api.start_container("c1");
    rig.pass(millis(50));
    let stop = rig.api.stop_container("c1", 10);
    start.discard();
    rig.settle();
    assert_eq!(code(&stop), Some(200));
    assert_eq!(state(&rig, "c1"), Some(ContainerState::Exited));
    assert_eq!(rig.daemon.coverage().started, 1);
}

#[test]
fn a_killed_container_is_seen_by_its_host_and_its_daemon() {
    let rig = Rig::new();
    rig.run_container("c1");
    let Some(pid) = rig.daemon.container("c1").and_then(|container| container.pid) else {
        panic!("no pid")
    };
    assert!(rig.host.is_running(pid));
    let trees = rig.host.killtree(pid, 9, Follow::default());
    assert_eq!(trees.expect("killed").len(), 1);
    rig.settle();
    assert!(!rig.host.is_running(pid));
    let container = rig.daemon.container("c1");
    assert_eq!(container.and_then(|container| container.exit_code), Some(137));
}

#[test]
fn containers_are_listed_newest_first() {
    let rig = Rig::new();
    rig.run_container("first");
    rig.api.create_container("second", &body("busybox"));
    rig.settle();
    let (all, running) = (rig.api.list_containers(true), rig.api.list_containers(false));
    rig.settle();
    let names = |answer: &docker::Answer<Vec<docker::ContainerSummary>>| {
        let listed = answer.get().and_then(|listed| listed.as_ref().ok());
        listed.into_iter().flatten().flat_map(|one| one.names.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&all), ["/second", "/first"]);
    assert_eq!(names(&running), ["/first"]);
}

#[test]
fn a_stop_fails_or_hangs_by_choice() {
    let faults = Faults::none().with(Fault::StopFail, 1).with(Fault::StopHang, 1);
    let rig = Rig::choosing(faults, &[1, 1]);
    rig.run_container("c1");
    let fails = rig.api.stop_container("c1", 1);
    rig.settle();
    assert_eq!(code(&fails), Some(500));
    let hangs = rig.api.stop_container("c1", 1);
    rig.settle();
    assert!(hangs.is_pending());
    assert_eq!(state(&rig, "c1"), Some(ContainerState::Running));
    let works = rig.api.stop_container("c1", 1);
    rig.settle();
    assert_eq!(code(&works), Some(200));
    rig.environment.heal();
    rig.settle();
    assert_eq!(code(&hangs), Some(200));
}

#[test]
fn a_refused_start_leaves_the_container_created() {
    let rig = Rig::choosing(Faults::none().with(Fault::RunFail, 1), &[0, 1]);
    rig.api.create_container("c1", &body("busybox"));
    let start = rig.api.start_container("c1");
    rig.settle();
    assert_eq!(code(&start), Some(400));
    assert_eq!(state(&rig, "c1"), Some(ContainerState::Created));
}

#[test]
fn a_world_that_goes_with_requests_in_flight_leaves_nothing_behind() {
    let rig = Rig::new();
    rig.run_container("c1");
    let wait = rig.api.wait_container("c1", WaitCondition::NextExit);
    let reaped = process::host::Host::reap(&rig.host, 100_000);
    rig.pass(millis(1));
    let stop = rig.api.stop_container("c1", 1);
    let weak = Arc::downgrade(&rig.api);
    drop(rig);
    assert!(weak.upgrade().is_none());
    assert!(wait.is_abandoned() && stop.is_abandoned() && reaped.is_abandoned());
}

fn state(rig: &Rig, name: &str) -> Option<ContainerState> {
    rig.daemon.container(name).map(|container| container.state)
}

fn deaf() -> Arc<crate::environment::daemon::ImageSpec> {
    scripted(Script::deaf())
}

fn exits(after: Duration, code: u8) -> Arc<crate::environment::daemon::ImageSpec> {
    scripted(Script::exits(after, code))
}

fn scripted(script: Script) -> Arc<crate::environment::daemon::ImageSpec> {
    Arc::new(crate::environment::daemon::ImageSpec::new("scripted", &[]).with_script(script))
}
