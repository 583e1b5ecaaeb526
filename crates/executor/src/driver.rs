//! The executor driver: registers with the agent, keeps what the agent has not acknowledged.
//!
//! Mirrors `ExecutorProcess` in `src/exec/exec.cpp` as far as a docker executor needs it: no
//! re-registration with a restarted agent yet, no framework messages.

use crate::docker_executor::{self, DockerExecutorProcess};
use crate::links::{AgentLink, ExecutorLink};
use crate::{Die, Environment, SIGABRT, SIGKILL, Uuids};
use actix::{Actor, ActorContext, Handler, Message};
use indexmap::IndexMap;
use mesos::internal::{
    ExecutorRegisteredMessage, KillTaskMessage, RegisterExecutorMessage, RunTaskMessage,
    ShutdownExecutorMessage, StatusUpdate, StatusUpdateAcknowledgementMessage, StatusUpdateMessage,
};
use mesos::{TaskId, TaskInfo, TaskStatus, duration::Pretty};
use process::{Context, Pid, Upid, clock};
use slog::{Logger, crit, debug, info, warn};
use std::sync::Arc;

/// The executor's end of the connection to the agent; see the [module](self).
#[doc(alias = "ExecutorProcess")]
pub struct ExecutorDriver {
    environment: Environment,
    /// `None` when there is nobody at the agent's address.
    agent: Option<Arc<dyn AgentLink>>,
    executor: Pid<DockerExecutorProcess>,
    uuids: Uuids,
    die: Die,
    log: Logger,

    /// How the agent reaches this driver.
    link: Option<Arc<dyn ExecutorLink>>,
    /// Registered with the agent.
    connected: bool,
    /// Nothing that the agent sends counts any more.
    aborted: bool,
    /// Status updates that were not acknowledged yet, by uuid.
    updates: IndexMap<Vec<u8>, StatusUpdate>,
    /// Tasks of which no update was acknowledged yet.
    tasks: IndexMap<TaskId, TaskInfo>,
}

impl ExecutorDriver {
    pub(crate) fn new(
        environment: Environment,
        agent: Option<Arc<dyn AgentLink>>,
        executor: Pid<DockerExecutorProcess>,
        uuids: Uuids,
        die: Die,
        log: Logger,
    ) -> Self {
        ExecutorDriver {
            environment,
            agent,
            executor,
            uuids,
            die,
            log,
            link: None,
            connected: false,
            aborted: false,
            updates: IndexMap::new(),
            tasks: IndexMap::new(),
        }
    }

    /// Registers with the agent: once, a lost registration is the agent's timeout to notice.
    ///
    /// Mirrors `ExecutorProcess::initialize` in `src/exec/exec.cpp`.
    #[doc(alias = "ExecutorProcess::initialize")]
    fn register(&mut self, ctx: &mut Context<Self>) {
        let Some(agent) = self.agent.clone() else {
            return self.agent_exited(ctx);
        };
        let link: Arc<dyn ExecutorLink> =
            Arc::new(Link { driver: ctx.pid().clone(), agent: agent.upid().clone() });
        self.link = Some(Arc::clone(&link));

        let (pid, upid) = (ctx.pid().clone(), agent.upid().clone());
        agent.exited().on_any(move |_| pid.post(&upid, AgentExited));

        let message = RegisterExecutorMessage {
            framework_id: self.environment.framework_id.clone(),
            executor_id: self.environment.executor_id.clone(),
        };
        agent.register(message, link);
    }

    /// Mirrors `ExecutorProcess::registered` in `src/exec/exec.cpp`.
    #[doc(alias = "ExecutorProcess::registered")]
    fn registered(&mut self, ctx: &mut Context<Self>, message: ExecutorRegisteredMessage) {
        if self.aborted {
            debug!(self.log, "Ignoring registered message because the driver is aborted!");
            return;
        }
        info!(self.log, "Executor registered on agent {}", message.slave_id);
        self.connected = true;
        self.executor.tell(docker_executor::Registered {
            driver: ctx.pid().clone(),
            framework_info: message.framework_info,
            slave_info: message.slave_info,
        });
    }

    /// Mirrors `ExecutorProcess::runTask` in `src/exec/exec.cpp`.
    #[doc(alias = "ExecutorProcess::runTask")]
    fn run_task(&mut self, ctx: &mut Context<Self>, task: TaskInfo) {
        let task_id = &task.task_id;
        if self.aborted {
            debug!(
                self.log,
                "Ignoring run task message for task {task_id} because the driver is aborted!"
            );
            return;
        }
        if !self.connected {
            warn!(
                self.log,
                "Ignoring run task message for task {task_id} because the driver is disconnected!"
            );
            return;
        }
        if self.tasks.contains_key(task_id) {
            let message = format!("Unexpected duplicate task {task_id}");
            return self.abort(ctx, &message);
        }
        self.tasks.insert(task_id.clone(), task.clone());
        self.executor.tell(docker_executor::LaunchTask(task));
    }

