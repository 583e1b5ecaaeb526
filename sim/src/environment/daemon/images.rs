//! Requests about images that are there.

use super::Shared;
use super::answer::{Answer, Refusal};
use super::exchange::RequestId;
use super::filters::Filters;
use super::image::ImageSpec;
use super::reference::{self, normalise, repository};
use super::stamp::Stamp;
use super::state::State;
use super::store::Stored;
use super::{events, messages};
use process::clock;
use std::sync::Arc;
use std::time::Duration;

/// An image, as it is looked at.
#[derive(Clone, Debug)]
pub struct ImageView {
    /// What it is.
    pub spec: Arc<ImageSpec>,
    /// Its tags.
    pub tags: Vec<Arc<str>>,
    /// Its references by digest.
    pub digests: Vec<Arc<str>>,
    /// When it was made: when it came here.
    pub created: Stamp,
    /// When it was tagged by hand.
    pub tagged: Option<Stamp>,
    /// How many containers use it.
    pub containers: usize,
}

/// What was taken away of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemovedImage {
    /// A reference.
    Untagged(Arc<str>),
    /// The image itself, or a layer.
    Deleted(Arc<str>),
}

fn view(daemon: &Shared, state: &State, stored: &Stored) -> ImageView {
    let spec = &stored.image.spec;
    let stamp = |time| Stamp::new(time, daemon.settings.epoch);
    ImageView {
        spec: Arc::clone(spec),
        tags: stored.tags().cloned().collect(),
        digests: stored.digests().cloned().collect(),
        created: stamp(stored.created),
        tagged: stored.tagged.map(stamp),
        containers: state.containers.values().filter(|one| one.image == spec.id).count(),
    }
}

/// All images, the newest first.
pub(super) fn views(daemon: &Shared, state: &State) -> Vec<ImageView> {
    let mut views: Vec<_> =
        state.store.images.values().map(|stored| view(daemon, state, stored)).collect();
    views.sort_by_key(|view| std::cmp::Reverse(view.created));
    views
}

pub(super) fn list(daemon: &Arc<Shared>, id: RequestId, filters: &Filters) {
    let result = filtered(daemon, &daemon.state.lock(), filters);
    daemon.answer(id, result.map(Answer::Images), Duration::ZERO);
}

fn filtered(daemon: &Shared, state: &State, filters: &Filters) -> Result<Vec<ImageView>, Refusal> {
    filters.only(&["before", "dangling", "label", "reference", "since"])?;
    let dangling = filters.flag("dangling")?;
    let bound = |name: &str| -> Result<Option<Stamp>, Refusal> {
        let image = filters.get(name).first().map(|name| state.store.find(name)).transpose()?;
        Ok(image.map(|stored| Stamp::new(stored.created, daemon.settings.epoch)))
    };
    let (before, since) = (bound("before")?, bound("since")?);
    let mut views = views(daemon, state);
    views.retain(|one| {
        let label = |key: &str| one.spec.labels.get(key).map(String::as_str);
        let named = |pattern: &str| one.tags.iter().any(|tag| fits(pattern, tag));
        dangling.is_none_or(|dangling| dangling == one.tags.is_empty())
            && before.is_none_or(|before| one.created < before)
            && since.is_none_or(|since| one.created > since)
            && filters.labels("label", label)
            && filters.any("reference", named)
    });
    // Only what was asked for is told of them.
    for view in &mut views {
        view.tags.retain(|tag| filters.any("reference", |pattern| fits(pattern, tag)));
        view.digests.retain(|digest| filters.any("reference", |pattern| fits(pattern, digest)));
    }
    Ok(views)
}

/// Whether a tag fits a pattern in which `*` stands for anything but `/`.
fn fits(pattern: &str, tag: &str) -> bool {
    let of = |text: &str, pattern: &str| {
        let (mut rest, mut parts) = (text, pattern.split('*').peekable());
        let Some(first) = parts.next().and_then(|first| rest.strip_prefix(first)) else {
            return false;
        };
        rest = first;
        while let Some(part) = parts.next() {
            let found = if parts.peek().is_none() {
                rest.strip_suffix(part).map(|skipped| (skipped, ""))
            } else {
                rest.split_once(part)
            };
            match found {
                Some((skipped, behind)) if !skipped.contains('/') => rest = behind,
                _ => return false,
            }
        }
        rest.is_empty()
    };
    of(tag, pattern) || of(repository(tag), pattern)
}

pub(super) fn inspect(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let result = {
        let state = daemon.state.lock();
        match state.store.find(name) {
            Ok(stored) => Ok(Answer::Image(Box::new(view(daemon, &state, stored)))),
            Err(refusal) => {
                let message = format!("no such image: {name}: {}", refusal.message);
                Err(Refusal::new(refusal.status, message))
            }
        }
    };
    daemon.answer(id, result, Duration::ZERO);
}

pub(super) fn history(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let result = {
        let state = daemon.state.lock();
        let found = state.store.find(name);
        found.map(|stored| Answer::History(Box::new(view(daemon, &state, stored))))
    };
    daemon.answer(id, result, Duration::ZERO);
}

pub(super) fn tag(daemon: &Arc<Shared>, id: RequestId, image: &str, repository: &str, tag: &str) {
    let result = name(daemon, &mut daemon.state.lock(), image, repository, tag);
    daemon.answer(id, result.map(|()| Answer::Done), Duration::ZERO);
}

