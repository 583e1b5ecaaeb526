//! The surroundings of one containerizer, all of them in the hands of the test.
#![allow(dead_code, missing_docs)] // Each test file uses its own part.

pub mod fakes;

use containerizer::docker::{Dependencies, DockerContainerizer, State};
use containerizer::fetcher::{Fetcher, NoNet};
use containerizer::hooks::Hooks;
use containerizer::logger::{ContainerIo, ContainerLogger};
use containerizer::{Containerizer, Flags, LaunchResult};
use docker::{Docker, Image, Mock};
use fakes::{Calls, FIRST_PID, FakeGpus, FakeHost, FakeLogger, Journal, Life, Observed};
use mesos::container_info::DockerInfo;
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::{CommandInfo, ContainerId, ContainerInfo, ExecutorInfo, TaskInfo};
use mesos::{command_info, container_info};
use process::future::Value;
use process::host::{Host, Io};
use process::simulated::{ContextId, Installed, Simulation};
use process::{EventId, Future, Label, Nothing};
use slog::{Discard, Logger, o};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The sandbox of the container `c`.
pub const SANDBOX: &str = "/agent/slaves/S/frameworks/F/executors/e/runs/c";

pub const STOP_TIMEOUT: Duration = Duration::from_secs(5);
pub const REMOVE_DELAY: Duration = Duration::from_secs(60);

/// Which of the surroundings does something, for the simulator: what they do can be overtaken.
#[derive(Clone, Copy)]
pub struct Contexts {
    pub docker: ContextId,
    pub host: ContextId,
    pub logger: ContextId,
}

pub struct World {
    pub sim: Rc<Simulation>,
    pub contexts: Contexts,
    pub journal: Arc<Journal>,
    pub host: Arc<FakeHost>,
    pub logger: Arc<FakeLogger>,
    pub observed: Arc<Observed>,
    pub docker: Arc<Mock>,
    pub pulls: Arc<Calls<Image>>,
    pub stops: Arc<Calls<Nothing>>,
    pub runs: Arc<Calls<Option<i32>>>,
    pub inspects: Arc<Calls<docker::Container>>,
    pub lists: Arc<Calls<Vec<docker::Container>>>,
    pub gpus: Arc<FakeGpus>,
    pub containerizer: DockerContainerizer,
    _installed: Installed,
}

pub fn flags() -> Flags {
    Flags {
        work_dir: "/agent".into(),
        docker_stop_timeout: STOP_TIMEOUT,
        docker_remove_delay: REMOVE_DELAY,
        ..Flags::default()
    }
}

pub fn log() -> Logger {
    Logger::root(Discard, o!())
}

/// Calls of Docker that the test answers.
#[derive(Default)]
struct Scripted {
    pulls: Arc<Calls<Image>>,
    stops: Arc<Calls<Nothing>>,
    runs: Arc<Calls<Option<i32>>>,
    inspects: Arc<Calls<docker::Container>>,
    lists: Arc<Calls<Vec<docker::Container>>>,
}

fn scripted_docker(journal: &Arc<Journal>) -> (Mock, Scripted) {
    let (docker, scripted) = (Mock::new(), Scripted::default());
    let (calls, lines) = (Arc::clone(&scripted.pulls), Arc::clone(journal));
    docker.on_pull(move |directory, image, force| {
        let forced = if force { " force" } else { "" };
        lines.write(format!("pull {image} {}{forced}", directory.display()));
        calls.receive()
    });
    let (calls, lines) = (Arc::clone(&scripted.stops), Arc::clone(journal));
    docker.on_stop(move |container, timeout, remove| {
        let removed = if remove { " remove" } else { "" };
        lines.write(format!("stop {container} {timeout:?}{removed}"));
        calls.receive()
    });
    let (calls, lines) = (Arc::clone(&scripted.runs), Arc::clone(journal));
    docker.on_run(move |options, _, _| {
        lines.write(format!("run {}", options.name.as_deref().unwrap_or_default()));
        calls.receive()
    });
    let (calls, lines) = (Arc::clone(&scripted.inspects), Arc::clone(journal));
    docker.on_inspect(move |container, interval| {
        let again = interval.map(|interval| format!(" every {interval:?}")).unwrap_or_default();
        lines.write(format!("inspect {container}{again}"));
        calls.receive()
    });
    let (calls, lines) = (Arc::clone(&scripted.lists), Arc::clone(journal));
    docker.on_ps(move |all, prefix| {
        assert!(all);
        lines.write(format!("ps {}", prefix.unwrap_or_default()));
        calls.receive()
    });
    let lines = Arc::clone(journal);
    docker.on_rm(move |container, force| {
        assert!(force);
        lines.write(format!("rm {container}"));
        Future::ready(Nothing)
    });
    (docker, scripted)
}

