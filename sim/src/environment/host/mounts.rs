//! The mount table.

use std::path::{Path, PathBuf};

/// One bind mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub source: PathBuf,
    /// Where.
    pub target: PathBuf,
    /// Whether it can be written through.
    pub read_only: bool,
}

/// All bind mounts, the oldest first. The host's own mounts are not listed.
#[derive(Default)]
pub(super) struct Mounts(Vec<Mount>);

impl Mounts {
    pub(super) fn add(&mut self, source: &Path, target: &Path, read_only: bool) {
        self.0.push(Mount { source: source.to_owned(), target: target.to_owned(), read_only });
    }

    /// Takes away the newest mount on `target`.
    pub(super) fn remove(&mut self, target: &Path) -> Result<(), String> {
        match self.0.iter().rposition(|mount| mount.target == target) {
            Some(index) => {
                self.0.remove(index);
                Ok(())
            }
            None => Err(format!("Failed to unmount '{}': Invalid argument", target.display())),
        }
    }

    pub(super) fn all(&self) -> &[Mount] {
        &self.0
    }
}
