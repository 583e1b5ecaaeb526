//! From the launch of the task to the end of its container, whatever happens in between.
//!
//! As upstream, an agent that is to kill a task whose executor has not registered reports it as
//! killed at once and lets the launch go on. This program does not outlive its task, so it then
//! does what an agent does that shuts an executor down: it destroys the container.

use super::event::Event;
use super::house::House;
use super::output::Output;

use containerizer::Containerizer;
use containerizer::docker::State;
use docker::Docker;
use mesos::ContainerId;
use mesos::internal::StatusUpdate;
use process::{Outcome, Time, clock};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How much longer than its grace period a kill may take before the container is destroyed: the
/// executor may first have to find the container, for five seconds, and Docker to end it.
const KILL_MARGIN: Duration = Duration::from_secs(10);

/// How long an executor may go on after its task's last update.
const END_LIMIT: Duration = Duration::from_secs(10);

/// How long a destroy may take.
const DESTROY_LIMIT: Duration = Duration::from_secs(20);

/// How long Docker may take to remove a container.
const REMOVE_LIMIT: Duration = Duration::from_secs(60);

/// The same after a second Ctrl-C, for each of several attempts.
const HASTY_REMOVE_LIMIT: Duration = Duration::from_secs(2);

/// How long Docker may take to let go of a pull that was ended.
const LET_GO_LIMIT: Duration = Duration::from_secs(2);

/// A request to create a container goes on in Docker when nobody waits for it any more. So long,
/// and so often, a hasty end looks whether one has appeared.
const APPEAR_INTERVAL: Duration = Duration::from_millis(250);
const APPEAR_ATTEMPTS: u32 = 4;

/// What to do when the time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Kill,
    Destroy,
    GiveUp,
}

/// How it came to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The task has ended, and its container.
    Orderly,
    /// There was no time to wait for that.
    Hasty,
}

/// A task under way.
pub struct Watch<'a> {
    house: &'a House,
    events: &'a Receiver<Event>,
    output: &'a mut Output,
    start: Time,
    next: Option<(Time, Step)>,
    interrupted: bool,
    terminal: bool,
    live: BTreeSet<ContainerId>,
    /// All containers that may exist in Docker.
    started: BTreeSet<ContainerId>,
}

impl<'a> Watch<'a> {
    /// Launches the task.
    pub fn launch(
        house: &'a House,
        events: &'a Receiver<Event>,
        output: &'a mut Output,
        kill_after: Option<Duration>,
    ) -> Self {
        let start = clock::now();
        house.master.run("Master::launch_task", |master, ctx| master.launch_task(ctx));
        Watch {
            house,
            events,
            output,
            start,
            next: kill_after.map(|after| (start + after, Step::Kill)),
            interrupted: false,
            terminal: false,
            live: BTreeSet::new(),
            started: BTreeSet::new(),
        }
    }

    /// Waits for the end of the task and of its container, then cleans up. Returns how long it
    /// took.
    pub fn finish(mut self, keep: bool) -> Duration {
        let end = self.watch();
        self.house.agent.kill();
        if end == End::Hasty || !keep {
            self.remove_containers(end);
        }
        self.leave_pulls(end);
        clock::now() - self.start
    }

    fn watch(&mut self) -> End {
        loop {
            let wait = self.next.map(|(at, _)| at - clock::now());
            let event = match wait {
                None => self.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => self.events.recv_timeout(wait),
            };
            let flow = match event {
                Ok(event) => self.handle(event),
                Err(RecvTimeoutError::Timeout) => match self.next.take() {
                    Some((_, step)) => self.take(step),
                    None => ControlFlow::Continue(()),
                },
                // The handlers of signals and panics hold senders for ever.
                Err(RecvTimeoutError::Disconnected) => ControlFlow::Break(End::Hasty),
            };
            if let ControlFlow::Break(end) = flow {
                return end;
            }
            if self.terminal && self.live.is_empty() {
                return End::Orderly;
            }
        }
    }

    fn handle(&mut self, event: Event) -> ControlFlow<End> {
        match event {
            Event::Container(id, state) => self.container(id, state),
            Event::Erased(id) => {
                self.live.remove(&id);
                self.output.pulled();
                ControlFlow::Continue(())
            }
            Event::Update(update) => self.update(&update),
            Event::Signal if self.interrupted => {
                self.output.note("ending at once");
                ControlFlow::Break(End::Hasty)
            }
            Event::Signal => {
                self.interrupted = true;
                self.output.note("killing the task; Ctrl-C again ends at once");
                self.take(if self.terminal { Step::Destroy } else { Step::Kill })
            }
            Event::Panicked => ControlFlow::Break(End::Hasty),
        }
    }

