//! Layers on their way from the registry: shared by all pulls that need them.
//!
//! A transfer has watchers, the pulls that wait for its layer. It waits for its turn, downloads in
//! ticks, waits for the layer below, then extracts. At each tick the daemon writes progress to its
//! watchers' clients, and notices those that have left; when the last watcher is gone the transfer
//! is cancelled. A download that fails is tried again some times, each time after a longer pause.

use super::Shared;
use super::answer::{Chunk, Reply};
use super::exchange::RequestId;
use super::image::Image;
use super::messages;
use super::progress::{Progress, Status};
use super::pull::{Phase, abort, fail, layer_came};
use super::settings::duration;
use super::state::State;
use super::trouble::{Place, Trouble};
use crate::environment::operations::OpId;
use process::Label;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const BYTES: Label = Label::plain("Registry", "layer bytes");
const EXTRACTED: Label = Label::plain("Daemon", "layer extracted");
const RETRY: Label = Label::plain("Daemon", "download retried");

/// How often a failed download is tried again.
const RETRIES: u32 = 5;
/// The pause before the first retry; each later one is longer by this.
const RETRY_PAUSE_SECS: u64 = 5;

/// What goes wrong with one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Affliction {
    /// At so many bytes no more come.
    Stall(u64),
    /// At so many bytes the connection breaks, each time.
    Cut(u64),
    Status(u16),
    Corrupt,
    NoSpace,
}

/// What a transfer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Others go first.
    Waiting,
    Downloading,
    /// So many seconds are left of the pause.
    Pausing(u64),
    /// The layer below is not there yet.
    Downloaded,
    Extracting,
}

/// A layer that is being fetched.
pub(super) struct Transfer {
    pub(super) digest: Arc<str>,
    pub(super) watchers: Vec<RequestId>,
    /// The chain id of the layer below.
    below: Option<Arc<str>>,
    bytes: u64,
    done: u64,
    /// How many bytes come at a time, and how fast.
    tick: u64,
    bandwidth: u64,
    slowness: u32,
    attempts: u32,
    stage: Stage,
    /// Its place in the queue.
    turn: u64,
    affliction: Option<Affliction>,
    op: Option<OpId>,
}

/// All transfers, by chain id.
#[derive(Default)]
pub(super) struct Transfers {
    all: BTreeMap<Arc<str>, Transfer>,
    turns: u64,
}

impl Transfers {
    pub(super) fn all(&self) -> impl Iterator<Item = &Transfer> {
        self.all.values()
    }

    fn active(&self) -> usize {
        let active = |one: &&Transfer| matches!(one.stage, Stage::Downloading | Stage::Pausing(_));
        self.all.values().filter(active).count()
    }

    /// Ends all of them; gives the ops to be cancelled.
    pub(super) fn clear(&mut self) -> Vec<OpId> {
        std::mem::take(&mut self.all).into_values().filter_map(|transfer| transfer.op).collect()
    }
}

/// What a pull needs: chain ids.
pub(super) struct Plan {
    /// Transfers that it began.
    pub(super) begun: Vec<Arc<str>>,
    /// Layers that it waits for.
    pub(super) missing: Vec<Arc<str>>,
}

/// A pull needs a layer of an image: begins a transfer, or joins the one that is under way.
pub(super) fn need(
    state: &mut State,
    image: &Image,
    index: usize,
    pull: RequestId,
    plan: &mut Plan,
) {
    let (chain, layer) = (&image.chain[index], &image.spec.layers[index]);
    plan.missing.push(Arc::clone(chain));
    if let Some(transfer) = state.transfers.all.get_mut(chain) {
        transfer.watchers.push(pull);
        state.coverage.layers_joined += 1;
        return;
    }
    state.transfers.turns += 1;
    let transfer = Transfer {
        digest: Arc::clone(&layer.digest),
        watchers: vec![pull],
        below: index.checked_sub(1).map(|below| Arc::clone(&image.chain[below])),
        bytes: layer.bytes,
        done: 0,
        tick: 0,
        bandwidth: 0,
        slowness: 1,
        attempts: 0,
        stage: Stage::Waiting,
        turn: state.transfers.turns,
        affliction: None,
        op: None,
    };
    state.transfers.all.insert(Arc::clone(chain), transfer);
    plan.begun.push(Arc::clone(chain));
}

