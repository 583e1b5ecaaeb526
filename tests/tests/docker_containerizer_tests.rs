//! Twins of upstream's `src/tests/containerizer/docker_containerizer_tests.cpp` that need a real
//! Engine, at the level of the containerizer: executors in containers with their control groups,
//! persistent volumes, recovery. Those about tasks are in `docker_containerizer_tasks.rs`.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

mod live;

use containerizer::docker::{
    Dependencies, DockerContainerizer, MESOS_DOCKER_EXECUTOR, Unobserved, connect,
};
use containerizer::fetcher::{Fetcher, NoNet};
use containerizer::logger::SandboxContainerLogger;
use containerizer::state::{ExecutorState, FrameworkState, RunState, SlaveState};
use containerizer::{Containerizer, Flags, LaunchResult};
use docker::{Docker, Engine, Mock};
use drydock_tests::{DockerLab, ImageSpec, names};
use live::{LIMIT, until, within};
use mesos::container_info::{DockerInfo, Type, docker_info};
use mesos::resource::disk_info::Persistence;
use mesos::resource::{DiskInfo, ReservationInfo, reservation_info};
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::volume::Mode;
use mesos::{
    CommandInfo, ContainerId, ContainerInfo, ExecutorInfo, Resource, Resources, TaskInfo, Volume,
    resources,
};
use process::future::Value;
use process::host::Host;
use process::live::LocalHost;
use process::{Future, Outcome, Upid, collect};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A containerizer over the real Engine. It sees only the containers that it is told are its.
struct Stage {
    containerizer: DockerContainerizer,
    work_dir: TempDir,
}

async fn engine(lab: &DockerLab) -> Engine {
    let flags = Flags { docker_socket: lab.engine.host(), ..Flags::default() };
    ready(connect(&flags).expect("the Engine that the lab has found")).await
}

async fn ready<T: Value>(future: Future<T>) -> T {
    match within("an answer", LIMIT, future.outcome()).await {
        Outcome::Ready(value) => value,
        _ => panic!("{future}"),
    }
}

/// A UUID of its own: recovery takes nothing else for the id of a container.
fn id() -> ContainerId {
    let random = std::fs::read_to_string("/proc/sys/kernel/random/uuid").expect("proc");
    ContainerId::new(random.trim())
}

impl Stage {
    /// `ours`: the names of the containers that `docker ps` shows it. Other tests have some, too,
    /// at the same time, and this one must not take them for orphans.
    async fn new(lab: &DockerLab, ours: &[String], host: LocalHost) -> Stage {
        Stage::with(lab, ours, host, Flags::default()).await
    }

    async fn with(lab: &DockerLab, ours: &[String], host: LocalHost, flags: Flags) -> Stage {
        let log = slog::Logger::root(slog::Discard, slog::o!());
        let engine: Arc<dyn Docker> = Arc::new(engine(lab).await);
        let docker = Mock::wrapping(Arc::clone(&engine));
        let ours = ours.to_vec();
        // Each is asked for by its own name: `ps` inspects what it lists, and fails, as upstream's
        // does, when one of another test goes in between.
        docker.on_ps(move |all, prefix| {
            let prefix = prefix.unwrap_or_default();
            let ours = ours.iter().filter(|name| name.starts_with(prefix));
            collect(ours.map(|name| engine.ps(all, Some(name))).collect())
                .map(|lists| lists.concat())
        });
        let work_dir = tempfile::tempdir().expect("a directory");
        let flags = Flags {
            work_dir: work_dir.path().to_owned(),
            fetcher_cache_dir: work_dir.path().join("fetch"),
            docker_socket: lab.engine.host(),
            docker_remove_delay: Duration::ZERO,
            cgroups_enable_cfs: true,
            ..flags
        };
        let host: Arc<dyn Host> = Arc::new(host);
        let containerizer = DockerContainerizer::spawn(Dependencies {
            fetcher: Fetcher::spawn(&flags, Arc::clone(&host), Arc::new(NoNet), log.clone())
                .expect("the cache can be deleted"),
            logger: Arc::new(SandboxContainerLogger::spawn()),
            docker: Arc::new(docker),
            host,
            gpus: None,
            hooks: None,
            observer: Arc::new(Unobserved),
            log,
            flags,
        });
        Stage { containerizer, work_dir }
    }

