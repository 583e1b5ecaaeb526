//! Lists of containers.

use super::Shared;
use super::answer::{Answer, Refusal};
use super::config::Settled;
use super::container::{Container, ContainerState};
use super::exchange::RequestId;
use super::messages;
use super::network::Attached;
use super::request::ListOptions;
use super::stamp::{Stamp, human};
use super::state::State;
use super::volumes;
use process::clock;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A row of a list.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id.
    pub id: Arc<str>,
    /// Its name, without the leading `/`.
    pub name: Arc<str>,
    /// The image, as it was named; its id if that name means another image now.
    pub image: Arc<str>,
    /// The image's id.
    pub image_id: Arc<str>,
    /// When it was created.
    pub created: Stamp,
    /// The word for its state.
    pub state: &'static str,
    /// The same for people.
    pub status: String,
    /// Its networks.
    pub networks: Vec<Attached>,
    /// Whether its ports are published at the moment.
    pub running: bool,
    /// The size of all its files, if that was asked for.
    pub size: Option<u64>,
    pub(super) settled: Arc<Settled>,
}

const KNOWN: [&str; 15] = [
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
];

const STATES: [&str; 7] =
    ["paused", "restarting", "removing", "running", "dead", "created", "exited"];

pub(super) fn list(daemon: &Arc<Shared>, id: RequestId, options: &ListOptions) {
    let result = rows(daemon, &daemon.state.lock(), options);
    daemon.answer(id, result.map(Answer::Containers), Duration::ZERO);
}

pub(super) fn rows(
    daemon: &Shared,
    state: &State,
    options: &ListOptions,
) -> Result<Vec<Row>, Refusal> {
    if options.filters.is_empty() {
        let listed = state.containers.values().rev();
        let listed = listed.filter(|one| options.all || options.limit > 0 || one.is_running());
        let at_most = if options.limit == 0 { usize::MAX } else { options.limit };
        return Ok(listed.take(at_most).map(|one| row(daemon, state, one, options.size)).collect());
    }
    filtered(daemon, state, options)
}

fn filtered(daemon: &Shared, state: &State, options: &ListOptions) -> Result<Vec<Row>, Refusal> {
    let filters = &options.filters;
    filters.only(&KNOWN)?;
    let statuses = filters.get("status");
    if let Some(wrong) = statuses.iter().find(|status| !STATES.contains(&status.as_str())) {
        return Err(messages::invalid_filter("status", Some(wrong)));
    }
    const HEALTH: [&str; 4] = ["starting", "healthy", "unhealthy", "none"];
    if let Some(wrong) = filters.get("health").iter().find(|one| !HEALTH.contains(&one.as_str())) {
        let message = format!("Unrecognised filter value for health: {wrong}");
        return Err(Refusal::new(400, message));
    }
    let is_task = filters.flag("is-task")?;
    let mut codes = Vec::new();
    for text in filters.get("exited") {
        let code: i64 = text.parse().map_err(|_| {
            Refusal::new(500, format!("strconv.Atoi: parsing \"{text}\": invalid syntax"))
        })?;
        codes.push(code);
    }
    let bound = |name: &str| -> Result<Option<u64>, Refusal> {
        let found = filters.get(name).first().map(|name| {
            let missing = |_| Refusal::new(500, format!("no such container {name}"));
            state.find(name).map(|one| one.number).map_err(missing)
        });
        found.transpose()
    };
    let (before, since) = (bound("before")?, bound("since")?);
    let ancestors: BTreeSet<Arc<str>> = filters
        .get("ancestor")
        .iter()
        .filter_map(|name| Some(Arc::clone(&state.store.find(name).ok()?.image.spec.id)))
        .collect();
    let all = options.all || options.limit > 0 || !statuses.is_empty();
    let mut rows = Vec::new();
    for container in state.containers.values().rev() {
        let number = container.number;
        if before.is_some_and(|before| number >= before)
            || since.is_some_and(|since| number <= since)
        {
            continue;
        }
        if !(all || container.is_running()) || !matches(container, options) {
            continue;
        }
        let exited = container.started.is_some() && !container.is_running();
        if is_task == Some(true) {
            continue;
        }
        if !(codes.is_empty() || exited && codes.contains(&container.exit_code)) {
            continue;
        }
        if !filters.get("ancestor").is_empty() && !ancestors.contains(&container.image) {
            continue;
        }
        if options.limit > 0 && rows.len() == options.limit {
            break;
        }
        rows.push(row(daemon, state, container, options.size));
    }
    Ok(rows)
}

