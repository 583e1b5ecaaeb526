//! Pulls: manifest, configuration, layers, tag.
//!
//! The daemon writes nothing to the client before it has the manifest, so until then it answers
//! with a status and notices nothing; later errors are lines in the stream, and the next write
//! after the client has left ends the pull. A registry that is silent keeps the daemon from
//! writing, hence from noticing.

use super::request::{Exchange, RequestId};
use super::settings::ImageSpec;
use super::state::normalise;
use super::stream::Stream;
use super::{Shared, messages, transfer};
use crate::environment::faults::Fault;
use crate::environment::operations::OpId;
use docker::{ApiError, PullEvent, PullProgress};
use process::{Label, Nothing};
use std::sync::Arc;
use std::time::Duration;

const MANIFEST: Label = Label::plain("Registry", "manifest");
const CONFIG: Label = Label::plain("Registry", "configuration");
const WRITE: Label = Label::plain("Daemon", "write to a client that left");
const TAG: Label = Label::plain("Daemon", "image tagged");

/// How far a pull has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The registry was asked for the manifest.
    Manifest,
    /// The registry was asked for the configuration.
    Config,
    /// Layers are being downloaded and extracted.
    Layers,
    /// All layers are there; the tag is not.
    Tagging,
}

/// What a fault has in store for a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    Slow,
    StallBefore,
    StallWithin,
    Silent,
    Unknown,
    Denied,
    CutShort,
    NoSpace,
}

/// A pull that the daemon is busy with.
pub(super) struct Pull {
    pub(super) reference: Arc<str>,
    pub(super) phase: Phase,
    pub(super) stream: Option<Stream>,
    /// Layers that it waits for.
    pub(super) missing: Vec<Arc<str>>,
    exchange: Exchange<Nothing>,
    image: Option<Arc<ImageSpec>>,
    trouble: Trouble,
    /// The op in which a write to the client that left fails.
    notice: Option<OpId>,
}

pub(super) fn begin(
    daemon: &Arc<Shared>,
    exchange: Exchange<Nothing>,
    reference: &Arc<str>,
    progress: Option<PullEvent>,
) {
    let trouble = choose_trouble(daemon, reference);
    let reference: Arc<str> = match normalise(reference) {
        std::borrow::Cow::Borrowed(_) => Arc::clone(reference),
        std::borrow::Cow::Owned(full) => full.into(),
    };
    let id = exchange.id;
    {
        let mut state = daemon.state.lock();
        let Some(request) = state.requests.get(&id) else { return };
        let stream = progress.filter(|_| request.connected).map(|event| {
            Stream::new(&daemon.operations, request.context, daemon.settings.travel, event)
        });
        let pull = Pull {
            reference,
            phase: Phase::Manifest,
            stream,
            missing: Vec::new(),
            exchange,
            image: None,
            trouble,
            notice: None,
        };
        state.pulls.insert(id, pull);
        state.generation += 1;
    }
    let latency = match trouble {
        Trouble::Silent => daemon.settings.silence,
        Trouble::Slow => daemon.settings.registry * daemon.settings.slowness,
        _ => daemon.settings.registry,
    };
    let (shared, context) = (Arc::clone(daemon), daemon.contexts.registry);
    let came = move || manifest_came(&shared, id);
    if trouble == Trouble::StallBefore {
        daemon.operations.hold(context, MANIFEST, came);
    } else {
        daemon.operations.schedule_about(context, MANIFEST, latency, came);
    }
}

fn choose_trouble(daemon: &Shared, reference: &str) -> Trouble {
    let faults = [Fault::PullSlow, Fault::PullStall, Fault::PullFail, Fault::ClientUnnoticed];
    let operations = &daemon.operations;
    match operations.inject("pull", reference, &faults) {
        Some(Fault::PullSlow) => Trouble::Slow,
        Some(Fault::PullStall) => match operations.choose("pull stalls", 2) {
            0 => Trouble::StallBefore,
            _ => Trouble::StallWithin,
        },
        Some(Fault::PullFail) => match operations.choose("pull fails", 4) {
            0 => Trouble::Unknown,
            1 => Trouble::Denied,
            2 => Trouble::CutShort,
            _ => Trouble::NoSpace,
        },
        Some(_) => Trouble::Silent,
        None => Trouble::None,
    }
}

