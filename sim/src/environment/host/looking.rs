//! The host's files as containers see them that bind them.

use super::files::Node;
use super::{Shared, SimHost};
use crate::environment::daemon::{HostFile, HostFiles};
use std::fmt;
use std::path::{Path, PathBuf};

/// More links than this after another lead nowhere.
const LINKS_AT_MOST: usize = 40;

impl Shared {
    /// Where this path leads.
    fn follow(&self, path: &Path) -> Option<PathBuf> {
        let state = self.state.lock();
        let mut path = path.to_owned();
        for _ in 0..LINKS_AT_MOST {
            let link = path.ancestors().find_map(|above| match state.files.get(above)? {
                Node::Link(target) => Some(target.join(path.strip_prefix(above).ok()?)),
                _ => None,
            });
            match link {
                Some(target) => path = target,
                None => return Some(path),
            }
        }
        None
    }
}

impl HostFiles for SimHost {
    fn look(&self, path: &Path) -> Option<HostFile> {
        let path = self.0.follow(path)?;
        let state = self.0.state.lock();
        match state.files.get(&path) {
            Some(Node::File { .. }) => Some(HostFile::File),
            _ => state.files.is_working_directory(&path).then_some(HostFile::Directory),
        }
    }

    fn names(&self, path: &Path) -> Vec<String> {
        let Some(path) = self.0.follow(path) else { return Vec::new() };
        let state = self.0.state.lock();
        let below =
            state.files.all().filter_map(|(other, _)| Path::new(other).strip_prefix(&path).ok());
        let mut names: Vec<String> = below
            .filter_map(|rest| rest.components().next()?.as_os_str().to_str().map(str::to_owned))
            .collect();
        names.dedup();
        names
    }

    fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let path = self.0.follow(path)?;
        let state = self.0.state.lock();
        state.files.read(&path).ok().map(<[u8]>::to_vec)
    }
}

impl fmt::Debug for SimHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimHost")
    }
}
