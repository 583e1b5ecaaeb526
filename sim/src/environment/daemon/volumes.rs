//! Volumes: names under which containers keep files. What is in them: `files/`.

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
    events::of_volume(daemon, state, "create", name, &driver, Vec::new());
    volume
}

/// A container is created with this bind: a volume that it names comes into being.
pub(super) fn used_by(daemon: &Shared, state: &mut State, bind: &str) {
    if let Some(name) = name_in(bind) {
        add(daemon, state, &name.into(), "", Vec::new());
    }
}

/// A container that is started or has ended mounts or unmounts its volumes.
pub(super) fn mounted(daemon: &Shared, state: &mut State, number: u64, action: &'static str) {
    let Some(container) = state.containers.get(&number) else { return };
    if container.settled.config.binds.is_empty() {
        return;
    }
    let (settled, id) = (Arc::clone(&container.settled), Arc::clone(&container.id));
    for bind in &settled.config.binds {
        let Some(name) = name_in(bind).and_then(|name| state.volumes.get_key_value(name)) else {
            continue;
        };
        let (name, driver) = (Arc::clone(name.0), Arc::clone(&name.1.driver));
        let mut extra = vec![("container", id.to_string())];
        if action == "mount" {
            let mut parts = bind.split(':').skip(1);
            extra.push(("destination", parts.next().unwrap_or_default().to_owned()));
            extra.push(("propagation", String::new()));
            let writable =
                !parts.next().is_some_and(|mode| mode.split(',').any(|word| word == "ro"));
            extra.push(("read/write", writable.to_string()));
        }
        events::of_volume(daemon, state, action, &name, &driver, extra);
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
                && dangling
                    .is_none_or(|dangling| dangling == users(&state, &volume.name).next().is_none())
        });
        Answer::Volumes(wanted.cloned().collect())
    });
    daemon.answer(id, result, Duration::ZERO);
}

/// The ids of containers that use a volume.
fn users<'a>(state: &'a State, volume: &'a str) -> impl Iterator<Item = &'a Arc<str>> {
    let uses = move |bind: &String| name_in(bind) == Some(volume);
    let users = state.containers.values();
    users.filter(move |one| one.settled.config.binds.iter().any(uses)).map(|one| &one.id)
}

/// All volumes, with the number of containers that use each.
pub(super) fn used(state: &State) -> Vec<(Volume, usize)> {
    let all = state.volumes.values();
    all.map(|volume| (volume.clone(), users(state, &volume.name).count())).collect()
}

/// Refuses what cannot become a volume.
fn check(name: &str, driver: &str) -> Result<(), Refusal> {
    if !matches!(driver, "" | "local") {
        let why = format!("plugin \"{driver}\" not found");
        let message = format!("create {name}: error looking up volume plugin {driver}: {why}");
        return Err(Refusal::new(404, message));
    }
    if !name.is_empty() && super::naming::check(name, name).is_err() {
        let allowed = "[a-zA-Z0-9][a-zA-Z0-9_.-]";
        return Err(Refusal::new(
            400,
            format!(
                "create {name}: {name:?} includes invalid characters for a local volume name, only \
                 {allowed:?} are allowed. If you intended to pass a host directory, use absolute \
                 path"
            ),
        ));
    }
    Ok(())
}

pub(super) fn create(
    daemon: &Arc<Shared>,
    id: RequestId,
    name: Option<Arc<str>>,
    driver: String,
    labels: Vec<(String, String)>,
) {
    if let Err(refusal) = check(name.as_deref().unwrap_or_default(), &driver) {
        return daemon.refuse(id, refusal);
    }
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
        let user = users(&state, name).next().cloned();
        match (state.volumes.get(name).cloned(), user) {
            (None, _) if force => Ok(Answer::Done),
            (None, _) => Err(missing(name)),
            (Some(_), Some(user)) => {
                let message = format!("remove {name}: volume is in use - [{user}]");
                Err(Refusal::new(409, message))
            }
            (Some(volume), None) => {
                state.volumes.remove(name);
                state.volume_files.remove(name);
                let Volume { name, driver, .. } = &volume;
                events::of_volume(daemon, &mut state, "destroy", name, driver, Vec::new());
                Ok(Answer::Done)
            }
        }
    };
    daemon.answer(id, result, Duration::ZERO);
}
