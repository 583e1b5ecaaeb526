//! Tasks on an agent with its docker executor over the simulated daemon, with many latencies: twins
//! of upstream's `docker_containerizer_tests.cpp` that are about what frameworks see.

use super::schedules::with_many_latencies;
use super::{MEGABYTE, Rig, millis};
use crate::environment::daemon::{ImageSpec, Reaction, Script};
use agent::messages::{KillTask, RunTask, StatusUpdateAcknowledgement};
use agent::{Agent, MasterLink, Parts, Slave};
use containerizer::docker::{Dependencies, DockerContainerizer, MESOS_DOCKER_EXECUTOR, Unobserved};
use containerizer::fetcher::{Fetcher, NoNet};
use containerizer::hooks::{DockerPrepareInfo, Hook, HookManager, Hooks, PreLaunch};
use containerizer::logger::SandboxContainerLogger;
use containerizer::state::SlaveState;
use containerizer::{Containerizer, LaunchResult};
use docker::{Docker, Engine};
use executor::{AgentLink, DockerExecutorProgram, Uuids};
use mesos::container_info::{DockerInfo, Type};
use mesos::framework_info::{Capability, capability};
use mesos::internal::{
    ExitedExecutorMessage, KillTaskMessage, RunTaskMessage, StatusUpdateAcknowledgementMessage,
    StatusUpdateMessage,
};
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::task_status::Reason;
use mesos::{
    CommandInfo, ContainerId, ContainerInfo, DurationInfo, FrameworkInfo, Image, KillPolicy,
    Resource, ResourceStatistics, SlaveInfo, TaskInfo, TaskState, TaskStatus, resources,
};
use parking_lot::Mutex;
use process::host::Host;
use process::{Future, Nothing, find};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

const SLAVE: &str = "slave(1)";

/// An update's id, and what it says.
type Update = (Vec<u8>, TaskStatus);

/// What the framework was told; acknowledges it.
#[derive(Clone, Default)]
struct Framework(Arc<Mutex<Vec<Update>>>);

impl MasterLink for Framework {
    fn status_update(&self, message: StatusUpdateMessage) {
        let update = message.update;
        let uuid = update.uuid.unwrap_or_default();
        let mut seen = self.0.lock();
        if seen.iter().all(|(known, _)| *known != uuid) {
            seen.push((uuid.clone(), update.status.clone()));
        }
        drop(seen);
        let Some(slave) = find::<Slave>(SLAVE) else { return };
        slave.tell(StatusUpdateAcknowledgement(StatusUpdateAcknowledgementMessage {
            slave_id: "agent-1".into(),
            framework_id: update.framework_id,
            task_id: update.status.task_id,
            uuid,
        }));
    }

    fn exited_executor(&self, _: ExitedExecutorMessage) {}
}

/// A containerizer that passes everything on, but for updates, which may fail.
struct Failing(DockerContainerizer, Option<&'static str>);

impl Containerizer for Failing {
    fn recover(&self, state: Option<Arc<SlaveState>>) -> Future<Nothing> {
        self.0.recover(state)
    }

    fn launch(
        &self,
        container: &ContainerId,
        config: Arc<ContainerConfig>,
        environment: BTreeMap<String, String>,
        pid_checkpoint_path: Option<PathBuf>,
    ) -> Future<LaunchResult> {
        self.0.launch(container, config, environment, pid_checkpoint_path)
    }

    fn update(
        &self,
        container: &ContainerId,
        requests: Vec<Resource>,
        limits: BTreeMap<String, f64>,
    ) -> Future<Nothing> {
        match self.1 {
            Some(failure) => Future::failed(failure),
            None => self.0.update(container, requests, limits),
        }
    }

    fn usage(&self, container: &ContainerId) -> Future<ResourceStatistics> {
        self.0.usage(container)
    }

    fn wait(&self, container: &ContainerId) -> Future<Option<ContainerTermination>> {
        self.0.wait(container)
    }

    fn destroy(&self, container: &ContainerId) -> Future<Option<ContainerTermination>> {
        self.0.destroy(container)
    }

    fn containers(&self) -> Future<BTreeSet<ContainerId>> {
        self.0.containers()
    }

    fn prune_images(&self, excluded: Vec<Image>) -> Future<Nothing> {
        self.0.prune_images(excluded)
    }
}

/// An agent on the rig.
struct Stage<'a> {
    rig: &'a Rig,
    agent: Agent,
    framework: Framework,
}

