//! Making the containerizer that an agent's `--containerizers` asks for.
//!
//! Mirrors `Containerizer::create` in `src/slave/containerizer/containerizer.cpp`.

use crate::{ComposingContainerizer, Containerizer};
use slog::Logger;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Makes one containerizer.
pub type Constructor = Box<dyn FnOnce() -> Result<Arc<dyn Containerizer>, String>>;

/// The kinds of containerizers that there are, by the names that `--containerizers` has for them.
#[derive(Default)]
pub struct ContainerizerFactory {
    kinds: BTreeMap<String, Constructor>,
}

/// The kinds that upstream has, and their classes there, for messages.
const CLASSES: [(&str, &str); 2] =
    [("docker", "DockerContainerizer"), ("mesos", "MesosContainerizer")];

impl ContainerizerFactory {
    /// One that knows no kind.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes `constructor` what is called for a containerizer of this kind.
    #[must_use]
    pub fn with(
        mut self,
        kind: &str,
        constructor: impl FnOnce() -> Result<Arc<dyn Containerizer>, String> + 'static,
    ) -> Self {
        self.kinds.insert(kind.to_owned(), Box::new(constructor));
        self
    }

    /// The containerizer for a value of `--containerizers`, kinds separated by commas: the only
    /// one, or several composed in the alphabetical order of their names, whatever their order in
    /// the flag.
    ///
    /// # Errors
    ///
    /// A kind that is named twice, that is unknown, or whose containerizer cannot be made.
    #[doc(alias = "Containerizer::create")]
    pub fn create(
        mut self,
        containerizers: &str,
        log: &Logger,
    ) -> Result<Arc<dyn Containerizer>, String> {
        let wanted: Vec<&str> = containerizers.split(',').collect();
        let kinds: BTreeSet<&str> = wanted.iter().copied().collect();
        if kinds.len() != wanted.len() {
            return Err(format!(
                "Duplicate entries found in --containerizer flag '{containerizers}'"
            ));
        }
        // differs: upstream makes the first ones before it comes upon an unknown one.
        if let Some(unknown) = kinds.iter().find(|kind| !self.kinds.contains_key(**kind)) {
            return Err(format!("Unknown or unsupported containerizer: {unknown}"));
        }
        let mut made = Vec::new();
        for kind in kinds {
            let Some(constructor) = self.kinds.remove(kind) else { continue };
            let containerizer = constructor().map_err(|error| {
                let class = CLASSES.iter().find(|(name, _)| *name == kind);
                let class = class.map_or(kind, |(_, class)| class);
                format!("Could not create {class}: {error}")
            })?;
            made.push(containerizer);
        }
        match made.as_slice() {
            [only] => Ok(Arc::clone(only)),
            _ => Ok(Arc::new(ComposingContainerizer::create(made, log.clone())?)),
        }
    }
}