/// Settles how fast the transfers that a pull began are, and what befalls the largest of them.
pub(super) fn afflict(
    daemon: &Shared,
    state: &mut State,
    begun: &[Arc<str>],
    trouble: Option<Trouble>,
) {
    let settings = &daemon.settings;
    let mut largest: Option<(&Arc<str>, u64)> = None;
    for chain in begun {
        let Some(transfer) = state.transfers.all.get_mut(chain) else { continue };
        transfer.tick = settings.tick(transfer.bytes);
        transfer.bandwidth = settings.bandwidth;
        match trouble {
            Some(Trouble::Slow(times)) => transfer.slowness = times,
            Some(Trouble::Trickle(rate)) => transfer.bandwidth = rate,
            _ => {}
        }
        if largest.is_none_or(|(_, bytes)| transfer.bytes > bytes) {
            largest = Some((chain, transfer.bytes));
        }
    }
    let Some((chain, bytes)) = largest else { return };
    let Some(transfer) = state.transfers.all.get_mut(chain) else { return };
    let at = |percent: u8| bytes * u64::from(percent) / 100;
    transfer.affliction = match trouble {
        Some(Trouble::Stall(Place::Layer(percent))) => Some(Affliction::Stall(at(percent))),
        Some(Trouble::Cut(Place::Layer(percent))) => Some(Affliction::Cut(at(percent))),
        Some(Trouble::Status(status, Place::Layer(_))) => Some(Affliction::Status(status)),
        Some(Trouble::Corrupt) => Some(Affliction::Corrupt),
        Some(Trouble::NoSpace) => Some(Affliction::NoSpace),
        _ => None,
    };
}

/// Lets a new transfer begin, if not too many are under way.
pub(super) fn begin(daemon: &Arc<Shared>, chain: &Arc<str>) {
    let waits = {
        let mut state = daemon.state.lock();
        let active = state.transfers.active();
        let Some(transfer) = state.transfers.all.get_mut(chain) else { return };
        if active < daemon.settings.max_downloads {
            transfer.stage = Stage::Downloading;
            false
        } else {
            true
        }
    };
    if waits { tell(daemon, chain, Status::Waiting, false) } else { proceed(daemon, chain) }
}

/// A download has ended in one way or another: the next may begin.
fn next_turn(daemon: &Arc<Shared>) {
    let next = {
        let mut state = daemon.state.lock();
        if state.transfers.active() >= daemon.settings.max_downloads {
            return;
        }
        let waiting = state.transfers.all.iter_mut().filter(|(_, one)| one.stage == Stage::Waiting);
        let Some((chain, transfer)) = waiting.min_by_key(|(_, one)| one.turn) else { return };
        transfer.stage = Stage::Downloading;
        Arc::clone(chain)
    };
    proceed(daemon, &next);
}

/// Schedules the next step of a download: the next bytes, or none.
fn proceed(daemon: &Arc<Shared>, chain: &Arc<str>) {
    let (time, stall) = {
        let mut state = daemon.state.lock();
        let Some(transfer) = state.transfers.all.get_mut(chain) else { return };
        let stall =
            matches!(transfer.affliction, Some(Affliction::Stall(at)) if transfer.done >= at);
        if stall {
            transfer.affliction = None;
        }
        (transfer.time_of_next(), stall)
    };
    let (shared, layer) = (Arc::clone(daemon), Arc::clone(chain));
    let (operations, context) = (&daemon.operations, daemon.contexts.registry);
    let bytes = move || bytes_came(&shared, &layer);
    let op = if stall {
        operations.hold(context, BYTES, bytes)
    } else {
        operations.schedule_about(context, BYTES, time, bytes)
    };
    let mut state = daemon.state.lock();
    if stall {
        state.held.push(op);
    }
    if let Some(transfer) = state.transfers.all.get_mut(chain) {
        transfer.op = Some(op);
    }
}

impl Transfer {
    /// How many bytes have come after the next tick.
    fn next(&self) -> u64 {
        let next = self.done.saturating_add(self.tick.max(1)).min(self.bytes);
        match self.affliction {
            Some(Affliction::Stall(at) | Affliction::Cut(at)) if at > self.done => next.min(at),
            _ => next,
        }
    }

    fn time_of_next(&self) -> Duration {
        duration(self.next() - self.done, self.bandwidth) * self.slowness
    }
}

