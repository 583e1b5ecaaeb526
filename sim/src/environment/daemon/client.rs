//! The client's side: [`docker::Api`] over the simulated daemon.

use super::request::{Exchange, Method, Request};
use super::{Shared, containers, listing, messages, pull, removing, stopping, waiting};
use docker::{
    Answer, Api, Attachment, Container, ContainerSummary, CreateBody, Credentials, Image, Output,
    PullEvent, Version, WaitCondition,
};
use process::future::Value;
use process::simulated::ContextId;
use process::{Label, Nothing, Promise};
use std::sync::{Arc, Weak};

/// A client of a daemon. It does not keep the daemon alive; without it nothing is reachable.
pub(super) struct Client {
    pub(super) daemon: Weak<Shared>,
    pub(super) owner: Arc<str>,
    pub(super) context: ContextId,
}

impl Client {
    fn request<T: Value>(
        &self,
        method: Method,
        subject: &str,
        effect: impl FnOnce(&Arc<Shared>, Exchange<T>) + Send + 'static,
    ) -> Answer<T> {
        let Some(daemon) = self.daemon.upgrade() else {
            return Answer::ready(Err(messages::unreachable()));
        };
        let request = Request::new(method, subject, Arc::clone(&self.owner), self.context);
        let id = daemon.state.lock().open(request);
        let promise = Arc::new(Promise::new());
        let future = promise.future();
        let left = (Weak::clone(&self.daemon), Arc::downgrade(&promise));
        future.on_discard(move || {
            // Taken first: the daemon may drop its end, and the client must not see it abandoned.
            let promise = left.1.upgrade();
            if let Some(daemon) = left.0.upgrade() {
                daemon.client_left(id);
            }
            if let Some(promise) = promise {
                promise.discard();
            }
        });
        let (context, travel) = (daemon.contexts.daemon, daemon.settings.travel);
        let shared = Arc::clone(&daemon);
        let arrive = move || shared.arrive(Exchange { id, promise }, effect);
        let label = Label::plain("Daemon", method.name());
        daemon.operations.schedule_about(context, label, travel, arrive);
        future
    }
}

impl Api for Client {
    fn version(&self) -> Answer<Version> {
        self.request(Method::Version, "", listing::version)
    }

    fn create_container(&self, name: &str, body: &CreateBody) -> Answer<String> {
        let (owned, body) = (Arc::<str>::from(name), body.clone());
        self.request(Method::Create, name, move |daemon, exchange| {
            containers::create(daemon, exchange, owned, &body);
        })
    }

    fn attach_container(&self, name: &str, _: &Output, _: &Output) -> Answer<Attachment> {
        let (owned, context) = (Arc::<str>::from(name), self.context);
        self.request(Method::Attach, name, move |daemon, exchange| {
            waiting::attach(daemon, exchange, &owned, context);
        })
    }

    fn start_container(&self, name: &str) -> Answer<Nothing> {
        let owned = Arc::<str>::from(name);
        self.request(Method::Start, name, move |daemon, exchange| {
            containers::start(daemon, exchange, owned);
        })
    }

    fn wait_container(&self, name: &str, condition: WaitCondition) -> Answer<i64> {
        let owned = Arc::<str>::from(name);
        self.request(Method::Wait, name, move |daemon, exchange| {
            waiting::wait(daemon, exchange, owned, condition);
        })
    }

    fn stop_container(&self, name: &str, timeout_secs: u64) -> Answer<Nothing> {
        let owned = Arc::<str>::from(name);
        self.request(Method::Stop, name, move |daemon, exchange| {
            stopping::stop(daemon, exchange, owned, timeout_secs);
        })
    }

    fn kill_container(&self, name: &str, signal: i32) -> Answer<Nothing> {
        let owned = Arc::<str>::from(name);
        self.request(Method::Kill, name, move |daemon, exchange| {
            stopping::kill(daemon, exchange, owned, signal);
        })
    }

    fn remove_container(&self, name: &str, force: bool, _volumes: bool) -> Answer<Nothing> {
        let owned = Arc::<str>::from(name);
        self.request(Method::Remove, name, move |daemon, exchange| {
            removing::remove(daemon, exchange, owned, force);
        })
    }

    fn inspect_container(&self, name: &str) -> Answer<Container> {
        let owned = Arc::<str>::from(name);
        self.request(Method::InspectContainer, name, move |daemon, exchange| {
            listing::inspect(daemon, exchange, owned);
        })
    }

    fn list_containers(&self, all: bool) -> Answer<Vec<ContainerSummary>> {
        self.request(Method::List, "", move |daemon, exchange| {
            listing::list(daemon, exchange, all);
        })
    }

    fn inspect_image(&self, image: &str) -> Answer<Image> {
        let owned = Arc::<str>::from(image);
        self.request(Method::InspectImage, image, move |daemon, exchange| {
            listing::inspect_image(daemon, exchange, &owned);
        })
    }

    /// Its registry asks nobody for credentials.
    fn pull_image_as(
        &self,
        reference: &str,
        _credentials: Option<&Credentials>,
        progress: Option<PullEvent>,
    ) -> Answer<Nothing> {
        let owned = Arc::<str>::from(reference);
        self.request(Method::Pull, reference, move |daemon, exchange| {
            pull::begin(daemon, exchange, &owned, progress);
        })
    }
}
