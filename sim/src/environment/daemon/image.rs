//! Images: what the registry offers and the daemon stores.

use super::ids;
use super::script::Script;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A layer of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its digest. A layer is shared, and fetched once, where it is the same upon the same layers.
    pub digest: Arc<str>,
    /// Its compressed size.
    pub bytes: u64,
}

/// What becomes of a command that is no mini command (`shell.rs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Programs {
    /// It is the image's script.
    #[default]
    Any,
    /// There is no such program: the start fails with exit code 127.
    Known,
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
    /// `Config.Cmd`.
    pub command: Vec<String>,
    /// `Config.Env`, in its order.
    pub environment: IndexMap<String, String>,
    /// `Config.Labels`.
    pub labels: BTreeMap<String, String>,
    /// `Config.User`.
    pub user: String,
    /// `Config.WorkingDir`.
    pub working_dir: String,
    /// Ports that it exposes, `80/tcp`.
    pub exposed_ports: Vec<String>,
    /// What programs it has.
    pub programs: Programs,
    /// What its containers do, unless something else [says otherwise](super::scripts).
    pub script: Arc<Script>,
}

impl ImageSpec {
    /// An image with the command `/bin/sh`, of layers of these sizes that it shares with no other
    /// image. `name` makes up its digests.
    pub fn new(name: &str, layers: &[u64]) -> Self {
        let layer = |(index, bytes): (usize, &u64)| Layer {
            digest: ids::digest(&format!("{name}/layer/{index}")),
            bytes: *bytes,
        };
        ImageSpec {
            id: ids::digest(name),
            layers: layers.iter().enumerate().map(layer).collect(),
            entrypoint: None,
            command: vec!["/bin/sh".to_owned()],
            environment: IndexMap::new(),
            labels: BTreeMap::new(),
            user: String::new(),
            working_dir: String::new(),
            exposed_ports: Vec::new(),
            programs: Programs::Any,
            script: Arc::default(),
        }
    }

    /// The same with another script.
    #[must_use]
    pub fn with_script(mut self, script: Script) -> Self {
        self.script = Arc::new(script);
        self
    }

    /// The digest of its manifest, which a pull reports and references may name.
    pub fn manifest_digest(&self) -> Arc<str> {
        ids::digest(&format!("{}/manifest", self.id))
    }

    /// The size of all its layers.
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.bytes).sum()
    }
}

/// The chain ids of an image's layers: what a removal calls them.
pub fn chain_ids(image: &ImageSpec) -> Vec<Arc<str>> {
    Image::new(Arc::new(image.clone())).chain.clone()
}

/// An image and the chain ids of its layers: what identifies a layer together with all below it.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) spec: Arc<ImageSpec>,
    pub(super) chain: Vec<Arc<str>>,
}

impl Image {
    pub(super) fn new(spec: Arc<ImageSpec>) -> Arc<Self> {
        let mut chain: Vec<Arc<str>> = Vec::with_capacity(spec.layers.len());
        for layer in &spec.layers {
            let id = match chain.last() {
                None => Arc::clone(&layer.digest),
                Some(below) => ids::digest(&format!("{below} {}", layer.digest)),
            };
            chain.push(id);
        }
        Arc::new(Image { spec, chain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_id_depends_on_the_layers_below() {
        let base = ImageSpec::new("base", &[1]);
        let mut upon_base = ImageSpec::new("app", &[2]);
        let alone = Image::new(Arc::new(upon_base.clone()));
        upon_base.layers.insert(0, base.layers[0].clone());
        let upon_base = Image::new(Arc::new(upon_base));
        assert_eq!(upon_base.chain[0], Image::new(Arc::new(base)).chain[0]);
        assert_ne!(upon_base.chain[1], alone.chain[0]);
    }
}
