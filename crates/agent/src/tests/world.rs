//! The surroundings of one agent.

use crate::messages::{
    KillTask, RunTask, Shutdown, ShutdownFramework, StatusUpdateAcknowledgement,
};
use crate::{Agent, Flags, MasterLink, Parts};
use ::executor::ExecutorLink;
use containerizer::hooks::Hooks;
use containerizer::state::SlaveState;
use containerizer::{Containerizer, LaunchResult};
use mesos::container_info::DockerInfo;
use mesos::internal::{
    ExecutorRegisteredMessage, ExitedExecutorMessage, KillTaskMessage, RegisterExecutorMessage,
    RunTaskMessage, ShutdownExecutorMessage, ShutdownFrameworkMessage, StatusUpdate,
    StatusUpdateAcknowledgementMessage, StatusUpdateMessage,
};
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::{
    CommandInfo, ContainerId, ContainerInfo, ContainerStatus, FrameworkInfo, Image, Resource,
    ResourceStatistics, SlaveInfo, TaskInfo, TaskState, TaskStatus, container_info, framework_info,
    resources,
};
use parking_lot::Mutex;
use process::host::{Command, Follow, Host, OsPid, ParentHook, ProcessTree, Subprocess};
use process::io::Descriptor;
use process::simulated::{Installed, Simulation};
use process::{Future, Nothing, Promise, Upid};
use slog::{Discard, Logger, o};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// A containerizer for one container, and a file system.
#[derive(Default)]
pub(super) struct Ground {
    launches: Mutex<Vec<Launched>>,
    termination: Mutex<Promise<Option<ContainerTermination>>>,
    destroyed: Mutex<usize>,
    /// Updates wait for this, if it is there.
    pub(super) update: Mutex<Option<Promise<Nothing>>>,
    updates: Mutex<Vec<BTreeMap<String, f64>>>,
    pub(super) mkdir: Mutex<Option<String>>,
    files: Mutex<Vec<String>>,
}

/// A launch, and the way to complete it.
pub(super) struct Launched {
    pub(super) promise: Arc<Promise<LaunchResult>>,
    pub(super) config: Arc<ContainerConfig>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) pid_checkpoint_path: Option<PathBuf>,
}

fn amounts(resources: &[Resource]) -> BTreeMap<String, f64> {
    let amount = |it: &Resource| (it.name.clone(), it.scalar.map_or(0.0, |it| it.value));
    resources.iter().map(amount).collect()
}

impl Containerizer for Ground {
    fn recover(&self, _: Option<Arc<SlaveState>>) -> Future<Nothing> {
        Future::ready(Nothing)
    }

    fn launch(
        &self,
        _: &ContainerId,
        config: Arc<ContainerConfig>,
        environment: BTreeMap<String, String>,
        pid_checkpoint_path: Option<PathBuf>,
    ) -> Future<LaunchResult> {
        let promise = Arc::new(Promise::new());
        let future = promise.future();
        self.launches.lock().push(Launched { promise, config, environment, pid_checkpoint_path });
        future
    }

    fn update(
        &self,
        _: &ContainerId,
        requests: Vec<Resource>,
        _: BTreeMap<String, f64>,
    ) -> Future<Nothing> {
        self.updates.lock().push(amounts(&requests));
        self.update.lock().as_ref().map_or_else(|| Future::ready(Nothing), Promise::future)
    }

    fn usage(&self, _: &ContainerId) -> Future<ResourceStatistics> {
        Future::failed("not here")
    }

    fn status(&self, container: &ContainerId) -> Future<ContainerStatus> {
        let status =
            ContainerStatus { container_id: Some(container.clone()), ..Default::default() };
        Future::ready(status)
    }

    fn wait(&self, _: &ContainerId) -> Future<Option<ContainerTermination>> {
        self.termination.lock().future()
    }

    fn destroy(&self, _: &ContainerId) -> Future<Option<ContainerTermination>> {
        *self.destroyed.lock() += 1;
        self.termination.lock().future()
    }

    fn containers(&self) -> Future<BTreeSet<ContainerId>> {
        Future::ready(BTreeSet::new())
    }

    fn prune_images(&self, _: Vec<Image>) -> Future<Nothing> {
        Future::ready(Nothing)
    }
}

