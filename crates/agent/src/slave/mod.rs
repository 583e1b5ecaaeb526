//! `Slave`: the agent. Mirrors `src/slave/slave.cpp`; the parts in the order of a task's life:
//! `run`, `launch`, `register`, `kill`, `status`, `shutdown`, `terminate`.

mod kill;
mod launch;
mod register;
mod run;
mod shutdown;
mod status;
mod terminate;

use crate::Flags;
use crate::executor::Executor;
use crate::framework::Framework;
use crate::links::{MasterLink, link};
use crate::messages::{
    ExecutorStatusUpdate, Forward, KillTask, RegisterExecutor, RunTask, Shutdown, ShutdownExecutor,
    ShutdownFramework, StatusUpdateAcknowledgement,
};
use crate::status_updates::{Initialize, TaskStatusUpdateManagerProcess};
use crate::update::{New, create_status_update};
use ::executor::{AgentLink, Uuids};
use actix::{Actor, ActorContext, Handler};
use containerizer::Containerizer;
use containerizer::hooks::Hooks;
use indexmap::IndexMap;
use mesos::framework_info::capability::Type;
use mesos::internal::{ExitedExecutorMessage, StatusUpdate};
use mesos::task_status::Reason;
use mesos::{ExecutorId, FrameworkId, FrameworkInfo, SlaveId, SlaveInfo, TaskId, TaskState};
use process::host::Host;
use process::{Context, Pid, generate_id, kill, spawn, terminate};
use slog::{Logger, info};
use std::fmt;
use std::sync::Arc;

/// Where the agent is in its life.
#[doc(alias = "Slave::State")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It finds out what its predecessor left running.
    Recovering,
    /// It takes tasks.
    Running,
    /// It ends once its last framework has.
    Terminating,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Recovering => "RECOVERING",
            State::Running => "RUNNING",
            State::Terminating => "TERMINATING",
        })
    }
}

/// What an agent is made of.
pub struct Parts {
    /// Its flags.
    pub flags: Flags,
    /// What it is; the id must be set, as by a master.
    pub info: SlaveInfo,
    /// Contains its executors.
    pub containerizer: Arc<dyn Containerizer>,
    /// The way to its master.
    pub master: Arc<dyn MasterLink>,
    /// The operating system, for the sandboxes.
    pub host: Arc<dyn Host>,
    /// Random uuids, for containers and status updates.
    pub uuids: Uuids,
    /// Are asked and told of what happens, if there are any.
    pub hooks: Option<Arc<dyn Hooks>>,
    /// Where to log.
    pub log: Logger,
}

/// A running agent: its two processes.
#[derive(Clone)]
pub struct Agent {
    /// The agent itself.
    pub slave: Pid<Slave>,
    /// Its task status update manager.
    pub status_updates: Pid<TaskStatusUpdateManagerProcess>,
}

impl Agent {
    /// Starts an agent whose process has the name `id`: upstream's is `slave(1)`.
    pub fn start(id: &str, parts: Parts) -> Agent {
        let status_updates = spawn(
            generate_id("task-status-update-manager"),
            TaskStatusUpdateManagerProcess::new(parts.log.clone()),
        );
        let slave = spawn(id, Slave::new(parts, status_updates.clone()));
        Agent { slave, status_updates }
    }

    /// The way from executors to it.
    pub fn link(&self) -> Arc<dyn AgentLink> {
        link(&self.slave)
    }

    /// Ends it on the spot, as the death of its operating-system process does.
    pub fn kill(&self) {
        kill(&self.slave);
        kill(&self.status_updates);
    }
}

/// The agent: takes tasks from its master, has executors launched for them, and reports what becomes
/// of both. Made by [`Agent::start`].
pub struct Slave {
    state: State,
    flags: Flags,
    id: SlaveId,
    info: SlaveInfo,
    containerizer: Arc<dyn Containerizer>,
    master: Arc<dyn MasterLink>,
    host: Arc<dyn Host>,
    uuids: Uuids,
    hooks: Option<Arc<dyn Hooks>>,
    log: Logger,
    status_updates: Pid<TaskStatusUpdateManagerProcess>,
    frameworks: IndexMap<FrameworkId, Framework>,
}

impl Slave {
    fn new(parts: Parts, status_updates: Pid<TaskStatusUpdateManagerProcess>) -> Self {
        Slave {
            state: State::Recovering,
            flags: parts.flags,
            id: parts.info.id.clone().unwrap_or_default(),
            info: parts.info,
            containerizer: parts.containerizer,
            master: parts.master,
            host: parts.host,
            uuids: parts.uuids,
            hooks: parts.hooks,
            log: parts.log,
            status_updates,
            frameworks: IndexMap::new(),
        }
    }