    fn sandbox(&self, id: &ContainerId) -> PathBuf {
        let sandbox = format!("slaves/s1/frameworks/f1/executors/e1/runs/{id}");
        let sandbox = self.work_dir.path().join(sandbox);
        std::fs::create_dir_all(&sandbox).expect("a sandbox");
        sandbox
    }

    async fn launch(&self, id: &ContainerId, config: ContainerConfig) -> PathBuf {
        let sandbox = self.sandbox(id);
        let directory = sandbox.to_string_lossy().into_owned();
        let config = Arc::new(ContainerConfig { directory, ..config });
        let pid = Some(self.work_dir.path().join("forked.pid"));
        let launch = self.containerizer.launch(id, config, BTreeMap::new(), pid);
        assert_eq!(ready(launch).await, LaunchResult::Success);
        sandbox
    }

    async fn destroy(&self, id: &ContainerId) -> ContainerTermination {
        ready(self.containerizer.destroy(id)).await.expect("it was known")
    }
}

fn docker_container(image: &str) -> ContainerInfo {
    ContainerInfo {
        r#type: Type::Docker.into(),
        docker: Some(DockerInfo { image: image.to_owned(), ..DockerInfo::default() }),
        ..ContainerInfo::default()
    }
}

fn parse(text: &str) -> Vec<Resource> {
    Resources::parse(text).expect("resources").iter().cloned().collect()
}

/// A custom executor: a shell that waits.
fn custom_executor(image: &str, command: &str) -> ContainerConfig {
    let container = docker_container(image);
    ContainerConfig {
        executor_info: Some(ExecutorInfo {
            executor_id: "e1".into(),
            container: Some(container.clone()),
            resources: parse("cpus:1;mem:64"),
            ..ExecutorInfo::default()
        }),
        container_info: Some(container),
        command_info: CommandInfo { value: Some(command.to_owned()), ..CommandInfo::default() },
        resources: parse("cpus:1;mem:64"),
        ..ContainerConfig::default()
    }
}

async fn is_running(lab: &DockerLab, name: &str) -> bool {
    let found = lab.engine.inspect_container(name).await.expect("an answer");
    found.is_some_and(|it| it["State"]["Running"] == json!(true))
}

async fn is_gone(lab: &DockerLab, name: &str) {
    until("the container to be gone", LIMIT, async || {
        lab.engine.inspect_container(name).await.expect("an answer").is_none()
    })
    .await;
}

#[tokio::test]
async fn root_docker_launch_executor() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let stage = Stage::new(&lab, &[], LocalHost::new()).await;
    let (id, image) = (id(), image.at(&lab.registry.host()));
    let command = "echo out; echo err >&2; echo $MESOS_SANDBOX > $MESOS_SANDBOX/made; sleep 1000";
    let sandbox = stage.launch(&id, custom_executor(&image, command)).await;
    let name = format!("mesos-{id}");
    assert!(is_running(&lab, &name).await);
    let pid = std::fs::read_to_string(stage.work_dir.path().join("forked.pid")).expect("a pid");
    let inspected = lab.engine.inspect_container(&name).await.expect("an answer").expect("it");
    assert_eq!(json!(pid.parse::<i64>().expect("a number")), inspected["State"]["Pid"]);
    until("its output", LIMIT, async || {
        let read = |file| std::fs::read_to_string(sandbox.join(file)).unwrap_or_default();
        (&*read("stdout"), &*read("stderr"), &*read("made"))
            == ("out\n", "err\n", "/mnt/mesos/sandbox\n")
    })
    .await;

    let termination = stage.destroy(&id).await;
    assert_eq!(termination.message.as_deref(), Some("Container killed"));
    assert_eq!(ready(stage.containerizer.wait(&id)).await, None);
    is_gone(&lab, &name).await;
}

/// Where the host has the control groups of a container.
fn control_group(pid: i64, subsystem: &str, file: &str) -> Option<String> {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let line = groups.lines().find(|line| {
        line.split(':').nth(1).is_some_and(|it| it.split(',').any(|it| it == subsystem))
    })?;
    let group = line.splitn(3, ':').nth(2)?;
    let path = Path::new("/sys/fs/cgroup").join(subsystem).join(group.trim_start_matches('/'));
    Some(std::fs::read_to_string(path.join(file)).ok()?.trim().to_owned())
}

