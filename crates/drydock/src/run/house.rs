//! The agent of a run, its containerizer and its master, in this program.

use super::event::{Event, Watcher};
use super::loggers::Choice;
use super::master::{Link, Master, framework};
use agent::{Agent, Parts, Slave};
use containerizer::docker::{Dependencies, DockerContainerizer, MESOS_DOCKER_EXECUTOR};
use containerizer::fetcher::{Fetcher, MESOS_FETCHER};
use containerizer::hooks::Hooks;
use containerizer::logger::logrotate::rotate::NAME as LOGROTATE_LOGGER;
use docker::{Docker, Engine};
use executor::{AgentLink, DockerExecutorProgram, Uuids};
use fetcher::LiveNet;
use mesos::{ContainerId, FrameworkId, SlaveId, SlaveInfo, TaskInfo};
use process::host::Host;
use process::live::LocalHost;
use process::{Pid, find, generate_id, spawn};
use slog::{Logger, o};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;
use tempfile::TempDir;

/// The agent's process, as upstream's is named.
const SLAVE: &str = "slave(1)";

/// The agent's id: there is one below a work directory, whatever is run there.
pub fn agent_id() -> SlaveId {
    "local".into()
}

/// Random uuids, for containers, status updates and the framework's id.
pub fn uuids() -> Uuids {
    // This is the port through which all others draw them.
    #[allow(clippy::disallowed_methods)]
    Arc::new(|| uuid::Uuid::new_v4().into_bytes())
}

/// What a house is built from.
pub struct Plan {
    /// Docker.
    pub engine: Engine,
    /// Decides where output goes.
    pub container_logger: Choice,
    /// Are asked and told of what happens.
    pub hooks: Option<Arc<dyn Hooks>>,
    /// Where everything is kept; absolute.
    pub work_dir: PathBuf,
    /// How long an executor may take to register.
    pub registration_timeout: Duration,
    /// What to run.
    pub task: TaskInfo,
    /// Who gets told what happens.
    pub events: Sender<Event>,
    /// Where to log.
    pub log: Logger,
}

/// A running agent with its master.
pub struct House {
    /// The agent.
    pub agent: Agent,
    /// The master, which has the task.
    pub master: Pid<Master>,
    /// What the agent contains its executors with.
    pub containerizer: DockerContainerizer,
    /// Docker.
    pub engine: Engine,
    /// How long a task has to stop when it is killed, unless it says otherwise itself.
    pub grace_period: Duration,
    work_dir: PathBuf,
    framework: FrameworkId,
    task: TaskInfo,
    /// Where the fetcher's cache is; it goes with this.
    _cache: TempDir,
}

