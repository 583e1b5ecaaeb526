//! What suites about an agent and its containerizer in this process share: both, over a real Engine.

#![allow(dead_code, reason = "each suite uses a part")]

use crate::live::{LIMIT, drydock, until, within};
use agent::messages::{RunTask, StatusUpdateAcknowledgement};
use agent::{Agent, MasterLink, Parts, Slave};
use containerizer::Containerizer;
use containerizer::docker::{
    Dependencies, DockerContainerizer, MESOS_DOCKER_EXECUTOR, Observer, State,
};
use containerizer::fetcher::{Fetcher, MESOS_FETCHER, NoNet};
use containerizer::hooks::Hooks;
use containerizer::logger::SandboxContainerLogger;
use docker::{Bollard, Docker, Engine, Version};
use drydock_tests::{DockerLab, names};
use executor::{AgentLink, DockerExecutorProgram, Uuids};
use mesos::command_info::Uri;
use mesos::container_info::{DockerInfo, Type};
use mesos::internal::{
    ExitedExecutorMessage, RunTaskMessage, StatusUpdateAcknowledgementMessage, StatusUpdateMessage,
};
use mesos::network_info::Protocol;
use mesos::task_status::Reason;
use mesos::{
    CommandInfo, ContainerId, ContainerInfo, FrameworkInfo, SlaveInfo, TaskInfo, TaskState,
};
use process::host::Host;
use process::live::LocalHost;
use process::{Outcome, Pid, find};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;

/// What the containerizer and the agent have said.
#[derive(Clone, Default)]
pub struct Seen {
    pub container: Option<ContainerId>,
    pub state: Option<State>,
    pub erased: bool,
    pub updates: Vec<(TaskState, String)>,
    pub reason: Option<Reason>,
    /// Of the container, each with whether it is one of IPv6; as the last update says that has any.
    pub addresses: Vec<(String, bool)>,
}

struct Witness(watch::Sender<Seen>);

impl Observer for Witness {
    fn state(&self, container: &ContainerId, _: Option<State>, to: State) {
        self.0.send_modify(|seen| {
            seen.container = Some(container.clone());
            seen.state = Some(to);
        });
    }

    fn erased(&self, _: &ContainerId) {
        self.0.send_modify(|seen| seen.erased = true);
    }
}

/// Acknowledges every update.
struct Master {
    slave: String,
    seen: watch::Sender<Seen>,
}

impl MasterLink for Master {
    fn status_update(&self, message: StatusUpdateMessage) {
        let update = message.update;
        let message = update.status.message.clone().unwrap_or_default();
        let networks = update.status.container_status.iter().flat_map(|it| &it.network_infos);
        let addresses = networks.flat_map(|network| &network.ip_addresses).map(|address| {
            let is_v6 = address.protocol() == Protocol::IPv6;
            (address.ip_address.clone().unwrap_or_default(), is_v6)
        });
        let addresses: Vec<_> = addresses.collect();
        self.seen.send_modify(|seen| {
            if !addresses.is_empty() {
                seen.addresses = addresses;
            }
            seen.updates.push((update.status.state(), message));
            seen.reason = update.status.reason.map(|_| update.status.reason());
        });
        let Some(slave) = find::<Slave>(&self.slave) else { return };
        slave.tell(StatusUpdateAcknowledgement(StatusUpdateAcknowledgementMessage {
            slave_id: "agent".into(),
            framework_id: update.framework_id,
            task_id: update.status.task_id,
            uuid: update.uuid.unwrap_or_default(),
        }));
    }

    fn exited_executor(&self, _: ExitedExecutorMessage) {}
}

/// An agent with a containerizer, over the real Engine.
pub struct Stage {
    pub agent: Agent,
    pub containerizer: DockerContainerizer,
    pub seen: watch::Receiver<Seen>,
    pub work_dir: TempDir,
}

/// Random enough for one machine: they become names of containers.
fn uuids() -> Uuids {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let start = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let start = start.expect("the clock is past 1970").as_nanos() as u64;
    Arc::new(move || {
        let mut uuid = [0x40; 16];
        uuid[..8].copy_from_slice(&start.to_be_bytes());
        let low = u64::from(std::process::id()) << 32 | NEXT.fetch_add(1, Ordering::Relaxed);
        uuid[8..].copy_from_slice(&low.to_be_bytes());
        uuid
    })
}

fn host(engine: &Engine, log: &slog::Logger) -> LocalHost {
    let (engine, log) = (engine.clone(), log.clone());
    let executor = DockerExecutorProgram {
        docker: Arc::new(move |_| Ok(Arc::new(engine.clone()) as Arc<dyn Docker>)),
        agent: Arc::new(|upid| {
            find::<Slave>(upid.id()).map(|slave| -> Arc<dyn AgentLink> { agent::link(&slave) })
        }),
        host: Arc::new(LocalHost::new()),
        total_memory: None,
        uuids: uuids(),
        logger: Arc::new(move |_| log.clone()),
    };
    let fetcher = vec![drydock().display().to_string(), MESOS_FETCHER.to_owned()];
    LocalHost::new()
        .with_program(MESOS_DOCKER_EXECUTOR, Arc::new(executor))
        .with_command(MESOS_FETCHER, fetcher)
}

impl Stage {
    pub async fn new(lab: &DockerLab) -> Stage {
        Stage::with_hooks(lab, None).await
    }