impl Host for Ground {
    fn subprocess(&self, _: Command, _: Vec<ParentHook>) -> Result<Subprocess, String> {
        Err("not here".into())
    }

    fn reap(&self, _: OsPid) -> Future<Option<i32>> {
        Future::abandoned()
    }

    fn killtree(&self, _: OsPid, _: i32, _: Follow) -> Result<Vec<ProcessTree>, String> {
        Ok(Vec::new())
    }

    fn pipe(&self) -> Result<(Descriptor, Descriptor), String> {
        Err("not here".into())
    }

    fn append(&self, _: &Path) -> Result<Descriptor, String> {
        Err("not here".into())
    }

    fn mkdir(&self, path: &Path) -> Result<(), String> {
        self.files.lock().push(path.display().to_string());
        self.mkdir.lock().clone().map_or(Ok(()), Err)
    }

    fn checkpoint(&self, _: &Path, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn symlink(&self, original: &Path, link: &Path) -> Result<(), String> {
        self.files.lock().push(format!("{} -> {}", link.display(), original.display()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<(), String> {
        Err(format!("{} is not there", path.display()))
    }

    fn touch(&self, _: &Path, _: Option<&str>) -> Result<(), String> {
        Ok(())
    }

    fn mounts(&self) -> Result<Vec<PathBuf>, String> {
        Ok(Vec::new())
    }

    fn mount(&self, _: &Path, _: &Path, _: bool) -> Result<(), String> {
        Ok(())
    }

    fn unmount(&self, _: &Path) -> Result<(), String> {
        Ok(())
    }
}

#[derive(Default)]
struct Master {
    agent: Mutex<Option<Agent>>,
    acknowledges: Mutex<bool>,
    updates: Mutex<Vec<StatusUpdate>>,
    exited: Mutex<Vec<ExitedExecutorMessage>>,
}

impl MasterLink for Master {
    fn status_update(&self, message: StatusUpdateMessage) {
        self.updates.lock().push(message.update.clone());
        if *self.acknowledges.lock() {
            self.acknowledge(&message.update);
        }
    }

    fn exited_executor(&self, message: ExitedExecutorMessage) {
        self.exited.lock().push(message);
    }
}

impl Master {
    fn acknowledge(&self, update: &StatusUpdate) {
        let message = StatusUpdateAcknowledgementMessage {
            slave_id: "agent".into(),
            framework_id: update.framework_id.clone(),
            task_id: update.status.task_id.clone(),
            uuid: update.uuid.clone().unwrap_or_default(),
        };
        if let Some(agent) = &*self.agent.lock() {
            let master = Upid::new("master", "sim:0");
            agent.slave.post(&master, StatusUpdateAcknowledgement(message));
        }
    }
}

/// What an executor hears from the agent.
pub(super) struct FakeExecutor {
    upid: Upid,
    heard: Mutex<Vec<&'static str>>,
    tasks: Mutex<Vec<TaskInfo>>,
}

impl ExecutorLink for FakeExecutor {
    fn upid(&self) -> &Upid {
        &self.upid
    }

    fn registered(&self, _: ExecutorRegisteredMessage) {
        self.heard.lock().push("registered");
    }

    fn run_task(&self, message: RunTaskMessage) {
        self.tasks.lock().push(message.task);
        self.heard.lock().push("run");
    }

    fn kill_task(&self, _: KillTaskMessage) {
        self.heard.lock().push("kill");
    }

    fn shutdown(&self, _: ShutdownExecutorMessage) {
        self.heard.lock().push("shutdown");
    }

    fn acknowledge(&self, _: StatusUpdateAcknowledgementMessage) {
        self.heard.lock().push("acknowledgement");
    }
}

pub(super) struct World {
    pub(super) sim: Rc<Simulation>,
    pub(super) ground: Arc<Ground>,
    master: Arc<Master>,
    executor: Arc<FakeExecutor>,
    agent: Agent,
    uuid: AtomicU8,
    _installed: Installed,
}

impl World {
    pub(super) fn new() -> World {
        World::with_hooks(None)
    }

    pub(super) fn with_hooks(hooks: Option<Arc<dyn Hooks>>) -> World {
        let sim = Simulation::new(false);
        let installed = sim.install();
        let ground = Arc::new(Ground::default());
        let master = Arc::new(Master::default());
        *master.acknowledges.lock() = true;
        let uuid = AtomicU8::new(0);
        let agent = Agent::start(
            "slave(1)",
            Parts {
                flags: Flags { work_dir: "/agent".into(), ..Flags::default() },
                info: SlaveInfo { id: Some("agent".into()), ..SlaveInfo::default() },
                containerizer: Arc::clone(&ground) as Arc<dyn Containerizer>,
                master: Arc::clone(&master) as Arc<dyn MasterLink>,
                host: Arc::clone(&ground) as Arc<dyn Host>,
                uuids: Arc::new(move || [uuid.fetch_add(1, Ordering::Relaxed); 16]),
                hooks,
                log: Logger::root(Discard, o!()),
            },
        );
        *master.agent.lock() = Some(agent.clone());
        let executor = Arc::new(FakeExecutor {
            upid: Upid::new("executor(1)", "sim:0"),
            heard: Mutex::default(),
            tasks: Mutex::default(),
        });
        let uuid = AtomicU8::new(100);
        World { sim, ground, master, executor, agent, uuid, _installed: installed }
    }

    /// One whose agent has handed the task to the containerizer.
    pub(super) fn launching() -> World {
        let world = World::new();
        world.run(task(), framework());
        world.settle();
        world
    }

    /// One whose executor has registered and was sent the task.
    pub(super) fn running() -> World {
        let world = World::launching();
        world.launched(LaunchResult::Success);
        world.register();
        world
    }

    pub(super) fn settle(&self) {
        for _ in 0..10_000 {
            if !self.sim.flush(0) {
                let crash = self.sim.crash();
                assert!(crash.is_none(), "{crash:?}");
                return;
            }
        }
        panic!("no end in sight");
    }

    pub(super) fn seconds(&self, seconds: u64) {
        let until = self.sim.now() + Duration::from_secs(seconds);
        self.settle();
        while self.sim.next_timer().is_some_and(|next| next <= until) {
            self.sim.fire_timer();
            self.settle();
        }
        self.sim.advance_to(until);
    }

    /// Sends the task; nothing happens yet.
    pub(super) fn run(&self, task: TaskInfo, framework: FrameworkInfo) {
        self.agent.slave.tell(RunTask(RunTaskMessage {
            framework,
            task,
            launch_executor: Some(true),
            ..RunTaskMessage::default()
        }));
    }

    /// Sends the kill; nothing happens yet.
    pub(super) fn kill(&self, task: &str) {
        self.agent.slave.tell(KillTask(KillTaskMessage {
            framework_id: "framework".into(),
            task_id: task.into(),
            kill_policy: None,
        }));
    }

    pub(super) fn shutdown_framework(&self) {
        let message = ShutdownFrameworkMessage { framework_id: "framework".into() };
        self.agent.slave.tell(ShutdownFramework(message));
        self.settle();
    }

    pub(super) fn launches(&self) -> usize {
        self.ground.launches.lock().len()
    }

    pub(super) fn launch<R>(&self, f: impl FnOnce(&Launched) -> R) -> R {
        f(self.ground.launches.lock().last().expect("there was a launch"))
    }

    pub(super) fn launched(&self, result: LaunchResult) {
        let promise = self.launch(|launch| Arc::clone(&launch.promise));
        promise.set(result);
        self.settle();
    }

    /// The launch fails, or is discarded.
    pub(super) fn launch_fails(&self, message: Option<&str>) {
        let promise = self.launch(|launch| Arc::clone(&launch.promise));
        match message {
            Some(message) => promise.fail(message),
            None => promise.discard(),
        };
        self.settle();
    }

    pub(super) fn register(&self) {
        let message = RegisterExecutorMessage {
            framework_id: "framework".into(),
            executor_id: "task".into(),
        };
        self.agent.link().register(message, Arc::clone(&self.executor) as Arc<dyn ExecutorLink>);
        self.settle();
    }

    /// The container ends.
    pub(super) fn terminates(&self, termination: Option<ContainerTermination>) {
        // Completed outside of the lock: the agent may look at it.
        let promise = std::mem::take(&mut *self.ground.termination.lock());
        promise.set(termination);
        self.settle();
    }

    /// The executor reports a state.
    pub(super) fn report(&self, state: TaskState) {
        let uuid = vec![self.uuid.fetch_add(1, Ordering::Relaxed); 16];
        self.report_as(state, uuid);
    }

    pub(super) fn report_as(&self, state: TaskState, uuid: Vec<u8>) {
        self.report_status(TaskStatus { state: state.into(), ..TaskStatus::default() }, uuid);
    }

    /// The executor reports this of its task.
    pub(super) fn report_status(&self, status: TaskStatus, uuid: Vec<u8>) {
        let update = StatusUpdate {
            framework_id: "framework".into(),
            executor_id: Some("task".into()),
            slave_id: Some("agent".into()),
            uuid: Some(uuid),
            status: TaskStatus { task_id: "task".into(), slave_id: Some("agent".into()), ..status },
            ..StatusUpdate::default()
        };
        let message = StatusUpdateMessage { update, pid: None };
        let executor = Arc::clone(&self.executor) as Arc<dyn ExecutorLink>;
        self.agent.link().status_update(message, executor);
        self.settle();
    }

    pub(super) fn stop_acknowledging(&self) {
        *self.master.acknowledges.lock() = false;
    }

    pub(super) fn acknowledge(&self, update: &StatusUpdate) {
        self.master.acknowledge(update);
        self.settle();
    }

    pub(super) fn updates(&self) -> Vec<StatusUpdate> {
        self.master.updates.lock().clone()
    }

    pub(super) fn last(&self) -> TaskStatus {
        self.updates().pop().expect("there was an update").status
    }

    /// The states that the master heard of, without their `TASK_`.
    pub(super) fn states(&self) -> String {
        let states = self.updates().into_iter().map(|it| it.status.state().to_string());
        states.map(|state| state.replace("TASK_", "")).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn heard(&self) -> String {
        self.executor.heard.lock().join(" ")
    }

    /// The tasks that the executor was sent.
    pub(super) fn tasks(&self) -> Vec<TaskInfo> {
        self.executor.tasks.lock().clone()
    }

    pub(super) fn destroyed(&self) -> usize {
        *self.ground.destroyed.lock()
    }

    pub(super) fn exited_executors(&self) -> usize {
        self.master.exited.lock().len()
    }

    pub(super) fn last_resources(&self) -> BTreeMap<String, f64> {
        self.ground.updates.lock().last().cloned().unwrap_or_default()
    }

    pub(super) fn files(&self) -> Vec<String> {
        self.ground.files.lock().clone()
    }

    pub(super) fn shutdown(&self) {
        self.agent.slave.tell(Shutdown(String::new()));
        self.settle();
    }

    /// Whether the agent has no framework left. Ends it.
    pub(super) fn is_forgotten(&self) -> bool {
        self.shutdown();
        process::process_ids().is_empty()
    }
}

pub(super) fn framework() -> FrameworkInfo {
    let aware = framework_info::capability::Type::PartitionAware;
    FrameworkInfo {
        id: Some("framework".into()),
        user: "root".into(),
        checkpoint: Some(true),
        capabilities: vec![framework_info::Capability { r#type: Some(aware.into()) }],
        ..FrameworkInfo::default()
    }
}

/// `echo hello` in a container.
pub(super) fn task() -> TaskInfo {
    TaskInfo {
        name: "task".into(),
        task_id: "task".into(),
        slave_id: "agent".into(),
        resources: vec![resources::scalar("cpus", 0.5), resources::scalar("mem", 64.0)],
        command: Some(CommandInfo { value: Some("echo hello".into()), ..CommandInfo::default() }),
        container: Some(ContainerInfo {
            r#type: container_info::Type::Docker.into(),
            docker: Some(DockerInfo { image: "bb:1".into(), ..DockerInfo::default() }),
            ..ContainerInfo::default()
        }),
        ..TaskInfo::default()
    }
}

pub(super) fn exited(status: i32) -> Option<ContainerTermination> {
    Some(ContainerTermination { status: Some(status), ..ContainerTermination::default() })
}
