//! A handle to a daemon: for setting it up, steering it, and looking into it.

use super::cgroup::{self, Cgroup};
use super::config::ContainerConfig;
use super::container::Container;
use super::events::Event;
use super::exchange::{Connection, Exchange, RequestId};
use super::image::{Image, ImageSpec};
use super::kernel::ControlGroups;
use super::lifecycle::{self, Shutdown};
use super::observe::{ContainerView, Coverage, PullView, RequestView};
use super::pull::Pull;
use super::reference::normalise;
use super::request::Credentials;
use super::rules::{Rule, Rules};
use super::settings::DaemonSettings;
use super::state::{Published, State};
use super::{Contexts, Shared};
use crate::environment::host::SimHost;
use crate::environment::operations::Operations;
use parking_lot::Mutex;
use process::clock;
use process::simulated::ContextId;
use std::sync::Arc;
use std::time::Duration;

/// A simulated Docker daemon; a cheap handle to it.
#[derive(Clone)]
pub struct Daemon(Arc<Shared>);

impl Daemon {
    /// A daemon without images and containers, whose containers run on `host`. The registry is
    /// empty as well.
    pub fn new(operations: &Operations, host: &SimHost, settings: DaemonSettings) -> Self {
        let contexts = Contexts {
            daemon: operations.add_context("dockerd"),
            registry: operations.add_context("registry"),
        };
        let shared = Arc::new_cyclic(|this| Shared {
            operations: operations.clone(),
            contexts,
            settings,
            host: host.clone(),
            state: Mutex::default(),
            this: this.clone(),
        });
        host.add_kernel_files(Arc::new(ControlGroups(Arc::downgrade(&shared))));
        // Requests hold promises, whose callbacks may hold the daemon's clients.
        let weak = Arc::downgrade(&shared);
        operations.on_close(move || {
            if let Some(shared) = weak.upgrade() {
                let state = std::mem::take(&mut *shared.state.lock());
                drop(state);
            }
        });
        Daemon(shared)
    }

    /// Connections of the program named `owner`. Replies arrive in an environment context of
    /// their own.
    pub fn connect(&self, owner: impl Into<Arc<str>>) -> Connection {
        Connection {
            daemon: Arc::downgrade(&self.0),
            owner: owner.into(),
            context: self.0.operations.add_context("docker client"),
            waits: docker::Waits::default(),
        }
    }

    /// The port to the daemon for the program named `owner`.
    pub fn client(&self, owner: impl Into<Arc<str>>) -> Arc<dyn docker::Api> {
        Arc::new(self.connect(owner))
    }

    /// Cuts all connections of the program named `owner`, as its death does: its requests go on
    /// without a client, and its futures are never completed.
    pub fn disconnect(&self, owner: &str) {
        let theirs: Vec<RequestId> = {
            let state = self.0.state.lock();
            let all = state.exchanges.iter();
            all.filter(|(_, exchange)| exchange.connected && *exchange.owner == *owner)
                .map(|(id, _)| *id)
                .collect()
        };
        for id in theirs {
            self.0.client_left(id);
        }
    }

    /// Makes an image available in the registry, for everybody.
    pub fn publish(&self, reference: &str, image: Arc<ImageSpec>) {
        self.publish_for(None, reference, image);
    }

    /// Makes an image available in the registry, for those with these credentials.
    pub fn publish_for(
        &self,
        credentials: Option<Credentials>,
        reference: &str,
        image: Arc<ImageSpec>,
    ) {
        let published = Published { image: Image::new(image), credentials };
        self.0.state.lock().registry.insert(normalise(reference).into(), published);
    }

    /// Puts an image with all its layers into the daemon's store, as if pulled before.
    pub fn load(&self, reference: &str, image: Arc<ImageSpec>) {
        let image = Image::new(image);
        let mut state = self.0.state.lock();
        state.store.add(&image, clock::now());
        state.store.point(normalise(reference).into(), &image.spec.id);
    }

    /// Replaces the rules of faults. What hung because of one, or of a stall, goes on.
    pub fn set_rules(&self, rules: Vec<Rule>) {
        let held = {
            let mut state = self.0.state.lock();
            state.rules = Rules::new(rules);
            std::mem::take(&mut state.held)
        };
        for op in held {
            self.0.operations.resume(op);
        }
    }

    /// The rules of faults, without those that have struck as often as they should.
    pub fn rules(&self) -> Vec<Rule> {
        self.0.state.lock().rules.iter().cloned().collect()
    }

    /// Ends the daemon, and starts it again `down` after it has ended. Does nothing while it is
    /// not there.
    pub fn restart(&self, how: Shutdown, down: Duration) {
        lifecycle::restart(&self.0, how, down);
    }

    /// Whether the daemon is there.
    pub fn is_up(&self) -> bool {
        self.0.state.lock().is_up()
    }