fn name(
    daemon: &Shared,
    state: &mut State,
    image: &str,
    repository: &str,
    tag: &str,
) -> Result<(), Refusal> {
    let id = Arc::clone(&state.store.find(image)?.image.spec.id);
    // The Engine answers these with 500.
    let joined =
        reference::join(repository, tag).map_err(|refusal| Refusal { status: 500, ..refusal })?;
    let full: Arc<str> = normalise(&joined).into();
    state.store.point(Arc::clone(&full), &id);
    if let Some(stored) = state.store.images.get_mut(&id) {
        stored.tagged = Some(clock::now());
    }
    state.generation += 1;
    events::of_image(daemon, state, "tag", &id, &full);
    Ok(())
}

pub(super) fn remove(daemon: &Arc<Shared>, id: RequestId, name: &str, force: bool) {
    let result = take_away(daemon, &mut daemon.state.lock(), name, force);
    daemon.answer(id, result.map(Answer::RemovedImage), Duration::ZERO);
}

/// Follows `ImageDelete` of the Engine's image service: a reference first, then the image if
/// nothing else leads to it.
fn take_away(
    daemon: &Shared,
    state: &mut State,
    name: &str,
    force: bool,
) -> Result<Vec<RemovedImage>, Refusal> {
    let stored = state.store.find(name)?;
    let id = Arc::clone(&stored.image.spec.id);
    let single = stored.has_single_reference();
    let by_id = id.starts_with(name) || id["sha256:".len()..].starts_with(name);
    let mut removed = Vec::new();
    if !by_id {
        let user = state.containers.values().find(|container| container.image == id);
        if let Some(user) = user.filter(|_| !force && single) {
            return Err(messages::image_in_use(name, &user.id, &id));
        }
        untag_one(daemon, state, &id, &normalise(name), &mut removed);
        if state.store.images.get(&id).is_some_and(|stored| !stored.references.is_empty()) {
            return Ok(removed);
        }
        // Nobody is told of a conflict now, unless it would surprise.
        let conflict = conflict(state, &id, force, true);
        if conflict.is_some() {
            return Ok(removed);
        }
    } else {
        if let Some(conflict) = conflict(state, &id, force, single) {
            return Err(conflict);
        }
        untag_all(daemon, state, &id, &mut removed);
    }
    delete(daemon, state, &id, &mut removed);
    Ok(removed)
}

/// What keeps an image from being deleted.
fn conflict(state: &State, id: &Arc<str>, force: bool, single: bool) -> Option<Refusal> {
    let users = || state.containers.values().filter(|container| container.image == *id);
    if let Some(user) = users().find(|container| container.is_running()) {
        let why =
            format!("image is being used by running container {}", super::ids::short(&user.id));
        return Some(messages::image_conflict(id, true, &why));
    }
    if force {
        return None;
    }
    let referenced = state.store.images.get(id).is_some_and(|stored| !stored.references.is_empty());
    if referenced && !single {
        let why = "image is referenced in multiple repositories";
        return Some(messages::image_conflict(id, false, why));
    }
    users().next().map(|user| {
        let why =
            format!("image is being used by stopped container {}", super::ids::short(&user.id));
        messages::image_conflict(id, false, &why)
    })
}

fn untag(
    daemon: &Shared,
    state: &mut State,
    id: &Arc<str>,
    reference: Arc<str>,
    removed: &mut Vec<RemovedImage>,
) {
    state.store.unpoint(&reference);
    events::of_image(daemon, state, "untag", id, id);
    removed.push(RemovedImage::Untagged(reference));
}

/// Takes one reference away, and with the last tag of a repository its digests there.
fn untag_one(
    daemon: &Shared,
    state: &mut State,
    id: &Arc<str>,
    reference: &str,
    removed: &mut Vec<RemovedImage>,
) {
    untag(daemon, state, id, reference.into(), removed);
    if reference.contains('@') {
        return;
    }
    let Some(stored) = state.store.images.get(id) else { return };
    let same = |other: &&Arc<str>| repository(other) == repository(reference);
    if stored.tags().any(|tag| same(&tag)) {
        return;
    }
    let digests: Vec<Arc<str>> = stored.digests().filter(same).cloned().collect();
    for digest in digests {
        state.store.unpoint(&digest);
        removed.push(RemovedImage::Untagged(digest));
    }
}

fn untag_all(daemon: &Shared, state: &mut State, id: &Arc<str>, removed: &mut Vec<RemovedImage>) {
    let references: Vec<Arc<str>> = state
        .store
        .images
        .get(id)
        .map(|stored| stored.references.iter().cloned().collect())
        .unwrap_or_default();
    for reference in references {
        untag(daemon, state, id, reference, removed);
    }
}

fn delete(daemon: &Shared, state: &mut State, id: &Arc<str>, removed: &mut Vec<RemovedImage>) {
    let Some(stored) = state.store.images.remove(id) else { return };
    state.generation += 1;
    events::of_image(daemon, state, "delete", id, id);
    removed.push(RemovedImage::Deleted(Arc::clone(id)));
    let pulls = &state.pulls;
    let gone = state.store.release_layers(pulls.values().filter_map(|pull| pull.image.as_ref()));
    let chain = stored.image.chain.iter().rev().filter(|layer| gone.contains(layer));
    removed.extend(chain.cloned().map(RemovedImage::Deleted));
}