    /// Passes a kill on, connected or not: the executor may have to react even before it is
    /// registered.
    ///
    /// Mirrors `ExecutorProcess::killTask` in `src/exec/exec.cpp`.
    #[doc(alias = "ExecutorProcess::killTask")]
    fn kill_task(&mut self, ctx: &mut Context<Self>, message: KillTaskMessage) {
        let task_id = message.task_id;
        if self.aborted {
            debug!(
                self.log,
                "Ignoring kill task message for task {task_id} because the driver is aborted!"
            );
            return;
        }
        if !self.connected {
            warn!(
                self.log,
                "Executor received kill task message for task {task_id} while disconnected from \
                 the agent!"
            );
        }
        self.executor.tell(docker_executor::KillTask {
            driver: ctx.pid().clone(),
            task_id,
            kill_policy: message.kill_policy,
        });
    }

    /// Mirrors `ExecutorProcess::statusUpdateAcknowledgement` in `src/exec/exec.cpp`.
    #[doc(alias = "ExecutorProcess::statusUpdateAcknowledgement")]
    fn acknowledged(
        &mut self,
        ctx: &mut Context<Self>,
        message: &StatusUpdateAcknowledgementMessage,
    ) {
        let task_id = &message.task_id;
        if self.aborted {
            debug!(
                self.log,
                "Ignoring status update acknowledgement for task {task_id} because the driver is \
                 aborted!"
            );
            return;
        }
        if !self.connected {
            warn!(
                self.log,
                "Ignoring status update acknowledgement for task {task_id} because the driver is \
                 disconnected!"
            );
            return;
        }
        // differs: upstream aborts on bytes that are no uuid; here they are merely unknown.
        let Some(update) = self.updates.shift_remove(&message.uuid) else {
            warn!(self.log, "Ignoring unknown status update acknowledgement for task {task_id}");
            return;
        };

        // The docker executor does not hear of acknowledgements, so it is the driver that notices
        // when it has nothing left to do (MESOS-9847).
        if update.status.state().is_terminal() {
            ctx.pid().tell(Stop);
        }
        self.tasks.shift_remove(task_id);
    }

    /// The agent wants this executor gone: tells it, and kills the whole program when it is still
    /// there after the grace period.
    ///
    /// Mirrors `ExecutorProcess::shutdown` in `src/exec/exec.cpp`.
    #[doc(alias = "ExecutorProcess::shutdown")]
    fn shutdown(&mut self, ctx: &mut Context<Self>) {
        if self.aborted {
            debug!(self.log, "Ignoring shutdown message because the driver is aborted!");
            return;
        }
        info!(self.log, "Executor asked to shutdown");
        self.shut_down_executor(ctx);
    }

    fn shut_down_executor(&mut self, ctx: &mut Context<Self>) {
        // Upstream has a process of its own for this; it lives as long as this one.
        ctx.delay(self.environment.shutdown_grace_period, "ShutdownProcess::kill", |this, ctx| {
            this.kill(ctx)
        });
        self.executor.tell(docker_executor::Shutdown { driver: ctx.pid().clone() });
        self.aborted = true;
    }

    /// Mirrors `ShutdownProcess::kill` in `src/exec/exec.cpp`.
    #[doc(alias = "ShutdownProcess::kill")]
    fn kill(&mut self, ctx: &mut Context<Self>) {
        info!(self.log, "Committing suicide by killing the process group");
        (self.die)(SIGKILL, ctx.upid());
        ctx.terminate();
    }

    /// The agent has gone. An executor of a framework that checkpoints waits for it to come back.
    ///
    /// Mirrors `ExecutorProcess::exited` in `src/exec/exec.cpp`.
    #[doc(alias = "ExecutorProcess::exited")]
    fn agent_exited(&mut self, ctx: &mut Context<Self>) {
        if self.aborted {
            debug!(self.log, "Ignoring exited event because the driver is aborted!");
            return;
        }
        if self.environment.checkpoint && self.connected {
            self.connected = false;
            let timeout = self.environment.recovery_timeout;
            info!(
                self.log,
                "Agent exited, but framework has checkpointing enabled. Waiting {} to reconnect \
                 with agent {}",
                Pretty(timeout),
                self.environment.slave_id
            );
            ctx.delay(timeout, "ExecutorDriver::recovery_timeout", |this, ctx| {
                this.recovery_timeout(ctx);
            });
            return;
        }
        info!(self.log, "Agent exited ... shutting down");
        self.connected = false;
        self.shut_down_executor(ctx);
    }