impl World {
    pub fn new() -> World {
        World::with(flags())
    }

    pub fn with(flags: Flags) -> World {
        World::with_hooks(flags, None)
    }

    pub fn with_hooks(flags: Flags, hooks: Option<Arc<dyn Hooks>>) -> World {
        let sim = Simulation::new(false);
        let installed = sim.install();
        let contexts = Contexts {
            docker: sim.add_context("docker"),
            host: sim.add_context("host"),
            logger: sim.add_context("logger"),
        };
        let journal = Arc::<Journal>::default();
        let host = Arc::new(FakeHost::new(&journal));
        let logger = Arc::new(FakeLogger::new(&journal));
        let observed = Arc::new(Observed::new(&journal));
        let (docker, scripted) = scripted_docker(&journal);
        let Scripted { pulls, stops, runs, inspects, lists } = scripted;
        let gpus = Arc::new(FakeGpus::new(&journal));
        let docker = Arc::new(docker);
        let fetcher =
            Fetcher::spawn(&flags, Arc::clone(&host) as Arc<dyn Host>, Arc::new(NoNet), log())
                .expect("there is no cache yet");
        let containerizer = DockerContainerizer::spawn(Dependencies {
            flags,
            fetcher,
            logger: Arc::clone(&logger) as Arc<dyn ContainerLogger>,
            docker: Arc::clone(&docker) as Arc<dyn Docker>,
            host: Arc::clone(&host) as Arc<dyn Host>,
            gpus: Some(Arc::clone(&gpus) as Arc<_>),
            hooks,
            observer: Arc::clone(&observed) as Arc<_>,
            log: log(),
        });
        World {
            sim,
            contexts,
            journal,
            host,
            logger,
            observed,
            docker,
            pulls,
            stops,
            runs,
            inspects,
            lists,
            gpus,
            containerizer,
            _installed: installed,
        }
    }

    /// One whose container `c` is in this state, and the future of its launch. In MOUNTING,
    /// the next step of the launch is already on its way; in RUNNING, the logger is being asked.
    pub fn in_state(state: State) -> (World, Future<LaunchResult>) {
        let world = World::new();
        let config = if state == State::Fetching { with_uri(config()) } else { config() };
        let launch = world.launch(config);
        match state {
            State::Fetching | State::Pulling => {}
            State::Mounting => {
                world.in_docker(|| world.pulls.last().set(Image::default()));
                while world.life().states.last() != Some(&State::Mounting) {
                    assert!(world.sim.flush(0), "it never comes to mounting");
                }
            }
            State::Running => world.pulled(),
            State::Destroying => unreachable!("the tests destroy"),
        }
        assert_eq!(world.life().states.last(), Some(&state));
        (world, launch)
    }

    /// One whose executor runs as [`FIRST_PID`]; the launch is over.
    pub fn running() -> World {
        let (world, launch) = World::in_state(State::Running);
        world.prepared();
        assert_eq!(launch.get(), Some(&LaunchResult::Success));
        world
    }

    pub fn settle(&self) {
        for _ in 0..10_000 {
            if !self.sim.flush(0) {
                let crash = self.sim.crash();
                assert!(crash.is_none(), "{crash:?}");
                return;
            }
        }
        panic!("no end in sight");
    }

    /// Handles only what the test itself has sent.
    pub fn deliver_calls(&self) {
        let from_main = |index| {
            self.sim
                .peek(index)
                .is_some_and(|(from, _, _): (ContextId, _, _)| from == ContextId::MAIN)
        };
        while let Some(index) = (0..self.sim.flushable()).find(|&index| from_main(index)) {
            self.sim.flush(index);
        }
    }

    pub fn passes(&self, duration: Duration) {
        let until = self.sim.now() + duration;
        self.settle();
        while self.sim.next_timer().is_some_and(|next| next <= until) {
            self.sim.fire_timer();
            self.settle();
        }
        self.sim.advance_to(until);
    }

    /// Something that happens at the daemon.
    pub fn in_docker<R>(&self, f: impl FnOnce() -> R) {
        self.in_context(self.contexts.docker, f);
    }

    pub fn in_context<R>(&self, context: ContextId, f: impl FnOnce() -> R) {
        let label = Label::plain("surroundings", "event");
        self.sim.run_in(context, label, EventId(0), || drop(f()));
    }

