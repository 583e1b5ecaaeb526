//! Layers on their way from the registry: shared by all pulls that need them.
//!
//! A transfer has watchers, the pulls that wait for its layer. It downloads in ticks, then
//! extracts. At each tick the daemon writes progress to its watchers' clients, and notices those
//! that have left; when the last watcher is gone the transfer is cancelled.

use super::pull::{Phase, Trouble, abort, fail, layer_came};
use super::request::RequestId;
use super::settings::{Layer, duration};
use super::state::State;
use super::{Shared, messages};
use crate::environment::operations::OpId;
use docker::PullProgress;
use process::Label;
use std::sync::Arc;
use std::time::Duration;

const BYTES: Label = Label::plain("Registry", "layer bytes");
const EXTRACTED: Label = Label::plain("Daemon", "layer extracted");

/// A layer that is being fetched.
pub(super) struct Transfer {
    pub(super) watchers: Vec<RequestId>,
    bytes: u64,
    ticks: u32,
    ticks_left: u32,
    tick: Duration,
    /// What will go wrong, if the pull that began this transfer is in trouble.
    trouble: Trouble,
    /// The registry is silent in the midst of the layer: there is nothing to write.
    pub(super) stalled: bool,
    pub(super) op: Option<OpId>,
}

/// Begins to fetch a layer for this pull, or joins the transfer that is under way. Returns whether
/// it began.
pub(super) fn fetch(
    daemon: &Arc<Shared>,
    state: &mut State,
    layer: &Layer,
    pull: RequestId,
    trouble: Trouble,
) -> bool {
    if let Some(transfer) = state.transfers.get_mut(&layer.digest) {
        transfer.watchers.push(pull);
        state.coverage.layers_joined += 1;
        return false;
    }
    let settings = &daemon.settings;
    let slowness = if trouble == Trouble::Slow { settings.slowness } else { 1 };
    let ticks = settings.ticks.max(1);
    let transfer = Transfer {
        watchers: vec![pull],
        bytes: layer.bytes,
        ticks,
        ticks_left: ticks,
        tick: duration(layer.bytes, settings.bandwidth) * slowness / ticks,
        trouble,
        stalled: false,
        op: None,
    };
    state.transfers.insert(Arc::clone(&layer.digest), transfer);
    true
}

/// Schedules the next step of a transfer: the next bytes, or the end of the extraction.
pub(super) fn proceed(daemon: &Arc<Shared>, digest: &Arc<str>) {
    let (left, tick, extraction, stall) = {
        let mut state = daemon.state.lock();
        let Some(transfer) = state.transfers.get_mut(digest) else { return };
        // The first bytes come in any case.
        let stall =
            transfer.trouble == Trouble::StallWithin && transfer.ticks_left < transfer.ticks;
        if stall {
            transfer.trouble = Trouble::None;
            transfer.stalled = true;
        }
        let extraction = duration(transfer.bytes, daemon.settings.extraction);
        (transfer.ticks_left, transfer.tick, extraction, stall)
    };
    let (shared, layer) = (Arc::clone(daemon), Arc::clone(digest));
    let operations = &daemon.operations;
    let op = if left == 0 && !stall {
        let extracted = move || extracted(&shared, &layer);
        operations.schedule_about(daemon.contexts.daemon, EXTRACTED, extraction, extracted)
    } else if stall {
        let bytes = move || bytes_came(&shared, &layer);
        operations.hold(daemon.contexts.registry, BYTES, bytes)
    } else {
        let bytes = move || bytes_came(&shared, &layer);
        operations.schedule_about(daemon.contexts.registry, BYTES, tick, bytes)
    };
    if let Some(transfer) = daemon.state.lock().transfers.get_mut(digest) {
        transfer.op = Some(op);
    }
}