    /// Mirrors `ExecutorProcess::_recoveryTimeout` in `src/exec/exec.cpp`.
    #[doc(alias = "ExecutorProcess::_recoveryTimeout")]
    fn recovery_timeout(&mut self, ctx: &mut Context<Self>) {
        if self.connected {
            return;
        }
        info!(
            self.log,
            "Recovery timeout of {} exceeded; Shutting down",
            Pretty(self.environment.recovery_timeout)
        );
        self.shutdown(ctx);
    }

    /// Mirrors `ExecutorProcess::sendStatusUpdate` in `src/exec/exec.cpp`.
    #[doc(alias = "ExecutorProcess::sendStatusUpdate")]
    fn send_status_update(&mut self, ctx: &mut Context<Self>, mut status: TaskStatus) {
        let uuid = (self.uuids)().to_vec();
        let timestamp = clock::now().secs();
        status.timestamp = Some(timestamp);
        status.uuid = Some(uuid.clone());
        status.slave_id = Some(self.environment.slave_id.clone());

        let update = StatusUpdate {
            framework_id: self.environment.framework_id.clone(),
            executor_id: Some(self.environment.executor_id.clone()),
            slave_id: Some(self.environment.slave_id.clone()),
            status,
            timestamp,
            uuid: Some(uuid.clone()),
            latest_state: None,
        };
        debug!(self.log, "Executor sending status update {}", update.status.state());
        self.updates.insert(uuid, update.clone());

        if let (Some(agent), Some(link)) = (&self.agent, &self.link) {
            let message = StatusUpdateMessage { update, pid: Some(ctx.upid().to_string()) };
            agent.status_update(message, Arc::clone(link));
        }
    }

    fn abort(&mut self, ctx: &mut Context<Self>, message: &str) {
        crit!(self.log, "{message}");
        (self.die)(SIGABRT, ctx.upid());
        ctx.terminate();
    }
}

impl Actor for ExecutorDriver {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.register(ctx);
    }
}

process::process!(ExecutorDriver);

/// The [`ExecutorLink`] of a driver.
struct Link {
    driver: Pid<ExecutorDriver>,
    agent: Upid,
}

impl ExecutorLink for Link {
    fn upid(&self) -> &Upid {
        self.driver.upid()
    }

    fn registered(&self, message: ExecutorRegisteredMessage) {
        self.driver.post(&self.agent, Registered(message));
    }

    fn run_task(&self, message: RunTaskMessage) {
        self.driver.post(&self.agent, RunTask(message));
    }

    fn kill_task(&self, message: KillTaskMessage) {
        self.driver.post(&self.agent, KillTask(message));
    }

    fn shutdown(&self, message: ShutdownExecutorMessage) {
        self.driver.post(&self.agent, ShutdownExecutor(message));
    }

    fn acknowledge(&self, message: StatusUpdateAcknowledgementMessage) {
        self.driver.post(&self.agent, Acknowledgement(message));
    }
}

/// Report the state of a task to the agent.
pub struct SendStatusUpdate(
    /// The state; uuid, timestamp and agent are filled in.
    pub TaskStatus,
);

/// End the driver, and with it the program.
///
/// Mirrors `ExecutorProcess::stop` in `src/exec/exec.cpp`.
#[doc(alias = "ExecutorProcess::stop")]
pub struct Stop;

struct Registered(ExecutorRegisteredMessage);
struct RunTask(RunTaskMessage);
struct KillTask(KillTaskMessage);
struct ShutdownExecutor(
    #[expect(dead_code, reason = "has no content for a driver")] ShutdownExecutorMessage,
);
struct Acknowledgement(StatusUpdateAcknowledgementMessage);
struct AgentExited;

macro_rules! handle {
    ($($message:ident => |$this:ident, $context:ident, $value:pat_param| $body:expr;)*) => {$(
        impl Message for $message {
            type Result = ();
        }

        impl Handler<$message> for ExecutorDriver {
            type Result = ();

            fn handle(&mut self, $value: $message, $context: &mut Context<Self>) {
                let $this = self;
                $body
            }
        }
    )*};
}

handle! {
    Registered => |this, ctx, message| this.registered(ctx, message.0);
    RunTask => |this, ctx, message| this.run_task(ctx, message.0.task);
    KillTask => |this, ctx, message| this.kill_task(ctx, message.0);
    ShutdownExecutor => |this, ctx, _| this.shutdown(ctx);
    Acknowledgement => |this, ctx, message| this.acknowledged(ctx, &message.0);
    AgentExited => |this, ctx, _| this.agent_exited(ctx);
    SendStatusUpdate => |this, ctx, message| this.send_status_update(ctx, message.0);
    Stop => |_this, ctx, _| ctx.terminate();
}
