//! Requests about networks, and a container's way into and out of them.

use super::Shared;
use super::answer::{Answer, Refusal};
use super::exchange::RequestId;
use super::filters::Filters;
use super::network::{Member, Network, NetworkConfig, NetworkView, PREDEFINED};
use super::stamp::Stamp;
use super::state::State;
use super::{events, messages};
use process::clock;
use std::sync::Arc;
use std::time::Duration;

/// Connects a container that starts to its networks.
pub(super) fn plug_in(daemon: &Shared, state: &mut State, number: u64) -> Result<(), Refusal> {
    let Some(container) = state.containers.get(&number) else { return Ok(()) };
    let (settled, id) = (Arc::clone(&container.settled), Arc::clone(&container.id));
    let mode = settled.config.network_mode.as_str();
    if let Some(other) = mode.strip_prefix("container:") {
        // It has the network of another container, and none of its own.
        let other = state.find(other)?;
        return if other.is_running() {
            Ok(())
        } else {
            let message = format!("cannot join network of a non running container: {}", other.id);
            Err(Refusal::new(409, message))
        };
    }
    let extra = settled.config.endpoints.iter().map(|endpoint| endpoint.network.as_str());
    let mut wanted: Vec<String> = vec![mode.to_owned()];
    for name in extra {
        if !wanted.iter().any(|other| other == name) {
            wanted.push(name.to_owned());
        }
    }
    // Networks that it was connected to before its start, or in an earlier run.
    for attached in &container.networks {
        if !wanted.iter().any(|other| **other == *attached.network) {
            wanted.push(attached.network.to_string());
        }
    }
    let mut joined = Vec::new();
    for name in wanted {
        let known = state.containers.get(&number).and_then(|container| {
            let attached = container.networks.iter().find(|one| *one.network == *name)?;
            Some(attached.aliases.clone())
        });
        let short = super::ids::short(&id).to_owned();
        let aliases = known.unwrap_or_default().into_iter().filter(|alias| *alias != short);
        let aliases: Vec<String> = aliases.collect();
        match state.networks.find(&name) {
            None => return Err(messages::no_such_network(&name)),
            Some(network) => {
                if joined.iter().any(|one: &super::network::Attached| one.network == network.name) {
                    continue;
                }
                joined.push(network.join(number, &settled, &id, aliases));
            }
        }
    }
    for attached in &joined {
        tell(daemon, state, "connect", &attached.network, Some(&id));
    }
    if let Some(container) = state.containers.get_mut(&number) {
        container.networks = joined;
    }
    Ok(())
}

/// Disconnects a container that has ended. It will be connected again at its next start.
pub(super) fn unplug(daemon: &Shared, state: &mut State, number: u64) {
    let Some(container) = state.containers.get_mut(&number) else { return };
    let id = Arc::clone(&container.id);
    let mut left = Vec::new();
    for attached in &mut container.networks {
        attached.address = None;
        left.push(Arc::clone(&attached.network));
    }
    for name in left {
        let was_there = state
            .networks
            .find(&name)
            .is_some_and(|network| network.members.remove(&number).is_some());
        if was_there {
            tell(daemon, state, "disconnect", &name, Some(&id));
        }
    }
}

fn tell(
    daemon: &Shared,
    state: &mut State,
    action: &'static str,
    name: &str,
    container: Option<&str>,
) {
    let Some(network) = state.networks.find(name) else { return };
    let (id, name, driver) =
        (Arc::clone(&network.id), Arc::clone(&network.name), Arc::clone(&network.driver));
    events::of_network(daemon, state, action, (&id, &name, &driver), container);
}

fn view(daemon: &Shared, state: &State, network: &Network) -> NetworkView {
    let members = network.members.keys().filter_map(|number| {
        let container = state.containers.get(number)?;
        let attached = container.networks.iter().find(|one| one.network == network.name)?;
        Some(Member {
            id: Arc::clone(&container.id),
            name: Arc::clone(&container.name),
            attached: attached.clone(),
        })
    });
    NetworkView {
        id: Arc::clone(&network.id),
        name: Arc::clone(&network.name),
        driver: Arc::clone(&network.driver),
        created: Stamp::new(network.created, daemon.settings.epoch),
        config: Arc::clone(&network.config),
        subnet: network.subnet_text(),
        gateway: network.gateway().map(|address| address.to_string()),
        members: members.collect(),
    }
}

pub(super) fn list(daemon: &Arc<Shared>, id: RequestId, filters: &Filters) {
    const KNOWN: [&str; 7] = ["dangling", "driver", "id", "label", "name", "scope", "type"];
    let result = filters.only(&KNOWN).map(|()| {
        let mut state = daemon.state.lock();
        let all: Vec<Network> = state.networks.all().cloned().collect();
        let is_predefined =
            |network: &Network| PREDEFINED.iter().any(|(name, _)| **name == *network.name);
        let wanted = all.iter().filter(|network| {
            let label = |key: &str| network.config.labels.get(key).map(String::as_str);
            filters.any("driver", |value| *network.driver == *value)
                && filters.any("id", |value| network.id.contains(value))
                && filters.any("name", |value| network.name.contains(value))
                && filters.any("scope", |value| value == "local")
                && filters.any("type", |value| (value == "builtin") == is_predefined(network))
                && filters.labels("label", label)
        });
        Answer::Networks(wanted.map(|network| view(daemon, &state, network)).collect())
    });
    daemon.answer(id, result, Duration::ZERO);
}

