//! Launching: what is refused, the steps and their order, and what the executor is given.

mod support;

use containerizer::docker::State;
use containerizer::logger::{ContainerLogger, SandboxContainerLogger};
use containerizer::{Containerizer, Flags, LaunchResult};
use mesos::slave::ContainerConfig;
use mesos::{CommandInfo, ContainerId, ContainerInfo, Environment, ExecutorInfo};
use mesos::{container_info, environment};
use process::Future;
use process::host::{ChildHook, Io};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use support::fakes::{FIRST_PID, Journal};
use support::{SANDBOX, World, config, failure, id, ready, with_uri};

fn launch_as(world: &World, id: &ContainerId, config: ContainerConfig) -> Future<LaunchResult> {
    let launch = world.containerizer.launch(id, Arc::new(config), BTreeMap::new(), None);
    world.settle();
    launch
}

#[track_caller]
fn nothing_was_done(world: &World) {
    assert_eq!(world.journal.take(), Vec::<String>::new());
    assert!(world.observed.lives().is_empty());
    assert_eq!(world.count(), 0);
}

#[test]
fn a_nested_container_is_refused() {
    let world = World::new();
    let launch = launch_as(&world, &id().child("d"), config());
    assert_eq!(failure(&launch), "Nested containers are not supported");
    nothing_was_done(&world);
}

#[test]
fn a_container_is_started_once() {
    let (world, launch) = World::in_state(State::Pulling);
    assert_eq!(failure(&world.launch(config())), "Container already started");
    assert_eq!(world.pulls.count(), 1);
    // The refusal is no failure of the launch that goes on.
    world.pulled();
    world.prepared();
    assert_eq!(ready(&launch), LaunchResult::Success);
}

