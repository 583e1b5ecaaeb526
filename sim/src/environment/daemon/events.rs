//! Events: what the daemon tells everybody who follows what happens.

use super::Shared;
use super::answer::{Chunk, Opened, Refusal, Reply};
use super::config::Settled;
use super::container::Container;
use super::exchange::RequestId;
use super::filters::Filters;
use super::image::ImageSpec;
use super::reference::repository;
use super::request::EventOptions;
use super::stamp::Stamp;
use super::state::State;
use process::{Label, clock};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How many events the daemon remembers.
const REMEMBERED: usize = 256;

/// What an event is about.
#[derive(Clone, Debug)]
enum Subject {
    Container {
        settled: Arc<Settled>,
        name: Arc<str>,
    },
    /// An image that may have no name in the event.
    Image {
        name: Arc<str>,
        spec: Option<Arc<ImageSpec>>,
    },
    Network {
        name: Arc<str>,
        driver: Arc<str>,
    },
    Volume {
        driver: Arc<str>,
    },
}

/// Something that has happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub time: Stamp,
    /// What: `start`, `die`, `pull` …
    pub action: Cow<'static, str>,
    /// The id of what it happened to.
    pub id: Arc<str>,
    subject: Subject,
    extra: Vec<(&'static str, String)>,
}

impl Event {
    /// What kind of thing it happened to.
    pub fn kind(&self) -> &'static str {
        match self.subject {
            Subject::Container { .. } => "container",
            Subject::Image { .. } => "image",
            Subject::Network { .. } => "network",
            Subject::Volume { .. } => "volume",
        }
    }

    /// The image that a container was created from, as it was named.
    pub fn from(&self) -> Option<&str> {
        match &self.subject {
            Subject::Container { settled, .. } => Some(&settled.config.image),
            _ => None,
        }
    }

    /// What else there is to say, by name.
    pub fn attributes(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> =
            self.extra.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let mut add = |name: &str, value: &str| all.insert(name.to_owned(), value.to_owned());
        match &self.subject {
            Subject::Container { settled, name } => {
                for (label, value) in settled.labels() {
                    add(label, value);
                }
                add("image", &settled.config.image);
                add("name", name);
            }
            Subject::Image { name, spec } => {
                for (label, value) in spec.iter().flat_map(|spec| &spec.labels) {
                    add(label, value);
                }
                add("name", name);
            }
            Subject::Network { name, driver } => {
                add("name", name);
                add("type", driver);
            }
            Subject::Volume { driver } => {
                add("driver", driver);
            }
        }
        all
    }

    fn matches(&self, filters: &Filters) -> bool {
        if filters.is_empty() {
            return true;
        }
        let attributes = self.attributes();
        let name = attributes.get("name").map(String::as_str).unwrap_or_default();
        let starts = |filter: &str| {
            filters.any(filter, |value| self.id.starts_with(value) || name.starts_with(value))
        };
        let image = if self.kind() == "image" { name } else { self.from().unwrap_or_default() };
        let is_image = |value: &str| {
            [&*self.id, image, repository(&self.id), repository(image)].contains(&value)
        };
        // `exec_create` and the like stand before a colon.
        let action = self.action.split(':').next().unwrap_or_default();
        filters.any("type", |value| value == self.kind())
            && filters.any("event", |value| value == self.action || value == action)
            && filters.any("scope", |value| value == "local")
            && starts("container")
            && starts("network")
            && starts("volume")
            && filters.any("image", is_image)
            && filters.labels("label", |key| attributes.get(key).map(String::as_str))
    }
}

struct Subscriber {
    request: RequestId,
    filters: Filters,
}

/// What was, and who is told of what will be.
#[derive(Default)]
pub(super) struct Events {
    remembered: VecDeque<Arc<Event>>,
    subscribers: Vec<Subscriber>,
    /// Events that the subscribers have not been told of.
    news: Vec<Arc<Event>>,
}

impl Events {
    pub(super) fn unsubscribe(&mut self, id: RequestId) {
        self.subscribers.retain(|one| one.request != id);
    }

    /// The daemon forgets everything when it ends.
    pub(super) fn clear(&mut self) {
        *self = Events::default();
    }

    /// How many follow what happens.
    pub(super) fn listeners(&self) -> usize {
        self.subscribers.len()
    }

    /// All that is remembered, the oldest first.
    pub(super) fn remembered(&self) -> Vec<Arc<Event>> {
        self.remembered.iter().cloned().collect()
    }
}

