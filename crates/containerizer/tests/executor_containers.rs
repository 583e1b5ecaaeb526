//! Executors in containers: custom ones, and the docker executor when the agent has an image for it.

mod support;

use containerizer::Flags;
use containerizer::docker::State;
use containerizer::hooks::{DockerPrepareInfo, Hooks, PreLaunch};
use containerizer::{Containerizer, LaunchResult};
use docker::{Call, RunOptions};
use mesos::status::w_exitcode;
use mesos::{CommandInfo, ContainerId, ContainerInfo};
use parking_lot::Mutex;
use process::Future;
use process::host::Io;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use support::fakes::FIRST_PID;
use support::{SANDBOX, World, config, custom_executor, failure, flags, inspected, ready, uri};

/// What `docker run` was given.
fn options(world: &World) -> RunOptions {
    let run = world.docker.calls().into_iter().find_map(|call| match call {
        Call::Run { options, .. } => Some(*options),
        _ => None,
    });
    run.expect("something was run")
}

#[test]
fn a_custom_executor_is_run_limited_checkpointed_and_watched_in_this_order() {
    let world = World::new();
    world.has_cgroups(500);
    let launch = world.launch_with(custom_executor(), BTreeMap::new(), Some("/meta/forked.pid"));
    world.pulled();
    world.prepared();
    let steps = world.journal.take();
    let expected = [
        format!("touch {SANDBOX}/stdout root"),
        format!("touch {SANDBOX}/stderr root"),
        format!("pull ex:1 {SANDBOX}"),
        "prepare c".to_owned(),
        "run mesos-c".to_owned(),
        "inspect mesos-c every 1s".to_owned(),
    ];
    assert_eq!(steps, expected);

    world.inspected(inspected(500));
    assert_eq!(world.journal.take(), ["inspect mesos-c"], "for its control groups");
    world.inspected(inspected(500));
    let cgroup = "/cg/memory/docker/x/memory";
    assert_eq!(
        world.journal.take(),
        [
            "write /cg/cpu/docker/x/cpu.shares 1024".to_owned(),
            format!("write {cgroup}.soft_limit_in_bytes 134217728"),
            format!("write {cgroup}.limit_in_bytes 134217728"),
            "checkpoint /meta/forked.pid 500".to_owned(),
            "reap 500".to_owned(),
        ]
    );
    assert_eq!(ready(&launch), LaunchResult::Success);
    let options = options(&world);
    assert_eq!((options.name.as_deref(), &*options.image), (Some("mesos-c"), "ex:1"));
    assert_eq!(options.cpu_shares, Some(1024));
    assert_eq!(options.env["MESOS_CONTAINER_NAME"], "mesos-c");

    let wait = world.wait();
    world.exits(500, 0);
    world.ended(&wait, Some(0), Some("Container terminated"));
    world.journal.take();
    world.passes(support::REMOVE_DELAY);
    assert_eq!(world.journal.take(), ["rm mesos-c"]);
}

#[test]
fn a_custom_executor_gets_the_default_dns() {
    let dns = r#"{"docker": [{"network_mode": "BRIDGE", "dns": {"nameservers": ["8.8.8.8"]}}]}"#;
    let world = World::with(Flags {
        default_container_dns: Some(mesos::json::parse(dns).unwrap()),
        ..flags()
    });
    let mut config = custom_executor();
    let docker = config.container_info.as_mut().and_then(|it| it.docker.as_mut()).unwrap();
    docker.network = Some(mesos::container_info::docker_info::Network::Bridge.into());
    world.launch(config);
    world.pulled();
    world.prepared();
    assert_eq!(options(&world).dns, ["8.8.8.8"]);
}

