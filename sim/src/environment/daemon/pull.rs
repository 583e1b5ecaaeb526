//! Pulls: manifest, configuration, layers, tag.
//!
//! The daemon writes nothing to the client before it has the manifest, so until then it answers
//! with a status and notices nothing; later errors are lines in the stream, and a client that
//! leaves while layers come, or should come, ends the pull.

use super::Shared;
use super::answer::{Chunk, Opened, Refusal, Reply};
use super::exchange::RequestId;
use super::image::Image;
use super::progress::{Progress, Status};
use super::reference::{self, normalise};
use super::request::Credentials;
use super::state::State;
use super::trouble::{self, Place, Trouble};
use super::{events, messages, transfer};
use crate::environment::operations::OpId;
use process::{Label, clock};
use std::borrow::Cow;
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

/// A pull that the daemon is busy with.
pub(super) struct Pull {
    pub(super) reference: Arc<str>,
    pub(super) phase: Phase,
    /// Layers that it waits for, by chain id.
    pub(super) missing: Vec<Arc<str>>,
    pub(super) image: Option<Arc<Image>>,
    trouble: Option<Trouble>,
    credentials: Option<Credentials>,
    /// Its own next op, where it does not wait for layers.
    pub(super) op: Option<OpId>,
    /// The op in which a write to the client that left fails.
    pub(super) notice: Option<OpId>,
}

pub(super) fn begin(
    daemon: &Arc<Shared>,
    id: RequestId,
    reference: &Arc<str>,
    credentials: Option<Credentials>,
) {
    if let Err(refusal) = check(reference) {
        return daemon.refuse(id, refusal);
    }
    let trouble = trouble::choose(daemon, id, reference);
    let reference: Arc<str> = match normalise(reference) {
        Cow::Borrowed(same) if same.len() == reference.len() => Arc::clone(reference),
        full => full.into(),
    };
    {
        let mut state = daemon.state.lock();
        let pull = Pull {
            reference,
            phase: Phase::Manifest,
            missing: Vec::new(),
            image: None,
            trouble,
            credentials,
            op: None,
            notice: None,
        };
        state.pulls.insert(id, pull);
        state.generation += 1;
    }
    let usual = daemon.settings.registry;
    let latency = match trouble {
        Some(Trouble::Silence(time)) => time,
        Some(Trouble::Slow(times)) => usual * times,
        _ => usual,
    };
    ask_registry(daemon, id, Place::Manifest, MANIFEST, latency, manifest_came);
}

fn check(reference: &str) -> Result<(), Refusal> {
    reference::check(reference)?;
    if reference::repository(reference) == "scratch" {
        return Err(messages::reserved_repository("scratch"));
    }
    Ok(())
}

/// Asks the registry; it may be silent.
fn ask_registry(
    daemon: &Arc<Shared>,
    id: RequestId,
    place: Place,
    label: Label,
    latency: Duration,
    came: fn(&Arc<Shared>, RequestId),
) {
    let (shared, context) = (Arc::clone(daemon), daemon.contexts.registry);
    let stalls = {
        let mut state = daemon.state.lock();
        let Some(pull) = state.pulls.get_mut(&id) else { return };
        let stalls = pull.trouble == Some(Trouble::Stall(place));
        if stalls {
            pull.trouble = None;
        }
        stalls
    };
    let answered = move || {
        let there = shared.state.lock().pulls.get_mut(&id).is_some_and(|pull| {
            pull.op = None;
            true
        });
        if there {
            came(&shared, id);
        }
    };
    let op = if stalls {
        daemon.operations.hold(context, label, answered)
    } else {
        daemon.operations.schedule_about(context, label, latency, answered)
    };
    let mut state = daemon.state.lock();
    if stalls {
        state.held.push(op);
    }
    if let Some(pull) = state.pulls.get_mut(&id) {
        pull.op = Some(op);
    }
}

/// Why the registry does not give the manifest, if it does not.
fn manifest_refused(pull: &Pull, state: &State) -> Option<Refusal> {
    let reference = &pull.reference;
    match pull.trouble {
        Some(Trouble::Denied) => return Some(messages::access_denied(reference)),
        Some(Trouble::Status(status, Place::Manifest)) => {
            return Some(messages::registry(status, reference));
        }
        Some(Trouble::Cut(Place::Manifest)) => {
            return Some(Refusal::new(500, messages::CUT_SHORT));
        }
        _ => {}
    }
    let published = state.published(reference);
    match published.map(|published| &published.credentials) {
        None => Some(messages::manifest_unknown(reference)),
        Some(Some(_)) if pull.credentials.is_none() => Some(messages::no_credentials(reference)),
        Some(Some(wanted)) if pull.credentials.as_ref() != Some(wanted) => {
            Some(Refusal::new(500, messages::registry_words(401)))
        }
        Some(_) => None,
    }
}

