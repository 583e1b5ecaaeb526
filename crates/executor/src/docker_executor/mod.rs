//! `DockerExecutorProcess`: runs one docker container and reports what becomes of it.
//!
//! Mirrors `src/docker/executor.cpp`. The parts in the order of a task's life: `launch`, `kill`,
//! `exit`.

mod exit;
mod kill;
mod launch;

use crate::driver::{ExecutorDriver, SendStatusUpdate, Stop};
use crate::{Die, SIGABRT};
use actix::{Actor, ActorContext, Handler, Message};
use docker::{Docker, Output};
use mesos::internal::ContainerDnsInfo;
use mesos::{
    Bytes, FrameworkInfo, KillPolicy, NetworkInfo, SlaveInfo, TaskId, TaskInfo, TaskState,
    TaskStatus, framework_info,
};
use process::host::Host;
use process::{Context, Future, Nothing, Pid, Timer};
use slog::{Logger, crit, info};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait before an inspect is repeated.
pub const DOCKER_INSPECT_DELAY: Duration = Duration::from_millis(500);

/// How long an inspect may take.
pub const DOCKER_INSPECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After which a container whose process is gone is reported as ended although `docker run` did
/// not return.
pub const REAPED_TIMEOUT: Duration = Duration::from_secs(60);

/// After which the executor ends although its terminal update was not acknowledged.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// How late libprocess's reaper may be: `process::MAX_REAP_INTERVAL`.
pub const MAX_REAP_INTERVAL: Duration = Duration::from_secs(1);

/// What a docker executor is started with.
pub struct Options {
    /// Runs the container.
    pub docker: Arc<dyn Docker>,
    /// Watches the container's process.
    pub host: Arc<dyn Host>,
    /// The container's name.
    pub container_name: String,
    /// The sandbox, on the host.
    pub sandbox_directory: String,
    /// The sandbox, in the container.
    pub mapped_directory: String,
    /// How long the task may take to stop when the executor is shut down.
    pub shutdown_grace_period: Duration,
    /// More environment for the task.
    pub task_environment: BTreeMap<String, String>,
    /// DNS for containers in a bridge or a network that somebody made.
    pub default_container_dns: Option<ContainerDnsInfo>,
    /// The machine's main memory, if it is known.
    pub total_memory: Option<Bytes>,
    /// Whether CPU limits are hard.
    pub cgroups_enable_cfs: bool,
    /// Where the container's standard output goes.
    pub stdout: Output,
    /// Where the container's standard error goes.
    pub stderr: Output,
    /// Where to log.
    pub log: Logger,
}

/// Runs one docker container; see the [module](self).
pub struct DockerExecutorProcess {
    docker: Arc<dyn Docker>,
    host: Arc<dyn Host>,
    container_name: String,
    sandbox_directory: String,
    mapped_directory: String,
    shutdown_grace_period: Duration,
    task_environment: BTreeMap<String, String>,
    default_container_dns: Option<ContainerDnsInfo>,
    total_memory: Option<Bytes>,
    cgroups_enable_cfs: bool,
    stdout: Output,
    stderr: Output,
    log: Logger,
    die: Die,

    /// A kill was issued. There is no way back, whatever the exit code.
    killed: bool,
    /// The container has ended.
    terminated: bool,
    killed_by_task_completion_timeout: bool,
    task_completion_timer: Option<Timer>,
    kill_policy: Option<KillPolicy>,
    run: Option<Future<Option<i32>>>,
    stop: Future<Nothing>,
    /// Ready once the running update was sent; what follows it waits for this.
    inspect: Future<Nothing>,
    driver: Option<Pid<ExecutorDriver>>,
    framework_info: Option<FrameworkInfo>,
    task_id: Option<TaskId>,
    container_network_info: Option<NetworkInfo>,
}

impl DockerExecutorProcess {
    pub(crate) fn new(options: Options, die: Die) -> Self {
        DockerExecutorProcess {
            docker: options.docker,
            host: options.host,
            container_name: options.container_name,
            sandbox_directory: options.sandbox_directory,
            mapped_directory: options.mapped_directory,
            shutdown_grace_period: options.shutdown_grace_period,
            task_environment: options.task_environment,
            default_container_dns: options.default_container_dns,
            total_memory: options.total_memory,
            cgroups_enable_cfs: options.cgroups_enable_cfs,
            stdout: options.stdout,
            stderr: options.stderr,
            log: options.log,
            die,
            killed: false,
            terminated: false,
            killed_by_task_completion_timeout: false,
            task_completion_timer: None,
            kill_policy: None,
            run: None,
            stop: Future::ready(Nothing),
            inspect: Future::ready(Nothing),
            driver: None,
            framework_info: None,
            task_id: None,
            container_network_info: None,
        }
    }

