//! What a container uses, once or again and again.

use super::Shared;
use super::answer::{Answer, Chunk, Opened, Reply};
use super::cgroup::{self, Cgroup};
use super::exchange::RequestId;
use super::stamp::Stamp;
use super::state::State;
use process::{Label, clock};
use std::sync::Arc;
use std::time::Duration;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// One look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When.
    pub time: Stamp,
    /// What was seen.
    pub figures: Cgroup,
}

/// What is sent: a look, and the one before.
#[derive(Clone, Debug)]
pub struct StatsView {
    /// The container's id.
    pub id: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// This look; none where the container does not run.
    pub now: Option<Sample>,
    /// The look before.
    pub before: Option<Sample>,
    /// How many processors there are.
    pub processors: u32,
    /// How much memory there is.
    pub total_memory: u64,
    /// It has a network interface of its own.
    pub has_network: bool,
}

/// A client that is told.
pub(super) struct Watcher {
    pub(super) request: RequestId,
    container: u64,
    stream: bool,
    before: Option<Sample>,
}

fn look(daemon: &Shared, state: &State, number: u64, before: Option<Sample>) -> Option<StatsView> {
    let container = state.containers.get(&number)?;
    let now = container.is_running().then(|| Sample {
        time: Stamp::new(clock::now(), daemon.settings.epoch),
        figures: cgroup::figures(state, container),
    });
    Some(StatsView {
        id: Arc::clone(&container.id),
        name: Arc::clone(&container.name),
        before: before.filter(|_| now.is_some()),
        now,
        processors: daemon.settings.processors,
        total_memory: daemon.settings.total_memory,
        has_network: container.networks.iter().any(|attached| attached.address.is_some()),
    })
}

pub(super) fn follow(
    daemon: &Arc<Shared>,
    id: RequestId,
    name: &str,
    stream: bool,
    one_shot: bool,
) {
    let first = {
        let mut state = daemon.state.lock();
        let found = state.find(name).map(|one| (one.number, one.is_running()));
        found.map(|(number, running)| {
            let view = look(daemon, &state, number, None);
            // A single look is compared with the one a period before, if the client waits for that.
            let waits = !stream && running && !one_shot;
            if stream || waits {
                let before = view.as_ref().and_then(|view| view.now);
                let watcher = Watcher { request: id, container: number, stream, before };
                state.watchers.push(watcher);
            }
            (view, waits)
        })
    };
    let (view, waits) = match first {
        Ok(found) => found,
        Err(refusal) => return daemon.refuse(id, refusal),
    };
    let Some(view) = view.map(Box::new) else { return };
    if stream {
        daemon.reply(id, Reply::Opened(Opened::Stats), Duration::ZERO);
        daemon.reply(id, Reply::Chunk(Chunk::Stats(view)), Duration::ZERO);
    } else if !waits {
        return daemon.answer(id, Ok(Answer::Stats(view)), Duration::ZERO);
    }
    again(daemon, id);
}

fn again(daemon: &Arc<Shared>, id: RequestId) {
    let (shared, context) = (Arc::clone(daemon), daemon.contexts.daemon);
    let label = Label::plain("Daemon", "stats");
    daemon.operations.schedule(context, label, PERIOD, move || tick(&shared, id));
}

fn tick(daemon: &Arc<Shared>, id: RequestId) {
    let (view, stream) = {
        let mut state = daemon.state.lock();
        let Some(index) = state.watchers.iter().position(|one| one.request == id) else { return };
        let (number, before) = (state.watchers[index].container, state.watchers[index].before);
        let stream = state.watchers[index].stream;
        let view = look(daemon, &state, number, before);
        state.watchers[index].before = view.as_ref().and_then(|view| view.now);
        if !stream {
            state.watchers.remove(index);
        }
        (view, stream)
    };
    let Some(view) = view.map(Box::new) else { return };
    if stream {
        daemon.reply(id, Reply::Chunk(Chunk::Stats(view)), Duration::ZERO);
        again(daemon, id);
    } else {
        daemon.answer(id, Ok(Answer::Stats(view)), Duration::ZERO);
    }
}

/// A container is gone: whoever watched it is told.
pub(super) fn forget(daemon: &Arc<Shared>, number: u64) {
    let watchers: Vec<RequestId> = {
        let mut state = daemon.state.lock();
        let (theirs, others) = std::mem::take(&mut state.watchers)
            .into_iter()
            .partition(|one| one.container == number);
        state.watchers = others;
        let theirs: Vec<Watcher> = theirs;
        theirs.into_iter().map(|one| one.request).collect()
    };
    for id in watchers {
        daemon.reply(id, Reply::Ended, Duration::ZERO);
    }
}