fn publish(
    daemon: &Shared,
    state: &mut State,
    action: impl Into<Cow<'static, str>>,
    id: &Arc<str>,
    subject: Subject,
    extra: Vec<(&'static str, String)>,
) {
    let time = Stamp::new(clock::now(), daemon.settings.epoch);
    let event = Arc::new(Event { time, action: action.into(), id: Arc::clone(id), subject, extra });
    let events = &mut state.events;
    if events.remembered.len() == REMEMBERED {
        events.remembered.pop_front();
    }
    events.remembered.push_back(Arc::clone(&event));
    if events.subscribers.is_empty() {
        return;
    }
    events.news.push(event);
    if events.news.len() > 1 {
        return;
    }
    // The state is locked here; whoever follows is told in an op of its own.
    let Some(daemon) = daemon.this.upgrade() else { return };
    let label = Label::plain("Daemon", "events");
    let (operations, context) = (daemon.operations.clone(), daemon.contexts.daemon);
    operations.schedule(context, label, Duration::ZERO, move || tell(&daemon));
}

fn tell(daemon: &Arc<Shared>) {
    let told: Vec<_> = {
        let mut state = daemon.state.lock();
        let news = std::mem::take(&mut state.events.news);
        let mut told = Vec::new();
        for event in news {
            let wanted = state.events.subscribers.iter().filter(|one| event.matches(&one.filters));
            told.extend(wanted.map(|one| (one.request, Arc::clone(&event))));
        }
        told
    };
    for (id, event) in told {
        daemon.reply(id, Reply::Chunk(Chunk::Event(event)), Duration::ZERO);
    }
}

fn about(container: &Container) -> Subject {
    Subject::Container {
        settled: Arc::clone(&container.settled),
        name: Arc::clone(&container.name),
    }
}

fn with(
    daemon: &Shared,
    state: &mut State,
    number: u64,
    action: impl Into<Cow<'static, str>>,
    extra: Vec<(&'static str, String)>,
) {
    let Some(container) = state.containers.get(&number) else { return };
    let (id, subject) = (Arc::clone(&container.id), about(container));
    publish(daemon, state, action, &id, subject, extra);
}

/// Something has happened to a container.
pub(super) fn of_container(
    daemon: &Shared,
    state: &mut State,
    number: u64,
    action: impl Into<Cow<'static, str>>,
) {
    with(daemon, state, number, action, Vec::new());
}

/// The same for one that is not there any more.
pub(super) fn of_removed(daemon: &Shared, state: &mut State, container: &Container) {
    publish(daemon, state, "destroy", &container.id, about(container), Vec::new());
}

pub(super) fn killed(daemon: &Shared, state: &mut State, number: u64, signal: i32) {
    with(daemon, state, number, "kill", vec![("signal", signal.to_string())]);
}

pub(super) fn died(daemon: &Shared, state: &mut State, number: u64, code: i64) {
    with(daemon, state, number, "die", vec![("exitCode", code.to_string())]);
}

pub(super) fn renamed(daemon: &Shared, state: &mut State, number: u64, old: &str) {
    with(daemon, state, number, "rename", vec![("oldName", format!("/{old}"))]);
}

/// Something has happened to a program in a container.
pub(super) fn of_exec(
    daemon: &Shared,
    state: &mut State,
    number: u64,
    action: impl Into<Cow<'static, str>>,
    exec: &str,
    code: Option<i64>,
) {
    let mut extra = vec![("execID", exec.to_owned())];
    extra.extend(code.map(|code| ("exitCode", code.to_string())));
    with(daemon, state, number, action, extra);
}

/// Something has happened to an image; `name` is a reference, or its id.
pub(super) fn of_image(
    daemon: &Shared,
    state: &mut State,
    action: &'static str,
    id: &Arc<str>,
    name: &Arc<str>,
) {
    let spec = state.store.find(id).ok().map(|stored| Arc::clone(&stored.image.spec));
    let subject = Subject::Image { name: Arc::clone(name), spec };
    publish(daemon, state, action, id, subject, Vec::new());
}

/// An image was pulled, which is told of its reference.
pub(super) fn pulled(daemon: &Shared, state: &mut State, reference: &Arc<str>) {
    let name = repository(reference).into();
    of_image(daemon, state, "pull", reference, &name);
}

/// Something has happened to a network, perhaps with a container.
pub(super) fn of_network(
    daemon: &Shared,
    state: &mut State,
    action: &'static str,
    network: (&Arc<str>, &Arc<str>, &Arc<str>),
    container: Option<&str>,
) {
    let (id, name, driver) = network;
    let subject = Subject::Network { name: Arc::clone(name), driver: Arc::clone(driver) };
    let extra = container.map(|container| ("container", container.to_owned()));
    publish(daemon, state, action, id, subject, extra.into_iter().collect());
}

/// Something has happened to a volume, perhaps with a container.
pub(super) fn of_volume(
    daemon: &Shared,
    state: &mut State,
    action: &'static str,
    name: &Arc<str>,
    driver: &Arc<str>,
    extra: Vec<(&'static str, String)>,
) {
    let subject = Subject::Volume { driver: Arc::clone(driver) };
    publish(daemon, state, action, name, subject, extra);
}

pub(super) fn follow(daemon: &Arc<Shared>, id: RequestId, options: EventOptions) {
    let now = Stamp::new(clock::now(), daemon.settings.epoch).0;
    if let (Some(since), Some(until)) = (options.since, options.until)
        && until < since
    {
        let shown = |time: Duration| time.as_secs_f64();
        let message = format!(
            "`since` time ({}) cannot be after `until` time ({})",
            shown(since),
            shown(until)
        );
        return daemon.refuse(id, Refusal::new(400, message));
    }
    let over = options.until.is_some_and(|until| until < now);
    let past: Vec<_> = {
        let mut state = daemon.state.lock();
        let bounded = options.since.is_some() || options.until.is_some();
        let past = state.events.remembered.iter().filter(|event| {
            bounded
                && options.since.is_none_or(|since| event.time.0 >= since)
                && options.until.is_none_or(|until| event.time.0 <= until)
                && event.matches(&options.filters)
        });
        let past = past.cloned().collect();
        if !over {
            let filters = options.filters;
            state.events.subscribers.push(Subscriber { request: id, filters });
        }
        past
    };
    daemon.reply(id, Reply::Opened(Opened::Events), Duration::ZERO);
    for event in past {
        daemon.reply(id, Reply::Chunk(Chunk::Event(event)), Duration::ZERO);
    }
    if over {
        return daemon.reply(id, Reply::Ended, Duration::ZERO);
    }
    if let Some(until) = options.until {
        let (shared, context) = (Arc::clone(daemon), daemon.contexts.daemon);
        let label = Label::plain("Daemon", "events' time is over");
        daemon.operations.schedule(context, label, until.saturating_sub(now), move || {
            shared.state.lock().events.unsubscribe(id);
            shared.reply(id, Reply::Ended, Duration::ZERO);
        });
    }
}