    pub async fn with_hooks(lab: &DockerLab, hooks: Option<Arc<dyn Hooks>>) -> Stage {
        let log = slog::Logger::root(slog::Discard, slog::o!());
        let socket = lab.engine.host();
        let api = Bollard::connect(Some(&socket)).expect("the Engine that the lab has found");
        let engine = Engine::create(Arc::new(api), socket.as_str(), Version::MINIMUM);
        let Outcome::Ready(engine) = engine.outcome().await else { panic!("no engine") };

        let work_dir = tempfile::tempdir().expect("a directory");
        let flags = agent::Flags {
            work_dir: work_dir.path().to_owned(),
            fetcher_cache_dir: work_dir.path().join("fetch"),
            switch_user: false,
            docker_socket: socket,
            docker_remove_delay: Duration::ZERO,
            ..agent::Flags::default()
        };
        let (sender, seen) = watch::channel(Seen::default());
        let host: Arc<dyn Host> = Arc::new(host(&engine, &log));
        let of_containerizer = containerizer::Flags::from(&flags);
        let containerizer = DockerContainerizer::spawn(Dependencies {
            fetcher: Fetcher::spawn(
                &of_containerizer,
                Arc::clone(&host),
                Arc::new(NoNet),
                log.clone(),
            )
            .expect("the cache can be deleted"),
            logger: Arc::new(SandboxContainerLogger::spawn()),
            docker: Arc::new(engine),
            host: Arc::clone(&host),
            gpus: None,
            hooks: hooks.clone(),
            observer: Arc::new(Witness(sender.clone())),
            log: log.clone(),
            flags: of_containerizer,
        });
        let slave = names::unique("slave");
        let parts = Parts {
            containerizer: Arc::new(containerizer.clone()),
            master: Arc::new(Master { slave: slave.clone(), seen: sender }),
            host,
            uuids: uuids(),
            hooks,
            log,
            flags,
            info: SlaveInfo { id: Some("agent".into()), ..SlaveInfo::default() },
        };
        let agent = Agent::start(&slave, parts);
        Stage { agent, containerizer, seen, work_dir }
    }

    pub fn run(&self, image: &str, command: &str, uris: &[String]) {
        self.run_task(image, command, uris, TaskInfo::default());
    }

    /// The same, with whatever else is given.
    pub fn run_task(&self, image: &str, command: &str, uris: &[String], given: TaskInfo) {
        let uri = |uri: &String| Uri { value: uri.clone(), ..Uri::default() };
        let task = TaskInfo {
            name: "task".to_owned(),
            task_id: "task".into(),
            slave_id: "agent".into(),
            resources: vec![mesos::resources::scalar("mem", 64.0)],
            command: Some(CommandInfo {
                value: Some(command.to_owned()),
                uris: uris.iter().map(uri).collect(),
                ..CommandInfo::default()
            }),
            container: given.container.clone().or_else(|| {
                Some(ContainerInfo {
                    r#type: Type::Docker.into(),
                    docker: Some(DockerInfo { image: image.to_owned(), ..DockerInfo::default() }),
                    ..ContainerInfo::default()
                })
            }),
            ..given
        };
        let slave: &Pid<Slave> = &self.agent.slave;
        slave.tell(RunTask(RunTaskMessage {
            framework: FrameworkInfo {
                user: "root".to_owned(),
                name: "test".to_owned(),
                id: Some("framework".into()),
                ..FrameworkInfo::default()
            },
            task,
            pid: Some(String::new()),
            ..RunTaskMessage::default()
        }));
    }

    pub async fn wait(&mut self, what: &str, condition: impl FnMut(&Seen) -> bool) -> Seen {
        let seen = within(what, LIMIT, self.seen.wait_for(condition)).await;
        seen.expect("the agent holds the sender").clone()
    }

    /// Destroys the container in the state it is in; checks what is said about its end, that it
    /// is forgotten, and that nothing of it is left. Returns the name it had in Docker.
    pub async fn destroy(&mut self, lab: &DockerLab, message: &str) -> String {
        let id = self.seen.borrow().container.clone().expect("a container");
        let destroyed = self.containerizer.destroy(&id);
        let termination = within("the destroy", LIMIT, destroyed.outcome()).await;
        let Outcome::Ready(Some(termination)) = termination else { panic!("{termination:?}") };
        assert_eq!(termination.message.as_deref(), Some(message));
        self.wait("the container to be forgotten", |seen| seen.erased).await;
        let containers = self.containerizer.containers().outcome().await;
        assert_eq!(containers, Outcome::Ready(std::collections::BTreeSet::new()));

        let failed = |seen: &Seen| seen.updates.iter().any(|(state, _)| state.is_terminal());
        let seen = self.wait("the task's last update", failed).await;
        let last = seen.updates.last().map(|(state, _)| *state);
        assert_eq!(last, Some(TaskState::TaskFailed), "{:?}", seen.updates);

        let name = format!("mesos-{id}");
        until("the container to be gone from Docker", LIMIT, async || {
            lab.engine.inspect_container(&name).await.expect("an answer").is_none()
        })
        .await;
        let directory = self.work_dir.path();
        until("no process of it", LIMIT, async || processes(directory).is_empty()).await;
        name
    }
}

/// The processes whose environment names this directory.
fn processes(directory: &Path) -> Vec<String> {
    let needle = directory.to_str().expect("UTF-8").as_bytes();
    let entries = std::fs::read_dir("/proc").expect("proc").flatten();
    let holds = |entry: &std::fs::DirEntry| {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.windows(needle.len()).any(|window| window == needle)
    };
    entries.filter(holds).map(|entry| entry.path().display().to_string()).collect()
}
