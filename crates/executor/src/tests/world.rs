//! The surroundings of one executor.

use crate::program::{DockerExecutorProgram, NAME};
use crate::{AgentLink, ExecutorLink};
use docker::{Call, Container, Docker, Mock};
use mesos::container_info::DockerInfo;
use mesos::internal::{
    ExecutorRegisteredMessage, KillTaskMessage, RegisterExecutorMessage, RunTaskMessage,
    ShutdownExecutorMessage, StatusUpdateAcknowledgementMessage, StatusUpdateMessage,
};
use mesos::{
    CommandInfo, ContainerInfo, DurationInfo, FrameworkInfo, KillPolicy, SlaveInfo, TaskInfo,
    TaskStatus, container_info, framework_info, resources,
};
use parking_lot::Mutex;
use process::future::Value;
use process::host::{
    ChildHook, Command, Follow, Host, Io, OsPid, ParentHook, ProcessTree, Program, Running,
    Subprocess,
};
use process::io::Descriptor;
use process::simulated::{Installed, Simulation};
use process::{Future, Nothing, Promise, Upid};
use slog::{Discard, Logger, o};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// The other end of operations: each is pending until the test says otherwise, or until the
/// client hangs up.
pub(super) struct Ends<T: Value>(Mutex<Vec<Arc<Promise<T>>>>);

impl<T: Value> Default for Ends<T> {
    fn default() -> Self {
        Ends(Mutex::default())
    }
}

impl<T: Value> Ends<T> {
    fn begin(&self) -> Future<T> {
        let promise = Arc::new(Promise::new());
        let future = promise.future();
        let weak = Arc::downgrade(&promise);
        future.on_discard(move || {
            if let Some(promise) = weak.upgrade() {
                promise.discard();
            }
        });
        self.0.lock().push(promise);
        future
    }

    pub(super) fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// The latest one.
    pub(super) fn last(&self) -> Arc<Promise<T>> {
        self.0.lock().last().cloned().expect("the operation was begun")
    }
}

#[derive(Default)]
pub(super) struct Daemon {
    pub(super) runs: Ends<Option<i32>>,
    pub(super) inspects: Ends<Container>,
    pub(super) stops: Ends<Nothing>,
    pub(super) reaps: Ends<Option<i32>>,
}

impl Host for Daemon {
    fn subprocess(&self, _: Command, _: Vec<ParentHook>) -> Result<Subprocess, String> {
        Err("not here".into())
    }

