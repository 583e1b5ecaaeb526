//! Restarts: of containers, by policy or because somebody asks, and of the daemon itself.

use super::{Rig, millis, seconds};
use crate::environment::daemon::{
    ContainerConfig, ContainerState, EventOptions, LogOptions, Reply, Request, Restart, Shutdown,
    Streams, WaitCondition,
};

fn config(restart: Restart, text: &str) -> ContainerConfig {
    ContainerConfig {
        image: "bb:1".to_owned(),
        command: vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()],
        restart,
        ..ContainerConfig::default()
    }
}

fn run_as(rig: &Rig, name: &str, config: ContainerConfig) {
    rig.create_as(name, config).expect(201);
    rig.start(name).expect(204);
}

fn state(rig: &Rig, name: &str) -> Option<ContainerState> {
    rig.daemon.container(name).map(|container| container.state)
}

fn exit_code(rig: &Rig, name: &str) -> Option<i64> {
    rig.daemon.container(name).and_then(|container| container.exit_code)
}

#[test]
fn a_policy_restarts_with_growing_pauses() {
    let rig = Rig::interpreting();
    rig.create_as("c1", config(Restart::Always, "exit 1")).expect(201);
    rig.send(Request::Start { container: "c1".into() });
    let mut starts = Vec::new();
    while starts.len() < 6 {
        assert!(rig.step(process::Time::from_epoch(seconds(60))));
        if rig.daemon.coverage().started as usize > starts.len() {
            starts.push(rig.simulation.now());
        }
    }
    let pauses: Vec<u128> = starts.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    // 5 ms until the end is noticed, 100 ms, doubled each time, and 150 ms for the start.
    assert_eq!(pauses, [255, 355, 555, 955, 1755]);
    rig.ask(Request::Stop { container: "c1".into(), seconds: None }).expect(204);
    rig.settle();
    assert_eq!(state(&rig, "c1"), Some(ContainerState::Exited), "a stop ends that");
}

#[test]
fn failures_are_counted_and_successes_are_not_restarted() {
    let rig = Rig::interpreting();
    run_as(&rig, "fails", config(Restart::OnFailure(2), "exit 3"));
    run_as(&rig, "works", config(Restart::OnFailure(2), "exit 0"));
    rig.settle();
    assert_eq!(rig.inspect("fails")["RestartCount"], 2);
    assert_eq!(
        (state(&rig, "fails"), exit_code(&rig, "fails")),
        (Some(ContainerState::Exited), Some(3))
    );
    assert_eq!(rig.inspect("works")["RestartCount"], 0);
}

#[test]
fn a_restart_stops_and_starts_and_answers_then() {
    let rig = Rig::interpreting();
    rig.run("c1", "trap 'exit 0' TERM; sleep 1; sleep 1000");
    let before = rig.daemon.container("c1").unwrap().pid;
    let talk = rig.send(Request::Restart { container: "c1".into(), seconds: Some(10) });
    rig.pass(millis(500));
    assert!(talk.is_silent());
    rig.pass(seconds(1));
    talk.expect(204);
    let after = rig.daemon.container("c1").unwrap();
    assert!(after.state == ContainerState::Running && after.pid != before);
    // One that removes itself at its end survives a restart.
    let own = ContainerConfig { auto_remove: true, ..config(Restart::No, "sleep 1000") };
    run_as(&rig, "own", own);
    rig.ask(Request::Restart { container: "own".into(), seconds: Some(0) }).expect(204);
    assert_eq!(state(&rig, "own"), Some(ContainerState::Running));
    rig.ask(Request::Kill { container: "own".into(), signal: 9 });
    assert_eq!(state(&rig, "own"), None);
}

#[test]
fn a_daemon_that_ends_takes_its_containers_along() {
    let rig = Rig::interpreting();
    rig.run("c1", "trap 'exit 7' TERM; while true; do sleep 1; done");
    rig.run("deaf", "sleep 1000");
    run_as(&rig, "kept", config(Restart::UnlessStopped, "sleep 1000"));
    run_as(
        &rig,
        "gone",
        ContainerConfig { auto_remove: true, ..config(Restart::No, "sleep 9999") },
    );
    rig.create("fresh", &["true"]).expect(201);
    rig.daemon.restart(Shutdown::Graceful, seconds(2));
    rig.pass(seconds(5));
    assert!(!rig.daemon.is_up());
    assert!(matches!(rig.ask(Request::Ping).replies().as_slice(), [Reply::Unreachable]));
    // The deaf ones have ten seconds.
    rig.pass(seconds(8));
    assert!(rig.daemon.is_up());
    assert_eq!((exit_code(&rig, "c1"), exit_code(&rig, "deaf")), (Some(7), Some(137)));
    rig.pass(seconds(1));
    assert_eq!(state(&rig, "kept"), Some(ContainerState::Running), "its policy wants it so");
    assert_eq!(state(&rig, "gone"), None);
    assert_eq!(state(&rig, "fresh"), Some(ContainerState::Created));
    rig.create("c1", &["true"]).expect(409);
    assert_eq!(rig.host.processes().len(), 1);
}