#[test]
fn what_is_no_docker_container_is_not_supported() {
    let world = World::new();
    let other = container_info::Type::Mesos.into();
    for container_info in [None, Some(ContainerInfo { r#type: other, ..Default::default() })] {
        let launch = world.launch(ContainerConfig { container_info, ..config() });
        assert_eq!(ready(&launch), LaunchResult::NotSupported);
        nothing_was_done(&world);
    }
}

#[test]
fn a_sandbox_with_a_colon_elsewhere_than_below_an_agent_is_refused() {
    for sandbox in ["/elsewhere/a:b", "/agent/a:b/c", "/agent/slaves:/S", "/work2/slaves/S/a:b"] {
        let world = World::new();
        let launch = world.launch(ContainerConfig { directory: sandbox.into(), ..config() });
        assert_eq!(
            failure(&launch),
            format!(
                "Failed to create container: Unable to determine the agent's directory from \
                 sandbox '{sandbox}': it does not lie below '/agent'"
            )
        );
        nothing_was_done(&world);
    }
}

#[test]
fn a_container_whose_link_cannot_be_made_is_refused() {
    let links = "/agent/slaves/S/docker/links";
    for (operation, message) in [
        ("mkdir", format!("Unable to create symlink folder for docker {links}: broken")),
        (
            "symlink",
            format!(
                "Failed to symlink directory '/agent/slaves/S/frameworks/F/executors/a:b/runs/c' to '{links}/c': broken"
            ),
        ),
    ] {
        let world = World::new();
        world.host.fails(operation, "broken");
        let config = ContainerConfig {
            directory: "/agent/slaves/S/frameworks/F/executors/a:b/runs/c".into(),
            ..config()
        };
        let launch = world.launch(config);
        assert_eq!(failure(&launch), format!("Failed to create container: {message}"));
        assert_eq!(world.count(), 0);
        assert!(world.observed.lives().is_empty());
    }
}

#[test]
fn a_launch_goes_step_by_step() {
    let world = World::new();
    let launch = world.launch_with(with_uri(config()), BTreeMap::new(), Some("/meta/forked.pid"));
    let steps = |journal: &Journal| journal.take();
    let (out, err) =
        (format!("touch {SANDBOX}/stdout root"), format!("touch {SANDBOX}/stderr root"));
    assert_eq!(steps(&world.journal), [&out, &err, "fork mesos-fetcher", "exec mesos-fetcher"]);
    world.exits(FIRST_PID, 0);
    assert_eq!(steps(&world.journal), [format!("pull bb:1 {SANDBOX}")]);
    world.pulled();
    assert_eq!(steps(&world.journal), ["prepare c"]);
    assert!(launch.is_pending());
    world.prepared();
    assert_eq!(
        steps(&world.journal),
        [
            "fork mesos-docker-executor c",
            "checkpoint /meta/forked.pid 101",
            "exec mesos-docker-executor",
            "reap 101",
        ]
    );
    assert_eq!(ready(&launch), LaunchResult::Success);
    let states = [State::Fetching, State::Pulling, State::Mounting, State::Running];
    assert_eq!(world.life().states, states);
    assert_eq!(world.count(), 1);
}

#[test]
fn a_launch_succeeds_only_when_the_executor_is_watched() {
    let (world, launch) = World::in_state(State::Running);
    let seen = Arc::new(Journal::default());
    let (line, journal) = (Arc::clone(&seen), Arc::clone(&world.journal));
    launch.on_any(move |_| line.write(journal.about("reap").join(",")));
    world.prepared();
    assert_eq!(seen.lines(), ["reap 100"]);
}

#[test]
fn the_image_is_the_tasks_and_pulled_by_force_on_request() {
    let world = World::new();
    let mut config = config();
    let task = config.task_info.as_mut().expect("a command task");
    let docker = task.container.as_mut().and_then(|it| it.docker.as_mut()).expect("a container");
    docker.image = "other:2".into();
    docker.force_pull_image = Some(true);
    world.launch(config);
    assert_eq!(world.journal.about("pull"), [format!("pull other:2 {SANDBOX} force")]);
}

/// As recorded from upstream's agent.
#[test]
fn the_executor_gets_the_flags_that_upstream_gives() {
    let world = World::with(Flags { work_dir: "/var/lib/mesos/agent".into(), ..Flags::default() });
    let container = ContainerId::new("9f9c9919-14ab-44f2-8630-6c2e7f20320f");
    let sandbox = "/var/lib/mesos/agent/slaves/da102c0d-f394-4a39-9c68-00e8c6a86421-S1/frameworks/\
                   da102c0d-f394-4a39-9c68-00e8c6a86421-0002/executors/e2/runs/\
                   9f9c9919-14ab-44f2-8630-6c2e7f20320f";
    launch_as(&world, &container, ContainerConfig { directory: sandbox.into(), ..config() });
    world.pulled();
    world.prepared();
    let forked = world.host.forked(FIRST_PID);
    assert_eq!(
        forked.argv,
        [
            "mesos-docker-executor",
            "--cgroups_enable_cfs=false",
            "--container=mesos-9f9c9919-14ab-44f2-8630-6c2e7f20320f",
            "--docker=docker",
            "--docker_socket=/var/run/docker.sock",
            "--help=false",
            "--initialize_driver_logging=true",
            "--launcher_dir=/usr/local/libexec/mesos",
            "--logbufsecs=0",
            "--logging_level=INFO",
            "--mapped_directory=/mnt/mesos/sandbox",
            "--quiet=false",
            &format!("--sandbox_directory={sandbox}"),
            "--stop_timeout=0ns",
        ]
    );
    assert_eq!(forked.path, "/usr/local/libexec/mesos/mesos-docker-executor");
    assert_eq!(forked.child_hooks, [ChildHook::Setsid, ChildHook::Chdir(sandbox.into())]);
    assert_eq!(forked.stdin, Io::Pipe);
}

#[test]
fn the_executors_output_goes_where_the_logger_says() {
    let world = World::running();
    let forked = world.host.forked(FIRST_PID);
    assert_eq!(forked.stdout, Io::Path(Path::new(SANDBOX).join("stdout")));
    assert_eq!(forked.stderr, Io::Path(Path::new(SANDBOX).join("stderr")));
    assert!(forked.argv.contains(&"--stop_timeout=5secs".to_owned()), "{:?}", forked.argv);
}

#[test]
fn the_sandbox_logger_names_files_in_the_sandbox() {
    let world = World::new();
    let prepared = SandboxContainerLogger::spawn().prepare(&id(), &Arc::new(config()));
    world.settle();
    assert_eq!(ready(&prepared), support::io());
}

fn variables(pairs: &[(&str, Option<&str>)]) -> Environment {
    let variable = |&(name, value): &(&str, Option<&str>)| environment::Variable {
        name: name.into(),
        value: value.map(str::to_owned),
        ..environment::Variable::default()
    };
    Environment { variables: pairs.iter().map(variable).collect() }
}

#[test]
fn the_executors_own_environment_goes_before_the_given_one() {
    const DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for (own, path) in [
        (vec![], DEFAULT),
        (vec![("A", Some("own")), ("EMPTY", None)], DEFAULT),
        (vec![("A", Some("own")), ("PATH", Some("/own"))], "/own"),
    ] {
        let world = World::new();
        let command = CommandInfo { environment: Some(variables(&own)), ..CommandInfo::default() };
        let executor = ExecutorInfo {
            executor_id: "e".into(),
            command: Some(command),
            ..ExecutorInfo::default()
        };
        let given = [("A", "given"), ("B", "given")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = ContainerConfig { executor_info: Some(executor), ..config() };
        world.launch_with(config, BTreeMap::from(given), None);
        world.pulled();
        world.prepared();
        let mut expected = BTreeMap::from([("A", "given"), ("B", "given"), ("PATH", path)]);
        expected.extend(own.iter().map(|&(name, value)| (name, value.unwrap_or_default())));
        let environment = world.host.environment(FIRST_PID);
        let environment: BTreeMap<_, _> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(environment, expected);
    }
}

#[test]
fn an_executor_whose_pid_cannot_be_written_down_never_runs() {
    let world = World::new();
    world.host.fails("checkpoint", "disk full");
    let launch = world.launch_with(config(), BTreeMap::new(), Some("/meta/forked.pid"));
    world.pulled();
    world.prepared();
    assert_eq!(failure(&launch), "Failed to fork executor: disk full");
    assert_eq!(world.journal.about("kill"), ["kill child 100"]);
    assert!(world.journal.about("exec").is_empty());
    assert!(world.journal.about("reap").is_empty());
    world.ended(&world.destroy(), None, None);
    assert_eq!(world.docker.calls().len(), 1, "nothing but the pull");
    assert_eq!(world.journal.about("kill"), ["kill child 100"], "a dead child is left alone");
}

#[test]
fn a_launch_fails_with_the_fork() {
    let (world, launch) = World::in_state(State::Running);
    world.host.fails("fork mesos-docker-executor", "out of memory");
    world.prepared();
    assert_eq!(failure(&launch), "Failed to fork executor: out of memory");
    world.ended(&world.destroy(), None, None);
}

#[test]
fn a_launch_fails_with_the_logger() {
    let (world, launch) = World::in_state(State::Running);
    world.logger.prepares.last().fail("no pipe");
    world.settle();
    assert_eq!(failure(&launch), "no pipe");
    assert!(world.journal.about("fork").is_empty());
    world.ended(&world.destroy(), None, None);
}