pub(super) fn inspect(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let result = {
        let mut state = daemon.state.lock();
        let found = state.networks.find(name).cloned();
        let network = found.ok_or_else(|| messages::no_such_network(name));
        network.map(|network| Answer::Network(Box::new(view(daemon, &state, &network))))
    };
    daemon.answer(id, result, Duration::ZERO);
}

pub(super) fn create(daemon: &Arc<Shared>, id: RequestId, config: NetworkConfig) {
    let result = {
        let mut state = daemon.state.lock();
        check(&mut state, &config).map(|driver| {
            let name: Arc<str> = config.name.as_str().into();
            let network = state.networks.add(config, driver, clock::now());
            let network_id = Arc::clone(&network.id);
            tell(daemon, &mut state, "create", &name, None);
            state.generation += 1;
            Answer::NetworkCreated(network_id)
        })
    };
    let work = if result.is_ok() { daemon.settings.create } else { Duration::ZERO };
    daemon.answer(id, result, work);
}

/// The driver of a network that can be made.
fn check(state: &mut State, config: &NetworkConfig) -> Result<&'static str, Refusal> {
    let name = &config.name;
    if name.trim().is_empty() {
        return Err(Refusal::new(500, format!("invalid name: {name}")));
    }
    if PREDEFINED.iter().any(|(predefined, _)| predefined == name) {
        let message = format!("operation is not permitted on predefined {name} network ");
        return Err(Refusal::new(403, message));
    }
    if state.networks.find(name).is_some_and(|network| *network.name == **name) {
        return Err(Refusal::new(409, format!("network with name {name} already exists")));
    }
    match config.driver.as_str() {
        "" | "bridge" => Ok("bridge"),
        "macvlan" => Ok("macvlan"),
        "ipvlan" => Ok("ipvlan"),
        "host" | "null" => {
            let message = format!("only one instance of \"{}\" network is allowed", config.driver);
            Err(Refusal::new(403, message))
        }
        other => Err(Refusal::new(404, format!("plugin \"{other}\" not found"))),
    }
}

pub(super) fn remove(daemon: &Arc<Shared>, id: RequestId, name: &str) {
    let result = {
        let mut state = daemon.state.lock();
        match state.networks.find(name) {
            None => Err(messages::no_such_network(name)),
            Some(network) if PREDEFINED.iter().any(|(known, _)| **known == *network.name) => {
                let what = "is a pre-defined network and cannot be removed";
                Err(Refusal::new(403, format!("{} {what}", network.name)))
            }
            Some(network) if !network.members.is_empty() => {
                let message = format!(
                    "error while removing network: network {} id {} has active endpoints",
                    network.name, network.id
                );
                Err(Refusal::new(403, message))
            }
            Some(network) => {
                let name = Arc::clone(&network.name);
                tell(daemon, &mut state, "destroy", &name, None);
                state.networks.remove(&name);
                state.generation += 1;
                Ok(Answer::Done)
            }
        }
    };
    daemon.answer(id, result, Duration::ZERO);
}

pub(super) fn connect(
    daemon: &Arc<Shared>,
    id: RequestId,
    network: &str,
    container: &str,
    aliases: Vec<String>,
) {
    let result = join(daemon, &mut daemon.state.lock(), network, container, aliases);
    daemon.answer(id, result.map(|()| Answer::Done), Duration::ZERO);
}

fn join(
    daemon: &Shared,
    state: &mut State,
    network: &str,
    container: &str,
    aliases: Vec<String>,
) -> Result<(), Refusal> {
    let found = state.find(container)?;
    let (number, running, id) = (found.number, found.is_running(), Arc::clone(&found.id));
    let settled = Arc::clone(&found.settled);
    let Some(name) = state.networks.find(network).map(|network| Arc::clone(&network.name)) else {
        return Err(messages::no_such_network(network));
    };
    let found = state.find(container)?;
    if found.networks.iter().any(|attached| attached.network == name) {
        let message = format!("endpoint with name {} already exists in network {name}", found.name);
        return Err(Refusal::new(403, message));
    }
    let Some(network) = state.networks.find(&name) else { return Ok(()) };
    let mut attached = network.join(number, &settled, &id, aliases);
    if !running {
        network.members.remove(&number);
        attached.address = None;
    }
    if let Some(container) = state.containers.get_mut(&number) {
        container.networks.push(attached);
    }
    tell(daemon, state, "connect", &name, Some(&id));
    Ok(())
}

pub(super) fn disconnect(
    daemon: &Arc<Shared>,
    id: RequestId,
    network: &str,
    container: &str,
    force: bool,
) {
    let result = leave(daemon, &mut daemon.state.lock(), network, container, force);
    daemon.answer(id, result.map(|()| Answer::Done), Duration::ZERO);
}

fn leave(
    daemon: &Shared,
    state: &mut State,
    network: &str,
    container: &str,
    force: bool,
) -> Result<(), Refusal> {
    let name = match state.networks.find(network) {
        Some(network) => Arc::clone(&network.name),
        None => return Err(messages::no_such_network(network)),
    };
    let found = state.get_mut(container)?;
    let (number, id) = (found.number, Arc::clone(&found.id));
    let before = found.networks.len();
    found.networks.retain(|attached| attached.network != name);
    if found.networks.len() == before && !force {
        let message = format!("container {id} is not connected to network {name}");
        return Err(Refusal::new(500, message));
    }
    if let Some(network) = state.networks.find(&name) {
        network.members.remove(&number);
    }
    tell(daemon, state, "disconnect", &name, Some(&id));
    Ok(())
}
