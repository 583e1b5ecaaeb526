//! A simulated Docker daemon with its registry.
//!
//! The daemon is plain data behind one lock, changed by ops; [`Daemon::client`] is the port
//! through which programs talk to it. A request has two lives (`request.rs`). A container's
//! process is a process of the [host](crate::environment::host). A pull waits for the manifest,
//! the configuration and its layers, which it shares with other pulls, and tags the image last.
//!
//! It follows Docker Engine 20.10. Not modelled: pause, restart policies, networks, the order in
//! which layers of one image are extracted.

mod client;
mod containers;
mod listing;
mod messages;
mod observe;
mod pull;
mod removing;
mod request;
mod settings;
mod state;
mod stopping;
mod stream;
mod transfer;
mod waiting;

pub use containers::ContainerState;
pub use observe::{ContainerView, Coverage, PullView, RequestView};
pub use pull::Phase;
pub use request::Method;
pub use settings::{DaemonSettings, ImageSpec, Layer, Script};

use crate::environment::host::SimHost;
use crate::environment::operations::Operations;
use client::Client;
use parking_lot::Mutex;
use process::simulated::ContextId;
use state::{State, normalise};
use std::sync::Arc;

/// The environment contexts of a daemon.
#[derive(Clone, Copy, Debug)]
struct Contexts {
    daemon: ContextId,
    registry: ContextId,
}

struct Shared {
    operations: Operations,
    contexts: Contexts,
    settings: DaemonSettings,
    host: SimHost,
    state: Mutex<State>,
}

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
        let shared = Arc::new(Shared {
            operations: operations.clone(),
            contexts,
            settings,
            host: host.clone(),
            state: Mutex::default(),
        });
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

    /// A connection to the daemon for the program named `owner`. Answers arrive in an environment
    /// context of its own.
    pub fn client(&self, owner: impl Into<Arc<str>>) -> Arc<dyn docker::Api> {
        Arc::new(Client {
            daemon: Arc::downgrade(&self.0),
            owner: owner.into(),
            context: self.0.operations.add_context("docker client"),
        })
    }

    /// Cuts all connections of the program named `owner`, as its death does: its requests go on
    /// without a client, and its futures are never completed.
    pub fn disconnect(&self, owner: &str) {
        let theirs: Vec<_> = {
            let state = self.0.state.lock();
            let all = state.requests.iter();
            all.filter(|(_, request)| request.connected && *request.owner == *owner)
                .map(|(id, _)| *id)
                .collect()
        };
        for id in theirs {
            self.0.client_left(id);
        }
    }

    /// Makes an image available in the registry.
    pub fn publish(&self, reference: &str, image: Arc<ImageSpec>) {
        self.0.state.lock().registry.insert(normalise(reference).into(), image);
    }

    /// Puts an image with all its layers into the daemon's store, as if pulled before.
    pub fn load(&self, reference: &str, image: Arc<ImageSpec>) {
        let mut state = self.0.state.lock();
        state.layers.extend(image.layers.iter().map(|layer| Arc::clone(&layer.digest)));
        state.images.insert(normalise(reference).into(), image);
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
        self.0.state.lock().containers.values().map(containers::Container::view).collect()
    }

    /// The container of this name or id.
    pub fn container(&self, name: &str) -> Option<ContainerView> {
        let state = self.0.state.lock();
        state.find(name).map(containers::Container::view)
    }

    /// Calls `f` with each container, in the order of creation; `f` must not call back into the
    /// daemon.
    pub fn for_each_container(&self, f: impl FnMut(ContainerView)) {
        let state = self.0.state.lock();
        state.containers.values().map(containers::Container::view).for_each(f);
    }

    /// Whether somebody stopped the container of this name before it was started: a stop that had
    /// no effect.
    pub fn was_stopped_early(&self, name: &str) -> bool {
        self.0.state.lock().stopped_early.contains(name)
    }

    /// The references of all images in the daemon's store.
    pub fn images(&self) -> Vec<Arc<str>> {
        self.0.state.lock().images.keys().cloned().collect()
    }

    /// Whether the daemon's store has an image of this reference.
    pub fn has_image(&self, reference: &str) -> bool {
        self.0.state.lock().images.contains_key(&*normalise(reference))
    }

    /// The digests of the layers that are being fetched.
    pub fn transfers(&self) -> Vec<Arc<str>> {
        self.0.state.lock().transfers.keys().cloned().collect()
    }

    /// All pulls that the daemon is busy with, the oldest first.
    pub fn pulls(&self) -> Vec<PullView> {
        let state = self.0.state.lock();
        let view = |(id, pull): (&u64, &pull::Pull)| {
            let request = state.requests.get(id)?;
            Some(PullView {
                request: *id,
                reference: Arc::clone(&pull.reference),
                owner: Arc::clone(&request.owner),
                connected: request.connected,
                phase: pull.phase,
                cause: request.cause,
            })
        };
        state.pulls.iter().filter_map(view).collect()
    }

    /// How many pulls have a client that still waits.
    pub fn watched_pulls(&self) -> usize {
        let state = self.0.state.lock();
        let watched = |id: &&u64| state.requests.get(id).is_some_and(|request| request.connected);
        state.pulls.keys().filter(watched).count()
    }

    /// All requests in flight, the oldest first: see [`RequestView`].
    pub fn requests(&self) -> Vec<RequestView> {
        let state = self.0.state.lock();
        let view = |(id, request): (&u64, &request::Request)| RequestView {
            number: *id,
            method: request.method,
            subject: Arc::clone(&request.subject),
            owner: Arc::clone(&request.owner),
            connected: request.connected,
            cause: request.cause,
        };
        state.requests.iter().map(view).collect()
    }

    /// What has happened so far, counted.
    pub fn coverage(&self) -> Coverage {
        self.0.state.lock().coverage
    }
}
