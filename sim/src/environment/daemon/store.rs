//! The daemon's images: by id, with the references that lead to them, and their layers.

use super::answer::Refusal;
use super::image::Image;
use super::messages;
use super::reference::{normalise, repository};
use process::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An image that is there.
pub(super) struct Stored {
    pub(super) image: Arc<Image>,
    /// Its references, tags and digests, sorted.
    pub(super) references: BTreeSet<Arc<str>>,
    pub(super) created: Time,
    /// When it was tagged by hand.
    pub(super) tagged: Option<Time>,
}

/// All images and layers.
#[derive(Default)]
pub(super) struct Store {
    /// By id.
    pub(super) images: BTreeMap<Arc<str>, Stored>,
    /// The id behind each reference.
    pub(super) references: BTreeMap<Arc<str>, Arc<str>>,
    /// Chain ids of the layers that are there.
    pub(super) layers: BTreeSet<Arc<str>>,
}

impl Store {
    /// Puts an image in, if it is not there yet.
    pub(super) fn add(&mut self, image: &Arc<Image>, now: Time) {
        let id = &image.spec.id;
        if !self.images.contains_key(id) {
            self.layers.extend(image.chain.iter().cloned());
            let stored = Stored {
                image: Arc::clone(image),
                references: BTreeSet::new(),
                created: now,
                tagged: None,
            };
            self.images.insert(Arc::clone(id), stored);
        }
    }

    /// Lets a reference lead to an image; whether it led elsewhere, or nowhere, before.
    pub(super) fn point(&mut self, reference: Arc<str>, id: &Arc<str>) -> bool {
        let before = self.references.insert(Arc::clone(&reference), Arc::clone(id));
        if before.as_ref() == Some(id) {
            return false;
        }
        if let Some(before) = before.and_then(|before| self.images.get_mut(&before)) {
            before.references.remove(&reference);
        }
        if let Some(stored) = self.images.get_mut(id) {
            stored.references.insert(reference);
        }
        true
    }

    /// Takes a reference away.
    pub(super) fn unpoint(&mut self, reference: &str) {
        if let Some(id) = self.references.remove(reference)
            && let Some(stored) = self.images.get_mut(&id)
        {
            stored.references.remove(reference);
        }
    }

    /// The image of this reference, id, or start of an id.
    pub(super) fn find(&self, name: &str) -> Result<&Stored, Refusal> {
        let reference = normalise(name);
        if let Some(stored) = self.references.get(&*reference).and_then(|id| self.images.get(id)) {
            return Ok(stored);
        }
        let value = name.strip_prefix("sha256:").unwrap_or(name);
        let is_prefix = !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_hexdigit());
        if is_prefix {
            let mut matching = self.images.values().filter(|stored| {
                stored.image.spec.id.strip_prefix("sha256:").is_some_and(|id| id.starts_with(value))
            });
            if let (Some(stored), None) = (matching.next(), matching.next()) {
                return Ok(stored);
            }
        }
        super::reference::check(name)?;
        Err(messages::no_such_image(&reference))
    }

    /// The size of an image.
    pub(super) fn size_of(&self, id: &str) -> Option<u64> {
        self.images.get(id).map(|stored| stored.image.spec.bytes())
    }

    /// The size of all layers of images, each counted once.
    pub(super) fn bytes(&self) -> u64 {
        let layers = self
            .images
            .values()
            .flat_map(|stored| stored.image.chain.iter().zip(&stored.image.spec.layers));
        let sizes: BTreeMap<&Arc<str>, u64> =
            layers.map(|(chain, layer)| (chain, layer.bytes)).collect();
        sizes.values().sum()
    }

    /// Forgets layers that no image has, except for those of `kept`, which a pull is about to use.
    /// Returns their chain ids.
    pub(super) fn release_layers<'a>(
        &mut self,
        kept: impl Iterator<Item = &'a Arc<Image>>,
    ) -> Vec<Arc<str>> {
        if self.layers.is_empty() {
            return Vec::new();
        }
        let kept: BTreeSet<Arc<str>> = kept.flat_map(|image| image.chain.iter().cloned()).collect();
        let images = &self.images;
        let used = |layer: &Arc<str>| {
            kept.contains(layer) || images.values().any(|stored| stored.image.chain.contains(layer))
        };
        let gone: Vec<_> = self.layers.iter().filter(|layer| !used(layer)).cloned().collect();
        for layer in &gone {
            self.layers.remove(layer);
        }
        gone
    }
}

impl Stored {
    /// Its tags.
    pub(super) fn tags(&self) -> impl Iterator<Item = &Arc<str>> {
        self.references.iter().filter(|reference| !reference.contains('@'))
    }

    /// Its references by digest.
    pub(super) fn digests(&self) -> impl Iterator<Item = &Arc<str>> {
        self.references.iter().filter(|reference| reference.contains('@'))
    }

    /// Whether all its references are of one repository, with at most one tag.
    pub(super) fn has_single_reference(&self) -> bool {
        let repositories: BTreeSet<&str> = self.digests().map(|one| repository(one)).collect();
        let mut tags = self.tags();
        match (tags.next(), tags.next()) {
            (_, Some(_)) => false,
            (Some(_), None) if repositories.is_empty() => true,
            (Some(tag), None) => repositories.len() == 1 && repositories.contains(repository(tag)),
            (None, _) => repositories.len() == 1,
        }
    }
}