    /// How the daemon was set up.
    pub fn settings(&self) -> &DaemonSettings {
        &self.0.settings
    }

    /// The environment context in which requests take effect.
    pub fn context(&self) -> ContextId {
        self.0.contexts.daemon
    }

    /// The environment context in which pulls get on.
    pub fn registry_context(&self) -> ContextId {
        self.0.contexts.registry
    }

    /// Counts changes: while it stays the same, so does all that the accessors below return,
    /// except for [`requests`](Self::requests).
    pub fn generation(&self) -> u64 {
        self.0.state.lock().generation
    }

    /// All containers, in the order of creation.
    pub fn containers(&self) -> Vec<ContainerView> {
        self.0.state.lock().containers.values().map(Container::view).collect()
    }

    /// The container of this name or id.
    pub fn container(&self, name: &str) -> Option<ContainerView> {
        self.0.state.lock().find(name).ok().map(Container::view)
    }

    /// What a container was created as.
    pub fn container_config(&self, name: &str) -> Option<Arc<ContainerConfig>> {
        let state = self.0.state.lock();
        state.find(name).ok().map(|container| Arc::clone(&container.settled.config))
    }

    /// What a container uses.
    pub fn cgroup(&self, name: &str) -> Option<Cgroup> {
        let state = self.0.state.lock();
        state.find(name).ok().map(|container| cgroup::figures(&state, container))
    }

    /// All that a container has written.
    pub fn log(&self, name: &str) -> Option<String> {
        let state = self.0.state.lock();
        let container = state.find(name).ok()?;
        let lines = container.log.lines().map(|line| String::from_utf8_lossy(&line.bytes));
        Some(lines.collect())
    }

    /// Calls `f` with each container, in the order of creation; `f` must not call back into the
    /// daemon.
    pub fn for_each_container(&self, f: impl FnMut(ContainerView)) {
        self.0.state.lock().containers.values().map(Container::view).for_each(f);
    }

    /// Whether this name of a container is taken, be it by one that is just being removed.
    pub fn is_name_reserved(&self, name: &str) -> bool {
        self.0.state.lock().names.contains_key(name)
    }

    /// Whether somebody stopped the container of this name before it was started: a stop that had
    /// no effect.
    pub fn was_stopped_early(&self, name: &str) -> bool {
        self.0.state.lock().stopped_early.contains(name)
    }

    /// The references of all images in the daemon's store.
    pub fn images(&self) -> Vec<Arc<str>> {
        let state = self.0.state.lock();
        let tags = state.store.references.keys().filter(|reference| !reference.contains('@'));
        tags.cloned().collect()
    }

    /// Whether the daemon's store has an image of this reference.
    pub fn has_image(&self, reference: &str) -> bool {
        self.0.state.lock().store.references.contains_key(&*normalise(reference))
    }

    /// How many layers the daemon's store has.
    pub fn layers(&self) -> usize {
        self.0.state.lock().store.layers.len()
    }

    /// The digests of the layers that are being fetched.
    pub fn transfers(&self) -> Vec<Arc<str>> {
        let state = self.0.state.lock();
        state.transfers.all().map(|transfer| Arc::clone(&transfer.digest)).collect()
    }

    /// All pulls that the daemon is busy with, the oldest first.
    pub fn pulls(&self) -> Vec<PullView> {
        fn view(state: &State, id: RequestId, pull: &Pull) -> Option<PullView> {
            let exchange = state.exchanges.get(&id)?;
            Some(PullView {
                request: id,
                reference: Arc::clone(&pull.reference),
                owner: Arc::clone(&exchange.owner),
                connected: exchange.connected,
                phase: pull.phase,
                cause: exchange.cause,
            })
        }
        let state = self.0.state.lock();
        state.pulls.iter().filter_map(|(id, pull)| view(&state, *id, pull)).collect()
    }

    /// How many pulls have a client that still waits.
    pub fn watched_pulls(&self) -> usize {
        let state = self.0.state.lock();
        let watched = |id: &&RequestId| state.exchanges.get(id).is_some_and(|one| one.connected);
        state.pulls.keys().filter(watched).count()
    }

    /// All requests in flight, the oldest first: see [`RequestView`].
    pub fn requests(&self) -> Vec<RequestView> {
        let view = |(id, exchange): (&RequestId, &Exchange)| RequestView {
            number: *id,
            method: exchange.method,
            subject: Arc::clone(&exchange.subject),
            owner: Arc::clone(&exchange.owner),
            connected: exchange.connected,
            cause: exchange.cause,
        };
        self.0.state.lock().exchanges.iter().map(view).collect()
    }

    /// The events that the daemon remembers, the oldest first.
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.0.state.lock().events.remembered()
    }

    /// What has happened so far, counted.
    pub fn coverage(&self) -> Coverage {
        self.0.state.lock().coverage
    }
}