fn uuids() -> Uuids {
    let next = AtomicU8::new(1);
    Arc::new(move || {
        let mut uuid = [0x40; 16];
        uuid[8] = 0x80;
        uuid[15] = next.fetch_add(1, Ordering::Relaxed);
        uuid
    })
}

impl<'a> Stage<'a> {
    fn new(rig: &'a Rig) -> Self {
        Stage::with(rig, Duration::from_secs(60), None)
    }

    fn with(rig: &'a Rig, registration: Duration, update_fails: Option<&'static str>) -> Self {
        Stage::with_hooks(rig, registration, update_fails, None)
    }

    fn with_hooks(
        rig: &'a Rig,
        registration: Duration,
        update_fails: Option<&'static str>,
        hooks: Option<Arc<dyn Hooks>>,
    ) -> Self {
        let log = slog::Logger::root(slog::Discard, slog::o!());
        let flags = agent::Flags {
            work_dir: "/var/lib/mesos/agent".into(),
            executor_registration_timeout: registration,
            docker_stop_timeout: Duration::from_secs(5),
            ..agent::Flags::default()
        };
        let (daemon, uuids) = (rig.daemon.clone(), uuids());
        let executor = DockerExecutorProgram {
            docker: Arc::new(move |flags: &executor::Flags| {
                let client = daemon.client(flags.container.as_str());
                Ok(Arc::new(Engine::new(client, flags.docker_socket.as_str())) as Arc<dyn Docker>)
            }),
            agent: Arc::new(|upid| {
                find::<Slave>(upid.id()).map(|slave| -> Arc<dyn AgentLink> { agent::link(&slave) })
            }),
            host: Arc::new(rig.host.clone()),
            total_memory: None,
            uuids: Arc::clone(&uuids),
            logger: Arc::new(|_| slog::Logger::root(slog::Discard, slog::o!())),
        };
        rig.host.register(MESOS_DOCKER_EXECUTOR, Arc::new(executor));
        let host: Arc<dyn Host> = Arc::new(rig.host.clone());
        let of_containerizer = containerizer::Flags::from(&flags);
        let socket = of_containerizer.docker_socket.as_str();
        let containerizer = DockerContainerizer::spawn(Dependencies {
            fetcher: Fetcher::spawn(
                &of_containerizer,
                Arc::clone(&host),
                Arc::new(NoNet),
                log.clone(),
            )
            .expect("there is no cache yet"),
            logger: Arc::new(SandboxContainerLogger::spawn()),
            docker: Arc::new(Engine::new(Arc::clone(&rig.api), socket)),
            host: Arc::clone(&host),
            gpus: None,
            hooks: hooks.clone(),
            observer: Arc::new(Unobserved),
            log: log.clone(),
            flags: of_containerizer,
        });
        let framework = Framework::default();
        let parts = Parts {
            containerizer: Arc::new(Failing(containerizer, update_fails)),
            master: Arc::new(framework.clone()),
            host,
            uuids,
            hooks,
            log,
            flags,
            info: SlaveInfo { id: Some("agent-1".into()), ..SlaveInfo::default() },
        };
        Stage { rig, agent: Agent::start(SLAVE, parts), framework }
    }