#[test]
fn an_image_for_docker_executors_puts_them_into_containers() {
    let world = World::with(Flags { docker_mesos_image: Some("mesos:1".into()), ..flags() });
    world.has_cgroups(500);
    let mut config = config();
    let task = config.task_info.as_mut().unwrap();
    task.command = Some(CommandInfo { uris: vec![uri("file:///a")], ..CommandInfo::default() });
    let launch = world.launch(config);
    // The task's URIs are fetched although the command is another one.
    world.exits(FIRST_PID, 0);
    assert_eq!(world.journal.about("pull"), [format!("pull bb:1 {SANDBOX}")], "the task's image");
    world.pulled();
    world.prepared();
    world.inspected(inspected(500));
    assert_eq!(ready(&launch), LaunchResult::Success, "an update is ignored");
    assert_eq!(world.journal.about("inspect"), ["inspect mesos-c.executor every 1s"]);

    let options = options(&world);
    assert_eq!(options.name.as_deref(), Some("mesos-c.executor"));
    assert_eq!(options.image, "mesos:1");
    assert_eq!(
        options.volumes,
        [
            "/var/run/docker.sock:/var/run/docker.sock:ro".to_owned(),
            format!("{SANDBOX}:{SANDBOX}:rw"),
            format!("{SANDBOX}:/mnt/mesos/sandbox"),
        ]
    );
    assert_eq!(
        options.additional_options,
        ["--pid=host", "--cap-add=SYS_ADMIN", "--cap-add=SYS_PTRACE"]
    );
    let words = [options.entrypoint.clone().into_iter().collect(), options.arguments].concat();
    assert_eq!(words[0], "/usr/local/libexec/mesos/mesos-docker-executor");
    assert_eq!(words[1], "--cgroups_enable_cfs=false");
    assert_eq!(words[2], "--container=mesos-c");
    assert!(words.contains(&format!("--sandbox_directory={SANDBOX}")), "{words:?}");

    // Both containers are removed, that of the task under the plain name.
    let wait = world.wait();
    world.exits(500, 0);
    world.ended(&wait, Some(0), Some("Container terminated"));
    world.passes(support::REMOVE_DELAY);
    assert_eq!(world.journal.about("rm"), ["rm mesos-c", "rm mesos-c.executor"]);
}

#[test]
fn the_flags_of_a_docker_executor_carry_the_default_dns() {
    let dns = r#"{"docker":[{"network_mode":"BRIDGE","dns":{"nameservers":["8.8.8.8"]}}]}"#;
    let world = World::with(Flags {
        default_container_dns: Some(mesos::json::parse(dns).unwrap()),
        ..flags()
    });
    world.launch(config());
    world.pulled();
    world.prepared();
    let argv = world.host.forked(FIRST_PID).argv;
    let flag = argv[3].strip_prefix("--default_container_dns=").expect("in alphabetical order");
    let read: mesos::internal::ContainerDnsInfo = mesos::json::parse(flag).unwrap();
    assert_eq!(read, mesos::json::parse(dns).unwrap());
}

/// A container that ends, or never is, ends the inspect that waits for it.
#[test]
fn root_docker_docker_inspect_discard() {
    for (ends, message) in [
        (Some(Some(w_exitcode(125, 0))), "Container exited with status 125"),
        (Some(None), "Failed to obtain exit status of container"),
        (None, "no daemon"),
    ] {
        let world = World::new();
        let launch = world.launch(custom_executor());
        world.pulled();
        world.prepared();
        let inspect = world.inspects.last();
        world.in_docker(|| match ends {
            Some(status) => world.runs.last().set(status),
            None => world.runs.last().fail("no daemon"),
        });
        world.settle();
        assert!(inspect.future().has_discard());
        assert_eq!(failure(&launch), message);
        world.ended(&world.destroy(), None, None);
        assert!(world.journal.about("reap").is_empty());
    }
}

#[test]
fn a_container_that_ends_well_before_it_was_inspected_is_still_waited_for() {
    let world = World::new();
    let launch = world.launch(custom_executor());
    world.pulled();
    world.prepared();
    world.in_docker(|| world.runs.last().set(Some(0)));
    world.settle();
    assert!(launch.is_pending(), "as upstream: {launch}");
    assert!(!world.inspects.last().future().has_discard());
}

#[test]
fn a_launch_fails_with_a_container_that_has_no_pid() {
    let world = World::new();
    let launch = world.launch(custom_executor());
    world.pulled();
    world.prepared();
    for _ in 0..2 {
        world.inspected(docker::Container { started: true, ..Default::default() });
    }
    assert_eq!(failure(&launch), "Unable to get executor pid after launch");
    world.ended(&world.destroy(), None, None);
}

#[test]
fn a_launch_fails_with_the_checkpoint_of_the_pid() {
    let world = World::new();
    world.has_cgroups(500);
    world.host.fails("checkpoint", "disk full");
    let launch = world.launch_with(custom_executor(), BTreeMap::new(), Some("/meta/forked.pid"));
    world.pulled();
    world.prepared();
    world.inspected(inspected(500));
    world.inspected(inspected(500));
    assert_eq!(failure(&launch), "Failed to checkpoint executor's pid: disk full");
    assert!(world.journal.about("reap").is_empty());
    world.ended(&world.destroy(), None, None);
}

#[test]
fn a_launch_fails_with_its_options_and_with_an_output_that_is_no_file() {
    let world = World::new();
    let mut config = custom_executor();
    config.container_info.as_mut().unwrap().docker = None;
    config.container_info.as_mut().unwrap().r#type = ContainerInfo::default().r#type;
    let launch = world.launch(config);
    world.pulled();
    world.prepared();
    assert_eq!(failure(&launch), "No docker info found in container info");
    drop(world);

    let world = World::new();
    let launch = world.launch(custom_executor());
    world.pulled();
    let io = containerizer::logger::ContainerIo { out: Io::Pipe, ..support::io() };
    world.logger.prepares.last().set(io);
    world.settle();
    assert!(failure(&launch).starts_with("a pipe is made for a program"));
    assert!(world.journal.about("run").is_empty());
}