impl House {
    /// Starts everything. The task is not launched yet.
    ///
    /// # Errors
    ///
    /// When the fetcher cannot be started, or its cache has no place.
    pub fn build(plan: Plan) -> Result<House, String> {
        let Plan {
            engine,
            container_logger,
            hooks,
            work_dir,
            registration_timeout,
            task,
            events,
            log,
        } = plan;
        let uuids = uuids();
        let user = user();
        let framework_id: FrameworkId = format!("run-{}", short(&uuids())).into();
        let cache = cache_in(&work_dir)?;
        let flags = agent::Flags {
            work_dir: work_dir.clone(),
            // Its own: a fetcher begins by deleting what is there.
            fetcher_cache_dir: cache.path().join("cache"),
            launcher_dir: launcher_dir(),
            // Only root can give files away.
            switch_user: user.is_some() && nix::unistd::geteuid().is_root(),
            docker_socket: engine.socket().to_owned(),
            executor_registration_timeout: registration_timeout,
            ..agent::Flags::default()
        };
        let grace_period = task
            .kill_policy
            .and_then(|policy| Duration::try_from(&policy.grace_period?).ok())
            .unwrap_or(flags.executor_shutdown_grace_period);

        let framework = framework(framework_id.clone(), user.unwrap_or_default());
        let master = Master::new(SLAVE, agent_id(), framework, task.clone(), events.clone());
        let master = spawn(generate_id("master"), master);

        let host: Arc<dyn Host> = Arc::new(host(&engine, &uuids, &log));
        let of_containerizer = containerizer::Flags::from(&flags);
        let net = Arc::new(LiveNet::new()?);
        let containerizer = DockerContainerizer::spawn(Dependencies {
            fetcher: Fetcher::spawn(&of_containerizer, Arc::clone(&host), net, log.clone())?,
            logger: container_logger.spawn(&host),
            docker: Arc::new(engine.clone()),
            host: Arc::clone(&host),
            gpus: None,
            hooks: hooks.clone(),
            observer: Arc::new(Watcher(events)),
            log: log.clone(),
            flags: of_containerizer,
        });
        let info = SlaveInfo {
            hostname: "localhost".to_owned(),
            id: Some(agent_id()),
            ..SlaveInfo::default()
        };
        let parts = Parts {
            containerizer: Arc::new(containerizer.clone()),
            master: Arc::new(Link(master.clone())),
            host,
            uuids,
            hooks,
            log,
            flags,
            info,
        };
        let agent = Agent::start(SLAVE, parts);
        Ok(House {
            agent,
            master,
            containerizer,
            engine,
            grace_period,
            work_dir,
            framework: framework_id,
            task,
            _cache: cache,
        })
    }

    /// Where the files of the task's container lie.
    pub fn sandbox(&self, container: &ContainerId) -> PathBuf {
        let executor = self.task.task_id.value.clone().into();
        let (work_dir, framework) = (&self.work_dir, &self.framework);
        agent::paths::executor_run(work_dir, &agent_id(), framework, &executor, container)
    }
}

/// A directory that other runs do not have, and that other users may go through.
fn cache_in(work_dir: &Path) -> Result<TempDir, String> {
    tempfile::Builder::new()
        .prefix("fetch-")
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in(work_dir)
        .map_err(|error| format!("{}: {error}", work_dir.display()))
}

/// This machine, with the docker executor as a part of this program, and this program as the
/// fetcher and the loggers' companion.
fn host(engine: &Engine, uuids: &Uuids, log: &Logger) -> LocalHost {
    let docker = engine.clone();
    let log = log.clone();
    let executor = DockerExecutorProgram {
        docker: Arc::new(move |_| Ok(Arc::new(docker.clone()) as Arc<dyn Docker>)),
        agent: Arc::new(|upid| {
            find::<Slave>(upid.id()).map(|slave| -> Arc<dyn AgentLink> { agent::link(&slave) })
        }),
        // It only watches processes there.
        host: Arc::new(LocalHost::new()),
        total_memory: total_memory(),
        uuids: Arc::clone(uuids),
        logger: Arc::new(move |_| log.new(o!("program" => MESOS_DOCKER_EXECUTOR))),
    };
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
    let fetcher = vec![
        program.to_string_lossy().into_owned(),
        MESOS_FETCHER.to_owned(),
        "--with_parent".to_owned(),
    ];
    let logger = vec![program.to_string_lossy().into_owned(), LOGROTATE_LOGGER.to_owned()];
    LocalHost::new()
        .with_program(MESOS_DOCKER_EXECUTOR, Arc::new(executor))
        .with_command(LOGROTATE_LOGGER, logger)
        .with_command(MESOS_FETCHER, fetcher)
}

/// A directory without Mesos's programs: those of an installed Mesos must not be taken.
pub fn launcher_dir() -> String {
    let own = std::env::current_exe().ok();
    let directory = own.as_deref().and_then(Path::parent).unwrap_or(Path::new("/"));
    directory.display().to_string()
}

fn user() -> Option<String> {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok()??;
    Some(user.name)
}

fn total_memory() -> Option<mesos::Bytes> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(mesos::Bytes::kilobytes(kilobytes))
}

/// The first eight digits of a uuid.
fn short(uuid: &[u8; 16]) -> String {
    uuid[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}