fn matches(container: &Container, options: &ListOptions) -> bool {
    let (filters, settled) = (&options.filters, &container.settled);
    let mounted = |value: &str| {
        settled.config.binds.iter().any(|bind| {
            let mut parts = bind.split(':');
            parts.next() == Some(value) || parts.next() == Some(value)
        })
    };
    let in_network = |value: &str| {
        container
            .networks
            .iter()
            .any(|one| *one.network == *value || one.network_id.starts_with(value))
    };
    let port =
        |value: &str| if value.contains('/') { value.to_owned() } else { format!("{value}/tcp") };
    let named = filters.within("name", &container.name)
        || filters.within("name", &format!("/{}", container.name));
    named
        && filters.any("id", |value| container.id.starts_with(value))
        && filters.any("status", |value| value == container.state_name())
        && filters.any("health", |value| value == "none")
        && filters.any("volume", mounted)
        && filters.any("network", in_network)
        && filters.any("expose", |value| settled.exposed_ports.contains(&port(value)))
        && filters.any("publish", |value| {
            settled.config.ports.iter().any(|one| {
                let protocol = one.port.split_once('/').map_or("tcp", |(_, protocol)| protocol);
                format!("{}/{protocol}", one.host_port) == port(value)
            })
        })
        && filters.labels("label", |key| settled.label(key))
}

fn row(daemon: &Shared, state: &State, container: &Container, size: bool) -> Row {
    let named = &container.settled.config.image;
    let still = state.store.find(named).is_ok_and(|stored| stored.image.spec.id == container.image);
    Row {
        id: Arc::clone(&container.id),
        name: Arc::clone(&container.name),
        image: if still { named.as_str().into() } else { Arc::clone(&container.image) },
        image_id: Arc::clone(&container.image),
        created: Stamp::new(container.created, daemon.settings.epoch),
        state: container.state_name(),
        status: status(container),
        networks: container.networks.clone(),
        running: container.is_running(),
        size: if size { state.store.size_of(&container.image) } else { None },
        settled: Arc::clone(&container.settled),
    }
}

/// A container's state, for people.
fn status(container: &Container) -> String {
    let since = |time: Option<process::Time>| {
        human(time.map_or(Duration::ZERO, |time| clock::now() - time))
    };
    let code = container.exit_code;
    match container.state {
        ContainerState::Running => format!("Up {}", since(container.started)),
        ContainerState::Paused => format!("Up {} (Paused)", since(container.started)),
        ContainerState::Restarting => {
            format!("Restarting ({code}) {} ago", since(container.finished))
        }
        _ if container.removing => "Removal In Progress".to_owned(),
        ContainerState::Dead => "Dead".to_owned(),
        ContainerState::Created => "Created".to_owned(),
        ContainerState::Exited => format!("Exited ({code}) {} ago", since(container.finished)),
    }
}

impl Row {
    /// The command line; arguments with a space are quoted, whatever else is in them.
    pub fn command(&self) -> String {
        let argv = self.settled.argv();
        let shown = argv.iter().enumerate().map(|(index, argument)| {
            if index > 0 && argument.contains(' ') {
                format!("'{argument}'")
            } else {
                argument.clone()
            }
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// Volumes in its binds.
    pub fn volumes(&self) -> impl Iterator<Item = &str> {
        self.settled.config.binds.iter().filter_map(|bind| volumes::name_in(bind))
    }
}