    fn container(&mut self, id: ContainerId, state: State) -> ControlFlow<End> {
        match state {
            State::Fetching => {
                let sandbox = self.house.sandbox(&id);
                self.output.launched(docker_name(&id), sandbox);
                self.live.insert(id);
                // Killed before it was launched.
                if self.terminal {
                    return self.take(Step::Destroy);
                }
            }
            State::Pulling => {}
            State::Running => {
                self.output.pulled();
                self.started.insert(id);
            }
            State::Mounting | State::Destroying => self.output.pulled(),
        }
        ControlFlow::Continue(())
    }

    fn update(&mut self, update: &StatusUpdate) -> ControlFlow<End> {
        let row = self.output.update(clock::now() - self.start, update);
        let killed_during_launch = row.is_killed_during_launch();
        if !update.status.state().is_terminal() {
            return ControlFlow::Continue(());
        }
        self.terminal = true;
        if killed_during_launch {
            return self.take(Step::Destroy);
        }
        self.next = Some((clock::now() + END_LIMIT, Step::Destroy));
        ControlFlow::Continue(())
    }

    /// Does something about a task or container that ought to end, and plans what to do if it
    /// does not.
    fn take(&mut self, step: Step) -> ControlFlow<End> {
        let (limit, then) = match step {
            Step::Kill if self.terminal => return ControlFlow::Continue(()),
            Step::Kill => {
                self.house.master.run("Master::kill_task", |master, ctx| master.kill_task(ctx));
                (self.house.grace_period + KILL_MARGIN, Step::Destroy)
            }
            Step::Destroy => {
                for id in &self.live {
                    self.house.containerizer.destroy(id);
                }
                (DESTROY_LIMIT, Step::GiveUp)
            }
            Step::GiveUp => {
                self.output.note("the container did not end in time");
                return ControlFlow::Break(End::Hasty);
            }
        };
        self.next = Some((clock::now() + limit, then));
        ControlFlow::Continue(())
    }

    /// Says so when Docker goes on with a pull that nobody wants any more.
    fn leave_pulls(&mut self, end: End) {
        for pull in self.house.engine.lingering_pulls() {
            let limit = if end == End::Hasty { Duration::ZERO } else { LET_GO_LIMIT };
            if pull.released.wait(limit) != Some(Outcome::Ready(true)) {
                self.output.note(&format!(
                    "Docker may go on pulling {} until the registry answers",
                    pull.reference
                ));
            }
        }
    }

    /// Removes the containers from Docker.
    fn remove_containers(&mut self, end: End) {
        if end == End::Hasty {
            // Ends a pull, a fetch, an executor, whichever there is.
            let destroyed: Vec<_> =
                self.live.iter().map(|id| self.house.containerizer.destroy(id)).collect();
            for future in destroyed {
                future.wait(HASTY_REMOVE_LIMIT);
            }
            self.started.extend(std::mem::take(&mut self.live));
        }
        for id in std::mem::take(&mut self.started) {
            let name = docker_name(&id);
            let limit = if end == End::Hasty { HASTY_REMOVE_LIMIT } else { REMOVE_LIMIT };
            let mut removed = self.remove(&name, limit);
            for _ in 0..if end == End::Hasty { APPEAR_ATTEMPTS } else { 0 } {
                // Nobody completes this one: a pause, unless the user cannot wait.
                if let Ok(Event::Signal) = self.events.recv_timeout(APPEAR_INTERVAL) {
                    break;
                }
                removed = self.remove(&name, limit);
            }
            if let Err(problem) = removed {
                self.output.note(&format!("container {name} was not removed: {problem}"));
            }
        }
    }

    fn remove(&self, name: &str, limit: Duration) -> Result<(), String> {
        match self.house.engine.rm(name, true).wait(limit) {
            Some(Outcome::Ready(_)) => Ok(()),
            Some(Outcome::Failed(problem)) => Err(problem),
            Some(Outcome::Discarded | Outcome::Abandoned) => Err("given up".to_owned()),
            None => Err(format!("Docker did not answer within {limit:?}")),
        }
    }
}

/// The name of a task's container in Docker.
fn docker_name(id: &ContainerId) -> String {
    format!("{}{id}", containerizer::docker::container::DOCKER_NAME_PREFIX)
}
