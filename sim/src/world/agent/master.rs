//! A stand-in for the master and its framework: sends one task, acknowledges what comes back.

use crate::oracle::Violation;
use crate::scenario::Scenario;
use actix::{Actor, Handler, Message};
use agent::messages::{KillTask, RunTask, ShutdownFramework, StatusUpdateAcknowledgement};
use agent::{MasterLink, Slave};
use mesos::container_info::DockerInfo;
use mesos::framework_info::{Capability, capability};
use mesos::internal::{
    ExitedExecutorMessage, KillTaskMessage, RunTaskMessage, ShutdownFrameworkMessage,
    StatusUpdateAcknowledgementMessage, StatusUpdateMessage,
};
use mesos::{
    CommandInfo, ContainerInfo, FrameworkId, FrameworkInfo, SlaveId, TaskId, TaskInfo, TaskState,
    container_info, resources,
};
use parking_lot::Mutex;
use process::{Context, Pid, Upid, find};
use std::sync::Arc;

fn framework_id() -> FrameworkId {
    "framework-1".into()
}

fn task_id() -> TaskId {
    "task-1".into()
}

/// The task that the scenario is about.
pub(super) fn task(scenario: &Scenario) -> TaskInfo {
    TaskInfo {
        name: "task".to_owned(),
        task_id: task_id(),
        slave_id: "agent-1".into(),
        resources: vec![resources::scalar("cpus", 0.5), resources::scalar("mem", 64.0)],
        command: Some(CommandInfo {
            value: Some("work".to_owned()),
            uris: crate::world::uris(&scenario.task),
            ..CommandInfo::default()
        }),
        container: Some(ContainerInfo {
            r#type: container_info::Type::Docker.into(),
            docker: Some(DockerInfo {
                image: scenario.image.reference.clone(),
                force_pull_image: Some(scenario.image.force_pull),
                ..DockerInfo::default()
            }),
            ..ContainerInfo::default()
        }),
        ..TaskInfo::default()
    }
}

#[derive(Default)]
struct Entries {
    /// Each update once: its uuid and state.
    updates: Vec<(Vec<u8>, TaskState)>,
    torn_down: bool,
}

/// What the framework has seen of its task.
#[derive(Clone, Default)]
pub(super) struct Record(Arc<Mutex<Entries>>);

impl Record {
    /// The terminal states that the task has had.
    pub(super) fn terminal_states(&self) -> Vec<TaskState> {
        let entries = self.0.lock();
        let states = entries.updates.iter().map(|(_, state)| *state);
        states.filter(|state| state.is_terminal()).collect()
    }

    fn add(&self, uuid: &[u8], state: TaskState) {
        let mut entries = self.0.lock();
        // An update is sent again until its acknowledgement has arrived.
        if entries.updates.iter().any(|(known, _)| known == uuid) {
            return;
        }
        process::note("update", || state.to_string());
        entries.updates.push((uuid.to_vec(), state));
    }

    /// I-UPD and I-ONE. An agent says no more of the tasks of a framework that was torn down.
    pub(super) fn check(&self, violations: &mut Vec<Violation>) {
        let terminal = self.terminal_states();
        let torn_down = self.0.lock().torn_down;
        let task = task_id();
        if terminal.is_empty() && !torn_down {
            violations.push(Violation::new(
                "I-UPD",
                "no terminal update",
                format!("task {task} was never reported to have ended: nothing is left that could happen"),
            ));
        }
        if terminal.len() > 1 {
            violations.push(Violation::new(
                "I-ONE",
                "several terminal updates",
                format!(
                    "task {task} was reported to have ended {} times: {terminal:?}",
                    terminal.len()
                ),
            ));
        }
    }
}

/// The master.
pub(super) struct Master {
    record: Record,
    task: TaskInfo,
    slave: Upid,
}

impl Actor for Master {
    type Context = Context<Self>;
}

process::process!(Master);

/// A status update, from the agent.
pub(super) struct Update(StatusUpdateMessage);

impl Message for Update {
    type Result = ();
}

impl Handler<Update> for Master {
    type Result = ();

    fn handle(&mut self, Update(message): Update, ctx: &mut Context<Self>) {
        let update = message.update;
        let uuid = update.uuid.clone().unwrap_or_default();
        self.record.add(&uuid, update.status.state());
        let acknowledgement = StatusUpdateAcknowledgementMessage {
            slave_id: SlaveId::new("agent-1"),
            framework_id: update.framework_id,
            task_id: update.status.task_id,
            uuid,
        };
        if let Some(slave) = self.slave() {
            slave.post(ctx.upid(), StatusUpdateAcknowledgement(acknowledgement));
        }
    }
}

impl Master {
    pub(super) fn new(record: Record, task: TaskInfo, slave: &str) -> Self {
        Master { record, task, slave: Upid::new(slave, "sim:0") }
    }

    /// Sends the task to the agent.
    pub(super) fn launch_task(&mut self, ctx: &mut Context<Self>) {
        let message = RunTaskMessage {
            framework: FrameworkInfo {
                user: "root".to_owned(),
                name: "framework".to_owned(),
                id: Some(framework_id()),
                capabilities: vec![Capability {
                    r#type: Some(capability::Type::TaskKillingState.into()),
                }],
                ..FrameworkInfo::default()
            },
            task: self.task.clone(),
            pid: Some("scheduler-1@10.0.0.2:5050".to_owned()),
            ..RunTaskMessage::default()
        };
        if let Some(slave) = self.slave() {
            slave.post(ctx.upid(), RunTask(message));
        }
    }

    fn slave(&self) -> Option<Pid<Slave>> {
        find::<Slave>(self.slave.id())
    }

    /// Passes the framework's kill on. As a real master, which forgets a task whose end was
    /// acknowledged and answers a kill of it by itself, it does not bother the agent then.
    pub(super) fn kill_task(&mut self, ctx: &mut Context<Self>) {
        if !self.record.terminal_states().is_empty() {
            return;
        }
        let message = KillTaskMessage {
            framework_id: framework_id(),
            task_id: task_id(),
            ..KillTaskMessage::default()
        };
        if let Some(slave) = self.slave() {
            slave.post(ctx.upid(), KillTask(message));
        }
    }

    pub(super) fn shutdown_framework(&mut self, ctx: &mut Context<Self>) {
        self.record.0.lock().torn_down = true;
        let message = ShutdownFrameworkMessage { framework_id: framework_id() };
        if let Some(slave) = self.slave() {
            slave.post(ctx.upid(), ShutdownFramework(message));
        }
    }
}

/// The agent's way to the master.
pub(super) struct Link {
    master: Pid<Master>,
    slave: Upid,
}

impl Link {
    pub(super) fn new(master: &Pid<Master>, slave: &str) -> Self {
        Link { master: master.clone(), slave: Upid::new(slave, "sim:0") }
    }
}

impl MasterLink for Link {
    fn status_update(&self, message: StatusUpdateMessage) {
        self.master.post(&self.slave, Update(message));
    }

    fn exited_executor(&self, message: ExitedExecutorMessage) {
        process::note("executor", || format!("exited with {}", message.status));
    }
}