#[test]
fn an_executor_in_a_container_is_killed_by_its_pid_and_stopped() {
    let world = World::running_executor(500);
    world.journal.take();
    let destroy = world.destroy();
    assert_eq!(world.journal.take(), ["kill 500 15", "stop mesos-c 5s"]);
    // A stop that hangs: its pid is known since the limits were set.
    world.passes(support::STOP_TIMEOUT + std::time::Duration::from_secs(1));
    assert_eq!(world.journal.take(), ["kill 500 9"]);
    world.exits(500, 9);
    world.stopped();
    world.ended(&destroy, Some(9), Some("Container killed"));
}

#[test]
fn a_destroy_during_the_start_of_the_container_ends_it_as_soon_as_it_is_watched() {
    let world = World::new();
    world.has_cgroups(500);
    let launch = world.launch(custom_executor());
    world.pulled();
    world.prepared();
    let destroy = world.destroy();
    assert_eq!(world.life().states.last(), Some(&State::Destroying));
    world.waits(&destroy);
    world.inspected(inspected(500));
    assert_eq!(ready(&launch), LaunchResult::Success, "not limited any more, but watched");
    assert_eq!(world.journal.about("stop"), ["stop mesos-c 5s"]);
    world.stopped();
    world.exits(500, 0);
    world.ended(&destroy, Some(0), Some("Container killed"));
}

/// Hooks that add to environments, and note what they are told.
#[derive(Default)]
struct Adding(Mutex<Vec<String>>, Option<&'static str>);

impl Hooks for Adding {
    fn pre_launch_docker(&self, container: PreLaunch) -> Future<DockerPrepareInfo> {
        self.0.lock().push(format!("asked {}", container.container_name));
        if let Some(failure) = self.1 {
            return Future::failed(failure);
        }
        let one = |name: &str| BTreeMap::from([(name.to_owned(), "hook".to_owned())]);
        Future::ready(DockerPrepareInfo {
            executor_environment: one("EXECUTOR"),
            task_environment: Some(one("TASK")),
        })
    }

    fn post_fetch(&self, container: &ContainerId, directory: &Path) {
        self.0.lock().push(format!("fetched {container} {}", directory.display()));
    }
}

#[test]
fn what_hooks_add_reaches_executor_and_task() {
    let hooks = Arc::new(Adding::default());
    let world = World::with_hooks(flags(), Some(Arc::clone(&hooks) as Arc<_>));
    world.launch(config());
    world.pulled();
    world.prepared();
    assert_eq!(*hooks.0.lock(), ["asked mesos-c".to_owned(), format!("fetched c {SANDBOX}")]);
    let environment = world.host.environment(FIRST_PID);
    assert_eq!(environment.get("EXECUTOR").map(String::as_str), Some("hook"));
    assert_eq!(environment.get("TASK"), None);
    let argv = world.host.forked(FIRST_PID).argv;
    assert_eq!(argv.last().unwrap(), r#"--task_environment={"TASK":"hook"}"#);
    drop(world);

    // A custom executor gets both.
    let world = World::with_hooks(flags(), Some(Arc::new(Adding::default())));
    world.launch(custom_executor());
    world.pulled();
    world.prepared();
    let env = options(&world).env;
    assert_eq!((&*env["EXECUTOR"], &*env["TASK"]), ("hook", "hook"));
    drop(world);

    // A docker executor in a container gets the task's as a flag.
    let flags = Flags { docker_mesos_image: Some("mesos:1".into()), ..flags() };
    let world = World::with_hooks(flags, Some(Arc::new(Adding::default())));
    world.launch(config());
    world.pulled();
    world.prepared();
    let options = options(&world);
    assert_eq!(options.arguments.last().unwrap(), r#"--task_environment={"TASK":"hook"}"#);
    assert!(!options.env.contains_key("TASK"));
}

#[test]
fn a_launch_fails_with_its_hooks_and_is_destroyed_as_one_that_fetches() {
    let hooks: Arc<dyn Hooks> = Arc::new(Adding(Mutex::default(), Some("the hook says no")));
    let world = World::with_hooks(flags(), Some(hooks));
    let launch = world.launch(config());
    assert_eq!(failure(&launch), "the hook says no");
    assert!(world.docker.calls().is_empty());
    let destroy = world.containerizer.destroy(&support::id());
    world.settle();
    world.ended(&destroy, None, Some("Container destroyed while fetching"));
}