    /// The agent has accepted this executor.
    ///
    /// Mirrors `DockerExecutorProcess::registered` in `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::registered")]
    fn registered(&mut self, message: Registered) {
        info!(self.log, "Registered docker executor on {}", message.slave_info.hostname);
        self.driver = Some(message.driver);
        self.framework_info = Some(message.framework_info);
    }

    fn has_capability(&self, wanted: framework_info::capability::Type) -> bool {
        self.framework_info.as_ref().is_some_and(|info| {
            info.capabilities.iter().any(|capability| capability.r#type() == wanted)
        })
    }

    fn send_status_update(&self, status: TaskStatus) {
        if let Some(driver) = &self.driver {
            driver.tell(SendStatusUpdate(status));
        }
    }

    /// Ends the driver, and with it the program.
    ///
    /// Mirrors `DockerExecutorProcess::_stop` in `src/docker/executor.cpp`.
    #[doc(alias = "DockerExecutorProcess::_stop")]
    fn stop_driver(&mut self) {
        if let Some(driver) = &self.driver {
            driver.tell(Stop);
        }
    }

    /// The fail-safe for an acknowledgement that never comes.
    fn stop_driver_later(&self, ctx: &Context<Self>) {
        ctx.delay(STOP_TIMEOUT, "DockerExecutorProcess::stop_driver", |this, _| this.stop_driver());
    }

    /// What a failed `CHECK` does upstream: the program aborts, and the agent sees a signal.
    fn abort(&mut self, ctx: &mut Context<Self>, message: &str) {
        crit!(self.log, "{message}");
        (self.die)(SIGABRT, ctx.upid());
        ctx.terminate();
    }
}

/// The state of a task without anything else.
fn status(task_id: &TaskId, state: TaskState) -> TaskStatus {
    TaskStatus { task_id: task_id.clone(), state: state.into(), ..TaskStatus::default() }
}

impl Actor for DockerExecutorProcess {
    type Context = Context<Self>;
}

process::process!(DockerExecutorProcess);

/// The driver is registered with the agent.
pub struct Registered {
    /// Whom to report to.
    pub driver: Pid<ExecutorDriver>,
    /// The framework that the task belongs to.
    pub framework_info: FrameworkInfo,
    /// The agent.
    pub slave_info: SlaveInfo,
}

/// Run a task.
pub struct LaunchTask(
    /// The task.
    pub TaskInfo,
);

/// Kill a task.
pub struct KillTask {
    /// Whom to report to.
    pub driver: Pid<ExecutorDriver>,
    /// The task.
    pub task_id: TaskId,
    /// How, if not as the task itself says.
    pub kill_policy: Option<KillPolicy>,
}

/// Kill the task, if there is one, and end.
pub struct Shutdown {
    /// Whom to report to.
    pub driver: Pid<ExecutorDriver>,
}

macro_rules! message {
    ($($name:ident)*) => {$(
        impl Message for $name {
            type Result = ();
        }
    )*};
}

message!(Registered LaunchTask KillTask Shutdown);

impl Handler<Registered> for DockerExecutorProcess {
    type Result = ();

    fn handle(&mut self, message: Registered, _: &mut Context<Self>) {
        self.registered(message);
    }
}

impl Handler<LaunchTask> for DockerExecutorProcess {
    type Result = ();

    fn handle(&mut self, message: LaunchTask, ctx: &mut Context<Self>) {
        self.launch_task(ctx, message.0);
    }
}

impl Handler<KillTask> for DockerExecutorProcess {
    type Result = ();

    fn handle(&mut self, message: KillTask, ctx: &mut Context<Self>) {
        self.driver.get_or_insert(message.driver);
        self.kill_task(ctx, &message.task_id, message.kill_policy.as_ref());
    }
}

impl Handler<Shutdown> for DockerExecutorProcess {
    type Result = ();

    fn handle(&mut self, message: Shutdown, ctx: &mut Context<Self>) {
        self.driver.get_or_insert(message.driver);
        self.shutdown(ctx);
    }
}
