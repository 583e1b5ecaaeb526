//! `TaskStatusUpdateManagerProcess`: delivers the status updates of each task in order, each until
//! it is acknowledged.
//!
//! Mirrors `src/slave/task_status_update_manager.cpp`, without its files.

use actix::{Actor, Handler, Message};
use mesos::internal::StatusUpdate;
use mesos::{FrameworkId, TaskId};
use process::{Context, Future, Nothing, Timeout};
use slog::{Logger, debug, info, warn};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// When an update is sent again for the first time.
pub const STATUS_UPDATE_RETRY_INTERVAL_MIN: Duration = Duration::from_secs(10);

/// How far apart repetitions get.
pub const STATUS_UPDATE_RETRY_INTERVAL_MAX: Duration = Duration::from_secs(10 * 60);

/// Where updates go. Only posts.
pub(crate) type ForwardTo = Arc<dyn Fn(StatusUpdate) + Send + Sync>;

/// Delivers the status updates of each task in order, each until it is acknowledged.
pub struct TaskStatusUpdateManagerProcess {
    log: Logger,
    forward: Option<ForwardTo>,
    streams: BTreeMap<FrameworkId, BTreeMap<TaskId, Stream>>,
}

/// The updates of one task.
#[doc(alias = "TaskStatusUpdateStream")]
struct Stream {
    /// Whether the framework checkpoints. Updates of both kinds do not mix.
    checkpoint: bool,
    /// A terminal update was acknowledged.
    terminated: bool,
    /// Only the first one is in flight.
    pending: VecDeque<StatusUpdate>,
    received: BTreeSet<Vec<u8>>,
    acknowledged: BTreeSet<Vec<u8>>,
    /// When the first one is sent again.
    timeout: Option<Timeout>,
}

impl Stream {
    /// Mirrors `TaskStatusUpdateStream::update` in `src/slave/task_status_update_manager.cpp`.
    /// Whether the update is a new one.
    #[doc(alias = "TaskStatusUpdateStream::update")]
    fn update(&mut self, update: &StatusUpdate, log: &Logger) -> Result<bool, String> {
        let Some(uuid) = &update.uuid else {
            return Err("Task status update is missing 'uuid'".to_owned());
        };
        let task_id = &update.status.task_id;
        if self.acknowledged.contains(uuid) {
            warn!(
                log,
                "Ignoring a status update of task {task_id} that has already been acknowledged by \
                 the framework!"
            );
            return Ok(false);
        }
        if !self.received.insert(uuid.clone()) {
            warn!(log, "Ignoring a duplicate status update of task {task_id}");
            return Ok(false);
        }
        self.pending.push_back(update.clone());
        Ok(true)
    }

    /// Mirrors `TaskStatusUpdateStream::acknowledgement` in
    /// `src/slave/task_status_update_manager.cpp`. Whether it was for the first pending update.
    #[doc(alias = "TaskStatusUpdateStream::acknowledgement")]
    fn acknowledgement(&mut self, uuid: &[u8]) -> bool {
        // Both can happen when an update was repeated and then acknowledged twice.
        if self.acknowledged.contains(uuid)
            || self.pending.front().is_none_or(|update| update.uuid() != uuid)
        {
            return false;
        }
        if let Some(update) = self.pending.pop_front() {
            self.acknowledged.insert(uuid.to_vec());
            self.terminated |= update.status.state().is_terminal();
        }
        true
    }
}

impl TaskStatusUpdateManagerProcess {
    pub(crate) fn new(log: Logger) -> Self {
        TaskStatusUpdateManagerProcess { log, forward: None, streams: BTreeMap::new() }
    }

    /// Mirrors `TaskStatusUpdateManagerProcess::_update` in
    /// `src/slave/task_status_update_manager.cpp`.
    #[doc(alias = "TaskStatusUpdateManagerProcess::_update")]
    fn update(
        &mut self,
        ctx: &mut Context<Self>,
        update: &StatusUpdate,
        checkpoint: bool,
    ) -> Future<Nothing> {
        let task_id = &update.status.task_id;
        debug!(self.log, "Received task status update {} of task {task_id}", update.status.state());

        let streams = self.streams.entry(update.framework_id.clone()).or_default();
        let stream = streams.entry(task_id.clone()).or_insert_with(|| Stream {
            checkpoint,
            terminated: false,
            pending: VecDeque::new(),
            received: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            timeout: None,
        });
        if stream.checkpoint != checkpoint {
            return Future::failed(format!(
                "Mismatched checkpoint value for a status update of task {task_id} (expected \
                 checkpoint={} actual checkpoint={checkpoint})",
                stream.checkpoint
            ));
        }
        match stream.update(update, &self.log) {
            Err(problem) => return Future::failed(problem),
            // Not a failure: the executor repeats it because it missed the acknowledgement.
            Ok(false) => return Future::ready(Nothing),
            Ok(true) => {}
        }
        if stream.pending.len() == 1 {
            let timeout = forward(&self.forward, ctx, update, STATUS_UPDATE_RETRY_INTERVAL_MIN);
            stream.timeout = Some(timeout);
        }
        Future::ready(Nothing)
    }

