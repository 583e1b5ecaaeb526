//! A stage with a real Engine.

use parking_lot::Mutex;

use super::stage::{Stage, Transfers, Trouble};
use crate::engine::Endpoint;
use crate::lab::DockerLab;
use crate::proxy::{Fault, FaultGuard, Proxy, Target};
use crate::{EngineError, ImageSpec};

/// Bytes a second of a slow registry.
const SLOW: u64 = 512 << 10;

/// A layer falls silent, or is cut, after so many bytes.
const PART: u64 = 3 << 20;

/// A real Engine with a registry of its own.
pub struct RealStage {
    lab: DockerLab,
    _private: Proxy,
    endpoint: Endpoint,
    registry: String,
    private_registry: String,
    faults: Mutex<Vec<FaultGuard>>,
}

impl RealStage {
    /// As [`RealStage::require`], with an image `laneN:1` in the registry for each of so many
    /// lanes.
    pub fn require_with_lanes(lanes: usize) -> Option<RealStage> {
        RealStage::set(lanes)
    }

    /// Sets the stage, or skips the calling test as [`DockerLab::require`] does.
    pub fn require() -> Option<RealStage> {
        RealStage::set(0)
    }

    fn set(lanes: usize) -> Option<RealStage> {
        let lab = DockerLab::require()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        match runtime.block_on(RealStage::new(lab, lanes)) {
            Ok(stage) => Some(stage),
            Err(error) => panic!("the stage cannot be set: {error}"),
        }
    }

    async fn new(lab: DockerLab, lanes: usize) -> Result<RealStage, Box<dyn std::error::Error>> {
        let host = lab.engine.host();
        let endpoint = Endpoint::parse(&host).ok_or("no endpoint")?;
        let private = Proxy::start(lab.registry.address())?;
        // u:p
        private.require_authorization("Basic dTpw");
        let lane = |number: usize| ImageSpec {
            name: format!("lane{number}"),
            environment: vec![format!("LANE={number}")],
            ..ImageSpec::busybox()
        };
        let usual = [ImageSpec::busybox(), ImageSpec::entrypoint(), ImageSpec::big(8)];
        for spec in usual.into_iter().chain((0..lanes).map(lane)) {
            lab.images.push(&spec).await?;
        }
        let registry = format!("{}/{}", lab.proxy.host(), lab.images.namespace());
        let private_registry = format!("{}/{}", private.host(), lab.images.namespace());
        let pulled: Result<_, EngineError> =
            lab.engine.pull_image(&format!("{registry}/bb:1")).await;
        pulled?;
        let faults = Mutex::default();
        Ok(RealStage { lab, _private: private, endpoint, registry, private_registry, faults })
    }
}

impl Stage for RealStage {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn registry(&self) -> &str {
        &self.registry
    }

    fn private_registry(&self) -> &str {
        &self.private_registry
    }

    fn set_trouble(&self, trouble: Trouble) {
        let proxy = &self.lab.proxy;
        let mut faults = self.faults.lock();
        faults.clear();
        proxy.limit_each(None);
        match trouble {
            Trouble::None => {}
            Trouble::Slow => proxy.limit_each(Some(SLOW)),
            Trouble::HoldsManifests => faults.push(proxy.inject(Target::Manifests, Fault::Hold)),
            Trouble::StallsLayers => {
                faults.push(proxy.inject(Target::Blobs, Fault::StallAfter(PART)));
            }
            Trouble::RefusesManifests(status) => {
                faults.push(proxy.inject(Target::Manifests, Fault::Answer(status)));
            }
            Trouble::CutsLayers => faults.push(proxy.inject(Target::Blobs, Fault::CutAfter(PART))),
        }
    }

    fn transfers(&self) -> Transfers {
        let stats = self.lab.proxy.stats();
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        // What is not large enough to be a layer is a configuration.
        let layers = stats.blobs.values().filter(|blob| blob.size > 100_000);
        Transfers {
            layers: count(layers.map(|blob| blob.in_flight).sum()),
            held: count(stats.held),
        }
    }
}