    /// Launches a task in a container of this image.
    fn run(&self, image: &str, given: TaskInfo) {
        let capabilities = [capability::Type::TaskKillingState, capability::Type::PartitionAware]
            .map(|it| Capability { r#type: Some(it.into()) });
        let framework = FrameworkInfo {
            user: "root".to_owned(),
            name: "test".to_owned(),
            id: Some("f".into()),
            capabilities: capabilities.to_vec(),
            ..FrameworkInfo::default()
        };
        let task = TaskInfo {
            name: "t".to_owned(),
            task_id: "t".into(),
            slave_id: "agent-1".into(),
            resources: vec![resources::scalar("cpus", 0.5), resources::scalar("mem", 64.0)],
            command: Some(CommandInfo { value: Some("work".into()), ..CommandInfo::default() }),
            container: Some(ContainerInfo {
                r#type: Type::Docker.into(),
                docker: Some(DockerInfo { image: image.to_owned(), ..DockerInfo::default() }),
                ..ContainerInfo::default()
            }),
            ..given
        };
        self.agent.slave.tell(RunTask(RunTaskMessage {
            framework,
            task,
            pid: Some(String::new()),
            ..RunTaskMessage::default()
        }));
    }

    fn kill(&self, kill_policy: Option<KillPolicy>) {
        self.agent.slave.tell(KillTask(KillTaskMessage {
            framework_id: "f".into(),
            task_id: "t".into(),
            kill_policy,
        }));
    }

    fn states(&self) -> Vec<TaskState> {
        self.framework.0.lock().iter().map(|(_, status)| status.state()).collect()
    }

    fn last(&self) -> TaskStatus {
        self.framework.0.lock().last().expect("an update").1.clone()
    }

    /// Lets time pass until the framework has heard this.
    fn until(&self, state: TaskState) -> TaskStatus {
        for _ in 0..6000 {
            if self.states().last() == Some(&state) {
                return self.last();
            }
            self.rig.pass(millis(10));
        }
        panic!("not {state:?}: {:?}", self.states());
    }

    /// Nothing is left of the task, and nothing more is said about it.
    fn is_over(&self) {
        let states = self.states();
        self.rig.settle();
        assert_eq!(self.states(), states);
        assert!(self.rig.daemon.containers().is_empty());
        self.rig.host.for_each_running(|process| panic!("{} runs", process.program));
    }
}

fn grace(seconds: i64) -> Option<KillPolicy> {
    let grace_period = Some(DurationInfo { nanoseconds: seconds * 1_000_000_000 });
    Some(KillPolicy { grace_period })
}

fn load(rig: &Rig, name: &str, script: Script) {
    rig.daemon.load(name, Arc::new(ImageSpec::new(name, &[MEGABYTE]).with_script(script)));
}

use TaskState::{TaskFailed, TaskFinished, TaskGone, TaskKilled, TaskKilling};
use TaskState::{TaskRunning, TaskStarting};

#[test]
fn root_docker_launch() {
    with_many_latencies(|rig| {
        load(rig, "short", Script::exits(Duration::from_secs(30), 0));
        let stage = Stage::new(rig);
        stage.run("short", TaskInfo::default());
        let running = stage.until(TaskRunning);
        // The inspection's text, which this daemon does not write.
        assert_eq!(running.data.as_deref(), Some(&[][..]));
        assert!(running.container_status.is_some());
        stage.until(TaskFinished);
        assert_eq!(stage.states(), [TaskStarting, TaskRunning, TaskFinished]);
        stage.is_over();
    });
}

#[test]
fn root_docker_kill() {
    with_many_latencies(|rig| {
        let stage = Stage::new(rig);
        stage.run("busybox", TaskInfo::default());
        stage.until(TaskRunning);
        stage.kill(None);
        stage.until(TaskKilled);
        stage.is_over();
    });
}

#[test]
fn root_docker_task_killing_capability() {
    with_many_latencies(|rig| {
        let stage = Stage::new(rig);
        stage.run("busybox", TaskInfo::default());
        stage.until(TaskRunning);
        stage.kill(None);
        stage.until(TaskKilled);
        assert_eq!(stage.states(), [TaskStarting, TaskRunning, TaskKilling, TaskKilled]);
    });
}

#[test]
fn root_docker_max_completion_time() {
    with_many_latencies(|rig| {
        let stage = Stage::new(rig);
        let max_completion_time = Some(DurationInfo { nanoseconds: 2_000_000_000 });
        stage.run("busybox", TaskInfo { max_completion_time, ..TaskInfo::default() });
        let failed = stage.until(TaskFailed);
        assert_eq!(failed.reason(), Reason::MaxCompletionTimeReached);
        stage.is_over();
    });
}

#[test]
fn root_docker_no_transition_from_killing_to_finished() {
    with_many_latencies(|rig| {
        let script = Script { on_term: Reaction::Exit(0, millis(100)), ..Script::default() };
        load(rig, "polite", script);
        let stage = Stage::new(rig);
        stage.run("polite", TaskInfo { kill_policy: grace(60), ..TaskInfo::default() });
        stage.until(TaskRunning);
        stage.kill(None);
        stage.until(TaskKilled);
        stage.is_over();
    });
}

/// The task is deaf, and has ten minutes; the kill gives it a second.
#[test]
fn root_docker_override_kill_policy() {
    with_many_latencies(|rig| {
        load(rig, "deaf", Script::deaf());
        let stage = Stage::new(rig);
        stage.run("deaf", TaskInfo { kill_policy: grace(600), ..TaskInfo::default() });
        stage.until(TaskRunning);
        stage.kill(grace(1));
        // Less than a minute: `until` waits no longer.
        stage.until(TaskKilled);
        stage.is_over();
    });
}

/// The limits cannot be set, so the task is never sent, and its executor ends.
#[test]
fn root_docker_executor_cleanup_when_launch_failed() {
    with_many_latencies(|rig| {
        let stage = Stage::with(rig, Duration::from_secs(60), Some("resize failed"));
        stage.run("busybox", TaskInfo::default());
        let gone = stage.until(TaskGone);
        assert_eq!(gone.reason(), Reason::ContainerUpdateFailed);
        assert_eq!(stage.states(), [TaskGone]);
        stage.is_over();
    });
}

/// The inspect before the pull hangs until the executor's time to register is over.
#[test]
fn root_docker_inspect_hung_during_pull() {
    with_many_latencies(|rig| {
        rig.daemon.set_rules(vec!["inspect-image:hang".parse().expect("a rule")]);
        let stage = Stage::with(rig, millis(100), None);
        stage.run("registry/app:1", TaskInfo::default());
        let failed = stage.until(TaskFailed);
        assert_eq!(failed.reason(), Reason::ContainerLaunchFailed);
        assert_eq!(stage.states(), [TaskFailed]);
        assert!(rig.daemon.requests().iter().all(|request| !request.connected));
        rig.daemon.set_rules(Vec::new());
        stage.is_over();
    });
}

#[test]
fn root_docker_docker_pull_failure() {
    with_many_latencies(|rig| {
        let stage = Stage::new(rig);
        stage.run("registry/missing:1", TaskInfo::default());
        let failed = stage.until(TaskFailed);
        assert_eq!(failed.reason(), Reason::ContainerLaunchFailed);
        assert!(failed.message().contains("missing"), "{}", failed.message());
        assert_eq!(stage.states(), [TaskFailed]);
        stage.is_over();
    });
}

/// Refuses tasks with the label `error`, gives others an environment, when the clock says so.
struct Validator;

impl Hook for Validator {
    fn slave_pre_launch_docker_task_executor_decorator(
        &self,
        container: &PreLaunch,
    ) -> Future<Option<DockerPrepareInfo>> {
        let task = container.config.task_info.as_ref();
        let labels = task.and_then(|task| task.labels.clone()).unwrap_or_default();
        let refused = labels.labels.iter().any(|label| label.key == "error");
        process::after(Duration::from_secs(1)).then(move |_| {
            if refused {
                return Future::failed("Spotted error label");
            }
            Future::ready(Some(DockerPrepareInfo::default()))
        })
    }
}

fn validated(rig: &Rig) -> Stage<'_> {
    load(rig, "work", Script::default());
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let hooks = HookManager::new(log).with("validator", || Ok(Arc::new(Validator)));
    hooks.initialize("validator").expect("it is known");
    Stage::with_hooks(rig, Duration::from_secs(60), None, Some(Arc::new(hooks)))
}

fn with_error_label() -> TaskInfo {
    let label = mesos::Label { key: "error".to_owned(), value: None };
    TaskInfo { labels: Some(mesos::Labels { labels: vec![label] }), ..TaskInfo::default() }
}

#[test]
fn root_docker_verify_slave_pre_launch_docker_validator() {
    with_many_latencies(|rig| {
        let stage = validated(rig);
        stage.run("work", with_error_label());
        let status = stage.until(TaskFailed);
        assert_eq!(status.reason(), Reason::ContainerLaunchFailed);
        assert!(status.message().contains("Spotted error label"), "{}", status.message());
        assert_eq!(stage.states(), [TaskFailed]);
        stage.is_over();
    });
}

#[test]
fn a_kill_while_a_hook_is_asked_ends_the_task_whatever_the_hook_says() {
    for given in [TaskInfo::default, with_error_label] {
        with_many_latencies(|rig| {
            let stage = validated(rig);
            stage.run("work", given());
            rig.pass(millis(500));
            stage.kill(None);
            stage.until(TaskKilled);
            stage.is_over();
        });
    }
}