#[tokio::test]
async fn root_docker_usage() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let stage = Stage::new(&lab, &[], LocalHost::new()).await;
    let id = id();
    let busy = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 1000";
    stage.launch(&id, custom_executor(&image.at(&lab.registry.host()), busy)).await;

    let limits = BTreeMap::from([("cpus".to_owned(), 2.0), ("mem".to_owned(), 128.0)]);
    ready(stage.containerizer.update(&id, parse("cpus:1.5;mem:96"), limits)).await;
    let usage = async || ready(stage.containerizer.usage(&id)).await;
    until("processor time", LIMIT, async || usage().await.cpus_user_time_secs > Some(0.0)).await;
    let statistics = usage().await;
    assert!(statistics.mem_rss_bytes > Some(0));
    assert!(statistics.timestamp > 1.0e9);
    assert!(statistics.cpus_nr_periods.is_some());
    assert_eq!((statistics.cpus_soft_limit, statistics.cpus_limit), (Some(1.5), Some(2.0)));
    assert_eq!(statistics.mem_soft_limit_bytes, Some(96 << 20));
    assert_eq!(statistics.mem_limit_bytes, Some(128 << 20));

    // What the kernel says, where it has control groups of version 1.
    let name = format!("mesos-{id}");
    let inspected = lab.engine.inspect_container(&name).await.expect("an answer").expect("it");
    let pid = inspected["State"]["Pid"].as_i64().expect("it runs");
    if let Some(shares) = control_group(pid, "cpu", "cpu.shares") {
        assert_eq!(shares, "1536");
        assert_eq!(control_group(pid, "cpu", "cpu.cfs_quota_us").as_deref(), Some("200000"));
        let soft = control_group(pid, "memory", "memory.soft_limit_in_bytes");
        assert_eq!(soft, Some((96 << 20).to_string()));
        let hard = control_group(pid, "memory", "memory.limit_in_bytes");
        assert_eq!(hard, Some((128 << 20).to_string()));
    }

    stage.destroy(&id).await;
    let usage = stage.containerizer.usage(&id);
    within("an answer", LIMIT, usage.outcome()).await;
    let error = usage.failure().expect("there is no such container");
    assert!(error.starts_with("Unknown container"), "{error}");
}

#[tokio::test]
async fn root_docker_launch_executor_bridged() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let stage = Stage::new(&lab, &[], LocalHost::new()).await;
    let id = id();
    let mut config = custom_executor(&image.at(&lab.registry.host()), "sleep 1000");
    bridge(&mut config);
    stage.launch(&id, config).await;
    let name = format!("mesos-{id}");
    let inspected = lab.engine.inspect_container(&name).await.expect("an answer").expect("it");
    let address = &inspected["NetworkSettings"]["Networks"]["bridge"]["IPAddress"];
    assert!(address.as_str().is_some_and(|address| !address.is_empty()), "{inspected}");
    stage.destroy(&id).await;
    is_gone(&lab, &name).await;
}

fn bridge(config: &mut ContainerConfig) {
    let docker = config.container_info.as_mut().and_then(|it| it.docker.as_mut());
    docker.expect("there is one").network = Some(docker_info::Network::Bridge.into());
}

/// With the flag, a request is a hard limit from the launch on.
#[tokio::test]
async fn root_docker_cgroups_cfs_cgroups_enable_cfs() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let stage = Stage::new(&lab, &[], LocalHost::new()).await;
    let id = id();
    stage.launch(&id, custom_executor(&image.at(&lab.registry.host()), "sleep 1000")).await;
    let name = format!("mesos-{id}");
    let inspected = lab.engine.inspect_container(&name).await.expect("an answer").expect("it");
    assert_eq!(inspected["HostConfig"]["CpuQuota"], 100_000);
    let pid = inspected["State"]["Pid"].as_i64().expect("it runs");
    if let Some(quota) = control_group(pid, "cpu", "cpu.cfs_quota_us") {
        assert_eq!(quota, "100000");
        assert_eq!(control_group(pid, "cpu", "cpu.cfs_period_us").as_deref(), Some("100000"));
    }
    stage.destroy(&id).await;
}

