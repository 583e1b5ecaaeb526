//! The Docker containerizer over the simulated daemon and host, under many schedules: twins of
//! upstream's `docker_containerizer_tests.cpp`, and what executors in containers are limited to.

use super::schedules::{Schedule, under_many_schedules};
use super::{Rig, millis};
use crate::environment::daemon::{ContainerState, ImageSpec, Method, Script};
use crate::environment::host::Scripted;
use containerizer::docker::{Dependencies, DockerContainerizer, MESOS_DOCKER_EXECUTOR, Unobserved};
use containerizer::fetcher::{Fetcher, MESOS_FETCHER, NoNet};
use containerizer::logger::SandboxContainerLogger;
use containerizer::state::{ExecutorState, FrameworkState, RunState, SlaveState};
use containerizer::{Containerizer, Flags, LaunchResult};
use docker::Engine;
use mesos::container_info::{DockerInfo, Type};
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::{
    CommandInfo, ContainerId, ContainerInfo, ExecutorInfo, Resource, Resources, TaskInfo,
    command_info,
};
use process::future::Value;
use process::host::{Command, Host, OsPid};
use process::{Future, Upid};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const OURS: &str = "c1c1c1c1-0000-4000-8000-000000000001";
const OTHER: &str = "c1c1c1c1-0000-4000-8000-000000000002";
const ADDRESS: &str = "127.0.0.1:4000";

fn id() -> ContainerId {
    ContainerId::new(OURS)
}

fn sandbox() -> PathBuf {
    format!("/var/lib/mesos/agent/slaves/s1/frameworks/f1/executors/e1/runs/{OURS}").into()
}

fn containerizer(rig: &Rig) -> DockerContainerizer {
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let host: Arc<dyn Host> = Arc::new(rig.host.clone());
    host.mkdir(&sandbox()).expect("an empty disk");
    let flags = Flags { cgroups_enable_cfs: true, ..Flags::default() };
    DockerContainerizer::spawn(Dependencies {
        fetcher: Fetcher::spawn(&flags, Arc::clone(&host), Arc::new(NoNet), log.clone())
            .expect("there is no cache yet"),
        logger: Arc::new(SandboxContainerLogger::spawn()),
        docker: Arc::new(Engine::new(Arc::clone(&rig.api), flags.docker_socket.as_str())),
        host,
        gpus: None,
        hooks: None,
        observer: Arc::new(Unobserved),
        log,
        flags,
    })
}

fn parse(text: &str) -> Vec<Resource> {
    Resources::parse(text).expect("resources").iter().cloned().collect()
}

/// A custom executor in a container of this image; a command task if there is a task.
fn config(image: &str, task: bool) -> Arc<ContainerConfig> {
    let container = ContainerInfo {
        r#type: Type::Docker.into(),
        docker: Some(DockerInfo { image: image.to_owned(), ..DockerInfo::default() }),
        ..ContainerInfo::default()
    };
    let with_task = TaskInfo { container: Some(container.clone()), ..TaskInfo::default() };
    Arc::new(ContainerConfig {
        executor_info: Some(ExecutorInfo {
            container: Some(container.clone()),
            resources: parse("cpus:1;mem:64"),
            ..ExecutorInfo::default()
        }),
        task_info: task.then_some(with_task),
        container_info: Some(container),
        command_info: CommandInfo { value: Some("run".to_owned()), ..CommandInfo::default() },
        directory: sandbox().to_string_lossy().into_owned(),
        resources: if task { Vec::new() } else { parse("cpus:1;mem:64") },
        ..ContainerConfig::default()
    })
}

fn launch(
    containerizer: &DockerContainerizer,
    config: Arc<ContainerConfig>,
) -> Future<LaunchResult> {
    containerizer.launch(&id(), config, BTreeMap::new(), Some("/meta/forked.pid".into()))
}