fn manifest_came(daemon: &Arc<Shared>, id: RequestId) {
    let (refused, present, reference, latency) = {
        let mut state = daemon.state.lock();
        state.generation += 1;
        let Some(pull) = state.pulls.get(&id) else { return };
        let refused = manifest_refused(pull, &state);
        let image = state.published(&pull.reference).map(|one| Arc::clone(&one.image));
        let present =
            image.as_ref().is_some_and(|image| state.store.images.contains_key(&image.spec.id));
        let Some(pull) = state.pulls.get_mut(&id) else { return };
        pull.image = image;
        pull.phase = Phase::Config;
        let times = match pull.trouble {
            Some(Trouble::Slow(times)) => times,
            _ => 1,
        };
        (refused, present, Arc::clone(&pull.reference), daemon.settings.registry * times)
    };
    if let Some(refusal) = refused {
        return fail_with(daemon, id, Reply::Answer(Err(refusal)));
    }
    daemon.reply(id, Reply::Opened(Opened::Pull), Duration::ZERO);
    let from = Status::PullingFrom(reference::path(&reference).into());
    line(daemon, id, || Progress::whole(&reference::shown_in_pull(&reference), from));
    if present {
        // Nothing more is asked of the registry.
        return tag_later(daemon, id);
    }
    ask_registry(daemon, id, Place::Config, CONFIG, latency, config_came);
}

/// Sends a line to a client that reads them.
pub(super) fn line(daemon: &Arc<Shared>, id: RequestId, line: impl FnOnce() -> Progress) {
    if daemon.state.lock().reads(id) {
        daemon.reply(id, Reply::Chunk(Chunk::Progress(line())), Duration::ZERO);
    }
}

fn config_came(daemon: &Arc<Shared>, id: RequestId) {
    let failed = {
        let state = daemon.state.lock();
        let Some(pull) = state.pulls.get(&id) else { return };
        match pull.trouble {
            Some(Trouble::Status(status, Place::Config)) => Some(messages::registry_words(status)),
            Some(Trouble::Cut(Place::Config)) => Some(messages::CUT_SHORT),
            _ => None,
        }
    };
    if let Some(why) = failed {
        return fail(daemon, id, messages::config_failed(&why));
    }
    let (begun, missing, connected, lines) = {
        let mut state = daemon.state.lock();
        state.generation += 1;
        let Some(planned) = plan(daemon, &mut state, id) else { return };
        planned
    };
    for (digest, status) in lines {
        daemon.reply(
            id,
            Reply::Chunk(Chunk::Progress(Progress::of_layer(&digest, status, None))),
            Duration::ZERO,
        );
    }
    for chain in &begun {
        transfer::begin(daemon, chain);
    }
    if !missing {
        tag_later(daemon, id);
    } else if !connected {
        notice_later(daemon, id);
    }
}

type Lines = Vec<(Arc<str>, Status)>;

/// Which layers the pull needs: begins their transfers, or joins them. Gives those that it began,
/// whether it needs any, whether its client is there, and what to tell it.
fn plan(
    daemon: &Shared,
    state: &mut State,
    id: RequestId,
) -> Option<(Vec<Arc<str>>, bool, bool, Lines)> {
    let pull = state.pulls.get(&id)?;
    let (image, trouble) = (Arc::clone(pull.image.as_ref()?), pull.trouble);
    let reads = state.reads(id);
    let mut plan = transfer::Plan { begun: Vec::new(), missing: Vec::new() };
    let mut lines = Vec::new();
    for (index, layer) in image.spec.layers.iter().enumerate() {
        let there = plan.missing.is_empty() && state.store.layers.contains(&image.chain[index]);
        if reads {
            let status = if there { Status::AlreadyExists } else { Status::PullingFsLayer };
            lines.push((Arc::clone(&layer.digest), status));
        }
        if !there {
            transfer::need(state, &image, index, id, &mut plan);
        }
    }
    transfer::afflict(daemon, state, &plan.begun, trouble);
    let transfer::Plan { begun, missing } = plan;
    let pull = state.pulls.get_mut(&id)?;
    pull.phase = Phase::Layers;
    let needs_any = !missing.is_empty();
    pull.missing = missing;
    let connected = state.exchanges.get(&id).is_some_and(|exchange| exchange.connected);
    Some((begun, needs_any, connected, lines))
}