#[tokio::test]
async fn root_docker_default_dns() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let dns = r#"{"docker": [{"network_mode": "BRIDGE", "dns": {
        "nameservers": ["8.8.8.8", "8.8.4.4"], "search": ["example1.com", "example2.com"],
        "options": ["timeout:3", "attempts:2"]}}]}"#;
    let dns = Some(mesos::json::parse(dns).expect("a value of the flag"));
    let flags = Flags { default_container_dns: dns, ..Flags::default() };
    let stage = Stage::with(&lab, &[], LocalHost::new(), flags).await;
    let id = id();
    let mut config = custom_executor(&image.at(&lab.registry.host()), "sleep 1000");
    bridge(&mut config);
    stage.launch(&id, config).await;
    let name = format!("mesos-{id}");
    let inspected = lab.engine.inspect_container(&name).await.expect("an answer").expect("it");
    let host = &inspected["HostConfig"];
    assert_eq!(host["Dns"], json!(["8.8.8.8", "8.8.4.4"]));
    assert_eq!(host["DnsSearch"], json!(["example1.com", "example2.com"]));
    assert_eq!(host["DnsOptions"], json!(["timeout:3", "attempts:2"]));
    stage.destroy(&id).await;
}

/// The executor is a shell that looks into the volume and writes into it.
#[tokio::test]
async fn root_docker_launch_with_persistent_volumes() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let script = "cat volume/given > volume/taken; touch ro/x; grep -c $PWD/volume /proc/mounts";
    let shell = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let host = LocalHost::new().with_command(MESOS_DOCKER_EXECUTOR, shell);
    let stage = Stage::new(&lab, &[], host).await;
    let volume = |id: &str, path: &str, mode: Mode| Resource {
        reservations: vec![ReservationInfo {
            r#type: Some(reservation_info::Type::Dynamic.into()),
            role: Some("role1".into()),
            ..ReservationInfo::default()
        }],
        disk: Some(DiskInfo {
            persistence: Some(Persistence { id: id.into(), principal: None }),
            volume: Some(Volume {
                container_path: path.into(),
                mode: mode.into(),
                ..Volume::default()
            }),
            ..DiskInfo::default()
        }),
        ..resources::scalar("disk", 64.0)
    };
    let sources =
        ["id1", "id2"].map(|id| stage.work_dir.path().join("volumes/roles/role1").join(id));
    for source in &sources {
        std::fs::create_dir_all(source).expect("a directory");
    }
    std::fs::write(sources[0].join("given"), "abc\n").expect("written");

    let container = docker_container(&image.at(&lab.registry.host()));
    let config = ContainerConfig {
        task_info: Some(TaskInfo { container: Some(container.clone()), ..TaskInfo::default() }),
        container_info: Some(container),
        resources: vec![volume("id1", "volume", Mode::Rw), volume("id2", "ro", Mode::Ro)],
        ..ContainerConfig::default()
    };
    let id = id();
    let sandbox = stage.launch(&id, config).await;
    let termination = ready(stage.containerizer.wait(&id)).await;
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(read(sources[0].join("taken")), "abc\n", "{}", read(sandbox.join("stderr")));
    assert!(!sources[1].join("x").exists(), "it is read-only");
    assert_eq!(read(sandbox.join("stdout")), "1\n");
    // It may have ended before the wait.
    assert!(termination.is_none_or(|it| it.status == Some(0)));

    until("the volumes to be unmounted", LIMIT, async || {
        !read("/proc/self/mountinfo".into()).contains(&id.value)
    })
    .await;
    assert!(!sandbox.join("volume/given").exists());
    assert_eq!(read(sources[0].join("given")), "abc\n", "the data stays");
}

/// A container by this name that sleeps.
async fn start(lab: &DockerLab, name: &str, image: &str) {
    let body = json!({ "Image": image, "Cmd": ["sleep", "1000"] });
    lab.engine.create_container(name, &body).await.expect("created");
    lab.engine.start_container(name).await.expect("started");
    assert!(is_running(lab, name).await);
}