fn ready<T: Value>(future: &Future<T>) -> T {
    future.get().unwrap_or_else(|| panic!("expected a ready future, got {future}")).clone()
}

fn said(termination: &Future<Option<ContainerTermination>>) -> String {
    ready(termination).and_then(|it| it.message).unwrap_or_default()
}

/// The pid of the container with this name, while it runs.
fn running(rig: &Rig, name: &str) -> Option<OsPid> {
    let containers = rig.daemon.containers();
    let container = containers.into_iter().find(|it| &*it.name == name)?;
    container.pid.filter(|_| container.state == ContainerState::Running)
}

#[test]
fn root_docker_launch_executor() {
    under_many_schedules(|rig, schedule| {
        let containerizer = containerizer(rig);
        let launched = launch(&containerizer, config("busybox", false));
        while launched.is_pending() {
            schedule.some(rig, 1);
        }
        assert_eq!(ready(&launched), LaunchResult::Success);
        let pid = running(rig, &format!("mesos-{OURS}")).expect("it runs");
        let written = Host::read(&rig.host, Path::new("/meta/forked.pid"));
        assert_eq!(written, Ok(pid.to_string().into_bytes()));

        // Somebody destroys it at any moment.
        let destroyed = containerizer.destroy(&id());
        let late = containerizer.wait(&id());
        schedule.all(rig);
        assert_eq!(said(&destroyed), "Container killed");
        assert!(late.is_ready());
        assert!(rig.daemon.containers().is_empty(), "removed after the delay");
        assert!(!rig.host.is_running(pid));
    });
}

/// Whatever the step under way, each question is answered and nothing is left.
#[test]
fn a_custom_executor_can_be_destroyed_at_any_moment() {
    under_many_schedules(|rig, schedule| {
        let containerizer = containerizer(rig);
        let launched = launch(&containerizer, config("registry/app:1", false));
        let steps = rig.simulation.events_handled() as usize + rig.environment.len();
        schedule.some(rig, (steps * 7) % 90);
        let destroyed = containerizer.destroy(&id());
        schedule.all(rig);
        if launched.is_failed() && destroyed.is_pending() {
            // As the agent does.
            containerizer.destroy(&id());
            schedule.all(rig);
        }
        assert!(destroyed.is_ready(), "{destroyed}");
        assert!(!launched.is_pending(), "{launched}");
        let left = containerizer.containers();
        schedule.all(rig);
        assert!(ready(&left).is_empty());
        assert!(rig.daemon.containers().is_empty() && rig.daemon.pulls().is_empty());
        rig.host.for_each_running(|process| panic!("{} runs", process.program));
    });
}

#[test]
fn limits_and_usage_are_those_of_the_control_groups() {
    let rig = Rig::new();
    let containerizer = containerizer(&rig);
    let launched = launch(&containerizer, config("busybox", false));
    rig.pass(millis(10_000));
    assert_eq!(ready(&launched), LaunchResult::Success);
    let name = format!("mesos-{OURS}");
    let figures = || rig.daemon.cgroup(&name).expect("it runs");
    assert_eq!((figures().cpu_shares, figures().cpu_quota), (1024, Some(100_000)));
    assert_eq!(figures().memory_limit, Some(64 << 20));

    let limits = BTreeMap::from([("cpus".to_owned(), 1.5), ("mem".to_owned(), 256.0)]);
    let updated = containerizer.update(&id(), parse("cpus:0.5;mem:128"), limits);
    rig.pass(millis(1000));
    assert!(updated.is_ready(), "{updated}");
    assert_eq!((figures().cpu_shares, figures().cpu_quota), (512, Some(150_000)));
    assert_eq!(figures().memory_limit, Some(256 << 20));

    let usage = containerizer.usage(&id());
    rig.pass(millis(1000));
    let usage = ready(&usage);
    assert_eq!(usage.mem_rss_bytes, Some(figures().memory));
    assert_eq!((usage.cpus_soft_limit, usage.cpus_limit), (Some(0.5), Some(1.5)));

    // Without limits.
    let infinite = ["cpus", "mem"].map(|name| (name.to_owned(), f64::INFINITY));
    containerizer.update(&id(), parse("cpus:0.5;mem:128"), infinite.into());
    rig.pass(millis(1000));
    assert_eq!((figures().cpu_quota, figures().memory_limit), (None, None));
}