    fn reap(&self, _: OsPid) -> Future<Option<i32>> {
        self.reaps.begin()
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

    fn mkdir(&self, _: &Path) -> Result<(), String> {
        Ok(())
    }

    fn checkpoint(&self, _: &Path, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn symlink(&self, _: &Path, _: &Path) -> Result<(), String> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> Result<(), String> {
        Ok(())
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

pub(super) struct FakeAgent {
    upid: Upid,
    /// Whether it acknowledges.
    acknowledges: bool,
    executor: Mutex<Option<Arc<dyn ExecutorLink>>>,
    updates: Mutex<Vec<TaskStatus>>,
    pub(super) exited: Promise<Nothing>,
}

impl AgentLink for FakeAgent {
    fn upid(&self) -> &Upid {
        &self.upid
    }

    fn register(&self, message: RegisterExecutorMessage, executor: Arc<dyn ExecutorLink>) {
        assert_eq!(message.executor_id.value, "task");
        *self.executor.lock() = Some(executor);
    }

    fn status_update(&self, message: StatusUpdateMessage, executor: Arc<dyn ExecutorLink>) {
        let update = message.update;
        self.updates.lock().push(update.status.clone());
        if self.acknowledges {
            executor.acknowledge(StatusUpdateAcknowledgementMessage {
                slave_id: "agent".into(),
                framework_id: update.framework_id,
                task_id: update.status.task_id,
                uuid: update.uuid.expect("the driver sets it"),
            });
        }
    }

    fn exited(&self) -> Future<Nothing> {
        self.exited.future()
    }
}

#[derive(Default)]
struct Exit(Mutex<Option<i32>>);

impl Running for Exit {
    fn pid(&self) -> OsPid {
        7
    }

    fn streams(&self) -> process::host::Ends {
        process::host::Ends::default()
    }

    fn exit(&self, status: i32) {
        self.0.lock().get_or_insert(status);
    }
}

/// How a world differs from the usual one.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) acknowledges: bool,
    pub(super) argv: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) capabilities: Vec<framework_info::Capability>,
}

impl Default for Setup {
    fn default() -> Self {
        let argv = [
            NAME,
            "--cgroups_enable_cfs=false",
            "--container=mesos-c",
            "--docker=docker",
            "--docker_socket=/var/run/docker.sock",
            "--help=false",
            "--initialize_driver_logging=true",
            "--launcher_dir=/usr/local/libexec/mesos",
            "--logbufsecs=0",
            "--logging_level=INFO",
            "--mapped_directory=/mnt/mesos/sandbox",
            "--quiet=false",
            "--sandbox_directory=/agent/sandbox",
            "--stop_timeout=0ns",
        ];
        let environment = [
            ("MESOS_SLAVE_PID", "slave(1)@sim:0"),
            ("MESOS_SLAVE_ID", "agent"),
            ("MESOS_FRAMEWORK_ID", "framework"),
            ("MESOS_EXECUTOR_ID", "task"),
            ("MESOS_DIRECTORY", "/agent/sandbox"),
            ("MESOS_CHECKPOINT", "0"),
            ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5secs"),
        ];
        let killing = framework_info::capability::Type::TaskKillingState;
        Setup {
            acknowledges: true,
            argv: argv.map(str::to_owned).into(),
            environment: environment
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            capabilities: vec![framework_info::Capability { r#type: Some(killing.into()) }],
        }
    }
}

pub(super) struct World {
    pub(super) sim: Rc<Simulation>,
    pub(super) agent: Arc<FakeAgent>,
    pub(super) daemon: Arc<Daemon>,
    pub(super) docker: Arc<Mock>,
    pub(super) signal: Box<dyn Fn(i32) + Send + Sync>,
    exit: Arc<Exit>,
    setup: Setup,
    _installed: Installed,
}

impl World {
    /// An executor that was started and has sent its registration.
    pub(super) fn new(setup: Setup) -> World {
        let sim = Simulation::new(false);
        let installed = sim.install();
        let agent = Arc::new(FakeAgent {
            upid: Upid::new("slave(1)", "sim:0"),
            acknowledges: setup.acknowledges,
            executor: Mutex::default(),
            updates: Mutex::default(),
            exited: Promise::new(),
        });
        let daemon = Arc::new(Daemon::default());
        let docker = Arc::new(Mock::new());
        let d = || Arc::clone(&daemon);
        let (run, inspect, stop) = (d(), d(), d());
        docker
            .on_run(move |_, _, _| run.runs.begin())
            .on_inspect(move |_, _| inspect.inspects.begin())
            .on_stop(move |_, _, _| stop.stops.begin());

        let (client, link) = (Arc::clone(&docker), Arc::clone(&agent));
        let uuid = AtomicU8::new(0);
        let program = DockerExecutorProgram {
            docker: Arc::new(move |_| Ok(Arc::clone(&client) as Arc<dyn Docker>)),
            agent: Arc::new(move |upid| {
                (upid == link.upid()).then(|| Arc::clone(&link) as Arc<dyn AgentLink>)
            }),
            host: d(),
            total_memory: None,
            uuids: Arc::new(move || [uuid.fetch_add(1, Ordering::Relaxed); 16]),
            logger: Arc::new(|_| Logger::root(Discard, o!())),
        };
        let what = Command {
            environment: Some(setup.environment.clone()),
            stdin: Io::Null,
            stdout: Io::Path("/agent/sandbox/stdout".into()),
            stderr: Io::Path("/agent/sandbox/stderr".into()),
            child_hooks: vec![ChildHook::Setsid],
            ..Command::new(NAME, setup.argv.clone())
        };
        let exit = Arc::new(Exit::default());
        let signal = program.start(&what, Arc::clone(&exit) as Arc<dyn Running>);
        let world =
            World { sim, agent, daemon, docker, signal, exit, setup, _installed: installed };
        world.settle();
        world
    }

    /// One that was registered and sent `task`.
    pub(super) fn with(setup: Setup, task: TaskInfo) -> World {
        let world = World::new(setup);
        world.register();
        world.run(task);
        world
    }

    /// One that runs an ordinary task, whose container has started.
    pub(super) fn running() -> World {
        let world = World::with(Setup::default(), task());
        world.started();
        world
    }

    /// Lets everything happen that needs no time.
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

    /// Lets time pass.
    pub(super) fn advance(&self, time: Duration) {
        let until = self.sim.now() + time;
        self.settle();
        while self.sim.next_timer().is_some_and(|next| next <= until) {
            self.sim.fire_timer();
            self.settle();
        }
        self.sim.advance_to(until);
    }

    pub(super) fn seconds(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    pub(super) fn link(&self) -> Option<Arc<dyn ExecutorLink>> {
        self.agent.executor.lock().clone()
    }

    fn send(&self, f: impl FnOnce(&dyn ExecutorLink)) {
        f(&*self.link().expect("the executor has registered"));
        self.settle();
    }

    pub(super) fn register(&self) {
        let framework_info = FrameworkInfo {
            capabilities: self.setup.capabilities.clone(),
            ..FrameworkInfo::default()
        };
        self.send(|link| {
            link.registered(ExecutorRegisteredMessage {
                framework_info,
                slave_info: SlaveInfo::default(),
                ..ExecutorRegisteredMessage::default()
            });
        });
    }

    pub(super) fn run(&self, task: TaskInfo) {
        self.send(|link| link.run_task(RunTaskMessage { task, ..RunTaskMessage::default() }));
    }

    pub(super) fn kill(&self, policy: Option<KillPolicy>) {
        self.send(|link| {
            link.kill_task(KillTaskMessage {
                framework_id: "framework".into(),
                task_id: "task".into(),
                kill_policy: policy,
            });
        });
    }

    pub(super) fn shutdown(&self) {
        self.send(|link| link.shutdown(ShutdownExecutorMessage::default()));
    }

    /// The container is found to run.
    pub(super) fn started(&self) {
        self.daemon.inspects.last().set(Container {
            output: "[{}]".into(),
            pid: Some(42),
            started: true,
            ip_address: Some("172.17.0.2".into()),
            ..Container::default()
        });
        self.settle();
    }

    /// `docker run` returns.
    pub(super) fn exits(&self, status: i32) {
        self.daemon.runs.last().set(Some(status));
        self.settle();
    }

    pub(super) fn updates(&self) -> Vec<TaskStatus> {
        self.agent.updates.lock().clone()
    }

    /// The states that were reported, without their `TASK_`.
    pub(super) fn states(&self) -> String {
        let states = self.updates().into_iter().map(|update| update.state().to_string());
        states.map(|state| state.replace("TASK_", "")).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn last_message(&self) -> String {
        self.updates().pop().and_then(|update| update.message).unwrap_or_default()
    }

    /// The program's wait status, once it has ended.
    pub(super) fn exit(&self) -> Option<i32> {
        *self.exit.0.lock()
    }

    /// The grace periods of all stops, in seconds.
    pub(super) fn stops(&self) -> Vec<f64> {
        let stop = |call| match call {
            Call::Stop { timeout, remove, container } => {
                assert!(!remove && container == "mesos-c");
                Some(timeout.as_secs_f64())
            }
            _ => None,
        };
        self.docker.calls().into_iter().filter_map(stop).collect()
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

pub(super) fn seconds(seconds: i64) -> DurationInfo {
    DurationInfo { nanoseconds: seconds * 1_000_000_000 }
}

pub(super) fn policy(grace: i64) -> KillPolicy {
    KillPolicy { grace_period: Some(seconds(grace)) }
}