/// What an agent has checkpointed about an executor with this pid that listens at this address.
fn checkpointed(id: &ContainerId, pid: u32, address: std::net::SocketAddr) -> Arc<SlaveState> {
    let run = RunState {
        id: Some(id.clone()),
        forked_pid: Some(i32::try_from(pid).expect("a pid")),
        libprocess_pid: Some(Upid::new("executor(1)", address.to_string())),
        ..RunState::default()
    };
    let executor = ExecutorState {
        id: "e1".into(),
        info: Some(ExecutorInfo::default()),
        latest: Some(id.clone()),
        runs: [(id.clone(), run)].into(),
        ..ExecutorState::default()
    };
    let executors = [(executor.id.clone(), executor)].into();
    let framework = FrameworkState { id: "f1".into(), executors, ..FrameworkState::default() };
    let frameworks = [(framework.id.clone(), framework)].into();
    Arc::new(SlaveState { id: "s1".into(), frameworks, ..SlaveState::default() })
}

/// A process that sleeps, and does not outlive a test that fails.
struct Sleeping(Child);

impl Sleeping {
    fn start() -> Sleeping {
        let mut command = Command::new("sleep");
        Sleeping(command.arg("1000").stdout(Stdio::null()).spawn().expect("sleep can be run"))
    }
}

impl Drop for Sleeping {
    fn drop(&mut self) {
        // Whoever comes first collects it: it may have been killed and reaped before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Recovers with `container` known, whose executor is a process here, and `orphan` unknown.
async fn recover_one_and_stop_the_other(lab: &DockerLab, name: impl Fn(&ContainerId) -> String) {
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let image = image.at(&lab.registry.host());
    let (known, orphan) = (id(), id());
    let (known_name, orphan_name) = (format!("mesos-{known}"), name(&orphan));
    start(lab, &known_name, &image).await;
    start(lab, &orphan_name, &image).await;
    let executor = Sleeping::start();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let address = listener.local_addr().expect("it is bound");

    let names = [known_name.clone(), orphan_name.clone()];
    let stage = Stage::new(lab, &names, LocalHost::new()).await;
    let state = checkpointed(&known, executor.0.id(), address);
    ready(stage.containerizer.recover(Some(state))).await;
    is_gone(lab, &orphan_name).await;
    assert!(is_running(lab, &known_name).await);
    assert_eq!(ready(stage.containerizer.wait(&orphan)).await, None);

    let wait = stage.containerizer.wait(&known);
    assert_eq!(ready(stage.containerizer.containers()).await, [known.clone()].into());
    drop(executor);
    let termination = ready(wait).await.expect("it was known");
    assert_eq!(termination.message.as_deref(), Some("Container terminated"));
    assert_eq!(ready(stage.containerizer.wait(&known)).await, None);
    is_gone(lab, &known_name).await;
}

#[tokio::test]
async fn root_docker_recover() {
    let Some(lab) = DockerLab::require() else { return };
    recover_one_and_stop_the_other(&lab, |orphan| format!("mesos-{orphan}")).await;
}

/// The orphan is one of an agent of another id, by the name of the versions up to 1.3.
#[tokio::test]
async fn root_docker_kill_orphan_containers() {
    let Some(lab) = DockerLab::require() else { return };
    recover_one_and_stop_the_other(&lab, |orphan| format!("mesos-s0.{orphan}")).await;
}

#[tokio::test]
async fn root_docker_skip_recover_malformed_uuid() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let name = names::unique("mesos-malformedUUID");
    start(&lab, &name, &image.at(&lab.registry.host())).await;
    let stage = Stage::new(&lab, std::slice::from_ref(&name), LocalHost::new()).await;
    ready(stage.containerizer.recover(None)).await;
    assert!(is_running(&lab, &name).await);
    assert!(ready(stage.containerizer.containers()).await.is_empty());
    lab.engine.remove_container(&name).await.expect("removed");
}

/// The containers lie where upstream's kill and inspect find them: pid reuse while away.
#[tokio::test]
async fn an_executor_that_does_not_listen_any_more_ends_its_container() {
    let Some(lab) = DockerLab::require() else { return };
    let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
    let id = id();
    let name = format!("mesos-{id}");
    start(&lab, &name, &image.at(&lab.registry.host())).await;
    // The pid is now this process's, which has nothing to do with it.
    let mut stranger = Sleeping::start();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let address = free.local_addr().expect("it is bound");
    drop(free);
    let stage = Stage::new(&lab, std::slice::from_ref(&name), LocalHost::new()).await;
    ready(stage.containerizer.recover(Some(checkpointed(&id, stranger.0.id(), address)))).await;
    is_gone(&lab, &name).await;
    assert_eq!(stranger.0.try_wait().expect("it can be asked"), None, "it was left alone");
}
