//! The start of the program, and its connection to the agent.

use super::world::{Setup, World, task};
use docker::Call;
use mesos::container_info::docker_info::Network;
use process::Nothing;

#[test]
fn what_is_missing_or_wrong_on_the_command_line_is_exit_status_1() {
    type Change = fn(&mut Setup);
    let cases: [(&str, Change); 13] = [
        ("container", |it| it.argv.retain(|flag| !flag.starts_with("--container="))),
        ("docker", |it| it.argv.retain(|flag| !flag.starts_with("--docker="))),
        ("launcher_dir", |it| it.argv.retain(|flag| !flag.starts_with("--launcher_dir="))),
        ("unknown", |it| it.argv.push("--unknown=1".into())),
        ("twice", |it| it.argv.push("--container=again".into())),
        ("no boolean", |it| it.argv[1] = "--cgroups_enable_cfs=maybe".into()),
        ("no value", |it| it.argv[2] = "--container".into()),
        ("no duration", |it| it.argv[13] = "--stop_timeout=5".into()),
        ("no strings", |it| it.argv.push("--task_environment={\"A\":1}".into())),
        ("no DNS", |it| it.argv.push("--default_container_dns={\"docker\":1}".into())),
        ("no agent", |it| drop(it.environment.remove("MESOS_SLAVE_PID"))),
        ("no address", |it| {
            it.environment.insert("MESOS_SLAVE_PID".into(), "slave".into());
        }),
        ("no grace", |it| {
            it.environment.insert("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD".into(), "5".into());
        }),
    ];
    for (what, change) in cases {
        let mut setup = Setup::default();
        change(&mut setup);
        let world = World::new(setup);
        assert_eq!(world.exit(), Some(1 << 8), "{what}");
        assert!(world.link().is_none(), "{what}");
    }
}

#[test]
fn help_and_arguments_that_are_no_flags_are_fine() {
    let mut setup = Setup::default();
    setup.argv.push("extra".into());
    assert_eq!(World::new(setup.clone()).exit(), None);
    setup.argv[5] = "--help".into();
    assert_eq!(World::new(setup).exit(), Some(0));
}

#[test]
fn the_default_dns_reaches_a_container_in_a_bridge_that_has_none() {
    for (network, dns) in [(Network::Bridge, &["8.8.8.8"][..]), (Network::Host, &[])] {
        let mut setup = Setup::default();
        let flag = r#"{"docker":[{"network_mode":"BRIDGE","dns":{"nameservers":["8.8.8.8"]}}]}"#;
        setup.argv.push(format!("--default_container_dns={flag}"));
        let mut task = task();
        let docker = task.container.as_mut().and_then(|container| container.docker.as_mut());
        docker.expect("a docker task").network = Some(network.into());
        let world = World::with(setup, task);
        let calls = world.docker.calls();
        let [Call::Run { options, .. }, ..] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!(options.dns, dns, "{network:?}");
    }
}

#[test]
fn the_deprecated_stop_timeout_counts_if_it_is_longer() {
    let mut setup = Setup::default();
    setup.argv[13] = "--stop_timeout=20secs".into();
    let world = World::with(setup, task());
    world.started();
    world.kill(None);
    assert_eq!(world.stops(), [20.0]);
}

#[test]
fn a_task_that_comes_before_the_registration_is_dropped() {
    let world = World::new(Setup::default());
    world.run(task());
    assert_eq!(world.docker.calls(), []);
    world.register();
    world.run(task());
    assert_eq!(world.states(), "STARTING");
}

#[test]
fn the_same_task_twice_aborts_the_executor() {
    let world = World::with(Setup { acknowledges: false, ..Setup::default() }, task());
    world.run(task());
    assert_eq!(world.exit(), Some(6));
    assert!(world.daemon.runs.last().future().is_discarded());
}

#[test]
fn without_its_agent_the_executor_shuts_down() {
    let world = World::running();
    world.agent.exited.set(Nothing);
    world.settle();
    assert_eq!(world.stops(), [3.0]);
    world.seconds(5);
    assert_eq!(world.exit(), Some(9));
}

#[test]
fn an_executor_that_finds_no_agent_ends() {
    let mut setup = Setup::default();
    setup.environment.insert("MESOS_SLAVE_PID".into(), "slave(1)@elsewhere:1".into());
    assert_eq!(World::new(setup).exit(), Some(0));
}

#[test]
fn with_checkpointing_the_executor_waits_for_its_agent() {
    let mut setup = Setup::default();
    setup.environment.insert("MESOS_CHECKPOINT".into(), "1".into());
    setup.environment.insert("MESOS_RECOVERY_TIMEOUT".into(), "1mins".into());
    let world = World::with(setup, task());
    world.started();
    world.agent.exited.set(Nothing);
    world.seconds(59);
    assert_eq!(world.stops(), [0.0; 0]);
    world.seconds(1);
    assert_eq!(world.stops(), [3.0]);
}