/// A piece of the layer has come: progress is written to all who watch.
fn bytes_came(daemon: &Arc<Shared>, digest: &Arc<str>) {
    let (cut_short, done) = {
        let mut state = daemon.state.lock();
        let Some(transfer) = state.transfers.get_mut(digest) else { return };
        transfer.op = None;
        transfer.stalled = false;
        transfer.ticks_left = transfer.ticks_left.saturating_sub(1);
        let done = transfer.bytes * u64::from(transfer.ticks - transfer.ticks_left)
            / u64::from(transfer.ticks);
        (transfer.trouble == Trouble::CutShort, done)
    };
    if cut_short {
        return fail_all(daemon, digest, messages::cut_short);
    }
    write_progress(daemon, digest, "Downloading", done);
    proceed(daemon, digest);
}

/// The layer is complete.
fn extracted(daemon: &Arc<Shared>, digest: &Arc<str>) {
    let no_space = {
        let state = daemon.state.lock();
        let Some(transfer) = state.transfers.get(digest) else { return };
        transfer.trouble == Trouble::NoSpace
    };
    if no_space {
        return fail_all(daemon, digest, messages::no_space_left);
    }
    let bytes = daemon.state.lock().transfers.get(digest).map_or(0, |transfer| transfer.bytes);
    write_progress(daemon, digest, "Pull complete", bytes);
    let watchers = {
        let mut state = daemon.state.lock();
        state.generation += 1;
        let Some(transfer) = state.transfers.remove(digest) else { return };
        state.layers.insert(Arc::clone(digest));
        transfer.watchers
    };
    for pull in watchers {
        layer_came(daemon, pull, digest);
    }
}

/// Writes a line about a layer to all who watch it. A write to a client that has left ends its
/// pull.
fn write_progress(daemon: &Arc<Shared>, digest: &Arc<str>, status: &'static str, current: u64) {
    let mut gone = Vec::new();
    let mut readers = Vec::new();
    let total = {
        let state = daemon.state.lock();
        let Some(transfer) = state.transfers.get(digest) else { return };
        for id in &transfer.watchers {
            let connected = state.requests.get(id).is_some_and(|request| request.connected);
            if !connected {
                gone.push(*id);
            } else if let Some(stream) = state.pulls.get(id).and_then(|pull| pull.stream.clone()) {
                readers.push(stream);
            }
        }
        transfer.bytes
    };
    for id in gone {
        abort(daemon, id);
    }
    for stream in readers {
        let id = short_id(digest);
        stream.line(PullProgress { id, status: status.to_owned(), current, total });
    }
}

/// A layer's id in progress lines: the first twelve characters of its digest's value.
pub(super) fn short_id(digest: &str) -> String {
    let value = digest.strip_prefix("sha256:").unwrap_or(digest);
    value.chars().take(12).collect()
}

fn fail_all(daemon: &Arc<Shared>, digest: &Arc<str>, error: impl Fn() -> docker::ApiError) {
    let watchers = {
        let mut state = daemon.state.lock();
        state.transfers.remove(digest).map(|transfer| transfer.watchers).unwrap_or_default()
    };
    for pull in watchers {
        fail(daemon, pull, error());
    }
}

/// Takes a pull away from all transfers that it watches, and cancels those that nobody watches any
/// more.
pub(super) fn unwatch(daemon: &Shared, pull: RequestId, missing: &[Arc<str>]) {
    for digest in missing {
        let op = {
            let mut state = daemon.state.lock();
            let Some(transfer) = state.transfers.get_mut(digest) else { continue };
            transfer.watchers.retain(|watcher| *watcher != pull);
            if !transfer.watchers.is_empty() {
                continue;
            }
            let op = transfer.op;
            state.transfers.remove(digest);
            state.coverage.transfers_cancelled += 1;
            op
        };
        if let Some(op) = op {
            daemon.operations.cancel(op);
        }
    }
}

/// Whether the daemon has, or will soon have, something to write to this pull's client.
pub(super) fn is_writing(state: &State, pull: RequestId) -> bool {
    let Some(pull) = state.pulls.get(&pull) else { return false };
    pull.phase == Phase::Layers
        && pull
            .missing
            .iter()
            .filter_map(|digest| state.transfers.get(digest))
            .any(|transfer| !transfer.stalled)
}