    /// Mirrors `Slave::initialize` in `src/slave/slave.cpp`.
    // differs: there is nothing to recover and no master to be found, so it runs at once.
    #[doc(alias = "Slave::initialize")]
    fn initialize(&mut self, ctx: &mut Context<Self>) {
        if let Some(hooks) = self.hooks() {
            self.info.resources = hooks.resources(&self.info);
            self.info.attributes = hooks.attributes(&self.info);
        }
        let pid = ctx.pid().clone();
        let forward = Arc::new(move |update| pid.tell(Forward(update)));
        self.status_updates.tell(Initialize(forward));
        info!(self.log, "Agent {} started on {}", self.id, self.info.hostname);
        self.state = State::Running;
    }

    /// The hooks, if there are any to be asked.
    fn hooks(&self) -> Option<Arc<dyn Hooks>> {
        self.hooks.clone().filter(|hooks| hooks.available())
    }

    #[doc(alias = "Slave::getExecutor")]
    fn executor(&self, framework_id: &FrameworkId, id: &ExecutorId) -> Option<&Executor> {
        self.frameworks.get(framework_id)?.executors.get(id)
    }

    fn executor_mut(
        &mut self,
        framework_id: &FrameworkId,
        id: &ExecutorId,
    ) -> Option<&mut Executor> {
        self.frameworks.get_mut(framework_id)?.executors.get_mut(id)
    }

    /// The id of the executor that has, or had, this task.
    fn executor_id_of_task(&self, framework_id: &FrameworkId, id: &TaskId) -> Option<ExecutorId> {
        let executor = self.frameworks.get(framework_id)?.executor_of_task(id)?;
        Some(executor.id.clone())
    }

    fn is_idle(&self, framework_id: &FrameworkId) -> bool {
        self.frameworks.get(framework_id).is_some_and(Framework::is_idle)
    }

    /// An update that the agent makes itself.
    fn new_update(
        &self,
        framework_id: &FrameworkId,
        task_id: &TaskId,
        executor_id: Option<&ExecutorId>,
        state: TaskState,
        reason: Reason,
        message: impl Into<String>,
    ) -> StatusUpdate {
        create_status_update(New {
            framework_id,
            slave_id: &self.id,
            task_id,
            executor_id,
            state,
            reason,
            message: message.into(),
            uuid: (self.uuids)(),
        })
    }

    /// Mirrors `Slave::sendExitedExecutorMessage` in `src/slave/slave.cpp`.
    #[doc(alias = "Slave::sendExitedExecutorMessage")]
    fn send_exited_executor(
        &self,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        status: Option<i32>,
    ) {
        self.master.exited_executor(ExitedExecutorMessage {
            slave_id: self.id.clone(),
            framework_id: framework_id.clone(),
            executor_id: executor_id.clone(),
            status: status.unwrap_or(-1),
        });
    }
}

/// What older frameworks are told is TASK_LOST; others learn more.
fn unless_lost(framework: &FrameworkInfo, state: TaskState) -> TaskState {
    if crate::framework::has_capability(framework, Type::PartitionAware) {
        state
    } else {
        TaskState::TaskLost
    }
}

/// A failed or discarded future, in words.
fn problem<T>(future: &process::Future<T>) -> String {
    future.failure().unwrap_or("discarded").to_owned()
}

impl Actor for Slave {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.initialize(ctx);
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        terminate(&self.status_updates, false);
    }
}

process::process!(Slave);

macro_rules! handle {
    ($($message:ident => |$this:ident, $context:ident, $value:ident| $body:expr;)*) => {$(
        impl Handler<$message> for Slave {
            type Result = ();

            fn handle(&mut self, $value: $message, $context: &mut Context<Self>) {
                let $this = self;
                $body
            }
        }
    )*};
}

handle! {
    RunTask => |this, ctx, message| this.run_task(ctx, message.0);
    KillTask => |this, ctx, message| this.kill_task(ctx, message.0);
    ShutdownFramework => |this, ctx, message| this.shutdown_framework(ctx, &message.0.framework_id);
    ShutdownExecutor => |this, ctx, message| this.shutdown_executor(ctx, message.0);
    StatusUpdateAcknowledgement => |this, ctx, message| this.acknowledged(ctx, message.0);
    Shutdown => |this, ctx, message| this.shutdown(ctx, &message.0);
    RegisterExecutor =>
        |this, ctx, message| this.register_executor(ctx, message.message, message.executor);
    ExecutorStatusUpdate =>
        |this, ctx, it| this.status_update(ctx, it.message.update, Some(it.executor));
    Forward => |this, ctx, message| this.forward(ctx, message.0);
}

/// Ends the agent itself.
fn end(ctx: &mut Context<Slave>) {
    ctx.terminate();
}