    /// Ready with whether there can be more updates of the task.
    ///
    /// Mirrors `TaskStatusUpdateManagerProcess::acknowledgement` in
    /// `src/slave/task_status_update_manager.cpp`.
    #[doc(alias = "TaskStatusUpdateManagerProcess::acknowledgement")]
    fn acknowledgement(
        &mut self,
        ctx: &mut Context<Self>,
        framework_id: &FrameworkId,
        task_id: &TaskId,
        uuid: &[u8],
    ) -> Future<bool> {
        debug!(self.log, "Received task status update acknowledgement for task {task_id}");
        let streams = self.streams.get_mut(framework_id);
        let Some(stream) = streams.and_then(|streams| streams.get_mut(task_id)) else {
            return Future::failed(format!(
                "Cannot find the task status update stream for task {task_id} of framework \
                 {framework_id}"
            ));
        };
        if stream.pending.is_empty() {
            return Future::failed(format!(
                "Unexpected task status update acknowledgment for task {task_id} of framework \
                 {framework_id}"
            ));
        }
        if !stream.acknowledgement(uuid) {
            return Future::failed("Duplicate task status acknowledgement");
        }

        stream.timeout = None;
        let terminated = stream.terminated;
        if terminated {
            if !stream.pending.is_empty() {
                warn!(
                    self.log,
                    "Acknowledged a terminal status update of task {task_id} but updates are still \
                     pending"
                );
            }
            self.clean_up_stream(framework_id, task_id);
        } else if let Some(next) = stream.pending.front() {
            let timeout = forward(&self.forward, ctx, next, STATUS_UPDATE_RETRY_INTERVAL_MIN);
            stream.timeout = Some(timeout);
        }
        Future::ready(!terminated)
    }

    /// Sends what was not acknowledged in time again, twice as long after the last time.
    ///
    /// Mirrors `TaskStatusUpdateManagerProcess::timeout` in
    /// `src/slave/task_status_update_manager.cpp`.
    #[doc(alias = "TaskStatusUpdateManagerProcess::timeout")]
    fn timeout(&mut self, ctx: &mut Context<Self>, duration: Duration) {
        for stream in self.streams.values_mut().flat_map(BTreeMap::values_mut) {
            let Some(update) = stream.pending.front() else { continue };
            // As upstream every timer looks at every stream, so the interval that is doubled may
            // be another stream's.
            if stream.timeout.is_some_and(Timeout::expired) {
                warn!(self.log, "Resending a status update of task {}", update.status.task_id);
                let duration = (duration * 2).min(STATUS_UPDATE_RETRY_INTERVAL_MAX);
                stream.timeout = Some(forward(&self.forward, ctx, update, duration));
            }
        }
    }

    /// Mirrors `TaskStatusUpdateManagerProcess::cleanup` in
    /// `src/slave/task_status_update_manager.cpp`.
    #[doc(alias = "TaskStatusUpdateManagerProcess::cleanup")]
    fn clean_up(&mut self, framework_id: &FrameworkId) {
        info!(self.log, "Closing task status update streams for framework {framework_id}");
        self.streams.remove(framework_id);
    }

    #[doc(alias = "TaskStatusUpdateManagerProcess::cleanupStatusUpdateStream")]
    fn clean_up_stream(&mut self, framework_id: &FrameworkId, task_id: &TaskId) {
        if let Some(streams) = self.streams.get_mut(framework_id) {
            streams.remove(task_id);
            if streams.is_empty() {
                self.streams.remove(framework_id);
            }
        }
    }
}

/// Sends an update, and arms the timer that will send it again.
///
/// Mirrors `TaskStatusUpdateManagerProcess::forward` in
/// `src/slave/task_status_update_manager.cpp`.
#[doc(alias = "TaskStatusUpdateManagerProcess::forward")]
fn forward(
    to: &Option<ForwardTo>,
    ctx: &Context<TaskStatusUpdateManagerProcess>,
    update: &StatusUpdate,
    duration: Duration,
) -> Timeout {
    if let Some(to) = to {
        to(update.clone());
    }
    let timer = ctx.delay(duration, "TaskStatusUpdateManagerProcess::timeout", move |this, ctx| {
        this.timeout(ctx, duration)
    });
    timer.timeout()
}

impl Actor for TaskStatusUpdateManagerProcess {
    type Context = Context<Self>;
}

process::process!(TaskStatusUpdateManagerProcess);

/// Where updates go from now on.
pub(crate) struct Initialize(pub(crate) ForwardTo);

impl Message for Initialize {
    type Result = ();
}

impl Handler<Initialize> for TaskStatusUpdateManagerProcess {
    type Result = ();

    fn handle(&mut self, message: Initialize, _: &mut Context<Self>) {
        self.forward = Some(message.0);
    }
}

/// Deliver an update. Ready once it will be.
pub(crate) struct Update {
    pub(crate) update: StatusUpdate,
    pub(crate) checkpoint: bool,
}

impl Message for Update {
    type Result = Future<Nothing>;
}

impl Handler<Update> for TaskStatusUpdateManagerProcess {
    type Result = Future<Nothing>;

    fn handle(&mut self, message: Update, ctx: &mut Context<Self>) -> Future<Nothing> {
        self.update(ctx, &message.update, message.checkpoint)
    }
}

/// An update has arrived. Ready with whether there can be more.
pub(crate) struct Acknowledge {
    pub(crate) framework_id: FrameworkId,
    pub(crate) task_id: TaskId,
    pub(crate) uuid: Vec<u8>,
}

impl Message for Acknowledge {
    type Result = Future<bool>;
}

impl Handler<Acknowledge> for TaskStatusUpdateManagerProcess {
    type Result = Future<bool>;

    fn handle(&mut self, message: Acknowledge, ctx: &mut Context<Self>) -> Future<bool> {
        self.acknowledgement(ctx, &message.framework_id, &message.task_id, &message.uuid)
    }
}

/// Forget all updates of a framework.
pub(crate) struct CleanUp(pub(crate) FrameworkId);

impl Message for CleanUp {
    type Result = ();
}

impl Handler<CleanUp> for TaskStatusUpdateManagerProcess {
    type Result = ();

    fn handle(&mut self, message: CleanUp, _: &mut Context<Self>) {
        self.clean_up(&message.0);
    }
}