    /// Launches `c` and lets things take their course.
    pub fn launch(&self, config: ContainerConfig) -> Future<LaunchResult> {
        self.launch_with(config, BTreeMap::new(), None)
    }

    pub fn launch_with(
        &self,
        config: ContainerConfig,
        environment: BTreeMap<String, String>,
        pid_checkpoint_path: Option<&str>,
    ) -> Future<LaunchResult> {
        let path = pid_checkpoint_path.map(PathBuf::from);
        let launch = self.containerizer.launch(&id(), Arc::new(config), environment, path);
        self.settle();
        launch
    }

    pub fn destroy(&self) -> Future<Option<ContainerTermination>> {
        let destroy = self.containerizer.destroy(&id());
        self.settle();
        destroy
    }

    pub fn wait(&self) -> Future<Option<ContainerTermination>> {
        let wait = self.containerizer.wait(&id());
        self.settle();
        wait
    }

    pub fn pulled(&self) {
        self.in_docker(|| self.pulls.last().set(Image::default()));
        self.settle();
    }

    pub fn stopped(&self) {
        self.in_docker(|| self.stops.last().set(Nothing));
        self.settle();
    }

    pub fn prepared(&self) {
        self.logger.prepares.last().set(io());
        self.settle();
    }

    pub fn exits(&self, pid: i32, status: i32) {
        self.host.exit(pid, Some(status));
        self.settle();
    }

    /// The executor exits.
    pub fn executor_exits(&self, status: i32) {
        self.exits(FIRST_PID, status);
    }

    pub fn count(&self) -> usize {
        let containers = self.containerizer.containers();
        self.settle();
        ready(&containers).len()
    }

    /// What is known of `c`.
    pub fn life(&self) -> Life {
        self.observed.lives().remove(&id()).expect("it was launched")
    }

    /// Asserts that `c` ended once, with this, that it is forgotten, and that whoever asked was
    /// told the same.
    #[track_caller]
    pub fn ended(
        &self,
        asked: &Future<Option<ContainerTermination>>,
        status: Option<i32>,
        message: Option<&str>,
    ) {
        let expected = ContainerTermination {
            status,
            message: message.map(str::to_owned),
            ..ContainerTermination::default()
        };
        assert_eq!(asked.get(), Some(&Some(expected.clone())), "{asked}");
        let life = self.life();
        assert_eq!(life.terminations, [Ok(expected)]);
        assert_eq!(life.erased, 1);
        assert_eq!(self.count(), 0);
    }

    /// Asserts that `c` has not ended, and that whoever asked still waits.
    #[track_caller]
    pub fn waits(&self, asked: &Future<Option<ContainerTermination>>) {
        assert!(asked.is_pending(), "{asked:?}");
        assert!(self.life().terminations.is_empty());
        assert_eq!(self.count(), 1);
    }
}

/// The value of a future.
#[track_caller]
pub fn ready<T: Value>(future: &Future<T>) -> T {
    future.get().unwrap_or_else(|| panic!("expected a ready future, got {future}")).clone()
}

/// The message of a failed future.
#[track_caller]
pub fn failure<T: Value>(future: &Future<T>) -> String {
    future.failure().unwrap_or_else(|| panic!("expected a failed future, got {future}")).to_owned()
}

pub fn id() -> ContainerId {
    ContainerId::new("c")
}

pub fn io() -> ContainerIo {
    ContainerIo {
        out: Io::Path(format!("{SANDBOX}/stdout").into()),
        err: Io::Path(format!("{SANDBOX}/stderr").into()),
    }
}

/// A command task in a container of the image `bb:1`.
pub fn config() -> ContainerConfig {
    let container = ContainerInfo {
        r#type: container_info::Type::Docker.into(),
        docker: Some(DockerInfo { image: "bb:1".into(), ..DockerInfo::default() }),
        ..ContainerInfo::default()
    };
    let task = TaskInfo {
        name: "t".into(),
        task_id: "t".into(),
        slave_id: "S".into(),
        container: Some(container.clone()),
        ..TaskInfo::default()
    };
    ContainerConfig {
        executor_info: Some(ExecutorInfo { executor_id: "e".into(), ..ExecutorInfo::default() }),
        task_info: Some(task),
        container_info: Some(container),
        directory: SANDBOX.into(),
        user: Some("root".into()),
        ..ContainerConfig::default()
    }
}

pub fn uri(value: &str) -> command_info::Uri {
    command_info::Uri { value: value.into(), ..command_info::Uri::default() }
}

