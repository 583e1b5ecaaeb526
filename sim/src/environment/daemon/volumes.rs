//! Volumes: names under which containers keep files. There are no files.

use super::Shared;
use super::answer::{Answer, Refusal};
use super::events;
use super::exchange::RequestId;
use super::filters::Filters;
use super::ids::{self, Kind};
use super::stamp::Stamp;
use super::state::State;
use process::clock;
use std::sync::Arc;
use std::time::Duration;

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: Arc<str>,
    /// Its driver.
    pub driver: Arc<str>,
    /// When it was created.
    pub created: Stamp,
    /// Its labels.
    pub labels: Vec<(String, String)>,
}

fn missing(name: &str) -> Refusal {
    Refusal::new(404, format!("get {name}: no such volume"))
}

fn add(
    daemon: &Shared,
    state: &mut State,
    name: &Arc<str>,
    driver: &str,
    labels: Vec<(String, String)>,
) -> Volume {
    if let Some(volume) = state.volumes.get(name) {
        return volume.clone();
    }
    let driver: Arc<str> = if driver.is_empty() { "local" } else { driver }.into();
    let created = Stamp::new(clock::now(), daemon.settings.epoch);
    let volume = Volume { name: Arc::clone(name), driver: Arc::clone(&driver), created, labels };
    state.volumes.insert(Arc::clone(name), volume.clone());
    events::of_volume(daemon, state, "create", name, &driver);
    volume
}

/// A container is created with this bind: a volume that it names comes into being.
pub(super) fn used_by(daemon: &Shared, state: &mut State, bind: &str) {
    if let Some(name) = name_in(bind) {
        add(daemon, state, &name.into(), "", Vec::new());
    }
}

/// The volume in a bind, if it is no path.
pub(super) fn name_in(bind: &str) -> Option<&str> {
    let (source, _) = bind.split_once(':')?;
    (!source.starts_with('/')).then_some(source)
}

pub(super) fn list(daemon: &Arc<Shared>, id: RequestId, filters: &Filters) {
    const KNOWN: [&str; 4] = ["dangling", "driver", "label", "name"];
    let result = filters.only(&KNOWN).and_then(|()| filters.flag("dangling")).map(|dangling| {
        let state = daemon.state.lock();
        let wanted = state.volumes.values().filter(|volume| {
            let label = |key: &str| {
                let found = volume.labels.iter().find(|(name, _)| name == key);
                found.map(|(_, value)| value.as_str())
            };
            filters.within("name", &volume.name)
                && filters.any("driver", |value| *volume.driver == *value)
                && filters.labels("label", label)
                && dangling.is_none_or(|dangling| dangling == user(&state, &volume.name).is_none())
        });
        Answer::Volumes(wanted.cloned().collect())
    });
    daemon.answer(id, result, Duration::ZERO);
}

/// The id of a container that uses a volume.
fn user<'a>(state: &'a State, volume: &str) -> Option<&'a Arc<str>> {
    let uses = |bind: &String| name_in(bind) == Some(volume);
    let mut users = state.containers.values();
    users.find(|one| one.settled.config.binds.iter().any(uses)).map(|container| &container.id)
}

pub(super) fn create(
    daemon: &Arc<Shared>,
    id: RequestId,
    name: Option<Arc<str>>,
    driver: String,
    labels: Vec<(String, String)>,
) {
    let volume = {
        let mut state = daemon.state.lock();
        let serial = state.new_serial();
        let name = name.filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| ids::id(Kind::Sandbox, serial));
        add(daemon, &mut state, &name, &driver, labels)
    };
    daemon.answer(id, Ok(Answer::Volume(volume)), Duration::ZERO);
}

pub(super) fn inspect(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let found = daemon.state.lock().volumes.get(name).cloned();
    let result = found.map(Answer::Volume).ok_or_else(|| missing(name));
    daemon.answer(id, result, Duration::ZERO);
}

pub(super) fn remove(daemon: &Arc<Shared>, id: RequestId, name: &str, force: bool) {
    let result = {
        let mut state = daemon.state.lock();
        match (state.volumes.get(name).cloned(), user(&state, name)) {
            (None, _) if force => Ok(Answer::Done),
            (None, _) => Err(missing(name)),
            (Some(_), Some(user)) => {
                let message = format!("remove {name}: volume is in use - [{user}]");
                Err(Refusal::new(409, message))
            }
            (Some(volume), None) => {
                state.volumes.remove(name);
                events::of_volume(daemon, &mut state, "destroy", &volume.name, &volume.driver);
                Ok(Answer::Done)
            }
        }
    };
    daemon.answer(id, result, Duration::ZERO);
}
