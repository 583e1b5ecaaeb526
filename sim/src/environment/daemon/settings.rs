//! What a daemon and its registry hold at the start, and how fast they are.

use crate::environment::host::Behaviour;
use docker::CreateBody;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What the program in a container does: when it ends by itself, what it makes of SIGTERM. By
/// default it runs until it is stopped, which SIGTERM does at once (exit code 143).
pub type Script = Behaviour;

/// A layer of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its digest: equal digests are the same layer, which is fetched once.
    pub digest: Arc<str>,
    /// Its compressed size.
    pub bytes: u64,
}

/// An image, in the registry or in the daemon's store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSpec {
    /// Its id: the digest of its configuration.
    pub id: Arc<str>,
    /// Its layers, the lowest first.
    pub layers: Vec<Layer>,
    /// `Config.Entrypoint`.
    pub entrypoint: Option<Vec<String>>,
    /// `Config.Env`.
    pub environment: BTreeMap<String, String>,
    /// What its containers do, unless their command [says otherwise](DaemonSettings::scripts).
    pub script: Script,
}

impl ImageSpec {
    /// An image without environment and entrypoint, of layers of these sizes that it shares with
    /// no other image. `name` makes up its digests.
    pub fn new(name: &str, layers: &[u64]) -> Self {
        let layer = |(index, bytes): (usize, &u64)| Layer {
            digest: format!("sha256:{name}-layer-{index}").into(),
            bytes: *bytes,
        };
        ImageSpec {
            id: format!("sha256:{name}").into(),
            layers: layers.iter().enumerate().map(layer).collect(),
            entrypoint: None,
            environment: BTreeMap::new(),
            script: Script::default(),
        }
    }
}

/// How long the daemon and its registry take for things.
#[derive(Clone, Debug)]
pub struct DaemonSettings {
    /// A request's way from the client to the daemon, and an answer's way back.
    pub travel: Duration,
    /// Creating a container.
    pub create: Duration,
    /// Starting a container: while it lasts, other requests for the container wait.
    pub start: Duration,
    /// Removing a container that does not run.
    pub remove: Duration,
    /// From the end of a container's process until the daemon knows.
    pub exit: Duration,
    /// One answer of the registry: the manifest, the configuration.
    pub registry: Duration,
    /// From a client's leaving until a write to it fails, where there is something to write.
    pub notice: Duration,
    /// The registry's silence under [`Fault::ClientUnnoticed`].
    ///
    /// [`Fault::ClientUnnoticed`]: crate::environment::Fault::ClientUnnoticed
    pub silence: Duration,
    /// How many times slower a pull is under [`Fault::PullSlow`].
    ///
    /// [`Fault::PullSlow`]: crate::environment::Fault::PullSlow
    pub slowness: u32,
    /// Bytes a second from the registry, for each layer.
    pub bandwidth: u64,
    /// Bytes a second for extracting a layer.
    pub extraction: u64,
    /// In how many steps a layer is downloaded, each with a line of progress.
    pub ticks: u32,
    /// What a container does when one of its command's words is this, in the order of precedence.
    pub scripts: Vec<(Arc<str>, Script)>,
}

impl Default for DaemonSettings {
    fn default() -> Self {
        DaemonSettings {
            travel: Duration::from_micros(200),
            create: Duration::from_millis(20),
            start: Duration::from_millis(150),
            remove: Duration::from_millis(20),
            exit: Duration::from_millis(5),
            registry: Duration::from_millis(100),
            notice: Duration::from_millis(100),
            silence: Duration::from_secs(30),
            slowness: 20,
            bandwidth: 10_000_000,
            extraction: 100_000_000,
            ticks: 2,
            scripts: Vec::new(),
        }
    }
}

impl DaemonSettings {
    /// What a container of this image with this body will do.
    pub(super) fn script(&self, image: &ImageSpec, body: &CreateBody) -> Script {
        let named = |word: &str| {
            let mut words = body.entrypoint.iter().flatten().chain(&body.command);
            words.any(|other| other == word)
        };
        let special = self.scripts.iter().find(|(word, _)| named(word));
        special.map_or(image.script, |(_, script)| *script)
    }
}

/// The time to move `bytes` at `rate` bytes a second.
pub(super) fn duration(bytes: u64, rate: u64) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / rate.max(1))
}