fn manifest_came(daemon: &Arc<Shared>, id: RequestId) {
    let refused = {
        let mut state = daemon.state.lock();
        let Some(pull) = state.pulls.get(&id) else { return };
        let image = state.registry.get(&pull.reference).cloned();
        let refused = match (pull.trouble, &image) {
            (Trouble::Denied, _) => Some(messages::access_denied(&pull.reference)),
            (Trouble::Unknown, _) | (_, None) => Some(messages::manifest_unknown(&pull.reference)),
            _ => None,
        };
        if let Some(pull) = state.pulls.get_mut(&id) {
            pull.image = image;
            pull.phase = Phase::Config;
        }
        state.generation += 1;
        refused
    };
    if let Some(error) = refused {
        return fail(daemon, id, error);
    }
    let shared = Arc::clone(daemon);
    daemon.operations.schedule_about(
        daemon.contexts.registry,
        CONFIG,
        daemon.settings.registry,
        move || config_came(&shared, id),
    );
}

fn config_came(daemon: &Arc<Shared>, id: RequestId) {
    let (begun, missing, trouble, connected, stream) = {
        let mut state = daemon.state.lock();
        state.generation += 1;
        let Some(pull) = state.pulls.get(&id) else { return };
        let Some(image) = pull.image.clone() else { return };
        let (stream, mut trouble) = (pull.stream.clone(), pull.trouble);
        let (mut begun, mut missing) = (Vec::new(), Vec::new());
        for layer in &image.layers {
            if state.layers.contains(&layer.digest) || missing.contains(&layer.digest) {
                continue;
            }
            missing.push(Arc::clone(&layer.digest));
            if transfer::fetch(daemon, &mut state, layer, id, trouble) {
                begun.push(Arc::clone(&layer.digest));
                if trouble != Trouble::Slow {
                    // It befalls one layer.
                    trouble = Trouble::None;
                }
            }
        }
        if let Some(pull) = state.pulls.get_mut(&id) {
            pull.phase = Phase::Layers;
            pull.missing.clone_from(&missing);
        }
        let connected = state.requests.get(&id).is_some_and(|request| request.connected);
        (begun, missing, trouble, connected, stream)
    };
    if let Some(stream) = stream {
        stream.line(PullProgress {
            id: String::new(),
            status: "Pulling".to_owned(),
            current: 0,
            total: 0,
        });
    }
    for digest in &begun {
        transfer::proceed(daemon, digest);
    }
    match trouble {
        // No layer to befall.
        Trouble::CutShort => return fail(daemon, id, messages::cut_short()),
        Trouble::NoSpace => return fail(daemon, id, messages::no_space_left()),
        _ => {}
    }
    if missing.is_empty() {
        tag_later(daemon, id);
    } else if !connected {
        notice_later(daemon, id);
    }
}

/// A layer that this pull waited for is there.
pub(super) fn layer_came(daemon: &Arc<Shared>, id: RequestId, digest: &Arc<str>) {
    let complete = {
        let mut state = daemon.state.lock();
        let Some(pull) = state.pulls.get_mut(&id) else { return };
        pull.missing.retain(|missing| missing != digest);
        pull.missing.is_empty()
    };
    if complete {
        tag_later(daemon, id);
    }
}

fn tag_later(daemon: &Arc<Shared>, id: RequestId) {
    let notice = {
        let mut state = daemon.state.lock();
        state.generation += 1;
        let Some(pull) = state.pulls.get_mut(&id) else { return };
        pull.phase = Phase::Tagging;
        pull.notice.take()
    };
    if let Some(notice) = notice {
        daemon.operations.cancel(notice);
    }
    let shared = Arc::clone(daemon);
    let (context, work) = (daemon.contexts.daemon, daemon.settings.create);
    daemon.operations.schedule_about(context, TAG, work, move || tag(&shared, id));
}