#[test]
fn root_docker_docker_inspect_discard() {
    under_many_schedules(|rig, schedule| {
        // It ends before anybody has seen it, and not well.
        let image = ImageSpec::new("short", &[]).with_script(Script::exits(millis(1), 3));
        rig.daemon.load("short", Arc::new(image));
        let containerizer = containerizer(rig);
        let launched = launch(&containerizer, config("short", false));
        schedule.all(rig);
        // Whether an inspect was faster than the end depends on the schedule.
        let destroyed = containerizer.destroy(&id());
        schedule.all(rig);
        assert!(!launched.is_pending(), "{launched}");
        assert!(destroyed.is_ready());
        let unfinished = rig.daemon.requests();
        let inspects = unfinished.iter().filter(|it| it.method == Method::InspectContainer);
        assert_eq!(inspects.count(), 0, "nobody inspects any more");
    });
}

/// A command task, with something to fetch.
fn fetching() -> Arc<ContainerConfig> {
    let mut config = ContainerConfig::clone(&config("registry/app:1", true));
    let value = "http://files.example/f".to_owned();
    config.command_info.uris = vec![command_info::Uri { value, ..Default::default() }];
    Arc::new(config)
}

fn destroy_while(state: &str, rig: &Rig, schedule: &Schedule, in_state: impl Fn() -> bool) {
    rig.host.register_scripted(MESOS_FETCHER, Scripted::fetcher());
    rig.host.register_scripted(MESOS_DOCKER_EXECUTOR, Scripted::executor());
    let containerizer = containerizer(rig);
    let launched = launch(&containerizer, fetching());
    while !in_state() {
        assert!(launched.is_pending(), "it never was {state}");
        schedule.some(rig, 1);
    }
    let destroyed = containerizer.destroy(&id());
    schedule.all(rig);
    assert!(!launched.is_pending(), "{launched}");
    // The destroy may have been overtaken by the end of the step.
    let said = said(&destroyed);
    assert!(said.starts_with("Container "), "{said}");
    assert!(rig.daemon.pulls().is_empty() && rig.daemon.containers().is_empty());
    rig.host.for_each_running(|process| panic!("{} runs", process.program));
}

#[test]
fn root_docker_destroy_while_fetching() {
    under_many_schedules(|rig, schedule| {
        let fetches = || rig.host.started_in(MESOS_FETCHER).is_some();
        destroy_while("fetching", rig, schedule, fetches);
    });
}

#[test]
fn root_docker_destroy_while_pulling() {
    under_many_schedules(|rig, schedule| {
        destroy_while("pulling", rig, schedule, || rig.daemon.watched_pulls() > 0);
    });
}

/// An executor of an earlier life, its container, and one of nobody's.
fn earlier_life(rig: &Rig) -> (OsPid, SlaveState) {
    rig.run_container(&format!("mesos-{OURS}"));
    rig.run_container(&format!("mesos-s0.{OTHER}"));
    rig.host.register_scripted(MESOS_DOCKER_EXECUTOR, Scripted::executor());
    let command = Command::new(MESOS_DOCKER_EXECUTOR, [MESOS_DOCKER_EXECUTOR]);
    let pid = rig.host.subprocess(command, Vec::new()).expect("it is registered").pid();
    rig.settle();
    let run = RunState {
        forked_pid: Some(pid),
        libprocess_pid: Some(Upid::new("executor(1)", ADDRESS)),
        ..RunState::default()
    };
    let executor = ExecutorState {
        id: "e1".into(),
        info: Some(ExecutorInfo::default()),
        latest: Some(id()),
        runs: [(id(), run)].into(),
        ..ExecutorState::default()
    };
    let framework =
        FrameworkState { executors: [("e1".into(), executor)].into(), ..Default::default() };
    let frameworks = [("f1".into(), framework)].into();
    (pid, SlaveState { id: "s1".into(), frameworks, ..SlaveState::default() })
}

