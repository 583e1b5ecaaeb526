//! The master of a run, and its framework: gives the agent one task, acknowledges what comes back.

use super::event::Event;
use actix::{Actor, Handler, Message};
use agent::messages::{KillTask, RunTask, StatusUpdateAcknowledgement};
use agent::{MasterLink, Slave};
use mesos::framework_info::{Capability, capability};
use mesos::internal::{
    ExitedExecutorMessage, KillTaskMessage, RunTaskMessage, StatusUpdateAcknowledgementMessage,
    StatusUpdateMessage,
};
use mesos::{FrameworkId, FrameworkInfo, SlaveId, TaskInfo};
use process::{Context, Pid, find};
use std::sync::mpsc::Sender;

/// The master's process.
pub struct Master {
    slave: &'static str,
    agent: SlaveId,
    framework: FrameworkInfo,
    task: TaskInfo,
    events: Sender<Event>,
    /// The uuids of the updates that were passed on.
    seen: Vec<Vec<u8>>,
}

impl Actor for Master {
    type Context = Context<Self>;
}

process::process!(Master);

/// A status update, from the agent.
struct Update(StatusUpdateMessage);

impl Message for Update {
    type Result = ();
}

impl Handler<Update> for Master {
    type Result = ();

    fn handle(&mut self, Update(message): Update, _: &mut Context<Self>) {
        let update = message.update;
        let uuid = update.uuid.clone().unwrap_or_default();
        // It comes again until the acknowledgement has arrived.
        if !self.seen.contains(&uuid) {
            self.seen.push(uuid.clone());
            // The command line may have given up.
            let _ = self.events.send(Event::Update(Box::new(update.clone())));
        }
        let acknowledgement = StatusUpdateAcknowledgementMessage {
            slave_id: self.agent.clone(),
            framework_id: update.framework_id,
            task_id: update.status.task_id,
            uuid,
        };
        if let Some(slave) = self.slave() {
            slave.tell(StatusUpdateAcknowledgement(acknowledgement));
        }
    }
}

impl Master {
    /// A master for the agent whose process is called `slave`.
    pub fn new(
        slave: &'static str,
        agent: SlaveId,
        framework: FrameworkInfo,
        task: TaskInfo,
        events: Sender<Event>,
    ) -> Self {
        Master { slave, agent, framework, task, events, seen: Vec::new() }
    }

    fn slave(&self) -> Option<Pid<Slave>> {
        find::<Slave>(self.slave)
    }

    /// Sends the task to the agent.
    pub fn launch_task(&mut self, _: &mut Context<Self>) {
        let message = RunTaskMessage {
            framework: self.framework.clone(),
            task: self.task.clone(),
            pid: Some(String::new()),
            ..RunTaskMessage::default()
        };
        if let Some(slave) = self.slave() {
            slave.tell(RunTask(message));
        }
    }

    /// Has the agent kill the task.
    pub fn kill_task(&mut self, _: &mut Context<Self>) {
        let message = KillTaskMessage {
            framework_id: self.framework.id.clone().unwrap_or_default(),
            task_id: self.task.task_id.clone(),
            ..KillTaskMessage::default()
        };
        if let Some(slave) = self.slave() {
            slave.tell(KillTask(message));
        }
    }
}

/// The framework that the task belongs to. It knows TASK_KILLING, as mesos-execute does.
pub fn framework(id: FrameworkId, user: String) -> FrameworkInfo {
    let killing = Capability { r#type: Some(capability::Type::TaskKillingState.into()) };
    FrameworkInfo {
        user,
        name: "drydock run".to_owned(),
        id: Some(id),
        capabilities: vec![killing],
        ..FrameworkInfo::default()
    }
}

/// The agent's way to the master.
pub struct Link(
    /// The master.
    pub Pid<Master>,
);

impl MasterLink for Link {
    fn status_update(&self, message: StatusUpdateMessage) {
        self.0.tell(Update(message));
    }

    /// Only of executors that frameworks bring themselves.
    fn exited_executor(&self, _: ExitedExecutorMessage) {}
}
