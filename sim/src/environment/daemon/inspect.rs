//! Looking at one container.

use super::Shared;
use super::answer::Answer;
use super::config::{Resources, Restart, Settled};
use super::container::Container;
use super::exchange::RequestId;
use super::ids;
use super::network::Attached;
use super::stamp::Stamp;
use super::state::State;
use process::host::OsPid;
use std::sync::Arc;
use std::time::Duration;

/// A container at the moment of an inspection.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Its id.
    pub id: Arc<str>,
    /// Its name, without the leading `/`.
    pub name: Arc<str>,
    /// Its image's id.
    pub image: Arc<str>,
    /// When it was created.
    pub created: Stamp,
    /// The word for its state.
    pub state: &'static str,
    /// It runs, perhaps frozen, or is about to be restarted.
    pub running: bool,
    /// Its pid, while it has one.
    pub pid: Option<OsPid>,
    /// The exit code of its last run, or attempt to start.
    pub exit_code: i64,
    /// It was killed because it used too much memory.
    pub oom_killed: bool,
    /// Why it could not be started, or removed.
    pub error: Option<Arc<str>>,
    /// When it was started last.
    pub started: Option<Stamp>,
    /// When it ended last.
    pub finished: Option<Stamp>,
    /// How often its policy has restarted it.
    pub restart_count: u32,
    /// What it may use.
    pub resources: Resources,
    /// When it is restarted.
    pub restart: Restart,
    /// Its networks.
    pub networks: Vec<Attached>,
    /// The size of all its files, if that was asked for.
    pub size: Option<u64>,
    /// Ids of programs that run in it.
    pub execs: Vec<Arc<str>>,
    pub(super) settled: Arc<Settled>,
}

pub(super) fn inspect(daemon: &Arc<Shared>, id: RequestId, name: &str, size: bool) {
    let result = {
        let state = daemon.state.lock();
        state.find(name).map(|container| look(daemon, &state, container, size))
    };
    daemon.answer(id, result.map(|one| Answer::Container(Box::new(one))), Duration::ZERO);
}

fn look(daemon: &Shared, state: &State, container: &Container, size: bool) -> Inspection {
    let stamp = |time| Stamp::new(time, daemon.settings.epoch);
    let running = container.execs.iter().filter(|number| state.execs.contains_key(*number));
    Inspection {
        id: Arc::clone(&container.id),
        name: Arc::clone(&container.name),
        image: Arc::clone(&container.image),
        created: stamp(container.created),
        state: container.state_name(),
        running: container.is_running(),
        pid: container.pid,
        exit_code: container.exit_code,
        oom_killed: container.oom_killed,
        error: container.error.clone(),
        started: container.started.map(stamp),
        finished: container.finished.map(stamp),
        restart_count: container.restarts.count,
        resources: container.resources,
        restart: container.restart,
        networks: container.networks.clone(),
        size: if size { state.store.size_of(&container.image) } else { None },
        execs: running.map(|number| ids::id(ids::Kind::Exec, *number)).collect(),
        settled: Arc::clone(&container.settled),
    }
}