/// The same with something to fetch.
pub fn with_uri(config: ContainerConfig) -> ContainerConfig {
    let uris = vec![uri("file:///a/b.sh")];
    ContainerConfig { command_info: CommandInfo { uris, ..config.command_info }, ..config }
}

/// A custom executor in a container of the image `ex:1`, with a task's share of resources.
pub fn custom_executor() -> ContainerConfig {
    let container = ContainerInfo {
        docker: Some(DockerInfo { image: "ex:1".into(), ..DockerInfo::default() }),
        ..ContainerInfo::default()
    };
    let resources = mesos::Resources::parse("cpus:1;mem:128").expect("resources");
    let resources: Vec<mesos::Resource> = resources.iter().cloned().collect();
    ContainerConfig {
        executor_info: Some(ExecutorInfo {
            executor_id: "e".into(),
            container: Some(container.clone()),
            resources: resources.clone(),
            ..ExecutorInfo::default()
        }),
        container_info: Some(container),
        command_info: CommandInfo { value: Some("run".into()), ..CommandInfo::default() },
        resources,
        task_info: None,
        ..config()
    }
}

/// A container as an inspect shows it while it runs.
pub fn inspected(pid: i32) -> docker::Container {
    docker::Container { pid: Some(pid), started: true, ..docker::Container::default() }
}

impl World {
    /// The container's control groups, in version 1: all of it in `/docker/x`.
    pub fn has_cgroups(&self, pid: i32) {
        let mounts = "proc /proc proc rw 0 0\ncgroup /cg/memory cgroup rw,memory 0 0\n\
                      cgroup /cg/cpu cgroup rw,cpu,cpuacct 0 0\n\
                      cgroup2 /cg/unified cgroup2 rw 0 0\n";
        let groups = "9:name=systemd:/\n4:memory:/docker/x\n1:cpu,cpuacct:/docker/x\n0::/\n";
        let mut files = self.host.files.lock();
        files.insert("/proc/mounts".into(), mounts.into());
        files.insert(format!("/proc/{pid}/cgroup").into(), groups.into());
        for (file, content) in [
            ("cpu/docker/x/cpu.shares", "1024\n"),
            ("cpu/docker/x/cpu.cfs_period_us", "50000\n"),
            ("cpu/docker/x/cpu.cfs_quota_us", "-1\n"),
            ("cpu/docker/x/cpuacct.stat", "user 150\nsystem 25\n"),
            ("cpu/docker/x/cpu.stat", "nr_periods 3\nnr_throttled 2\nthrottled_time 1500000000\n"),
            ("memory/docker/x/memory.soft_limit_in_bytes", "9223372036854771712\n"),
            ("memory/docker/x/memory.limit_in_bytes", "67108864\n"),
            ("memory/docker/x/memory.stat", "cache 1\nrss 4096\n"),
        ] {
            files.insert(format!("/cg/{file}").into(), content.into());
        }
    }

    /// The same in version 2.
    pub fn has_unified_cgroups(&self, pid: i32) {
        let mut files = self.host.files.lock();
        files.insert("/proc/mounts".into(), "cgroup2 /cg cgroup2 rw 0 0\n".into());
        files.insert(format!("/proc/{pid}/cgroup").into(), "0::/docker/x\n".into());
        let stat = "usage_usec 9\nuser_usec 1500000\nsystem_usec 250000\nnr_periods 3\n\
                    nr_throttled 2\nthrottled_usec 1500000\n";
        for (file, content) in [
            ("cpu.weight", "39\n"),
            ("cpu.max", "max 100000\n"),
            ("cpu.stat", stat),
            ("memory.low", "0\n"),
            ("memory.max", "67108864\n"),
            ("memory.stat", "anon 4096\nfile 1\n"),
        ] {
            files.insert(format!("/cg/docker/x/{file}").into(), content.into());
        }
    }

    /// The latest inspect finds this.
    pub fn inspected(&self, container: docker::Container) {
        self.in_docker(|| self.inspects.last().set(container));
        self.settle();
    }

    /// One whose custom executor runs in a container with this pid; the launch is over.
    pub fn running_executor(pid: i32) -> World {
        let world = World::new();
        world.has_cgroups(pid);
        let launch = world.launch(custom_executor());
        world.pulled();
        world.prepared();
        world.inspected(inspected(pid));
        world.inspected(inspected(pid));
        assert_eq!(launch.get(), Some(&LaunchResult::Success), "{launch}");
        world
    }
}