fn mount_volumes(rig: &Rig) {
    for id in [OURS, OTHER] {
        let target = format!("/var/lib/mesos/agent/slaves/s1/runs/{id}/v");
        Host::mount(&rig.host, Path::new("/volume"), Path::new(&target), false).expect("mounted");
    }
}

fn mounted(rig: &Rig, id: &str) -> bool {
    rig.host.bind_mounts().iter().any(|mount| mount.target.to_string_lossy().contains(id))
}

/// Recovers what is known, and has its executor end.
fn recover(rig: &Rig, schedule: &Schedule) {
    let (pid, state) = earlier_life(rig);
    mount_volumes(rig);
    rig.host.listen(ADDRESS.parse().expect("an address"));
    let containerizer = containerizer(rig);
    let recovered = containerizer.recover(Some(Arc::new(state)));
    schedule.all(rig);
    assert!(recovered.is_ready(), "{recovered}");
    assert_eq!(running(rig, &format!("mesos-s0.{OTHER}")), None, "the orphan is stopped");
    assert!(running(rig, &format!("mesos-{OURS}")).is_some());
    assert!(mounted(rig, OURS) && !mounted(rig, OTHER));

    let (wait, unknown) = (containerizer.wait(&id()), containerizer.wait(&OTHER.into()));
    let destroyed = containerizer.destroy(&id());
    // Nobody signals it, as upstream; it ends of the loss of its container.
    schedule.some(rig, 1000);
    rig.host.killtree(pid, 15, Default::default()).expect("a tree");
    schedule.all(rig);
    assert_eq!(said(&wait), "Container killed");
    assert!(destroyed.is_ready() && ready(&unknown).is_none());
    assert!(!mounted(rig, OURS));
    assert!(rig.daemon.containers().is_empty());
}

#[test]
fn root_docker_recover() {
    under_many_schedules(recover);
}

#[test]
fn root_docker_kill_orphan_containers() {
    under_many_schedules(|rig, schedule| {
        earlier_life(rig);
        let containerizer = containerizer(rig);
        let recovered = containerizer.recover(None);
        schedule.all(rig);
        assert!(recovered.is_ready(), "{recovered}");
        assert!(rig.daemon.containers().is_empty(), "they are removed at once");
        let known = containerizer.containers();
        schedule.all(rig);
        assert!(ready(&known).is_empty());
    });
}

#[test]
fn root_docker_recover_persistent_volumes() {
    under_many_schedules(recover);
}

#[test]
fn root_docker_recover_orphaned_persistent_volumes() {
    under_many_schedules(|rig, schedule| {
        earlier_life(rig);
        mount_volumes(rig);
        let recovered = containerizer(rig).recover(None);
        schedule.all(rig);
        assert!(recovered.is_ready());
        assert!(!mounted(rig, OURS) && !mounted(rig, OTHER));
    });
}

/// The pid of an executor that died while nobody watched belongs to a stranger now.
#[test]
fn a_stranger_with_the_pid_of_an_executor_is_left_alone() {
    under_many_schedules(|rig, schedule| {
        let (stranger, state) = earlier_life(rig);
        let containerizer = containerizer(rig);
        // Nobody listens at the executor's address.
        let recovered = containerizer.recover(Some(Arc::new(state)));
        let destroyed = containerizer.destroy(&id());
        schedule.all(rig);
        assert!(recovered.is_ready() && destroyed.is_ready());
        assert!(rig.host.is_running(stranger));
    });
}