/// A layer that this pull waited for is there.
pub(super) fn layer_came(daemon: &Arc<Shared>, id: RequestId, chain: &Arc<str>) {
    let complete = {
        let mut state = daemon.state.lock();
        let Some(pull) = state.pulls.get_mut(&id) else { return };
        pull.missing.retain(|missing| missing != chain);
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
    let op = daemon.operations.schedule_about(context, TAG, work, move || tag(&shared, id));
    if let Some(pull) = daemon.state.lock().pulls.get_mut(&id) {
        pull.op = Some(op);
    }
}

fn tag(daemon: &Arc<Shared>, id: RequestId) {
    let (reference, digest, new) = {
        let mut state = daemon.state.lock();
        let Some(pull) = state.pulls.remove(&id) else { return };
        let connected = state.exchanges.get(&id).is_some_and(|exchange| exchange.connected);
        state.coverage.pulls_completed += 1;
        state.coverage.pulls_completed_unwatched += u32::from(!connected);
        state.generation += 1;
        let Pull { reference, image, .. } = pull;
        let Some(image) = image else { return };
        let spec = &image.spec;
        state.store.add(&image, clock::now());
        let digest = spec.manifest_digest();
        let by_digest = format!("{}@{digest}", reference::repository(&reference));
        state.store.point(by_digest.into(), &spec.id);
        let new = state.store.point(Arc::clone(&reference), &spec.id);
        events::pulled(daemon, &mut state, &reference);
        (reference, digest, new)
    };
    process::note("docker", || format!("pulled {reference}"));
    line(daemon, id, || Progress::whole("", Status::Digest(digest)));
    let named = Arc::clone(&reference);
    let status = if new { Status::Downloaded(named) } else { Status::UpToDate(named) };
    line(daemon, id, || Progress::whole("", status));
    daemon.reply(id, Reply::Ended, Duration::ZERO);
}

/// Ends a pull with an error in its stream.
pub(super) fn fail(daemon: &Arc<Shared>, id: RequestId, why: Cow<'static, str>) {
    fail_with(daemon, id, Reply::Failed(why));
}

fn fail_with(daemon: &Arc<Shared>, id: RequestId, reply: Reply) {
    let Some(pull) = take(daemon, id) else { return };
    daemon.state.lock().coverage.pulls_failed += 1;
    process::note("docker", || {
        let why = match &reply {
            Reply::Answer(Err(refusal)) => refusal.message.as_ref(),
            Reply::Failed(why) => why.as_ref(),
            _ => "",
        };
        format!("pull of {} failed: {why}", pull.reference)
    });
    daemon.reply(id, reply, Duration::ZERO);
}

/// Ends a pull whose client has left.
pub(super) fn abort(daemon: &Arc<Shared>, id: RequestId) {
    let Some(pull) = take(daemon, id) else { return };
    daemon.state.lock().coverage.pulls_aborted += 1;
    process::note("docker", || format!("pull of {} aborted", pull.reference));
    daemon.close(id);
}

/// Takes a pull out, with all that it still waits for and all that it alone has brought.
fn take(daemon: &Arc<Shared>, id: RequestId) -> Option<Pull> {
    let mut pull = {
        let mut state = daemon.state.lock();
        state.generation += 1;
        state.pulls.remove(&id)?
    };
    transfer::unwatch(daemon, id, &pull.missing);
    {
        let mut state = daemon.state.lock();
        let State { store, pulls, .. } = &mut *state;
        store.release_layers(pulls.values().filter_map(|pull| pull.image.as_ref()));
    }
    for op in [pull.notice.take(), pull.op.take()].into_iter().flatten() {
        daemon.operations.cancel(op);
    }
    Some(pull)
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
        let writing = {
            let mut state = self.state.lock();
            let phase = state.pulls.get(&id).map_or(Phase::Manifest, |pull| pull.phase);
            let counter = match phase {
                Phase::Manifest | Phase::Config => &mut state.coverage.pulls_left_before_layers,
                Phase::Layers => &mut state.coverage.pulls_left_in_layers,
                Phase::Tagging => &mut state.coverage.pulls_left_at_the_end,
            };
            *counter += 1;
            state.generation += 1;
            transfer::is_writing(&state, id)
        };
        if writing {
            notice_later(self, id);
        }
    }
}