fn tag(daemon: &Arc<Shared>, id: RequestId) {
    let pull = {
        let mut state = daemon.state.lock();
        let Some(pull) = state.pulls.remove(&id) else { return };
        let connected = state.requests.get(&id).is_some_and(|request| request.connected);
        state.coverage.pulls_completed += 1;
        state.coverage.pulls_completed_unwatched += u32::from(!connected);
        state.generation += 1;
        if let Some(image) = &pull.image {
            state.images.insert(Arc::clone(&pull.reference), Arc::clone(image));
        }
        pull
    };
    process::note("docker", || format!("pulled {}", pull.reference));
    finish(daemon, pull, Ok(Nothing));
}

/// Ends a pull with an error.
pub(super) fn fail(daemon: &Arc<Shared>, id: RequestId, error: ApiError) {
    let Some(pull) = take(daemon, id) else { return };
    daemon.state.lock().coverage.pulls_failed += 1;
    process::note("docker", || format!("pull of {} failed: {}", pull.reference, error.message));
    finish(daemon, pull, Err(error));
}

/// Ends a pull whose client has left.
pub(super) fn abort(daemon: &Arc<Shared>, id: RequestId) {
    let Some(pull) = take(daemon, id) else { return };
    daemon.state.lock().coverage.pulls_aborted += 1;
    process::note("docker", || format!("pull of {} aborted", pull.reference));
    daemon.close(id);
}

/// Takes a pull out, with all that it still waits for.
fn take(daemon: &Shared, id: RequestId) -> Option<Pull> {
    let mut pull = {
        let mut state = daemon.state.lock();
        state.generation += 1;
        state.pulls.remove(&id)?
    };
    transfer::unwatch(daemon, id, &pull.missing);
    if let Some(notice) = pull.notice.take() {
        daemon.operations.cancel(notice);
    }
    Some(pull)
}

/// Answers the client, behind the last line of progress.
fn finish(daemon: &Arc<Shared>, pull: Pull, result: Result<Nothing, ApiError>) {
    let Pull { exchange, stream, .. } = pull;
    match stream {
        None => daemon.answer(exchange, result, Duration::ZERO),
        Some(stream) => {
            let daemon = Arc::clone(daemon);
            stream.end(move || daemon.answer(exchange, result, Duration::ZERO));
        }
    }
}

fn notice_later(daemon: &Arc<Shared>, id: RequestId) {
    let shared = Arc::clone(daemon);
    let op = daemon.operations.schedule_about(
        daemon.contexts.daemon,
        WRITE,
        daemon.settings.notice,
        move || write_failed(&shared, id),
    );
    if let Some(pull) = daemon.state.lock().pulls.get_mut(&id) {
        pull.notice = Some(op);
    }
}

/// A write to the client that left has failed, unless the registry fell silent meanwhile.
fn write_failed(daemon: &Arc<Shared>, id: RequestId) {
    let writing = {
        let mut state = daemon.state.lock();
        if let Some(pull) = state.pulls.get_mut(&id) {
            pull.notice = None;
        }
        transfer::is_writing(&state, id)
    };
    if writing {
        abort(daemon, id);
    }
}

impl Shared {
    /// The client of a pull has left. Unless there is something to write, nobody notices.
    pub(super) fn puller_left(self: &Arc<Self>, id: RequestId) {
        let (writing, stream) = {
            let mut state = self.state.lock();
            let phase = state.pulls.get(&id).map_or(Phase::Manifest, |pull| pull.phase);
            let counter = match phase {
                Phase::Manifest | Phase::Config => &mut state.coverage.pulls_left_before_layers,
                Phase::Layers => &mut state.coverage.pulls_left_in_layers,
                Phase::Tagging => &mut state.coverage.pulls_left_at_the_end,
            };
            *counter += 1;
            state.generation += 1;
            let stream = state.pulls.get(&id).and_then(|pull| pull.stream.clone());
            (transfer::is_writing(&state, id), stream)
        };
        if let Some(stream) = stream {
            stream.close();
        }
        if writing {
            notice_later(self, id);
        }
    }
}