#[test]
fn a_daemon_that_is_killed_ends_its_containers_when_it_starts() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 1000");
    rig.run("short", "sleep 1; exit 5");
    rig.daemon.restart(Shutdown::Killed, seconds(3));
    rig.pass(seconds(2));
    assert_eq!(rig.host.processes().len(), 1, "one goes on without it, one has ended");
    rig.pass(seconds(5));
    assert!(!rig.daemon.is_up(), "it is stopping what it found");
    rig.pass(seconds(7));
    assert!(rig.daemon.is_up());
    assert_eq!((exit_code(&rig, "c1"), exit_code(&rig, "short")), (Some(137), Some(5)));
}

#[test]
fn with_live_restore_containers_go_on() {
    let rig = Rig::set(|settings| {
        settings.interpret = true;
        settings.live_restore = true;
    });
    rig.run("c1", "sleep 1000");
    rig.run("short", "echo late; sleep 2; exit 5");
    let pid = rig.daemon.container("c1").unwrap().pid;
    rig.daemon.restart(Shutdown::Graceful, seconds(3));
    rig.pass(seconds(4));
    assert!(rig.daemon.is_up());
    let container = rig.daemon.container("c1").unwrap();
    assert_eq!((container.state, container.pid), (ContainerState::Running, pid));
    assert_eq!(exit_code(&rig, "short"), Some(5));
    assert_eq!(rig.logs("short"), "late\n");
    rig.ask(Request::Stop { container: "c1".into(), seconds: Some(0) }).expect(204);
    assert_eq!(exit_code(&rig, "c1"), Some(137));
}

#[test]
fn connections_break_and_pulls_are_lost() {
    let rig = Rig::set(|settings| {
        settings.interpret = true;
        settings.live_restore = true;
    });
    rig.run("c1", "while true; do echo x; sleep 1; done");
    let container = || "c1".into();
    let streams = Streams { stdin: false, stdout: true, stderr: true };
    let follow = LogOptions { streams, follow: true, ..LogOptions::default() };
    let talks = [
        rig.send(Request::Pull { reference: "registry/app:1".into(), credentials: None }),
        rig.send(Request::Wait { container: container(), condition: WaitCondition::NextExit }),
        rig.send(Request::Logs { container: container(), options: follow }),
        rig.send(Request::Attach { container: container(), streams, logs: false, stream: true }),
        rig.send(Request::Events(EventOptions::default())),
        rig.send(Request::Stats { container: container(), stream: true, one_shot: false }),
        rig.send(Request::Stop { container: container(), seconds: Some(30) }),
    ];
    let left = rig.send(Request::Pull { reference: "registry/app:1".into(), credentials: None });
    rig.pass(millis(600));
    left.call.hang_up();
    rig.daemon.restart(Shutdown::Killed, seconds(1));
    rig.pass(millis(10));
    for talk in &talks {
        assert!(matches!(talk.replies().last(), Some(Reply::Broken)), "{:?}", talk.replies());
    }
    assert!(rig.daemon.pulls().is_empty() && rig.daemon.transfers().is_empty());
    assert!(rig.daemon.requests().is_empty() && rig.daemon.events().is_empty());
    rig.pass(seconds(60));
    assert_eq!(state(&rig, "c1"), Some(ContainerState::Running), "the stop is forgotten");
    assert!(!rig.daemon.has_image("registry/app:1"));
    let again = rig.send(Request::Pull { reference: "registry/app:1".into(), credentials: None });
    rig.pass(seconds(5));
    assert!(matches!(again.replies().last(), Some(Reply::Ended)));
}

#[test]
fn what_was_begun_when_it_died_is_left_as_it_was() {
    let rig = Rig::interpreting();
    rig.create("starting", &["sleep", "1000"]).expect(201);
    rig.create("removing", &["true"]).expect(201);
    let start = rig.send(Request::Start { container: "starting".into() });
    let remove =
        rig.send(Request::Remove { container: "removing".into(), force: true, volumes: true });
    rig.pass(millis(10));
    rig.daemon.restart(Shutdown::Killed, seconds(1));
    rig.pass(seconds(2));
    for talk in [start, remove] {
        assert!(matches!(talk.replies().as_slice(), [Reply::Broken]));
    }
    assert_eq!(state(&rig, "starting"), Some(ContainerState::Created));
    assert_eq!(state(&rig, "removing"), Some(ContainerState::Created));
    rig.start("starting").expect(204);
    rig.ask(Request::Remove { container: "removing".into(), force: true, volumes: true })
        .expect(204);
}

#[test]
fn a_port_sees_the_daemon_go_and_come() {
    let rig = Rig::new();
    rig.run_container("c1");
    let wait = rig.api.wait_container("c1", docker::WaitCondition::NextExit);
    rig.pass(millis(10));
    rig.daemon.restart(Shutdown::Killed, seconds(1));
    rig.pass(millis(10));
    let Some(Err(error)) = wait.get() else { panic!("{wait:?}") };
    assert_eq!(error.kind, docker::ErrorKind::Broken);
    let version = rig.api.version();
    rig.pass(millis(10));
    let Some(Err(error)) = version.get() else { panic!("{version:?}") };
    assert_eq!(error.kind, docker::ErrorKind::Unreachable);
    rig.settle();
    let version = rig.api.version();
    rig.settle();
    assert_eq!(super::code(&version), Some(200));
}
