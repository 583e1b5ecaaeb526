//! Frozen containers: their time stands still, signals wait for them, and some things are refused.

use super::{Rig, millis, seconds};
use crate::environment::daemon::{ContainerState, Request};

fn pause(rig: &Rig) {
    rig.ask(Request::Pause { container: "c1".into() }).expect(204);
}

fn unpause(rig: &Rig) {
    rig.ask(Request::Unpause { container: "c1".into() }).expect(204);
}

#[test]
fn a_frozen_program_gets_no_older() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 5; exit 3");
    rig.pass(seconds(1));
    pause(&rig);
    rig.pass(seconds(100));
    assert_eq!(rig.daemon.container("c1").map(|one| one.state), Some(ContainerState::Paused));
    unpause(&rig);
    rig.pass(seconds(2));
    assert_eq!(rig.daemon.container("c1").map(|one| one.state), Some(ContainerState::Running));
    rig.pass(seconds(2));
    assert_eq!(rig.daemon.container("c1").and_then(|one| one.exit_code), Some(3));
}

#[test]
fn memory_and_processor_time_stand_still_as_well() {
    let rig = Rig::interpreting();
    rig.run("c1", "eat 100M in 10; work 10");
    rig.pass(seconds(4));
    pause(&rig);
    let before = rig.daemon.cgroup("c1").unwrap();
    rig.pass(seconds(60));
    let after = rig.daemon.cgroup("c1").unwrap();
    assert_eq!(after.memory, before.memory);
    unpause(&rig);
    rig.pass(seconds(10));
    pause(&rig);
    let before = rig.daemon.cgroup("c1").unwrap();
    rig.pass(seconds(60));
    let after = rig.daemon.cgroup("c1").unwrap();
    assert_eq!(after.processor_time, before.processor_time);
    assert!(after.processor_time > seconds(3) && after.memory > before.memory / 2);
}

#[test]
fn a_stop_thaws_and_a_kill_needs_not_wait() {
    let rig = Rig::interpreting();
    rig.run("c1", "trap 'exit 5' TERM; sleep 3; sleep 1000");
    pause(&rig);
    let stop = rig.send(Request::Stop { container: "c1".into(), seconds: Some(10) });
    rig.pass(seconds(4));
    stop.expect(204);
    assert_eq!(rig.daemon.container("c1").and_then(|one| one.exit_code), Some(5));
    rig.start("c1").expect(204);
    pause(&rig);
    rig.ask(Request::Kill { container: "c1".into(), signal: 9 }).expect(204);
    assert_eq!(rig.daemon.container("c1").and_then(|one| one.exit_code), Some(137));
    rig.start("c1").expect(204);
    pause(&rig);
    rig.ask(Request::Remove { container: "c1".into(), force: true, volumes: false }).expect(204);
    assert!(rig.daemon.container("c1").is_none());
}

#[test]
fn another_stop_signal_leaves_it_frozen_until_it_is_thawed() {
    let rig = Rig::interpreting();
    let config = crate::environment::daemon::ContainerConfig {
        image: "bb:1".to_owned(),
        command: ["sh", "-c", "trap 'exit 6' USR1; sleep 1; sleep 1000"]
            .map(str::to_owned)
            .to_vec(),
        stop_signal: "SIGTERM".to_owned(),
        ..Default::default()
    };
    rig.create_as("c1", config).expect(201);
    rig.start("c1").expect(204);
    pause(&rig);
    rig.ask(Request::Kill { container: "c1".into(), signal: 10 }).expect(204);
    rig.pass(seconds(5));
    assert_eq!(rig.daemon.container("c1").map(|one| one.state), Some(ContainerState::Paused));
    unpause(&rig);
    rig.pass(seconds(1) + millis(100));
    assert_eq!(rig.daemon.container("c1").and_then(|one| one.exit_code), Some(6));
}
