//! Engine, registry, proxy and image maker together: the stage of one test.

use std::time::Duration;

use crate::engine::Engine;
use crate::images::{ImageMaker, PushedImage};
use crate::proxy::Proxy;
use crate::registry::{Registry, RegistryError};
use crate::require::{require_engine, skip};

/// What a test about pulls needs. Its parts share nothing with another test's but the Engine.
///
/// Dropping it removes every image of this lab from the Engine, and every container that was
/// made from one, then ends the proxy and the registry.
pub struct DockerLab {
    // In the order in which they must be dropped.
    /// Makes images and pushes them to the registry.
    pub images: ImageMaker,
    /// Stands before the registry; pulls of [`DockerLab::proxy_name`] go through it.
    pub proxy: Proxy,
    /// Holds what was pushed.
    pub registry: Registry,
    /// The Engine, for looking at it.
    pub engine: Engine,
}

impl DockerLab {
    /// Starts a lab, or skips the calling test as [`require_engine`] does, also when
    /// `docker-registry` or a static busybox is not installed.
    ///
    /// # Panics
    ///
    /// When something is missing and `DRYDOCK_REQUIRE_DOCKER=1`; always when the registry is
    /// installed but does not start.
    pub fn require() -> Option<DockerLab> {
        let engine = require_engine()?;
        let registry = match Registry::start() {
            Ok(registry) => registry,
            Err(error @ RegistryError::NotInstalled) => return skip(&error),
            Err(error) => panic!("{error}"),
        };
        let images = match ImageMaker::new(&engine, registry.host()) {
            Ok(images) => images,
            Err(error) => return skip(&error),
        };
        let proxy = Proxy::start(registry.address()).expect("a loopback port for the proxy");
        Some(DockerLab { images, proxy, registry, engine })
    }

    /// The name under which the Engine pulls this image through the proxy.
    pub fn proxy_name(&self, image: &PushedImage) -> String {
        image.at(&self.proxy.host())
    }

    /// Waits until the proxy's counters satisfy `condition`.
    ///
    /// # Panics
    ///
    /// When that takes longer than `limit`; the message holds `what` and the counters.
    pub async fn expect(
        &self,
        what: &str,
        limit: Duration,
        condition: impl FnMut(&crate::proxy::Stats) -> bool,
    ) -> crate::proxy::Stats {
        match self.proxy.wait_until(what, limit, condition).await {
            Ok(stats) => stats,
            Err(error) => panic!("{error}"),
        }
    }
}