/// What has become of a download.
enum Came {
    More,
    All,
    Failed(Cow<'static, str>),
    Retry(Cow<'static, str>),
}

/// A piece of the layer has come: progress is written to all who watch.
fn bytes_came(daemon: &Arc<Shared>, chain: &Arc<str>) {
    let came = {
        let mut state = daemon.state.lock();
        let Some(transfer) = state.transfers.all.get_mut(chain) else { return };
        transfer.op = None;
        match transfer.affliction {
            Some(Affliction::Status(status)) if status < 500 => {
                Came::Failed(messages::registry_words(status))
            }
            Some(Affliction::Status(status)) => Came::Retry(messages::registry_words(status)),
            affliction => {
                transfer.done = transfer.next();
                match affliction {
                    // The last bytes came, and nothing says that they were the last.
                    Some(Affliction::Stall(at)) if transfer.done >= at => Came::More,
                    Some(Affliction::Cut(at)) if transfer.done >= at => {
                        Came::Retry(messages::CUT_SHORT)
                    }
                    _ if transfer.done < transfer.bytes => Came::More,
                    Some(Affliction::Corrupt) => Came::Failed(messages::corrupt(&transfer.digest)),
                    _ => Came::All,
                }
            }
        }
    };
    match came {
        Came::Failed(why) => fail_all(daemon, chain, why),
        Came::Retry(why) => pause(daemon, chain, why),
        Came::More => {
            tell(daemon, chain, Status::Downloading, true);
            proceed(daemon, chain);
        }
        Came::All => downloaded(daemon, chain),
    }
}

/// A download has failed and will be tried again, if that has not happened too often.
fn pause(daemon: &Arc<Shared>, chain: &Arc<str>, why: Cow<'static, str>) {
    let again = {
        let mut state = daemon.state.lock();
        let Some(transfer) = state.transfers.all.get_mut(chain) else { return };
        transfer.attempts += 1;
        transfer.stage = Stage::Pausing(u64::from(transfer.attempts) * RETRY_PAUSE_SECS);
        transfer.attempts <= RETRIES
    };
    if again { second_passes(daemon, chain) } else { fail_all(daemon, chain, why) }
}

/// Counts the seconds of a pause, and tells everybody each of them.
fn second_passes(daemon: &Arc<Shared>, chain: &Arc<str>) {
    let left = {
        let mut state = daemon.state.lock();
        let Some(transfer) = state.transfers.all.get_mut(chain) else { return };
        match transfer.stage {
            Stage::Pausing(0) => {
                transfer.stage = Stage::Downloading;
                None
            }
            Stage::Pausing(left) => {
                transfer.stage = Stage::Pausing(left - 1);
                Some(left)
            }
            _ => return,
        }
    };
    let Some(left) = left else { return proceed(daemon, chain) };
    tell(daemon, chain, Status::Retrying(left), false);
    let (shared, layer) = (Arc::clone(daemon), Arc::clone(chain));
    let passes = move || second_passes(&shared, &layer);
    let second = Duration::from_secs(1);
    let op = daemon.operations.schedule(daemon.contexts.daemon, RETRY, second, passes);
    if let Some(transfer) = daemon.state.lock().transfers.all.get_mut(chain) {
        transfer.op = Some(op);
    }
}

/// All bytes of a layer are there.
fn downloaded(daemon: &Arc<Shared>, chain: &Arc<str>) {
    tell(daemon, chain, Status::Downloading, true);
    tell(daemon, chain, Status::VerifyingChecksum, false);
    tell(daemon, chain, Status::DownloadComplete, false);
    if let Some(transfer) = daemon.state.lock().transfers.all.get_mut(chain) {
        transfer.stage = Stage::Downloaded;
    }
    extract(daemon, chain);
    next_turn(daemon);
}

/// Extracts a layer, if the one below is there.
fn extract(daemon: &Arc<Shared>, chain: &Arc<str>) {
    let time = {
        let mut state = daemon.state.lock();
        let State { transfers, store, .. } = &mut *state;
        let Some(transfer) = transfers.all.get_mut(chain) else { return };
        let ready = transfer.below.as_ref().is_none_or(|below| store.layers.contains(below));
        if transfer.stage != Stage::Downloaded || !ready {
            return;
        }
        transfer.stage = Stage::Extracting;
        duration(transfer.bytes, daemon.settings.extraction)
    };
    let (shared, layer) = (Arc::clone(daemon), Arc::clone(chain));
    let extracted = move || extracted(&shared, &layer);
    let context = daemon.contexts.daemon;
    let op = daemon.operations.schedule_about(context, EXTRACTED, time, extracted);
    if let Some(transfer) = daemon.state.lock().transfers.all.get_mut(chain) {
        transfer.op = Some(op);
    }
}

/// The layer is complete.
fn extracted(daemon: &Arc<Shared>, chain: &Arc<str>) {
    let no_space = {
        let state = daemon.state.lock();
        let Some(transfer) = state.transfers.all.get(chain) else { return };
        transfer.affliction == Some(Affliction::NoSpace)
    };
    if no_space {
        return fail_all(daemon, chain, messages::NO_SPACE_LEFT);
    }
    tell(daemon, chain, Status::Extracting, true);
    tell(daemon, chain, Status::PullComplete, false);
    let (watchers, above) = {
        let mut state = daemon.state.lock();
        state.generation += 1;
        let Some(transfer) = state.transfers.all.remove(chain) else { return };
        state.store.layers.insert(Arc::clone(chain));
        let above = state.transfers.all.iter().filter(|(_, one)| one.below.as_ref() == Some(chain));
        let above: Vec<_> = above.map(|(above, _)| Arc::clone(above)).collect();
        (transfer.watchers, above)
    };
    for pull in watchers {
        layer_came(daemon, pull, chain);
    }
    for above in above {
        extract(daemon, &above);
    }
}

/// Writes a line about a layer to all who watch it. A write to a client that has left ends its
/// pull.
fn tell(daemon: &Arc<Shared>, chain: &Arc<str>, status: Status, with_bytes: bool) {
    let (mut gone, mut readers) = (Vec::new(), Vec::new());
    let (digest, bytes) = {
        let state = daemon.state.lock();
        let Some(transfer) = state.transfers.all.get(chain) else { return };
        for id in &transfer.watchers {
            let connected = state.exchanges.get(id).is_some_and(|exchange| exchange.connected);
            if !connected {
                gone.push(*id);
            } else if state.reads(*id) {
                readers.push(*id);
            }
        }
        (Arc::clone(&transfer.digest), (transfer.done, transfer.bytes))
    };
    for id in gone {
        abort(daemon, id);
    }
    for id in readers {
        let progress = Progress::of_layer(&digest, status.clone(), with_bytes.then_some(bytes));
        daemon.reply(id, Reply::Chunk(Chunk::Progress(progress)), Duration::ZERO);
    }
}

fn fail_all(daemon: &Arc<Shared>, chain: &Arc<str>, why: Cow<'static, str>) {
    let watchers = {
        let mut state = daemon.state.lock();
        state.transfers.all.remove(chain).map(|transfer| transfer.watchers).unwrap_or_default()
    };
    for pull in watchers {
        fail(daemon, pull, why.clone());
    }
    next_turn(daemon);
}

/// Takes a pull away from all transfers that it watches, and cancels those that nobody watches any
/// more.
pub(super) fn unwatch(daemon: &Arc<Shared>, pull: RequestId, missing: &[Arc<str>]) {
    let mut cancelled = false;
    for chain in missing {
        let op = {
            let mut state = daemon.state.lock();
            let Some(transfer) = state.transfers.all.get_mut(chain) else { continue };
            transfer.watchers.retain(|watcher| *watcher != pull);
            if !transfer.watchers.is_empty() {
                continue;
            }
            let op = transfer.op;
            state.transfers.all.remove(chain);
            state.coverage.transfers_cancelled += 1;
            op
        };
        cancelled = true;
        if let Some(op) = op {
            daemon.operations.cancel(op);
        }
    }
    if cancelled {
        next_turn(daemon);
    }
}

/// Whether the daemon is at the layers of this pull, and would notice that its client has left. Once
/// a layer is coming it does, also while nothing comes: the Engine watches the connection, it does
/// not need a byte (`a_pull_that_stands_still_is_let_go_as_well` in the Docker suites).
pub(super) fn is_writing(state: &State, pull: RequestId) -> bool {
    let Some(pull) = state.pulls.get(&pull) else { return false };
    pull.phase == Phase::Layers
        && (pull.missing.iter().filter_map(|chain| state.transfers.all.get(chain)))
            .any(|transfer| !matches!(transfer.stage, Stage::Waiting | Stage::Downloaded))
}
